#include "generate/stagger.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "generate/plan_inner.h"

/* Half a token on each side, where a token is more than one place. */
struct latent_shape stagger_shape(const struct latent_shape *s)
{
    struct latent_shape to = *s;

    to.h += s->ph > 1 ? s->ph : 0;
    to.w += s->pw > 1 ? s->pw : 0;
    return to;
}

int stagger_wanted(double below, int i, int n, double sigma)
{
    return sigma < below && (n - 1 - i) % 2 == 0;
}

static int within(int at, int n)
{
    return at < 0 ? 0 : at >= n ? n - 1 : at;
}

void stagger_pad(const struct latent_shape *s, const float *x, float *out)
{
    struct latent_shape to = stagger_shape(s);
    int up = (to.h - s->h) / 2, left = (to.w - s->w) / 2;

    for (int f = 0; f < s->c * s->t; f++)
        for (int v = 0; v < to.h; v++)
            for (int u = 0; u < to.w; u++)
                *out++ =
                    x[((size_t)f * (size_t)s->h + (size_t)within(v - up, s->h)) * (size_t)s->w +
                      (size_t)within(u - left, s->w)];
}

void stagger_crop(const struct latent_shape *s, const float *x, float *out)
{
    struct latent_shape from = stagger_shape(s);
    int up = (from.h - s->h) / 2, left = (from.w - s->w) / 2;
    size_t w = (size_t)s->w;

    for (int f = 0; f < s->c * s->t; f++)
        for (int v = 0; v < s->h; v++, out += w)
            memcpy(out, x + ((size_t)f * (size_t)from.h + (size_t)(v + up)) * (size_t)from.w + left,
                   w * sizeof *out);
}

int stagger_settle(struct plan *p, const struct request *r, struct err *e)
{
    const char *why = NULL;

    if (p->dit.patch[1] < 2 && p->dit.patch[2] < 2)
        why = "a token of this model is one place of the latent";
    else if (p->dit.in_channels > p->dit.out_channels || p->dit.n_controls)
        why = "this model reads pictures beside the latent";
    else if (p->cut)
        why = "it goes with no cache, which guesses from evaluations of one cut";
    else if (p->region.n)
        why = "it goes with no mask and no outpaint";
    p->stagger = request_real(r, OPT_STAGGER, why ? 0 : p->info.stagger);
    if (!(p->stagger > 0) || !why)
        return 0;
    if (!r->value[OPT_STAGGER].from_recipe)
        return err_set(e, ERR_USAGE, "stagger: %s; 0 is allowed", why);
    plan_note(p, xasprintf("stagger: %s; the recipe's %g is left out", why, p->stagger));
    p->stagger = 0;
    return 0;
}

int stagger_init(struct velocity *v, struct err *e)
{
    struct stagger *s = xcalloc(1, sizeof *s);
    size_t bytes;

    s->shape = stagger_shape(&v->ask.shape);
    bytes = latent_count(&s->shape) * sizeof(float);
    v->stagger = s;
    s->out = try_malloc(2 * bytes, e, "velocities");
    s->x = try_malloc(bytes, e, "a latent");
    s->said = try_malloc(bytes, e, "a latent");
    s->time_index =
        try_malloc(2 * (size_t)latent_tokens(&s->shape) * sizeof(int32_t), e, "timesteps");
    return s->out && s->x && s->said && s->time_index ? 0 : ERR_FIT;
}

void stagger_release(struct velocity *v)
{
    struct stagger *s = v->stagger;

    if (!s)
        return;
    free(s->out);
    free(s->time_index);
    free(s->x);
    free(s->said);
    free(s);
    v->stagger = NULL;
}

void stagger_forget(struct velocity *v)
{
    struct stagger *s = v->stagger;

    for (int i = 0; s && i < 4; i++)
        replay_release(v->cx, &s->replay[i / 2][i % 2]);
    if (s)
        memset(s->replay, 0, sizeof s->replay);
}

#define EXCHANGE(a, b)                                                                             \
    do {                                                                                           \
        unsigned char t_[sizeof(a)];                                                               \
        memcpy(t_, &(a), sizeof(a));                                                               \
        memcpy(&(a), &(b), sizeof(a));                                                             \
        memcpy(&(b), t_, sizeof(a));                                                               \
    } while (0)

/* v is cut the other way until the next exchange, and asked as any other. */
static void exchange(struct velocity *v, struct stagger *s)
{
    v->stagger = v->stagger ? NULL : s;
    EXCHANGE(v->ask.shape, s->shape);
    EXCHANGE(v->out, s->out);
    EXCHANGE(v->time_index, s->time_index);
    EXCHANGE(v->replay, s->replay);
}

void stagger_give(struct velocity *v, const struct given *list, int n)
{
    struct stagger *s = v->stagger;

    if (!s)
        return;
    exchange(v, s);
    velocity_give(v, list, n, NULL);
    exchange(v, s);
}

int stagger_at(struct velocity *v, const float *x, double timestep, double sigma, float *out,
               struct err *e)
{
    struct stagger *s = v->stagger;
    struct latent_shape shape = v->ask.shape;

    stagger_pad(&shape, x, s->x);
    exchange(v, s);
    int rc = velocity_at(v, s->x, timestep, sigma, s->said, e);
    exchange(v, s);
    if (!rc)
        stagger_crop(&shape, s->said, out);
    return rc;
}
