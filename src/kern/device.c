/* device.c - the CPU and the null device, and devices by name. */
#include "kern/device.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/utf8.h"
#include "kern/cuda/cuda_device.h"

static size_t whole_lines(size_t bytes)
{
    return bytes ? (bytes + 63) & ~(size_t)63 : 64;
}

static void *host_take(struct device *d, size_t bytes)
{
    void *mem;

    (void)d;
    bytes = whole_lines(bytes);
    if (bytes >= DEVICE_MAP_FROM) {
        mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mem = mem == MAP_FAILED ? NULL : mem;
        if (mem)
            madvise(mem, bytes, MADV_HUGEPAGE); /* only speed */
    } else {
        mem = aligned_alloc(64, bytes);
    }
    return mem;
}

static void host_give(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    bytes = whole_lines(bytes);
    if (mem && bytes >= DEVICE_MAP_FROM)
        munmap(mem, bytes);
    else
        free(mem);
}

static void host_copy(struct device *d, void *to, const void *from, size_t bytes)
{
    (void)d;
    memcpy(to, from, bytes);
}

static void host_zero(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    memset(mem, 0, bytes);
}

static struct device cpu = {.name = "cpu",
                            .host = 1,
                            .take = host_take,
                            .give = host_give,
                            .put = host_copy,
                            .get = host_copy,
                            .zero = host_zero};

static void cpu_find(void)
{
    cpu.kernels = kernels_best();
}

struct device *device_cpu(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, cpu_find);
    return &cpu;
}

static void *null_take(struct device *d, size_t bytes)
{
    (void)d;
    (void)bytes;
    return NULL;
}

static void null_give(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    (void)bytes;
    ZT_ASSERT(!mem);
}

static void null_put(struct device *d, void *to, const void *host, size_t bytes)
{
    (void)d;
    (void)to;
    (void)host;
    (void)bytes;
}

/* What a dry run computes is zero. */
static void null_get(struct device *d, void *host, const void *from, size_t bytes)
{
    (void)d;
    (void)from;
    memset(host, 0, bytes);
}

static void null_zero(struct device *d, void *mem, size_t bytes)
{
    (void)d;
    (void)mem;
    (void)bytes;
}

static struct device null = {.name = "null",
                             .dry = 1,
                             .take = null_take,
                             .give = null_give,
                             .put = null_put,
                             .get = null_get,
                             .zero = null_zero};

static void null_find(void)
{
    null.kernels = kernels_null();
}

struct device *device_null(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, null_find);
    return &null;
}

int device_named(struct device **out, const char *name, struct err *e)
{
    int64_t index = 0;

    *out = NULL;
    if (!strcmp(name, "cpu")) {
        *out = device_cpu();
        return 0;
    }
    if (strncmp(name, "cuda", 4) ||
        (name[4] && (name[4] != ':' || parse_int(name + 5, &index) || index < 0 || index > 255)))
        return err_set(e, ERR_USAGE, "device \"%s\": cpu, cuda or cuda:N is allowed", name);
    return device_cuda(out, (int)index, e);
}

void device_enter(struct device *d)
{
    struct device_queue *q = d->queue;

    if (!q)
        return;
    pthread_mutex_lock(&q->lock);
    for (unsigned long ticket = q->next++; ticket != q->served;)
        pthread_cond_wait(&q->moved, &q->lock);
    pthread_mutex_unlock(&q->lock);
}

void device_leave(struct device *d)
{
    struct device_queue *q = d->queue;

    if (!q)
        return;
    pthread_mutex_lock(&q->lock);
    q->served++;
    pthread_cond_broadcast(&q->moved);
    pthread_mutex_unlock(&q->lock);
}

void *device_take(struct device *d, size_t bytes)
{
    return d->take(d, bytes);
}

void device_give(struct device *d, void *mem, size_t bytes)
{
    d->give(d, mem, bytes);
}

void device_put(struct device *d, void *to, const void *host, size_t bytes)
{
    d->put(d, to, host, bytes);
}

void device_get(struct device *d, void *host, const void *from, size_t bytes)
{
    d->get(d, host, from, bytes);
}

void device_zero(struct device *d, void *mem, size_t bytes)
{
    d->zero(d, mem, bytes);
}

int device_check(struct device *d, struct err *e)
{
    return d->check ? d->check(d, e) : 0;
}

int device_no_room(struct device *d, struct err *e, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (device_check(d, e))
        return ERR_DEVICE;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return err_set(e, ERR_FIT, "%s has no memory for %s", d->name, text);
}
