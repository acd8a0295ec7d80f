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

size_t latent_place_of(const struct latent_shape *s, int64_t token, int i)
{
    int64_t across = s->w / s->pw, down = s->h / s->ph;
    int64_t x = token % across * s->pw + i % s->pw;
    int64_t y = token / across % down * s->ph + i / s->pw % s->ph;
    int64_t t = token / (across * down) * s->pt + i / (s->pw * s->ph);

    return (size_t)((t * s->h + y) * s->w + x);
}

/* Position in x of channel c at (t, y, x). */
static size_t at(const struct latent_shape *s, int c, int t, int y, int x)
{
    return (((size_t)c * (size_t)s->t + (size_t)t) * (size_t)s->h + (size_t)y) * (size_t)s->w +
           (size_t)x;
}

void latent_get_frame(const struct latent_shape *s, const float *x, int f, const float *scale,
                      const float *shift, float *out)
{
    for (int y = 0; y < s->h; y++)
        for (int u = 0; u < s->w; u++)
            for (int c = 0; c < s->c; c++) {
                float v = x[at(s, c, f, y, u)];
                *out++ = scale ? v * scale[c] + shift[c] : v;
            }
}

void latent_hash_add(struct sha256 *hash, const struct latent_shape *s, const float *x, int from,
                     int to)
{
    size_t frame = (size_t)s->h * (size_t)s->w, skip = frame * (size_t)from;

    for (int c = 0; c < s->c; c++, x += frame * (size_t)s->t)
        sha256_add(hash, x + skip, (frame * (size_t)to - skip) * sizeof(float));
}
