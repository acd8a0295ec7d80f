/* kern.c - scratch memory of kernel calls, and which set of kernels runs. */
#include "kern/kern.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/err.h"
#include "kern/cuda/cuda_device.h"
#include "kern/x86/x86.h"

enum { PAGE = 4 << 10, BIG_PAGE = 2 << 20, BIG_FROM = BIG_PAGE / 2 /* bytes of scratch */ };

struct block {
    void *data;
    size_t bytes, used; /* as mapped; the most that was asked for */
};

/* block[0..n-1] belong to the workers, block[n] to all of them. */
struct kscratch {
    int n, dry;
    struct block block[];
};

void kcx_init(struct kcx *kc, struct threads *th)
{
    kcx_init_dry(kc, th ? threads_count(th) : 1);
    kc->threads = th;
    kc->scratch->dry = 0;
}

void kcx_init_dry(struct kcx *kc, int threads)
{
    *kc = (struct kcx){0};
    kc->scratch = xcalloc(1, sizeof *kc->scratch + (size_t)(threads + 1) * sizeof(struct block));
    kc->scratch->n = threads;
    kc->scratch->dry = 1;
}

void kcx_release(struct kcx *kc)
{
    if (!kc->scratch)
        return;
    for (int i = 0; i <= kc->scratch->n; i++)
        if (kc->scratch->block[i].data)
            munmap(kc->scratch->block[i].data, kc->scratch->block[i].bytes);
    free(kc->scratch);
    *kc = (struct kcx){0};
}

int kcx_workers(const struct kcx *kc)
{
    return kc->scratch ? kc->scratch->n : 1;
}

int kcx_counts(const struct kcx *kc)
{
    return kc->scratch && kc->scratch->dry;
}

int kcx_reserve(struct kcx *kc, int64_t items, size_t bytes, size_t shared)
{
    struct kscratch *s = kc->scratch;

    if (!kcx_counts(kc))
        return 1;
    for (int i = 0; i < s->n && i < items; i++)
        if (bytes > s->block[i].used)
            s->block[i].used = bytes;
    if (shared > s->block[s->n].used)
        s->block[s->n].used = shared;
    return 0;
}

uint64_t kcx_scratch_bytes(const struct kcx *kc, uint64_t page)
{
    uint64_t sum = 0;

    for (int i = 0; i <= kc->scratch->n; i++) {
        uint64_t used = kc->scratch->block[i].used, whole = used < BIG_FROM ? PAGE : page;

        sum += (used + whole - 1) / whole * whole;
    }
    return sum;
}

/* From the start of a big page on; mapped, so that it leaves no hole in the heap when it grows. */
static void *map_big(size_t bytes)
{
    char *p =
        mmap(NULL, bytes + BIG_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t before;

    if (p == MAP_FAILED)
        panic("out of memory: %zu bytes of kernel scratch", bytes);
    before = -(uintptr_t)p % BIG_PAGE;
    if (before)
        munmap(p, before);
    munmap(p + before + bytes, BIG_PAGE - before);
    if (bytes >= BIG_PAGE)
        madvise(p + before, bytes, MADV_HUGEPAGE); /* only speed: packed panels cross many pages */
    return p + before;
}

static void *grow(struct block *b, size_t bytes)
{
    if (bytes > b->used)
        b->used = bytes;
    if (bytes > b->bytes) {
        size_t want = bytes + bytes / 4; /* what is not touched costs nothing */
        size_t whole = bytes < BIG_FROM ? PAGE : BIG_PAGE;

        want = (want + whole - 1) / whole * whole;
        if (b->data)
            munmap(b->data, b->bytes);
        b->data = map_big(want);
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
static const char *const level_name[] = {"c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};
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
