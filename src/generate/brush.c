#include "generate/brush.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "media/picture.h"

enum { MAX_JSON = 1 << 20, WHITE = 128, MAX_SIDE = 4096 };

/* Runs down the columns, 0 first -> bytes [h][w]. NULL: the document says what is wrong. */
static uint8_t *read_runs(struct jval v, int *w, int *h)
{
    struct jval size = j_array(v, "size"), counts = j_array(v, "counts");
    int64_t at = 0, all;

    *h = (int)j_at_int(size, 0, 1, MAX_SIDE);
    *w = (int)j_at_int(size, 1, 1, MAX_SIDE);
    all = (int64_t)*w * *h;
    if (jdoc_status(v.doc, NULL))
        return NULL;
    uint8_t *mask = xcalloc((size_t)all, 1);
    for (int i = 0; i < j_len(counts); i++) {
        int64_t n = j_at_int(counts, i, 0, all - at);

        for (int64_t k = at; i % 2 && k < at + n; k++)
            mask[k % *h * *w + k / *h] = 1;
        at += n;
    }
    if (at != all)
        j_fail(v, "counts", "are %lld px together, size says %lld", (long long)at, (long long)all);
    if (!jdoc_status(v.doc, NULL))
        return mask;
    free(mask);
    return NULL;
}

/* A file beside the JSON. dir NULL: there are none. */
static int read_picture(struct jval v, const char *key, const char *dir, uint8_t **mask, int *w,
                        int *h, struct err *e)
{
    struct picture p = {0};
    int rc;

    if (!dir)
        return err_set(e, ERR_USAGE,
                       "brush: %s names a file; here {\"size\", \"counts\"} is wanted", key);
    char *path = path_join(dir, j_string(v, key));
    rc = picture_load(&p, path, e);
    if (rc)
        err_prefix(e, "brush: %s", key);
    else
        *mask = xmalloc((size_t)p.w * (size_t)p.h);
    *w = p.w;
    *h = p.h;
    for (size_t i = 0; !rc && i < (size_t)p.w * (size_t)p.h; i++)
        (*mask)[i] = p.rgb[3 * i + 1] >= WHITE;
    picture_release(&p);
    free(path);
    return rc;
}

/* At most BRUSH_SIDE px, each what most of it is. */
static void keep_mask(struct brush *b, const uint8_t *mask, uint8_t **out)
{
    struct brush whole = {.w = b->own_w, .h = b->own_h};
    double scale = fmin(1, (double)BRUSH_SIDE / (b->own_w > b->own_h ? b->own_w : b->own_h));

    b->w = (int)fmax(1, floor(b->own_w * scale + 0.5));
    b->h = (int)fmax(1, floor(b->own_h * scale + 0.5));
    *out = xmalloc((size_t)b->w * (size_t)b->h);
    for (int y = 0; y < b->h; y++)
        for (int x = 0; x < b->w; x++)
            (*out)[y * b->w + x] = brush_cover(&whole, mask, (double)x / b->w, (double)y / b->h,
                                               (x + 1.0) / b->w, (y + 1.0) / b->h) >= 0.5;
}

/* All have one size. */
static int read_mask(struct brush *b, struct jval v, const char *key, const char *dir,
                     uint8_t **out, struct err *e)
{
    uint8_t *mask = NULL;
    int w = 0, h = 0, rc = 0;

    if (j_type(j_get(v, key)) == J_OBJECT)
        mask = read_runs(j_get(v, key), &w, &h);
    else if (j_type(j_get(v, key)) == J_STRING)
        rc = read_picture(v, key, dir, &mask, &w, &h, e);
    else
        j_fail(v, key, "a picture, white where it is meant, is needed");
    if (!rc)
        rc = jdoc_status(v.doc, e);
    if (!rc && b->w && (w != b->own_w || h != b->own_h))
        rc = err_set(e, ERR_USAGE, "brush: %s has %dx%d px, another mask %dx%d; all have one size",
                     key, w, h, b->own_w, b->own_h);
    if (!rc) {
        b->own_w = w;
        b->own_h = h;
        keep_mask(b, mask, out);
        if (!memchr(*out, 1, (size_t)b->w * (size_t)b->h))
            rc = err_set(e, ERR_USAGE,
                         "brush: %s is black, or what is white in it smaller than a %dth of its "
                         "side: nothing would go",
                         key, BRUSH_SIDE);
    }
    free(mask);
    return rc;
}

static int read_path(struct brush *b, struct jval v, const char *dir, struct err *e)
{
    struct brush_path *p = &b->path[b->n_paths];
    struct jval points = j_array(v, "trajectories");
    int n = j_len(points), rc;

    if (n < BRUSH_LEAST || n > BRUSH_POINTS)
        j_fail(v, "trajectories", "%d points; %d to %d are allowed", n, BRUSH_LEAST, BRUSH_POINTS);
    rc = jdoc_status(v.doc, e);
    if (!rc)
        rc = read_mask(b, v, "mask", dir, &p->mask, e);
    if (rc)
        return rc;
    b->n_paths++;
    p->n = n;
    for (int i = 0; i < n; i++) {
        struct jval at = j_at_object(points, i);

        p->x[i] = (float)(j_real(at, "x", -1e5, 1e5) / b->own_w);
        p->y[i] = (float)(1 - j_real(at, "y", -1e5, 1e5) / b->own_h);
    }
    return jdoc_status(v.doc, e);
}

static int read_brush(struct brush *b, struct jval root, const char *dir, struct err *e)
{
    struct jval list = j_get(root, "dynamic_masks");
    int n = j_len(list), rc = 0;

    if (j_has(root, "dynamic_masks") && (j_type(list) != J_ARRAY || n > BRUSH_PATHS))
        j_fail(root, "dynamic_masks", "a list of at most %d masks is allowed", BRUSH_PATHS);
    else if (!n && !j_has(root, "static_mask"))
        j_fail(root, "dynamic_masks", "neither these nor a static_mask are there");
    rc = jdoc_status(root.doc, e);
    if (!rc && j_has(root, "static_mask"))
        rc = read_mask(b, root, "static_mask", dir, &b->still, e);
    for (int i = 0; !rc && i < n; i++) {
        rc = read_path(b, j_at_object(list, i), dir, e);
        if (rc)
            err_prefix(e, "dynamic mask %d", i + 1);
    }
    return rc ? rc : jdoc_status(root.doc, e);
}

int brush_read(struct brush *b, const char *from, struct err *e)
{
    struct buf text = BUF_INIT;
    struct jdoc *doc = NULL;
    int inlined = *from == '{', rc = 0;
    char *dir = inlined ? NULL : path_dir(from);

    *b = (struct brush){0};
    if (inlined)
        buf_puts(&text, from);
    else
        rc = file_read(&text, from, MAX_JSON, e);
    if (!rc)
        rc = jdoc_parse(&doc, buf_str(&text), text.len, inlined ? "brush" : from, e);
    if (!rc)
        rc = read_brush(b, jdoc_root(doc), dir, e);
    if (rc == ERR_FORMAT)
        rc = e->code = ERR_USAGE;
    jdoc_close(&doc);
    buf_release(&text);
    free(dir);
    return rc;
}

static void say_mask(struct jsonw *w, const char *key, const struct brush *b, const uint8_t *mask)
{
    int value = 0, n = 0;

    jsonw_object(w, key);
    jsonw_array(w, "size");
    jsonw_int(w, NULL, b->h);
    jsonw_int(w, NULL, b->w);
    jsonw_end_array(w);
    jsonw_array(w, "counts");
    for (int x = 0; x < b->w; x++)
        for (int y = 0; y < b->h; y++, n++)
            if (mask[y * b->w + x] != value) {
                jsonw_int(w, NULL, n);
                value = !value;
                n = 0;
            }
    jsonw_int(w, NULL, n);
    jsonw_end_array(w);
    jsonw_end_object(w);
}

void brush_say(const struct brush *b, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    if (b->still)
        say_mask(&w, "static_mask", b, b->still);
    jsonw_array(&w, "dynamic_masks");
    for (int i = 0; i < b->n_paths; i++) {
        const struct brush_path *p = &b->path[i];

        jsonw_object(&w, NULL);
        say_mask(&w, "mask", b, p->mask);
        jsonw_array(&w, "trajectories");
        for (int k = 0; k < p->n; k++) {
            jsonw_object(&w, NULL);
            jsonw_real(&w, "x", (double)p->x[k] * b->w);
            jsonw_real(&w, "y", (1 - (double)p->y[k]) * b->h);
            jsonw_end_object(&w);
        }
        jsonw_end_array(&w);
        jsonw_end_object(&w);
    }
    jsonw_end_array(&w);
    jsonw_end_object(&w);
}

void brush_release(struct brush *b)
{
    free(b->still);
    for (int i = 0; i < BRUSH_PATHS; i++)
        free(b->path[i].mask);
    *b = (struct brush){0};
}

void brush_at(const struct brush *b, int i, double part, double *dx, double *dy)
{
    const struct brush_path *p = &b->path[i];
    double at = fmin(fmax(part, 0), 1) * (p->n - 1);
    int k = at < p->n - 2 ? (int)at : p->n - 2;
    double u = at - k;

    *dx = p->x[k] + u * ((double)p->x[k + 1] - p->x[k]) - (double)p->x[0];
    *dy = p->y[k] + u * ((double)p->y[k + 1] - p->y[k]) - (double)p->y[0];
}

double brush_cover(const struct brush *b, const uint8_t *mask, double x0, double y0, double x1,
                   double y1)
{
    int ax = (int)floor(x0 * b->w + 0.5), bx = (int)floor(x1 * b->w + 0.5);
    int ay = (int)floor(y0 * b->h + 0.5), by = (int)floor(y1 * b->h + 0.5);
    double n = 0, in = 0;

    bx = bx > ax ? bx : ax + 1;
    by = by > ay ? by : ay + 1;
    for (int y = ay; y < by; y++)
        for (int x = ax; x < bx; x++, n++)
            if (x >= 0 && y >= 0 && x < b->w && y < b->h)
                in += mask[(size_t)y * (size_t)b->w + (size_t)x];
    return in / n;
}
