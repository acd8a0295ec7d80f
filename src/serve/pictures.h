/* pictures.h - jobs that make pictures instead of a film.
 *
 * A job of n pictures draws n films of one frame, with its seed and those after it. Its result is
 * one file, so that it is whole or not there like a film: the PNG files one behind the other, the
 * first of which any viewer shows. */
#ifndef SERVE_PICTURES_H
#define SERVE_PICTURES_H

#include "serve/call.h"

enum { PICTURES_MOST = 9 };

/* How many pictures the job makes; 0: a film. */
int job_pictures(const struct job *j);
/* Where PNG number n = 0, 1, .. lies in the file. 0, or -1: there is none. */
NODISCARD int pictures_find(const struct buf *file, int n, size_t *from, size_t *bytes);
/* The reply is picture n of a job that is done. */
void reply_picture(struct call *c, const struct job *j, int n);

#endif
