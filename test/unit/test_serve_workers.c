/* /v1/workers, as a worker on another machine speaks it, and as nobody should. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "http_server.h"
#include "net/net.h"
#include "serve/jobs.h"
#include "serve/remote_call.h"
#include "serving.h"
#include "ztest.h"

#define FILM                                                                                       \
    "{\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1,\"frames\":5,\"seed\":3}"

#define MODEL "\"model\":\"fixture\",\"release\":\"test\""

static const char KEYS[] = "{\"keys\":[{\"tenant\":\"ann\",\"key\":\"client-0123456789\"}],"
                           "\"workers\":[{\"name\":\"a\",\"key\":\"worker-0123456789\"}]}";
#define CLIENT "Authorization: Bearer client-0123456789\r\n"
#define WORKER "Authorization: Bearer worker-0123456789\r\n"

static void begin(struct serving *s, const char *name, double lease_s)
{
    serving_options(s, name);
    s->o.workers = 0;
    s->o.lease_s = lease_s;
    serving_start(s);
}

static void claim(const struct serving *s, const char *headers, struct answer *a)
{
    serving_call(s, "POST", "/v1/workers/claim", headers, "{\"owner\":\"a-1\"," MODEL "}", a);
}

/* The job that waits, taken by a-1. */
static int64_t taken(const struct serving *s, int64_t *fence)
{
    struct answer a;

    claim(s, NULL, &a);
    if (a.status != 200)
        ztest_fail(__FILE__, __LINE__, "status %d: %s", a.status, buf_str(&a.body));
    char *id = answer_text(&a, "id"), *f = answer_text(&a, "fence");
    int64_t n = atoll(id);
    *fence = atoll(f);
    answer_release(&a);
    free(id), free(f);
    return n;
}

static int call(const struct serving *s, const char *verb, int64_t id, const char *what,
                const char *holder, const char *json)
{
    char path[200];
    struct answer a;

    snprintf(path, sizeof path, "/v1/workers/jobs/%lld/%s?%s", (long long)id, what, holder);
    serving_call(s, verb, path, NULL, json, &a);
    int status = a.status;
    answer_release(&a);
    return status;
}

static char *holder_of(const char *owner, int64_t fence)
{
    return xasprintf("owner=%s&fence=%lld", owner, (long long)fence);
}

static int put(const struct serving *s, int64_t id, const char *what, const char *holder,
               const char *sha, const void *bytes, size_t n)
{
    struct buf b = BUF_INIT;
    struct answer a;
    struct sha256 h;
    char own[65];

    sha256_init(&h);
    sha256_add(&h, bytes, n);
    sha256_hex(&h, own);
    buf_printf(&b,
               "PUT /v1/workers/jobs/%lld/%s?%s&sha256=%s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
               "Connection: close\r\nContent-Type: application/octet-stream\r\n"
               "Content-Length: %zu\r\n\r\n",
               (long long)id, what, holder, sha ? sha : own, s->port, n);
    buf_add(&b, bytes, n);
    serving_raw(s, b.data, b.len, &a);
    int status = a.status;
    answer_release(&a);
    buf_release(&b);
    return status;
}

static int parts_left(const struct serving *s)
{
    char *dir = path_join(s->data, "work");
    char *command = xasprintf("ls %s | grep -c part", dir);
    FILE *f = popen(command, "r");
    int n = -1;

    CHECK(f && fscanf(f, "%d", &n) == 1);
    pclose(f);
    free(dir), free(command);
    return n;
}

TEST(serve_worker_keys_are_their_own)
{
    char *path = ztest_in_tmp("worker-keys.json");
    struct serving s;
    struct answer a;

    CHECK(!file_write(path, KEYS, strlen(KEYS), NULL));
    serving_options(&s, "worker-keys");
    s.o.workers = 0;
    s.o.keys = path;
    serving_start(&s);
    claim(&s, NULL, &a);
    CHECK_INT(a.status, 401);
    answer_release(&a);
    claim(&s, CLIENT, &a);
    CHECK_INT(a.status, 401);
    answer_release(&a);
    claim(&s, WORKER, &a);
    CHECK_INT(a.status, 204);
    answer_release(&a);
    serving_call(&s, "GET", "/v1/videos", WORKER, NULL, &a);
    CHECK_INT(a.status, 401);
    answer_release(&a);
    serving_stop(&s, 0);
    free(path);
}

TEST(serve_worker_claims_are_checked)
{
    static const struct {
        const char *json, *says;
        int status;
    } bad[] = {{"{" MODEL "}", "owner", 400},
               {"{\"owner\":\"a/b\"," MODEL "}", "owner", 400},
               {"{\"owner\":\"local-1\"," MODEL "}", "owner", 400},
               {"{\"owner\":\"a\"," MODEL ",\"wait\":3600}", "wait", 400},
               {"{\"owner\":\"a\",\"model\":\"another\"}", "fixture", 409},
               {"{\"owner\":\"a\"," MODEL ",\"hash\":\"0\"}", "fixture", 409}};
    struct serving s;
    struct answer a;

    begin(&s, "worker-claims", 30);
    free(serving_film(&s, FILM));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        serving_call(&s, "POST", "/v1/workers/claim", NULL, bad[i].json, &a);
        if (a.status != bad[i].status || !strstr(buf_str(&a.body), bad[i].says))
            ztest_fail(__FILE__, __LINE__, "%s: %d %s", bad[i].json, a.status, buf_str(&a.body));
        answer_release(&a);
    }
    int64_t fence, id = taken(&s, &fence); /* it waited for one that can draw it */
    CHECK(id && fence == 1);
    serving_stop(&s, 0);
}

TEST(serve_worker_waits_for_a_job)
{
    struct serving s;
    struct answer a;
    struct buf b = BUF_INIT;
    const char *json = "{\"owner\":\"a-1\",\"wait\":10," MODEL "}";

    begin(&s, "worker-waits", 30);
    buf_printf(&b,
               "POST /v1/workers/claim HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n"
               "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
               s.port, strlen(json), json);
    int gone = serving_connect(&s), fd = serving_connect(&s);
    serving_send(gone, b.data, b.len);
    const struct timespec moment = {0, 200000000};
    nanosleep(&moment, NULL);
    close(gone); /* who has hung up gets nothing */
    serving_send(fd, b.data, b.len);
    nanosleep(&moment, NULL);
    double begun = clock_s();
    free(serving_film(&s, FILM));
    serving_receive(fd, 8, &a);
    CHECK_INT(a.status, 200);
    CHECK(clock_s() - begun < 8); /* of the 10 that it would wait */
    close(fd);
    answer_release(&a);
    fd = serving_connect(&s);
    serving_send(fd, b.data, b.len);
    nanosleep(&moment, NULL);
    begun = clock_s();
    serving_stop(&s, 0); /* nor does it hold up the end of the server */
    CHECK(clock_s() - begun < 8);
    close(fd);
    buf_release(&b);
}

TEST(serve_worker_that_is_late_is_refused)
{
    static const struct {
        const char *verb, *what, *json;
    } calls[] = {{"POST", "beat", "{}"},
                 {"POST", "fail", "{\"code\":\"E_IO\",\"message\":\"m\"}"},
                 {"POST", "release", NULL},
                 {"GET", "step", NULL}};
    struct serving s;
    int64_t fence;

    begin(&s, "worker-late", 30);
    free(serving_film(&s, FILM));
    int64_t id = taken(&s, &fence);
    char *mine = holder_of("a-1", fence), *late = holder_of("a-1", fence - 1),
         *other = holder_of("b-1", fence);
    CHECK_INT(call(&s, "POST", id, "beat", mine, "{\"step\":1,\"steps\":4,\"part\":0.2}"), 200);
    CHECK_INT(call(&s, "POST", id, "beat", mine, "{\"part\":7}"), 400);
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        CHECK_INT(call(&s, calls[i].verb, id, calls[i].what, late, calls[i].json), 409);
        CHECK_INT(call(&s, calls[i].verb, id, calls[i].what, other, calls[i].json), 409);
        CHECK_INT(call(&s, calls[i].verb, id, calls[i].what, "owner=a-1", calls[i].json), 400);
        CHECK_INT(call(&s, calls[i].verb, id + 1, calls[i].what, mine, calls[i].json), 404);
    }
    CHECK_INT(put(&s, id, "step", late, NULL, "step", 4), 409);
    CHECK_INT(put(&s, id, "film", other, NULL, "....ftyp", 8), 409);
    CHECK_INT(put(&s, id + 1, "film", mine, NULL, "....ftyp", 8), 404);
    CHECK_INT(call(&s, "POST", id, "fail", mine, "{\"code\":\"rm\",\"message\":\"\"}"), 400);
    CHECK_INT(call(&s, "POST", id, "release", mine, NULL), 200);
    CHECK_INT(call(&s, "POST", id, "beat", mine, "{}"), 409);
    CHECK_INT(parts_left(&s), 0);
    serving_stop(&s, 0);
    free(mine), free(late), free(other);
}

TEST(serve_worker_bodies_are_checked)
{
    struct serving s;
    struct answer a;
    int64_t fence;
    char path[160];
    struct buf big = BUF_INIT;

    begin(&s, "worker-bodies", 30);
    char *film = serving_film(&s, FILM);
    int64_t id = taken(&s, &fence);
    char *mine = holder_of("a-1", fence);
    CHECK_INT(put(&s, id, "film", mine, "00", "....ftyp", 8), 400);
    CHECK_INT(put(&s, id, "film", mine, NULL, "<html>..", 8), 422);
    CHECK_INT(put(&s, id, "film", mine, NULL, "", 0), 400);
    CHECK_INT(put(&s, id, "preview", mine, NULL, "GIF89a..", 8), 422);
    CHECK_INT(put(&s, id, "shadow", mine, NULL, "x", 1), 404);
    CHECK_INT(put(&s, id, "..%2f..%2fstep", mine, NULL, "x", 1), 404);
    CHECK(!buf_reserve(&big, 5 << 20));
    memset(big.data, 'x', 5 << 20);
    CHECK_INT(put(&s, id, "preview", mine, NULL, big.data, 5 << 20), 413);
    snprintf(path, sizeof path, "/v1/workers/jobs/%lld/step?%s", (long long)id, mine);
    serving_call(&s, "PUT", path, NULL, "{}", &a); /* a form or JSON is no file */
    CHECK_INT(a.status, 415);
    answer_release(&a);
    CHECK_INT(parts_left(&s), 0);
    /* What it sends of a step comes back as it was, and goes with the end. */
    CHECK_INT(put(&s, id, "step", mine, NULL, "step 3", 6), 200);
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK(a.status == 200 && !strcmp(buf_str(&a.body), "step 3"));
    answer_release(&a);
    CHECK_INT(put(&s, id, "film", mine, NULL, "....ftyp....", 12), 200);
    CHECK_INT(put(&s, id, "film", mine, NULL, "....ftyp....", 12), 200); /* it did not hear it */
    CHECK_INT(put(&s, id, "film", mine, NULL, "....ftyp!!!!", 12), 409);
    serving_wait(&s, film, &a);
    CHECK(answer_is(&a, "status", "completed") && answer_is(&a, "bytes", "12"));
    answer_release(&a);
    snprintf(path, sizeof path, "work/%lld.job", (long long)id);
    char *dir = path_join(s.data, path);
    CHECK(!dir_exists(dir));
    CHECK_INT(parts_left(&s), 0);
    serving_stop(&s, 0);
    buf_release(&big);
    free(film), free(mine), free(dir);
}

/* What came up while the film was drawn stands in it, said once. */
TEST(serve_worker_notes_are_shown)
{
    struct serving s;
    struct answer a;
    int64_t fence;
    char path[160];

    begin(&s, "worker-note", 30);
    char *film = serving_film(&s, FILM);
    int64_t id = taken(&s, &fence);
    char *mine = holder_of("a-1", fence), *late = holder_of("a-1", fence - 1);
    CHECK_INT(call(&s, "POST", id, "beat", mine, "{\"step\":1,\"steps\":4,\"part\":0.2}"), 200);
    CHECK_INT(call(&s, "POST", id, "beat", late, "{\"note\":\"not mine\"}"), 409);
    for (int i = 0; i < 2; i++)
        CHECK_INT(call(&s, "POST", id, "beat", mine, "{\"note\":\"it \\\"shows\\\" dusk\"}"), 200);
    snprintf(path, sizeof path, "/v1/videos/%s", film);
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK(answer_is(&a, "note", "it \"shows\" dusk"));
    CHECK(answer_is(&a, "seed", "3") && answer_is(&a, "step", "1"));
    answer_release(&a);
    CHECK_INT(call(&s, "POST", id, "release", mine, NULL), 200);
    serving_stop(&s, 0);
    free(film), free(mine), free(late);
}

TEST(serve_worker_is_told_of_a_cancel)
{
    struct serving s;
    struct answer a;
    int64_t fence;
    char path[160];

    begin(&s, "worker-cancel", 30);
    char *film = serving_film(&s, FILM);
    int64_t id = taken(&s, &fence);
    char *mine = holder_of("a-1", fence);
    snprintf(path, sizeof path, "/v1/videos/%s/cancel", film);
    serving_call(&s, "POST", path, NULL, NULL, &a);
    CHECK_INT(a.status, 200);
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/workers/jobs/%lld/beat?%s", (long long)id, mine);
    serving_call(&s, "POST", path, NULL, "{}", &a);
    CHECK(a.status == 200 && answer_is(&a, "cancel", "1"));
    answer_release(&a);
    CHECK_INT(call(&s, "POST", id, "release", mine, NULL), 200);
    serving_wait(&s, film, &a);
    CHECK(answer_is(&a, "error.code", "cancelled"));
    answer_release(&a);
    serving_stop(&s, 0);
    free(film), free(mine);
}

/* ---- the worker's side ---- */

static int n_told;

static void tell_another(void *user, const struct http_asked *q, struct buf *reply)
{
    (void)q;
    n_told++;
    if (user)
        http_reply(reply, 307, user, NULL, 0);
    else
        http_reply(reply, 200, "", "{}", 2);
}

TEST(serve_worker_key_goes_to_its_server_alone)
{
    char field[600], server[200];
    struct buf body = BUF_INIT;
    struct err e;

    if (!net_present())
        ztest_skip("this build asks no other machines");
    struct http_server *other = http_server_new(tell_another, NULL);
    snprintf(field, sizeof field, "Location: %s\r\n", http_server_url(other, "/v1/workers/claim"));
    struct http_server *first = http_server_new(tell_another, field);
    snprintf(server, sizeof server, "%s", http_server_url(first, ""));
    struct remote_link l = {.server = server, .key = "worker-0123456789", .owner = "a-1"};
    n_told = 0;
    CHECK_INT(remote_claim(&l, "{}", NULL, &body, &e), 307);
    CHECK_INT(n_told, 1);
    l.server = "http://192.0.2.1"; /* nor unencrypted to another machine */
    CHECK_INT(remote_claim(&l, "{}", NULL, &body, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "https");
    http_server_free(&first);
    http_server_free(&other);
    buf_release(&body);
}
