/* gaps.h - does the transformer know which word belongs to which thing?
 *
 * Held-out windows are shown with the right caption, and with captions that are not true (world.h,
 * enum world_lie). What a lie adds to the error of the velocity inside the objects' tokens is its
 * gap. A network that reads its caption as a bag of words has a gap for a wrong word and none for
 * two words exchanged; the ratio of the two tells early, where the loss does not. */
#ifndef TRAIN_GAPS_H
#define TRAIN_GAPS_H

#include "base/jsonw.h"
#include "train/dit_task.h"

enum { GAP_LEVELS = 4, GAP_JUDGED = 1 }; /* noise levels; the one that a run is judged by */
extern const double gap_level[GAP_LEVELS];

struct gaps {
    int n[N_LIES]; /* windows that have such a lie */
    struct gap {
        double right;       /* mean squared error with the right caption */
        double lie[N_LIES]; /* what a lie adds, over the windows that have it */
        double empty;       /* what no caption adds */
        double better;      /* share of windows that prefer the right to the exchanged caption */
    } at[GAP_LEVELS];
};

struct gaps_call {
    const struct dit_recipe *recipe;
    const struct latents *latents;
    const struct prompts *lies;
    const int *record; /* [n] of gaps_pick */
    int n, t;          /* t: latent frames of a window */
    uint64_t seed;
};
/* Which of n records from lies->first can tell: those that have every lie, or, when there is none,
 * those that have any. At most `most`; returns how many stand in record[most]. */
int gaps_pick(int *record, int most, const struct prompts *lies, int n);
/* n >= 1. ERR_DEVICE. */
NODISCARD int gaps_measure(struct gaps *g, struct cx *cx, const struct denoiser *m,
                           const struct text_model *text, const struct gaps_call *c, struct err *e);
/* Fields right_97, exchanged_97, wrong_97, empty_97, better_97, .. of a curve's row. */
void gaps_write(const struct gaps *g, struct jsonw *row);
/* ERR_CHECK, which says so, unless the exchanged caption costs at least ratio times the wrong one,
 * and that costs anything. 0 where no window can tell. */
NODISCARD int gaps_judge(const struct gaps *g, double ratio, int64_t step, struct err *e);

/* Standard deviation of the attention logits of the worst layer over the right captions of the
 * first n records of lies; no norm bounds the gains of the norms. */
double gaps_logit_std(struct cx *cx, const struct clause_text *m, const struct prompts *lies,
                      int n);

#endif
