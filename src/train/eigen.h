/* eigen.h - eigenvalues and eigenvectors of real symmetric matrices, in double. Deterministic. */
#ifndef TRAIN_EIGEN_H
#define TRAIN_EIGEN_H

struct threads;

/* All of them: Householder reduction to a tridiagonal matrix, then QL with implicit shifts (Golub
 * and Van Loan, Matrix Computations, chapter 8). About 3 s for n = 768. a [n,n] symmetric,
 * destroyed. value [n] in descending order; row i of vector [n,n] is the unit eigenvector of
 * value[i], its largest component positive. */
void eigen_symmetric(double *a, int n, double *value, double *vector);
/* The k largest of a positive semidefinite matrix, 1 <= k <= n: orthogonal iteration on a somewhat
 * larger subspace with Rayleigh-Ritz values (the same book), until each residual |a v - value v| is
 * below 1e-9 of the largest value, or the turns that rounding allows are over. a is left alone.
 * value [k], vector [k,n] as above; the same bits for any number of threads. */
void eigen_top(const double *a, int n, int k, double *value, double *vector, struct threads *th);

#endif
