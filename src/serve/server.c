#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/clock.h"
#include "base/file.h"
#include "serve/callbacks.h"
#include "serve/film_file.h"
#include "serve/http.h"
#include "serve/jobs_share.h"
#include "serve/keeper.h"
#include "serve/kept.h"
#include "serve/keys.h"
#include "serve/log.h"
#include "serve/names.h"
#include "serve/reader.h"
#include "serve/scene.h"
#include "serve/worker.h"

#define LEASE_LEAST_S 0.1

void serve_options_init(struct serve_options *o)
{
    *o = (struct serve_options){.listen = "127.0.0.1:8700",
                                .listen_fd = -1,
                                .queue_most = 1000,
                                .workers = 1,
                                .idle_s = 300,
                                .head_s = 10,
                                .body_s = 60,
                                .seconds_most = 60,
                                .live_yield_s = 60,
                                .live_alone_s = 10,
                                .live_ahead_bytes = 64 << 10,
                                .lease_s = JOBS_LEASE_MS / 1000,
                                .stall_s = SERVE_STALL_S};
}

int64_t server_free_bytes(const struct server *s)
{
    struct statvfs v;

    return statvfs(s->work_dir, &v) ? INT64_MAX : (int64_t)v.f_bavail * (int64_t)v.f_frsize;
}

void server_log_list(struct server *s, const char *const *list)
{
    log_line(s->o.log, list);
}

void server_work_waits(struct server *s)
{
    worker_wake(s->worker);
    http_work_waits(s->http);
}

const char *server_says(const struct server *s, const struct err *e)
{
    int tells = e->code == ERR_USAGE || e->code == ERR_FIT || e->code == ERR_FORMAT;

    if (tells && !strstr(e->msg, s->o.data) && !strstr(e->msg, zt_model_get(s->model, "path")))
        return e->msg;
    return "the server could not do this; its log says why";
}

static void own_strings(struct server *s)
{
    const char **const text[] = {&s->o.listen,     &s->o.data,  &s->o.keys,  &s->o.model,
                                 &s->o.public_url, &s->o.store, &s->o.models};

    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        s->text[i] = *text[i] ? xstrdup(*text[i]) : NULL;
        *text[i] = s->text[i];
    }
    size_t n = s->o.public_url ? strlen(s->o.public_url) : 0;
    if (n && s->o.public_url[n - 1] == '/')
        s->text[4][n - 1] = '\0';
}

static int make_dirs(struct server *s, struct err *e)
{
    struct {
        const char *name;
        char **path;
    } dirs[] = {{"film", &s->film_dir},
                {"picture", &s->picture_dir},
                {"preview", &s->preview_dir},
                {"work", &s->work_dir}};
    int rc = dir_make(s->o.data, e);

    for (size_t i = 0; !rc && i < sizeof dirs / sizeof *dirs; i++) {
        *dirs[i].path = path_join(s->o.data, dirs[i].name);
        rc = dir_make(*dirs[i].path, e);
    }
    return rc;
}

static int check_options(const struct server *s, struct err *e)
{
    const char *u = s->o.public_url;

    if (!(s->o.lease_s >= LEASE_LEAST_S))
        return err_set(e, ERR_USAGE, "lease: %g to 3600 seconds are allowed", LEASE_LEAST_S);
    if (u &&
        ((strncmp(u, "http://", 7) && strncmp(u, "https://", 8)) || u[strcspn(u, " \r\n\"'<>\\")]))
        return err_set(e, ERR_USAGE, "public-url: \"%.100s\" is no http:// or https:// address", u);
    return 0;
}

/* Another server wrote this job. */
static void other_changed(void *arg, int64_t id)
{
    struct server *s = arg;
    struct job j;
    struct err e;

    if (jobs_get(s->jobs, NULL, id, &j, &e) <= 0)
        return;
    if (j.cancel_requested)
        worker_cancel(s->worker, id);
    if (j.state == JOB_QUEUED)
        server_work_waits(s);
    board_change(s->board, id, keys_tenant(s->keys, j.tenant));
    job_release(&j);
}

int serve_start(struct server **out, const struct serve_options *o, struct err *e)
{
    struct server *s = xcalloc(1, sizeof *s);
    int rc;

    s->o = *o;
    s->started_s = clock_s();
    own_strings(s);
    rc = check_options(s, e);
    if (!rc)
        rc = reader_new(&s->reader, e);
    if (!rc)
        rc = keys_open(&s->keys, s->o.keys, e);
    if (!rc)
        rc = names_open(&s->names, s->o.models, e);
    if (!rc)
        rc = e->code = zt_model_open(&s->model, s->o.model, e->msg, sizeof e->msg);
    if (!rc)
        rc = make_dirs(s, e);
    if (!rc)
        rc = jobs_open_at(&s->jobs, s->o.data, s->o.store, e);
    if (!rc)
        rc = jobs_lease(s->jobs, s->o.lease_s, e);
    if (!rc) {
        film_files_sweep(s);
        s->board = board_new((uint64_t)jobs_now_ms(), http_changed, s);
        s->scene = scene_new(s);
        rc = kept_start(&s->kept, s, e);
    }
    if (!rc)
        rc = http_start(&s->http, s, e);
    if (!rc) {
        s->url = s->o.public_url
                     ? xstrdup(s->o.public_url)
                     : xasprintf("http://%s:%d", http_host(s->http), http_port(s->http));
        rc = worker_start(&s->worker, s, e);
    }
    if (!rc)
        rc = callbacks_start(&s->callbacks, s, e);
    if (!rc)
        rc = keeper_start(&s->keeper, s, e);
    if (!rc) {
        jobs_watch(s->jobs, other_changed, s);
        rc = http_serve(s->http, e); /* the last: a call may wait already */
    }
    *out = s;
    if (rc)
        serve_stop(out, 0);
    else
        server_log(s, "started", "url", s->url);
    return rc;
}

static int say_reload(struct server *s, const char *file, int rc, const struct err *e)
{
    if (file && rc)
        server_log(s, "reload-failed", "file", file, "why", e->msg, "now", "as before");
    else if (file)
        server_log(s, "reloaded", "file", file);
    return rc;
}

int serve_reload(struct server *s, struct err *e)
{
    struct err keys = {0}, names = {0};
    int rc = say_reload(s, s->o.keys, keys_reload(s->keys, &keys), &keys);

    if (s->o.keys && !rc)
        http_keys_changed(s->http);
    int also = say_reload(s, s->o.models, names_reload(s->names, &names), &names);
    *e = rc ? keys : names;
    return rc ? rc : also;
}

void serve_knock(struct server *s)
{
    int64_t n[JOB_CANCELLED + 1];

    jobs_counts(s->jobs, n);
}

int serve_port(const struct server *s)
{
    return http_port(s->http);
}

const char *serve_url(const struct server *s)
{
    return s->url;
}

void serve_stop(struct server **server, double drain_s)
{
    struct server *s = *server;

    if (!s)
        return;
    atomic_store(&s->draining, 1);
    if (s->jobs)
        jobs_watch(s->jobs, NULL, NULL);
    if (s->worker && worker_stop(s->worker, drain_s)) {
        server_log(s, "ended", "why", "the thread that draws hangs and cannot be interrupted");
        return;
    }
    keeper_stop(&s->keeper);
    __atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
    callbacks_stop(&s->callbacks);
    if (s->scene)
        scene_stop(s->scene);
    http_stop(&s->http);
    kept_stop(&s->kept);
    worker_free(&s->worker); /* calls wake it, or cancel what it draws */
    scene_free(&s->scene);
    reader_free(&s->reader);
    if (s->url)
        server_log(s, "ended");
    board_free(&s->board);
    jobs_close(&s->jobs);
    zt_model_free(&s->model);
    keys_free(&s->keys);
    names_free(&s->names);
    for (size_t i = 0; i < sizeof s->text / sizeof *s->text; i++)
        free(s->text[i]);
    free(s->film_dir), free(s->picture_dir), free(s->preview_dir), free(s->work_dir);
    free(s->url);
    free(s);
    *server = NULL;
}
