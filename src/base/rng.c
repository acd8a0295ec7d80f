/* rng.c - Philox 4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * Block number `counter` of a stream is the cipher text of (counter, stream) under the key. */
#include "base/rng.h"

#include <math.h>

#include "base/err.h"
#include "base/fixmath.h"

static void philox(uint32_t out[4], uint64_t counter, uint64_t stream, uint64_t key)
{
    uint32_t c0 = (uint32_t)counter, c1 = (uint32_t)(counter >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);

    for (int i = 0; i < 10; i++) {
        uint64_t a = (uint64_t)0xd2511f53u * c0, b = (uint64_t)0xcd9e8d57u * c2;

        c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)b;
        c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)a;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

void rng_init(struct rng *r, uint64_t key, uint64_t stream)
{
    *r = (struct rng){.key = key, .stream = stream, .used = 4};
}

uint32_t rng_u32(struct rng *r)
{
    if (r->used == 4) {
        philox(r->block, r->counter++, r->stream, r->key);
        r->used = 0;
    }
    return r->block[r->used++];
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t lo = rng_u32(r);

    return lo | (uint64_t)rng_u32(r) << 32;
}

double rng_uniform(struct rng *r)
{
    return (double)(rng_u64(r) >> 11) * 0x1p-53;
}

double rng_range(struct rng *r, double lo, double hi)
{
    double x = lo + (hi - lo) * rng_uniform(r);

    return x >= hi && lo < hi ? nextafter(hi, lo) : x; /* the sum may have rounded up */
}

int rng_below(struct rng *r, int n)
{
    uint32_t bound, least;

    if (n < 1)
        BUG("rng_below: n is %d", n);
    bound = (uint32_t)n;
    least = (0u - bound) % bound; /* products below this would favour small results */
    for (;;) {
        uint64_t m = (uint64_t)rng_u32(r) * bound;

        if ((uint32_t)m >= least)
            return (int)(m >> 32);
    }
}

int rng_chance(struct rng *r, double p)
{
    return rng_uniform(r) < p;
}

/* Box-Muller: two N(0,1) from two words. u is in (0,1], so the logarithm is finite. */
static void normal_pair(const uint32_t w[2], double out[2])
{
    double u = ((double)w[0] + 1) * 0x1p-32, a = (double)w[1] * (0x1p-31 * 3.14159265358979323846);
    double radius = sqrt(-2 * fix_log(u)), s, c;

    fix_sincos(a, &s, &c);
    out[0] = radius * c;
    out[1] = radius * s;
}

double rng_normal(struct rng *r)
{
    uint32_t w[2];
    double z[2];

    w[0] = rng_u32(r);
    w[1] = rng_u32(r);
    normal_pair(w, z);
    return z[0];
}

int rng_pick(struct rng *r, const double *weight, int n)
{
    double sum = 0, x;
    int last = -1;

    for (int i = 0; i < n; i++)
        if (weight[i] > 0) {
            sum += weight[i];
            last = i;
        }
    ZT_ASSERT(last >= 0);
    x = rng_uniform(r) * sum;
    for (int i = 0; i < last; i++)
        if (weight[i] > 0) {
            if (x < weight[i])
                return i;
            x -= weight[i];
        }
    return last;
}

void rng_fill_normal(float *x, size_t n, uint64_t key, uint64_t stream, uint64_t first)
{
    size_t i = 0;

    while (i < n) {
        uint64_t at = first + i;
        uint32_t w[4];
        double z[4];

        philox(w, at / 4, stream, key);
        normal_pair(w, z);
        normal_pair(w + 2, z + 2);
        for (unsigned k = at % 4; k < 4 && i < n; k++)
            x[i++] = (float)z[k];
    }
}
