#include "serve/log.h"

#include <string.h>
#include <time.h>

#include "base/jsonw.h"
#include "base/utf8.h"
#include "serve/jobs.h"

/* What strangers said, as terminals and editors may show it: no control characters, nothing that
 * turns the direction of text, and not without end. */
static void put_plain(struct jsonw *w, const char *name, const char *text)
{
    enum { MOST = 400 };
    struct buf b = BUF_INIT;
    size_t left = strlen(text);

    while (left && b.len < MOST) {
        uint32_t cp = 0;
        int n = utf8_decode(text, left, &cp);
        int turns = cp == 0x61c || cp == 0x200e || cp == 0x200f || (cp >= 0x2028 && cp <= 0x202e) ||
                    (cp >= 0x2066 && cp <= 0x2069);

        if (!n || cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || turns)
            buf_putc(&b, '?');
        else
            buf_add(&b, text, (size_t)n);
        text += n ? n : 1;
        left -= (size_t)(n ? n : 1);
    }
    if (left)
        buf_puts(&b, "...");
    jsonw_string(w, name, buf_str(&b));
    buf_release(&b);
}

void log_line(FILE *to, const char *const *list)
{
    struct buf b = BUF_INIT;
    struct jsonw w;
    char time[40];
    struct tm t;
    int64_t now = jobs_now_ms();
    time_t seconds = now / 1000;

    if (!to)
        return;
    gmtime_r(&seconds, &t);
    size_t n = strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(time + n, sizeof time - n, ".%03dZ", (int)(now % 1000));
    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "time", time);
    jsonw_string(&w, "event", *list++);
    for (; list[0] && list[1]; list += 2)
        put_plain(&w, list[0], list[1]);
    jsonw_end_object(&w);
    buf_putc(&b, '\n');
    fwrite(b.data, 1, b.len, to);
    fflush(to);
    buf_release(&b);
}
