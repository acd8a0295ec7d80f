/* pipeline.h - a plan becomes a film: text, noise, latent, frames.
 * Threads: one call belongs to one thread; any number of calls may share a bundle. */
#ifndef GENERATE_PIPELINE_H
#define GENERATE_PIPELINE_H

#include <stdatomic.h>

#include "generate/plan.h"

/* Where a film goes. Both functions may be NULL; non-zero stops with ERR_CANCEL, a negative ERR_
 * code stops with that (and sets e). */
struct sink {
    void *user;
    int (*frame)(void *user, int index, const uint8_t *rgb,
                 struct err *e); /* of the film, [h][w][3] */
    int (*progress)(void *user, const char *stage, long done, long total, double left_s);
    const atomic_int *stop; /* NULL: never */
};

struct figures {
    char latent_hash[65], frame_hash[65]; /* frame: over the RGB of all frames of the film */
    double seconds;                       /* of the whole call */
};

/* Draw p with the networks of b, which were opened for p->type. out->latent_hash is there before
 * the first frame is. ERR_CANCEL, ERR_DEVICE (a value is not finite: where), and what the sink
 * says. */
NODISCARD int pipeline_run(const struct bundle *b, const struct plan *p, const struct sink *s,
                           struct figures *out, struct err *e);

/* The parts. Fill x [C,t,h,w]: the seed's noise, then step by step the clean latent. The noise is
 * that of torch.randn on a CPU for this seed. */
NODISCARD int denoise(struct cx *cx, const struct bundle *b, const struct plan *p,
                      const struct sink *s, float *x, struct err *e);
/* Decode x into the film's frames, one latent frame at a time. */
NODISCARD int show_frames(struct cx *cx, const struct bundle *b, const struct plan *p,
                          const struct sink *s, const float *x, char frame_hash[65], struct err *e);
int sink_progress(const struct sink *s, const char *stage, long done, long total, double left_s,
                  struct err *e);

#endif
