/* st_folder.c - which file of a folder holds its weights, as the libraries that wrote it choose. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/st_inner.h"

/* Where a whole file lies beside an index, diffusers takes the shards and transformers the whole
 * file; their names tell which of the two wrote the folder. */
static const char *const usual[] = {"diffusion_pytorch_model.safetensors.index.json",
                                    "diffusion_pytorch_model.safetensors", "model.safetensors",
                                    "model.safetensors.index.json"};

/* Else the only file whose name holds `part` and ends in `end`. */
static const struct rule {
    const char *part, *end;
} rules[] = {
    {"", ".safetensors.index.json"},
    {".safetensors.index.", ".json"}, /* of a variant: NAME.safetensors.index.fp16.json */
    {"", ".safetensors"},
    {"", ".gguf"},
};
enum { N_RULES = sizeof rules / sizeof *rules };

static int fits(const struct rule *r, const char *name)
{
    size_t n = strlen(name), m = strlen(r->end);

    return name[0] != '.' && n >= m && !strcmp(name + n - m, r->end) && strstr(name, r->part);
}

static int in_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names that fit, sorted; *n counts them, -1: dir cannot be looked into. The caller frees all.
 */
static char **list(const char *dir, const struct rule *r, int *n, struct err *e)
{
    DIR *d = opendir(dir);
    struct dirent *ent;
    char **names = NULL;

    *n = d ? 0 : -1;
    if (!d)
        err_set(e, ERR_IO, "%s: cannot look into it: %s", dir, strerror(errno));
    while (d && (ent = readdir(d))) {
        if (!fits(r, ent->d_name))
            continue;
        names = xrealloc(names, sizeof *names * (size_t)(*n + 1));
        names[(*n)++] = xstrdup(ent->d_name);
    }
    if (d)
        closedir(d);
    if (*n > 0)
        qsort(names, (size_t)*n, sizeof *names, in_order);
    return names;
}

char *st_find_in_dir(const char *dir, struct err *e)
{
    char *path = NULL;
    int n = 0;

    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        path = path_join(dir, usual[i]);
        if (file_exists(path))
            return path;
        free(path);
    }
    path = NULL;
    for (int i = 0; i < N_RULES && !n; i++) {
        char **names = list(dir, &rules[i], &n, e);

        if (n == 1)
            path = path_join(dir, names[0]);
        else if (n > 0)
            err_set(e, ERR_FORMAT,
                    "%s: %d files of weights (%.60s, %.60s%s); leave the one to read", dir, n,
                    names[0], names[1], n > 2 ? ", ..." : "");
        for (int k = 0; k < n; k++)
            free(names[k]);
        free(names);
    }
    if (!n)
        err_set(e, ERR_IO, "%s: no .safetensors or .gguf file in this folder", dir);
    return path;
}
