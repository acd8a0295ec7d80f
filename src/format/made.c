#include "format/made.h"

#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/utf8.h"
#include "format/st_inner.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct made_tensor *)a)->name, ((const struct made_tensor *)b)->name);
}

/* Bytes of one number; 1 for what is packed. */
static size_t width(const struct made_tensor *t)
{
    size_t n = 1;

    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->dim[i];
    return n && t->bytes % n == 0 ? t->bytes / n : 1;
}

static int by_width(const void *a, const void *b)
{
    size_t x = width(a), y = width(b);

    return x != y ? (x > y ? -1 : 1) : by_name(a, b);
}

static int check_names(const char *path, struct made_tensor *t, int n, struct err *e)
{
    char shown[96];

    if (n > ST_MAX_TENSORS)
        return err_set(e, ERR_FORMAT, "%s: %d tensors, allowed are %d", path, n, ST_MAX_TENSORS);
    if (n)
        qsort(t, (size_t)n, sizeof *t, by_name);
    for (int i = 0; i < n; i++) {
        size_t len = strlen(t[i].name);

        if (!len || len > ST_MAX_NAME || !utf8_valid(t[i].name, len, NULL) ||
            !strcmp(t[i].name, "__metadata__"))
            return err_set(e, ERR_FORMAT, "%s: \"%s\" cannot name a tensor", path,
                           st_show(t[i].name, shown));
        if (i && !strcmp(t[i].name, t[i - 1].name))
            return err_set(e, ERR_FORMAT, "%s: tensor %s is there twice", path,
                           st_show(t[i].name, shown));
    }
    return 0;
}

/* ---- safetensors ---- */

static void st_head(struct buf *b, const struct made_tensor *t, int n, const struct st_pair *meta,
                    int n_meta)
{
    struct jsonw w;
    size_t at = 0;

    jsonw_init(&w, b, 0);
    jsonw_object(&w, NULL);
    if (n_meta) {
        jsonw_object(&w, "__metadata__");
        for (int i = 0; i < n_meta; i++)
            jsonw_string(&w, meta[i].key, meta[i].value);
        jsonw_end_object(&w);
    }
    for (int i = 0; i < n; i++) {
        jsonw_object(&w, t[i].name);
        jsonw_string(&w, "dtype", t[i].type);
        jsonw_array(&w, "shape");
        for (int d = 0; d < t[i].rank; d++)
            jsonw_int(&w, NULL, t[i].dim[d]);
        jsonw_end_array(&w);
        jsonw_array(&w, "data_offsets");
        jsonw_int(&w, NULL, (int64_t)at);
        at += t[i].bytes;
        jsonw_int(&w, NULL, (int64_t)at);
        jsonw_end_array(&w);
        jsonw_end_object(&w);
    }
    jsonw_end_object(&w);
    while (b->len % 8)
        buf_putc(b, ' ');
}

static void put_int(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(b, (char)(v >> 8 * i));
}

/* Head, then the data of each tensor, padded to `step`. */
static int write_all(const char *path, const struct buf *head, const struct made_tensor *t, int n,
                     size_t step, made_fill *fill, void *arg, struct err *e)
{
    static const char zeros[64];
    struct file_replace r;
    int rc = file_replace_begin(&r, path, e), end;

    if (rc < 0)
        return rc;
    rc = file_replace_add(&r, head->data, head->len, e);
    for (int i = 0; i < n && rc == 0; i++) {
        rc = fill(arg, &t[i], &r, e);
        if (rc == 0 && t[i].bytes % step)
            rc = file_replace_add(&r, zeros, step - t[i].bytes % step, e);
    }
    end = file_replace_end(&r, rc == 0, e);
    return rc < 0 ? rc : end;
}

int st_write_made(const char *path, struct made_tensor *t, int n, const struct st_pair *meta,
                  int n_meta, made_fill *fill, void *arg, struct err *e)
{
    struct buf head = BUF_INIT, all = BUF_INIT;
    int rc = check_names(path, t, n, e);

    if (!rc) {
        if (n)
            qsort(t, (size_t)n, sizeof *t, by_width);
        st_head(&head, t, n, meta, n_meta);
        put_int(&all, head.len, 8);
        buf_add(&all, head.data, head.len);
        rc = write_all(path, &all, t, n, 1, fill, arg, e);
    }
    buf_release(&head);
    buf_release(&all);
    return rc;
}

/* ---- GGUF ---- */

enum { VERSION = 3, STEP = 32 };

static void put_text(struct buf *b, const char *s)
{
    put_int(b, strlen(s), 8);
    buf_puts(b, s);
}

static void put_value(struct buf *b, const struct gguf_value *v)
{
    put_text(b, v->key);
    put_int(b, v->is_array ? GGUF_ARRAY : v->type, 4);
    if (v->is_array) {
        put_int(b, v->type, 4);
        put_int(b, (uint64_t)v->n, 8);
    }
    buf_add(b, v->data, v->bytes);
}

static void gguf_head(struct buf *b, const struct made_tensor *t, int n,
                      const struct gguf_value *value, int n_values)
{
    uint64_t at = 0;

    buf_puts(b, "GGUF");
    put_int(b, VERSION, 4);
    put_int(b, (uint64_t)n, 8);
    put_int(b, (uint64_t)n_values, 8);
    for (int i = 0; i < n_values; i++)
        put_value(b, &value[i]);
    for (int i = 0; i < n; i++) {
        put_text(b, t[i].name);
        put_int(b, (uint64_t)t[i].rank, 4);
        for (int d = t[i].rank - 1; d >= 0; d--)
            put_int(b, (uint64_t)t[i].dim[d], 8);
        put_int(b, (uint64_t)gguf_type_number(t[i].type), 4);
        put_int(b, at, 8);
        at += (t[i].bytes + STEP - 1) / STEP * STEP;
    }
    while (b->len % STEP)
        buf_putc(b, 0);
}

int gguf_write_made(const char *path, struct made_tensor *t, int n, const struct gguf_value *value,
                    int n_values, made_fill *fill, void *arg, struct err *e)
{
    struct buf head = BUF_INIT;
    int rc = check_names(path, t, n, e);

    if (!rc) {
        gguf_head(&head, t, n, value, n_values);
        rc = write_all(path, &head, t, n, STEP, fill, arg, e);
    }
    buf_release(&head);
    return rc;
}
