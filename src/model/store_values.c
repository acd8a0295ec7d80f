/* store_values.c - numbers of a tensor of a file, whatever they are packed in. */
#include <stdlib.h>

#include "base/buf.h"
#include "model/store_inner.h"

int store_no_form(const struct st_file *f, const struct st_tensor *t, struct err *e)
{
    struct buf known = BUF_INIT;

    for (const struct stored_form *s = stored_forms; s->name; s++)
        buf_printf(&known, "%s%s", known.len ? " " : "", s->name);
    err_set(e, ERR_FORMAT, "%s: tensor \"%s\" is %s, which cannot be computed (%s can)",
            st_path(f, t->shard), t->name, t->type_name, buf_str(&known));
    buf_release(&known);
    return ERR_FORMAT;
}

enum { PIECE = 1 << 16 }; /* values that are unpacked at a time */

int store_values(const struct st_file *f, const struct st_tensor *t, int64_t first, int64_t n,
                 float *out, struct err *e)
{
    return store_values_by(f, t, stored_named(t->type_name), first, n, out, e);
}

int store_values_by(const struct st_file *f, const struct st_tensor *t,
                    const struct stored_form *form, int64_t first, int64_t n, float *out,
                    struct err *e)
{
    int64_t block = form ? form->block : 1, k;
    char *raw;
    int rc = 0;

    if (t->type != DT_OTHER && (!form || form->block == 1))
        return st_read(f, t, first, n, out, DT_F32, e);
    if (!form)
        return store_no_form(f, t, e);
    raw = xmalloc((size_t)(PIECE / block + 2) * (size_t)form->bytes);
    for (; !rc && n > 0; first += k, out += k, n -= k) {
        int64_t from = first / block, to;
        /* rows are whole blocks, so the tensor may be taken for one row */
        struct stored s = {.form = form, .row_values = t->n};

        k = n < PIECE ? n : PIECE;
        to = (first + k + block - 1) / block;
        rc = st_read_bytes(f, t, (size_t)from * (size_t)form->bytes,
                           (size_t)(to - from) * (size_t)form->bytes, raw, e);
        if (!rc)
            stored_read(&s, raw, 0, first - from * block, k, out);
    }
    free(raw);
    return rc;
}
