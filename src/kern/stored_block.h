/* stored_block.h - the rows of stored_forms (stored.h) that unpack more than plain numbers. Private
 * to this folder. */
#ifndef KERN_STORED_BLOCK_H
#define KERN_STORED_BLOCK_H

#include "base/dtype.h"

void unpack_q8_0(float *out, const void *blocks, int64_t n);
void unpack_q4_0(float *out, const void *blocks, int64_t n);
void unpack_q4_1(float *out, const void *blocks, int64_t n);
void unpack_q5_0(float *out, const void *blocks, int64_t n);
void unpack_q5_1(float *out, const void *blocks, int64_t n);
void unpack_iq4_nl(float *out, const void *blocks, int64_t n);
void unpack_mxfp4(float *out, const void *blocks, int64_t n);
void unpack_nvfp4(float *out, const void *blocks, int64_t n);
void unpack_q2_k(float *out, const void *blocks, int64_t n);
void unpack_q3_k(float *out, const void *blocks, int64_t n);
void unpack_q4_k(float *out, const void *blocks, int64_t n);
void unpack_q5_k(float *out, const void *blocks, int64_t n);
void unpack_q6_k(float *out, const void *blocks, int64_t n);
void unpack_iq4_xs(float *out, const void *blocks, int64_t n);
void unpack_iq2_xxs(float *out, const void *blocks, int64_t n);
void unpack_iq2_xs(float *out, const void *blocks, int64_t n);
void unpack_iq2_s(float *out, const void *blocks, int64_t n);
void unpack_iq3_xxs(float *out, const void *blocks, int64_t n);
void unpack_iq3_s(float *out, const void *blocks, int64_t n);
void unpack_iq1_s(float *out, const void *blocks, int64_t n);
void unpack_iq1_m(float *out, const void *blocks, int64_t n);
void unpack_tq1_0(float *out, const void *blocks, int64_t n);
void unpack_tq2_0(float *out, const void *blocks, int64_t n);
void unpack_f8_e4m3(float *out, const void *blocks, int64_t n);
void unpack_f8_e5m2(float *out, const void *blocks, int64_t n);
/* Bytes whose runs of 16, 64 or 256 were rotated (ConvRot): turned back. */
void unpack_i8_rot16(float *out, const void *blocks, int64_t n);
void unpack_i8_rot64(float *out, const void *blocks, int64_t n);
void unpack_i8_rot256(float *out, const void *blocks, int64_t n);

void pack_q8_0(void *blocks, const float *x, int64_t n);
void pack_q4_0(void *blocks, const float *x, int64_t n);
void pack_q4_1(void *blocks, const float *x, int64_t n);
void pack_q5_0(void *blocks, const float *x, int64_t n);
void pack_q5_1(void *blocks, const float *x, int64_t n);

#endif
