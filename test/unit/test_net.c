/* Requests to other machines: what is asked, what is taken, where nothing may go. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <unistd.h>

#include "http_server.h"
#include "net/net.h"
#include "ztest.h"

/* What a server was asked, and how it answers. */
struct book {
    int asked;
    char method[16], path[512], token[128], range[64], type[64], body[256];
    const char *to; /* of /away */
};

static void answer(void *user, const struct http_asked *q, struct buf *reply)
{
    struct book *b = user;
    char field[700];

    b->asked++;
    snprintf(b->method, sizeof b->method, "%s", q->method);
    snprintf(b->path, sizeof b->path, "%s", q->path);
    snprintf(b->token, sizeof b->token, "%s", http_asked_field(q, "Authorization"));
    snprintf(b->range, sizeof b->range, "%s", http_asked_field(q, "Range"));
    snprintf(b->type, sizeof b->type, "%s", http_asked_field(q, "Content-Type"));
    snprintf(b->body, sizeof b->body, "%s", buf_str(&q->body));
    if (!strcmp(q->path, "/text"))
        http_reply(reply, 200, "ETag: \"one\"\r\nX-Twice: a\r\n", "twelve bytes", 12);
    else if (!strcmp(q->path, "/empty"))
        http_reply(reply, 204, "", NULL, 0);
    else if (!strcmp(q->path, "/loop"))
        http_reply(reply, 302, "Location: /loop\r\n", NULL, 0);
    else if (!strcmp(q->path, "/away")) {
        snprintf(field, sizeof field, "Location: %s\r\nX-Linked-Etag: \"abc\"\r\n", b->to);
        http_reply(reply, 302, field, "moved", 5);
    } else if (!strcmp(q->path, "/short"))
        buf_puts(reply, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nnot so much");
    else if (!strcmp(q->path, "/long"))
        buf_puts(reply, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nof no said length");
    else if (!strcmp(q->path, "/slow"))
        usleep(1500 * 1000);
    else
        http_reply(reply, 404, "", "no such thing", 13);
}

static struct book book;
static struct http_server *server;

static int ask(struct net_answer *a, const struct net_request *r, struct err *e)
{
    if (!server)
        server = http_server_new(answer, &book);
    e->msg[0] = '\0';
    return net_request(a, r, e);
}

/* The address of a path of the server, which is begun when it is first asked for. */
static const char *at(const char *path)
{
    if (!server)
        server = http_server_new(answer, &book);
    return http_server_url(server, path);
}

static void without_build(void)
{
    struct net_answer a;
    struct err e = {0};

    if (net_present())
        return;
    CHECK_INT(net_request(&a, &(struct net_request){.url = "https://example.org/?secret"}, &e),
              ERR_IO);
    CHECK_CONTAINS(e.msg, "not in this build");
    CHECK(!strstr(e.msg, "secret"));
    net_answer_release(&a);
    ztest_skip("libcurl is not in this build");
}

TEST(net_asks_and_gets_an_answer)
{
    struct net_answer a;
    struct err e;
    const char *fields[] = {"Range: bytes=5-", NULL};

    without_build();
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .field = fields}, &e), 0);
    CHECK_INT(a.status, 200);
    CHECK_INT(a.body_bytes, 12);
    CHECK_STR(buf_str(&a.body), "twelve bytes");
    CHECK_STR(book.method, "GET");
    CHECK_STR(book.range, "bytes=5-");
    CHECK_STR(book.token, "");
    char *etag = net_field(&a, "etag"), *none = net_field(&a, "et");
    CHECK_STR(etag, "\"one\"");
    CHECK(!none);
    free(etag);
    net_answer_release(&a);

    CHECK_INT(ask(&a, &(struct net_request){.url = at("/nothing?key=1")}, &e), 0);
    CHECK_INT(a.status, 404);
    CHECK_STR(buf_str(&a.body), "no such thing");
    CHECK_STR(book.path, "/nothing?key=1");
    net_answer_release(&a);

    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .method = "HEAD"}, &e), 0);
    CHECK_STR(book.method, "HEAD");
    CHECK_INT(a.body_bytes, 12);
    CHECK_INT(a.body.len, 0);
    net_answer_release(&a);
}

TEST(net_sends_a_body)
{
    struct net_answer a;
    struct err e;
    const char *fields[] = {"Content-Type: application/json", NULL};
    struct net_request r = {.url = at("/text"), .field = fields, .token = "t0ken"};

    without_build();
    r.body = "{\"a\":1}";
    r.body_n_bytes = 7;
    r.most_s = 20;
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK_STR(book.method, "POST");
    CHECK_STR(book.type, "application/json");
    CHECK_STR(book.body, "{\"a\":1}");
    CHECK_STR(book.token, "Bearer t0ken");
    net_answer_release(&a);
}

/* From where the file stands, and so many bytes of it. */
TEST(net_sends_a_file)
{
    struct net_answer a;
    struct err e;
    const char *fields[] = {"Content-Type: application/octet-stream", NULL};
    struct net_request r = {.url = at("/text"), .method = "PUT", .field = fields, .most_s = 20};
    FILE *f = tmpfile();

    without_build();
    CHECK(f && fputs("not this: all of this; nor this", f) >= 0 && !fseek(f, 10, SEEK_SET));
    r.body_file = f;
    r.body_n_bytes = 11;
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK_INT(a.status, 200);
    CHECK_STR(book.method, "PUT");
    CHECK_STR(book.type, "application/octet-stream");
    CHECK_STR(book.body, "all of this");
    net_answer_release(&a);
    fclose(f);
}

struct taken {
    int began, status;
    size_t bytes;
    int refuse;
};

static int begin(void *user, const struct net_answer *a, struct err *e)
{
    struct taken *t = user;

    t->began++;
    t->status = a->status;
    return t->refuse ? err_set(e, ERR_CHECK, "not this one") : 0;
}

static int take(void *user, const void *data, size_t bytes, struct err *e)
{
    struct taken *t = user;

    (void)data, (void)e;
    t->bytes += bytes;
    return 0;
}

TEST(net_hands_on_what_comes)
{
    struct taken t = {0};
    struct net_answer a;
    struct err e;
    struct net_request r = {.url = at("/text"), .begin = begin, .take = take, .user = &t};

    without_build();
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK(t.began == 1 && t.status == 200 && t.bytes == 12 && !a.body.len);
    net_answer_release(&a);
    r.url = at("/empty"); /* begins all the same */
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK(t.began == 2 && t.status == 204);
    net_answer_release(&a);
    r.url = at("/nothing"); /* is no success, so nothing is taken */
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK(t.began == 2 && t.bytes == 12 && a.body.len == 13);
    net_answer_release(&a);
    t.refuse = 1;
    r.url = at("/text");
    CHECK_INT(ask(&a, &r, &e), ERR_CHECK);
    CHECK_STR(e.msg, "not this one");
    CHECK_INT(t.bytes, 12);
    net_answer_release(&a);
}

TEST(net_keeps_its_caps)
{
    struct net_answer a;
    struct err e;
    volatile sig_atomic_t stop = 1;

    without_build();
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .most_bytes = 12}, &e), 0);
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text?x"), .most_bytes = 11}, &e), 0);
    net_answer_release(&a); /* a refusal is told whole */
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .most_bytes = 11}, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "larger than 11 bytes");
    CHECK_INT(a.body.len, 0);
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/long"), .most_bytes = 16}, &e), ERR_FORMAT);
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/long"), .most_bytes = 17}, &e), 0);
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/short")}, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "/short: ");
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/slow"), .most_s = 0.2}, &e), ERR_IO);
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .stop = &stop}, &e), ERR_CANCEL);
    net_answer_release(&a);
}

TEST(net_follows_redirects_by_its_rules)
{
    struct book there = {0};
    struct http_server *other = http_server_new(answer, &there);
    struct net_request r = {.url = at("/away"), .redirects = 3, .token = "t0ken"};
    struct net_answer a;
    struct err e;

    if (!net_present())
        http_server_free(&other);
    without_build();
    book.to = "/text"; /* the same origin has the token again */
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK_STR(book.path, "/text");
    CHECK_STR(book.token, "Bearer t0ken");
    net_answer_release(&a);

    book.to = http_server_url(other, "/text"); /* another port is another origin */
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK_STR(buf_str(&a.body), "twelve bytes");
    CHECK_STR(a.url, http_server_url(other, "/text"));
    CHECK_INT(there.asked, 1);
    CHECK_STR(there.token, "");
    char *linked = net_field_any(&a, "x-linked-etag"), *only = net_field(&a, "x-linked-etag");
    CHECK_STR(linked, "\"abc\"");
    CHECK(!only);
    free(linked);
    net_answer_release(&a);

    r.redirects = 0; /* then 302 is the answer */
    CHECK_INT(ask(&a, &r, &e), 0);
    CHECK_INT(a.status, 302);
    CHECK_STR(buf_str(&a.body), "moved");
    net_answer_release(&a);

    r.redirects = 3;
    r.url = at("/loop");
    CHECK_INT(ask(&a, &r, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "more than 3 redirects");
    net_answer_release(&a);

    r.url = at("/away");
    book.to = "file:///etc/passwd";
    CHECK_INT(ask(&a, &r, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "\"file\" is not allowed");
    net_answer_release(&a);
    http_server_free(&other);
}

static int refused(const char *url, unsigned rules, const char *why)
{
    struct net_answer a;
    struct err e;
    int rc = ask(&a, &(struct net_request){.url = url, .rules = rules, .connect_s = 2}, &e);

    net_answer_release(&a);
    CHECK_INT(rc, ERR_USAGE);
    CHECK_CONTAINS(e.msg, why);
    return 1;
}

TEST(net_goes_nowhere_else)
{
    char url[128];
    int before;

    without_build();
    at("/"); /* the server is there */
    before = book.asked;
    refused("http://192.0.2.1/x", 0, "http is allowed to this machine alone");
    refused("http://10.0.0.1/x", NET_PLAIN | NET_PUBLIC, "not a public one");
    refused("https://169.254.169.254/latest", NET_PUBLIC, "not a public one");
    refused("https://[::1]:9/", NET_PUBLIC, "not a public one");
    refused(at("/text"), NET_PUBLIC, "");
    refused(at("/text"), NET_PUBLIC | NET_PLAIN, "not a public one");
    snprintf(url, sizeof url, "http://localhost:%d/text", http_server_port(server));
    refused(url, NET_PUBLIC | NET_PLAIN, "not a public one"); /* by what the name means */
    snprintf(url, sizeof url, "http://2130706433:%d/text", http_server_port(server));
    refused(url, NET_PUBLIC | NET_PLAIN, "not a public one"); /* 127.0.0.1 as a number */
    refused("ftp://example.org/", 0, "\"ftp\" is not allowed: https");
    refused("https://user:secret@example.org/", 0, "user or password");
    refused("no address", 0, "is no address");
    CHECK_INT(book.asked, before);
}

TEST(net_lets_no_line_into_a_head)
{
    struct net_answer a;
    struct err e;
    const char *two[] = {"A: b\r\nC: d", NULL};

    without_build();
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .field = two}, &e), ERR_USAGE);
    net_answer_release(&a);
    CHECK_INT(ask(&a, &(struct net_request){.url = at("/text"), .token = "s3cret\nX: y"}, &e),
              ERR_USAGE);
    CHECK(!strstr(e.msg, "s3cret"));
    net_answer_release(&a);
}

static int public_text(const char *text)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
        return net_is_public(&v4);
    CHECK_INT(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
    return net_is_public(&v6);
}

TEST(net_knows_public_addresses)
{
    static const char *const yes[] = {"8.8.8.8",         "172.32.0.1",  "100.128.0.0",
                                      "192.167.255.255", "223.255.0.1", "2606:4700::1111",
                                      "::ffff:8.8.8.8",  "2a00::1",     "64:ff9b::808:808",
                                      "2002:808:808::1", "198.20.0.1",  "169.253.1.1"};
    static const char *const no[] = {"0.0.0.0",
                                     "127.0.0.1",
                                     "10.1.2.3",
                                     "172.16.0.1",
                                     "172.31.255.255",
                                     "192.168.1.1",
                                     "169.254.169.254",
                                     "100.64.0.1",
                                     "198.18.0.1",
                                     "224.0.0.1",
                                     "255.255.255.255",
                                     "::",
                                     "::1",
                                     "fe80::1",
                                     "fc00::1",
                                     "ff02::1",
                                     "::ffff:10.0.0.1",
                                     "64:ff9b::a00:1",
                                     "2002:7f00:1::",
                                     "2001::1",
                                     "2001:db8::1",
                                     "::127.0.0.1",
                                     "::ffff:127.0.0.1",
                                     "192.0.0.8"};

    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!public_text(yes[i]))
            ztest_fail(__FILE__, __LINE__, "%s is public", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (public_text(no[i]))
            ztest_fail(__FILE__, __LINE__, "%s is not public", no[i]);
}
