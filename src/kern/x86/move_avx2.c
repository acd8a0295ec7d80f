/* move_avx2.c - strided copies with the vectors of vec_avx2.h. */
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/move.inc"
