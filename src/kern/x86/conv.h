/* conv.h - convolutions of each level, for the table. */
#ifndef KERN_X86_CONV_H
#define KERN_X86_CONV_H

#include "kern/kern.h"

void conv_overlay_avx2(struct kernels *k);
void conv_overlay_avx512(struct kernels *k);
void conv_overlay_avx512bf16(struct kernels *k);
void conv_overlay_amx(struct kernels *k);

#endif
