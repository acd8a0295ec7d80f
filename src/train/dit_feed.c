#include "train/dit_feed.h"

#include <pthread.h>
#include <stdlib.h>

struct dit_feed {
    struct dit_feed_config c;
    pthread_t maker;
    int making; /* the maker runs, for step `step` */
    int64_t step;
    struct dit_batch next;
};

static void make(const struct dit_feed_config *c, int64_t step, struct dit_batch *b)
{
    const struct dit_phase *phase = dit_phase_of(c->recipe, step);
    struct dit_window *w = xmalloc(sizeof(*w) * (size_t)phase->windows);
    struct dit_pool pool = {c->latents->n - c->n_held, c->prompts->each, c->latents->head.t, c->kt};
    dit_draw_windows(w, phase->windows, c->recipe, phase, &pool, c->seed, step);
    for (int i = 0; i < phase->windows; i++)
        if (w[i].record >= c->n_train)
            w[i].record += c->n_held;
    dit_batch_make(b, w, phase->windows, c->recipe, c->latents, c->prompts, c->seed, step,
                   c->threads);
    free(w);
}

static void *make_next(void *arg)
{
    struct dit_feed *f = arg;
    make(&f->c, f->step, &f->next);
    return NULL;
}

static int prepare(const struct dit_feed *f, int64_t step, struct err *e)
{
    return f->c.prepare ? f->c.prepare(f->c.arg, step, e) : 0;
}

static int start(struct dit_feed *f, int64_t step, struct err *e)
{
    int rc = step < f->c.steps ? prepare(f, step, e) : 0;
    f->step = step;
    f->making = !rc && step < f->c.steps && !pthread_create(&f->maker, NULL, make_next, f);
    return rc;
}

/* 1 when a batch was being made: it stands in f->next. */
static int finish(struct dit_feed *f)
{
    if (!f->making)
        return 0;
    pthread_join(f->maker, NULL);
    f->making = 0;
    return 1;
}

struct dit_feed *dit_feed_new(const struct dit_feed_config *c)
{
    struct dit_feed *f = xcalloc(1, sizeof *f);
    f->c = *c;
    return f;
}

void dit_feed_free(struct dit_feed **f)
{
    if (!*f)
        return;
    if (finish(*f))
        dit_batch_release(&(*f)->next);
    free(*f);
    *f = NULL;
}

int dit_feed_take(struct dit_feed *f, int64_t step, struct dit_batch *b, struct err *e)
{
    int made = finish(f), rc = 0;
    if (made && f->step == step) {
        *b = f->next;
    } else {
        if (made)
            dit_batch_release(&f->next);
        if ((rc = prepare(f, step, e)))
            return rc;
        make(&f->c, step, b);
    }
    if (f->c.ahead && (rc = start(f, step + 1, e)))
        dit_batch_release(b);
    return rc;
}
