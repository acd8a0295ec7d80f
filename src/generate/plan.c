#include "generate/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "generate/reading.h"
#include "generate/sampler.h"
#include "media/picture.h"
#include "media/resize.h"

enum { SHOWN_SIDE = 256, MAX_FRAMES = 1 << 24 };

static int read_configs(struct plan *p, const char *dir, struct err *e)
{
    int rc = bundle_declare(&p->model, dir, e);

    if (rc)
        return rc;
    p->info = p->model->info;
    p->dit = p->model->denoiser[0].config;
    p->codec = p->model->codec.config;
    p->c = p->codec.channels;
    return 0;
}

/* Multiples of `unit` whose product is near that of the model's own sides. */
static void sides_of(const struct bundle_info *m, double aspect, int unit, int *w, int *h)
{
    double area = (double)m->width * m->height;

    *w = (int)fmax(1, floor(sqrt(area * aspect) / unit)) * unit;
    *h = (int)fmax(1, floor(sqrt(area / aspect) / unit)) * unit;
}

/* The model draws in the wanted aspect at its own size; the film shows that larger. */
static int settle_size(struct plan *p, const struct request *r, struct err *e)
{
    static const double aspects[] = {16.0 / 9, 1, 9.0 / 16};
    const char *size = request_text(r, OPT_SIZE);
    int unit = p->codec.ks * p->dit.patch[1], given = 0, native = !strcmp(size, "native");
    int own_w = p->info.width, own_h = p->info.height;
    double own = (double)own_w / own_h, aspect = own;

    if (own_w % unit || own_h % unit)
        return err_set(e, ERR_FORMAT, "model_index.json: %dx%d is not a multiple of %d px", own_w,
                       own_h, unit);
    if (*size && !native) {
        given = !parse_size(size, &p->film_w, &p->film_h);
        aspect = (double)p->film_w / p->film_h;
    }
    if (r->value[OPT_ASPECT].set)
        aspect = aspects[r->value[OPT_ASPECT].i];
    p->w = own_w;
    p->h = own_h;
    if (fabs(log(aspect / own)) > 0.1) { /* else the model's own shape is meant */
        if (fabs(log(aspect * own)) < 0.1) {
            p->w = own_h;
            p->h = own_w;
        } else {
            sides_of(&p->info, aspect, unit, &p->w, &p->h);
        }
    }
    if (!given) {
        int side = p->w < p->h ? p->w : p->h;
        int scale = native ? 1 : (SHOWN_SIDE + side - 1) / side;
        p->film_w = p->w * scale;
        p->film_h = p->h * scale;
    }
    p->lh = p->h / p->codec.ks;
    p->lw = p->w / p->codec.ks;
    return 0;
}

static int settle_frames(struct plan *p, const struct request *r, struct err *e)
{
    double rate = p->info.frame_rate, n = p->info.frames;

    p->fps = request_real(r, OPT_FPS, rate);
    if (r->value[OPT_SECONDS].set) /* groups of kt frames follow the first ones */
        n = p->codec.first +
            p->codec.kt * fmax(0, floor(r->value[OPT_SECONDS].r * rate / p->codec.kt + 0.5));
    n = (double)request_int(r, OPT_FRAMES, (int64_t)n);
    if (n > MAX_FRAMES || n * p->fps / rate > MAX_FRAMES)
        return err_set(e, ERR_USAGE, "seconds: %.0f frames are more than %d", n, MAX_FRAMES);
    p->n_frames = (int)n;
    p->t = codec_latents(&p->codec, p->n_frames);
    p->n_film = (int)fmax(1, floor(n * p->fps / rate + 0.5));
    return 0;
}

int plan_drawn_frame(const struct plan *p, int i)
{
    int k = (int)floor((i + 0.5) * p->info.frame_rate / p->fps);

    return k < p->n_frames ? k : p->n_frames - 1;
}

static uint64_t random_seed(void)
{
    uint64_t s;

    if (getrandom(&s, sizeof s, 0) != sizeof s)
        s = (uint64_t)time(NULL);
    return s % 1000000000; /* short enough to be typed */
}

static int settle_numbers(struct plan *p, const struct request *r, struct err *e)
{
    static const enum dtype types[] = {DT_F32, DT_BF16, DT_F32};
    int64_t type = request_int(r, OPT_TYPE, 0);
    const char *device = r->value[OPT_DEVICE].set ? request_text(r, OPT_DEVICE) : "cpu";

    p->steps = (int)request_int(r, OPT_STEPS, p->info.steps);
    p->guidance = request_real(r, OPT_GUIDANCE, p->info.guidance);
    p->guidance_from = request_real(r, OPT_GUIDANCE_FROM, 0);
    p->guidance_to = request_real(r, OPT_GUIDANCE_TO, 1);
    p->shift = request_real(r, OPT_SHIFT, p->info.shift);
    p->threads = (int)request_int(r, OPT_THREADS, machine_threads());
    p->seed = r->value[OPT_SEED].set ? (uint64_t)r->value[OPT_SEED].i : random_seed();
    p->type = types[type];
    int rc = device_named(&p->device, device, e);
    if (!rc && r->value[OPT_VRAM].set && !p->device->limit)
        rc = err_set(e, ERR_USAGE, "vram: %s has no memory of its own; ram limits it", device);
    else if (!rc && r->value[OPT_VRAM].set &&
             p->device->limit(p->device, (size_t)r->value[OPT_VRAM].i))
        rc = err_set(e, ERR_USAGE, "vram: %s works with another limit already", device);
    if (!rc && type == 0 && (!p->device->host || machine_cpu_features() & CPU_AVX512_BF16))
        p->type = DT_BF16;
    return rc;
}

static int settle_sampler(struct plan *p, const struct request *r, struct err *e)
{
    const char *name = r->value[OPT_SAMPLER].set ? request_text(r, OPT_SAMPLER) : p->info.sampler;

    for (const char *const *s = sampler_names(); *s; s++)
        if (!strcmp(*s, name))
            p->sampler = *s;
    if (!p->sampler)
        return err_set(e, ERR_FORMAT, "model_index.json: sampler \"%s\" is unknown", name);
    return 0;
}

static void settle_words(struct plan *p, const struct request *r)
{
    struct buf text = BUF_INIT, negative = BUF_INIT, unknown = BUF_INIT, note = BUF_INIT;

    reading_prompt(request_text(r, OPT_PROMPT), p->info.worlds, p->seed, &text, &unknown);
    if (*request_text(r, OPT_NEGATIVE))
        reading_negative(request_text(r, OPT_NEGATIVE), p->info.worlds, &negative, &unknown);
    if (p->n_frames > p->info.frames)
        buf_printf(&note, "the model has seen films of at most %d frames; these are %d",
                   p->info.frames, p->n_frames);
    p->prompt = xstrdup(buf_str(&text));
    p->negative = xstrdup(buf_str(&negative));
    p->unknown = xstrdup(buf_str(&unknown));
    p->note = xstrdup(buf_str(&note));
    buf_release(&text);
    buf_release(&negative);
    buf_release(&unknown);
    buf_release(&note);
}

static int settle_picture(struct plan *p, const struct request *r, struct err *e)
{
    struct picture pic;
    struct sha256 h;

    if (!r->value[OPT_FIRST_FRAME].set) {
        if (*r->first_frame_hash)
            return err_set(e, ERR_USAGE,
                           "first-frame: this recipe began with a picture that is "
                           "not part of it; give it again");
        return 0;
    }
    int rc = picture_load(&pic, request_text(r, OPT_FIRST_FRAME), e);
    if (rc)
        return rc;
    size_t bytes = (size_t)p->w * (size_t)p->h * 3;
    p->first_frame = xmalloc(bytes);
    resize_cover(p->first_frame, p->w, p->h, pic.rgb, pic.w, pic.h, RESIZE_AREA, NULL);
    picture_release(&pic);
    sha256_init(&h);
    sha256_add(&h, p->first_frame, bytes);
    sha256_hex(&h, p->first_frame_hash);
    if (*r->first_frame_hash && strcmp(r->first_frame_hash, p->first_frame_hash))
        return err_set(e, ERR_USAGE,
                       "first-frame: %s is not the picture that this recipe began "
                       "with",
                       path_base(request_text(r, OPT_FIRST_FRAME)));
    return 0;
}

/* Spaces alone, of either script, are no words. */
static int is_blank(const char *s)
{
    uint32_t cp;

    for (int len; *s; s += len) {
        len = utf8_decode(s, strlen(s), &cp);
        if (!len || !(cp == ' ' || (cp >= '\t' && cp <= '\r') || cp == 0xa0 || cp == 0x3000))
            return 0;
    }
    return 1;
}

int plan_make(struct plan *p, const char *model_dir, const struct request *r,
              const atomic_int *stop, struct err *e)
{
    int rc;

    memset(p, 0, sizeof(*p));
    if (is_blank(request_text(r, OPT_PROMPT)) && !r->value[OPT_FIRST_FRAME].set)
        return err_set(e, ERR_USAGE, "prompt: nothing to draw; say what in a few words");
    rc = read_configs(p, model_dir, e);
    if (!rc)
        rc = settle_size(p, r, e);
    if (!rc)
        rc = settle_frames(p, r, e);
    if (!rc)
        rc = settle_sampler(p, r, e);
    if (!rc)
        rc = settle_numbers(p, r, e);
    if (!rc) {
        settle_words(p, r);
        rc = settle_picture(p, r, e);
    }
    uint64_t memory = machine_memory_bytes(), most = (uint64_t)request_int(r, OPT_RAM, INT64_MAX);
    if (!rc)
        rc = plan_forecast(p, most < memory ? most : memory, stop, e);
    if (rc)
        plan_release(p);
    return rc;
}

void plan_release(struct plan *p)
{
    free(p->prompt);
    free(p->negative);
    free(p->unknown);
    free(p->note);
    free(p->first_frame);
    bundle_free(&p->model);
    memset(p, 0, sizeof(*p));
}
