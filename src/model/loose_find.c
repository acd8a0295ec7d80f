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
enum { N_BELOW = sizeof below / sizeof *below, MOST_ENTRIES = 1 << 15, DEEP = 3 };

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

/* Paths of a folder, sorted. */
struct names {
    char **all;  /* owned, and each of it */
    int n, seen; /* seen: files and folders that were looked at */
};

/* Adds the names in dir that fit and, `deep` folders down, those in its folders. */
static int list_in(struct names *l, const char *dir, int (*fits)(const char *name), int deep,
                   struct err *e)
{
    DIR *d = opendir(dir);
    struct dirent *ent;
    int rc = 0;

    while (!rc && d && (ent = readdir(d))) {
        char *path = ent->d_name[0] == '.' ? NULL : path_join(dir, ent->d_name);

        if (l->seen++ == MOST_ENTRIES)
            rc = err_set(e, ERR_FORMAT,
                         "%s: more than %d files and folders; name the folder of "
                         "one model",
                         dir, MOST_ENTRIES);
        else if (path && deep && dir_exists(path))
            rc = list_in(l, path, fits, deep - 1, e);
        else if (path && fits(ent->d_name) && !dir_exists(path)) {
            l->all = xrealloc(l->all, sizeof *l->all * (size_t)(l->n + 1));
            l->all[l->n++] = path;
            path = NULL;
        }
        free(path);
    }
    if (d)
        closedir(d);
    return rc;
}

static void names_free(struct names *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->all[i]);
    free(l->all);
    *l = (struct names){0};
}

/* All names in a folder of the tree that fit. Those of ComfyUI's folders may lie in folders of the
 * user's. To be freed, after an error too. */
static int list(struct names *l, const char *tree, const char *folder,
                int (*fits)(const char *name), struct err *e)
{
    char *dir = *folder ? path_join(tree, folder) : xstrdup(tree);

    *l = (struct names){0};
    int rc = list_in(l, dir, fits, *folder ? DEEP : 0, e);
    if (l->n)
        qsort(l->all, (size_t)l->n, sizeof *l->all, by_name);
    free(dir);
    return rc;
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

int found_in(struct found_list *found, const char *tree, struct err *e)
{
    struct names names;
    int rc = 0;

    *found = (struct found_list){0};
    for (int i = 0; !rc && i < N_BELOW; i++) {
        rc = list(&names, tree, below[i], is_weights, e);
        for (int k = 0; !rc && k < names.n; k++)
            if (keep_part(found, names.all[k]))
                names.all[k] = NULL;
        names_free(&names);
    }
    return rc;
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
    struct names names;
    struct err too_many; /* said by found_in, which comes before */
    char *path = NULL;

    for (int i = 0; !path && i < N_BELOW; i++) {
        if (!list(&names, tree, below[i], is_pickle, &too_many) && names.n)
            path = xstrdup(names.all[0]);
        names_free(&names);
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
    struct err too_many; /* to be said by whoever opens it */
    int any = found_in(&found, dir, &too_many) != 0;

    for (int i = 0; i < found.n; i++)
        any |= found.all[i].is.role == PART_DENOISER;
    found_release(&found);
    return any;
}
