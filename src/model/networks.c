#include "model/networks.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define NETWORK(T)                                                                                 \
    int bundle_save_##T(const struct T *m, const char *dir, enum dtype type, float *const *values, \
                        struct err *e)                                                             \
    {                                                                                              \
        return part_save(&(struct part){&T##_part, (void *)m}, dir, type, values, e);              \
    }                                                                                              \
    int bundle_load_##T(struct T *m, const char *dir, struct device *device, enum dtype type,      \
                        int training, struct err *e)                                               \
    {                                                                                              \
        struct T##_config c;                                                                       \
        char *path = path_join(dir, "config.json");                                                \
        int rc = T##_config_read(&c, path, e);                                                     \
        free(path);                                                                                \
        memset(m, 0, sizeof *m);                                                                   \
        if (!rc)                                                                                   \
            rc = T##_init(m, &c, e);                                                               \
        if (!rc)                                                                                   \
            rc = part_load(&(struct part){&T##_part, m}, dir, device, type, training, NULL, e);    \
        if (rc)                                                                                    \
            T##_release(m);                                                                        \
        return rc;                                                                                 \
    }
NETWORK(wan)
NETWORK(umt5)
NETWORK(clause_text)
NETWORK(tiny_vae)
NETWORK(subpixel)
#undef NETWORK
