/* ff_util.h - inside media: what the files on FFmpeg's side share. */
#ifndef MEDIA_FF_UTIL_H
#define MEDIA_FF_UTIL_H

#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>
#include <libavutil/frame.h>

#include "base/err.h"

/* FFmpeg's messages go to its own log; this offset makes a context's messages too quiet for it. */
enum { FF_QUIET = 100 };

/* "path: what: FFmpeg's words for the error"; returns code, ERR_FIT where FFmpeg had no memory. */
int ff_error(struct err *e, int code, const char *path, const char *what, int averror);
/* "file:path", so that a name with a colon is not taken for a protocol. The caller frees. */
char *ff_url(const char *path);
/* The recipe as the comment of a film, and the label of made content in it, if there is one, as a
 * tag of its own. Negative: FFmpeg's code. */
int ff_put_words(AVDictionary **metadata, const char *comment);
/* Any decoded frame -> rgb [h][w][3] of the frame's own size, on white where it is transparent, by
 * its colour tags; untagged films
 * below 720 lines are BT.601, as players have it. */
NODISCARD int ff_frame_to_rgb(uint8_t *rgb, const AVFrame *frame, const char *path, struct err *e);

#endif
