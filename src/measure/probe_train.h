/* probe_train.h - how the two networks of a probe learn from pictures. */
#ifndef MEASURE_PROBE_TRAIN_H
#define MEASURE_PROBE_TRAIN_H

#include "measure/probe_pictures.h"

/* ERR_CANCEL when *stop, ERR_DEVICE. */
NODISCARD int probe_eye_train(struct probe *p, int which, const struct probe_recipe *r,
                              const struct probe_pictures *all, FILE *log,
                              volatile sig_atomic_t *stop, struct err *e);

#endif
