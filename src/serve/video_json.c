#include "serve/video_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "serve/pictures.h"
#include "serve/retain.h"
#include "serve/scene.h"
#include "serve/sign.h"
#include "serve/draw.h"

enum { DAY_S = 24 * 60 * 60 };

static void signed_url(struct server *s, const char *base, const char *path, struct buf *out)
{
    /* The same for an hour, so that browsers keep what they have. */
    int64_t until = (jobs_now_ms() / 1000 / 3600 + 1) * 3600 + DAY_S;

    buf_puts(out, base);
    buf_puts(out, path);
    sign_path(out, jobs_secret(s->jobs), path, until);
}

void video_picture_url(struct server *s, const struct job *j, const char *base, int n,
                       struct buf *out)
{
    char path[64];

    snprintf(path, sizeof path, "/files/%lld/%d.png", (long long)j->id, n);
    signed_url(s, base, path, out);
}

void video_film_url(struct server *s, const struct job *j, const char *base, struct buf *out)
{
    char path[64];

    if (job_pictures(j)) {
        video_picture_url(s, j, base, 0, out);
        return;
    }
    snprintf(path, sizeof path, "/files/%lld.mp4", (long long)j->id);
    signed_url(s, base, path, out);
}

void video_preview_url(struct server *s, const struct job *j, const char *base, int number,
                       struct buf *out)
{
    char path[64];

    snprintf(path, sizeof path, "/previews/%lld.png", (long long)j->id);
    signed_url(s, base, path, out);
    buf_printf(out, "&n=%d", number);
}

int video_progress(const struct job *j, const struct live *live)
{
    if (j->state == JOB_SUCCEEDED)
        return 100;
    if (!live && j->steps && (j->state == JOB_RUNNING || j->state == JOB_FINALIZING))
        return 60 * j->step / j->steps; /* another server draws it */
    return live ? (int)(100 * live->part) : 0;
}

static double running_left_s(const struct job *j, const struct live *live)
{
    double gone = (double)(jobs_now_ms() - j->started_ms) / 1000, forecast = job_forecast_s(j);

    if (live && live->part > 0.1)
        return gone / live->part * (1 - live->part);
    return forecast > gone ? forecast - gone : -1;
}

/* Until all that is drawn now is done, by one after the other of those who draw. */
static double all_running_left_s(struct server *s, int *n_drawn)
{
    struct live live[BOARD_LIVES];
    int n = *n_drawn = board_lives(s->board, live);
    double sum = 0;

    for (int i = 0; i < n; i++) {
        struct job j;
        struct err e;

        if (jobs_get(s->jobs, NULL, live[i].id, &j, &e) > 0)
            sum += fmax(0, running_left_s(&j, &live[i]));
        job_release(&j);
    }
    return sum;
}

double video_eta_s(struct server *s, const struct job *j, const struct live *live, int *place)
{
    enum { AHEAD = 64 }; /* behind so many nobody believes a forecast */

    *place = j->state == JOB_QUEUED ? jobs_position(s->jobs, j->id) : -1;
    if (j->state == JOB_RUNNING || j->state == JOB_FINALIZING)
        return running_left_s(j, live);
    if (j->state != JOB_QUEUED)
        return 0;
    if (*place < 0 || *place >= AHEAD)
        return -1;
    int n;
    double left_s = all_running_left_s(s, &n) + jobs_ahead_s(s->jobs, *place + 1);
    return left_s / (n > 1 ? n : 1) + fmax(0, scene_left_s(s->scene));
}

/* ---- the object ---- */

static const char *status_of(enum job_state s)
{
    switch (s) {
    case JOB_QUEUED:
        return "queued";
    case JOB_RUNNING:
    case JOB_FINALIZING:
        return "in_progress";
    case JOB_SUCCEEDED:
        return "completed";
    default: /* OpenAI knows no cancelled videos: error.code tells */
        return "failed";
    }
}

static void write_error(struct jsonw *w, const struct job *j)
{
    if (j->state != JOB_FAILED && j->state != JOB_CANCELLED) {
        jsonw_null(w, "error");
        return;
    }
    jsonw_object(w, "error");
    jsonw_string(w, "code", j->state == JOB_CANCELLED ? "cancelled" : j->error_code);
    jsonw_string(w, "message", j->state == JOB_CANCELLED ? "cancelled" : j->error_msg);
    jsonw_end_object(w);
}

/* Of the plan, and of what happened while it was drawn. */
static void write_note(struct jsonw *w, struct jval facts)
{
    const char *plan = j_string_or(facts, "note", ""), *run = j_string_or(facts, "run_note", "");
    char *both = xasprintf("%s%s%s", plan, *plan && *run ? "; " : "", run);

    jsonw_string(w, "note", *both ? both : NULL);
    free(both);
}

/* Nothing where one of both cannot be read. */
static void write_asked(struct jsonw *w, const char *params_json, const char *facts_json)
{
    static const char *const same[] = {"seed", "steps", "width", "height", "frames", "pictures"};
    static const char *const texts[] = {"canonical_prompt", "unknown_words"};
    struct jdoc *params = NULL, *facts = NULL;
    char text[64];

    if (jdoc_parse(&params, params_json, strlen(params_json), "params", NULL) ||
        jdoc_parse(&facts, facts_json, strlen(facts_json), "facts", NULL)) {
        jdoc_close(&params);
        return;
    }
    struct jval p = jdoc_root(params), f = jdoc_root(facts);
    double fps = j_real_or(f, "fps", 0, 1000, 0), frames = j_real_or(f, "frames", 0, 1e9, 0);
    jsonw_string(w, "prompt", j_string(p, "prompt"));
    jsonw_string(w, "camera", j_has(p, "camera") ? j_string(p, "camera") : NULL);
    jsonw_real(w, "motion", j_real_or(p, "motion", 0, 4, 1));
    jsonw_bool(w, "draft", j_bool_or(p, "draft", 0));
    jsonw_string(w, "negative_prompt", j_has(p, "negative") ? j_string(p, "negative") : NULL);
    snprintf(text, sizeof text, "%lldx%lld", (long long)j_int_or(f, "width", 0, 1 << 20, 0),
             (long long)j_int_or(f, "height", 0, 1 << 20, 0));
    jsonw_string(w, "size", text);
    snprintf(text, sizeof text, "%g", fps > 0 ? frames / fps : 0);
    jsonw_string(w, "seconds", text);
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        jsonw_int(w, same[i], j_int_or(f, same[i], 0, INT64_C(1) << 53, 0));
    jsonw_real(w, "fps", fps);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        jsonw_string(w, texts[i], j_has(f, texts[i]) ? j_string(f, texts[i]) : NULL);
    write_note(w, f);
    jdoc_close(&params);
    jdoc_close(&facts);
}

void video_plan_json(const char *params, const char *facts, struct buf *out)
{
    struct jdoc *doc;
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "object", "video.plan");
    write_asked(&w, params, facts);
    if (!jdoc_parse(&doc, facts, strlen(facts), "facts", NULL)) {
        jsonw_real(&w, "takes", j_real_or(jdoc_root(doc), "forecast_s", 0, 1e12, 0));
        jdoc_close(&doc);
    }
    jsonw_end_object(&w);
}

static void write_live(struct jsonw *w, struct server *s, const struct job *j,
                       const struct live *live, const char *base)
{
    struct buf url = BUF_INIT;
    int place;
    double eta = video_eta_s(s, j, live, &place);

    jsonw_string(w, "stage", live ? live->stage : NULL);
    jsonw_int(w, "step", live ? live->step : j->step);
    if (eta >= 0)
        jsonw_real(w, "eta", (double)(int64_t)(eta * 10) / 10);
    else
        jsonw_null(w, "eta");
    if (place >= 0)
        jsonw_int(w, "queue_position", place);
    else
        jsonw_null(w, "queue_position");
    if ((live && live->previews) || j->state == JOB_SUCCEEDED)
        video_preview_url(s, j, base, live ? live->previews : 0, &url);
    jsonw_string(w, "preview_url", url.len ? buf_str(&url) : NULL);
    buf_clear(&url);
    if (j->state == JOB_SUCCEEDED && j->result)
        video_film_url(s, j, base, &url);
    jsonw_string(w, "url", url.len ? buf_str(&url) : NULL);
    buf_release(&url);
}

static void write_id(struct jsonw *w, const char *key, int64_t id)
{
    char text[40];

    snprintf(text, sizeof text, VIDEO_PREFIX "%lld", (long long)id);
    jsonw_string(w, key, id ? text : NULL);
}

void video_json(struct server *s, const struct job *j, const char *base, struct buf *out)
{
    struct jsonw w;
    struct live live;
    int runs = board_get(s->board, j->id, &live);

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    write_id(&w, "id", j->id);
    jsonw_string(&w, "object", "video");
    jsonw_string(&w, "model", j->model);
    jsonw_string(&w, "status", status_of(j->state));
    jsonw_int(&w, "progress", video_progress(j, runs ? &live : NULL));
    jsonw_int(&w, "created_at", j->created_ms / 1000);
    if (j->finished_ms)
        jsonw_int(&w, "completed_at", j->finished_ms / 1000);
    else
        jsonw_null(&w, "completed_at");
    if (retain_until_ms(s, j))
        jsonw_int(&w, "expires_at", retain_until_ms(s, j) / 1000);
    else
        jsonw_null(&w, "expires_at");
    write_id(&w, "remixed_from_video_id", j->parent);
    write_error(&w, j);
    write_asked(&w, j->params, j->facts);
    write_live(&w, s, j, runs ? &live : NULL, base);
    jsonw_string(&w, "sha256", j->result_sha);
    jsonw_int(&w, "bytes", j->result_bytes);
    jsonw_end_object(&w);
}
