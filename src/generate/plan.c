#include "generate/plan_inner.h"
#include "generate/tea.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/file.h"
#include "base/machine.h"
#include "generate/drag.h"
#include "generate/sampler.h"
#include "generate/scheduler.h"
#include "generate/stagger.h"
#include "generate/text_kept.h"
#include "model/lora_list.h"

#define SCHEDULE_MAX_BYTES (1 << 20)
enum { MAX_FRAMES = 1 << 24, CONTEXT_PART = 5, LONG_CONTEXT_PART = 4 /* of a window */ };

static int read_configs(struct plan *p, const char *dir, struct err *e)
{
    int rc = bundle_declare(&p->model, dir, e);

    if (rc)
        return rc;
    p->info = p->model->info;
    p->dit = p->model->denoiser[0].config;
    p->codec = p->model->codec.config;
    p->c = p->codec.channels;
    if (*p->info.expert)
        plan_note(p, xasprintf("the transformer is by its name the expert of %s noise; the one of "
                               "%s noise is not there, so it draws all steps",
                               p->info.expert, *p->info.expert == 'h' ? "low" : "high"));
    return 0;
}

/* Takes over the text. */
void plan_note(struct plan *p, char *text)
{
    if (!text)
        return;
    char *both = p->note ? xasprintf("%s; %s", p->note, text) : xstrdup(text);

    free(p->note);
    free(text);
    p->note = both;
}

/* Networks of others draw whole latent frames, and were trained up to a length. */
static void note_frames(struct plan *p, const struct request *r)
{
    int drawn = codec_frames(&p->codec, p->t);

    if (!p->info.diffusers)
        return;
    if (r->value[OPT_FRAMES].set && drawn != p->n_frames)
        plan_note(p,
                  xasprintf("%d frames are not %d more than a multiple of %d: %d are drawn, the "
                            "last %d left out",
                            p->n_frames, p->codec.first, p->codec.kt, drawn, drawn - p->n_frames));
    if (p->n_frames > p->info.frames)
        plan_note(p, xasprintf("the model has seen films of at most %d frames; these %d are drawn "
                               "at once",
                               p->info.frames, p->n_frames));
}

/* The last pictures of a film lie between two drawn ones when the codec decodes one more anyway. */
static int may_draw_one_more(const struct plan *p, int n)
{
    return !p->source.n && !p->before.n && !p->behind.n && !p->loop &&
           codec_latents(&p->codec, n + 1) == codec_latents(&p->codec, n);
}

static int settle_frames(struct plan *p, const struct request *r, struct err *e)
{
    int known = p->skip + (p->loop || p->behind.n ? p->codec.kt : 0); /* of one window, not shown */
    double rate = p->info.frame_rate, film;
    double own = p->source.n ? plan_source_frames(p) : fmax(1, p->info.frames - known);
    double n = (double)request_int(r, OPT_FRAMES, (int)own);

    /* A picture is one, and a film of one drawn frame has nothing between. */
    p->fps = request_real(r, OPT_FPS, plan_films_rate(p, n > 1 ? p->info.shown_rate : rate));
    if (r->value[OPT_SECONDS].set) {
        film = fmax(1, floor(r->value[OPT_SECONDS].r * p->fps + 0.5));
        n = floor((film - 0.5) * rate / p->fps) + 1; /* the last one that it shows */
    } else {
        film = fmax(1, floor(n * p->fps / rate + 0.5));
    }
    p->interpolate = p->fps > rate && n > 1 && !request_int(r, OPT_INTERPOLATE, 0);
    if (p->interpolate && r->value[OPT_SECONDS].set &&
        may_draw_one_more(p, (int)fmin(n, MAX_FRAMES)))
        n++;
    if (n > MAX_FRAMES || film > MAX_FRAMES)
        return err_set(e, ERR_USAGE, "seconds: %.0f frames are more than %d", fmax(n, film),
                       MAX_FRAMES);
    if (p->source.n && n > plan_source_frames(p))
        return err_set(e, ERR_USAGE,
                       "from: the film has %d frames at %g per second, %d are asked for",
                       plan_source_frames(p), rate, (int)n);
    p->n_frames = p->skip + (int)n;
    p->t = codec_latents(&p->codec, p->n_frames) + (p->loop || p->behind.n);
    p->window = codec_latents(&p->codec, p->info.frames);
    int part = r->older[OLDER_PAST] ? LONG_CONTEXT_PART : CONTEXT_PART;
    p->context = (p->window + part / 2) / part;
    if (p->t < p->window || p->info.diffusers)
        p->window = p->t;
    p->n_before = plan_given_frames(p, &p->before);
    p->n_behind = plan_given_frames(p, &p->behind);
    p->n_film = p->n_before + (int)film + p->n_behind;
    plan_shots_lay(p);
    note_frames(p, r);
    return 0;
}

struct latent_shape plan_latent(const struct plan *p)
{
    const int *patch = p->dit.patch;

    return (struct latent_shape){p->c,    p->ahead + p->window, p->lh, p->lw, patch[0], patch[1],
                                 patch[2]};
}

static uint64_t random_seed(void)
{
    uint64_t s;

    if (getrandom(&s, sizeof s, 0) != sizeof s)
        s = (uint64_t)time(NULL);
    return s % 1000000000; /* short enough to be typed */
}

/* Types of numbers in the order of the option's choices; the first is what CPU or device do best.
 */
static const struct number_type {
    enum dtype type;
    const char *form;
    int int8;
} number_types[] = {{DT_F32, NULL, 0},  {DT_BF16, NULL, 0},   {DT_F32, NULL, 0},
                    {DT_BF16, "I8", 1}, {DT_BF16, "Q8_0", 0}, {DT_BF16, "Q4_0", 0}};

/* What is asked for, else what the model says, which is meant for CPUs. */
static int settle_type(struct plan *p, const struct request *r, const char *device, struct err *e)
{
    const char *const *names = options[OPT_TYPE].choices;
    int64_t asked = request_int(r, OPT_TYPE, 0);
    int own = 0, bf16 = !p->device->host || machine_cpu_features() & CPU_AVX512_BF16;

    while (names[own] && strcmp(names[own], p->info.type))
        own++;
    if (*p->info.type && !names[own])
        return err_set(e, ERR_FORMAT, "model_index.json: type \"%s\" is unknown", p->info.type);
    if (number_types[asked].form && !p->device->host)
        return err_set(e, ERR_USAGE, "type: %s is for the CPU; %s computes in bf16 or f32",
                       names[asked], device);
    if (!asked && *p->info.type && p->device->host)
        asked = own;
    if (!asked)
        asked = bf16 ? 1 : 2;
    const struct number_type *t = &number_types[asked];
    p->type = t->type;
    p->computed = names[asked];
    if (t->form)
        p->budget.as = (struct weight_as){stored_named(t->form), t->int8};
    return 0;
}

static int settle_numbers(struct plan *p, const struct request *r, struct err *e)
{
    const char *device = r->value[OPT_DEVICE].set ? request_text(r, OPT_DEVICE) : "cpu";

    p->steps = (int)request_int(r, OPT_STEPS, p->info.steps);
    plan_draft_steps(p);
    p->guidance = (struct guidance){fmax(1, request_real(r, OPT_GUIDANCE, p->info.guidance)),
                                    request_real(r, OPT_GUIDANCE_FROM, 0),
                                    request_real(r, OPT_GUIDANCE_TO, 1), 1}; /* below 1 is none */
    if (!r->value[OPT_GUIDANCE_TO].set && p->info.guidance_given > 0)
        p->guidance.to_given = p->info.guidance_given;
    p->guidance.to_given =
        fmin(p->guidance.to, request_real(r, OPT_GUIDANCE_GIVEN, p->guidance.to_given));
    if (p->guidance.from > p->guidance.to)
        plan_note(p, xstrdup("guidance-from is above guidance-to: there is no guidance"));
    p->guidance2 =
        request_real(r, OPT_GUIDANCE_2,
                     r->value[OPT_GUIDANCE].set || p->info.boundary == 0 ? p->guidance.scale
                                                                         : p->info.guidance2);
    p->threads = p->budget.threads = (int)request_int(r, OPT_THREADS, machine_threads());
    p->motion = request_real(r, OPT_MOTION, 1);
    p->fade = request_real(r, OPT_FADE, p->info.fade);
    p->detail = request_real(r, OPT_PICTURE_DETAIL, p->info.diffusers ? 0 : 1);
    if (p->fade > 0 && p->info.diffusers)
        return err_set(e, ERR_USAGE,
                       "fade: the latents of this model are not ordered by detail; "
                       "0 is allowed");
    p->any_picture = request_flag(r, OPT_FORCE_PICTURE);
    p->seed = r->value[OPT_SEED].set ? (uint64_t)r->value[OPT_SEED].i : random_seed();
    int rc = device_named(&p->device, device, e);
    if (!rc)
        rc = settle_type(p, r, device, e);
    if (!rc && r->value[OPT_VRAM].set && !p->device->limit)
        rc = err_set(e, ERR_USAGE, "vram: %s has no memory of its own; ram limits it", device);
    else if (!rc && r->value[OPT_VRAM].set &&
             p->device->limit(p->device, (size_t)r->value[OPT_VRAM].i))
        rc = err_set(e, ERR_USAGE, "vram: %s works with another limit already", device);
    return rc;
}

static void read_schedule(void *arg, struct jval root)
{
    static const char *const none[] = {NULL};
    struct plan *p = arg;

    scheduler_read(&p->schedule, root, none);
    if (p->schedule.dynamic)
        j_fail(root, "use_dynamic_shifting", "only false is computed here");
}

/* What was fitted to the model. */
static int settle_fit(struct plan *p, struct err *e)
{
    const struct tea_fit *fit = tea_fit_of(p->info.family);
    int retain = p->cut->time == 2;

    if (!fit) {
        struct buf known = BUF_INIT;

        tea_families(&known);
        err_set(e, ERR_USAGE,
                "cache: %s was fitted to %s, and this is %s; easy, mag and taylor are for any",
                p->cut->name, buf_str(&known), *p->info.family ? p->info.family : p->info.name);
        buf_release(&known);
        return e->code;
    }
    p->cut_fit = fit->fit[retain];
    if (p->cut_threshold < 0)
        p->cut_threshold = fit->threshold[retain];
    return 0;
}

static int settle_cache(struct plan *p, const struct request *r, struct err *e)
{
    if (r->value[OPT_CACHE].set)
        ZT_ASSERT(!shortcut_parse(request_text(r, OPT_CACHE), &p->cut, &p->cut_threshold));
    p->cut_check = request_flag(r, OPT_CACHE_CHECK);
    if (p->cut && p->cut->blocks && !p->dit.blocks_apart)
        return err_set(e, ERR_USAGE,
                       "cache: %s is not known for this transformer; easy and taylor "
                       "are for any",
                       p->cut->name);
    if (p->cut && p->cut->time && settle_fit(p, e))
        return e->code;
    if (p->cut_check && !p->cut)
        return err_set(e, ERR_USAGE, "cache-check: there is nothing to compare without --cache");
    return 0;
}

/* As the folder's scheduler_config.json says it, where the model is not ours, unless another one is
 * asked for. */
static int settle_sampler(struct plan *p, const struct request *r, struct err *e)
{
    const char *name = p->info.sampler;
    int rc = 0;

    if (p->info.diffusers) {
        char *path = path_join(p->model->dir, BUNDLE_SCHEDULER);

        rc = jdoc_take_python(path, SCHEDULE_MAX_BYTES, read_schedule, p, e);
        free(path);
        name = rc ? "" : p->schedule.name;
    }
    p->shift = request_real(r, OPT_SHIFT, p->info.shift);
    if (!rc && r->value[OPT_SAMPLER].set && strcmp(name, request_text(r, OPT_SAMPLER))) {
        name = request_text(r, OPT_SAMPLER);
        p->schedule = (struct sampler_config){.train_steps = p->schedule.train_steps};
    }
    for (const char *const *s = sampler_names(); *s; s++)
        if (!strcmp(*s, name))
            p->sampler = *s;
    if (!rc && !p->sampler)
        rc = err_set(e, ERR_FORMAT, "model_index.json: sampler \"%s\" is unknown", name);
    return rc;
}

static void note_lora(void *plan, const char *text)
{
    plan_note(plan, xstrdup(text));
}

/* Files are looked through before anything is drawn. A recipe knows that there were some, not where
 * they lie. */
static int settle_lora(struct plan *p, const struct request *r, struct err *e)
{
    const char *list = request_text(r, OPT_LORA);
    int rc = 0;

    if (*list)
        rc = lora_list_check(p->model, list, p->lora_hash, &p->lora_values, note_lora, p, e);
    else if (*r->lora_hash)
        rc = err_set(e, ERR_USAGE,
                     "lora: this recipe was drawn with files that are not part of it; give them "
                     "again");
    if (!rc && *list && *r->lora_hash && strcmp(r->lora_hash, p->lora_hash))
        plan_note(p, xstrdup("the LoRA files or their strengths are not those of the recipe"));
    return rc;
}

/* With what it is drawn, step by step. */
static int settle_steps(struct plan *p, const struct request *r, struct err *e)
{
    int rc = settle_sampler(p, r, e);

    rc = rc ? rc : settle_numbers(p, r, e);
    if (!rc && p->source.n && strcmp(p->sampler, "euler") && p->strength < 1)
        rc = err_set(e, ERR_USAGE,
                     "from: sampler %s begins with noise alone; euler can begin later", p->sampler);
    if (!rc)
        rc = settle_cache(p, r, e);
    return rc ? rc : stagger_settle(p, r, e);
}

int plan_make(struct plan *p, const char *model_dir, const struct request *r,
              const atomic_int *stop, struct err *e)
{
    struct pictures pictures = {0};
    int rc;

    memset(p, 0, sizeof(*p));
    rc = read_configs(p, model_dir, e);
    if (!rc)
        rc = settle_lora(p, r, e);
    if (!rc)
        rc = camera_parse(&p->camera, request_text(r, OPT_CAMERA), e);
    if (!rc && r->value[OPT_BRUSH].set)
        rc = brush_read(&p->brush, request_text(r, OPT_BRUSH), e);
    if (!rc)
        rc = plan_shots_settle(p, r, e);
    if (!rc)
        rc = plan_films_load(p, r, e);
    if (!rc)
        plan_look_known(p, r);
    if (!rc && !plan_words_any(p, r) && !r->value[OPT_FIRST_FRAME].set && !r->picture[0] &&
        !p->n_shots)
        rc = err_set(e, ERR_USAGE, "prompt: nothing to draw; say what in a few words");
    if (!rc)
        rc = plan_pictures_load(&pictures, p, r, e);
    if (!rc)
        rc = plan_size_settle(p, r, &pictures, e);
    if (!rc)
        rc = plan_region_check(p, e);
    if (!rc) {
        plan_draft_size(p, r);
        plan_size_enlarge(p, r);
        rc = settle_frames(p, r, e);
    }
    if (!rc)
        rc = settle_steps(p, r, e);
    if (!rc) {
        plan_words_settle(p, r);
        rc = plan_words_tokens(p, e);
    }
    p->text_kept_from = r->text_kept_from ? r->text_kept_from : TEXT_KEPT_FROM;
    if (!rc)
        text_kept_find(p);
    if (!rc)
        rc = plan_pictures_settle(p, &pictures, r, e);
    if (!rc)
        rc = plan_keys_settle(p, r, e);
    if (!rc)
        rc = plan_control_settle(p, &pictures, r, e);
    if (!rc)
        drag_note(p);
    plan_pictures_release(&pictures);
    p->n_looks = rc ? 0 : plan_look_texts(p, r);
    uint64_t memory = machine_rss_bytes() + machine_memory_bytes();
    uint64_t most = (uint64_t)request_int(r, OPT_RAM, INT64_MAX);
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
    free(p->expanded);
    free(p->seen);
    free(p->note);
    for (int k = 0; k < DENOISER_TEXTS; k++)
        words_release(&p->words[k]);
    free(p->first.rgb);
    free(p->first.seen);
    free(p->begins);
    free(p->last.rgb);
    free(p->last.seen);
    free(p->control.rgb);
    free(p->control.drawn);
    free(p->control.known);
    free(p->control.reference);
    brush_release(&p->brush);
    plan_shots_release(p);
    plan_keys_release(p);
    bundle_free(&p->model);
    memset(p, 0, sizeof(*p));
}
