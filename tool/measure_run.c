#include "measure_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/jsonw.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "cmd.h"
#include "measure_files.h"
#include "world/physics.h"
#include "zoetrope.h"

struct run {
    const struct measure_args *args;
    struct wishes wishes;
    struct score score;
    zt_model *model; /* NULL: not needed */
    struct threads *threads;
    int w, h, frames, side; /* side: of the squares of the codec, px */
    double fps;
    struct progress progress;
    long done, right, seen;
};

int measure_size(const zt_model *m, const char *key, int fallback)
{
    int64_t v;
    const char *text = m ? zt_model_get(m, key) : NULL;

    return text && !parse_int(text, &v) && v > 0 && v < 100000 ? (int)v : fallback;
}

void measure_settings(struct jsonw *j, const struct measure_args *a)
{
    jsonw_string(j, "steps", a->steps);
    jsonw_string(j, "guidance", a->guidance);
    if (a->guidance_from)
        jsonw_string(j, "guidance-from", a->guidance_from);
    if (a->guidance_to)
        jsonw_string(j, "guidance-to", a->guidance_to);
    if (a->sampler)
        jsonw_string(j, "sampler", a->sampler);
    if (a->shift)
        jsonw_string(j, "shift", a->shift);
    if (a->stagger)
        jsonw_string(j, "stagger", a->stagger);
    jsonw_string(j, "type", a->type);
}

/* Everything that decides the figures, so that a log is never continued by another run. */
static char *settings_of(const struct run *r, struct err *e)
{
    const struct measure_args *a = r->args;
    struct buf out = BUF_INIT, text = BUF_INIT;
    struct sha256 h;
    struct jsonw j;
    char hex[65];

    if (file_read(&text, a->prompts, 4 << 20, e))
        return NULL;
    sha256_init(&h);
    sha256_add(&h, text.data, text.len);
    sha256_hex(&h, hex);
    buf_release(&text);
    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "zoetrope_measure", SIGHT_VERSION);
    jsonw_string(&j, "model", r->model ? zt_model_get(r->model, "hash") : NULL);
    jsonw_string(&j, "prompts", hex);
    jsonw_int(&j, "frames", r->frames);
    measure_settings(&j, a);
    jsonw_end_object(&j);
    return buf_take(&out);
}

static int note_row(struct run *r, enum score_column c, int i, const struct score_row *row,
                    struct err *e)
{
    char note[96];

    r->seen++;
    r->right += wish_met(&r->wishes.item[i], &row->sight);
    r->done++;
    snprintf(note, sizeof note, "%s %ld/%ld right", score_column_name(c), r->right, r->seen);
    progress_step(&r->progress, r->done, note);
    return score_add(&r->score, c, i, row, e);
}

static int stopped(struct err *e)
{
    return cmd_stop ? err_set(e, ERR_CANCEL, "interrupted") : 0;
}

static void look(const struct run *r, const uint8_t *rgb, int w, int h, int n,
                 struct score_row *row)
{
    sight_film(rgb, w, h, n, &row->sight);
    seam_add(&row->seam, rgb, w, h, n, r->side);
}

/* ---- renders, and the same through the codec ---- */

static void render(const struct run *r, int i, struct clip *c)
{
    struct facts facts;
    struct scene scene;

    wish_facts(&r->wishes.item[i], (uint64_t)i, &facts);
    scene_from_facts(&scene, &facts, 0x6d656173ull << 32 | (uint64_t)i, (double)r->w / r->h);
    scene_render(&scene, r->w, r->h, r->frames, r->fps, c);
}

static int true_column(struct run *r, enum score_column column, struct round_trip *codec,
                       struct err *e)
{
    int rc = 0;

    r->right = r->seen = 0;
    for (int i = 0; !rc && i < r->score.n; i++) {
        struct score_row row = {0};
        struct clip c;

        if (r->score.row[column][i].done)
            continue;
        if ((rc = stopped(e)))
            break;
        render(r, i, &c);
        if (codec) {
            size_t n_px = (size_t)c.w * (size_t)c.h * (size_t)c.n_frames;
            uint8_t *out = xmalloc(n_px * 3);

            rc = round_trip_film(codec, c.rgb, c.w, c.h, c.n_frames, out, e);
            if (!rc) {
                codec_error_add(&row.error, c.rgb, out, c.ids, n_px);
                look(r, out, c.w, c.h, c.n_frames, &row);
            }
            free(out);
        } else {
            look(r, c.rgb, c.w, c.h, c.n_frames, &row);
        }
        clip_release(&c);
        if (!rc)
            rc = note_row(r, column, i, &row, e);
    }
    return rc;
}

static int codec_column(struct run *r, struct err *e)
{
    struct round_trip codec;
    const char *dir = r->model ? zt_model_get(r->model, "path") : r->args->model;
    int rc = round_trip_open(&codec, dir, r->threads, e);

    if (rc)
        return rc;
    rc = true_column(r, SCORE_CODEC, &codec, e);
    round_trip_close(&codec);
    return rc;
}

/* ---- the model ---- */

static int catch_frame(void *user, int index, int n_frames, const uint8_t *rgb, int w, int h)
{
    struct caught *c = user;
    size_t bytes = (size_t)w * (size_t)h * 3;

    if (!c->rgb)
        *c = (struct caught){xmalloc(bytes * (size_t)n_frames), w, h, n_frames};
    memcpy(c->rgb + bytes * (size_t)index, rgb, bytes);
    return cmd_stop;
}

static int catch_progress(void *user, const char *stage, long done, long total, double left_s)
{
    (void)user;
    (void)stage;
    (void)done;
    (void)total;
    (void)left_s;
    return cmd_stop;
}

static int set(zt_job *job, const char *name, const char *value, struct err *e)
{
    return value && !e->code ? (e->code = zt_job_set(job, name, value, e->msg, sizeof e->msg)) : 0;
}

int measure_threads(struct threads **t, const struct measure_args *a, struct err *e)
{
    int64_t n = machine_threads();

    if (a->threads && (parse_int(a->threads, &n) || n < 1 || n > 1024))
        return err_set(e, ERR_USAGE, "--threads is \"%s\", allowed are 1 to 1024", a->threads);
    *t = threads_new((int)n);
    return 0;
}

int measure_each(const char *label, int n, int (*is_done)(const void *user, int i),
                 int (*run)(void *user, int i, struct err *e), void *user, struct err *e)
{
    struct progress bar;
    int rc = 0, left = 0, done = 0;

    for (int i = 0; i < n; i++)
        left += !is_done(user, i);
    progress_start(&bar, stderr, label, left);
    for (int i = 0; i < n && !rc; i++) {
        if (is_done(user, i))
            continue;
        rc = cmd_stop ? err_set(e, ERR_CANCEL, "interrupted") : run(user, i, e);
        progress_step(&bar, ++done, NULL);
    }
    progress_end(&bar, NULL);
    return rc;
}

int measure_generate(const struct measure_args *a, zt_model *model, const char *text, int seed,
                     struct caught *c, struct err *e)
{
    char number[24];
    zt_job *job;

    *e = (struct err){0};
    if ((e->code = zt_job_new(&job, model)))
        return err_set(e, e->code, "no job can be made");
    snprintf(number, sizeof number, "%d", seed);
    set(job, "prompt", text, e);
    set(job, "seed", number, e);
    set(job, "size", a->size ? a->size : "native", e);
    set(job, "extend", a->extend, e);
    set(job, "first-frame", a->given, e);
    set(job, "force-picture", a->force, e);
    set(job, "frames", a->frames, e);
    set(job, "fps", zt_model_get(model, "frame_rate"), e); /* what the model draws, no more */
    set(job, "steps", a->steps, e);
    set(job, "guidance", a->guidance, e);
    set(job, "guidance-from", a->guidance_from, e);
    set(job, "guidance-to", a->guidance_to, e);
    set(job, "sampler", a->sampler, e);
    set(job, "shift", a->shift, e);
    set(job, "stagger", a->stagger, e);
    set(job, "type", a->type, e);
    set(job, "device", a->device, e);
    set(job, "threads", a->threads, e);
    zt_job_on_frame(job, catch_frame, c);
    zt_job_on_progress(job, catch_progress, NULL);
    if (!e->code)
        e->code = zt_job_run(job, e->msg, sizeof e->msg);
    zt_job_free(&job);
    if (!e->code && !c->rgb)
        BUG("sentence %d gave no frames", seed);
    return e->code;
}

int measure_caught_fits(const struct caught *c, const struct clip *clip, struct err *e)
{
    if (c->n == clip->n_frames && c->w == clip->w && c->h == clip->h)
        return 0;
    return err_set(e, ERR_USAGE, "the model drew %d frames of %dx%d, wanted are %d of %dx%d", c->n,
                   c->w, c->h, clip->n_frames, clip->w, clip->h);
}

/* The film beside the log, so that a person can look at what was counted. */
static int keep_film(const struct run *r, int i, const struct caught *c, struct err *e)
{
    char *path = measure_film_name(r->args->out, i);
    int rc = measure_write_film(path, c, c->n, r->fps, 0, r->wishes.item[i].text, e);

    free(path);
    return rc;
}

static int model_column(struct run *r, struct err *e)
{
    int rc = 0;

    r->right = r->seen = 0;
    for (int i = 0; !rc && i < r->score.n; i++) {
        struct score_row row = {0};
        struct caught c = {0};

        if (r->score.row[SCORE_MODEL][i].done)
            continue;
        if ((rc = stopped(e)))
            break;
        row.seconds = clock_s();
        rc = measure_generate(r->args, r->model, r->wishes.item[i].text, i, &c, e);
        row.seconds = clock_s() - row.seconds;
        if (!rc) {
            look(r, c.rgb, c.w, c.h, c.n, &row);
            if (r->args->out)
                rc = keep_film(r, i, &c, e);
        }
        if (!rc)
            rc = note_row(r, SCORE_MODEL, i, &row, e);
        free(c.rgb);
    }
    return rc;
}

/* ---- the whole ---- */

/* A codec that is trained already can be measured before there is a whole model. */
static int needs_model(const struct measure_args *a)
{
    char *vae = path_join(a->model ? a->model : "", "vae");
    int codec_alone = a->model && dir_exists(vae);

    free(vae);
    return a->column[SCORE_MODEL] || (a->column[SCORE_CODEC] && !codec_alone);
}

/* Of the codec that is measured; renders alone are asked about the grid of the default model. */
static int side_of_squares(struct run *r, struct err *e)
{
    const char *dir = r->model ? zt_model_get(r->model, "path") : r->args->model;
    char *vae = dir ? path_join(dir, "vae") : NULL;
    struct part p;
    int rc = 0;

    r->side = 16;
    if (vae && dir_exists(vae) && !(rc = part_declare(&p, vae, PART_CODEC, e))) {
        r->side = part_codec(&p).config.ks;
        part_release(&p);
    }
    free(vae);
    return rc;
}

static int open_run(struct run *r, struct err *e)
{
    const struct measure_args *a = r->args;
    int64_t n;
    char *settings, *log = NULL;
    int rc = wishes_read(&r->wishes, a->prompts, e);

    if (!rc && needs_model(a))
        rc = e->code = zt_model_open(&r->model, a->model, e->msg, sizeof e->msg);
    if (rc)
        return rc;
    if ((rc = measure_threads(&r->threads, a, e)))
        return rc;
    n = measure_size(r->model, "frames", 41);
    if (a->frames && (parse_int(a->frames, &n) || n < 2 || n > 10000))
        return err_set(e, ERR_USAGE, "--frames is \"%s\", allowed are 2 to 10000", a->frames);
    r->frames = (int)n;
    r->w = measure_size(r->model, "width", 112);
    r->h = measure_size(r->model, "height", 64);
    r->fps = measure_size(r->model, "frame_rate", 8);
    settings = side_of_squares(r, e) ? NULL : settings_of(r, e);
    if (!settings)
        return e->code;
    if (a->out) {
        rc = dir_make(a->out, e);
        log = path_join(a->out, "films.jsonl");
    }
    n = a->count > 0 && a->count < r->wishes.n ? a->count : r->wishes.n;
    if (!rc)
        rc = score_open(&r->score, &r->wishes, (int)n, log, settings, e);
    free(settings);
    free(log);
    return rc;
}

static void close_run(struct run *r)
{
    if (r->score.wishes)
        score_close(&r->score);
    threads_free(&r->threads);
    zt_model_free(&r->model);
    wishes_release(&r->wishes);
}

static long work_left(const struct run *r)
{
    long n = 0;

    for (int c = 0; c < SCORE_COLUMNS; c++)
        for (int i = 0; r->args->column[c] && i < r->score.n; i++)
            n += !r->score.row[c][i].done;
    return n;
}

int measure_list(const struct measure_args *a, struct err *e)
{
    struct run r = {.args = a};
    struct buf text = BUF_INIT;
    int rc;

    *e = (struct err){0};
    cmd_catch_signals();
    rc = open_run(&r, e);
    if (!rc) {
        progress_start(&r.progress, stderr, "measure", work_left(&r));
        if (a->column[SCORE_RENDERS])
            rc = true_column(&r, SCORE_RENDERS, NULL, e);
        if (!rc && a->column[SCORE_CODEC])
            rc = codec_column(&r, e);
        if (!rc && a->column[SCORE_MODEL])
            rc = model_column(&r, e);
        progress_end(&r.progress, NULL);
        if (a->json) {
            score_json(&r.score, &text);
            fputs(buf_str(&text), stdout);
        } else {
            score_print(&r.score, stdout);
        }
        buf_release(&text);
    }
    close_run(&r);
    return rc;
}
