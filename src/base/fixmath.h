/* fixmath.h - log, sine and cosine that give the same bits on every machine and C library: plain
 * double arithmetic in a fixed order. Within 4 ulp of the true value. Noise is made of these. */
#ifndef BASE_FIXMATH_H
#define BASE_FIXMATH_H

double fix_log(double x);                            /* x > 0, finite and normal */
void fix_sincos(double x, double *sin, double *cos); /* |x| < 1e5 */

#endif
