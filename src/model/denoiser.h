/* denoiser.h - what predicts the velocity of noisy latents, whichever network does it.
 *
 * Rows, not batches: the tokens of all samples stand in one matrix, sample after sample, each in
 * the order t, h, w of its patch grid. Every row may have a timestep of its own: a token that is
 * given has that of its own noise, 0 when it is clean. Channels beyond those that the network
 * predicts are control inputs (a mask, the latent of a given picture), further columns of a row.
 * Thread-safety: reading only, any number of contexts. */
#ifndef MODEL_DENOISER_H
#define MODEL_DENOISER_H

#include "model/tap.h"
#include "tensor/ops.h"

enum { DENOISER_TEXTS = 2 }; /* text models whose rows one network may take */

struct denoiser_config {
    int patch[3]; /* pt, ph, pw: latent places of a token */
    int in_channels, out_channels;
    int n_texts; /* text encoders of the model directory that it reads, the first ones */
    int text_dim[DENOISER_TEXTS];
    int text_rows[DENOISER_TEXTS]; /* per sample, filled up with zeros; 0: the prompt's own */
    int image_dim;                 /* width of the rows of a picture; 0: takes none */
    int image_rows;                /* of all pictures of a sample together; 0: any number */
    int control_channels;          /* of a control video beside the latent; 0: takes none */
    int n_controls;                /* places of the network where it acts */
    int most_positions;            /* along one axis of a grid */
    int width;                     /* of the stream of tokens */
    int blocks_apart;              /* 1: it knows `blocks` of a call */
};

/* Patch grid of one sample: t*h*w rows. */
struct token_grid {
    int t, h, w;
};

/* Rows that tokens attend to: those of all samples one after the other, at least one each. */
struct context {
    struct tensor *rows; /* NULL: none */
    struct seq seq;
};

/* What all blocks together add to the stream of tokens, wide [R,width]. */
struct denoiser_blocks {
    struct tensor *given; /* instead of running them; NULL: they run */
    struct tensor *made;  /* by the network, when they ran */
};

/* What one call works on. Arrays are the caller's and stay valid until cx_step_end. */
struct denoiser_batch {
    int n;                         /* samples */
    const struct token_grid *grid; /* [n] */
    struct tensor *rows; /* [R, in_channels*pt*ph*pw], columns in order c,pt,ph,pw (patchify of
                            ops.h); wide or cx->type */
    int n_times;
    const double *times;       /* [n_times] distinct timesteps, 0..1000; 0 is a clean token */
    const int32_t *time_index; /* [R] row -> entry of times; NULL: all rows use entry 0 */
    struct context text[DENOISER_TEXTS], image;
    struct tensor *control;         /* [R, control_channels*pt*ph*pw] or NULL, as rows */
    const double *control_scale;    /* [n_controls]; NULL: 1 */
    struct denoiser_blocks *blocks; /* NULL: they run, and nobody asks */
    int remat; /* training: keep only the inputs of each block and run it again in backward */
    const struct tap *tap; /* NULL, or sees inner values by the names of the reference */
};

struct denoiser_class {
    struct denoiser_config (*config)(const void *net);
    struct tensor *(*velocity)(struct cx *cx, const void *net, const struct denoiser_batch *b);
    /* What it makes of a timestep alone, wide [1,width], or of that the modulation of its blocks,
     * [1,6 width]; NULL: nothing that is known. */
    struct tensor *(*time)(struct cx *cx, const void *net, double timestep, int modulation);
};
struct denoiser { /* borrowed; part_denoiser gives it */
    const struct denoiser_class *is;
    const void *net;
    struct weight_set *weights;
    struct denoiser_config config;
};

/* -> wide [R, pt*ph*pw*out_channels], columns in order pt,ph,pw,c (unpatchify of ops.h). */
struct tensor *denoiser_velocity(struct cx *cx, const struct denoiser *d,
                                 const struct denoiser_batch *b);

#endif
