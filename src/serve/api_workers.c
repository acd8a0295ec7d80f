/* api_workers.c - /v1/workers: jobs for workers on other machines (remote.h), and what they send.
 *
 * A worker asks for a job and waits; from then on each call of it carries the owner and the fence
 * it was given. What comes later than its lease finds the job to be another's: 409. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/utf8.h"
#include "serve/api.h"
#include "serve/draw.h"
#include "serve/film_file.h"
#include "serve/kept.h"
#include "serve/keys.h"
#include "serve/order.h"
#include "serve/pictures.h"

enum { OWNER_MOST = 64, WAIT_MOST_S = 30, MESSAGE_MOST = 400, PREVIEW_BYTES = 4 << 20 };

/* ---- a job for who asks ---- */

static int is_owner(const char *name)
{
    size_t n = strlen(name);

    return n && n <= OWNER_MOST && strncmp(name, "local-", 6) &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

/* 1: by the weights where both know them, else by name and release. */
static int has_our_model(struct call *c, struct jval body)
{
    const char *hash = zt_model_get(c->s->model, "hash"), *said = j_string_or(body, "hash", "");

    if (hash && *said)
        return !strcmp(hash, said);
    return !strcmp(zt_model_get(c->s->model, "name"), j_string(body, "model")) &&
           !strcmp(zt_model_get(c->s->model, "release"), j_string_or(body, "release", ""));
}

/* A job must not go to somebody who has hung up. */
static int is_there(const struct call *c)
{
    const union MHD_ConnectionInfo *i =
        MHD_get_connection_info(c->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
    char byte;

    return recv(i->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}

static char *kept_path(const struct server *s, int64_t id, const char *name)
{
    char *dir = draw_kept_folder(s->work_dir, id), *path = path_join(dir, name);

    free(dir);
    return path;
}

static void write_file(struct jsonw *w, const char *key, const char *path)
{
    char sha[65];
    int64_t bytes;

    if (file_exists(path) && !sha256_file(path, sha, &bytes, NULL))
        jsonw_string(w, key, sha);
}

/* What the worker is to fetch, by name, with its hash. */
static void write_files(struct jsonw *w, struct server *s, const struct job *j)
{
    char *first = j->first ? path_join(s->picture_dir, j->first) : NULL;
    char *last = j->last ? path_join(s->picture_dir, j->last) : NULL;

    jsonw_object(w, "files");
    if (first) {
        (void)film_file_fetch(s, s->picture_dir, j->first, 0);
        write_file(w, "first", first);
    }
    if (last) {
        (void)film_file_fetch(s, s->picture_dir, j->last, 0);
        write_file(w, "last", last);
    }
    for (int i = 0; i < DRAW_KEPT; i++) {
        char *path = kept_path(s, j->id, draw_kept[i]);
        write_file(w, draw_kept[i], path);
        free(path);
    }
    jsonw_end_object(w);
    free(first);
    free(last);
}

static void reply_job(struct call *c, const struct job *j, const char *owner)
{
    struct live live = {.id = j->id, .left_s = -1};
    struct server *s = c->s;
    struct jsonw w;
    char id[24];

    kept_fetch(s, j);
    jsonw_init(&w, &c->out, 0);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "id", j->id);
    jsonw_int(&w, "fence", j->fence);
    jsonw_real(&w, "lease", s->o.lease_s);
    jsonw_string(&w, "params", j->params);
    jsonw_string(&w, "facts", j->facts);
    write_files(&w, s, j);
    jsonw_end_object(&w);
    snprintf(id, sizeof id, "%lld", (long long)j->id);
    server_log(s, "job-taken", "id", id, "owner", owner);
    board_live(s->board, &live, keys_tenant(s->keys, j->tenant));
    order_queue_changed(s);
}

static void take(struct call *c, const char *owner, double wait_s)
{
    struct job j = {0};
    struct err e;
    int rc;

    if (c->wait_until <= 0)
        c->wait_until = clock_s() + wait_s;
    if (atomic_load(&c->s->draining) || !is_there(c)) {
        call_fail(c, FAULT_BUSY, NULL, "the server is ending; ask again");
        return;
    }
    rc = jobs_claim(c->s->jobs, owner, &j, &e);
    if (rc > 0)
        reply_job(c, &j, owner);
    else if (rc < 0)
        call_fail_err(c, &e);
    else
        c->again = clock_s() < c->wait_until;
    if (!rc)
        c->status = 204;
    job_release(&j);
}

static void claim(struct call *c)
{
    struct jdoc *doc = call_json(c);
    struct err e;

    if (!doc)
        return;
    struct jval body = jdoc_root(doc);
    const char *owner = j_string(body, "owner");
    double wait_s = j_real_or(body, "wait", 0, WAIT_MOST_S, 0);
    int ours = has_our_model(c, body);
    if (jdoc_status(doc, &e))
        call_fail_err(c, &e);
    else if (!is_owner(owner))
        call_fail(c, FAULT_VALUE, "owner", "owner: 1 to %d letters, digits and -_.", OWNER_MOST);
    else if (!ours)
        call_fail(c, FAULT_CONFLICT, "model", "model: films here are drawn by %s, release %s",
                  zt_model_get(c->s->model, "name"), zt_model_get(c->s->model, "release"));
    else
        take(c, owner, wait_s);
    jdoc_close(&doc);
}

/* ---- while it is drawn ---- */

static void fail_held(struct call *c, int64_t id)
{
    struct job j;
    struct err e;
    int rc = jobs_get(c->s->jobs, NULL, id, &j, &e);

    if (rc < 0)
        call_fail_err(c, &e);
    else if (!rc)
        call_fail(c, FAULT_NO_SUCH, NULL, "no such job");
    else
        call_fail(c, FAULT_CONFLICT, NULL, "the job is not this worker's any more");
    job_release(&j);
}

/* Owner and fence of the address. 0; -1: the call has failed. */
static int read_holder(struct call *c, struct buf *owner, int64_t *fence)
{
    struct buf number = BUF_INIT;
    int ok = call_query(c, "owner", owner) && is_owner(buf_str(owner)) &&
             call_query(c, "fence", &number) && !parse_int(buf_str(&number), fence);

    buf_release(&number);
    if (!ok)
        call_fail(c, FAULT_VALUE, NULL, "?owner=NAME&fence=NUMBER of the job are needed");
    return ok ? 0 : -1;
}

/* The job of the address, drawn by who asks. 0; -1: the call has failed. */
static int held_job(struct call *c, struct job *j)
{
    struct buf owner = BUF_INIT;
    int64_t id = call_id(c, 0, ""), fence;
    struct err e;
    int rc = id < 0 || read_holder(c, &owner, &fence) ? -1 : 1;

    if (rc > 0) {
        rc = jobs_held(c->s->jobs, id, fence, buf_str(&owner), j, &e);
        if (rc < 0)
            call_fail_err(c, &e);
        else if (!rc)
            fail_held(c, id);
    }
    buf_release(&owner);
    return rc > 0 ? 0 : -1;
}

static void reply_lease(struct call *c, const struct job *j)
{
    struct jsonw w;

    jsonw_init(&w, &c->out, 0);
    jsonw_object(&w, NULL);
    jsonw_bool(&w, "cancel", j->cancel_requested);
    jsonw_real(&w, "lease", c->s->o.lease_s);
    jsonw_end_object(&w);
}

/* What a store that was asked to write says; 1: written. */
static int wrote(struct call *c, int rc, const struct err *e)
{
    if (rc < 0)
        call_fail_err(c, e);
    else if (!rc)
        call_fail(c, FAULT_CONFLICT, NULL, "the job is not this worker's any more");
    return rc > 0;
}

static void read_live(struct jval body, struct live *live)
{
    *live = (struct live){.left_s = -1};
    snprintf(live->stage, sizeof live->stage, "%s", j_string_or(body, "stage", ""));
    live->done = (int)j_int_or(body, "done", 0, INT32_MAX, 0);
    live->total = (int)j_int_or(body, "total", 0, INT32_MAX, 0);
    live->step = (int)j_int_or(body, "step", 0, INT32_MAX, 0);
    live->steps = (int)j_int_or(body, "steps", 0, INT32_MAX, 0);
    live->part = j_real_or(body, "part", 0, 1, 0);
}

static void show_live(struct server *s, const struct job *j, struct live *live)
{
    struct live was;

    live->id = j->id;
    live->previews = board_get(s->board, j->id, &was) ? was.previews : 0;
    board_live(s->board, live, keys_tenant(s->keys, j->tenant));
}

/* As jobs_beat, of a film that is drawn. */
static int take_note(struct server *s, const struct job *j, const char *note, struct err *e)
{
    struct buf facts = BUF_INIT;
    int rc = 1;

    if (job_noted(j, note, &facts))
        rc = jobs_noted(s->jobs, j->id, j->fence, buf_str(&facts), e);
    buf_release(&facts);
    return rc;
}

static int take_beat(struct server *s, const struct job *j, struct live *live, struct err *e)
{
    int rc = jobs_beat(s->jobs, j->id, j->fence, live->step, live->steps, e);

    if (rc > 0)
        show_live(s, j, live);
    return rc;
}

static void beat(struct call *c)
{
    struct jdoc *doc = call_json(c);
    struct job j = {0};
    struct live live;
    struct err e;

    if (!doc)
        return;
    read_live(jdoc_root(doc), &live);
    const char *note = j_string_or(jdoc_root(doc), "note", NULL);
    if (jdoc_status(doc, &e)) {
        call_fail_err(c, &e);
    } else if (!held_job(c, &j) &&
               wrote(c, note ? take_note(c->s, &j, note, &e) : take_beat(c->s, &j, &live, &e),
                     &e)) {
        reply_lease(c, &j);
    }
    job_release(&j);
    jdoc_close(&doc);
}

/* ---- what it sends ---- */

static int move_to(struct call *c, const char *path)
{
    if (!rename(c->file, path)) {
        free(c->file);
        c->file = NULL;
        return 0;
    }
    call_fail(c, errno == ENOSPC ? FAULT_DISK : FAULT_SERVER, NULL, "it could not be kept");
    return -1;
}

/* The bytes are one PNG from end to end. */
static int is_png(const struct call *c)
{
    struct buf file = BUF_INIT;
    size_t from, bytes;
    int ok = !file_read(&file, c->file, BODY_PICTURES, NULL) &&
             !pictures_find(&file, 0, &from, &bytes) && bytes == file.len;

    buf_release(&file);
    return ok;
}

static void take_picture(struct call *c, const struct job *j, const char *ending)
{
    char *name = xasprintf("%lld%s", (long long)j->id, ending);
    char *path = path_join(c->s->preview_dir, name);
    struct live live;

    if (!is_png(c))
        call_fail(c, FAULT_MEDIA, NULL, "the body is no PNG");
    else if (!move_to(c, path) && board_get(c->s->board, j->id, &live)) {
        live.previews++;
        board_live(c->s->board, &live, keys_tenant(c->s->keys, j->tenant));
    }
    free(path);
    free(name);
}

static void take_preview(struct call *c, const struct job *j)
{
    take_picture(c, j, ".png");
}

static void take_last(struct call *c, const struct job *j)
{
    take_picture(c, j, ".last.png");
}

/* A piece of what has been reached, as journal.h writes it. Each is whole, and knows to which of
 * the others it belongs: they may come one after the other, and the last of them never. */
static void take_kept(struct call *c, const struct job *j)
{
    char *dir = draw_kept_folder(c->s->work_dir, j->id), *path = path_join(dir, c->arg[1]);
    struct err e;

    if (dir_make(dir, &e))
        call_fail_err(c, &e);
    else if (!move_to(c, path))
        kept_hold(c->s->kept, j->id, j->fence);
    free(dir);
    free(path);
}

/* A film, or pictures one behind the other. */
static int looks_right(const struct call *c, const struct job *j)
{
    struct buf file = BUF_INIT;
    int n = job_pictures(j), ok;
    size_t from, bytes;

    if (n) {
        ok = !file_read(&file, c->file, BODY_FILM, NULL) &&
             !pictures_find(&file, n - 1, &from, &bytes) && from + bytes == file.len;
    } else {
        FILE *f = fopen(c->file, "rbe");
        char head[8] = "";
        ok = f && fread(head, 1, sizeof head, f) == sizeof head && !memcmp(head + 4, "ftyp", 4);
        if (f)
            fclose(f);
    }
    buf_release(&file);
    return ok;
}

static void keep_film(struct call *c, const struct job *j, const char *path)
{
    struct server *s = c->s;
    struct err e;

    if (!wrote(c, film_file_hand_in(s, j, path, 0, &e), &e)) /* it comes again */
        return;
    work_forget(s, j->id);
    atomic_fetch_add(&s->films[JOB_SUCCEEDED], 1);
    atomic_fetch_add(&s->drawing_ms, (long)(jobs_now_ms() - j->started_ms));
    board_over(s->board, j->id);
    board_change(s->board, j->id, keys_tenant(s->keys, j->tenant));
}

static void take_film(struct call *c, const struct job *j)
{
    char *path = draw_film_path(c->s->work_dir, j);

    if (!looks_right(c, j))
        call_fail(c, FAULT_MEDIA, NULL, "the body is no film, or not the pictures of the job");
    else if (!move_to(c, path))
        keep_film(c, j, path);
    unlink(path);
    free(path);
}

static const struct piece {
    const char *name;
    int most; /* bytes */
    void (*take)(struct call *c, const struct job *j);
} PIECES[] = {
    {"preview", PREVIEW_BYTES, take_preview}, {"end", BODY_PICTURES, take_last},
    {"job.json", 4 << 20, take_kept},         {"windows", BODY_FILM, take_kept},
    {"step", BODY_FILM, take_kept},           {"film", BODY_FILM, take_film},
};

/* The film was taken, and the worker has not heard it: it is told again. */
static int is_again(struct call *c, const char *sha)
{
    struct job j = {0};
    struct buf owner = BUF_INIT;
    int64_t fence = 0, id = call_id(c, 0, "");
    struct err e;
    int yes = id > 0 && !strcmp(c->arg[1], "film") && !read_holder(c, &owner, &fence) &&
              jobs_get(c->s->jobs, NULL, id, &j, &e) > 0 && j.state == JOB_SUCCEEDED &&
              j.fence == fence && !strcmp(j.result_sha, sha);

    buf_release(&owner);
    job_release(&j);
    return yes;
}

/* 1: what came is what was sent. */
static int is_whole(struct call *c, const struct piece *p, char sha[65])
{
    struct buf said = BUF_INIT;

    if (c->file)
        sha256_hex(&c->sum, sha);
    int ok = c->file && call_query(c, "sha256", &said) && !strcmp(buf_str(&said), sha);
    buf_release(&said);
    if (!ok)
        call_fail(c, FAULT_VALUE, "sha256", "sha256: not the hash of the body");
    else if (c->body_bytes > (size_t)p->most)
        call_fail(c, FAULT_TOO_LARGE, NULL, "%s may have %d bytes at most", p->name, p->most);
    return ok && c->body_bytes <= (size_t)p->most;
}

static void put(struct call *c)
{
    const struct piece *p = NULL;
    struct job j = {0};
    char sha[65] = "";

    for (size_t i = 0; i < sizeof PIECES / sizeof *PIECES; i++)
        if (!strcmp(c->arg[1], PIECES[i].name))
            p = &PIECES[i];
    if (!p)
        call_fail(c, FAULT_NO_SUCH, NULL, "a job takes no %.40s", c->arg[1]);
    else if (is_whole(c, p, sha) && !is_again(c, sha) && !held_job(c, &j))
        p->take(c, &j);
    if (c->status == 200)
        buf_puts(&c->out, "{}");
    job_release(&j);
}

/* ---- what it fetches ---- */

static void get(struct call *c)
{
    const char *name = c->arg[1];
    struct job j = {0};

    if (held_job(c, &j))
        return;
    const char *picture = !strcmp(name, "first") ? j.first : !strcmp(name, "last") ? j.last : NULL;
    int known = picture != NULL;
    for (int i = 0; i < DRAW_KEPT; i++)
        known |= !strcmp(name, draw_kept[i]);
    char *dir = draw_kept_folder(c->s->work_dir, j.id);
    if (!known)
        call_fail(c, FAULT_NO_SUCH, NULL, "the job has no %.40s", name);
    else
        reply_file(c, picture ? c->s->picture_dir : dir, picture ? picture : name,
                   "application/octet-stream", NULL);
    free(dir);
    job_release(&j);
}

/* ---- how it ends without a film ---- */

static void over(struct call *c, const struct job *j, enum job_state how)
{
    struct server *s = c->s;

    if (how == JOB_QUEUED)
        server_work_waits(s);
    else
        work_forget(s, j->id);
    if (how == JOB_FAILED || how == JOB_CANCELLED)
        atomic_fetch_add(&s->films[how], 1);
    board_over(s->board, j->id);
    board_change(s->board, j->id, keys_tenant(s->keys, j->tenant));
    order_queue_changed(s);
    buf_puts(&c->out, "{}");
}

static int is_code(const char *code)
{
    return !strncmp(code, "E_", 2) && strlen(code) < 32 &&
           strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(code);
}

static void fail(struct call *c)
{
    struct jdoc *doc = call_json(c);
    struct job j = {0};
    struct err e;

    if (!doc)
        return;
    const char *code = j_string(jdoc_root(doc), "code");
    const char *message = j_string(jdoc_root(doc), "message");
    if (jdoc_status(doc, &e))
        call_fail_err(c, &e);
    else if (!is_code(code) || strlen(message) > MESSAGE_MOST)
        call_fail(c, FAULT_VALUE, "code", "code: E_..., message: at most %d bytes", MESSAGE_MOST);
    else if (!held_job(c, &j) &&
             wrote(c, jobs_fail(c->s->jobs, j.id, j.fence, code, message, &e), &e))
        over(c, &j, JOB_FAILED);
    job_release(&j);
    jdoc_close(&doc);
}

/* The worker ends, or was told that the job is cancelled. */
static void release(struct call *c)
{
    struct job j = {0};
    struct err e;

    if (held_job(c, &j))
        return;
    if (j.cancel_requested) {
        if (wrote(c, jobs_cancelled(c->s->jobs, j.id, j.fence, &e), &e))
            over(c, &j, JOB_CANCELLED);
    } else {
        kept_send(c->s->kept, j.id);
        if (wrote(c, jobs_requeue(c->s->jobs, j.id, j.fence, &e), &e))
            over(c, &j, JOB_QUEUED);
    }
    job_release(&j);
}

enum { SLOW = ROUTE_WORKER | ROUTE_SLOW };
const struct route api_workers[] = {
    {"POST", "/v1/workers/claim", claim, STYLE_OPENAI, SLOW, BODY_SMALL},
    {"POST", "/v1/workers/jobs/{}/beat", beat, STYLE_OPENAI, SLOW, BODY_SMALL},
    {"POST", "/v1/workers/jobs/{}/fail", fail, STYLE_OPENAI, SLOW, BODY_SMALL},
    {"POST", "/v1/workers/jobs/{}/release", release, STYLE_OPENAI, SLOW, BODY_SMALL},
    {"PUT", "/v1/workers/jobs/{}/{}", put, STYLE_OPENAI, SLOW | ROUTE_FILE, BODY_FILM},
    {"GET", "/v1/workers/jobs/{}/{}", get, STYLE_OPENAI, ROUTE_WORKER, BODY_NONE},
    {0},
};
