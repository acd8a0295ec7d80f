#include "model/convert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "model/bundle.h"

/* What is written anew: weights of the networks, and the index of their shards. */
static int is_weights(const char *path)
{
    int network = 0;

    for (int i = 0; i < N_PLACES; i++) {
        size_t n = strlen(bundle_folder(i));

        network |= !strncmp(path, bundle_folder(i), n) && path[n] == '/';
    }
    return network && (ends_with(path, ".safetensors") || strstr(path, ".safetensors.index."));
}

static int convert_network(const struct part *p, const char *from, const char *to, enum dtype type,
                           enum bundle_place place, struct err *e)
{
    char *in = path_join(from, bundle_folder(place)), *out = path_join(to, bundle_folder(place));
    int rc = part_load(p, in, device_cpu(), DT_F32, 0, NULL, e);

    if (!rc)
        rc = part_save(p, out, type, NULL, e);
    free(in);
    free(out);
    return rc;
}

static int convert_networks(const char *from, const char *to, enum dtype type,
                            const volatile sig_atomic_t *stop, struct err *e)
{
    struct bundle *b;
    int rc = bundle_declare(&b, from, e);

    for (int i = 0; !rc && i < N_PLACES; i++) {
        if (stop && *stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        if (!rc && b->part[i].is)
            rc = convert_network(&b->part[i], from, to, type, i, e);
        part_release(&b->part[i]);
    }
    bundle_free(&b);
    return rc;
}

/* Only a model is ever replaced: -y with a wrong folder must not cost what lies there. */
static int check_target(const char *from, const char *to, int overwrite, struct err *e)
{
    char *index = path_join(to, "model_index.json");
    int there = !access(to, F_OK) && !dir_is_empty(to), model = file_exists(index), rc = 0;

    free(index);
    if (there && !overwrite)
        rc = err_set(e, ERR_IO, "%s exists already; -y overwrites it", to);
    else if (there && !model)
        rc = err_set(e, ERR_IO, "%s exists and is no model, it is not overwritten", to);
    else if (path_is_within(to, from) != path_is_within(from, to))
        rc = err_set(e, ERR_USAGE, "%s and %s: one lies within the other", to, from);
    return rc;
}

/* What lay there goes last, so that one of both is whole at any moment. */
static int put_in_place(const char *made, const char *to, struct err *e)
{
    char *old = xasprintf("%s.old.%ld", to, (long)getpid());
    int moved = !access(to, F_OK) && !dir_is_empty(to), rc = 0;

    if ((moved && rename(to, old)) || rename(made, to))
        rc = err_set(e, ERR_IO, "%s: cannot put the model here: %s", to, strerror(errno));
    if (rc && moved && access(to, F_OK) && rename(old, to))
        err_prefix(e, "what was there is %s", old);
    if (!rc && moved)
        rc = tree_remove(old, e);
    free(old);
    return rc;
}

int model_convert(const char *from, const char *to, enum dtype type, int overwrite,
                  const volatile sig_atomic_t *stop, struct err *e)
{
    char *folder = xstrdup(to), *made;
    size_t n = strlen(folder);
    int rc;

    while (n > 1 && folder[n - 1] == '/')
        folder[--n] = 0;
    made = xasprintf("%s.tmp.%ld", folder, (long)getpid());
    rc = check_target(from, folder, overwrite, e);
    if (!rc) {
        rc = convert_networks(from, made, type, stop, e);
        if (!rc) /* after them: the config.json that is there may say more than ours */
            rc = tree_copy(from, made, is_weights, e);
        if (!rc)
            rc = put_in_place(made, folder, e);
        if (rc && dir_exists(made) && tree_remove(made, NULL))
            err_prefix(e, "%s is left behind", made);
    }
    free(folder);
    free(made);
    return rc;
}
