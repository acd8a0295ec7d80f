/* screen_past.h - where a screen stood behind a latent frame, to show what comes behind it anew. */
#ifndef GENERATE_SCREEN_PAST_H
#define GENERATE_SCREEN_PAST_H

#include "generate/pipeline.h"

struct screen_past {
    struct codec_past codec;
    uint8_t *left; /* owned, as the film: the drawn frame before; NULL: nothing is between frames */
    int latents, due, next, known;
};
/* Into what is zero or was kept of the same screen before. */
void screen_keep(const struct screen *s, struct screen_past *past);
void screen_back(struct screen *s, const struct screen_past *past);
void screen_past_release(struct screen_past *past);

#endif
