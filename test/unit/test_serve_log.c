/* The log: a line of JSON for each call, whatever the call says. */
#include <stdlib.h>

#include "base/file.h"
#include "base/utf8.h"
#include "format/json.h"
#include "serving.h"
#include "ztest.h"

/* Every line is an object with the method of the call; nothing that a terminal would obey. */
static int check_log(const char *path)
{
    struct buf b = BUF_INIT;
    int n = 0;

    CHECK(!file_read(&b, path, 1 << 20, NULL));
    CHECK(utf8_valid(b.data, b.len, NULL));
    for (char *line = b.data, *end; (end = strchr(line, '\n')); line = end + 1) {
        struct jdoc *doc;
        struct err e;

        if (jdoc_parse(&doc, line, (size_t)(end - line), "line", &e))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        CHECK(*j_string(jdoc_root(doc), "time") && *j_string(jdoc_root(doc), "event"));
        n += !strcmp(j_string(jdoc_root(doc), "event"), "call");
        jdoc_close(&doc);
        CHECK(end - line < 2000);
        for (const char *p = line; p < end;) {
            uint32_t cp = 0;
            int len = utf8_decode(p, (size_t)(end - p), &cp);
            CHECK(len && cp >= 0x20 && (cp < 0x7f || cp >= 0xa0) && cp != 0x202e);
            p += len;
        }
    }
    buf_release(&b);
    return n;
}

TEST(serve_log_is_plain_whatever_is_asked)
{
    static const char *const asked[] = {
        "GET /a%0a{\"event\":\"forged\"} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /\x1b[2J\x1b]0;x\x07 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /\xc2\x9b"
        "2J\xe2\x80\xae HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "GET /\xff\xfe\" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        "G\xc2\x9b\x1b[31m\"\\T / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"};
    char *path = ztest_in_tmp("log");
    struct serving s;
    struct answer a = {0};
    struct buf longest = BUF_INIT;

    serving_options(&s, "log-data");
    s.o.log = fopen(path, "w");
    CHECK(s.o.log);
    serving_start(&s);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        serving_raw(&s, asked[i], strlen(asked[i]), &a);
        CHECK(a.status / 100 == 4);
        answer_release(&a);
    }
    for (int i = 0; i < 6000; i++)
        buf_putc(&longest, 'X');
    buf_puts(&longest, " /v1/videos HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    serving_raw(&s, longest.data, longest.len, &a);
    CHECK(a.status / 100 == 4);
    answer_release(&a);
    FILE *log = s.o.log;
    serving_stop(&s, 0);
    fclose(log);
    CHECK_INT(check_log(path), 6);
    buf_release(&longest);
    free(path);
}
