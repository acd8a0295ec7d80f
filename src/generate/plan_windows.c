/* plan_windows.c - a film is a list of windows, each of one shot. */
#include <math.h>

#include "generate/plan.h"

int plan_drawn_frame(const struct plan *p, int i)
{
    int k = p->skip + (int)floor((i - p->n_before + 0.5) * p->info.frame_rate / p->fps);

    return k < p->n_frames ? k : p->n_frames - 1;
}

double plan_moment(const struct plan *p, int i)
{
    double step = p->info.frame_rate / p->fps;
    int k = i - p->n_before, n = plan_film_end(p) - p->n_before;

    if (!p->before.n)
        return k * step;
    if (p->behind.n) /* from the one to the other */
        step = (p->n_frames - p->skip + 1.0) / (n + 1.0);
    return p->skip - 1 + (k + 1) * step;
}

/* A film without a list is one shot. */
static struct plan_shot shot_at(const struct plan *p, int i)
{
    return p->n_shots ? p->shot[i]
                      : (struct plan_shot){.cut = 1, .t = p->t, .n_frames = p->n_frames};
}

static int shots(const struct plan *p)
{
    return p->n_shots ? p->n_shots : 1;
}

/* New latent frames of the first window, and of each one behind it. */
static int first_of(const struct plan *p, const struct plan_shot *s)
{
    return s->cut ? p->window : p->window - p->context;
}

static int windows_in(const struct plan *p, const struct plan_shot *s)
{
    int step = p->window - p->context, first = first_of(p, s);

    return s->t <= first ? 1 : 1 + (s->t - first + step - 1) / step;
}

int plan_windows(const struct plan *p)
{
    int n = 0;

    for (int i = 0; i < shots(p); i++) {
        struct plan_shot s = shot_at(p, i);

        n += windows_in(p, &s);
    }
    return n;
}

int plan_loop_is_open(const struct plan *p)
{
    return p->loop && !p->first.rgb;
}

int plan_ahead(const struct plan *p)
{
    enum { MOST = 8, LEAST = 2, BYTES = 4 << 20 };
    int n = (int)(BYTES / plan_drawn_bytes(p));

    if (p->threads < 2 || p->paged || !p->device->host || p->n_frames < 2)
        return 0;
    return n > MOST ? MOST : n < LEAST ? LEAST : n;
}

/* Is there a picture at latent frame `from` or behind it that the film has to arrive at? */
static int leads_to_known(const struct plan *p, int from)
{
    int known = p->loop;

    for (int i = 0; i < p->n_keys; i++)
        known |= p->key[i].latent >= from;
    return known;
}

/* First new latent frame of window i of a shot. Its last window may have a single one, which is no
 * way to what is known at its end: it shares those of the window before then. */
static int new_from(const struct plan *p, const struct plan_shot *s, int i)
{
    int step = p->window - p->context, last = windows_in(p, s) - 1;
    int from = i ? first_of(p, s) + (i - 1) * step : 0;
    int half = ((i > 1 ? from - step : 0) + s->t) / 2;

    if (!i || i < last || p->n_shots || !leads_to_known(p, from))
        return from;
    half = half > s->t - step ? half : s->t - step;
    return half < from ? half : from;
}

/* New frames are as many as a window has beside those that are given; of the last one of a shot
 * what lies behind its end is left out, so that no window knows more of the past than the networks
 * were taught with. */
struct plan_window plan_window(const struct plan *p, int i)
{
    struct plan_window w = {0};
    struct plan_shot s = shot_at(p, 0);
    int from, to;

    for (; i >= windows_in(p, &s); s = shot_at(p, ++w.shot))
        i -= windows_in(p, &s);
    from = new_from(p, &s, i);
    to = i + 1 < windows_in(p, &s) ? new_from(p, &s, i + 1) : s.t;
    w.of_shot = i;
    w.fresh = !i && s.cut;
    w.take = s.take;
    w.given = w.fresh ? 0 : s.first + from - s.take;
    w.given = w.given < p->context ? w.given : p->context;
    w.first = s.first + from - w.given;
    w.shown = w.given + to - from;
    w.frame = s.frame;
    w.n_frames = s.n_frames;
    return w;
}

int plan_film_end(const struct plan *p)
{
    return p->n_film - p->n_behind;
}

/* Film frame that is the first one of window i. */
static int join_at(const struct plan *p, const struct plan_window *w)
{
    int first = w->frame + codec_frames(&p->codec, w->first + w->given - w->take);
    int k = p->n_before + (int)floor((first - p->skip) * p->fps / p->info.frame_rate);

    for (k = k > 2 ? k - 2 : 0; k < plan_film_end(p) && plan_drawn_frame(p, k) < first; k++)
        continue;
    return k;
}

int *plan_joins(const struct plan *p, int *n)
{
    int windows = plan_windows(p), *list = xmalloc((size_t)(windows + 2) * sizeof *list);

    *n = 0;
    if (p->before.n)
        list[(*n)++] = p->n_before;
    for (int i = 1; i < windows; i++) {
        struct plan_window w = plan_window(p, i);
        int k = join_at(p, &w);

        if (!w.fresh && k < plan_film_end(p))
            list[(*n)++] = k;
    }
    if (p->behind.n)
        list[(*n)++] = plan_film_end(p);
    return list;
}
