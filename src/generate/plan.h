/* plan.h - a request made complete: every size, number and word settled, memory and time forecast.
 *
 * Made from the configs of a model directory and the headers of its weights. The forecast of memory
 * is the peak of the process's resident memory (VmHWM, what `top` and time -v show): what it holds
 * already, its own copies of weights, the pages of mapped weights that it will touch, tensors and
 * scratch of a dry run of the same networks, latents and pictures. Mapped pages can be dropped by
 * the system and read again, but a film that has less memory than that crawls. What the writer of
 * the film takes is not in it (film_memory). On a device with memory of its own, its tensors and
 * weights lie there and count for device_bytes.
 * Threads: a plan belongs to one thread; once made it is only read. */
#ifndef GENERATE_PLAN_H
#define GENERATE_PLAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "generate/latent.h"
#include "generate/options.h"
#include "generate/prompt_tokens.h"
#include "generate/sampler.h"
#include "media/picture.h"
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
    double guidance2; /* scale of the expert of low noise; guidance decides whether there is any */
    double shift;
    const char *sampler;            /* static */
    struct sampler_config schedule; /* the rest of it: without name, steps, shift and rng */
    uint64_t seed;
    enum dtype type;
    struct device *device;
    int threads;
    char *prompt, *negative, *unknown, *note; /* owned: texts for the model; words it does not know
                                               * (", " between); warnings or NULL */
    struct given_picture {
        uint8_t *rgb;  /* owned [h][w][3], or NULL: none is given */
        uint8_t *seen; /* owned [side][side][3]: what the picture encoder sees, NULL without one */
        char hash[65];
    } first, last;
    struct {              /* of a model that reads a control video */
        uint8_t *rgb;     /* owned [n][h][w][3], n = codec_frames(t); NULL: it reads none */
        uint8_t *drawn;   /* owned [n][h][w]: 1 is drawn anew, 0 is kept */
        uint8_t *known;   /* owned [n]: 0 where nothing is given, rgb says nothing then */
        float *reference; /* owned [h][w][3], 0..1, or NULL */
        double scale;
        char hash[65];
    } control;
    int ahead; /* latent frames that are drawn before those of the film: of the reference */
    char lora_hash[65];  /* "" without any */
    int64_t lora_values; /* that stand beside the weights then */
    int any_picture;     /* 1: the film is drawn also when it loses its first frame */

    struct words words[DENOISER_TEXTS]; /* owned: what each text encoder of the model reads */

    struct plan_shot { /* one after the other; a take is shots that flow, from one cut to the next
                        */
        char *prompt;  /* owned: as read */
        struct words words[DENOISER_TEXTS];
        uint64_t seed;
        int own_seed, cut;         /* cut: begins anew. The first one always does */
        int first, t;              /* latent frames of the film */
        int take, frame, n_frames; /* of its take: first latent frame; first drawn frame, and all */
        double seconds;            /* as asked for */
    } * shot;                      /* owned; without a list NULL: the film is one */
    int n_shots;

    /* forecast: weights wherever they lie; of the host, all together; of the device's own memory */
    uint64_t weight_bytes, memory_bytes, device_bytes;
    uint64_t most_bytes;         /* that the process may hold */
    struct bundle_budget budget; /* of weights on the device; 0: they fit */
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

/* plan_windows.c: a film is a list of windows of p->window latent frames. */
struct plan_window {
    int shot, of_shot;   /* number of the shot, and of the window in it */
    int fresh;           /* 1: begins anew, with the codec too */
    int first;           /* latent frame of the film that it begins with */
    int given;           /* so many of its frames are the end of the window before */
    int shown;           /* and frames given..shown-1 are those of the film */
    int take;            /* latent frame of the film with which the codec began */
    int frame, n_frames; /* drawn frame of the film with which it began, and how many follow */
};
int plan_windows(const struct plan *p);
struct plan_window plan_window(const struct plan *p, int i);
/* Film frame that is the first one of window i >= 1; n_film where it shows none or begins anew. */
int plan_join(const struct plan *p, int i);
/* Of every window: c channels, window frames and those ahead of them, with the patches of the
 * transformer. */
struct latent_shape plan_latent(const struct plan *p);

/* plan_picture.c: the pictures of a request, and what a plan keeps of them. ERR_USAGE also for
 * pictures that the model takes none of, or wants. */
struct pictures {
    struct picture first, last, reference; /* owned; empty where none is given */
};
NODISCARD int plan_pictures_load(struct pictures *x, const struct plan *p, const struct request *r,
                                 struct err *e);
void plan_pictures_release(struct pictures *x);
NODISCARD int plan_pictures_settle(struct plan *p, const struct pictures *x,
                                   const struct request *r, struct err *e);
/* plan_control.c: what steers a model that reads a control video; after the pictures. ERR_USAGE
 * also for a model that reads none. */
NODISCARD int plan_control_settle(struct plan *p, const struct pictures *x, const struct request *r,
                                  struct err *e);
/* plan_shots.c: the list of shots: what it says; where they lie, when the rate is known; what they
 * show, when the seed is; tokens of text encoder k, and which shot has most. */
NODISCARD int plan_shots_settle(struct plan *p, const struct request *r, struct err *e);
void plan_shots_lay(struct plan *p);
void plan_shots_read(struct plan *p, struct buf *all, struct buf *unknown);
int plan_shots_tokens(struct plan *p, const struct tokenizer *t, int k);
void plan_shots_release(struct plan *p);
void plan_note(struct plan *p, char *text); /* a warning more; takes over the text */

/* forecast.c: fill in the last block. memory: what the process may hold in all. */
NODISCARD int plan_forecast(struct plan *p, uint64_t memory, const atomic_int *stop, struct err *e);
/* Resident memory of the process when this was first called: program, libraries, tokenizer. */
uint64_t plan_base_bytes(void);

#endif
