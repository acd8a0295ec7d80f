#include "kern/stored.h"

#include <string.h>

#include "base/err.h"
#include "kern/stored_block.h"

static void unpack_f32(float *out, const void *blocks, int64_t n)
{
    memcpy(out, blocks, (size_t)n * sizeof *out);
}

static void unpack_bf16(float *out, const void *blocks, int64_t n)
{
    const bf16 *x = blocks;

    for (int64_t i = 0; i < n; i++)
        out[i] = bf16_to_f32(x[i]);
}

/* f16_to_f32 without a branch, so that it runs in vectors: the exponent is moved by a product,
 * which makes denormals right as well; what was infinite or NaN stays so. */
static void unpack_f16(float *out, const void *blocks, int64_t n)
{
    const uint16_t *x = blocks;

    for (int64_t i = 0; i < n; i++) {
        uint32_t u = (uint32_t)(x[i] & 0x7fff) << 13, sign = (uint32_t)(x[i] & 0x8000) << 16;
        uint32_t end = 0u - (uint32_t)(u >= 0x7c00u << 13);
        float f;

        memcpy(&f, &u, 4);
        f *= 0x1p112f;
        memcpy(&u, &f, 4);
        u |= sign | (end & 0x7f800000u);
        memcpy(&out[i], &u, 4);
    }
}

static void unpack_i8(float *out, const void *blocks, int64_t n)
{
    const int8_t *x = blocks;

    for (int64_t i = 0; i < n; i++)
        out[i] = (float)x[i];
}

static void pack_f32(void *blocks, const float *x, int64_t n)
{
    memcpy(blocks, x, (size_t)n * sizeof *x);
}

static void pack_bf16(void *blocks, const float *x, int64_t n)
{
    dtype_convert(blocks, DT_BF16, x, DT_F32, (size_t)n);
}

static void pack_f16(void *blocks, const float *x, int64_t n)
{
    dtype_convert(blocks, DT_F16, x, DT_F32, (size_t)n);
}

/* clang-format off */
const struct stored_form stored_forms[] = {
    {"F32",       1,   4, unpack_f32,  pack_f32},
    {"BF16",      1,   2, unpack_bf16, pack_bf16},
    {"F16",       1,   2, unpack_f16,  pack_f16},
    {"I8",        1,   1, unpack_i8, NULL},
    {"I8_ROT16",   16,  16, unpack_i8_rot16, NULL}, /* I8, of which a marker says more (quant.h) */
    {"I8_ROT64",   64,  64, unpack_i8_rot64, NULL},
    {"I8_ROT256", 256, 256, unpack_i8_rot256, NULL},
    {"F8_E4M3",   1,   1, unpack_f8_e4m3, NULL},
    {"F8_E5M2",   1,   1, unpack_f8_e5m2, NULL},
    {"Q8_0",     32,  34, unpack_q8_0, pack_q8_0},
    {"Q4_0",     32,  18, unpack_q4_0, pack_q4_0},
    {"Q4_1",     32,  20, unpack_q4_1, pack_q4_1},
    {"Q5_0",     32,  22, unpack_q5_0, pack_q5_0},
    {"Q5_1",     32,  24, unpack_q5_1, pack_q5_1},
    {"IQ4_NL",   32,  18, unpack_iq4_nl, NULL},
    {"MXFP4",    32,  17, unpack_mxfp4, NULL},
    {"NVFP4",    64,  36, unpack_nvfp4, NULL},
    {"Q2_K",    256,  84, unpack_q2_k, NULL},
    {"Q3_K",    256, 110, unpack_q3_k, NULL},
    {"Q4_K",    256, 144, unpack_q4_k, NULL},
    {"Q5_K",    256, 176, unpack_q5_k, NULL},
    {"Q6_K",    256, 210, unpack_q6_k, NULL},
    {"IQ4_XS",  256, 136, unpack_iq4_xs, NULL},
    {"IQ2_XXS", 256,  66, unpack_iq2_xxs, NULL},
    {"IQ2_XS",  256,  74, unpack_iq2_xs, NULL},
    {"IQ2_S",   256,  82, unpack_iq2_s, NULL},
    {"IQ3_XXS", 256,  98, unpack_iq3_xxs, NULL},
    {"IQ3_S",   256, 110, unpack_iq3_s, NULL},
    {"IQ1_S",   256,  50, unpack_iq1_s, NULL},
    {"IQ1_M",   256,  56, unpack_iq1_m, NULL},
    {"TQ1_0",   256,  54, unpack_tq1_0, NULL},
    {"TQ2_0",   256,  66, unpack_tq2_0, NULL},
    {NULL,        1,   1, NULL, NULL},
};
/* clang-format on */

const struct stored_form *stored_named(const char *name)
{
    for (const struct stored_form *f = stored_forms; f->name; f++)
        if (!strcmp(f->name, name))
            return f;
    return NULL;
}

size_t stored_row_bytes(const struct stored *s)
{
    return (size_t)(s->row_values / s->form->block) * (size_t)s->form->bytes;
}

static const char *block_of(const struct stored *s, const char *row, int64_t value)
{
    return row + value / s->form->block * s->form->bytes;
}

/* Part of the block in which `first` lies; returns how many values that were. */
static int64_t read_part(const struct stored *s, const char *row, int64_t first, int64_t n,
                         float *out)
{
    float whole[STORED_MAX_BLOCK];
    int64_t skip = first % s->form->block, k = s->form->block - skip;

    k = k < n ? k : n;
    s->form->unpack(whole, block_of(s, row, first), s->form->block);
    memcpy(out, whole + skip, (size_t)k * sizeof *out);
    return k;
}

void stored_read(const struct stored *s, const void *data, int64_t row, int64_t first, int64_t n,
                 float *out)
{
    const char *line = (const char *)data + (size_t)row * stored_row_bytes(s);
    const int block = s->form->block;
    float *to = out;
    int64_t left = n, k;

    ZT_ASSERT(block <= STORED_MAX_BLOCK && s->row_values % block == 0);
    if (left && first % block) {
        k = read_part(s, line, first, left, to);
        to += k, first += k, left -= k;
    }
    k = left / block * block;
    s->form->unpack(to, block_of(s, line, first), k);
    if (k < left)
        read_part(s, line, first + k, left - k, to + k);
    if (s->scale)
        for (int64_t i = 0; i < n; i++)
            out[i] *= s->scale[row];
}

/* f32_to_bf16 without a branch, so that it runs in vectors. */
static void narrow(bf16 *out, const float *x, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint32_t u, r, nan;

        memcpy(&u, &x[i], 4);
        r = (u + 0x7fff + (u >> 16 & 1)) >> 16;
        nan = 0u - (uint32_t)(x[i] != x[i]);
        out[i] = (bf16)((r & ~nan) | ((u >> 16 | 0x40) & nan));
    }
}

void stored_read_as(const struct stored *s, const void *data, int64_t row, int64_t first, int64_t n,
                    enum dtype type, void *out)
{
    float wide[STORED_MAX_BLOCK];

    if (type == DT_F32) {
        stored_read(s, data, row, first, n, out);
        return;
    }
    for (int64_t i = 0; i < n; i += STORED_MAX_BLOCK) {
        int64_t k = n - i < STORED_MAX_BLOCK ? n - i : STORED_MAX_BLOCK;

        stored_read(s, data, row, first + i, k, wide);
        if (type == DT_BF16)
            narrow((bf16 *)out + i, wide, k);
        else
            dtype_convert((char *)out + (size_t)i * dtype_bytes(type), type, wide, DT_F32,
                          (size_t)k);
    }
}
