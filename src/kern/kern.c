/* kern.c - scratch memory of kernel calls, and which set of kernels runs. */
#include "kern/kern.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "kern/cuda/cuda_device.h"
#include "kern/x86/x86.h"

enum { BIG_PAGE = 2 << 20 };

struct block {
    void *data;
    size_t bytes;
};

/* block[0..n-1] belong to the workers, block[n] to all of them. */
struct kscratch {
    int n;
    struct block block[];
};

void kcx_init(struct kcx *kc, struct threads *th)
{
    int n = th ? threads_count(th) : 1;

    *kc = (struct kcx){.threads = th};
    kc->scratch = xcalloc(1, sizeof *kc->scratch + (size_t)(n + 1) * sizeof(struct block));
    kc->scratch->n = n;
}

void kcx_release(struct kcx *kc)
{
    if (!kc->scratch)
        return;
    for (int i = 0; i <= kc->scratch->n; i++)
        free(kc->scratch->block[i].data);
    free(kc->scratch);
    *kc = (struct kcx){0};
}

static void *grow(struct block *b, size_t bytes)
{
    if (bytes > b->bytes) {
        size_t want = bytes + bytes / 4;

        want = (want + BIG_PAGE - 1) / BIG_PAGE * BIG_PAGE;
        free(b->data);
        b->data = aligned_alloc(BIG_PAGE, want);
        if (!b->data)
            panic("out of memory: %zu bytes of kernel scratch", want);
        madvise(b->data, want, MADV_HUGEPAGE); /* only speed: packed panels cross many pages */
        b->bytes = want;
    }
    return b->data;
}

void *kcx_scratch(struct kcx *kc, int worker, size_t bytes)
{
    ZT_ASSERT(worker >= 0 && worker < kc->scratch->n);
    return grow(&kc->scratch->block[worker], bytes);
}

void *kcx_shared(struct kcx *kc, size_t bytes)
{
    return grow(&kc->scratch->block[kc->scratch->n], bytes);
}

/* From plain to fast; each lies over the one before it. */
static const char *const level_name[] = {"c", "avx2", "avx512", "avx512bf16", "amx"};
enum { N_LEVELS = sizeof level_name / sizeof *level_name };

static struct kernels level[N_LEVELS];
static int level_there[N_LEVELS];
static const struct kernels *best;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* A name of nothing known holds everything fast back. */
static int level_index(const char *name)
{
    for (int i = 0; i < N_LEVELS; i++)
        if (!strcmp(name, level_name[i]))
            return i;
    return 0;
}

static void find_levels(void)
{
    const char *limit = getenv("ZT_CPU");
    int last = level_index(x86_best_level());

    if (limit && *limit)
        last = level_index(limit);

    level[0] = *kernels_c();
    level_there[0] = 1;
    best = &level[0];
    for (int i = 1; i < N_LEVELS; i++) {
        level[i] = level[i - 1];
        if (kernels_x86(level_name[i], &level[i]) < 0)
            continue;
        level[i].name = level_name[i];
        level_there[i] = 1;
        if (i <= last)
            best = &level[i];
    }
}

const struct kernels *kernels_best(void)
{
    pthread_once(&once, find_levels);
    return best;
}

const struct kernels *kernels_named(const char *name)
{
    pthread_once(&once, find_levels);
    if (!strcmp(name, "null"))
        return kernels_null();
    if (!strcmp(name, "cuda"))
        return device_cuda_count() > 0 ? kernels_cuda() : NULL;
    for (int i = 0; i < N_LEVELS; i++)
        if (level_there[i] && !strcmp(name, level_name[i]))
            return &level[i];
    return NULL;
}
