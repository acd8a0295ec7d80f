/* normal.h - linear least squares by normal equations: w of x w = y for many rows, where a matrix
 * product does nearly all of the work.
 *
 * Sums are double; a small multiple of the mean diagonal keeps directions that no row has at rest.
 * Threads: the caller's, and those of its kcx. */
#ifndef TRAIN_NORMAL_H
#define TRAIN_NORMAL_H

#include "kern/device.h"
#include "tensor/weight.h"

struct normal { /* equations A w = B */
    int64_t n_in, n_out;
    double *a, *b; /* [n_in,n_in], [n_in,n_out]; after solving a factor of A, and w */
    double error;  /* sum of y y */
    float *part;   /* [n_in, larger of n_in and n_out] */
};

void normal_init(struct normal *s, int64_t n_in, int64_t n_out);
void normal_release(struct normal *s);
/* x [rows,n_in], y [rows,n_out], f32 of the host. */
void normal_add(struct normal *s, struct kcx *kc, const float *x, const float *y, int64_t rows);
/* Returns the share of the squared error that the solution takes away. */
double normal_solve(struct normal *s);
/* The solution is added to w, in memory a matrix [n_out, n_in]. */
void normal_store(const struct normal *s, struct weight *w);

#endif
