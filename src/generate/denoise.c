#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/drag.h"
#include "generate/health.h"
#include "generate/pipeline.h"
#include "generate/sampler.h"
#include "generate/text_kept.h"

/* Noise in what a window knows of the one before: it forgives what was drawn slightly wrong. */
#define CONTEXT_LEVEL 0.0

static int all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return 0;
    return 1;
}

/* The given frames of x [C,t,h,w], with their noise or clean. */
static void put_given(const struct latent_shape *s, float *x, const float *noise,
                      const struct given *list, int n, int clean)
{
    size_t frame = (size_t)s->h * (size_t)s->w, channels = (size_t)s->c;

    for (int i = 0; i < n; i++) {
        float level = clean ? 0 : (float)list[i].level;

        for (size_t c = 0; c < channels; c++)
            for (size_t k = 0; k < frame; k++) {
                size_t at = (c * (size_t)s->t + (size_t)list[i].frame) * frame + k;
                x[at] = (1 - level) * list[i].latent[k * channels + c] + level * noise[at];
            }
    }
}

static float noised(float clean, float noise, double level)
{
    return (float)((1 - level) * (double)clean + level * (double)noise);
}

/* The held places of x, with as much noise as all have now. */
static void put_held(const struct latent_shape *s, float *x, const struct held *h, double level)
{
    size_t n = latent_count(s), places = n / (size_t)s->c;

    for (size_t i = 0; h && i < n; i++) {
        int place = h->place[i % places];

        if (place == REGION_CLEAN)
            x[i] = h->clean[i];
        else if (place == REGION_HELD || level > (double)place / REGION_DRAWN)
            x[i] = noised(h->clean[i], h->noise[i], level);
    }
}

static int tell(const struct denoise_progress *p, int done, struct err *e)
{
    double left =
        pace_left(p->pace, PACE_SAMPLING, clock_s() - p->start, done - p->kept, done, p->total);

    return sink_progress(p->sink, "sampling", done, p->total, left, e);
}

/* While an evaluation lasts: what is left becomes less with the time. */
struct lasting {
    const struct denoise_progress *progress;
    struct err *e;
    int done, rc;
    double since_s, told_s;
};

static int tell_lasting(void *user)
{
    enum { SILENT_S = 5 };
    struct lasting *l = user;
    const struct denoise_progress *p = l->progress;
    double now = clock_s(), left = p->pace->left_s[PACE_SAMPLING] - (now - l->since_s);

    if (now - l->told_s < SILENT_S)
        return 0;
    l->told_s = now;
    l->rc = sink_progress(p->sink, "sampling", l->done, p->total,
                          fmax(left, 0) + p->pace->left_s[PACE_DRAWING], l->e);
    return l->rc;
}

static int ask_velocity(struct velocity *v, const struct denoise_progress *p,
                        struct sampler *sampler, int i, const float *x, float *out, struct err *e)
{
    double now = clock_s();
    struct lasting l = {p, e, p->done + i - p->begin, 0, now, now};

    v->watch = (struct velocity_watch){tell_lasting, &l};
    int rc = velocity_at(v, x, sampler_timestep(sampler, i), sampler_sigma(sampler, i), out, e);
    v->watch = (struct velocity_watch){0};
    return rc == ERR_CANCEL && l.rc ? l.rc : rc;
}

/* The middle frame of the window without the noise of evaluation i; one that is given has none. */
static int preview(const struct denoise_progress *p, const struct sampler *sampler, int i,
                   const struct latent_shape *s, const struct given *list, int n_given,
                   const float *x, const float *v, struct err *e)
{
    struct preview_step at = {.window = p->window,
                              .step = i - p->begin + 1,
                              .n_steps = sampler_evaluations(sampler) - p->begin,
                              .frame = s->t / 2};

    if (!given_at(list, n_given, at.frame))
        at.sigma = sampler_sigma(sampler, i);
    return p->preview ? preview_show(p->preview, s, x, v, &at, e) : 0;
}

/* What a step leaves. After the last one the window itself is kept. */
static void keep_step(const struct denoise_progress *p, struct sampler *sampler, const float *x,
                      int next, int now)
{
    if (p->journal && next > p->begin && next < sampler_evaluations(sampler))
        journal_keep_step(p->journal, p->window, sampler, x, next, now);
}

/* Other work, whose time is not that of the steps. */
static int do_meanwhile(struct denoise_progress *p, int done, int all, struct err *e)
{
    double start = clock_s();
    int rc = p->meanwhile(p->meanwhile_user, done, all, e);

    p->start += clock_s() - start;
    return rc;
}

int denoise(struct velocity *v, struct sampler *sampler, const struct given *list, int n_given,
            float *x, struct denoise_progress *progress, struct err *e)
{
    const struct latent_shape *s = &v->ask.shape;
    size_t count = latent_count(s);
    float *out = try_malloc(count * sizeof *out, e, "a latent"),
          *noise = try_malloc(count * sizeof *noise, e, "a latent");
    int n = sampler_evaluations(sampler), i = progress->begin, rc = out && noise ? 0 : ERR_FIT;
    progress->start = clock_s() - progress->pace->spent_s[PACE_SAMPLING];
    int alike = 0; /* evaluation from which on the clean latent is the same in all places */

    if (rc)
        goto out;
    memcpy(noise, x, count * sizeof *x);
    velocity_give(v, list, n_given, progress->held ? progress->held->place : NULL);
    if (progress->journal && journal_read_step(progress->journal, progress->window, sampler, x, &i))
        progress->kept += i - progress->begin;
    for (; !rc && i < n; i++) {
        put_held(s, x, progress->held, sampler_sigma(sampler, i));
        put_given(s, x, noise, list, n_given, 0);
        velocity_step(v, i, n);
        rc = tell(progress, progress->done + i - progress->begin, e);
        if (!rc)
            rc = ask_velocity(v, progress, sampler, i, x, out, e);
        if (v->again && !v->first_again)
            v->first_again = progress->done + i - progress->begin + 1;
        if (rc == ERR_CANCEL) {
            err_set(e, rc, "stopped while sampling, in step %d of %d", i + 1, n);
            keep_step(progress, sampler, x, i, 1);
        } else if (rc)
            err_prefix(e, "step %d of %d", i + 1, n);
        if (!rc && progress->drag)
            drag_velocity(progress->drag, x, sampler_sigma(sampler, i),
                          given_at(list, n_given, 0) != NULL, out);
        if (!rc && !health_of_clean(s, x, out, sampler_sigma(sampler, i)))
            alike = 0;
        else if (!rc && !alike)
            alike = progress->done + i - progress->begin + 1;
        if (!rc)
            rc = preview(progress, sampler, i, s, list, n_given, x, out, e);
        if (!rc)
            sampler_step(sampler, i, x, out, count);
        if (!rc && !all_finite(x, count))
            rc = err_set(e, ERR_DEVICE, "step %d of %d: the latent is not finite", i + 1, n);
        if (!rc)
            keep_step(progress, sampler, x, i + 1, 0);
        if (!rc && progress->meanwhile) {
            rc = do_meanwhile(progress, i + 1 - progress->begin, n - progress->begin, e);
            if (rc) /* what stopped it has nothing to do with this window */
                keep_step(progress, sampler, x, i + 1, 1);
        }
    }
    put_held(s, x, progress->held, 0);
    put_given(s, x, noise, list, n_given, 1);
    v->collapsed = v->collapsed ? v->collapsed : alike;
out:
    free(out);
    free(noise);
    return rc ? rc : tell(progress, progress->done + n - progress->begin, e);
}

/* ---- the windows of a film ---- */

/* What text encoders just said of these words is kept. */
static void keep_words(const struct drawing *d, const struct words *w)
{
    for (int k = 0; k < d->model->n_texts && !d->plan->text_kept; k++) {
        const struct velocity_text *t = &d->velocity.text[k];
        int64_t dim = d->plan->dit.text_dim[k];
        const float *const rows[2] = {t->rows, t->rows + t->start[1] * dim};

        if (w[k].n_swaps) /* these rows are not those of the ids alone */
            continue;
        text_kept_put(d->plan, k, &w[k], rows);
    }
}

int drawing_init(struct drawing *d, struct cx *cx, const struct bundle *b, const struct plan *p,
                 const struct sink *s, struct err *e)
{
    *d = (struct drawing){.cx = cx, .plan = p, .sink = s, .model = b, .shape = plan_latent(p)};
    size_t n = latent_count(&d->shape);
    int rc = sink_progress(s, "reading the prompt", 0, 1, -1, e);

    if (!rc && (!(d->x = try_malloc(n * sizeof *d->x, e, "a latent")) ||
                !(d->past = try_malloc(n * sizeof *d->past, e, "a latent"))))
        rc = ERR_FIT;
    if (!rc && plan_source_is_mixed(p) &&
        (!(d->source = try_malloc(n * sizeof *d->source, e, "a latent")) ||
         !(d->noise = try_malloc(n * sizeof *d->noise, e, "a latent"))))
        rc = ERR_FIT;
    if (p->region.n && plan_source_is_mixed(p))
        d->place = xmalloc(n / (size_t)d->shape.c);
    d->given = xcalloc((size_t)p->window, sizeof *d->given);
    if (!rc)
        rc = preview_init(&d->preview, cx, b, p, s, e);
    if (!rc)
        rc = conditions_init(&d->conditions, cx, b, p, e);
    if (!rc && p->cut)
        rc = shortcut_init(&d->cut, p->cut, p->cut_threshold, n, (size_t)latent_tokens(&d->shape),
                           (size_t)p->dit.width, e);
    d->cut.fit = p->cut_fit;
    if (!rc)
        rc = velocity_of_plan(&d->velocity, cx, b, p, &d->conditions, s->stop, e);
    if (!rc && !p->n_shots)
        keep_words(d, p->words);
    if (rc)
        drawing_release(d);
    pace_init(&d->pace, p);
    return rc;
}

void drawing_release(struct drawing *d)
{
    velocity_release(&d->velocity);
    shortcut_release(&d->cut);
    preview_release(&d->preview);
    conditions_release(&d->conditions);
    free(d->x);
    free(d->past);
    free(d->source);
    free(d->noise);
    free(d->place);
    free(d->given);
    *d = (struct drawing){0};
}

/* What is known of the film beside its first frame and its past, in window w. */
static int take_known(struct drawing *d, const struct plan_window *w, int n)
{
    const struct conditions *c = &d->conditions;

    for (int i = 0; i < c->n_known; i++) {
        int frame = c->known[i].frame - w->first;

        if (frame >= w->given && frame < d->shape.t && !given_at(d->given, n, frame))
            d->given[n++] = (struct given){frame, 0, c->known[i].latent};
    }
    return n;
}

/* The first components of our codec's latents are means of their places, the others details, which
 * grow from window to window: squares of those of n frames of x. */
enum { MEANS = 3 };
static double details_of(const struct drawing *d, int from, int n)
{
    const struct latent_shape *s = &d->shape;
    size_t frame = (size_t)s->h * (size_t)s->w;
    double sum = 0;

    for (int c = MEANS; c < s->c; c++) {
        const float *x = d->x + ((size_t)c * (size_t)s->t + (size_t)from) * frame;
        for (size_t i = 0; i < frame * (size_t)n; i++)
            sum += (double)x[i] * x[i];
    }
    return sum;
}

/* The next window is given n frames of x. Details are held to those at the end of the first window
 * of a take, whoever drew it. */
static void note_details(struct drawing *d, int from, int n)
{
    if (!n)
        d->details = 0;
    else if (d->plan->fade > 0 && !(d->details > 0))
        d->details = details_of(d, from, n);
}

/* They become what is given. Details that have grown lose that again, up to the plan's share. */
static void go_on_from(struct drawing *d, int from, int n)
{
    const struct latent_shape *s = &d->shape;
    size_t frame = latent_count(s) / (size_t)s->t, c = (size_t)s->c;
    double grown = d->details > 0 ? sqrt(details_of(d, from, n) / d->details) : 1;
    float keep = grown > 1 ? (float)fmax(1 / grown, 1 - d->plan->fade) : 1;

    for (int k = 0; k < n; k++) {
        float *past = d->past + frame * (size_t)k;

        latent_get_frame(s, d->x, from + k, NULL, NULL, past);
        for (size_t i = 0; keep < 1 && i < frame; i++)
            if (i % c >= MEANS)
                past[i] *= keep;
        d->given[k] = (struct given){k, CONTEXT_LEVEL, past};
    }
}

/* Frame of the window before window i, which stands in x, from which that one goes on. */
static int past_from(const struct drawing *d, int i)
{
    return d->plan->ahead + plan_window(d->plan, i - 1).shown - plan_window(d->plan, i).given;
}

/* What window i knows: the first picture, or the end of the window that stands in x. */
static int take_given(struct drawing *d, int i)
{
    struct plan_window w = plan_window(d->plan, i);
    int n = w.given;

    if (i)
        go_on_from(d, past_from(d, i), n);
    if (i == 0 && d->conditions.first)
        d->given[n++] = (struct given){0, 0, d->conditions.first};
    return take_known(d, &w, n);
}

/* Windows after the first begin from noise of their own, that of torch.randn for another seed. */
static uint64_t seed_of(const struct plan *p, int i)
{
    struct plan_window w = plan_window(p, i);
    uint64_t seed = p->seed;

    if (p->n_shots && p->shot[w.shot].own_seed) {
        seed = p->shot[w.shot].seed;
        i = w.of_shot;
    }
    return i ? (seed ^ (uint64_t)i * 0x9e3779b97f4a7c15ull) * 0xbf58476d1ce4e5b9ull : seed;
}

/* The words of the shot of window i, where they are not those of the window before. */
static int read_shot(struct drawing *d, int i, struct err *e)
{
    struct plan_window w = plan_window(d->plan, i);
    int rc;

    if (!d->plan->n_shots || d->said == w.shot + 1)
        return 0;
    d->said = w.shot + 1;
    rc = velocity_say(&d->velocity, d->model->text, d->plan->shot[w.shot].words, e);
    if (!rc)
        keep_words(d, d->plan->shot[w.shot].words);
    return rc;
}

/* A film of one window that ends as it begins is drawn once more when its beginning is known. */
static int twice(const struct plan *p)
{
    return plan_loop_is_open(p) && plan_windows(p) == 1;
}

/* Of n evaluations the first one: that of a film that is drawn anew is not at noise alone. */
static int begin_of(const struct plan *p, int n)
{
    int some = (int)floor(n * p->strength + 0.5);

    return plan_source_is_mixed(p) ? n - (some > 1 ? some : 1) : 0;
}

/* Where steps are kept: nowhere when what was skipped or drawn before decides what comes. */
static struct journal *steps_of(const struct drawing *d)
{
    return d->plan->cut || twice(d->plan) ? NULL : d->sink->journal;
}

/* Where the camera of window w moves, so much of its noise moves with it. */
#define CARRIED 0.95
static int carry_noise(const struct drawing *d, const struct plan_window *w, uint64_t seed,
                       float *x, struct err *e)
{
    const struct plan *p = d->plan;
    const struct camera *c = p->n_shots ? &p->shot[w->shot].camera : &p->camera;
    struct camera_rate rate = camera_rate_of(c);
    double *time;
    int rc;

    if (!camera_moves(c) || p->ahead)
        return 0;
    rate.pan *= (double)p->seen_w / p->w; /* parts of what the film shows */
    rate.tilt *= (double)p->seen_h / p->h;
    time = xmalloc((size_t)d->shape.t * sizeof *time);
    for (int f = 0; f < d->shape.t; f++)
        time[f] = drag_time(p, w->first - w->take + f);
    rc = warp_noise(&d->shape, &rate, time, seed, CARRIED, d->cx->kcx.threads, d->sink->stop, x);
    free(time);
    return rc ? err_set(e, rc, "stopped while its noise was moved") : 0;
}

/* x is noise, and becomes what the source shows in window w with so much of it. */
static int mix_source(struct drawing *d, const struct plan_window *w, double level, float *x,
                      struct err *e)
{
    size_t n = latent_count(&d->shape);
    int rc;

    if (!plan_source_is_mixed(d->plan))
        return 0;
    rc = conditions_source(d->cx, d->model, d->plan, w, &d->shape, d->source, e);
    if (rc)
        return rc;
    memcpy(d->noise, x, n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = noised(d->source[i], x[i], level);
    if (d->place)
        conditions_region(d->plan, w, &d->shape, d->place);
    return 0;
}

/* Window i from noise to x, with `cut` or all evaluations. */
static int run_window(struct drawing *d, int i, int n_given, struct shortcut *cut, float *x,
                      struct err *e)
{
    const struct plan *p = d->plan;
    struct torch_rng rng; /* one generator, also for samplers that draw noise at every step */
    struct sampler_config c = p->schedule;
    struct sampler *sampler;
    int rc;

    c.name = p->sampler;
    c.steps = p->steps;
    c.shift = p->shift;
    c.rng = &rng;
    rc = sampler_new(&sampler, &c, e);
    if (rc)
        return rc;
    int n = sampler_evaluations(sampler);
    int runs = (plan_windows(p) + twice(p)) * (1 + p->cut_check), begin = begin_of(p, n);
    struct plan_window w = plan_window(p, i);
    struct held held = {d->source, d->noise, d->place};
    struct drag drag;
    n -= begin;
    struct denoise_progress progress = {.sink = d->sink,
                                        .pace = &d->pace,
                                        .done = d->runs++ * n,
                                        .total = runs * n,
                                        .begin = begin,
                                        .window = i,
                                        .preview = &d->preview,
                                        .kept = d->kept_runs * n,
                                        .journal = steps_of(d),
                                        .drag = &drag,
                                        .held = d->place ? &held : NULL,
                                        .meanwhile = d->meanwhile,
                                        .meanwhile_user = d->meanwhile_user};
    torch_rng_init(&rng, seed_of(p, i));
    rc = plan_noise(p, &rng, x, e);
    drag_init(&drag, p, &w, &d->shape);
    if (!rc)
        rc = carry_noise(d, &w, seed_of(p, i), x, e);
    d->velocity.cut = cut;
    d->velocity.ask.is_given = !i && n_given && !plan_loop_is_open(p);
    if (!rc)
        rc = mix_source(d, &w, sampler_sigma(sampler, begin), x, e);
    if (!rc)
        rc = denoise(&d->velocity, sampler, d->given, n_given, x, &progress, e);
    drag_release(&drag);
    sampler_free(&sampler);
    d->evaluations += cut || !p->cut_check ? n : 0;
    return rc;
}

/* How much the window in x differs from that of all evaluations. */
static int check_cut(struct drawing *d, int i, int n_given, struct err *e)
{
    size_t n = latent_count(&d->shape);
    float *all = try_malloc(n * sizeof *all, e, "a latent");
    int rc = all ? run_window(d, i, n_given, NULL, all, e) : ERR_FIT;

    for (size_t k = 0; !rc && k < n; k++) {
        d->differs += ((double)d->x[k] - all[k]) * ((double)d->x[k] - all[k]);
        d->measure += (double)all[k] * all[k];
    }
    free(all);
    return rc;
}

static int draw_window(struct drawing *d, int i, struct err *e)
{
    const struct plan *p = d->plan;
    int n_given = take_given(d, i), rc = read_shot(d, i, e);

    if (!rc)
        rc = run_window(d, i, n_given, p->cut ? &d->cut : NULL, d->x, e);
    return rc || !p->cut_check ? rc : check_cut(d, i, n_given, e);
}

/* Window i as another process drew it. */
static int take_kept(struct drawing *d, int i, struct err *e)
{
    struct journal_window w;
    int runs = (1 + (twice(d->plan) != 0)) * (1 + d->plan->cut_check);
    int rc = journal_read_window(d->sink->journal, i, d->x, &w, e);

    if (rc)
        return rc;
    d->runs += runs;
    d->kept_runs += runs;
    d->kept_windows++;
    pace_left(&d->pace, PACE_SAMPLING, 0, 0, i + 1, plan_windows(d->plan));
    d->evaluations = w.evaluations;
    d->cut.skipped = w.skipped;
    return 0;
}

static int draw_new(struct drawing *d, int i, struct err *e)
{
    const struct plan *p = d->plan;
    int rc = draw_window(d, i, e);

    if (!rc && i == 0 && twice(p)) {
        rc = conditions_loop(&d->conditions, d->cx, d->model, p, &d->shape, d->x, e);
        if (!rc)
            rc = draw_window(d, i, e);
    }
    if (!rc && d->sink->journal)
        journal_keep_window(d->sink->journal, d->x,
                            &(struct journal_window){d->evaluations, d->cut.skipped});
    return rc;
}

int drawing_window(struct drawing *d, int i, struct err *e)
{
    const struct plan *p = d->plan;
    const struct journal *j = d->sink->journal;

    if (i)
        note_details(d, past_from(d, i), plan_window(p, i).given);
    int rc = j && i < journal_windows(j) ? take_kept(d, i, e) : draw_new(d, i, e);

    if (!rc && i == 0 && plan_loop_is_open(p) && !twice(p))
        rc = conditions_loop(&d->conditions, d->cx, d->model, p, &d->shape, d->x, e);
    return rc;
}

int drawing_go_on(struct drawing *d, int i, int end, struct err *e)
{
    int n = end ? d->plan->context : 0;

    note_details(d, end - n, n);
    go_on_from(d, end - n, n);
    return run_window(d, i, n, d->plan->cut ? &d->cut : NULL, d->x, e);
}
