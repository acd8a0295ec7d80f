/* picture_in.c - pictures that clients give. What is kept is not what came, but what was seen in
 * it: the picture is decoded and written anew. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/hash.h"
#include "media/picture.h"
#include "net/net.h"
#include "serve/film_file.h"
#include "serve/jobs_share.h"
#include "serve/order.h"
#include "serve/reader.h"
#include "serve/retain.h"
#include "serve/sign.h"

enum { PICTURE_BYTES = 32 << 20, PICTURE_SIDE_LEAST = 16, FETCH_S = 20, REDIRECTS = 3 };

int order_picture(struct call *c, const char *field, const struct buf *file,
                  struct order_picture *as)
{
    struct picture p = {0};
    struct sha256 h;
    struct err e = {0};
    char sha[65];
    int rc;

    sha256_init(&h);
    sha256_add(&h, file->data, file->len);
    sha256_hex(&h, sha);
    snprintf(as->name, sizeof as->name, "%s.png", sha);
    char *to = path_join(c->s->picture_dir, as->name);
    rc = reader_decode(c->s->reader, file, &p, &e);
    if (!rc && (p.w < PICTURE_SIDE_LEAST || p.h < PICTURE_SIDE_LEAST))
        rc = err_set(&e, ERR_FORMAT, "%dx%d pixels", p.w, p.h);
    if (!rc)
        rc = picture_save(&p, to, &e);
    if (!rc)
        rc = jobs_file_put(c->s->jobs, as->name, 0, to, &e);
    as->w = p.w;
    as->h = p.h;
    picture_release(&p);
    free(to);
    if (rc == ERR_FORMAT || rc == ERR_FIT)
        call_fail(c, FAULT_MEDIA, field,
                  "%s: not a whole picture (PNG, JPEG, WebP) of %d to %d pixels a side (%s)", field,
                  PICTURE_SIDE_LEAST, PICTURE_MAX_SIDE, e.msg);
    else if (rc)
        call_fail_err(c, &e);
    return rc ? -1 : 0;
}

/* A picture of another machine: of a public address, which is looked at when its name is resolved.
 */
static int fetch(struct call *c, const char *field, const char *url, struct order_picture *to)
{
    const struct net_request r = {.url = url,
                                  .most_bytes = PICTURE_BYTES,
                                  .most_s = FETCH_S,
                                  .connect_s = FETCH_S / 2,
                                  .redirects = REDIRECTS,
                                  .rules = c->s->o.allow_private ? NET_PLAIN : NET_PUBLIC,
                                  .stop = &c->s->stop};
    struct net_answer a;
    struct err e;
    int rc = net_request(&a, &r, &e);

    if (rc)
        call_fail(c, FAULT_ADDRESS, field, "%s: %s", field, e.msg);
    else if (a.status != 200)
        call_fail(c, FAULT_ADDRESS, field, "%s: the address answers with status %d", field,
                  a.status);
    else
        rc = order_picture(c, field, &a.body, to);
    rc = rc || a.status != 200 ? -1 : 0;
    net_answer_release(&a);
    return rc;
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
        return fetch(c, field, text, to);
    if (!*text || base64_decode(&bytes, text, strlen(text), 0))
        call_fail(c, FAULT_MEDIA, field, "%s: neither base64 nor an https:// or data: address",
                  field);
    else
        rc = order_picture(c, field, &bytes, to);
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
    if (retain_is_gone(c, parent))
        return -1;
    name = xasprintf("%lld.last.png", (long long)parent->id);
    path = path_join(c->s->preview_dir, name);
    (void)film_file_fetch(c->s, c->s->preview_dir, name, 0);
    rc = file_read(&png, path, PICTURE_BYTES, &e);
    if (rc)
        call_fail(c, FAULT_VALUE, "video", "video: its last picture is not kept any more");
    else
        rc = order_picture(c, "video", &png, &o->first);
    o->parent = parent->id;
    buf_release(&png);
    free(path), free(name);
    return rc ? -1 : 0;
}
