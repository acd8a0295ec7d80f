#include "serve/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "base/tree.h"
#include "format/json.h"
#include "net/net.h"
#include "serve/remote_state.h"
#include "zoetrope.h"

enum { WAIT_S = 20, PICTURE_BYTES = 64 << 20, FILES = 2 + DRAW_KEPT };

/* ---- while it is drawn ---- */

static int told(void *user, const struct live *l)
{
    struct remote *r = user;

    pthread_mutex_lock(&r->lock);
    r->live = *l;
    r->moved_s = clock_s();
    r->stalled = 0;
    int ends = r->lost || r->cancelled;
    pthread_mutex_unlock(&r->lock);
    return ends || remote_stops(r);
}

static int running(void *user, zt_job *job)
{
    struct remote *r = user;

    pthread_mutex_lock(&r->lock);
    r->running = job;
    int ends = r->lost || r->cancelled;
    pthread_mutex_unlock(&r->lock);
    return job && (ends || remote_stops(r));
}

static void failed(void *user, const char *what, const char *why)
{
    const struct remote *r = user;

    remote_log(r, what, "why", why);
}

/* ---- a job ---- */

struct wish {
    struct job job; /* first and last: names in picture_dir */
    double lease_s;
    struct {
        const char *name;
        char sha[65];
    } file[FILES];
};

static void take_wish(void *arg, struct jval root)
{
    const int64_t far = INT64_C(1) << 62;
    struct jval files = j_object(root, "files");
    struct wish *w = arg;

    w->job.id = j_int(root, "id", 1, far);
    w->job.fence = j_int(root, "fence", 1, far);
    w->lease_s = j_real(root, "lease", 0.01, 1e6);
    w->job.params = xstrdup(j_string(root, "params"));
    w->job.facts = xstrdup(j_string(root, "facts"));
    for (int i = 0; i < FILES; i++) {
        const char *name = i == 0 ? "first" : i == 1 ? "last" : draw_kept[i - 2];
        w->file[i].name = name;
        snprintf(w->file[i].sha, sizeof w->file[i].sha, "%s", j_string_or(files, name, ""));
    }
}

static int read_wish(struct wish *w, const struct buf *body, struct err *e)
{
    *w = (struct wish){0};
    return jdoc_take_text(buf_str(body), body->len, "job", take_wish, w, e);
}

static void hold(struct remote *r, const struct wish *w)
{
    double now = clock_s();

    pthread_mutex_lock(&r->carrying);
    pthread_mutex_lock(&r->lock);
    r->hold = w ? (struct remote_hold){w->job.id, w->job.fence} : (struct remote_hold){0, 0};
    r->held = w != NULL;
    r->lost = r->cancelled = r->stalled = 0;
    r->patience_s = w ? draw_patience_s(&w->job, r->o->stall_s) : 0;
    r->live = (struct live){.id = r->hold.id, .left_s = -1};
    r->lease_s = w ? w->lease_s : r->lease_s;
    r->lease_until_s = now + r->lease_s;
    r->moved_s = now;
    pthread_mutex_unlock(&r->lock);
    r->previews_sent = 0;
    memset(r->kept_sent, 0, sizeof r->kept_sent);
    __atomic_store_n(&r->halt, 0, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&r->carrying);
}

/* Until it is answered, the job is another's, or it has failed for longer than a server needs to be
 * started again. The status; negative: given up. */
enum { TRIES = 14 };
#define INSIST(r, status, call)                                                                    \
    for (int try_ = 0; (status = (call), status < 0 || status >= 500) && status != ERR_FORMAT &&   \
                       status != ERR_CANCEL && try_ < TRIES && remote_holds(r);                    \
         try_++)                                                                                   \
    remote_pause(remote_backoff(try_ < 3 ? try_ : 3))

/* A picture of the job, decoded where nothing can be lost and written anew, as the server does with
 * what clients give. */
static int fetch_picture(struct remote *r, struct wish *w, int i, char **name, struct err *e)
{
    char *text = xasprintf("%lld.%s", (long long)w->job.id, w->file[i].name);
    char *raw = path_join(r->work_dir, text), *to;
    struct buf file = BUF_INIT;
    struct picture p = {0};
    int status;

    *name = xasprintf("%s.png", text);
    to = path_join(r->picture_dir, *name);
    INSIST(r, status,
           remote_get(&r->link, &r->hold, w->file[i].name, w->file[i].sha, raw, &r->halt, e));
    int rc = status == 200 ? file_read(&file, raw, PICTURE_BYTES, e)
             : status < 0  ? err_set(e, ERR_CANCEL, "the server was not heard")
                           : err_set(e, ERR_IO, "the server has no %s picture", w->file[i].name);
    if (!rc)
        rc = reader_decode(r->reader, &file, &p, e);
    if (!rc)
        rc = picture_save(&p, to, e);
    unlink(raw);
    picture_release(&p);
    buf_release(&file);
    free(raw), free(to), free(text);
    return rc;
}

/* What another worker has reached. What does not come whole is drawn again. */
static void fetch_kept(struct remote *r, struct wish *w)
{
    char *dir = draw_kept_folder(r->work_dir, w->job.id);
    struct err e = {0};
    int ok = 1;

    (void)!tree_remove(dir, &e);
    if (*w->file[FILES - 1].sha && !dir_make(dir, &e)) {
        for (int i = 2; i < FILES && ok; i++) {
            char *path = path_join(dir, w->file[i].name);
            int status = 200;

            if (*w->file[i].sha)
                INSIST(r, status,
                       remote_get(&r->link, &r->hold, w->file[i].name, w->file[i].sha, path,
                                  &r->halt, &e));
            ok = status == 200;
            free(path);
        }
        if (!ok && tree_remove(dir, &e))
            remote_log(r, "step-not-removed", "why", e.msg);
        remote_log(r, ok ? "job-continued" : "job-begun-anew", "id", remote_number(w->job.id).s);
    }
    free(dir);
}

static int fetch(struct remote *r, struct wish *w, struct err *e)
{
    int rc = 0;

    fetch_kept(r, w);
    if (*w->file[0].sha)
        rc = fetch_picture(r, w, 0, &w->job.first, e);
    if (!rc && *w->file[1].sha)
        rc = fetch_picture(r, w, 1, &w->job.last, e);
    return rc;
}

/* ---- how it ends ---- */

static int put_picture(struct remote *r, const char *what, int64_t id, const char *ending,
                       struct err *e)
{
    char *name = xasprintf("%lld%s", (long long)id, ending),
         *path = path_join(r->preview_dir, name);
    int status = 200;

    if (file_exists(path))
        INSIST(r, status, remote_put(&r->link, &r->hold, what, path, &r->halt, e));
    free(path);
    free(name);
    return status;
}

/* The film's end and poster go before it: when it is shown they are there. The status. */
static int deliver(struct remote *r, const struct wish *w, const char *path, struct err *e)
{
    int status;

    put_picture(r, "end", w->job.id, ".last.png", e);
    put_picture(r, "preview", w->job.id, ".png", e);
    INSIST(r, status, remote_put(&r->link, &r->hold, "film", path, &r->halt, e));
    if (status == 200)
        remote_log(r, "film-delivered", "id", remote_number(w->job.id).s);
    else
        remote_log(r, "film-refused", "id", remote_number(w->job.id).s, "status",
                   remote_number(status).s);
    return status;
}

/* What a client may read: no names of files of this machine. */
static const char *worker_says(const struct remote *r, const struct err *e)
{
    int tells = e->code == ERR_USAGE || e->code == ERR_FIT || e->code == ERR_FORMAT;

    if (tells && !strstr(e->msg, r->o->data) && strlen(e->msg) < 400 &&
        !strstr(e->msg, zt_model_get(r->drawer.model, "path")))
        return e->msg;
    return "the worker could not do this; its log says why";
}

/* An object of n texts, each with its name. */
static void insist_on_telling(struct remote *r, const char *what, const char *const (*pair)[2],
                              int n)
{
    struct buf json = BUF_INIT;
    struct jsonw w;
    struct err e;
    int status;

    jsonw_init(&w, &json, 0);
    jsonw_object(&w, NULL);
    for (int i = 0; i < n; i++)
        jsonw_string(&w, pair[i][0], pair[i][1]);
    jsonw_end_object(&w);
    INSIST(r, status, remote_post(&r->link, &r->hold, what, buf_str(&json), NULL, &e));
    buf_release(&json);
}

/* Of a film that is drawn; it goes on without. */
static void noted(void *user, const char *note)
{
    const char *const pair[][2] = {{"note", note}};

    insist_on_telling(user, "beat", pair, 1);
}

static void say_failed(struct remote *r, const struct err *why, const char *code)
{
    const char *const pair[][2] = {{"code", code}, {"message", worker_says(r, why)}};

    insist_on_telling(r, "fail", pair, 2);
    remote_log(r, "film-failed", "id", remote_number(r->hold.id).s, "code", code, "why", why->msg);
}

/* Cancelled, or this worker ends: the job goes back, with what was reached. */
static void give_back(struct remote *r)
{
    struct err e;
    int status;

    __atomic_store_n(&r->halt, 0, __ATOMIC_RELAXED);
    if (!r->cancelled)
        remote_send_kept(r);
    INSIST(r, status, remote_post(&r->link, &r->hold, "release", "{}", NULL, &e));
    remote_log(r, r->cancelled ? "job-cancelled" : "job-released", "id",
               remote_number(r->hold.id).s);
}

static void clean(struct remote *r, const struct job *j)
{
    static const char *const endings[] = {".png", ".last.png"};
    char *dir = draw_kept_folder(r->work_dir, j->id);
    const char *const pictures[] = {j->first, j->last};
    struct err e;

    drawer_clean(&r->drawer, j);
    (void)!tree_remove(dir, &e);
    for (int i = 0; i < 2; i++) {
        char *file = xasprintf("%lld%s", (long long)j->id, endings[i]);
        char *path = path_join(r->preview_dir, file);
        unlink(path);
        free(path), free(file);
        path = pictures[i] ? path_join(r->picture_dir, pictures[i]) : NULL;
        if (path)
            unlink(path);
        free(path);
    }
    free(dir);
}

/* The film is there, or why it is not; `carrying` is held. */
static void end(struct remote *r, struct wish *w, const char *path, int rc, struct err *e)
{
    if (!rc) {
        int status = deliver(r, w, path, e);
        rc = status == 200 || status == 404 || status == 409 ? 0 : ERR_IO;
        if (status > 0 && rc)
            err_set(e, rc, "the server answers the film with status %d", status);
        else if (!rc)
            return;
    }
    if (!remote_holds(r))
        return;
    const char *code = drawer_code(&r->drawer, e);
    r->unfit = rc != ERR_CANCEL && !strcmp(code, "E_DISK_FULL"); /* no fault of the job */
    if (r->unfit)
        remote_log(r, "disk-full", "why", e->msg);
    if (r->cancelled || rc == ERR_CANCEL || remote_stops(r) || r->unfit)
        give_back(r);
    else
        say_failed(r, e, code);
}

static void work(struct remote *r, struct wish *w)
{
    char *path = draw_film_path(r->work_dir, &w->job);
    struct err e = {0};

    r->unfit = 0;
    hold(r, w);
    remote_log(r, "job-taken", "id", remote_number(w->job.id).s, "fence",
               remote_number(w->job.fence).s);
    int rc = fetch(r, w, &e);
    if (!rc)
        rc = drawer_draw(&r->drawer, &w->job, path, &e);
    if (!rc) /* a step on its way is not wanted now */
        __atomic_store_n(&r->halt, 1, __ATOMIC_RELAXED);
    pthread_mutex_lock(&r->carrying);
    if (!rc)
        __atomic_store_n(&r->halt, 0, __ATOMIC_RELAXED);
    end(r, w, path, rc, &e);
    pthread_mutex_unlock(&r->carrying);
    hold(r, NULL);
    clean(r, &w->job);
    free(path);
}

/* ---- asking for jobs ---- */

static void write_claim(const struct remote *r, struct buf *out)
{
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "owner", r->link.owner);
    jsonw_string(&w, "model", zt_model_get(r->drawer.model, "name"));
    jsonw_string(&w, "release", zt_model_get(r->drawer.model, "release"));
    jsonw_string(&w, "hash", zt_model_get(r->drawer.model, "hash"));
    jsonw_string(&w, "version", zt_version());
    jsonw_int(&w, "wait", WAIT_S);
    jsonw_end_object(&w);
}

/* The sentence of a refusal. */
static void read_refusal(const struct buf *body, int status, struct err *e)
{
    struct jdoc *doc = NULL;
    const char *says = "";

    if (!jdoc_parse(&doc, buf_str(body), body->len, "answer", NULL))
        says = j_string_or(j_object(jdoc_root(doc), "error"), "message", "");
    err_set(e, status == 401 || status == 403 || status == 404 ? ERR_USAGE : ERR_IO,
            "the server answers with status %d%s%.300s", status, *says ? ": " : "", says);
    jdoc_close(&doc);
}

/* Said once, until something else is so. */
static void say_once(struct remote *r, struct err *said, const struct err *now)
{
    if (strcmp(said->msg, now->msg))
        remote_log(r, *now->msg ? "server-not-reached" : "server-reached", "why", now->msg);
    *said = *now;
}

static int serve_jobs(struct remote *r, struct err *e)
{
    struct err said = {0}, now;
    struct buf claim = BUF_INIT, body = BUF_INIT;
    int rc = 0, tries = 0;

    write_claim(r, &claim);
    while (!rc && !remote_stops(r)) {
        double asked_s = clock_s();
        struct wish w;
        int status = remote_claim(&r->link, buf_str(&claim), r->stop, &body, &now);

        if (status > 0 && status != 200 && status != 204)
            read_refusal(&body, status, &now);
        else if (status >= 0)
            now = (struct err){0};
        if (remote_stops(r) && status != 200)
            break;
        say_once(r, &said, &now);
        if (status == 200) {
            if (!read_wish(&w, &body, &now))
                work(r, &w);
            job_release(&w.job);
        }
        if (now.code == ERR_USAGE) {
            *e = now;
            rc = now.code;
        }
        int good = status == 200 ? !r->unfit : status == 204 && clock_s() - asked_s > 1;
        tries = good ? 0 : tries + 1;
        for (double until_s = clock_s() + (tries ? remote_backoff(tries - 1) : 0);
             !rc && !remote_stops(r) && clock_s() < until_s;)
            remote_pause(0.1);
    }
    buf_release(&claim);
    buf_release(&body);
    return rc;
}

/* ---- start and end ---- */

static int make_dirs(struct remote *r, struct err *e)
{
    struct {
        const char *name;
        char **path;
    } dirs[] = {{"picture", &r->picture_dir}, {"preview", &r->preview_dir}, {"work", &r->work_dir}};
    int rc = dir_make(r->o->data, e);

    for (size_t i = 0; !rc && i < sizeof dirs / sizeof *dirs; i++) {
        *dirs[i].path = path_join(r->o->data, dirs[i].name);
        if (dir_exists(*dirs[i].path)) /* of a worker that was killed */
            rc = tree_remove(*dirs[i].path, e);
        if (!rc)
            rc = dir_make(*dirs[i].path, e);
    }
    return rc;
}

/* -1: another worker has the folder. */
static int lock_folder(const char *dir, struct err *e)
{
    char *path = path_join(dir, "lock");
    int fd = dir_make(dir, e) ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0)
        err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    else if (flock(fd, LOCK_EX | LOCK_NB)) {
        err_set(e, ERR_IO, "%s: another zoetrope worker has this folder", dir);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}

static int check(const struct remote_options *o, char *server, size_t size, struct err *e)
{
    size_t n = strlen(o->server);

    if ((strncmp(o->server, "http://", 7) && strncmp(o->server, "https://", 8)) || n >= size ||
        o->server[strcspn(o->server, " \r\n\"'<>\\?#")])
        return err_set(e, ERR_USAGE, "server: \"%.100s\" is no http:// or https:// address",
                       o->server);
    snprintf(server, size, "%s", o->server);
    while (n && server[n - 1] == '/')
        server[--n] = '\0';
    if (!*o->name || strlen(o->name) > 40 || !strncmp(o->name, "local-", 6) ||
        o->name[strspn(o->name,
                       "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")])
        return err_set(e, ERR_USAGE, "name: \"%.60s\" is not 1 to 40 letters, digits and -_.",
                       o->name);
    if (!net_present())
        return err_set(e, ERR_USAGE, "worker: this build has no libcurl");
    return 0;
}

static int run_threads(struct remote *r, struct err *e)
{
    pthread_t beats, carries;

    if (pthread_create(&beats, NULL, remote_beats, r))
        return err_set(e, ERR_IO, "no thread for leases: %s", strerror(errno));
    if (pthread_create(&carries, NULL, remote_carries, r))
        panic("no thread for the steps of films");
    remote_log(r, "started", "server", r->link.server, "owner", r->link.owner, "model",
               zt_model_get(r->drawer.model, "name"));
    int rc = serve_jobs(r, e);
    atomic_store(&r->ended, 1);
    pthread_join(beats, NULL);
    pthread_join(carries, NULL);
    remote_log(r, "ended");
    return rc;
}

int remote_run(const struct remote_options *o, const volatile sig_atomic_t *stop, struct err *e)
{
    struct remote r = {.o = o, .stop = stop, .lease_s = 30};
    char server[512];
    uint32_t random = (uint32_t)getpid();
    int rc = check(o, server, sizeof server, e), lock = -1;

    (void)!getentropy(&random, sizeof random);
    r.link = (struct remote_link){.server = server, .key = o->key, .plain = o->plain};
    snprintf(r.link.owner, sizeof r.link.owner, "%.40s-%08x", o->name, random);
    pthread_mutex_init(&r.lock, NULL);
    pthread_mutex_init(&r.carrying, NULL);
    if (!rc)
        rc = (lock = lock_folder(o->data, e)) < 0 ? e->code : make_dirs(&r, e);
    if (!rc)
        rc = reader_new(&r.reader, e);
    r.drawer = (struct drawer){.model_name = o->model,
                               .picture_dir = r.picture_dir,
                               .preview_dir = r.preview_dir,
                               .work_dir = r.work_dir,
                               .threads = o->threads,
                               .device = o->device,
                               .user = &r,
                               .told = told,
                               .running = running,
                               .failed = failed,
                               .noted = noted};
    if (!rc)
        rc = drawer_open(&r.drawer, e);
    if (!rc)
        rc = run_threads(&r, e);
    zt_model_free(&r.drawer.model);
    reader_free(&r.reader);
    if (lock >= 0)
        close(lock);
    free(r.picture_dir), free(r.preview_dir), free(r.work_dir);
    pthread_mutex_destroy(&r.lock);
    pthread_mutex_destroy(&r.carrying);
    return rc;
}
