/* graph.c - see graph.h.
 *
 * The stream captures what is queued (mode relaxed: other calls of the runtime go on). A copy in a
 * graph reads the same host memory at every run, so each put gets pinned memory of its own, in the
 * order of the puts; a replay fills it anew. The driver may bake no address that it did not see at
 * capture, so a graph is good as long as nothing that was taken before has been given back. What
 * cannot be captured is queued call by call from then on; ZT_CUDA_GRAPHS=0 in the environment does
 * that from the beginning. */
#include "kern/cuda/graph.h"

#include <cuda_runtime_api.h>
#include <stdlib.h>
#include <string.h>

struct put {
    void *to;
    char *host; /* pinned */
    size_t bytes;
};

struct graph {
    cudaGraphExec_t exec; /* NULL: being recorded */
    int spoiled;
    struct put *put;
    int n_puts, cap, next;
    uint64_t gives; /* of the GPU, before it was recorded */
    struct gpu_block *late;
    int n_late;
};

/* 1 when the call went well. */
static int went(struct gpu *g, const char *what, cudaError_t code)
{
    if (code != cudaSuccess)
        gpu_error(g, what, (int)code);
    return code == cudaSuccess;
}

static void graph_free(struct graph *x)
{
    if (x->exec)
        cudaGraphExecDestroy(x->exec);
    for (int i = 0; i < x->n_puts; i++)
        cudaFreeHost(x->put[i].host);
    free(x->put);
    free(x->late);
    free(x);
}

/* In x from now on; NULL: in no list. */
static void keep_calls(struct gpu *g, struct graph *x)
{
    pthread_mutex_lock(&g->lock); /* any thread may take and give */
    g->graph = x;
    pthread_mutex_unlock(&g->lock);
}

enum device_record graph_record(struct device *d, void **list)
{
    struct gpu *g = (struct gpu *)d;
    struct graph *x = *list;

    const char *wanted = getenv("ZT_CUDA_GRAPHS");

    gpu_enter(g);
    if (gpu_failed(g) || g->no_graphs || (wanted && !strcmp(wanted, "0")))
        return DEVICE_DOES;
    /* The last run has read its puts, and uses no memory of a graph that is no good any more. */
    if (!went(g, "waiting for the GPU", cudaStreamSynchronize(g->stream)))
        return DEVICE_DOES;
    if (x && x->gives != g->gives)
        graph_forget(d, list);
    if (*list) {
        x->next = 0;
        keep_calls(g, x);
        return DEVICE_REPLAYS;
    }
    if (cudaStreamBeginCapture(g->stream, cudaStreamCaptureModeRelaxed) != cudaSuccess) {
        cudaGetLastError();
        g->no_graphs = 1;
        return DEVICE_DOES;
    }
    x = xcalloc(1, sizeof *x);
    x->gives = g->gives;
    *list = x;
    keep_calls(g, x);
    return DEVICE_RECORDS;
}

/* What was given back meanwhile goes after all that is queued. */
static void give_late(struct gpu *g, struct graph *x)
{
    keep_calls(g, NULL);
    for (int i = 0; i < x->n_late; i++)
        gpu_give(g, x->late[i].mem, x->late[i].bytes);
    x->n_late = 0;
}

/* NULL: it is of no use. */
static cudaGraph_t end_capture(struct gpu *g)
{
    cudaGraph_t graph = NULL;

    if (cudaStreamEndCapture(g->stream, &graph) != cudaSuccess)
        cudaGetLastError();
    return graph;
}

static void instantiate(struct gpu *g, struct graph *x)
{
    cudaGraph_t graph = end_capture(g);

    if (graph && !x->spoiled && cudaGraphInstantiate(&x->exec, graph, 0) != cudaSuccess) {
        x->exec = NULL;
        cudaGetLastError();
    }
    if (graph)
        cudaGraphDestroy(graph);
    g->no_graphs = !x->exec;
}

int graph_run(struct device *d, void *list)
{
    struct gpu *g = (struct gpu *)d;
    struct graph *x = list;
    int good = 1;

    ZT_ASSERT(x && g->graph == x);
    if (!x->exec)
        instantiate(g, x);
    else
        good = x->next == x->n_puts;
    good = good && x->exec;
    if (good && !gpu_failed(g))
        went(g, "running a graph", cudaGraphLaunch(x->exec, g->stream));
    give_late(g, x);
    return good;
}

void graph_forget(struct device *d, void **list)
{
    struct gpu *g = (struct gpu *)d;
    struct graph *x = *list;
    cudaGraph_t graph = NULL;

    if (!x)
        return;
    gpu_enter(g);
    if (g->graph == x && !x->exec)
        graph = end_capture(g);
    if (graph)
        cudaGraphDestroy(graph);
    if (g->graph == x)
        give_late(g, x);
    cudaStreamSynchronize(g->stream); /* a run may still read what its puts brought */
    graph_free(x);
    *list = NULL;
}

static struct put *next_put(struct gpu *g, struct graph *x, void *to, size_t bytes)
{
    struct put *p;

    if (x->exec) {
        p = x->next < x->n_puts ? &x->put[x->next++] : NULL;
        if (p && p->to == to && p->bytes == bytes)
            return p;
        return NULL; /* another step than the recorded one: replay_end finds it by its memory */
    }
    if (x->n_puts == x->cap) {
        x->cap = x->cap ? 2 * x->cap : 16;
        x->put = xrealloc(x->put, (size_t)x->cap * sizeof *x->put);
    }
    p = &x->put[x->n_puts];
    *p = (struct put){.to = to, .bytes = bytes};
    if (!went(g, "pinning memory", cudaHostAlloc((void **)&p->host, bytes, cudaHostAllocDefault)))
        return NULL;
    x->n_puts++;
    return p;
}

void graph_put(struct gpu *g, void *to, const void *host, size_t bytes)
{
    struct graph *x = g->graph;
    struct put *p = next_put(g, x, to, bytes);

    if (!p)
        return;
    memcpy(p->host, host, bytes);
    if (!x->exec)
        went(g, "copying to the GPU",
             cudaMemcpyAsync(to, p->host, bytes, cudaMemcpyHostToDevice, g->stream));
}

int graph_spoil(struct gpu *g)
{
    int records = g->graph && !g->graph->exec;

    if (records)
        g->graph->spoiled = 1;
    return records;
}

int graph_replays(const struct gpu *g)
{
    return g->graph && g->graph->exec;
}

void graph_give(struct gpu *g, void *mem, size_t bytes)
{
    struct graph *x = g->graph;

    x->late = xrealloc(x->late, (size_t)(x->n_late + 1) * sizeof *x->late);
    x->late[x->n_late++] = (struct gpu_block){mem, bytes};
}
