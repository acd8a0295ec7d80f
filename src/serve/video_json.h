/* video_json.h - a job as /v1/videos shows it: OpenAI's fields, and ours beside them. */
#ifndef SERVE_VIDEO_JSON_H
#define SERVE_VIDEO_JSON_H

#include "base/buf.h"
#include "serve/server.h"

#define VIDEO_PREFIX "video_" /* before the number, in this form of the API */

/* Appends the object. base: address of the server for this client, without a slash at the end. */
void video_json(struct server *s, const struct job *j, const char *base, struct buf *out);
/* Of params and facts as order_plan makes them: what the film would be. */
void video_plan_json(const char *params, const char *facts, struct buf *out);
/* base/files/ID/N.png, of a job that makes pictures. */
void video_picture_url(struct server *s, const struct job *j, const char *base, int n,
                       struct buf *out);
/* base/files/ID.mp4 (of pictures the first) or base/previews/ID.png, signed for a day. */
void video_film_url(struct server *s, const struct job *j, const char *base, struct buf *out);
void video_preview_url(struct server *s, const struct job *j, const char *base, int number,
                       struct buf *out);
/* Seconds until the job is done; < 0: not known. *place: how many wait before it, -1: it does not
 * wait. */
double video_eta_s(struct server *s, const struct job *j, const struct live *live, int *place);
/* 0..100. */
int video_progress(const struct job *j, const struct live *live);

#endif
