/* store_bad.c - values of weights that are NaN or infinite. */
#include <math.h>
#include <string.h>

#include "model/store_inner.h"

int64_t store_count_bad(const float *x, int64_t n)
{
    int64_t bad = 0;

    for (int64_t i = 0; i < n; i++)
        bad += !isfinite(x[i]);
    return bad;
}

/* Eight bytes at a time: does a number of `bits` bits in them have all the bits of `exponent`? */
static int any_full(const char *p, size_t bytes, uint64_t exponent, uint64_t lowest)
{
    uint64_t any = 0, high = lowest << (exponent == 0x7f8000007f800000 ? 31 : 15), v;
    size_t i = 0;

    for (; i + 8 <= bytes; i += 8) {
        memcpy(&v, p + i, 8);
        v = (v & exponent) ^ exponent; /* a number of zeros where the exponent is full */
        any |= (v - lowest) & ~v & high;
    }
    v = 0;
    memcpy(&v, p + i, bytes - i);
    v = (v & exponent) ^ exponent;
    return (any | ((v - lowest) & ~v & high)) != 0;
}

/* 1: no value of the plain type at p is bad. 0: not known. */
static int surely_finite(const char *name, const void *p, size_t bytes)
{
    static const struct {
        const char *name;
        uint64_t exponent, lowest;
    } types[] = {{"F32", 0x7f8000007f800000, 0x0000000100000001},
                 {"BF16", 0x7f807f807f807f80, 0x0001000100010001},
                 {"F16", 0x7c007c007c007c00, 0x0001000100010001}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(types[i].name, name))
            return !any_full(p, bytes, types[i].exponent, types[i].lowest);
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

int64_t store_count_bad_stored(const struct weight *w)
{
    float x[4096];
    int64_t n = weight_count(w), bad = 0;
    struct stored plain = {stored_named(dtype_name(w->type)), NULL, store_row(w)};
    const struct stored *s = w->form.form ? &w->form : &plain;
    size_t bytes = (size_t)w->dim[0] * stored_row_bytes(s);

    if (w->form.form && rows_are_finite(w))
        return 0;
    if (!s->scale && surely_finite(s->form->name, w->data, bytes))
        return 0;
    for (int64_t r = 0; r < w->dim[0]; r++)
        for (int64_t i = 0; i < n / w->dim[0]; i += 4096) {
            int64_t k = n / w->dim[0] - i < 4096 ? n / w->dim[0] - i : 4096;

            stored_read(s, w->data, r, i, k, x);
            bad += store_count_bad(x, k);
        }
    return bad;
}
