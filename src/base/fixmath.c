/* fixmath.c - series evaluated in a fixed order; never compiled with contraction or fast-math. */
#include "base/fixmath.h"

#include <math.h>

double fix_log(double x)
{
    const double ln2_hi = 0x1.62e42fee00000p-1, ln2_lo = 0x1.a39ef35793c76p-33;
    int expo;
    double m = frexp(x, &expo), f, s, sum = 0;

    if (m < 0.70710678118654752440) {
        m *= 2;
        expo--;
    }
    /* log m = 2 atanh f, |f| < 0.172: 12 terms leave less than 2^-60. */
    f = (m - 1) / (m + 1);
    s = f * f;
    for (int k = 12; k >= 1; k--)
        sum = (sum + 1.0 / (2 * k + 1)) * s;
    return expo * ln2_hi + (2 * f + (2 * f * sum + expo * ln2_lo));
}

void fix_sincos(double x, double *sin, double *cos)
{
    /* pi/2 in two parts; the first has 33 bits, so that times a quadrant number it is exact. */
    const double hi = 0x1.921fb54400000p+0, lo = 0x1.0b4611a626331p-34;
    double q = floor(x * 0.63661977236758134308 + 0.5);
    double r = (x - q * hi) - q * lo, s = r * r, sn = 0, cs = 0;

    /* |r| <= pi/4: nested -s/(n(n+1)) * (1 + ...), nine terms leave less than 2^-58. */
    for (int k = 9; k >= 1; k--) {
        sn = (1 + sn) * s * (-1.0 / ((2 * k) * (2 * k + 1)));
        cs = (1 + cs) * s * (-1.0 / ((2 * k - 1) * (2 * k)));
    }
    sn = r + r * sn;
    cs = 1 + cs;
    switch ((int)q & 3) {
    case 0:
        *sin = sn, *cos = cs;
        break;
    case 1:
        *sin = cs, *cos = -sn;
        break;
    case 2:
        *sin = -sn, *cos = -cs;
        break;
    default:
        *sin = -cs, *cos = sn;
    }
}
