/* What a peer may send that is wrong: one test for each kind, by bytes on a socket. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/clock.h"
#include "fixture.h"
#include "net/net.h"
#include "serve/sign.h"
#include "serving.h"
#include "ztest.h"

#define HOST "Host: localhost\r\n"
#define END "Connection: close\r\n\r\n"
#define JSON "Content-Type: application/json\r\n"

static int status_of(const struct serving *s, const char *bytes, size_t n)
{
    struct answer a = {0};
    int status;

    serving_raw(s, bytes, n, &a);
    status = a.status;
    answer_release(&a);
    return status;
}

static void start(struct serving *s, const char *name)
{
    serving_options(s, name);
    serving_start(s);
}

static int post(const struct serving *s, const char *json, struct answer *a)
{
    answer_release(a);
    serving_call(s, "POST", "/v1/videos", NULL, json, a);
    return a->status;
}

/* Item 15. */
TEST(serve_framing_is_strict)
{
#define ROW(status, text)                                                                          \
    {                                                                                              \
        status, text, sizeof(text) - 1                                                             \
    }
    static const struct {
        int status;
        const char *bytes;
        size_t n;
    } rows[] = {
        ROW(200, "GET /healthz HTTP/1.1\r\n" HOST END),
        ROW(200, "GET /healthz HTTP/1.1\r\n" HOST "X-Empty:\r\nX-Space:   a b  \r\n" END),
        ROW(400, "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n"
                 "Transfer-Encoding: chunked\r\n" END "2\r\n{}\r\n0\r\n\r\n"),
        ROW(400, "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n"
                 "Content-Length: 3\r\n" END "{}"),
        ROW(400, "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: 2\r\n"
                 "Content-Length: 2\r\n" END "{}"),
        ROW(400, "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: -1\r\n" END),
        ROW(400, "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: +5\r\n" END),
        ROW(400, "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Transfer-Encoding: gzip\r\n" END),
        ROW(400, "GET /healthz HTTP/1.1\r\n" HOST "X: a\0b\r\n" END),
        ROW(400, "GET /healthz HTTP/1.1\r\n" HOST "X: a\0\0b\r\nY: c\r\n" END),
        ROW(400, "GET /healthz HTTP/1.1\r\n" HOST "Connection: close\r\nX: a\0b\r\n\r\n"),
        ROW(400, "GET /healthz HTTP/1.1\r\n" HOST "X: a\nY: b\r\n" END),
        ROW(400, "GET /healthz HTTP/1.1\r\n" HOST "X: a\r\n folded: b\r\n" END),
        ROW(400, "GET /healthz HTTP/1.1\r\n" HOST HOST END),
        ROW(400, "GET /healthz HTTP/1.1\r\n" END),
        ROW(400, "GET /healthz%00.txt HTTP/1.1\r\n" HOST END),
        ROW(400, "GET /v1/videos?after=%00 HTTP/1.1\r\n" HOST END),
    };
#undef ROW
    struct serving s;
    struct answer a = {0};

    start(&s, "hostile-framing");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        serving_raw(&s, rows[i].bytes, rows[i].n, &a);
        if (a.status != rows[i].status)
            ztest_fail(__FILE__, __LINE__, "row %zu: %d, expected %d: %s", i, a.status,
                       rows[i].status, rows[i].bytes);
        answer_release(&a);
    }
    /* A chunk that is none: refused, or the connection ends; never a job. */
    static const char chunk[] = "POST /v1/videos HTTP/1.1\r\n" HOST JSON
                                "Transfer-Encoding: chunked\r\n" END "zz\r\n{}\r\n0\r\n\r\n";
    int status = status_of(&s, chunk, sizeof chunk - 1);
    CHECK(status == 0 || status == 400);
    serving_stop(&s, 0);
}

/* Item 16. */
TEST(serve_sizes_have_limits)
{
    struct serving s;
    struct buf b = BUF_INIT;

    start(&s, "hostile-sizes");
    buf_puts(&b, "GET /healthz HTTP/1.1\r\n" HOST "X: ");
    for (int i = 0; i < 40 << 10; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, "\r\n" END);
    CHECK_INT(status_of(&s, b.data, b.len), 431);
    buf_clear(&b);
    buf_puts(&b, "GET /");
    for (int i = 0; i < 9 << 10; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, " HTTP/1.1\r\n" HOST END);
    CHECK_INT(status_of(&s, b.data, b.len), 414);

    /* Said to be too long: refused before it comes. Not said: counted. */
    static const char said[] =
        "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: 999999999\r\n" END;
    CHECK_INT(status_of(&s, said, sizeof said - 1), 413);
    buf_clear(&b);
    buf_puts(&b, "POST /text-to-video/kling-3.0 HTTP/1.1\r\n" HOST JSON
                 "Transfer-Encoding: chunked\r\n" END "20000\r\n");
    for (int i = 0; i < 0x20000; i++)
        buf_putc(&b, ' ');
    buf_puts(&b, "\r\n0\r\n\r\n");
    CHECK_INT(status_of(&s, b.data, b.len), 413);
    buf_release(&b);
    serving_stop(&s, 0);
}

/* Item 17: a byte each 100 ms is no silence, and still has an end. */
TEST(serve_drips_are_ended)
{
    static const char head[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: aaaaaaaaaaaaaaaaaaa";
    static const char body[] =
        "POST /v1/videos HTTP/1.1\r\n" HOST JSON "Content-Length: 50\r\n\r\n";
    struct serving s;
    struct answer a = {0};

    serving_options(&s, "hostile-drip");
    s.o.head_s = s.o.body_s = 0.6;
    serving_start(&s);
    for (int k = 0; k < 2; k++) {
        int fd = serving_connect(&s);
        double begin = clock_s();
        const char *drip = head;

        if (k) {
            serving_send(fd, body, sizeof body - 1);
            drip = "                                                  ";
        }
        for (int i = 0; i < 20; i++) {
            if (send(fd, drip + i, 1, MSG_NOSIGNAL) != 1)
                break;
            usleep(100000);
        }
        CHECK_BELOW(clock_s() - begin, 5);
        serving_receive(fd, 5, &a);
        CHECK_INT(a.status, 408);
        answer_release(&a);
        close(fd);
    }
    serving_stop(&s, 0);
}

/* Item 18. */
TEST(serve_json_is_strict)
{
    static const struct {
        const char *json, *says;
    } rows[] = {
        {"{\"prompt\":\"a\",\"prompt\":\"b\"}", "duplicate"},
        {"{\"prompt\":\"a\",\"steps\":NaN}", "JSON"},
        {"{\"prompt\":\"a\",\"seconds\":1e999}", "overflow"},
        {"{\"prompt\":\"a\",\"seed\":1000000000000000000000000000000}", "too big"},
        {"{\"prompt\":\"a\",\"steps\":-1}", "steps"},
        {"{\"prompt\":\"a\",\"steps\":\"many\"}", "steps"},
        {"{\"prompt\":\"a\",\"steps\":1.5}", "steps"},
        {"{\"prompt\":\"\\ud800\"}", "JSON"},
        {"{\"prompt\":\"a\\u0000b\"}", "JSON"},
        {"{\"prompt\":\"\xff\xfe\"}", "JSON"},
        {"{\"prompt\":[\"a\"]}", "prompt"},
        {"{\"prompt\":7}", "prompt"},
        {"{\"prompt\":\"a\"} {}", "JSON"},
        {"[]", "object"},
        {"\"a\"", "object"},
        {"{\"prompt\":\"a\"", "JSON"},
    };
    struct serving s;
    struct answer a = {0};
    char *deep = xmalloc(200001);

    start(&s, "hostile-json");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (post(&s, rows[i].json, &a) != 400 || !strstr(buf_str(&a.body), rows[i].says))
            ztest_fail(__FILE__, __LINE__, "%s: %d %s", rows[i].json, a.status, buf_str(&a.body));
    memset(deep, '[', 200000);
    deep[200000] = '\0';
    double begin = clock_cpu_s();
    CHECK_INT(post(&s, deep, &a), 400);
    CHECK_BELOW(clock_cpu_s() - begin, 2);
    CHECK_CONTAINS(buf_str(&a.body), "deeper");
    answer_release(&a);
    serving_call(&s, "GET", "/v1/videos", NULL, NULL, &a);
    CHECK_CONTAINS(buf_str(&a.body), "\"data\": []");
    answer_release(&a);
    free(deep);
    serving_stop(&s, 0);
}

/* Item 20. */
TEST(serve_prompts_are_checked)
{
    static const char *const bad[] = {"{\"prompt\":\"\"}",          "{}",
                                      "{\"prompt\":\"  \\n\\t \"}", "{\"prompt\":\"\xe3\x80\x80\"}",
                                      "{\"prompt\":\"a\\u0007b\"}", "{\"prompt\":\"a\\u009bb\"}",
                                      "{\"prompt\":null}"};
    struct serving s;
    struct answer a = {0};
    struct buf b = BUF_INIT;

    start(&s, "hostile-prompt");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(post(&s, bad[i], &a), 400);
        CHECK_CONTAINS(buf_str(&a.body), "prompt: ");
    }
    CHECK_INT(post(&s, "{\"prompt\":\"ball \\u0007\"}", &a), 400);
    CHECK_CONTAINS(buf_str(&a.body), "character 6");
    buf_puts(&b, "{\"prompt\":\"");
    for (int i = 0; i < 2501; i++)
        buf_puts(&b, "\xe7\x90\x83");
    buf_puts(&b, "\"}");
    CHECK_INT(post(&s, buf_str(&b), &a), 400);
    CHECK_CONTAINS(buf_str(&a.body), "prompt: at most 2500 characters");
    buf_clear(&b);
    buf_puts(&b, "{\"prompt\":\"");
    for (int i = 0; i < 10 << 20; i++)
        buf_putc(&b, 'a');
    buf_puts(&b, "\"}");
    double begin = clock_cpu_s();
    CHECK_INT(post(&s, buf_str(&b), &a), 400);
    CHECK_BELOW(clock_cpu_s() - begin, 2 * ZTEST_SLOWER);
    answer_release(&a);
    buf_release(&b);
    serving_stop(&s, 0);
}

/* Item 21. */
TEST(serve_figures_have_ranges)
{
    static const struct {
        const char *field, *says;
    } rows[] = {
        {"\"size\":\"0x0\"", "size"},
        {"\"size\":\"33x31\"", "size"},
        {"\"size\":\"999999999x2\"", "8192"},
        {"\"size\":\"big\"", "size"},
        {"\"fps\":0", "fps"},
        {"\"fps\":1e9", "fps"},
        {"\"seconds\":0", "seconds"},
        {"\"seconds\":1e9", "seconds"},
        {"\"seconds\":61", "at most 60"},
        {"\"seconds\":\"-4\"", "seconds"},
        {"\"frames\":2000000000", "frames"},
        {"\"steps\":0", "steps"},
        {"\"guidance\":101", "guidance"},
        {"\"seed\":-1", "seed"},
        {"\"aspect_ratio\":\"3:1\"", "aspect"},
        {"\"seconds\":2,\"frames\":5", "seconds"},
    };
    struct serving s;
    struct answer a = {0};
    char json[200];

    start(&s, "hostile-figures");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(json, sizeof json, "{\"prompt\":\"a ball rolls\",%s}", rows[i].field);
        if (post(&s, json, &a) != 400 || !strstr(buf_str(&a.body), rows[i].says))
            ztest_fail(__FILE__, __LINE__, "%s: %d %s", json, a.status, buf_str(&a.body));
    }
    answer_release(&a);
    serving_stop(&s, 0);
}

/* Item 22, of what can be said without another machine; net has tests of its own for the rest. */
TEST(serve_addresses_must_be_public)
{
    static const char *const bad[] = {
        "http://127.0.0.1:1/a.png",
        "https://127.0.0.1:1/a.png",
        "https://[::1]:1/a.png",
        "https://[::ffff:10.0.0.1]/a",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/a.png",
        "https://0177.0.0.1/a.png",
        "https://10.0.0.1/a.png",
        "https://localhost/a.png",
        "file:///etc/passwd",
        "gopher://example.com/",
        "https://user@127.0.0.1:1/a.png",
        "http://example.com/a.png",
    };
    struct serving s;
    struct answer a = {0};
    char json[300];

    if (!net_present())
        ztest_skip("this build asks no other machines");
    start(&s, "hostile-addresses");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(json, sizeof json,
                 "{\"prompt\":\"a ball\",\"input_reference\":{\"image_url\":"
                 "\"%s\"}}",
                 bad[i]);
        double begin = clock_s();
        int status = post(&s, json, &a);
        if (status != 400 || !answer_is(&a, "error.code", "E_URL_FORBIDDEN"))
            ztest_fail(__FILE__, __LINE__, "%s: %d %s", bad[i], status, buf_str(&a.body));
        CHECK_BELOW(clock_s() - begin, 5);
    }
    answer_release(&a);
    serving_stop(&s, 0);
}

static int picture_status(const struct serving *s, const void *bytes, size_t n)
{
    struct answer a = {0};
    struct buf json = BUF_INIT;
    int status;

    buf_puts(&json, "{\"prompt\":\"a ball\",\"input_reference\":\"data:image/png;base64,");
    base64_encode(&json, bytes, n);
    buf_puts(&json, "\"}");
    status = post(s, buf_str(&json), &a);
    if (status == 422)
        CHECK_CONTAINS(buf_str(&a.body), "E_MEDIA");
    answer_release(&a);
    buf_release(&json);
    return status;
}

/* Item 23. */
TEST(serve_media_is_read_by_a_child)
{
#define ROW(text)                                                                                  \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct {
        const char *bytes;
        size_t n;
    } bad[] = {
        ROW("<html><script>alert(1)</script>"),
        ROW("<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"),
        ROW("#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        ROW("GIF89a\1\0\1\0\0\0\0;"),
        ROW("\0\0\0\30ftypisom\0\0\2\0isomiso2"),
        ROW("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff\xff\0\0\xff\xff\10\2\0\0\0\0\0\0\0"),
        ROW("\x89PNG\r\n\x1a\n<html>"),
        ROW("RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\2\0\0\0\0\0\0\0\0\0"),
        ROW("\xff\xd8\xff\xe0"),
        ROW("P6 99999 99999 255\n"),
        ROW(""),
    };
#undef ROW
    struct serving s;
    struct answer a = {0};

    start(&s, "hostile-media");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double begin = clock_s();
        int status = picture_status(&s, bad[i].bytes, bad[i].n);
        if (status != 422)
            ztest_fail(__FILE__, __LINE__, "row %zu: %d", i, status);
        CHECK_BELOW(clock_s() - begin, 2);
    }
    CHECK_INT(post(&s, "{\"prompt\":\"a\",\"input_reference\":\"!not base64!\"}", &a), 422);
    CHECK_INT(post(&s, "{\"prompt\":\"a\",\"input_reference\":\"data:text/html,x\"}", &a), 422);
    answer_release(&a);
    serving_stop(&s, 0);
}

/* Item 24. */
TEST(serve_foreign_pages_are_refused)
{
    static const struct {
        int status;
        const char *method, *head;
    } rows[] = {
        {200, "GET", HOST},
        {200, "GET", "Host: 127.0.0.1:8700\r\n"},
        {403, "GET", "Host: evil.example\r\n"},
        {403, "GET", "Host: 127.0.0.1.evil.example\r\n"},
        {403, "GET", "Host: localhost@evil\r\n"},
        {403, "GET", HOST "Origin: https://evil.example\r\n"},
        {403, "GET", HOST "Origin: null\r\n"},
        {403, "POST", HOST "Origin: http://evil.example\r\n" JSON},
        {403, "POST", HOST "Sec-Fetch-Site: cross-site\r\n" JSON},
        {400, "POST", HOST "Origin: http://localhost\r\nSec-Fetch-Site: same-origin\r\n" JSON},
        {403, "POST", HOST "Content-Type: application/x-www-form-urlencoded\r\n"},
        {403, "POST", HOST "Content-Type: text/plain\r\n"},
        {415, "POST", HOST "Content-Type: application/xml\r\n"},
        {415, "POST", HOST},
    };
    struct serving s;
    char text[400];

    start(&s, "hostile-pages");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int get = rows[i].method[0] == 'G';
        int n =
            snprintf(text, sizeof text, "%s /v1/videos HTTP/1.1\r\n%s%s" END "%s", rows[i].method,
                     rows[i].head, get ? "" : "Content-Length: 2\r\n", get ? "" : "{}");
        int status = status_of(&s, text, (size_t)n);
        if (status != rows[i].status)
            ztest_fail(__FILE__, __LINE__, "%s: %d, expected %d", text, status, rows[i].status);
    }
    serving_stop(&s, 0);
}

/* Item 25. */
TEST(serve_paths_are_no_files)
{
    static const char *const paths[] = {"/../etc/passwd",
                                        "/v1/videos/../../etc/passwd",
                                        "/v1/videos/%2e%2e",
                                        "/files/..%2f1.mp4",
                                        "/files/../zoetrope.db",
                                        "/zoetrope.db",
                                        "/v1/videos/video_1/../../x",
                                        "//etc/passwd",
                                        "/v1/videos/video_",
                                        "/v1/videos/video_99999999999999999999999",
                                        "/v1/videos/video_-1",
                                        "/v1/videos/video_1%20",
                                        "/index.html",
                                        "/app.js/..",
                                        "/v1/videos/",
                                        "*",
                                        "http://localhost/etc/passwd"};
    struct serving s;
    struct answer a = {0};
    struct buf b = BUF_INIT;

    start(&s, "hostile-paths");
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        serving_call(&s, "GET", paths[i], NULL, NULL, &a);
        if (a.status != 404)
            ztest_fail(__FILE__, __LINE__, "%s: %d", paths[i], a.status);
        answer_release(&a);
    }
    buf_puts(&b, "/v1/videos/video_");
    for (int i = 0; i < 7000; i++)
        buf_putc(&b, '1');
    serving_call(&s, "GET", buf_str(&b), NULL, NULL, &a);
    CHECK_INT(a.status, 404);
    answer_release(&a);
    serving_call(&s, "BREW", "/v1/videos", NULL, NULL, &a);
    CHECK_INT(a.status, 405);
    CHECK_CONTAINS(buf_str(&a.head), "Allow: POST, GET, HEAD\r\n");
    answer_release(&a);
    buf_release(&b);
    serving_stop(&s, 0);
}

/* Item 26. */
TEST(serve_ranges_are_one_part)
{
    static const struct {
        const char *range;
        int status;
    } rows[] = {{"bytes=0-3", 206},
                {"bytes=5-", 206},
                {"bytes=-4", 206},
                {"bytes=0-99999999", 206},
                {"bytes=0-1,0-1", 416},
                {"bytes=5-2", 416},
                {"bytes=-0", 416},
                {"bytes=99999999-", 416},
                {"bytes=-1-2", 416},
                {"bytes=", 416},
                {"bytes=-", 416},
                {"bytes=a-b", 416},
                {"bytes=99999999999999999999-", 416},
                {"lines=1-2", 200}};
    struct serving s;
    struct answer a = {0};
    char path[128], range[100];

    fixture_need_media();
    start(&s, "hostile-ranges");
    char *id = serving_film(&s, "{\"prompt\":\"a ball\",\"size\":\"48x32\",\"steps\":1,"
                                "\"frames\":1}");
    serving_wait(&s, id, &a);
    answer_release(&a);
    snprintf(path, sizeof path, "/v1/videos/%s/content", id);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(range, sizeof range, "Range: %s\r\n", rows[i].range);
        serving_call(&s, "GET", path, range, NULL, &a);
        if (a.status != rows[i].status)
            ztest_fail(__FILE__, __LINE__, "%s: %d", rows[i].range, a.status);
        if (a.status == 416)
            CHECK_CONTAINS(buf_str(&a.head), "Content-Range: bytes */");
        answer_release(&a);
    }
    free(id);
    serving_stop(&s, 0);
}

/* Item 27, in small: readers that read nothing and connections that say nothing. */
TEST(serve_idle_and_deaf_peers_cost_little)
{
    enum { PEERS = 300 };
    static const char watch[] = "GET /v1/events HTTP/1.1\r\n" HOST "\r\n";
    struct serving s;
    struct answer a = {0};
    int fd[PEERS];

    fixture_need_media();
    start(&s, "hostile-idle");
    for (int i = 0; i < PEERS; i++) {
        fd[i] = serving_connect(&s);
        if (i % 2)
            serving_send(fd[i], watch, sizeof watch - 1);
    }
    char *id = serving_film(&s, "{\"prompt\":\"a ball\",\"size\":\"48x32\",\"steps\":4}");
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "completed"));
    answer_release(&a);
    double begin = clock_s();
    serving_call(&s, "GET", "/healthz", NULL, NULL, &a);
    CHECK_INT(a.status, 200);
    CHECK_BELOW(clock_s() - begin, 1);
    answer_release(&a);
    for (int i = 0; i < PEERS; i++)
        close(fd[i]);
    free(id);
    serving_stop(&s, 0);
}

/* Item 28. */
TEST(serve_idempotency_key_is_of_one_request)
{
    static const char key[] = "Idempotency-Key: k-1\r\n";
    struct serving s;
    struct answer a = {0};

    start(&s, "hostile-key");
    serving_call(&s, "POST", "/v1/videos", key, "{\"prompt\":\"a ball\"}", &a);
    CHECK_INT(a.status, 200);
    char *id = answer_text(&a, "id");
    answer_release(&a);
    serving_call(&s, "POST", "/v1/videos", key, "{\"prompt\":\"a ball\"}", &a);
    CHECK(a.status == 200 && answer_is(&a, "id", id));
    answer_release(&a);
    serving_call(&s, "POST", "/v1/videos", key, "{\"prompt\":\"a box\"}", &a);
    CHECK_INT(a.status, 409);
    answer_release(&a);
    free(id);
    serving_stop(&s, 0);
}
