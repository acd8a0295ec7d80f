/* room.h - whether a run fits where it is to be made: found out before the first stage, not in its
 * last hour.
 *
 * Memory: the networks run dry (device_null) on a batch of the size that a phase has on average, so
 * what is refused would not have fitted; what is accepted may still be a little too large. Disk:
 * reel and latents are files of known length. */
#ifndef TRAIN_ROOM_H
#define TRAIN_ROOM_H

#include "train/config.h"
#include "train/loop.h"

struct room {
    uint64_t device; /* weights, gradients, state of the optimiser, tensors of a step; bytes */
    uint64_t host;   /* a batch, as it comes from the disk */
};
struct room room_vae(const struct train_config *c);
struct room room_dit(const struct train_config *c);
/* Bytes that reel.bin and latents.bin will have at the end of the run, less what they have. */
uint64_t room_disk_bytes(const struct train_config *c, const char *dir);

/* ERR_FIT: more memory than the device has; ERR_IO: more than is free on the disk of run->dir. */
NODISCARD int room_check(const struct train_config *c, const struct run *run, struct err *e);

#endif
