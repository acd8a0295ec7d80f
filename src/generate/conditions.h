/* conditions.h - what the pictures of a film tell the transformer.
 *
 * A model whose tokens have noise levels of their own is given the latent of the first picture as a
 * frame. Another reads it as further channels of every token: a mask that says which frames are
 * known, then the latent of a film of these and grey ones between. Some read what a picture encoder
 * sees beside it. VACE reads a control video: what of it is kept and what is drawn anew, each as a
 * latent, and the mask of that. Numbers agree with the pipelines of diffusers (pipeline_wan_i2v.py
 * and _vace.py).
 * Threads: belongs to one thread. */
#ifndef GENERATE_CONDITIONS_H
#define GENERATE_CONDITIONS_H

#include "generate/plan.h"

struct conditions {
    float *first; /* owned [h,w,C] in the network's scale, or NULL */
    struct known {
        int frame;     /* latent, of the film */
        float *latent; /* owned [h,w,C] in the network's scale */
    } * known;         /* owned [n_known], beside the first */
    int n_known;
    float *channels; /* owned [n_channels,t,h,w], or NULL */
    int n_channels;
    float *rows; /* owned [n_rows, image_dim] of all pictures, or NULL */
    int64_t n_rows;
    float *control; /* owned [control_channels,t,h,w] of all latent frames, or NULL */
};

/* ERR_DEVICE (a value is not finite), ERR_FIT. *c is empty then. */
NODISCARD int conditions_init(struct conditions *c, struct cx *cx, const struct bundle *b,
                              const struct plan *p, struct err *e);
/* What one picture [h][w][3] is in the network's scale, to z [lh,lw,C]. */
NODISCARD int conditions_picture(float *z, struct cx *cx, const struct bundle *b,
                                 const struct plan *p, const uint8_t *rgb, struct err *e);
/* The last latent frame of the film is to show what the first one of x does, the first window as it
 * was drawn; both are known from then on. */
NODISCARD int conditions_loop(struct conditions *c, struct cx *cx, const struct bundle *b,
                              const struct plan *p, const struct latent_shape *s, const float *x,
                              struct err *e);
/* What the source shows in window w, to clean [C,t,h,w]. */
NODISCARD int conditions_source(struct cx *cx, const struct bundle *b, const struct plan *p,
                                const struct plan_window *w, const struct latent_shape *s,
                                float *clean, struct err *e);
/* What the places of window w are by the region of p: as of enum region_place, [t,h,w]. */
void conditions_region(const struct plan *p, const struct plan_window *w,
                       const struct latent_shape *s, uint8_t *place);
void conditions_release(struct conditions *c);
/* The same networks on a dry cx: cx->flops and its peak say what they cost. */
void conditions_dry(struct cx *cx, const struct plan *p);

#endif
