/* terminal.h - what the terminal at hand shows pictures with, and pictures on it. */
#ifndef TOOL_TERMINAL_H
#define TOOL_TERMINAL_H

#include <stdio.h>

#include "media/term_picture.h"

/* Way of the name sixel, kitty or blocks; TERM_NONE: no such name. */
enum term_way terminal_way(const char *name);
/* What the environment says of the terminal behind `out`, and what it answers itself when it is
 * asked (DA1, a fifth of a second at most). way: TERM_NONE, or what the user wants. t->way is
 * TERM_NONE where `out` is no terminal, or one without colours that nobody named a way for. */
void terminal_find(struct term *t, FILE *out, enum term_way way);

/* A place on the terminal in which pictures follow each other. */
struct terminal_place {
    struct term term;
    FILE *out;
    int again; /* one stands above the cursor's line, which nothing has moved since */
};
void terminal_show(struct terminal_place *p, const struct picture *picture);

#endif
