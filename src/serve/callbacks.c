#include "serve/callbacks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/clock.h"
#include "net/net.h"
#include "serve/keys.h"
#include "serve/kling.h"
#include "serve/sign.h"

enum { MOST_S = 15, MOST_ANSWER = 64 << 10, FIRST_DELAY_MS = 2000, GONE = 410 };

/* A place that does not answer holds up what is for it alone, as long as there are fewer such
 * places than threads. */
#define NONE_S 0.15 /* that nobody found a note holds for all of them so long */
enum { THREADS = JOBS_BUSY + 1, ORIGIN_BYTES = 256 };

struct callbacks {
    struct server *s;
    pthread_t thread[THREADS];
    int n_threads;
    pthread_mutex_t lock;             /* guards what follows */
    char busy[THREADS][ORIGIN_BYTES]; /* where a thread posts to: "https://HOST:PORT"; "": none */
    double none_s;                    /* when that was */
    atomic_int stop;
};

static void sign(struct server *s, const struct job *j, const char *id, const char *stamp,
                 const struct buf *body, struct buf *out)
{
    struct buf text = BUF_INIT, secret = BUF_INIT;
    uint8_t mac[32];

    if (keys_webhook_secret(s->keys, j->tenant, &secret)) {
        buf_printf(&text, "%s.%s.%s", id, stamp, buf_str(body));
        hmac_sha256(secret.data, secret.len, text.data, text.len, mac);
        buf_puts(out, "webhook-signature: v1,");
        base64_encode(out, mac, sizeof mac);
    }
    buf_release(&text);
    buf_release(&secret);
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

/* A note for none of the places that others post to, and its job; the place is `mine` then. 1, or
 * 0: there is none. */
static int take(struct callbacks *c, char mine[ORIGIN_BYTES], struct jobs_note *note, struct job *j)
{
    const char *busy[JOBS_BUSY] = {NULL};
    struct err e;
    int n = 0;

    pthread_mutex_lock(&c->lock);
    if (clock_s() - c->none_s < NONE_S) {
        pthread_mutex_unlock(&c->lock);
        return 0;
    }
    for (int i = 0; i < c->n_threads && n < JOBS_BUSY; i++)
        if (*c->busy[i])
            busy[n++] = c->busy[i];
    int found = jobs_note_next(c->s->jobs, busy, note, &e) > 0 &&
                jobs_get(c->s->jobs, NULL, note->job, j, &e) > 0 && j->callback;
    if (found) {
        const char *host = strstr(j->callback, "://");
        int length = (int)(host ? 3 + strcspn(host + 3, "/?#") + (size_t)(host - j->callback) : 0);
        snprintf(mine, ORIGIN_BYTES, "%.*s", length, j->callback);
    } else {
        c->none_s = clock_s();
    }
    pthread_mutex_unlock(&c->lock);
    return found;
}

static void tell(struct callbacks *c, const struct jobs_note *note, const struct job *j)
{
    struct jobs *jobs = c->s->jobs;
    struct err e;

    if (!post(c->s, j, note) && note->attempts + 1 < CALLBACK_TRIES && !atomic_load(&c->stop))
        jobs_note_later(jobs, note, (int64_t)FIRST_DELAY_MS << 2 * note->attempts, &e);
    else if (!atomic_load(&c->stop))
        jobs_note_done(jobs, note, &e);
}

static void *callbacks_main(void *arg)
{
    const struct timespec moment = {0, 200000000};
    struct callbacks *c = arg;

    pthread_mutex_lock(&c->lock);
    char *mine = c->busy[c->n_threads++];
    pthread_mutex_unlock(&c->lock);
    while (!atomic_load(&c->stop)) {
        struct jobs_note note;
        struct job j = {0};

        if (take(c, mine, &note, &j)) {
            tell(c, &note, &j);
            pthread_mutex_lock(&c->lock);
            *mine = '\0';
            c->none_s = 0; /* what waited for this place may go */
            pthread_mutex_unlock(&c->lock);
        } else {
            nanosleep(&moment, NULL);
        }
        job_release(&j);
    }
    return NULL;
}

int callbacks_start(struct callbacks **out, struct server *s, struct err *e)
{
    struct callbacks *c = xcalloc(1, sizeof *c);
    int n = 0;

    c->s = s;
    pthread_mutex_init(&c->lock, NULL);
    while (n < THREADS && !pthread_create(&c->thread[n], NULL, callbacks_main, c))
        n++;
    *out = c;
    if (n < THREADS) {
        atomic_store(&c->stop, 1);
        for (int i = 0; i < n; i++)
            pthread_join(c->thread[i], NULL);
        pthread_mutex_destroy(&c->lock);
        free(c);
        *out = NULL;
        return err_set(e, ERR_IO, "no thread for callbacks: %s", strerror(errno));
    }
    return 0;
}

void callbacks_stop(struct callbacks **c)
{
    if (!*c)
        return;
    atomic_store(&(*c)->stop, 1);
    for (int i = 0; i < THREADS; i++)
        pthread_join((*c)->thread[i], NULL);
    pthread_mutex_destroy(&(*c)->lock);
    free(*c);
    *c = NULL;
}
