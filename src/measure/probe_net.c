#include "measure/probe_net.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "world/story/facts.h"

/* Sides of the whole picture: 96, 48, 24, 12, 6, 3; of the surroundings: 64, 32, 16, 8, 4. */
static const int n_conv[PROBE_EYES] = {5, 4};
static const int side[PROBE_EYES] = {PROBE_SIDE, PROBE_NEAR_SIDE};
static const int width[PROBE_EYES][PROBE_CONVS + 1] = {{3, 24, 48, 64, 96, 128},
                                                       {3, 32, 64, 96, 128}};
#define EPS 1e-5

int probe_first_of(int slot)
{
    int at = 0;

    for (int i = 0; i < slot; i++)
        at += i == STORY_SLOT_CAMERA ? 0 : story_slot_count(i);
    return at;
}

static struct conv_w conv(struct weight_set *s, const char *name, int i, int in, int out)
{
    char full[16];

    snprintf(full, sizeof full, "%s%d", name, i);
    return conv_declare(s, full, in, out, 3, 1, INIT_LINEAR, 1.4);
}

void probe_eye_declare(struct probe_eye *eye, int which)
{
    const int *w = width[which], last = n_conv[which];
    int n = probe_first_of(STORY_SLOT_COUNT), small = side[which] >> last;
    struct weight_set *s = &eye->weights;
    char name[16];

    ZT_ASSERT(n <= PROBE_VALUES);
    memset(eye, 0, sizeof *eye);
    weight_set_init(s);
    eye->n_conv = last;
    eye->side = side[which];
    for (int i = 0; i < last; i++) {
        eye->conv[i] = conv(s, "conv", i, w[i], w[i + 1]);
        snprintf(name, sizeof name, "gain%d", i);
        eye->gain[i] = weight_declare(s, name, 0, INIT_ONE, 0, DIMS(w[i + 1]));
    }
    eye->hidden = linear_declare(s, "hidden", (int64_t)small * small * w[last], PROBE_HIDDEN, 1,
                                 INIT_LINEAR, 1.4);
    eye->out = linear_declare(s, "out", PROBE_HIDDEN, n, 1, INIT_LINEAR, 0.5);
    for (int i = 0; i < 3 && which == PROBE_WHOLE; i++)
        eye->up[i] = conv(s, "up", i, w[last - i], w[last - i - 1]);
    if (which == PROBE_WHOLE) {
        eye->map = conv(s, "map", 0, w[last - 3], 1);
    } else {
        eye->together = linear_declare(s, "together", PROBE_STACK * PROBE_HIDDEN, PROBE_HIDDEN, 1,
                                       INIT_LINEAR, 1.4);
        eye->answer = linear_declare(s, "answer", PROBE_HIDDEN, n, 1, INIT_LINEAR, 0.5);
    }
}

void probe_eye_release(struct probe_eye *eye)
{
    if (eye->out.w)
        weight_set_release(&eye->weights);
    memset(eye, 0, sizeof *eye);
}

/* Back up to a quarter of the sides, with what was seen there on the way down. */
static struct tensor *where(struct cx *cx, const struct probe_eye *eye, struct tensor *const *x,
                            int n)
{
    struct tensor *y = x[eye->n_conv];

    for (int i = 0; i < 3; i++)
        y = act(cx, add(cx, upsample2(cx, conv2d(cx, y, &eye->up[i], 1)), x[eye->n_conv - i - 1]),
                ACT_RELU);
    return reshape(cx, conv2d(cx, y, &eye->map, 1), DIMS(n, PROBE_MAP * PROBE_MAP));
}

void probe_eye_look(struct cx *cx, const struct probe_eye *eye, const float *pixels, int n,
                    float *features, struct probe_said *said)
{
    const struct mod none = {0};
    struct tensor *x[PROBE_CONVS + 1], *h;

    *said = (struct probe_said){0};
    x[0] = tensor_from(cx, DT_F32, DIMS(n, eye->side, eye->side, 3), pixels, DT_F32);
    for (int i = 0; i < eye->n_conv; i++) {
        h = conv2d(cx, x[i], &eye->conv[i], 2);
        h = norm_mod(cx, h, eye->gain[i], NULL, none, none, EPS);
        x[i + 1] = keep(cx, act(cx, h, ACT_RELU));
    }
    h = x[eye->n_conv];
    h = reshape(cx, h, DIMS(n, tensor_count(h) / n));
    h = keep(cx, act(cx, linear(cx, h, &eye->hidden), ACT_RELU));
    if (features)
        tensor_read_f32(cx, h, features);
    said->each = keep(cx, linear_wide(cx, h, &eye->out));
    if (eye->map.w)
        said->map = keep(cx, where(cx, eye, x, n));
    if (!eye->answer.w)
        return;
    h = reshape(cx, h, DIMS(n / PROBE_STACK, PROBE_STACK * PROBE_HIDDEN));
    h = act(cx, linear(cx, h, &eye->together), ACT_RELU);
    said->all = keep(cx, linear_wide(cx, h, &eye->answer));
}
