#include "model/store.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "format/safetensors.h"
#include "model/int8.h"

#define MAX_LISTED 3 /* names in one message */

/* ---- names ---- */

/* clang-format off */
static const struct naming wan_rules[] = { /* the original Wan release */
    {"condition_embedder.time_embedder.linear_1", "time_embedding.0"},
    {"condition_embedder.time_embedder.linear_2", "time_embedding.2"},
    {"condition_embedder.text_embedder.linear_1", "text_embedding.0"},
    {"condition_embedder.text_embedder.linear_2", "text_embedding.2"},
    {"condition_embedder.time_proj",              "time_projection.1"},
    {"proj_out",          "head.head"},
    {"scale_shift_table", "head.modulation"},
    {"scale_shift_table", "modulation"},
    {"attn1",             "self_attn"},
    {"attn2",             "cross_attn"},
    {"attn1.to_q",        "attn1.q"},
    {"attn1.to_k",        "attn1.k"},
    {"attn1.to_v",        "attn1.v"},
    {"attn1.to_out.0",    "attn1.o"},
    {"attn2.to_q",        "attn2.q"},
    {"attn2.to_k",        "attn2.k"},
    {"attn2.to_v",        "attn2.v"},
    {"attn2.to_out.0",    "attn2.o"},
    {"norm2",             "norm3"},
    {"ffn.net.0.proj",    "ffn.0"},
    {"ffn.net.2",         "ffn.2"},
    {NULL, NULL},
};
static const struct naming umt5_rules[] = { /* the text encoder of the original Wan release */
    {"shared",                                       "token_embedding"},
    {"encoder.final_layer_norm",                     "norm"},
    {"encoder.block",                                "blocks"},
    {"layer.0.SelfAttention",                        "attn"},
    {"layer.0.SelfAttention.relative_attention_bias", "pos_embedding.embedding"},
    {"layer.0.layer_norm",                           "norm1"},
    {"layer.1.layer_norm",                           "norm2"},
    {"layer.1.DenseReluDense.wi_0",                  "ffn.gate.0"},
    {"layer.1.DenseReluDense.wi_1",                  "ffn.fc1"},
    {"layer.1.DenseReluDense.wo",                    "ffn.fc2"},
    {NULL, NULL},
};
static const struct naming no_rules[] = {{NULL, NULL}};
static const char *const no_names[] = {NULL};
static const char *const umt5_ignore[] = {"encoder.embed_tokens.weight", NULL};
static const char *const prefixes[] = {"", "model.diffusion_model.", "diffusion_model.", "model.",
                                       "transformer.", "module."};
/* clang-format on */

const struct store_names store_wan_names = {wan_rules, no_names, 0};
const struct store_names store_umt5_names = {umt5_rules, umt5_ignore, 0};
const struct store_names store_clause_text_names = {no_rules, no_names, 0};
const struct store_names store_tiny_vae_names = {no_rules, no_names, 1};

/* Replace the whole dotted part `from` of name, where it is there. */
static void rewrite(char *name, size_t size, const char *from, const char *to)
{
    size_t n = strlen(from);
    char out[ST_MAX_NAME + 64];

    for (char *at = strstr(name, from); at; at = strstr(at + 1, from))
        if ((at == name || at[-1] == '.') && (at[n] == '.' || !at[n])) {
            snprintf(out, sizeof out, "%.*s%s%s", (int)(at - name), name, to, at + n);
            snprintf(name, size, "%s", out);
            return;
        }
}

static struct weight *find_renamed(struct weight_set *s, const char *name,
                                   const struct store_names *names)
{
    char own[ST_MAX_NAME + 64];
    struct weight *w = weight_find(s, name);

    if (w)
        return w;
    snprintf(own, sizeof own, "%s", name);
    for (const struct naming *r = names->rules; r->own; r++)
        rewrite(own, sizeof own, r->other, r->own);
    return weight_find(s, own);
}

/* The weight that a tensor of the file is meant for, NULL when there is none. */
static struct weight *find_weight(struct weight_set *s, const char *name,
                                  const struct store_names *names)
{
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i]);
        struct weight *w = strncmp(name, prefixes[i], n) ? NULL : find_renamed(s, name + n, names);

        if (w)
            return w;
    }
    return NULL;
}

static int ignored(const char *name, const struct store_names *names)
{
    for (const char *const *i = names->ignore; *i; i++)
        if (!strcmp(name, *i))
            return 1;
    return 0;
}

/* What a tensor of the file is meant for: a weight, or (*scale) the scales of one. NULL: neither,
 * and with *unused nobody misses it. */
static struct weight *find_use(struct weight_set *s, const char *name,
                               const struct store_names *names, int *scale, int *unused)
{
    char scaled[ST_MAX_NAME + 1];
    size_t n = strlen(name), tail = strlen(INT8_SCALE);
    struct weight *w = find_weight(s, name, names);

    *scale = 0;
    *unused = !w && ignored(name, names);
    if (w || *unused || n <= tail || strcmp(name + n - tail, INT8_SCALE))
        return w;
    snprintf(scaled, sizeof scaled, "%.*s", (int)(n - tail), name);
    *scale = 1;
    *unused = ignored(scaled, names);
    return find_weight(s, scaled, names);
}

/* ---- which tensor is which weight ---- */

struct match {
    struct weight_set *set;
    const struct st_file *file;
    const char *path;
    const struct st_tensor **of;    /* [set->n], NULL where missing */
    const struct st_tensor **scale; /* [set->n], of those stored as I8 */
    const char **spare;             /* names in the file that fit nothing */
    int n_spare, n_missing;
};

static int index_of(const struct weight_set *s, const struct weight *w)
{
    int i = 0;

    while (s->all[i] != w)
        i++;
    return i;
}

static int match_all(struct match *m, const struct store_names *names, struct err *e)
{
    for (int i = 0; i < st_count(m->file); i++) {
        const struct st_tensor *t = st_at(m->file, i);
        const struct st_tensor **of;
        int scale, unused;
        struct weight *w = find_use(m->set, t->name, names, &scale, &unused);

        if (!w) {
            if (!unused)
                m->spare[m->n_spare++] = t->name;
            continue;
        }
        of = (scale ? m->scale : m->of) + index_of(m->set, w);
        if (*of)
            return err_set(e, ERR_FORMAT, "%s: tensors \"%s\" and \"%s\" are both %s%s", m->path,
                           (*of)->name, t->name, w->name, scale ? INT8_SCALE : "");
        *of = t;
    }
    for (int k = 0; k < m->set->n; k++)
        m->n_missing += !m->of[k];
    return 0;
}

static void list_missing(const struct match *m, struct buf *b)
{
    int listed = 0;

    buf_printf(b, "%d missing (", m->n_missing);
    for (int k = 0; k < m->set->n && listed < MAX_LISTED; k++) {
        const char *name = m->set->all[k]->name, *near;

        if (m->of[k])
            continue;
        near = nearest_name(name, m->spare, m->n_spare);
        buf_printf(b, "%s%s", listed++ ? ", " : "", name);
        if (m->scale[k])
            buf_puts(b, ", of which only the scale is there");
        else if (near)
            buf_printf(b, ", nearest in the file %s", near);
    }
    buf_puts(b, m->n_missing > MAX_LISTED ? ", ...)" : ")");
}

static void list_spare(const struct match *m, struct buf *b)
{
    const char **own = xcalloc((size_t)m->set->n + 1, sizeof *own);
    int n_own = 0;

    for (int k = 0; k < m->set->n; k++)
        if (!m->of[k])
            own[n_own++] = m->set->all[k]->name;
    buf_printf(b, "%d unexpected (", m->n_spare);
    for (int i = 0; i < m->n_spare && i < MAX_LISTED; i++) {
        const char *near = nearest_name(m->spare[i], own, n_own);

        buf_printf(b, "%s%.100s", i ? ", " : "", m->spare[i]);
        if (near)
            buf_printf(b, ", nearest %s", near);
    }
    buf_puts(b, m->n_spare > MAX_LISTED ? ", ...)" : ")");
    free(own);
}

static int refuse(const struct match *m, struct err *e)
{
    struct buf b = BUF_INIT;

    if (m->n_missing)
        list_missing(m, &b);
    if (m->n_missing && m->n_spare)
        buf_puts(&b, "; ");
    if (m->n_spare)
        list_spare(m, &b);
    err_set(e, ERR_FORMAT, "%s: the tensors are not those of this network: %s", m->path,
            buf_str(&b));
    buf_release(&b);
    return ERR_FORMAT;
}

/* ---- values ---- */

/* Dimension i of w as files write it. */
static int64_t file_dim(const struct weight *w, int i)
{
    static const int order[] = {0, 3, 1, 2};

    return w->dim[w->conv ? order[i] : i];
}

static int n_not_one(const int64_t *dim, int rank, int64_t *out)
{
    int n = 0;

    for (int i = 0; i < rank; i++)
        if (dim[i] != 1)
            out[n++] = dim[i];
    return n;
}

/* Shapes agree up to dimensions of 1; *first is where to begin in a tensor with too many rows. */
static int shape_fits(const struct weight *w, const struct st_tensor *t, int last_rows,
                      int64_t *first)
{
    int64_t want[ST_MAX_RANK], have[ST_MAX_RANK], wd[ST_MAX_RANK];
    int nw, nh;

    for (int i = 0; i < w->rank; i++)
        wd[i] = file_dim(w, i);
    *first = 0;
    nw = n_not_one(wd, w->rank, want);
    nh = n_not_one(t->dim, t->rank, have);
    if (nw == nh && !memcmp(want, have, sizeof *want * (size_t)nw))
        return 1;
    if (!last_rows || w->rank != t->rank || t->dim[0] <= wd[0] ||
        memcmp(wd + 1, t->dim + 1, sizeof *wd * (size_t)(w->rank - 1)))
        return 0;
    *first = t->n / t->dim[0] * (t->dim[0] - wd[0]);
    return 1;
}

static void shape_text(char *out, size_t size, const int64_t *dim, int rank)
{
    size_t n = 0;

    out[0] = 0;
    for (int i = 0; i < rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%lld", i ? "," : "", (long long)dim[i]);
}

/* [out,in,k,k] of a file <-> [out,k,k,in] in memory. */
static void conv_order(const struct weight *w, float *to, const float *from, int to_memory)
{
    int64_t cout = w->dim[0], taps = w->dim[1] * w->dim[2], cin = w->dim[3];

    for (int64_t o = 0; o < cout; o++)
        for (int64_t i = 0; i < cin; i++)
            for (int64_t k = 0; k < taps; k++) {
                int64_t file = (o * cin + i) * taps + k, mem = (o * taps + k) * cin + i;

                to[to_memory ? mem : file] = from[to_memory ? file : mem];
            }
}

static int64_t count_bad(const float *x, int64_t n)
{
    int64_t bad = 0;

    for (int64_t i = 0; i < n; i++)
        bad += !isfinite(x[i]);
    return bad;
}

/* Elements of one row (output channel) of w, in files and in memory. */
static int64_t row_of(const struct weight *w)
{
    return weight_count(w) / w->dim[0];
}

/* Weight k, whose shape is right: bytes have scales, other types have none, one for each row. */
static int check_scale(const struct match *m, int k, struct err *e)
{
    const struct st_tensor *t = m->of[k], *s = m->scale[k];
    int64_t rows = t->n / row_of(m->set->all[k]), dim[ST_MAX_RANK];
    const char *path = st_path(m->file, s ? s->shard : t->shard);
    char have[96];

    if (!s && t->type != DT_I8)
        return 0;
    if (!s)
        return err_set(e, ERR_FORMAT,
                       "%s: tensor \"%s\" is I8 without scales: \"%s" INT8_SCALE
                       "\" of [%lld,1] must be there",
                       path, t->name, t->name, (long long)rows);
    if (t->type != DT_I8)
        return err_set(e, ERR_FORMAT, "%s: tensor \"%s\" scales \"%s\", which is %s and not I8",
                       path, s->name, t->name, dtype_name(t->type));
    if (s->type != DT_F32 && s->type != DT_BF16 && s->type != DT_F16)
        return err_set(e, ERR_FORMAT, "%s: tensor \"%s\" is %s, scales are F32, BF16 or F16", path,
                       s->name, dtype_name(s->type));
    if (s->n == rows && n_not_one(s->dim, s->rank, dim) == (rows != 1))
        return 0;
    shape_text(have, sizeof have, s->dim, s->rank);
    return err_set(e, ERR_FORMAT,
                   "%s: tensor \"%s\" is [%s], the scales of \"%s\" are [%lld,1] or [%lld]", path,
                   s->name, have, t->name, (long long)rows, (long long)rows);
}

/* All shapes, before any memory is taken for them. */
static int check_shapes(const struct match *m, int last_rows, struct err *e)
{
    for (int k = 0; k < m->set->n; k++) {
        const struct weight *w = m->set->all[k];
        const struct st_tensor *t = m->of[k];
        int64_t dim[ST_MAX_RANK];
        char want[96], have[96];

        if (shape_fits(w, t, last_rows, &(int64_t){0})) {
            if (check_scale(m, k, e))
                return ERR_FORMAT;
            continue;
        }
        for (int i = 0; i < w->rank; i++)
            dim[i] = file_dim(w, i);
        shape_text(want, sizeof want, dim, w->rank);
        shape_text(have, sizeof have, t->dim, t->rank);
        return err_set(e, ERR_FORMAT, "%s: tensor \"%s\" is [%s], the config wants [%s]",
                       st_path(m->file, t->shard), t->name, have, want);
    }
    return 0;
}

/* Bytes of w, as numbers in x, become values; the first is element `first` of its tensor. */
static int apply_scale(const struct match *m, const struct weight *w, const struct st_tensor *s,
                       int64_t first, float *x, struct err *e)
{
    int64_t rows = w->dim[0], n = row_of(w), bad = 0;
    float *scale = xmalloc(sizeof *scale * (size_t)rows);
    int rc = st_read(m->file, s, first / n, rows, scale, DT_F32, e);

    while (!rc && bad < rows && isfinite(scale[bad]) && scale[bad] >= 0)
        bad++;
    if (!rc && bad < rows)
        rc = err_set(e, ERR_FORMAT,
                     "%s: tensor \"%s\": the scale of row %lld is %g, it must be finite and not "
                     "negative",
                     st_path(m->file, s->shard), s->name, (long long)(first / n + bad),
                     (double)scale[bad]);
    if (!rc)
        int8_to_rows(x, scale, rows, n);
    free(scale);
    return rc;
}

static int load_one(const struct match *m, int k, int last_rows, struct store_report *report,
                    struct err *e)
{
    struct weight *w = m->set->all[k];
    const struct st_tensor *t = m->of[k];
    int64_t n = weight_count(w), first, bad;
    float *x = xmalloc(sizeof *x * (size_t)n), *y;
    int rc;

    shape_fits(w, t, last_rows, &first);
    rc = st_read(m->file, t, first, n, x, DT_F32, e);
    if (!rc && m->scale[k])
        rc = apply_scale(m, w, m->scale[k], first, x, e);
    if (!rc) {
        w->stored = t->type;
        bad = count_bad(x, n);
        if (bad && report) {
            report->first_bad = report->n_bad ? report->first_bad : w->name;
            report->n_bad += bad;
        }
        if (w->conv) {
            y = xmalloc(sizeof *y * (size_t)n);
            conv_order(w, y, x, 1);
            free(x);
            x = y;
        }
        weight_store(w, x, DT_F32);
    }
    free(x);
    return rc;
}

/* Hostile files may hold 400,000 names; comparing each with every weight would take minutes. */
static int check_count(const struct match *m, struct err *e)
{
    int n = st_count(m->file);

    if (n <= 4 * m->set->n + 1000)
        return 0;
    return err_set(e, ERR_FORMAT, "%s: holds %d tensors, this network has %d", m->path, n,
                   m->set->n);
}

/* Weights, masters and gradients must fit into what the machine has left. */
static int check_memory(const struct match *m, enum dtype type, int training, struct err *e)
{
    double per_weight = (double)dtype_bytes(type) + (training ? 4 + 4 * (type == DT_BF16) : 0);
    double need = per_weight * (double)weight_set_count(m->set),
           have = (double)machine_memory_bytes();

    if (need <= have)
        return 0;
    return err_set(e, ERR_FIT, "%s: its weights need %.1f GiB of memory as %s, %.1f GiB are free",
                   m->path, need / (1 << 30), dtype_name(type), have / (1 << 30));
}

int store_load(struct weight_set *s, const char *dir, const struct store_names *names,
               struct device *device, enum dtype type, int training, struct store_report *report,
               struct err *e)
{
    struct st_file *f;
    struct match m = {.set = s, .path = dir};
    int rc = st_open(&f, dir, e);

    if (rc)
        return rc;
    if (report)
        *report = (struct store_report){0};
    m.file = f;
    m.of = xcalloc((size_t)s->n + 1, sizeof *m.of);
    m.scale = xcalloc((size_t)s->n + 1, sizeof *m.scale);
    m.spare = xcalloc((size_t)st_count(f) + 1, sizeof *m.spare);
    rc = check_count(&m, e);
    if (!rc)
        rc = match_all(&m, names, e);
    if (!rc && (m.n_missing || m.n_spare))
        rc = refuse(&m, e);
    if (!rc)
        rc = check_shapes(&m, names->last_rows, e);
    if (!rc)
        rc = check_memory(&m, type, training, e);
    if (!rc)
        rc = weight_set_allocate(s, device, type, training, e);
    for (int k = 0; !rc && k < s->n; k++)
        rc = load_one(&m, k, names->last_rows, report, e);
    free(m.of);
    free(m.scale);
    free(m.spare);
    st_close(&f);
    return rc;
}

/* ---- saving ---- */

/* The values of w in file order; xmalloc'd. */
static float *to_save(const struct weight *w, const float *values)
{
    int64_t n = weight_count(w);
    float *x = xmalloc(sizeof *x * (size_t)n), *y;

    if (values)
        memcpy(x, values, sizeof *x * (size_t)n);
    else
        weight_read(w, x);
    if (w->conv) {
        y = xmalloc(sizeof *y * (size_t)n);
        conv_order(w, y, x, 0);
        free(x);
        x = y;
    }
    return x;
}

static enum dtype saved_type(const struct weight *w, enum dtype type)
{
    if (!w->matrix)
        return DT_F32;
    return type == DT_I8 && row_of(w) < INT8_MIN_ROW ? DT_BF16 : type;
}

/* x becomes the data of t, and for bytes the scales of t[1], whose name and data are xmalloc'd. */
static int put_values(struct st_out *t, float *x, int64_t rows, int64_t n, struct err *e)
{
    int rc = 0;

    t->data = x;
    if (t->type == DT_F32)
        return 0;
    t->data = xmalloc(dtype_bytes(t->type) * (size_t)(rows * n));
    if (t->type == DT_I8) {
        float *scale = xmalloc(sizeof *scale * (size_t)rows);

        t[1] = (struct st_out){.name = xasprintf("%s" INT8_SCALE, t->name),
                               .type = DT_F32,
                               .rank = 2,
                               .dim = {rows, 1},
                               .data = scale};
        if (int8_from_rows((int8_t *)t->data, scale, x, rows, n))
            rc = err_set(e, ERR_FORMAT, "weight %s holds a value that is not finite: int8 has none",
                         t->name);
    } else {
        dtype_convert((void *)t->data, t->type, x, DT_F32, (size_t)(rows * n));
    }
    free(x);
    return rc;
}

int store_save(const struct weight_set *s, const char *path, enum dtype type, float *const *values,
               struct err *e)
{
    struct st_out *t = xcalloc(2 * (size_t)s->n + 1, sizeof *t);
    struct st_pair meta = {"format", "pt"};
    int n = 0, rc = 0;

    for (int k = 0; k < s->n && !rc; k++) {
        const struct weight *w = s->all[k];

        t[n].name = w->name;
        t[n].type = saved_type(w, type);
        t[n].rank = w->rank;
        for (int i = 0; i < w->rank; i++)
            t[n].dim[i] = file_dim(w, i);
        rc = put_values(&t[n], to_save(w, values ? values[k] : NULL), w->dim[0], row_of(w), e);
        n += t[n].type == DT_I8 ? 2 : 1;
    }
    rc = rc ? err_prefix(e, "%s", path) : st_write(path, t, n, &meta, 1, e);
    for (int i = 0; i < n; i++) {
        free((void *)t[i].data);
        if (i && t[i - 1].type == DT_I8)
            free((void *)t[i].name);
    }
    free(t);
    return rc;
}
