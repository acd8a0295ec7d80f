#include "train/checkpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"
#include "format/safetensors.h"

enum { KEPT = 2, MAX_FILES = 64 };

static const char *const PARTS[] = {"", "@m", "@v", "@ema"};

static float *part_of(const struct optim_slot *s, int part)
{
    float *const of[] = {s->w->master, s->m, s->v, s->ema};
    return of[part];
}

/* The host reads the memory of its own device where it lies, that of a GPU in a copy. */
static const float *to_host(const struct optim_slot *s, const float *data)
{
    if (s->w->device->host)
        return data;
    float *copy = xmalloc(sizeof(float) * (size_t)s->n);
    device_get(s->w->device, copy, data, sizeof(float) * (size_t)s->n);
    return copy;
}

static void from_host(const struct optim_slot *s, const void *data)
{
    if (!s->w->device->host)
        free((void *)data);
}

static char *tensor_name(const struct optim_slot *s, int part)
{
    return xasprintf("%s.%s%s", s->set, s->w->name, PARTS[part]);
}

/* Steps of the files STAGE-*.safetensors in dir, newest first. Returns how many, or an error: a
 * folder that cannot be looked into is not one without checkpoints. */
static int list_steps(const char *dir, const char *stage, int64_t step[MAX_FILES], struct err *e)
{
    DIR *d = opendir(dir);
    if (!d)
        return errno == ENOENT ? 0
                               : err_set(e, ERR_IO, "%s: cannot look for checkpoints: %s", dir,
                                         strerror(errno));
    int n = 0;
    size_t len = strlen(stage);
    for (struct dirent *f; (f = readdir(d)) && n < MAX_FILES;) {
        const char *dot = strstr(f->d_name, ".safetensors");
        if (strncmp(f->d_name, stage, len) || f->d_name[len] != '-' || !dot || dot[12])
            continue;
        char digits[24];
        snprintf(digits, sizeof(digits), "%.*s", (int)(dot - f->d_name - (int)len - 1),
                 f->d_name + len + 1);
        if (!parse_int(digits, &step[n]))
            n++;
    }
    closedir(d);
    for (int i = 1; i < n; i++)
        for (int j = i; j > 0 && step[j] > step[j - 1]; j--) {
            int64_t t = step[j];
            step[j] = step[j - 1];
            step[j - 1] = t;
        }
    return n;
}

static char *file_of(const char *dir, const char *stage, int64_t step)
{
    return xasprintf("%s/%s-%08lld.safetensors", dir, stage, (long long)step);
}

/* All but the last two, and those of steps that are still to come: they were broken. */
static void remove_old(const char *dir, const struct checkpoint *c)
{
    int64_t step[MAX_FILES];
    int n = list_steps(dir, c->stage, step, NULL), kept = 0;
    for (int i = 0; i < n; i++) {
        if (step[i] <= c->step && kept++ < KEPT)
            continue;
        char *path = file_of(dir, c->stage, step[i]);
        unlink(path);
        free(path);
    }
}

int checkpoint_save(const char *dir, const struct checkpoint *c, const struct optim *o,
                    struct err *e)
{
    struct st_out *out = xcalloc((size_t)o->n * 4 + 1, sizeof(*out));
    int n = 0;
    for (int i = 0; i < o->n; i++) {
        for (int part = 0; part < 4; part++) {
            float *data = part_of(&o->slot[i], part);
            if (data)
                out[n++] = (struct st_out){.name = tensor_name(&o->slot[i], part),
                                           .type = DT_F32,
                                           .rank = 1,
                                           .dim = {o->slot[i].n},
                                           .data = to_host(&o->slot[i], data)};
        }
    }
    char step[24], bytes[24], mean[32];
    snprintf(step, sizeof(step), "%lld", (long long)c->step);
    snprintf(bytes, sizeof(bytes), "%lld", (long long)c->curve_bytes);
    snprintf(mean, sizeof(mean), "%a", c->loss_mean);
    struct st_pair meta[] = {{"stage", c->stage},
                             {"step", step},
                             {"config", c->config_hash},
                             {"curve_bytes", bytes},
                             {"loss_mean", mean}};
    char *path = file_of(dir, c->stage, c->step);
    int rc = st_write(path, out, n, meta, 5, e);
    free(path);
    for (int i = 0; i < n; i++)
        free((char *)out[i].name);
    for (int i = 0, at = 0; i < o->n; i++)
        for (int part = 0; part < 4; part++)
            if (part_of(&o->slot[i], part))
                from_host(&o->slot[i], out[at++].data);
    free(out);
    if (!rc)
        remove_old(dir, c);
    return rc;
}

static int read_slots(const struct st_file *f, struct optim *o, struct err *e)
{
    for (int i = 0; i < o->n; i++) {
        struct optim_slot *s = &o->slot[i];
        for (int part = 0; part < 4; part++) {
            float *data = part_of(s, part);
            if (!data)
                continue;
            char *name = tensor_name(s, part);
            const struct st_tensor *t = st_find(f, name);
            int rc = 0;
            if (!t || t->n != s->n || t->type != DT_F32)
                rc = err_set(e, ERR_FORMAT,
                             "%s: %s should hold %lld numbers of F32; it is of another network",
                             st_path(f, 0), name, (long long)s->n);
            float *values = xmalloc(sizeof(float) * (size_t)s->n);
            if (!rc)
                rc = st_read_all(f, t, values, DT_F32, e);
            if (!rc)
                device_put(s->w->device, data, values, sizeof(float) * (size_t)s->n);
            free(values);
            free(name);
            if (rc)
                return rc;
        }
        weight_publish(s->w, NULL);
    }
    return 0;
}

static int read_meta(const struct st_file *f, struct checkpoint *c, struct err *e)
{
    const char *config = st_meta(f, "config"), *step = st_meta(f, "step");
    const char *bytes = st_meta(f, "curve_bytes"), *mean = st_meta(f, "loss_mean");
    if (!config || !step || !bytes || !mean || parse_int(step, &c->step) ||
        parse_int(bytes, &c->curve_bytes) || c->step < 0 || c->curve_bytes < 0)
        return err_set(e, ERR_FORMAT,
                       "%s: this is no checkpoint: step, config or curve_bytes is missing",
                       st_path(f, 0));
    if (strcmp(config, c->config_hash))
        return err_set(e, ERR_FORMAT,
                       "%s: the checkpoint comes from another config; train into another --out",
                       st_path(f, 0));
    c->loss_mean = strtod(mean, NULL);
    return 0;
}

/* 0; negative; *broken tells whether the file itself is damaged: one that is of another run, or
 * that there is no memory for, is not. */
static int load_file(const char *path, struct checkpoint *c, struct optim *o, int *broken,
                     struct err *e)
{
    struct st_file *f;
    int rc = st_open(&f, path, e);
    *broken = rc == ERR_FORMAT;
    if (rc)
        return rc;
    if (!(rc = read_meta(f, c, e)) && !(rc = read_slots(f, o, e)))
        o->step = c->step;
    st_close(&f);
    return rc;
}

int checkpoint_load(const char *dir, struct checkpoint *c, struct optim *o, struct err *broken,
                    struct err *e)
{
    int64_t step[MAX_FILES];
    int n = list_steps(dir, c->stage, step, e), rc = n < 0 ? n : 0, bad = 0;
    if (broken)
        *broken = (struct err){0};
    for (int i = 0; i < n; i++) {
        char *path = file_of(dir, c->stage, step[i]);
        rc = load_file(path, c, o, &bad, e);
        free(path);
        if (!rc)
            return 1;
        if (!bad)
            return rc;
        if (broken && !broken->code)
            *broken = *e;
    }
    return rc;
}

int64_t checkpoint_newest(const char *dir, const char *stage)
{
    int64_t step[MAX_FILES];
    return list_steps(dir, stage, step, NULL) > 0 ? step[0] : -1;
}
