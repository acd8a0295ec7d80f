#include "serve/film_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tree.h"
#include "base/hash.h"
#include "serve/draw.h"
#include "serve/jobs_share.h"

#define STALE_S 3600.0

static int io_error(const char *path, struct err *e)
{
    int full = errno == ENOSPC || errno == EDQUOT;

    return err_set(e, full ? ERR_FIT : ERR_IO, "%s: %s", path_base(path), strerror(errno));
}

static int sync_dir(const char *dir, struct err *e)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) ? io_error(dir, e) : 0;

    if (fd >= 0)
        close(fd);
    return rc;
}

/* What lies on the disk is what is hashed. */
static int hash_and_sync(const char *path, struct film_file *out, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 || fsync(fd) ? io_error(path, e) : 0;

    if (fd >= 0)
        close(fd);
    return rc ? rc : sha256_file(path, out->sha, &out->bytes, e);
}

int film_file_keep(struct server *s, const char *path, struct film_file *out, struct err *e)
{
    char *to;
    int rc = hash_and_sync(path, out, e);

    if (rc)
        return rc;
    snprintf(out->name, sizeof out->name, "%s.%.8s", out->sha, path_ext(path));
    to = path_join(s->film_dir, out->name);
    if (rename(path, to))
        rc = io_error(to, e);
    free(to);
    return rc ? rc : sync_dir(s->film_dir, e);
}

static int share(struct server *s, int64_t id, const char *name, struct err *e)
{
    static const char *const endings[] = {"png", "last.png"};
    char *film = path_join(s->film_dir, name);
    int rc = jobs_file_put(s->jobs, name, 0, film, e);

    for (int i = 0; !rc && i < 2; i++) {
        char *of_job = xasprintf("%lld.%s", (long long)id, endings[i]);
        char *path = path_join(s->preview_dir, of_job);
        if (file_exists(path))
            rc = jobs_file_put(s->jobs, of_job, id, path, e);
        free(path), free(of_job);
    }
    free(film);
    return rc;
}

/* A store that is away comes back, or the server ends: until then the film waits. */
static int waits_for_store(struct server *s, int rc, const struct err *e)
{
    const struct timespec moment = {0, 500000000};

    if (rc >= 0 || !jobs_away(s->jobs) || atomic_load(&s->draining))
        return 0;
    server_log(s, "store-failed", "why", e->msg);
    nanosleep(&moment, NULL);
    return 1;
}

/* The lease is made new before the film goes to the other servers. */
static int say_film(struct server *s, const struct job *j, const struct film_file *f, struct err *e)
{
    int rc = jobs_finalizing(s->jobs, j->id, j->fence, e), shared = 0;

    if (rc > 0)
        shared = share(s, j->id, f->name, e);
    if (rc < 0 || shared)
        return rc < 0 ? rc : shared;
    return jobs_succeed(s->jobs, j->id, j->fence, f->name, f->sha, f->bytes, e);
}

int film_file_hand_in(struct server *s, const struct job *j, const char *path, int waits,
                      struct err *e)
{
    struct film_file f;
    int rc;

    do
        rc = jobs_finalizing(s->jobs, j->id, j->fence, e);
    while (waits && waits_for_store(s, rc, e));
    if (rc <= 0)
        return rc;
    rc = film_file_keep(s, path, &f, e);
    if (rc)
        return rc;
    do
        rc = say_film(s, j, &f, e);
    while (waits && waits_for_store(s, rc, e));
    if (!rc)
        film_file_drop(s, f.name);
    return rc;
}

int film_file_fetch(struct server *s, const char *dir, const char *name, int waits)
{
    char *path = path_join(dir, name);
    struct err e;
    int rc = 0;

    if (!file_exists(path)) {
        do
            rc = jobs_file_get(s->jobs, name, path, &e);
        while (waits && waits_for_store(s, rc, &e));
        if (rc < 0)
            server_log(s, "store-failed", "why", e.msg);
    }
    free(path);
    return rc < 0 ? rc : 0;
}

void film_file_drop(struct server *s, const char *name)
{
    char *path;

    if (!name || jobs_names_file(s->jobs, name))
        return;
    path = path_join(s->film_dir, name);
    unlink(path);
    free(path);
}

void work_forget(struct server *s, int64_t id)
{
    char *dir = draw_kept_folder(s->work_dir, id);
    struct err e;

    if (dir_exists(dir) && tree_remove(dir, &e))
        server_log(s, "store-failed", "why", e.msg);
    free(dir);
}

static int known_film(struct server *s, const char *name)
{
    return jobs_names_file(s->jobs, name);
}

/* ID.png */
static int known_preview(struct server *s, const char *name)
{
    struct job j;
    struct err e;
    int rc = jobs_get(s->jobs, NULL, atoll(name), &j, &e);
    int over = rc < 0 || (rc > 0 && j.state == JOB_SUCCEEDED);

    job_release(&j);
    return over;
}

/* ID.job, of a film that is to be drawn, or gone on with */
static int is_wanted(struct server *s, const char *name)
{
    struct job j;
    struct err e;

    int rc = jobs_get(s->jobs, NULL, atoll(name), &j, &e);
    int yes = rc < 0 || (rc > 0 && !JOB_IS_OVER(j.state));

    job_release(&j);
    return yes;
}

static int known_work(struct server *s, const char *name)
{
    return !strcmp(path_ext(name), "job") && is_wanted(s, name);
}

/* What another server has drawn to its end; what has no such name is being written. */
static int known_later(struct server *s, const char *name)
{
    return strcmp(path_ext(name), "job") != 0 || is_wanted(s, name);
}

/* Of those that have been there for so long. */
static void sweep(struct server *s, const char *dir, double age_s,
                  int (*known)(struct server *, const char *))
{
    DIR *d = opendir(dir);
    const struct dirent *f;
    struct stat st;
    struct err e;

    while (d && (f = readdir(d))) {
        if (f->d_name[0] == '.')
            continue;
        char *path = path_join(dir, f->d_name);
        int old = age_s <= 0 || (!stat(path, &st) && difftime(time(NULL), st.st_mtime) > age_s);
        if (old && !known(s, f->d_name) && unlink(path) && dir_exists(path) &&
            tree_remove(path, &e))
            server_log(s, "store-failed", "why", e.msg);
        free(path);
    }
    if (d)
        closedir(d);
}

void film_files_sweep(struct server *s)
{
    sweep(s, s->work_dir, 0, known_work);
    sweep(s, s->preview_dir, 0, known_preview);
    sweep(s, s->film_dir, 0, known_film);
    sweep(s, s->picture_dir, 0, known_film);
}

void film_files_stale(struct server *s)
{
    if (!jobs_shared(s->jobs) || jobs_away(s->jobs))
        return;
    jobs_files_sweep(s->jobs);
    sweep(s, s->film_dir, STALE_S, known_film);
    sweep(s, s->preview_dir, STALE_S, known_preview);
    sweep(s, s->work_dir, STALE_S, known_later);
}
