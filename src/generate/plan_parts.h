/* plan_parts.h - shots, windows and keys of a film, of which a plan (plan.h) has lists. */
#ifndef GENERATE_PLAN_PARTS_H
#define GENERATE_PLAN_PARTS_H

#include <stdint.h>

#include "generate/camera.h"
#include "generate/prompt_tokens.h"

/* A take is shots that flow, from one cut to the next. */
struct plan_shot {
    char *typed, *prompt;               /* owned: as it stands in the list, and as read */
    struct words words[DENOISER_TEXTS]; /* owned: what each text encoder reads */
    struct camera camera;               /* as asked for; that of the film where nothing is */
    struct camera_words blend;          /* as in struct plan */
    uint64_t seed;
    int own_seed, cut;         /* cut: begins anew. The first one always does */
    int first, t;              /* latent frames of the film */
    int take, frame, n_frames; /* of its take: first latent frame; first drawn frame, and all */
    double seconds;            /* as asked for */
};

/* What is drawn at once: as many latent frames as every window of the film. */
struct plan_window {
    int shot, of_shot;   /* number of the shot, and of the window in it */
    int fresh;           /* 1: begins anew, with the codec too */
    int first;           /* latent frame of the film that it begins with */
    int given;           /* so many of its frames are the end of the window before */
    int shown;           /* and frames given..shown-1 are those of the film */
    int take;            /* latent frame of the film with which the codec began */
    int frame, n_frames; /* drawn frame of the film with which it began, and how many follow */
};

/* Latent frames that are known. */
struct plan_key {
    int latent;   /* of the film, the first one */
    int n;        /* frames: those under the film's first latent frames; of a later one 1, which
                   * stands still */
    uint8_t *rgb; /* owned [n][h][w][3] */
};

#endif
