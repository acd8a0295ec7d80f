/* live_player.h - shows the frames of a film without end at their time, and takes what is typed
 * meanwhile. Drawing is one thread, showing and reading another. */
#ifndef TOOL_LIVE_PLAYER_H
#define TOOL_LIVE_PLAYER_H

#include <stdint.h>

#include "base/err.h"
#include "zoetrope.h"

struct player;

/* job is planned: size and rate are known. pipe: y4m on stdout, else the terminal there. stop_s:
 * ends after so many seconds of film; 0: never. ERR_USAGE: stdout is no terminal. */
NODISCARD int player_new(struct player **out, zt_job *job, int pipe, double stop_s, struct err *e);
/* Call from zt_job_live: a zt_frame_fn and a zt_turn_fn. */
int player_frame(void *player, int index, int n_frames, const uint8_t *rgb, int w, int h);
int player_turn(void *player, int *keep, const char **prompt, const char **camera);
/* Ends showing; says how it went on stderr. Its error, if it failed. */
int player_end(struct player **p, struct err *e);

#endif
