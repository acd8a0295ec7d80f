/* st_header.c - the header of one safetensors file: a small strict JSON parser that works in place
 * and goes straight into the table of tensors. Everything in it is hostile until checked. */
#include "format/st_inner.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

enum { MAX_DEPTH = 100 }; /* of values that are skipped */

struct st_tensor *st_add_tensor(struct st_file *f)
{
    if (f->n == f->cap) {
        f->cap += f->cap / 2;
        f->tensor = xrealloc(f->tensor, (size_t)f->cap * sizeof *f->tensor);
    }
    return &f->tensor[f->n++];
}

void st_add_meta(struct st_file *f, const char *key, const char *value)
{
    if (f->n_meta == f->cap_meta) {
        f->cap_meta += f->cap_meta / 2;
        f->meta = xrealloc(f->meta, (size_t)f->cap_meta * sizeof *f->meta);
    }
    f->meta[f->n_meta++] = (struct st_pair){key, value};
}

struct parser {
    char *s;
    size_t n, i;
    const char *path;
    struct err *e;
};

const char *st_show(const char *name, char out[96])
{
    size_t n = strlen(name), w = 0;

    while (w < n && w < 80) {
        uint32_t cp;
        int k = utf8_decode(name + w, n - w, &cp);

        if (k == 0 || w + (size_t)k > 80)
            break;
        memcpy(out + w, name + w, (size_t)k);
        if (cp < 0x20 || cp == 0x7f)
            out[w] = '?';
        w += (size_t)k;
    }
    strcpy(out + w, w < n ? "..." : "");
    return out;
}

/* Bytes are counted from the start of the file, as a hex editor shows them. */
static int bad_json(struct parser *p, size_t at)
{
    return err_set(p->e, ERR_FORMAT, "%s: header is not valid JSON at byte %zu", p->path, at + 8);
}

static void skip_space(struct parser *p)
{
    while (p->i < p->n && strchr(" \t\n\r", p->s[p->i]) && p->s[p->i])
        p->i++;
}

static int peek(struct parser *p)
{
    skip_space(p);
    return p->i < p->n ? (unsigned char)p->s[p->i] : -1;
}

static int expect(struct parser *p, char c)
{
    if (peek(p) != c)
        return bad_json(p, p->i);
    p->i++;
    return 0;
}

/* After a value: 1 when a comma follows, 0 when `close` does. */
static int more(struct parser *p, char close)
{
    int c = peek(p);

    if (c != ',' && c != close)
        return bad_json(p, p->i);
    p->i++;
    return c == ',';
}

static int hex4(struct parser *p, uint32_t *out)
{
    uint32_t v = 0;

    for (int k = 0; k < 4; k++, p->i++) {
        char c = p->i < p->n ? p->s[p->i] : 0;
        int d = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;

        if (d < 0)
            return bad_json(p, p->i);
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return 0;
}

/* p->i stands behind the backslash. Writes at *w, which never overtakes p->i. */
static int unescape(struct parser *p, char **w)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t at = p->i - 1;
    char c = p->i < p->n ? p->s[p->i++] : 0;
    const char *f = c ? strchr(from, c) : NULL;
    uint32_t cp, low;

    if (f) {
        *(*w)++ = to[f - from];
        return 0;
    }
    if (c != 'u' || hex4(p, &cp) < 0)
        return bad_json(p, at);
    if (cp >= 0xd800 && cp < 0xdc00) {
        if (p->n - p->i < 6 || p->s[p->i] != '\\' || p->s[p->i + 1] != 'u')
            return bad_json(p, at);
        p->i += 2;
        if (hex4(p, &low) < 0 || low < 0xdc00 || low > 0xdfff)
            return bad_json(p, at);
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
    }
    if (cp == 0 || (cp >= 0xd800 && cp <= 0xdfff))
        return bad_json(p, at);
    *w += utf8_encode(cp, *w);
    return 0;
}

static int parse_string(struct parser *p, char **out)
{
    char *w;

    if (expect(p, '"') < 0)
        return ERR_FORMAT;
    *out = w = p->s + p->i;
    while (p->i < p->n) {
        char c = p->s[p->i++];

        if (c == '"') {
            *w = 0;
            return 0;
        }
        if ((unsigned char)c < 0x20)
            return bad_json(p, p->i - 1);
        if (c != '\\')
            *w++ = c;
        else if (unescape(p, &w) < 0)
            return ERR_FORMAT;
    }
    return bad_json(p, p->n);
}

/* A plain integer 0..2^63-1: no sign, fraction or exponent. */
static int parse_size(struct parser *p, const char *tensor, const char *what, int64_t *out)
{
    char name[96];
    size_t at;
    uint64_t v = 0;

    if (peek(p) < 0)
        return bad_json(p, p->i);
    at = p->i;
    while (p->i < p->n && p->s[p->i] >= '0' && p->s[p->i] <= '9' && v <= INT64_MAX / 10)
        v = v * 10 + (uint64_t)(p->s[p->i++] - '0');
    if (p->i == at || v > INT64_MAX || (p->s[at] == '0' && p->i > at + 1) ||
        (p->i < p->n && p->s[p->i] && strchr("0123456789.eE-+", p->s[p->i])))
        return err_set(p->e, ERR_FORMAT,
                       "%s: tensor %s: %s: expected an integer from 0 to 2^63-1 at byte %zu",
                       p->path, st_show(tensor, name), what, at + 8);
    *out = (int64_t)v;
    return 0;
}

/* Up to max numbers; *n < 0 tells of too many. */
static int parse_sizes(struct parser *p, const char *tensor, const char *what, int64_t *out,
                       int max, int *n)
{
    int rc;

    *n = 0;
    if (expect(p, '[') < 0)
        return ERR_FORMAT;
    if (peek(p) == ']') {
        p->i++;
        return 0;
    }
    do {
        int64_t v = 0;
        char name[96];

        if (parse_size(p, tensor, what, &v) < 0)
            return ERR_FORMAT;
        if (*n == max)
            return err_set(p->e, ERR_FORMAT, "%s: tensor %s: %s has more than %d numbers", p->path,
                           st_show(tensor, name), what, max);
        out[(*n)++] = v;
        rc = more(p, ']');
    } while (rc == 1);
    return rc;
}

static int skip_value(struct parser *p, int depth);

static int skip_members(struct parser *p, char open, int depth)
{
    const char close = open == '{' ? '}' : ']';
    char *key;
    int rc;

    p->i++;
    if (peek(p) == close) {
        p->i++;
        return 0;
    }
    do {
        if (open == '{' && (parse_string(p, &key) < 0 || expect(p, ':') < 0))
            return ERR_FORMAT;
        if (skip_value(p, depth + 1) < 0)
            return ERR_FORMAT;
        rc = more(p, close);
    } while (rc == 1);
    return rc;
}

/* What stands where nobody asks: any value of JSON (numbers are not looked into). */
static int skip_value(struct parser *p, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    int c = peek(p);
    char *text;
    size_t n;

    if (c == '"')
        return parse_string(p, &text);
    if (c == '{' || c == '[')
        return depth < MAX_DEPTH ? skip_members(p, (char)c, depth) : bad_json(p, p->i);
    for (int i = 0; i < 3; i++)
        if (p->n - p->i >= (n = strlen(words[i])) && !memcmp(p->s + p->i, words[i], n)) {
            p->i += n;
            return 0;
        }
    n = strspn(p->s + p->i, "0123456789.eE+-");
    if (!n)
        return bad_json(p, p->i);
    p->i += n;
    return 0;
}

/* One entry as it stands in the header; nothing is believed yet. */
struct entry {
    char *type;
    int64_t dim[ST_MAX_RANK], span[2];
    int rank, n_span, seen[3];
};

static int parse_entry_field(struct parser *p, const char *tensor, struct entry *in)
{
    static const char *const field[] = {"dtype", "shape", "data_offsets"};
    char *key, name[96];
    int k = 0;

    if (parse_string(p, &key) < 0 || expect(p, ':') < 0)
        return ERR_FORMAT;
    while (k < 3 && strcmp(field[k], key))
        k++;
    if (k == 3)
        return skip_value(p, 0);
    if (in->seen[k]++)
        return err_set(p->e, ERR_FORMAT, "%s: tensor %s: field %s appears twice", p->path,
                       st_show(tensor, name), key);
    if (k == 0)
        return parse_string(p, &in->type);
    if (k == 1)
        return parse_sizes(p, tensor, "shape", in->dim, ST_MAX_RANK, &in->rank);
    return parse_sizes(p, tensor, "data_offsets", in->span, 2, &in->n_span);
}

/* Types whose data nobody computes here: a file may hold them, and its user says what it misses. */
static int other_type(const char *name, struct st_tensor *t)
{
    static const struct {
        const char *name;
        int bits;
    } types[] = {{"F8_E4M3", 8},     {"F8_E5M2", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8},
                 {"F8_E5M2FNUZ", 8}, {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},
                 {"U16", 16},        {"U32", 32},    {"U64", 64},    {"C64", 64}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name)) {
            t->type = DT_OTHER;
            t->type_name = types[i].name;
            return types[i].bits;
        }
    return 0;
}

/* Bits of an element; 0: the type is not known. */
static int find_type(const char *name, struct st_tensor *t)
{
    if (dtype_from_name(name, &t->type) < 0)
        return other_type(name, t);
    t->type_name = dtype_name(t->type);
    return 8 * (int)dtype_bytes(t->type);
}

/* Type, shape and place of an entry agree; fills t. */
static int check_entry(struct parser *p, const struct entry *in, const char *name,
                       struct st_tensor *t)
{
    char shown[96], other[96];
    int64_t n = 1, bits;

    st_show(name, shown);
    if (!in->seen[0] || !in->seen[1] || !in->seen[2] || in->n_span != 2)
        return err_set(p->e, ERR_FORMAT,
                       "%s: tensor %s: wants dtype, shape and data_offsets [begin, end]", p->path,
                       shown);
    bits = find_type(in->type, t);
    if (!bits)
        return err_set(p->e, ERR_FORMAT,
                       "%s: tensor %s: dtype %s is not supported (F32 BF16 F64 F16 I8 U8 I16 I32 "
                       "I64 BOOL are)",
                       p->path, shown, st_show(in->type, other));
    for (int i = 0; i < in->rank; i++) {
        t->dim[i] = in->dim[i];
        if (__builtin_mul_overflow(n, in->dim[i], &n))
            return err_set(p->e, ERR_FORMAT, "%s: tensor %s: shape is too large", p->path, shown);
    }
    if (__builtin_mul_overflow(n, bits, &bits))
        return err_set(p->e, ERR_FORMAT, "%s: tensor %s: shape is too large", p->path, shown);
    if (in->span[1] < in->span[0])
        return err_set(p->e, ERR_FORMAT, "%s: tensor %s: data ends before it begins", p->path,
                       shown);
    if (bits % 8 || in->span[1] - in->span[0] != bits / 8)
        return err_set(p->e, ERR_FORMAT,
                       "%s: tensor %s: type and shape need %" PRId64
                       " bytes, data_offsets give %" PRId64,
                       p->path, shown, bits / 8, in->span[1] - in->span[0]);
    t->rank = in->rank;
    t->n = n;
    t->bytes = (size_t)(bits / 8);
    t->offset = (uint64_t)in->span[0];
    return 0;
}

static int parse_tensor(struct parser *p, struct st_file *f, const char *name, int shard)
{
    struct entry in = {0};
    struct st_tensor t = {.name = name, .shard = shard};
    int rc;

    if (expect(p, '{') < 0)
        return ERR_FORMAT;
    do {
        if (parse_entry_field(p, name, &in) < 0)
            return ERR_FORMAT;
        rc = more(p, '}');
    } while (rc == 1);
    if (rc < 0 || check_entry(p, &in, name, &t) < 0)
        return ERR_FORMAT;
    *st_add_tensor(f) = t;
    return 0;
}

static int parse_meta(struct parser *p, struct st_file *f)
{
    char shown[96];
    int rc;

    if (peek(p) == 'n') /* null */
        return skip_value(p, 0);
    if (expect(p, '{') < 0)
        return ERR_FORMAT;
    if (peek(p) == '}') {
        p->i++;
        return 0;
    }
    do {
        char *key, *value;

        if (parse_string(p, &key) < 0 || expect(p, ':') < 0)
            return ERR_FORMAT;
        if (peek(p) != '"' && skip_value(p, 0) == 0)
            return err_set(p->e, ERR_FORMAT, "%s: metadata key %s: expected text", p->path,
                           st_show(key, shown));
        if (parse_string(p, &value) < 0)
            return ERR_FORMAT;
        st_add_meta(f, key, value);
        rc = more(p, '}');
    } while (rc == 1);
    return rc;
}

static int parse_member(struct parser *p, struct st_file *f, int shard, int first, int *has_meta)
{
    char *name, shown[96];

    if (parse_string(p, &name) < 0 || expect(p, ':') < 0)
        return ERR_FORMAT;
    if (!strcmp(name, "__metadata__")) {
        if ((*has_meta)++)
            return err_set(p->e, ERR_FORMAT, "%s: __metadata__ appears twice", p->path);
        return parse_meta(p, f);
    }
    if (!*name || strlen(name) > ST_MAX_NAME)
        return err_set(p->e, ERR_FORMAT, "%s: tensor name %s: allowed are 1 to %d bytes", p->path,
                       st_show(name, shown), ST_MAX_NAME);
    if (f->n - first == ST_MAX_TENSORS)
        return err_set(p->e, ERR_FORMAT, "%s: more than %d tensors", p->path, ST_MAX_TENSORS);
    return parse_tensor(p, f, name, shard);
}

static int by_offset(const void *a, const void *b)
{
    const struct st_tensor *x = a, *y = b;

    if (x->offset != y->offset)
        return x->offset < y->offset ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct st_tensor *)a)->name, ((const struct st_tensor *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct st_pair *)a)->key, ((const struct st_pair *)b)->key);
}

static int same_entry(const struct st_tensor *a, const struct st_tensor *b)
{
    return a->type_name == b->type_name && a->offset == b->offset && a->bytes == b->bytes &&
           a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank);
}

/* Sorting finds doubles in n log n, however many keys a hostile header has. What is said twice in
 * the same words counts once, as for the reference. */
static int check_doubles(struct parser *p, struct st_tensor *t, int *n, struct st_pair *meta,
                         int n_meta)
{
    char shown[96];
    int kept = 0;

    qsort(t, (size_t)*n, sizeof *t, by_name);
    for (int i = 0; i < *n; i++) {
        if (!kept || strcmp(t[i].name, t[kept - 1].name))
            t[kept++] = t[i];
        else if (!same_entry(&t[i], &t[kept - 1]))
            return err_set(p->e, ERR_FORMAT, "%s: tensor %s appears twice", p->path,
                           st_show(t[i].name, shown));
    }
    *n = kept;
    qsort(meta, (size_t)n_meta, sizeof *meta, by_key);
    for (int i = 1; i < n_meta; i++)
        if (!strcmp(meta[i].key, meta[i - 1].key))
            return err_set(p->e, ERR_FORMAT, "%s: metadata key %s appears twice", p->path,
                           st_show(meta[i].key, shown));
    return 0;
}

/* Tensors lie one behind the other from the first byte of data to the last of the file. */
static int check_layout(struct st_tensor *t, int n, uint64_t data_at, uint64_t file_bytes,
                        const char *path, struct err *e)
{
    uint64_t data_bytes = file_bytes - data_at, end = 0;
    char a[96], b[96];

    qsort(t, (size_t)n, sizeof *t, by_offset);
    for (int i = 0; i < n; i++) {
        if (t[i].offset < end)
            return err_set(e, ERR_FORMAT, "%s: tensor %s overlaps %s", path, st_show(t[i].name, a),
                           st_show(t[i - 1].name, b));
        if (t[i].offset > data_bytes || t[i].bytes > data_bytes - t[i].offset)
            return err_set(e, ERR_FORMAT,
                           "%s: tensor %s ends at byte %" PRIu64 ", but the file has only %" PRIu64,
                           path, st_show(t[i].name, a), data_at + t[i].offset + t[i].bytes,
                           file_bytes);
        if (t[i].offset > end)
            return err_set(e, ERR_FORMAT, "%s: %" PRIu64 " unused bytes at %" PRIu64, path,
                           t[i].offset - end, data_at + end);
        end = t[i].offset + t[i].bytes;
        t[i].offset += data_at;
    }
    if (end != data_bytes)
        return err_set(e, ERR_FORMAT, "%s: %" PRIu64 " unused bytes at %" PRIu64, path,
                       data_bytes - end, data_at + end);
    return 0;
}

int st_parse_header(struct st_file *f, char *text, size_t n, uint64_t file_bytes, int shard,
                    const char *path, struct err *e)
{
    struct parser p = {text, n, 0, path, e};
    int first = f->n, first_meta = f->n_meta, has_meta = 0, rc = 0, n_tensors;
    size_t bad;

    if (!utf8_valid(text, n, &bad))
        return bad_json(&p, bad);
    if (expect(&p, '{') < 0)
        return ERR_FORMAT;
    if (peek(&p) == '}')
        p.i++;
    else
        do {
            if (parse_member(&p, f, shard, first, &has_meta) < 0)
                return ERR_FORMAT;
            rc = more(&p, '}');
        } while (rc == 1);
    if (rc < 0)
        return rc;
    if (peek(&p) >= 0) /* padding is white space */
        return bad_json(&p, p.i);
    n_tensors = f->n - first;
    rc = check_doubles(&p, f->tensor + first, &n_tensors, f->meta + first_meta,
                       f->n_meta - first_meta);
    f->n = first + n_tensors;
    return rc < 0 ? rc : check_layout(f->tensor + first, n_tensors, 8 + n, file_bytes, path, e);
}

const char *st_sniff(const unsigned char *head, size_t n)
{
    static const struct {
        const char *magic;
        size_t n;
        const char *what;
    } kinds[] = {
        {"PK\3\4", 4, "zip archive (if of PyTorch, zoetrope convert makes safetensors of it)"},
        {"\x80\2", 2, "Python pickle"},
        {"\x80\3", 2, "Python pickle"},
        {"\x80\4", 2, "Python pickle"},
        {"\x80\5", 2, "Python pickle"},
        {"version https://git-lfs", 23, "Git LFS pointer (the file itself was not downloaded)"},
        {"<!DOCTYPE", 9, "HTML page"},
        {"<!doctype", 9, "HTML page"},
        {"<html", 5, "HTML page"},
        {"<HTML", 5, "HTML page"},
        {"\x89HDF", 4, "HDF5 file"},
        {"\x93NUMPY", 6, "NumPy file"},
        {"\x1f\x8b", 2, "gzip file"},
        {"{", 1, "JSON text"},
    };

    while (n && (*head == ' ' || *head == '\n' || *head == '\r' || *head == '\t'))
        head++, n--;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (n >= kinds[i].n && !memcmp(head, kinds[i].magic, kinds[i].n))
            return kinds[i].what;
    return NULL;
}
