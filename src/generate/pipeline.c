#include "generate/pipeline.h"

#include <stdio.h>

#include "base/clock.h"

int sink_progress(const struct sink *s, const char *stage, long done, long total, double left_s,
                  struct err *e)
{
    int stop = s->stop && atomic_load(s->stop);

    if (!stop && s->progress)
        stop = s->progress(s->user, stage, done, total, left_s);
    return stop ? err_set(e, ERR_CANCEL, "stopped while %s", stage) : 0;
}

/* What is not finite in bf16 and was computed again is no fault, but the user's to know. */
static void note_again(const struct velocity *v, int evaluations, char *note, size_t size)
{
    if (v->again)
        snprintf(note, size,
                 "%d of %d evaluations were computed again in f32, because they were not finite in "
                 "bf16 (the first: %d)",
                 v->again, evaluations, v->first_again);
}

/* Draw and show every window; the hash over the latent of the whole film. */
static int draw_windows(struct cx *cx, const struct bundle *b, const struct plan *p,
                        const struct sink *s, struct figures *out, struct err *e)
{
    struct drawing d;
    struct screen screen;
    struct sha256 latent;
    int rc = drawing_init(&d, cx, b, p, s, e);

    if (rc)
        return rc;
    sha256_init(&latent);
    rc = screen_init(&screen, cx, b, p, s, e);
    if (!rc)
        rc = screen_film(&screen, &p->before, e);
    for (int i = 0; !rc && i < plan_windows(p); i++) {
        struct plan_window w = plan_window(p, i);

        w.given += p->ahead;
        w.shown += p->ahead;
        rc = drawing_window(&d, i, e);
        if (!rc && i == 0)
            rc = picture_kept(cx, b, p, &d.shape, d.x, e);
        if (!rc) {
            latent_hash_add(&latent, &d.shape, d.x, w.given, w.shown);
            rc = screen_show(&screen, &d.shape, d.x, &w, e);
        }
    }
    note_again(&d.velocity, d.evaluations, out->note, sizeof out->note);
    if (!rc)
        rc = screen_film(&screen, &p->behind, e);
    sha256_hex(&latent, out->latent_hash);
    sha256_hex(&screen.hash, out->frame_hash);
    screen_release(&screen);
    drawing_release(&d);
    return rc;
}

int pipeline_run(const struct bundle *b, const struct plan *p, const struct sink *s,
                 struct figures *out, struct err *e)
{
    double start = clock_s();

    *out = (struct figures){0};
    struct threads *th = threads_new(p->threads);
    struct cx cx;

    cx_init(&cx, p->device, p->type, th);
    int rc = draw_windows(&cx, b, p, s, out, e);
    out->seconds = clock_s() - start;
    cx_release(&cx);
    threads_free(&th);
    return rc;
}
