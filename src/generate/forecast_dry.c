#include "generate/forecast_dry.h"

#include <math.h>

#include "base/machine.h"
#include "generate/conditions.h"
#include "generate/enlarge.h"
#include "generate/explain.h"
#include "generate/plan_inner.h"
#include "generate/sampler.h"
#include "generate/stagger.h"
#include "generate/velocity.h"
#include "media/between.h"
#include "media/detail.h"
#include "media/resize.h"

int plan_has_own_memory(const struct plan *p)
{
    return p->device && !p->device->host;
}

/* Of a window, as drawing_window makes it. */
static struct sampler *sampler_of(const struct plan *p)
{
    struct sampler_config c = p->schedule;
    struct sampler *s;
    struct err e;

    c.name = p->sampler;
    c.steps = p->steps;
    c.shift = p->shift;
    if (sampler_new(&s, &c, &e))
        BUG("%s", e.msg); /* the options have been checked */
    return s;
}

int plan_reads_whole_film(const struct plan *p)
{
    return p->dit.in_channels > p->dit.out_channels || p->dit.n_controls;
}

/* Everything of a window that lies in memory of the host beside tensors: the latent, what is known
 * of the past, what both samples say, one combined, the noise, and what the sampler remembers; rows
 * of text as the encoder gives them and as the transformer takes them; a picture as numbers, as
 * drawn, and as shown with rows of the resize between; of a model that reads a whole film that
 * film, and its latent. */
static double host_bytes(const struct plan *p)
{
    enum { LATENTS = 6 };
    struct latent_shape shape = plan_latent(p), other = stagger_shape(&shape);
    const struct denoiser_config *d = &p->dit;
    struct sampler *s = sampler_of(p);
    double latent = (double)latent_count(&shape) * sizeof(float);
    double picture = (double)plan_drawn_bytes(p);
    double film = (double)p->film_w * p->film_h * 3;
    double sum = latent * (LATENTS + sampler_latents(s));

    sampler_free(&s);
    sum += 2 * (double)latent_tokens(&shape) * sizeof(int32_t);
    if (p->stagger > 0) /* what both samples say, the latent, and one combined */
        sum += 4 * (double)latent_count(&other) * sizeof(float) +
               2 * (double)latent_tokens(&other) * sizeof(int32_t);
    if (p->cut)
        sum += shortcut_bytes(p->cut, (double)latent_count(&shape), (double)latent_tokens(&shape),
                              d->width);
    if (p->cut_check) /* once more, with its own noise and sampler */
        sum += latent;
    for (int k = 0; k < d->n_texts; k++) {
        double read = (double)p->words[k].start[2];

        sum += (read + (d->text_rows[k] ? 2 * d->text_rows[k] : read)) * d->text_dim[k] *
               sizeof(float);
    }
    sum += picture * sizeof(float) + film;
    if (p->interpolate)
        sum += film * (2 + p->loop);
    if (p->interpolate || p->begins)
        sum += (double)between_bytes(p->film_w, p->film_h);
    if (p->begins)
        sum += film;
    if (plan_ahead(p)) /* the window that is shown, and frames that wait */
        sum += latent + picture * plan_ahead(p);
    else
        sum += picture;
    if (plan_reads_whole_film(p))
        sum += sizeof(float) *
               ((double)codec_frames(&p->codec, p->t) * p->w * p->h * 3 +
                (double)(p->t + p->ahead) * p->lh * p->lw * (d->in_channels + d->control_channels));
    if (plan_source_is_mixed(p))
        sum += 2 * latent +
               sizeof(float) * (double)codec_frames(&p->codec, p->window + 1) * p->w * p->h * 3;
    if (p->region.n) /* what is kept, in the film's size, what is given out, and the shares */
        sum += 2 * film + (double)p->film_w * p->film_h * sizeof(uint16_t);
    if (p->film_w != p->seen_w * p->scale || p->film_h != p->seen_h * p->scale)
        sum += (double)resize_room(p->film_w, p->film_h, p->seen_w * p->scale, p->seen_h * p->scale,
                                   RESIZE_BICUBIC) *
               p->threads;
    return sum;
}

static void dry_text(const struct plan *p, struct cx *cx)
{
    for (int k = 0; k < p->model->n_texts && !p->text_kept; k++) {
        struct seq seq = {2, p->words[k].start};

        text_rows(cx, &p->model->text[k], p->words[k].ids, &seq, NULL);
        cx_step_end(cx);
    }
}

/* All evaluations of a window, equal ones run once; returns their operations. */
static double dry_window(const struct plan *p, struct cx *cx, int knows, int is_given)
{
    struct velocity_ask ask = velocity_ask_of(p, p->model);
    struct sampler *s = sampler_of(p);
    double flops[2][2][2] = {{{0}}}, sum = 0;
    int times = 1 + (knows || (p->region.n && p->info.own_times));

    ask.is_given = is_given;
    struct velocity_ask other = ask;
    other.shape = stagger_shape(&ask.shape);
    for (int i = 0; i < sampler_evaluations(s); i++) {
        double sigma = sampler_sigma(s, i);
        int expert = velocity_expert(&ask, sampler_timestep(s, i));
        int n = velocity_samples(&ask, expert, sigma);
        int aside = stagger_wanted(p->stagger, i, sampler_evaluations(s), sigma);
        double *of = &flops[aside][expert][n - 1], before = cx->flops;

        if (!*of) {
            velocity_dry(aside ? &other : &ask, cx, expert, n, times, p->words);
            *of = cx->flops - before;
        }
        sum += *of;
    }
    sampler_free(&s);
    return sum;
}

/* Returns the operations of the whole film's latents; *caches: bytes of the stream. */
static double dry_decode(const struct plan *p, struct cx *cx, double *caches)
{
    enum { DRY = 2 }; /* the second knows a past */
    struct codec_stream stream;
    double before = cx->flops;
    int n = p->t < DRY ? p->t : DRY;

    codec_stream_init(&stream, cx->device, &p->model->codec);
    for (int i = 0; i < n; i++) {
        struct tensor *z = tensor_new(cx, DT_F32, DIMS(1, p->lh, p->lw, p->c));
        struct tensor *next =
            p->codec.looks_ahead ? tensor_new(cx, DT_F32, DIMS(1, p->lh, p->lw, p->c)) : NULL;
        struct tensor *y = codec_stream_step(cx, &stream, z, next);

        for (int f = 0; f < (int)y->dim[0]; f++) {
            struct scope scope;
            scope_begin(cx, &scope);
            struct tensor *x = plan_seen(cx, p, slice_rows(cx, y, f, 1));
            enlarge_drawn(cx, &(struct enlarging){.by = p->model->upsampler, .n = p->n_enlarge}, x);
            scope_end(cx, &scope, NULL);
        }
        cx_step_end(cx);
    }
    *caches = fmax((double)codec_stream_bytes(&stream), (double)cx->aside_bytes);
    codec_stream_release(&stream);
    return (cx->flops - before) / n * p->t;
}

/* Of all windows of the film: those behind the first one, and the second run of a loop, know what
 * was drawn. */
static double dry_windows(const struct plan *p, struct cx *cx)
{
    int given = (p->first.rgb && !plan_reads_whole_film(p)) || p->n_keys;
    int more = plan_windows(p) - 1 + p->loop;
    double sum = dry_window(p, cx, given, given && !plan_loop_is_open(p));

    if (more)
        sum += more * dry_window(p, cx, 1, 0);
    return (1 + p->cut_check) * sum;
}

int plan_shows_at_rest(const struct plan *p)
{
    return plan_windows(p) == 1 && !p->loop && !plan_has_own_memory(p);
}

/* What is first used when frames are shown. */
static double showing_bytes(const struct plan *p)
{
    double sum = (double)plan_sharpen_room(p) * sizeof(float);

    return p->begins ? sum + (double)detail_bytes(p->film_w, p->film_h) : sum;
}

/* In the order in which a film is made. */
struct cost plan_cost(const struct plan *p, int t)
{
    struct cost c = {0};
    struct plan q = *p;
    double caches;
    struct cx cx;

    q.window = t;
    if (t < p->window) { /* then the film is no longer than that */
        q.t = t;
        q.n_film = (int)(codec_frames(&p->codec, t) * p->fps / p->info.frame_rate + 0.5);
    }
    cx_init_dry(&cx, p->type, p->threads);
    conditions_dry(&cx, &q);
    if (q.n_looks)
        explain_dry(&cx, q.model, q.lh, q.lw, q.n_looks);
    dry_text(&q, &cx);
    c.early = host_bytes(&q) + (double)cx_resident_bytes(&cx, machine_huge_page_bytes());
    c.flops = cx.flops + dry_windows(&q, &cx);
    c.steps = host_bytes(&q) + (double)cx_resident_bytes(&cx, machine_huge_page_bytes());
    c.drawing_flops = dry_decode(&q, &cx, &caches);
    c.flops += c.drawing_flops;
    c.host = host_bytes(&q) + showing_bytes(&q);
    if (plan_has_own_memory(p))
        c.device = (double)cx_reserved_bytes(&cx) + caches;
    else
        c.host += (double)cx_resident_bytes(&cx, machine_huge_page_bytes()) + caches;
    if (!plan_shows_at_rest(&q))
        c.steps = c.host;
    cx_release(&cx);
    return c;
}
