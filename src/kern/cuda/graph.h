/* graph.h - calls that are recorded once and queued as one: a CUDA graph and the host memory that
 * its copies come from. */
#ifndef KERN_CUDA_GRAPH_H
#define KERN_CUDA_GRAPH_H

#include "kern/cuda/gpu.h"

/* The functions of struct device. */
enum device_record graph_record(struct device *d, void **list);
int graph_run(struct device *d, void *list);
void graph_forget(struct device *d, void **list);

/* While g->graph is there: what device.c does instead of queueing. */
void graph_put(struct gpu *g, void *to, const void *host, size_t bytes);
int graph_replays(const struct gpu *g); /* what is called is in the list already */
/* 1: something failed while calls are kept. They will be done again without a list, so a failure
 * that is not one of recording shows then. */
int graph_spoil(struct gpu *g);
/* Memory that is given back while calls are kept is in use by them still. Under g->lock. */
void graph_give(struct gpu *g, void *mem, size_t bytes);

#endif
