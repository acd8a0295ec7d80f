/* keys.h - who may use the service: static keys, and the tokens of Kling's clients (JWT, HS256).
 *
 *     {"keys": [{"tenant": "ann", "key": "sk-...", "access_key": "...", "secret_key": "...",
 *                "webhook_secret": "whsec_BASE64", "jobs": 5, "priority": 0}]}
 *
 * and of workers on other machines, which draw the films of all:
 *
 *     "workers": [{"name": "gpu-1", "key": "..."}]
 *
 * Without a file anyone is the tenant "local". Any thread. */
#ifndef SERVE_KEYS_H
#define SERVE_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct keys;

/* path NULL: everyone is "local". ERR_IO, ERR_FORMAT: what is wrong with the file. */
NODISCARD int keys_open(struct keys **out, const char *path, struct err *e);
/* What the file says now holds; the errors of keys_open: what held before does. */
NODISCARD int keys_reload(struct keys *k, struct err *e);
void keys_free(struct keys **k);
int keys_are_asked_for(const struct keys *k);

enum key_answer { KEY_OK, KEY_FAILED, KEY_EMPTY, KEY_INVALID, KEY_NOT_YET, KEY_EXPIRED };
/* authorization: the header's value or NULL. *tenant lives as long as k. */
enum key_answer keys_check(struct keys *k, const char *authorization, int64_t now_s,
                           const char **tenant);
/* Who draws for this server; a client's key is none. Without a file anyone may. */
enum key_answer keys_check_worker(struct keys *k, const char *authorization);
/* The same name with the life of k, also when a later file has it no more; NULL: nobody's now. */
const char *keys_tenant(struct keys *k, const char *name);
/* What callbacks of the tenant are signed with, appended to out; 0: they are not. */
int keys_webhook_secret(struct keys *k, const char *tenant, struct buf *out);
int keys_priority(struct keys *k, const char *tenant); /* of its jobs, 0 where unsaid */
int keys_jobs(struct keys *k, const char *tenant);     /* that may wait or run at once */

#endif
