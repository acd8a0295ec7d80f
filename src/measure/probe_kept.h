/* probe_kept.h - trained probes in the user's cache folder (base/cache.h). What cannot be kept is
 * trained again, so keeping never fails. */
#ifndef MEASURE_PROBE_KEPT_H
#define MEASURE_PROBE_KEPT_H

#include "measure/probe.h"

/* The beginning of the path of its files, by all that decides its weights: the recipe, and what its
 * first clips look like, in the worlds and through the codec. NULL: there is no cache folder. The
 * caller frees. ERR_CANCEL when *stop, ERR_DEVICE. */
NODISCARD int probe_key(char **key, const struct probe_recipe *r, struct round_trip *codec,
                        struct threads *threads, volatile sig_atomic_t *stop, struct err *e);
/* Weights, declared, from the files of the key. 0: there are none; all is as before. */
int probe_kept(struct probe *p, const char *key);
void probe_keep(const struct probe *p, const char *key);

#endif
