#include "alloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
void __libc_free(void *p);

enum { MAX_MODULES = 512 };

static struct module {
    uintptr_t from, to, base;
    enum caller caller;
    const char *name;
} module[MAX_MODULES];
static int n_modules;

static struct alloc_log *_Atomic armed;
static _Thread_local int busy; /* taking notes: what that allocates does not count */
static int (*real_thread)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

static enum caller caller_of_name(const char *name)
{
    static const struct {
        const char *part;
        enum caller caller;
    } known[] = {
        {"libjansson", CALLER_JSON}, {"libc.so", CALLER_LIBC},    {"libm.so", CALLER_LIBC},
        {"ld-linux", CALLER_LIBC},   {"libpthread", CALLER_LIBC}, {"libode", CALLER_WORLD},
        {"libccd", CALLER_WORLD},    {"libav", CALLER_MEDIA},     {"libsw", CALLER_MEDIA},
        {"libx264", CALLER_MEDIA},   {"libpng", CALLER_MEDIA},    {"libz.", CALLER_MEDIA},
        {"libwebp", CALLER_MEDIA},   {"libstdc++", CALLER_WORLD},
    };

    if (!*name) /* the program itself has no name in the list of the loader */
        return CALLER_OURS;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(name, known[i].part))
            return known[i].caller;
    return CALLER_OTHER;
}

static int add_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *p = &info->dlpi_phdr[i];
        uintptr_t from = info->dlpi_addr + p->p_vaddr;

        if (p->p_type == PT_LOAD && p->p_flags & PF_X && n_modules < MAX_MODULES)
            module[n_modules++] = (struct module){from, from + p->p_memsz, info->dlpi_addr,
                                                  caller_of_name(info->dlpi_name), info->dlpi_name};
    }
    return 0;
}

void alloc_prepare(void)
{
    void *some[4];

    backtrace(some, 4); /* loads what it needs */
    real_thread = (int (*)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *))dlsym(
        RTLD_NEXT, "pthread_create");
    dl_iterate_phdr(add_module, NULL);
}

static const struct module *module_of(const void *code)
{
    for (int i = 0; i < n_modules; i++)
        if ((uintptr_t)code >= module[i].from && (uintptr_t)code < module[i].to)
            return &module[i];
    return NULL;
}

enum caller alloc_module(const void *code, const char **name, size_t *offset)
{
    const struct module *m = module_of(code);

    *name = m ? m->name : "?";
    *offset = m ? (uintptr_t)code - m->base : 0;
    return m ? m->caller : CALLER_OTHER;
}

struct alloc_log *alloc_arm(struct alloc_log *log)
{
    return atomic_exchange(&armed, log);
}

/* All of the way down to main or to where the thread began. */
static unsigned place(void)
{
    void *trace[ALLOC_TRACE];
    unsigned h = 2166136261u;

    busy = 1;
    int n = backtrace(trace, ALLOC_TRACE);
    busy = 0;
    for (int i = 0; i < n; i++)
        h = (h ^ (unsigned)((uintptr_t)trace[i] >> 2)) * 16777619u;
    return h;
}

/* Shall this call fail? */
static int fails(const void *from, size_t bytes)
{
    struct alloc_log *log = atomic_load(&armed);

    if (!log || busy)
        return 0;
    const struct module *m = module_of(from);
    enum caller caller = m ? m->caller : CALLER_OTHER;
    if (!(caller & log->callers))
        return 0;
    long n = atomic_fetch_add(&log->n, 1) + 1;
    if (log->place && n < ALLOC_PLACES)
        log->place[n] = place();
    if (n != log->fail_at)
        return 0;
    busy = 1;
    log->failed = 1;
    log->caller = caller;
    log->bytes = bytes;
    log->depth = backtrace(log->trace, ALLOC_TRACE);
    busy = 0;
    errno = ENOMEM;
    return 1;
}

#define FROM __builtin_return_address(0)

static atomic_long held; /* bytes that are given out */

size_t alloc_held(void)
{
    return (size_t)atomic_load(&held);
}

static void *give(void *p)
{
    if (p)
        atomic_fetch_add(&held, (long)malloc_usable_size(p));
    return p;
}

void free(void *p)
{
    if (p)
        atomic_fetch_sub(&held, (long)malloc_usable_size(p));
    __libc_free(p);
}

void *malloc(size_t bytes)
{
    return fails(FROM, bytes) ? NULL : give(__libc_malloc(bytes));
}

void *calloc(size_t n, size_t size)
{
    return fails(FROM, n * size) ? NULL : give(__libc_calloc(n, size));
}

static void *change(void *p, size_t bytes)
{
    long before = p ? (long)malloc_usable_size(p) : 0;
    void *q = __libc_realloc(p, bytes);

    if (q || !bytes)
        atomic_fetch_sub(&held, before);
    return give(q);
}

void *realloc(void *p, size_t bytes)
{
    return fails(FROM, bytes) ? NULL : change(p, bytes);
}

void *reallocarray(void *p, size_t n, size_t size)
{
    size_t bytes;

    if (__builtin_mul_overflow(n, size, &bytes) || fails(FROM, bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return change(p, bytes);
}

void *memalign(size_t align, size_t bytes)
{
    return fails(FROM, bytes) ? NULL : give(__libc_memalign(align, bytes));
}

void *aligned_alloc(size_t align, size_t bytes)
{
    return fails(FROM, bytes) ? NULL : give(__libc_memalign(align, bytes));
}

int posix_memalign(void **out, size_t align, size_t bytes)
{
    void *p = fails(FROM, bytes) ? NULL : give(__libc_memalign(align, bytes));

    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

void *mmap(void *at, size_t bytes, int prot, int flags, int fd, off_t offset)
{
    const struct module *m = module_of(FROM);

    if (m && m->caller == CALLER_OURS && fails(FROM, bytes))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, bytes, prot, flags, fd, offset); /* NOLINT */
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
    const struct module *m = module_of(FROM);

    if (m && m->caller == CALLER_OURS && fails(FROM, 0))
        return EAGAIN;
    return real_thread(thread, attr, fn, arg);
}
