#include "serve/remote_call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "net/net.h"

enum { ASK_S = 30, MOST_JSON = 8 << 20 };
#define MOST_FILE (INT64_C(2) << 30)

static int ask(const struct remote_link *l, struct net_request *r, const char *url,
               struct buf *body, struct err *e)
{
    struct net_answer a;

    r->url = url;
    r->token = l->key;
    r->rules = l->plain ? NET_PLAIN : 0;
    int rc = net_request(&a, r, e), status = a.status;
    if (!rc && body) {
        buf_clear(body);
        buf_add(body, buf_str(&a.body), a.body.len);
    }
    net_answer_release(&a);
    return rc ? rc : status;
}

static char *url_of(const struct remote_link *l, const struct remote_hold *h, const char *what,
                    const char *more)
{
    return xasprintf("%s/v1/workers/jobs/%lld/%s?owner=%s&fence=%lld%s", l->server,
                     (long long)h->id, what, l->owner, (long long)h->fence, more);
}

static const char *const JSON[] = {"Content-Type: application/json", NULL};
static const char *const BYTES[] = {"Content-Type: application/octet-stream", NULL};

int remote_claim(const struct remote_link *l, const char *json, const volatile sig_atomic_t *stop,
                 struct buf *body, struct err *e)
{
    struct net_request r = {.field = JSON,
                            .body = json,
                            .body_n_bytes = strlen(json),
                            .most_bytes = MOST_JSON,
                            .most_s = 2 * ASK_S,
                            .stop = stop};
    char *url = xasprintf("%s/v1/workers/claim", l->server);
    int rc = ask(l, &r, url, body, e);

    free(url);
    return rc;
}

int remote_post(const struct remote_link *l, const struct remote_hold *h, const char *what,
                const char *json, struct buf *body, struct err *e)
{
    struct net_request r = {.field = JSON,
                            .body = json,
                            .body_n_bytes = strlen(json),
                            .most_bytes = MOST_JSON,
                            .most_s = ASK_S};
    char *url = url_of(l, h, what, "");
    int rc = ask(l, &r, url, body, e);

    free(url);
    return rc;
}

/* Of what is left of f; it stands where it stood. */
static int hash_rest(FILE *f, struct sha256 *h, size_t *n)
{
    char room[1 << 14];
    size_t k;

    *n = 0;
    sha256_init(h);
    while ((k = fread(room, 1, sizeof room, f)) > 0) {
        sha256_add(h, room, k);
        *n += k;
    }
    return ferror(f) || fseek(f, 0, SEEK_SET);
}

int remote_put(const struct remote_link *l, const struct remote_hold *h, const char *what,
               const char *path, const volatile sig_atomic_t *stop, struct err *e)
{
    struct net_request r = {
        .method = "PUT", .field = BYTES, .stop = stop, .body_file = fopen(path, "rbe")};
    struct sha256 sum;
    char sha[65];
    int rc;

    if (!r.body_file || hash_rest(r.body_file, &sum, &r.body_n_bytes)) {
        rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    } else {
        sha256_hex(&sum, sha);
        char *said = xasprintf("&sha256=%s", sha), *url = url_of(l, h, what, said);
        rc = ask(l, &r, url, NULL, e);
        free(said);
        free(url);
    }
    if (r.body_file)
        fclose(r.body_file);
    return rc;
}

struct taking {
    struct file_replace file;
    struct sha256 sum;
};

static int take(void *user, const void *data, size_t n, struct err *e)
{
    struct taking *t = user;

    sha256_add(&t->sum, data, n);
    return file_replace_add(&t->file, data, n, e);
}

int remote_get(const struct remote_link *l, const struct remote_hold *h, const char *what,
               const char *sha, const char *path, const volatile sig_atomic_t *stop, struct err *e)
{
    struct taking t;
    struct net_request r = {.most_bytes = MOST_FILE, .take = take, .user = &t, .stop = stop};
    char *url = url_of(l, h, what, ""), got[65];
    int rc = file_replace_begin(&t.file, path, e);

    if (!rc) {
        sha256_init(&t.sum);
        rc = ask(l, &r, url, NULL, e);
        sha256_hex(&t.sum, got);
        if (rc == 200 && strcmp(got, sha))
            rc = err_set(e, ERR_FORMAT, "%s: not what the server said it was", what);
        int end = file_replace_end(&t.file, rc == 200, e);
        rc = end ? end : rc;
    }
    free(url);
    return rc;
}
