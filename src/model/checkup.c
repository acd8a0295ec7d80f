/* checkup.c - the files of a folder, each by itself. */
#include "model/checkup.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "format/gguf.h"
#include "format/json.h"
#include "model/checkup_inner.h"
#include "model/hub.h"

enum { MOST_FILES = 8192, MOST_JSON_BYTES = 64 << 20 };

static int is_one_of(const char *name, const char *const *endings)
{
    for (; *endings; endings++)
        if (ends_behind(name, *endings))
            return 1;
    return 0;
}

void checkup_wrong(struct checkup *c, const char *fmt, ...)
{
    char text[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    c->wrong = xrealloc(c->wrong, sizeof *c->wrong * (size_t)(c->n_wrong + 1));
    c->wrong[c->n_wrong++] = xstrdup(text);
}

void checkup_bad(struct checked_file *f, const char *message)
{
    size_t n = strlen(f->full);

    if (!strncmp(message, f->full, n) && !strncmp(message + n, ": ", 2))
        message += n + 2;
    free(f->say);
    f->say = xstrdup(message);
    f->state = CHECKED_BAD;
}

struct checked_file *checkup_file(const struct checkup *c, const char *full)
{
    char *real = realpath(full, NULL);
    struct checked_file *found = NULL;

    for (int i = 0; !found && i < c->n; i++) {
        char *own = strcmp(c->file[i].full, full) ? realpath(c->file[i].full, NULL) : NULL;

        if (!own ? !strcmp(c->file[i].full, full) : real && !strcmp(own, real))
            found = &c->file[i];
        free(own);
    }
    free(real);
    return found;
}

/* ---- one file ---- */

static const char *const role_words[N_PART_ROLES] = {
    [PART_TEXT] = "text encoder",     [PART_DENOISER] = "transformer", [PART_CODEC] = "vae",
    [PART_IMAGE] = "picture encoder", [PART_UPSAMPLER] = "upsampler",
};

static int is_lora(const struct st_file *f)
{
    for (int i = 0; i < st_count(f); i++)
        if (strstr(st_at(f, i)->name, "lora_"))
            return 1;
    return 0;
}

static void not_read(struct checked_file *f, const char *why)
{
    if (f->state == CHECKED_BAD)
        return;
    free(f->say);
    f->say = xstrdup(why);
}

static void look_at_weights(struct checked_file *f)
{
    struct st_file *file;
    struct recognised is;
    struct err e = {0}, why;

    f->weights = 1;
    if (st_open(&file, f->full, &e)) {
        checkup_bad(f, e.msg);
        return;
    }
    if (!recognise(&is, file, &why)) {
        f->part = role_words[is.role];
        f->network = is.class;
    } else if (is_lora(file)) {
        f->part = "LoRA";
    } else if (is.kin) {
        char *refusal = recognised_refusal(&is);

        not_read(f, refusal);
        free(refusal);
    }
    recognised_release(&is);
    st_close(&file);
}

/* Text that came instead of the file: a page, or a pointer of Git LFS. */
static const char *instead_of(const char *full)
{
    char head[64] = "";
    FILE *f = fopen(full, "rb");
    size_t n = f ? fread(head, 1, sizeof head - 1, f) : 0;

    if (f)
        fclose(f);
    if (n > 22 && !strncmp(head, "version https://git-lfs", 23))
        return "this is a Git LFS pointer: the file itself was not downloaded";
    if (!strncasecmp(head, "<!doctype", 9) || !strncasecmp(head, "<html", 5))
        return "this is an HTML page, not the file";
    return NULL;
}

static void nothing(void *arg, struct jval root)
{
    (void)arg, (void)root;
}

static void look_at_json(struct checked_file *f)
{
    const char *instead = instead_of(f->full);
    struct err e = {0};

    if (instead)
        checkup_bad(f, instead);
    else if (jdoc_take_python(f->full, MOST_JSON_BYTES, nothing, NULL, &e))
        checkup_bad(f, e.msg);
}

static void look_at_file(struct checked_file *f)
{
    static const char *const weights[] = {".safetensors", ".gguf", NULL};
    static const char *const pickles[] = {".pth", ".pt", ".bin", ".ckpt", NULL};
    static const char *const foreign[] = {".onnx", ".h5", ".msgpack", ".npz", ".tflite", NULL};
    static const char *const halves[] = {".incomplete", ".part",     ".aria2",
                                         ".crdownload", ".download", NULL};

    if (f->bytes < 0)
        checkup_bad(f, "this is a link to a file that is not there");
    else if (is_one_of(f->full, weights))
        look_at_weights(f);
    else if (ends_behind(f->full, ".json"))
        look_at_json(f);
    else if (ends_behind(f->full, ".model") && instead_of(f->full))
        checkup_bad(f, instead_of(f->full));
    else if (is_one_of(f->full, halves))
        not_read(f, "a download that was not finished");
    else if (is_one_of(f->full, pickles))
        not_read(f, "a file of PyTorch is not read; zoetrope convert makes a .safetensors of it");
    else if (is_one_of(f->full, foreign))
        not_read(f, "a file for another program");
}

/* Neither cards nor pictures. */
static int counts(const char *name)
{
    static const char *const endings[] = {
        ".safetensors", ".gguf",  ".json",       ".model",  ".pth", ".pt",
        ".bin",         ".ckpt",  ".onnx",       ".h5",     ".npz", ".part",
        ".incomplete",  ".aria2", ".crdownload", ".tflite", NULL};

    return is_one_of(name, endings) || !strcmp(name, "config.json");
}

/* ---- all of them ---- */

static void add_file(struct checkup *c, const char *path, const char *full)
{
    struct checked_file f = {
        .path = xstrdup(path), .full = xstrdup(full), .part = "", .network = ""};

    f.bytes = file_size(full);
    c->file = xrealloc(c->file, sizeof *c->file * (size_t)(c->n + 1));
    c->file[c->n++] = f;
}

/* Files below c->dir/below, in any order. Names with a dot in front are of other programs. */
static int walk(struct checkup *c, const char *below, int depth, struct err *e)
{
    char *dir = *below ? path_join(c->dir, below) : xstrdup(c->dir);
    DIR *d = opendir(dir);
    int rc = 0;

    for (struct dirent *it; !rc && d && (it = readdir(d));) {
        char *path = *below ? path_join(below, it->d_name) : xstrdup(it->d_name);
        char *full = path_join(c->dir, path);

        if (it->d_name[0] == '.')
            ;
        else if (dir_exists(full))
            rc = depth < TREE_DEPTH ? walk(c, path, depth + 1, e) : 0;
        else if (c->n == MOST_FILES)
            rc = err_set(e, ERR_FORMAT, "%s: more than %d files; name the folder of one model",
                         c->dir, MOST_FILES);
        else if (counts(it->d_name))
            add_file(c, path, full);
        free(full);
        free(path);
    }
    if (d)
        closedir(d);
    free(dir);
    return rc;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct checked_file *)a)->path, ((const struct checked_file *)b)->path);
}

static int take_folder(struct checkup *c, const char *path, struct err *e)
{
    size_t n = strlen(path);
    int rc;

    while (n > 1 && path[n - 1] == '/')
        n--;
    c->dir = xstrndup(path, n);
    char *snapshot = hub_snapshot(c->dir);
    if (snapshot) {
        free(c->dir);
        c->dir = snapshot;
    }
    rc = walk(c, "", 0, e);
    if (c->n)
        qsort(c->file, (size_t)c->n, sizeof *c->file, by_path);
    return rc;
}

static int take_files(struct checkup *c, const char *const *path, int n, struct err *e)
{
    c->dir = xstrdup("");
    c->kind = CHECKUP_PARTS;
    for (int i = 0; i < n; i++) {
        if (dir_exists(path[i]))
            return err_set(e, ERR_USAGE, "%s is a folder: one folder, or files, not both", path[i]);
        if (!file_exists(path[i]))
            return err_set(e, ERR_IO, "%s: there is no such file or folder", path[i]);
        add_file(c, path[i], path[i]);
    }
    return 0;
}

/* What is read of nothing is said, and counted. */
static void settle_unused(struct checkup *c)
{
    for (int i = 0; i < c->n; i++) {
        struct checked_file *f = &c->file[i];

        if (f->state == CHECKED_USED || f->bytes < 0)
            continue;
        c->unused_bytes += f->weights || f->say ? f->bytes : 0;
        if (f->state == CHECKED_BAD || f->say || !f->weights)
            continue;
        not_read(f, !strcmp(f->part, "LoRA") ? "a LoRA: option lora names it"
                                             : "no part of the model is read from it");
    }
}

int checkup_look(struct checkup *c, const char *const *path, int n, struct err *e)
{
    int folder = n == 1 && dir_exists(path[0]), rc;

    *c = (struct checkup){0};
    rc = folder ? take_folder(c, path[0], e) : take_files(c, path, n, e);
    if (rc)
        return rc;
    for (int i = 0; i < c->n; i++)
        look_at_file(&c->file[i]);
    if (folder && bundle_is_there(c->dir))
        checkup_model(c);
    else
        checkup_loose(c);
    if (folder) {
        checkup_known_hashes(c);
        settle_unused(c);
    }
    return 0;
}

void checkup_release(struct checkup *c)
{
    for (int i = 0; i < c->n; i++) {
        free(c->file[i].path);
        free(c->file[i].full);
        free(c->file[i].say);
    }
    for (int i = 0; i < c->n_wrong; i++)
        free(c->wrong[i]);
    free(c->file);
    free(c->wrong);
    free(c->dir);
    free(c->model);
    *c = (struct checkup){0};
}
