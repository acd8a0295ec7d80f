#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "train/recipe.h"
#include "train/reel.h"
#include "train/stages.h"
#include "train/upsample_critic.h"
#include "train/upsample_task.h"

/* Numbers of clips that neither the codec nor the transformer learns from. */
#define UPSAMPLE_CLIPS (1ull << 41)

struct upsample_run {
    const struct train_config *c;
    const struct upsample_recipe *recipe;
    const struct run *run;
    struct cx cx;
    struct subpixel m;
    struct critic critic; /* where the recipe wants pictures that look rendered */
    double critic_loss;   /* of the last step */
    float *made;          /* what the network made of the batch, for the critic */
    struct optim optim;
    struct upsample_pairs pairs, held_out;
    struct upsample_batch batch;
    char init_hash[65]; /* of what learning begins at; "": noise */
};

/* Of the critic, from the pictures that the network made in this step: no gradient goes to it. */
static void critic_gradients(struct upsample_run *u)
{
    struct cx *cx = &u->cx;
    const struct upsample_batch *b = &u->batch;
    int64_t side = (int64_t)b->side * b->scale;
    tape_begin(cx);
    struct tensor *low =
        keep(cx, tensor_from(cx, cx->wide, DIMS(b->n, b->side, b->side, 3), b->low, DT_F32));
    struct tensor *made = tensor_from(cx, cx->wide, DIMS(b->n, side, side, 3), u->made, DT_F32);
    struct tensor *truth = tensor_from(cx, cx->wide, DIMS(b->n, side, side, 3), b->high, DT_F32);
    struct tensor *l = critic_loss(cx, &u->critic, low, made, truth);
    backward(cx, l, 1);
    u->critic_loss = scalar_value(cx, l);
    tape_end(cx);
    cx_step_end(cx);
}

static int gradients(void *arg, int64_t step, double *loss, struct err *e)
{
    struct upsample_run *u = arg;
    struct cx *cx = &u->cx;
    struct upsample_views v;
    int judged = u->recipe->sharp > 0;
    upsample_batch_draw(&u->batch, &u->pairs, u->c->seed, step);
    weight_zero_grads(&u->m.weights);
    tape_begin(cx);
    upsample_look(&v, cx, &u->m, &u->batch);
    struct tensor *l = upsample_loss(cx, &v, u->recipe->edges);
    if (judged) {
        weight_zero_grads(&u->critic.weights);
        critic_freeze(&u->critic, 1);
        l = add(cx, l, critic_wish(cx, &u->critic, v.low, v.made, u->recipe->sharp));
        tensor_read_f32(cx, v.made, u->made);
    }
    backward(cx, l, 1);
    *loss = scalar_value(cx, l);
    tape_end(cx);
    cx_step_end(cx);
    if (judged) {
        critic_freeze(&u->critic, 0);
        critic_gradients(u);
    }
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
    struct upsample_score s;
    int rc = upsample_judge(&u->cx, &u->m, &u->held_out, &s, e);
    if (rc)
        return rc;
    jsonw_real(row, "psnr", psnr(s.by_net, s.n));
    jsonw_real(row, "psnr_bicubic", psnr(s.plain, s.n));
    jsonw_real(row, "steps", s.steps_net / s.steps_true);
    jsonw_real(row, "steps_bicubic", s.steps_plain / s.steps_true);
    run_log(u->run,
            "upsampler %lld  held-out PSNR %.2f dB, bicubic %.2f dB; steps between neighbours %.2f "
            "times those of renders, bicubic %.2f",
            (long long)step, psnr(s.by_net, s.n), psnr(s.plain, s.n), s.steps_net / s.steps_true,
            s.steps_plain / s.steps_true);
    if (u->recipe->sharp > 0) {
        jsonw_real(row, "critic_loss", u->critic_loss);
        run_log(u->run, "upsampler %lld  critic %.3f, 0.25 is a guess", (long long)step,
                u->critic_loss);
    }
    return 0;
}

/* Of an upsampler that learning begins at, what its files hold. */
static void state_hash(const struct upsample_run *u, int place, char out[65])
{
    const struct train_config *c = u->c;
    const struct upsample_recipe *r = u->recipe;
    const struct optim_config *o = &r->optim;
    stage_hash(
        out, "upsampler/3 %d %llu %dx%d %016llx %d %d %d %d %d %d %d %g %g %g %g %g %g %g %d %g %s",
        place, (unsigned long long)c->seed, c->clip.width, c->clip.height,
        (unsigned long long)worlds_hash(&c->clip.worlds), r->net.scale, r->net.width, r->net.blocks,
        r->clips, r->frames, r->batch, r->crop, r->edges, r->noise, o->lr, o->eps, o->beta2, o->ema,
        r->sharp, r->critic, r->critic_rate, u->init_hash);
}

/* The weights of an upsampler of the same sizes. */
static int begin_at(struct subpixel *m, const char *dir, struct err *e)
{
    struct part from;
    int rc = part_declare(&from, dir, PART_UPSAMPLER, e);
    const struct subpixel *net = from.net;
    const struct subpixel_config *c = &m->config;
    if (!rc && from.is != &subpixel_part)
        rc = err_set(e, ERR_FORMAT, "upsamplers.init: %s is not of class %s", dir,
                     subpixel_part.names[0]);
    else if (!rc && memcmp(&net->config, c, sizeof *c))
        rc = err_set(e, ERR_FORMAT,
                     "upsamplers.init: %s has scale %d, width %d, blocks %d, the config says %d, "
                     "%d, %d",
                     dir, net->config.scale, net->config.width, net->config.blocks, c->scale,
                     c->width, c->blocks);
    if (!rc)
        rc = part_load(&from, dir, device_cpu(), DT_F32, 0, NULL, e);
    for (int i = 0; i < m->weights.n && !rc; i++) {
        struct weight *to = m->weights.all[i];
        weight_copy(to, weight_find(part_weights(&from), to->name));
    }
    part_release(&from);
    return rc;
}

static int prepare_critic(struct upsample_run *u, struct err *e)
{
    const struct upsample_recipe *r = u->recipe;
    size_t side = (size_t)(r->crop * r->net.scale);
    critic_init(&u->critic, r->net.scale, r->critic);
    u->made = xmalloc(sizeof *u->made * (size_t)r->batch * side * side * 3);
    int rc = weight_set_allocate(&u->critic.weights, u->run->device, u->c->type, 1, e);
    if (!rc)
        weight_set_initialise(&u->critic.weights, u->c->seed, u->run->threads);
    return rc;
}

static int prepare(struct upsample_run *u, const struct upsample_source *from, struct err *e)
{
    const struct upsample_recipe *r = u->recipe;
    struct optim_set set[] = {{"upsampler", &u->m.weights}, {"critic", &u->critic.weights}};
    int rc = subpixel_init(&u->m, &r->net, e);
    if (!rc)
        rc = weight_set_allocate(&u->m.weights, u->run->device, u->c->type, 1, e);
    if (rc)
        return rc;
    weight_set_initialise(&u->m.weights, u->c->seed, u->run->threads);
    if ((*r->init && ((rc = bundle_part_hash(r->init, u->init_hash, e)) ||
                      (rc = begin_at(&u->m, r->init, e)))) ||
        (r->sharp > 0 && (rc = prepare_critic(u, e))))
        return rc;
    upsample_batch_init(&u->batch, r->batch, r->crop, r->net.scale);
    rc = upsample_pairs_make(&u->pairs, from, UPSAMPLE_CLIPS, r->clips, &u->cx, u->run, e);
    if (!rc)
        rc = upsample_pairs_make(&u->held_out, from, REEL_HELD_OUT, r->held_out, &u->cx, u->run, e);
    if (!rc)
        rc = optim_init(&u->optim, &r->optim, set, r->sharp > 0 ? 2 : 1, e);
    for (int i = u->m.weights.n; i < u->optim.n && !rc; i++) /* behind the upsampler's */
        u->optim.slot[i].rate = r->critic_rate;
    return rc;
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
    critic_release(&u->critic);
    free(u->made);
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
