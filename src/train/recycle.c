#include "train/recycle.h"

#include <stdlib.h>
#include <string.h>

/* What is recycled as windows of which nothing is given. at[k]: where window k of them stands in
 * b, in latent frames. */
static int sources(struct dit_window *w, int64_t *at, const struct dit_batch *b)
{
    int n = 0;
    int64_t frame = 0;
    for (int i = 0; i < b->n; frame += b->window[i++].t)
        if (b->window[i].recycled > 0) {
            w[n] = b->window[i];
            w[n].s = w[n].recycled;
            w[n].n_given = 0;
            at[n++] = frame;
        }
    return n;
}

void recycle(struct cx *cx, const struct denoiser *m, const struct text_model *text,
             struct dit_batch *b, const struct recycle *r, int64_t step)
{
    struct dit_window *w = xcalloc((size_t)b->n, sizeof *w);
    int64_t *at = xcalloc((size_t)b->n, sizeof *at);
    int n = sources(w, at, b);
    if (n) {
        struct dit_batch drawn;
        dit_batch_make(&drawn, w, n, r->recipe, r->latents, r->prompts, r->seed ^ RECYCLE_NOISE,
                       step, NULL);
        float *velocity = dit_velocity_values(cx, m, text, &drawn);
        size_t frame = (size_t)b->h * (size_t)b->w * (size_t)b->c, from = 0;
        for (int k = 0; k < n; from += frame * (size_t)w[k++].t)
            for (size_t j = 0; j < frame * (size_t)w[k].context; j++)
                b->x[frame * (size_t)at[k] + j] =
                    drawn.x[from + j] - (float)w[k].s * velocity[from + j];
        free(velocity);
        dit_batch_release(&drawn);
    }
    free(w);
    free(at);
}
