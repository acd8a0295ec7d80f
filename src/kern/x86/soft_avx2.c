/* soft_avx2.c - softmax rows with the vectors of vec_avx2.h. */
#include "kern/x86/attn.h"
#include "kern/x86/vec_avx2.h"
#include "kern/x86/vec_math.inc"
#include "kern/x86/soft.inc"

const struct soft soft_avx2 = {soft_step, soft_finish, soft_dots, soft_backward, soft_store};
