#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static int copy_bytes(int fd, const char *from, struct file_replace *r, struct err *e)
{
    char block[65536];

    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        int rc;

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_set(e, ERR_IO, "%s: cannot read: %s", from, strerror(errno));
        if (n == 0)
            return 0;
        rc = file_replace_add(r, block, (size_t)n, e);
        if (rc)
            return rc;
    }
}

/* Opened without waiting, so that a pipe is told from a file before it is read. */
static int copy_file(const char *from, const char *to, struct err *e)
{
    struct file_replace r;
    struct stat st;
    int fd = open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc, end;

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot open: %s", from, strerror(errno));
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        rc = err_set(e, ERR_FORMAT, "%s: not a regular file", from);
    else
        rc = file_replace_begin(&r, to, e);
    if (!rc) {
        rc = copy_bytes(fd, from, &r, e);
        end = file_replace_end(&r, rc == 0, e);
        rc = rc ? rc : end;
    }
    close(fd);
    return rc;
}

/* inside: of the folder, relative to what is copied; "" is the whole. */
static int copy_folder(const char *from, const char *to, const char *inside,
                       int (*skip)(const char *path), int depth, struct err *e)
{
    DIR *d = opendir(from);
    struct dirent *entry;
    int rc = 0;

    if (!d)
        return err_set(e, ERR_IO, "%s: cannot open: %s", from, strerror(errno));
    if (depth > TREE_DEPTH)
        rc = err_set(e, ERR_FORMAT, "%s: folders are nested deeper than %d", from, TREE_DEPTH);
    if (!rc)
        rc = dir_make(to, e);
    while (!rc && (entry = readdir(d))) {
        char *path = path_join(inside, entry->d_name), *in = path_join(from, entry->d_name),
             *out = path_join(to, entry->d_name);

        if (entry->d_name[0] != '.' && !(skip && skip(path)))
            rc = dir_exists(in) ? copy_folder(in, out, path, skip, depth + 1, e)
                                : copy_file(in, out, e);
        free(path);
        free(in);
        free(out);
    }
    closedir(d);
    return rc;
}

int tree_copy(const char *from, const char *to, int (*skip)(const char *path), struct err *e)
{
    return copy_folder(from, to, "", skip, 0, e);
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

int tree_remove(const char *path, struct err *e)
{
    if (!nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS))
        return 0;
    return err_set(e, ERR_IO, "%s: cannot remove: %s", path, strerror(errno));
}

int dir_is_empty(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *entry;
    int n = 0;

    if (!d)
        return 0;
    while ((entry = readdir(d)))
        n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(d);
    return !n;
}

/* The longest part of path that is there, links resolved; NULL: nothing of it. */
static char *resolved(const char *path)
{
    char *at = xstrdup(path), *real = realpath(at, NULL);

    while (!real && strcmp(at, ".") && strcmp(at, "/")) {
        char *up = path_dir(at);

        free(at);
        at = up;
        real = realpath(at, NULL);
    }
    free(at);
    return real;
}

int path_is_within(const char *inner, const char *outer)
{
    char *in = resolved(inner), *out = realpath(outer, NULL);
    size_t n = out ? strlen(out) : 0;
    int within = in && out && !strncmp(in, out, n) && (!in[n] || in[n] == '/' || out[n - 1] == '/');

    free(in);
    free(out);
    return within;
}
