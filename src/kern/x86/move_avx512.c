/* move_avx512.c - strided copies with the vectors of vec_avx512.h. */
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/move.inc"
