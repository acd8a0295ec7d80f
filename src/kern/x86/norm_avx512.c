/* norm_avx512.c - norms with the vectors of vec_avx512.h. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/norm.inc"
