/* plan.h - a request made complete: every size, number and word settled, memory and time forecast.
 *
 * Made from the configs of a model directory, without its weights. The memory is that of a dry run
 * of the same networks, so it is exact for tensors.
 * Threads: a plan belongs to one thread; once made it is only read. */
#ifndef GENERATE_PLAN_H
#define GENERATE_PLAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "generate/latent.h"
#include "generate/options.h"
#include "model/bundle.h"

/* Classifier-free: scale 1 is none; it works at noise levels from..to. */
struct guidance {
    double scale, from, to;
};

struct plan {
    struct bundle *model; /* owned, declared: its networks run dry */
    struct bundle_info info;
    struct denoiser_config dit;
    struct codec_config codec;

    int w, h, n_frames; /* px and frames that the model draws */
    int t, lh, lw, c;   /* latent of the film */
    int window;         /* latent frames that are drawn at once */
    int context;   /* of a later window, so many at least are the end of the one before, given */
    int n_enlarge; /* upsamplers of the model that every drawn frame goes through */
    int scale;     /* px each way that they make of one */
    int film_w, film_h; /* px of the film, whose n_film frames repeat or skip drawn ones */
    int n_film;
    double fps; /* of the film; the model's own is info.frame_rate */
    int steps;
    struct guidance guidance;
    double shift;
    const char *sampler; /* static */
    uint64_t seed;
    enum dtype type;
    struct device *device;
    int threads;
    char *prompt, *negative, *unknown, *note; /* owned: texts for the model; words it does not know
                                               * (", " between); warnings or NULL */
    uint8_t *first_frame;                     /* owned RGB [h][w][3], or NULL */
    char first_frame_hash[65];

    uint64_t weight_bytes, memory_bytes; /* forecast: weights; all together */
    struct bundle_budget budget;         /* of weights on the device; 0: they fit */
    double flops, forecast_s;
};

/* r borrowed for the call. threads 0 in the request: as many as the machine gives. stop may be
 * NULL; when it becomes non-zero the result is ERR_CANCEL. ERR_USAGE (a request that makes no
 * sense), ERR_IO and ERR_FORMAT (model or picture), ERR_DEVICE (the device is not there), ERR_FIT
 * (says what would fit). p is released on failure. */
NODISCARD int plan_make(struct plan *p, const char *model_dir, const struct request *r,
                        const atomic_int *stop, struct err *e);
void plan_release(struct plan *p);
/* Which drawn frame film frame i shows. */
int plan_drawn_frame(const struct plan *p, int i);

/* A film is a list of windows: how many, and which latent frame of the film is the first of window
 * i; *given: how many of its frames are the end of the window before. */
int plan_windows(const struct plan *p);
int plan_window(const struct plan *p, int i, int *given);
/* Of every window: c channels, window frames, with the patches of the transformer. */
struct latent_shape plan_latent(const struct plan *p);

/* forecast.c: fill in the last block. memory: what may be used. */
NODISCARD int plan_forecast(struct plan *p, uint64_t memory, const atomic_int *stop, struct err *e);

#endif
