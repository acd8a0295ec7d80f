/* replay.h - a step that is computed many times with other values and the same shapes.
 *
 * On a device that can keep a list of calls (a CUDA graph), the second such step is recorded and
 * later ones are replayed: the same C code runs, so timesteps and latents arrive as ever, but its
 * kernels are queued as one call instead of hundreds. On other devices nothing happens. The code
 * between begin and end reads no result, and takes the same ways every time: what differs is values
 * alone.
 * Threads: those of the cx. */
#ifndef TENSOR_REPLAY_H
#define TENSOR_REPLAY_H

#include "tensor/tensor.h"

struct replay { /* zeros at first */
    int seen;   /* steps since it was made or forgotten */
    enum device_record mode;
    void *calls;                   /* the device's list */
    uint64_t places;               /* what the pool handed out while it was recorded */
    const struct kernels *kernels; /* of the cx, while others stand in */
};

/* At the beginning of a step of cx, before its first tensor. */
void replay_begin(struct cx *cx, struct replay *r);
/* Before results are read. 0: the step got other memory than the recorded one, or could not be
 * recorded, so nothing was computed; end the step of cx and do it again. */
NODISCARD int replay_end(struct cx *cx, struct replay *r);
void replay_release(struct cx *cx, struct replay *r);

#endif
