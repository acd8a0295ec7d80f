/* The live scene of the service: it is watched while it is drawn, obeys, and ends by itself. */
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "serving.h"
#include "ztest.h"

#define SCENE "{\"prompt\":\"a red ball and a dragon\",\"steps\":1}"

static void begin_server(struct serving *s, const char *name)
{
    if (!fixture_has_media())
        ztest_skip("this build writes no JPEG");
    serving_options(s, name);
    s->o.live_alone_s = 3; /* time to come and watch */
    s->o.live_yield_s = 0.3;
}

/* The scene's id; the caller frees. */
static char *begin_scene(const struct serving *s, const char *json, const char *headers)
{
    struct answer a = {0};

    serving_call(s, "POST", "/v1/live", headers, json, &a);
    if (a.status != 200)
        ztest_fail(__FILE__, __LINE__, "%d %s", a.status, buf_str(&a.body));
    char *id = answer_text(&a, "id");
    answer_release(&a);
    return id;
}

static int watch(const struct serving *s, const char *path, const char *headers)
{
    struct buf b = BUF_INIT;
    int fd = serving_connect(s);

    buf_printf(&b, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n", path, headers);
    serving_send(fd, b.data, b.len);
    buf_release(&b);
    return fd;
}

/* Asks until the scene has ended, and for this reason. */
static void until_ended(const struct serving *s, const char *id, const char *code)
{
    const struct timespec moment = {0, 50000000};
    char path[80];
    struct answer a = {0};

    snprintf(path, sizeof path, "/v1/live/%s", id);
    for (double end = clock_s() + 60; clock_s() < end; nanosleep(&moment, NULL)) {
        answer_release(&a);
        serving_call(s, "GET", path, NULL, NULL, &a);
        CHECK_INT(a.status, 200);
        if (answer_is(&a, "status", "ended"))
            break;
    }
    if (!answer_is(&a, "status", "ended") || !answer_is(&a, "ended.code", code))
        ztest_fail(__FILE__, __LINE__, "not %s: %s", code, buf_str(&a.body));
    answer_release(&a);
}

static void says(const struct serving *s, const char *method, const char *path, const char *headers,
                 const char *json, int status, const char *text)
{
    struct answer a = {0};

    serving_call(s, method, path, headers, json, &a);
    if (a.status != status || !strstr(buf_str(&a.body), text))
        ztest_fail(__FILE__, __LINE__, "%s %s %s: %d %s", method, path, json ? json : "", a.status,
                   buf_str(&a.body));
    answer_release(&a);
}

TEST(serve_live_is_watched_obeys_and_ends_unwatched)
{
    struct buf got = BUF_INIT, other = BUF_INIT;
    char path[80], frames[90];
    struct serving s;

    begin_server(&s, "live-watched");
    serving_start(&s);
    char *id = begin_scene(&s, SCENE, NULL);
    snprintf(path, sizeof path, "/v1/live/%s", id);
    snprintf(frames, sizeof frames, "%s/frames", path);
    int fd = watch(&s, frames, ""), second = watch(&s, frames, "");
    serving_hear(fd, &got, "Content-Type: image/jpeg\r\nContent-Length: ", 3);
    serving_hear(fd, &got, "\xff\xd8\xff", 3); /* JPEG pictures, each with its end */
    serving_hear(fd, &got, "\xff\xd9\r\n--frame\r\n", 3);
    CHECK_CONTAINS(buf_str(&got), "multipart/x-mixed-replace; boundary=frame");
    serving_hear(second, &other, "\xff\xd9\r\n--frame\r\n", 2);
    says(&s, "GET", path, NULL, NULL, 200, "\"watchers\": 2");
    says(&s, "GET", path, NULL, NULL, 200, "\"unknown_words\": \"dragon\"");
    says(&s, "POST", path, NULL, "{\"prompt\":\"a blue box\",\"camera\":\"pan left\"}", 200,
         "\"wish\": 1");
    serving_hear(fd, &got, "X-Wish: 1\r\n", 2);
    says(&s, "GET", path, NULL, NULL, 200, "\"camera\": \"pan left\"");
    says(&s, "GET", path, NULL, NULL, 200, "\"seen\": 1");
    says(&s, "POST", path, NULL, "{\"camera\":\"none\"}", 200, "\"prompt\": \"a blue box\"");
    serving_hear(fd, &got, "X-Wish: 2\r\n", 1);
    /* What cannot be is said, and the scene goes on. */
    says(&s, "POST", path, NULL, "{\"camera\":\"sideways\"}", 400, "camera");
    says(&s, "POST", path, NULL, "{\"seed\":1}", 400, "seed");
    says(&s, "POST", path, NULL, "{}", 400, "prompt or camera");
    says(&s, "POST", path, NULL, "{\"prompt\":\" \"}", 400, "prompt");
    buf_clear(&got);
    serving_hear(fd, &got, "X-Wish: 2\r\n", 1);
    close(second);
    close(fd);
    until_ended(&s, id, "unwatched");
    says(&s, "POST", path, NULL, "{\"prompt\":\"a cone\"}", 409, "has ended");
    buf_release(&got), buf_release(&other);
    free(id);
    serving_stop(&s, 0);
}

TEST(serve_live_and_films_take_turns)
{
    struct answer a = {0};
    struct buf got = BUF_INIT;
    char path[90];
    struct serving s;

    begin_server(&s, "live-turns");
    s.o.workers = 0;
    serving_start(&s);
    says(&s, "POST", "/v1/live", NULL, SCENE, 503, "nothing is drawn");
    serving_stop(&s, 0);
    begin_server(&s, "live-turns");
    serving_start(&s);
    char *id = begin_scene(&s, SCENE, NULL);
    says(&s, "POST", "/v1/live", NULL, SCENE, 409, "is on already");
    snprintf(path, sizeof path, "/v1/live/%s/frames", id);
    int fd = watch(&s, path, "");
    serving_hear(fd, &got, "X-Frame: ", 2);
    says(&s, "GET", "/health", NULL, NULL, 200, "\"live\": true");
    /* A film waits; the scene gives way, its stream ends, and the film is drawn. */
    char *film = serving_film(&s, "{\"prompt\":\"a ball\",\"steps\":2}");
    says(&s, "POST", "/v1/live", NULL, SCENE, 409, "films");
    until_ended(&s, id, "films_wait");
    serving_hear(fd, &got, "\r\n0\r\n\r\n", 1); /* the last chunk */
    close(fd);
    serving_wait(&s, film, &a);
    CHECK(answer_is(&a, "status", "completed"));
    answer_release(&a);
    says(&s, "GET", "/health", NULL, NULL, 200, "\"live\": false");
    free(id);
    id = begin_scene(&s, SCENE, NULL);
    snprintf(path, sizeof path, "/v1/live/%s", id);
    says(&s, "DELETE", path, NULL, NULL, 200, "\"object\": \"live\"");
    until_ended(&s, id, "stopped");
    free(id);
    /* What the library refuses ends the scene and is said. */
    id = begin_scene(&s, "{\"prompt\":\"a ball\",\"frames\":1}", NULL);
    until_ended(&s, id, "failed");
    snprintf(path, sizeof path, "/v1/live/%s", id);
    says(&s, "GET", path, NULL, NULL, 200, "frames: one window");
    free(id), free(film);
    /* A server that ends is not held up. */
    free(begin_scene(&s, SCENE, NULL));
    double began = clock_s();
    serving_stop(&s, 30);
    CHECK_BELOW(clock_s() - began, 10);
    buf_release(&got);
}

static void keep_keys(struct serving *s, char **file)
{
    static const char keys[] = "{\"keys\":[{\"tenant\":\"ann\",\"key\":\"sk-ann-0123456789\"},"
                               "{\"tenant\":\"bob\",\"key\":\"sk-bob-0123456789\"}]}";
    FILE *f = fopen(*file = ztest_in_tmp("live-keys.json"), "w");

    CHECK(f && fputs(keys, f) >= 0 && !fclose(f));
    s->o.keys = *file;
}

TEST(serve_live_belongs_to_its_tenant)
{
    static const char ann[] = "Authorization: Bearer sk-ann-0123456789\r\n",
                      bob[] = "Authorization: Bearer sk-bob-0123456789\r\n";
    struct answer a = {0};
    struct buf got = BUF_INIT;
    struct serving s;
    char path[240], frames[250], *file;

    begin_server(&s, "live-keys");
    keep_keys(&s, &file);
    s.o.live_alone_s = 10;
    serving_start(&s);
    says(&s, "POST", "/v1/live", NULL, SCENE, 401, "key");
    says(&s, "POST", "/v1/live",
         "Authorization: Bearer sk-ann-0123456789\r\nOrigin: http://e.x\r\n", SCENE, 403, "origin");
    char *id = begin_scene(&s, SCENE, ann);
    snprintf(path, sizeof path, "/v1/live/%s", id);
    snprintf(frames, sizeof frames, "%s/frames", path);
    says(&s, "GET", path, bob, NULL, 404, "no such live scene");
    says(&s, "POST", path, bob, "{\"prompt\":\"a cone\"}", 404, "no such live scene");
    says(&s, "DELETE", path, bob, NULL, 404, "no such live scene");
    says(&s, "GET", frames, bob, NULL, 404, "no such live scene");
    says(&s, "GET", frames, NULL, NULL, 404, "no such live scene");
    says(&s, "GET", "/v1/live", bob, NULL, 200, "\"data\": []");
    says(&s, "POST", "/v1/live", bob, SCENE, 409, "is on already");
    says(&s, "GET", "/v1/live/live_1", ann, NULL, 404, "no such live scene");
    says(&s, "GET", "/v1/live/ball", ann, NULL, 404, "no such");
    /* The signed address needs no key, and is of no other path. */
    serving_call(&s, "GET", path, ann, NULL, &a);
    char *url = answer_text(&a, "frames_url");
    int fd = watch(&s, strstr(url, "/v1/"), "");
    serving_hear(fd, &got, "X-Frame: ", 1);
    strcat(path, strchr(url, '?'));
    says(&s, "GET", path, NULL, NULL, 401, "key");
    close(fd);
    serving_hear(watch(&s, frames, ann), &got, "X-Frame: ", 2);
    answer_release(&a);
    buf_release(&got);
    free(url), free(id), free(file);
    serving_stop(&s, 0);
}

TEST(serve_live_drops_who_does_not_read)
{
    struct buf got = BUF_INIT;
    const int small = 1;
    struct serving s;
    char path[90];

    begin_server(&s, "live-deaf");
    s.o.live_ahead_bytes = 1; /* as little as the kernel can: full after some pictures */
    serving_start(&s);
    char *id = begin_scene(&s, SCENE, NULL);
    snprintf(path, sizeof path, "/v1/live/%s/frames", id);
    int fd = watch(&s, path, "");
    CHECK(!setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small)); /* soon full */
    serving_hear(fd, &got, "X-Frame: ", 1);
    until_ended(&s, id, "unwatched");
    close(fd);
    buf_release(&got);
    free(id);
    serving_stop(&s, 0);
}
