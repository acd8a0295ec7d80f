/* Memory by a dry run of the same networks; time from their operations and a short measurement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/plan.h"
#include "generate/velocity.h"

#define MIB (1024.0 * 1024.0)
enum {
    TEXT_ROWS = 48,            /* of a long prompt */
    ENCODER_FRAMES = 60,       /* that the encoder of a film looks at, as RGB: measured */
    PROGRAM_BYTES = 48 << 20,  /* code, libraries, scratch of the kernels */
    SCRATCH_BYTES = 640 << 20, /* of the kernels of a GPU */
    MAX_TOKENS = 1 << 22       /* beyond this even a dry run takes long */
};
/* Small matrices and everything between them reach this part of a large matrix product. */
#define SHARE_OF_SPEED 0.5

struct networks {
    struct wan dit;
    struct umt5 text;
    struct tiny_vae vae;
};

/* Weights as they would be loaded, without their data. */
static void say_types(struct weight_set *s, enum dtype type)
{
    for (int i = 0; i < s->n; i++)
        s->all[i]->type = s->all[i]->matrix ? type : DT_F32;
}

static int declare(struct networks *n, const struct plan *p, struct err *e)
{
    memset(n, 0, sizeof(*n));
    int rc = wan_init(&n->dit, &p->dit, e);
    if (!rc)
        rc = umt5_init(&n->text, &p->text_config, e);
    if (!rc)
        rc = tiny_vae_init(&n->vae, &p->vae_config, e);
    if (!rc) {
        say_types(&n->dit.weights, p->type);
        say_types(&n->vae.weights, p->type);
    }
    return rc;
}

static void forget(struct networks *n)
{
    if (n->dit.blocks)
        wan_release(&n->dit);
    if (n->text.blocks)
        umt5_release(&n->text);
    tiny_vae_release(&n->vae);
}

static uint64_t weights(const struct weight_set *s, enum dtype type)
{
    uint64_t bytes = 0;

    for (int i = 0; i < s->n; i++)
        bytes += (uint64_t)weight_count(s->all[i]) *
                 (s->all[i]->matrix ? dtype_bytes(type) : sizeof(float));
    return bytes;
}

/* Everything but weights and activations: latents and the sampler's memory of them, rows, pictures,
 * the encoder of the film. */
static double host_bytes(const struct plan *p)
{
    struct latent_shape s;

    velocity_shape(p, &s);
    double latent = (double)latent_count(&s) * sizeof(float);
    double drawn = (double)p->w * p->h * 3 * (1 + sizeof(float)) * p->kt;
    double film = (double)p->film_w * p->film_h * 3;
    return latent * 12 + drawn +
           film * (p->n_film < ENCODER_FRAMES ? p->n_film + 4 : ENCODER_FRAMES) + PROGRAM_BYTES;
}

/* Memory in bytes of p with t latent frames; *dit and *vae are operations of one call each. */
static double dry_run(const struct plan *p, const struct networks *n, int t, double *dit,
                      double *vae)
{
    struct plan q = *p;
    struct cx cx;

    q.t = t;
    cx_init(&cx, device_null(), p->type, NULL);
    velocity_dry(&q, &n->dit, &cx, TEXT_ROWS);
    *dit = cx.flops;
    cx.flops = 0;
    struct tiny_vae_stream stream;
    tiny_vae_stream_init(&stream, device_null(), &n->vae);
    tiny_vae_stream_step(&cx, &stream, tensor_new(&cx, DT_F32, DIMS(1, p->lh, p->lw, p->c)));
    cx_step_end(&cx);
    *vae = cx.flops * t;
    tiny_vae_stream_release(&stream);
    double tensors = (double)cx_reserved_bytes(&cx);
    cx_release(&cx);
    return tensors + host_bytes(&q) + (double)p->weight_bytes;
}

/* Operations per second of a matrix product like those of the transformer, in about 20 ms. */
static double measure_speed(const struct plan *p)
{
    struct threads *th = threads_new(p->threads);
    struct weight_set set;
    struct cx cx;
    double start = 0, spent = 0, flops;
    int64_t rows = 512, dim = 512;

    weight_set_init(&set);
    struct linear_w w = linear_declare(&set, "w", dim, dim, 0, INIT_LINEAR, 1);
    cx_init(&cx, p->device, p->type, th);
    if (weight_set_allocate(&set, p->device, p->type, 0, &cx.err))
        BUG("%s", cx.err.msg);
    for (int i = 0; i == 0 || spent < 0.02; i++) { /* the first round warms up */
        if (i == 1) {
            cx.flops = 0;
            start = clock_s();
        }
        float first; /* reading waits for the device */
        struct tensor *y = linear(&cx, tensor_zeros(&cx, p->type, DIMS(rows, dim)), &w);
        tensor_read_f32(&cx, slice_rows(&cx, slice_last(&cx, y, 0, 1), 0, 1), &first);
        cx_step_end(&cx);
        if (i > 0)
            spent = clock_s() - start;
    }
    flops = cx.flops;
    cx_release(&cx);
    weight_set_release(&set);
    threads_free(&th);
    return flops / spent;
}

static int stopped(const atomic_int *stop)
{
    return stop && atomic_load(stop);
}

static int tokens_of(const struct plan *p, int t)
{
    double n = (double)(t / p->dit.patch_size[0]) * (p->lh / p->dit.patch_size[1]) *
               (p->lw / p->dit.patch_size[2]);

    return n > MAX_TOKENS ? MAX_TOKENS + 1 : (int)n;
}

/* At least this much for t latent frames: the stream of the transformer and what it is made of. */
static double least_bytes(const struct plan *p, int t)
{
    return (double)tokens_of(p, t) * 2 * p->dit.heads * p->dit.head_dim * 16;
}

/* The longest t that fits, by halving; 0: not even one frame. */
static int longest(const struct plan *p, const struct networks *n, double memory,
                   const atomic_int *stop)
{
    int good = 0, bad = p->t;
    double dit, vae;

    while (bad - good > 1 && !stopped(stop)) {
        int t = good + (bad - good) / 2;
        if (t <= p->dit.rope_max_seq_len && tokens_of(p, t) <= MAX_TOKENS &&
            least_bytes(p, t) <= memory && dry_run(p, n, t, &dit, &vae) <= memory)
            good = t;
        else
            bad = t;
    }
    return good;
}

static int refuse(const struct plan *p, const struct networks *n, double need, double memory,
                  const atomic_int *stop, struct err *e)
{
    char needs[32] = "more", has[32];
    int t = longest(p, n, memory, stop);

    if (stopped(stop))
        return err_set(e, ERR_CANCEL, "stopped");
    if (need > 0)
        format_bytes(needs, sizeof needs, need);
    format_bytes(has, sizeof has, memory);
    if (!t)
        return err_set(e, ERR_FIT,
                       "%d frames need %s of memory, there are %s; not even one "
                       "picture fits",
                       p->n_frames, needs, has);
    int frames = 1 + p->kt * (t - 1);
    return err_set(e, ERR_FIT,
                   "%d frames do not fit: they need %s of memory and this model's positions for "
                   "%d; there are %s and %d. %d frames (%.4g seconds) would fit",
                   p->n_frames, needs, p->t, has, p->dit.rope_max_seq_len, frames,
                   frames / p->info.frame_rate);
}

/* What of the weights may lie on a device of its own memory, beside the tensors and the scratch of
 * its kernels. */
static int share_device(struct plan *p, double tensors, const struct networks *n, struct err *e)
{
    double room = (double)p->device->room(p->device), scratch = fmin(SCRATCH_BYTES, room / 4);
    double left = room - tensors - scratch, all = (double)p->weight_bytes;
    char need[32], has[32];

    if (left <= 0) {
        format_bytes(need, sizeof need, tensors + scratch);
        format_bytes(has, sizeof has, room);
        return err_set(e, ERR_FIT,
                       "%d frames need %s of the memory of %s beside the weights, %s "
                       "are free",
                       p->n_frames, need, p->device->name, has);
    }
    if (all > left) {
        p->budget.dit = (uint64_t)(left * (double)weights(&n->dit.weights, p->type) / all);
        p->budget.text = (uint64_t)(left * (double)weights(&n->text.weights, p->type) / all);
    }
    return 0;
}

int plan_forecast(struct plan *p, uint64_t memory, const atomic_int *stop, struct err *e)
{
    struct networks n;
    double dit, vae, need = 0;
    int rc = declare(&n, p, e);

    if (!rc) {
        p->weight_bytes = weights(&n.dit.weights, p->type) + weights(&n.text.weights, p->type) +
                          weights(&n.vae.weights, p->type);
        int small = p->t <= p->dit.rope_max_seq_len && tokens_of(p, p->t) <= MAX_TOKENS &&
                    least_bytes(p, p->t) <= (double)memory;
        if (small)
            need = dry_run(p, &n, p->t, &dit, &vae);
        if (!small || need > (double)memory)
            rc = refuse(p, &n, need, (double)memory, stop, e);
        if (!rc && p->device && p->device->room)
            rc = share_device(p, need - host_bytes(p) - (double)p->weight_bytes, &n, e);
    }
    if (!rc) {
        int calls = p->steps * (!strcmp(p->sampler, "heun") ? 2 : 1);
        p->memory_bytes = (uint64_t)need;
        p->flops = dit * calls + vae;
        p->forecast_s = p->flops / (measure_speed(p) * SHARE_OF_SPEED) +
                        (double)p->n_film * p->film_w * p->film_h * 60e-9;
    }
    forget(&n);
    return rc;
}
