/* latents.h - training clips as latents of the frozen codec, kept in one file. It is whole before
 * the transformer trains, or grows beside it (growth.h).
 *
 * DIR/latents.bin: a header, then one record per clip and view: world, state and words (record.h),
 * latent bf16 [t,h,w,C], and per token (2x2 latent places of one latent frame) the share of its
 * pixels that show any object, 0..255, and which object shows most. With `mirror` each clip stands
 * twice, the second seen in a mirror: its pixels are flipped and encoded anew. DIR/latents.json:
 * mean and standard deviation of each channel. Thread-safety: latents_get from any number of
 * threads. */
#ifndef TRAIN_LATENTS_H
#define TRAIN_LATENTS_H

#include "base/dtype.h"
#include "model/bundle.h"
#include "train/config.h"
#include "train/loop.h"
#include "train/record.h"

/* First bytes of the file; all of it must agree for the records to be of this run. */
struct latents_head {
    char magic[8];
    uint64_t seed;
    int32_t t, h, w, c, patch, mirror;
    char vae[65]; /* hash of the codec's weights */
    char unused[7];
    struct record_form record;
    uint64_t worlds; /* worlds_hash */
};

struct latents {
    int n; /* records that may be read */
    struct latents_head head;
    const uint8_t *bytes; /* the file, mapped, with room for what will be appended */
    size_t mapped;
    float mean[BUNDLE_MAX_CHANNELS], std[BUNDLE_MAX_CHANNELS];
};

struct latent_view { /* borrowed from the mapped file */
    struct clip_record of;
    const bf16 *z;         /* [t,h,w,C] */
    const uint8_t *share;  /* [t,h/patch,w/patch] */
    const uint8_t *object; /* [t,h/patch,w/patch]: 1..n_objects, 0: none shows */
};

/* Where the parts of a record stand in it, and its length, a multiple of 64. */
struct latents_layout {
    size_t z, share, object, bytes;
};
struct latents_layout latents_layout(const struct latents_head *h);
/* 0: `have` is what `want` says. Else ERR_FORMAT, which names the file and tells a file of an
 * earlier version from one of another config. */
NODISCARD int latents_check(const struct latents_head *have, const struct latents_head *want,
                            const char *path, struct err *e);

/* Map DIR/latents.bin, whose first n records must be there, and read the statistics. want: what the
 * header must say. room >= n: who appends records up to there may raise l->n behind them. */
NODISCARD int latents_open(struct latents *l, const struct latents_head *want, int n, int room,
                           const char *dir, struct err *e);
void latents_close(struct latents *l);
struct latent_view latents_get(const struct latents *l, int i);

/* Header of a run's file: all but the hash of the codec, from the config; and all, with DIR/vae. */
NODISCARD int latents_head_sizes(struct latents_head *h, const struct train_config *c,
                                 struct err *e);
NODISCARD int latents_head_of(struct latents_head *h, const struct train_config *c, const char *dir,
                              struct err *e);
/* Mean and std of each channel in DIR/latents.json: of the clips that were there first. */
NODISCARD int latents_write_stats(const char *dir, const double *mean, const double *std, int c,
                                  struct err *e);
NODISCARD int latents_read_stats(float *mean, float *std, int c, const char *dir, struct err *e);

#endif
