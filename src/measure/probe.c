#include "measure/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/progress.h"
#include "base/rng.h"
#include "measure/probe_pictures.h"
#include "media/resize.h"
#include "tensor/ops.h"
#include "train/optim.h"

enum { LOOKS = 5, HIDDEN = 128 };
/* Each convolution halves both sides: 96, 48, 24, 12, 6, 3. */
static const int width[PROBE_CONVS + 1] = {3, 24, 48, 64, 96, 128};

const struct probe_recipe probe_recipe_default = {
    .clips = 4000, .steps = 3000, .batch = 48, .w = 224, .h = 128, .seed = 0x70726f6265};

/* ---- the network ---- */

/* Where the values of a slot begin in the answer; the camera has none. */
static int first_of(int slot)
{
    int at = 0;

    for (int i = 0; i < slot; i++)
        at += i == STORY_SLOT_CAMERA ? 0 : story_slot_count(i);
    return at;
}

static int init(struct probe *p, struct threads *threads, uint64_t seed, struct err *e)
{
    int side = PROBE_SIDE >> PROBE_CONVS, n = first_of(STORY_SLOT_COUNT);
    char name[16];
    int rc;

    ZT_ASSERT(n <= PROBE_VALUES);
    weight_set_init(&p->weights);
    cx_init(&p->cx, device_cpu(), DT_F32, threads);
    for (int i = 0; i < PROBE_CONVS; i++) {
        snprintf(name, sizeof name, "conv%d", i);
        p->conv[i] =
            conv_declare(&p->weights, name, width[i], width[i + 1], 3, 1, INIT_LINEAR, 1.4);
    }
    p->hidden = linear_declare(&p->weights, "hidden", (int64_t)side * side * width[PROBE_CONVS],
                               HIDDEN, 1, INIT_LINEAR, 1.4);
    p->out = linear_declare(&p->weights, "out", HIDDEN, n, 1, INIT_LINEAR, 0.5);
    rc = weight_set_allocate(&p->weights, device_cpu(), DT_F32, 1, e);
    if (!rc)
        weight_set_initialise(&p->weights, seed, threads);
    return rc;
}

void probe_release(struct probe *p)
{
    if (!p->out.w)
        return;
    weight_set_release(&p->weights);
    cx_release(&p->cx);
    memset(p, 0, sizeof *p);
}

/* pixels [n][side][side][3] -> [n, values]; features: [n][HIDDEN] to be filled, or NULL. */
static struct tensor *answer(struct probe *p, const float *pixels, int n, float *features)
{
    struct cx *cx = &p->cx;
    struct tensor *x = tensor_from(cx, DT_F32, DIMS(n, PROBE_SIDE, PROBE_SIDE, 3), pixels, DT_F32);

    for (int i = 0; i < PROBE_CONVS; i++)
        x = act(cx, conv2d(cx, x, &p->conv[i], 2), ACT_RELU);
    x = reshape(cx, x, DIMS(n, tensor_count(x) / n));
    x = act(cx, linear(cx, x, &p->hidden), ACT_RELU);
    if (features)
        tensor_read_f32(cx, keep(cx, x), features);
    return linear_wide(cx, x, &p->out);
}

/* ---- training ---- */

struct batch {
    float *pixels, *want; /* [n][side][side][3]; [n][values]: 1 for what is there, else 0 */
    float *target;        /* [n][values] */
    int n, values;
};

static void draw_batch(struct batch *b, const struct probe_pictures *all, uint64_t seed, int step)
{
    struct rng r;

    rng_init(&r, seed, (uint64_t)step + 1);
    memset(b->want, 0, sizeof *b->want * (size_t)b->n * (size_t)b->values);
    for (int i = 0; i < b->n; i++) {
        int k = rng_below(&r, all->n);
        float gain = (float)rng_range(&r, 0.9, 1.1), lift = (float)rng_range(&r, -0.05, 0.05);
        const uint8_t *from = all->rgb + (size_t)k * PROBE_BYTES;
        float *to = b->pixels + (size_t)i * PROBE_BYTES;

        for (int j = 0; j < PROBE_BYTES; j++)
            to[j] = ((float)from[j] / 255 - 0.5f) * gain + lift;
        for (int s = 0; s < STORY_SLOT_COUNT; s++)
            if (s != STORY_SLOT_CAMERA)
                b->want[i * b->values + first_of(s) + story_fact_get(&all->facts[k], s)] = 1;
    }
}

/* The gradient of the cross entropy of each slot's softmax is softmax - want, so squared error
 * against a target that lies so far from the answer has it too. Returns the mean cross entropy. */
static double aim(float *target, const struct batch *b)
{
    double sum = 0;

    for (int i = 0; i < b->n; i++) {
        float *y = target + (size_t)i * (size_t)b->values;
        const float *want = b->want + (size_t)i * (size_t)b->values;

        for (int s = 0; s < STORY_SLOT_COUNT; s++) {
            int first = first_of(s), n = s == STORY_SLOT_CAMERA ? 0 : story_slot_count(s);
            double most = n ? y[first] : 0, all = 0;

            for (int v = 0; v < n; v++)
                most = fmax(most, y[first + v]);
            for (int v = 0; v < n; v++)
                all += exp(y[first + v] - most);
            for (int v = 0; v < n; v++) {
                double share = exp(y[first + v] - most) / all;

                sum -= want[first + v] > 0 ? log(fmax(share, 1e-12)) : 0;
                y[first + v] -= (float)((share - want[first + v]) * b->values / 2);
            }
        }
    }
    return sum / b->n / (STORY_SLOT_COUNT - 1);
}

static int step(struct probe *p, struct optim *o, struct batch *b, double rate, double *loss,
                struct err *e)
{
    struct cx *cx = &p->cx;

    weight_zero_grads(&p->weights);
    tape_begin(cx);
    struct tensor *said = keep(cx, answer(p, b->pixels, b->n, NULL));
    tensor_read_f32(cx, said, b->target);
    *loss = aim(b->target, b);
    struct tensor *target = tensor_from(cx, DT_F32, DIMS(b->n, b->values), b->target, DT_F32);
    backward(cx, loss_l2(cx, said, target, NULL, 1.0 / b->n), 1);
    tape_end(cx);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "probe: %s", cx->err.msg);
    return optim_step(o, cx->k, &cx->kcx, rate, e);
}

static int train(struct probe *p, const struct probe_recipe *r, const struct probe_pictures *all,
                 FILE *log, volatile sig_atomic_t *stop, struct err *e)
{
    struct batch b = {.n = r->batch, .values = first_of(STORY_SLOT_COUNT)};
    struct optim_config config = optim_config_default;
    struct optim_set set = {"probe", &p->weights};
    struct progress bar;
    struct optim o;
    double loss, mean = 0;
    char note[32];
    int rc;

    config.use_muon = 0;
    config.ema = 0.99;
    rc = optim_init(&o, &config, &set, 1, e);
    b.pixels = xmalloc(sizeof *b.pixels * PROBE_BYTES * (size_t)b.n);
    b.want = xmalloc(sizeof *b.want * (size_t)b.n * (size_t)b.values);
    b.target = xmalloc(sizeof *b.target * (size_t)b.n * (size_t)b.values);
    if (log)
        progress_start(&bar, log, "probe", r->steps);
    for (int i = 0; !rc && i < r->steps; i++) {
        double left = 1 - (double)i / r->steps, rate = left < 0.4 ? left / 0.4 : 1;

        draw_batch(&b, all, r->seed, i);
        rc = step(p, &o, &b, i < 50 ? (i + 1) / 50.0 : rate, &loss, e);
        mean = i ? 0.98 * mean + 0.02 * loss : loss;
        snprintf(note, sizeof note, "loss %.3f", mean);
        if (!rc && stop && *stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (log)
            progress_step(&bar, i + 1, note);
    }
    if (log)
        progress_end(&bar, NULL);
    if (!rc)
        optim_swap_ema(&o);
    optim_release(&o);
    free(b.pixels);
    free(b.want);
    free(b.target);
    return rc;
}

int probe_train(struct probe *p, const struct probe_recipe *r, struct round_trip *codec,
                struct threads *threads, FILE *log, volatile sig_atomic_t *stop, struct err *e)
{
    struct probe_pictures all = {0};
    int rc;

    memset(p, 0, sizeof *p);
    rc = init(p, threads, r->seed, e);
    if (!rc)
        rc = probe_pictures_make(&all, r, codec, threads, log, stop, e);
    if (!rc)
        rc = train(p, r, &all, log, stop, e);
    probe_pictures_release(&all);
    return rc;
}

/* ---- looking ---- */

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;

    for (int i = 0; i < HIDDEN; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / fmax(sqrt(aa * bb), 1e-12);
}

/* As VBench's consistency of a subject, with features of our own. */
static double likeness(const float features[LOOKS][HIDDEN], int n)
{
    double sum = 0;

    for (int i = 1; i < n; i++)
        sum += cosine(features[i], features[0]) + cosine(features[i], features[i - 1]);
    return n > 1 ? sum / (2 * (n - 1)) : 1;
}

/* What most speaks for over all looks. */
static void choose(const float *said, int looks, int values, struct probe_sight *s)
{
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        float best = 0;

        for (int v = 0; v < story_slot_count(slot) && slot != STORY_SLOT_CAMERA; v++) {
            float sum = 0;

            for (int i = 0; i < looks; i++)
                sum += said[i * values + first_of(slot) + v];
            if (!v || sum > best) {
                best = sum;
                s->value[slot] = v;
            }
        }
    }
}

int probe_look(struct probe *p, const uint8_t *rgb, int w, int h, int n, struct probe_sight *s,
               struct err *e)
{
    int values = first_of(STORY_SLOT_COUNT), looks = n < LOOKS ? n : LOOKS;
    float *pixels = xmalloc(sizeof *pixels * PROBE_BYTES * LOOKS), said[LOOKS * PROBE_VALUES];
    float features[LOOKS][HIDDEN];
    uint8_t *small = xmalloc(PROBE_BYTES);

    for (int i = 0; i < looks; i++) {
        size_t frame = (size_t)((2 * i + 1) * n / (2 * looks));

        resize_rgb(small, PROBE_SIDE, PROBE_SIDE, rgb + frame * (size_t)w * (size_t)h * 3, w, h,
                   RESIZE_AREA, p->cx.kcx.threads);
        for (int j = 0; j < PROBE_BYTES; j++)
            pixels[i * PROBE_BYTES + j] = (float)small[j] / 255 - 0.5f;
    }
    tensor_read_f32(&p->cx, answer(p, pixels, looks, features[0]), said);
    cx_step_end(&p->cx);
    free(small);
    free(pixels);
    if (p->cx.err.code)
        return err_set(e, p->cx.err.code, "probe: %s", p->cx.err.msg);
    *s = (struct probe_sight){.likeness = likeness(features, looks)};
    choose(said, looks, values, s);
    return 0;
}
