/* dtype.h - element types of tensors and files, and conversion between them. */
#ifndef BASE_DTYPE_H
#define BASE_DTYPE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum dtype {
    DT_F32,
    DT_BF16,
    DT_F64,
    DT_F16,
    DT_I8,
    DT_U8,
    DT_I16,
    DT_I32,
    DT_I64,
    DT_BOOL,
    DT_OTHER, /* of files: bytes that are not computed */
    N_DTYPES
};

typedef uint16_t bf16; /* the upper half of an IEEE float */

size_t dtype_bytes(enum dtype t);
const char *dtype_name(enum dtype t); /* safetensors spelling: "F32", "BF16", ... */
int dtype_from_name(const char *name, enum dtype *out); /* 0, or -1 when unknown; not OTHER */

static inline float bf16_to_f32(bf16 x)
{
    uint32_t u = (uint32_t)x << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}

/* Round to nearest even; a NaN stays a (quiet) NaN. */
static inline bf16 f32_to_bf16(float f)
{
    uint32_t u;
    memcpy(&u, &f, 4);
    if ((u & 0x7fffffffu) > 0x7f800000u)
        return (bf16)((u >> 16) | 0x40);
    return (bf16)((u + 0x7fff + ((u >> 16) & 1)) >> 16);
}

float f16_to_f32(uint16_t h);
uint16_t f32_to_f16(float f);

/* dst[i] = src[i] for n elements between any two of F32 BF16 F64 F16 I8 U8 I32 I64 (integers by
 * value, not scaled). The arrays do not overlap. */
void dtype_convert(void *dst, enum dtype dst_type, const void *src, enum dtype src_type, size_t n);

#endif
