#include "train/vae_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "train/klt.h"

enum { STREAM_PLACE = 1, STREAM_NOISE = 2, STREAM_KLT = 3 };

/* One key per (seed, step): streams of different steps never meet. */
static uint64_t step_key(uint64_t seed, int64_t step)
{
    return seed * 0x9e3779b97f4a7c15ull + (uint64_t)step * 0xbf58476d1ce4e5b9ull + 1;
}

void vae_batch_sizes(struct vae_batch *b, const struct tiny_vae *m, const struct clip_shape *shape,
                     int n, int groups)
{
    *b = (struct vae_batch){.n = n,
                            .t = groups * m->kt,
                            .h = shape->height,
                            .w = shape->width,
                            .lh = shape->height / m->ks,
                            .lw = shape->width / m->ks,
                            .c = m->config.latent_channels,
                            .lt = groups};
}

void vae_batch_init(struct vae_batch *b, const struct tiny_vae *m, const struct clip_shape *shape,
                    int n, int groups)
{
    vae_batch_sizes(b, m, shape, n, groups);
    size_t pixels = (size_t)n * (size_t)b->t * (size_t)b->h * (size_t)b->w;
    size_t latent = (size_t)n * (size_t)groups * (size_t)b->lh * (size_t)b->lw * (size_t)b->c;
    b->video = xmalloc(sizeof(float) * pixels * 3);
    b->weight = xmalloc(sizeof(float) * pixels);
    b->noise = xmalloc(sizeof(float) * latent);
}

void vae_batch_release(struct vae_batch *b)
{
    free(b->video);
    free(b->weight);
    free(b->noise);
    *b = (struct vae_batch){0};
}

/* Frames of `groups` groups from group g0 on; the first group of a clip is frame 0 over and over.
 */
static int read_groups(const struct reel *reel, int clip, int g0, int groups, int kt, uint8_t *rgb,
                       uint8_t *ids, struct err *e)
{
    size_t px = (size_t)reel->shape.width * (size_t)reel->shape.height;
    int first = g0 ? kt * (g0 - 1) + 1 : 0, repeat = g0 ? 0 : kt - 1;
    int rc = reel_read(reel, clip, first, groups * kt - repeat, rgb + px * 3 * (size_t)repeat,
                       ids + px * (size_t)repeat, e);
    for (int i = 0; i < repeat && !rc; i++) {
        memcpy(rgb + px * 3 * (size_t)i, rgb + px * 3 * (size_t)repeat, px * 3);
        memcpy(ids + px * (size_t)i, ids + px * (size_t)repeat, px);
    }
    return rc;
}

static int moved(const uint8_t *a, const uint8_t *b)
{
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]) > 24;
}

/* Pixels and weights of sequence s from bytes. The repeats before frame 0 are thrown away by
 * decoding. */
static void fill_sequence(struct vae_batch *b, int s, const uint8_t *rgb, const uint8_t *ids,
                          int skip, double heavy)
{
    size_t px = (size_t)b->h * (size_t)b->w, n = px * (size_t)b->t;
    float *video = b->video + n * 3 * (size_t)s, *weight = b->weight + n * (size_t)s;
    for (size_t i = 0; i < n * 3; i++)
        video[i] = (float)rgb[i] / 255;
    for (size_t i = 0; i < n; i++) {
        int changed = i >= px && moved(rgb + 3 * i, rgb + 3 * (i - px));
        weight[i] = i < px * (size_t)skip ? 0 : ids[i] || changed ? (float)heavy : 1;
    }
}

int vae_batch_draw(struct vae_batch *b, const struct reel *reel, const struct tiny_vae *m,
                   const struct vae_recipe *r, uint64_t seed, int64_t step, struct err *e)
{
    size_t n = (size_t)b->t * (size_t)b->h * (size_t)b->w;
    size_t latent = (size_t)b->lt * (size_t)b->lh * (size_t)b->lw * (size_t)b->c;
    uint8_t *rgb = xmalloc(n * 3), *ids = xmalloc(n);
    uint64_t key = step_key(seed, step);
    int all = (reel->shape.frames - 1) / m->kt + 1, rc = 0;
    for (int s = 0; s < b->n && !rc; s++) {
        struct rng g;
        rng_init(&g, key, STREAM_PLACE + 16 * (uint64_t)s);
        int clip = rng_below(&g, reel->n);
        int g0 = rng_below(&g, all - b->lt + 1);
        if (rng_chance(&g, 0.25)) /* the first picture is what the eye judges */
            g0 = 0;
        double sigma = rng_chance(&g, 0.5) ? rng_range(&g, 0, r->noise) : 0;
        rc = read_groups(reel, clip, g0, b->lt, m->kt, rgb, ids, e);
        if (rc)
            break;
        fill_sequence(b, s, rgb, ids, g0 ? 0 : m->kt - 1, r->object_weight);
        float *noise = b->noise + latent * (size_t)s;
        rng_fill_normal(noise, latent, key, STREAM_NOISE + 16 * (uint64_t)s, 0);
        for (size_t i = 0; i < latent; i++)
            noise[i] *= (float)sigma;
    }
    free(rgb);
    free(ids);
    return rc;
}

/* f32 host values as a wide tensor of the step. */
static struct tensor *input(struct cx *cx, int rank, const int64_t *dim, const float *values)
{
    return tensor_from(cx, cx->wide, rank, dim, values, DT_F32);
}

/* x as rows of n things of `size` numbers -> [rows, (n-1)*size]: each minus the one before. */
static struct tensor *steps_of(struct cx *cx, struct tensor *x, int64_t rows, int64_t n,
                               int64_t size)
{
    x = reshape(cx, x, DIMS(rows, n * size));
    struct tensor *later = slice_last(cx, x, size, (n - 1) * size);
    struct tensor *earlier = slice_last(cx, x, 0, (n - 1) * size);
    return add_scaled(cx, later, 1, earlier, -1);
}

/* L1 between the steps of two videos [n,t,h,w,3] from pixel to pixel, to the right and downward. */
static struct tensor *edges_l1(struct cx *cx, struct tensor *y, struct tensor *target,
                               const struct vae_batch *b, double weight)
{
    int64_t frames = (int64_t)b->n * b->t, row = (int64_t)b->w * 3;
    struct tensor *right = loss_l1(cx, steps_of(cx, y, frames * b->h, b->w, 3),
                                   steps_of(cx, target, frames * b->h, b->w, 3), NULL,
                                   weight / (double)(frames * b->h));
    struct tensor *down =
        loss_l1(cx, steps_of(cx, y, frames, b->h, row), steps_of(cx, target, frames, b->h, row),
                NULL, weight / (double)frames);
    return add(cx, right, down);
}

struct tensor *vae_loss(struct cx *cx, const struct tiny_vae *m, const struct vae_batch *b,
                        const struct vae_recipe *r)
{
    int64_t rows = (int64_t)b->n * b->t * b->h * b->w;
    double sum = b->weight ? 0 : (double)rows;
    for (int64_t i = 0; b->weight && i < rows; i++)
        sum += b->weight[i];
    struct tensor *x = keep(cx, input(cx, DIMS(b->n, b->t, b->h, b->w, 3), b->video)), *target = x;
    struct tensor *weight = input(cx, DIMS(rows), b->weight);
    struct tensor *noise = input(cx, DIMS((int64_t)b->n * b->lt, b->lh, b->lw, b->c), b->noise);
    struct tensor *z = add(cx, tiny_vae_encode_clips(cx, m, x), noise);
    z = reshape(cx, z, DIMS(b->n, b->lt, b->lh, b->lw, b->c));
    struct tensor *y = keep(cx, tiny_vae_decode_clips(cx, m, z));
    struct tensor *loss = loss_l2(cx, y, target, weight, 1 / sum);
    if (r->l1 > 0)
        loss = add(cx, loss, loss_l1(cx, y, target, weight, r->l1 / sum));
    if (r->difference > 0) {
        int64_t frame = (int64_t)b->h * b->w * 3;
        struct tensor *dy = steps_of(cx, y, b->n, b->t, frame);
        struct tensor *dt = steps_of(cx, target, b->n, b->t, frame);
        loss = add(cx, loss, loss_l1(cx, dy, dt, NULL, r->difference / b->n));
    }
    if (r->gradient > 0)
        loss = add(cx, loss, edges_l1(cx, y, target, b, r->gradient));
    return loss;
}

/* Blocks of one group as rows (t,y,x,c); blocks with objects always, the others one time in three.
 */
static int64_t group_rows(float *rows, const uint8_t *rgb, const uint8_t *ids,
                          const struct clip_shape *s, int kt, int ks, struct rng *g)
{
    int64_t n = 0, dim = (int64_t)kt * ks * ks * 3;
    for (int by = 0; by < s->height; by += ks)
        for (int bx = 0; bx < s->width; bx += ks) {
            int object = 0;
            float *row = rows + n * dim;
            for (int t = 0; t < kt; t++)
                for (int y = 0; y < ks; y++) {
                    size_t at =
                        ((size_t)t * (size_t)s->height + (size_t)(by + y)) * (size_t)s->width +
                        (size_t)bx;
                    for (int x = 0; x < ks * 3; x++)
                        *row++ = (float)rgb[at * 3 + (size_t)x] / 255;
                    for (int x = 0; x < ks; x++)
                        object |= ids[at + (size_t)x];
                }
            if (rng_chance(g, 1.0 / 3) || object)
                n++;
        }
    return n;
}

double vae_fit_klt(struct tiny_vae *m, const struct reel *reel, int n_groups, uint64_t seed,
                   struct threads *th, struct err *e)
{
    enum { GROUPS_AT_ONCE = 64 };
    const struct clip_shape *s = &reel->shape;
    int dim = m->kt * m->ks * m->ks * 3, c = m->config.latent_channels,
        all = (s->frames - 1) / m->kt + 1;
    size_t px = (size_t)s->width * (size_t)s->height * (size_t)m->kt;
    int64_t blocks = (int64_t)(s->width / m->ks) * (s->height / m->ks);
    uint8_t *rgb = xmalloc(px * 3), *ids = xmalloc(px);
    /* Later the same memory holds basis, mean and scale. */
    float *rows = xmalloc(sizeof(float) * (size_t)((blocks * GROUPS_AT_ONCE + c + 2) * dim));
    struct klt_fit fit;
    struct rng g;
    klt_init(&fit, dim);
    rng_init(&g, step_key(seed, -1), STREAM_KLT);
    int rc = 0;
    for (int i = 0; i < n_groups && !rc; i += GROUPS_AT_ONCE) {
        int64_t n = 0;
        for (int j = i; j < n_groups && j < i + GROUPS_AT_ONCE && !rc; j++) {
            int clip = rng_below(&g, reel->n), g0 = rng_below(&g, all);
            rc = read_groups(reel, clip, g0, 1, m->kt, rgb, ids, e);
            if (!rc)
                n += group_rows(rows + n * dim, rgb, ids, s, m->kt, m->ks, &g);
        }
        if (!rc)
            klt_add(&fit, rows, n, th);
    }
    if (!rc && !fit.n)
        rc = err_set(e, ERR_FORMAT, "vae: klt_groups: %d groups of so small pictures are too few",
                     n_groups);
    double share = rc;
    if (!rc) {
        float *basis = rows, *mean = rows + (size_t)c * (size_t)dim, *scale = mean + dim;
        share = klt_solve(&fit, c, mean, basis, scale, th);
        tiny_vae_set_klt(m, mean, basis, scale);
    }
    klt_release(&fit);
    free(rows);
    free(rgb);
    free(ids);
    return share;
}
