#include "measure/probe_kept.h"

#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/err.h"
#include "base/file.h"
#include "base/hash.h"
#include "measure/probe_pictures.h"
#include "model/store.h"

enum {
    VERSION = 1, /* of networks and training: another is another probe */
    CLIPS = 6
};

static const struct naming no_rules[] = {{NULL, NULL}};
static const char *const no_names[] = {NULL};
static const struct store_names own_names = {no_rules, no_names, no_rules, 0, NULL};

int probe_key(char **key, const struct probe_recipe *r, struct round_trip *codec,
              struct threads *threads, volatile sig_atomic_t *stop, struct err *e)
{
    char *dir = cache_folder("probes"), hex[65];
    struct probe_recipe few = *r;
    struct probe_pictures p = {0};
    struct sha256 h;
    int rc = 0;

    *key = NULL;
    if (!dir)
        return 0;
    few.clips = r->clips < CLIPS ? r->clips : CLIPS;
    rc = probe_pictures_make(&p, &few, codec, threads, NULL, stop, e);
    if (!rc) {
        char *text = xasprintf("%d %d %d %d %d %d %d %d %g %llu", VERSION, r->clips, r->steps[0],
                               r->steps[1], r->batch[0], r->batch[1], r->w, r->h, r->fps,
                               (unsigned long long)r->seed);

        sha256_init(&h);
        sha256_add(&h, text, strlen(text));
        sha256_add(&h, p.whole, (size_t)p.n * PROBE_WHOLE_BYTES);
        sha256_add(&h, p.near, (size_t)p.n * PROBE_STACK * PROBE_ROOM_BYTES);
        sha256_hex(&h, hex);
        *key = path_join(dir, hex);
        free(text);
    }
    probe_pictures_release(&p);
    free(dir);
    return rc;
}

static char *path_of(const char *key, int eye)
{
    return xasprintf("%s.%d.safetensors", key, eye + 1);
}

int probe_kept(struct probe *p, const char *key)
{
    int ok = 1;

    for (int k = 0; ok && k < PROBE_EYES; k++) {
        char *path = path_of(key, k);
        struct err e;

        ok = file_exists(path) &&
             !store_load(&p->eye[k].weights, path, &own_names, device_cpu(), DT_F32, 0, NULL, &e);
        free(path);
    }
    for (int k = 0; !ok && k < PROBE_EYES; k++) {
        probe_eye_release(&p->eye[k]);
        probe_eye_declare(&p->eye[k], k);
    }
    return ok;
}

void probe_keep(const struct probe *p, const char *key)
{
    for (int k = 0; k < PROBE_EYES; k++) {
        char *path = path_of(key, k), *dir = xstrdup(path);
        struct err e;

        *strrchr(dir, '/') = 0;
        if (!dir_make(dir, &e))
            (void)!store_save(&p->eye[k].weights, path, DT_F32, NULL, &e);
        free(dir);
        free(path);
    }
}
