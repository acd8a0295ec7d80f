/* pipeline.h - a plan becomes a film: text, noise, latent, frames.
 * Threads: one call belongs to one thread; any number of calls may share a bundle. */
#ifndef GENERATE_PIPELINE_H
#define GENERATE_PIPELINE_H

#include <stdatomic.h>

#include "base/hash.h"
#include "generate/journal.h"
#include "generate/plan.h"
#include "generate/velocity.h"

/* Where a film goes. Both functions may be NULL; non-zero stops with ERR_CANCEL, a negative ERR_
 * code stops with that (and sets e). */
struct sink {
    void *user;
    int (*frame)(void *user, int index, const uint8_t *rgb,
                 struct err *e); /* of the film, [h][w][3] */
    int (*progress)(void *user, const char *stage, long done, long total, double left_s);
    const atomic_int *stop; /* NULL: never */
    /* Where the codec has previews: the picture of the middle latent frame of a window that step
     * 1..n_steps of it promises. May be NULL; non-zero stops with ERR_CANCEL. */
    int (*preview)(void *user, int window, int step, int n_steps, const uint8_t *rgb, int w, int h);
    struct journal *journal; /* what was drawn is kept there, or gone on from; NULL: nowhere */
    int apart; /* 1: frame may be called on another thread than the rest, one at a time */
};

/* The plan's pictures say what its prompt leaves open, as far as the model can tell: is there
 * something to be asked, and asking it with the networks of b, as opened for p->type. p reads
 * otherwise then, and says so (p->seen). ERR_CANCEL, ERR_DEVICE. */
int plan_wants_look(const struct plan *p, const struct request *r);
NODISCARD int plan_look(struct plan *p, const struct bundle *b, const struct request *r,
                        const struct sink *s, struct err *e);

struct figures {
    char latent_hash[65], frame_hash[65]; /* frame: over the RGB of all frames of the film */
    double seconds;                       /* of the whole call */
    int evaluations, skipped; /* of the transformer, all and those that were guessed (--cache) */
    double cache_error; /* relative L2 of the latent to that of all evaluations; -1: not asked */
    char note[512];     /* what happened on the way, "" for nothing */
};

/* The note of what plan_look saw, known before anything is drawn. */
void figures_seen(const struct plan *p, struct figures *out);
/* Draw p with the networks of b, which were opened for p->type, one window after the other: the
 * frames of a window are shown before the next one is drawn, in memory that does not grow with the
 * film. ERR_CANCEL, ERR_DEVICE (a value is not finite: where), and what the sink says. */
NODISCARD int pipeline_run(const struct bundle *b, const struct plan *p, const struct sink *s,
                           struct figures *out, struct err *e);

/* The picture that the denoised latent of a step would be, in the size that the model draws. Reads
 * only: a film with previews has the bits of one without. */
struct preview {
    struct cx *cx;
    const struct bundle *model;
    const struct plan *plan;
    const struct sink *sink;
    float *clean, *velocity, *values; /* owned [h][w][c] twice, [H][W][3] */
    uint8_t *rgb;                     /* owned; NULL: nobody looks, or the codec has none */
};
/* To be released whatever it returns. */
NODISCARD int preview_init(struct preview *v, struct cx *cx, const struct bundle *b,
                           const struct plan *p, const struct sink *sink, struct err *e);
/* Frame `frame` of x - sigma velocity, both [C,t,h,w], the denoised latent of flow matching. */
struct preview_step {
    int window, step, n_steps, frame;
    double sigma;
};
NODISCARD int preview_show(struct preview *v, const struct latent_shape *s, const float *x,
                           const float *velocity, const struct preview_step *at, struct err *e);
void preview_release(struct preview *v);

/* Places of a window that stay what a source is. */
struct held {
    const float *clean, *noise; /* [C,t,h,w]: the source, and what is mixed into it */
    const uint8_t *place;       /* as of enum region_place, [t,h,w] */
};

/* Seconds that a film has taken and will take, its two kinds of work told apart because they take
 * turns: what is left goes by what was seen of a kind, before that by the forecast. */
struct pace {
    double forecast_s[2]; /* for all of the film: sampling, drawing */
    double spent_s[2], left_s[2];
};
enum { PACE_SAMPLING, PACE_DRAWING };
void pace_init(struct pace *p, const struct plan *plan);
/* `done` of `total` units of a kind, of which `made` took spent_s: seconds until the film is done.
 */
double pace_left(struct pace *p, int kind, double spent_s, int made, int done, int total);

/* The parts. x [C,t,h,w] holds noise, and becomes step by step the clean latent; given frames stay
 * what they are, and end clean. */
struct denoise_progress {
    const struct sink *sink;
    struct pace *pace;
    int done, total; /* evaluations of the film: before this window, of all */
    int begin;       /* evaluation that is the first: x holds less noise than all */
    int window;
    struct preview *preview; /* NULL: none */
    int kept;                /* evaluations of all that another process made */
    struct journal *journal; /* of steps; NULL: none are kept */
    const struct drag *drag; /* NULL: nothing is */
    const struct held *held; /* of a region; NULL: none is */
    /* Behind evaluation `done` of the `all` of this window; NULL: there is nothing to do. */
    int (*meanwhile)(void *user, int done, int all, struct err *e);
    void *meanwhile_user;
    double start; /* clock_s of the first evaluation, had all of them come without a break */
};
struct sampler;
NODISCARD int denoise(struct velocity *v, struct sampler *sampler, const struct given *list,
                      int n_given, float *x, struct denoise_progress *progress, struct err *e);

/* A film in latent space, window by window. */
struct drawing {
    struct cx *cx;
    const struct plan *plan;
    const struct sink *sink;
    struct latent_shape shape;    /* of a window */
    struct conditions conditions; /* what its pictures say */
    struct velocity velocity;
    float *x;                   /* owned [C,t,h,w]: the window that was drawn last, clean */
    float *past;                /* owned [t,h,w,C]: what is given */
    struct given *given;        /* owned [t] */
    double details;             /* of the take's first end: squares of what may grow; 0: unknown */
    float *source, *noise;      /* owned [C,t,h,w]: of a film that is drawn anew; NULL without */
    uint8_t *place;             /* owned [t,h,w]: of a region, enum region_place; NULL without */
    const struct bundle *model; /* borrowed */
    struct pace pace;
    int evaluations, runs;       /* of the film; windows that were drawn, also to compare */
    int kept_runs, kept_windows; /* of them by another process */
    int said;                    /* shot whose words the encoders said last, from 1 */
    struct preview preview;
    struct shortcut cut;     /* of p->cut */
    double differs, measure; /* squares of all windows: what is wrong with them, what is right */
    int (*meanwhile)(void *user, int done, int all, struct err *e); /* of denoise_progress */
    void *meanwhile_user;
};
NODISCARD int drawing_init(struct drawing *d, struct cx *cx, const struct bundle *b,
                           const struct plan *p, const struct sink *s, struct err *e);
/* Windows i = 0, 1, ... in order, those of the journal as they are. Noise is that of torch.randn on
 * a CPU, of the seed itself for the first one of the film and of each shot with a seed of its own.
 */
NODISCARD int drawing_window(struct drawing *d, int i, struct err *e);
/* Of a film without end: number i, which goes on behind latent frame `end` of the one in x; 0: it
 * begins anew. x is lost when it fails. */
NODISCARD int drawing_go_on(struct drawing *d, int i, int end, struct err *e);
void drawing_release(struct drawing *d);
/* x: the first window, clean. ERR_USAGE: the plan's first frame is not of the worlds that the model
 * declares, the frame behind it shows another picture. 0 where nothing is given or declared. */
NODISCARD int picture_kept(struct cx *cx, const struct bundle *b, const struct plan *p,
                           const struct latent_shape *s, const float *x, struct err *e);

/* Latent frames become frames of the film, one after the other. */
struct screen {
    struct cx *cx;
    const struct bundle *model;
    const struct plan *plan;
    const struct sink *sink;
    struct codec_stream stream;
    struct sha256 hash;      /* over the RGB of all frames so far */
    struct drawn *drawn;     /* owned: a frame as it is drawn, bytes; NULL with a relay */
    uint8_t *film;           /* owned: as it is shown */
    float *values;           /* owned: as drawn, before it is bytes. Taken once: the heap of a film
                              * that took it for each frame would have holes of its size */
    float *sharpening;       /* owned: room; NULL: nothing is sharpened */
    float *latent;           /* owned [h][w][c]: the frame that is decoded */
    int latents, done;       /* latent frames of the take so far, and of the film */
    int due;                 /* frames of the film that drawn frames so far show .. */
    int next;                /* .. and that are out */
    struct relay *relay;     /* owned: drawn frames are shown on its thread, which then has what
                              * stands below and `film`, `hash`, `next`; NULL: they are on ours */
    struct threads *threads; /* of what is shown; owned with a relay */
    int ahead;               /* drawn frames that may wait; 0: there is no relay */
    struct between *between; /* owned; NULL: no movement is sought */
    uint8_t *left, *made, *first; /* owned, as the film: the drawn frame before, one between, and
                                   * that of a loop which comes again; NULL without */
    int new_take;                 /* 1: the next drawn frame begins one */
    int known, cut;               /* 1: left is drawn; it is of another take */
    int plain;                    /* 1: no movement is sought, the nearer drawn frame repeats */
    uint8_t *kept, *joined;       /* owned, as the film, of a region: what is kept, and both */
    uint16_t *share;              /* owned [film_h][film_w]: how much shows of what is drawn */
    int shared;                   /* frame of the source whose mask stands there, from 1 */
    struct pace *pace;
    double between_s;      /* that frames between drawn ones took */
    struct detail *detail; /* owned: of the picture that the film begins with; NULL without */
};
/* pace: of the drawing that it shows, borrowed. To be released whatever it returns. */
NODISCARD int screen_init(struct screen *s, struct cx *cx, const struct bundle *b,
                          const struct plan *p, const struct sink *sink, struct pace *pace,
                          struct err *e);
/* Waits for all that were drawn. */
NODISCARD int screen_together(struct screen *s, struct err *e);
/* The frames behind the last drawn one. */
NODISCARD int screen_end(struct screen *s, struct err *e);
/* All frames of a film, in the size of ours. */
NODISCARD int screen_film(struct screen *s, const struct film *f, struct err *e);
/* Frames w->given..w->shown-1 of window x, and of a take no more than it has. */
NODISCARD int screen_show(struct screen *s, const struct latent_shape *shape, const float *x,
                          const struct plan_window *w, struct err *e);
void screen_release(struct screen *s);
int sink_progress(const struct sink *s, const char *stage, long done, long total, double left_s,
                  struct err *e);

#endif
