#include "world_sheet.h"

#include <string.h>

#include "base/machine.h"
#include "base/thread.h"
#include "media/picture.h"

enum { GAP = 2 }; /* black pixels between pictures */

struct job {
    const struct sheet *s;
    struct picture *p;
};

/* A row has its own part of the picture, so threads never meet. */
static void draw_row(void *arg, int row, int worker)
{
    const struct job *j = arg;
    const struct sheet *s = j->s;
    double fps = s->columns > 1 ? (s->columns - 1) / s->seconds : 1;
    struct clip c;
    (void)worker;
    s->scene[row].world->render(s->scene[row].state, s->w, s->h, s->columns, fps, &c);
    for (int col = 0; col < s->columns; col++)
        for (int y = 0; y < s->h; y++) {
            size_t x = (size_t)(col * (s->w + GAP)), to = (size_t)(row * (s->h + GAP) + y);
            memcpy(j->p->rgb + (to * (size_t)j->p->w + x) * 3,
                   c.rgb + (size_t)(col * s->h + y) * (size_t)s->w * 3, (size_t)s->w * 3);
        }
    clip_release(&c);
}

int sheet_write(const struct sheet *s, struct err *e)
{
    int64_t w = (int64_t)s->columns * (s->w + GAP) - GAP, h = (int64_t)s->rows * (s->h + GAP) - GAP;
    struct picture p;

    if (w > PICTURE_MAX_SIDE || h > PICTURE_MAX_SIDE)
        return err_set(e, ERR_USAGE,
                       "--sheet: %d rows of %d pictures of %dx%d are %lldx%lld pixels, at most %d "
                       "are allowed",
                       s->rows, s->columns, s->w, s->h, (long long)w, (long long)h,
                       PICTURE_MAX_SIDE);
    picture_init(&p, (int)w, (int)h);
    struct threads *th = threads_new(machine_threads());
    threads_run(th, s->rows, draw_row, &(struct job){s, &p});
    threads_free(&th);
    int rc = picture_save(&p, s->path, e);
    picture_release(&p);
    return rc;
}
