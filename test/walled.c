/* walled.c - see walled.h. */
#include "walled.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MAX_BLOCKS = 1 << 16 };
#define REGION ((size_t)4 << 30) /* addresses, not memory */

static struct {
    char *at;
    size_t bytes, asked;
    int taken;
} block[MAX_BLOCKS];
static int n_blocks;
static char *region;
static size_t used, held, limit, gives;
size_t walled_prefetched;
int walled_takes = -1;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* memory is taken by any thread */

static void wall(int protection)
{
    pthread_mutex_lock(&lock);
    if (used && mprotect(region, used, protection))
        panic("walled: mprotect");
    pthread_mutex_unlock(&lock);
}

/* Memory of the host: mapped, and not ours. Sizes, factors and pairs of them are not mapped; what
 * stands behind a lone small number of 32 bits may be anything. */
static int foreign(uintptr_t word)
{
    enum { SMALL = 1 << 16 };
    unsigned char resident;
    uintptr_t page = word & ~((uintptr_t)sysconf(_SC_PAGESIZE) - 1);

    if ((uint32_t)word < SMALL || (word >= (uintptr_t)region && word < (uintptr_t)region + REGION))
        return 0;
    return !mincore((void *)page, 1, &resident);
}

/* A kernel's arguments may point to memory of the device alone, but for the starts of sequences. */
static void look_at(const char *kernel, const void *args, size_t bytes)
{
    const struct k_attention *a = strncmp(kernel, "attention", 9) ? NULL : args;
    uintptr_t word;

    for (size_t at = 0; at + sizeof word <= bytes; at += sizeof word) {
        memcpy(&word, (const char *)args + at, sizeof word);
        if (a && (word == (uintptr_t)a->q_start || word == (uintptr_t)a->k_start))
            continue;
        if (foreign(word))
            BUG("%s is given memory of the host in word %zu of its arguments", kernel,
                at / sizeof word);
    }
}

static void *take_locked(size_t bytes)
{
    size_t asked = bytes;

    if (walled_takes == 0)
        return NULL;
    walled_takes -= walled_takes > 0;
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

static void *take(struct device *d, size_t bytes)
{
    (void)d;
    pthread_mutex_lock(&lock);
    void *mem = take_locked(bytes);
    pthread_mutex_unlock(&lock);
    return mem;
}

static void give_locked(void *mem, size_t bytes)
{
    for (int i = 0; mem && i < n_blocks; i++)
        if (block[i].at == mem) {
            ZT_ASSERT(block[i].taken && block[i].asked == bytes);
            gives++;
            block[i].taken = 0;
            held -= bytes;
            return;
        }
    ZT_ASSERT(!mem);
}

static void give(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    pthread_mutex_lock(&lock);
    give_locked(mem, bytes);
    pthread_mutex_unlock(&lock);
}

static size_t gives_so_far(void)
{
    pthread_mutex_lock(&lock);
    size_t n = gives;
    pthread_mutex_unlock(&lock);
    return n;
}

/* Calls that are kept: kernels with a copy of their arguments, puts with their bytes, zeros. */
struct kept {
    void (*call)(struct kcx *kc, void *args); /* NULL: a put, or a zero without bytes to copy */
    struct kcx *kc;
    void *with, *rows[2], *to; /* rows: of the host, which a kernel reads when it is queued */
    size_t bytes;
    struct kept *next;
};

struct list {
    struct kept *first, **end, *put; /* put: the next that a replay fills */
    size_t gives;
    int whole, astray; /* astray: a replay brings something else, so it must not be run */
};

static struct list *list; /* between record and run */
int walled_replayed, walled_refuses;

static struct kept *keep_call(struct kept call)
{
    struct kept *k = xmalloc(sizeof *k);
    *k = call;
    *list->end = k;
    list->end = &k->next;
    return k;
}

static void *copy_of(const void *from, size_t bytes)
{
    return memcpy(xmalloc(bytes + !bytes), from, bytes);
}

static void keep_rows(struct kept *k, const char *kernel)
{
    if (!strcmp(kernel, "attention")) {
        struct k_attention *a = k->with;
        size_t n = sizeof *a->q_start * (size_t)(a->n_seq + 1);
        a->q_start = k->rows[0] = copy_of(a->q_start, n);
        a->k_start = k->rows[1] = copy_of(a->k_start, n);
    }
}

#define K(kernel, args)                                                                            \
    static void kernel##_now(struct kcx *kc, void *a)                                              \
    {                                                                                              \
        wall(PROT_READ | PROT_WRITE);                                                              \
        kernels_best()->kernel(kc, a);                                                             \
        wall(PROT_NONE);                                                                           \
    }                                                                                              \
    static void kernel##_walled(struct kcx *kc, struct args *a)                                    \
    {                                                                                              \
        ZT_ASSERT(!list || !list->whole);                                                          \
        look_at(#kernel, a, sizeof *a);                                                            \
        if (list)                                                                                  \
            keep_rows(keep_call((struct kept){                                                     \
                          .call = kernel##_now, .kc = kc, .with = copy_of(a, sizeof *a)}),         \
                      #kernel);                                                                    \
        else                                                                                       \
            kernel##_now(kc, a);                                                                   \
    }
KERNELS(K)
#undef K

static const struct kernels kernels = {.name = "walled",
#define K(kernel, args) .kernel = kernel##_walled,
                                       KERNELS(K)
#undef K
};

static void copy(void *to, const void *from, size_t bytes)
{
    wall(PROT_READ | PROT_WRITE);
    if (from)
        memcpy(to, from, bytes);
    else
        memset(to, 0, bytes);
    wall(PROT_NONE);
}

static void put(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    if (!list) {
        copy(to, from, bytes);
    } else if (!list->whole) {
        keep_call((struct kept){.to = to, .with = copy_of(from, bytes), .bytes = bytes});
    } else {
        while (list->put && (list->put->call || !list->put->with))
            list->put = list->put->next;
        list->astray |= !list->put || list->put->to != to || list->put->bytes != bytes;
        if (list->astray)
            return;
        memcpy(list->put->with, from, bytes);
        list->put = list->put->next;
    }
}

static void get(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    ZT_ASSERT(!list);
    copy(to, from, bytes);
}

static void zero(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    if (!list)
        copy(mem, NULL, bytes);
    else if (!list->whole)
        keep_call((struct kept){.to = mem, .bytes = bytes});
}

static void forget(struct device *d, void **given)
{
    struct list *l = *given;
    (void)d;
    for (struct kept *k = l ? l->first : NULL, *next; k; k = next) {
        next = k->next;
        free(k->rows[0]);
        free(k->rows[1]);
        free(k->with);
        free(k);
    }
    free(l);
    list = NULL;
    *given = NULL;
}

static enum device_record record(struct device *d, void **given)
{
    struct list *l = *given;
    ZT_ASSERT(!list);
    if (walled_refuses == 2)
        return DEVICE_DOES;
    walled_refuses *= 2;
    if (l && l->gives != gives_so_far())
        forget(d, given);
    if (!*given) {
        l = xcalloc(1, sizeof *l);
        l->end = &l->first;
        l->gives = gives_so_far();
        *given = list = l;
        return DEVICE_RECORDS;
    }
    l->put = l->first;
    list = l;
    walled_replayed++;
    return DEVICE_REPLAYS;
}

static int run(struct device *d, void *given)
{
    (void)d;
    ZT_ASSERT(given && list == given && !list->astray);
    if (walled_refuses) {
        list = NULL;
        return 0;
    }
    list->whole = 1;
    for (struct kept *k = list->first; k; k = k->next) {
        if (k->call)
            k->call(k->kc, k->with);
        else
            copy(k->to, k->with, k->bytes);
    }
    list = NULL;
    return 1;
}

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
    (void)d;
    ZT_ASSERT(!list);
    for (int i = 0; i < n_coming; i++)
        copy(coming[i].to, coming[i].from, coming[i].bytes);
    n_coming = 0;
}

static int check(struct device *d, struct err *e)
{
    return walled_takes ? 0 : err_set(e, ERR_DEVICE, "%s: a kernel went astray", d->name);
}

struct device *walled_device(size_t bytes)
{
    static struct device_queue queue = DEVICE_QUEUE_INIT;
    static struct device d = {.name = "walled",
                              .kernels = &kernels,
                              .take = take,
                              .give = give,
                              .put = put,
                              .get = get,
                              .zero = zero,
                              .check = check,
                              .pin = pin,
                              .unpin = unpin,
                              .prefetch = prefetch,
                              .arrive = arrive,
                              .record = record,
                              .run = run,
                              .forget = forget,
                              .queue = &queue};

    if (region)
        munmap(region, REGION);
    region = mmap(NULL, REGION, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (region == MAP_FAILED)
        panic("walled: mmap");
    n_blocks = n_coming = 0;
    used = held = 0;
    list = NULL;
    limit = bytes;
    return &d;
}

size_t walled_held(void)
{
    return held;
}
