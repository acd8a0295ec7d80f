/* library.c - NVIDIA's libraries are opened when a GPU is, so that the program runs without them.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "kern/cuda/gpu.h"

/* Where the loader does not look by itself. */
static const char *const folder[] = {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"};

void *library_open(const char *const *names, struct err *e)
{
    char why[256] = "";

    for (size_t f = 0; f < sizeof folder / sizeof *folder; f++)
        for (int i = 0; names[i]; i++) {
            char path[128];
            void *library;

            snprintf(path, sizeof path, "%s%s", folder[f], names[i]);
            library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
            if (library)
                return library;
            if (!*why)
                snprintf(why, sizeof why, "%s", dlerror());
        }
    err_set(e, ERR_DEVICE, "%s is not to be had (%s); LD_LIBRARY_PATH may name its folder",
            names[0], why);
    return NULL;
}

void *library_symbol(void *library, const char *name, struct err *e)
{
    void *symbol = dlsym(library, name);

    if (!symbol)
        err_set(e, ERR_DEVICE, "%s is missing in its library: another version?", name);
    return symbol;
}
