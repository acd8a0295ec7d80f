/* kling_motion.c - the motion brush of Kling's image2video: static_mask and dynamic_masks become a
 * file for the library's option; what it says again, without files, is what the job keeps. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "serve/kling.h"

enum { MASKS = 6, POINTS_LEAST = 2, POINTS = 77 };

/* A mask is a picture of the size of the first one. */
static int read_mask(struct call *c, const char *field, const char *text, const struct kling *k,
                     struct jsonw *w, const char *key)
{
    struct order_picture mask = {0};

    if (order_picture_text(c, field, text, &mask))
        return -1;
    if (mask.w != k->o.first.w || mask.h != k->o.first.h) {
        call_fail(c, FAULT_VALUE, field, "%s: a mask of %dx%d pixels; the image has %dx%d", field,
                  mask.w, mask.h, k->o.first.w, k->o.first.h);
        return -1;
    }
    jsonw_string(w, key, mask.name);
    return 0;
}

static int read_path(struct call *c, struct jval v, const struct kling *k, struct jsonw *w)
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
    rc = read_mask(c, "dynamic_masks", j_string(v, "mask"), k, w, "mask");
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

static int write_brush(struct call *c, struct jval body, struct kling *k, struct jsonw *w)
{
    struct jval list = j_get(body, "dynamic_masks");
    int rc = 0;

    jsonw_object(w, NULL);
    if (*j_string_or(body, "static_mask", ""))
        rc = read_mask(c, "static_mask", j_string(body, "static_mask"), k, w, "static_mask");
    jsonw_array(w, "dynamic_masks");
    for (int i = 0; !rc && i < j_len(list); i++)
        rc = read_path(c, j_at(list, i), k, w);
    jsonw_end_array(w);
    jsonw_end_object(w);
    return rc;
}

/* Named by what it says, so that the same request is the same order. */
static int keep_brush(struct call *c, struct kling *k, const struct buf *json)
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
    else
        buf_puts(&k->brush, path);
    k->o.brush = buf_str(&k->brush);
    free(name);
    free(path);
    return rc ? -1 : 0;
}

int kling_check_masks(struct call *c, struct jval body)
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

int kling_read_masks(struct call *c, struct jval body, struct kling *k)
{
    struct buf json = BUF_INIT;
    struct jsonw w;

    if (!j_len(j_get(body, "dynamic_masks")) && !*j_string_or(body, "static_mask", ""))
        return 0;
    if (*k->o.last.name || k->o.camera) {
        call_fail(c, FAULT_VALUE, "dynamic_masks",
                  "dynamic_masks: image_tail, camera_control and masks exclude each other");
        return -1;
    }
    if (!*k->o.first.name) {
        call_fail(c, FAULT_VALUE, "image", "image: masks belong to an image");
        return -1;
    }
    jsonw_init(&w, &json, 0);
    int rc = write_brush(c, body, k, &w);
    if (!rc)
        rc = keep_brush(c, k, &json);
    buf_release(&json);
    return rc;
}
