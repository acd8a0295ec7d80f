/* What real clients of the APIs need, as they were seen to ask: OpenAI's Python library, ComfyUI's
 * nodes. Each test says it again in their bytes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "fixture.h"
#include "format/json.h"
#include "serving.h"
#include "ztest.h"

#define BALL                                                                                       \
    "\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1,\"frames\":5,\"seed\":3"
#define LONG "{\"prompt\":\"a ball rolls\",\"size\":\"48x32\",\"steps\":1000,\"seconds\":50}"

static void need_media(void)
{
    if (!fixture_has_media())
        ztest_skip("this build writes no mp4");
}

static void post(const struct serving *s, const char *path, const char *json, struct answer *a)
{
    answer_release(a);
    serving_call(s, "POST", path, NULL, json, a);
}

static void ask(const struct serving *s, const char *method, const char *id, const char *json,
                struct answer *a)
{
    char path[128];

    snprintf(path, sizeof path, "/v1/videos/%s", id);
    answer_release(a);
    serving_call(s, method, path, NULL, json, a);
}

/* Until the film is drawn. */
static void wait_until_it_runs(const struct serving *s, const char *id, struct answer *a)
{
    double until = clock_s() + 60;

    do {
        CHECK(clock_s() < until);
        usleep(20000);
        ask(s, "GET", id, NULL, a);
    } while (!answer_is(a, "stage", "sampling"));
}

static double number_at(const struct answer *a, const char *path)
{
    char *text = answer_text(a, path);
    double v = atof(text);

    free(text);
    return v;
}

TEST(serve_errors_name_their_field)
{
    static const char *const wrong[][2] = {
        {"\"seconds\":\"x\"", "seconds"},  {"\"size\":\"48\"", "size"},
        {"\"steps\":5000", "steps"},       {"\"aspect_ratio\":\"2:7\"", "aspect_ratio"},
        {"\"model\":\"sora-9\"", "model"}, {"\"input_reference\":\"!\"", "input_reference"},
        {"\"guidance\":[]", "guidance"},   {"\"frames\":3,\"seconds\":1", "frames"}};
    struct serving s;
    struct answer a = {0};
    char body[200];

    serving_options(&s, "clients-param");
    serving_start(&s);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(body, sizeof body, "{\"prompt\":\"a ball\",%s}", wrong[i][0]);
        post(&s, "/v1/videos", body, &a);
        if (!answer_is(&a, "error.param", wrong[i][1]))
            ztest_fail(__FILE__, __LINE__, "%s: %s", wrong[i][0], buf_str(&a.body));
        CHECK(answer_is(&a, "error.type", "invalid_request_error"));
    }
    post(&s, "/v1/videos", "{}", &a);
    CHECK(answer_is(&a, "error.param", "prompt"));
    answer_release(&a);
    serving_stop(&s, 0);
}

TEST(serve_eta_counts_what_is_drawn_now)
{
    struct serving s;
    struct answer a = {0};
    double running, first, second;

    need_media();
    serving_options(&s, "clients-eta");
    serving_start(&s);
    char *run = serving_film(&s, LONG);
    wait_until_it_runs(&s, run, &a);
    char *one = serving_film(&s, "{" BALL "}"), *two = serving_film(&s, "{" BALL "}");
    ask(&s, "GET", one, NULL, &a);
    first = number_at(&a, "eta");
    ask(&s, "GET", two, NULL, &a);
    second = number_at(&a, "eta");
    ask(&s, "GET", run, NULL, &a);
    running = number_at(&a, "eta");
    CHECK(running > 0);
    if (first < running / 2 || second < first)
        ztest_fail(__FILE__, __LINE__, "the film has %g s to go, those behind it %g and %g",
                   running, first, second);
    free(run), free(one), free(two);
    answer_release(&a);
    serving_stop(&s, 0);
}

static int says_place(const char *stream, const char *id, int place)
{
    char what[40];
    const char *at = stream;

    snprintf(what, sizeof what, "\"queue_position\": %d", place);
    while ((at = strstr(at, id))) {
        const char *end = strchr(at, '\n'), *found = strstr(at, what);
        if (found && (!end || found < end))
            return 1;
        at += strlen(id);
    }
    return 0;
}

/* A call about film `what`: the stream says that `other` has place n. */
static void hear_place(const struct serving *s, const struct buf *watch, const char *what,
                       const char *method, const char *json, const char *other, int n)
{
    int fd = serving_connect(s);
    struct answer a = {0};
    char room[1 << 16] = "";
    double until = clock_s() + 20;
    size_t len = 0;

    serving_send(fd, watch->data, watch->len);
    serving_receive(fd, 0.5, &a); /* what is known at the start */
    ask(s, method, what, json, &a);
    CHECK_INT(a.status, 200);
    while (!says_place(room, other, n)) {
        ssize_t got = read(fd, room + len, sizeof room - 1 - len);
        CHECK(got > 0 && clock_s() < until);
        len += (size_t)got;
        room[len] = '\0';
    }
    answer_release(&a);
    close(fd);
}

/* Of a film that is moved, cancelled or removed, all behind it have another place. */
TEST(serve_events_tell_all_who_moved)
{
    struct serving s;
    struct answer a = {0};
    struct buf watch = BUF_INIT;

    need_media();
    serving_options(&s, "clients-moved");
    serving_start(&s);
    char *run = serving_film(&s, LONG);
    wait_until_it_runs(&s, run, &a);
    char *one = serving_film(&s, "{" BALL "}"), *two = serving_film(&s, "{" BALL "}");
    buf_printf(&watch, "GET /v1/events HTTP/1.1\r\nHost: localhost:%d\r\n\r\n", s.port);
    hear_place(&s, &watch, two, "PATCH", "{\"queue_position\":0}", one, 1);
    hear_place(&s, &watch, two, "DELETE", NULL, one, 0);
    buf_release(&watch);
    free(run), free(one), free(two);
    answer_release(&a);
    serving_stop(&s, 0);
}

/* OpenAI's library can name a film to extend only in extra_body, beside a file without bytes. */
TEST(serve_extension_by_a_field_in_brackets)
{
    struct serving s;
    struct answer a = {0};
    struct buf b = BUF_INIT, form = BUF_INIT;

    need_media();
    serving_options(&s, "clients-extend");
    serving_start(&s);
    char *id = serving_film(&s, "{" BALL "}");
    serving_wait(&s, id, &a);
    answer_release(&a);
    buf_printf(&form,
               "--x\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\nit rolls on\r\n"
               "--x\r\nContent-Disposition: form-data; name=\"seconds\"\r\n\r\n1\r\n"
               "--x\r\nContent-Disposition: form-data; name=\"video[id]\"\r\n\r\n%s\r\n"
               "--x\r\nContent-Disposition: form-data; name=\"video\"; filename=\"upload\"\r\n"
               "Content-Type: application/octet-stream\r\n\r\n\r\n--x--\r\n",
               id);
    buf_printf(&b,
               "POST /v1/videos/extensions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
               "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: %zu\r\n\r\n%s",
               form.len, buf_str(&form));
    serving_raw(&s, b.data, b.len, &a);
    CHECK_INT(a.status, 200);
    CHECK(answer_is(&a, "remixed_from_video_id", id));
    answer_release(&a);
    buf_release(&b), buf_release(&form);
    free(id);
    serving_stop(&s, 0);
}
