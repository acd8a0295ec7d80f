/* progress.h - one progress line with ETA on a terminal, a line every few seconds when piped. */
#ifndef BASE_PROGRESS_H
#define BASE_PROGRESS_H

#include <stdio.h>

struct progress {
    FILE *out;
    int tty;
    const char *label;
    double spent_s, since_s, shown_s;
    double left_s; /* as the caller knows it; < 0: by what was done so far */
    long done, total;
};

void progress_start(struct progress *p, FILE *out, const char *label, long total);
/* Work of another kind comes between, with a line of its own. */
void progress_hold(struct progress *p);
void progress_go_on(struct progress *p);
/* note may be NULL; it is shown behind the figures. */
void progress_step(struct progress *p, long done, const char *note);
void progress_end(struct progress *p, const char *note);

#endif
