/* latents_write.h - clips become records of DIR/latents.bin, in the order of their numbers.
 *
 * Clip i is clip LATENT_CLIPS + i of the seed. Clips go in groups of LATENT_GROUP, counted from
 * clip 0; only the last of a run is smaller, and a file is cut between groups. How many clips are
 * encoded at once is thus the same in every run, however often it was stopped: sums on a GPU may
 * depend on that number. Threads: a group is rendered on any thread; a writer belongs to the one
 * that owns the device. */
#ifndef TRAIN_LATENTS_WRITE_H
#define TRAIN_LATENTS_WRITE_H

#include "train/latents.h"

enum { LATENT_GROUP = 16 };

/* Training clips are other clips than those the codec learned from. */
#define LATENT_CLIPS (1ull << 32)

/* Clips first..first+n-1 as the camera and, with config.mirror, a mirror see them. */
struct latent_group {
    int first, n, views; /* views: of all clips */
    uint8_t *record;     /* [views, record_bytes] (record.h) */
    uint8_t *rgb;        /* [views, frames, H, W, 3] */
    uint8_t *share;      /* [views, t, h/patch, w/patch] (latents.h) */
    uint8_t *object;     /* the same */
};

/* The group that begins at clip `first` of a run of `clips`. Freed with latent_group_free. */
struct latent_group *latent_group_render(const struct train_config *c, const struct latents_head *h,
                                         const struct tiny_vae *vae, int first, int clips,
                                         struct threads *th);
void latent_group_free(struct latent_group **g);

struct latents_writer {
    const struct train_config *config; /* borrowed, like cx, vae, threads */
    struct latents_head head;
    struct cx *cx;
    const struct tiny_vae *vae;
    struct threads *threads;
    int clips; /* in the file */
    struct latents_layout at;
    int fd, at_once; /* at_once: views in one call of the encoder */
    char *path;
    float *video, *z; /* of at_once views */
    uint8_t *bytes;   /* their records */
};

/* Open DIR/latents.bin behind its last whole group, but not behind clip `clips`, with which the run
 * ends. A file of another codec or config is begun anew when run->resume, else refused. */
NODISCARD int latents_writer_open(struct latents_writer *w, const struct train_config *c,
                                  const struct run *run, struct cx *cx, const struct tiny_vae *vae,
                                  int clips, struct err *e);
/* Encode and append the group that begins at w->clips. */
NODISCARD int latents_writer_add(struct latents_writer *w, const struct latent_group *g,
                                 struct err *e);
/* Also after a failed open. r: what happened before, kept when it is an error. */
int latents_writer_close(struct latents_writer *w, int r, struct err *e);

#endif
