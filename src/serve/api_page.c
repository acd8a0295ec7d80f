/* api_page.c - the page, files by signed addresses, models, health. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "serve/api.h"
#include "serve/jobs_share.h"
#include "serve/names.h"
#include "serve/order.h"
#include "serve/pictures.h"
#include "serve/retain.h"
#include "serve/scene.h"
#include "serve/worker.h"

/* ---- the page: files of web/, linked into the program (mk/compile.mk) ---- */

/* clang-format off */
#define PAGE_FILES(X)                                                                              \
    X(index_html, "/") X(style_css, "/style.css") X(icon_svg, "/icon.svg")                         \
    X(theme_js, "/theme.js") X(app_js, "/app.js") X(api_js, "/api.js") X(camera_js, "/camera.js") \
    X(compose_js, "/compose.js") X(dom_js, "/dom.js") X(drawing_js, "/drawing.js")                 \
    X(film_js, "/film.js") X(films_js, "/films.js") X(gallery_js, "/gallery.js") X(live_js, "/live.js") \
    X(player_js, "/player.js") X(queue_js, "/queue.js") X(stage_js, "/stage.js")                   \
    X(strings_js, "/strings.js") X(openapi_json, "/openapi.json")
/* clang-format on */

#define PAGE_FILE(name, path)                                                                      \
    extern const char _binary_##name##_start[], _binary_##name##_end[];                            \
    static void name(struct call *c)                                                               \
    {                                                                                              \
        page_file(c, _binary_##name##_start, _binary_##name##_end);                                \
    }
#define PAGE_ROW(name, path) {"GET", path, name, STYLE_OPENAI, ROUTE_OPEN, BODY_NONE},

static const char *type_of_path(const char *path)
{
    static const char *const types[][2] = {{".js", "text/javascript; charset=utf-8"},
                                           {".css", "text/css; charset=utf-8"},
                                           {".svg", "image/svg+xml"},
                                           {".json", "application/json"}};
    const char *dot = strrchr(path, '.');

    for (size_t i = 0; dot && i < sizeof types / sizeof *types; i++)
        if (!strcmp(dot, types[i][0]))
            return types[i][1];
    return "text/html; charset=utf-8";
}

static void page_file(struct call *c, const char *start, const char *end)
{
    buf_add(&c->out, start, (size_t)(end - start));
    c->type = type_of_path(c->path);
    call_reply_header(c, "Content-Security-Policy",
                      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
                      "media-src 'self'; connect-src 'self'; form-action 'none'; base-uri "
                      "'none'; frame-ancestors 'none'; require-trusted-types-for 'script'");
    call_reply_header(c, "Referrer-Policy", "no-referrer");
    call_reply_header(c, "Cross-Origin-Opener-Policy", "same-origin");
    call_reply_header(c, "Cache-Control", "no-cache");
}

PAGE_FILES(PAGE_FILE)

/* ---- films and pictures by signed addresses ---- */

/* The job whose file the address names; -1: the call has failed. */
static int signed_job(struct call *c, struct job *j)
{
    int64_t id = call_id(c, 0, "");
    struct err e;
    int rc = -1, found = 0;

    if (id > 0 && !call_is_signed(c))
        call_fail(c, FAULT_FORBIDDEN, NULL, "the address is not signed, or has expired");
    else if (id > 0 && (found = jobs_get(c->s->jobs, NULL, id, j, &e)) < 0)
        call_fail_err(c, &e);
    else if (id > 0 && !found)
        call_fail(c, FAULT_NO_SUCH, NULL, "no such video");
    else if (id > 0)
        rc = 0;
    return rc;
}

static void film(struct call *c)
{
    struct job j;

    if (signed_job(c, &j))
        return;
    if (retain_is_gone(c, &j))
        ;
    else if (j.state == JOB_SUCCEEDED && !job_pictures(&j))
        reply_file(c, c->s->film_dir, j.result, "video/mp4", j.result_sha);
    else
        call_fail(c, FAULT_NO_SUCH, NULL, "the video is not done");
    job_release(&j);
}

static void picture(struct call *c)
{
    struct job j;
    int64_t n;

    if (signed_job(c, &j))
        return;
    if (retain_is_gone(c, &j))
        ;
    else if (j.state == JOB_SUCCEEDED && job_pictures(&j) && !parse_int(c->arg[1], &n) && n >= 0 &&
             n < PICTURES_MOST)
        reply_picture(c, &j, (int)n);
    else
        call_fail(c, FAULT_NO_SUCH, NULL, "there is no such picture");
    job_release(&j);
}

static void preview(struct call *c)
{
    struct job j;
    char name[40];

    if (signed_job(c, &j))
        return;
    snprintf(name, sizeof name, "%lld.png", (long long)j.id);
    reply_file(c, c->s->preview_dir, name, "image/png", NULL);
    job_release(&j);
}

/* ---- models and health ---- */

static void write_model(struct jsonw *w, struct server *s, const char *name, const char *key)
{
    jsonw_object(w, key);
    jsonw_string(w, "id", name);
    jsonw_string(w, "object", "model");
    jsonw_int(w, "created", 0);
    jsonw_string(w, "owned_by", "zoetrope");
    jsonw_string(w, "description", zt_model_get(s->model, "description"));
    jsonw_string(w, "is", zt_model_get(s->model, "name"));
    jsonw_end_object(w);
}

struct model_list {
    struct jsonw w;
    struct server *s;
};

static void write_name(void *arg, const char *name)
{
    struct model_list *l = arg;

    write_model(&l->w, l->s, name, NULL);
}

static void models(struct call *c)
{
    struct model_list l = {.s = c->s};
    struct jsonw *w = &l.w;

    jsonw_init(w, &c->out, 0);
    jsonw_object(w, NULL);
    jsonw_string(w, "object", "list");
    jsonw_array(w, "data");
    write_name(&l, zt_model_get(c->s->model, "name"));
    names_each(c->s->names, write_name, &l);
    jsonw_end_array(w);
    jsonw_end_object(w);
}

static void model(struct call *c)
{
    struct jsonw w;

    if (order_model(c, c->arg[0]))
        return;
    jsonw_init(&w, &c->out, 0);
    write_model(&w, c->s, c->arg[0], NULL);
}

/* 0: it takes no calls now, as it ends or its store is away, and another one may. */
static int write_health(struct call *c)
{
    struct server *s = c->s;
    int64_t n[JOB_CANCELLED + 1] = {0};
    struct jsonw w;

    if (!jobs_away(s->jobs))
        jobs_counts(s->jobs, n);
    jsonw_init(&w, &c->out, 0);
    jsonw_object(&w, NULL);
    const char *trouble = atomic_load(&s->draining) ? "draining" : NULL;
    if (jobs_away(s->jobs))
        trouble = "store-away";
    int stalled = worker_has_stalled(s->worker); /* all but drawing goes on */
    jsonw_string(&w, "status", trouble ? trouble : stalled ? "worker-stalled" : "ok");
    jsonw_string(&w, "version", zt_version());
    jsonw_int(&w, "uptime", (int64_t)(clock_s() - s->started_s));
    jsonw_int(&w, "queued", n[JOB_QUEUED]);
    jsonw_int(&w, "running", n[JOB_RUNNING] + n[JOB_FINALIZING]);
    jsonw_bool(&w, "live", scene_left_s(s->scene) >= 0);
    jsonw_bool(&w, "model_loaded", worker_has_model(s->worker));
    jsonw_end_object(&w);
    call_reply_header(c, "Cache-Control", "no-store");
    return !trouble;
}

/* Does it live? Who starts again what does not would lose what is drawn while a server ends, and
 * gain nothing while the store is away. */
static void reply_live(struct call *c)
{
    (void)write_health(c);
}

/* Is it to be asked? */
static void reply_ready(struct call *c)
{
    if (!write_health(c))
        c->status = 503;
}

/* clang-format off */
static void gauge(struct buf *b, const char *name, const char *help, const char *type, double value)
{
    buf_printf(b, "# HELP zoetrope_%s %s\n# TYPE zoetrope_%s %s\nzoetrope_%s %.17g\n", name, help,
               name, type, name, value);
}

/* The text format of Prometheus. */
static void metrics(struct call *c)
{
    struct server *s = c->s;
    int64_t n[JOB_CANCELLED + 1];
    struct buf *b = &c->out;

    jobs_counts(s->jobs, n);
    buf_puts(b, "# HELP zoetrope_jobs Jobs in the store.\n# TYPE zoetrope_jobs gauge\n");
    for (int i = 0; i <= JOB_CANCELLED; i++)
        buf_printf(b, "zoetrope_jobs{state=\"%s\"} %lld\n", job_state_name((enum job_state)i),
                   (long long)n[i]);
    buf_puts(b, "# HELP zoetrope_films_total Films ended since the start.\n"
                "# TYPE zoetrope_films_total counter\n");
    for (int i = JOB_SUCCEEDED; i <= JOB_CANCELLED; i++)
        buf_printf(b, "zoetrope_films_total{state=\"%s\"} %ld\n",
                   job_state_name((enum job_state)i), atomic_load(&s->films[i]));
    buf_puts(b, "# HELP zoetrope_http_answers_total Answers since the start.\n"
                "# TYPE zoetrope_http_answers_total counter\n");
    for (int i = 2; i < 6; i++)
        buf_printf(b, "zoetrope_http_answers_total{status=\"%dxx\"} %ld\n", i,
                   atomic_load(&s->calls[i]));
    gauge(b, "drawing_seconds_total", "Time that films were drawn for.", "counter",
          (double)atomic_load(&s->drawing_ms) / 1000);
    gauge(b, "uptime_seconds", "Time since the start.", "gauge", clock_s() - s->started_s);
    gauge(b, "model_loaded", "1 while the model's weights are in memory.", "gauge",
          worker_has_model(s->worker));
    gauge(b, "worker_stalled", "1 while the thread that draws hangs.", "gauge",
          worker_has_stalled(s->worker));
    gauge(b, "disk_free_bytes", "Room on the disk of the data folder.", "gauge",
          (double)server_free_bytes(s));
    gauge(b, "resident_bytes", "Memory of the process.", "gauge", (double)machine_rss_bytes());
    c->type = "text/plain; version=0.0.4";
    call_reply_header(c, "Cache-Control", "no-store");
}

const struct route api_page[] = {
    PAGE_FILES(PAGE_ROW)
    {"GET", "/files/{}.mp4", film, STYLE_OPENAI, ROUTE_SIGNED, BODY_NONE},
    {"GET", "/files/{}/{}.png", picture, STYLE_OPENAI, ROUTE_SIGNED, BODY_NONE},
    {"GET", "/previews/{}.png", preview, STYLE_OPENAI, ROUTE_SIGNED, BODY_NONE},
    {"GET", "/v1/models", models, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/v1/models/{}", model, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/metrics", metrics, STYLE_OPENAI, 0, BODY_NONE},
    {"GET", "/healthz", reply_live, STYLE_OPENAI, ROUTE_OPEN, BODY_NONE},
    {"GET", "/readyz", reply_ready, STYLE_OPENAI, ROUTE_OPEN, BODY_NONE},
    {"GET", "/health", reply_ready, STYLE_OPENAI, ROUTE_OPEN, BODY_NONE},
    {0},
};
/* clang-format on */
