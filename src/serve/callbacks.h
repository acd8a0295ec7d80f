/* callbacks.h - tells the addresses that clients gave what became of their tasks.
 *
 * Each change of a job with an address leaves a note in the store, in the same transaction; a
 * thread posts the newest state until the address answers 2xx, at most CALLBACK_TRIES times, ever
 * later; to each place (host and port) one after the other, to several places at once. Signed where
 * the tenant has a webhook_secret (Standard Webhooks: webhook-id, webhook-timestamp,
 * webhook-signature: v1,BASE64 of the HMAC-SHA-256 of "id.timestamp.body"). */
#ifndef SERVE_CALLBACKS_H
#define SERVE_CALLBACKS_H

#include "serve/server.h"

enum { CALLBACK_TRIES = 6 };

struct callbacks;
NODISCARD int callbacks_start(struct callbacks **out, struct server *s, struct err *e);
void callbacks_stop(struct callbacks **c); /* server.stop is set before */

#endif
