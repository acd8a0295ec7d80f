/* rng.h - random numbers: a counter-based generator for everything of our own (Philox 4x32-10,
 * Salmon et al. 2011), so that element i never depends on who drew element i-1. */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

struct rng {
    uint64_t key, stream, counter; /* plain data: copy it to fork, write it to a checkpoint */
    uint32_t block[4];
    int used;
};

void rng_init(struct rng *r, uint64_t key, uint64_t stream);
uint32_t rng_u32(struct rng *r);
uint64_t rng_u64(struct rng *r);
double rng_uniform(struct rng *r);                        /* [0,1) */
double rng_range(struct rng *r, double lo, double hi);    /* [lo,hi) */
int rng_below(struct rng *r, int n);                      /* 0..n-1, n >= 1 */
int rng_chance(struct rng *r, double p);                  /* 1 with probability p */
double rng_normal(struct rng *r);                         /* N(0,1) */
int rng_pick(struct rng *r, const double *weight, int n); /* index by weight */
/* x[i] = N(0,1) of element first+i of the stream: the same whatever part is asked for. */
void rng_fill_normal(float *x, size_t n, uint64_t key, uint64_t stream, uint64_t first);

#endif
