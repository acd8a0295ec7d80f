/* health.h - is what a network said a velocity at all? Pure functions, any thread. */
#ifndef GENERATE_HEALTH_H
#define GENERATE_HEALTH_H

#include "generate/latent.h"
#include "tensor/tensor.h"

enum health {
    HEALTH_GOOD,
    HEALTH_COLLAPSED, /* the same in all tokens */
    HEALTH_NOT_FINITE
};

/* v [C,t,h,w], finite. A velocity is noise less a clean latent, each of about variance 1, so a
 * network that works never says the same everywhere. */
enum health health_of_velocity(const struct latent_shape *s, const float *v);
/* The clean latent x - sigma v that a step promises: collapsed, it is a film of one colour. */
enum health health_of_clean(const struct latent_shape *s, const float *x, const float *v,
                            double sigma);
/* Rows of an inner value: collapsed when all are the same to the last bits. */
enum health health_of_value(struct cx *cx, struct tensor *x);
const char *health_name(enum health h); /* "is not finite" */

#endif
