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
    dit_draw_windows(w, phase->windows, c->recipe, phase, c->n_records, c->kt, c->seed, step);
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

static void start(struct dit_feed *f, int64_t step)
{
    f->step = step;
    f->making = step < f->c.steps && !pthread_create(&f->maker, NULL, make_next, f);
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

void dit_feed_take(struct dit_feed *f, int64_t step, struct dit_batch *b)
{
    int made = finish(f);
    if (made && f->step == step) {
        *b = f->next;
    } else {
        if (made)
            dit_batch_release(&f->next);
        make(&f->c, step, b);
    }
    if (f->c.ahead)
        start(f, step + 1);
}
