/* kit.c - see kit.h. */
#include "kit.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "cuda_set.h"
#include "staged.h"

enum { FRONT = 192, GUARD = 0xa5, MAX_THREADS = 3 };

static struct krow *rows;
static const char *const set_name[] = {"c",          "avx2", "avx512",    "avx512vnni",
                                       "avx512bf16", "amx",  "cuda_host", "cuda"};
enum { N_SETS = sizeof set_name / sizeof *set_name, FIRST_CUDA = N_SETS - 2 };

void krow_register(struct krow *row)
{
    row->next = rows;
    rows = row;
}

const struct krow *krow_find(const char *kernel, const struct krow *after)
{
    for (const struct krow *r = after ? after->next : rows; r; r = r->next)
        if (!strcmp(r->kernel, kernel))
            return r;
    return NULL;
}

enum dtype kit_type(const struct kit *t, enum cls c)
{
    if (t->reference || t->type == DT_F64)
        return DT_F64;
    return c == ACT ? t->type : DT_F32;
}

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static struct kbuf *new_buf(struct kit *t, const char *name, enum dtype type, int64_t n)
{
    struct kbuf *b = &t->buf[t->n_bufs++];
    size_t page = page_bytes(), bytes = (size_t)n * dtype_bytes(type);

    CHECK(t->n_bufs <= MAX_BUFS);
    b->map_bytes = (bytes + FRONT + page - 1) / page * page + page;
    b->map = mmap(NULL, b->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(b->map != MAP_FAILED);
    CHECK(mprotect((char *)b->map + b->map_bytes - page, page, PROT_NONE) == 0);
    b->data = (char *)b->map + b->map_bytes - page - bytes - (t->aligned ? -bytes % 64 : 0);
    memset(b->map, GUARD, b->map_bytes - page);
    b->name = name;
    b->type = type;
    b->n = n;
    b->compared = 0;
    b->act = 0;
    return b;
}

/* Mean 0, variance 1, within 3.5: four uniforms. A true normal would be most of the time of a run.
 */
static double bell(struct rng *r)
{
    uint32_t a = rng_u32(r), b = rng_u32(r);
    double sum = (double)(a >> 16) + (a & 0xffff) + (b >> 16) + (b & 0xffff);

    return (sum / 65536 - 2) * sqrt(3);
}

static double draw(struct kit *t, double scale)
{
    double v = t->data == ZERO ? 0 : bell(&t->rng) * scale;

    switch (t->data) {
    case NORMAL:
        return v;
    case RANGE:
        return ldexp(v, rng_below(&t->rng, 41) - 20);
    case TINY: /* every other buffer holds denormals */
        return t->n_bufs % 2 ? v * 1e-39 : v;
    default:
        return v;
    }
}

static double rounded(const struct kit *t, enum cls c, double v)
{
    if (t->type == DT_F64)
        return v;
    return c == ACT && t->type == DT_BF16 ? bf16_to_f32(f32_to_bf16((float)v)) : (float)v;
}

static void put(struct kbuf *b, int64_t i, double v)
{
    if (b->type == DT_F64)
        ((double *)b->data)[i] = v;
    else if (b->type == DT_F32)
        ((float *)b->data)[i] = (float)v;
    else
        ((bf16 *)b->data)[i] = f32_to_bf16((float)v);
}

static double get(const struct kbuf *b, int64_t i)
{
    switch (b->type) {
    case DT_F64:
        return ((const double *)b->data)[i];
    case DT_F32:
        return ((const float *)b->data)[i];
    case DT_BF16:
        return bf16_to_f32(((const bf16 *)b->data)[i]);
    default:
        return 0;
    }
}

static void *fill(struct kit *t, const char *name, enum cls c, int64_t n, double scale)
{
    struct kbuf *b = new_buf(t, name, kit_type(t, c), n);

    b->act = c == ACT;
    for (int64_t i = 0; i < n; i++)
        put(b, i, scale == 0 ? NAN : rounded(t, c, draw(t, scale)));
    return b->data;
}

void *kit_in(struct kit *t, enum cls c, int64_t n, double scale)
{
    return fill(t, "input", c, n, scale);
}

void *kit_io(struct kit *t, const char *name, enum cls c, int64_t n, double scale)
{
    void *data = fill(t, name, c, n, scale);

    t->buf[t->n_bufs - 1].compared = 1;
    return data;
}

void *kit_out(struct kit *t, const char *name, enum cls c, int64_t n)
{
    return kit_io(t, name, c, n, 0);
}

void *kit_work(struct kit *t, enum cls c, int64_t n)
{
    return fill(t, "work", c, n, 0);
}

int32_t *kit_index(struct kit *t, int64_t n, int below)
{
    int32_t *p;

    if (below == 0)
        return NULL;
    p = new_buf(t, "index", DT_I32, n)->data;
    for (int64_t i = 0; i < n; i++)
        p[i] = rng_below(&t->rng, below);
    return p;
}

int64_t *kit_starts(struct kit *t, int n, int most, int least)
{
    int64_t *p = new_buf(t, "starts", DT_I64, n + 1)->data;

    p[0] = 0;
    for (int i = 0; i < n; i++)
        p[i + 1] = p[i] + (i == 0 ? most : least + rng_below(&t->rng, most - least + 1));
    return p;
}

static void release(struct kit *t)
{
    for (int i = 0; i < t->n_bufs; i++)
        munmap(t->buf[i].map, t->buf[i].map_bytes);
    t->n_bufs = 0;
}

/* NULL without one. */
static struct device *gpu(void)
{
    static struct device *d;
    static int asked;
    struct err e;

    if (!asked++ && device_named(&d, "cuda", &e) < 0)
        d = NULL;
    return d;
}

static const struct kernels *set_named(const char *name)
{
    if (!strcmp(name, "cuda_host"))
        return kernels_cuda_host();
    return strcmp(name, "cuda") ? kernels_named(name) : gpu() ? gpu()->kernels : NULL;
}

/* One run; buffers stay for comparison. */
static void run(struct kit *t, const struct krow *row, const struct kernels *k, int n_threads,
                uint64_t seed)
{
    static struct threads *pool[MAX_THREADS + 1];
    struct kcx kc;

    if (!pool[n_threads])
        pool[n_threads] = threads_new(n_threads);
    kcx_init(&kc, pool[n_threads]);
    rng_init(&t->rng, seed, 0);
    t->k = k;
    t->kc = &kc;
    t->n_bufs = 0;
    if (t->device) {
        kc.device = t->device;
        t->k = staged_kernels(t->device, t);
    }
    row->run(t);
    kcx_release(&kc);
}

static void where(char *out, size_t size, const struct krow *row, const struct kit *t,
                  uint64_t seed)
{
    static const char *const data_name[] = {"normal", "range", "tiny", "zero"};
    int n = snprintf(out, size, "%s/%s %s %s seed %llu shape", t->k->name, row->kernel,
                     dtype_name(t->type), data_name[t->data], (unsigned long long)seed);

    for (int i = 0; i < 10 && n < (int)size; i++)
        n += snprintf(out + n, size - (size_t)n, " %lld", (long long)t->s[i]);
}

static void check_guards(const struct kit *t, const char *at)
{
    for (int i = 0; i < t->n_bufs; i++) {
        const struct kbuf *b = &t->buf[i];
        const unsigned char *p = b->map, *end = p + b->map_bytes - page_bytes();
        const unsigned char *data = b->data;

        for (; p < data; p++)
            if (*p != GUARD)
                ztest_fail(__FILE__, __LINE__, "%s: wrote before the start of %s", at, b->name);
        for (p = data + (size_t)b->n * dtype_bytes(b->type); p < end; p++)
            if (*p != GUARD)
                ztest_fail(__FILE__, __LINE__, "%s: wrote behind the end of %s", at, b->name);
    }
}

/* `floor` is noise in any element: the steps of denormals, and what bf16 products flush. */
static void check_close(const struct kbuf *got, const struct kbuf *want, double tol, double floor,
                        const char *at)
{
    double diff = 0, norm = 0, worst = 0, most = 0;

    if (got->n != want->n)
        ztest_fail(__FILE__, __LINE__, "%s: %s has another size", at, got->name);
    for (int64_t i = 0; i < got->n; i++) {
        double w = get(want, i), d = fabs(get(got, i) - w);

        if (get(got, i) == w) /* infinities too */
            continue;
        if (!isfinite(d))
            ztest_fail(__FILE__, __LINE__, "%s: %s[%lld] is %g, expected %g", at, got->name,
                       (long long)i, get(got, i), w);
        diff += d * d;
        worst = d > worst ? d : worst;
    }
    for (int64_t i = 0; i < got->n; i++) {
        double w = fabs(get(want, i));

        norm += isfinite(w) ? w * w : 0;
        most = isfinite(w) && w > most ? w : most;
    }
    diff = sqrt(diff);
    norm = sqrt(norm);
    if (diff > tol * norm + floor * sqrt((double)got->n))
        ztest_fail(__FILE__, __LINE__, "%s: %s is off by %.3g, allowed %.3g", at, got->name,
                   diff / norm, tol);
    if (worst > 20 * tol * most + floor)
        ztest_fail(__FILE__, __LINE__, "%s: one element of %s is off by %.3g of %.3g", at,
                   got->name, worst, most);
}

static double tolerance(const struct krow *row, const struct kit *t, const struct kbuf *b)
{
    if (t->type == DT_F64)
        return 0;
    if (t->type == DT_F32)
        return row->tol_f32;
    return b->act ? row->tol_bf16 : row->tol_mixed;
}

static void compare(const struct krow *row, const struct kit *got, const struct kit *want,
                    const char *at)
{
    double floor = got->type == DT_BF16 ? 1e-36 : 1e-42;

    for (int i = 0; i < got->n_bufs; i++)
        if (got->buf[i].compared)
            check_close(&got->buf[i], &want->buf[i], tolerance(row, got, &got->buf[i]), floor, at);
}

static void check_same_bits(const struct kit *a, const struct kit *b, const char *at)
{
    for (int i = 0; i < a->n_bufs; i++)
        if (memcmp(a->buf[i].data, b->buf[i].data,
                   (size_t)a->buf[i].n * dtype_bytes(a->buf[i].type)))
            ztest_fail(__FILE__, __LINE__, "%s: %s depends on the order of the work", at,
                       a->buf[i].name);
}

/* One shape, type and kind of data in one set: against the reference, then 2 and 3 threads
 * against 1. How work is shared does not depend on the data, so that part runs for one kind. */
static void run_set(const struct krow *row, const struct kernels *k, struct device *d,
                    const struct kit *want, uint64_t seed)
{
    struct kit t = *want, more;
    char at[256];

    t.reference = 0;
    t.device = d;
    more = t;
    t.k = k;
    where(at, sizeof at, row, &t, seed);
    run(&t, row, k, 1, seed);
    check_guards(&t, at);
    compare(row, &t, want, at);
    for (int n = 2; n <= MAX_THREADS && t.data == NORMAL; n++) {
        run(&more, row, k, n, seed);
        check_guards(&more, at);
        check_same_bits(&t, &more, at);
        release(&more);
    }
    release(&t);
}

/* The CUDA kernels on the host: buffers that end at a page, then aligned ones, which other code may
 * serve; those with blocks and threads in the other order too. */
static void run_cuda_host(const struct krow *row, const struct kernels *k, const struct kit *want,
                          uint64_t seed)
{
    struct kit t = *want, again;
    char at[256];

    t.reference = 0;
    t.k = k;
    where(at, sizeof at, row, &t, seed);
    for (t.aligned = 0; t.aligned < 2; t.aligned++) {
        run(&t, row, k, 1, seed);
        check_guards(&t, at);
        compare(row, &t, want, at);
        if (t.aligned && t.data == NORMAL) {
            again = t;
            cuda_host_reverse(1);
            run(&again, row, k, 1, seed);
            cuda_host_reverse(0);
            check_same_bits(&t, &again, at);
            release(&again);
        }
        release(&t);
    }
}

static void *function_of(const struct kernels *k, const char *kernel)
{
    void *fn = NULL;

#define K(name, args)                                                                              \
    if (!strcmp(kernel, #name))                                                                    \
        memcpy(&fn, &k->name, sizeof fn);
    KERNELS(K)
#undef K
    return fn;
}

/* All sets that have a version of their own. */
static void run_case(const struct krow *row, struct kit t, uint64_t seed)
{
    const char *only = getenv("ZT_TEST_SET"); /* of one set alone */
    const void *tested = NULL;

    t.reference = 1;
    run(&t, row, kernels_c(), 1, seed);
    for (int i = 0; i < N_SETS; i++) {
        const struct kernels *k = set_named(set_name[i]);
        const void *fn = k ? function_of(k, row->kernel) : NULL;

        if (only && *only && strcmp(only, set_name[i]))
            continue;
        if (!fn || fn == tested || (i >= FIRST_CUDA && t.type == DT_F64))
            continue;
        if (k == kernels_cuda_host())
            run_cuda_host(row, k, &t, seed);
        else
            run_set(row, k, gpu() && k == gpu()->kernels ? gpu() : NULL, &t, seed);
        tested = fn;
    }
    release(&t);
}

void krow_run(const struct krow *row)
{
    static const enum dtype type[] = {DT_F32, DT_BF16, DT_F64};

    for (int s = 0; s < row->n_shapes; s++)
        for (int y = 0; y < (row->f32_only ? 1 : 3); y++)
            for (int d = 0; d < N_DATA; d++)
                if (row->data >> d & 1)
                    run_case(
                        row,
                        (struct kit){.type = type[y], .data = (enum data)d, .s = row->shape[s]},
                        1000003u * (unsigned)s + 101u * (unsigned)d + (unsigned)y);
}

void krow_run_on(const struct krow *row, struct device *d)
{
    for (int s = 0; s < row->n_shapes; s++) {
        struct kit t = {.type = DT_F32, .s = row->shape[s], .reference = 1};

        run(&t, row, kernels_c(), 1, (uint64_t)s);
        run_set(row, d->kernels, d, &t, (uint64_t)s);
        release(&t);
    }
}
