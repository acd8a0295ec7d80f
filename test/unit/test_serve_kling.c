/* Kling's API, both generations, as its clients use it: fields, states, codes, tokens. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "fixture.h"
#include "media/picture.h"
#include "serve/sign.h"
#include "serving.h"
#include "ztest.h"

#define QUICK "\"size\":\"48x32\",\"steps\":1,\"seed\":3"
#define T2V "/v1/videos/text2video"

static void get(const struct serving *s, const char *path, struct answer *a)
{
    answer_release(a);
    serving_call(s, "GET", path, NULL, NULL, a);
}

/* As ComfyUI's node polls: until the state at `field` is one of the two ends. */
static void poll_task(const struct serving *s, const char *path, const char *field,
                      struct answer *a)
{
    const struct timespec moment = {0, 50000000};
    int over = 0;

    for (int i = 0; i < 1200 && !over; i++) {
        get(s, path, a);
        CHECK_INT(a->status, 200);
        CHECK(answer_is(a, "code", "0") && answer_is(a, "message", "SUCCEED"));
        over = !answer_is(a, field, "submitted") && !answer_is(a, field, "processing");
        nanosleep(&moment, NULL);
    }
    CHECK(over);
}

TEST(serve_kling_film_as_its_clients_ask)
{
    struct serving s;
    struct answer a = {0};
    char path[200];

    fixture_need_media();
    serving_options(&s, "kling-film");
    serving_start(&s);
    serving_post(&s, "/kling" T2V,
                 "{\"model_name\":\"kling-v1\",\"prompt\":\"a red ball rolls\",\"duration\":\"5\","
                 "\"aspect_ratio\":\"16:9\",\"mode\":\"std\",\"cfg_scale\":0.7,\"unheard_of\":1,"
                 "\"external_task_id\":\"mine-1\"," QUICK "}",
                 &a);
    CHECK_INT(a.status, 200);
    CHECK(answer_is(&a, "code", "0") && answer_is(&a, "data.task_status", "submitted"));
    CHECK(answer_is(&a, "data.task_info.external_task_id", "mine-1"));
    char *id = answer_text(&a, "data.task_id");
    CHECK_INT(strspn(id, "0123456789"), strlen(id));
    snprintf(path, sizeof path, T2V "/%s", id);
    poll_task(&s, path, "data.task_status", &a);
    CHECK(answer_is(&a, "data.task_status", "succeed") && answer_is(&a, "data.seed", "3"));
    CHECK(answer_is(&a, "data.task_result.videos.0.duration", "5"));
    char *url = answer_text(&a, "data.task_result.videos.0.url");
    get(&s, strstr(strstr(url, "://") + 3, "/"), &a);
    CHECK_INT(a.status, 200);
    CHECK_CONTAINS(buf_str(&a.head), "video/mp4");
    get(&s, T2V "/mine-1", &a);
    CHECK(answer_is(&a, "data.task_id", id));
    get(&s, T2V "?pageNum=1&pageSize=30", &a);
    CHECK(answer_is(&a, "data.0.task_id", id));
    get(&s, "/v1/videos/image2video", &a);
    CHECK_CONTAINS(buf_str(&a.body), "\"data\": []");

    snprintf(path, sizeof path, "{\"video_id\":\"%s\",\"prompt\":\"it rolls on\"," QUICK "}", id);
    serving_post(&s, "/v1/videos/video-extend", path, &a);
    CHECK(answer_is(&a, "data.task_info.parent_video.id", id));
    CHECK(answer_is(&a, "data.task_info.parent_video.duration", "5"));
    free(answer_text(&a, "data.task_info.parent_video.url"));
    answer_release(&a);
    free(id), free(url);
    serving_stop(&s, 0);
}

TEST(serve_kling_2_and_its_tasks)
{
    struct serving s;
    struct answer a = {0};
    char path[200];

    fixture_need_media();
    serving_options(&s, "kling-two");
    serving_start(&s);
    serving_post(
        &s, "/text-to-video/kling-3.0",
        "{\"prompt\":\"a red ball rolls\",\"settings\":{\"resolution\":\"720p\",\"duration\":5,"
        "\"audio\":\"off\"," QUICK "},\"options\":{\"external_task_id\":\"two\"}}",
        &a);
    CHECK_INT(a.status, 200);
    CHECK(answer_is(&a, "data.status", "submitted") && answer_is(&a, "data.external_id", "two"));
    char *id = answer_text(&a, "data.id");
    snprintf(path, sizeof path, "/tasks?task_ids=%s%%2C12345", id);
    poll_task(&s, path, "data.0.status", &a);
    CHECK(answer_is(&a, "data.0.status", "succeeded"));
    CHECK(answer_is(&a, "data.0.outputs.0.type", "video"));
    get(&s, "/tasks?external_task_ids=two", &a);
    CHECK(answer_is(&a, "data.0.id", id));
    get(&s, "/tasks?external_task_ids=two&task_ids=1", &a);
    CHECK_INT(a.status, 400);
    serving_post(&s, "/tasks",
                 "{\"limit\":1,\"filters\":[{\"key\":\"status\",\"values\":[\"succeeded\"]}]}", &a);
    CHECK(answer_is(&a, "data.count", "1") && answer_is(&a, "data.result.0.id", id));
    CHECK(answer_is(&a, "data.has_more", "0"));
    serving_post(&s, "/tasks", "{\"filters\":[{\"key\":\"status\",\"values\":[\"failed\"]}]}", &a);
    CHECK(answer_is(&a, "data.count", "0"));
    static const char *const products[][2] = {{"text-to-video", "1"}, {"omni-video", "0"}};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path,
                 "{\"filters\":[{\"key\":\"product_type\",\"values\":[\"%s\"]}]}", products[i][0]);
        serving_post(&s, "/tasks", path, &a);
        CHECK(answer_is(&a, "data.count", products[i][1]));
    }
    serving_post(&s, "/tasks", "{\"filters\":[{\"key\":\"colour\",\"values\":[\"red\"]}]}", &a);
    CHECK_INT(a.status, 400);
    serving_post(&s, "/tasks", "{\"end_time\":1000}", &a);
    CHECK(answer_is(&a, "data.count", "0"));
    answer_release(&a);
    free(id);
    serving_stop(&s, 0);
}

static char *picture_base64(void)
{
    char *path = ztest_in_tmp("kling-picture.png");
    struct buf png = BUF_INIT, text = BUF_INIT;
    struct picture p;

    picture_init(&p, 64, 48);
    CHECK(!picture_save(&p, path, NULL) && !file_read(&png, path, 1 << 20, NULL));
    base64_encode(&text, png.data, png.len);
    picture_release(&p);
    buf_release(&png);
    free(path);
    return buf_take(&text);
}

static const struct {
    const char *path, *json;
    int status, code;
    const char *says;
} WRONG[] = {
    {T2V, "{}", 400, 1201, "prompt"},
    {T2V, "{\"prompt\":\"\"}", 400, 1201, "prompt"},
    {T2V, "{\"prompt\":\"a\",\"model_name\":\"kling-v99\"}", 404, 1203, "model"},
    {T2V, "{\"prompt\":\"a\",\"mode\":\"max\"}", 400, 1201, "std, pro, 4k"},
    {T2V, "{\"prompt\":\"a\",\"aspect_ratio\":\"4:3\"}", 400, 1201, "16:9"},
    {T2V, "{\"prompt\":\"a\",\"duration\":\"99\"}", 400, 1201, "duration"},
    {T2V, "{\"prompt\":\"a\",\"cfg_scale\":2}", 400, 1201, "cfg_scale"},
    {T2V, "{\"prompt\":\"a\",\"sound\":\"on\"}", 400, 1201, "sound"},
    {T2V,
     "{\"prompt\":\"a\",\"camera_control\":{\"type\":\"simple\",\"config\":"
     "{\"pan\":3,\"zoom\":1}}}",
     400, 1201, "exactly one"},
    {T2V, "{\"prompt\":\"a\",\"camera_control\":{\"type\":\"simple\",\"config\":{\"pan\":30}}}",
     400, 1201, "pan"},
    {T2V, "{\"prompt\":\"a\",\"camera_control\":{\"type\":\"simple\",\"config\":{}}}", 400, 1201,
     "exactly one"},
    {T2V, "{\"prompt\":\"a\",\"camera_control\":{\"type\":\"simple\"}}", 400, 1201,
     "needs a config"},
    {T2V, "{\"prompt\":\"a\",\"camera_control\":{\"type\":\"spin\"}}", 400, 1201, "forward_up"},
    {T2V, "{\"prompt\":\"a\",\"camera_control\":{\"type\":\"down_back\",\"config\":{}}}", 400, 1201,
     "simple alone"},
    {T2V, "{\"prompt\":\"a\",\"callback_url\":\"file:///etc/passwd\"}", 400, 1201, "callback_url"},
    {T2V,
     "{\"multi_shot\":true,\"duration\":\"5\",\"multi_prompt\":[{\"index\":1,\"prompt\":"
     "\"a\",\"duration\":\"3\"}]}",
     400, 1201, "3 s together"},
    {T2V, "{\"prompt\":", 400, 1200, "JSON"},
    {"/v1/videos/image2video", "{\"prompt\":\"a\"}", 400, 1201, "image"},
    {"/v1/videos/image2video", "{\"prompt\":\"a\",\"image\":\"bm8=\"}", 422, 1201, "image"},
    {"/v1/videos/video-extend", "{\"video_id\":\"1\"}", 400, 1201, "video_id"},
    {"/v1/videos/lip-sync", "{}", 404, 1203, "not served"},
    {"/v1/audio/tts", "{}", 404, 1203, "not served"},
    {"/v1/images/kolors-virtual-try-on", "{}", 404, 1203, "not served"},
    {"/kling/v1/nowhere", "{}", 404, 1202, "address"},
    {"/text-to-video/kling-99", "{\"prompt\":\"a\"}", 404, 1203, "model"},
    {"/image-to-video/kling-3.0", "{\"contents\":[{\"type\":\"prompt\",\"text\":\"a\"}]}", 400,
     1201, "first_frame"},
    {"/motion-control/kling-3.0", "{}", 404, 1203, "not served"},
};

TEST(serve_kling_says_what_is_wrong)
{
    struct serving s;
    struct answer a = {0};
    char code[16];

    serving_options(&s, "kling-wrong");
    serving_start(&s);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        serving_post(&s, WRONG[i].path, WRONG[i].json, &a);
        snprintf(code, sizeof code, "%d", WRONG[i].code);
        if (a.status != WRONG[i].status || !answer_is(&a, "code", code) ||
            !strstr(buf_str(&a.body), WRONG[i].says))
            ztest_fail(__FILE__, __LINE__, "%s %s: %d %s", WRONG[i].path, WRONG[i].json, a.status,
                       buf_str(&a.body));
        free(answer_text(&a, "request_id"));
    }
    get(&s, T2V "/12345", &a);
    CHECK_INT(a.status, 400);
    CHECK(answer_is(&a, "code", "1201") && answer_is(&a, "message", "Task not found"));
    get(&s, T2V "?pageSize=501", &a);
    CHECK_INT(a.status, 400);
    answer_release(&a);
    serving_stop(&s, 0);
}

/* What is understood becomes options of the library: seen in /v1/videos. */
TEST(serve_kling_fields_become_options)
{
    struct serving s;
    struct answer a = {0};
    struct buf json = BUF_INIT;
    char *image = picture_base64(), *id, path[200];

    fixture_need_media();
    serving_options(&s, "kling-fields");
    serving_start(&s);
    free(serving_film(&s, "{\"prompt\":\"a ball rolls\",\"steps\":1000,\"seconds\":50}"));
    buf_printf(&json, "{\"prompt\":\"a red ball rolls\",\"image\":\"%s\",\"duration\":5}", image);
    serving_post(&s, "/v1/videos/image2video", buf_str(&json), &a);
    CHECK_INT(a.status, 200);
    id = answer_text(&a, "data.task_id");
    snprintf(path, sizeof path, "/v1/videos/video_%s", id);
    get(&s, path, &a);
    CHECK(answer_is(&a, "size", "960x960")); /* 4:3 lies nearer to 1:1 */
    free(id);
    serving_post(&s, T2V,
                 "{\"prompt\":\"a red ball rolls\",\"aspect_ratio\":\"9:16\",\"mode\":\"pro\","
                 "\"camera_control\":{\"type\":\"simple\",\"config\":{\"zoom\":-2}}}",
                 &a);
    CHECK_INT(a.status, 200);
    id = answer_text(&a, "data.task_id");
    snprintf(path, sizeof path, "/v1/videos/video_%s", id);
    get(&s, path, &a);
    CHECK(answer_is(&a, "size", "1080x1920") && answer_is(&a, "prompt", "a red ball rolls") &&
          answer_is(&a, "camera", "zoom -2"));
    free(id);
    serving_post(
        &s, T2V,
        "{\"multi_shot\":true,\"shot_type\":\"customize\",\"duration\":\"5\",\"multi_prompt\":["
        "{\"index\":1,\"prompt\":\"a red ball rolls\",\"duration\":\"2\"},"
        "{\"index\":2,\"prompt\":\"a blue box falls\",\"duration\":\"3\"}]," QUICK "}",
        &a);
    CHECK_INT(a.status, 200);
    id = answer_text(&a, "data.task_id");
    snprintf(path, sizeof path, T2V "/%s/cancel", id);
    serving_post(&s, path, NULL, &a);
    CHECK(answer_is(&a, "data.task_status", "failed"));
    CHECK(answer_is(&a, "data.task_status_msg", "cancelled"));
    answer_release(&a);
    buf_release(&json);
    free(id), free(image);
    serving_stop(&s, 0);
}

/* ---- keys and tokens ---- */

static void base64_url(struct buf *out, const void *data, size_t n)
{
    struct buf b = BUF_INIT;

    base64_encode(&b, data, n);
    for (size_t i = 0; i < b.len && b.data[i] != '='; i++)
        buf_putc(out, b.data[i] == '+' ? '-' : b.data[i] == '/' ? '_' : b.data[i]);
    buf_release(&b);
}

/* "Authorization: Bearer HEAD.BODY.MAC\r\n"; the caller frees. */
static char *token(const char *head, const char *secret, const char *iss, long exp, long nbf)
{
    struct buf t = BUF_INIT, all = BUF_INIT;
    long now = (long)time(NULL);
    char *body = xasprintf("{\"iss\":\"%s\",\"exp\":%ld,\"nbf\":%ld}", iss, now + exp, now + nbf);
    uint8_t mac[32];

    base64_url(&t, head, strlen(head));
    buf_putc(&t, '.');
    base64_url(&t, body, strlen(body));
    hmac_sha256(secret, strlen(secret), t.data, t.len, mac);
    buf_putc(&t, '.');
    base64_url(&t, mac, sizeof mac);
    buf_printf(&all, "Authorization: Bearer %s\r\n", buf_str(&t));
    buf_release(&t);
    free(body);
    return buf_take(&all);
}

static const char KEYS[] =
    "{\"keys\":[{\"tenant\":\"ann\",\"key\":\"a-key-of-ann-123456\",\"jobs\":1},"
    "{\"tenant\":\"bob\",\"access_key\":\"bob-access\",\"secret_key\":\"bob-secret-123456789\"}]}";
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"

static void start_with_keys(struct serving *s, const char *name)
{
    char *path = ztest_in_tmp("keys.json");

    CHECK(!file_write(path, KEYS, sizeof KEYS - 1, NULL));
    serving_options(s, name);
    s->o.keys = path;
    serving_start(s);
    free(path);
}

/* Item 19 of the list of bad inputs. */
TEST(serve_bad_tokens_are_refused)
{
    const char *const secret = "bob-secret-123456789";
    char *const long_key = xcalloc(1, 20001);
    const struct {
        char *header;
        int status;
        const char *code;
    } rows[] = {
        {NULL, 401, "1001"},
        {xstrdup("Authorization: Bearer \r\n"), 401, "1001"},
        {xstrdup("Authorization: Basic abc\r\n"), 401, "1002"},
        {xstrdup("Authorization: Bearer wrong\r\n"), 401, "1002"},
        {xasprintf("Authorization: Bearer %s\r\n", (char *)memset(long_key, 'a', 20000)), 401,
         "1002"},
        {token("{\"alg\":\"none\"}", secret, "bob-access", 1800, -5), 401, "1002"},
        {token("{\"alg\":\"RS256\"}", secret, "bob-access", 1800, -5), 401, "1002"},
        {token(HS256, "another-secret-12345", "bob-access", 1800, -5), 401, "1002"},
        {token(HS256, secret, "nobody", 1800, -5), 401, "1002"},
        {token(HS256, secret, "bob-access", -100, -1900), 401, "1004"},
        {token(HS256, secret, "bob-access", 1800, 300), 401, "1003"},
        {token(HS256, secret, "bob-access", 1000000, -5), 401, "1002"},
        {token(HS256, secret, "bob-access", 1800, -5), 200, "0"},
        {xstrdup("Authorization: Bearer a-key-of-ann-123456\r\n"), 200, "0"},
    };
    struct serving s;
    struct answer a = {0};

    start_with_keys(&s, "kling-keys");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        serving_call(&s, "GET", T2V, rows[i].header, NULL, &a);
        if (a.status != rows[i].status || !answer_is(&a, "code", rows[i].code))
            ztest_fail(__FILE__, __LINE__, "row %zu: %d %s", i, a.status, buf_str(&a.body));
        answer_release(&a);
        free(rows[i].header);
    }
    free(long_key);
    serving_stop(&s, 0);
}

TEST(serve_tenants_see_their_own_and_have_a_limit)
{
    static const char ann[] = "Authorization: Bearer a-key-of-ann-123456\r\n";
    static const char wish[] = "{\"prompt\":\"a ball rolls\",\"steps\":1000,\"duration\":\"15\"}";
    struct serving s;
    struct answer a = {0};
    char path[200];
    char *bob = token(HS256, "bob-secret-123456789", "bob-access", 1800, -5);

    start_with_keys(&s, "kling-tenants");
    serving_call(&s, "POST", T2V, ann, wish, &a);
    CHECK_INT(a.status, 200);
    char *id = answer_text(&a, "data.task_id");
    answer_release(&a);
    serving_call(&s, "POST", T2V, ann, wish, &a);
    CHECK_INT(a.status, 429);
    CHECK(answer_is(&a, "code", "1303"));
    CHECK(answer_is(&a, "message", "parallel task over resource pack limit"));
    CHECK_CONTAINS(buf_str(&a.head), "Retry-After: ");
    answer_release(&a);
    snprintf(path, sizeof path, T2V "/%s", id);
    serving_call(&s, "GET", path, bob, NULL, &a);
    CHECK_INT(a.status, 400);
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/videos/video_%s", id);
    serving_call(&s, "DELETE", path, bob, NULL, &a);
    CHECK_INT(a.status, 404);
    answer_release(&a);
    serving_call(&s, "GET", path, ann, NULL, &a);
    CHECK_INT(a.status, 200);
    answer_release(&a);
    free(id), free(bob);
    serving_stop(&s, 0);
}
