/* x86.h - fast kernels for x86-64, laid over the C kernels.
 *
 * Levels: "avx2" (AVX2 + FMA), "avx512" (F BW DQ VL), "avx512vnni" (+ the dot product of bytes),
 * "avx512bf16" (+ that of bf16), "amx" (+ tiles of bf16 and of bytes). Products of bf16 take
 * denormals for zero in the last two. Sums run in f32 in an order that depends on the summed length
 * alone, never on threads or other sizes. F64 goes to the C kernels. */
#ifndef KERN_X86_X86_H
#define KERN_X86_X86_H

#include "kern/kern.h"

/* Overlay the functions of this level (and of those below it) on *k; 0, or -1 when this build or
 * CPU has not got the level or the name is unknown: *k is then untouched. */
int kernels_x86(const char *level, struct kernels *k);

/* The highest level that pays on this CPU: "amx" where there are tiles (eight times the rate of
 * f32). The bf16 dot product beats widening to f32 and multiplying there on AMD (twice the rate of
 * f32); on Intel (Sapphire and Emerald Rapids: half the rate per instruction) it only rounds more
 * coarsely: "avx512vnni" or "avx512". Decided by vendor, never by timing. */
const char *x86_best_level(void);

/* Measured peak in FLOP/s of all threads together: the best register-only loop of this CPU for
 * products of this type (F32: fused multiply-add; BF16: the best of that, dot products and tiles;
 * I8: bytes). 0 for other types or CPUs without AVX2. */
double x86_peak_flops(enum dtype t, struct threads *threads);

#endif
