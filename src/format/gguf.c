/* gguf.c - the head of a GGUF file: counts, keys with values, and where each tensor lies.
 * Everything in it is hostile until checked; sizes are compared with what is left, never added
 * first. */
#include "format/gguf.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "format/st_inner.h"

enum {
    MAX_VALUES = 65536,
    MAX_ALIGNMENT = 1 << 20,
    DEFAULT_ALIGNMENT = 32,
    N_GGML_TYPES = 42,
};

/* clang-format off */
/* Types of tensors by their number in the file. */
static const struct ggml_type {
    const char *name;
    int block, bytes;
} ggml_types[N_GGML_TYPES] = {
    [0] = {"F32", 1, 4},       [1] = {"F16", 1, 2},       [2] = {"Q4_0", 32, 18},
    [3] = {"Q4_1", 32, 20},    [6] = {"Q5_0", 32, 22},    [7] = {"Q5_1", 32, 24},
    [8] = {"Q8_0", 32, 34},    [9] = {"Q8_1", 32, 40},    [10] = {"Q2_K", 256, 84},
    [11] = {"Q3_K", 256, 110}, [12] = {"Q4_K", 256, 144}, [13] = {"Q5_K", 256, 176},
    [14] = {"Q6_K", 256, 210}, [15] = {"Q8_K", 256, 292}, [16] = {"IQ2_XXS", 256, 66},
    [17] = {"IQ2_XS", 256, 74}, [18] = {"IQ3_XXS", 256, 98}, [19] = {"IQ1_S", 256, 50},
    [20] = {"IQ4_NL", 32, 18}, [21] = {"IQ3_S", 256, 110}, [22] = {"IQ2_S", 256, 82},
    [23] = {"IQ4_XS", 256, 136}, [24] = {"I8", 1, 1},     [25] = {"I16", 1, 2},
    [26] = {"I32", 1, 4},      [27] = {"I64", 1, 8},      [28] = {"F64", 1, 8},
    [29] = {"IQ1_M", 256, 56}, [30] = {"BF16", 1, 2},     [34] = {"TQ1_0", 256, 54},
    [35] = {"TQ2_0", 256, 66}, [39] = {"MXFP4", 32, 17},  [40] = {"NVFP4", 64, 36},
    [41] = {"Q1_0", 128, 18},
};
/* Bytes of a number. */
static const unsigned char type_bytes[GGUF_N_TYPES] = {
    [GGUF_U8] = 1,  [GGUF_I8] = 1,  [GGUF_U16] = 2,  [GGUF_I16] = 2, [GGUF_U32] = 4, [GGUF_I32] = 4,
    [GGUF_F32] = 4, [GGUF_BOOL] = 1, [GGUF_U64] = 8, [GGUF_I64] = 8, [GGUF_F64] = 8,
};
/* clang-format on */

static int find_type(const char *name)
{
    int i = 0;

    while (i < N_GGML_TYPES && (!ggml_types[i].name || strcmp(ggml_types[i].name, name)))
        i++;
    return i < N_GGML_TYPES ? i : -1;
}

int gguf_block(const char *type_name, int *bytes)
{
    int i = find_type(type_name);

    *bytes = i < 0 ? 0 : ggml_types[i].bytes;
    return i < 0 ? 0 : ggml_types[i].block;
}

int gguf_type_number(const char *type_name)
{
    int i = find_type(type_name);

    if (i < 0)
        BUG("gguf: no type is called %s", type_name);
    return i;
}

struct reader {
    unsigned char *p;
    size_t n, i;
    uint64_t file_bytes;
    int shard, short_of; /* short_of: the head goes on behind n */
    const char *path;
    struct err *e;
};

static int truncated(struct reader *r)
{
    if (r->n < r->file_bytes && r->n < ST_MAX_HEADER) {
        r->short_of = 1;
        return ERR_FORMAT;
    }
    if (r->n < r->file_bytes)
        return err_set(r->e, ERR_FORMAT, "%s: header exceeds the allowed %d bytes", r->path,
                       ST_MAX_HEADER);
    return err_set(r->e, ERR_FORMAT, "%s: truncated header: the file ends at byte %" PRIu64,
                   r->path, r->file_bytes);
}

/* `bytes` more, of which nothing is believed but that they are there. */
static int take(struct reader *r, uint64_t bytes, unsigned char **out)
{
    if (bytes > r->file_bytes || bytes > ST_MAX_HEADER)
        return err_set(r->e, ERR_FORMAT,
                       "%s: header at byte %zu: a length of %" PRIu64
                       " exceeds the file or the allowed %d bytes",
                       r->path, r->i, bytes, ST_MAX_HEADER);
    if (bytes > r->n - r->i)
        return truncated(r);
    *out = r->p + r->i;
    r->i += (size_t)bytes;
    return 0;
}

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t v = 0;

    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static int take_number(struct reader *r, int bytes, uint64_t *out)
{
    unsigned char *p;

    if (take(r, (uint64_t)bytes, &p) < 0)
        return ERR_FORMAT;
    *out = little(p, bytes);
    return 0;
}

static int take_string(struct reader *r, unsigned char **s, size_t *n)
{
    uint64_t len;

    if (take_number(r, 8, &len) < 0 || take(r, len, s) < 0)
        return ERR_FORMAT;
    *n = (size_t)len;
    return 0;
}

/* Ends a name with NUL: its length before it is not needed any more, so there is a byte. */
static const char *terminated(unsigned char *s, size_t n)
{
    memmove(s - 1, s, n);
    s[n - 1] = 0;
    return (const char *)s - 1;
}

static int take_name(struct reader *r, const char *what, const char **out)
{
    unsigned char *s;
    size_t n, at = r->i;

    if (take_string(r, &s, &n) < 0)
        return ERR_FORMAT;
    if (n == 0 || n > ST_MAX_NAME || memchr(s, 0, n) || !utf8_valid((const char *)s, n, NULL))
        return err_set(r->e, ERR_FORMAT,
                       "%s: %s at byte %zu: allowed are 1 to %d bytes of UTF-8 without NUL",
                       r->path, what, at, ST_MAX_NAME);
    *out = terminated(s, n);
    return 0;
}

/* ---- keys and values ---- */

static int bad_type(struct reader *r, const char *key, uint64_t type)
{
    char shown[96];

    return err_set(r->e, ERR_FORMAT,
                   "%s: key %s: type %" PRIu64 " is not known (0 to 12 are, no arrays in arrays)",
                   r->path, st_show(key, shown), type);
}

/* The elements of v, whose type and number are known. */
static int take_elements(struct reader *r, struct gguf_value *v, uint64_t n)
{
    unsigned char *first = r->p + r->i, *s;
    size_t len, at = r->i;

    if (n > ST_MAX_HEADER)
        return take(r, n, &s);
    v->n = (int64_t)n;
    v->data = first;
    if (v->type != GGUF_STRING && take(r, n * type_bytes[v->type], &s) < 0)
        return ERR_FORMAT;
    for (uint64_t i = 0; v->type == GGUF_STRING && i < n; i++)
        if (take_string(r, &s, &len) < 0)
            return ERR_FORMAT;
    v->bytes = r->i - at;
    return 0;
}

static int take_value(struct reader *r, struct gguf_value *v)
{
    uint64_t type, n = 1;

    *v = (struct gguf_value){0};
    if (take_name(r, "key", &v->key) < 0 || take_number(r, 4, &type) < 0)
        return ERR_FORMAT;
    v->is_array = type == GGUF_ARRAY;
    if (v->is_array && (take_number(r, 4, &type) < 0 || take_number(r, 8, &n) < 0))
        return ERR_FORMAT;
    if (type >= GGUF_N_TYPES || type == GGUF_ARRAY)
        return bad_type(r, v->key, type);
    v->type = (enum gguf_type)type;
    return take_elements(r, v, n);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct gguf_value *)a)->key, ((const struct gguf_value *)b)->key);
}

static int take_values(struct reader *r, struct st_file *f, uint64_t n)
{
    char shown[96];

    if (n > MAX_VALUES)
        return err_set(r->e, ERR_FORMAT, "%s: %" PRIu64 " keys, allowed are %d", r->path, n,
                       MAX_VALUES);
    f->value = xcalloc((size_t)n + 1, sizeof *f->value);
    for (; (uint64_t)f->n_values < n; f->n_values++)
        if (take_value(r, &f->value[f->n_values]) < 0)
            return ERR_FORMAT;
    qsort(f->value, (size_t)n, sizeof *f->value, by_key);
    for (int i = 1; i < f->n_values; i++)
        if (!strcmp(f->value[i].key, f->value[i - 1].key))
            return err_set(r->e, ERR_FORMAT, "%s: key %s appears twice", r->path,
                           st_show(f->value[i].key, shown));
    return 0;
}

/* A key that must be one integer lo..hi where it is there. */
static int whole(struct reader *r, const struct st_file *f, const char *key, int64_t lo, int64_t hi,
                 int64_t *out)
{
    const struct gguf_value *v = gguf_find(f, key);

    if (!v)
        return 0;
    if (v->is_array || v->type == GGUF_STRING || v->type == GGUF_F32 || v->type == GGUF_F64 ||
        gguf_int(v, 0) < lo || gguf_int(v, 0) > hi)
        return err_set(r->e, ERR_FORMAT,
                       "%s: key %s: expected an integer from %" PRId64 " to %" PRId64, r->path, key,
                       lo, hi);
    *out = gguf_int(v, 0);
    return 0;
}

static int check_values(struct reader *r, const struct st_file *f, int64_t *alignment)
{
    int64_t parts = 1;

    *alignment = DEFAULT_ALIGNMENT;
    if (whole(r, f, "general.alignment", 1, MAX_ALIGNMENT, alignment) < 0 ||
        whole(r, f, "split.count", 0, INT32_MAX, &parts) < 0)
        return ERR_FORMAT;
    if (*alignment & (*alignment - 1))
        return err_set(r->e, ERR_FORMAT,
                       "%s: key general.alignment: %" PRId64 " is no power of two", r->path,
                       *alignment);
    if (parts > 1)
        return err_set(r->e, ERR_FORMAT,
                       "%s: is one of %" PRId64 " parts of a file; join them first "
                       "(llama-gguf-split --merge)",
                       r->path, parts);
    return 0;
}

/* ---- tensors ---- */

static int too_large(struct reader *r, const char *name)
{
    char shown[96];

    return err_set(r->e, ERR_FORMAT, "%s: tensor %s: shape is too large", r->path,
                   st_show(name, shown));
}

/* The file counts dimensions from the innermost. */
static int take_shape(struct reader *r, struct st_tensor *t)
{
    uint64_t rank, dim;
    char shown[96];

    if (take_number(r, 4, &rank) < 0)
        return ERR_FORMAT;
    if (rank > ST_MAX_RANK)
        return err_set(r->e, ERR_FORMAT, "%s: tensor %s: %" PRIu64 " dimensions, allowed are %d",
                       r->path, st_show(t->name, shown), rank, ST_MAX_RANK);
    t->rank = (int)rank;
    t->n = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        if (take_number(r, 8, &dim) < 0)
            return ERR_FORMAT;
        if (dim > INT64_MAX || __builtin_mul_overflow(t->n, (int64_t)dim, &t->n))
            return too_large(r, t->name);
        t->dim[i] = (int64_t)dim;
    }
    return 0;
}

static int set_type(struct reader *r, struct st_tensor *t, uint64_t number)
{
    const struct ggml_type *type = number < N_GGML_TYPES ? &ggml_types[number] : NULL;
    int64_t row = t->rank ? t->dim[t->rank - 1] : 1, bytes;
    char shown[96];

    if (!type || !type->name)
        return err_set(r->e, ERR_FORMAT,
                       "%s: tensor %s: type %" PRIu64 " is not known (those of gguf 0.19 are)",
                       r->path, st_show(t->name, shown), number);
    t->type_name = type->name;
    if (dtype_from_name(type->name, &t->type) < 0)
        t->type = DT_OTHER;
    if (row % type->block)
        return err_set(r->e, ERR_FORMAT,
                       "%s: tensor %s: rows of %" PRId64 " values in %s, which has blocks of %d",
                       r->path, st_show(t->name, shown), row, type->name, type->block);
    if (__builtin_mul_overflow(t->n / type->block, type->bytes, &bytes))
        return too_large(r, t->name);
    t->bytes = (size_t)bytes;
    return 0;
}

/* ComfyUI's writers fold shapes of more than four dimensions, and say so. */
static int original_shape(struct reader *r, const struct st_file *f, struct st_tensor *t)
{
    char *key = xasprintf("comfy.gguf.orig_shape.%s", t->name), shown[96];
    const struct gguf_value *v = gguf_find(f, key);
    int64_t n = 1;

    free(key);
    if (!v)
        return 0;
    for (int64_t i = 0; n >= 0 && i < v->n && i < ST_MAX_RANK; i++)
        if (gguf_int(v, i) < 0 || __builtin_mul_overflow(n, gguf_int(v, i), &n))
            n = -1;
    if (v->n > ST_MAX_RANK || n != t->n)
        return err_set(r->e, ERR_FORMAT,
                       "%s: key %s does not hold as many values as the tensor, which has %" PRId64,
                       r->path, st_show(v->key, shown), t->n);
    t->rank = (int)v->n;
    for (int i = 0; i < t->rank; i++)
        t->dim[i] = gguf_int(v, i);
    return 0;
}

static int take_tensor(struct reader *r, struct st_file *f)
{
    struct st_tensor t = {.shard = r->shard};
    uint64_t type;

    if (take_name(r, "tensor name", &t.name) < 0 || take_shape(r, &t) < 0 ||
        take_number(r, 4, &type) < 0 || take_number(r, 8, &t.offset) < 0 ||
        set_type(r, &t, type) < 0 || original_shape(r, f, &t) < 0)
        return ERR_FORMAT;
    *st_add_tensor(f) = t;
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct st_tensor *x = a, *y = b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Tensors lie one behind the other, each at a multiple of the alignment, padding between them. */
static int check_places(struct reader *r, struct st_tensor *t, int n, uint64_t step)
{
    uint64_t at = (r->i + step - 1) / step * step, end = 0, room;
    char a[96], b[96];

    if (n && at > r->file_bytes)
        return truncated(r);
    room = at < r->file_bytes ? r->file_bytes - at : 0;
    qsort(t, (size_t)n, sizeof *t, by_place);
    for (int i = 0; i < n; i++) {
        st_show(t[i].name, a);
        if (t[i].offset % step)
            return err_set(r->e, ERR_FORMAT,
                           "%s: tensor %s: offset %" PRIu64 " is no multiple of %" PRIu64, r->path,
                           a, t[i].offset, step);
        if (t[i].offset < end)
            return err_set(r->e, ERR_FORMAT, "%s: tensor %s overlaps %s", r->path, a,
                           st_show(t[i - 1].name, b));
        if (t[i].offset > room || t[i].bytes > room - t[i].offset)
            return err_set(r->e, ERR_FORMAT,
                           "%s: tensor %s of %zu bytes begins at byte %" PRIu64
                           " of its data, but the file has only %" PRIu64 " of them",
                           r->path, a, t[i].bytes, t[i].offset, room);
        if (t[i].offset - end >= step)
            return err_set(r->e, ERR_FORMAT, "%s: %" PRIu64 " unused bytes before tensor %s",
                           r->path, t[i].offset - end, a);
        end = t[i].offset + t[i].bytes;
        t[i].offset += at;
    }
    if (room - end >= step)
        return err_set(r->e, ERR_FORMAT, "%s: %" PRIu64 " unused bytes at %" PRIu64, r->path,
                       room - end, at + end);
    return 0;
}

static int take_tensors(struct reader *r, struct st_file *f, uint64_t n)
{
    int64_t step;
    int first = f->n;

    if (n > ST_MAX_TENSORS)
        return err_set(r->e, ERR_FORMAT, "%s: %" PRIu64 " tensors, allowed are %d", r->path, n,
                       ST_MAX_TENSORS);
    if (check_values(r, f, &step) < 0)
        return ERR_FORMAT;
    for (uint64_t i = 0; i < n; i++)
        if (take_tensor(r, f) < 0)
            return ERR_FORMAT;
    return check_places(r, f->tensor + first, (int)n, (uint64_t)step);
}

/* What is text is metadata too. Behind it lies a length that is not needed any more, or nothing
 * that is: the NUL has its place there. */
static void add_texts(struct st_file *f)
{
    for (int i = 0; i < f->n_values; i++) {
        const struct gguf_value *v = &f->value[i];
        size_t at = 0, n;
        const char *s;

        if (v->is_array || v->type != GGUF_STRING || !gguf_string(v, &at, &s, &n))
            continue;
        if (memchr(s, 0, n) || !utf8_valid(s, n, NULL))
            continue;
        ((char *)s)[n] = 0;
        st_add_meta(f, v->key, s);
    }
}

int gguf_parse_header(struct st_file *f, unsigned char *text, size_t n, uint64_t file_bytes,
                      int shard, int *more, const char *path, struct err *e)
{
    struct reader r = {text, n, 4, file_bytes, shard, 0, path, e};
    int first = f->n, rc;
    uint64_t version = 0, n_tensors = 0, n_values = 0;

    *more = 0;
    if ((rc = take_number(&r, 4, &version)) == 0 && version != 2 && version != 3)
        rc = err_set(e, ERR_FORMAT,
                     "%s: GGUF version %" PRIu64 "%s, allowed are 2 and 3 in little-endian order",
                     path, version, version & 0xffff ? "" : " (of a big-endian machine)");
    if (!rc && !(rc = take_number(&r, 8, &n_tensors)) && !(rc = take_number(&r, 8, &n_values)) &&
        !(rc = take_values(&r, f, n_values)))
        rc = take_tensors(&r, f, n_tensors);
    if (!rc) {
        add_texts(f);
        return 0;
    }
    *more = r.short_of;
    if (*more) {
        f->n = first;
        f->n_values = 0;
        free(f->value);
        f->value = NULL;
    }
    return *more ? 0 : rc;
}

/* ---- what can be asked ---- */

int gguf_count(const struct st_file *f)
{
    return f->n_values;
}

const struct gguf_value *gguf_at(const struct st_file *f, int i)
{
    ZT_ASSERT(i >= 0 && i < f->n_values);
    return &f->value[i];
}

const struct gguf_value *gguf_find(const struct st_file *f, const char *key)
{
    struct gguf_value want = {.key = key};

    return f->n_values ? bsearch(&want, f->value, (size_t)f->n_values, sizeof want, by_key) : NULL;
}

static uint64_t bits_at(const struct gguf_value *v, int64_t i)
{
    ZT_ASSERT(i >= 0 && i < v->n);
    return little(v->data + (size_t)i * type_bytes[v->type], type_bytes[v->type]);
}

double gguf_real(const struct gguf_value *v, int64_t i)
{
    uint64_t bits = bits_at(v, i);
    uint32_t half = (uint32_t)bits;
    double x = NAN;
    float f;

    if (v->type == GGUF_F32) {
        memcpy(&f, &half, sizeof f);
        return f;
    }
    if (v->type == GGUF_F64)
        memcpy(&x, &bits, sizeof x);
    else if (v->type != GGUF_STRING)
        x = (double)gguf_int(v, i);
    return x;
}

int64_t gguf_int(const struct gguf_value *v, int64_t i)
{
    uint64_t bits = bits_at(v, i);
    double x;

    switch (v->type) {
    case GGUF_I8:
        return (int8_t)bits;
    case GGUF_I16:
        return (int16_t)bits;
    case GGUF_I32:
        return (int32_t)bits;
    case GGUF_I64:
        return (int64_t)bits;
    case GGUF_F32:
    case GGUF_F64:
        x = gguf_real(v, i);
        return isnan(x) ? 0 : x >= 0x1p63 ? INT64_MAX : x < -0x1p63 ? INT64_MIN : (int64_t)x;
    case GGUF_STRING:
        return 0;
    default:
        return bits > INT64_MAX ? INT64_MAX : (int64_t)bits;
    }
}

int gguf_string(const struct gguf_value *v, size_t *at, const char **s, size_t *n)
{
    if (v->type != GGUF_STRING || *at >= v->bytes)
        return 0;
    *n = (size_t)little(v->data + *at, 8);
    *s = (const char *)v->data + *at + 8;
    *at += 8 + *n;
    return 1;
}
