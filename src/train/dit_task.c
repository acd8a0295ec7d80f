#include "train/dit_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { STREAM_WINDOW = 0, STREAM_NOISE = 1, STREAMS = 2 };
/* Latent frames: of context, and before a window that goes on; few, so that windows stay long. */
enum { MOST_CONTEXT = DIT_GIVEN, MOST_SKIPPED = 4 };
/* Noise levels from which a frame is recycled: below, one step makes hardly an error; above, it
 * makes a blur that no film holds. */
static const double LEAST_RECYCLED = 0.2, MOST_RECYCLED = 0.8;

static uint64_t step_key(uint64_t seed, int64_t step)
{
    return seed * 0xd6e8feb86659fd93ull + (uint64_t)step * 0xa0761d6478bd642full + 2;
}

int64_t dit_steps(const struct dit_recipe *r)
{
    int64_t n = 0;
    for (int i = 0; i < r->n_phases; i++)
        n += r->phase[i].steps;
    return n;
}

const struct dit_phase *dit_phase_of(const struct dit_recipe *r, int64_t step)
{
    int i = 0;
    while (i < r->n_phases - 1 && step >= r->phase[i].steps)
        step -= r->phase[i++].steps;
    return &r->phase[i];
}

/* The other kinds of window: one that goes on from what came before it, anywhere in the clip, and
 * one whose two ends are known. */
static void draw_given(struct dit_window *w, struct rng *g, const struct dit_recipe *r, int frames)
{
    double kind = rng_uniform(g);
    if (kind < r->p_extend && frames >= MOST_CONTEXT + 2) {
        int context = 2 + rng_below(g, MOST_CONTEXT - 1);
        w->first =
            rng_below(g, frames - context - 1 < MOST_SKIPPED ? frames - context - 1 : MOST_SKIPPED);
        int most = frames - w->first;
        w->t = w->t < context + 2 ? context + 2 : w->t;
        w->t = w->t < most ? w->t : most;
        w->n_given = w->context = context;
        for (int t = 0; t < context; t++)
            w->given[t] = (struct given){.frame = t};
    } else if (kind >= r->p_extend && kind < r->p_extend + r->p_ends && w->t > 2) {
        w->n_given = 2;
        w->given[0] = (struct given){.frame = 0};
        w->given[1] = (struct given){.frame = w->t - 1};
    }
}

void dit_draw_windows(struct dit_window *w, int n, const struct dit_recipe *r,
                      const struct dit_phase *phase, const struct dit_pool *pool, uint64_t seed,
                      int64_t step)
{
    for (int i = 0; i < n; i++) {
        struct rng g;
        rng_init(&g, step_key(seed, step), STREAM_WINDOW + STREAMS * (uint64_t)i);
        w[i].record = rng_below(&g, pool->n_records);
        w[i].t = (phase->frames[rng_pick(&g, phase->weight, phase->n_mix)] - 1) / pool->kt + 1;
        double u = r->s_mean + r->s_std * rng_normal(&g), even = rng_uniform(&g);
        w[i].s = rng_chance(&g, r->s_uniform) ? even : 1 / (1 + exp(-u));
        w[i].first = 0;
        w[i].n_given = rng_chance(&g, r->p_image) && w[i].t > 1; /* the first, clean */
        w[i].given[0] = (struct given){0};
        w[i].no_text = rng_chance(&g, r->p_no_text);
        w[i].context = 0;
        draw_given(&w[i], &g, r, pool->frames);
        w[i].caption = 0;
        if (pool->captions > 1 && rng_chance(&g, r->p_everyday))
            w[i].caption = 1 + rng_below(&g, pool->captions - 1);
        double level = LEAST_RECYCLED + (MOST_RECYCLED - LEAST_RECYCLED) * rng_uniform(&g);
        w[i].recycled = w[i].context && rng_chance(&g, phase->recycle) ? level : 0;
    }
}

/* Ids of a window's prompt. */
static const int32_t *prompt_of(const struct prompts *p, const struct dit_window *w, int64_t *len)
{
    const int64_t *start = p->start + (int64_t)(w->record - p->first) * p->each + w->caption;
    *len = w->no_text ? p->n_empty : start[1] - start[0];
    return w->no_text ? p->empty : p->ids + start[0];
}

static void batch_allocate(struct dit_batch *b, const struct dit_window *w, int n,
                           const struct latents *l, const struct prompts *p)
{
    size_t frame = (size_t)(l->head.h / l->head.patch) * (size_t)(l->head.w / l->head.patch);
    int given = 0;
    *b = (struct dit_batch){
        .n = n, .h = l->head.h, .w = l->head.w, .c = l->head.c, .n_times = n + 1};
    b->window = xmalloc(sizeof(*b->window) * (size_t)n);
    memcpy(b->window, w, sizeof(*w) * (size_t)n);
    b->grid = xmalloc(sizeof(*b->grid) * (size_t)n);
    b->text_start = xcalloc((size_t)n + 1, sizeof(*b->text_start));
    for (int i = 0; i < n; i++) {
        b->grid[i] =
            (struct token_grid){w[i].t, l->head.h / l->head.patch, l->head.w / l->head.patch};
        b->rows += (int64_t)frame * w[i].t;
        b->frames += w[i].t;
        given += w[i].n_given;
        int64_t len;
        prompt_of(p, &w[i], &len);
        b->text_start[i + 1] = b->text_start[i] + len;
    }
    b->text_rows = b->text_start[n];
    size_t count = (size_t)b->frames * (size_t)b->h * (size_t)b->w * (size_t)b->c;
    b->x = xmalloc(sizeof(float) * count);
    b->target = xmalloc(sizeof(float) * count);
    b->weight = xmalloc(sizeof(float) * (size_t)b->rows);
    b->times = xcalloc((size_t)(n + 1 + given), sizeof(double));
    b->time_index = xmalloc(sizeof(int32_t) * (size_t)b->rows);
    b->ids = xmalloc(sizeof(int32_t) * (size_t)(b->text_rows + 1));
}

void dit_batch_release(struct dit_batch *b)
{
    free(b->window);
    free(b->grid);
    free(b->text_start);
    free(b->x);
    free(b->target);
    free(b->weight);
    free(b->times);
    free(b->time_index);
    free(b->ids);
    *b = (struct dit_batch){0};
}

/* Timesteps of all windows, then of what is given with noise. */
static void set_times(struct dit_batch *b, const struct dit_window *w)
{
    for (int i = 0; i < b->n; i++)
        b->times[i + 1] = 1000 * w[i].s;
    for (int i = 0; i < b->n; i++)
        for (int k = 0; k < w[i].n_given; k++)
            given_time(b->times, &b->n_times, w[i].given[k].level);
}

/* Window i, beginning with latent frame `at` of the batch. */
static void make_window(struct dit_batch *b, int i, int64_t at, const struct dit_window *w,
                        const struct dit_recipe *r, const struct latents *l, const float *eps)
{
    const struct latents_head *h = &l->head;
    struct latent_view v = latents_get(l, w->record);
    size_t count = (size_t)h->h * (size_t)h->w * (size_t)h->c;
    int64_t tokens = (int64_t)b->grid[i].h * b->grid[i].w;
    for (int t = 0; t < w->t; t++) {
        const struct given *given = given_at(w->given, w->n_given, t);
        int from = w->first + t;
        float s = (float)(given ? given->level : w->s);
        float *noisy = b->x + count * (size_t)(at + t),
              *target = b->target + count * (size_t)(at + t);
        for (size_t j = 0; j < count; j++) {
            size_t k = j % (size_t)h->c;
            float x0 = (bf16_to_f32(v.z[(size_t)from * count + j]) - l->mean[k]) / l->std[k];
            float e = eps[(size_t)t * count + j];
            noisy[j] = (1 - s) * x0 + s * e;
            target[j] = e - x0;
        }
        int n_times = b->n_times,
            entry = given ? given_time(b->times, &n_times, given->level) : i + 1;
        int64_t row = (at + t) * tokens;
        for (int64_t j = 0; j < tokens; j++) {
            int object = v.share[tokens * from + j] > 0 && w->s < r->object_s;
            b->weight[row + j] = given ? 0 : object ? (float)r->object_weight : 1;
            b->time_index[row + j] = entry;
        }
    }
}

struct make_job {
    struct dit_batch *b;
    const struct dit_window *w;
    const struct dit_recipe *r;
    const struct latents *l;
    const struct prompts *p;
    uint64_t key;
    int64_t *first; /* latent frame of each window in the batch */
};

static void make_one(void *arg, int i, int worker)
{
    const struct make_job *j = arg;
    const struct dit_window *w = &j->w[i];
    const struct latents_head *h = &j->l->head;
    size_t count = (size_t)w->t * (size_t)h->h * (size_t)h->w * (size_t)h->c;
    float *eps = xmalloc(sizeof(float) * count);
    (void)worker;
    rng_fill_normal(eps, count, j->key, STREAM_NOISE + STREAMS * (uint64_t)i, 0);
    make_window(j->b, i, j->first[i], w, j->r, j->l, eps);
    free(eps);
    int64_t len;
    const int32_t *ids = prompt_of(j->p, w, &len);
    memcpy(j->b->ids + j->b->text_start[i], ids, sizeof(int32_t) * (size_t)len);
}

void dit_batch_make(struct dit_batch *b, const struct dit_window *w, int n,
                    const struct dit_recipe *r, const struct latents *l, const struct prompts *p,
                    uint64_t seed, int64_t step, struct threads *th)
{
    batch_allocate(b, w, n, l, p);
    struct make_job j = {
        b, w, r, l, p, step_key(seed, step), xcalloc((size_t)n + 1, sizeof(int64_t))};
    for (int i = 0; i < n; i++)
        j.first[i + 1] = j.first[i] + w[i].t;
    set_times(b, w);
    threads_run(th, n, make_one, &j);
    free(j.first);
}

static int patch_of(const struct dit_batch *b)
{
    return b->h / b->grid[0].h;
}

static struct tensor *wide_frames(struct cx *cx, const struct dit_batch *b, const float *values)
{
    return tensor_from(cx, cx->wide, DIMS(b->frames, b->h, b->w, b->c), values, DT_F32);
}

struct tensor *dit_frames(struct cx *cx, const struct dit_batch *b, struct tensor *rows)
{
    int p = patch_of(b);
    struct tensor *x = unpatchify(cx, rows, b->frames, 1, b->h / p, b->w / p, 1, p, p);
    return reshape(cx, x, DIMS(b->frames, b->h, b->w, b->c));
}

/* Frames as rows in the columns that the network answers in. */
static struct tensor *answer_rows(struct cx *cx, const struct dit_batch *b, struct tensor *x)
{
    int p = patch_of(b);
    x = reshape(cx, x, DIMS(b->frames, b->h / p, p, b->w / p, p, b->c));
    x = permute(cx, x, (const int[]){0, 1, 3, 2, 4, 5});
    return reshape(cx, x, DIMS(b->rows, p * p * b->c));
}

struct tensor *dit_velocity(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                            struct dit_batch *b, int remat)
{
    struct tensor *x = wide_frames(cx, b, b->x);
    int p = patch_of(b);
    b->call = (struct denoiser_batch){.n = b->n,
                                      .grid = b->grid,
                                      .n_times = b->n_times,
                                      .times = b->times,
                                      .time_index = b->time_index,
                                      .text = {{NULL, {b->n, b->text_start}}},
                                      .remat = remat};
    b->call.rows = patchify(cx, reshape(cx, x, DIMS(b->frames, 1, b->h, b->w, b->c)), 1, p, p);
    b->call.text[0].rows = text_rows(cx, text, b->ids, &b->call.text[0].seq, NULL);
    return denoiser_velocity(cx, m, &b->call);
}

float *dit_velocity_values(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                           struct dit_batch *b)
{
    struct tensor *v = dit_frames(cx, b, dit_velocity(cx, m, text, b, 0));
    float *values = xmalloc(sizeof(float) * (size_t)tensor_count(v));
    tensor_read_f32(cx, v, values);
    cx_step_end(cx);
    return values;
}

struct tensor *dit_loss(struct cx *cx, const struct denoiser *m, const struct text_model *text,
                        struct dit_batch *b, int remat)
{
    double sum = 0;
    for (int64_t i = 0; i < b->rows; i++)
        sum += b->weight[i];
    struct tensor *v = dit_velocity(cx, m, text, b, remat);
    struct tensor *target = answer_rows(cx, b, wide_frames(cx, b, b->target));
    struct tensor *weight = tensor_from(cx, cx->wide, DIMS(b->rows), b->weight, DT_F32);
    return loss_l2(cx, v, target, weight, 1 / fmax(sum, 1));
}
