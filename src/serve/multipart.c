#include "serve/multipart.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY = 70, HEAD_BYTES = 4096 };

/* The parameter of a header as quoted or plain text: NAME="VALUE". 0; 1: too long, *out is its
 * beginning; or -1: not there. */
static int parameter(const char *head, size_t n, const char *name, char *out, size_t size)
{
    size_t len = strlen(name), k = 0;
    int cut = 0;

    for (size_t i = 0; i + len + 1 < n; i++) {
        int begins = i == 0 || strchr("; \t", head[i - 1]);

        if (!begins || strncasecmp(head + i, name, len) || head[i + len] != '=')
            continue;
        i += len + 1;
        int quoted = i < n && head[i] == '"';
        for (i += (size_t)quoted; i < n && head[i] != (quoted ? '"' : ';'); i++) {
            if (!quoted && strchr(" \t\r\n", head[i]))
                break;
            if (quoted && head[i] == '\\' && i + 1 < n)
                i++;
            if (!head[i])
                return -1;
            if (k + 1 < size)
                out[k++] = head[i];
            else
                cut = 1;
        }
        if (quoted && i >= n)
            return -1;
        out[k] = '\0';
        return cut;
    }
    return -1;
}

/* The lines of a part's head: only Content-Disposition says something to us. */
static int read_head(const char *head, size_t n, struct part *p)
{
    static const char name[] = "Content-Disposition:";
    const char *end = head + n, *line = head;

    for (;;) {
        const char *eol = memmem(line, (size_t)(end - line), "\r\n", 2);
        size_t len = (size_t)((eol ? eol : end) - line);

        if (len >= sizeof name - 1 && !strncasecmp(line, name, sizeof name - 1)) {
            line += sizeof name - 1;
            len -= sizeof name - 1;
            while (len && (*line == ' ' || *line == '\t'))
                line++, len--;
            if (len < 9 || strncasecmp(line, "form-data", 9))
                return -1;
            if (parameter(line, len, "filename", p->filename, sizeof p->filename) < 0)
                p->filename[0] = '\0';
            return parameter(line, len, "name", p->name, sizeof p->name);
        }
        if (!eol)
            return -1;
        line = eol + 2;
    }
}

/* "\r\n--BOUNDARY"; 0, or -1. */
static int read_boundary(const char *content_type, char out[BOUNDARY + 5])
{
    memcpy(out, "\r\n--", 4);
    return parameter(content_type, strlen(content_type), "boundary", out + 4, BOUNDARY + 1) ||
                   !out[4]
               ? -1
               : 0;
}

int multipart_read(const char *content_type, const char *body, size_t bytes,
                   struct part part[MULTIPART_PARTS])
{
    char mark[BOUNDARY + 5];
    const char *at = body, *end = body + bytes, *head_end, *next;
    size_t n;

    if (read_boundary(content_type, mark))
        return -1;
    n = strlen(mark);
    if (bytes < n - 2 || memcmp(at, mark + 2, n - 2))
        return -1;
    at += n - 2;
    for (int i = 0;; i++) {
        if (end - at >= 2 && !memcmp(at, "--", 2))
            return i;
        if (i == MULTIPART_PARTS || end - at < 2 || memcmp(at, "\r\n", 2))
            return -1;
        at += 2;
        head_end = memmem(at, (size_t)(end - at), "\r\n\r\n", 4);
        if (!head_end || head_end - at > HEAD_BYTES ||
            read_head(at, (size_t)(head_end - at), &part[i]))
            return -1;
        at = head_end + 4;
        /* An empty part: its end is the end of the head. */
        next = memmem(at - 2, (size_t)(end - at) + 2, mark, n);
        if (!next)
            return -1;
        part[i].data = at;
        part[i].bytes = next < at ? 0 : (size_t)(next - at);
        at = next + n;
    }
}
