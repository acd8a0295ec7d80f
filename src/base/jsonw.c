/* jsonw.c - JSON (RFC 8259) text. */
#include "base/jsonw.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

void jsonw_init(struct jsonw *w, struct buf *out, int indent)
{
    *w = (struct jsonw){.out = out, .indent = indent, .depth = 0, .first = 1};
}

static void newline(struct jsonw *w)
{
    if (!w->indent)
        return;
    buf_putc(w->out, '\n');
    for (int i = 0; i < w->indent * w->depth; i++)
        buf_putc(w->out, ' ');
}

/* Malformed UTF-8 becomes U+FFFD, so that the text is valid JSON whatever came in. */
static void put_string(struct buf *out, const char *s)
{
    size_t n = strlen(s);

    buf_putc(out, '"');
    while (n) {
        uint32_t cp;
        int k = utf8_decode(s, n, &cp);

        if (k == 0) {
            buf_puts(out, "\xef\xbf\xbd");
            k = 1;
        } else if (cp == '"' || cp == '\\') {
            buf_printf(out, "\\%c", (char)cp);
        } else if (cp == '\n') {
            buf_puts(out, "\\n");
        } else if (cp == '\t') {
            buf_puts(out, "\\t");
        } else if (cp == '\r') {
            buf_puts(out, "\\r");
        } else if (cp < 0x20 || cp == 0x7f) {
            buf_printf(out, "\\u%04x", (unsigned)cp);
        } else {
            buf_add(out, s, (size_t)k);
        }
        s += k;
        n -= (size_t)k;
    }
    buf_putc(out, '"');
}

static void begin_value(struct jsonw *w, const char *key)
{
    if (w->depth) {
        if (!w->first)
            buf_puts(w->out, w->indent ? "," : ", ");
        newline(w);
    }
    w->first = 0;
    if (key) {
        put_string(w->out, key);
        buf_puts(w->out, ": ");
    }
}

static void open_level(struct jsonw *w, const char *key, char c)
{
    begin_value(w, key);
    buf_putc(w->out, c);
    w->depth++;
    w->first = 1;
}

static void close_level(struct jsonw *w, char c)
{
    ZT_ASSERT(w->depth > 0);
    w->depth--;
    if (!w->first)
        newline(w);
    buf_putc(w->out, c);
    w->first = 0;
}

void jsonw_object(struct jsonw *w, const char *key)
{
    open_level(w, key, '{');
}

void jsonw_array(struct jsonw *w, const char *key)
{
    open_level(w, key, '[');
}

void jsonw_end_object(struct jsonw *w)
{
    close_level(w, '}');
}

void jsonw_end_array(struct jsonw *w)
{
    close_level(w, ']');
}

void jsonw_string(struct jsonw *w, const char *key, const char *value)
{
    begin_value(w, key);
    if (value)
        put_string(w->out, value);
    else
        buf_puts(w->out, "null");
}

void jsonw_int(struct jsonw *w, const char *key, int64_t value)
{
    begin_value(w, key);
    buf_printf(w->out, "%" PRId64, value);
}

void jsonw_real(struct jsonw *w, const char *key, double value)
{
    char text[40];

    begin_value(w, key);
    if (!isfinite(value)) {
        buf_puts(w->out, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        double back;

        snprintf(text, sizeof text, "%.*g", digits, value);
        for (char *p = text; *p; p++) /* a locale may have written another decimal point */
            if (!strchr("0123456789+-e", *p))
                *p = '.';
        if (parse_real(text, &back) == 0 && back == value)
            break;
    }
    buf_puts(w->out, text);
}

void jsonw_bool(struct jsonw *w, const char *key, int value)
{
    begin_value(w, key);
    buf_puts(w->out, value ? "true" : "false");
}

void jsonw_null(struct jsonw *w, const char *key)
{
    begin_value(w, key);
    buf_puts(w->out, "null");
}

void jsonw_raw(struct jsonw *w, const char *key, const char *json)
{
    begin_value(w, key);
    buf_puts(w->out, json);
}
