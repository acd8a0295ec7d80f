/* x86.c - which level this CPU has, and the overlay. */
#include "kern/x86/x86.h"

#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "kern/x86/attn.h"
#include "kern/x86/conv.h"
#include "kern/x86/gemm.h"
#include "kern/x86/par.h"

enum { N_OVERLAYS = 7 };

static const struct level {
    const char *name;
    unsigned needs;
    void (*overlay[N_OVERLAYS])(struct kernels *k);
} levels[] = {
    {"avx2",
     CPU_AVX2,
     {gemm_overlay_avx2, attn_overlay_avx2, conv_overlay_avx2, elem_overlay_avx2, norm_overlay_avx2,
      optim_overlay_avx2, move_overlay_avx2}},
    {"avx512",
     CPU_AVX2 | CPU_AVX512,
     {gemm_overlay_avx512, attn_overlay_avx512, conv_overlay_avx512, elem_overlay_avx512,
      norm_overlay_avx512, optim_overlay_avx512, move_overlay_avx512}},
    {"avx512vnni",
     CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI,
     {gemm_overlay_avx512vnni, attn_overlay_avx512vnni, conv_overlay_avx512vnni}},
    {"avx512bf16",
     CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16,
     {gemm_overlay_avx512bf16, attn_overlay_avx512bf16, conv_overlay_avx512bf16}},
    {"amx",
     CPU_AVX2 | CPU_AVX512 | CPU_AVX512_VNNI | CPU_AVX512_BF16 | CPU_AMX,
     {gemm_overlay_amx, attn_overlay_amx, conv_overlay_amx}},
};
enum { N_LEVELS = sizeof levels / sizeof *levels };

int kernels_x86(const char *level, struct kernels *k)
{
    unsigned have = machine_cpu_features();
    int want = 0;
    while (want < N_LEVELS && strcmp(levels[want].name, level) != 0)
        want++;
    if (want == N_LEVELS || (have & levels[want].needs) != levels[want].needs)
        return -1;
    for (int i = 0; i <= want; i++)
        for (int j = 0; j < N_OVERLAYS; j++)
            if (levels[i].overlay[j])
                levels[i].overlay[j](k);
    return 0;
}

const char *x86_best_level(void)
{
    unsigned have = machine_cpu_features();
    __builtin_cpu_init();
    if (have & CPU_AMX)
        return "amx";
    if (__builtin_cpu_is("amd"))
        return "avx512bf16";
    return have & CPU_AVX512_VNNI ? "avx512vnni" : "avx512";
}

struct peak_job {
    const struct mm *mm;
    int64_t loops;
    double flops[256];
};

static void peak_item(void *arg, int item, int worker)
{
    struct peak_job *job = arg;
    float sink[3] = {1, 0.5f, 0};
    (void)worker;
    job->flops[item] = job->mm->peak(job->loops, sink);
}

static double peak_of(const struct mm *mm, struct threads *threads)
{
    int n = threads ? threads_count(threads) : 1;
    struct peak_job job = {.mm = mm, .loops = 1 << 17};
    double best = 0;
    n = n < 256 ? n : 256;
    for (int round = 0; round < 8; round++) {
        double start = clock_s(), sum = 0;
        threads_run(threads, n, peak_item, &job);
        double seconds = clock_s() - start;
        for (int i = 0; i < n; i++)
            sum += job.flops[i];
        best = sum / seconds > best ? sum / seconds : best;
    }
    return best;
}

double x86_peak_flops(enum dtype t, struct threads *threads)
{
    unsigned have = machine_cpu_features();
    double f32, dot;
    if ((t != DT_F32 && t != DT_BF16 && t != DT_I8) || !(have & CPU_AVX2))
        return 0;
    if (t == DT_I8)
        return peak_of(have & CPU_AMX           ? &mm_i8_amx
                       : have & CPU_AVX512_VNNI ? &mm_i8_avx512vnni
                       : have & CPU_AVX512      ? &mm_i8_avx512
                                                : &mm_i8_avx2,
                       threads);
    f32 = peak_of(have & CPU_AVX512 ? &mm_f32_avx512 : &mm_f32_avx2, threads);
    if (t == DT_F32 || !(have & CPU_AVX512_BF16))
        return f32;
    dot = peak_of(have & CPU_AMX ? &mm_bf16_amx : &mm_bf16_avx512bf16, threads);
    return dot > f32 ? dot : f32;
}
