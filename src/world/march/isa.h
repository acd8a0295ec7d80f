/* isa.h - the marcher for each instruction set, known to march.c and isa_x86.c alone. */
#ifndef MARCH_ISA_H
#define MARCH_ISA_H

#include "world/march/march.h"

extern const struct march_code march_code_c, march_code_avx2, march_code_avx512;
/* Of this name, when it is built in and the CPU has it; else NULL. */
const struct march_code *march_x86(const char *name);

#endif
