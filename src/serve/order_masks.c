/* order_masks.c - the motion brush of Kling's image2video and of /v1/videos: static_mask and
 * dynamic_masks become a file for the library's option; what it says again, without files, is what
 * the job keeps. In a form masks may be files, and dynamic_masks is the text of its array. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "serve/order.h"

enum { MASKS = 6, POINTS_LEAST = 2, POINTS = 77 };

static const char *const MASK_FILES[] = {ORDER_MASK_FILES};
enum { STATIC_FILE, DYNAMIC_FILE };

/* A mask is a picture of the size of the first one; text, or a file. */
static int read_mask(struct call *c, const char *field, const char *text, const struct buf *file,
                     const struct order *o, struct jsonw *w, const char *key)
{
    struct order_picture mask = {0};

    if (file ? order_picture(c, field, file, &mask) : order_picture_text(c, field, text, &mask))
        return -1;
    if (mask.w != o->first.w || mask.h != o->first.h) {
        call_fail(c, FAULT_VALUE, field, "%s: a mask of %dx%d pixels; the image has %dx%d", field,
                  mask.w, mask.h, o->first.w, o->first.h);
        return -1;
    }
    jsonw_string(w, key, mask.name);
    return 0;
}

/* file: of a mask that is not in the object, NULL when there is none. */
static int read_path(struct call *c, struct jval v, const struct buf *file, const struct order *o,
                     struct jsonw *w)
{
    struct jval points = j_get(v, "trajectories");
    int n = j_len(points), rc;

    if (j_type(v) != J_OBJECT || (!file && j_type(j_get(v, "mask")) != J_STRING)) {
        call_fail(c, FAULT_VALUE, "dynamic_masks", "dynamic_masks: objects with a mask%s",
                  c->multipart ? ", or as many files dynamic_masks[][mask]" : "");
        return -1;
    }
    if (j_type(points) != J_ARRAY || n < POINTS_LEAST || n > POINTS) {
        call_fail(c, FAULT_VALUE, "trajectories", "trajectories: %d points; %d to %d are allowed",
                  n, POINTS_LEAST, POINTS);
        return -1;
    }
    jsonw_object(w, NULL);
    rc = read_mask(c, "dynamic_masks", file ? NULL : j_string(v, "mask"), file, o, w, "mask");
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

/* Objects that have no mask take the files, one after the other; none is left. */
static int read_paths(struct call *c, struct jval list, const struct order *o, struct jsonw *w)
{
    const struct buf *file = call_file(c, MASK_FILES[DYNAMIC_FILE], 0);
    int rc = 0, taken = 0;

    for (int i = 0; !rc && i < j_len(list); i++) {
        int own = j_has(j_at(list, i), "mask");

        rc = read_path(c, j_at(list, i), own ? NULL : file, o, w);
        if (!own)
            file = call_file(c, MASK_FILES[DYNAMIC_FILE], ++taken);
    }
    if (!rc && file) {
        call_fail(c, FAULT_VALUE, "dynamic_masks",
                  "dynamic_masks: %d of its objects want a file, and there are more", taken);
        rc = -1;
    }
    return rc;
}

static int write_brush(struct call *c, struct jval body, struct jval list, struct order *o,
                       struct jsonw *w)
{
    const struct buf *file = call_file(c, MASK_FILES[STATIC_FILE], 0);
    int rc = 0;

    jsonw_object(w, NULL);
    if (file || *j_string_or(body, "static_mask", ""))
        rc = read_mask(c, "static_mask", j_string_or(body, "static_mask", ""), file, o, w,
                       "static_mask");
    jsonw_array(w, "dynamic_masks");
    if (!rc)
        rc = read_paths(c, list, o, w);
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

/* dynamic_masks, in a form as text, which *form then holds. -1: the call has failed. */
static int read_list(struct call *c, struct jval body, struct jdoc **form, struct jval *list)
{
    static const char name[] = "dynamic_masks";
    struct err e;

    *list = j_get(body, name);
    if (c->multipart && *j_string_or(body, name, "")) {
        const char *text = j_string(body, name);

        if (jdoc_parse(form, text, strlen(text), name, &e)) {
            call_fail(c, FAULT_VALUE, name, "%s (the text of an array in JSON)", e.msg);
            return -1;
        }
        *list = jdoc_root(*form);
    }
    if (j_has(body, name) && (j_type(*list) != J_ARRAY || j_len(*list) > MASKS)) {
        call_fail(c, FAULT_VALUE, name, "%s: an array of at most %d masks", name, MASKS);
        return -1;
    }
    return 0;
}

int order_check_masks(struct call *c, struct jval body)
{
    struct jdoc *form = NULL;
    struct jval list;
    int rc = read_list(c, body, &form, &list);

    jdoc_close(&form);
    if (rc)
        return -1;
    if (j_has(body, "static_mask") && j_type(j_get(body, "static_mask")) != J_STRING) {
        call_fail(c, FAULT_VALUE, "static_mask", "static_mask: a picture, as text");
        return -1;
    }
    return 0;
}

int order_has_masks(const struct call *c, struct jval body)
{
    struct jval list = j_get(body, "dynamic_masks");

    return j_len(list) > 0 || j_type(list) == J_STRING || *j_string_or(body, "static_mask", "") ||
           call_file(c, MASK_FILES[STATIC_FILE], 0) || call_file(c, MASK_FILES[DYNAMIC_FILE], 0);
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
    struct jdoc *form = NULL;
    struct jval list;
    struct jsonw w;
    struct err e;

    if (!o->first.w) {
        call_fail(c, FAULT_VALUE, image, "%s: masks belong to an image that comes with them",
                  image);
        return -1;
    }
    jsonw_init(&w, &json, 0);
    int rc = read_list(c, body, &form, &list);
    if (!rc)
        rc = write_brush(c, body, list, o, &w);
    if (!rc && form && jdoc_status(form, &e)) {
        call_fail_err(c, &e);
        rc = -1;
    }
    if (!rc)
        rc = keep_brush(c, o, &json, file);
    buf_release(&json);
    jdoc_close(&form);
    return rc;
}
