#include "serve/order.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "serve/film_file.h"
#include "serve/keys.h"
#include "serve/names.h"
#include "serve/pictures.h"
#include "serve/video_json.h"
#include "serve/worker.h"

void order_init(struct order *o, const char *api)
{
    memset(o, 0, sizeof *o);
    o->api = api;
    o->guidance = -1;
    o->motion = -1;
    o->strength = -1;
    o->seed = -1;
    o->model = "default";
}

/* ---- fields ---- */

int64_t order_int(struct jval body, const char *key, int64_t lo, int64_t hi, int64_t def)
{
    int64_t v;

    if (j_type(j_get(body, key)) != J_STRING)
        return j_int_or(body, key, lo, hi, def);
    if (!parse_int(j_string(body, key), &v) && v >= lo && v <= hi)
        return v;
    j_fail(body, key, "expected an integer from %lld to %lld", (long long)lo, (long long)hi);
    return def;
}

/* Of a form "true" and "false". */
static int order_flag(struct jval body, const char *key, int def)
{
    const char *text = j_type(j_get(body, key)) == J_STRING ? j_string(body, key) : NULL;

    if (!text)
        return j_bool_or(body, key, def);
    if (strcmp(text, "true") && strcmp(text, "false"))
        j_fail(body, key, "true or false");
    return !strcmp(text, "true");
}

double order_real(struct jval body, const char *key, double lo, double hi, double def)
{
    double v;

    if (j_type(j_get(body, key)) != J_STRING)
        return j_real_or(body, key, lo, hi, def);
    if (!parse_real(j_string(body, key), &v) && v >= lo && v <= hi)
        return v;
    j_fail(body, key, "expected a number from %g to %g", lo, hi);
    return def;
}

/* Options of films that these APIs have no field for: said, not passed over. */
static void refuse_fields(struct jval body)
{
    static const char *const not_here[][2] = {
        {"brush", "is read as dynamic_masks and static_mask"},
        {"mask", "no part of a film is drawn anew by the service; zoetrope generate --mask does"},
        {"outpaint", "no film is widened by the service; zoetrope generate --outpaint does"}};

    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
        if (j_has(body, not_here[i][0]))
            j_fail(body, not_here[i][0], "%s", not_here[i][1]);
}

void order_read(struct jval body, struct order *o)
{
    refuse_fields(body);
    if (j_has(body, "model"))
        o->model = j_string(body, "model");
    if (j_has(body, "prompt"))
        o->prompt = j_string(body, "prompt");
    if (j_has(body, "negative_prompt"))
        o->negative = j_string(body, "negative_prompt");
    if (j_has(body, "camera"))
        o->camera = j_string(body, "camera");
    if (j_has(body, "size"))
        o->size = j_string(body, "size");
    if (j_has(body, "aspect_ratio"))
        o->aspect = j_string(body, "aspect_ratio");
    if (j_has(body, "seconds") && j_has(body, "frames"))
        j_fail(body, "frames", "seconds says how long the film is");
    if (j_has(body, "seconds"))
        o->frames = 0;
    if (j_has(body, "frames"))
        o->seconds = 0;
    o->seconds = order_real(body, "seconds", 0.01, 100000, o->seconds);
    o->fps = order_real(body, "fps", 1, 240, o->fps);
    o->steps = (int)order_int(body, "steps", 1, 1000, o->steps);
    o->frames = (int)order_int(body, "frames", 1, 1000000, o->frames);
    o->motion = order_real(body, "motion", 0, 4, o->motion);
    o->guidance = order_real(body, "guidance", 0, 100, o->guidance);
    o->draft = order_flag(body, "draft", o->draft);
    o->seed = order_int(body, "seed", 0, INT64_C(1) << SEED_MOST_BITS, o->seed);
}

/* ---- models ---- */

int order_model(struct call *c, const char *name)
{
    if (names_has(c->s->names, name) || !strcmp(name, zt_model_get(c->s->model, "name")))
        return 0;
    call_fail(c, FAULT_NO_SUCH, "model",
              "model: no model of this name here; /v1/models lists them");
    return -1;
}

/* ---- checks ---- */

int order_check_text(struct call *c, const char *field, const char *text, int most)
{
    size_t left = strlen(text);
    int n = 0, blank = 1;

    for (const char *at = text; left && n <= most; n++) {
        uint32_t cp = 0;
        int len = utf8_decode(at, left, &cp);

        if (!len || (cp < 0x20 && cp != '\n' && cp != '\t' && cp != '\r') ||
            (cp >= 0x7f && cp < 0xa0)) {
            call_fail(c, FAULT_VALUE, field, "%s: a control character at character %d", field,
                      n + 1);
            return -1;
        }
        blank &= cp == ' ' || cp == '\n' || cp == '\t' || cp == '\r' || cp == 0x3000 || cp == 0xa0;
        at += len;
        left -= (size_t)len;
    }
    if (n > most)
        call_fail(c, FAULT_VALUE, field, "%s: at most %d characters are allowed", field, most);
    else if (blank && n)
        call_fail(c, FAULT_VALUE, field, "%s: only white space", field);
    else
        return 0;
    return -1;
}

int order_check_room(struct call *c)
{
    struct server *s = c->s;
    int his, all = jobs_waiting(s->jobs, c->tenant, &his);

    if (atomic_load(&s->draining))
        call_fail(c, FAULT_BUSY, NULL, "the server is ending; ask again");
    else if (his >= keys_jobs(s->keys, c->tenant))
        call_fail(c, FAULT_JOBS, NULL, "parallel task over resource pack limit");
    else if (all >= s->o.queue_most)
        call_fail(c, FAULT_BUSY, NULL, "the queue is full (%d jobs)", s->o.queue_most);
    else if (server_free_bytes(s) < SERVER_ROOM_BYTES)
        call_fail(c, FAULT_DISK, NULL, "the disk of the server is full");
    else
        return 0;
    return -1;
}

static int check_order(struct call *c, const struct order *o)
{
    if (!o->shots && (!o->prompt || !*o->prompt)) {
        call_fail(c, FAULT_VALUE, "prompt", "prompt: needed, 1 to %d characters",
                  PROMPT_CHARACTERS);
        return -1;
    }
    if ((o->prompt && order_check_text(c, "prompt", o->prompt, PROMPT_CHARACTERS)) ||
        (o->negative && order_check_text(c, "negative_prompt", o->negative, PROMPT_CHARACTERS)) ||
        order_model(c, o->model))
        return -1;
    if (o->seconds > c->s->o.seconds_most) {
        call_fail(c, FAULT_VALUE, "seconds", "seconds: %g; films here have at most %g", o->seconds,
                  c->s->o.seconds_most);
        return -1;
    }
    return 0;
}

/* ---- the plan ---- */

static void write_params(const struct order *o, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "zoetrope", 1);
    jsonw_string(&w, "prompt", o->prompt ? o->prompt : "");
    if (o->shots)
        jsonw_string(&w, "shots", o->shots);
    if (o->brush)
        jsonw_string(&w, "brush", o->brush);
    if (o->camera && *o->camera)
        jsonw_string(&w, "camera", o->camera);
    if (o->negative && *o->negative)
        jsonw_string(&w, "negative", o->negative);
    if (o->size)
        jsonw_string(&w, "size", o->size);
    if (o->aspect)
        jsonw_string(&w, "aspect", o->aspect);
    if (o->seconds > 0)
        jsonw_real(&w, "seconds", o->seconds);
    if (o->fps > 0)
        jsonw_real(&w, "fps", o->fps);
    if (o->frames > 0)
        jsonw_int(&w, "frames", o->frames);
    if (o->steps > 0)
        jsonw_int(&w, "steps", o->steps);
    if (o->draft)
        jsonw_bool(&w, "draft", 1);
    if (o->guidance >= 0)
        jsonw_real(&w, "guidance", o->guidance);
    if (o->motion >= 0)
        jsonw_real(&w, "motion", o->motion);
    if (o->strength >= 0) {
        jsonw_real(&w, "strength", o->strength);
        jsonw_string(&w, "sampler", "euler"); /* the one that can begin later */
    }
    if (o->seed >= 0)
        jsonw_int(&w, "seed", o->seed);
    jsonw_end_object(&w);
}

static void write_facts(const struct order *o, zt_job *job, struct buf *out)
{
    static const char *const numbers[] = {"width", "height", "frames",    "fps",
                                          "steps", "seed",   "forecast_s"};
    static const char *const texts[] = {"canonical_prompt", "unknown_words", "note"};
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *v = zt_job_get(job, numbers[i]);
        if (v && o->pictures && !strcmp(numbers[i], "forecast_s"))
            jsonw_real(&w, numbers[i], o->pictures * atof(v));
        else if (v)
            jsonw_raw(&w, numbers[i], v);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *v = zt_job_get(job, texts[i]);
        if (v && *v)
            jsonw_string(&w, texts[i], v);
    }
    if (o->pictures)
        jsonw_int(&w, "pictures", o->pictures);
    jsonw_end_object(&w);
}

const char *order_first_option(int pictures)
{
    return pictures ? "from" : "first-frame";
}

static int set_picture(struct server *s, zt_job *job, const char *option, const char *name,
                       struct err *e)
{
    char *path;
    int rc;

    if (!*name)
        return 0;
    (void)film_file_fetch(s, s->picture_dir, name, 0);
    path = path_join(s->picture_dir, name);
    rc = e->code = zt_job_set(job, option, path, e->msg, sizeof e->msg);
    free(path);
    return rc;
}

int order_plan(struct call *c, struct order *o, struct buf *params, struct buf *facts)
{
    zt_job *job;
    struct err e = {0};
    int rc;

    if (check_order(c, o))
        return -1;
    zt_job_new(&job, c->s->model);
    buf_clear(params);
    write_params(o, params);
    rc = e.code = zt_job_set_json(job, buf_str(params), e.msg, sizeof e.msg);
    if (!rc)
        rc = set_picture(c->s, job, order_first_option(o->pictures), o->first.name, &e);
    if (!rc)
        rc = set_picture(c->s, job, "last-frame", o->last.name, &e);
    if (!rc)
        rc = e.code = zt_job_plan(job, e.msg, sizeof e.msg);
    if (!rc && o->seed < 0)
        rc = parse_int(zt_job_get(job, "seed"), &o->seed);
    if (!rc) {
        o->brush = zt_job_get(job, "brush"); /* without files, which may go */
        buf_clear(params);
        write_params(o, params);
        o->brush = NULL;
        write_facts(o, job, facts);
    }
    zt_job_free(&job);
    if (rc == ERR_FIT)
        call_fail(c, FAULT_VALUE, NULL, "%s", server_says(c->s, &e));
    else if (rc)
        call_fail_err(c, &e);
    return rc ? -1 : 0;
}

/* Of what the client said; a seed that is drawn here is no part of it. */
static void hash_order(const struct order *o, const struct buf *said, char sha[65])
{
    struct sha256 h;
    char pictures[16];
    const char *const also[] = {o->api,         o->model,    o->first.name, o->last.name,
                                o->external_id, o->callback, pictures};

    snprintf(pictures, sizeof pictures, "%d", o->pictures);

    sha256_init(&h);
    sha256_add(&h, said->data, said->len);
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        sha256_add(&h, also[i] ? also[i] : "", also[i] ? strlen(also[i]) + 1 : 1);
    sha256_hex(&h, sha);
}

/* ---- placing ---- */

static int answer_added(struct call *c, enum jobs_added how, struct job *out)
{
    if (how == JOBS_NEW || how == JOBS_SAME)
        return 0;
    if (how == JOBS_CONFLICT)
        call_fail(c, FAULT_CONFLICT, NULL,
                  "Idempotency-Key: it was used for another request already");
    else
        call_fail(c, FAULT_VALUE, "external_task_id",
                  "external_task_id: a task of this name is there already");
    job_release(out);
    return -1;
}

static int jobs_order(struct call *c, const struct order *o, const struct buf *params,
                      const struct buf *facts, const char *sha, struct job *out)
{
    struct job j = {.tenant = (char *)c->tenant,
                    .idem_key = (char *)o->idem_key,
                    .external_id = (char *)o->external_id,
                    .api = (char *)o->api,
                    .model = (char *)o->model,
                    .params = (char *)buf_str(params),
                    .params_sha = (char *)sha,
                    .facts = (char *)buf_str(facts),
                    .first = *o->first.name ? (char *)o->first.name : NULL,
                    .last = *o->last.name ? (char *)o->last.name : NULL,
                    .callback = (char *)o->callback,
                    .priority = keys_priority(c->s->keys, c->tenant),
                    .parent = o->parent};
    enum jobs_added how;
    struct err e;

    if (jobs_add(c->s->jobs, &j, &how, out, &e)) {
        call_fail_err(c, &e);
        return -1;
    }
    if (answer_added(c, how, out))
        return -1;
    if (how == JOBS_NEW) {
        board_change(c->s->board, out->id, c->tenant);
        server_work_waits(c->s);
    }
    return 0;
}

int order_place(struct call *c, struct order *o, struct job *out)
{
    struct buf params = BUF_INIT, facts = BUF_INIT;
    char sha[65];
    int rc;

    o->idem_key = call_header(c, "Idempotency-Key");
    if (o->idem_key && (!*o->idem_key || strlen(o->idem_key) > 255)) {
        call_fail(c, FAULT_VALUE, NULL, "Idempotency-Key: 1 to 255 characters are allowed");
        return -1;
    }
    if (order_check_room(c))
        return -1;
    write_params(o, &params);
    hash_order(o, &params, sha);
    rc = order_plan(c, o, &params, &facts);
    if (!rc)
        rc = jobs_order(c, o, &params, &facts, sha, out);
    buf_release(&params);
    buf_release(&facts);
    return rc;
}

int order_change(struct call *c, int64_t id, struct order *o)
{
    struct buf params = BUF_INIT, facts = BUF_INIT;
    struct err e;
    int rc = order_plan(c, o, &params, &facts);

    if (!rc) {
        int n = jobs_edit(c->s->jobs, c->tenant, id, buf_str(&params), buf_str(&facts), &e);
        if (n < 0)
            call_fail_err(c, &e);
        else if (!n)
            call_fail(c, FAULT_CONFLICT, NULL, "the video does not wait any more");
        rc = n == 1 ? 0 : -1;
    }
    buf_release(&params);
    buf_release(&facts);
    return rc;
}

void order_queue_changed(struct server *s)
{
    enum { TOLD = 64 };
    int64_t ids[TOLD];
    int n = jobs_queue(s->jobs, ids, TOLD);

    for (int i = 0; i < n; i++) {
        struct job j;
        struct err e;
        if (jobs_get(s->jobs, NULL, ids[i], &j, &e) > 0)
            board_change(s->board, ids[i], keys_tenant(s->keys, j.tenant));
        job_release(&j);
    }
}

int order_cancel(struct call *c, int64_t id, struct job *out)
{
    struct err e;
    int rc = jobs_cancel(c->s->jobs, c->tenant, id, out, &e);

    if (rc < 0)
        call_fail_err(c, &e);
    else if (!rc)
        call_fail(c, FAULT_CONFLICT, NULL, "the video is done already");
    if (rc <= 0)
        return -1;
    worker_cancel(c->s->worker, id);
    if (JOB_IS_OVER(out->state)) /* it waited; what runs is put away by who draws it */
        work_forget(c->s, id);
    board_change(c->s->board, id, c->tenant);
    order_queue_changed(c->s);
    return 0;
}

void order_of_job(const struct job *j, struct jdoc *params, struct order *o)
{
    struct jval p = jdoc_root(params);

    order_init(o, "openai");
    o->model = j->model;
    o->prompt = j_string(p, "prompt");
    o->negative = j_has(p, "negative") ? j_string(p, "negative") : NULL;
    o->brush = j_has(p, "brush") ? j_string(p, "brush") : NULL;
    o->camera = j_has(p, "camera") ? j_string(p, "camera") : NULL;
    o->shots = j_has(p, "shots") ? j_string(p, "shots") : NULL;
    o->size = j_has(p, "size") ? j_string(p, "size") : NULL;
    o->aspect = j_has(p, "aspect") ? j_string(p, "aspect") : NULL;
    o->seconds = j_real_or(p, "seconds", 0, 1e6, 0);
    o->fps = j_real_or(p, "fps", 0, 1000, 0);
    o->frames = (int)j_int_or(p, "frames", 0, 1 << 30, 0);
    o->steps = (int)j_int_or(p, "steps", 0, 1 << 30, 0);
    o->draft = j_bool_or(p, "draft", 0);
    o->guidance = j_real_or(p, "guidance", 0, 1000, -1);
    o->motion = j_real_or(p, "motion", 0, 4, -1);
    o->strength = j_real_or(p, "strength", 0, 1, -1);
    o->pictures = job_pictures(j);
    o->seed = j_int_or(p, "seed", 0, INT64_C(1) << SEED_MOST_BITS, -1);
    snprintf(o->first.name, sizeof o->first.name, "%s", j->first ? j->first : "");
    snprintf(o->last.name, sizeof o->last.name, "%s", j->last ? j->last : "");
}
