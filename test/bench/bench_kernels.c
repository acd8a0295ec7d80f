/* bench_kernels.c - speed of every set of kernels at the shapes that matter, beside the C kernels
 * and the measured peak: multiply-adds in registers for products, a copy between arrays for the
 * rest. The best of several runs counts. C kernels run on a sixteenth of the rows, or it would take
 * minutes. A GPU, where there is one, has tables of its own: sixteen times the rows, beside its own
 * large product and large sum. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/machine.h"
#include "bench_jobs.h"
#include "kern/x86/x86.h"
#include "ztest.h"

enum { C_SHARE = 16, GPU_TIMES = 16, FEW_ROWS = 4 };

struct bench {
    const char *name;
    enum dtype type;
    void (*fill)(struct job *j);
    int64_t s[5]; /* rows first */
};

static struct threads *pool;

/* Seconds of the best call within about 0.15 s. */
static double best_time(struct job *j)
{
    double best = INFINITY, end = clock_s() + 0.15;

    do {
        double t = clock_s();

        j->call(j);
        t = clock_s() - t;
        best = t < best ? t : best;
    } while (clock_s() < end);
    return best;
}

/* FLOP/s or B/s of one set; 0 where it is not there. */
static double rate(const struct bench *b, const char *set)
{
    struct job j = {.type = b->type, .s = b->s, .k = kernels_named(set)};
    double r;

    if (!j.k)
        return 0;
    j.rows = strcmp(set, "c") ? b->s[0] : (b->s[0] + C_SHARE - 1) / C_SHARE;
    kcx_init(&j.kc, pool);
    b->fill(&j);
    r = (j.flops > 0 ? j.flops : j.bytes) / best_time(&j);
    job_free(&j);
    kcx_release(&j.kc);
    return r;
}

struct copy {
    char *to;
    const char *from;
    size_t bytes;
};

static void copy_part(void *arg, int item, int worker)
{
    const struct copy *c = arg;

    (void)worker;
    memcpy(c->to + (size_t)item * c->bytes, c->from + (size_t)item * c->bytes, c->bytes);
}

/* B/s read and written by a copy of two arrays of `bytes` on all threads. */
static double copy_rate(size_t bytes)
{
    struct copy c = {xmalloc(bytes), xmalloc(bytes), bytes / 16};
    double best = INFINITY, t;

    memset(c.to, 1, bytes);
    memset((char *)c.from, 2, bytes);
    for (int i = 0; i < 20; i++) {
        t = clock_s();
        threads_run(pool, 16, copy_part, &c);
        t = clock_s() - t;
        best = t < best ? t : best;
    }
    free(c.to);
    free((char *)c.from);
    return 2 * (double)bytes / best;
}

/* clang-format off */
static const struct bench flop_benches[] = {
    {"linear nt 2550x1536x8960", DT_BF16, job_linear_nt, {2550, 1536, 8960}},
    {"linear nn 2550x1536x8960", DT_BF16, job_linear_nn, {2550, 1536, 8960}},
    {"linear tn 2550x1536x8960", DT_BF16, job_linear_tn, {2550, 1536, 8960}},
#define LINEAR(in, out)                                                                            \
    {"linear nt 4480x" #in "x" #out, DT_BF16, job_linear_nt, {4480, in, out}},                         \
    {"linear nn 4480x" #in "x" #out, DT_BF16, job_linear_nn, {4480, in, out}},                         \
    {"linear tn 4480x" #in "x" #out, DT_BF16, job_linear_tn, {4480, in, out}},                         \
    {"linear nt 4480x" #in "x" #out, DT_F32, job_linear_nt, {4480, in, out}},                          \
    {"linear nn 4480x" #in "x" #out, DT_F32, job_linear_nn, {4480, in, out}},                          \
    {"linear tn 4480x" #in "x" #out, DT_F32, job_linear_tn, {4480, in, out}},
    LINEAR(256, 256) LINEAR(256, 1024) LINEAR(1024, 256)
    {"attention 2550 x 12x128", DT_BF16, job_attention, {2550, 2550, 2550, 12, 128}},
    {"attention_int8 2550 x 12x128", DT_BF16, job_attention_int8, {2550, 2550, 2550, 12, 128}},
    {"attention_bwd 2550 x 12x128", DT_BF16, job_attention_bwd, {2550, 2550, 2550, 12, 128}},
    {"attention 32x140 x 4x64", DT_BF16, job_attention, {4480, 140, 140, 4, 64}},
    {"attention_bwd 32x140 x 4x64", DT_BF16, job_attention_bwd, {4480, 140, 140, 4, 64}},
    {"attention 32x140 x 4x64", DT_F32, job_attention, {4480, 140, 140, 4, 64}},
    {"attention_bwd 32x140 x 4x64", DT_F32, job_attention_bwd, {4480, 140, 140, 4, 64}},
    {"attention 32x140 to 10 x 4x64", DT_BF16, job_attention, {4480, 140, 10, 4, 64}},
    {"attention_bwd 32x140 to 10", DT_BF16, job_attention_bwd, {4480, 140, 10, 4, 64}},
    {"conv2d 3x3 96 64x16x28", DT_BF16, job_conv2d, {64, 16, 28, 96}},
    {"conv2d_dx 3x3 96 64x16x28", DT_BF16, job_conv2d_dx, {64, 16, 28, 96}},
    {"conv2d_dw 3x3 96 64x16x28", DT_BF16, job_conv2d_dw, {64, 16, 28, 96}},
    {"conv2d 3x3 96 64x16x28", DT_F32, job_conv2d, {64, 16, 28, 96}},
    {"conv2d_dx 3x3 96 64x16x28", DT_F32, job_conv2d_dx, {64, 16, 28, 96}},
    {"conv2d_dw 3x3 96 64x16x28", DT_F32, job_conv2d_dw, {64, 16, 28, 96}},
};
static const struct bench int8_benches[] = {
    {"linear nt 2550x1536x8960", DT_I8, job_linear_int8, {2550, 1536, 8960}},
    {"linear nt 2550x8960x1536", DT_I8, job_linear_int8, {2550, 8960, 1536}},
    {"linear nt 2550x1536x1536", DT_I8, job_linear_int8, {2550, 1536, 1536}},
    {"linear nt 4480x256x1024", DT_I8, job_linear_int8, {4480, 256, 1024}},
};
static const struct bench byte_benches[] = {
    {"norm_mod 4480x256", DT_BF16, job_norm_mod, {4480, 256}},
    {"norm_mod_bwd 4480x256", DT_BF16, job_norm_mod_bwd, {4480, 256}},
    {"norm_mod 2550x1536", DT_BF16, job_norm_mod, {2550, 1536}},
    {"rms_norm 4480x256", DT_BF16, job_rms_norm, {4480, 256}},
    {"rms_norm_bwd 4480x256", DT_BF16, job_rms_norm_bwd, {4480, 256}},
    {"rope 4480 x 4x64", DT_BF16, job_rope, {4480, 4, 64}},
    {"gelu 4480x1024", DT_BF16, job_gelu, {4480, 1024}},
    {"gelu_bwd 4480x1024", DT_BF16, job_gelu_bwd, {4480, 1024}},
    {"gelu 4480x1024", DT_F32, job_gelu, {4480, 1024}},
    {"add 4480x256", DT_F32, job_add, {4480, 256}},
    {"add_gated 4480x256", DT_BF16, job_add_gated, {4480, 256}},
    {"add_gated_bwd 4480x256", DT_BF16, job_add_gated_bwd, {4480, 256}},
    {"transpose 4480x256", DT_BF16, job_transpose, {4480, 256}},
    {"sum_rows 4480x1024", DT_BF16, job_sum_rows, {4480, 1024}},
    {"adamw 8M", DT_F32, job_adamw, {8 << 20}},
};
/* clang-format on */

static void table(const struct bench *b, int n, const char *unit, double (*peak)(enum dtype type))
{
    static const char *const set[] = {"c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};
    enum { N = sizeof set / sizeof *set };

    printf("%-32s %-5s", "", "type");
    for (int s = 0; s < N; s++)
        printf(" %11s", set[s]);
    printf(" %8s %6s  (%s)\n", "best/c", "peak", unit);
    for (int i = 0; i < n; i++) {
        double r[N], best = 0;

        printf("%-32s %-5s", b[i].name, dtype_name(b[i].type));
        for (int s = 0; s < N; s++) {
            r[s] = rate(&b[i], set[s]);
            best = r[s] > best ? r[s] : best;
            if (r[s] > 0)
                printf(" %11.2f", r[s] * 1e-9);
            else
                printf(" %11s", "-");
            fflush(stdout);
        }
        printf(" %8.1f %5.1f%%\n", best / r[0], 100 * best / peak(b[i].type));
    }
}

static double peak_flops(enum dtype type)
{
    static double known[N_DTYPES];

    if (known[type] == 0)
        known[type] = x86_peak_flops(type, pool);
    return known[type] > 0 ? known[type] : NAN;
}

static double peak_bytes(enum dtype type)
{
    static double known;

    (void)type;
    if (known == 0)
        known = copy_rate(8 << 20);
    return known;
}

static void start(void)
{
    if (pool)
        return;
    pool = threads_new(machine_threads());
    printf("%s, %d threads; peak %.1f GFLOP/s f32, %.1f bf16; copy %.1f GB/s (8 MiB arrays)\n",
           machine_cpu_name(), threads_count(pool), peak_flops(DT_F32) * 1e-9,
           peak_flops(DT_BF16) * 1e-9, peak_bytes(DT_F32) * 1e-9);
}

TEST(bench_kernels_products)
{
    start();
    table(flop_benches, sizeof flop_benches / sizeof *flop_benches, "GFLOP/s", peak_flops);
}

TEST(bench_kernels_int8)
{
    start();
    table(int8_benches, sizeof int8_benches / sizeof *int8_benches, "Gop/s", peak_flops);
}

TEST(bench_kernels_moves)
{
    start();
    table(byte_benches, sizeof byte_benches / sizeof *byte_benches, "GB/s", peak_bytes);
}

/* Seconds of a call on a device: calls are queued, so many that waiting for the last hardly counts.
 */
static double queued_time(struct job *j)
{
    double best = INFINITY, end = clock_s() + 0.3;
    struct err e;
    int n = 1;

    do {
        double t = clock_s();

        for (int i = 0; i < n; i++)
            j->call(j);
        if (device_check(j->device, &e) < 0)
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        t = clock_s() - t;
        if (t < 0.01 && n < 4096)
            n *= 2; /* too short to say anything; the first calls also prepare */
        else
            best = t / n < best ? t / n : best;
    } while (clock_s() < end || best == INFINITY);
    return best;
}

static void open_job(struct job *j, const struct bench *b, struct device *d, int64_t rows)
{
    *j = (struct job){.type = b->type, .s = b->s, .k = d->kernels, .device = d, .rows = rows};
    kcx_init(&j->kc, NULL);
    j->kc.device = d;
    b->fill(j);
}

static void close_job(struct job *j)
{
    job_free(j);
    kcx_release(&j->kc);
}

static double device_rate(const struct bench *b, struct device *d, int times)
{
    struct job j;
    double r;

    open_job(&j, b, d, b->s[0] * times);
    r = (j.flops > 0 ? j.flops : j.bytes) / queued_time(&j);
    close_job(&j);
    return r;
}

static void call_each(const struct bench *b, int n, struct device *d)
{
    for (int i = 0; i < n; i++) {
        struct job j;

        open_job(&j, &b[i], d, FEW_ROWS);
        j.call(&j);
        close_job(&j);
    }
}

void bench_call_all(struct device *d)
{
    call_each(flop_benches, sizeof flop_benches / sizeof *flop_benches, d);
    call_each(byte_benches, sizeof byte_benches / sizeof *byte_benches, d);
}

static void device_table(const struct bench *b, int n, const struct bench peak[2])
{
    struct device *d;
    struct err e;
    double most[N_DTYPES];

    if (device_named(&d, "cuda", &e) < 0)
        ztest_skip(e.msg);
    for (int i = 0; i < 2; i++) {
        most[peak[i].type] = device_rate(&peak[i], d, 1);
        printf("%s: %s %s %.1f G/s\n", d->name, peak[i].name, dtype_name(peak[i].type),
               most[peak[i].type] * 1e-9);
    }
    for (int i = 0; i < n; i++) {
        double r = device_rate(&b[i], d, GPU_TIMES);

        printf("%d x %-32s %-5s %11.2f G/s %5.1f%%\n", GPU_TIMES, b[i].name, dtype_name(b[i].type),
               r * 1e-9, 100 * r / most[b[i].type]);
        fflush(stdout);
    }
}

/* The yardstick of whole steps: what the library makes of one large product without a bias. */
TEST(bench_gpu_peak)
{
    const char *name = getenv("ZT_TEST_DEVICE");
    struct device *d;
    struct err e;
    int64_t n;

    if (device_named(&d, name ? name : "cuda", &e) < 0)
        ztest_skip(e.msg);
    n = d->host ? 1024 : 8192;
    struct bench b = {"", DT_BF16, job_linear_nn, {n, n, n}};
    printf("%.0f GFLOP/s, bf16, %lldx%lldx%lld on %s\n", device_rate(&b, d, 1) * 1e-9, (long long)n,
           (long long)n, (long long)n, d->name);
}

TEST(bench_gpu_products)
{
    static const struct bench peak[] = {
        {"FLOP, linear 8192x8192x8192", DT_F32, job_linear_nt, {8192, 8192, 8192}},
        {"FLOP, linear 8192x8192x8192", DT_BF16, job_linear_nt, {8192, 8192, 8192}}};

    device_table(flop_benches, sizeof flop_benches / sizeof *flop_benches, peak);
}

TEST(bench_gpu_moves)
{
    static const struct bench peak[] = {{"bytes, add 64M", DT_F32, job_add, {65536, 1024}},
                                        {"bytes, add 64M", DT_BF16, job_add, {65536, 1024}}};

    device_table(byte_benches, sizeof byte_benches / sizeof *byte_benches, peak);
}
