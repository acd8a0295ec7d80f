/* elem_avx2.c - element-wise kernels with the vectors of vec_avx2.h. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/elem.inc"
