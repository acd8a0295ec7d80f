/* shortcut.h - evaluations of the transformer that are left out: their answer is guessed from those
 * before. A table of published ways, each off unless it is asked for:
 *
 * easy: EasyCache, arXiv 2507.02860: v = x + (v' - x') of the last evaluation ('), as long as the
 * sum of k |x - x before| / |v'| stays below the threshold, k = |v' - v''| / |x' - x''|
 *
 * mag: MagCache, arXiv 2506.09045: what the blocks added to their rows is added once more, as long
 * as the sum of |1 - product of r| stays below it, at most 3 times on end. The paper has a table of
 * r, how much shorter that gets by each step, for every model; here it is measured between the last
 * two evaluations
 *
 * taylor: TaylorSeer, arXiv 2503.06923, on the answer alone: divided differences of v by steps,
 * continued to first order as long as the second is below the threshold, at most 4 times
 *
 * tea, tea-retain: TeaCache, arXiv 2411.19108: as mag, but as long as the sum of P(|e - e before| /
 * |e before|) stays below it, e what the network makes of the timestep alone and P a polynomial
 * fitted to each model (tea.h). The first step and the last are always made; with retained steps
 * the first five, and e is the modulation itself.
 *
 * |.| are means of absolute values, of the sample with the prompt; the other sample does as that
 * one does. The first fifth of the steps (two at least) and the last one are always made.
 * Everything is forgotten when a window begins, when the other expert takes over, and where
 * guidance begins. With threshold 0 nothing is left out. Memory is the host's. Threads: belongs to
 * one thread. */
#ifndef GENERATE_SHORTCUT_H
#define GENERATE_SHORTCUT_H

#include <stddef.h>

#include "base/err.h"

struct shortcut;
struct shortcut_class {
    const char *name, *other; /* short and as it was published */
    double threshold;         /* unless another one is asked for; negative: that of the model */
    int most;                 /* evaluations that are left out on end; 0: any number */
    int sums;                 /* 1: what guesses on end are wrong by adds up */
    int blocks;               /* 1: the network says what its blocks added, and goes on from that */
    int arrays;               /* latents that are kept of each sample, and beside that of one */
    int beside;
    int time;  /* 1: asks what the network makes of the timestep, 2: of it the modulation */
    int first; /* steps at the beginning that are always made; 0: a fifth, two at least */
    int last;  /* 1: the last one too */
    double (*change)(struct shortcut *s, const float *x); /* how wrong a guess of now would be, by
                                                           * itself or since the last one; NAN */
    void (*learn)(struct shortcut *s, const float *x, const float *v);
    void (*guess)(const struct shortcut *s, const float *x, float *v); /* NULL with blocks */
};

struct shortcut {
    const struct shortcut_class *is;
    double threshold;
    size_t count, rows; /* values of a latent, and of the rows of a sample where blocks are kept */
    size_t width;
    float *latent;     /* owned */
    const double *fit; /* [5] of the model, highest power first; of those that ask for time */
    float *time,
        *before; /* owned [n_time]: what the network makes of this step, of the one before */
    size_t n_time;
    int timed;            /* `before` is known */
    float *added, *fresh; /* owned [2][rows][width]: what the blocks added; what they add now */
    int step, steps, expert, n; /* of now; n samples */
    int known, last;            /* evaluations since all was forgotten; step of the last one */
    int known_n;                /* samples of that */
    int row, reuse;             /* left out on end; 1: blocks are being left out */
    double sum, rate;
    int evaluations, skipped; /* of the film; the latter is a part of the former */
};

/* The way of that name, threshold behind a colon: "easy:0.1". "off": *is is NULL. -1: none. */
int shortcut_parse(const char *text, const struct shortcut_class **is, double *threshold);

/* count: of a latent; rows, width: of one sample in the transformer. */
NODISCARD int shortcut_init(struct shortcut *s, const struct shortcut_class *is, double threshold,
                            size_t count, size_t rows, size_t width, struct err *e);
void shortcut_release(struct shortcut *s);
/* What they hold, in bytes. */
double shortcut_bytes(const struct shortcut_class *is, double count, double rows, double width);

/* Evaluation i of n of a window comes. */
void shortcut_step(struct shortcut *s, int i, int n);
/* Is it left out? Asked once, before it. */
int shortcut_skips(struct shortcut *s, int expert, int samples, const float *x);
/* Its answers v [samples][count]; 0: only the network can give them, from what its blocks added. */
int shortcut_guess(const struct shortcut *s, const float *x, float *v);
/* It was made. With blocks, s->fresh holds what they added. */
void shortcut_learn(struct shortcut *s, const float *x, const float *v);

#endif
