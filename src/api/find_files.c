/* Models that are no directories of ours: the cache of Hugging Face's hub, ComfyUI's folders, the
 * folders of a release. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/file.h"
#include "model/loose.h"

static int is_model(const char *dir)
{
    char *index = path_join(dir, "model_index.json");
    int yes = file_exists(index);

    free(index);
    return yes;
}

/* The only name in dir; NULL when there is none or more than one. The caller frees. */
static char *only_name(const char *dir)
{
    DIR *d = opendir(dir);
    char *name = NULL;
    int n = 0;

    for (struct dirent *it; d && (it = readdir(d));) {
        if (it->d_name[0] == '.')
            continue;
        free(name);
        name = xstrdup(it->d_name);
        n++;
    }
    if (d)
        closedir(d);
    if (n != 1) {
        free(name);
        name = NULL;
    }
    return name;
}

/* models--ORG--NAME/snapshots/HASH, the hash being that of refs/main. NULL: repo is no folder of a
 * hub's cache. */
static char *snapshot(const char *repo)
{
    char *all = path_join(repo, "snapshots"), *ref = path_join(repo, "refs/main"), *dir = NULL;
    struct buf hash = BUF_INIT;
    struct err why;

    if (dir_exists(all)) {
        char *name = NULL;

        if (!file_read_regular(&hash, ref, 128, &why)) {
            name = xstrdup(buf_str(&hash));
            name[strcspn(name, "\r\n ")] = 0;
        }
        if (!name || !*name || strchr(name, '/') || *name == '.') {
            free(name);
            name = only_name(all);
        }
        dir = name ? path_join(all, name) : NULL;
        free(name);
    }
    buf_release(&hash);
    free(all);
    free(ref);
    return dir;
}

/* ORG/NAME in the cache of this user; NULL: it is not there. */
static char *in_hub(const char *name)
{
    const char *slash = strchr(name, '/'), *cache = getenv("HF_HUB_CACHE"),
               *home = getenv("HF_HOME"), *user = getenv("HOME");
    char *hub, *repo, *dir;

    if (!slash || slash == name || !slash[1] || strchr(slash + 1, '/') || *name == '.')
        return NULL;
    if (cache && *cache)
        hub = xstrdup(cache);
    else if (home && *home)
        hub = path_join(home, "hub");
    else
        hub = xasprintf("%s/.cache/huggingface/hub", user ? user : "");
    repo = xasprintf("%s/models--%.*s--%s", hub, (int)(slash - name), name, slash + 1);
    dir = snapshot(repo);
    free(hub);
    free(repo);
    return dir;
}

int model_of_files(char **dir, const char *name, struct err *e)
{
    char *folder = dir_exists(name) ? snapshot(name) : in_hub(name);
    const char *at = folder ? folder : name;
    int rc = 0;

    *dir = NULL;
    if (is_model(at))
        *dir = xstrdup(at);
    else if (dir_exists(at) && loose_is_tree(at))
        rc = loose_model(dir, &(struct loose){.tree = at}, e);
    free(folder);
    return rc;
}
