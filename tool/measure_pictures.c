/* What codec, upsamplers and frames between frames do to pictures of a model's worlds: errors
 * against renders, widths of edges. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "cmd.h"
#include "generate/enlarge.h"
#include "generate/options.h"
#include "measure/codec.h"
#include "measure/edges.h"
#include "measure_run.h"
#include "media/between.h"
#include "media/resize.h"
#include "media/sharpen.h"
#include "model/bundle.h"
#include "tensor/ops.h"
#include "world/world.h"

enum {
    SCENES = 24,
    FRAMES = 9,
    SEED = 0x70696374,
    TIMES = 3 /* frames of the film for a drawn one */
};
/* Behind the first three are frames between two that are drawn: what they are made of; then such
 * between two renders, which have no error of their own. */
enum shown_as {
    VIEW_CODEC,
    VIEW_PLAIN,
    VIEW_ENLARGED,
    VIEW_SHARPENED,
    VIEW_REPEATED,
    VIEW_BLENDED,
    VIEW_INTERPOLATED,
    VIEW_TRUE_REPEATED,
    VIEW_TRUE_BLENDED,
    VIEW_TRUE_INTERPOLATED,
    N_VIEWS
};
static const char *const view_names[N_VIEWS] = {
    "codec",   "plain",        "enlarged",      "sharpened",    "repeated",
    "blended", "interpolated", "true repeated", "true blended", "true interpolated"};

struct pictures {
    struct bundle *b;
    struct threads *threads;
    struct round_trip codec;
    struct cx cx; /* of the upsamplers, in the type of films */
    struct worlds worlds;
    int w, h, frames, film_w, film_h, n_enlarge, scale;
    struct view_score {
        struct codec_error error;
        struct edge_widths edges;
        struct codec_error trail; /* px that an object has left, or not yet reached */
    } view[N_VIEWS];
    double enlarge_s, n_enlarged, between_s, n_between;
    struct between *between;
};

void measure_worlds(struct worlds *w, unsigned set)
{
    *w = (struct worlds){0};
    for (int i = 0; world_at(i); i++)
        if ((set ? set : 1) & world_bit(world_at(i))) {
            struct world_part *p = &w->part[w->n++];
            p->world = world_at(i);
            p->share = 1;
            p->world->mix_read(p->mix, (struct jval){0});
        }
}

static int open_model(struct pictures *p, const struct measure_args *a, const char *dir,
                      struct err *e)
{
    int rc = measure_threads(&p->threads, a, e);

    if (rc)
        return rc;
    enum dtype type = machine_cpu_features() & CPU_AVX512_BF16 ? DT_BF16 : DT_F32;
    if ((rc = bundle_open(&p->b, dir, device_cpu(), type, NULL, e)))
        return rc;
    cx_init(&p->cx, device_cpu(), type, p->threads);
    if ((rc = round_trip_open(&p->codec, dir, p->threads, e)))
        return rc;
    p->w = p->b->info.width;
    p->h = p->b->info.height;
    p->film_w = 2 * p->w;
    p->film_h = 2 * p->h;
    if (a->size && parse_size(a->size, &p->film_w, &p->film_h))
        return err_set(e, ERR_USAGE, "--size is \"%s\", it is WxH, 16x16 to 8192x8192, even",
                       a->size);
    p->n_enlarge =
        upsampler_chain(p->b->upsampler, p->b->n_upsamplers,
                        fmax((double)p->film_w / p->w, (double)p->film_h / p->h), &p->scale);
    measure_worlds(&p->worlds, p->b->info.worlds);
    p->between = between_new(p->film_w, p->film_h, p->threads);
    return p->between ? 0 : err_set(e, ERR_FIT, "no memory for %dx%d", p->film_w, p->film_h);
}

static void close_model(struct pictures *p)
{
    if (p->b) {
        cx_release(&p->cx);
        if (p->codec.part.is)
            round_trip_close(&p->codec);
        bundle_free(&p->b);
    }
    between_free(&p->between);
    threads_free(&p->threads);
}

/* rgb [h][w][3], as decoded -> film, by the networks, sharpened so far behind the first of them,
 * and what is left by interpolation. */
static int enlarge(struct pictures *p, const uint8_t *rgb, double amount, uint8_t *film,
                   struct err *e)
{
    int w = p->w * p->scale, h = p->h * p->scale;
    size_t small = (size_t)p->w * (size_t)p->h * 3, large = (size_t)w * (size_t)h * 3;
    float *values = xmalloc(sizeof *values * large);
    float *room = xmalloc(sizeof *room * sharpen_room(w, h));
    uint8_t *bytes = xmalloc(large);

    for (size_t i = 0; i < small; i++)
        values[i] = (float)rgb[i] / 255;
    struct tensor *x = tensor_from(&p->cx, DT_F32, DIMS(1, p->h, p->w, 3), values, DT_F32);
    x = enlarge_drawn(&p->cx,
                      &(struct enlarging){p->b->upsampler, p->n_enlarge, amount, values, room}, x);
    tensor_read_f32(&p->cx, x, values);
    cx_step_end(&p->cx);
    for (size_t i = 0; i < large; i++)
        bytes[i] = (uint8_t)(fminf(fmaxf(values[i], 0), 1) * 255 + 0.5f);
    resize_cover(film, p->film_w, p->film_h, bytes, w, h, RESIZE_BICUBIC, p->threads);
    free(values);
    free(room);
    free(bytes);
    return p->cx.err.code ? err_set(e, p->cx.err.code, "upsampler: %s", p->cx.err.msg) : 0;
}

static void note(struct view_score *v, const uint8_t *rgb, const uint8_t *truth, const uint8_t *ids,
                 int w, int h)
{
    codec_error_add(&v->error, truth, rgb, ids, (size_t)w * (size_t)h);
    edge_widths_add(&v->edges, rgb, truth, w, h);
}

/* px of an object in one of two frames, but not between them. */
static void note_trail(struct view_score *v, const uint8_t *rgb, const uint8_t *truth,
                       const uint8_t *ids, const uint8_t *before, const uint8_t *behind, size_t px)
{
    uint8_t *trail = xmalloc(px);

    for (size_t i = 0; i < px; i++)
        trail[i] = ids[i] != 1 && (before[i] == 1 || behind[i] == 1);
    codec_error_add(&v->trail, truth, rgb, trail, px);
    free(trail);
}

/* Frames between film[0] and film[1], which show frames f and f + TIMES of the render. */
static void note_between(struct pictures *p, const struct clip *high, size_t f,
                         const uint8_t *const film[2], enum shown_as first)
{
    size_t px = (size_t)p->film_w * (size_t)p->film_h;
    const uint8_t *ids = high->ids + px * f;
    uint8_t *made = xmalloc(px * 3);
    double start = clock_s();
    int cut = between_pair(p->between, film[0], film[1]);

    p->between_s += clock_s() - start;
    for (size_t k = 1; k < TIMES; k++) {
        const uint8_t *truth = high->rgb + px * 3 * (f + k), *at = ids + px * k;
        float t = (float)k / TIMES;
        const uint8_t *near = film[t > 0.5f], *shown[3] = {near, made, made};

        for (int v = 0; v < 3; v++) {
            struct view_score *s = &p->view[first + (unsigned)v];

            if (v == 1)
                for (size_t i = 0; i < px * 3; i++)
                    made[i] = (uint8_t)((1 - t) * film[0][i] + t * film[1][i] + 0.5f);
            start = clock_s();
            if (v == 2 && cut)
                shown[v] = near;
            else if (v == 2)
                between_at(p->between, t, made);
            p->between_s += v == 2 ? clock_s() - start : 0;
            note(s, shown[v], truth, at, p->film_w, p->film_h);
            note_trail(s, shown[v], truth, at, ids, ids + px * TIMES, px);
        }
        p->n_between++;
    }
    free(made);
}

static void note_both(struct pictures *p, const struct clip *high, size_t f, uint8_t *film[2])
{
    size_t bytes = (size_t)p->film_w * (size_t)p->film_h * 3;
    const uint8_t *const made[2] = {film[0], film[1]};
    const uint8_t *const truth[2] = {high->rgb + bytes * f, high->rgb + bytes * (f + TIMES)};

    note_between(p, high, f, made, VIEW_REPEATED);
    note_between(p, high, f, truth, VIEW_TRUE_REPEATED);
}

static int one_scene(struct pictures *p, int i, struct err *e)
{
    struct world_scene scene;
    struct clip low, high;
    size_t px = (size_t)p->w * (size_t)p->h, film_px = (size_t)p->film_w * (size_t)p->film_h;
    double fps = p->b->info.frame_rate;

    worlds_sample(&p->worlds, &scene, SEED, (uint64_t)i, (double)p->w / p->h);
    scene.world->render(scene.state, p->w, p->h, p->frames, fps, &low);
    scene.world->render(scene.state, p->film_w, p->film_h, (p->frames - 1) * TIMES + 1, fps * TIMES,
                        &high);
    uint8_t *back = xmalloc(px * 3 * (size_t)p->frames);
    uint8_t *film[2] = {xmalloc(film_px * 3), xmalloc(film_px * 3)}; /* the one before, this one */
    int rc = round_trip_film(&p->codec, low.rgb, p->w, p->h, p->frames, back, e);
    for (size_t f = 0; !rc && f < (size_t)p->frames; f++) {
        const uint8_t *truth = high.rgb + film_px * 3 * f * TIMES;
        const uint8_t *ids = high.ids + film_px * f * TIMES;
        const uint8_t *rgb = back + px * 3 * f;

        note(&p->view[VIEW_CODEC], rgb, low.rgb + px * 3 * f, low.ids + px * f, p->w, p->h);
        resize_cover(film[1], p->film_w, p->film_h, rgb, p->w, p->h, RESIZE_BICUBIC, p->threads);
        note(&p->view[VIEW_PLAIN], film[1], truth, ids, p->film_w, p->film_h);
        if (!(rc = enlarge(p, rgb, 0, film[1], e)))
            note(&p->view[VIEW_ENLARGED], film[1], truth, ids, p->film_w, p->film_h);
        double start = clock_s();
        if (!rc && !(rc = enlarge(p, rgb, p->n_enlarge ? p->b->info.sharpen : 0, film[1], e))) {
            p->enlarge_s += clock_s() - start;
            p->n_enlarged++;
            note(&p->view[VIEW_SHARPENED], film[1], truth, ids, p->film_w, p->film_h);
        }
        if (!rc && f)
            note_both(p, &high, (f - 1) * TIMES, film);
        uint8_t *t = film[0];
        film[0] = film[1];
        film[1] = t;
    }
    free(back);
    free(film[0]);
    free(film[1]);
    clip_release(&low);
    clip_release(&high);
    return rc;
}

static void print_table(const struct pictures *p, int n)
{
    printf("%d scenes of %d frames, drawn at %dx%d, shown at %dx%d by %d of %d upsamplers\n", n,
           p->frames, p->w, p->h, p->film_w, p->film_h, p->n_enlarge, p->b->n_upsamplers);
    printf("%-17s %12s %16s %14s %14s %16s\n", "", "PSNR, dB", "in objects, dB", "edges, times",
           "own, times", "in trails, dB");
    for (int v = 0; v < N_VIEWS; v++) {
        const struct view_score *s = &p->view[v];

        printf("%-17s %12.2f %16.2f %14.2f %14.2f", view_names[v],
               codec_psnr(s->error.sum, s->error.n),
               codec_psnr(s->error.mover_sum, s->error.mover_n), edge_widths_ratio(&s->edges),
               edge_widths_own(&s->edges));
        if (v >= VIEW_REPEATED)
            printf(" %16.2f", codec_psnr(s->trail.mover_sum, s->trail.mover_n));
        putchar('\n');
    }
    printf("enlarging takes %.3f s a frame, one between two %.3f s\n",
           p->enlarge_s / fmax(p->n_enlarged, 1), p->between_s / fmax(p->n_between, 1));
}

static void print_json(const struct pictures *p, int n)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "scenes", n);
    jsonw_int(&j, "frames", p->frames);
    jsonw_int(&j, "width", p->film_w);
    jsonw_int(&j, "height", p->film_h);
    jsonw_int(&j, "upsamplers", p->n_enlarge);
    jsonw_real(&j, "enlarge_seconds_per_frame", p->enlarge_s / fmax(p->n_enlarged, 1));
    jsonw_real(&j, "between_seconds_per_frame", p->between_s / fmax(p->n_between, 1));
    for (int v = 0; v < N_VIEWS; v++) {
        const struct view_score *s = &p->view[v];

        jsonw_object(&j, view_names[v]);
        jsonw_real(&j, "psnr", codec_psnr(s->error.sum, s->error.n));
        jsonw_real(&j, "psnr_objects", codec_psnr(s->error.mover_sum, s->error.mover_n));
        jsonw_real(&j, "edge_width_ratio", edge_widths_ratio(&s->edges));
        jsonw_real(&j, "own_edge_width_ratio", edge_widths_own(&s->edges));
        if (v >= VIEW_REPEATED)
            jsonw_real(&j, "psnr_trails", codec_psnr(s->trail.mover_sum, s->trail.mover_n));
        jsonw_end_object(&j);
    }
    jsonw_end_object(&j);
    puts(buf_str(&out));
    buf_release(&out);
}

int measure_pictures(const struct measure_args *a, struct err *e)
{
    struct pictures p = {.frames = FRAMES};
    struct progress progress;
    int n = a->count > 0 ? (int)a->count : SCENES, done = 0;
    int64_t frames = FRAMES;
    zt_model *m;

    *e = (struct err){0};
    if (a->frames && (parse_int(a->frames, &frames) || frames < 1 || frames > 1000))
        return err_set(e, ERR_USAGE, "--frames is \"%s\", allowed are 1 to 1000", a->frames);
    p.frames = (int)frames;
    cmd_catch_signals();
    if ((e->code = zt_model_open(&m, a->model, e->msg, sizeof e->msg)))
        return e->code;
    int rc = open_model(&p, a, zt_model_get(m, "path"), e);
    if (!rc) {
        progress_start(&progress, stderr, "measure", n);
        for (; !rc && done < n && !cmd_stop; done++) {
            rc = one_scene(&p, done, e);
            progress_step(&progress, done + 1, NULL);
        }
        progress_end(&progress, NULL);
    }
    if (!rc && cmd_stop)
        rc = err_set(e, ERR_CANCEL, "interrupted");
    if (!rc && a->json)
        print_json(&p, n);
    else if (!rc)
        print_table(&p, n);
    close_model(&p);
    zt_model_free(&m);
    return rc;
}
