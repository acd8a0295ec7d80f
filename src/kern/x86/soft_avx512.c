/* soft_avx512.c - softmax rows with the vectors of vec_avx512.h. */
#include "kern/x86/attn.h"
#include "kern/x86/vec_avx512.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/soft.inc"

const struct soft soft_avx512 = {soft_step, soft_finish, soft_dots, soft_backward, soft_store};
