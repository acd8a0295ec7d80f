/* pull_choose.c - which files of a repository are read by a loader of ours. */
#include <fnmatch.h>
#include <string.h>

#include "base/utf8.h"
#include "model/bundle.h"
#include "model/pull_inner.h"

/* The name below a folder ("": the top), without further folders; NULL: it lies elsewhere. */
static const char *name_in(const char *path, const char *folder)
{
    size_t n = strlen(folder);

    if (n && (strncmp(path, folder, n) || path[n] != '/'))
        return NULL;
    path += n ? n + 1 : 0;
    return strchr(path, '/') ? NULL : path;
}

static struct pull_file *find(struct pull_list *l, const char *folder, const char *name)
{
    for (int i = 0; i < l->n; i++) {
        const char *own = name_in(l->file[i].path, folder);

        if (own && !strcmp(own, name))
            return &l->file[i];
    }
    return NULL;
}

static int want(struct pull_file *f)
{
    if (f)
        f->wanted = 1;
    return f != NULL;
}

/* NAME.safetensors.index.json stands for NAME-00001-of-00002.safetensors and so on. */
static void want_shards(struct pull_list *l, const char *folder, const char *index)
{
    size_t stem = strlen(index) - strlen(".safetensors.index.json");

    for (int i = 0; i < l->n; i++) {
        const char *own = name_in(l->file[i].path, folder);

        if (own && !strncmp(own, index, stem) && own[stem] == '-' && strstr(own + stem, "-of-") &&
            ends_with(own, ".safetensors"))
            l->file[i].wanted = 1;
    }
}

/* As st_open chooses in a folder: the usual names, else the only file. 0: there is none. */
static int want_weights(struct pull_list *l, const char *folder)
{
    static const char *const usual[] = {"diffusion_pytorch_model.safetensors.index.json",
                                        "diffusion_pytorch_model.safetensors", "model.safetensors",
                                        "model.safetensors.index.json"};
    static const char *const endings[] = {".safetensors.index.json", ".safetensors", ".gguf"};
    struct pull_file *only = NULL;
    int n = 0;

    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (want(find(l, folder, usual[i]))) {
            if (ends_with(usual[i], ".json"))
                want_shards(l, folder, usual[i]);
            return 1;
        }
    for (size_t k = 0; k < sizeof endings / sizeof *endings && !n; k++)
        for (int i = 0; i < l->n; i++) {
            const char *own = name_in(l->file[i].path, folder);

            if (own && ends_with(own, endings[k]) && n++ == 0)
                only = &l->file[i];
        }
    if (n != 1)
        return 0;
    only->wanted = 1;
    if (ends_with(only->path, ".json"))
        want_shards(l, folder, name_in(only->path, folder));
    return 1;
}

static void want_tokenizer(struct pull_list *l, const char *folder)
{
    if (!want(find(l, folder, "tokenizer.json")))
        want(find(l, folder, "spiece.model"));
}

/* A model directory. */
static int choose_directory(struct pull_list *l, const struct pull_request *r, struct err *e)
{
    want(find(l, "", "model_index.json"));
    want(find(l, "scheduler", "scheduler_config.json"));
    for (int i = 0; i < N_PLACES; i++) {
        const char *folder = bundle_folder(i);

        if (want(find(l, folder, "config.json")) && !want_weights(l, folder))
            return err_set(e, ERR_USAGE,
                           "%s: in %s there is no single .safetensors or .gguf to read; --files "
                           "PATTERN or --all says what to take",
                           r->name, folder);
    }
    want_tokenizer(l, "tokenizer");
    want_tokenizer(l, "tokenizer_2");
    return 0;
}

/* The original release: transformers in safetensors, the rest in .pth that is converted. */
static int choose_release(struct pull_list *l)
{
    int any = want_weights(l, "");

    any |= want_weights(l, "high_noise_model");
    any |= want_weights(l, "low_noise_model");
    for (int i = 0; any && i < l->n; i++) {
        const char *own = name_in(l->file[i].path, "");

        if (own && ends_with(own, ".pth"))
            l->file[i].wanted = 1;
    }
    want_tokenizer(l, "google/umt5-xxl");
    return any;
}

static int is_wanted(const char *path, const char *patterns)
{
    char one[512];

    for (const char *at = patterns; *at; at += *at == ',') {
        size_t n = strcspn(at, ",");

        if (n && n < sizeof one) {
            memcpy(one, at, n);
            one[n] = '\0';
            if (!fnmatch(one, path, 0))
                return 1;
        }
        at += n;
    }
    return 0;
}

static int too_many(const struct pull_list *l, const struct pull_request *r, struct err *e)
{
    struct buf b = BUF_INIT;
    int n = 0;

    for (int i = 0; i < l->n; i++)
        if ((ends_with(l->file[i].path, ".safetensors") || ends_with(l->file[i].path, ".gguf")) &&
            n++ < 4)
            buf_printf(&b, "%s%.80s", n > 1 ? ", " : " (", l->file[i].path);
    err_set(e, ERR_USAGE,
            "%s: no model_index.json, and %d files of weights%s%s; --files PATTERN says which to "
            "take, --list shows them, --all takes every file",
            r->name, n, buf_str(&b),
            n > 4 ? ", ...)"
            : n   ? ")"
                  : "");
    buf_release(&b);
    return ERR_USAGE;
}

/* Words of the licence go along. */
static void want_licence(struct pull_list *l)
{
    for (int i = 0; i < l->n; i++) {
        const char *own = name_in(l->file[i].path, "");

        if (own && !strncmp(own, "LICENSE", 7) && l->file[i].bytes < 1 << 20)
            l->file[i].wanted = 1;
    }
}

int pull_choose(struct pull_list *l, const struct pull_request *r, struct err *e)
{
    int n = 0, rc = 0;

    if (r->all || r->files) {
        for (int i = 0; i < l->n; i++)
            n += l->file[i].wanted = r->all || is_wanted(l->file[i].path, r->files);
        return n ? 0 : err_set(e, ERR_USAGE, "%s: no file is named like %s", r->name, r->files);
    }
    if (find(l, "", "model_index.json"))
        rc = choose_directory(l, r, e);
    else if (!choose_release(l))
        rc = too_many(l, r, e);
    if (!rc)
        want_licence(l);
    return rc;
}
