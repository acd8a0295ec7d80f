/* int8.h - matrices in files as bytes, with one scale for each row (output channel).
 *
 * value = byte * scale, scale = max |row| / 127: no zero point, every value of a row is at most
 * half a scale away. In the file NAME is I8 and NAME_scale [rows,1] is F32, as compressed-tensors
 * writes its format "int-quantized" with one scale per channel (foo.weight, foo.weight_scale). */
#ifndef KERN_INT8_H
#define KERN_INT8_H

#include <stdint.h>

#include "base/err.h"

#define INT8_SCALE "_scale" /* behind the name of a matrix */
#define INT8_MIN_ROW 16     /* values; in shorter rows the scales eat what the bytes save */

/* x [rows,n] -> q [rows,n] and scale [rows], ties to even. A row of zeros has scale 1, and so has
 * one whose scale would be below what f32 holds in full. -1: a value is not finite. */
NODISCARD int int8_from_rows(int8_t *q, float *scale, const float *x, int64_t rows, int64_t n);
/* x [rows,n] holds bytes as numbers and gets the values. */
void int8_to_rows(float *x, const float *scale, int64_t rows, int64_t n);

#endif
