/* klt.h - fits the fixed root of the codec: the Karhunen-Loeve transform (principal components) of
 * small blocks.
 *
 * Components are half whitened: component i is divided by lambda_i^(1/4), then all by one number so
 * that their mean variance is 1. */
#ifndef TRAIN_KLT_H
#define TRAIN_KLT_H

#include <stdint.h>

struct threads;

struct klt_fit {
    int dim;
    int64_t n;      /* rows so far */
    double *moment; /* [dim,dim] sum of x x^T, x relative to `origin` */
    double *sum;    /* [dim] */
};
#define KLT_ORIGIN 0.5f /* near the mean of pixels, so that sums in f32 keep their digits */

void klt_init(struct klt_fit *f, int dim);
void klt_release(struct klt_fit *f);
/* rows [n,dim] f32 of the host, changed (the origin is taken off): the fit is done by the CPU,
 * whatever device trains. th may be NULL. */
void klt_add(struct klt_fit *f, float *rows, int64_t n, struct threads *th);
/* The first c components: mean [dim], basis [c,dim] orthonormal, scale [c]. Returns the share of
 * the variance that they hold. f is used up; th may be NULL. */
double klt_solve(struct klt_fit *f, int c, float *mean, float *basis, float *scale,
                 struct threads *th);

#endif
