/* training.h - a whole run of configs/tiny.json, shortened to eight steps of the transformer. */
#ifndef TEST_TRAINING_H
#define TEST_TRAINING_H

#include <stdio.h>

#include "kern/device.h"
#include "train/train.h"

enum { TRAINING_CLIPS = 24, TRAINING_STEPS = 8 };

struct training {
    struct device *device;
    const char *dir;
    double growth; /* config.latent_growth */
    FILE *log;     /* NULL: nobody reads it */
    int look;      /* steps between looks at the transformer; 0: never */
    int stop;      /* 1: stopped at the first look, with a checkpoint */
    int resume;
};

/* configs/tiny.json as it stands. */
void training_config(struct train_config *c);
/* What train_run answers of c in a folder, on the CPU, with a checkpoint after every step. until: a
 * stage, NULL: all. The log goes to *log, the caller's; NULL: nobody reads it. */
int training_try(const struct train_config *c, const char *dir, const char *until, int resume,
                 char **log, struct err *e);
/* Fails the test when the run does; a run that is stopped must end as one. */
void training_run(const struct training *t);
/* Fails the test unless file `name` of both folders is there and the same. */
void training_same(const char *a, const char *b, const char *name);

#endif
