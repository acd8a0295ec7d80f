#include "generate/pipeline.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

int sink_progress(const struct sink *s, const char *stage, long done, long total, double left_s,
                  struct err *e)
{
    int stop = s->stop && atomic_load(s->stop);

    if (!stop && s->progress)
        stop = s->progress(s->user, stage, done, total, left_s);
    return stop ? err_set(e, ERR_CANCEL, "stopped while %s", stage) : 0;
}

void pace_init(struct pace *p, const struct plan *plan)
{
    *p = (struct pace){
        {plan->forecast_s - plan->forecast_drawing_s, plan->forecast_drawing_s}, {0}, {0}};
    memcpy(p->left_s, p->forecast_s, sizeof p->left_s);
}

double pace_left(struct pace *p, int kind, double spent_s, int made, int done, int total)
{
    double unit_s = made > 0 ? spent_s / made : p->forecast_s[kind] / (total > 0 ? total : 1);

    p->spent_s[kind] = spent_s;
    p->left_s[kind] = unit_s * (total - done);
    return p->left_s[PACE_SAMPLING] + p->left_s[PACE_DRAWING];
}

/* "time=day shot=far" as people read it. */
static void note_seen(const struct plan *p, struct buf *out)
{
    if (!p->looked || !*p->seen)
        return;
    buf_puts(out, "the prompt leaves it open, the picture shows: ");
    for (const char *c = p->seen; *c; c++)
        buf_puts(out, *c == ' ' ? ", " : *c == '=' ? " " : (char[]){*c, 0});
}

void figures_seen(const struct plan *p, struct figures *out)
{
    struct buf b = BUF_INIT;

    note_seen(p, &b);
    snprintf(out->note, sizeof out->note, "%s", buf_str(&b));
    buf_release(&b);
}

/* What is not finite in bf16 and was computed again is no fault, but the user's to know; so is what
 * was left out, and what that cost. */
static void note_drawing(const struct drawing *d, struct figures *out)
{
    const struct velocity *v = &d->velocity;
    struct buf b = BUF_INIT;

    note_seen(d->plan, &b);
    out->evaluations = d->evaluations;
    out->skipped = d->cut.skipped;
    out->cache_error = d->plan->cut_check && d->measure > 0 ? sqrt(d->differs / d->measure) : -1;
    if (v->again)
        buf_printf(
            &b,
            "%s%d of %d evaluations were computed again in f32, because they were not finite, "
            "or the same everywhere, in bf16 (the first: %d)",
            b.len ? "; " : "", v->again, d->evaluations, v->first_again);
    if (d->plan->cut)
        buf_printf(&b, "%scache %s left out %d of %d evaluations", b.len ? "; " : "",
                   d->plan->cut->name, out->skipped, d->evaluations);
    if (out->cache_error >= 0)
        buf_printf(&b, "; the latent differs by %.2g %% from that of all (relative L2)",
                   100 * out->cache_error);
    if (d->kept_windows)
        buf_printf(&b, "%swindows drawn before: %d of %d", b.len ? "; " : "", d->kept_windows,
                   plan_windows(d->plan));
    if (v->collapsed)
        buf_printf(&b,
                   "%sfrom evaluation %d of %d on the latent has collapsed, it is the same in all "
                   "places: a film of one colour",
                   b.len ? "; " : "", v->collapsed, d->evaluations);
    snprintf(out->note, sizeof out->note, "%s", buf_str(&b));
    buf_release(&b);
}

/* A window that is drawn, while it is shown. */
struct showing {
    struct screen *screen;
    const struct latent_shape *shape;
    struct plan_window w;
    float *x; /* of a film that is shown while the next window is drawn a copy, owned */
    int next; /* latent frame of it */
};

/* Up to latent frame `end`. */
static int show_up_to(struct showing *s, int end, struct err *e)
{
    int rc = 0;

    for (; !rc && s->next < end; s->next += !rc) {
        struct plan_window w = s->w;

        w.fresh = w.fresh && s->next == w.given;
        w.given = s->next;
        w.shown = s->next + 1;
        rc = screen_show(s->screen, s->shape, s->x, &w, e);
    }
    return rc;
}

/* As much of it as of the next window is drawn. */
static int show_meanwhile(void *user, int done, int all, struct err *e)
{
    struct showing *s = user;

    return show_up_to(s, s->w.given + (s->w.shown - s->w.given) * done / all, e);
}

/* All of it, unless the next window is to be drawn meanwhile. */
static int show_window(struct showing *s, const struct drawing *d, const struct plan_window *w,
                       struct err *e)
{
    int rc = show_up_to(s, s->w.shown, e); /* of the one before */

    s->w = *w;
    s->next = w->given;
    if (s->screen->ahead)
        memcpy(s->x, d->x, latent_count(s->shape) * sizeof *s->x);
    else
        s->x = d->x;
    return rc || s->screen->ahead ? rc : show_up_to(s, w->shown, e);
}

static int show_init(struct showing *s, struct drawing *d, struct screen *screen, struct err *e)
{
    *s = (struct showing){.screen = screen, .shape = &d->shape};
    if (!screen->ahead)
        return 0;
    s->x = try_malloc(latent_count(s->shape) * sizeof *s->x, e, "a latent");
    d->meanwhile = show_meanwhile;
    d->meanwhile_user = s;
    return s->x ? 0 : ERR_FIT;
}

/* Draw and show every window; the hash over the latent of the whole film. */
static int draw_windows(struct cx *cx, const struct bundle *b, const struct plan *p,
                        const struct sink *s, struct figures *out, struct err *e)
{
    struct drawing d;
    struct screen screen;
    struct showing showing = {0};
    struct sha256 latent;
    int rc = drawing_init(&d, cx, b, p, s, e);

    if (rc)
        return rc;
    sha256_init(&latent);
    rc = screen_init(&screen, cx, b, p, s, &d.pace, e);
    if (!rc)
        rc = screen_film(&screen, &p->before, e);
    if (!rc)
        rc = show_init(&showing, &d, &screen, e);
    for (int i = 0; !rc && i < plan_windows(p); i++) {
        struct plan_window w = plan_window(p, i);

        w.given += p->ahead;
        w.shown += p->ahead;
        rc = drawing_window(&d, i, e);
        if (i + 1 == plan_windows(p)) /* the decoder has their room, as was forecast */
            weights_rest(cx);
        if (!rc && i == 0)
            rc = picture_kept(cx, b, p, &d.shape, d.x, e);
        if (!rc) {
            latent_hash_add(&latent, &d.shape, d.x, w.given, w.shown);
            rc = show_window(&showing, &d, &w, e);
        }
    }
    note_drawing(&d, out);
    if (!rc)
        rc = show_up_to(&showing, showing.w.shown, e);
    if (!rc)
        rc = screen_together(&screen, e);
    if (!rc)
        rc = screen_end(&screen, e);
    if (!rc)
        rc = screen_film(&screen, &p->behind, e);
    sha256_hex(&latent, out->latent_hash);
    sha256_hex(&screen.hash, out->frame_hash);
    free(screen.ahead ? showing.x : NULL);
    screen_release(&screen);
    drawing_release(&d);
    return rc;
}

int pipeline_run(const struct bundle *b, const struct plan *p, const struct sink *s,
                 struct figures *out, struct err *e)
{
    double start = clock_s();

    *out = (struct figures){0};
    figures_seen(p, out);
    struct threads *th = threads_new(p->threads);
    struct cx cx;

    cx_init(&cx, p->device, p->type, th);
    int rc = draw_windows(&cx, b, p, s, out, e);
    out->seconds = clock_s() - start;
    cx_release(&cx);
    threads_free(&th);
    return rc;
}
