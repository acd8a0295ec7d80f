/* reel.h - rendered clips for the autoencoder: sampled from the world by seed, kept in one file.
 *
 * DIR/reel.bin: a header, then one record of fixed size per clip: facts, pictures, id maps. It
 * grows by whole records, so a run that was cut goes on behind the last complete one. Clip i
 * depends on (seed, i) alone; the held-out clips are numbered from REEL_HELD_OUT. Thread-safety:
 * reel_read from any number of threads. */
#ifndef TRAIN_REEL_H
#define TRAIN_REEL_H

#include "train/config.h"
#include "train/loop.h"
#include "world/clip.h"

#define REEL_HELD_OUT (1ull << 40)

struct reel {
    int fd, n; /* clips */
    struct clip_shape shape;
    char *path;
};

/* The scene of clip i. */
void reel_scene(struct scene *s, uint64_t seed, uint64_t i, const struct clip_shape *shape);
/* Render clips first..first+n-1, one per thread at a time. Each is given to clip_release. */
void reel_render(struct clip *clip, struct scene *scene, uint64_t seed, uint64_t first, int n,
                 const struct clip_shape *shape, struct threads *th);

/* Make what is missing of DIR/reel.bin. ERR_CANCEL, ERR_IO, ERR_FORMAT for a file of another
 * config. */
NODISCARD int reel_make(const struct train_config *c, const struct run *run, struct err *e);
NODISCARD int reel_open(struct reel *r, const struct train_config *c, const char *dir,
                        struct err *e);
void reel_close(struct reel *r);
/* n frames from `first` of clip i: rgb [n,H,W,3], ids [n,H,W]. */
NODISCARD int reel_read(const struct reel *r, int i, int first, int n, uint8_t *rgb, uint8_t *ids,
                        struct err *e);
NODISCARD int reel_facts(const struct reel *r, int i, struct facts *f, struct err *e);

#endif
