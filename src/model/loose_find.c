/* loose_find.c - which files of a folder are the parts of a model. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/loose_inner.h"

/* Where weights lie, "" being the folder itself. */
static const char *const below[] = {"",
                                    "diffusion_models",
                                    "unet",
                                    "text_encoders",
                                    "clip",
                                    "vae",
                                    "clip_vision",
                                    "high_noise_model",
                                    "low_noise_model"};
enum { N_BELOW = sizeof below / sizeof *below, MOST_FILES = 4096 };

/* Of a set of shards the index stands for all. */
static int is_weights(const char *name)
{
    return (ends_behind(name, ".safetensors") && !strstr(name, "-of-")) ||
           ends_behind(name, ".gguf") || ends_behind(name, ".safetensors.index.json");
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* All names in dir that fit, sorted, as paths; *n counts them. The caller frees all. */
static char **list(const char *dir, int (*fits)(const char *name), int *n)
{
    DIR *d = opendir(dir);
    struct dirent *ent;
    char **names = NULL;

    *n = 0;
    while (d && *n < MOST_FILES && (ent = readdir(d))) {
        if (ent->d_name[0] == '.' || !fits(ent->d_name))
            continue;
        names = xrealloc(names, sizeof *names * (size_t)(*n + 1));
        names[(*n)++] = path_join(dir, ent->d_name);
    }
    if (d)
        closedir(d);
    if (*n)
        qsort(names, (size_t)*n, sizeof *names, by_name);
    return names;
}

static void list_free(char **names, int n)
{
    for (int i = 0; i < n; i++)
        free(names[i]);
    free(names);
}

/* Takes over path when it is a part. */
static int keep_part(struct found_list *found, char *path)
{
    struct found f = {.path = path};
    struct st_file *file;
    struct err why;

    if (st_open(&file, path, &why))
        return 0;
    if (recognise(&f.is, file, &why)) {
        if (f.is.kin && !found->kin.code)
            found->kin = why;
        st_close(&file);
        return 0;
    }
    st_close(&file);
    found->all = xrealloc(found->all, sizeof *found->all * (size_t)(found->n + 1));
    found->all[found->n++] = f;
    return 1;
}

void found_in(struct found_list *found, const char *tree)
{
    *found = (struct found_list){0};
    for (int i = 0; i < N_BELOW; i++) {
        char *dir = *below[i] ? path_join(tree, below[i]) : xstrdup(tree);
        int n;
        char **names = list(dir, is_weights, &n);

        for (int k = 0; k < n; k++)
            if (keep_part(found, names[k]))
                names[k] = NULL;
        list_free(names, n);
        free(dir);
    }
}

void found_release(struct found_list *found)
{
    for (int i = 0; i < found->n; i++) {
        free(found->all[i].path);
        recognised_release(&found->all[i].is);
    }
    free(found->all);
    *found = (struct found_list){0};
}

char *found_named(const char *tree, const char *name)
{
    char *path = NULL;

    for (int i = 0; !path && tree && i < N_BELOW; i++) {
        char *dir = *below[i] ? path_join(tree, below[i]) : xstrdup(tree);

        path = path_join(dir, name);
        free(dir);
        if (!file_exists(path)) {
            free(path);
            path = NULL;
        }
    }
    return path;
}

static int is_pickle(const char *name)
{
    return ends_behind(name, ".pth") || ends_behind(name, ".pt") || ends_behind(name, ".ckpt");
}

char *found_pickle(const char *tree)
{
    char *path = NULL;

    for (int i = 0; !path && i < N_BELOW; i++) {
        char *dir = *below[i] ? path_join(tree, below[i]) : xstrdup(tree);
        int n;
        char **names = list(dir, is_pickle, &n);

        path = n ? xstrdup(names[0]) : NULL;
        list_free(names, n);
        free(dir);
    }
    return path;
}

/* Releases and repackagings call one "high" and the other "low"; tensors do not tell. */
int found_noise(const char *path)
{
    int high = strcasestr(path, "high") != NULL, low = strcasestr(path, "low") != NULL;

    return high - low;
}

int loose_is_tree(const char *dir)
{
    struct found_list found;
    int any = 0;

    found_in(&found, dir);
    for (int i = 0; i < found.n; i++)
        any |= found.all[i].is.role == PART_DENOISER;
    found_release(&found);
    return any;
}
