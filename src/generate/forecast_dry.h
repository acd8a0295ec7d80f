/* forecast_dry.h - what a film takes beside its weights: the same networks are run without numbers.
 */
#ifndef GENERATE_FORECAST_DRY_H
#define GENERATE_FORECAST_DRY_H

#include "generate/plan.h"

/* What a film costs. */
struct cost {
    double host;   /* bytes, weights and base not counted: of the CPU's memory */
    double steps;  /* the same until the first window is drawn; host where others follow it */
    double early;  /* the same while pictures and words are read */
    double device; /* of a device with memory of its own */
    double flops, drawing_flops;
};

/* Of p with windows of t latent frames, 1 to p->window; a film of fewer than p->window is no longer
 * than that. */
struct cost plan_cost(const struct plan *p, int t);
int plan_has_own_memory(const struct plan *p); /* of its device */
/* Pictures as further channels, or a control video. */
int plan_reads_whole_film(const struct plan *p);
/* No step is taken after the first picture was decoded: then no block of the transformer lies in
 * memory that comes and goes (weights_rest). */
int plan_shows_at_rest(const struct plan *p);

#endif
