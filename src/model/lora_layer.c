/* lora_layer.c - the tensors that a file has for one layer become what is added beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/lora_inner.h"

/* ---- shapes ---- */

static int wrong_shape(const struct lora_job *j, const struct st_tensor *t, const struct weight *w,
                       struct err *e)
{
    return err_set(e, ERR_FORMAT,
                   "%s: tensor %s is [%lld,%lld], which does not fit %s of [%lld,%lld]: it is of "
                   "another model",
                   st_path(j->f, t->shard), t->name, (long long)(t->rank ? t->dim[0] : 1),
                   (long long)(t->rank && t->dim[0] ? t->n / t->dim[0] : t->n), w->name,
                   (long long)w->dim[0], (long long)store_row(w));
}

static int64_t rows_of(const struct st_tensor *t)
{
    return t->rank ? t->dim[0] : 1;
}

static int64_t columns_of(const struct st_tensor *t)
{
    return rows_of(t) ? t->n / rows_of(t) : 0;
}

/* Tensors that make sense together alone. */
static int check_whole(const struct lora_job *j, const struct lora_layer *l, struct err *e)
{
    static const struct {
        int first, n;
        const char *what;
    } sets[] = {
        {DOWN, 2, "a pair"}, {HADA_1A, 4, "four"}, {KRON_1A, 2, "a pair"}, {KRON_2A, 2, "a pair"}};

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        const struct st_tensor *there = NULL;
        int n = 0;

        for (int k = sets[i].first; k < sets[i].first + sets[i].n; k++) {
            n += l->of[k] != NULL;
            there = l->of[k] ? l->of[k] : there;
        }
        if (n && n < sets[i].n)
            return err_set(e, ERR_FORMAT, "%s: tensor %s is one of %s of which %s missing",
                           st_path(j->f, 0), there->name, sets[i].what,
                           sets[i].n == 2 ? "the other is" : "others are");
    }
    return 0;
}

static int has_first(const struct lora_layer *l)
{
    return l->of[KRON_1] || l->of[KRON_1A];
}

static int has_second(const struct lora_layer *l)
{
    return l->of[KRON_2] || l->of[KRON_2A];
}

/* One way to say what is added, and DoRA with one alone. */
static int check_ways(const struct lora_job *j, const struct lora_layer *l, struct err *e)
{
    int ways = (l->of[DOWN] != NULL) + (l->of[HADA_1A] != NULL) + (has_first(l) || has_second(l));
    const char *why = NULL;

    if (ways > 1 || (l->of[KRON_1] && l->of[KRON_1A]) || (l->of[KRON_2] && l->of[KRON_2A]))
        why = "says twice what is added to it";
    else if (has_first(l) != has_second(l))
        why = "has one factor of a Kronecker product, the other is missing";
    else if (l->of[DORA] && !ways)
        why = "has a dora_scale and nothing else";
    return why ? err_set(e, ERR_FORMAT, "%s: layer %s %s", st_path(j->f, 0), l->w->name, why) : 0;
}

/* Factor A B or whole: 0, or the tensor that does not fit its partner. */
static const struct st_tensor *factor(const struct lora_layer *l, int whole, int64_t *rows,
                                      int64_t *columns)
{
    const struct st_tensor *w = l->of[whole], *a = l->of[whole + 1], *b = l->of[whole + 2];

    *rows = rows_of(w ? w : a);
    *columns = columns_of(w ? w : b);
    return w || columns_of(a) == rows_of(b) ? NULL : a;
}

static int check_pair(const struct lora_job *j, const struct lora_layer *l, int a, int b,
                      struct err *e)
{
    int64_t rank = rows_of(l->of[b]);

    if (rank < 1 || columns_of(l->of[b]) != store_row(l->w))
        return wrong_shape(j, l->of[b], l->w, e);
    if (rows_of(l->of[a]) != l->w->dim[0] || columns_of(l->of[a]) != rank)
        return wrong_shape(j, l->of[a], l->w, e);
    return 0;
}

static int check_kron(const struct lora_job *j, const struct lora_layer *l, struct err *e)
{
    int64_t rows[2], columns[2];
    const struct st_tensor *bad = factor(l, KRON_1, &rows[0], &columns[0]);

    if (!bad)
        bad = factor(l, KRON_2, &rows[1], &columns[1]);
    if (!bad && (rows[0] * rows[1] != l->w->dim[0] || columns[0] * columns[1] != store_row(l->w)))
        bad = l->of[KRON_1] ? l->of[KRON_1] : l->of[KRON_1A];
    return bad ? wrong_shape(j, bad, l->w, e) : 0;
}

/* Lengths of columns lie as [1,in], those of rows as [out,1] or [out]. */
static int of_columns(const struct lora_layer *l)
{
    const struct st_tensor *t = l->of[DORA];

    return t->rank > 1 && t->dim[0] == 1 && t->n == store_row(l->w);
}

static int check_shapes(const struct lora_job *j, const struct lora_layer *l, struct err *e)
{
    int64_t out = l->w->dim[0], in = store_row(l->w);
    int rc = 0, any = l->of[DOWN] || l->of[HADA_1A] || has_first(l);
    const struct st_tensor *some = l->of[DOWN]      ? l->of[DOWN]
                                   : l->of[HADA_1A] ? l->of[HADA_1A]
                                   : l->of[KRON_1]  ? l->of[KRON_1]
                                                    : l->of[KRON_1A];

    if (any && (l->w->conv || !l->w->matrix))
        return wrong_shape(j, some, l->w, e);
    if (l->of[DOWN])
        rc = check_pair(j, l, UP, DOWN, e);
    else if (l->of[HADA_1A] && !(rc = check_pair(j, l, HADA_1A, HADA_1B, e)))
        rc = check_pair(j, l, HADA_2A, HADA_2B, e);
    else if (has_first(l))
        rc = check_kron(j, l, e);
    if (!rc && l->of[DORA] && !of_columns(l) && l->of[DORA]->n != out)
        rc = wrong_shape(j, l->of[DORA], l->w, e);
    if (!rc && l->of[ALPHA] && l->of[ALPHA]->n != 1)
        rc = wrong_shape(j, l->of[ALPHA], l->w, e);
    if (!rc && l->of[DIFF] && l->of[DIFF]->n != out * in)
        rc = wrong_shape(j, l->of[DIFF], l->w, e);
    if (!rc && l->of[DIFF_BIAS] && (!l->bias || l->of[DIFF_BIAS]->n != out))
        rc = wrong_shape(j, l->of[DIFF_BIAS], l->w, e);
    return rc;
}

/* ---- scales ---- */

/* 0: it has none, and is meant as it is. */
static int64_t rank_of(const struct lora_layer *l)
{
    const struct st_tensor *b = l->of[DOWN]      ? l->of[DOWN]
                                : l->of[HADA_1B] ? l->of[HADA_1B]
                                : l->of[KRON_2B] ? l->of[KRON_2B]
                                                 : l->of[KRON_1B];

    return b ? rows_of(b) : 0;
}

/* "transformer.r" and others of lora_adapter_metadata, by layer where the patterns name one. */
static double metadata_scale(const struct lora_job *j, const struct lora_layer *l, int64_t rank)
{
    struct jval root = jdoc_root(j->doc), alphas;
    char name[ST_MAX_NAME + 1];
    double alpha;

    if (!j_has(root, "transformer.lora_alpha"))
        return 1;
    snprintf(name, sizeof name, "%.*s", (int)(strlen(l->w->name) - strlen(".weight")), l->w->name);
    alpha = j_real(root, "transformer.lora_alpha", -1e9, 1e9);
    if (j_has(root, "transformer.alpha_pattern")) {
        alphas = j_object(root, "transformer.alpha_pattern");
        alpha = j_real_or(alphas, name, -1e9, 1e9, alpha);
    }
    return alpha /
           (j_bool_or(root, "transformer.use_rslora", 0) ? sqrt((double)rank) : (double)rank);
}

static int set_scale(const struct lora_job *j, struct lora_layer *l, struct err *e)
{
    int64_t rank = rank_of(l);
    float alpha;
    int rc = 0;

    if (!rank)
        return 0;
    if (l->of[ALPHA]) {
        rc = st_read_all(j->f, l->of[ALPHA], &alpha, DT_F32, e);
        l->scale = (double)alpha / (double)rank;
    } else if (j->doc) {
        l->scale = metadata_scale(j, l, rank);
        rc = jdoc_status(j->doc, e);
    }
    return rc;
}

/* How many values of the type of computing will stand beside the weight; of a DoRA also its gains.
 */
static int64_t count_values(const struct lora_layer *l)
{
    int64_t out = l->w->dim[0], in = store_row(l->w), rank, n[4];

    if (!l->of[DOWN] && !l->of[HADA_1A] && !has_first(l))
        return 0;
    if (l->of[DORA] && (has_first(l) || of_columns(l)))
        return out * in + (of_columns(l) ? 0 : out);
    if (has_first(l)) {
        factor(l, KRON_1, &n[0], &n[1]);
        factor(l, KRON_2, &n[2], &n[3]);
        return n[0] * n[1] + n[2] * n[3];
    }
    rank = l->of[DOWN] ? rows_of(l->of[DOWN]) : rows_of(l->of[HADA_1B]) * rows_of(l->of[HADA_2B]);
    if (l->of[HADA_1A] && rank * (out + in) > out * in)
        return out * in + (l->of[DORA] ? out : 0);
    return rank * (out + in) + (l->of[DORA] ? out : 0);
}

/* A matrix that lies in its file is copied before a difference is added; one that two files change
 * counts for both. */
static int64_t count_copied(const struct lora_layer *l)
{
    return l->of[DIFF] && l->w->matrix && !l->w->conv ? weight_count(l->w) : 0;
}

int lora_layer_check(const struct lora_job *j, struct lora_layer *l, struct err *e)
{
    int rc = check_whole(j, l, e);

    if (!rc)
        rc = check_ways(j, l, e);
    if (!rc)
        rc = check_shapes(j, l, e);
    if (!rc && (l->of[DIFF] || l->of[DIFF_BIAS]) && (j->use->from > 0 || j->use->to < 1))
        rc = err_set(e, ERR_USAGE,
                     "lora: %s changes %s itself (diff), which cannot be for some of the steps",
                     st_path(j->f, 0), l->w->name);
    if (!rc)
        j->report->values += count_values(l) + count_copied(l);
    return rc ? rc : set_scale(j, l, e);
}

/* ---- values ---- */

/* What is added, without strength: as struct lora_values, owned. */
struct delta {
    float *a, *b, *gain;
    int64_t rank, kron[2];
};

static void delta_release(struct delta *d)
{
    free(d->a);
    free(d->b);
    free(d->gain);
}

static float *values(const struct lora_job *j, const struct st_tensor *t, double scale,
                     struct err *e)
{
    float *x = xmalloc(sizeof *x * (size_t)(t->n + 1));

    if (store_values(j->f, t, 0, t->n, x, e)) {
        free(x);
        return NULL;
    }
    for (int64_t i = 0; i < t->n; i++)
        x[i] = (float)(x[i] * scale);
    if (store_count_bad(x, t->n)) {
        err_set(e, ERR_FORMAT, "%s: tensor %s holds a value that is not finite",
                st_path(j->f, t->shard), t->name);
        free(x);
        return NULL;
    }
    return x;
}

/* c [m,n] = a [m,k] b [k,n]. */
static float *multiply(const float *a, const float *b, int64_t m, int64_t k, int64_t n)
{
    float *c = xcalloc((size_t)(m * n) + 1, sizeof *c);

    for (int64_t i = 0; i < m; i++)
        for (int64_t p = 0; p < k; p++)
            for (int64_t q = 0; q < n; q++)
                c[i * n + q] += a[i * k + p] * b[p * n + q];
    return c;
}

/* (A1 B1) * (A2 B2) by elements is a product of rank r1 r2, whose factors are those of each pair of
 * columns and of rows. Where that rank costs more than the matrix itself, it is multiplied out. */
static void hadamard(struct delta *d, float *const x[4], int64_t r1, int64_t r2, int64_t out,
                     int64_t in)
{
    int64_t rank = r1 * r2;

    if (rank * (out + in) > out * in) {
        float *other = multiply(x[2], x[3], out, r2, in);

        d->b = multiply(x[0], x[1], out, r1, in);
        for (int64_t i = 0; i < out * in; i++)
            d->b[i] *= other[i];
        free(other);
        return;
    }
    d->rank = rank;
    d->a = xmalloc(sizeof *d->a * (size_t)(rank * in));
    d->b = xmalloc(sizeof *d->b * (size_t)(rank * out));
    for (int64_t k = 0; k < rank; k++)
        for (int64_t i = 0; i < in; i++)
            d->a[k * in + i] = x[1][k / r2 * in + i] * x[3][k % r2 * in + i];
    for (int64_t o = 0; o < out; o++)
        for (int64_t k = 0; k < rank; k++)
            d->b[o * rank + k] = x[0][o * r1 + k / r2] * x[2][o * r2 + k % r2];
}

static int make_hadamard(struct delta *d, const struct lora_job *j, const struct lora_layer *l,
                         struct err *e)
{
    float *x[4];
    int ok = 1;

    for (int i = 0; i < 4; i++) {
        x[i] = ok ? values(j, l->of[HADA_1A + i], i == 0 ? l->scale : 1, e) : NULL;
        ok = ok && x[i];
    }
    if (ok)
        hadamard(d, x, rows_of(l->of[HADA_1B]), rows_of(l->of[HADA_2B]), l->w->dim[0],
                 store_row(l->w));
    for (int i = 0; i < 4; i++)
        free(x[i]);
    return ok ? 0 : e->code;
}

/* A factor of a Kronecker product, whole. */
static float *make_factor(const struct lora_job *j, const struct lora_layer *l, int whole,
                          double scale, struct err *e)
{
    const struct st_tensor *ta = l->of[whole + 1], *tb = l->of[whole + 2];
    float *a, *b, *c = NULL;

    if (l->of[whole])
        return values(j, l->of[whole], scale, e);
    a = values(j, ta, scale, e);
    b = a ? values(j, tb, 1, e) : NULL;
    if (b)
        c = multiply(a, b, rows_of(ta), rows_of(tb), columns_of(tb));
    free(a);
    free(b);
    return c;
}

static int make_delta(struct delta *d, const struct lora_job *j, const struct lora_layer *l,
                      struct err *e)
{
    *d = (struct delta){0};
    if (l->of[HADA_1A])
        return make_hadamard(d, j, l, e);
    if (has_first(l)) {
        factor(l, KRON_1, &d->kron[0], &d->kron[1]);
        d->a = make_factor(j, l, KRON_1, l->scale, e);
        d->b = d->a ? make_factor(j, l, KRON_2, 1, e) : NULL;
    } else {
        d->rank = rows_of(l->of[DOWN]);
        d->a = values(j, l->of[DOWN], 1, e);
        d->b = d->a ? values(j, l->of[UP], l->scale, e) : NULL;
    }
    return d->b ? 0 : e->code;
}

/* Multiplied out, [out,in]. */
static float *whole_of(const struct delta *d, int64_t out, int64_t in)
{
    int64_t p = d->kron[0], q = d->kron[1];
    float *x;

    if (d->rank)
        return multiply(d->b, d->a, out, d->rank, in);
    x = xmalloc(sizeof *x * (size_t)(out * in));
    if (!p)
        return memcpy(x, d->b, sizeof *x * (size_t)(out * in));
    for (int64_t o = 0; o < out; o++)
        for (int64_t i = 0; i < in; i++) {
            int64_t n = out / p, k = in / q;
            x[o * in + i] = d->a[o / n * q + i / k] * d->b[o % n * k + i % k];
        }
    return x;
}

/* ---- DoRA ---- */

#define LEAST_LENGTH 1.1920929e-07 /* as LyCORIS: a row of zeros stays one */

/* Rows of W + D get the lengths m: their factors g, of which W feels strength (g - 1) and D
 * strength g. x: W + D. */
static void stretch_rows(struct delta *d, const float *m, const float *x, double strength,
                         int64_t out, int64_t in)
{
    int64_t n = d->rank ? d->rank : in;

    d->gain = xmalloc(sizeof *d->gain * (size_t)out);
    for (int64_t o = 0; o < out; o++) {
        double sum = 0, g;

        for (int64_t i = 0; i < in; i++)
            sum += (double)x[o * in + i] * x[o * in + i];
        g = m[o] / (sqrt(sum) + LEAST_LENGTH);
        d->gain[o] = (float)(strength * (g - 1));
        for (int64_t k = 0; k < n; k++)
            d->b[o * n + k] = (float)(d->b[o * n + k] * strength * g);
    }
}

/* The same of columns, which is no sum of W x and D x: what W is changed by, whole, is d->b. */
static void stretch_columns(struct delta *d, const float *m, const float *x, double strength,
                            int64_t out, int64_t in)
{
    double *sum = xcalloc((size_t)in, sizeof *sum);

    for (int64_t i = 0; i < out * in; i++)
        sum[i % in] += (double)x[i] * x[i];
    for (int64_t i = 0; i < out * in; i++) {
        double g = m[i % in] / (sqrt(sum[i % in]) + LEAST_LENGTH), w = (double)x[i] - d->b[i];

        d->b[i] = (float)(strength * (x[i] * g - w));
    }
    free(sum);
}

static int decompose(struct delta *d, const struct lora_job *j, const struct lora_layer *l,
                     struct err *e)
{
    int64_t out = l->w->dim[0], in = store_row(l->w);
    float *m = values(j, l->of[DORA], 1, e), *x, *w;

    if (!m)
        return e->code;
    x = whole_of(d, out, in);
    if (d->kron[0] || of_columns(l)) { /* neither is a product with other factors any more */
        delta_release(d);
        *d = (struct delta){.b = xmalloc(sizeof *d->b * (size_t)(out * in))};
        memcpy(d->b, x, sizeof *x * (size_t)(out * in));
    }
    w = xmalloc(sizeof *w * (size_t)(out * in));
    weight_read(l->w, w);
    for (int64_t i = 0; i < out * in; i++)
        x[i] += w[i];
    free(w);
    (of_columns(l) ? stretch_columns : stretch_rows)(d, m, x, j->use->strength, out, in);
    free(x);
    free(m);
    return 0;
}

static int64_t b_count(const struct delta *d, const struct weight *w)
{
    int64_t out = w->dim[0], in = store_row(w);

    return d->rank ? d->rank * out : d->kron[0] ? out / d->kron[0] * (in / d->kron[1]) : out * in;
}

static int apply_beside(const struct lora_job *j, const struct lora_layer *l, struct err *e)
{
    struct delta d;
    int rc = make_delta(&d, j, l, e);

    if (!rc && l->of[DORA])
        rc = decompose(&d, j, l, e);
    for (int64_t i = 0; !rc && !l->of[DORA] && i < b_count(&d, l->w); i++)
        d.b[i] = (float)(d.b[i] * j->use->strength);
    if (!rc) {
        struct lora_values v = {.a = d.a,
                                .b = d.b,
                                .gain = d.gain,
                                .rank = d.rank,
                                .kron = {d.kron[0], d.kron[1]},
                                .from = j->use->from,
                                .to = j->use->to};
        rc = weight_add_lora(l->w, &v, e);
    }
    delta_release(&d);
    return rc;
}

static int add_difference(const struct lora_job *j, const struct st_tensor *t, struct weight *w,
                          struct err *e)
{
    float *x = t ? values(j, t, j->use->strength, e) : NULL;
    int rc = !t ? 0 : x ? weight_add(w, x, e) : e->code;

    free(x);
    return rc;
}

int lora_layer_apply(const struct lora_job *j, const struct lora_layer *l, struct err *e)
{
    int rc = 0;

    if (l->of[DOWN] || l->of[HADA_1A] || has_first(l))
        rc = apply_beside(j, l, e);
    if (!rc)
        rc = add_difference(j, l->of[DIFF], l->w, e);
    return rc ? rc : add_difference(j, l->of[DIFF_BIAS], l->bias, e);
}
