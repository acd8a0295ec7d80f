/* Addresses that are told what becomes of a task: signed, tried again, and none holds up another.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "fixture.h"
#include "net/net.h"
#include "serve/sign.h"
#include "serving.h"
#include "ztest.h"

#define QUICK "\"size\":\"48x32\",\"steps\":1,\"seed\":3"
#define T2V "/v1/videos/text2video"

struct listener {
    int fd, port, refuse;
    atomic_int n; /* grows when body and head are there */
    char *body[8], *head[8];
    pthread_t thread;
};

/* Each request of a connection of its own; the first `refuse` are answered 500. */
static void *listen_main(void *arg)
{
    struct listener *l = arg;
    int fd;

    while (l->n < 8 && (fd = accept(l->fd, NULL, NULL)) >= 0) {
        struct buf all = BUF_INIT;
        char room[4096];
        const char *end = NULL, *length;
        ssize_t n;

        while ((n = read(fd, room, sizeof room)) > 0) {
            buf_add(&all, room, (size_t)n);
            end = strstr(buf_str(&all), "\r\n\r\n");
            length = strcasestr(buf_str(&all), "Content-Length: ");
            if (end && length && strlen(end + 4) >= (size_t)atoi(length + 16))
                break;
        }
        const char *answer = l->n < l->refuse ? "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
                                              : "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        (void)!write(fd, answer, strlen(answer));
        close(fd);
        if (end) {
            l->head[l->n] = xstrndup(all.data, (size_t)(end + 2 - all.data));
            l->body[l->n] = xstrdup(end + 4);
            l->n++;
        }
        buf_release(&all);
    }
    return NULL;
}

static void listen_start(struct listener *l)
{
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    l->fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!bind(l->fd, (struct sockaddr *)&at, sizeof at) && !listen(l->fd, 8));
    CHECK(!getsockname(l->fd, (struct sockaddr *)&at, &n));
    l->port = ntohs(at.sin_port);
    CHECK(!pthread_create(&l->thread, NULL, listen_main, l));
}

static void header_of(const char *head, const char *name, char out[200])
{
    const char *at = strcasestr(head, name);

    CHECK(at);
    snprintf(out, 200, "%.*s", (int)strcspn(at + strlen(name), "\r"), at + strlen(name));
}

TEST(serve_callbacks_are_signed_and_tried_again)
{
    static const char ann[] = "Authorization: Bearer a-key-of-ann-123456\r\n";
    static const char keys[] = "{\"keys\":[{\"tenant\":\"ann\",\"key\":\"a-key-of-ann-123456\","
                               "\"webhook_secret\":\"whsec_c2VjcmV0IHNlY3JldCBzZWNyZXQ=\"}]}";
    struct listener l = {.refuse = 1};
    struct serving s;
    struct answer a = {0};
    char json[400], id[200], stamp[200], signature[200];
    char *path = ztest_in_tmp("webhook-keys.json");
    struct buf text = BUF_INIT, want = BUF_INIT;
    uint8_t mac[32];

    fixture_need_media();
    if (!net_present())
        ztest_skip("this build asks no other machines");
    listen_start(&l);
    CHECK(!file_write(path, keys, sizeof keys - 1, NULL));
    serving_options(&s, "kling-callback");
    s.o.keys = path;
    s.o.allow_private = 1;
    serving_start(&s);
    snprintf(json, sizeof json,
             "{\"prompt\":\"a red ball rolls\"," QUICK
             ",\"callback_url\":\"http://127.0.0.1:%d/x\"}",
             l.port);
    serving_call(&s, "POST", T2V, ann, json, &a);
    CHECK_INT(a.status, 200);
    answer_release(&a);
    for (int i = 0; i < 1200 && !(l.n && strstr(l.body[l.n - 1], "\"succeed\"") && l.n > 1); i++)
        usleep(50000);
    CHECK(l.n > 1);
    CHECK_CONTAINS(l.body[l.n - 1], "\"task_status\": \"succeed\"");
    CHECK_CONTAINS(l.body[l.n - 1], "\"videos\": [{\"id\"");
    CHECK_CONTAINS(l.head[l.n - 1], "POST /x HTTP/1.1\r\n");
    header_of(l.head[l.n - 1], "webhook-id: ", id);
    header_of(l.head[l.n - 1], "webhook-timestamp: ", stamp);
    header_of(l.head[l.n - 1], "webhook-signature: v1,", signature);
    buf_printf(&text, "%s.%s.%s", id, stamp, l.body[l.n - 1]);
    hmac_sha256("secret secret secret", 20, text.data, text.len, mac);
    base64_encode(&want, mac, sizeof mac);
    CHECK_STR(signature, buf_str(&want));
    serving_stop(&s, 0);
    shutdown(l.fd, SHUT_RDWR);
    pthread_join(l.thread, NULL);
    close(l.fd);
    for (int i = 0; i < l.n; i++)
        free(l.body[i]), free(l.head[i]);
    buf_release(&text), buf_release(&want);
    free(path);
}

/* A place that takes calls and never answers, beside one that does. */
TEST(serve_callbacks_pass_a_place_that_is_silent)
{
    struct listener l = {.refuse = 0};
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t n = sizeof at;
    struct serving s;
    struct answer a = {0};
    char json[400];

    if (!net_present())
        ztest_skip("this build asks no other machines");
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(!bind(silent, (struct sockaddr *)&at, sizeof at) && !listen(silent, 64));
    CHECK(!getsockname(silent, (struct sockaddr *)&at, &n));
    listen_start(&l);
    serving_options(&s, "kling-silent");
    s.o.workers = 0;
    s.o.allow_private = 1;
    serving_start(&s);
    for (int i = 0; i < 12; i++) {
        snprintf(json, sizeof json,
                 "{\"prompt\":\"a red ball rolls\"," QUICK
                 ",\"callback_url\":\"http://127.0.0.1:%d/x%d\"}",
                 i < 11 ? ntohs(at.sin_port) : l.port, i);
        serving_call(&s, "POST", T2V, NULL, json, &a);
        CHECK_INT(a.status, 200);
        answer_release(&a);
    }
    /* The silent one is given up after 15 s, and eleven calls to it wait in front. */
    for (int i = 0; i < 1200 && !l.n; i++)
        usleep(50000);
    CHECK_INT(l.n, 1);
    CHECK_CONTAINS(l.head[0], "POST /x11 HTTP/1.1\r\n");
    serving_stop(&s, 0);
    shutdown(l.fd, SHUT_RDWR);
    pthread_join(l.thread, NULL);
    close(l.fd), close(silent);
    free(l.body[0]), free(l.head[0]);
}
