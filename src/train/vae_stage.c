#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ahead.h"
#include "base/clock.h"
#include "base/file.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "model/seam.h"
#include "train/recipe.h"
#include "train/stages.h"
#include "train/vae_begin.h"
#include "train/vae_dead.h"
#include "train/vae_task.h"

struct vae_run {
    const struct train_config *c;
    const struct run *run;
    struct cx cx;
    struct tiny_vae m;
    struct reel reel;
    struct optim optim;
    struct ahead *batches; /* begun by the first step of this process */
    struct clip *held_out;
    int n_held_out;
    char init_hash[65]; /* of what learning begins at; "": the fixed transform */
};

/* A batch, or why there is none. */
struct drawn {
    struct vae_batch batch;
    struct err err;
};

static void *draw(void *arg, int64_t step)
{
    const struct vae_run *v = arg;
    const struct train_config *c = v->c;
    struct drawn *d = xcalloc(1, sizeof *d);
    vae_batch_init(&d->batch, &v->m, &c->clip, c->vae.batch, c->vae.groups);
    d->err.code = vae_batch_draw(&d->batch, &v->reel, &v->m, &c->vae, c->seed, step, &d->err);
    return d;
}

static void drop(void *thing)
{
    struct drawn *d = thing;
    vae_batch_release(&d->batch);
    free(d);
}

/* The batch of a step, of which several are made while the device computes: filling one takes
 * longer than a GPU's step. */
static struct drawn *next_batch(struct vae_run *v, int64_t step, struct err *e)
{
    int threads = v->run->device->host ? 1 : 4;
    struct ahead_config c = {
        .make = draw, .drop = drop, .arg = v, .first = step, .end = v->c->vae.steps};
    c.threads = c.room = threads;
    if (!v->batches && ahead_new(&v->batches, &c, e))
        return NULL;
    struct drawn *d = ahead_take(v->batches);
    if (!d->err.code)
        return d;
    *e = d->err;
    drop(d);
    return NULL;
}

static int gradients(void *arg, int64_t step, double *loss, struct err *e)
{
    struct vae_run *v = arg;
    struct cx *cx = &v->cx;
    struct drawn *d = next_batch(v, step, e);
    if (!d)
        return e->code;
    weight_zero_grads(&v->m.weights);
    tape_begin(cx);
    struct tensor *l = vae_loss(cx, &v->m, &d->batch, &v->c->vae);
    backward(cx, l, 1);
    *loss = scalar_value(cx, l);
    tape_end(cx);
    cx_step_end(cx);
    drop(d);
    return cx->err.code
               ? err_set(e, cx->err.code, "vae: step %lld: %s", (long long)step + 1, cx->err.msg)
               : 0;
}

struct quality {
    double all, n_all, object, n_object; /* sums of squared errors and their counts */
    double each;                         /* sum of every clip's own PSNR */
    struct seam seam;
};

static double psnr(double sum, double n)
{
    return n > 0 ? -10 * log10(fmax(sum / n, 1e-12)) : 0;
}

/* Error of a decoded clip against what was rendered, everywhere and on the object that moves. got
 * becomes bytes at rgb. */
static void compare(const struct clip *c, const float *got, uint8_t *rgb, int side,
                    struct quality *q)
{
    size_t n = (size_t)c->w * (size_t)c->h * (size_t)c->n_frames;
    double before = q->all;
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < 3; k++) {
            double y = fmin(fmax(got[i * 3 + (size_t)k], 0), 1);
            double d = y - c->rgb[i * 3 + (size_t)k] / 255.0;
            sum += d * d;
            rgb[i * 3 + (size_t)k] = (uint8_t)(y * 255 + 0.5);
        }
        q->all += sum;
        q->n_all += 3;
        if (c->ids[i] == 1) {
            q->object += sum;
            q->n_object += 3;
        }
    }
    q->each += psnr(q->all - before, 3 * (double)n);
    seam_add(&q->seam, rgb, c->w, c->h, c->n_frames, side);
}

static void through_codec(struct vae_run *v, const struct clip *c, struct quality *q)
{
    struct cx *cx = &v->cx;
    size_t n = (size_t)c->w * (size_t)c->h * (size_t)c->n_frames * 3;
    float *values = xmalloc(sizeof *values * n);
    uint8_t *rgb = xmalloc(n);
    for (size_t i = 0; i < n; i++)
        values[i] = (float)c->rgb[i] / 255;
    struct tensor *x = tensor_from(cx, cx->wide, DIMS(c->n_frames, c->h, c->w, 3), values, DT_F32);
    struct tensor *y = tiny_vae_decode(cx, &v->m, tiny_vae_encode(cx, &v->m, x));
    ZT_ASSERT((size_t)tensor_count(y) == n);
    tensor_read_f32(cx, y, values);
    compare(c, values, rgb, v->m.ks, q);
    free(rgb);
    free(values);
    cx_step_end(cx);
}

static void say_dead(struct vae_run *v, const struct vae_dead *d, struct jsonw *row)
{
    int worst = vae_dead_worst(d);
    double share = vae_dead_share(d, worst);
    jsonw_real(row, "dead", share);
    if (share > VAE_DEAD_ALARM)
        run_log(v->run,
                "vae: ALARM: %.0f %% of the features behind %s are zero nearly everywhere: they "
                "learn nothing any more",
                100 * share, d->layer[worst].name);
}

/* One PSNR of all pixels is that of the hardest clips; the mean over clips moves with the others
 * too. */
static int evaluate(void *arg, int64_t step, struct jsonw *row, struct err *e)
{
    struct vae_run *v = arg;
    struct quality q = {0};
    struct vae_dead dead = {0};
    struct tap tap = vae_dead_tap(&dead);
    v->m.tap = &tap;
    for (int i = 0; i < v->n_held_out; i++)
        through_codec(v, &v->held_out[i], &q);
    v->m.tap = NULL;
    double all = psnr(q.all, q.n_all), object = psnr(q.object, q.n_object);
    double each = q.each / v->n_held_out, seam = seam_ratio(&q.seam);
    jsonw_real(row, "psnr", all);
    jsonw_real(row, "psnr_clips", each);
    jsonw_real(row, "psnr_object", object);
    jsonw_real(row, "seam", seam);
    run_log(v->run,
            "vae %lld  held-out PSNR %.2f dB, mean of clips %.2f dB, moving object %.2f dB, seam "
            "%.3f",
            (long long)step, all, each, object, seam);
    say_dead(v, &dead, row);
    vae_dead_release(&dead);
    return v->cx.err.code ? err_set(e, v->cx.err.code, "vae: %s", v->cx.err.msg) : 0;
}

static void render_held_out(struct vae_run *v)
{
    v->n_held_out = v->c->vae.held_out;
    v->held_out = xcalloc((size_t)v->n_held_out, sizeof(*v->held_out));
    struct world_scene *scene = xcalloc((size_t)v->n_held_out, sizeof(*scene));
    reel_render(v->held_out, scene, v->c->seed, REEL_HELD_OUT, v->n_held_out, &v->c->clip,
                v->run->threads);
    free(scene);
}

/* What a checkpoint depends on: not the number of steps, so that a run can be prolonged. Of an
 * autoencoder that learning begins at, what its files hold. */
static void state_hash(const struct vae_run *v, char out[65])
{
    const struct train_config *c = v->c;
    struct buf net = BUF_INIT;
    tiny_vae_config_write(&c->vae.net, &net);
    const struct optim_config *o = &c->vae.optim;
    stage_hash(out, "vae/1 %llu %dx%dx%d %s %d %d %d %g %g %g %g %g %g %g %g %g %s %d",
               (unsigned long long)c->seed, c->clip.width, c->clip.height, c->clip.frames,
               buf_str(&net), c->reel_clips, c->vae.batch, c->vae.groups, c->vae.l1,
               c->vae.difference, c->vae.object_weight, c->vae.noise, o->lr, o->eps, o->beta2,
               o->ema, c->vae.gradient, v->init_hash, c->vae.decoder_only);
    buf_release(&net);
}

static int fit_root(struct vae_run *v, struct err *e)
{
    const struct train_config *c = v->c;
    double start = clock_s();
    double share = vae_fit_klt(&v->m, &v->reel, c->vae.klt_groups, c->seed, v->run->threads, e);
    if (share < 0)
        return (int)share;
    run_log(v->run, "vae: fixed transform holds %.2f %% of the variance (%.1f s); %lld weights",
            100 * share, clock_s() - start, (long long)weight_set_count(&v->m.weights));
    return 0;
}

typedef double (*fit_fn)(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                         const struct vae_recipe *r, uint64_t seed, struct err *e);

static int mend_root(struct vae_run *v, fit_fn fit, const char *what, struct err *e)
{
    double start = clock_s();
    double share = fit(&v->m, &v->cx, &v->reel, &v->c->vae, v->c->seed, e);
    if (share < 0)
        return (int)share;
    run_log(v->run, "vae: %s take away %.2f %% of the squared error (%.1f s)", what, 100 * share,
            clock_s() - start);
    return 0;
}

/* Where learning begins: at another autoencoder, or at the fixed transform. A checkpoint, which
 * holds what learns, comes on top; what does not is the same again. */
static int begin(struct vae_run *v, struct err *e)
{
    const struct vae_recipe *recipe = &v->c->vae;
    const struct tiny_vae_config *net = &recipe->net;
    struct vae_taken taken = {0};
    int rc;
    if (!*recipe->init)
        rc = fit_root(v, e);
    else if (!(rc = bundle_part_hash(recipe->init, v->init_hash, e)) &&
             !(rc = vae_take_over(&v->m, recipe->init, &taken, e)))
        run_log(v->run, "vae: begins at %s, the decoder %s; %lld weights", recipe->init,
                taken.decoder ? "too" : "anew, because it has other sizes",
                (long long)weight_set_count(&v->m.weights));
    if (!rc && net->lapped && !taken.lapped)
        rc = mend_root(v, vae_fit_lapped, "places around a block", e);
    if (!rc && net->deblock && !taken.deblock)
        rc = mend_root(v, vae_fit_deblock, "steps over borders", e);
    if (!rc && net->motion && !taken.motion)
        rc = mend_root(v, vae_fit_motion, "latents before and behind", e);
    return rc;
}

static int prepare(struct vae_run *v, struct err *e)
{
    const struct train_config *c = v->c;
    int rc = tiny_vae_init(&v->m, &c->vae.net, e);
    if (rc)
        return rc;
    vae_freeze(&v->m, &c->vae);
    if ((rc = weight_set_allocate(&v->m.weights, v->run->device, c->type, 1, e)))
        return rc;
    weight_set_initialise(&v->m.weights, c->seed, v->run->threads);
    if ((rc = begin(v, e)))
        return rc;
    if ((rc =
             optim_init(&v->optim, &c->vae.optim, &(struct optim_set){"vae", &v->m.weights}, 1, e)))
        return rc;
    render_held_out(v);
    return 0;
}

static int train(struct vae_run *v, struct err *e)
{
    const struct vae_recipe *r = &v->c->vae;
    char hash[65];
    state_hash(v, hash);
    struct run run = *v->run;
    run.config_hash = hash;
    struct loop l = {.stage = "vae",
                     .steps = r->steps,
                     .warmup = r->warmup,
                     .decay = r->decay,
                     .report_every = 50,
                     .evaluate_every = r->evaluate_every,
                     .optim = &v->optim,
                     .kernels = v->cx.k,
                     .kcx = &v->cx.kcx,
                     .arg = v,
                     .gradients = gradients,
                     .evaluate = evaluate};
    return loop_run(&l, &run, e);
}

static int save(struct vae_run *v, struct err *e)
{
    char *dir = path_join(v->run->dir, "vae");
    optim_swap_ema(&v->optim);
    int rc = dir_make(dir, e);
    if (!rc)
        rc = bundle_save_tiny_vae(&v->m, dir, DT_F32, NULL, e);
    free(dir);
    return rc ? rc : recipe_vae_finish(v->c, v->run->dir, e);
}

static void release(struct vae_run *v)
{
    for (int i = 0; i < v->n_held_out; i++)
        clip_release(&v->held_out[i]);
    free(v->held_out);
    ahead_free(&v->batches); /* reads the reel and the network's sizes until then */
    optim_release(&v->optim);
    tiny_vae_release(&v->m);
    reel_close(&v->reel);
    cx_release(&v->cx);
}

int vae_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    if (recipe_vae_done(c, run->dir))
        return 0;
    struct vae_run v = {.c = c, .run = run, .reel = {.fd = -1}};
    cx_init(&v.cx, run->device, c->type, run->threads);
    int rc = reel_open(&v.reel, c, run->dir, e);
    if (!rc)
        rc = prepare(&v, e);
    if (!rc)
        rc = train(&v, e);
    if (!rc)
        rc = save(&v, e);
    release(&v);
    return rc;
}
