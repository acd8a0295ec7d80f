#include "generate/latent.h"

#include "base/hash.h"

size_t latent_count(const struct latent_shape *s)
{
    return (size_t)s->c * (size_t)s->t * (size_t)s->h * (size_t)s->w;
}

int64_t latent_tokens(const struct latent_shape *s)
{
    return (int64_t)(s->t / s->pt) * (s->h / s->ph) * (s->w / s->pw);
}

int latent_columns(const struct latent_shape *s)
{
    return s->c * s->pt * s->ph * s->pw;
}

/* Position in x of element (c, i, j, k) of the token at patch (t, y, x). */
static size_t at(const struct latent_shape *s, int c, int t, int y, int x)
{
    return (((size_t)c * (size_t)s->t + (size_t)t) * (size_t)s->h + (size_t)y) * (size_t)s->w +
           (size_t)x;
}

void latent_to_rows(const struct latent_shape *s, const float *x, float *rows)
{
    for (int t = 0; t < s->t; t += s->pt)
        for (int y = 0; y < s->h; y += s->ph)
            for (int u = 0; u < s->w; u += s->pw)
                for (int c = 0; c < s->c; c++)
                    for (int i = 0; i < s->pt; i++)
                        for (int j = 0; j < s->ph; j++)
                            for (int k = 0; k < s->pw; k++)
                                *rows++ = x[at(s, c, t + i, y + j, u + k)];
}

void latent_from_rows(const struct latent_shape *s, const float *rows, float *x)
{
    for (int t = 0; t < s->t; t += s->pt)
        for (int y = 0; y < s->h; y += s->ph)
            for (int u = 0; u < s->w; u += s->pw)
                for (int i = 0; i < s->pt; i++)
                    for (int j = 0; j < s->ph; j++)
                        for (int k = 0; k < s->pw; k++)
                            for (int c = 0; c < s->c; c++)
                                x[at(s, c, t + i, y + j, u + k)] = *rows++;
}

void latent_get_frame(const struct latent_shape *s, const float *x, int f, const float *scale,
                      const float *shift, float *out)
{
    for (int y = 0; y < s->h; y++)
        for (int u = 0; u < s->w; u++)
            for (int c = 0; c < s->c; c++)
                *out++ = x[at(s, c, f, y, u)] * scale[c] + shift[c];
}

void latent_set_frame(const struct latent_shape *s, float *x, int f, const float *scale,
                      const float *shift, const float *in)
{
    for (int y = 0; y < s->h; y++)
        for (int u = 0; u < s->w; u++)
            for (int c = 0; c < s->c; c++)
                x[at(s, c, f, y, u)] = (*in++ - shift[c]) / scale[c];
}

void latent_hash(const struct latent_shape *s, const float *x, char hex[65])
{
    struct sha256 h;

    sha256_init(&h);
    sha256_add(&h, x, latent_count(s) * sizeof(float));
    sha256_hex(&h, hex);
}
