/* contact.h - does a thing stand on the ground? Where something touches the ground its shadow
 * begins at its foot; where it floats, or was laid over another picture, it does not.
 *
 * Looked at is a rim around the lower part of a thing, and the same rim moved to both sides: how
 * much light is missing in its darkest part against there, so a pattern on the ground makes no
 * shadow. Things that are cut by the lower
 * edge of the picture, or leave no room beside them, are not judged.
 * Threads: pure functions of their arguments. */
#ifndef MEASURE_CONTACT_H
#define MEASURE_CONTACT_H

#include <stdint.h>

struct contact {
    double dark, n; /* sums over pictures; how many */
};

/* One picture [h][w][3], sRGB, and where the thing is (is[h][w] == id); added to *c. */
void contact_add(struct contact *c, const uint8_t *rgb, const uint8_t *is, int id, int w, int h);
/* Share of the light that is missing at the foot, 0..1 (brighter than around it: below 0). */
double contact_dark(const struct contact *c);

#endif
