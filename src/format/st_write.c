/* st_write.c - one safetensors file: wide types first, so that every tensor is aligned, then by
 * name. */
#include "format/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/utf8.h"

static int by_width_and_name(const void *a, const void *b)
{
    const struct st_out *x = *(const struct st_out *const *)a;
    const struct st_out *y = *(const struct st_out *const *)b;
    size_t wx = dtype_bytes(x->type), wy = dtype_bytes(y->type);

    return wx != wy ? (wx > wy ? -1 : 1) : strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
    const struct st_pair *x = *(const struct st_pair *const *)a;
    const struct st_pair *y = *(const struct st_pair *const *)b;

    return strcmp(x->key, y->key);
}

static size_t out_bytes(const struct st_out *t)
{
    size_t bytes = dtype_bytes(t->type);

    ZT_ASSERT(t->rank >= 0 && t->rank <= ST_MAX_RANK);
    for (int i = 0; i < t->rank; i++)
        if (t->dim[i] < 0 || size_mul(bytes, (size_t)t->dim[i], &bytes) < 0)
            BUG("st_write: tensor %s has a bad shape", t->name);
    return bytes;
}

/* What st_open would refuse is our own mistake here. */
static void check_names(const struct st_out *const *t, int n, const struct st_pair *const *meta,
                        int n_meta)
{
    ZT_ASSERT(n >= 0 && n <= ST_MAX_TENSORS);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(t[i]->name);

        if (len == 0 || len > ST_MAX_NAME || !utf8_valid(t[i]->name, len, NULL) ||
            !strcmp(t[i]->name, "__metadata__"))
            BUG("st_write: \"%.80s\" cannot name a tensor", t[i]->name);
    }
    for (int i = 1; i < n_meta; i++)
        if (!strcmp(meta[i]->key, meta[i - 1]->key))
            BUG("st_write: metadata key %s is there twice", meta[i]->key);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Types of different width may share a name without being neighbours in the order of the file. */
static void check_doubles(const struct st_out *const *t, int n)
{
    const char **name = xcalloc((size_t)n, sizeof *name);

    for (int i = 0; i < n; i++)
        name[i] = t[i]->name;
    qsort(name, (size_t)n, sizeof *name, compare_names);
    for (int i = 1; i < n; i++)
        if (!strcmp(name[i], name[i - 1]))
            BUG("st_write: tensor %s is there twice", name[i]);
    free(name);
}

static void make_header(struct buf *b, const struct st_out *const *t, int n,
                        const struct st_pair *const *meta, int n_meta)
{
    struct jsonw w;
    size_t at = 0;

    jsonw_init(&w, b, 0);
    jsonw_object(&w, NULL);
    if (n_meta) {
        jsonw_object(&w, "__metadata__");
        for (int i = 0; i < n_meta; i++)
            jsonw_string(&w, meta[i]->key, meta[i]->value);
        jsonw_end_object(&w);
    }
    for (int i = 0; i < n; i++) {
        size_t end;

        if (size_add(at, out_bytes(t[i]), &end) < 0)
            BUG("st_write: %s makes the file too large", t[i]->name);
        jsonw_object(&w, t[i]->name);
        jsonw_string(&w, "dtype", dtype_name(t[i]->type));
        jsonw_array(&w, "shape");
        for (int d = 0; d < t[i]->rank; d++)
            jsonw_int(&w, NULL, t[i]->dim[d]);
        jsonw_end_array(&w);
        jsonw_array(&w, "data_offsets");
        jsonw_int(&w, NULL, (int64_t)at);
        jsonw_int(&w, NULL, (int64_t)end);
        jsonw_end_array(&w);
        jsonw_end_object(&w);
        at = end;
    }
    jsonw_end_object(&w);
    while (b->len % 8)
        buf_putc(b, ' ');
}

static int write_parts(const char *path, const struct buf *header, const struct st_out *const *t,
                       int n, struct err *e)
{
    struct file_replace r;
    uint8_t length[8];
    int rc, end;

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)header->len >> 8 * i);
    rc = file_replace_begin(&r, path, e);
    if (rc < 0)
        return rc;
    rc = file_replace_add(&r, length, 8, e);
    if (rc == 0)
        rc = file_replace_add(&r, header->data, header->len, e);
    for (int i = 0; i < n && rc == 0; i++)
        rc = file_replace_add(&r, t[i]->data, out_bytes(t[i]), e);
    end = file_replace_end(&r, rc == 0, e);
    return rc < 0 ? rc : end;
}

int st_write(const char *path, const struct st_out *tensor, int n, const struct st_pair *meta,
             int n_meta, struct err *e)
{
    const struct st_out **t = xcalloc((size_t)n, sizeof *t);
    const struct st_pair **m = xcalloc((size_t)n_meta, sizeof *m);
    struct buf header = BUF_INIT;
    int rc;

    for (int i = 0; i < n; i++)
        t[i] = &tensor[i];
    for (int i = 0; i < n_meta; i++)
        m[i] = &meta[i];
    qsort(t, (size_t)n, sizeof *t, by_width_and_name);
    qsort(m, (size_t)n_meta, sizeof *m, by_key);
    check_names(t, n, m, n_meta);
    check_doubles(t, n);
    make_header(&header, t, n, m, n_meta);
    rc = write_parts(path, &header, t, n, e);
    buf_release(&header);
    free(m);
    free(t);
    return rc;
}
