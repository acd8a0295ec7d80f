/* generate_preview.h - `--preview`: what each step of drawing promises, in the terminal or as a
 * file that is written over. */
#ifndef TOOL_GENERATE_PREVIEW_H
#define TOOL_GENERATE_PREVIEW_H

#include "base/err.h"
#include "generate_say.h"
#include "terminal.h"
#include "zoetrope.h"

struct preview {
    const char *wanted; /* NULL: nobody looks; "": the terminal; sixel, kitty, blocks; a file */
    struct terminal_place place;
    struct say *say;
    struct err e; /* a file that cannot be written: someone waits for it, so the film stops */
};

/* Is this argument behind --preview its value? Else the terminal is meant. */
int preview_value(const char *argument);
NODISCARD int preview_check(const struct preview *p, struct err *e);
/* After the plan; says in a line why nothing will be seen. */
void preview_begin(struct preview *p, struct say *say, zt_job *job);

#endif
