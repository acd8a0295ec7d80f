#include "model/convert_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "format/made.h"
#include "format/pth.h"
#include "kern/int8.h"
#include "model/quant.h"
#include "model/recognise.h"
#include "model/store_inner.h"

enum { PIECE = 1 << 16, SCALE = 1 << 30 }; /* SCALE: of the source, with its number */

/* clang-format off */
static const struct target {
    const char *name, *type; /* as the user says it, as the file writes it */
    int st, gguf;            /* formats that have it */
} targets[] = {
    {"f32",  "F32",  1, 1}, {"bf16", "BF16", 1, 1}, {"f16",  "F16",  1, 1}, {"int8", "I8", 1, 0},
    {"q8_0", "Q8_0", 0, 1}, {"q5_1", "Q5_1", 0, 1}, {"q5_0", "Q5_0", 0, 1},
    {"q4_1", "Q4_1", 0, 1}, {"q4_0", "Q4_0", 0, 1},
};
/* clang-format on */
enum { N_TARGETS = sizeof targets / sizeof *targets };

struct job {
    const struct st_file *f;
    struct quant quant;
    const char *type; /* as the file writes it; NULL: as it is */
    int gguf;
    const volatile sig_atomic_t *stop;
    FILE *log; /* NULL: nothing is said */
    struct progress bar;
    uint64_t read_bytes;
    struct made_tensor *out;
    char **name; /* of scales that are new, owned */
    int n, n_names;
};

int file_convert_wanted(const char *to)
{
    return ends_behind(to, ".safetensors") || ends_behind(to, ".gguf");
}

/* ---- what becomes of a tensor ---- */

/* The scales of t, NULL without any. */
static const struct st_tensor *scale_of(const struct st_file *f, const struct st_tensor *t)
{
    char *a = xasprintf("%s" INT8_SCALE, t->name), *b = NULL;
    const struct st_tensor *s = st_find(f, a);

    if (!s && ends_behind(t->name, ".weight")) {
        b = xasprintf("%.*s.scale_weight", (int)(strlen(t->name) - strlen(".weight")), t->name);
        s = st_find(f, b);
    }
    free(a);
    free(b);
    return s;
}

/* Belongs to another tensor, which is computed with it. */
static int is_beside(const struct job *j, const struct st_tensor *t)
{
    char base[ST_MAX_NAME + 16];
    const struct st_tensor *of;

    if (quant_is_marker(t->name))
        return 1;
    if (!quant_scaled(t->name, base, sizeof base))
        return 0;
    of = st_find(j->f, base);
    return of && scale_of(j->f, of) == t;
}

static int has_type(const struct job *j, const char *type)
{
    enum dtype known;
    int bytes;

    return j->gguf ? gguf_block(type, &bytes) > 0
                   : !dtype_from_name(type, &known) || !strncmp(type, "F8_E", 4);
}

/* A matrix of a layer, or the weights of a convolution; tables and biases of attention stay wide.
 */
static int is_matrix(const struct st_tensor *t)
{
    static const char *const tables[] = {
        "relative_attention_bias", "attn_rel_b", "pos_embedding", "modulation",
        "scale_shift_table",       "pos_embed",  "emb_pos"};
    int wide = t->rank < 2 || t->rank == 3;

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        wide |= strstr(t->name, tables[i]) != NULL;
    return !wide && ends_behind(t->name, "weight");
}

static int is_number(const struct st_tensor *t)
{
    return t->type == DT_OTHER || t->type == DT_I8 || t->type == DT_F32 || t->type == DT_BF16 ||
           t->type == DT_F16 || t->type == DT_F64;
}

static int64_t row_of(const struct st_tensor *t)
{
    return t->rank ? t->n / (t->dim[0] ? t->dim[0] : 1) : 1;
}

static const char *type_for(const struct job *j, const struct st_tensor *t)
{
    const struct stored_form *form = j->type ? stored_named(j->type) : NULL;
    int64_t last = t->rank ? t->dim[t->rank - 1] : 1;
    const char *want = j->type;

    if (!is_number(t) || (t->type == DT_I8 && !scale_of(j->f, t)))
        return t->type_name; /* ids, texts */
    if (!want)
        want = has_type(j, t->type_name) && !scale_of(j->f, t) ? t->type_name : "BF16";
    else if (!is_matrix(t))
        want = "F32";
    else if (form->block > 1 && (t->rank != 2 || last % form->block))
        want = "BF16";
    else if (!strcmp(want, "I8") && (t->rank != 2 || row_of(t) < INT8_MIN_ROW))
        want = "BF16";
    return want;
}

static size_t bytes_as(const char *type, const struct st_tensor *t)
{
    const struct stored_form *form = stored_named(type);

    if (!form || !strcmp(type, t->type_name))
        return t->bytes;
    return (size_t)(t->n / form->block) * (size_t)form->bytes;
}

static void add_tensor(struct job *j, int i)
{
    const struct st_tensor *t = st_at(j->f, i);
    struct made_tensor *o = &j->out[j->n++];

    *o =
        (struct made_tensor){.name = t->name, .type = type_for(j, t), .rank = t->rank, .source = i};
    memcpy(o->dim, t->dim, sizeof o->dim);
    o->bytes = bytes_as(o->type, t);
    if (strcmp(o->type, "I8") || !is_matrix(t))
        return;
    j->name[j->n_names] = xasprintf("%s" INT8_SCALE, t->name);
    j->out[j->n++] = (struct made_tensor){.name = j->name[j->n_names++],
                                          .type = "F32",
                                          .rank = 2,
                                          .dim = {t->dim[0], 1},
                                          .bytes = (size_t)t->dim[0] * sizeof(float),
                                          .source = i | SCALE};
}

static int list_tensors(struct job *j, const char *to, struct err *e)
{
    int n = st_count(j->f);

    j->out = xcalloc(2 * (size_t)n + 1, sizeof *j->out);
    j->name = xcalloc((size_t)n + 1, sizeof *j->name);
    for (int i = 0; i < n; i++) {
        const struct st_tensor *t = st_at(j->f, i);

        if (is_beside(j, t))
            continue;
        add_tensor(j, i);
        if (!has_type(j, j->out[j->n - 1].type))
            return err_set(e, ERR_FORMAT, "%s: tensor %s is %s, which %s files have not",
                           st_path(j->f, t->shard), t->name, t->type_name,
                           j->gguf ? "GGUF" : path_ext(to));
        if (quant_packed(&j->quant, t))
            return err_set(e, ERR_FORMAT,
                           "%s: tensor %s is packed in 4 or 8 bits by its marker; such files are "
                           "loaded, not converted",
                           st_path(j->f, t->shard), t->name);
        if (is_number(t) && !quant_form(&j->quant, t))
            return store_no_form(j->f, t, e);
    }
    return 0;
}

/* ---- data ---- */

static int copy_bytes(const struct job *j, const struct st_tensor *t, struct file_replace *r,
                      struct err *e)
{
    char *raw = xmalloc(PIECE);
    int rc = 0;

    for (size_t at = 0; !rc && at < t->bytes; at += PIECE) {
        size_t n = t->bytes - at < PIECE ? t->bytes - at : PIECE;

        if (j->stop && *j->stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (!rc)
            rc = st_read_bytes(j->f, t, at, n, raw, e);
        if (!rc)
            rc = file_replace_add(r, raw, n, e);
    }
    free(raw);
    return rc;
}

static int all_finite(const float *x, int64_t n)
{
    int yes = 1;

    for (int64_t i = 0; i < n; i++)
        yes &= isfinite(x[i]) != 0;
    return yes;
}

/* Rows first..first+rows-1 of t in f32, scales multiplied. */
static int read_rows(const struct job *j, const struct st_tensor *t, int64_t first, int64_t rows,
                     float *x, struct err *e)
{
    const struct st_tensor *s = scale_of(j->f, t);
    int64_t row = row_of(t);
    float scale;
    int rc = store_values_by(j->f, t, quant_form(&j->quant, t), first * row, rows * row, x, e);

    for (int64_t r = 0; !rc && s && r < rows; r++) {
        rc = st_read(j->f, s, s->n == 1 ? 0 : first + r, 1, &scale, DT_F32, e);
        for (int64_t i = 0; !rc && i < row; i++)
            x[r * row + i] *= scale;
    }
    return rc;
}

/* x [rows,n] as type, appended: values, or of bytes the scales alone. */
static int put_rows(const struct made_tensor *o, const float *x, int64_t rows, int64_t n,
                    struct file_replace *r, struct err *e)
{
    const struct stored_form *form = stored_named(o->type);
    int bytes = !strcmp(o->type, "I8"), scales = o->source & SCALE;
    size_t size = (size_t)(rows * n / form->block + 1) * (size_t)form->bytes;
    char *packed = xmalloc(size);
    float *scale = xmalloc(sizeof *scale * (size_t)rows);
    int8_t *q = xmalloc((size_t)(rows * n));
    int rc = 0;

    if (bytes || scales)
        rc = int8_from_rows(q, scale, x, rows, n) ? ERR_FORMAT : 0;
    else
        form->pack(packed, x, rows * n);
    if (rc)
        err_set(e, rc, "tensor %s holds a value that is not finite: int8 has none", o->name);
    else if (scales)
        rc = file_replace_add(r, scale, sizeof *scale * (size_t)rows, e);
    else
        rc = file_replace_add(
            r, bytes ? (void *)q : packed,
            bytes ? (size_t)(rows * n) : (size_t)(rows * n / form->block) * (size_t)form->bytes, e);
    free(packed);
    free(scale);
    free(q);
    return rc;
}

/* Of the file that is read: bytes are counted, scales are small. */
static void seen(struct job *j, const struct made_tensor *o, uint64_t bytes)
{
    if (o->source & SCALE)
        return;
    j->read_bytes += bytes;
    if (j->log)
        progress_step(&j->bar, (long)(j->read_bytes >> 20), NULL);
}

static int fill(void *arg, const struct made_tensor *o, struct file_replace *r, struct err *e)
{
    struct job *j = arg;
    const struct st_tensor *t = st_at(j->f, o->source & ~SCALE);
    int64_t row = row_of(t), rows = row ? t->n / row : 0;
    int64_t most = row < PIECE && row ? PIECE / row : 1;
    float *x;
    int rc = 0;

    if (!strcmp(o->type, t->type_name) && !(o->source & SCALE) && !scale_of(j->f, t)) {
        rc = copy_bytes(j, t, r, e);
        seen(j, o, t->bytes);
        return rc;
    }
    x = xmalloc(sizeof *x * (size_t)(most * row + 1));
    for (int64_t first = 0, n; !rc && first < rows; first += n) {
        n = rows - first < most ? rows - first : most;
        if (j->stop && *j->stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (!rc)
            rc = read_rows(j, t, first, n, x, e);
        if (!rc && strncmp(o->type, "F", 1) && strcmp(o->type, "BF16") && !all_finite(x, n * row))
            rc = err_set(e, ERR_FORMAT, "tensor %s holds a value that is not finite: %s has none",
                         t->name, o->type);
        if (!rc)
            rc = put_rows(o, x, n, row, r, e);
        seen(j, o, t->bytes / (uint64_t)rows * (uint64_t)n);
    }
    free(x);
    return rc;
}

/* ---- heads ---- */

static const char *architecture(const struct st_file *f)
{
    static const char *const names[N_PART_ROLES] = {"t5encoder", "wan", "wan-vae", "clip"};
    const char *there = st_meta(f, "general.architecture");
    struct recognised r;
    struct err why;

    if (there)
        return there;
    if (recognise(&r, f, &why))
        return "unknown";
    recognised_release(&r);
    return names[r.role];
}

/* A text as GGUF keeps it. */
static struct gguf_value text_value(const char *key, const char *text, struct buf *b)
{
    uint64_t n = strlen(text);

    buf_clear(b);
    for (int i = 0; i < 8; i++)
        buf_putc(b, (char)(n >> 8 * i));
    buf_puts(b, text);
    return (struct gguf_value){key, GGUF_STRING, 0, 1, (const unsigned char *)b->data, b->len};
}

/* All keys that the source has, but for those that say how its bytes lie. */
static int write_gguf(struct job *j, const char *to, struct err *e)
{
    static const unsigned char two[4] = {2, 0, 0, 0};
    struct gguf_value *v = xcalloc((size_t)gguf_count(j->f) + 2, sizeof *v);
    struct buf b = BUF_INIT;
    int n = 0, rc;

    v[n++] = text_value("general.architecture", architecture(j->f), &b);
    v[n++] = (struct gguf_value){"general.quantization_version", GGUF_U32, 0, 1, two, 4};
    for (int i = 0; i < gguf_count(j->f); i++) {
        const char *key = gguf_at(j->f, i)->key;

        if (strcmp(key, "general.architecture") && strcmp(key, "general.quantization_version") &&
            strcmp(key, "general.alignment") && strcmp(key, "general.file_type") &&
            strncmp(key, "comfy.gguf.orig_shape.", 22))
            v[n++] = *gguf_at(j->f, i);
    }
    rc = gguf_write_made(to, j->out, j->n, v, n, fill, j, e);
    buf_release(&b);
    free(v);
    return rc;
}

static int write_st(struct job *j, const char *to, struct err *e)
{
    struct st_pair *meta = xcalloc((size_t)st_n_meta(j->f) + 1, sizeof *meta);
    int n = 0, rc;

    for (int i = 0; i < st_n_meta(j->f); i++) {
        st_meta_at(j->f, i, &meta[n].key, &meta[n].value);
        n += strcmp(meta[n].key, "_quantization_metadata") && strcmp(meta[n].key, "format");
    }
    meta[n++] = (struct st_pair){"format", "pt"};
    rc = st_write_made(to, j->out, j->n, meta, n, fill, j, e);
    free(meta);
    return rc;
}

/* ---- the whole ---- */

static int find_target(struct job *j, const char *to, const char *type, struct err *e)
{
    struct buf b = BUF_INIT;

    j->gguf = ends_behind(to, ".gguf");
    for (int i = 0; type && i < N_TARGETS; i++) {
        if (!(j->gguf ? targets[i].gguf : targets[i].st))
            continue;
        buf_printf(&b, "%s%s", b.len ? ", " : "", targets[i].name);
        if (!strcmp(type, targets[i].name))
            j->type = targets[i].type;
    }
    if (type && !j->type)
        err_set(e, ERR_USAGE, "type \"%s\" is not one of a %s file: %s", type, path_ext(to),
                buf_str(&b));
    buf_release(&b);
    return type && !j->type ? ERR_USAGE : 0;
}

static long mib_of(const struct job *j)
{
    uint64_t bytes = 0;

    for (int i = 0; i < j->n; i++)
        bytes += j->out[i].source & SCALE ? 0 : st_at(j->f, j->out[i].source)->bytes;
    return (long)(bytes >> 20);
}

static int convert_weights(struct job j, const char *from, const char *to, struct err *e)
{
    struct st_file *f = NULL;
    int rc = st_open(&f, from, e);

    j.f = f;
    if (!rc)
        rc = quant_read(&j.quant, f, e);
    if (!rc)
        rc = list_tensors(&j, to, e);
    if (!rc && j.log)
        progress_start(&j.bar, j.log, "convert, MiB", mib_of(&j));
    if (!rc)
        rc = j.gguf ? write_gguf(&j, to, e) : write_st(&j, to, e);
    if (!rc && j.log)
        progress_end(&j.bar, NULL);
    if (rc == ERR_FORMAT && !strncmp(e->msg, "tensor ", 7))
        err_prefix(e, "%s", from);
    for (int i = 0; i < j.n_names; i++)
        free(j.name[i]);
    free(j.name);
    free(j.out);
    quant_release(&j.quant);
    st_close(&f);
    return rc;
}

/* A file of PyTorch becomes safetensors first; that is all where nothing else is wanted. */
static int convert_pickle(const struct job *j, const char *from, const char *to, struct err *e)
{
    char *between =
        j->type || j->gguf ? xasprintf("%s.tmp.%ld.safetensors", to, (long)getpid()) : xstrdup(to);
    int rc = pth_convert(from, between, e);

    if (!rc && strcmp(between, to))
        rc = convert_weights(*j, between, to, e);
    if (strcmp(between, to))
        unlink(between);
    free(between);
    return rc;
}

int file_convert(const char *from, const char *to, const char *type, int overwrite,
                 const volatile sig_atomic_t *stop, FILE *log, struct err *e)
{
    struct job j = {.stop = stop, .log = log};
    int rc = find_target(&j, to, type, e);

    if (!rc && !overwrite && file_exists(to))
        rc = err_set(e, ERR_IO, "%s exists already; -y overwrites it", to);
    if (!rc)
        rc = pth_is(from) ? convert_pickle(&j, from, to, e) : convert_weights(j, from, to, e);
    return rc;
}
