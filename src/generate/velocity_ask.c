/* velocity_ask.c - what is asked of the transformers of a plan, and of which one at a step. */
#include "generate/velocity.h"

struct velocity_ask velocity_ask_of(const struct plan *p, const struct bundle *b)
{
    return (struct velocity_ask){
        .denoiser = b->denoiser,
        .n_denoisers = b->n_denoisers,
        .boundary = p->info.boundary *
                    (p->schedule.train_steps > 0 ? p->schedule.train_steps : SAMPLER_TRAIN_STEPS),
        .shape = plan_latent(p),
        .guidance = p->guidance,
        .guidance2 = p->guidance2,
        .control_scale = p->control.scale,
        .together = VELOCITY_TOGETHER,
        .stagger = p->stagger,
        .blocks = p->cut && p->cut->blocks,
        .n_channels = p->dit.in_channels - p->dit.out_channels,
        .n_rows = p->dit.image_dim ? b->image.config.rows * (1 + (p->last.seen != NULL)) : 0};
}

double velocity_scale(const struct velocity_ask *ask, int expert, double sigma)
{
    const struct guidance *g = &ask->guidance;
    int on = g->scale != 1 && sigma >= g->from && sigma <= (ask->is_given ? g->to_given : g->to);

    return on ? expert ? ask->guidance2 : g->scale : 1;
}

int velocity_expert(const struct velocity_ask *ask, double timestep)
{
    return timestep < ask->boundary;
}

int velocity_samples(const struct velocity_ask *ask, int expert, double sigma)
{
    return velocity_scale(ask, expert, sigma) != 1 ? 2 : 1;
}
