/* picture_in.c - pictures that clients give. What is kept is not what came, but what was seen in
 * it: the picture is decoded and written anew. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "media/picture.h"
#include "serve/order.h"
#include "serve/sign.h"

enum { PICTURE_BYTES = 32 << 20, PICTURE_SIDE_LEAST = 16 };

static int decode(struct call *c, const char *path, struct picture *p, struct err *e)
{
    (void)c;
    return picture_load(p, path, e);
}

int order_picture(struct call *c, const char *field, const void *data, size_t bytes, char name[80])
{
    struct server *s = c->s;
    struct picture p = {0};
    struct sha256 h;
    struct err e = {0};
    char sha[65];

    if (bytes > PICTURE_BYTES) {
        call_fail(c, FAULT_TOO_LARGE, field, "%s: a picture may have %d bytes at most", field,
                  PICTURE_BYTES);
        return -1;
    }
    sha256_init(&h);
    sha256_add(&h, data, bytes);
    sha256_hex(&h, sha);
    snprintf(name, 80, "%s.png", sha);
    char *in_name = xasprintf("%s-%s", sha, c->request_id);
    char *in = path_join(s->work_dir, in_name), *to = path_join(s->picture_dir, name);
    int rc = file_exists(to) ? 1 : file_write(in, data, bytes, &e);
    if (!rc)
        rc = decode(c, in, &p, &e);
    if (!rc && (p.w < PICTURE_SIDE_LEAST || p.h < PICTURE_SIDE_LEAST))
        rc = err_set(&e, ERR_FORMAT, "too small");
    if (!rc)
        rc = picture_save(&p, to, &e);
    picture_release(&p);
    unlink(in);
    free(in), free(to), free(in_name);
    if (rc < 0 && e.code == ERR_FORMAT)
        call_fail(c, FAULT_MEDIA, field,
                  "%s: not a whole picture (PNG, JPEG, WebP) of %d to %d pixels a side", field,
                  PICTURE_SIDE_LEAST, PICTURE_MAX_SIDE);
    else if (rc < 0)
        call_fail_err(c, &e);
    return rc < 0 ? -1 : 0;
}

int order_picture_text(struct call *c, const char *field, const char *text, char name[80])
{
    static const char data[] = "data:";
    struct buf bytes = BUF_INIT;
    int rc = -1;

    if (!strncmp(text, data, sizeof data - 1)) {
        const char *comma = strstr(text, ";base64,");
        text = comma ? comma + 8 : "";
    }
    if (strstr(text, "://"))
        call_fail(c, FAULT_VALUE, field, "%s: addresses of pictures are not fetched here", field);
    else if (!*text || base64_decode(&bytes, text, strlen(text), 0))
        call_fail(c, FAULT_MEDIA, field, "%s: neither base64 nor a data: address", field);
    else
        rc = order_picture(c, field, bytes.data, bytes.len, name);
    buf_release(&bytes);
    return rc;
}
