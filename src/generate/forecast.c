/* Memory by a dry run of the same networks; time from their operations and a short measurement. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/conditions.h"
#include "generate/plan.h"
#include "generate/velocity.h"
#include "tensor/ops.h"

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

/* Bytes of a part's weights as they would be loaded; without their data they know their types. */
static uint64_t declare_types(const struct part *p, enum dtype job)
{
    enum dtype type = p->is ? part_job_type(p, job) : job;
    struct weight_set *s = p->is ? part_weights(p) : NULL;
    uint64_t bytes = 0;

    for (int i = 0; s && i < s->n; i++) {
        s->all[i]->type = s->all[i]->matrix ? type : DT_F32;
        bytes += (uint64_t)weight_count(s->all[i]) * dtype_bytes(s->all[i]->type);
    }
    return bytes;
}

/* Everything but weights and activations: latents and the sampler's memory of them, rows, pictures,
 * the encoder of the film. */
static double host_bytes(const struct plan *p)
{
    struct latent_shape s = plan_latent(p);
    double latent = (double)latent_count(&s) * sizeof(float);
    double drawn = (double)p->w * p->h * 3 * (1 + sizeof(float)) * p->scale * p->scale;
    double film = (double)p->film_w * p->film_h * 3;
    if (p->dit.in_channels > p->dit.out_channels || p->dit.n_controls) /* all frames at once */
        drawn += (double)codec_frames(&p->codec, p->t) * p->w * p->h * 3 * sizeof(float);
    return latent * 16 + drawn +
           film * (p->n_film < ENCODER_FRAMES ? p->n_film + 4 : ENCODER_FRAMES) + PROGRAM_BYTES;
}

/* Operations: of a call of the transformer, of a latent frame and what becomes of it, before all
 * steps. */
struct work {
    double dit, vae, first;
};

/* Memory in bytes of p with windows of t latent frames. */
static double dry_run(const struct plan *p, int t, struct work *work)
{
    struct plan q = *p;
    struct codec_stream stream;
    struct cx cx;

    q.window = t;
    q.t = t < p->t ? t : p->t;
    if (t < p->window) /* then the film is no longer than that */
        q.n_film = (int)(codec_frames(&p->codec, t) * p->fps / p->info.frame_rate + 0.5);
    cx_init(&cx, device_null(), p->type, NULL);
    conditions_dry(&cx, &q);
    work->first = cx.flops;
    cx.flops = 0;
    struct velocity_ask ask = velocity_ask_of(&q, p->model);
    velocity_dry(&ask, &cx, TEXT_ROWS);
    work->dit = cx.flops / ask.n_denoisers;
    cx.flops = 0;
    codec_stream_init(&stream, device_null(), &p->model->codec);
    for (int i = 0; i < 2; i++) { /* the second knows a past */
        struct tensor *y =
            codec_stream_step(&cx, &stream, tensor_new(&cx, DT_F32, DIMS(1, p->lh, p->lw, p->c)));
        for (int f = 0; f < (int)y->dim[0]; f++) {
            struct scope scope;
            scope_begin(&cx, &scope);
            struct tensor *x = slice_rows(&cx, y, f, 1);
            for (int k = 0; k < p->n_enlarge; k++)
                x = upsampler_enlarge(&cx, &p->model->upsampler[k], x);
            scope_end(&cx, &scope, NULL);
        }
        cx_step_end(&cx);
    }
    work->vae = cx.flops / 2;
    double tensors = (double)cx_reserved_bytes(&cx) +
                     fmax((double)codec_stream_bytes(&stream), (double)cx.aside_bytes);
    codec_stream_release(&stream);
    cx_release(&cx);
    return tensors + host_bytes(&q) + (double)p->weight_bytes;
}

/* Operations per second of a matrix product like those of the transformer, in about 20 ms. */
static int measure_speed(const struct plan *p, double *speed, struct err *e)
{
    struct threads *th = threads_new(p->threads);
    struct weight_set set;
    struct cx cx;
    double start = 0, spent = 0;
    int64_t rows = 512, dim = 512;

    weight_set_init(&set);
    struct linear_w w = linear_declare(&set, "w", dim, dim, 0, INIT_LINEAR, 1);
    cx_init(&cx, p->device, p->type, th);
    device_enter(p->device);
    (void)!weight_set_allocate(&set, p->device, p->type, 0, &cx.err);
    for (int i = 0; !cx.err.code && (i == 0 || spent < 0.02); i++) { /* the first round warms up */
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
    *speed = cx.flops / spent;
    int rc = cx.err.code ? err_set(e, cx.err.code, "forecast: %s", cx.err.msg) : 0;
    device_leave(p->device);
    cx_release(&cx);
    weight_set_release(&set);
    threads_free(&th);
    return rc;
}

static int stopped(const atomic_int *stop)
{
    return stop && atomic_load(stop);
}

static int tokens_of(const struct plan *p, int t)
{
    double n =
        (double)(t / p->dit.patch[0]) * (p->lh / p->dit.patch[1]) * (p->lw / p->dit.patch[2]);

    return n > MAX_TOKENS ? MAX_TOKENS + 1 : (int)n;
}

/* At least this much for t latent frames: the stream of the transformer and what it is made of. */
static double least_bytes(const struct plan *p, int t)
{
    return (double)tokens_of(p, t) * 2 * p->dit.width * 16;
}

/* The longest t that fits, by halving; 0: not even one frame. */
static int longest(const struct plan *p, double memory, const atomic_int *stop)
{
    int good = 0, bad = p->window;
    struct work work;

    while (bad - good > 1 && !stopped(stop)) {
        int t = good + (bad - good) / 2;
        if (t <= p->dit.most_positions && tokens_of(p, t) <= MAX_TOKENS &&
            least_bytes(p, t) <= memory && dry_run(p, t, &work) <= memory)
            good = t;
        else
            bad = t;
    }
    return good;
}

static int refuse(const struct plan *p, double need, double memory, const atomic_int *stop,
                  struct err *e)
{
    char needs[32] = "more", has[32];
    int t = longest(p, memory, stop);

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
    int frames = codec_frames(&p->codec, t);
    return err_set(
        e, ERR_FIT,
        "%d frames at once do not fit: they need %s of memory and this model's positions "
        "for %d; there are %s and %d. %d frames (%.4g seconds) would fit",
        codec_frames(&p->codec, p->window), needs, p->window, has, p->dit.most_positions, frames,
        frames / p->info.frame_rate);
}

/* What of the weights may lie on a device of its own memory, beside the tensors and the scratch of
 * its kernels. */
static int share_device(struct plan *p, double tensors, const uint64_t bytes[N_PLACES],
                        struct err *e)
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
    for (int i = 0; i < N_PLACES && all > left; i++)
        if (i != PLACE_CODEC) /* small, and it does not come and go by parts */
            p->budget.bytes[i] = (uint64_t)(left * (double)bytes[i] / all);
    return 0;
}

int plan_forecast(struct plan *p, uint64_t memory, const atomic_int *stop, struct err *e)
{
    uint64_t bytes[N_PLACES];
    struct work work = {0};
    double need = 0;
    int rc = 0, t = p->window;
    int small = t <= p->dit.most_positions && tokens_of(p, t) <= MAX_TOKENS &&
                least_bytes(p, t) <= (double)memory;

    p->weight_bytes = 0;
    for (int i = 0; i < N_PLACES; i++)
        p->weight_bytes += bytes[i] = declare_types(&p->model->part[i], p->type);
    if (small)
        need = dry_run(p, t, &work);
    if (!small || need > (double)memory)
        rc = refuse(p, need, (double)memory, stop, e);
    if (!rc && p->device && p->device->room)
        rc = share_device(p, need - host_bytes(p) - (double)p->weight_bytes, bytes, e);
    double speed = 1;
    if (!rc)
        rc = measure_speed(p, &speed, e);
    if (!rc) {
        int calls = plan_windows(p) * p->steps * (!strcmp(p->sampler, "heun") ? 2 : 1);
        p->memory_bytes = (uint64_t)need;
        p->flops = work.dit * calls + work.vae * p->t + work.first;
        p->forecast_s =
            p->flops / (speed * SHARE_OF_SPEED) + (double)p->n_film * p->film_w * p->film_h * 60e-9;
    }
    return rc;
}
