/* kling.c - what both generations share: fields, the way into the queue, the envelope. */
#include "serve/kling.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "serve/pictures.h"
#include "serve/video_json.h"

enum { SHOTS = 6, SHOT_CHARACTERS = 512, EXTERNAL_BYTES = 128, URL_BYTES = 2048 };

void kling_init(struct kling *k, const char *api)
{
    memset(k, 0, sizeof *k);
    order_init(&k->o, api);
    k->o.model = "kling-v1";
    k->cfg = -1;
}

void kling_release(struct kling *k)
{
    buf_release(&k->camera);
    buf_release(&k->brush);
    buf_release(&k->shots);
}

/* ---- fields ---- */

int kling_choice(struct call *c, struct jval body, const char *field, const char *const *names,
                 const char **out, const char *def)
{
    struct buf all = BUF_INIT;
    int found = 0;

    *out = def;
    if (!j_has(body, field))
        return 0;
    *out = j_type(j_get(body, field)) == J_STRING ? j_string(body, field) : "";
    for (int i = 0; names[i]; i++) {
        found |= !strcmp(*out, names[i]);
        buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
    }
    if (!found)
        call_fail(c, FAULT_VALUE, field, "%s: one of %s is allowed", field, buf_str(&all));
    buf_release(&all);
    return found ? 0 : -1;
}

int kling_read_duration(struct call *c, struct jval body, struct kling *k)
{
    enum { LEAST = 3, MOST = 15, USUAL = 5 };
    struct err e;
    int64_t s = order_int(body, "duration", LEAST, MOST, USUAL);

    if (jdoc_status(body.doc, &e)) {
        call_fail(c, FAULT_VALUE, "duration", "%s", e.msg);
        return -1;
    }
    k->o.seconds = (double)s;
    return 0;
}

int kling_read_options(struct call *c, struct jval options, struct kling *k)
{
    const char *url = j_string_or(options, "callback_url", "");
    const char *name = j_string_or(options, "external_task_id", "");

    if (*url && ((strncmp(url, "http://", 7) && strncmp(url, "https://", 8)) ||
                 strlen(url) > URL_BYTES || url[strcspn(url, " \r\n\t")])) {
        call_fail(c, FAULT_VALUE, "callback_url",
                  "callback_url: an http:// or https:// address of at most %d bytes", URL_BYTES);
        return -1;
    }
    if (strlen(name) > EXTERNAL_BYTES) {
        call_fail(c, FAULT_VALUE, "external_task_id", "external_task_id: at most %d bytes",
                  EXTERNAL_BYTES);
        return -1;
    }
    k->o.callback = *url ? url : NULL;
    k->o.external_id = *name ? name : NULL;
    return 0;
}

/* ---- shots ---- */

static int read_shot(struct call *c, struct jval v, struct kling *k, struct jsonw *w)
{
    const char *prompt = j_string(v, "prompt");
    int64_t s = order_int(v, "duration", 1, 15, 0);
    struct err e;

    if (jdoc_status(v.doc, &e)) {
        call_fail(c, FAULT_VALUE, "multi_prompt", "%s", e.msg);
        return -1;
    }
    if (!*prompt || !s) {
        call_fail(c, FAULT_VALUE, "multi_prompt",
                  "multi_prompt: each shot has a prompt and a duration of 1 second or more");
        return -1;
    }
    if (order_check_text(c, "multi_prompt", prompt, SHOT_CHARACTERS))
        return -1;
    jsonw_object(w, NULL);
    jsonw_string(w, "prompt", prompt);
    jsonw_int(w, "seconds", s);
    jsonw_string(w, "join", "cut");
    jsonw_end_object(w);
    k->seconds_sum += (int)s;
    return 0;
}

int kling_read_shots(struct call *c, struct jval body, struct kling *k)
{
    static const char *const types[] = {"customize", "intelligence", NULL};
    struct jval list = j_get(body, "multi_prompt");
    const char *type;
    struct jsonw w;
    int n = j_len(list), rc = 0;

    if (!j_bool_or(body, "multi_shot", 0))
        return 0;
    if (kling_choice(c, body, "shot_type", types, &type, "customize"))
        return -1;
    if (!strcmp(type, "intelligence"))
        return 0; /* one prompt for the whole film */
    if (j_type(list) != J_ARRAY || n < 1 || n > SHOTS) {
        call_fail(c, FAULT_VALUE, "multi_prompt", "multi_prompt: an array of 1 to %d shots", SHOTS);
        return -1;
    }
    jsonw_init(&w, &k->shots, 0);
    jsonw_array(&w, NULL);
    for (int i = 0; !rc && i < n; i++)
        rc = read_shot(c, j_at_object(list, i), k, &w);
    jsonw_end_array(&w);
    if (!rc && k->seconds_sum != (int)k->o.seconds) {
        call_fail(c, FAULT_VALUE, "multi_prompt",
                  "multi_prompt: its durations are %d s together, duration says %d", k->seconds_sum,
                  (int)k->o.seconds);
        rc = -1;
    }
    k->o.shots = buf_str(&k->shots);
    k->o.seconds = 0; /* the shots say it */
    return rc;
}

/* ---- the camera, as the library's option ---- */

static int axis_of_config(struct call *c, struct jval config, struct buf *out)
{
    static const char *const axes[] = {"horizontal", "vertical", "pan", "tilt", "roll", "zoom"};
    struct err e;
    int n = 0;

    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++) {
        double v = j_real_or(config, axes[i], -10, 10, 0);

        n += v != 0;
        if (v != 0)
            buf_printf(out, "%s%s %.9g", n > 1 ? ", " : "", axes[i], v);
    }
    if (jdoc_status(config.doc, &e))
        call_fail(c, FAULT_VALUE, "camera_control", "%s", e.msg);
    else if (n != 1)
        call_fail(c, FAULT_VALUE, "camera_control",
                  "camera_control: exactly one of horizontal, vertical, pan, tilt, roll and zoom "
                  "is not 0");
    else
        return 0;
    return -1;
}

int kling_read_camera(struct call *c, struct jval body, struct kling *k)
{
    static const char *const types[] = {
        "simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward", NULL};
    struct jval camera = j_get(body, "camera_control"), config = j_get(camera, "config");
    const char *type;

    if (!j_has(body, "camera_control"))
        return 0;
    if (j_type(camera) != J_OBJECT || !j_has(camera, "type")) {
        call_fail(c, FAULT_VALUE, "camera_control", "camera_control: an object with a type");
        return -1;
    }
    if (kling_choice(c, camera, "type", types, &type, NULL))
        return -1;
    if (strcmp(type, "simple")) {
        if (j_has(camera, "config")) {
            call_fail(c, FAULT_VALUE, "camera_control",
                      "camera_control: config belongs to simple alone");
            return -1;
        }
        buf_puts(&k->camera, type);
    } else if (j_type(config) != J_OBJECT) {
        call_fail(c, FAULT_VALUE, "camera_control", "camera_control: simple needs a config");
        return -1;
    } else if (axis_of_config(c, config, &k->camera)) {
        return -1;
    }
    k->o.camera = buf_str(&k->camera);
    return 0;
}

/* ---- settling ---- */

static const struct {
    const char *mode, *alias;
    int wide[2], square; /* pixels of 16:9, and a side of 1:1 */
} MODES[] = {{"std", "720p", {1280, 720}, 960},
             {"pro", "1080p", {1920, 1080}, 1440},
             {"4k", "4k", {3840, 2160}, 2160}};

static void write_size(int w, int h, char out[32])
{
    snprintf(out, 32, "%dx%d", w, h);
}

static void settle_size(struct kling *k)
{
    const struct order_picture *p = &k->o.first;
    const char *aspect = k->aspect;
    size_t m = 0;

    for (size_t i = 0; k->mode && i < sizeof MODES / sizeof *MODES; i++)
        if (!strcmp(k->mode, MODES[i].mode) || !strcmp(k->mode, MODES[i].alias))
            m = i;
    if (!aspect && p->w) /* the nearest of the three */
        aspect = p->w * 3 > p->h * 4 ? "16:9" : p->h * 3 > p->w * 4 ? "9:16" : "1:1";
    if (!aspect || !strcmp(aspect, "16:9"))
        write_size(MODES[m].wide[0], MODES[m].wide[1], k->o.size_text);
    else if (!strcmp(aspect, "9:16"))
        write_size(MODES[m].wide[1], MODES[m].wide[0], k->o.size_text);
    else
        write_size(MODES[m].square, MODES[m].square, k->o.size_text);
    k->o.size = k->o.size_text;
}

void kling_settle(struct call *c, struct kling *k)
{
    const char *guidance = zt_model_get(c->s->model, "guidance");
    double made_for = 0;

    if (!k->o.size)
        settle_size(k);
    if (k->cfg >= 0 && fabs(k->cfg - 0.5) > 1e-9 && guidance && !parse_real(guidance, &made_for))
        k->o.guidance = fmax(0, 1 + (made_for - 1) * 2 * k->cfg);
}

void kling_place(struct call *c, struct kling *k, enum kling_form form)
{
    struct buf base = BUF_INIT;
    struct job j = {0};
    struct jsonw w;

    kling_settle(c, k);
    if (!order_place(c, &k->o, &j)) {
        call_base_url(c, &base);
        kling_begin(c, &w);
        kling_task(&w, "data", c->s, &j, buf_str(&base), form);
        kling_end(&w);
    }
    buf_release(&base);
    job_release(&j);
}

int kling_job(struct call *c, const char *text, struct job *j)
{
    struct err e;
    int64_t id;
    int rc = 0;

    if (strspn(text, "0123456789") == strlen(text) && !parse_int(text, &id) && id > 0)
        rc = jobs_get(c->s->jobs, c->tenant, id, j, &e);
    if (!rc)
        rc = jobs_get_external(c->s->jobs, c->tenant, text, j, &e);
    if (rc < 0)
        call_fail_err(c, &e);
    return rc < 0 ? -1 : rc;
}

/* ---- answers ---- */

void kling_begin(struct call *c, struct jsonw *w)
{
    jsonw_init(w, &c->out, 0);
    jsonw_object(w, NULL);
    jsonw_int(w, "code", 0);
    jsonw_string(w, "message", "SUCCEED");
    jsonw_string(w, "request_id", c->request_id);
    call_reply_header(c, "Cache-Control", "no-store");
}

void kling_end(struct jsonw *w)
{
    jsonw_end_object(w);
}

const char *kling_status(enum job_state s, enum kling_form form)
{
    switch (s) {
    case JOB_QUEUED:
        return "submitted";
    case JOB_RUNNING:
    case JOB_FINALIZING:
        return "processing";
    case JOB_SUCCEEDED:
        return form == KLING_1 ? "succeed" : "succeeded";
    default:
        return "failed";
    }
}

static const char *why_failed(const struct job *j)
{
    return j->state == JOB_CANCELLED ? "cancelled" : j->error_msg ? j->error_msg : "";
}

/* Seconds of the film, as text. */
static void duration_of(const struct job *j, char duration[32])
{
    struct jdoc *facts;

    snprintf(duration, 32, "0");
    if (jdoc_parse(&facts, j->facts, strlen(j->facts), "facts", NULL))
        return;
    struct jval f = jdoc_root(facts);
    double fps = j_real_or(f, "fps", 0, 1000, 0);
    snprintf(duration, 32, "%.4g", fps > 0 ? j_real_or(f, "frames", 0, 1e9, 0) / fps : 0);
    jdoc_close(&facts);
}

/* Facts of the plan, and ours. */
static void write_ours(struct jsonw *w, struct server *s, const struct job *j, const char *base)
{
    struct jdoc *facts;
    struct live live;
    int runs = board_get(s->board, j->id, &live);
    int place;
    double eta = video_eta_s(s, j, runs ? &live : NULL, &place);
    struct buf url = BUF_INIT;

    if (!jdoc_parse(&facts, j->facts, strlen(j->facts), "facts", NULL)) {
        struct jval f = jdoc_root(facts);

        jsonw_int(w, "seed", j_int_or(f, "seed", 0, INT64_C(1) << 53, 0));
        jsonw_int(w, "steps", j_int_or(f, "steps", 0, 1 << 20, 0));
        jdoc_close(&facts);
    }
    jsonw_int(w, "progress", video_progress(j, runs ? &live : NULL));
    if (eta >= 0)
        jsonw_real(w, "eta", (double)(int64_t)(eta * 10) / 10);
    if (j->state == JOB_QUEUED)
        jsonw_int(w, "queue_position", place);
    if ((runs && live.previews) || j->state == JOB_SUCCEEDED) {
        video_preview_url(s, j, base, runs ? live.previews : 0, &url);
        jsonw_string(w, "preview_url", buf_str(&url));
    }
    buf_release(&url);
}

static void write_pictures(struct jsonw *w, struct server *s, const struct job *j, const char *base,
                           int n, enum kling_form form)
{
    for (int i = 0; i < n; i++) {
        struct buf url = BUF_INIT;

        video_picture_url(s, j, base, i, &url);
        jsonw_object(w, NULL);
        if (form == KLING_2)
            jsonw_string(w, "type", "image");
        else
            jsonw_int(w, "index", i);
        jsonw_string(w, "url", buf_str(&url));
        jsonw_end_object(w);
        buf_release(&url);
    }
}

/* A film that is done, as a value of key. form: KLING_2 says its type. */
static void write_video(struct jsonw *w, const char *key, struct server *s, const struct job *j,
                        const char *base, enum kling_form form)
{
    struct buf url = BUF_INIT;
    char id[32], duration[32];

    snprintf(id, sizeof id, "%lld", (long long)j->id);
    video_film_url(s, j, base, &url);
    duration_of(j, duration);
    jsonw_object(w, key);
    if (form == KLING_2)
        jsonw_string(w, "type", "video");
    jsonw_string(w, "id", id);
    jsonw_string(w, "url", buf_str(&url));
    jsonw_string(w, "duration", duration);
    jsonw_end_object(w);
    buf_release(&url);
}

static void write_results(struct jsonw *w, struct server *s, const struct job *j, const char *base,
                          enum kling_form form)
{
    int n = job_pictures(j);

    if (n)
        write_pictures(w, s, j, base, n, form);
    else
        write_video(w, NULL, s, j, base, form);
}

/* What a film goes on from, while it is there. */
static void write_parent(struct jsonw *w, struct server *s, const struct job *j, const char *base)
{
    struct job parent;
    struct err e;

    if (jobs_get(s->jobs, j->tenant, j->parent, &parent, &e) > 0 && parent.state == JOB_SUCCEEDED &&
        !job_pictures(&parent))
        write_video(w, "parent_video", s, &parent, base, KLING_1);
    job_release(&parent);
}

static void task_1(struct jsonw *w, struct server *s, const struct job *j, const char *base)
{
    char id[32];

    snprintf(id, sizeof id, "%lld", (long long)j->id);
    jsonw_string(w, "task_id", id);
    jsonw_string(w, "task_status", kling_status(j->state, KLING_1));
    jsonw_string(w, "task_status_msg", why_failed(j));
    jsonw_object(w, "task_info");
    if (j->external_id)
        jsonw_string(w, "external_task_id", j->external_id);
    if (j->parent)
        write_parent(w, s, j, base);
    jsonw_end_object(w);
    jsonw_int(w, "created_at", j->created_ms);
    jsonw_int(w, "updated_at", j->updated_ms);
    jsonw_object(w, "watermark_info");
    jsonw_bool(w, "enabled", 0);
    jsonw_end_object(w);
    jsonw_string(w, "final_unit_deduction", "0");
    write_ours(w, s, j, base);
    if (j->state == JOB_SUCCEEDED) {
        jsonw_object(w, "task_result");
        jsonw_array(w, job_pictures(j) ? "images" : "videos");
        write_results(w, s, j, base, KLING_1);
        jsonw_end_array(w);
        jsonw_end_object(w);
    }
}

static void task_2(struct jsonw *w, struct server *s, const struct job *j, const char *base)
{
    char id[32];

    snprintf(id, sizeof id, "%lld", (long long)j->id);
    jsonw_string(w, "id", id);
    jsonw_string(w, "status", kling_status(j->state, KLING_2));
    jsonw_string(w, "message", why_failed(j));
    jsonw_int(w, "create_time", j->created_ms);
    jsonw_int(w, "update_time", j->updated_ms);
    jsonw_string(w, "external_id", j->external_id ? j->external_id : "");
    write_ours(w, s, j, base);
    jsonw_array(w, "outputs");
    if (j->state == JOB_SUCCEEDED)
        write_results(w, s, j, base, KLING_2);
    jsonw_end_array(w);
    jsonw_array(w, "billing");
    jsonw_end_array(w);
}

void kling_task(struct jsonw *w, const char *key, struct server *s, const struct job *j,
                const char *base, enum kling_form form)
{
    jsonw_object(w, key);
    if (form == KLING_1)
        task_1(w, s, j, base);
    else
        task_2(w, s, j, base);
    jsonw_end_object(w);
}
