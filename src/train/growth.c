#include "train/growth.h"

#include <math.h>
#include <stdlib.h>

#include "base/ahead.h"
#include "base/clock.h"

struct growth {
    struct growth_config c;
    struct latents_writer writer;
    int final;
    int begun; /* the first step is behind */
    double begun_s, waited_s, longest_s, encoded_s;
    struct ahead *clips;
    struct latent_clip *group[LATENT_GROUP];
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

/* The next group, in g->group. Returns how many clips it has. */
static int take(struct growth *g)
{
    double start = clock_s();
    int n = latent_group_size(g->writer.clips, g->final);
    for (int i = 0; i < n; i++)
        g->group[i] = ahead_take(g->clips);
    g->waited_s += clock_s() - start;
    return n;
}

int growth_new(struct growth **out, const struct growth_config *c, struct err *e)
{
    struct growth *g = *out = xcalloc(1, sizeof *g);
    int n = threads_count(c->run->threads);
    g->c = *c;
    g->final = growth_final(c->config);
    int rc = latents_writer_open(&g->writer, c->config, c->run, c->cx, c->vae, g->final, e);
    ZT_ASSERT(rc || g->writer.clips >= growth_clips(c->config, 0)); /* latents_stage was here */
    /* The thread that feeds the device and the one that makes batches have work of their own. */
    if (!rc)
        rc = latent_clips_ahead(&g->clips, &g->writer.source, g->writer.clips, g->final,
                                n > 3 ? n - 2 : 1, e);
    return rc ? growth_free(out, rc, e) : 0;
}

static int grow(struct growth *g, int clips, struct err *e)
{
    const volatile sig_atomic_t *stop = g->c.run->stop;
    int rc = 0;
    while (g->writer.clips < clips && !rc) {
        /* Later a stop waits for the end of the step, where a checkpoint is written. */
        if (!g->begun && stop && *stop)
            return err_set(e, ERR_CANCEL, "dit: stopped while clips were made again");
        int n = take(g);
        double start = clock_s();
        rc = latents_writer_add(&g->writer, g->group, n, e);
        g->encoded_s += clock_s() - start;
        for (int i = 0; i < n; i++)
            latent_clip_free(&g->group[i]);
    }
    return rc;
}

int growth_to(struct growth *g, int64_t step, struct err *e)
{
    const struct train_config *c = g->c.config;
    int clips = growth_clips(c, step);
    ZT_ASSERT(clips <= g->final);
    double waited = g->waited_s;
    if (!g->begun)
        g->begun_s = clock_s();
    int rc = grow(g, clips, e);
    if (rc)
        return rc;
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

int growth_free(struct growth **gp, int rc, struct err *e)
{
    struct growth *g = *gp;
    if (!g)
        return rc;
    ahead_free(&g->clips);
    rc = latents_writer_close(&g->writer, rc, e);
    free(g);
    *gp = NULL;
    return rc;
}
