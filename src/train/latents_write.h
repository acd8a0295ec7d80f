/* latents_write.h - clips become records of DIR/latents.bin, in the order of their numbers.
 *
 * Clip i is clip LATENT_CLIPS + i of the seed. Clips go in groups of LATENT_GROUP, counted from
 * clip 0; only the last of a run is smaller, and a file is cut between groups. How many clips are
 * encoded at once is thus the same in every run, however often it was stopped: sums on a GPU may
 * depend on that number. Threads: a clip is rendered on any thread; a writer belongs to the one
 * that owns the device. */
#ifndef TRAIN_LATENTS_WRITE_H
#define TRAIN_LATENTS_WRITE_H

#include "train/latents.h"

enum { LATENT_GROUP = 16 };

/* Training clips are other clips than those the codec learned from. */
#define LATENT_CLIPS (1ull << 32)

/* A clip as the camera and, with config.mirror, a mirror see it. */
struct latent_clip {
    int views;       /* 1 or 2 */
    uint8_t *rgb;    /* [frames, H, W, 3], as the camera sees it */
    uint8_t *record; /* [views, record_bytes] (record.h) */
    uint8_t *share;  /* [views, t, h/patch, w/patch] (latents.h) */
    uint8_t *object; /* the same */
};

/* What rendering needs to know; borrowed. */
struct latent_source {
    const struct train_config *config;
    const struct latents_head *head;
    const struct tiny_vae *vae;
};
/* Clip i of a run. Freed with latent_clip_free. */
struct latent_clip *latent_clip_render(const struct latent_source *s, int64_t i);
void latent_clip_free(struct latent_clip **c);

struct ahead;
/* Clips first..end-1 in order, rendered by so many threads ahead of who takes them (base/ahead.h).
 */
NODISCARD int latent_clips_ahead(struct ahead **a, const struct latent_source *s, int first,
                                 int end, int threads, struct err *e);
/* Clips of the group that begins at clip `first` of a run of `clips`. */
int latent_group_size(int first, int clips);

struct latents_writer {
    const struct train_config *config; /* borrowed, like cx, vae, threads */
    struct latents_head head;
    struct cx *cx;
    const struct tiny_vae *vae;
    struct threads *threads;
    struct latent_source source; /* of what is to be appended */
    int clips;                   /* in the file */
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
/* Encode and append the group that begins at w->clips: its n clips, in order. */
NODISCARD int latents_writer_add(struct latents_writer *w, struct latent_clip *const *clip, int n,
                                 struct err *e);
/* Also after a failed open. rc: what happened before, kept when it is an error. */
int latents_writer_close(struct latents_writer *w, int rc, struct err *e);

#endif
