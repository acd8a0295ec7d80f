/* The service over its sockets: a film from the wish to its bytes, the queue, events, the page. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/clock.h"
#include "fixture.h"
#include "format/json.h"
#include "media/picture.h"
#include "serve/call.h"
#include "serving.h"
#include "ztest.h"

#define BALL                                                                                       \
    "\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":2,\"frames\":5,\"seed\":7"

static void get(const struct serving *s, const char *id, const char *more, struct answer *a)
{
    char path[200];

    snprintf(path, sizeof path, "/v1/videos/%s%s", id, more);
    serving_call(s, "GET", path, NULL, NULL, a);
}

TEST(serve_film_from_wish_to_bytes)
{
    struct serving s;
    struct answer a = {0};
    struct sha256 h;
    char sha[65];

    fixture_need_media();
    serving_options(&s, "serve-film");
    serving_start(&s);
    char *id = serving_film(&s, "{" BALL "}");
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "completed"));
    CHECK(answer_is(&a, "progress", "100"));
    CHECK(answer_is(&a, "seed", "7"));
    CHECK(answer_is(&a, "size", "48x32"));
    char *said = answer_text(&a, "sha256"), *url = answer_text(&a, "url");
    answer_release(&a);

    get(&s, id, "/content", &a);
    CHECK_INT(a.status, 200);
    CHECK_CONTAINS(buf_str(&a.head), "Content-Type: video/mp4\r\n");
    CHECK_CONTAINS(buf_str(&a.head), "Accept-Ranges: bytes\r\n");
    sha256_init(&h);
    sha256_add(&h, a.body.data, a.body.len);
    sha256_hex(&h, sha);
    CHECK_STR(sha, said);
    answer_release(&a);

    char *path = strstr(strstr(url, "://") + 3, "/");
    serving_call(&s, "GET", path, "Range: bytes=4-7\r\n", NULL, &a);
    CHECK_INT(a.status, 206);
    CHECK_INT(a.body.len, 4);
    CHECK(!memcmp(a.body.data, "ftyp", 4));
    answer_release(&a);
    path[strlen(path) - 1] ^= 1;
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK_INT(a.status, 403);
    answer_release(&a);
    get(&s, id, "/content?variant=thumbnail", &a);
    CHECK_INT(a.status, 200);
    CHECK(a.body.len > 8 && !memcmp(a.body.data, "\x89PNG", 4));
    answer_release(&a);
    free(id), free(said), free(url);
    serving_stop(&s, 0);
}

TEST(serve_lists_and_deletes)
{
    struct serving s;
    struct answer a = {0};
    char path[128];

    fixture_need_media();
    serving_options(&s, "serve-list");
    serving_start(&s);
    char *first = serving_film(&s, "{" BALL "}"), *second = serving_film(&s, "{" BALL "}");
    serving_call(&s, "GET", "/v1/videos?limit=1", NULL, NULL, &a);
    CHECK(answer_is(&a, "data.0.id", second) && answer_is(&a, "has_more", "1"));
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/videos?limit=5&after=%s", second);
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK(answer_is(&a, "data.0.id", first) && answer_is(&a, "has_more", "0"));
    answer_release(&a);
    serving_call(&s, "GET", "/v1/videos?order=asc", NULL, NULL, &a);
    CHECK(answer_is(&a, "first_id", first) && answer_is(&a, "last_id", second));
    answer_release(&a);
    serving_call(&s, "GET", "/v1/videos?limit=0", NULL, NULL, &a);
    CHECK_INT(a.status, 400);
    answer_release(&a);

    serving_wait(&s, second, &a);
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/videos/%s", first);
    serving_call(&s, "DELETE", path, NULL, NULL, &a);
    CHECK(answer_is(&a, "deleted", "1"));
    answer_release(&a);
    get(&s, first, "", &a);
    CHECK_INT(a.status, 404);
    answer_release(&a);
    get(&s, second, "/content", &a); /* the same film: it stays for the other */
    CHECK_INT(a.status, 200);
    answer_release(&a);
    free(first), free(second);
    serving_stop(&s, 0);
}

/* The film in front runs for long, so that the queue stands still. */
TEST(serve_queue_is_changed_and_cancelled)
{
    struct serving s;
    struct answer a = {0};
    char path[128];

    serving_options(&s, "serve-queue");
    serving_start(&s);
    char *front = serving_film(&s, "{\"prompt\":\"a ball rolls\",\"steps\":1000,\"seconds\":50}");
    char *b = serving_film(&s, "{" BALL "}"), *c = serving_film(&s, "{" BALL "}");
    do
        answer_release(&a), get(&s, front, "", &a);
    while (answer_is(&a, "status", "queued"));
    answer_release(&a);
    get(&s, c, "", &a);
    CHECK(answer_is(&a, "queue_position", "1"));
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/videos/%s", c);
    serving_call(&s, "PATCH", path, NULL, "{\"queue_position\":0,\"prompt\":\"a box falls\"}", &a);
    CHECK_INT(a.status, 200);
    CHECK(answer_is(&a, "queue_position", "0") && answer_is(&a, "prompt", "a box falls"));
    CHECK(answer_is(&a, "seed", "7"));
    answer_release(&a);
    get(&s, b, "", &a);
    CHECK(answer_is(&a, "queue_position", "1"));
    answer_release(&a);

    char *const all[] = {b, c, front};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "/v1/videos/%s/cancel", all[i]);
        serving_call(&s, "POST", path, NULL, NULL, &a);
        CHECK_INT(a.status, 200);
        answer_release(&a);
        serving_wait(&s, all[i], &a);
        CHECK(answer_is(&a, "status", "failed") && answer_is(&a, "error.code", "cancelled"));
        answer_release(&a);
        serving_call(&s, "POST", path, NULL, NULL, &a);
        CHECK_INT(a.status, 409);
        answer_release(&a);
        free(all[i]);
    }
    serving_stop(&s, 0);
}

/* "id" of a new film of this tenant. */
static char *film_of(const struct serving *s, const char *key, const char *json)
{
    struct answer a = {0};

    serving_call(s, "POST", "/v1/videos", key, json, &a);
    CHECK_INT(a.status, 200);
    char *id = answer_text(&a, "id");
    answer_release(&a);
    return id;
}

static void place_is(const struct serving *s, const char *key, const char *id, const char *place)
{
    struct answer a = {0};
    char path[128];

    snprintf(path, sizeof path, "/v1/videos/%s", id);
    serving_call(s, "GET", path, key, NULL, &a);
    CHECK(answer_is(&a, "queue_position", place));
    answer_release(&a);
}

/* Until the thread that draws has it. */
static void wait_until_drawn(const struct serving *s, const char *key, const char *id)
{
    struct answer a = {0};
    char path[128];

    snprintf(path, sizeof path, "/v1/videos/%s", id);
    do
        answer_release(&a), serving_call(s, "GET", path, key, NULL, &a);
    while (answer_is(&a, "status", "queued"));
    answer_release(&a);
}

TEST(serve_jobs_of_a_higher_priority_come_first)
{
    static const char keys[] =
        "{\"keys\":[{\"tenant\":\"ann\",\"key\":\"a-key-of-ann-123456\"},"
        "{\"tenant\":\"bob\",\"key\":\"a-key-of-bob-123456\",\"priority\":7}]}";
    static const char ann[] = "Authorization: Bearer a-key-of-ann-123456\r\n";
    static const char bob[] = "Authorization: Bearer a-key-of-bob-123456\r\n";
    char *path = ztest_in_tmp("priority-keys.json"), *front, *id[3];
    struct serving s;

    CHECK(!file_write(path, keys, sizeof keys - 1, NULL));
    serving_options(&s, "serve-priority");
    s.o.keys = path;
    serving_start(&s);
    front = film_of(&s, ann, "{\"prompt\":\"a ball rolls\",\"steps\":1000,\"seconds\":50}");
    wait_until_drawn(&s, ann, front);
    id[0] = film_of(&s, ann, "{" BALL "}");
    id[1] = film_of(&s, bob, "{" BALL "}");
    id[2] = film_of(&s, bob, "{" BALL "}");
    place_is(&s, bob, id[1], "0");
    place_is(&s, bob, id[2], "1");
    place_is(&s, ann, id[0], "2");
    free(front), free(path);
    for (int i = 0; i < 3; i++)
        free(id[i]);
    serving_stop(&s, 0);
}

TEST(serve_events_tell_every_step)
{
    struct serving s;
    struct answer a = {0};
    char path[128];
    struct buf ask = BUF_INIT, heard = BUF_INIT;

    fixture_need_media();
    serving_options(&s, "serve-events");
    serving_start(&s);
    char *id = serving_film(&s, "{" BALL "}");
    snprintf(path, sizeof path, "/v1/videos/%s/events", id);
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK_CONTAINS(buf_str(&a.head), "Content-Type: text/event-stream\r\n");
    CHECK_CONTAINS(buf_str(&a.body), "event: video\ndata: {\"id\": \"video_");
    CHECK_CONTAINS(buf_str(&a.body), "\"status\": \"completed\"");
    answer_release(&a);

    /* The stream of all hears of a film that comes after it. */
    int fd = serving_connect(&s);
    buf_printf(&ask, "GET /v1/events HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", s.port);
    serving_send(fd, ask.data, ask.len);
    serving_hear(fd, &heard, "retry: 1000", 1);
    free(id);
    id = serving_film(&s, "{" BALL "}");
    serving_wait(&s, id, &a);
    answer_release(&a);
    serving_hear(fd, &heard, id, 1);
    close(fd);
    buf_release(&ask), buf_release(&heard);
    free(id);
    serving_stop(&s, 0);
}

TEST(serve_film_is_seen_while_it_is_sampled)
{
    struct serving s;
    struct answer a = {0};
    struct picture p = {0};
    struct err e;
    char *stage = xstrdup(""), *url = xstrdup("");

    fixture_need_media();
    serving_options(&s, "serve-sampled");
    serving_start(&s);
    char *id = serving_film(
        &s, "{\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1000,\"seconds\":50}");
    for (double until = clock_s() + 60;
         clock_s() < until && !(*url && !strcmp(stage, "sampling"));) {
        free(stage), free(url), answer_release(&a);
        get(&s, id, "", &a);
        if (answer_is(&a, "status", "completed"))
            ztest_fail(__FILE__, __LINE__, "no picture before the film was done");
        stage = answer_text(&a, "stage");
        url = answer_text(&a, "preview_url");
    }
    CHECK(*url && !strcmp(stage, "sampling"));
    answer_release(&a);
    get(&s, id, "/content?variant=thumbnail", &a);
    CHECK_INT(a.status, 200);
    CHECK_INT(picture_decode(&p, "a preview", &a.body, &e), 0);
    CHECK(p.w == 48 && p.h == 32);
    picture_release(&p);
    answer_release(&a);
    free(stage), free(url), free(id);
    serving_stop(&s, 0);
}

TEST(serve_films_wait_for_the_next_server)
{
    struct serving s;
    struct answer a = {0};

    fixture_need_media();
    serving_options(&s, "serve-next");
    serving_start(&s);
    char *front = serving_film(&s, "{\"prompt\":\"a ball rolls\",\"steps\":1000,\"seconds\":20}");
    char *id = serving_film(&s, "{" BALL "}");
    char path[128];
    do
        answer_release(&a), get(&s, front, "", &a);
    while (answer_is(&a, "status", "queued"));
    answer_release(&a);
    serving_stop(&s, 0); /* in the middle of a film */
    serving_options(&s, "serve-next");
    serving_start(&s);
    get(&s, front, "", &a);
    CHECK(!answer_is(&a, "status", "failed"));
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/videos/%s/cancel", front);
    serving_call(&s, "POST", path, NULL, NULL, &a);
    answer_release(&a);
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "completed"));
    answer_release(&a);
    free(front), free(id);
    serving_stop(&s, 0);
}

TEST(serve_page_is_its_own_world)
{
    static const char *const files[][2] = {{"/", "text/html"},
                                           {"/app.js", "text/javascript"},
                                           {"/style.css", "text/css"},
                                           {"/icon.svg", "image/svg+xml"}};
    struct serving s;
    struct answer a = {0};

    serving_options(&s, "serve-page");
    serving_start(&s);
    for (int i = 0; i < 4; i++) {
        serving_call(&s, "GET", files[i][0], NULL, NULL, &a);
        CHECK_INT(a.status, 200);
        CHECK_CONTAINS(buf_str(&a.head), files[i][1]);
        CHECK_CONTAINS(buf_str(&a.head),
                       "Content-Security-Policy: default-src 'none'; script-src 'self'");
        CHECK(a.body.len > 10);
        answer_release(&a);
    }
    serving_call(&s, "GET", "/health", NULL, NULL, &a);
    CHECK(answer_is(&a, "status", "ok") && answer_is(&a, "queued", "0"));
    answer_release(&a);
    serving_call(&s, "GET", "/v1/models", NULL, NULL, &a);
    CHECK(answer_is(&a, "data.0.id", "fixture"));
    answer_release(&a);
    serving_stop(&s, 0);
}

TEST(serve_refuses_a_public_address_without_keys)
{
    static const char *const bad[] = {"0.0.0.0:0", "[::]:0", "example.com:80", "127.0.0.1:99999",
                                      "127.0.0.1:"};
    struct serving s;
    struct err e;

    serving_options(&s, "serve-public");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        s.o.listen = bad[i];
        CHECK_INT(serve_start(&s.server, &s.o, &e), ERR_USAGE);
        CHECK_CONTAINS(e.msg, i < 2 ? "--keys" : "listen");
        CHECK(!s.server);
    }
    s.o.listen = "127.0.0.1:0";
    serving_start(&s);
    struct server *second;
    CHECK_INT(serve_start(&second, &s.o, &e), ERR_IO); /* one folder, one server */
    CHECK_CONTAINS(e.msg, "another zoetrope serve");
    serving_stop(&s, 0);
}

/* ---- the OpenAPI document, held against the server ---- */

/* 1: the document's path is that of the route, whatever its marks are called. */
static int same_path(const char *doc, const char *route)
{
    while (*doc && *route) {
        if (*doc == '{' && *route == '{') {
            doc += strcspn(doc, "}");
            route += strcspn(route, "}");
        }
        if (*doc++ != *route++)
            return 0;
    }
    return !*doc && !*route;
}

static int described(struct jval paths, const struct route *r)
{
    static const char *const methods[][2] = {
        {"GET", "get"}, {"POST", "post"}, {"DELETE", "delete"}, {"PATCH", "patch"}};
    const char *path;
    struct jval v;
    void *it = NULL;

    while (j_next(paths, &it, &path, &v))
        for (int i = 0; i < 4; i++)
            if (same_path(path, r->path) && !strcmp(methods[i][0], r->method) &&
                j_has(v, methods[i][1]))
                return 1;
    return 0;
}

static void same_fields(struct jval said, struct jval schema, const char *what)
{
    struct jval fields = j_object(schema, "properties"), v;
    const char *name;
    void *it = NULL;

    while (j_next(said, &it, &name, &v))
        if (!j_get(fields, name).v)
            ztest_fail(__FILE__, __LINE__, "%s: %s is not in the document", what, name);
    it = NULL;
    while (j_next(fields, &it, &name, &v))
        if (!j_get(said, name).v)
            ztest_fail(__FILE__, __LINE__, "%s: %s is in the document alone", what, name);
}

TEST(serve_openapi_says_what_is_served)
{
    struct serving s;
    struct answer doc = {0}, a = {0};
    struct jdoc *d, *said;
    const struct route *r;
    int n = 0, n_doc = 0;
    const char *path;
    struct jval v;
    void *it = NULL;

    serving_options(&s, "serve-openapi");
    serving_start(&s);
    serving_call(&s, "GET", "/openapi.json", NULL, NULL, &doc);
    CHECK_CONTAINS(buf_str(&doc.head), "application/json");
    CHECK(!jdoc_parse(&d, buf_str(&doc.body), doc.body.len, "openapi", NULL));
    struct jval paths = j_object(jdoc_root(d), "paths");
    struct jval schemas = j_object(j_object(jdoc_root(d), "components"), "schemas");
    for (int i = 0; (r = route_at(i)); i++) {
        int here = described(paths, r);
        int page = strchr(r->path, '.') || !r->path[1] || (r->flags & ROUTE_WORKER);

        n += here;
        if (!here && !page) { /* not in the document: a product that is not here */
            char asked[200];
            snprintf(asked, sizeof asked, "%.*s", (int)strcspn(r->path, "{"), r->path);
            if (strchr(r->path, '{'))
                strcat(asked, "1");
            serving_call(&s, r->method, asked, NULL, *r->method == 'P' ? "{}" : NULL, &a);
            const char *says = r->style == STYLE_KLING ? "code" : "error.code";
            if (a.status != 404 || !answer_is(&a, says, *says == 'c' ? "1203" : "not_found"))
                ztest_fail(__FILE__, __LINE__, "%s %s is not in the document", r->method, r->path);
            answer_release(&a);
        }
    }
    while (j_next(paths, &it, &path, &v))
        n_doc += j_len(v);
    CHECK_INT(n, n_doc);
    free(serving_film(&s, "{\"prompt\":\"a ball\"}"));
    serving_call(&s, "GET", "/v1/videos", NULL, NULL, &a);
    CHECK(!jdoc_parse(&said, buf_str(&a.body), a.body.len, "videos", NULL));
    same_fields(jdoc_root(said), j_object(schemas, "VideoList"), "list");
    same_fields(j_at(j_array(jdoc_root(said), "data"), 0), j_object(schemas, "Video"), "video");
    jdoc_close(&said);
    answer_release(&a);
    serving_call(&s, "GET", "/health", NULL, NULL, &a);
    CHECK(!jdoc_parse(&said, buf_str(&a.body), a.body.len, "health", NULL));
    same_fields(jdoc_root(said), j_object(schemas, "Health"), "health");
    jdoc_close(&said);
    CHECK(!jdoc_status(d, NULL));
    jdoc_close(&d);
    answer_release(&a), answer_release(&doc);
    serving_stop(&s, 0);
}

TEST(serve_metrics_and_log_tell_what_happened)
{
    struct serving s;
    struct answer a = {0};
    char *log = ztest_in_tmp("serve.log"), *line;
    struct buf text = BUF_INIT;
    struct jdoc *d;
    double until;
    int n = 0;

    fixture_need_media();
    serving_options(&s, "serve-metrics");
    s.o.log = fopen(log, "w");
    serving_start(&s);
    char *id = serving_film(&s, "{" BALL "}");
    serving_wait(&s, id, &a);
    answer_release(&a);
    serving_call(&s, "GET", "/v1/videos/video_1", NULL, NULL, &a);
    answer_release(&a);
    until = clock_s() + 60;
    do { /* a film is counted after it is shown */
        usleep(20000);
        answer_release(&a);
        serving_call(&s, "GET", "/metrics", NULL, NULL, &a);
    } while (!strstr(buf_str(&a.body), "\nzoetrope_films_total{state=\"succeeded\"} 1\n") &&
             clock_s() < until);
    CHECK_CONTAINS(buf_str(&a.head), "text/plain; version=0.0.4");
    CHECK_CONTAINS(buf_str(&a.body), "\nzoetrope_jobs{state=\"succeeded\"} 1\n");
    CHECK_CONTAINS(buf_str(&a.body), "\nzoetrope_films_total{state=\"succeeded\"} 1\n");
    CHECK_CONTAINS(buf_str(&a.body), "\nzoetrope_http_answers_total{status=\"4xx\"} 1\n");
    answer_release(&a);
    serving_stop(&s, 0);
    fclose(s.o.log);
    CHECK(!file_read(&text, log, 1 << 20, NULL));
    CHECK_CONTAINS(buf_str(&text), "\"event\": \"started\"");
    CHECK_CONTAINS(buf_str(&text), "\"path\": \"/v1/videos/video_1\", \"status\": \"404\"");
    CHECK(!strstr(buf_str(&text), "red ball"));
    for (char *rest = text.data; (line = strsep(&rest, "\n")) && *line; n++) {
        CHECK(!jdoc_parse(&d, line, strlen(line), "log", NULL));
        jdoc_close(&d);
    }
    CHECK(n >= 4);
    buf_release(&text);
    free(id), free(log);
}

TEST(serve_model_goes_when_nobody_needs_it)
{
    struct serving s;
    struct answer a = {0};

    fixture_need_media();
    serving_options(&s, "serve-idle");
    s.o.idle_s = 0.5;
    serving_start(&s);
    char *id = serving_film(&s, "{" BALL "}");
    serving_wait(&s, id, &a);
    do {
        answer_release(&a);
        usleep(100000);
        serving_call(&s, "GET", "/health", NULL, NULL, &a);
    } while (answer_is(&a, "model_loaded", "1"));
    answer_release(&a);
    free(id);
    id = serving_film(&s, "{" BALL "}"); /* and comes again */
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "completed"));
    answer_release(&a);
    free(id);
    serving_stop(&s, 0);
}
