#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/file.h"
#include "model/lora_list.h"
#include "world/world.h"

int api_fail(const struct err *e, char *error, size_t size)
{
    if (error && size)
        snprintf(error, size, "%s", e->msg);
    return e->code;
}

void zt_set_panic_hook(void (*hook)(const char *message, void *user), void *user)
{
    panic_set_hook(hook, user);
}

/* Weights of all networks, from their configs alone. */
static int64_t count_parameters(const char *dir)
{
    struct bundle *b;
    struct err e;
    int64_t n = 0;

    if (bundle_declare(&b, dir, &e))
        return 0;
    for (int i = 0; i < N_PLACES; i++)
        n += b->part[i].is ? weight_set_count(part_weights(&b->part[i])) : 0;
    bundle_free(&b);
    return n;
}

/* "I8 11.7 MiB, F32 0.5 MiB": the type that holds most first, as far as there is room. */
static int describe_weights(struct zt_model *m, struct err *e)
{
    enum { LONGEST = 32 };
    struct stored_bytes sum[BUNDLE_TYPES];
    uint64_t all = 0;
    size_t n = 0;
    int rc = bundle_stored(m->dir, sum, e);

    for (int i = 0; !rc && sum[i].type; i++) {
        char size[32];

        all += sum[i].bytes;
        if (!sum[i].bytes || n + LONGEST > sizeof m->weights)
            continue;
        format_bytes(size, sizeof size, (double)sum[i].bytes);
        n += (size_t)snprintf(m->weights + n, sizeof m->weights - n, "%s%s %.12s", n ? ", " : "",
                              sum[i].type, size);
    }
    snprintf(m->weight_bytes, sizeof m->weight_bytes, "%llu", (unsigned long long)all);
    return rc;
}

int zt_model_open(zt_model **out, const char *name, char *error, size_t size)
{
    zt_model *m = xcalloc(1, sizeof *m);
    struct err e = {0};
    int rc = model_find(&m->dir, name, &e);

    *out = NULL;
    pthread_mutex_init(&m->lock, NULL);
    pthread_mutex_init(&m->hash_lock, NULL);
    if (!rc)
        rc = bundle_info_read(&m->info, m->dir, &e);
    if (!rc)
        rc = describe_weights(m, &e);
    if (rc) {
        zt_model_free(&m);
        return api_fail(&e, error, size);
    }
    snprintf(m->text[0], sizeof m->text[0], "%d", m->info.width);
    snprintf(m->text[1], sizeof m->text[1], "%d", m->info.height);
    snprintf(m->text[2], sizeof m->text[2], "%d", m->info.frames);
    api_real(m->text[3], sizeof m->text[3], m->info.frame_rate);
    api_real(m->text[5], sizeof m->text[5], m->info.shown_rate);
    api_real(m->text[4], sizeof m->text[4], m->info.guidance);
    api_real(m->text[6], sizeof m->text[6], m->info.stagger);
    api_real(m->text[7], sizeof m->text[7], m->info.sharpen);
    api_real(m->text[8], sizeof m->text[8], m->info.fade);
    api_real(m->text[9], sizeof m->text[9],
             m->info.guidance_given > 0 ? m->info.guidance_given : 1);
    for (int i = 0; world_at(i); i++) {
        size_t n = strlen(m->worlds);
        if (m->info.worlds & world_bit(world_at(i)))
            snprintf(m->worlds + n, sizeof m->worlds - n, "%s%s", n ? ", " : "", world_at(i)->name);
    }
    snprintf(m->parameters, sizeof m->parameters, "%lld", (long long)count_parameters(m->dir));
    *out = m;
    return 0;
}

void zt_model_free(zt_model **model)
{
    zt_model *m = model ? *model : NULL;

    if (!m)
        return;
    atomic_store(&m->stop_hash, 1);
    if (m->hashing)
        pthread_join(m->hasher, NULL);
    while (m->loaded) {
        struct loaded *l = m->loaded;
        m->loaded = l->next;
        bundle_free(&l->bundle);
        free(l->lora);
        free(l);
    }
    pthread_mutex_destroy(&m->lock);
    pthread_mutex_destroy(&m->hash_lock);
    free(m->dir);
    free(m);
    *model = NULL;
}

/* ---- the hash ---- */

static void *make_hash(void *arg)
{
    struct zt_model *m = arg;

    if (bundle_hash(m->dir, &m->stop_hash, m->hash, &m->hash_err))
        m->hash[0] = 0;
    return NULL;
}

/* Signals belong to the threads of the program. */
static int start_hasher(struct zt_model *m)
{
    sigset_t all, old;
    int rc;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&m->hasher, NULL, make_hash, m);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return !rc;
}

void model_hash_begin(struct zt_model *m)
{
    pthread_mutex_lock(&m->hash_lock);
    if (!m->hashing && !m->hash[0])
        m->hashing = start_hasher(m);
    pthread_mutex_unlock(&m->hash_lock);
}

int model_hash(struct zt_model *m, const char **hash, struct err *e)
{
    int rc = 0;

    pthread_mutex_lock(&m->hash_lock);
    if (m->hashing)
        pthread_join(m->hasher, NULL);
    else if (!m->hash[0])
        make_hash(m);
    m->hashing = 0;
    if (!m->hash[0])
        rc = err_set(e, m->hash_err.code, "%s", m->hash_err.msg);
    pthread_mutex_unlock(&m->hash_lock);
    *hash = m->hash;
    return rc;
}

const char *zt_model_get(const zt_model *m, const char *key)
{
    const char *hash;
    const struct {
        const char *key, *value;
    } facts[] = {{"name", m->info.name},
                 {"license", m->info.license},
                 {"description", m->info.description},
                 {"release", m->info.release},
                 {"sampler", m->info.sampler},
                 {"text", m->info.worlds ? "canonical" : "plain"},
                 {"worlds", m->worlds},
                 {"width", m->text[0]},
                 {"height", m->text[1]},
                 {"frames", m->text[2]},
                 {"frame_rate", m->text[3]},
                 {"shown_rate", m->text[5]},
                 {"guidance", m->text[4]},
                 {"guidance_to_given", m->text[9]},
                 {"stagger", m->text[6]},
                 {"sharpen", m->text[7]},
                 {"fade", m->text[8]},
                 {"type", *m->info.type ? m->info.type : "auto"},
                 {"path", m->dir},
                 {"parameters", m->parameters},
                 {"weights", m->weights},
                 {"weight_bytes", m->weight_bytes}};

    if (!strcmp(key, "hash"))
        return model_hash((struct zt_model *)m, &hash, NULL) ? NULL : hash;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (!strcmp(key, facts[i].key))
            return facts[i].value;
    return NULL;
}

static int load(struct zt_model *m, struct device *device, enum dtype type, const char *lora,
                const struct bundle_budget *budget, struct loaded **out, struct err *e)
{
    struct loaded *l = xcalloc(1, sizeof *l);
    int rc;

    device_enter(device);
    rc = bundle_open(&l->bundle, m->dir, device, type, budget, e);
    if (!rc && (rc = lora_list_apply(l->bundle, lora, e)))
        bundle_free(&l->bundle);
    device_leave(device);
    if (rc) {
        free(l);
        return rc;
    }
    l->device = device;
    l->type = type;
    l->as = budget->as;
    l->lora = xstrdup(lora);
    l->next = m->loaded;
    *out = m->loaded = l;
    return 0;
}

int model_networks(struct zt_model *m, struct device *device, enum dtype type, const char *lora,
                   const struct bundle_budget *budget, const struct bundle **out, struct err *e)
{
    int rc;

    *out = NULL;
    pthread_mutex_lock(&m->lock);
    struct loaded *l = m->loaded;
    while (l && (l->device != device || l->type != type || l->as.form != budget->as.form ||
                 l->as.int8 != budget->as.int8 || strcmp(l->lora, lora)))
        l = l->next;
    rc = l ? bundle_same(l->bundle, e) : load(m, device, type, lora, budget, &l, e);
    if (!rc)
        bundle_limit(l->bundle, budget);
    if (!rc && !l->bundle->text_loaded && !budget->no_text) {
        device_enter(device);
        rc = bundle_load_text(l->bundle, device, type, budget, e);
        device_leave(device);
    }
    if (!rc && l->bundle->n_bad_weights)
        rc = err_set(e, ERR_FORMAT,
                     "%s/%s: weight %s holds values that are not finite (of %lld in all): the file "
                     "is damaged",
                     m->dir, l->bundle->bad_folder, l->bundle->bad_weight,
                     (long long)l->bundle->n_bad_weights);
    if (!rc)
        *out = l->bundle;
    pthread_mutex_unlock(&m->lock);
    return rc;
}
