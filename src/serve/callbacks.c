#include "serve/callbacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "net/net.h"
#include "serve/keys.h"
#include "serve/kling.h"
#include "serve/sign.h"

enum { MOST_S = 15, MOST_ANSWER = 64 << 10, FIRST_DELAY_MS = 2000, GONE = 410 };

struct callbacks {
    struct server *s;
    pthread_t thread;
    atomic_int stop;
};

static void sign(struct server *s, const struct job *j, const char *id, const char *stamp,
                 const struct buf *body, struct buf *out)
{
    struct buf text = BUF_INIT;
    size_t n;
    const void *secret = keys_webhook_secret(s->keys, j->tenant, &n);
    uint8_t mac[32];

    if (secret) {
        buf_printf(&text, "%s.%s.%s", id, stamp, buf_str(body));
        hmac_sha256(secret, n, text.data, text.len, mac);
        buf_puts(out, "webhook-signature: v1,");
        base64_encode(out, mac, sizeof mac);
    }
    buf_release(&text);
}

/* 1: the address has taken it, or never will; 0: another time. */
static int post(struct server *s, const struct job *j, const struct jobs_note *note)
{
    struct buf body = BUF_INIT, signature = BUF_INIT;
    char id[64], id_line[96], stamp[24], stamp_line[64];
    const char *fields[] = {"Content-Type: application/json", id_line, stamp_line, NULL, NULL};
    struct jsonw w;
    struct net_answer a;
    struct err e = {0};

    jsonw_init(&w, &body, 0);
    kling_task(&w, NULL, s, j, s->url, strncmp(j->api, "kling2", 6) ? KLING_1 : KLING_2);
    snprintf(id, sizeof id, "msg_%lld_%s", (long long)j->id, note->state);
    snprintf(stamp, sizeof stamp, "%lld", (long long)(jobs_now_ms() / 1000));
    snprintf(id_line, sizeof id_line, "webhook-id: %s", id);
    snprintf(stamp_line, sizeof stamp_line, "webhook-timestamp: %s", stamp);
    sign(s, j, id, stamp, &body, &signature);
    fields[3] = signature.len ? buf_str(&signature) : NULL;
    const struct net_request r = {.url = j->callback,
                                  .field = fields,
                                  .body = body.data,
                                  .body_n_bytes = body.len,
                                  .most_bytes = MOST_ANSWER,
                                  .most_s = MOST_S,
                                  .rules = s->o.allow_private ? NET_PLAIN : NET_PUBLIC,
                                  .stop = &s->stop};
    int rc = net_request(&a, &r, &e);
    int over = rc ? rc == ERR_USAGE : (a.status / 100 == 2 || a.status == GONE);
    if (rc || !over)
        server_log(s, "callback-failed", "why", rc ? e.msg : "the address did not answer 2xx");
    net_answer_release(&a);
    buf_release(&body);
    buf_release(&signature);
    return over;
}

/* 1: there was a note whose time has come. */
static int tell_one(struct callbacks *c)
{
    struct server *s = c->s;
    struct jobs_note note;
    struct job j = {0};
    struct err e;

    if (jobs_note_next(s->jobs, &note, &e) <= 0)
        return 0;
    int found = jobs_get(s->jobs, NULL, note.job, &j, &e);
    if (found < 0)
        return 0;
    if (found > 0 && !post(s, &j, &note) && note.attempts + 1 < CALLBACK_TRIES &&
        !atomic_load(&c->stop))
        jobs_note_later(s->jobs, &note, (int64_t)FIRST_DELAY_MS << 2 * note.attempts, &e);
    else if (!atomic_load(&c->stop))
        jobs_note_done(s->jobs, &note, &e);
    job_release(&j);
    return !atomic_load(&c->stop);
}

static void *callbacks_main(void *arg)
{
    const struct timespec moment = {0, 200000000};
    struct callbacks *c = arg;

    while (!atomic_load(&c->stop))
        if (!tell_one(c))
            nanosleep(&moment, NULL);
    return NULL;
}

int callbacks_start(struct callbacks **out, struct server *s, struct err *e)
{
    struct callbacks *c = xcalloc(1, sizeof *c);

    c->s = s;
    if (pthread_create(&c->thread, NULL, callbacks_main, c)) {
        free(c);
        return err_set(e, ERR_IO, "no thread for callbacks: %s", strerror(errno));
    }
    *out = c;
    return 0;
}

void callbacks_stop(struct callbacks **c)
{
    if (!*c)
        return;
    atomic_store(&(*c)->stop, 1);
    pthread_join((*c)->thread, NULL);
    free(*c);
    *c = NULL;
}
