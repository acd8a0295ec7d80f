#include "train/vae_begin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/networks.h"

/* ---- weights of another autoencoder ---- */

static int begins(const char *name, const char *with)
{
    return !strncmp(name, with, strlen(with));
}

static int same_shape(const struct weight *a, const struct weight *b)
{
    return b && a->rank == b->rank && !memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank);
}

/* The weights of m whose names begin so and that `from` has in the same shape, of how many. */
static int count_same(const struct tiny_vae *m, struct weight_set *from, const char *prefix,
                      int *of, const struct weight **other)
{
    int n = 0;
    *of = 0;
    for (int i = 0; i < m->weights.n; i++) {
        const struct weight *w = m->weights.all[i];
        if (!begins(w->name, prefix))
            continue;
        ++*of;
        if (same_shape(w, weight_find(from, w->name)))
            n++;
        else if (other && !*other)
            *other = w;
    }
    return n;
}

static void copy_all(struct tiny_vae *m, struct weight_set *from, const char *prefix)
{
    for (int i = 0; i < m->weights.n; i++)
        if (begins(m->weights.all[i]->name, prefix))
            weight_copy(m->weights.all[i], weight_find(from, m->weights.all[i]->name));
}

/* All whose names begin so, or none. */
static int take(struct tiny_vae *m, struct weight_set *from, const char *prefix)
{
    int of, all = count_same(m, from, prefix, &of, NULL) == of;
    if (all)
        copy_all(m, from, prefix);
    return all;
}

static int take_from(struct tiny_vae *m, struct weight_set *from, const char *dir,
                     struct vae_taken *t, struct err *e)
{
    static const char *const FIXED[] = {"encoder.", "klt.encode.", "klt.decode."};
    int of;
    for (int i = 0; i < 3; i++) {
        const struct weight *other = NULL;
        if (count_same(m, from, FIXED[i], &of, &other) < of)
            return err_set(e, ERR_FORMAT,
                           "vae.init: %s has no %s of the shape that the config asks for", dir,
                           other->name);
    }
    for (int i = 0; i < 3; i++)
        copy_all(m, from, FIXED[i]);
    t->decoder = take(m, from, "decoder.");
    t->lapped = m->lapped.w && take(m, from, "klt.lapped.");
    t->deblock = m->deblock.n && t->lapped == !!m->lapped.w && take(m, from, "klt.deblock.");
    t->motion = m->config.motion && t->deblock == !!m->deblock.n && take(m, from, "klt.motion.") &&
                take(m, from, "klt.guess.");
    return 0;
}

void vae_freeze(struct tiny_vae *m, const struct vae_recipe *r)
{
    for (int i = 0; i < m->weights.n; i++)
        if (r->decoder_only && begins(m->weights.all[i]->name, "encoder."))
            m->weights.all[i]->frozen = 1;
}

int vae_take_over(struct tiny_vae *m, const char *dir, struct vae_taken *t, struct err *e)
{
    struct part from;
    int rc = part_declare(&from, dir, PART_CODEC, e);
    if (!rc && from.is != &tiny_vae_part)
        rc = err_set(e, ERR_FORMAT, "vae.init: %s is not an autoencoder of class %s", dir,
                     tiny_vae_part.names[0]);
    if (!rc)
        rc = part_load(&from, dir, device_cpu(), DT_F32, 0, NULL, e);
    if (!rc)
        rc = take_from(m, part_weights(&from), dir, t, e);
    part_release(&from);
    return rc;
}
