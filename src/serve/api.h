/* api.h - the tables of routes; route.c looks through them in this order. */
#ifndef SERVE_API_H
#define SERVE_API_H

#include "serve/call.h"

extern const struct route api_openai[]; /* each ends with a row without a path */
extern const struct route api_kling[];
extern const struct route api_kling2[];
extern const struct route api_live[];
extern const struct route api_page[];
extern const struct route api_workers[];

/* The reply is a file of one of the server's folders, or a part of it as Range asks. etag: its
 * SHA-256, or NULL. */
void reply_file(struct call *c, const char *dir, const char *name, const char *type,
                const char *etag);

#endif
