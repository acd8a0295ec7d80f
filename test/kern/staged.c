/* staged.c - see staged.h. */
#include "staged.h"

#include <stdlib.h>

#include "base/err.h"

enum { ZONE = 256, MARK = 0x5b };

static struct device *device;
static struct kit *kit;
static char
    *place[MAX_BUFS]; /* of a buffer on the device, its zone first; NULL: stays on the host */

static size_t bytes_of(const struct kbuf *b)
{
    return (size_t)b->n * dtype_bytes(b->type);
}

static void send(int i)
{
    const struct kbuf *b = &kit->buf[i];
    size_t bytes = bytes_of(b);
    char *image = xmalloc(bytes + 2 * ZONE);

    place[i] = device_take(device, bytes + 2 * ZONE);
    if (!place[i])
        ztest_fail(__FILE__, __LINE__, "%s: no room for %zu bytes", device->name, bytes);
    memset(image, MARK, bytes + 2 * ZONE);
    memcpy(image + ZONE, b->data, bytes);
    device_put(device, place[i], image, bytes + 2 * ZONE);
    free(image);
}

/* Brings a buffer back; whether the zones around it are as they were. */
static int fetch(int i)
{
    const struct kbuf *b = &kit->buf[i];
    size_t bytes = bytes_of(b);
    char *image = xmalloc(bytes + 2 * ZONE);
    int intact = 1;

    device_get(device, image, place[i], bytes + 2 * ZONE);
    for (size_t k = 0; k < ZONE; k++)
        intact &= image[k] == MARK && image[ZONE + bytes + k] == MARK;
    memcpy(b->data, image + ZONE, bytes);
    device_give(device, place[i], bytes + 2 * ZONE);
    free(image);
    return intact;
}

/* A word of an argument struct that points into a buffer now points to its place on the device. No
 * size or factor looks like one of our addresses. */
static uintptr_t moved(uintptr_t word)
{
    for (int i = 0; i < kit->n_bufs; i++) {
        uintptr_t data = (uintptr_t)kit->buf[i].data;

        if (place[i] && (word == data || (word > data && word < data + bytes_of(&kit->buf[i]))))
            return (uintptr_t)place[i] + ZONE + (word - data);
    }
    return word;
}

struct call {
    const uintptr_t *args;
    uintptr_t *on_device;
    size_t n; /* words */
};

static void before(const struct call *c)
{
    for (int i = 0; i < kit->n_bufs; i++) {
        place[i] = NULL;
        if (kit->buf[i].type != DT_I64) /* starts of sequences are host memory */
            send(i);
    }
    for (size_t i = 0; i < c->n; i++)
        c->on_device[i] = moved(c->args[i]);
}

static void after(const char *kernel)
{
    const char *broken = NULL;
    struct err e;

    for (int i = 0; i < kit->n_bufs; i++)
        if (place[i] && !fetch(i))
            broken = kit->buf[i].name;
    if (device_check(device, &e) < 0)
        ztest_fail(__FILE__, __LINE__, "%s: %s", kernel, e.msg);
    if (broken)
        ztest_fail(__FILE__, __LINE__, "%s/%s: wrote outside of %s", device->name, kernel, broken);
}

/* Results that a kernel leaves in its arguments are words that are not what they were. */
#define K(kernel, args)                                                                            \
    static void kernel##_staged(struct kcx *kc, struct args *a)                                    \
    {                                                                                              \
        enum { WORDS = sizeof *a / sizeof(uintptr_t) };                                            \
        union {                                                                                    \
            struct args a;                                                                         \
            uintptr_t word[WORDS];                                                                 \
        } host = {*a}, on = host, was;                                                             \
                                                                                                   \
        _Static_assert(sizeof *a % sizeof(uintptr_t) == 0, "whole words");                         \
        before(&(struct call){host.word, on.word, WORDS});                                         \
        was = on;                                                                                  \
        device->kernels->kernel(kc, &on.a);                                                        \
        after(#kernel);                                                                            \
        for (int i = 0; i < WORDS; i++)                                                            \
            if (on.word[i] != was.word[i])                                                         \
                host.word[i] = on.word[i];                                                         \
        *a = host.a;                                                                               \
    }
KERNELS(K)
#undef K

const struct kernels *staged_kernels(struct device *d, struct kit *t)
{
    static const struct kernels table = {.name = "cuda",
#define K(kernel, args) .kernel = kernel##_staged,
                                         KERNELS(K)
#undef K
    };

    device = d;
    kit = t;
    return &table;
}
