/* order_masks.c - the motion brush of Kling's image2video and of /v1/videos: static_mask and
 * dynamic_masks become a file for the library's option; what it says again, without files, is what
 * the job keeps. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "serve/order.h"

enum { MASKS = 6, POINTS_LEAST = 2, POINTS = 77 };

/* A mask is a picture of the size of the first one. */
static int read_mask(struct call *c, const char *field, const char *text, const struct order *o,
                     struct jsonw *w, const char *key)
{
    struct order_picture mask = {0};

    if (order_picture_text(c, field, text, &mask))
        return -1;
    if (mask.w != o->first.w || mask.h != o->first.h) {
        call_fail(c, FAULT_VALUE, field, "%s: a mask of %dx%d pixels; the image has %dx%d", field,
                  mask.w, mask.h, o->first.w, o->first.h);
        return -1;
    }
    jsonw_string(w, key, mask.name);
    return 0;
}

static int read_path(struct call *c, struct jval v, const struct order *o, struct jsonw *w)
{
    struct jval points = j_get(v, "trajectories");
    int n = j_len(points), rc;

    if (j_type(v) != J_OBJECT || j_type(j_get(v, "mask")) != J_STRING) {
        call_fail(c, FAULT_VALUE, "dynamic_masks", "dynamic_masks: objects with a mask");
        return -1;
    }
    if (j_type(points) != J_ARRAY || n < POINTS_LEAST || n > POINTS) {
        call_fail(c, FAULT_VALUE, "trajectories", "trajectories: %d points; %d to %d are allowed",
                  n, POINTS_LEAST, POINTS);
        return -1;
    }
    jsonw_object(w, NULL);
    rc = read_mask(c, "dynamic_masks", j_string(v, "mask"), o, w, "mask");
    jsonw_array(w, "trajectories");
    for (int i = 0; i < n; i++) {
        struct jval at = j_at_object(points, i);

        jsonw_object(w, NULL);
        jsonw_real(w, "x", order_real(at, "x", -1e5, 1e5, 0));
        jsonw_real(w, "y", order_real(at, "y", -1e5, 1e5, 0));
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
    jsonw_end_object(w);
    return rc;
}

static int write_brush(struct call *c, struct jval body, struct order *o, struct jsonw *w)
{
    struct jval list = j_get(body, "dynamic_masks");
    int rc = 0;

    jsonw_object(w, NULL);
    if (*j_string_or(body, "static_mask", ""))
        rc = read_mask(c, "static_mask", j_string(body, "static_mask"), o, w, "static_mask");
    jsonw_array(w, "dynamic_masks");
    for (int i = 0; !rc && i < j_len(list); i++)
        rc = read_path(c, j_at(list, i), o, w);
    jsonw_end_array(w);
    jsonw_end_object(w);
    return rc;
}

/* Named by what it says, so that the same request is the same order. */
static int keep_brush(struct call *c, struct order *o, const struct buf *json, struct buf *file)
{
    struct sha256 h;
    struct err e;
    char sha[65];

    sha256_init(&h);
    sha256_add(&h, json->data, json->len);
    sha256_hex(&h, sha);
    char *name = xasprintf("%s.json", sha), *path = path_join(c->s->picture_dir, name);
    int rc = file_write(path, json->data, json->len, &e);
    if (rc)
        call_fail_err(c, &e);
    buf_clear(file);
    buf_puts(file, path);
    o->brush = buf_str(file);
    free(name);
    free(path);
    return rc ? -1 : 0;
}

int order_check_masks(struct call *c, struct jval body)
{
    struct jval list = j_get(body, "dynamic_masks");

    if (j_has(body, "dynamic_masks") && (j_type(list) != J_ARRAY || j_len(list) > MASKS)) {
        call_fail(c, FAULT_VALUE, "dynamic_masks", "dynamic_masks: an array of at most %d masks",
                  MASKS);
        return -1;
    }
    if (j_has(body, "static_mask") && j_type(j_get(body, "static_mask")) != J_STRING) {
        call_fail(c, FAULT_VALUE, "static_mask", "static_mask: a picture, as text");
        return -1;
    }
    return 0;
}

int order_has_masks(struct jval body)
{
    return j_len(j_get(body, "dynamic_masks")) > 0 || *j_string_or(body, "static_mask", "");
}

void order_no_masks(struct jval body)
{
    static const char *const fields[] = {"dynamic_masks", "static_mask"};

    for (int i = 0; i < 2; i++)
        if (j_has(body, fields[i]))
            j_fail(body, fields[i], "belongs to an image, beside input_reference of a film");
}

int order_read_masks(struct call *c, struct jval body, const char *image, struct order *o,
                     struct buf *file)
{
    struct buf json = BUF_INIT;
    struct jsonw w;

    if (!o->first.w) {
        call_fail(c, FAULT_VALUE, image, "%s: masks belong to an image that comes with them",
                  image);
        return -1;
    }
    jsonw_init(&w, &json, 0);
    int rc = write_brush(c, body, o, &w);
    if (!rc)
        rc = keep_brush(c, o, &json, file);
    buf_release(&json);
    return rc;
}
