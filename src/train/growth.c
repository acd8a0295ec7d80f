#include "train/growth.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/* Groups that wait to be encoded: some 20 MB each at 41 frames of 112x64 px, with the mirror image.
 */
enum { AHEAD = 4 };

struct growth {
    struct growth_config c;
    struct latents_writer writer;
    int final;
    int rendering, begun; /* the renderer was started; the first step is behind */
    double begun_s, waited_s, longest_s, encoded_s;
    struct threads *threads;
    pthread_t renderer;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct latent_group *ready[AHEAD]; /* in order, the oldest first */
    int n_ready, stop;
};

int growth_clips(const struct train_config *c, int64_t step)
{
    double clips = c->latent_clips + floor(c->latent_growth * (double)step);
    return clips < TRAIN_MAX_CLIPS ? (int)clips : TRAIN_MAX_CLIPS;
}

int growth_final(const struct train_config *c)
{
    return growth_clips(c, dit_steps(&c->dit) - 1);
}

/* 0 when rendering shall end. */
static int hand_over(struct growth *g, struct latent_group *group)
{
    pthread_mutex_lock(&g->lock);
    while (g->n_ready == AHEAD && !g->stop)
        pthread_cond_wait(&g->changed, &g->lock);
    int go_on = !g->stop;
    if (go_on) {
        g->ready[g->n_ready++] = group;
        pthread_cond_signal(&g->changed);
    }
    pthread_mutex_unlock(&g->lock);
    if (!go_on)
        latent_group_free(&group);
    return go_on;
}

static void *render(void *arg)
{
    struct growth *g = arg;
    int go_on = 1;
    for (int first = g->writer.clips; first < g->final && go_on; first += LATENT_GROUP)
        go_on = hand_over(g, latent_group_render(g->c.config, &g->writer.head, g->c.vae, first,
                                                 g->final, g->threads));
    return NULL;
}

static struct latent_group *take(struct growth *g)
{
    double start = clock_s();
    pthread_mutex_lock(&g->lock);
    while (!g->n_ready)
        pthread_cond_wait(&g->changed, &g->lock);
    struct latent_group *group = g->ready[0];
    memmove(g->ready, g->ready + 1, sizeof(g->ready[0]) * (size_t)--g->n_ready);
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    g->waited_s += clock_s() - start;
    return group;
}

int growth_new(struct growth **out, const struct growth_config *c, struct err *e)
{
    struct growth *g = *out = xcalloc(1, sizeof *g);
    int n = threads_count(c->run->threads);
    g->c = *c;
    g->final = growth_final(c->config);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->changed, NULL);
    int r = latents_writer_open(&g->writer, c->config, c->run, c->cx, c->vae, g->final, e);
    ZT_ASSERT(r || g->writer.clips >= growth_clips(c->config, 0)); /* latents_stage was here */
    /* The thread that feeds the device and the one that makes batches have work of their own. */
    g->threads = threads_new(n > 3 ? n - 2 : 1);
    if (!r && !(g->rendering = !pthread_create(&g->renderer, NULL, render, g)))
        r = err_set(e, ERR_FIT, "no thread is to be had for rendering clips");
    return r ? growth_free(out, r, e) : 0;
}

static int grow(struct growth *g, int clips, struct err *e)
{
    const volatile sig_atomic_t *stop = g->c.run->stop;
    int r = 0;
    while (g->writer.clips < clips && !r) {
        /* Later a stop waits for the end of the step, where a checkpoint is written. */
        if (!g->begun && stop && *stop)
            return err_set(e, ERR_CANCEL, "dit: stopped while clips were made again");
        struct latent_group *group = take(g);
        double start = clock_s();
        r = latents_writer_add(&g->writer, group, e);
        g->encoded_s += clock_s() - start;
        latent_group_free(&group);
    }
    return r;
}

int growth_to(struct growth *g, int64_t step, struct err *e)
{
    const struct train_config *c = g->c.config;
    int clips = growth_clips(c, step);
    ZT_ASSERT(clips <= g->final);
    double waited = g->waited_s;
    if (!g->begun)
        g->begun_s = clock_s();
    int r = grow(g, clips, e);
    if (r)
        return r;
    g->begun = 1;
    g->longest_s = fmax(g->longest_s, g->waited_s - waited);
    g->c.latents->n = clips * (c->mirror ? 2 : 1);
    prompts_extend(g->c.prompts, g->c.tokenizer, g->c.latents);
    return 0;
}

void growth_say(const struct growth *g)
{
    double all = g->begun ? fmax(clock_s() - g->begun_s, 1e-9) : 1;
    run_log(g->c.run,
            "dit: %d clips in the pool; training stood still %.2f %% of the time for rendering (at "
            "most %.3f s at a step), %.2f %% for encoding",
            g->c.latents->n / (g->c.config->mirror ? 2 : 1), 100 * g->waited_s / all, g->longest_s,
            100 * g->encoded_s / all);
}

int growth_free(struct growth **gp, int r, struct err *e)
{
    struct growth *g = *gp;
    if (!g)
        return r;
    pthread_mutex_lock(&g->lock);
    g->stop = 1;
    pthread_cond_signal(&g->changed);
    pthread_mutex_unlock(&g->lock);
    if (g->rendering)
        pthread_join(g->renderer, NULL);
    for (int i = 0; i < g->n_ready; i++)
        latent_group_free(&g->ready[i]);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    threads_free(&g->threads);
    r = latents_writer_close(&g->writer, r, e);
    free(g);
    *gp = NULL;
    return r;
}
