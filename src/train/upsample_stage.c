#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "train/recipe.h"
#include "train/reel.h"
#include "train/stages.h"
#include "train/upsample_task.h"

/* Numbers of clips that neither the codec nor the transformer learns from. */
#define UPSAMPLE_CLIPS (1ull << 41)

struct upsample_run {
    const struct train_config *c;
    const struct upsample_recipe *recipe;
    const struct run *run;
    struct cx cx;
    struct subpixel m;
    struct optim optim;
    struct upsample_pairs pairs, held_out;
    struct upsample_batch batch;
};

static int gradients(void *arg, int64_t step, double *loss, struct err *e)
{
    struct upsample_run *u = arg;
    struct cx *cx = &u->cx;
    upsample_batch_draw(&u->batch, &u->pairs, u->c->seed, step);
    weight_zero_grads(&u->m.weights);
    tape_begin(cx);
    struct tensor *l = upsample_loss(cx, &u->m, &u->batch, u->recipe->edges);
    backward(cx, l, 1);
    *loss = scalar_value(cx, l);
    tape_end(cx);
    cx_step_end(cx);
    return cx->err.code ? err_set(e, cx->err.code, "upsampler: step %lld: %s", (long long)step + 1,
                                  cx->err.msg)
                        : 0;
}

static double psnr(double sum, double n)
{
    return -10 * log10(fmax(sum / n, 1e-12));
}

static int evaluate(void *arg, int64_t step, struct jsonw *row, struct err *e)
{
    struct upsample_run *u = arg;
    double net, plain, n;
    int rc = upsample_error(&u->cx, &u->m, &u->held_out, &net, &plain, &n, e);
    if (rc)
        return rc;
    jsonw_real(row, "psnr", psnr(net, n));
    jsonw_real(row, "psnr_bicubic", psnr(plain, n));
    run_log(u->run, "upsampler %lld  held-out PSNR %.2f dB, bicubic %.2f dB", (long long)step,
            psnr(net, n), psnr(plain, n));
    return 0;
}

static void state_hash(const struct upsample_run *u, int place, char out[65])
{
    const struct train_config *c = u->c;
    const struct upsample_recipe *r = u->recipe;
    const struct optim_config *o = &r->optim;
    stage_hash(out, "upsampler/1 %d %llu %dx%d %016llx %d %d %d %d %d %d %d %g %g %g %g %g %g",
               place, (unsigned long long)c->seed, c->clip.width, c->clip.height,
               (unsigned long long)worlds_hash(&c->clip.worlds), r->net.scale, r->net.width,
               r->net.blocks, r->clips, r->frames, r->batch, r->crop, r->edges, r->noise, o->lr,
               o->eps, o->beta2, o->ema);
}

static int prepare(struct upsample_run *u, const struct upsample_source *from, struct err *e)
{
    const struct upsample_recipe *r = u->recipe;
    struct optim_set set = {"upsampler", &u->m.weights};
    int rc = subpixel_init(&u->m, &r->net, e);
    if (!rc)
        rc = weight_set_allocate(&u->m.weights, u->run->device, u->c->type, 1, e);
    if (rc)
        return rc;
    weight_set_initialise(&u->m.weights, u->c->seed, u->run->threads);
    upsample_batch_init(&u->batch, r->batch, r->crop, r->net.scale);
    rc = upsample_pairs_make(&u->pairs, from, UPSAMPLE_CLIPS, r->clips, &u->cx, u->run, e);
    if (!rc)
        rc = upsample_pairs_make(&u->held_out, from, REEL_HELD_OUT, r->held_out, &u->cx, u->run, e);
    return rc ? rc : optim_init(&u->optim, &r->optim, &set, 1, e);
}

static int train(struct upsample_run *u, const char *stage, int place, struct err *e)
{
    const struct upsample_recipe *r = u->recipe;
    char hash[65];
    state_hash(u, place, hash);
    struct run run = *u->run;
    run.config_hash = hash;
    struct loop l = {.stage = stage,
                     .steps = r->steps,
                     .warmup = r->warmup,
                     .decay = r->decay,
                     .report_every = 50,
                     .evaluate_every = r->evaluate_every,
                     .optim = &u->optim,
                     .kernels = u->cx.k,
                     .kcx = &u->cx.kcx,
                     .arg = u,
                     .gradients = gradients,
                     .evaluate = evaluate};
    return loop_run(&l, &run, e);
}

static void release(struct upsample_run *u)
{
    optim_release(&u->optim);
    upsample_batch_release(&u->batch);
    upsample_pairs_release(&u->pairs);
    upsample_pairs_release(&u->held_out);
    subpixel_release(&u->m);
    cx_release(&u->cx);
}

/* Upsampler number i, from frames of the codec that the finished ones before it enlarge. */
static int train_one(const struct train_config *c, const struct run *run, int i,
                     const struct upsample_source *from, struct err *e)
{
    const char *folder = bundle_folder((enum bundle_place)(PLACE_UPSAMPLER + i));
    struct upsample_run u = {.c = c, .recipe = &c->upsampler[i], .run = run};
    char *dir = path_join(run->dir, folder);
    cx_init(&u.cx, run->device, c->type, run->threads);
    int rc = prepare(&u, from, e);
    if (!rc)
        rc = train(&u, folder, i, e);
    if (!rc) {
        optim_swap_ema(&u.optim);
        rc = bundle_save_subpixel(&u.m, dir, DT_F32, NULL, e);
    }
    if (!rc)
        rc = recipe_upsampler_finish(c, run->dir, i, e);
    release(&u);
    free(dir);
    return rc;
}

static int load_codec(struct tiny_vae *m, const struct train_config *c, const struct run *run,
                      struct err *e)
{
    char *dir = path_join(run->dir, "vae");
    int rc = bundle_load_tiny_vae(m, dir, run->device, c->type, 0, e);
    free(dir);
    return rc;
}

int upsample_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    struct tiny_vae codec = {0};
    struct subpixel done[UPSAMPLERS_MAX] = {0};
    struct upsample_source from = {.config = c, .codec = &codec};
    int rc = c->n_upsamplers ? load_codec(&codec, c, run, e) : 0;
    for (int i = 0; i < c->n_upsamplers && !rc; i++) {
        char *dir = path_join(run->dir, bundle_folder((enum bundle_place)(PLACE_UPSAMPLER + i)));
        from.frames = c->upsampler[i].frames;
        from.scale = c->upsampler[i].net.scale;
        from.noise = c->upsampler[i].noise;
        if (!recipe_upsampler_done(c, run->dir, i))
            rc = train_one(c, run, i, &from, e);
        if (!rc)
            rc = bundle_load_subpixel(&done[i], dir, run->device, c->type, 0, e);
        from.before[from.n_before++] = &done[i];
        free(dir);
    }
    for (int i = 0; i < UPSAMPLERS_MAX; i++)
        subpixel_release(&done[i]);
    tiny_vae_release(&codec);
    return rc;
}
