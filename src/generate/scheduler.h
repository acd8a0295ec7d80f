/* scheduler.h - what a scheduler_config.json says, as settings of a sampler.
 *
 * Known are FlowMatchEulerDiscreteScheduler, FlowMatchHeunDiscreteScheduler, FlowMatchLCMScheduler,
 * UniPCMultistepScheduler and DPMSolverMultistepScheduler of diffusers 0.42 with flow sigmas, and
 * FlowUniPCMultistepScheduler and FlowDPMSolverMultistepScheduler of the Wan release (wan/utils).
 * An option that would change the films and is not computed here is refused by its name, never read
 * over. Pure. */
#ifndef GENERATE_SCHEDULER_H
#define GENERATE_SCHEDULER_H

#include "format/json.h"
#include "generate/sampler.h"

/* Fill c from root, whose "_class_name" must be one of these; steps, mu and rng are left alone.
 * beside: fields that the caller reads itself, NULL-terminated. Faults go to the document of root
 * (jdoc_status). */
void scheduler_read(struct sampler_config *c, struct jval root, const char *const *beside);

#endif
