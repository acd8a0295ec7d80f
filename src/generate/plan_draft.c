/* plan_draft.c - a draft of a film begins from the noise of the film itself, so that it shows what
 * the film will be: in a quarter of the steps, and in half of each side where the network draws any
 * size. Networks of one size draw a small picture of something else. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/torch_rng.h"
#include "generate/plan_inner.h"

enum { STEPS_PART = 4, FEWEST_STEPS = 4, SIDES_PART = 2 };

static int part_of(int side, int unit)
{
    int units = side / SIDES_PART / unit;

    return (units ? units : 1) * unit;
}

void plan_draft_size(struct plan *p, const struct request *r)
{
    const int *patch = p->dit.patch;

    p->draft = request_flag(r, OPT_DRAFT);
    p->whole.w = p->film_w;
    p->whole.h = p->film_h;
    p->whole.lw = p->lw;
    p->whole.lh = p->lh;
    if (!p->draft)
        return;
    if (p->info.diffusers) {
        p->lw = part_of(p->lw, patch[2]);
        p->lh = part_of(p->lh, patch[1]);
        p->seen_w = p->w = p->lw * p->codec.ks;
        p->seen_h = p->h = p->lh * p->codec.ks;
    }
    p->film_w = p->seen_w;
    p->film_h = p->seen_h;
}

void plan_draft_steps(struct plan *p)
{
    int fewer = (p->steps + STEPS_PART - 1) / STEPS_PART;

    p->whole.steps = p->steps;
    fewer = fewer > FEWEST_STEPS ? fewer : FEWEST_STEPS;
    if (p->draft && fewer < p->steps)
        p->steps = fewer;
}

/* Where place i of n begins among `whole`. */
static int begins(int i, int n, int whole)
{
    return (int)((int64_t)i * whole / n);
}

/* Sums of independent Gaussians over the root of their number are Gaussian again, and as wide. */
static void sum_plane(float *out, int w, int h, const float *in, int whole_w, int whole_h)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            int x0 = begins(x, w, whole_w), x1 = begins(x + 1, w, whole_w);
            int y0 = begins(y, h, whole_h), y1 = begins(y + 1, h, whole_h);
            double sum = 0;

            for (int v = y0; v < y1; v++)
                for (int u = x0; u < x1; u++)
                    sum += in[(size_t)v * (size_t)whole_w + (size_t)u];
            *out++ = (float)(sum / sqrt((double)(x1 - x0) * (y1 - y0)));
        }
}

int plan_noise(const struct plan *p, struct torch_rng *rng, float *x, struct err *e)
{
    struct latent_shape s = plan_latent(p);
    size_t plane = (size_t)s.h * (size_t)s.w, planes = (size_t)s.c * (size_t)s.t,
           whole = (size_t)p->whole.lh * (size_t)p->whole.lw;
    float *noise;

    if (whole == plane) {
        torch_rng_normal(rng, x, planes * plane);
        return 0;
    }
    noise = try_malloc(planes * whole * sizeof *noise, e, "the noise of the film");
    if (!noise)
        return ERR_FIT;
    torch_rng_normal(rng, noise, planes * whole);
    for (size_t i = 0; i < planes; i++)
        sum_plane(x + plane * i, s.w, s.h, noise + whole * i, p->whole.lw, p->whole.lh);
    free(noise);
    return 0;
}
