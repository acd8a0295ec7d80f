/* dit_feed.h - the batches of a run in order, each made while the device still computes the step
 * before it.
 *
 * A batch follows from (seed, step) and the pool of that step alone, so making it ahead changes no
 * bit. On the CPU, whose threads compute, it is made when it is asked for. The pool changes in
 * `prepare`, when no batch is being made.
 * Threads: one caller; the feed uses th between and during calls, so nobody else may. */
#ifndef TRAIN_DIT_FEED_H
#define TRAIN_DIT_FEED_H

#include "train/dit_task.h"

struct dit_feed_config { /* borrowed */
    const struct dit_recipe *recipe;
    const struct latents *latents;
    const struct prompts *prompts;
    int n_train, n_held; /* records from n_train on that are not drawn; all others are */
    int kt;
    uint64_t seed;
    int64_t steps; /* of the run: no batch beyond them is made */
    struct threads *threads;
    int ahead; /* 1: make the next batch in a thread of its own */
    /* Called before the batch of a step is made; may change latents and prompts. NULL: they stay.
     */
    int (*prepare)(void *arg, int64_t step, struct err *e);
    void *arg;
};

struct dit_feed;
struct dit_feed *dit_feed_new(const struct dit_feed_config *c);
void dit_feed_free(struct dit_feed **f);
/* The batch of a step (0-based), to be given to dit_batch_release, or what prepare answered. */
NODISCARD int dit_feed_take(struct dit_feed *f, int64_t step, struct dit_batch *b, struct err *e);

#endif
