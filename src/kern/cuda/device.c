/* device.c - a GPU: one stream, memory in the order of that stream, and the first failure.
 *
 * Memory comes from a pool of our own that keeps what was given back: a steady state asks the
 * driver for nothing. What goes in travels through a ring of pinned stages, so the host's buffer is
 * free at once and the stream waits for nobody; the host waits only when the whole ring is under
 * way. */
#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/cuda/cuda_device.h"
#include "kern/cuda/graph.h"
#include "kern/cuda/times.h"

enum { MAX_GPUS = 16, LEAST_CAPABILITY = 75, GRAIN = 256, POOL_GRAIN = 2 << 20 };

static struct gpu *gpu[MAX_GPUS];
static pthread_mutex_t opening = PTHREAD_MUTEX_INITIALIZER;

/* The runtime keeps a current GPU per thread, and any thread may take and give. */
void gpu_enter(const struct gpu *g)
{
    static _Thread_local int current = -1;

    if (current == g->index)
        return;
    if (cudaSetDevice(g->index) == cudaSuccess)
        current = g->index;
}

struct gpu *gpu_of(const struct kcx *kc)
{
    struct gpu *g = (struct gpu *)kc->device;

    if (!g)
        BUG("a kernel of the GPU is called without one");
    gpu_enter(g);
    return g;
}

void gpu_fail(struct gpu *g, const char *fmt, ...)
{
    va_list ap;

    if (graph_spoil(g))
        return;
    pthread_mutex_lock(&g->lock);
    if (!g->failed) {
        va_start(ap, fmt);
        vsnprintf(g->why, sizeof g->why, fmt, ap);
        va_end(ap);
        __atomic_store_n(&g->failed, 1, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&g->lock);
}

int gpu_failed(const struct gpu *g)
{
    return __atomic_load_n(&g->failed, __ATOMIC_ACQUIRE);
}

void gpu_error(struct gpu *g, const char *what, int code)
{
    const char *last = __atomic_load_n(&g->queued_last, __ATOMIC_RELAXED);
    cudaError_t error = (cudaError_t)code;

    cudaGetLastError(); /* or the next launch would be blamed */
    gpu_fail(
        g, "%s: %s (%s); the last kernel queued was %s, CUDA_LAUNCH_BLOCKING=1 finds which failed",
        what, cudaGetErrorString(error), cudaGetErrorName(error), last ? last : "none");
}

/* 1 when the call went well. */
static int went(struct gpu *g, const char *what, cudaError_t code)
{
    if (code != cudaSuccess)
        gpu_error(g, what, (int)code);
    return code == cudaSuccess;
}

/* Made at the first take, when the limit is known. Called under the lock. */
static int make_pool(struct gpu *g)
{
    struct cudaMemPoolProps props = {
        .allocType = cudaMemAllocationTypePinned,
        .location = {.type = cudaMemLocationTypeDevice, .id = g->index},
        .maxSize = g->limit / POOL_GRAIN * POOL_GRAIN,
    };
    uint64_t keep_all = UINT64_MAX;
    int pools = 0;

    g->pool_made = 1;
    g->plain = cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, g->index) ||
               !pools || cudaMemPoolCreate(&g->pool, &props) ||
               cudaMemPoolSetAttribute(g->pool, cudaMemPoolAttrReleaseThreshold, &keep_all);
    cudaGetLastError();
    return g->plain;
}

static cudaError_t take_from_driver(struct gpu *g, void **mem, size_t bytes)
{
    cudaError_t code;

    *mem = NULL;
    if (g->plain)
        return cudaMalloc(mem, bytes);
    if (g->graph) { /* or the memory would be a part of the graph */
        code = cudaMallocFromPoolAsync(mem, bytes, g->pool, g->copies);
        return code ? code : cudaStreamSynchronize(g->copies);
    }
    code = cudaMallocFromPoolAsync(mem, bytes, g->pool, g->stream);
    if (code != cudaErrorMemoryAllocation)
        return code;
    cudaGetLastError(); /* free blocks of other sizes may be in the way */
    if ((code = cudaStreamSynchronize(g->stream)) || (code = cudaMemPoolTrimTo(g->pool, 0)))
        return code;
    return cudaMallocFromPoolAsync(mem, bytes, g->pool, g->stream);
}

static size_t whole_grains(size_t bytes)
{
    return bytes ? (bytes + GRAIN - 1) / GRAIN * GRAIN : GRAIN;
}

void *gpu_take(struct gpu *g, size_t bytes)
{
    void *mem = NULL;
    cudaError_t code = cudaSuccess;
    int fits;

    gpu_enter(g);
    if (bytes > SIZE_MAX - GRAIN)
        return NULL;
    bytes = whole_grains(bytes);
    pthread_mutex_lock(&g->lock);
    if (!g->pool_made)
        make_pool(g);
    fits = !g->limit || (g->held <= g->limit && bytes <= g->limit - g->held);
    if (fits)
        code = take_from_driver(g, &mem, bytes);
    if (fits && code == cudaSuccess)
        g->held += bytes;
    pthread_mutex_unlock(&g->lock);
    if (code == cudaErrorMemoryAllocation)
        cudaGetLastError(); /* it does not fit: no failure of the device */
    else
        went(g, "taking memory", code);
    return code == cudaSuccess ? mem : NULL;
}

void gpu_give(struct gpu *g, void *mem, size_t bytes)
{
    int kept;

    if (!mem)
        return;
    pthread_mutex_lock(&g->lock);
    g->gives++;
    kept = g->graph != NULL;
    if (kept)
        graph_give(g, mem, bytes);
    pthread_mutex_unlock(&g->lock);
    if (kept)
        return;
    gpu_enter(g);
    went(g, "giving memory back", g->plain ? cudaFree(mem) : cudaFreeAsync(mem, g->stream));
    pthread_mutex_lock(&g->lock);
    g->held -= whole_grains(bytes);
    pthread_mutex_unlock(&g->lock);
}

void *gpu_scratch(struct gpu *g, int slot, size_t bytes)
{
    struct gpu_block *b;

    ZT_ASSERT(slot >= 0 && slot < SCRATCH_SLOTS);
    b = &g->scratch[slot];
    if (bytes > b->bytes || !b->mem) {
        size_t want = bytes + bytes / 8; /* kernels queued before still read the old block: the
                                            stream gives it back after them */
        gpu_give(g, b->mem, b->bytes);
        *b = (struct gpu_block){gpu_take(g, want), want};
        if (!b->mem)
            *b = (struct gpu_block){gpu_take(g, bytes), bytes};
        if (!b->mem) {
            b->bytes = 0;
            gpu_fail(g, "out of memory: %zu bytes of kernel scratch do not fit", bytes);
        }
    }
    return b->mem;
}

/* Room in the stage that is being filled, or in the next one once its copies are through. */
static struct stage *stage_with_room(struct gpu *g)
{
    struct stage *s = &g->stage[g->filling];

    if (s->used == STAGE_BYTES) {
        if (!went(g, "marking a copy", cudaEventRecord(s->sent, g->stream)))
            return NULL;
        g->filling = (g->filling + 1) % STAGES;
        s = &g->stage[g->filling];
        if (!went(g, "waiting for a copy", cudaEventSynchronize(s->sent)))
            return NULL;
        s->used = 0;
    }
    return s;
}

static void gpu_put(struct device *d, void *to, const void *host, size_t bytes)
{
    struct gpu *g = (struct gpu *)d;

    gpu_enter(g);
    if (g->graph && bytes > 0 && !gpu_failed(g)) {
        graph_put(g, to, host, bytes);
        return;
    }
    if (g->times)
        cuda_times_begin(g, "put", "");
    while (bytes > 0 && !gpu_failed(g)) {
        struct stage *s = stage_with_room(g);
        size_t n;

        if (!s)
            break;
        n = bytes < STAGE_BYTES - s->used ? bytes : STAGE_BYTES - s->used;
        memcpy(s->mem + s->used, host, n);
        went(g, "copying to the GPU",
             cudaMemcpyAsync(to, s->mem + s->used, n, cudaMemcpyHostToDevice, g->stream));
        s->used += (n + 63) & ~(size_t)63;
        to = (char *)to + n;
        host = (const char *)host + n;
        bytes -= n;
    }
    if (g->times)
        cuda_times_end(g);
}

/* A failed device gives zeros, never what the host's memory held before. */
static void gpu_get(struct device *d, void *host, const void *from, size_t bytes)
{
    struct gpu *g = (struct gpu *)d;

    gpu_enter(g);
    if (bytes == 0)
        return;
    if (gpu_failed(g) ||
        !went(g, "copying from the GPU",
              cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, g->stream)) ||
        !went(g, "waiting for the GPU", cudaStreamSynchronize(g->stream)))
        memset(host, 0, bytes);
}

static void gpu_zero(struct device *d, void *mem, size_t bytes)
{
    struct gpu *g = (struct gpu *)d;

    gpu_enter(g);
    if (bytes > 0 && !gpu_failed(g) && !graph_replays(g))
        went(g, "zeroing memory", cudaMemsetAsync(mem, 0, bytes, g->stream));
}

static int gpu_check(struct device *d, struct err *e)
{
    struct gpu *g = (struct gpu *)d;

    gpu_enter(g);
    if (!gpu_failed(g))
        went(g, "running kernels", cudaStreamSynchronize(g->stream));
    return gpu_failed(g) ? err_set(e, ERR_DEVICE, "%s: %s", g->name, g->why) : 0;
}

static void *take(struct device *d, size_t bytes)
{
    return gpu_take((struct gpu *)d, bytes);
}

static void give(struct device *d, void *mem, size_t bytes)
{
    gpu_give((struct gpu *)d, mem, bytes);
}

/* How many there are, or 0 and why there are none. */
static int count(struct err *e)
{
    int n = 0, version = 0;
    cudaError_t code = cudaGetDeviceCount(&n);

    cudaGetLastError();
    if (code == cudaSuccess && n > 0)
        return n < MAX_GPUS ? n : MAX_GPUS;
    cudaDriverGetVersion(&version);
    if (code == cudaErrorInsufficientDriver && version)
        err_set(e, ERR_DEVICE,
                "the NVIDIA driver knows CUDA up to %d.%d, this program needs %d.%d: update it",
                version / 1000, version % 1000 / 10, CUDART_VERSION / 1000,
                CUDART_VERSION % 1000 / 10);
    else if (code == cudaErrorInsufficientDriver)
        err_set(e, ERR_DEVICE, "no NVIDIA driver (libcuda.so.1) is installed here");
    else if (code == cudaErrorNoDevice || code == cudaSuccess)
        err_set(e, ERR_DEVICE, "no NVIDIA GPU is here");
    else
        err_set(e, ERR_DEVICE, "looking for GPUs: %s", cudaGetErrorString(code));
    return 0;
}

int device_cuda_count(void)
{
    return count(NULL);
}

static int check_index(int index, struct err *e)
{
    int n = count(e);

    if (n == 0)
        return ERR_DEVICE;
    if (index < 0 || index >= n)
        return err_set(e, ERR_DEVICE, "cuda:%d: there are %d GPUs here, cuda:0 to cuda:%d", index,
                       n, n - 1);
    return 0;
}

int device_cuda_text(int index, char *buf, size_t size)
{
    struct cudaDeviceProp p;
    struct err e = {0};
    int driver = 0;
    cudaError_t code;

    if (check_index(index, &e) < 0) {
        snprintf(buf, size, "%s", e.msg);
        return ERR_DEVICE;
    }
    code = cudaGetDeviceProperties(&p, index);
    if (code != cudaSuccess) {
        cudaGetLastError();
        snprintf(buf, size, "cuda:%d: %s", index, cudaGetErrorString(code));
        return ERR_DEVICE;
    }
    cudaDriverGetVersion(&driver);
    snprintf(buf, size,
             "cuda:%d  %s, %.1f GiB, compute capability %d.%d, %d multiprocessors, driver for CUDA "
             "%d.%d",
             index, p.name, (double)p.totalGlobalMem / (1 << 30), p.major, p.minor,
             p.multiProcessorCount, driver / 1000, driver % 1000 / 10);
    return 0;
}

/* The limit is hard, scratch of kernels included; what the driver and the libraries keep for
 * themselves comes on top. */
static int limit(struct device *d, size_t bytes)
{
    struct gpu *g = (struct gpu *)d;

    pthread_mutex_lock(&g->lock);
    if (!g->pool_made)
        g->limit = bytes;
    pthread_mutex_unlock(&g->lock);
    return g->limit == bytes ? 0 : ERR_USAGE;
}

static uint64_t room(struct device *d)
{
    struct gpu *g = (struct gpu *)d;
    size_t free_bytes = 0, total = 0;
    uint64_t kept = 0, used = 0, left;

    gpu_enter(g);
    if (!went(g, "asking for memory", cudaMemGetInfo(&free_bytes, &total)))
        return 0;
    pthread_mutex_lock(&g->lock);
    if (g->pool && !g->plain &&
        (cudaMemPoolGetAttribute(g->pool, cudaMemPoolAttrReservedMemCurrent, &kept) ||
         cudaMemPoolGetAttribute(g->pool, cudaMemPoolAttrUsedMemCurrent, &used)))
        kept = used = 0;
    left = free_bytes + kept - used;
    if (g->limit && g->limit - g->held < left)
        left = g->limit - g->held;
    pthread_mutex_unlock(&g->lock);
    return left;
}

static void *pin(struct device *d, size_t bytes)
{
    void *mem = NULL;

    gpu_enter((struct gpu *)d);
    if (cudaHostAlloc(&mem, bytes ? bytes : 1, cudaHostAllocDefault) == cudaSuccess)
        return mem;
    cudaGetLastError();
    return NULL;
}

static void unpin(struct device *d, void *mem, size_t bytes)
{
    (void)bytes;
    gpu_enter((struct gpu *)d);
    cudaFreeHost(mem);
}

static void prefetch(struct device *d, void *to, const void *pinned, size_t bytes)
{
    struct gpu *g = (struct gpu *)d;

    gpu_enter(g);
    if (gpu_failed(g) || !went(g, "marking the queue", cudaEventRecord(g->queued, g->stream)) ||
        !went(g, "waiting for the queue", cudaStreamWaitEvent(g->copies, g->queued, 0)))
        return;
    went(g, "prefetching", cudaMemcpyAsync(to, pinned, bytes, cudaMemcpyHostToDevice, g->copies));
}

static void arrive(struct device *d)
{
    struct gpu *g = (struct gpu *)d;

    gpu_enter(g);
    if (!gpu_failed(g) && went(g, "marking the copies", cudaEventRecord(g->copied, g->copies)))
        went(g, "waiting for copies", cudaStreamWaitEvent(g->stream, g->copied, 0));
}

static int open_copies(struct gpu *g)
{
    return went(g, "making a stream",
                cudaStreamCreateWithFlags(&g->copies, cudaStreamNonBlocking)) &&
           went(g, "making an event",
                cudaEventCreateWithFlags(&g->queued, cudaEventDisableTiming)) &&
           went(g, "making an event", cudaEventCreateWithFlags(&g->copied, cudaEventDisableTiming));
}

static int open_stream(struct gpu *g)
{
    int major = 0, minor = 0;

    if (!went(g, "opening", cudaSetDevice(g->index)) ||
        !went(g, "asking for the capability",
              cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, g->index)) ||
        !went(g, "asking for the capability",
              cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, g->index)))
        return ERR_DEVICE;
    g->capability = 10 * major + minor;
    if (g->capability < LEAST_CAPABILITY) {
        gpu_fail(g, "compute capability %d.%d; %d.%d or newer is needed", major, minor,
                 LEAST_CAPABILITY / 10, LEAST_CAPABILITY % 10);
        return ERR_DEVICE;
    }
    if (!went(g, "making a stream", cudaStreamCreateWithFlags(&g->stream, cudaStreamNonBlocking)) ||
        !open_copies(g))
        return ERR_DEVICE;
    for (int i = 0; i < STAGES; i++)
        if (!went(g, "pinning memory",
                  cudaHostAlloc((void **)&g->stage[i].mem, STAGE_BYTES, cudaHostAllocDefault)) ||
            !went(g, "making an event",
                  cudaEventCreateWithFlags(&g->stage[i].sent, cudaEventDisableTiming)))
            return ERR_DEVICE;
    return 0;
}

/* A GPU that could not be opened is tried afresh the next time; what little it holds is lost. */
static int open_gpu(struct gpu **out, int index, struct err *e)
{
    struct gpu *g = xcalloc(1, sizeof *g);

    snprintf(g->name, sizeof g->name, "cuda:%d", index);
    g->index = index;
    pthread_mutex_init(&g->lock, NULL);
    g->queue = (struct device_queue)DEVICE_QUEUE_INIT;
    g->base = (struct device){.name = g->name,
                              .kernels = kernels_cuda(),
                              .take = take,
                              .give = give,
                              .put = gpu_put,
                              .get = gpu_get,
                              .zero = gpu_zero,
                              .check = gpu_check,
                              .room = room,
                              .limit = limit,
                              .pin = pin,
                              .unpin = unpin,
                              .prefetch = prefetch,
                              .arrive = arrive,
                              .record = graph_record,
                              .run = graph_run,
                              .forget = graph_forget,
                              .queue = &g->queue};
    if (open_stream(g) < 0)
        return err_set(e, ERR_DEVICE, "%s: %s", g->name, g->why);
    if (lt_open(g, e) < 0)
        return err_prefix(e, "%s", g->name);
    g->times = cuda_times_open(g);
    *out = g;
    return 0;
}

int device_cuda(struct device **out, int index, struct err *e)
{
    int rc = check_index(index, e);

    *out = NULL;
    if (rc < 0)
        return rc;
    pthread_mutex_lock(&opening);
    if (!gpu[index])
        rc = open_gpu(&gpu[index], index, e);
    if (gpu[index])
        *out = &gpu[index]->base;
    pthread_mutex_unlock(&opening);
    return rc;
}
