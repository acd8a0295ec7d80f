#include "measure/probe.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/probe_find.h"
#include "measure/probe_kept.h"
#include "measure/probe_pictures.h"
#include "measure/probe_train.h"
#include "media/resize.h"

enum { LOOKS = 5, FRAMES = LOOKS * PROBE_STACK };

const struct probe_recipe probe_recipe_default = {.clips = 5000,
                                                  .steps = {1200, 2000},
                                                  .batch = {48, 32},
                                                  .w = 224,
                                                  .h = 128,
                                                  .fps = 8,
                                                  .seed = 0x70726f6265};

/* Weights with memory and first values. */
static int begin(struct probe *p, uint64_t seed, struct err *e)
{
    int rc = 0;

    for (int k = 0; !rc && k < PROBE_EYES; k++) {
        struct weight_set *s = &p->eye[k].weights;

        rc = weight_set_allocate(s, device_cpu(), DT_F32, 1, e);
        if (!rc)
            weight_set_initialise(s, seed + (uint64_t)k, p->cx.kcx.threads);
    }
    return rc;
}

int probe_train(struct probe *p, const struct probe_recipe *r, struct round_trip *codec,
                struct threads *threads, int keep, FILE *log, volatile sig_atomic_t *stop,
                struct err *e)
{
    struct probe_pictures all = {0};
    char *key = NULL;
    int rc = 0;

    memset(p, 0, sizeof *p);
    cx_init(&p->cx, device_cpu(), DT_F32, threads);
    for (int k = 0; k < PROBE_EYES; k++)
        probe_eye_declare(&p->eye[k], k);
    if (keep && (rc = probe_key(&key, r, codec, threads, stop, e)))
        return rc;
    if (key && probe_kept(p, key)) {
        free(key);
        return 0;
    }
    rc = begin(p, r->seed, e);
    if (!rc)
        rc = probe_pictures_make(&all, r, codec, threads, log, stop, e);
    for (int k = 0; !rc && k < PROBE_EYES; k++)
        rc = probe_eye_train(p, k, r, &all, log, stop, e);
    if (!rc && key)
        probe_keep(p, key);
    probe_pictures_release(&all);
    free(key);
    return rc;
}

void probe_release(struct probe *p)
{
    if (!p->cx.k)
        return;
    for (int k = 0; k < PROBE_EYES; k++)
        probe_eye_release(&p->eye[k]);
    cx_release(&p->cx);
    memset(p, 0, sizeof *p);
}

/* ---- looking ---- */

static double cosine(const float *a, const float *b)
{
    double ab = 0, aa = 0, bb = 0;

    for (int i = 0; i < PROBE_HIDDEN; i++) {
        ab += (double)a[i] * b[i];
        aa += (double)a[i] * a[i];
        bb += (double)b[i] * b[i];
    }
    return ab / fmax(sqrt(aa * bb), 1e-12);
}

/* As VBench's consistency of a subject, with features of our own, of the middle frames. */
static double likeness(const float *features, int n)
{
    double sum = 0;

    for (int i = 1; i < n; i++) {
        const float *at = features + (i * PROBE_STACK + 1) * PROBE_HIDDEN;

        sum += cosine(at, features + PROBE_HIDDEN);
        sum += cosine(at, at - PROBE_STACK * PROBE_HIDDEN);
    }
    return n > 1 ? sum / (2 * (n - 1)) : 1;
}

/* Adds up rows of answers. */
static void add_up(double *sum, struct cx *cx, struct tensor *said)
{
    float rows[FRAMES * PROBE_VALUES];
    int n = (int)said->dim[0], values = (int)said->dim[1];

    tensor_read_f32(cx, said, rows);
    for (int i = 0; i < n * values; i++)
        sum[i % values] += (double)rows[i] / n;
}

static void choose(const double *sum, struct probe_sight *s)
{
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        const double *at = sum + probe_first_of(slot);

        for (int v = 1; v < story_slot_count(slot) && slot != STORY_SLOT_CAMERA; v++)
            s->value[slot] = at[v] > at[s->value[slot]] ? v : s->value[slot];
    }
}

/* Film and the frames of it that are looked at, PROBE_STACK for each look. */
struct view_of {
    const uint8_t *rgb;
    int w, h, n, looks, frame[FRAMES];
    float *pixels; /* [FRAMES][PROBE_SIDE][PROBE_SIDE][3] at most */
};

static const uint8_t *frame_of(const struct view_of *v, int i)
{
    return v->rgb + (size_t)v->frame[i] * (size_t)v->w * (size_t)v->h * 3;
}

static void choose_frames(struct view_of *v, double fps)
{
    int stride = probe_stride(fps), half = PROBE_STACK / 2;

    while (stride > 0 && 2 * half * stride >= v->n)
        stride--;
    v->looks = v->n < LOOKS ? v->n : LOOKS;
    for (int i = 0; i < v->looks; i++) {
        int middle = (2 * i + 1) * v->n / (2 * v->looks), last = v->n - 1 - half * stride;

        middle = middle > last ? last : middle;
        middle = middle < half * stride ? half * stride : middle;
        for (int k = 0; k < PROBE_STACK; k++)
            v->frame[i * PROBE_STACK + k] = middle + (k - half) * stride;
    }
}

static void to_pixels(float *to, const uint8_t *bytes, int n)
{
    for (int j = 0; j < n; j++)
        to[j] = (float)bytes[j] / 255 - 0.5f;
}

static void look_first(struct probe *p, struct view_of *v, double *sum, struct probe_box *box)
{
    uint8_t *small = xmalloc(PROBE_WHOLE_BYTES);
    int n = v->looks * PROBE_STACK;
    float *map = xmalloc(sizeof *map * PROBE_MAP_CELLS * (size_t)n);
    struct probe_said said;

    for (int i = 0; i < n; i++) {
        resize_rgb(small, PROBE_SIDE, PROBE_SIDE, frame_of(v, i), v->w, v->h, RESIZE_AREA,
                   p->cx.kcx.threads);
        to_pixels(v->pixels + (size_t)i * PROBE_WHOLE_BYTES, small, PROBE_WHOLE_BYTES);
    }
    probe_eye_look(&p->cx, &p->eye[PROBE_WHOLE], v->pixels, n, NULL, &said);
    add_up(sum, &p->cx, said.each);
    tensor_read_f32(&p->cx, said.map, map);
    cx_step_end(&p->cx);
    for (int i = 0; i < n * PROBE_MAP_CELLS; i++)
        map[i] = 1 / (1 + expf(-map[i]));
    for (int i = 0; i < n; i++)
        box[i] = probe_box_of(map + (size_t)i * PROBE_MAP_CELLS, v->w, v->h);
    free(map);
    free(small);
}

static double look_second(struct probe *p, struct view_of *v, const struct probe_box *box,
                          double *sum)
{
    enum { BYTES = PROBE_NEAR_SIDE * PROBE_NEAR_SIDE * 3 };
    uint8_t *small = xmalloc(BYTES);
    float features[FRAMES * PROBE_HIDDEN], x, y, side;
    struct probe_said said;

    for (int i = 0; i < v->looks * PROBE_STACK; i++) {
        const struct probe_box *of = box + i / PROBE_STACK * PROBE_STACK;

        (void)probe_square(of, PROBE_STACK, &x, &y, &side);
        probe_cut(small, PROBE_NEAR_SIDE, frame_of(v, i), v->w, v->h, x, y, side);
        to_pixels(v->pixels + (size_t)i * BYTES, small, BYTES);
    }
    probe_eye_look(&p->cx, &p->eye[PROBE_NEAR], v->pixels, v->looks * PROBE_STACK, features, &said);
    add_up(sum, &p->cx, said.each);
    add_up(sum, &p->cx, said.all);
    cx_step_end(&p->cx);
    free(small);
    return likeness(features, v->looks);
}

int probe_look(struct probe *p, const uint8_t *rgb, int w, int h, int n, double fps,
               struct probe_sight *s, struct err *e)
{
    struct view_of v = {.rgb = rgb, .w = w, .h = h, .n = n};
    struct probe_box box[FRAMES];
    double sum[PROBE_VALUES] = {0};

    choose_frames(&v, fps);
    v.pixels = xmalloc(sizeof *v.pixels * PROBE_WHOLE_BYTES * FRAMES);
    *s = (struct probe_sight){0};
    look_first(p, &v, sum, box);
    s->likeness = look_second(p, &v, box, sum);
    free(v.pixels);
    if (p->cx.err.code)
        return err_set(e, p->cx.err.code, "probe: %s", p->cx.err.msg);
    choose(sum, s);
    return 0;
}
