/* projector.h - pictures that are shown at their time while later ones are drawn: between a thread
 * that draws a film without end and one that shows it.
 *
 * Who draws calls projector_put for each frame and projector_turn before each window, which waits
 * while what is there lasts long enough. Wishes of any thread are taken at the next turn; the
 * window in progress is let go for one (`interrupt`), but not while it answers another wish, so
 * that many wishes in a row are no standstill. Frames that nobody has seen yet give way to those of
 * a wish; of those the first are passed over that come too late. */
#ifndef MEDIA_PROJECTOR_H
#define MEDIA_PROJECTOR_H

#include <stdint.h>

struct projector;
/* interrupt(user): what is being drawn is let go, and projector_turn called at once; any thread. */
struct projector *projector_new(int w, int h, double fps, void (*interrupt)(void *user),
                                void *user);
void projector_free(struct projector **r); /* when both threads are done with it */

/* ---- who draws ---- */

/* Frame number index: what was there from it on is taken back. Waits while it is full. 1: it is
 * closed. */
int projector_put(struct projector *r, int index, const uint8_t *rgb);
/* *keep: frames so far; becomes how many of them stay. *prompt, *camera: a wish, borrowed until the
 * next turn; else left alone. 1: it is closed. */
int projector_turn(struct projector *r, int *keep, const char **prompt, const char **camera);

/* ---- who shows ---- */

struct projector_frame {
    uint8_t *rgb; /* the caller's, to be freed */
    double when;  /* clock_s at which it is to be shown */
    int wish;     /* it shows what was wished so far, this one the latest; 0: none */
};
/* The next frame; 0: none came in so many seconds, or it is closed. */
int projector_next(struct projector *r, double most_s, struct projector_frame *out);

/* ---- any thread ---- */

/* NULL: as before. Returns the wish's number: 1, 2, ... */
int projector_wish(struct projector *r, const char *prompt, const char *camera);
void projector_close(struct projector *r); /* nothing more is shown or drawn */
int projector_is_closed(struct projector *r);
struct projector_figures {
    int shown, late;                        /* frames; those that came after their time */
    int answers;                            /* wishes that were seen */
    double first_s;                         /* clock_s of the first frame; 0: none was shown */
    double longest_gap_s;                   /* between two frames, as they were shown */
    double last_answer_s, slowest_answer_s; /* from the wish to the first frame that shows it; of
                                             * several that one frame answers, from the first */
};
struct projector_figures projector_figures(struct projector *r);

#endif
