#include "model/hub.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

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

char *hub_snapshot(const char *repo)
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

char *hub_find(const char *name)
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
    dir = hub_snapshot(repo);
    free(hub);
    free(repo);
    return dir;
}
