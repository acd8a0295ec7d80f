/* x86_none.c - takes the place of x86/ on other processors: no level is there. */
#include "kern/x86/x86.h"

int kernels_x86(const char *level, struct kernels *k)
{
    (void)level;
    (void)k;
    return -1;
}

const char *x86_best_level(void)
{
    return "c";
}

double x86_peak_flops(enum dtype type, struct threads *th)
{
    (void)type;
    (void)th;
    return 0;
}
