/* upsample_task.h - learning to enlarge: pairs of what the codec gives and what was rendered, loss.
 *
 * A pair is one frame of a scene: small, as it comes back from the codec (and from the upsamplers
 * before this one), and rendered at the larger size. Never a render made small: its errors are
 * others than those of the codec. Latents of half of the clips get noise first, as a generator gets
 * them slightly wrong. Pairs are made anew by every process from seed and number, and
 * kept in memory as bytes. */
#ifndef TRAIN_UPSAMPLE_TASK_H
#define TRAIN_UPSAMPLE_TASK_H

#include "model/subpixel.h"
#include "model/tiny_vae.h"
#include "train/config.h"
#include "train/loop.h"

enum { UPSAMPLE_WINDOW = 160 }; /* px each way at most that are kept of a small frame */

/* What small frames come from; networks borrowed. */
struct upsample_source {
    const struct train_config *config;
    const struct tiny_vae *codec;
    const struct subpixel *before[UPSAMPLERS_MAX];
    int n_before;
    int frames;   /* of each clip */
    int scale;    /* of the network that learns */
    double noise; /* largest, std, on the latents of half of the clips */
};

struct upsample_pairs {  /* owned */
    int n, w, h, scale;  /* frames, px of a small one */
    uint8_t *low, *high; /* [n,h,w,3], [n,h*scale,w*scale,3] */
};

/* Clips first..first+clips-1 of the config's seed. cx computes. ERR_CANCEL, ERR_DEVICE. p is to be
 * released in any case. */
NODISCARD int upsample_pairs_make(struct upsample_pairs *p, const struct upsample_source *s,
                                  uint64_t first, int clips, struct cx *cx, const struct run *run,
                                  struct err *e);
void upsample_pairs_release(struct upsample_pairs *p);

/* One step's crops in f32, owned. low [n,side,side,3], high [n,side*scale,side*scale,3]. */
struct upsample_batch {
    int n, side, scale;
    float *low, *high;
};
void upsample_batch_init(struct upsample_batch *b, int n, int side, int scale);
void upsample_batch_release(struct upsample_batch *b);
/* Random places, half of them mirrored; everything follows from (seed, step). */
void upsample_batch_draw(struct upsample_batch *b, const struct upsample_pairs *p, uint64_t seed,
                         int64_t step);
/* A batch on the tape of cx, wide; b must live until cx_step_end. NULL values of b are zeros of a
 * dry device. */
struct upsample_views {
    struct tensor *low, *made, *truth; /* small; enlarged by the network; rendered */
};
void upsample_look(struct upsample_views *v, struct cx *cx, const struct subpixel *m,
                   const struct upsample_batch *b);
/* |error| + edges * |error of the differences between neighbours|, means over pixels. */
struct tensor *upsample_loss(struct cx *cx, const struct upsample_views *v, double edges);

/* How good enlarged pairs are against the rendered ones, values 0..1: squared errors of the network
 * and of plain enlarging (bicubic), mean differences between neighbours of each picture. Sums over
 * n values. */
struct upsample_score {
    double by_net, plain, n;
    double steps_net, steps_plain, steps_true;
};
/* ERR_DEVICE. */
NODISCARD int upsample_judge(struct cx *cx, const struct subpixel *m,
                             const struct upsample_pairs *p, struct upsample_score *s,
                             struct err *e);

#endif
