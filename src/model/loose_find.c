/* loose_find.c - which files of a folder are the parts of a model. */
#include <ctype.h>
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
enum { N_BELOW = sizeof below / sizeof *below, MOST_FILES = 4096, DEEP = 3 };

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

/* Adds the names in dir that fit and, `deep` folders down, those in its folders. */
static void list_in(char ***names, int *n, const char *dir, int (*fits)(const char *name), int deep)
{
    DIR *d = opendir(dir);
    struct dirent *ent;

    while (d && *n < MOST_FILES && (ent = readdir(d))) {
        char *path = ent->d_name[0] == '.' ? NULL : path_join(dir, ent->d_name);

        if (path && deep && dir_exists(path))
            list_in(names, n, path, fits, deep - 1);
        if (path && fits(ent->d_name) && !dir_exists(path)) {
            *names = xrealloc(*names, sizeof **names * (size_t)(*n + 1));
            (*names)[(*n)++] = path;
            path = NULL;
        }
        free(path);
    }
    if (d)
        closedir(d);
}

/* All names in a folder of the tree that fit, sorted, as paths; *n counts them. Those of ComfyUI's
 * folders may lie in folders of the user's. The caller frees all. */
static char **list(const char *tree, const char *folder, int (*fits)(const char *name), int *n)
{
    char *dir = *folder ? path_join(tree, folder) : xstrdup(tree), **names = NULL;

    *n = 0;
    list_in(&names, n, dir, fits, *folder ? DEEP : 0);
    if (*n)
        qsort(names, (size_t)*n, sizeof *names, by_name);
    free(dir);
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
        int n;
        char **names = list(tree, below[i], is_weights, &n);

        for (int k = 0; k < n; k++)
            if (keep_part(found, names[k]))
                names[k] = NULL;
        list_free(names, n);
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
        int n;
        char **names = list(tree, below[i], is_pickle, &n);

        path = n ? xstrdup(names[0]) : NULL;
        list_free(names, n);
    }
    return path;
}

/* Releases and repackagings call one "high" and the other "low"; tensors do not tell.
 * A word of its own, or one that begins a word: "high_noise", "A14B_HIGH", "T2V-HighNoise", but
 * neither "slow" nor "lowvram", and nothing that is said of memory or pictures. */
static int is_of_noise(const char *end)
{
    static const char *const other[] = {"vram", "ram", "mem", "quality", "res"};

    end += strcspn(end, "_- ") == 0 && *end;
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (!strncasecmp(end, other[i], strlen(other[i])))
            return 0;
    return 1;
}

static int says(const char *path, const char *word)
{
    for (const char *s = path; (s = strcasestr(s, word)); s++) {
        const char *end = s + strlen(word);
        int begins = s == path || !isalpha((unsigned char)s[-1]) ||
                     (isupper((unsigned char)s[0]) && islower((unsigned char)s[1]));

        if (begins && is_of_noise(end) &&
            (!isalpha((unsigned char)*end) || !strncasecmp(end, "noise", 5)))
            return 1;
    }
    return 0;
}

int found_noise(const char *path)
{
    char *dir = path_dir(path);
    const char *from = path + (path_base(dir) - dir); /* its own folder may say it */
    int high = says(from, "high"), low = says(from, "low");

    free(dir);
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
