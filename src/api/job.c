#include "api/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"

void api_real(char *out, size_t size, double x)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_real(&w, NULL, x);
    snprintf(out, size, "%s", buf_str(&b));
    buf_release(&b);
}

int zt_option_info(int i, struct zt_option *out, size_t size)
{
    static const char *const kinds[] = {"text", "int", "bytes", "real", "flag", "path", "choice"};

    if (i < 0 || i >= N_OPTIONS)
        return ZT_E_USAGE;
    const struct option *o = &options[i];
    int machine = i >= OPT_DEVICE && i <= OPT_THREADS, film = !machine && (o->recipe || !o->file);
    struct zt_option row = {o->name, kinds[o->kind], o->range,  o->fallback,
                            o->help, o->letter,      (char)film};
    memset(out, 0, size); /* a caller of a newer header finds NULL in fields we do not know */
    memcpy(out, &row, size < sizeof row ? size : sizeof row);
    return 0;
}

int zt_job_new(zt_job **out, zt_model *model)
{
    zt_job *job = xcalloc(1, sizeof *job);

    job->model = model;
    request_init(&job->request);
    arena_init(&job->text);
    atomic_init(&job->stop, 0);
    atomic_init(&job->turn, 0);
    *out = job;
    return 0;
}

/* The job's model: the one it was given, or the one that its options name. */
static int open_model(zt_job *job, struct err *e)
{
    const struct request *r = &job->request;
    const char *name = request_text(r, OPT_MODEL);

    if (job->model)
        return 0;
    e->code = zt_model_open(&job->own, *name ? name : NULL, e->msg, sizeof e->msg);
    if (e->code) {
        if (*r->model_hash)
            err_prefix(e, "the film was made with model %s, release %s", name, r->model_release);
        return e->code;
    }
    job->model = job->own;
    return 0;
}

int zt_job_copy(zt_job **out, zt_job *from, char *error, size_t size)
{
    struct err e = {0};

    *out = NULL;
    if (open_model(from, &e))
        return api_fail(&e, error, size);
    zt_job_new(out, from->model);
    request_copy(&(*out)->request, &from->request);
    return 0;
}

void zt_job_free(zt_job **job)
{
    zt_job *j = job ? *job : NULL;

    if (!j)
        return;
    zt_model_free(&j->own);
    plan_release(&j->plan);
    job_joins_release(j);
    label_release(&j->label);
    free(j->labelled);
    request_release(&j->request);
    arena_release(&j->text);
    free(j->typed);
    free(j->expand_note);
    free(j->said);
    free(j->output);
    free(j->kept);
    free(j->kept_film);
    free(j->kept_by);
    free(j);
    *job = NULL;
}

/* A changed request has no plan any more, unless only the file is another one. */
static void changed(zt_job *j, const char *option)
{
    const struct option *o = option_named(option);

    j->done = 0;
    j->figures.note[0] = 0;
    if (o && o->file)
        return;
    plan_release(&j->plan);
    j->planned = 0;
    if (o == &options[OPT_MODEL] && j->own) {
        zt_model_free(&j->own);
        j->model = NULL;
    }
}

/* Another value than the recipe's makes another film: its latent is not to be expected. Files that
 * a recipe does not hold must be given again. */
static int is_another(const struct request *r, const char *name, const char *value)
{
    const struct option *o = option_named(name);

    return o && o->recipe && o->kind != OPTION_PATH && strcmp(request_text(r, o - options), value);
}

int zt_job_set(zt_job *job, const char *name, const char *value, char *error, size_t size)
{
    struct err e = {0};

    if (!name || !value) {
        err_set(&e, ERR_USAGE, "%s: no %s is given", name ? name : "option",
                name ? "value" : "name");
        return api_fail(&e, error, size);
    }
    changed(job, name);
    if (is_another(&job->request, name, value))
        job->request.latent_hash[0] = '\0';
    return request_set(&job->request, name, value, &e) ? api_fail(&e, error, size) : 0;
}

int zt_job_set_json(zt_job *job, const char *json, char *error, size_t size)
{
    struct err e = {0};

    changed(job, "model");
    return request_set_json(&job->request, json, strlen(json), "settings", &e)
               ? api_fail(&e, error, size)
               : 0;
}

int zt_job_set_film(zt_job *job, const char *path, char *error, size_t size)
{
    struct film f;
    struct err e = {0};
    int rc = film_probe(&f, path, &e);

    if (rc)
        return api_fail(&e, error, size);
    changed(job, "model");
    if (f.comment)
        rc = request_set_recipe(&job->request, f.comment, strlen(f.comment), path, &e);
    else
        rc = err_set(&e, ERR_FORMAT, "%s: no recipe is stored in it", path);
    if (!rc && *job->request.sound) /* its own */
        rc = request_set(&job->request, "audio", path, &e);
    film_release(&f);
    return rc ? api_fail(&e, error, size) : 0;
}

int zt_job_set_kept(zt_job *job, const char *dir, const char **folder, char *error, size_t size)
{
    struct err e = {0};
    const char *ignored;

    changed(job, "model");
    arena_reset(&job->text);
    return job_kept_read(job, dir, folder ? folder : &ignored, &e) ? api_fail(&e, error, size) : 0;
}

void zt_job_on_frame(zt_job *job, zt_frame_fn fn, void *user)
{
    job->on_frame = fn;
    job->frame_user = user;
}

void zt_job_frames_apart(zt_job *job, int yes)
{
    job->frames_apart = yes != 0;
}

void zt_job_on_progress(zt_job *job, zt_progress_fn fn, void *user)
{
    job->on_progress = fn;
    job->progress_user = user;
}

void zt_job_on_preview(zt_job *job, zt_preview_fn fn, void *user)
{
    job->on_preview = fn;
    job->preview_user = user;
}

void zt_cancel(zt_job *job)
{
    atomic_store(&job->stop, 1);
}

/* ---- running ---- */

static struct film_options film_options(const zt_job *job, const char *comment)
{
    const struct request *r = &job->request;
    struct film_options o = {.w = job->plan.film_w,
                             .h = job->plan.film_h,
                             .crf = (int)request_int(r, OPT_CRF, 18),
                             .lossless = request_flag(r, OPT_LOSSLESS),
                             .apart = job->plan.threads > 1,
                             .overwrite = request_flag(r, OPT_OVERWRITE),
                             .own_part = job_kept_there(job),
                             .n_frames = job->plan.n_film,
                             .comment = comment,
                             .audio = request_text(r, OPT_AUDIO)};

    if (!*o.audio || !strcmp(o.audio, "none"))
        o.audio = NULL;

    film_fps_ratio(job->plan.fps, &o.fps_num, &o.fps_den);
    return o;
}

/* Can the film be written, and is there memory for it beside what draws it? */
static int plan_film(zt_job *job, struct err *e)
{
    const struct plan *p = &job->plan;
    const char *path = request_text(&job->request, OPT_OUTPUT);
    struct film_options o = film_options(job, NULL);
    char need[32], has[32];
    int rc = film_check(path, &o, e);

    if (rc)
        return rc;
    job->film_bytes += film_memory(path, &o, p->n_film);
    uint64_t all = p->memory_bytes + job->film_bytes, most = p->most_bytes;
    if (all <= most)
        return 0;
    if (most > job->film_bytes) { /* fewer weights stay beside the film */
        rc = plan_forecast(&job->plan, most - job->film_bytes, &job->stop, e);
        if (rc != ERR_FIT)
            return rc;
    }
    format_bytes(need, sizeof need, (double)all);
    format_bytes(has, sizeof has, (double)most);
    return err_set(e, ERR_FIT, "%s: a film of %dx%d needs %s of memory, there are %s", path, o.w,
                   o.h, need, has);
}

/* The label that is asked for, in the size of the film. */
static int make_label(zt_job *job, struct err *e)
{
    const struct plan *p = &job->plan;
    int rc;

    label_release(&job->label);
    free(job->labelled);
    job->labelled = NULL;
    rc = label_init(&job->label, request_text(&job->request, OPT_LABEL), p->film_w, p->film_h, e);
    if (!rc && job->label.ink)
        job->labelled = xmalloc(plan_frame_bytes(p));
    return rc;
}

static int plan(zt_job *job, struct err *e)
{
    int rc = 0;

    if (!job->planned) {
        const struct value *v = job->request.value;

        if (v[OPT_OUTPUT].set && film_is_picture(v[OPT_OUTPUT].text) && !v[OPT_FRAMES].set &&
            !v[OPT_SECONDS].set && !v[OPT_SHOTS].set)
            rc = request_set(&job->request, "frames", "1", e);
        if (!rc)
            rc = open_model(job, e);
        if (!rc)
            rc = job_expand(job, e);
        if (!rc)
            rc = plan_make(&job->plan, job->model->dir, &job->request, &job->stop, e);
        job->planned = !rc;
    }
    if (!rc)
        rc = make_label(job, e);
    job->film_bytes = rc ? 0 : job_joins_bytes(job);
    return rc || !job->request.value[OPT_OUTPUT].set ? rc : plan_film(job, e);
}

int zt_job_plan(zt_job *job, char *error, size_t size)
{
    struct err e = {0};

    return plan(job, &e) ? api_fail(&e, error, size) : 0;
}

/* Before anything is drawn: what is wrong with the file is known then, and it is held. */
static int open_film(zt_job *job, struct err *e)
{
    struct film_options o = film_options(job, NULL);

    free(job->output);
    job->output = NULL;
    if (!job->request.value[OPT_OUTPUT].set)
        return 0;
    job->output = xstrdup(request_text(&job->request, OPT_OUTPUT));
    return film_open(&job->film, job->output, &o, e);
}

/* With the first frame, so that what is left of a stopped film has it, and with the last: then it
 * names the latent that the film shows. */
static int give_recipe(zt_job *job, const char *latent_hash, struct err *e)
{
    struct buf recipe = BUF_INIT;
    int rc = 0;

    if (!request_flag(&job->request, OPT_NO_METADATA)) {
        rc = recipe_write(job, latent_hash, &recipe, e);
        if (!rc)
            rc = film_comment(job->film, buf_str(&recipe), e);
    }
    buf_release(&recipe);
    return rc;
}

const uint8_t *job_labelled(zt_job *job, const uint8_t *rgb)
{
    if (!job->labelled)
        return rgb;
    memcpy(job->labelled, rgb, plan_frame_bytes(&job->plan));
    label_draw(&job->label, job->labelled, job->plan.film_w);
    return job->labelled;
}

static int take_frame(void *user, int index, const uint8_t *rgb, struct err *e)
{
    zt_job *job = user;
    const struct plan *p = &job->plan;
    int rc = 0;

    joins_add(job->joins, rgb);
    rgb = job_labelled(job, rgb);
    if (job->film && index == 0)
        rc = give_recipe(job, NULL, e);
    if (!rc && job->film)
        rc = film_write(job->film, rgb, e);
    if (!rc && job->on_frame)
        rc = job->on_frame(job->frame_user, index, p->n_film, rgb, p->film_w, p->film_h) != 0;
    return rc;
}

static int tell_progress(void *user, const char *stage, long done, long total, double left_s)
{
    zt_job *job = user;

    return job->on_progress ? job->on_progress(job->progress_user, stage, done, total, left_s) : 0;
}

static int show_preview(void *user, int window, int step, int n_steps, const uint8_t *rgb, int w,
                        int h)
{
    zt_job *job = user;

    return job->on_preview(job->preview_user, window, step, n_steps, rgb, w, h);
}

static int open_networks(zt_job *job, const struct sink *s, const struct bundle **b, struct err *e)
{
    if (sink_progress(s, "loading the model", 0, 1, -1, e))
        return e->code;
    return model_networks(job->model, job->plan.device, job->plan.type,
                          request_text(&job->request, OPT_LORA), &job->plan.budget, b, e);
}

/* Before what is kept is looked at: what is seen is a part of the recipe. */
static int look(zt_job *job, const struct sink *s, struct err *e)
{
    const struct bundle *b;
    int rc;

    if (!plan_wants_look(&job->plan, &job->request))
        return 0;
    rc = open_networks(job, s, &b, e);
    if (!rc)
        rc = plan_look(&job->plan, b, &job->request, s, e);
    if (!rc) /* known from here on, minutes before the film is */
        figures_seen(&job->plan, &job->figures);
    return rc;
}

static int run(zt_job *job, struct err *e)
{
    struct sink sink = {job,
                        take_frame,
                        tell_progress,
                        &job->stop,
                        job->on_preview ? show_preview : NULL,
                        NULL,
                        !job->on_frame || job->frames_apart};
    const struct bundle *b = NULL;
    int rc = plan(job, e);

    job->figures = (struct figures){0}; /* of the run before */
    if (!rc)
        rc = open_film(job, e);
    if (!rc)
        rc = look(job, &sink, e);
    if (!rc)
        rc = job_kept_open(job, e);
    sink.journal = job->journal;
    if (!rc)
        model_hash_begin(job->model);
    if (!rc)
        rc = open_networks(job, &sink, &b, e);
    if (!rc) {
        job_joins_begin(job);
        rc = pipeline_run(b, &job->plan, &sink, &job->figures, e);
    }
    if (!rc)
        rc = bundle_same(b, e);
    if (!rc && job->film)
        rc = give_recipe(job, job->figures.latent_hash, e);
    if (job->film && rc)
        film_abort(&job->film);
    else if (job->film)
        rc = film_finish(&job->film, e);
    job->done = !rc;
    if (job->done)
        job_joins_end(job);
    job_kept_close(job, job->done || rc == ERR_USAGE); /* what is refused is not gone on with */
    atomic_store(&job->stop, 0);                       /* the next run begins anew */
    return rc;
}

int zt_job_run(zt_job *job, char *error, size_t size)
{
    struct err e = {0};

    return run(job, &e) ? api_fail(&e, error, size) : 0;
}

/* ---- figures ---- */

static const char *say_int(zt_job *job, int64_t v)
{
    return arena_printf(&job->text, "%lld", (long long)v);
}

static const char *say_real(zt_job *job, double v)
{
    char text[40];

    api_real(text, sizeof text, v);
    return arena_strdup(&job->text, text);
}

/* What differs from the film that the recipe came from; NULL: nothing known to differ. */
static const char *say_again(zt_job *job)
{
    const struct request *r = &job->request;
    struct zt_model *m = job->model;
    const char *hash;

    if (*r->model_hash && !model_hash(m, &hash, NULL) && strcmp(r->model_hash, hash))
        return arena_printf(&job->text,
                            "the film was made with model %s, release %s (hash %.12s); this is "
                            "%s, release %s (hash %.12s), so the frames will differ",
                            request_text(r, OPT_MODEL), *r->model_release ? r->model_release : "?",
                            r->model_hash, m->info.name, *m->info.release ? m->info.release : "?",
                            hash);
    if (job->done && *r->latent_hash && strcmp(r->latent_hash, job->figures.latent_hash))
        return "the latent differs from that of the film: it was made by another version or on a "
               "CPU with other instructions";
    return NULL;
}

static const char *after_run(zt_job *job, const char *key)
{
    if (!strcmp(key, "seconds"))
        return say_real(job, job->figures.seconds);
    if (!strcmp(key, "frame_hash"))
        return job->figures.frame_hash;
    if (!strcmp(key, "latent_hash"))
        return job->figures.latent_hash;
    if (!strcmp(key, "joins"))
        return job_joins_json(job);
    if (!strcmp(key, "joins_text"))
        return job_joins_text(job);
    if (!strcmp(key, "still"))
        return job_joins_still(job);
    if (!strcmp(key, "evaluations"))
        return say_int(job, job->figures.evaluations);
    if (!strcmp(key, "skipped_evaluations"))
        return say_int(job, job->figures.skipped);
    if (!strcmp(key, "cache_error") && job->figures.cache_error >= 0)
        return say_real(job, job->figures.cache_error);
    return NULL;
}

static const char *say_brush(zt_job *job)
{
    struct buf b = BUF_INIT;
    const char *text = NULL;

    if (job->plan.brush.w) {
        brush_say(&job->plan.brush, &b);
        text = arena_strdup(&job->text, buf_str(&b));
    }
    buf_release(&b);
    return text;
}

const char *zt_job_get(zt_job *job, const char *key)
{
    const struct plan *p = &job->plan;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"seed", (int64_t)p->seed},
                   {"width", p->film_w},
                   {"height", p->film_h},
                   {"frames", p->n_film},
                   {"drawn_width", p->w},
                   {"drawn_height", p->h},
                   {"drawn_frames", p->n_frames},
                   {"steps", p->steps},
                   {"threads", p->threads},
                   {"memory_bytes", (int64_t)(p->memory_bytes + job->film_bytes)}};

    arena_reset(&job->text);
    if (!strcmp(key, "output"))
        return job->request.value[OPT_OUTPUT].set ? request_text(&job->request, OPT_OUTPUT) : NULL;
    if (!strcmp(key, "kept"))
        return job->kept;
    if (!job->planned)
        return NULL;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(key, numbers[i].key))
            return say_int(job, numbers[i].value);
    if (!strcmp(key, "fps"))
        return say_real(job, p->fps);
    if (!strcmp(key, "forecast_s"))
        return say_real(job, p->forecast_s);
    if (!strcmp(key, "expanded_prompt"))
        return job_expanded(job);
    if (!strcmp(key, "expand_note"))
        return job_expand_note(job);
    if (!strcmp(key, "previews"))
        return p->codec.previews ? "yes" : "no";
    if (!strcmp(key, "unknown_words"))
        return p->unknown;
    if (!strcmp(key, "canonical_prompt"))
        return p->prompt;
    if (!strcmp(key, "note"))
        return p->note;
    if (!strcmp(key, "run_note")) /* also in a film without end */
        return *job->figures.note ? job->figures.note : NULL;
    if (!strcmp(key, "brush"))
        return say_brush(job);
    if (!strncmp(key, "model_", 6))
        return zt_model_get(job->model, key + 6);
    if (!strcmp(key, "again"))
        return say_again(job);
    return job->done ? after_run(job, key) : NULL;
}

const char *zt_job_recipe(zt_job *job)
{
    struct buf b = BUF_INIT;

    arena_reset(&job->text);
    if (!job->planned)
        return NULL;
    int rc = recipe_write(job, job->done ? job->figures.latent_hash : NULL, &b, NULL);
    const char *text = rc ? NULL : arena_strdup(&job->text, buf_str(&b));
    buf_release(&b);
    return text;
}
