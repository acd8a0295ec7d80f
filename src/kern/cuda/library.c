/* library.c - NVIDIA's libraries are opened when a GPU is, so that the program runs without them.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "kern/cuda/cuda_device.h"
#include "kern/cuda/gpu.h"

const char *const library_cublaslt[] = {"libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so",
                                        NULL};
const char *const library_cudnn[] = {"libcudnn.so.9", "libcudnn.so", NULL};

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

/* Versions are decimal: the major number, then two digits each for the others. */
static void say(char *buf, size_t size, const char *name, const char *const *files,
                const char *version_of)
{
    size_t (*version)(void), v;
    struct err e = {0};
    void *library = library_open(files, &e), *symbol;

    if (!library || !(symbol = library_symbol(library, version_of, &e))) {
        snprintf(buf, size, "%s is not here", name);
        return;
    }
    memcpy(&version, &symbol, sizeof symbol);
    v = version();
    snprintf(buf, size, "%s %zu.%zu", name, v / 10000, v % 10000 / 100);
}

int device_cuda_libraries(char *buf, size_t size)
{
    char blas[64], dnn[64];

    say(blas, sizeof blas, "cuBLASLt", library_cublaslt, "cublasLtGetVersion");
    say(dnn, sizeof dnn, "cuDNN", library_cudnn, "cudnnGetVersion");
    snprintf(buf, size, "%s, %s", blas, dnn);
    return 1;
}
