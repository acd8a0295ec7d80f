#include "serve/film_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tree.h"
#include "base/hash.h"

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
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    char *room = xmalloc(1 << 16);
    struct sha256 h;
    ssize_t n = 0;

    out->bytes = 0;
    sha256_init(&h);
    if (fd < 0 || fsync(fd))
        rc = io_error(path, e);
    while (!rc && (n = read(fd, room, 1 << 16)) > 0) {
        sha256_add(&h, room, (size_t)n);
        out->bytes += n;
    }
    if (!rc && n < 0)
        rc = io_error(path, e);
    sha256_hex(&h, out->sha);
    free(room);
    if (fd >= 0)
        close(fd);
    return rc;
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
    char *name = xasprintf("%lld.job", (long long)id), *dir = path_join(s->work_dir, name);
    struct err e;

    if (dir_exists(dir) && tree_remove(dir, &e))
        server_log(s, "store-failed", "why", e.msg);
    free(dir);
    free(name);
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
    int over = rc > 0 && j.state == JOB_SUCCEEDED;

    job_release(&j);
    return over;
}

/* ID.job, of a film that is to be drawn, or gone on with */
static int known_work(struct server *s, const char *name)
{
    struct job j;
    struct err e;

    if (strcmp(path_ext(name), "job"))
        return 0;
    int rc = jobs_get(s->jobs, NULL, atoll(name), &j, &e);
    int waits = rc > 0 && !JOB_IS_OVER(j.state);

    job_release(&j);
    return waits || rc < 0;
}

static void sweep(struct server *s, const char *dir, int (*known)(struct server *, const char *))
{
    DIR *d = opendir(dir);
    const struct dirent *f;
    struct err e;

    while (d && (f = readdir(d))) {
        if (f->d_name[0] == '.' || known(s, f->d_name))
            continue;
        char *path = path_join(dir, f->d_name);
        if (unlink(path) && dir_exists(path) && tree_remove(path, &e))
            server_log(s, "store-failed", "why", e.msg);
        free(path);
    }
    if (d)
        closedir(d);
}

void film_files_sweep(struct server *s)
{
    sweep(s, s->work_dir, known_work);
    sweep(s, s->preview_dir, known_preview);
    sweep(s, s->film_dir, known_film);
    sweep(s, s->picture_dir, known_film);
}
