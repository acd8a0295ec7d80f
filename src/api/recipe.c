/* recipe.c - what a film was made with, so that it can be made again: no paths, hosts or dates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/job.h"
#include "base/jsonw.h"

static void write_size(struct jsonw *w, const char *key, const struct plan *p)
{
    char size[32];

    snprintf(size, sizeof size, "%dx%d", p->whole.w, p->whole.h);
    jsonw_string(w, key, size);
}

/* 0: the option is no number with a fraction. */
static int write_real(struct jsonw *w, enum option_id id, const char *key, const struct plan *p)
{
    const struct {
        enum option_id id;
        double value;
    } reals[] = {{OPT_FPS, p->fps},
                 {OPT_GUIDANCE, p->guidance.scale},
                 {OPT_GUIDANCE_2, p->guidance2},
                 {OPT_GUIDANCE_FROM, p->guidance.from},
                 {OPT_GUIDANCE_TO, p->guidance.to},
                 {OPT_GUIDANCE_GIVEN, p->guidance.to_given},
                 {OPT_SHIFT, p->shift},
                 {OPT_STAGGER, p->stagger},
                 {OPT_SHARPEN, p->sharpen},
                 {OPT_FADE, p->fade},
                 {OPT_PICTURE_DETAIL, p->detail},
                 {OPT_MOTION, p->motion},
                 {OPT_STRENGTH, p->strength},
                 {OPT_CONTROL_SCALE, p->control.scale}};

    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        if (reals[i].id == id) {
            jsonw_real(w, key, reals[i].value);
            return 1;
        }
    }
    return 0;
}

/* Options that stand in it as they were given, and only then. */
static int write_given(struct jsonw *w, enum option_id id, const char *key, const struct request *r)
{
    switch (id) {
    case OPT_ASPECT:
    case OPT_CACHE:
    case OPT_LABEL:
    case OPT_CAMERA:
    case OPT_SHOTS:
    case OPT_OUTPAINT:
    case OPT_NEGATIVE: /* empty is another film than that of the model's own words */
        if (r->value[id].set)
            jsonw_string(w, key, request_text(r, id));
        return 1;
    case OPT_DRAFT:
    case OPT_FORCE_PICTURE:
    case OPT_LOOP:
        if (r->value[id].set)
            jsonw_bool(w, key, request_flag(r, id));
        return 1;
    case OPT_SECONDS:
        if (r->value[id].set)
            jsonw_real(w, key, r->value[id].r);
        return 1;
    default:
        return 0;
    }
}

static void write_brush(struct jsonw *w, const char *key, const struct plan *p)
{
    struct buf b = BUF_INIT;

    brush_say(&p->brush, &b);
    jsonw_string(w, key, buf_str(&b));
    buf_release(&b);
}

/* What the film was drawn with, whoever chose it. */
static void write_option(struct jsonw *w, enum option_id id, const char *key, const struct plan *p,
                         const struct request *r)
{
    if (write_real(w, id, key, p) || write_given(w, id, key, r))
        return;
    switch (id) {
    case OPT_PROMPT:
        jsonw_string(w, key, p->expanded ? p->expanded : plan_typed(p, r));
        break;
    case OPT_BRUSH:
        if (r->value[id].set)
            write_brush(w, key, p);
        break;
    case OPT_SIZE:
        write_size(w, key, p);
        break;
    case OPT_ENLARGE:
        jsonw_string(w, key, p->n_enlarge || !p->model->n_upsamplers ? "model" : "plain");
        break;
    case OPT_INTERPOLATE:
        jsonw_string(w, key, request_int(r, id, 0) ? "repeat" : "motion");
        break;
    case OPT_FRAMES:
        if (!r->value[OPT_SECONDS].set && !r->value[OPT_SHOTS].set)
            jsonw_int(w, key, p->n_frames - p->skip);
        break;
    case OPT_STEPS:
        jsonw_int(w, key, p->whole.steps);
        break;
    case OPT_SAMPLER:
        jsonw_string(w, key, p->sampler);
        break;
    case OPT_SEED:
        jsonw_int(w, key, (int64_t)p->seed);
        break;
    case OPT_TYPE:
        jsonw_string(w, key, p->computed);
        break;
    case OPT_CRF:
        jsonw_int(w, key, request_int(r, id, 18));
        break;
    case OPT_LOSSLESS:
        jsonw_bool(w, key, request_flag(r, id));
        break;
    default:
        BUG("recipe: nobody says what %s was", key);
    }
}

/* Every option that is a part of recipes, in the order of the table. */
static void write_settings(struct jsonw *w, const struct plan *p, const struct request *r)
{
    for (int i = 0; i < N_OPTIONS; i++) {
        char key[64];

        snprintf(key, sizeof key, "%s", options[i].name);
        for (char *c = key; *c; c++)
            *c = *c == '-' ? '_' : *c;
        if (options[i].recipe)
            write_option(w, i, key, p, r);
    }
}

/* The label of made content that GB 45438-2025 asks for (annex E: Label 1 is "made by a machine").
 * It is part of the recipe, and a tag of its own where a kind of film has tags. */
static void write_label(struct jsonw *w, const struct plan *p, const char *hash)
{
    char id[96];

    snprintf(id, sizeof id, "%.16s-%llu", hash, (unsigned long long)p->seed);
    jsonw_object(w, "AIGC");
    jsonw_string(w, "Label", "1");
    jsonw_string(w, "ContentProducer", "zoetrope");
    jsonw_string(w, "ProduceID", id);
    jsonw_string(w, "ReservedCode1", "");
    jsonw_string(w, "ContentPropagator", "");
    jsonw_string(w, "PropagateID", "");
    jsonw_string(w, "ReservedCode2", "");
    jsonw_end_object(w);
}

/* Where its windows meet: no part of what decides it, but who measures it wants to know. */
static void write_joins(struct jsonw *w, const struct plan *p)
{
    struct buf list = BUF_INIT;

    int n, *join = plan_joins(p, &n);

    for (int i = 0; i < n; i++)
        buf_printf(&list, "%s%d", i ? "," : "", join[i]);
    if (list.len)
        jsonw_string(w, "joins", buf_str(&list));
    free(join);
    buf_release(&list);
}

/* That this film is not drawn as older ones were. */
static void write_newer(struct jsonw *w, const struct plan *p, const struct request *r)
{
    int own_height = p->info.own_height && !r->older[OLDER_HEIGHT];

    for (int i = 0; i < N_OLDER; i++)
        if (!r->older[i] && (own_height || i >= OLDER_PAST))
            jsonw_bool(w, request_older_key[i], 1);
}

int recipe_write(const struct zt_job *job, const char *latent_hash, struct buf *out, struct err *e)
{
    const char *hash;
    int rc = model_hash(job->model, &hash, e);
    const struct plan *p = &job->plan;
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "zoetrope", RECIPE_VERSION);
    write_settings(&w, p, &job->request);
    jsonw_string(&w, "noise", "torch-cpu/1");
    if (p->first.rgb)
        jsonw_string(&w, "first_frame_hash", p->first.hash);
    if (p->last.rgb)
        jsonw_string(&w, "last_frame_hash", p->last.hash);
    if (p->seen && *p->seen)
        jsonw_string(&w, REQUEST_SEEN, p->seen);
    write_newer(&w, p, &job->request);
    if (*p->control.hash)
        jsonw_string(&w, "control_hash", p->control.hash);
    if (p->cut && latent_hash && *latent_hash)
        jsonw_int(&w, "skipped_evaluations", job->figures.skipped);
    if (*p->lora_hash)
        jsonw_string(&w, "lora_hash", p->lora_hash);
    jsonw_string(&w, "model", job->model->info.name);
    jsonw_string(&w, "model_release", job->model->info.release);
    jsonw_string(&w, "model_hash", hash);
    if (*p->keys_hash)
        jsonw_string(&w, "keys_hash", p->keys_hash);
    if (job_typed(job))
        jsonw_string(&w, "typed_prompt", job_typed(job));
    if (job->request.value[OPT_AUDIO].set && strcmp(request_text(&job->request, OPT_AUDIO), "none"))
        jsonw_string(&w, "sound", "yes");
    write_joins(&w, p);
    if (latent_hash && *latent_hash)
        jsonw_string(&w, "latent_hash", latent_hash);
    jsonw_string(&w, "version", zt_version());
    write_label(&w, p, hash);
    jsonw_end_object(&w);
    return rc;
}
