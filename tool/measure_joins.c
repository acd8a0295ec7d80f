/* zoetrope measure --joins: do the windows of long films go together? */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "cmd.h"
#include "format/json.h"
#include "measure/joins.h"
#include "measure_run.h"
#include "media/film.h"

struct places {
    int *frame, n;
};

static void read_places(void *arg, struct jval root)
{
    struct places *p = arg;

    if (j_has(root, "joins") && !(p->frame = joins_parse(j_string(root, "joins"), &p->n)))
        j_fail(root, "joins", "is no list of ascending frames");
}

/* Those of the recipe, or of the film that one wants to know where it was joined. */
static int find_places(const struct measure_args *a, const struct film *f, const char *path,
                       struct places *p, struct err *e)
{
    *p = (struct places){0};
    if (a->at) {
        p->frame = joins_parse(a->at, &p->n);
        return p->frame ? 0 : err_set(e, ERR_USAGE, "--at \"%s\" is no list like 41,73", a->at);
    }
    if (!f->comment)
        return 0;
    return jdoc_take_text(f->comment, strlen(f->comment), path, read_places, p, e);
}

static void print(const char *path, const struct joins_report *r, double fps, int json)
{
    struct buf out = BUF_INIT;
    struct jsonw w;

    if (json) {
        jsonw_init(&w, &out, 0);
        jsonw_object(&w, NULL);
        jsonw_string(&w, "film", path);
        joins_json(r, &w);
        jsonw_end_object(&w);
        buf_putc(&out, '\n');
    } else {
        buf_printf(&out, "%s:\n", path);
        joins_say(r, fps, &out);
    }
    fputs(buf_str(&out), stdout);
    buf_release(&out);
}

static void take(void *user, const uint8_t *rgb)
{
    joins_add(user, rgb);
}

int measure_joins(const struct measure_args *a, const char *path, struct err *e)
{
    struct film f;
    struct places p = {0};
    int rc = film_probe(&f, path, e);

    if (rc)
        return rc;
    double fps = f.fps_num ? (double)f.fps_num / f.fps_den : 8;
    rc = find_places(a, &f, path, &p, e);
    if (!rc) {
        struct joins *j = joins_new(f.w, f.h, fps);
        struct joins_report r;

        film_release(&f);
        rc = film_read(&f, path, &(struct film_caps){.take = take, .user = j}, e);
        if (!rc) {
            joins_report(j, p.frame, p.n, &r);
            print(path, &r, fps, a->json);
            joins_report_release(&r);
        }
        joins_free(&j);
    }
    free(p.frame);
    film_release(&f);
    return rc;
}
