/* Where models are looked for: the path itself, $ZOETROPE_MODELS, the XDG data folders, where
 * zoetrope is installed, and the source tree it was built in. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h"
#include "base/buf.h"
#include "base/file.h"

struct search {
    const char *name; /* NULL: any */
    char *found;
    struct buf seen; /* the places, for the message */
    struct err bad;  /* the first model that could not be read, which may be the one */
};

static int has_name(struct search *s, const char *dir)
{
    struct bundle_info info;
    struct err e = {0};
    int rc = bundle_info_read(&info, dir, &e);

    if (rc && !s->bad.code)
        s->bad = e;
    return !rc && !strcmp(info.name, s->name);
}

/* dir is a model of that name, or the default. */
static int take_itself(struct search *s, const char *dir)
{
    if (!bundle_is_there(dir) || (s->name && !has_name(s, dir)))
        return 0;
    s->found = xstrdup(dir);
    return 1;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* First sub-folder of dir, in order of names, that is the model. */
static void take_below(struct search *s, const char *dir)
{
    DIR *d = opendir(dir);
    char **list = NULL;
    int n = 0;

    for (struct dirent *it; d && (it = readdir(d));) {
        if (it->d_name[0] == '.')
            continue;
        list = xrealloc(list, sizeof(*list) * (size_t)(n + 1));
        list[n++] = path_join(dir, it->d_name);
    }
    if (d)
        closedir(d);
    if (n)
        qsort(list, (size_t)n, sizeof *list, by_name);
    for (int i = 0; i < n; i++) {
        if (!s->found && bundle_is_there(list[i]) && s->name &&
            !strcmp(path_base(list[i]), s->name))
            s->found = xstrdup(list[i]);
    }
    for (int i = 0; i < n; i++) {
        if (!s->found)
            take_itself(s, list[i]);
        free(list[i]);
    }
    free(list);
}

static void look_in(struct search *s, const char *dir)
{
    const char *seen = buf_str(&s->seen), *at = strstr(seen, dir);
    size_t n = strlen(dir);

    if (s->found || !n)
        return;
    for (; at; at = strstr(at + 1, dir)) /* the same folder by another rule */
        if ((at == seen || at[-1] == ' ') && (at[n] == ',' || !at[n]))
            return;
    buf_printf(&s->seen, "%s%s", s->seen.len ? ", " : "", dir);
    if (!take_itself(s, dir))
        take_below(s, dir);
}

/* Each folder of a list with colons, with `below` behind it. */
static void look_in_list(struct search *s, const char *list, const char *below)
{
    while (list && *list) {
        size_t n = strcspn(list, ":");
        char *dir = xasprintf("%.*s%s", (int)n, list, below);
        if (n)
            look_in(s, dir);
        free(dir);
        list += n + (list[n] == ':');
    }
}

/* BIN/../share/zoetrope and BUILD/../model: a tree that was moved still finds its model. */
static void look_beside_program(struct search *s)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

    if (n <= 0)
        return;
    self[n] = 0;
    char *bin = path_dir(self), *up = path_dir(bin);
    char *share = path_join(up, "share/zoetrope"), *source = path_join(up, "model");
    look_in(s, share);
    look_in(s, source);
    free(bin);
    free(up);
    free(share);
    free(source);
}

static int one_file(const char *name, struct err *e)
{
    return err_set(e, ERR_FORMAT,
                   "model %s: this is one file of a model: diffusion-model, t5xxl and vae name its "
                   "files, or models the folder in which they are",
                   name);
}

int model_find(char **dir, const char *name, struct err *e)
{
    struct search s = {.name = name};
    const char *home = getenv("HOME"), *xdg = getenv("XDG_DATA_HOME");
    const char *dirs = getenv("XDG_DATA_DIRS");

    *dir = NULL;
    if (name && (strchr(name, '/') || dir_exists(name) || file_exists(name))) {
        int rc = model_of_files(dir, name, e);
        if (rc || *dir)
            return rc;
        if (strchr(name, '/'))
            return file_exists(name) && !dir_exists(name)
                       ? one_file(name, e)
                       : err_set(e, ERR_FORMAT,
                                 "model %s: no model_index.json there, nor files of a model", name);
    }
    look_in_list(&s, getenv("ZOETROPE_MODELS"), "");
    char *own = xdg && *xdg ? xasprintf("%s/zoetrope", xdg)
                            : xasprintf("%s/.local/share/zoetrope", home ? home : "");
    look_in(&s, own);
    look_in_list(&s, dirs && *dirs ? dirs : "/usr/local/share:/usr/share", "/zoetrope");
    look_beside_program(&s);
    look_in(&s, ZT_DATADIR);
    look_in(&s, ZT_SOURCE_MODEL);
    free(own);
    *dir = s.found;
    if (!s.found && name && file_exists(name) && !dir_exists(name))
        one_file(name, e);
    else if (!s.found)
        err_set(e, s.bad.code ? s.bad.code : ERR_FORMAT, "%s%s%s in %s%s%s; option model names one",
                name ? "no model \"" : "no model", name ? name : "", name ? "\"" : "",
                buf_str(&s.seen), s.bad.code ? "; " : "", s.bad.msg);
    buf_release(&s.seen);
    return s.found ? 0 : e->code;
}
