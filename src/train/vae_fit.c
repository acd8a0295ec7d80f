/* What of the decoder's root is fitted by least squares: the places around a block, the borders
 * between blocks, motion. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/eigen.h"
#include "train/normal.h"
#include "train/vae_begin.h"

/* One batch after the other, with noise on the latents, through the decoder as it is. */
struct fit {
    struct tiny_vae *m;
    struct cx *cx;
    const struct reel *reel;
    const struct vae_recipe *recipe;
    uint64_t seed;
    struct kcx kcx;
    struct vae_batch b;
    int64_t groups, rows, P, batches; /* of a batch; values of a block; batches in all */
    float *z;                         /* [rows,C] */
    float *decoded, *error;           /* [rows,P] (t,y,x,c); error: what is missing in decoded */
    struct normal guess;              /* of motion: what is ahead by what is behind */
};

static void fit_init(struct fit *f)
{
    const struct vae_recipe *r = f->recipe;
    vae_batch_init(&f->b, f->m, &f->reel->shape, r->batch, r->groups);
    kcx_init(&f->kcx, f->cx->kcx.threads);
    f->groups = (int64_t)r->batch * r->groups;
    f->rows = f->groups * f->b.lh * f->b.lw;
    f->P = (int64_t)f->m->kt * f->m->ks * f->m->ks * 3;
    f->batches = (r->klt_groups + f->groups - 1) / f->groups;
    f->z = xmalloc(sizeof *f->z * (size_t)(f->rows * f->b.c));
    f->decoded = xmalloc(sizeof *f->decoded * (size_t)(f->rows * f->P));
    f->error = xmalloc(sizeof *f->error * (size_t)(f->rows * f->P));
}

static void fit_release(struct fit *f)
{
    vae_batch_release(&f->b);
    kcx_release(&f->kcx);
    free(f->z);
    free(f->decoded);
    free(f->error);
}

/* Pictures [groups*kt,h,w,3] as rows (t,y,x,c) of blocks. */
static void block_rows(const struct fit *f, float *rows, const float *video)
{
    const struct vae_batch *b = &f->b;
    int kt = f->m->kt, ks = f->m->ks;
    int64_t line = (int64_t)b->w * 3, piece = (int64_t)ks * 3;
    for (int64_t g = 0; g < f->groups; g++)
        for (int64_t by = 0; by < b->lh; by++)
            for (int64_t bx = 0; bx < b->lw; bx++)
                for (int64_t t = 0; t < kt; t++)
                    for (int64_t r = 0; r < ks; r++, rows += piece) {
                        int64_t at = ((g * kt + t) * b->h + by * ks + r) * line + bx * piece;
                        memcpy(rows, video + at, sizeof *rows * (size_t)piece);
                    }
}

/* Steps below 0 are drawn by no other. */
static int fit_draw(struct fit *f, int64_t i, struct err *e)
{
    const struct vae_batch *b = &f->b;
    struct cx *cx = f->cx;
    int rc = vae_batch_draw(&f->b, f->reel, f->m, f->recipe, f->seed, -2 - i, e);
    if (rc)
        return rc;
    float *y = xmalloc(sizeof *y * (size_t)(f->rows * f->P));
    struct tensor *video =
        tensor_from(cx, cx->wide, DIMS(b->n, b->t, b->h, b->w, 3), b->video, DT_F32);
    struct tensor *noise =
        tensor_from(cx, cx->wide, DIMS(f->groups, b->lh, b->lw, b->c), b->noise, DT_F32);
    struct tensor *latent = keep(cx, add(cx, tiny_vae_encode_clips(cx, f->m, video), noise));
    struct tensor *out =
        tiny_vae_decode_clips(cx, f->m, reshape(cx, latent, DIMS(b->n, b->lt, b->lh, b->lw, b->c)));
    tensor_read_f32(cx, latent, f->z);
    tensor_read_f32(cx, out, y);
    cx_step_end(cx);
    block_rows(f, f->decoded, y);
    block_rows(f, f->error, b->video);
    free(y);
    for (int64_t k = 0; k < f->rows * f->P; k++)
        f->error[k] -= f->decoded[k];
    return cx->err.code ? err_set(e, cx->err.code, "vae: %s", cx->err.msg) : 0;
}

/* ---- the places around a block ---- */

/* Rows (ky,kx,c) of the 3x3 places around each place of the latents; zeros beyond the border, as
 * the convolution sees them. */
static void neighbours(struct fit *f, float *x)
{
    int64_t h = f->b.lh, w = f->b.lw, C = f->b.c;
    for (int64_t i = 0; i < f->rows; i++, x += 9 * C) {
        int64_t row = i / w % h, col = i % w;
        for (int64_t k = 0; k < 9; k++) {
            int64_t dy = k / 3 - 1, dx = k % 3 - 1;
            if (row + dy < 0 || row + dy >= h || col + dx < 0 || col + dx >= w)
                memset(x + k * C, 0, sizeof *x * (size_t)C);
            else
                memcpy(x + k * C, f->z + (i + dy * w + dx) * C, sizeof *x * (size_t)C);
        }
    }
}

/* ---- the borders between blocks ---- */

enum { ACROSS, DOWN, SAMPLES = 8192 };
#define WEIGHT_FLOOR 0.01 /* of the range of pixels: quieter than that all weigh the same */

/* Steps over one kind of border, as vectors (t, place along the border, colour). */
struct borders {
    int64_t d; /* values of a vector */
    double *moment;
    float *sample; /* [SAMPLES,d], the first ones */
    int64_t n;
};

/* Quiet places count as much as busy ones: it is there that a step is seen. */
static double weight_of(const float *x, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return 1 / (sqrt(sum / (double)n) + WEIGHT_FLOOR);
}

/* The place of value i of a border vector within a block; last: at the block's far side. */
static int64_t edge_place(const struct fit *f, int kind, int last, int64_t i)
{
    int64_t ks = f->m->ks, c = i % 3, along = i / 3 % ks, t = i / 3 / ks, at = last ? ks - 1 : 0;
    int64_t y = kind == DOWN ? at : along, x = kind == DOWN ? along : at;
    return ((t * ks + y) * ks + x) * 3 + c;
}

static void add_step(struct borders *s, const float *v)
{
    double w = weight_of(v, s->d);
    for (int64_t i = 0; i < s->d; i++)
        for (int64_t j = 0; j <= i; j++)
            s->moment[i * s->d + j] += w * w * v[i] * v[j];
    if (s->n < SAMPLES)
        memcpy(s->sample + s->n * s->d, v, sizeof *v * (size_t)s->d);
    s->n++;
}

/* Every third border of a batch. */
static void add_borders(const struct fit *f, struct borders *s, int kind)
{
    int64_t w = f->b.lw, h = f->b.lh, next = kind == DOWN ? w : 1;
    float *v = xmalloc(sizeof *v * (size_t)s->d);
    for (int64_t r = 0; r < f->rows; r += 3) {
        if (kind == DOWN ? r / w % h == h - 1 : r % w == w - 1)
            continue;
        const float *a = f->decoded + r * f->P, *b = f->decoded + (r + next) * f->P;
        for (int64_t i = 0; i < s->d; i++)
            v[i] = b[edge_place(f, kind, 0, i)] - a[edge_place(f, kind, 1, i)];
        add_step(s, v);
    }
    free(v);
}

/* Mean size of the steps of the sample in direction v, quiet ones as much as others. */
static double size_of(const struct borders *s, const double *v)
{
    double sum = 0, weights = 1e-30;
    for (int64_t k = 0; k < s->n && k < SAMPLES; k++) {
        const float *x = s->sample + k * s->d;
        double c = 0, w = weight_of(x, s->d);
        for (int64_t i = 0; i < s->d; i++)
            c += v[i] * x[i];
        sum += w * fabs(c);
        weights += w;
    }
    return fmax(sum / weights, 1e-6);
}

/* The principal directions of the steps, in units of their sizes, as rows of `edges`. */
static void set_edges(const struct fit *f, struct borders *s, int kind, float *edges)
{
    int64_t n = f->m->deblock.n;
    double *value = xmalloc(sizeof *value * (size_t)n);
    double *vector = xmalloc(sizeof *vector * (size_t)(n * s->d));
    for (int64_t i = 0; i < s->d; i++)
        for (int64_t j = i + 1; j < s->d; j++)
            s->moment[i * s->d + j] = s->moment[j * s->d + i];
    eigen_top(s->moment, (int)s->d, (int)n, value, vector, f->cx->kcx.threads);
    for (int64_t k = 0; k < n; k++) {
        const double *v = vector + k * s->d;
        double size = size_of(s, v);
        for (int last = 0; last < 2; last++) {
            float *row = edges + ((kind * 2 + last) * n + k) * f->P;
            for (int64_t i = 0; i < s->d; i++)
                row[edge_place(f, kind, last, i)] = (float)(v[i] / size);
        }
    }
    free(value);
    free(vector);
}

static int fit_edges(struct fit *f, struct err *e)
{
    int64_t d = (int64_t)f->m->kt * f->m->ks * 3;
    struct borders s[2];
    int rc = 0;
    for (int k = 0; k < 2; k++) {
        s[k] = (struct borders){.d = d};
        s[k].moment = xcalloc((size_t)(d * d), sizeof *s[k].moment);
        s[k].sample = xmalloc(sizeof *s[k].sample * (size_t)(SAMPLES * d));
    }
    for (int64_t i = 0; i < (f->batches + 7) / 8 && !rc; i++)
        if (!(rc = fit_draw(f, i, e)))
            for (int k = 0; k < 2; k++)
                add_borders(f, &s[k], k);
    float *edges = xcalloc((size_t)(4 * f->m->deblock.n * f->P), sizeof *edges);
    for (int k = 0; k < 2; k++) {
        if (!rc)
            set_edges(f, &s[k], k, edges);
        free(s[k].moment);
        free(s[k].sample);
    }
    if (!rc)
        weight_store(f->m->deblock.edges.w, edges, DT_F32);
    free(edges);
    return rc;
}

static void border_features(struct fit *f, float *x)
{
    const struct vae_batch *b = &f->b;
    struct cx *cx = f->cx;
    struct tensor *z = tensor_from(cx, cx->wide, DIMS(f->groups, b->lh, b->lw, b->c), f->z, DT_F32);
    struct tensor *root = tiny_vae_root(cx, f->m, z);
    tensor_read_f32(cx, deblock_features(cx, &f->m->deblock, root, b->lh, b->lw), x);
    cx_step_end(cx);
}

/* ---- motion ---- */

/* z - z_before, z_behind - z where both are known; zeros elsewhere, which say nothing. */
static void moves(struct fit *f, float *x)
{
    const struct vae_batch *b = &f->b;
    struct cx *cx = f->cx;
    int64_t C = b->c, place = b->lh * b->lw;
    struct tensor *z = tensor_from(cx, cx->wide, DIMS(f->groups, b->lh, b->lw, C), f->z, DT_F32);
    struct tiny_vae_moves v = tiny_vae_moves(cx, z, b->n, NULL);
    tensor_read_f32(cx, concat_last(cx, v.back, v.ahead), x);
    cx_step_end(cx);
    for (int64_t g = b->lt - 1; g < f->groups; g += b->lt)
        memset(x + g * place * 2 * C, 0, sizeof *x * (size_t)(place * 2 * C));
}

/* The equations of what is ahead, of the same rows: then the guess is what a fit of motion by what
 * is behind alone would be. */
static void add_guess(struct fit *f, const float *x)
{
    int64_t C = f->b.c;
    float *half[2];
    for (int i = 0; i < 2; i++) {
        half[i] = xmalloc(sizeof *half[i] * (size_t)(f->rows * C));
        for (int64_t r = 0; r < f->rows; r++)
            memcpy(half[i] + r * C, x + (2 * r + i) * C, sizeof *x * (size_t)C);
    }
    normal_add(&f->guess, &f->kcx, half[0], half[1], f->rows);
    free(half[0]);
    free(half[1]);
}

/* ---- all of them ---- */

/* Both sides of every equation; the root of the weight by which steps are weighed: between the
 * squared error of all pixels, which busy pictures decide, and the mean over pictures. */
static void weigh(const struct fit *f, float *x, int64_t n_in)
{
    for (int64_t r = 0; r < f->rows; r++) {
        float w = (float)sqrt(weight_of(f->error + r * f->P, f->P));
        for (int64_t i = 0; i < n_in; i++)
            x[r * n_in + i] *= w;
        for (int64_t i = 0; i < f->P; i++)
            f->error[r * f->P + i] *= w;
    }
}

/* All batches into the equations of one part, whose features `see` puts into x [rows,n_in]; the
 * solution is added to w. */
static double fit_part(struct fit *f, int64_t n_in, void (*see)(struct fit *f, float *x),
                       struct weight *w, struct err *e)
{
    struct normal s;
    int rc = 0;
    normal_init(&s, n_in, f->P);
    float *x = xmalloc(sizeof *x * (size_t)(f->rows * n_in));
    for (int64_t i = 0; i < f->batches && !rc; i++) {
        if ((rc = fit_draw(f, i, e)))
            break;
        see(f, x);
        if (f->cx->err.code)
            rc = err_set(e, f->cx->err.code, "vae: %s", f->cx->err.msg);
        if (f->guess.a) /* motion: what is busy moves */
            add_guess(f, x);
        else
            weigh(f, x, n_in);
        normal_add(&s, &f->kcx, x, f->error, f->rows);
    }
    double share = rc;
    if (!rc) {
        share = normal_solve(&s);
        normal_store(&s, w);
    }
    free(x);
    normal_release(&s);
    return share;
}

double vae_fit_lapped(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e)
{
    struct fit f = {.m = m, .cx = cx, .reel = reel, .recipe = r, .seed = seed};
    fit_init(&f);
    double share = fit_part(&f, 9 * (int64_t)m->config.latent_channels, neighbours, m->lapped.w, e);
    fit_release(&f);
    return share;
}

double vae_fit_deblock(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                       const struct vae_recipe *r, uint64_t seed, struct err *e)
{
    struct fit f = {.m = m, .cx = cx, .reel = reel, .recipe = r, .seed = seed};
    fit_init(&f);
    double share = fit_edges(&f, e);
    if (share == 0)
        share = fit_part(&f, 4 * DEBLOCK_STRENGTHS * m->deblock.n, border_features,
                         m->deblock.out.w, e);
    fit_release(&f);
    return share;
}

double vae_fit_motion(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e)
{
    struct fit f = {.m = m, .cx = cx, .reel = reel, .recipe = r, .seed = seed};
    int64_t C = m->config.latent_channels;
    if (r->groups < 3)
        return err_set(e, ERR_USAGE, "vae.groups is %d; motion looks before and behind: 3 at least",
                       r->groups);
    fit_init(&f);
    normal_init(&f.guess, C, C);
    double share = fit_part(&f, 2 * C, moves, m->motion.w, e);
    if (share >= 0) {
        normal_solve(&f.guess);
        normal_store(&f.guess, m->guess.w);
    }
    normal_release(&f.guess);
    fit_release(&f);
    return share;
}
