/* walled.c - see walled.h. */
#include "walled.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX_BLOCKS = 1 << 16 };
#define REGION ((size_t)4 << 30) /* addresses, not memory */

static struct {
    char *at;
    size_t bytes, asked;
    int taken;
} block[MAX_BLOCKS];
static int n_blocks;
static char *region;
static size_t used, held, limit;
size_t walled_prefetched;

static void wall(int protection)
{
    if (used && mprotect(region, used, protection))
        panic("walled: mprotect");
}

static void *take(struct device *d, size_t bytes)
{
    size_t asked = bytes;

    (void)d;
    bytes = (bytes + 4095) & ~(size_t)4095;
    bytes = bytes ? bytes : 4096;
    if (held + asked > limit)
        return NULL;
    held += asked;
    for (int i = 0; i < n_blocks; i++)
        if (!block[i].taken && block[i].bytes == bytes) {
            block[i].taken = 1;
            block[i].asked = asked;
            return block[i].at;
        }
    if (n_blocks == MAX_BLOCKS || used + bytes > REGION)
        panic("walled: out of addresses");
    block[n_blocks].at = region + used;
    block[n_blocks].bytes = bytes;
    block[n_blocks].asked = asked;
    block[n_blocks].taken = 1;
    used += bytes;
    return block[n_blocks++].at;
}

static void give(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    for (int i = 0; mem && i < n_blocks; i++)
        if (block[i].at == mem) {
            ZT_ASSERT(block[i].taken && block[i].asked == bytes);
            block[i].taken = 0;
            held -= bytes;
            return;
        }
    ZT_ASSERT(!mem);
}

static void copy(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    wall(PROT_READ | PROT_WRITE);
    memcpy(to, from, bytes);
    wall(PROT_NONE);
}

static void zero(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    wall(PROT_READ | PROT_WRITE);
    memset(mem, 0, bytes);
    wall(PROT_NONE);
}

/* What a GPU is given must be its own memory: the lists of rows as well. */
#define K(kernel, args)                                                                            \
    static void kernel##_walled(struct kcx *kc, struct args *a)                                    \
    {                                                                                              \
        wall(PROT_READ | PROT_WRITE);                                                              \
        kernels_best()->kernel(kc, a);                                                             \
        wall(PROT_NONE);                                                                           \
    }
KERNELS(K)
#undef K

static const struct kernels kernels = {.name = "walled",
#define K(kernel, args) .kernel = kernel##_walled,
                                       KERNELS(K)
#undef K
};

/* The host memory that copies run from. A copy that was not waited for has not happened yet. */
static struct {
    void *to;
    const void *from;
    size_t bytes;
} coming[64];
static int n_coming;

static void *pin(struct device *d, size_t bytes)
{
    (void)d;
    return malloc(bytes);
}

static void unpin(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    (void)bytes;
    free(mem);
}

static void prefetch(struct device *d, void *to, const void *pinned, size_t bytes)
{
    zero(d, to, bytes); /* who reads too early reads nothing */
    ZT_ASSERT(n_coming < 64);
    coming[n_coming].to = to;
    coming[n_coming].from = pinned;
    coming[n_coming++].bytes = bytes;
    walled_prefetched += bytes;
}

static void arrive(struct device *d)
{
    for (int i = 0; i < n_coming; i++)
        copy(d, coming[i].to, coming[i].from, coming[i].bytes);
    n_coming = 0;
}

struct device *walled_device(size_t bytes)
{
    static struct device d = {.name = "walled",
                              .kernels = &kernels,
                              .take = take,
                              .give = give,
                              .put = copy,
                              .get = copy,
                              .zero = zero,
                              .pin = pin,
                              .unpin = unpin,
                              .prefetch = prefetch,
                              .arrive = arrive};

    if (region)
        munmap(region, REGION);
    region = mmap(NULL, REGION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        panic("walled: mmap");
    n_blocks = n_coming = 0;
    used = held = 0;
    limit = bytes;
    return &d;
}

size_t walled_held(void)
{
    return held;
}
