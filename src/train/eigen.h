/* eigen.h - all eigenvalues and eigenvectors of a real symmetric matrix, in double.
 *
 * Householder reduction to a tridiagonal matrix, then QL with implicit shifts (Golub and Van Loan,
 * Matrix Computations, chapter 8). About 3 s for n = 768. Pure and deterministic. */
#ifndef TRAIN_EIGEN_H
#define TRAIN_EIGEN_H

/* a [n,n] symmetric, destroyed. value [n] in descending order; row i of vector [n,n] is the unit
 * eigenvector of value[i], its largest component positive. */
void eigen_symmetric(double *a, int n, double *value, double *vector);

#endif
