/* winograd_avx512.c - tiles of 3x3 convolutions with the vectors of vec_avx512.h. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/winograd.inc"
