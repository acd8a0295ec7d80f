#include "model/upsampler.h"

/* What is left to plain interpolation rather than to a network that overshoots it. */
#define PLAIN_SCALE 1.25

struct tensor *upsampler_enlarge(struct cx *cx, const struct upsampler *u, struct tensor *x)
{
    return u->is->enlarge(cx, u->net, x);
}

int upsampler_chain(const struct upsampler *u, int n, double wanted, int *scale)
{
    int used = 0;

    *scale = 1;
    while (used < n && wanted / *scale > PLAIN_SCALE)
        *scale *= u[used++].scale;
    return used;
}
