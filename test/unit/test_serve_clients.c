/* What real clients of the APIs need, as they were seen to ask: OpenAI's Python library, ComfyUI's
 * nodes. Each test says it again in their bytes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "fixture.h"
#include "format/json.h"
#include "media/picture.h"
#include "serve/pictures.h"
#include "base/base64.h"
#include "serving.h"
#include "ztest.h"

#define BALL                                                                                       \
    "\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1,\"frames\":5,\"seed\":3"
#define LONG "{\"prompt\":\"a ball rolls\",\"size\":\"48x32\",\"steps\":1000,\"seconds\":50}"

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
        {"\"brush\":{}", "brush"},         {"\"mask\":\"AAAA\"", "mask"},
        {"\"guidance\":[]", "guidance"},   {"\"frames\":3,\"seconds\":1", "frames"}};
    struct serving s;
    struct answer a = {0};
    char body[200];

    serving_options(&s, "clients-param");
    serving_start(&s);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(body, sizeof body, "{\"prompt\":\"a ball\",%s}", wrong[i][0]);
        serving_post(&s, "/v1/videos", body, &a);
        if (!answer_is(&a, "error.param", wrong[i][1]))
            ztest_fail(__FILE__, __LINE__, "%s: %s", wrong[i][0], buf_str(&a.body));
        CHECK(answer_is(&a, "error.type", "invalid_request_error"));
    }
    serving_post(&s, "/v1/videos", "{}", &a);
    CHECK(answer_is(&a, "error.param", "prompt"));
    answer_release(&a);
    serving_stop(&s, 0);
}

TEST(serve_eta_counts_what_is_drawn_now)
{
    struct serving s;
    struct answer a = {0};
    double running, first, second;

    fixture_need_media();
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
    double until = clock_s() + 60;
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

    fixture_need_media();
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

    fixture_need_media();
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

/* ---- pictures ---- */

#define PICTURES "/v1/images/generations"

/* The task of the last answer, until it is over. */
static void poll_pictures(const struct serving *s, struct answer *a)
{
    char *id = answer_text(a, "data.task_id"), path[128];
    double until = clock_s() + 60;

    snprintf(path, sizeof path, PICTURES "/%s", id);
    do {
        CHECK(clock_s() < until);
        usleep(20000);
        answer_release(a);
        serving_call(s, "GET", path, NULL, NULL, a);
        CHECK_INT(a->status, 200);
    } while (!answer_is(a, "data.task_status", "succeed") &&
             !answer_is(a, "data.task_status", "failed"));
    CHECK(answer_is(a, "data.task_status", "succeed"));
    free(id);
}

static void fetch_picture(const struct serving *s, const struct answer *a, int i, struct picture *p)
{
    struct answer png = {0};
    struct err e;
    char path[64];

    snprintf(path, sizeof path, "data.task_result.images.%d.url", i);
    char *url = answer_text(a, path);
    serving_call(s, "GET", strstr(strstr(url, "://") + 3, "/"), NULL, NULL, &png);
    CHECK_INT(png.status, 200);
    CHECK_CONTAINS(buf_str(&png.head), "Content-Type: image/png\r\n");
    if (picture_decode(p, "picture", &png.body, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    answer_release(&png);
    free(url);
}

static int same_picture(const struct picture *a, const struct picture *b)
{
    return a->w == b->w && a->h == b->h && !memcmp(a->rgb, b->rgb, (size_t)a->w * a->h * 3);
}

/* What the other forms of the API say of a job of three pictures. */
static void seen_by_others(const struct serving *s, const char *id)
{
    struct answer a = {0};
    char path[64];

    snprintf(path, sizeof path, "video_%s", id);
    ask(s, "GET", path, NULL, &a);
    CHECK(answer_is(&a, "pictures", "3") && answer_is(&a, "status", "completed"));
    snprintf(path, sizeof path, "video_%s/content", id);
    ask(s, "GET", path, NULL, &a);
    CHECK_CONTAINS(buf_str(&a.head), "image/png");
    answer_release(&a);
    serving_call(s, "GET", "/v1/videos/text2video", NULL, NULL, &a);
    CHECK_CONTAINS(buf_str(&a.body), "\"data\": []");
    answer_release(&a);
    snprintf(path, sizeof path, "/tasks?task_ids=%s", id);
    serving_call(s, "GET", path, NULL, NULL, &a);
    CHECK(answer_is(&a, "data.0.outputs.2.type", "image"));
    answer_release(&a);
}

TEST(serve_kling_pictures_as_its_clients_ask)
{
    struct serving s;
    struct answer a = {0};
    struct picture p[3] = {{0}}, alone = {0};

    fixture_need_media();
    serving_options(&s, "clients-pictures");
    serving_start(&s);
    serving_post(&s, "/kling" PICTURES,
                 "{\"model_name\":\"kling-v2\",\"prompt\":\"a red ball\",\"n\":3,"
                 "\"aspect_ratio\":\"21:9\",\"steps\":1,\"seed\":5}",
                 &a);
    CHECK_INT(a.status, 200);
    poll_pictures(&s, &a);
    for (int i = 0; i < 3; i++)
        fetch_picture(&s, &a, i, &p[i]);
    CHECK_INT(p[0].w, 1568);
    CHECK_INT(p[0].h, 672);
    CHECK(!same_picture(&p[0], &p[1]) && !same_picture(&p[1], &p[2]));
    char *id = answer_text(&a, "data.task_id");
    seen_by_others(&s, id);

    serving_post(&s, PICTURES,
                 "{\"prompt\":\"a red ball\",\"size\":\"1568x672\",\"steps\":1,\"seed\":6}", &a);
    poll_pictures(&s, &a);
    fetch_picture(&s, &a, 0, &alone);
    CHECK(same_picture(&alone, &p[1])); /* each has a seed of its own */
    for (int i = 0; i < 3; i++)
        picture_release(&p[i]);
    picture_release(&alone);
    answer_release(&a);
    free(id);
    serving_stop(&s, 0);
}

/* A picture of 32x32 pixels as base64; the caller frees. */
static char *grey_picture(void)
{
    struct picture p;
    struct buf file = BUF_INIT, text = BUF_INIT;
    char *path = ztest_in_tmp("grey.png");

    picture_init(&p, 32, 32);
    memset(p.rgb, 128, (size_t)32 * 32 * 3);
    CHECK(!picture_save(&p, path, NULL) && !file_read(&file, path, 1 << 20, NULL));
    base64_encode(&text, file.data, file.len);
    picture_release(&p);
    buf_release(&file);
    free(path);
    return buf_take(&text);
}

/* image_fidelity 1 keeps all of the picture, 0 nothing. */
TEST(serve_kling_pictures_of_a_picture)
{
    struct serving s;
    struct answer a = {0};
    struct buf body = BUF_INIT;
    struct picture p = {0};
    double off[3] = {0};

    fixture_need_media();
    serving_options(&s, "clients-variants");
    serving_start(&s);
    char *grey = grey_picture();
    for (int i = 0; i < 3; i++) {
        buf_clear(&body);
        buf_printf(&body,
                   "{\"prompt\":\"a red ball\",\"size\":\"48x32\",\"steps\":10,\"seed\":5,"
                   "\"image\":\"%s\",\"image_fidelity\":%g}",
                   grey, 1 - 0.5 * i);
        serving_post(&s, PICTURES, buf_str(&body), &a);
        if (a.status != 200)
            ztest_fail(__FILE__, __LINE__, "%s", buf_str(&a.body));
        poll_pictures(&s, &a);
        fetch_picture(&s, &a, 0, &p);
        for (int k = 0; k < p.w * p.h * 3; k++)
            off[i] += fabs(p.rgb[k] - 128.0) / (p.w * p.h * 3);
        picture_release(&p);
    }
    if (!(off[0] < off[1] && off[1] < off[2]))
        ztest_fail(__FILE__, __LINE__, "off the picture by %g, %g, %g", off[0], off[1], off[2]);
    answer_release(&a);
    buf_release(&body);
    free(grey);
    serving_stop(&s, 0);
}

TEST(serve_pictures_that_are_not_here_are_named)
{
    struct serving s;
    struct answer a = {0};

    serving_options(&s, "clients-no-pictures");
    serving_start(&s);
    serving_post(&s, PICTURES, "{\"prompt\":\"a ball\",\"image_reference\":\"face\"}", &a);
    CHECK(a.status == 400 && answer_is(&a, "code", "1201"));
    CHECK_CONTAINS(buf_str(&a.body), "image_reference");
    serving_post(&s, PICTURES, "{\"prompt\":\"a ball\",\"n\":10}", &a);
    CHECK(a.status == 400 && answer_is(&a, "code", "1201"));
    answer_release(&a); /* OpenAI's client, whose path it is as well */
    serving_call(&s, "POST", PICTURES, "X-Stainless-Lang: python\r\n", "{\"prompt\":\"a\"}", &a);
    CHECK(a.status == 404 && answer_is(&a, "error.code", "not_found"));
    serving_post(&s, "/v1/videos/multi-image2video", "{}", &a);
    CHECK(a.status == 404 && answer_is(&a, "code", "1203"));
    CHECK_CONTAINS(buf_str(&a.body), "image_tail");
    answer_release(&a);
    serving_stop(&s, 0);
}

TEST(serve_pictures_are_found_in_their_file)
{
    static const char png[] = "\x89PNG\r\n\x1a\n\0\0\0\2IDATabCRC!\0\0\0\0IENDCRC!";
    enum { ONE = sizeof png - 1 };
    struct buf file = BUF_INIT;
    size_t from, bytes;

    buf_add(&file, png, ONE);
    buf_add(&file, png, ONE);
    CHECK(!pictures_find(&file, 1, &from, &bytes));
    CHECK_INT(from, ONE);
    CHECK_INT(bytes, ONE);
    CHECK_INT(pictures_find(&file, 2, &from, &bytes), -1);
    for (size_t cut = 0; cut < ONE; cut++) { /* the second is cut anywhere */
        file.len = ONE + cut;
        CHECK_INT(pictures_find(&file, 1, &from, &bytes), -1);
    }
    file.len = 2 * ONE;
    memset(file.data + 8, 0xff, 4); /* a chunk longer than all */
    CHECK_INT(pictures_find(&file, 0, &from, &bytes), -1);
    buf_release(&file);
}

/* `--comfy-api-base` of ComfyUI names a server that has Kling's API below /proxy/kling; its key
 * comes in a header of its own. */
TEST(serve_comfyui_by_its_path_and_header)
{
    static const char keys[] =
        "{\"keys\":[{\"tenant\":\"ann\",\"key\":\"comfy-0123456789abcdef\"}]}";
    char *path = ztest_in_tmp("comfy-keys.json");
    struct serving s;
    struct answer a = {0};

    CHECK(!file_write(path, keys, sizeof keys - 1, NULL));
    serving_options(&s, "clients-comfyui");
    s.o.keys = path;
    serving_start(&s);
    serving_call(&s, "POST", "/proxy/kling/v1/videos/text2video",
                 "X-API-KEY: comfy-0123456789abcdef\r\n", "{\"prompt\":\"a ball\"}", &a);
    CHECK_INT(a.status, 200);
    CHECK(answer_is(&a, "data.task_status", "submitted"));
    answer_release(&a);
    serving_call(&s, "GET", "/proxy/kling/v1/videos/text2video", "X-API-KEY: another\r\n", NULL,
                 &a);
    CHECK(a.status == 401 && answer_is(&a, "code", "1002"));
    answer_release(&a);
    serving_call(&s, "GET", "/proxy/kling/v1/nowhere", "X-API-KEY: comfy-0123456789abcdef\r\n",
                 NULL, &a);
    CHECK(a.status == 404 && answer_is(&a, "code", "1202"));
    answer_release(&a);
    free(path);
    serving_stop(&s, 0);
}
