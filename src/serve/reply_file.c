#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/api.h"
#include "serve/film_file.h"
#include "serve/http.h"

/* 1: what the client has is what there is. */
static int is_same(const char *header, const char *etag)
{
    size_t n = etag ? strlen(etag) : 0;

    return header && n && header[0] == '"' && !strncmp(header + 1, etag, n) &&
           !strcmp(header + 1 + n, "\"");
}

static void set_range(struct call *c, int64_t whole, const char *etag)
{
    const char *range = call_header(c, "Range"), *only = call_header(c, "If-Range");
    int part = 0;

    c->file_from = 0;
    c->file_bytes = whole;
    if (range && (!only || is_same(only, etag)))
        part = http_range(range, whole, &c->file_from, &c->file_bytes);
    if (part < 0) {
        close(c->fd);
        c->fd = -1;
        call_fail(c, FAULT_RANGE, NULL, "Range: not one range within %lld bytes", (long long)whole);
        call_reply_header(c, "Content-Range", "bytes */%lld", (long long)whole);
    } else if (part) {
        c->status = 206;
        call_reply_header(c, "Content-Range", "bytes %lld-%lld/%lld", (long long)c->file_from,
                          (long long)(c->file_from + c->file_bytes - 1), (long long)whole);
    }
}

void reply_file(struct call *c, const char *dir, const char *name, const char *type,
                const char *etag)
{
    char *path = path_join(dir, name);
    struct stat st;

    int asked = film_file_fetch(c->s, dir, name, 0);
    c->fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    free(path);
    if (c->fd < 0 && asked < 0) {
        call_fail(c, FAULT_BUSY, NULL, "the store of jobs is away; ask again");
        return;
    }
    if (c->fd < 0 || fstat(c->fd, &st)) {
        call_fail(c, FAULT_NO_SUCH, NULL, "there is no such file (any more)");
        return;
    }
    c->type = type;
    call_reply_header(c, "Accept-Ranges", "bytes");
    call_reply_header(c, "Cache-Control", etag ? "private, max-age=3600" : "no-cache");
    call_reply_header(c, "Content-Security-Policy", "default-src 'none'; sandbox");
    if (etag)
        call_reply_header(c, "ETag", "\"%s\"", etag);
    if (is_same(call_header(c, "If-None-Match"), etag)) {
        close(c->fd);
        c->fd = -1;
        c->status = 304;
        return;
    }
    set_range(c, st.st_size, etag);
}
