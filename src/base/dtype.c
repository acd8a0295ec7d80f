/* dtype.c - names, sizes and conversion of element types. Half precision: IEEE 754-2008 binary16.
 */
#include "base/dtype.h"

#include <limits.h>
#include <math.h>

#include "base/err.h"

enum { CHUNK = 256 };

static const struct {
    const char *name;
    size_t bytes;
} types[N_DTYPES] = {
    [DT_F32] = {"F32", 4},   [DT_BF16] = {"BF16", 2},   [DT_F64] = {"F64", 8},
    [DT_F16] = {"F16", 2},   [DT_I8] = {"I8", 1},       [DT_U8] = {"U8", 1},
    [DT_I16] = {"I16", 2},   [DT_I32] = {"I32", 4},     [DT_I64] = {"I64", 8},
    [DT_BOOL] = {"BOOL", 1}, [DT_OTHER] = {"other", 1},
};

size_t dtype_bytes(enum dtype t)
{
    ZT_ASSERT((unsigned)t < N_DTYPES);
    return types[t].bytes;
}

const char *dtype_name(enum dtype t)
{
    ZT_ASSERT((unsigned)t < N_DTYPES);
    return types[t].name;
}

int dtype_from_name(const char *name, enum dtype *out)
{
    for (int i = 0; i < DT_OTHER; i++)
        if (!strcmp(types[i].name, name)) {
            *out = (enum dtype)i;
            return 0;
        }
    return -1;
}

float f16_to_f32(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, expo = h >> 10 & 31, frac = h & 0x3ff, u;
    float f;

    if (expo == 0) { /* zero or denormal: frac * 2^-24, exact in f32 */
        f = (float)frac * 0x1p-24f;
        return sign ? -f : f;
    }
    if (expo == 31)
        u = sign | 0x7f800000u | frac << 13 | (frac ? 0x400000u : 0);
    else
        u = sign | (expo + 112) << 23 | frac << 13;
    memcpy(&f, &u, 4);
    return f;
}

uint16_t f32_to_f16(float f)
{
    uint32_t u, sign, frac, shift, half;
    int expo;

    memcpy(&u, &f, 4);
    sign = u >> 16 & 0x8000;
    u &= 0x7fffffff;
    if (u > 0x7f800000)
        return (uint16_t)(sign | 0x7e00 | (u >> 13 & 0x1ff)); /* quiet NaN */
    if (u >= 0x477ff000) /* 65520 and above round to infinity */
        return (uint16_t)(sign | 0x7c00);
    expo = (int)(u >> 23) - 112;
    if (expo < -10)
        return (uint16_t)sign;
    if (expo > 0) {
        u -= 112u << 23;
        return (uint16_t)(sign | (u + 0xfff + (u >> 13 & 1)) >> 13);
    }
    /* Denormal result: the significand with its hidden bit, shifted and rounded to even. */
    frac = (u & 0x7fffff) | 0x800000;
    shift = (uint32_t)(14 - expo);
    half = 1u << (shift - 1);
    return (uint16_t)(sign | (frac + half - 1 + (frac >> shift & 1)) >> shift);
}

/* A float that rounds on to bf16 or f16 as d itself would: round to odd keeps the sticky bit. */
static float f64_to_f32_odd(double d)
{
    float f = (float)d;
    uint32_t u;

    if ((double)f == d || isnan(d))
        return f;
    memcpy(&u, &f, 4);
    if (fabs((double)f) > fabs(d))
        u--;
    u |= 1;
    memcpy(&f, &u, 4);
    return f;
}

static int is_integer(enum dtype t)
{
    return t != DT_F32 && t != DT_BF16 && t != DT_F64 && t != DT_F16;
}

static void load_real(double *out, const void *src, enum dtype t, size_t i, int n)
{
    for (int k = 0; k < n; k++, i++)
        switch (t) {
        case DT_F32:
            out[k] = ((const float *)src)[i];
            break;
        case DT_F64:
            out[k] = ((const double *)src)[i];
            break;
        case DT_BF16:
            out[k] = bf16_to_f32(((const bf16 *)src)[i]);
            break;
        default:
            out[k] = f16_to_f32(((const uint16_t *)src)[i]);
        }
}

static void load_int(int64_t *out, const void *src, enum dtype t, size_t i, int n)
{
    for (int k = 0; k < n; k++, i++)
        switch (t) {
        case DT_I8:
            out[k] = ((const int8_t *)src)[i];
            break;
        case DT_U8:
            out[k] = ((const uint8_t *)src)[i];
            break;
        case DT_I16:
            out[k] = ((const int16_t *)src)[i];
            break;
        case DT_I32:
            out[k] = ((const int32_t *)src)[i];
            break;
        case DT_I64:
            out[k] = ((const int64_t *)src)[i];
            break;
        default:
            out[k] = ((const uint8_t *)src)[i] != 0;
        }
}

static void store_real(void *dst, enum dtype t, size_t i, const double *in, int n)
{
    for (int k = 0; k < n; k++, i++)
        switch (t) {
        case DT_F32:
            ((float *)dst)[i] = (float)in[k];
            break;
        case DT_F64:
            ((double *)dst)[i] = in[k];
            break;
        case DT_BF16:
            ((bf16 *)dst)[i] = f32_to_bf16(f64_to_f32_odd(in[k]));
            break;
        default:
            ((uint16_t *)dst)[i] = f32_to_f16(f64_to_f32_odd(in[k]));
        }
}

static int64_t clamp_int(int64_t x, int64_t lo, int64_t hi)
{
    return x < lo ? lo : x > hi ? hi : x;
}

static void store_int(void *dst, enum dtype t, size_t i, const int64_t *in, int n)
{
    for (int k = 0; k < n; k++, i++)
        switch (t) {
        case DT_I8:
            ((int8_t *)dst)[i] = (int8_t)clamp_int(in[k], INT8_MIN, INT8_MAX);
            break;
        case DT_U8:
            ((uint8_t *)dst)[i] = (uint8_t)clamp_int(in[k], 0, UINT8_MAX);
            break;
        case DT_I16:
            ((int16_t *)dst)[i] = (int16_t)clamp_int(in[k], INT16_MIN, INT16_MAX);
            break;
        case DT_I32:
            ((int32_t *)dst)[i] = (int32_t)clamp_int(in[k], INT32_MIN, INT32_MAX);
            break;
        case DT_I64:
            ((int64_t *)dst)[i] = in[k];
            break;
        default:
            ((uint8_t *)dst)[i] = in[k] != 0;
        }
}

/* Towards zero and saturating; NaN becomes 0. */
static int64_t real_to_int(double d)
{
    if (isnan(d))
        return 0;
    if (d >= 0x1p63)
        return INT64_MAX;
    if (d < -0x1p63)
        return INT64_MIN;
    return (int64_t)d;
}

static void convert_any(void *dst, enum dtype dt, const void *src, enum dtype st, size_t i, int n)
{
    double real[CHUNK];
    int64_t whole[CHUNK];

    if (is_integer(st)) {
        load_int(whole, src, st, i, n);
        if (is_integer(dt)) {
            store_int(dst, dt, i, whole, n);
            return;
        }
        for (int k = 0; k < n; k++)
            real[k] = (double)whole[k];
        store_real(dst, dt, i, real, n);
        return;
    }
    load_real(real, src, st, i, n);
    if (!is_integer(dt)) {
        store_real(dst, dt, i, real, n);
        return;
    }
    for (int k = 0; k < n; k++)
        whole[k] = dt == DT_BOOL ? real[k] != 0 : real_to_int(real[k]);
    store_int(dst, dt, i, whole, n);
}

void dtype_convert(void *dst, enum dtype dst_type, const void *src, enum dtype src_type, size_t n)
{
    ZT_ASSERT(dst_type != DT_OTHER && src_type != DT_OTHER);
    if (dst_type == src_type) {
        if (n)
            memcpy(dst, src, n * dtype_bytes(dst_type));
    } else if (dst_type == DT_F32 && src_type == DT_BF16) {
        for (size_t i = 0; i < n; i++)
            ((float *)dst)[i] = bf16_to_f32(((const bf16 *)src)[i]);
    } else if (dst_type == DT_BF16 && src_type == DT_F32) {
        for (size_t i = 0; i < n; i++)
            ((bf16 *)dst)[i] = f32_to_bf16(((const float *)src)[i]);
    } else if (dst_type == DT_F32 && src_type == DT_F16) {
        for (size_t i = 0; i < n; i++)
            ((float *)dst)[i] = f16_to_f32(((const uint16_t *)src)[i]);
    } else {
        for (size_t i = 0; i < n; i += CHUNK)
            convert_any(dst, dst_type, src, src_type, i, n - i < CHUNK ? (int)(n - i) : CHUNK);
    }
}
