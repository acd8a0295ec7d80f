/* file.c - whole files and paths. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SMALL = 1 << 20 }; /* more than that need not be there */

static int read_all(struct buf *out, int fd, const char *path, size_t max_bytes, struct err *e)
{
    char block[65536];
    size_t got = 0;

    for (;;) {
        ssize_t n = read(fd, block, sizeof block);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, "%s: cannot read: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        if ((size_t)n > max_bytes - got)
            return err_set(e, ERR_FORMAT, "%s: larger than the allowed %zu bytes", path, max_bytes);
        if (got > SMALL && buf_reserve(out, (size_t)n))
            return err_set(e, ERR_FIT, "%s: out of memory after %zu bytes of it", path, got);
        buf_add(out, block, (size_t)n);
        got += (size_t)n;
    }
}

int file_read(struct buf *out, const char *path, size_t max_bytes, struct err *e)
{
    int fd, rc;

    if (!strcmp(path, "-"))
        return read_all(out, STDIN_FILENO, "standard input", max_bytes, e);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    rc = read_all(out, fd, path, max_bytes, e);
    close(fd);
    return rc;
}

int file_read_regular(struct buf *out, const char *path, size_t max_bytes, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc;

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = err_set(e, ERR_FORMAT, "%s: not a regular file", path);
    else
        rc = read_all(out, fd, path, max_bytes, e);
    close(fd);
    return rc;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t k = write(fd, p, n);

        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return -1;
        p += k;
        n -= (size_t)k;
    }
    return 0;
}

/* The rename itself must reach the disk; file systems that cannot sync a folder lose nothing. */
static void sync_dir_of(const char *path)
{
    char *dir = path_dir(path);
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(dir);
}

int file_replace_begin(struct file_replace *r, const char *path, struct err *e)
{
    r->path = xstrdup(path);
    r->tmp = xasprintf("%s.tmp.%ld", path, (long)getpid());
    r->fd = open(r->tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (r->fd >= 0)
        return 0;
    err_set(e, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
    free(r->tmp);
    free(r->path);
    return ERR_IO;
}

int file_replace_add(struct file_replace *r, const void *data, size_t bytes, struct err *e)
{
    if (write_all(r->fd, data, bytes) == 0)
        return 0;
    return err_set(e, ERR_IO, "%s: cannot write: %s", r->path, strerror(errno));
}

static int replace_end(struct file_replace *r, int ok, int sync, struct err *e)
{
    int rc = 0;

    if (ok && sync && fsync(r->fd) < 0 && errno != EINVAL)
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", r->path, strerror(errno));
    if (close(r->fd) < 0 && ok && rc == 0)
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", r->path, strerror(errno));
    if (ok && rc == 0 && rename(r->tmp, r->path) < 0)
        rc = err_set(e, ERR_IO, "%s: cannot replace: %s", r->path, strerror(errno));
    if (!ok || rc < 0)
        unlink(r->tmp);
    else if (sync)
        sync_dir_of(r->path);
    free(r->tmp);
    free(r->path);
    return rc;
}

int file_replace_end(struct file_replace *r, int ok, struct err *e)
{
    return replace_end(r, ok, 1, e);
}

static int write_whole(const char *path, const void *data, size_t bytes, int sync, struct err *e)
{
    struct file_replace r;
    int rc = file_replace_begin(&r, path, e), end;

    if (rc < 0)
        return rc;
    rc = file_replace_add(&r, data, bytes, e);
    end = replace_end(&r, rc == 0, sync, e);
    return rc < 0 ? rc : end;
}

int file_write(const char *path, const void *data, size_t bytes, struct err *e)
{
    return write_whole(path, data, bytes, 1, e);
}

int file_write_passing(const char *path, const void *data, size_t bytes, struct err *e)
{
    return write_whole(path, data, bytes, 0, e);
}

int dir_make(const char *path, struct err *e)
{
    char *part = xstrdup(path);
    int rc = 0;

    for (char *p = part;; p++) {
        char c = *p;

        if (c && c != '/')
            continue;
        *p = 0;
        if (*part && mkdir(part, 0777) < 0 && !dir_exists(part)) {
            rc = err_set(e, ERR_IO, "%s: cannot make the folder: %s", part, strerror(errno));
            break;
        }
        *p = c;
        if (!c)
            break;
    }
    free(part);
    return rc;
}

int file_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

int dir_exists(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int64_t file_size(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_size : -1;
}

char *path_join(const char *dir, const char *name)
{
    size_t n = strlen(dir);

    if (n == 0 || name[0] == '/')
        return xstrdup(name);
    return xasprintf("%s%s%s", dir, dir[n - 1] == '/' ? "" : "/", name);
}

const char *path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

const char *path_ext(const char *path)
{
    const char *base = path_base(path), *dot = strrchr(base, '.');

    return dot && dot != base ? dot + 1 : "";
}

char *path_dir(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return xstrdup(".");
    if (slash == path)
        return xstrdup("/");
    return xstrndup(path, (size_t)(slash - path));
}
