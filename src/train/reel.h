/* reel.h - rendered clips for the autoencoder: sampled from the world by seed, kept in one file.
 *
 * DIR/reel.bin: a header, then one record of fixed size per clip: world, state and words
 * (record.h), pictures, id maps. It grows by whole records, so a run that was cut goes on behind
 * the last complete one. Clip i depends on (seed, i) alone; the held-out clips are numbered from
 * REEL_HELD_OUT. Thread-safety: reel_read from any number of threads. */
#ifndef TRAIN_REEL_H
#define TRAIN_REEL_H

#include "train/config.h"
#include "train/loop.h"
#include "train/record.h"

#define REEL_HELD_OUT (1ull << 40)

struct reel {
    int fd, n; /* clips */
    struct clip_shape shape;
    struct record_form record;
    char *path;
};

/* Clip i of a seed and its scene; *clip is to be given to clip_release. */
void reel_draw(struct clip *clip, struct world_scene *scene, uint64_t seed, uint64_t i,
               const struct clip_shape *shape);
/* Clips first..first+n-1, one per thread at a time. */
void reel_render(struct clip *clip, struct world_scene *scene, uint64_t seed, uint64_t first, int n,
                 const struct clip_shape *shape, struct threads *th);
/* Clips that may wait for whoever renders ahead on so many threads, each of so many bytes. */
int reel_room(int threads, size_t bytes);
/* Length of the whole file. */
uint64_t reel_bytes(const struct train_config *c);
/* How the records of a config say what a clip is. */
struct record_form reel_record_form(const struct train_config *c);

/* Make what is missing of DIR/reel.bin; nothing once the codec is finished, which alone reads it.
 * ERR_CANCEL, ERR_IO, ERR_FORMAT for a file of another config or of an earlier version of the
 * program. */
NODISCARD int reel_make(const struct train_config *c, const struct run *run, struct err *e);
NODISCARD int reel_open(struct reel *r, const struct train_config *c, const char *dir,
                        struct err *e);
void reel_close(struct reel *r);
/* n frames from `first` of clip i: rgb [n,H,W,3], ids [n,H,W]. */
NODISCARD int reel_read(const struct reel *r, int i, int first, int n, uint8_t *rgb, uint8_t *ids,
                        struct err *e);

#endif
