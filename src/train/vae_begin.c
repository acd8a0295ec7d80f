#include "train/vae_begin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/networks.h"

/* ---- weights of another autoencoder ---- */

static int begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

static int same_shape(const struct weight *a, const struct weight *b)
{
    return b && a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank);
}

static void copy_weight(struct weight *to, const struct weight *from)
{
    float *values = xmalloc(sizeof *values * (size_t)weight_count(from));
    weight_read(from, values);
    weight_store(to, values, DT_F32);
    free(values);
}

/* The weights of m whose names begin so and that `from` has in the same shape, of how many. */
static int count_same(const struct tiny_vae *m, struct weight_set *from, const char *prefix,
                      int *of, const struct weight **other)
{
    int n = 0;
    *of = 0;
    for (int i = 0; i < m->weights.n; i++) {
        const struct weight *w = m->weights.all[i];
        if (!begins(w->name, prefix))
            continue;
        ++*of;
        if (same_shape(w, weight_find(from, w->name)))
            n++;
        else if (other && !*other)
            *other = w;
    }
    return n;
}

static void copy_all(struct tiny_vae *m, struct weight_set *from, const char *prefix)
{
    for (int i = 0; i < m->weights.n; i++)
        if (begins(m->weights.all[i]->name, prefix))
            copy_weight(m->weights.all[i], weight_find(from, m->weights.all[i]->name));
}

static int take_from(struct tiny_vae *m, struct weight_set *from, const char *dir, int *decoder,
                     int *lapped, struct err *e)
{
    static const char *const FIXED[] = {"encoder.", "klt.encode.", "klt.decode."};
    int of;
    for (int i = 0; i < 3; i++) {
        const struct weight *other = NULL;
        if (count_same(m, from, FIXED[i], &of, &other) < of)
            return err_set(e, ERR_FORMAT,
                           "vae.init: %s has no %s of the shape that the config asks for", dir,
                           other->name);
    }
    for (int i = 0; i < 3; i++)
        copy_all(m, from, FIXED[i]);
    if ((*decoder = count_same(m, from, "decoder.", &of, NULL) == of))
        copy_all(m, from, "decoder.");
    if ((*lapped = m->lapped.w && same_shape(m->lapped.w, weight_find(from, m->lapped.w->name))))
        copy_all(m, from, m->lapped.w->name);
    return 0;
}

void vae_freeze(struct tiny_vae *m, const struct vae_recipe *r)
{
    for (int i = 0; i < m->weights.n; i++)
        if (r->decoder_only && begins(m->weights.all[i]->name, "encoder."))
            m->weights.all[i]->frozen = 1;
}

int vae_take_over(struct tiny_vae *m, const char *dir, int *decoder, int *lapped, struct err *e)
{
    struct part from;
    int rc = part_declare(&from, dir, PART_CODEC, e);
    if (!rc && from.is != &tiny_vae_part)
        rc = err_set(e, ERR_FORMAT, "vae.init: %s is not an autoencoder of class %s", dir,
                     tiny_vae_part.names[0]);
    if (!rc)
        rc = part_load(&from, dir, device_cpu(), DT_F32, 0, NULL, e);
    if (!rc)
        rc = take_from(m, part_weights(&from), dir, decoder, lapped, e);
    part_release(&from);
    return rc;
}

/* ---- the lapped part of the root ---- */

struct normal { /* equations A w = B of least squares */
    int64_t n_in, n_out, rows;
    double *a, *b;       /* [n_in,n_in], [n_in,n_out] */
    double error, given; /* squared error before; what the solution takes away */
};

/* part [n_in, n] = x^T y of rows, added to sum. */
static void add_product(struct kcx *kc, double *sum, const float *x, const float *y, int64_t rows,
                        int64_t n_in, int64_t n, float *part)
{
    struct k_matmul p = {
        .m = n_in, .n = n, .k = rows, .lda = n_in, .ldb = n, .ldc = n, .a = x, .b = y, .c = part};
    p.a_type = p.b_type = p.c_type = DT_F32;
    kernels_best()->matmul_tn(kc, &p);
    for (int64_t i = 0; i < n_in * n; i++)
        sum[i] += part[i];
}

/* Rows (ky,kx,c) of the 3x3 places around each place of z [n,h,w,C]; zeros beyond the border, as
 * the convolution sees them. */
static void neighbours(float *x, const float *z, int64_t n, int64_t h, int64_t w, int64_t C)
{
    for (int64_t i = 0; i < n * h * w; i++) {
        int64_t row = i / w % h, col = i % w;
        for (int64_t k = 0; k < 9; k++, x += C) {
            int64_t dy = k / 3 - 1, dx = k % 3 - 1;
            if (row + dy < 0 || row + dy >= h || col + dx < 0 || col + dx >= w)
                memset(x, 0, sizeof *x * (size_t)C);
            else
                memcpy(x, z + (i + dy * w + dx) * C, sizeof *x * (size_t)C);
        }
    }
}

/* target - y as rows (t,y,x,c) of blocks; both [n*lt*kt,h,w,3]. */
static void block_errors(float *rows, const float *y, const float *target,
                         const struct vae_batch *b, int kt, int ks)
{
    int64_t line = (int64_t)b->w * 3, piece = (int64_t)ks * 3;
    for (int64_t g = 0; g < (int64_t)b->n * b->lt; g++)
        for (int64_t by = 0; by < b->lh; by++)
            for (int64_t bx = 0; bx < b->lw; bx++)
                for (int64_t t = 0; t < kt; t++)
                    for (int64_t r = 0; r < ks; r++, rows += piece) {
                        int64_t at = ((g * kt + t) * b->h + by * ks + r) * line + bx * piece;
                        for (int64_t i = 0; i < piece; i++)
                            rows[i] = target[at + i] - y[at + i];
                    }
}

/* In place: A becomes its Cholesky factor (lower), B the solution. A small multiple of the mean
 * diagonal keeps directions that no latent has at rest. */
static void solve(struct normal *s)
{
    int64_t n = s->n_in, m = s->n_out;
    double trace = 0;
    for (int64_t i = 0; i < n; i++)
        trace += s->a[i * n + i];
    for (int64_t i = 0; i < n; i++)
        s->a[i * n + i] += 1e-4 * trace / (double)n + 1e-12;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j <= i; j++) {
            double sum = s->a[i * n + j];
            for (int64_t k = 0; k < j; k++)
                sum -= s->a[i * n + k] * s->a[j * n + k];
            s->a[i * n + j] = i == j ? sqrt(fmax(sum, 1e-30)) : sum / s->a[j * n + j];
        }
    }
    for (int64_t i = 0; i < n; i++) { /* L u = B */
        for (int64_t k = 0; k < i; k++)
            for (int64_t j = 0; j < m; j++)
                s->b[i * m + j] -= s->a[i * n + k] * s->b[k * m + j];
        for (int64_t j = 0; j < m; j++) {
            s->b[i * m + j] /= s->a[i * n + i];
            s->given += s->b[i * m + j] * s->b[i * m + j];
        }
    }
    for (int64_t i = n - 1; i >= 0; i--) { /* L^T w = u */
        for (int64_t k = i + 1; k < n; k++)
            for (int64_t j = 0; j < m; j++)
                s->b[i * m + j] -= s->a[k * n + i] * s->b[k * m + j];
        for (int64_t j = 0; j < m; j++)
            s->b[i * m + j] /= s->a[i * n + i];
    }
}

static void store(struct tiny_vae *m, const struct normal *s)
{
    float *w = xmalloc(sizeof *w * (size_t)(s->n_in * s->n_out));
    for (int64_t p = 0; p < s->n_out; p++)
        for (int64_t i = 0; i < s->n_in; i++)
            w[p * s->n_in + i] = (float)s->b[i * s->n_out + p];
    weight_store(m->lapped.w, w, DT_F32);
    free(w);
}

/* Latents with noise and what the decoder makes of them, of one batch. */
static void add_batch(struct normal *s, struct tiny_vae *m, struct cx *cx,
                      const struct vae_batch *b)
{
    int64_t groups = (int64_t)b->n * b->lt, rows = groups * b->lh * b->lw;
    int64_t pixels = (int64_t)b->n * b->t * b->h * b->w * 3;
    float *z = xmalloc(sizeof *z * (size_t)(rows * b->c));
    float *y = xmalloc(sizeof *y * (size_t)pixels);
    float *x = xmalloc(sizeof *x * (size_t)(rows * s->n_in));
    float *error = xmalloc(sizeof *error * (size_t)pixels);
    float *part = xmalloc(sizeof *part * (size_t)(s->n_in * s->n_out));
    struct tensor *video =
        tensor_from(cx, cx->wide, DIMS(b->n, b->t, b->h, b->w, 3), b->video, DT_F32);
    struct tensor *noise =
        tensor_from(cx, cx->wide, DIMS(groups, b->lh, b->lw, b->c), b->noise, DT_F32);
    struct tensor *latent = keep(cx, add(cx, tiny_vae_encode_clips(cx, m, video), noise));
    struct tensor *out =
        tiny_vae_decode_clips(cx, m, reshape(cx, latent, DIMS(b->n, b->lt, b->lh, b->lw, b->c)));
    tensor_read_f32(cx, latent, z);
    tensor_read_f32(cx, out, y);
    cx_step_end(cx);
    neighbours(x, z, groups, b->lh, b->lw, b->c);
    block_errors(error, y, b->video, b, m->kt, m->ks);
    for (int64_t i = 0; i < pixels; i++)
        s->error += (double)error[i] * error[i];
    struct kcx kc;
    kcx_init(&kc, cx->kcx.threads);
    add_product(&kc, s->a, x, x, rows, s->n_in, s->n_in, part);
    add_product(&kc, s->b, x, error, rows, s->n_in, s->n_out, part);
    kcx_release(&kc);
    free(part);
    free(error);
    free(x);
    free(y);
    free(z);
}

double vae_fit_lapped(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e)
{
    struct normal s = {.n_in = 9 * (int64_t)m->config.latent_channels,
                       .n_out = (int64_t)m->kt * m->ks * m->ks * 3};
    struct vae_batch b;
    int rc = 0, at_once = r->batch * r->groups;
    s.a = xcalloc((size_t)(s.n_in * s.n_in), sizeof *s.a);
    s.b = xcalloc((size_t)(s.n_in * s.n_out), sizeof *s.b);
    vae_batch_init(&b, m, &reel->shape, r->batch, r->groups);
    /* Steps below 0 are drawn by no other. */
    for (int64_t step = 0; step * at_once < r->klt_groups && !rc; step++) {
        rc = vae_batch_draw(&b, reel, m, r, seed, -2 - step, e);
        if (!rc)
            add_batch(&s, m, cx, &b);
        if (!rc && cx->err.code)
            rc = err_set(e, cx->err.code, "vae: %s", cx->err.msg);
    }
    if (!rc) {
        solve(&s);
        store(m, &s);
    }
    vae_batch_release(&b);
    free(s.a);
    free(s.b);
    return rc ? rc : s.given / fmax(s.error, 1e-30);
}
