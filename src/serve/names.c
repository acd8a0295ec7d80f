#include "serve/names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"

enum { MOST_FILE = 1 << 20, MOST_NAMES = 1000, MOST_NAME = 100 };

static const char *const USUAL[] = {"default",
                                    "sora-2",
                                    "sora-2-pro",
                                    "sora-2-2025-10-06",
                                    "sora-2-pro-2025-10-06",
                                    "sora-2-2025-12-08",
                                    "kling-v1",
                                    "kling-v1-5",
                                    "kling-v1-6",
                                    "kling-v2",
                                    "kling-v2-new",
                                    "kling-video-o1",
                                    "kling-v3-omni",
                                    "kling-o1",
                                    "kling-3.0-omni",
                                    "kling-v2-master",
                                    "kling-v2-1",
                                    "kling-v2-1-master",
                                    "kling-v2-5-turbo",
                                    "kling-v2-6",
                                    "kling-v3",
                                    "kling-2.5-turbo",
                                    "kling-2.6",
                                    "kling-3.0",
                                    "kling-3.0-turbo"};
enum { N_USUAL = sizeof USUAL / sizeof *USUAL };

struct list {
    char **name;
    int n;
};

struct names {
    char *path; /* NULL: the usual ones */
    pthread_rwlock_t lock;
    struct list now;
};

static void release(struct list *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->name[i]);
    free(l->name);
}

static void add(struct list *l, const char *name)
{
    l->name = xrealloc(l->name, (size_t)(l->n + 1) * sizeof *l->name);
    l->name[l->n++] = xstrdup(name);
}

static int is_plain(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return 0;
    return n >= 1 && n <= MOST_NAME;
}

static void take_names(void *arg, struct jval root)
{
    static const char *const known[] = {"models"};
    struct list *l = arg;
    struct jval rows = j_array(root, "models");
    int n = j_len(rows);

    j_known(root, known, 1);
    if (n < 1 || n > MOST_NAMES) {
        j_fail(root, "models", "an array of 1 to %d names", MOST_NAMES);
        return;
    }
    for (int i = 0; i < n; i++) {
        const char *name = j_at_string(rows, i);

        if (!is_plain(name))
            j_fail(root, "models", "name %d: 1 to %d bytes without spaces", i + 1, MOST_NAME);
        add(l, name);
    }
}

int names_reload(struct names *n, struct err *e)
{
    struct list l = {0}, old;
    int rc = n->path ? jdoc_take(n->path, MOST_FILE, take_names, &l, e) : 0;

    if (rc) {
        release(&l);
        return rc;
    }
    for (int i = 0; !n->path && i < N_USUAL; i++)
        add(&l, USUAL[i]);
    pthread_rwlock_wrlock(&n->lock);
    old = n->now;
    n->now = l;
    pthread_rwlock_unlock(&n->lock);
    release(&old);
    return 0;
}

int names_open(struct names **out, const char *path, struct err *e)
{
    struct names *n = xcalloc(1, sizeof *n);

    n->path = path ? xstrdup(path) : NULL;
    pthread_rwlock_init(&n->lock, NULL);
    int rc = names_reload(n, e);
    if (rc)
        names_free(&n);
    *out = n;
    return rc;
}

void names_free(struct names **n)
{
    if (!*n)
        return;
    release(&(*n)->now);
    pthread_rwlock_destroy(&(*n)->lock);
    free((*n)->path);
    free(*n);
    *n = NULL;
}

int names_has(struct names *n, const char *name)
{
    int has = 0;

    pthread_rwlock_rdlock(&n->lock);
    for (int i = 0; i < n->now.n; i++)
        has |= !strcmp(n->now.name[i], name);
    pthread_rwlock_unlock(&n->lock);
    return has;
}

void names_each(struct names *n, void (*take)(void *arg, const char *name), void *arg)
{
    pthread_rwlock_rdlock(&n->lock);
    for (int i = 0; i < n->now.n; i++)
        take(arg, n->now.name[i]);
    pthread_rwlock_unlock(&n->lock);
}
