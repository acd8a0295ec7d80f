#include "generate_draft.h"

#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "media/film.h"

/* Does the recipe say so? What else it says is for the job to judge. */
static int is_draft(const struct film *f)
{
    struct jdoc *doc;
    int yes = 0;

    if (f->comment && !jdoc_parse(&doc, f->comment, strlen(f->comment), "recipe", NULL)) {
        yes = j_bool_or(jdoc_root(doc), "draft", 0);
        jdoc_close(&doc);
    }
    return yes;
}

int draft_set(struct draft *d, zt_job *job, struct err *e)
{
    struct film f;
    int rc = film_read(&f, d->path, NULL, e);

    if (rc)
        return rc;
    if (!is_draft(&f))
        rc = err_set(e, ERR_USAGE,
                     "from-draft: %s is no film of --draft; --again draws a film once more",
                     d->path);
    for (int i = 0; !rc && i < f.n; i++)
        layout_add(&d->draft, f.rgb + (size_t)f.w * (size_t)f.h * 3 * (size_t)i, f.w, f.h);
    d->draft.fps = (double)f.fps_num / f.fps_den;
    film_release(&f);
    if (!rc)
        rc = e->code = zt_job_set_film(job, d->path, e->msg, sizeof e->msg);
    return rc ? rc : (e->code = zt_job_set(job, "draft", "no", e->msg, sizeof e->msg));
}

static int watch(void *user, int index, int n_frames, const uint8_t *rgb, int w, int h)
{
    struct draft *d = user;

    (void)index, (void)n_frames;
    layout_add(&d->drawn, rgb, w, h);
    return 0;
}

void draft_watch(struct draft *d, zt_job *job)
{
    const char *fps = zt_job_get(job, "fps");

    layout_release(&d->drawn);
    d->drawn.fps = fps ? strtod(fps, NULL) : 0;
    zt_job_on_frame(job, d->path ? watch : NULL, d);
    zt_job_frames_apart(job, 1);
}

void draft_release(struct draft *d)
{
    layout_release(&d->draft);
    layout_release(&d->drawn);
}
