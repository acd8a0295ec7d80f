/* scene.h - the live scene: a film without end that is watched while it is drawn.
 *
 * A server has one at a time, drawn by its worker instead of films: it begins only while no film
 * waits or is drawn, and ends when a film has waited for live_yield_s of the server's options, when
 * nobody watched for live_alone_s, when it is told to, and with the server. How the last one ended
 * is known until the next begins. Threads: any. */
#ifndef SERVE_SCENE_H
#define SERVE_SCENE_H

#include "serve/order.h"

#define SCENE_PREFIX "live_"
enum { SCENE_CHANGE = -1 }; /* instead of a job's id, of a change on the board */

struct scene;
struct scene *scene_new(struct server *s);
void scene_free(struct scene **sc); /* after worker and HTTP server */
void scene_stop(struct scene *sc);  /* no streams any more; its drawing has ended */

/* ---- for calls; -1: the call has failed ---- */

/* Of params and facts as order_plan made them. */
NODISCARD int scene_begin(struct call *c, const struct order *o, const struct buf *params,
                          const struct buf *facts);
/* Is it the scene of the address, of this tenant or by a signature? */
NODISCARD int scene_check(struct call *c);
/* What it was ordered with, with all wishes so far; strings in *params. */
NODISCARD int scene_order(struct call *c, struct jdoc **params, struct order *o);
/* Prompt and camera of an order that has been planned are seen from now on. */
NODISCARD int scene_change(struct call *c, const struct order *o, const struct buf *params,
                           const struct buf *facts);
void scene_end(struct scene *sc, int server_ends); /* soon; else somebody asked for it */
/* The object, appended; nothing where the tenant has none. base: address of the server for this
 * client. */
void scene_json(struct scene *sc, const char *tenant, const char *base, struct buf *out);
NODISCARD int scene_watch(struct call *c); /* the reply becomes its stream */

/* Seconds until a film that waits is drawn instead; < 0: no scene is on. */
double scene_left_s(struct scene *sc);

/* ---- for the worker ---- */

int scene_waits(struct scene *sc); /* 1: one is to be drawn */
/* Until its end. model NULL: why there is none. */
void scene_draw(struct scene *sc, zt_model *model, const struct err *why);

#endif
