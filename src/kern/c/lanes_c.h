/* lanes_c.h - what the language has no operator for, in plain C. The truth for lanes_avx2.h and
 * lanes_avx512.h, which give the same bits.
 *
 * v_lt: -1 where a < b, else 0. v_sel: a where m, else b. v_min, v_max: a where it is the lesser
 * (greater), else b. v_sqrt: x must not be negative. m_any: is any lane of a mask set? */
#ifndef KERN_C_LANES_C_H
#define KERN_C_LANES_C_H

#include <string.h>

#include "kern/lanes.h"

static inline i16 v_lt(v16 a, v16 b)
{
    i16 m = {0};
    PER_LANE m[i] = a[i] < b[i] ? -1 : 0;
    return m;
}

static inline v16 v_sel(i16 m, v16 a, v16 b)
{
    return (v16)((m & (i16)a) | (~m & (i16)b));
}

static inline v16 v_min(v16 a, v16 b)
{
    PER_LANE a[i] = a[i] < b[i] ? a[i] : b[i];
    return a;
}

static inline v16 v_max(v16 a, v16 b)
{
    PER_LANE a[i] = a[i] > b[i] ? a[i] : b[i];
    return a;
}

static inline v16 v_sqrt(v16 x)
{
    PER_LANE x[i] = __builtin_sqrtf(x[i]);
    return x;
}

static inline int m_any(i16 m)
{
    int64_t part[8], all = 0;

    memcpy(part, &m, sizeof part);
    for (int i = 0; i < 8; i++)
        all |= part[i];
    return all != 0;
}

#endif
