#include "serve/pictures.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "serve/film_file.h"

enum { FILE_BYTES = 512 << 20, MARK_BYTES = 8, CHUNK_BYTES = 12 /* length, name, checksum */ };

int job_pictures(const struct job *j)
{
    struct jdoc *facts;
    int n = 0;

    if (jdoc_parse(&facts, j->facts, strlen(j->facts), "facts", NULL))
        return 0;
    n = (int)j_int_or(jdoc_root(facts), "pictures", 0, PICTURES_MOST, 0);
    jdoc_close(&facts);
    return n;
}

/* The bytes of the PNG at `at`: its chunks, to the end of IEND. 0: it is none, or cut. */
static size_t png_bytes(const uint8_t *at, size_t left)
{
    static const uint8_t mark[MARK_BYTES] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    size_t n = MARK_BYTES;

    if (left < MARK_BYTES || memcmp(at, mark, MARK_BYTES))
        return 0;
    while (left - n >= CHUNK_BYTES) {
        const uint8_t *p = at + n;
        size_t length = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];

        if (length > left - n - CHUNK_BYTES)
            return 0;
        n += CHUNK_BYTES + length;
        if (!memcmp(p + 4, "IEND", 4))
            return n;
    }
    return 0;
}

int pictures_find(const struct buf *file, int n, size_t *from, size_t *bytes)
{
    *from = *bytes = 0;
    for (int i = 0; i <= n; i++) {
        *from += *bytes;
        *bytes = png_bytes((const uint8_t *)file->data + *from, file->len - *from);
        if (!*bytes)
            return -1;
    }
    return 0;
}

void reply_picture(struct call *c, const struct job *j, int n)
{
    char *path = path_join(c->s->film_dir, j->result);
    struct buf file = BUF_INIT;
    size_t from, bytes;
    struct err e;

    (void)film_file_fetch(c->s, c->s->film_dir, j->result, 0);
    if (file_read(&file, path, FILE_BYTES, &e) || pictures_find(&file, n, &from, &bytes)) {
        call_fail(c, FAULT_NO_SUCH, NULL, "there is no such picture");
    } else {
        buf_add(&c->out, file.data + from, bytes);
        c->type = "image/png";
        call_reply_header(c, "Cache-Control", "private, max-age=3600");
        call_reply_header(c, "Content-Security-Policy", "default-src 'none'; sandbox");
    }
    buf_release(&file);
    free(path);
}
