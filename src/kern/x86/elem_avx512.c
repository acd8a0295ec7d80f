/* elem_avx512.c - element-wise kernels with the vectors of vec_avx512.h. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/elem.inc"
