#include "measure/probe_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/progress.h"
#include "base/rng.h"
#include "tensor/ops.h"
#include "train/optim.h"

#define MAP_WEIGHT 0.2 /* of a cell of the map, beside 1 of a slot's answer */
#define DECAY_FROM 0.5 /* of the steps: then the rate falls to 0 */

struct batch {
    const struct probe_pictures *all;
    struct probe_eye *eye;
    uint64_t seed;
    int step, n, n_pixels, values; /* n clips; pictures */
    float *pixels;                 /* [n_pixels][side][side][3] */
    float *want, *map;             /* [n][values]: 1 for what is there; [n][PROBE_MAP_CELLS] */
    float *target;                 /* scratch */
};

/* ---- pictures, never twice the same ---- */

/* A square window of from [room][room][3] at (x, y), sampled into to [side][side][3], perhaps
 * mirrored. */
static void sample(float *to, int side, const uint8_t *from, int room, float x, float y,
                   float window, int mirror)
{
    float scale = window / (float)side;

    for (int v = 0; v < side; v++) {
        float fy = fminf(fmaxf(y + ((float)v + 0.5f) * scale - 0.5f, 0), (float)(room - 1));
        int y0 = (int)fy, y1 = y0 + 1 < room ? y0 + 1 : y0;

        fy -= (float)y0;
        for (int u = 0; u < side; u++) {
            float fx = fminf(fmaxf(x + ((float)u + 0.5f) * scale - 0.5f, 0), (float)(room - 1));
            int x0 = (int)fx, x1 = x0 + 1 < room ? x0 + 1 : x0;
            const uint8_t *a = from + (size_t)(y0 * room + x0) * 3;
            const uint8_t *b = from + (size_t)(y0 * room + x1) * 3;
            const uint8_t *c = from + (size_t)(y1 * room + x0) * 3;
            const uint8_t *d = from + (size_t)(y1 * room + x1) * 3;
            float *out = to + (size_t)(v * side + (mirror ? side - 1 - u : u)) * 3;

            fx -= (float)x0;
            for (int k = 0; k < 3; k++)
                out[k] =
                    (1 - fy) * ((1 - fx) * a[k] + fx * b[k]) + fy * ((1 - fx) * c[k] + fx * d[k]);
        }
    }
}

static void note_map(float *to, const uint8_t *from, int mirror)
{
    for (int v = 0; v < PROBE_MAP; v++)
        for (int u = 0; u < PROBE_MAP; u++)
            to[v * PROBE_MAP + (mirror ? PROBE_MAP - 1 - u : u)] =
                (float)from[v * PROBE_MAP + u] / 255;
}

static void draw_one(void *arg, int i, int worker)
{
    const struct batch *b = arg;
    int side = b->eye->side, near = side == PROBE_NEAR_SIDE, each = near ? PROBE_STACK : 1;
    size_t bytes = (size_t)side * (size_t)side * 3;
    struct rng r;

    (void)worker;
    rng_init(&r, b->seed, (uint64_t)b->step * (uint64_t)b->n + (uint64_t)i + 1);
    int k = rng_below(&r, b->all->n), mirror = rng_below(&r, 2);
    float gain = (float)rng_range(&r, 0.9, 1.1), lift = (float)rng_range(&r, -0.05, 0.05);
    float *to = b->pixels + (size_t)i * (size_t)each * bytes;

    if (near) {
        float window = (float)rng_range(&r, 0.85, 1.2) * PROBE_NEAR_SIDE,
              slack = PROBE_ROOM - window;
        float x = slack * (float)rng_range(&r, 0.1, 0.9),
              y = slack * (float)rng_range(&r, 0.1, 0.9);

        for (int f = 0; f < each; f++)
            sample(to + (size_t)f * bytes, side,
                   b->all->near + (size_t)(k * each + f) * PROBE_ROOM_BYTES, PROBE_ROOM, x, y,
                   window, mirror);
    } else {
        sample(to, side, b->all->whole + (size_t)k * PROBE_WHOLE_BYTES, side, 0, 0, (float)side,
               mirror);
        note_map(b->map + (size_t)i * PROBE_MAP_CELLS, b->all->map + (size_t)k * PROBE_MAP_CELLS,
                 mirror);
    }
    for (size_t j = 0; j < bytes * (size_t)each; j++)
        to[j] = (to[j] / 255 - 0.5f) * gain + lift;
    for (int s = 0; s < STORY_SLOT_COUNT; s++)
        if (s != STORY_SLOT_CAMERA)
            b->want[i * b->values + probe_first_of(s) + story_fact_get(&b->all->facts[k], s)] = 1;
}

static void draw_batch(struct batch *b, struct threads *threads)
{
    memset(b->want, 0, sizeof *b->want * (size_t)b->n * (size_t)b->values);
    threads_run(threads, b->n, draw_one, b);
}

/* ---- losses ---- */

/* The gradient of the cross entropy of each slot's softmax is softmax - want, so squared error
 * against a target that lies so far from the answer has it too. n answers, `each` in a row of the
 * same clip. Returns the mean cross entropy. */
static double aim(const struct batch *b, float *target, int n)
{
    double sum = 0;
    int each = n / b->n;

    for (int i = 0; i < n; i++) {
        float *y = target + (size_t)i * (size_t)b->values;
        const float *want = b->want + (size_t)(i / each) * (size_t)b->values;

        for (int s = 0; s < STORY_SLOT_COUNT; s++) {
            int first = probe_first_of(s), m = s == STORY_SLOT_CAMERA ? 0 : story_slot_count(s);
            double most = m ? y[first] : 0, all = 0;

            for (int v = 0; v < m; v++)
                most = fmax(most, y[first + v]);
            for (int v = 0; v < m; v++)
                all += exp(y[first + v] - most);
            for (int v = 0; v < m; v++) {
                double share = exp(y[first + v] - most) / all;

                sum -= want[first + v] > 0 ? log(fmax(share, 1e-12)) : 0;
                y[first + v] -= (float)((share - want[first + v]) * b->values / 2);
            }
        }
    }
    return sum / n / (STORY_SLOT_COUNT - 1);
}

/* The same for shares of cells. */
static void aim_map(const struct batch *b, float *target)
{
    for (int i = 0; i < b->n * PROBE_MAP_CELLS; i++)
        target[i] -= (float)((1 / (1 + exp(-(double)target[i])) - b->map[i]) * MAP_WEIGHT *
                             PROBE_MAP_CELLS / 2);
}

static struct tensor *loss_of(struct cx *cx, struct batch *b, struct tensor *said, double *loss)
{
    int n = (int)said->dim[0], columns = (int)said->dim[1];

    tensor_read_f32(cx, said, b->target);
    if (columns == b->values)
        *loss = aim(b, b->target, n);
    else
        aim_map(b, b->target);
    struct tensor *target = tensor_from(cx, DT_F32, DIMS(n, columns), b->target, DT_F32);
    return loss_l2(cx, said, target, NULL, 1.0 / n);
}

static int step(struct probe *p, struct optim *o, struct batch *b, double rate, double *loss,
                struct err *e)
{
    struct cx *cx = &p->cx;
    struct probe_said said;
    struct tensor *sum;

    weight_zero_grads(&b->eye->weights);
    tape_begin(cx);
    probe_eye_look(cx, b->eye, b->pixels, b->n_pixels, NULL, &said);
    sum = loss_of(cx, b, said.each, loss);
    if (said.map)
        sum = add(cx, sum, loss_of(cx, b, said.map, loss));
    if (said.all)
        sum = add(cx, sum, loss_of(cx, b, said.all, loss));
    backward(cx, sum, 1);
    tape_end(cx);
    cx_step_end(cx);
    if (cx->err.code)
        return err_set(e, cx->err.code, "probe: %s", cx->err.msg);
    return optim_step(o, cx->k, &cx->kcx, rate, e);
}

static void batch_init(struct batch *b, struct probe_eye *eye, int n, uint64_t seed,
                       const struct probe_pictures *all)
{
    int near = eye->side == PROBE_NEAR_SIDE;
    size_t most;

    *b = (struct batch){.all = all, .eye = eye, .seed = seed, .n = n};
    b->values = probe_first_of(STORY_SLOT_COUNT);
    b->n_pixels = near ? n * PROBE_STACK : n;
    b->pixels = xmalloc(sizeof *b->pixels * (size_t)b->n_pixels * (size_t)eye->side *
                        (size_t)eye->side * 3);
    b->want = xmalloc(sizeof *b->want * (size_t)n * (size_t)b->values);
    b->map = xmalloc(sizeof *b->map * (size_t)n * PROBE_MAP_CELLS);
    most = (size_t)b->n_pixels * PROBE_MAP_CELLS;
    b->target = xmalloc(sizeof *b->target * most);
}

int probe_eye_train(struct probe *p, int which, const struct probe_recipe *r,
                    const struct probe_pictures *all, FILE *log, volatile sig_atomic_t *stop,
                    struct err *e)
{
    struct probe_eye *eye = &p->eye[which];
    struct optim_config config = optim_config_default;
    struct optim_set set = {"probe", &eye->weights};
    struct progress bar;
    struct optim o;
    struct batch b;
    double loss, mean = 0;
    char note[32];
    int steps = r->steps[which], rc;

    config.ema = 0.99;
    rc = optim_init(&o, &config, &set, 1, e);
    batch_init(&b, eye, r->batch[which], r->seed + (uint64_t)which, all);
    if (log)
        progress_start(&bar, log, which == PROBE_WHOLE ? "first look" : "second look", steps);
    for (; !rc && b.step < steps; b.step++) {
        double left = 1 - (double)b.step / steps, rate = fmin(1, left / DECAY_FROM);

        draw_batch(&b, p->cx.kcx.threads);
        rc = step(p, &o, &b, b.step < 50 ? (b.step + 1) / 50.0 : rate, &loss, e);
        mean = b.step ? 0.98 * mean + 0.02 * loss : loss;
        snprintf(note, sizeof note, "loss %.3f", mean);
        if (!rc && stop && *stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (log)
            progress_step(&bar, b.step + 1, note);
    }
    if (log)
        progress_end(&bar, NULL);
    if (!rc)
        optim_swap_ema(&o);
    optim_release(&o);
    free(b.pixels);
    free(b.want);
    free(b.map);
    free(b.target);
    return rc;
}
