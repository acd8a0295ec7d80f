#include "train/upsample_task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/rng.h"
#include "media/resize.h"
#include "tensor/ops.h"
#include "train/reel.h"

enum { STREAM_WINDOW = 1, STREAM_CROP = 2, STREAM_NOISE = 3 };

static uint64_t key_of(uint64_t seed, uint64_t i)
{
    return seed * 0x9e3779b97f4a7c15ull + i * 0xbf58476d1ce4e5b9ull + 3;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* ---- pairs ---- */

/* px of the network's input for one px of the codec. */
static int scale_before(const struct upsample_source *s)
{
    int scale = 1;
    for (int i = 0; i < s->n_before; i++)
        scale *= s->before[i]->config.scale;
    return scale;
}

static void pairs_sizes(struct upsample_pairs *p, const struct upsample_source *s)
{
    const struct clip_shape *c = &s->config->clip;
    int before = scale_before(s);
    *p = (struct upsample_pairs){.w = least(c->width * before, UPSAMPLE_WINDOW),
                                 .h = least(c->height * before, UPSAMPLE_WINDOW),
                                 .scale = s->scale};
}

static size_t low_bytes(const struct upsample_pairs *p)
{
    return (size_t)p->w * (size_t)p->h * 3;
}

static size_t high_bytes(const struct upsample_pairs *p)
{
    return low_bytes(p) * (size_t)(p->scale * p->scale);
}

void upsample_pairs_release(struct upsample_pairs *p)
{
    free(p->low);
    free(p->high);
    *p = (struct upsample_pairs){0};
}

/* A scene at the codec's size and at the size that is wanted. */
struct views {
    struct clip low, high;
};
struct render_job {
    struct views *views;
    uint64_t first;
    struct clip_shape low, high;
    uint64_t seed;
};

static void render_view(void *arg, int item, int worker)
{
    const struct render_job *j = arg;
    struct world_scene scene;
    int large = item % 2;
    struct views *v = &j->views[item / 2];
    (void)worker;
    reel_draw(large ? &v->high : &v->low, &scene, j->seed, j->first + (uint64_t)(item / 2),
              large ? &j->high : &j->low);
}

/* rgb [h][w][3]: the window of ww x hh px at (x, y). */
static void cut(uint8_t *out, const uint8_t *rgb, int w, int x, int y, int ww, int hh)
{
    for (int row = 0; row < hh; row++)
        memcpy(out + (size_t)row * (size_t)ww * 3,
               rgb + ((size_t)(y + row) * (size_t)w + (size_t)x) * 3, (size_t)ww * 3);
}

static uint8_t byte_of(float v)
{
    v = v * 255 + 0.5f;
    return v >= 255 ? 255 : v > 0 ? (uint8_t)v : 0;
}

static void bytes_to_unit(float *out, const uint8_t *rgb, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)rgb[i] / 255;
}

static struct tensor *with_noise(struct cx *cx, struct tensor *z, double sigma, uint64_t key)
{
    size_t n = (size_t)tensor_count(z);
    float *noise = xmalloc(sizeof *noise * n);
    rng_fill_normal(noise, n, key, STREAM_NOISE, 0);
    for (size_t i = 0; i < n; i++)
        noise[i] *= (float)sigma;
    z = add(cx, z, tensor_from(cx, cx->wide, z->rank, z->dim, noise, DT_F32));
    free(noise);
    return z;
}

/* A small clip as it comes back: decoded frames, enlarged by the networks before. Appends its
 * windows, and those of the large clip, to p. */
static void add_clip(struct upsample_pairs *p, const struct upsample_source *s,
                     const struct views *v, uint64_t number, struct cx *cx)
{
    int k = scale_before(s), w = v->low.w * k, h = v->low.h * k, n = v->low.n_frames;
    size_t small = (size_t)v->low.w * (size_t)v->low.h * 3, frame = small * (size_t)(k * k);
    float *values = xmalloc(sizeof *values * small * (size_t)n);
    float *back = xmalloc(sizeof *back * frame);
    uint8_t *rgb = xmalloc(frame);
    struct rng g;
    rng_init(&g, key_of(s->config->seed, number), STREAM_WINDOW);
    double sigma = rng_chance(&g, 0.5) ? rng_range(&g, 0, s->noise) : 0;
    bytes_to_unit(values, v->low.rgb, small * (size_t)n);
    struct tensor *x = tensor_from(cx, cx->wide, DIMS(n, v->low.h, v->low.w, 3), values, DT_F32);
    struct tensor *z = tiny_vae_encode(cx, s->codec, x);
    if (sigma > 0)
        z = with_noise(cx, z, sigma, key_of(s->config->seed, number));
    struct tensor *y = tiny_vae_decode(cx, s->codec, z);
    tensor_read_f32(cx, y, values);
    cx_step_end(cx);
    for (int f = 0; f < n && !cx->err.code; f++) {
        x = tensor_from(cx, cx->wide, DIMS(1, v->low.h, v->low.w, 3), values + small * (size_t)f,
                        DT_F32);
        for (int i = 0; i < s->n_before; i++)
            x = subpixel_forward(cx, s->before[i], x);
        tensor_read_f32(cx, x, back);
        cx_step_end(cx);
        for (size_t i = 0; i < frame; i++)
            rgb[i] = byte_of(back[i]);
        int left = rng_below(&g, w - p->w + 1), top = rng_below(&g, h - p->h + 1);
        cut(p->low + low_bytes(p) * (size_t)p->n, rgb, w, left, top, p->w, p->h);
        cut(p->high + high_bytes(p) * (size_t)p->n,
            v->high.rgb + frame * (size_t)(s->scale * s->scale) * (size_t)f, w * s->scale,
            left * s->scale, top * s->scale, p->w * s->scale, p->h * s->scale);
        p->n++;
    }
    free(values);
    free(back);
    free(rgb);
}

int upsample_pairs_make(struct upsample_pairs *p, const struct upsample_source *s, uint64_t first,
                        int clips, struct cx *cx, const struct run *run, struct err *e)
{
    enum { AT_ONCE = 4 };
    const struct train_config *c = s->config;
    int k = scale_before(s) * s->scale, rc = 0;
    struct views views[AT_ONCE] = {0};
    struct render_job job = {views, first, c->clip, c->clip, c->seed};
    double start = clock_s(), said = start;
    pairs_sizes(p, s);
    p->low = xmalloc(low_bytes(p) * (size_t)(clips * s->frames));
    p->high = xmalloc(high_bytes(p) * (size_t)(clips * s->frames));
    job.low.frames = job.high.frames = s->frames;
    job.high.width *= k;
    job.high.height *= k;
    for (int done = 0; !rc && done < clips;) {
        int n = least(AT_ONCE, clips - done);
        job.first = first + (uint64_t)done;
        threads_run(run->threads, 2 * n, render_view, &job);
        for (int i = 0; i < n; i++) {
            add_clip(p, s, &views[i], job.first + (uint64_t)i, cx);
            clip_release(&views[i].low);
            clip_release(&views[i].high);
        }
        done += n;
        if (cx->err.code)
            rc = err_set(e, cx->err.code, "upsampler: %s", cx->err.msg);
        else if (run->stop && *run->stop)
            rc = err_set(e, ERR_CANCEL, "upsampler: stopped after %d clips", done);
        if (clock_s() - said > 10) {
            said = clock_s();
            run_log(run, "pairs %d/%d clips  %.0f s left", done, clips,
                    (said - start) / done * (clips - done));
        }
    }
    return rc;
}

/* ---- batches ---- */

void upsample_batch_init(struct upsample_batch *b, int n, int side, int scale)
{
    size_t low = (size_t)n * (size_t)side * (size_t)side * 3;
    *b = (struct upsample_batch){n, side, scale, NULL, NULL};
    b->low = xmalloc(sizeof *b->low * low);
    b->high = xmalloc(sizeof *b->high * low * (size_t)(scale * scale));
}

void upsample_batch_release(struct upsample_batch *b)
{
    free(b->low);
    free(b->high);
    *b = (struct upsample_batch){0};
}

/* A square of `side` px at (x, y) of rgb [.][w][3]. */
static void crop(float *out, const uint8_t *rgb, int w, int x, int y, int side, int mirror)
{
    for (int row = 0; row < side; row++)
        for (int col = 0; col < side; col++) {
            int from = x + (mirror ? side - 1 - col : col);
            bytes_to_unit(out, rgb + ((size_t)(y + row) * (size_t)w + (size_t)from) * 3, 3);
            out += 3;
        }
}

void upsample_batch_draw(struct upsample_batch *b, const struct upsample_pairs *p, uint64_t seed,
                         int64_t step)
{
    size_t low = (size_t)b->side * (size_t)b->side * 3;
    int k = b->scale;
    struct rng g;
    rng_init(&g, key_of(seed, (uint64_t)step), STREAM_CROP);
    for (int i = 0; i < b->n; i++) {
        size_t pair = (size_t)rng_below(&g, p->n);
        int x = rng_below(&g, p->w - b->side + 1), y = rng_below(&g, p->h - b->side + 1);
        int mirror = rng_chance(&g, 0.5);
        crop(b->low + low * (size_t)i, p->low + low_bytes(p) * pair, p->w, x, y, b->side, mirror);
        crop(b->high + low * (size_t)(k * k * i), p->high + high_bytes(p) * pair, p->w * k, x * k,
             y * k, b->side * k, mirror);
    }
}

/* ---- loss ---- */

/* x [n,s,s,3]: each pixel minus its neighbour before, along rows (span 3 values of a line of s*3)
 * or columns. */
static struct tensor *differences(struct cx *cx, struct tensor *x, int64_t line, int64_t span)
{
    x = reshape(cx, x, DIMS(tensor_count(x) / line, line));
    struct tensor *later = slice_last(cx, x, span, line - span);
    struct tensor *earlier = slice_last(cx, x, 0, line - span);
    return add_scaled(cx, later, 1, earlier, -1);
}

void upsample_look(struct upsample_views *v, struct cx *cx, const struct subpixel *m,
                   const struct upsample_batch *b)
{
    int64_t side = (int64_t)b->side * b->scale;
    v->low = keep(cx, tensor_from(cx, cx->wide, DIMS(b->n, b->side, b->side, 3), b->low, DT_F32));
    v->truth = keep(cx, tensor_from(cx, cx->wide, DIMS(b->n, side, side, 3), b->high, DT_F32));
    v->made = keep(cx, subpixel_forward(cx, m, v->low));
}

struct tensor *upsample_loss(struct cx *cx, const struct upsample_views *v, double edges)
{
    int64_t side = v->truth->dim[1];
    struct tensor *loss = loss_l1(cx, v->made, v->truth, NULL, 1.0 / (double)tensor_rows(v->truth));
    const int64_t line[2] = {side * 3, side * side * 3}, span[2] = {3, side * 3};
    for (int i = 0; i < 2 && edges > 0; i++) {
        struct tensor *dy = differences(cx, v->made, line[i], span[i]);
        struct tensor *dt = differences(cx, v->truth, line[i], span[i]);
        loss = add(cx, loss, loss_l1(cx, dy, dt, NULL, edges / (double)dy->dim[0]));
    }
    return loss;
}

/* ---- quality ---- */

static double squares(const float *x, const uint8_t *y, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double d = fmin(fmax(x[i], 0), 1) - y[i] / 255.0;
        sum += d * d;
    }
    return sum;
}

/* Of x [h][w][3], clamped: differences to the right and downward. */
static double steps(const float *x, int w, int h)
{
    double sum = 0;
    for (int row = 0; row + 1 < h; row++)
        for (int i = 0; i + 3 < w * 3; i++) {
            const float *at = x + (size_t)row * (size_t)w * 3 + i;
            double here = fmin(fmax(*at, 0), 1);
            sum += fabs(fmin(fmax(at[3], 0), 1) - here) +
                   fabs(fmin(fmax(at[(size_t)w * 3], 0), 1) - here);
        }
    return sum;
}

int upsample_judge(struct cx *cx, const struct subpixel *m, const struct upsample_pairs *p,
                   struct upsample_score *s, struct err *e)
{
    size_t low = low_bytes(p), high = high_bytes(p);
    int w = p->w * p->scale, h = p->h * p->scale;
    float *values = xmalloc(sizeof *values * high);
    uint8_t *larger = xmalloc(high);
    *s = (struct upsample_score){0};
    for (int i = 0; i < p->n && !cx->err.code; i++) {
        const uint8_t *want = p->high + high * (size_t)i, *have = p->low + low * (size_t)i;
        bytes_to_unit(values, have, low);
        struct tensor *x = tensor_from(cx, cx->wide, DIMS(1, p->h, p->w, 3), values, DT_F32);
        tensor_read_f32(cx, subpixel_forward(cx, m, x), values);
        cx_step_end(cx);
        s->by_net += squares(values, want, high);
        s->steps_net += steps(values, w, h);
        resize_rgb(larger, w, h, have, p->w, p->h, RESIZE_BICUBIC, cx->kcx.threads);
        bytes_to_unit(values, larger, high);
        s->plain += squares(values, want, high);
        s->steps_plain += steps(values, w, h);
        bytes_to_unit(values, want, high);
        s->steps_true += steps(values, w, h);
        s->n += (double)high;
    }
    free(values);
    free(larger);
    return cx->err.code ? err_set(e, cx->err.code, "upsampler: %s", cx->err.msg) : 0;
}
