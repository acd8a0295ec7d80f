/* cuda_host.cc - see cuda_host.h: fibers, blocks, warps, and the scratch memory of kernels. */
#include "kern/cuda/launch.h"
#include "cuda_set.h"

#include <sys/mman.h>
#include <unistd.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif

enum { MAX_THREADS = 1024, STACK_BYTES = 128 << 10, N_SLOTS = 40 };
enum state { READY, AT_BARRIER, AT_WARP, DONE };

struct cuda_host_index threadIdx, blockIdx, blockDim, gridDim;

struct lane {
    enum state state;
    enum cuda_host_op op;
    unsigned turn; /* of value: two, for a lane may be one operation ahead of another */
    uint64_t value[2];
};

static struct {
    const char *name;
    void (*body)(void *);
    void *arg;
    int n, at; /* threads of the block; the one that runs */
    int reverse;
    struct lane lane[MAX_THREADS];
} now;

#define FAIL(...)                                                                                  \
    do {                                                                                           \
        panic("cuda_host: %s, block %u %u %u: %s", now.name, blockIdx.x, blockIdx.y, blockIdx.z,   \
              __VA_ARGS__);                                                                        \
    } while (0)

/* Contexts: a saved stack pointer with the saved registers above it, or what the system has. */
#ifdef __x86_64__
typedef void *context;
extern "C" void cuda_host_switch(context *from, context to) __asm__("cuda_host_switch");
__asm__(".text\n"
        ".type cuda_host_switch, @function\n"
        "cuda_host_switch:\n"
        "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
        "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rsi, %rsp\n"
        "    popq %r15\n    popq %r14\n    popq %r13\n"
        "    popq %r12\n    popq %rbx\n    popq %rbp\n"
        "    ret\n"
        ".size cuda_host_switch, .-cuda_host_switch\n");

static void make_context(context *c, char *stack, void (*entry)(void))
{
    void **top = (void **)(stack + STACK_BYTES);

    top[-1] = NULL; /* where entry would return to: it never does */
    top[-2] = (void *)entry;
    memset(top - 8, 0, 6 * sizeof *top);
    *c = top - 8;
}
#define SWITCH(from, to) cuda_host_switch(&(from), to)
#else
typedef ucontext_t context;

static void make_context(context *c, char *stack, void (*entry)(void))
{
    getcontext(c);
    c->uc_stack.ss_sp = stack;
    c->uc_stack.ss_size = STACK_BYTES;
    makecontext(c, entry, 0);
}
#define SWITCH(from, to) swapcontext(&(from), &(to))
#endif

static context scheduler, fiber[MAX_THREADS];
static int n_fibers;

static void fiber_main(void)
{
    for (;;) {
        now.body(now.arg);
        now.lane[now.at].state = DONE;
        SWITCH(fiber[now.at], scheduler);
    }
}

static void give_way(enum state state)
{
    now.lane[now.at].state = state;
    SWITCH(fiber[now.at], scheduler);
}

static void need_fibers(int n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), step = STACK_BYTES + page;

    for (; n_fibers < n; n_fibers++) {
        char *m = (char *)mmap(NULL, step, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

        if (m == MAP_FAILED || mprotect(m, page, PROT_NONE) < 0)
            panic("cuda_host: no memory for stacks");
        make_context(&fiber[n_fibers], m + page, fiber_main);
    }
}

void __syncthreads(void)
{
    give_way(AT_BARRIER);
}

void __trap(void)
{
    FAIL("trap");
}

uint64_t cuda_host_exchange(enum cuda_host_op op, unsigned mask, uint64_t mine, int from)
{
    struct lane *l = &now.lane[now.at], *warp = &now.lane[now.at / 32 * 32];
    unsigned turn = l->turn++ & 1;

    if (mask != ~0u)
        FAIL("a warp operation without all lanes");
    l->op = op;
    l->value[turn] = mine;
    give_way(AT_WARP);
    return warp[from].value[turn];
}

unsigned __ballot_sync(unsigned mask, int yes)
{
    struct lane *warp = &now.lane[now.at / 32 * 32];
    unsigned turn = now.lane[now.at].turn & 1, all = 0;

    cuda_host_exchange(OP_BALLOT, mask, yes != 0, 0);
    for (int i = 0; i < 32; i++)
        all |= (unsigned)warp[i].value[turn] << i;
    return all;
}

/* Lets warps go on whose lanes have all arrived. */
static int release_warps(void)
{
    int released = 0;

    for (int w = 0; w + 32 <= now.n; w += 32) {
        struct lane *l = now.lane + w;
        int n = 0;

        while (n < 32 && l[n].state == AT_WARP && l[n].op == l[0].op)
            n++;
        if (n < 32)
            continue;
        for (n = 0; n < 32; n++)
            l[n].state = READY;
        released = 1;
    }
    return released;
}

static int count(enum state state)
{
    int n = 0;

    for (int i = 0; i < now.n; i++)
        n += now.lane[i].state == state;
    return n;
}

static void run_block(void)
{
    for (int i = 0; i < now.n; i++) {
        now.lane[i].state = READY;
        now.lane[i].turn = 0;
    }
    for (;;) {
        for (int i = 0; i < now.n; i++) {
            now.at = now.reverse ? now.n - 1 - i : i;
            if (now.lane[now.at].state != READY)
                continue;
            threadIdx.x = (unsigned)now.at;
            SWITCH(scheduler, fiber[now.at]);
        }
        if (count(DONE) == now.n)
            return;
        if (release_warps())
            continue;
        if (count(AT_BARRIER) < now.n)
            FAIL("threads wait for others that do not come");
        for (int i = 0; i < now.n; i++)
            now.lane[i].state = READY;
    }
}

void cuda_host_run(const char *name, int64_t x, int64_t y, int64_t z, int threads,
                   void (*body)(void *), void *arg)
{
    int64_t n = x * y * z;

    need_fibers(threads);
    now.name = name;
    now.body = body;
    now.arg = arg;
    now.n = threads;
    gridDim = {(unsigned)x, (unsigned)y, (unsigned)z};
    blockDim = {(unsigned)threads, 1, 1};
    for (int64_t i = 0; i < n; i++) {
        int64_t b = now.reverse ? n - 1 - i : i;

        blockIdx = {(unsigned)(b % x), (unsigned)(b / x % y), (unsigned)(b / x / y)};
        run_block();
    }
}

void cuda_host_reverse(int on)
{
    now.reverse = on;
}

void *cuda_stream(struct kcx *kc)
{
    (void)kc;
    return NULL;
}

void cuda_fail(struct kcx *kc, const char *what, int code)
{
    (void)kc;
    panic("cuda_host: %s fails with %d", what, code);
}

/* New memory at each call, full of NaN, with an unreadable page behind it. */
void *cuda_scratch(struct kcx *kc, int slot, size_t bytes)
{
    static struct {
        char *map;
        size_t bytes;
    } kept[N_SLOTS];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (bytes + 255) / 256 * 256;
    size_t whole = (body + page - 1) / page * page + page;

    (void)kc;
    ZT_ASSERT(slot >= 0 && slot < N_SLOTS);
    if (kept[slot].map)
        munmap(kept[slot].map, kept[slot].bytes);
    kept[slot].map =
        (char *)mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    kept[slot].bytes = whole;
    if (kept[slot].map == MAP_FAILED || mprotect(kept[slot].map + whole - page, page, PROT_NONE))
        panic("cuda_host: no memory for scratch");
    memset(kept[slot].map, 0xff, whole - page);
    return kept[slot].map + whole - page - body;
}
