/* plan.h - a request made complete: every size, number and word settled, memory and time forecast.
 *
 * Made from the configs of a model directory and the headers of its weights. The forecast of memory
 * is the peak of the process's resident memory (VmHWM, what `top` and time -v show): what it holds
 * already, its own copies of weights, the pages of mapped weights that it will touch, tensors and
 * scratch of a dry run of the same networks, latents and pictures. Mapped pages can be dropped by
 * the system and read again, but a film that has less memory than that crawls. What the writer of
 * the film takes is not in it (film_memory). On a device with memory of its own, its tensors and
 * weights lie there and count for device_bytes.
 * Threads: a plan belongs to one thread; once made, and looked (plan_look), it is only read. */
#ifndef GENERATE_PLAN_H
#define GENERATE_PLAN_H

#include <stdatomic.h>
#include <stdint.h>

#include "generate/brush.h"
#include "generate/camera.h"
#include "generate/latent.h"
#include "generate/options.h"
#include "generate/plan_parts.h"
#include "generate/prompt_tokens.h"
#include "generate/region.h"
#include "generate/sampler.h"
#include "generate/shortcut.h"
#include "media/film.h"
#include "media/picture.h"
#include "model/bundle.h"

/* Classifier-free: scale 1 is none; it works at noise levels from..to, or from..to_given in a first
 * window of which the caller gave frames. Later windows see what was drawn, and fade without. */
struct guidance {
    double scale, from, to, to_given;
};

struct plan {
    struct bundle *model; /* owned, declared: its networks run dry */
    struct bundle_info info;
    struct denoiser_config dit;
    struct codec_config codec;

    int w, h, n_frames;  /* px and frames that the model draws */
    int seen_w, seen_h;  /* px of their middle that the film shows */
    int camera_of_drawn; /* 1: a camera's words count by all that is drawn, not by what is seen */
    int t, lh, lw, c;    /* latent of the film */
    int window;          /* latent frames that are drawn at once */
    int context;    /* of a later window, so many at least are the end of the one before, given */
    int n_enlarge;  /* upsamplers of the model that every drawn frame goes through */
    int scale;      /* px each way that they make of one */
    double fade;    /* most of its details that a window loses before the next goes on from it */
    double sharpen; /* what the first of them makes, or what is drawn; 0: not */
    int film_w, film_h; /* px of the film, whose n_film frames repeat or skip drawn ones,
                         * or lie between them */
    int n_film;
    double fps;      /* of the film; the model's own is info.frame_rate */
    int interpolate; /* 1: film frames between drawn ones are made of both */
    int steps;
    int draft; /* 1: few steps, small; begun from the noise of the film that this would be else */
    struct {
        int w, h, lw, lh, steps;
    } whole; /* px, latent and steps of that film */
    struct guidance guidance;
    double guidance2; /* scale of the expert of low noise; guidance decides whether there is any */
    double shift, stagger; /* stagger: noise level below which tokens are staggered; 0: never */
    const char *computed;  /* static: what type is, as the option is said; never "auto" */
    const char *sampler;   /* static */
    struct sampler_config schedule;   /* the rest of it: without name, steps, shift and rng */
    const double *cut_fit;            /* [5] of the model, where that asks for it (tea.h) */
    const struct shortcut_class *cut; /* leaves evaluations out; NULL: none */
    double cut_threshold;
    int cut_check; /* 1: it is drawn without, too */
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
    uint8_t *begins; /* owned [film_h][film_w][3]: the first picture as the film shows it, where its
                      * details are carried; else NULL */
    double detail;   /* how much of them */
    struct {         /* of a model that reads a control video */
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

    int text_kept;          /* 1: what text encoders say of all words is known (text_kept.h) */
    int64_t text_kept_from; /* of encoders with so many weights */
    struct words words[DENOISER_TEXTS]; /* owned: what each text encoder of the model reads */

    struct brush brush;
    double motion;             /* 1: as the model has it */
    struct camera camera;      /* of a film without a list of shots */
    struct camera_words blend; /* what is read in place of "static"; n 0: the text says it all */
    struct plan_shot *shot;    /* owned; without a list NULL: the film is one */
    int n_shots;
    struct plan_key *key; /* owned: what is known of the film beside its first frame */
    int n_keys;
    struct film before, behind; /* owned, shown before and behind what is drawn; or empty */
    struct film source;         /* owned: drawn anew from its own frames; or empty */
    double strength;            /* how much of it */
    struct region region;       /* where: what lies outside is that of the source; or all */
    int n_before, n_behind;     /* frames of this film that show them */
    int skip;                   /* drawn frames that are the end of `before` */
    int loop;                   /* 1: the last latent frame, which is not shown, is the first one */
    char keys_hash[65];
    char *expanded; /* owned: the prompt by the rules (--expand), which reads as it does; or NULL */
    /* Owned: what its pictures say of what the prompt leaves open (world.h), "" for nothing; NULL:
     * nobody has looked (plan_look.c), or there is none. looked: it was this plan that did. */
    char *seen;
    int looked;
    int n_looks;           /* texts that a look tries, about; 0: nobody looks */
    char *typed;           /* owned: words of the film that is gone on from, or NULL */
    uint64_t reading_seed; /* with which they were read, where own_reading */
    int own_reading;

    /* forecast: weights wherever they lie; of the host, all together; of the device's own memory */
    uint64_t weight_bytes, memory_bytes, device_bytes;
    uint64_t most_bytes;         /* that the process may hold */
    struct bundle_budget budget; /* of weights on the device, of mapped ones; 0: they fit */
    int paged; /* 1: weights are read from their files block by block, in every step */
    double flops, forecast_s, forecast_drawing_s; /* of it: from latents to frames of the film */
};

/* Of a frame as it is drawn, cut and enlarged, and of one of the film as it is shown; RGB. */
static inline size_t plan_drawn_bytes(const struct plan *p)
{
    return (size_t)p->seen_w * (size_t)p->seen_h * (size_t)p->scale * (size_t)p->scale * 3;
}
/* Floats that sharpening works in; 0: there is none. */
size_t plan_sharpen_room(const struct plan *p);

/* Of x [1,h,w,3] as it is drawn, what the film shows; x itself where that is all. */
struct cx;
struct tensor *plan_seen(struct cx *cx, const struct plan *p, struct tensor *x);

static inline size_t plan_frame_bytes(const struct plan *p)
{
    return (size_t)p->film_w * (size_t)p->film_h * 3;
}

/* r borrowed for the call. threads 0 in the request: as many as the machine gives. stop may be
 * NULL; when it becomes non-zero the result is ERR_CANCEL. ERR_USAGE (a request that makes no
 * sense), ERR_IO and ERR_FORMAT (model or picture), ERR_DEVICE (the device is not there), ERR_FIT
 * (says what would fit). p is released on failure. */
NODISCARD int plan_make(struct plan *p, const char *model_dir, const struct request *r,
                        const atomic_int *stop, struct err *e);
void plan_release(struct plan *p);
/* Which drawn frame film frame i shows, that is neither of the film before nor behind. */
int plan_drawn_frame(const struct plan *p, int i);
/* With interpolate: when film frame i is, in drawn frames; the first one behind a film before is as
 * long after that film's last as any other. Drawn frame n_frames is the first again in a loop, or
 * that of the film behind; else the last one stays. */
double plan_moment(const struct plan *p, int i);

/* Of a film that is shown while it is drawn: drawn frames that may wait to be shown. 0: windows are
 * drawn and shown in turns, which is for single frames, and where memory comes and goes. */
int plan_ahead(const struct plan *p);
int plan_windows(const struct plan *p);
/* It ends as it begins, and how it begins is not known before it is drawn. */
int plan_loop_is_open(const struct plan *p);
struct plan_window plan_window(const struct plan *p, int i);
/* Film frames that begin a window, or a film, which goes on from what is before it; the caller's.
 */
int *plan_joins(const struct plan *p, int *n);
/* Of a film that is drawn anew: how many frames at the model's rate; frame i as [h][w][3]. */
int plan_source_frames(const struct plan *p);
void plan_source_frame(const struct plan *p, int i, uint8_t *rgb);
/* Its frame that lies under frame i of `rate` per second. */
int plan_source_index(const struct plan *p, int i, double rate);
/* 1: it is mixed into the noise; a model that reads a control video takes it as that. */
int plan_source_is_mixed(const struct plan *p);
/* When frame k of this film that shows f, a film before or behind, is, in frames of f: from the
 * first to the last one of f, each at its time, whatever both rates are. */
double plan_given_moment(const struct plan *p, const struct film *f, int k);
int plan_film_end(const struct plan *p); /* film frame behind the last one that is drawn */
/* The noise with which a window begins, [C,t,h,w]: that of torch.randn for the film, of which that
 * of a smaller draft is made. ERR_FIT: no memory. */
struct torch_rng;
NODISCARD int plan_noise(const struct plan *p, struct torch_rng *rng, float *x, struct err *e);
/* Of every window: c channels, window frames and those ahead of them, with the patches of the
 * transformer. */
struct latent_shape plan_latent(const struct plan *p);

/* The prompt, or that of the film that is gone on from. */
const char *plan_typed(const struct plan *p, const struct request *r);

/* forecast.c: fill in the last block. memory: what the process may hold in all. */
NODISCARD int plan_forecast(struct plan *p, uint64_t memory, const atomic_int *stop, struct err *e);
/* Resident memory of the process when this was first called: program, libraries, tokenizer. */
uint64_t plan_base_bytes(void);

#endif
