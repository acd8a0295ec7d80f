/* keeper.h - what the server sees to by the clock, whatever it draws and whoever draws: the lease
 * of its own job, jobs whose worker is lost, films that have been kept long enough. */
#ifndef SERVE_KEEPER_H
#define SERVE_KEEPER_H

#include "serve/server.h"

struct keeper;
NODISCARD int keeper_start(struct keeper **out, struct server *s, struct err *e);
void keeper_stop(struct keeper **k); /* the worker is there until then */

#endif
