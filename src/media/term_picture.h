/* term_picture.h - a picture as the codes that a terminal shows it with, redrawn in place.
 *
 * Three ways: sixels (DEC VT340: colours of a fixed cube, an ordered pattern instead of what lies
 * between them), kitty's graphics protocol (RGB as it is), and half-blocks of text (two dots of
 * colour in each place, true colour or the 256 colours of xterm). Pure functions, any thread. */
#ifndef MEDIA_TERM_PICTURE_H
#define MEDIA_TERM_PICTURE_H

#include "base/buf.h"
#include "media/picture.h"

enum term_way { TERM_NONE, TERM_BLOCKS, TERM_SIXEL, TERM_KITTY };

struct term {
    enum term_way way;
    int columns, rows;  /* of the terminal */
    int cell_w, cell_h; /* px of a place */
    int true_colour;    /* 0: 256 colours */
};

/* Lines of the terminal that a picture of w x h takes: as large as leaves room for text below. */
int term_picture_lines(const struct term *t, int w, int h);
/* Append the codes: again 0 begins at the cursor's line, which is cleared; 1 writes over the one
 * drawn before, in whose first free line the cursor stands. It ends there either way. */
void term_picture(const struct term *t, const struct picture *p, int again, struct buf *out);

#endif
