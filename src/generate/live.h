/* live.h - a film without end, that takes other words while it is drawn.
 *
 * The plan's film is the first window; each later one is given the end of what will be kept of the
 * one before and draws the rest anew. Before each window the sink is asked (turn) what is to be
 * seen from where on. Frames that were handed out but not shown yet can be taken back: the film
 * goes on from the latent frame behind those that are kept. Latents are handed over, never pixels;
 * the decoder goes on with what it knew there. Frames between drawn ones are made where the plan
 * wants them, as long as a window is drawn in less time than it lasts. One thread. */
#ifndef GENERATE_LIVE_H
#define GENERATE_LIVE_H

#include "generate/pipeline.h"

struct live_turn {
    int keep;                    /* frames of the film that stay; at first all so far */
    const char *prompt, *camera; /* borrowed until the next turn; NULL: as before */
    const char *note; /* borrowed: what the model cannot do of the words of the turn before; NULL */
};
struct live {
    void *user;
    /* Non-zero ends the film, as a success. */
    int (*turn)(void *user, struct live_turn *turn);
    atomic_int
        *now; /* non-zero: what is being drawn is let go, and turn is called; set to 0 then */
};
/* Frames go to the sink; after a cut with lower numbers than were there. s->progress is left out.
 * ERR_USAGE: a plan of shots, pictures, films or a model of others; else as pipeline_run. */
NODISCARD int live_run(const struct bundle *b, const struct plan *p, const struct sink *s,
                       const struct live *live, struct err *e);

#endif
