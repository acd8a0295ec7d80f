/* winograd_avx2.c - tiles of 3x3 convolutions with the vectors of vec_avx2.h. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/winograd.inc"
