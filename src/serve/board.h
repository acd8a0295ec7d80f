/* board.h - what is happening now, for those who watch: a job's progress, and which jobs changed.
 *
 * Each change of a job gets a number; a watcher remembers the last number it has seen and asks what
 * came since. Of a job only its newest change is kept, so a slow watcher costs nothing and misses
 * nothing but what is no longer true. Threads: any. */
#ifndef SERVE_BOARD_H
#define SERVE_BOARD_H

#include <stdint.h>

struct board;

/* Of a job that runs. */
struct live {
    int64_t id;
    char stage[48];  /* "sampling", "drawing", ...; "" before the first */
    int done, total; /* of the stage */
    int step, steps; /* of sampling, over all windows of the film */
    double part;     /* of the whole film, 0..1 */
    double left_s;   /* < 0: not known yet */
    int previews;    /* so many pictures have been shown; the newest is in preview/ */
};

/* Called after each change, without locks held. */
struct board *board_new(uint64_t now_ms, void (*changed)(void *arg), void *arg);
void board_free(struct board **b);

/* Something about the job is different now. tenant lives as long as the board. */
void board_change(struct board *b, int64_t id, const char *tenant);
/* The oldest change after `seen` (of job `only`, 0: of all of tenant's). 1: *id and *number, 0:
 * nothing new. */
int board_next(struct board *b, const char *tenant, int64_t only, uint64_t seen, int64_t *id,
               uint64_t *number);
uint64_t board_now(struct board *b); /* the number of the newest change */

void board_live(struct board *b, const struct live *l, const char *tenant); /* and a change */
void board_over(struct board *b, int64_t id);                               /* no longer live */
int board_get(struct board *b, int64_t id, struct live *out); /* 1, or 0: it does not run */
enum { BOARD_LIVES = 64 };
int board_lives(struct board *b, struct live out[BOARD_LIVES]); /* all that run; how many */

#endif
