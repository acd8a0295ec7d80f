/* region.h - the part of a film that is drawn anew; what lies outside of it stays as it is, to the
 * pixel. A film that is widened (outpainting) has a border around it as its part.
 * Pure functions on the caller's storage, any thread. */
#ifndef GENERATE_REGION_H
#define GENERATE_REGION_H

#include <stdint.h>

#include "base/err.h"
#include "media/film.h"

enum { REGION_WHITE = 128 }; /* of a mask: what is as bright is drawn */

struct region {
    int n, w, h;    /* masks and their px; 0: there is no region. A single one is that of all frames
                     */
    uint8_t *drawn; /* owned [n][h][w]: 1 is drawn anew */
    int goes_on;    /* in the region the source goes on (mirrored, of a film that is widened) */
    int around;     /* then: a place counts with half of those around it */
};

/* What a latent place is in a film with a region: how much of it is drawn. A share between both is
 * held until the noise is no more than that (Differential Diffusion, arXiv 2306.00950), and then
 * drawn to its end. */
enum region_place {
    REGION_HELD,        /* it stays what the source is, with as much noise as what is drawn has */
    REGION_DRAWN = 240, /* nothing is known of it */
    REGION_CLEAN = 255  /* it is held without noise: its whole token has timestep 0 */
};

/* Where a film lies in what is drawn, in px of that. */
struct region_in {
    int left, top, w, h;
    int place; /* px of a latent place, each way */
};

/* White of a film. ERR_USAGE: nothing is. */
NODISCARD int region_read(struct region *g, const struct film *mask, struct err *e);
void region_release(struct region *g);
/* 1: nothing is kept. */
int region_is_all(const struct region *g);
/* The mask of frame i; the last one stays. */
const uint8_t *region_mask(const struct region *g, int i);
/* The mask of frame i as a picture of w x h. */
void region_scale(const struct region *g, int i, int w, int h, uint8_t *drawn);
/* place [lh][lw] in frame i, if that is more than it was: REGION_DRAWN where a mask reaches into it
 * (what is there has to go), where the source goes on the share of the region (below an eighth: 0).
 * Beside the film all is drawn. */
void region_places(const struct region *g, int i, const struct region_in *in, int lh, int lw,
                   uint8_t *place);
/* How much of what is drawn shows at each pixel [h][w] of frame i: 0 outside of the region, 1 in
 * it, and between them a soft border that lies inside. 256 is all. */
void region_share(const struct region *g, int i, int w, int h, uint16_t *share);
/* to [h][w][3] is `drawn` as far as it shows, else kept. */
void region_blend(uint8_t *to, const uint8_t *kept, const uint8_t *drawn, const uint16_t *share,
                  int w, int h);

/* --outpaint: px around the film, or the shape that it becomes ("16:9": wide : high). */
struct outpaint {
    int left, right, top, bottom;
    int wide, high; /* 0: px are said */
};
int outpaint_parse(const char *s, struct outpaint *o); /* 0, or -1 */
/* f lies in a larger film, which repeats it mirrored around it, and g is that border. Sides become
 * even. ERR_USAGE: there is nothing to widen, or it would be larger than films may be. */
NODISCARD int outpaint_apply(const struct outpaint *o, struct film *f, struct region *g,
                             struct err *e);

#endif
