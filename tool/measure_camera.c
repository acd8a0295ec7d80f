/* zoetrope measure --camera: how the camera of a film moves, and whether it was asked to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "cmd.h"
#include "format/json.h"
#include "measure/camera_sight.h"
#include "measure_run.h"
#include "media/film.h"

enum { TRUTH_BYTES = 64 << 20, VIEWS = 1 << 16 };

/* What is known beside the pixels. */
struct known {
    struct camera_rate wish, truth;
    int has_wish, has_truth;
};

static int read_wish(struct known *k, const char *text, struct err *e)
{
    struct camera c;
    int rc = camera_parse(&c, text, e);

    if (rc)
        return rc;
    k->wish = camera_rate_of(&c);
    k->has_wish = camera_moves(&c) || (c.word && !strcmp(c.word, "static"));
    return 0;
}

/* That of the recipe, unless another one is given. */
static int find_wish(const struct measure_args *a, const struct film *f, const char *path,
                     struct known *k, struct err *e)
{
    struct jdoc *doc;
    int rc = 0;

    if (a->request) {
        rc = read_wish(k, a->request, e);
        return rc || k->has_wish ? rc
                                 : err_set(e, ERR_USAGE,
                                           "--request \"%s\": pan, tilt, zoom, roll and static can "
                                           "be measured",
                                           a->request);
    }
    if (!f->comment || jdoc_parse(&doc, f->comment, strlen(f->comment), path, e))
        return 0; /* a film of somebody else may say anything there */
    if (j_has(jdoc_root(doc), "camera"))
        rc = read_wish(k, j_string(jdoc_root(doc), "camera"), e);
    jdoc_close(&doc);
    return rc;
}

static void three(struct jval v, const char *key, float *out, int n)
{
    struct jval list = j_get(v, key);

    if (j_len(list) != n)
        j_fail(v, key, "is no list of %d numbers", n);
    for (int i = 0; i < n && i < j_len(list); i++)
        out[i] = (float)j_at_real(list, i, -1e6, 1e6);
}

static void read_truth(void *arg, struct jval root)
{
    struct known *k = arg;
    struct jval list = j_get(root, "camera");
    int n = j_len(list);

    if (n < 2 || n > VIEWS)
        return;
    struct view *view = xcalloc((size_t)n, sizeof *view);
    for (int i = 0; i < n; i++) {
        struct jval v = j_at_object(list, i);
        float half[2] = {1, 1};

        three(v, "right", view[i].right, 3);
        three(v, "up", view[i].up, 3);
        three(v, "forward", view[i].forward, 3);
        three(v, "half", half, 2);
        view[i].tan_w = half[0];
        view[i].tan_h = half[1];
    }
    k->truth = camera_true_rate(view, n, j_real(root, "fps", 0.01, 1000));
    k->has_truth = 1;
    free(view);
}

/* `zoetrope world` writes NAME.json beside NAME.mp4. */
static int find_truth(const char *film, struct known *k, struct err *e)
{
    const char *dot = strrchr(path_base(film), '.');
    size_t len = dot ? (size_t)(dot - film) : strlen(film);
    char *path = xasprintf("%.*s.json", (int)len, film);
    int rc = file_exists(path) ? jdoc_take(path, TRUTH_BYTES, read_truth, k, e) : 0;

    free(path);
    return rc;
}

static void print(const char *path, const struct camera_report *r, const struct known *k, int json)
{
    const struct camera_rate *wish = k->has_wish ? &k->wish : NULL;
    const struct camera_rate *truth = k->has_truth ? &k->truth : NULL;
    struct buf out = BUF_INIT;
    struct jsonw w;

    if (json) {
        jsonw_init(&w, &out, 0);
        jsonw_object(&w, NULL);
        jsonw_string(&w, "film", path);
        camera_report_json(r, wish, truth, &w);
        jsonw_end_object(&w);
        buf_putc(&out, '\n');
    } else {
        buf_printf(&out, "%s:\n", path);
        camera_report_say(r, wish, truth, &out);
    }
    fputs(buf_str(&out), stdout);
    buf_release(&out);
}

static void take(void *user, const uint8_t *rgb)
{
    camera_sight_add(user, rgb);
}

int measure_camera(const struct measure_args *a, const char *path, struct err *e)
{
    struct known k = {0};
    struct film f;
    int rc = film_probe(&f, path, e);

    if (rc)
        return rc;
    rc = find_wish(a, &f, path, &k, e);
    if (!rc)
        rc = find_truth(path, &k, e);
    if (!rc) {
        double fps = f.fps_num ? (double)f.fps_num / f.fps_den : 8;
        struct camera_sight *s = camera_sight_new(f.w, f.h, fps);
        struct camera_report r;

        film_release(&f);
        rc = film_read(&f, path, &(struct film_caps){.take = take, .user = s}, e);
        if (!rc) {
            camera_report(s, &r);
            print(path, &r, &k, a->json);
            if (a->request && !camera_obeyed(&r.all, &k.wish))
                rc = err_set(e, ERR_CHECK, "%s: the camera does not do \"%s\"", path, a->request);
            camera_report_release(&r);
        }
        camera_sight_free(&s);
    }
    film_release(&f);
    return rc;
}
