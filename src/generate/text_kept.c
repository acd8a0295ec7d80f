#include "generate/text_kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/file.h"
#include "base/hash.h"
#include "format/safetensors.h"

#define FOLDER "text"
#define VERSION "zoetrope text 2" /* another one when encoders compute other bits */

static int is_large(const struct plan *p, int k)
{
    return weight_set_count(p->model->text[k].weights) >= p->text_kept_from;
}

/* The file of prompt i (of both) as encoder k reads it; NULL: not known, or not to be known without
 * reading the encoder's files (read = 0). The caller frees. */
static char *path_of(const struct plan *p, int k, const struct words *w, int i, int read)
{
    const char *device = p->device->name;
    size_t ids = sizeof *w->ids * (size_t)(w->start[i + 1] - w->start[i]);
    char *folder = cache_folder(FOLDER), encoder[65], hex[65], *name, *path = NULL;
    struct sha256 h;
    struct err e; /* of no interest: then nothing is kept */

    if (folder && !bundle_text_hash(p->model->dir, k, !read, encoder, &e)) {
        sha256_init(&h);
        sha256_add(&h, VERSION, sizeof VERSION);
        sha256_add(&h, encoder, 64);
        sha256_add(&h, device, strlen(device) + 1);
        sha256_add(&h, dtype_name(p->type), strlen(dtype_name(p->type)) + 1);
        sha256_add(&h, w->ids + w->start[i], ids);
        sha256_hex(&h, hex);
        name = xasprintf("%s.safetensors", hex);
        path = path_join(folder, name);
        free(name);
    }
    free(folder);
    return path;
}

static void hash_of(const float *rows, int64_t n, char hex[65])
{
    struct sha256 h;

    sha256_init(&h);
    sha256_add(&h, rows, sizeof *rows * (size_t)n);
    sha256_hex(&h, hex);
}

/* 1: rows [n, dim] are those of the file. */
static int take(const char *path, int64_t n, int64_t dim, float *rows)
{
    const struct st_tensor *t;
    const char *want;
    struct st_file *f;
    struct err e;
    char hex[65] = "";
    int ok;

    if (st_open(&f, path, &e))
        return 0;
    t = st_find(f, "rows");
    want = st_meta(f, "sha256");
    ok = t && want && t->type == DT_F32 && t->rank == 2 && t->dim[0] == n && t->dim[1] == dim &&
         !st_read_all(f, t, rows, DT_F32, &e);
    if (ok)
        hash_of(rows, n * dim, hex);
    ok = ok && !strcmp(hex, want);
    st_close(&f);
    return ok;
}

static int find(const struct plan *p, int k, struct words *w)
{
    int64_t dim = p->dit.text_dim[k];
    int ok = is_large(p, k);

    if (ok)
        w->rows = xmalloc(sizeof *w->rows * (size_t)(w->start[2] * dim + 1));
    for (int i = 0; ok && i < 2; i++) {
        char *path = path_of(p, k, w, i, 0);

        ok = path && take(path, w->start[i + 1] - w->start[i], dim, w->rows + w->start[i] * dim);
        free(path);
    }
    return ok;
}

static void forget(struct words *w)
{
    free(w->rows);
    w->rows = NULL;
}

void text_kept_find(struct plan *p)
{
    int ok = p->model->n_texts > 0;

    for (int k = 0; ok && k < p->model->n_texts; k++) {
        ok = find(p, k, &p->words[k]);
        for (int i = 0; ok && i < p->n_shots; i++)
            ok = find(p, k, &p->shot[i].words[k]);
    }
    for (int k = 0; !ok && k < p->model->n_texts; k++) {
        forget(&p->words[k]);
        for (int i = 0; i < p->n_shots; i++)
            forget(&p->shot[i].words[k]);
    }
    p->text_kept = p->budget.no_text = ok;
}

void text_kept_put(const struct plan *p, int k, const struct words *w, const float *const rows[2])
{
    char *folder = is_large(p, k) ? cache_folder(FOLDER) : NULL, hex[65];
    struct err e;

    for (int i = 0; folder && !dir_make(folder, &e) && i < 2; i++) {
        const int64_t n = w->start[i + 1] - w->start[i], dim = p->dit.text_dim[k];
        const struct st_out t = {"rows", DT_F32, 2, {n, dim}, rows[i]};
        const struct st_pair meta = {"sha256", hex};
        char *path = path_of(p, k, w, i, 1);

        hash_of(rows[i], n * dim, hex);
        if (path)
            (void)!st_write(path, &t, 1, &meta, 1, &e);
        free(path);
    }
    free(folder);
}
