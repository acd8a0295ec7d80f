/* label.h - a short text in the lower right corner of every frame, such as the visible label of
 * made content that GB 45438-2025 asks for: words like "AI生成", at least 5 % of the short side
 * high.
 *
 * Characters are strokes of our own on a grid, drawn white with a dark rim, so that they are sharp
 * in every size and seen on every ground: A to Z (small letters look like capitals), 0 to 9,
 * space - . and the characters of 人工智能生成合. Thread-safety: a label is only read once made. */
#ifndef MEDIA_LABEL_H
#define MEDIA_LABEL_H

#include <stdint.h>

#include "base/err.h"

#define LABEL_RANGE                                                                                \
    "zh (AI生成), en (AI-GENERATED), or letters, digits, space, - . and 人工智能生成合"

struct label {
    int x, y, w, h;       /* px of the frame that it covers */
    uint8_t *ink, *shade; /* owned [h][w]: how much of white, and of black under it */
};
/* "zh" and "en" stand for texts, "" for none: *l is empty then, and drawing it does nothing.
 * ERR_USAGE: a character that nobody drew, or a text too long for frames of w x h. */
NODISCARD int label_init(struct label *l, const char *text, int w, int h, struct err *e);
/* Of the text alone: is every character known? */
NODISCARD int label_check(const char *text, struct err *e);
void label_release(struct label *l);
/* Over rgb [..][w][3]. */
void label_draw(const struct label *l, uint8_t *rgb, int w);

#endif
