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

int order_picture(struct call *c, const char *field, const void *data, size_t bytes,
                  struct order_picture *as)
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
    snprintf(as->name, sizeof as->name, "%s.png", sha);
    char *in_name = xasprintf("%s-%s", sha, c->request_id);
    char *in = path_join(s->work_dir, in_name), *to = path_join(s->picture_dir, as->name);
    int rc = file_write(in, data, bytes, &e);
    if (!rc)
        rc = decode(c, in, &p, &e);
    if (!rc && (p.w < PICTURE_SIDE_LEAST || p.h < PICTURE_SIDE_LEAST))
        rc = err_set(&e, ERR_FORMAT, "too small");
    if (!rc)
        rc = picture_save(&p, to, &e);
    as->w = p.w;
    as->h = p.h;
    picture_release(&p);
    unlink(in);
    free(in), free(to), free(in_name);
    if (rc && e.code == ERR_FORMAT)
        call_fail(c, FAULT_MEDIA, field,
                  "%s: not a whole picture (PNG, JPEG, WebP) of %d to %d pixels a side", field,
                  PICTURE_SIDE_LEAST, PICTURE_MAX_SIDE);
    else if (rc)
        call_fail_err(c, &e);
    return rc ? -1 : 0;
}

int order_picture_text(struct call *c, const char *field, const char *text,
                       struct order_picture *to)
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
        rc = order_picture(c, field, bytes.data, bytes.len, to);
    buf_release(&bytes);
    return rc;
}

int order_goes_on(struct call *c, const struct job *parent, struct order *o)
{
    struct buf png = BUF_INIT;
    struct err e;
    char *path, *name;
    int rc;

    if (parent->state != JOB_SUCCEEDED) {
        call_fail(c, FAULT_VALUE, "video", "video: it is not done, so nothing can go on from it");
        return -1;
    }
    name = xasprintf("%lld.last.png", (long long)parent->id);
    path = path_join(c->s->preview_dir, name);
    rc = file_read(&png, path, PICTURE_BYTES, &e);
    if (rc)
        call_fail(c, FAULT_VALUE, "video", "video: its last picture is not kept any more");
    else
        rc = order_picture(c, "video", png.data, png.len, &o->first);
    o->parent = parent->id;
    buf_release(&png);
    free(path), free(name);
    return rc ? -1 : 0;
}
