#include "generate/velocity.h"

#include <stdlib.h>
#include <string.h>

#include "generate/health.h"
#include "generate/stagger.h"

/* The samples of one call: 0 has the prompt, 1 the negative prompt. */
struct samples {
    int first, n;
};

static struct samples samples_of(const struct velocity_ask *ask, int n, int call)
{
    int apart = n == 2 && latent_tokens(&ask->shape) > ask->together;

    return apart ? (struct samples){call, 1} : (struct samples){0, call ? 0 : n};
}

/* ---- text ---- */

/* Rows as the transformer was trained: exactly those of the prompt, or filled up with zeros. */
static void start_text(struct velocity_text *t, int64_t fixed, const int64_t start[3])
{
    t->start[0] = 0;
    for (int i = 0; i < 2; i++)
        t->start[i + 1] = t->start[i] + (fixed ? fixed : start[i + 1] - start[i]);
    t->second_start[1] = t->start[2] - t->start[1];
}

static void keep_text(struct velocity *v, int k, const float *rows, const int64_t start[3])
{
    struct velocity_text *t = &v->text[k];
    int64_t dim = v->ask.denoiser->config.text_dim[k];

    start_text(t, v->ask.denoiser->config.text_rows[k], start);
    free(t->rows);
    t->rows = xcalloc((size_t)(t->start[2] * dim), sizeof(float));
    for (int i = 0; i < 2; i++)
        memcpy(t->rows + t->start[i] * dim, rows + start[i] * dim,
               sizeof(float) * (size_t)((start[i + 1] - start[i]) * dim));
}

static void see(void *user, struct cx *cx, const char *name, struct tensor *value)
{
    struct velocity *v = user;

    if (v->looking && !v->bad && (int)health_of_value(cx, value) >= v->looking)
        v->bad = xstrdup(name);
    if ((v->ask.stop && atomic_load(v->ask.stop)) ||
        (v->watch.look && v->watch.look(v->watch.user)))
        cx_fail(cx, ERR_CANCEL, "stopped");
}

/* Text models compute in f32 whatever cx computes in. *bad: what this one says is not finite; while
 * looking, v->bad says from where on. */
static int read_once(struct velocity *v, int k, const struct text_model *text,
                     const struct words *words, int *bad, struct err *e)
{
    struct cx *cx = v->cx;
    struct seq seq = {2, words->start};
    struct tap tap = {see, v};
    device_enter(cx->device);
    struct tensor *y = text_rows(cx, text, words->ids, &seq, v->looking ? &tap : NULL);

    *bad = cx->err.code || !tensor_finite(cx, y);
    if (!*bad) {
        float *rows = xmalloc(tensor_bytes(y));
        tensor_read_f32(cx, y, rows);
        keep_text(v, k, rows, words->start);
        free(rows);
    }
    device_leave(cx->device);
    cx_step_end(cx);
    return cx->err.code ? err_set(e, cx->err.code, "text encoder: %s", cx->err.msg) : 0;
}

static int read_words(struct velocity *v, int k, const struct text_model *text,
                      const struct words *words, struct err *e)
{
    const struct weight *w;
    int bad, rc;

    if (words->rows) {
        keep_text(v, k, words->rows, words->start);
        return 0;
    }
    rc = read_once(v, k, text, words, &bad, e);
    if (rc || !bad)
        return rc;
    v->looking = HEALTH_NOT_FINITE;
    rc = read_once(v, k, text, words, &bad, e);
    v->looking = 0;
    w = rc ? NULL : store_find_bad(text->weights);
    if (!rc)
        rc = err_set(e, ERR_DEVICE, "text encoder: its output is not finite, from %s on%s%s%s",
                     v->bad ? v->bad : "the last layer", w ? "; the weight " : "", w ? w->name : "",
                     w ? " in its file is not finite" : "");
    free(v->bad);
    v->bad = NULL;
    return rc;
}

/* Part of the way to other words, or beyond them. */
static int blend_text(struct velocity *v, int k, const struct text_model *text,
                      const struct words *words, struct err *e)
{
    struct velocity_text *t = &v->text[k];
    size_t n = (size_t)(words->start[1] * v->ask.denoiser->config.text_dim[k]);
    float *plain = t->rows, *sum = xmalloc(sizeof *sum * n);
    struct words other = {.start = {0, words->start[1], words->start[2]}};
    int rc = 0;

    t->rows = NULL;
    memcpy(sum, plain, sizeof *sum * n);
    other.ids = xmalloc(sizeof *other.ids * (size_t)words->start[2]);
    for (int i = 0; !rc && i < words->n_swaps; i++) {
        memcpy(other.ids, words->ids, sizeof *other.ids * (size_t)words->start[2]);
        other.ids[words->swap[i].at] = words->swap[i].id;
        rc = read_words(v, k, text, &other, e);
        for (size_t r = 0; !rc && r < n; r++)
            sum[r] += (float)words->swap[i].weight * (t->rows[r] - plain[r]);
    }
    if (!rc)
        memcpy(plain, sum, sizeof *sum * n);
    free(t->rows);
    t->rows = plain;
    free(other.ids);
    free(sum);
    return rc;
}

static int read_text(struct velocity *v, int k, const struct text_model *text,
                     const struct words *words, struct err *e)
{
    int rc = read_words(v, k, text, words, e);

    return rc || !words->n_swaps ? rc : blend_text(v, k, text, words, e);
}

/* ---- the transformer ---- */

/* What a call reads: the latent with the channels beside it [C,t,h,w], the text of n samples, rows
 * of their pictures or NULL. */
struct reading {
    struct tensor *x, *text[DENOISER_TEXTS], *image;
    struct tensor *control; /* [control_channels,t,h,w] or NULL */
};

/* x [C,t,h,w] as rows of patches. */
static struct tensor *rows_of(struct cx *cx, const struct latent_shape *s, struct tensor *x, int C)
{
    x = reshape(cx, x, DIMS(1, C, s->t, s->h, s->w));
    x = permute(cx, x, (const int[]){0, 2, 3, 4, 1});
    return patchify(cx, x, s->pt, s->ph, s->pw);
}

/* The same control for all samples, with one scale at all places where it acts. */
static void take_control(struct velocity *v, struct cx *cx, const struct denoiser *d, int n,
                         const struct reading *in, struct denoiser_batch *b)
{
    struct tensor *rows[2];
    double *scale;

    if (!in->control)
        return;
    rows[0] = rows[1] = rows_of(cx, &v->ask.shape, in->control, d->config.control_channels);
    b->control = n == 2 ? concat_rows(cx, 2, rows) : rows[0];
    scale = arena_alloc(&cx->handles, sizeof *scale * (size_t)d->config.n_controls);
    for (int i = 0; i < d->config.n_controls; i++)
        scale[i] = v->ask.control_scale;
    b->control_scale = scale;
}

/* Of the samples of a call. */
static float *blocks_of(const struct velocity *v, float *all, struct samples which)
{
    return all + (size_t)which.first * v->cut->rows * v->cut->width;
}

/* What blocks added the last time, when they are left out. */
static void take_blocks(struct velocity *v, struct cx *cx, struct samples which,
                        struct denoiser_batch *b)
{
    if (!v->ask.blocks)
        return;
    b->blocks = arena_alloc(&cx->handles, sizeof *b->blocks);
    *b->blocks = (struct denoiser_blocks){0};
    if (v->cut && v->cut->reuse)
        b->blocks->given =
            tensor_from(cx, cx->wide, DIMS(which.n * (int64_t)v->cut->rows, (int64_t)v->cut->width),
                        blocks_of(v, v->cut->added, which), DT_F32);
}

static void keep_blocks(struct velocity *v, struct cx *cx, struct samples which,
                        const struct denoiser_batch *b)
{
    if (v->cut && b->blocks && b->blocks->made)
        tensor_read_f32(cx, b->blocks->made, blocks_of(v, v->cut->fresh, which));
}

/* Equal samples, with the text of each -> their velocities [n,C,t,h,w]. */
static struct tensor *call(struct velocity *v, struct cx *cx, const struct denoiser *d,
                           struct samples which, const struct reading *in, double *times)
{
    int n = which.n;
    struct token_grid *grid = arena_alloc(&cx->handles, 2 * sizeof(*grid));
    struct tap *tap = arena_alloc(&cx->handles, sizeof(*tap));
    const struct latent_shape *s = &v->ask.shape;
    struct tensor *rows[2], *y;

    rows[0] = rows[1] = rows_of(cx, s, in->x, d->config.in_channels);
    grid[0] = grid[1] = (struct token_grid){s->t / s->pt, s->h / s->ph, s->w / s->pw};
    *tap = (struct tap){see, v};
    struct denoiser_batch b = {.n = n,
                               .grid = grid,
                               .rows = n == 2 ? concat_rows(cx, 2, rows) : rows[0],
                               .n_times = v->n_times,
                               .times = times,
                               .time_index = v->n_times > 1 ? v->time_index : NULL,
                               .image = {in->image, {n, v->image_start}},
                               .tap = tap};
    for (int k = 0; k < d->config.n_texts; k++)
        b.text[k] = (struct context){in->text[k],
                                     {n, which.first ? v->text[k].second_start : v->text[k].start}};
    take_control(v, cx, d, n, in, &b);
    take_blocks(v, cx, which, &b);
    y = denoiser_velocity(cx, d, &b);
    keep_blocks(v, cx, which, &b);
    y = unpatchify(cx, y, n, grid->t, grid->h, grid->w, s->pt, s->ph, s->pw);
    return permute(cx, y, (const int[]){0, 4, 1, 2, 3});
}

/* Of n samples with the same pictures. */
static void start_images(struct velocity *v)
{
    v->image_start[1] = v->ask.n_rows;
    v->image_start[2] = 2 * v->ask.n_rows;
}

int velocity_init(struct velocity *v, struct cx *cx, const struct velocity_ask *ask,
                  const struct text_model *text, const struct words *words, struct err *e)
{
    *v = (struct velocity){.ask = *ask, .cx = cx, .n_times = 1};
    start_images(v);
    v->times = xcalloc((size_t)ask->shape.t + 1, sizeof(double));
    v->out = try_malloc(2 * latent_count(&ask->shape) * sizeof(float), e, "velocities");
    v->time_index =
        try_malloc(2 * (size_t)latent_tokens(&ask->shape) * sizeof(int32_t), e, "timesteps");
    int rc = v->out && v->time_index ? 0 : ERR_FIT;
    if (!rc && ask->stagger > 0)
        rc = stagger_init(v, e);
    for (int k = 0; !rc && k < ask->denoiser->config.n_texts; k++)
        rc = read_text(v, k, &text[k], &words[k], e);
    if (rc)
        velocity_release(v);
    return rc;
}

int velocity_of_plan(struct velocity *v, struct cx *cx, const struct bundle *b,
                     const struct plan *p, const struct conditions *c, const atomic_int *stop,
                     struct err *e)
{
    struct velocity_ask ask = velocity_ask_of(p, b);

    ask.stop = stop;
    if (c) {
        ask.channels = c->channels;
        ask.rows = c->rows;
        ask.control = c->control;
    }
    ZT_ASSERT(!ask.n_channels == !ask.channels && !ask.n_rows == !ask.rows);
    return velocity_init(v, cx, &ask, b->text, p->words, e);
}

static void forget_replays(struct velocity *v)
{
    device_enter(v->cx->device);
    stagger_forget(v);
    for (int i = 0; i < 4; i++)
        replay_release(v->cx, &v->replay[i / 2][i % 2]);
    device_leave(v->cx->device);
    memset(v->replay, 0, sizeof(v->replay));
}

int velocity_say(struct velocity *v, const struct text_model *text, const struct words *words,
                 struct err *e)
{
    int rc = 0;

    forget_replays(v); /* other lengths are other shapes */
    for (int k = 0; !rc && k < v->ask.denoiser->config.n_texts; k++)
        rc = read_text(v, k, &text[k], &words[k], e);
    return rc;
}

void velocity_release(struct velocity *v)
{
    if (v->cx)
        forget_replays(v);
    stagger_release(v);
    for (int k = 0; k < DENOISER_TEXTS; k++)
        free(v->text[k].rows);
    free(v->out);
    free(v->time_index);
    free(v->times);
    memset(v, 0, sizeof(*v));
}

/* Tokens of a region that are held clean have a timestep too, where their frame has none. */
static void give_places(struct velocity *v, const uint8_t *place)
{
    const struct latent_shape *s = &v->ask.shape;
    int64_t n = latent_tokens(s);
    int drawn = v->n_times, clean = given_time(v->times, &v->n_times, 0);

    for (int64_t i = 0; i < 2 * n; i++)
        if (v->time_index[i] == drawn)
            v->time_index[i] =
                (int32_t)(place[latent_place_of(s, i % n, 0)] == REGION_CLEAN ? clean : v->n_times);
}

void velocity_give(struct velocity *v, const struct given *list, int n, const uint8_t *place)
{
    const struct latent_shape *s = &v->ask.shape;
    int64_t frame = latent_tokens(s) / (s->t / s->pt),
            *entry = xcalloc((size_t)s->t, sizeof *entry);

    ZT_ASSERT(n <= s->t);
    v->n_times = 0;
    for (int i = 0; i < n; i++)
        entry[list[i].frame / s->pt] = 1 + given_time(v->times, &v->n_times, list[i].level);
    for (int64_t i = 0; i < 2 * latent_tokens(s); i++) {
        int64_t own = entry[i / frame % (s->t / s->pt)];

        v->time_index[i] = (int32_t)(own ? own - 1 : v->n_times);
    }
    if (place)
        give_places(v, place);
    v->n_times++;
    free(entry);
    forget_replays(v); /* other timesteps are other shapes */
    stagger_give(v, list, n);
}

void velocity_step(struct velocity *v, int i, int n)
{
    uint64_t before = 0, now = 0;

    for (int k = 0; k < v->ask.n_denoisers; k++)
        before = before * 31 + weight_set_acting(v->ask.denoiser[k].weights, v->at);
    v->at = (double)i / n;
    v->step = i;
    v->n_steps = n;
    for (int k = 0; k < v->ask.n_denoisers; k++)
        now = now * 31 + weight_set_acting(v->ask.denoiser[k].weights, v->at);
    if (v->cut)
        shortcut_step(v->cut, i, n);
    if (now != before)
        forget_replays(v); /* what is replayed has those of the step that was recorded */
}

/* Rows of text encoder k. */
static struct tensor *text_in(struct velocity *v, struct cx *cx, const struct denoiser *d, int k,
                              struct samples which)
{
    const struct velocity_text *t = &v->text[k];
    int64_t from = t->start[which.first], rows = t->start[which.first + which.n] - from;
    int64_t dim = d->config.text_dim[k];

    return tensor_from(cx, DT_F32, DIMS(rows, dim), t->rows + from * dim, DT_F32);
}

/* x and the conditions on the device. */
static struct reading read_in(struct velocity *v, struct cx *cx, const struct denoiser *d,
                              const float *x, struct samples which)
{
    const struct latent_shape *s = &v->ask.shape;
    int64_t places = (int64_t)s->t * s->h * s->w, dim = d->config.image_dim;
    struct reading in = {.x = tensor_from(cx, DT_F32, DIMS(s->c, places), x, DT_F32)};

    for (int k = 0; k < d->config.n_texts; k++)
        in.text[k] = text_in(v, cx, d, k, which);
    if (v->ask.n_channels) {
        struct tensor *all[2] = {in.x, tensor_from(cx, DT_F32, DIMS(v->ask.n_channels, places),
                                                   v->ask.channels, DT_F32)};
        in.x = concat_rows(cx, 2, all);
    }
    if (d->config.n_controls)
        in.control = tensor_from(cx, DT_F32, DIMS(d->config.control_channels, places),
                                 v->ask.control, DT_F32);
    if (v->ask.n_rows) {
        struct tensor *both[2];

        both[0] = both[1] = tensor_from(cx, DT_F32, DIMS(v->ask.n_rows, dim), v->ask.rows, DT_F32);
        in.image = which.n == 2 ? concat_rows(cx, 2, both) : both[0];
    }
    return in;
}

/* What the networks say of x. Weights that come and go are brought by calls of their own, so such a
 * step is not replayed; nor is one that is computed again, in another context. */
static struct tensor *evaluate(struct velocity *v, struct cx *cx, const float *x, int expert,
                               struct samples which)
{
    const struct denoiser *d = &v->ask.denoiser[expert];
    struct replay *replay = &v->replay[expert][which.first + which.n - 1];
    int replayed = !d->weights->stream && cx == v->cx && !v->ask.blocks;

    for (;;) {
        if (replayed)
            replay_begin(cx, replay);
        struct reading in = read_in(v, cx, d, x, which);
        struct tensor *y = call(v, cx, d, which, &in, v->times);
        if (!replayed || replay_end(cx, replay))
            return y;
        cx_step_end(cx);
    }
}

/* Another context, in f32, for what is not finite in bf16. 0: v's own is no narrower. */
static int wider(const struct velocity *v, struct cx *wide)
{
    if (v->cx->type != DT_BF16)
        return 0;
    cx_init(wide, v->cx->device, DT_F32, v->cx->kcx.threads);
    return 1;
}

/* The network said what is no velocity: it is asked once more, and watched. */
static int say_trouble(struct velocity *v, struct cx *cx, const float *x, int expert,
                       struct samples which, enum health health, struct err *e)
{
    static const char *const names[2] = {"transformer", "transformer_2"};
    const struct denoiser *d = &v->ask.denoiser[expert];
    const struct weight *w = health == HEALTH_NOT_FINITE ? store_find_bad(d->weights) : NULL;
    struct reading in;

    v->looking = health;
    device_enter(cx->device);
    in = read_in(v, cx, d, x, which);
    call(v, cx, d, which, &in, v->times);
    device_leave(cx->device);
    cx_step_end(cx);
    v->looking = HEALTH_GOOD;
    err_set(e, ERR_DEVICE, "%s: its output %s%s, from %s on%s%s%s", names[expert],
            health_name(health), cx == v->cx ? "" : ", in f32 as well",
            v->bad ? v->bad : "the last layer", w ? "; the weight " : "", w ? w->name : "",
            w ? " in its file is not finite" : "");
    free(v->bad);
    v->bad = NULL;
    return ERR_DEVICE;
}

/* One call: to out [n,C,t,h,w]. */
static int ask_once(struct velocity *v, struct cx *cx, const float *x, int expert,
                    struct samples which, float *out, enum health *health, struct err *e)
{
    device_enter(cx->device);
    struct tensor *y = evaluate(v, cx, x, expert, which);

    *health = !cx->err.code && tensor_finite(cx, y) ? HEALTH_GOOD : HEALTH_NOT_FINITE;
    if (!*health)
        tensor_read_f32(cx, y, out);
    device_leave(cx->device);
    cx_step_end(cx);
    for (int i = 0; !*health && i < which.n; i++)
        *health = health_of_velocity(&v->ask.shape, out + latent_count(&v->ask.shape) * (size_t)i);
    return cx->err.code ? err_set(e, cx->err.code, "transformer: %s", cx->err.msg) : 0;
}

/* All calls of an evaluation, up to the first, *which, that gives what is no velocity. */
static int ask_all(struct velocity *v, struct cx *cx, const float *x, int expert, int n,
                   struct samples *which, enum health *bad, struct err *e)
{
    size_t count = latent_count(&v->ask.shape);
    int rc = 0;

    *bad = HEALTH_GOOD;
    cx->at = v->at;
    for (int i = 0; !rc && !*bad && i < n; i++) {
        struct samples s = samples_of(&v->ask, n, i);

        *which = s.n ? s : *which;
        if (s.n)
            rc = ask_once(v, cx, x, expert, s, v->out + count * (size_t)i, bad, e);
    }
    return rc;
}

/* The whole evaluation, once more in f32 when it is no velocity in less. */
static int ask(struct velocity *v, const float *x, int expert, int n, struct err *e)
{
    struct samples which = {0, 0};
    struct cx wide, *cx = v->cx;
    enum health bad;
    int again = 0, rc = ask_all(v, cx, x, expert, n, &which, &bad, e);

    if (!rc && bad && (again = wider(v, &wide))) {
        cx = &wide;
        rc = ask_all(v, cx, x, expert, n, &which, &bad, e);
        v->again += !rc && !bad;
    }
    if (!rc && bad)
        rc = say_trouble(v, cx, x, expert, which, bad, e);
    if (again)
        cx_release(&wide);
    return rc;
}

/* What the network makes of the time of this evaluation, for those that look at it. */
static int see_time(struct velocity *v, int expert, struct err *e)
{
    const struct denoiser *d = &v->ask.denoiser[expert];
    struct cx *cx = v->cx;

    device_enter(cx->device);
    tensor_read_f32(cx, d->is->time(cx, d->net, v->times[v->n_times - 1], v->cut->is->time == 2),
                    v->cut->time);
    device_leave(cx->device);
    cx_step_end(cx);
    return cx->err.code ? err_set(e, cx->err.code, "transformer: %s", cx->err.msg) : 0;
}

/* The same, or a guess. */
static int ask_or_guess(struct velocity *v, const float *x, int expert, int n, struct err *e)
{
    int rc = v->cut && v->cut->is->time ? see_time(v, expert, e) : 0, skips;

    if (rc)
        return rc;
    skips = v->cut && shortcut_skips(v->cut, expert, n, x);
    if (skips && shortcut_guess(v->cut, x, v->out))
        return 0;
    rc = ask(v, x, expert, n, e);
    if (!rc && v->cut && !skips)
        shortcut_learn(v->cut, x, v->out);
    return rc;
}

int velocity_at(struct velocity *v, const float *x, double timestep, double sigma, float *out,
                struct err *e)
{
    int expert = velocity_expert(&v->ask, timestep), rc;
    double guidance = velocity_scale(&v->ask, expert, sigma);
    int n = velocity_samples(&v->ask, expert, sigma);
    size_t count = latent_count(&v->ask.shape);

    if (v->stagger && stagger_wanted(v->ask.stagger, v->step, v->n_steps, sigma))
        return stagger_at(v, x, timestep, sigma, out, e);
    v->times[v->n_times - 1] = timestep;
    rc = ask_or_guess(v, x, expert, n, e);
    if (rc)
        return rc;
    float scale = (float)guidance;
    memcpy(out, v->out, count * sizeof(float));
    for (size_t i = 0; n == 2 && i < count; i++)
        out[i] = v->out[count + i] + scale * (v->out[i] - v->out[count + i]);
    return 0;
}

/* A call of a dry run, which reads nothing. */
static void dry_call(struct velocity *v, struct cx *cx, const struct denoiser *d,
                     struct samples which)
{
    const struct denoiser_config *c = &d->config;
    const struct latent_shape *s = &v->ask.shape;
    int64_t places = (int64_t)s->t * s->h * s->w;
    struct reading in = {.x = tensor_new(cx, DT_F32, DIMS(c->in_channels, places))};

    for (int k = 0; k < c->n_texts; k++)
        in.text[k] = tensor_new(cx, DT_F32, DIMS(v->text[k].start[which.n], c->text_dim[k]));
    if (c->n_controls)
        in.control = tensor_new(cx, DT_F32, DIMS(c->control_channels, places));
    if (v->ask.n_rows)
        in.image = tensor_new(cx, DT_F32, DIMS(which.n * v->ask.n_rows, c->image_dim));
    call(v, cx, d, which, &in, v->times);
    cx_step_end(cx);
}

void velocity_dry(const struct velocity_ask *ask, struct cx *cx, int expert, int n, int n_times,
                  const struct words *words)
{
    struct velocity v = {.ask = *ask, .n_times = n_times};

    v.times = xcalloc((size_t)n_times, sizeof *v.times);
    v.time_index = xcalloc(2 * (size_t)latent_tokens(&ask->shape), sizeof *v.time_index);
    for (int k = 0; k < ask->denoiser->config.n_texts; k++)
        start_text(&v.text[k], ask->denoiser->config.text_rows[k], words[k].start);
    start_images(&v);
    for (int k = 0; k < n; k++)
        if (samples_of(ask, n, k).n)
            dry_call(&v, cx, &ask->denoiser[expert], samples_of(ask, n, k));
    free(v.time_index);
    free(v.times);
}
