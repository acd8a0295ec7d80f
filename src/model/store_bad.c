/* store_bad.c - values of weights that are NaN or infinite. */
#include <math.h>
#include <string.h>

#include "model/store_inner.h"

int64_t store_count_bad(const float *x, int64_t n)
{
    int64_t bad = 0;

    for (int64_t i = 0; i < n; i++) { /* by the exponent, so that it runs in vectors */
        uint32_t u;

        memcpy(&u, &x[i], 4);
        bad += (u & 0x7f800000) == 0x7f800000;
    }
    return bad;
}

enum { LANES = 8 };
typedef uint16_t lanes __attribute__((vector_size(2 * LANES)));

/* Does a lane have all the bits of its mask? Lanes without a mask do not count. */
static int any_full(const char *p, size_t bytes, lanes mask)
{
    lanes any = {0}, v = {0};
    int found = 0;

    for (; bytes >= sizeof v; p += sizeof v, bytes -= sizeof v) {
        memcpy(&v, p, sizeof v);
        any |= (lanes)((v & mask) == mask) & mask;
    }
    v = (lanes){0};
    memcpy(&v, p, bytes);
    any |= (lanes)((v & mask) == mask) & mask;
    for (int i = 0; i < LANES; i++)
        found |= any[i];
    return found;
}

/* 1: no value of the plain type at p is bad, by its exponent alone. 0: not known. */
static int surely_finite(const char *name, const void *p, size_t bytes)
{
    static const struct {
        const char *name;
        uint16_t low, high; /* exponents in lower and upper lanes of 16 bits, low bytes first */
    } types[] = {{"F32", 0, 0x7f80}, {"BF16", 0x7f80, 0x7f80}, {"F16", 0x7c00, 0x7c00}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name)) {
            lanes mask = {0};

            for (int k = 0; k < LANES; k++)
                mask[k] = k % 2 ? types[i].high : types[i].low;
            return !any_full(p, bytes, mask);
        }
    return 0;
}

/* The largest scale times the largest byte is finite, and bytes are: most rows need no look. */
static int rows_are_finite(const struct weight *w)
{
    int finite = !strcmp(w->form.form->name, "I8") && w->form.scale;

    for (int64_t r = 0; finite && r < w->dim[0]; r++)
        finite = isfinite(w->form.scale[r] * -128);
    return finite;
}

/* Of rows first, first + step, ... */
static int64_t count_rows(const struct weight *w, const struct stored *s, int64_t step)
{
    float x[4096];
    int64_t n = store_row(w), bad = 0;

    for (int64_t r = 0; r < w->dim[0]; r += step)
        for (int64_t i = 0; i < n; i += 4096) {
            int64_t k = n - i < 4096 ? n - i : 4096;

            stored_read(s, w->data, r, i, k, x);
            bad += store_count_bad(x, k);
        }
    return bad;
}

/* In host memory, every step-th row. */
static int64_t count_bad(const struct weight *w, int64_t step)
{
    struct stored plain = {.form = stored_named(dtype_name(w->type)), .row_values = store_row(w)};
    const struct stored *s = w->form.form ? &w->form : &plain;
    size_t bytes = (size_t)w->dim[0] * stored_row_bytes(s);

    if (w->form.form && rows_are_finite(w))
        return 0;
    if (step == 1 && !s->scale && surely_finite(s->form->name, w->data, bytes))
        return 0;
    return count_rows(w, s, step);
}

enum { SMALL_BYTES = 4 << 20, LOOKED_AT = 16 /* rows of what is larger */ };

int64_t store_count_bad_stored(const struct weight *w)
{
    struct stored plain = {.form = stored_named(dtype_name(w->type)), .row_values = store_row(w)};
    size_t bytes = (size_t)w->dim[0] * stored_row_bytes(w->form.form ? &w->form : &plain);

    return count_bad(w, bytes <= SMALL_BYTES ? 1 : 1 + w->dim[0] / LOOKED_AT);
}

const struct weight *store_find_bad(const struct weight_set *s)
{
    for (int i = 0; i < s->n; i++)
        if (s->all[i]->data && s->all[i]->device->host && count_bad(s->all[i], 1))
            return s->all[i];
    return NULL;
}
