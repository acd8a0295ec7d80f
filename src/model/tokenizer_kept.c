/* tokenizer_kept.c - small tokenizers stay open: each plan reads one, and reading its file takes
 * longer than all else that a plan does. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "model/tokenizer_inner.h"

enum {
    KEPT = 4,
    MOST_BYTES = 1 << 20, /* of the file; what a large one needs counts in a film's memory */
    SETTLED_S = 2         /* within a tick of its clock a file may change unseen */
};

struct kept {
    char *path;
    struct stat as; /* when it was read */
    struct tokenizer *t;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept shelf[KEPT];
static int next;

static int same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static struct tokenizer *find(const char *path, const struct stat *now)
{
    struct tokenizer *t = NULL;

    pthread_mutex_lock(&lock);
    for (int i = 0; i < KEPT && !t; i++)
        if (shelf[i].t && !strcmp(shelf[i].path, path) && same(&shelf[i].as, now))
            t = tokenizer_share(shelf[i].t);
    pthread_mutex_unlock(&lock);
    return t;
}

static void keep(const char *path, const struct stat *as, struct tokenizer *t)
{
    struct kept old;

    pthread_mutex_lock(&lock);
    old = shelf[next];
    shelf[next] = (struct kept){xstrdup(path), *as, tokenizer_share(t)};
    next = (next + 1) % KEPT;
    pthread_mutex_unlock(&lock);
    free(old.path);
    tokenizer_free(&old.t);
}

int tokenizer_open_kept(struct tokenizer **out, const char *dir, struct err *e)
{
    char *path = path_join(dir, tokenizer_file(dir));
    struct stat before, after;
    int there = !stat(path, &before) && S_ISREG(before.st_mode), rc = 0;

    *out = there ? find(path, &before) : NULL;
    if (!*out)
        rc = tokenizer_open(out, dir, e);
    else
        there = 0;
    if (!rc && there && before.st_size <= MOST_BYTES && !stat(path, &after) &&
        same(&before, &after) && time(NULL) - after.st_ctim.tv_sec > SETTLED_S)
        keep(path, &after, *out);
    free(path);
    return rc;
}
