/* gradcheck.h - gradients of an op or of a whole network in miniature against central differences.
 *
 * Fill a struct gradcheck with a block (as remat takes it), its inputs and a set of declared
 * weights (not allocated; gradcheck fills them with random values whatever their initialisers say).
 * A result that is not a scalar [1] is compared with a random target. Everything is in f64, where
 * the true error is near 1e-9. */
#ifndef TEST_GRADCHECK_H
#define TEST_GRADCHECK_H

#include "tensor/tensor.h"
#include "tensor/weight.h"

struct gradcheck_input {
    int rank;
    int64_t dim[TENSOR_MAX_RANK];
    int wide;             /* f32 also in a bf16 run: tables, targets */
    int constant;         /* no gradient */
    double offset, scale; /* values offset + scale N(0,1); scale 0 means 1 */
};

struct gradcheck {
    block_fn fn;
    void *arg;
    struct weight_set *weights; /* may be NULL */
    int n_in;
    struct gradcheck_input in[TAPE_MAX_IN];
    int entries; /* checked in each array, 0 = 16 */
    double step; /* of the differences, 0 = 1e-5 */
    uint64_t seed;
    struct threads *threads; /* may be NULL */
};

/* Largest relative error of any input's or weight's gradient (an array whose gradient is nearly
 * zero is measured against a thousandth of the others); infinity when anything is not finite.
 * Prints the array when above 1e-6. Fails the test when recomputation (remat) changes a bit, or a
 * dry run tells another peak. */
double gradcheck(const struct gradcheck *g);
/* Relative L2 error of the result and (largest of any array) of the gradients in F32 or BF16
 * against F64 on the same rounded values. Runs on the device that $ZT_TEST_DEVICE names, by default
 * the CPU. */
void gradcheck_type(const struct gradcheck *g, enum dtype type, double *result, double *gradient);

#endif
