/* zoetrope bench: how fast this machine does what takes long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "bench_codec.h"
#include "bench_parts.h"
#include "cmd.h"
#include "generate/options.h"
#include "kern/device.h"
#include "kern/x86/x86.h"
#include "train/train.h"

enum { MAX_STEPS = 1000, MAX_LAYERS = 1000, MAX_FRAMES = 10000 };

struct bench_args {
    struct bench_ask ask;
    int threads, json, error;
    int width, height, frames, layers; /* 0: those of the case */
    const char *type;
};

/* What a run gave. */
struct bench_figures {
    double seconds[MAX_STEPS], median, cpu, flops, rate, peak, error;
    struct times times; /* of the fastest step */
};

static void print_help(void)
{
    puts("zoetrope bench [WHAT] [--steps N] [--device D] [--threads N] [--json]\n");
    for (int i = 0; i < n_bench_cases; i++)
        printf("%-10s %s\n", bench_cases[i].name, bench_cases[i].help);
    bench_codec_help();
    puts(
        "\nDecoders take --size WxH (480x272), --frames N (17) and --type "
        "bf16|f32|int8\n"
        "beside --device, --threads and --json; --dry tells their memory alone, --error how far\n"
        "they are from f32.\n"
        "\nThe default is train-s.\n\n"
        "  --steps N     how many; the median counts (default 6)\n"
        "  --device D    cpu, cuda or cuda:N (default: cpu)\n"
        "  --threads N   threads to compute with (default: all this process may use)\n"
        "  --json        one object on stdout: bench, seconds_per_step, least_seconds_per_step,\n"
        "                least_cpu_seconds_per_step (of all threads),\n"
        "                gflops_per_second, share_of_peak, tokens_per_second, peak_bytes, tokens,\n"
        "                layers, type, error, device, kernels, threads, steps; of a step of Wan "
        "on\n"
        "                the CPU also parts and layers_and_kernels, seconds of the fastest step\n\n"
        "wan-block and wan-1.3b also take\n"
        "  --type T      bf16, int8, q8_0 or q4_0, as generate does (default: bf16)\n"
        "  --size WxH    of the film, multiples of 16 (832x480)\n"
        "  --frames N    of the film, 4 n + 1 (81)\n"
        "  --layers N    of the network\n"
        "  --error       once more in f32: how far the velocity is from that\n\n"
        "for example: zoetrope bench wan-1.3b --size 480x272 --frames 17 --layers 2 --type int8\n\n"
        "The share is of the most that multiplications of the type do in registers, measured\n"
        "beforehand. Kernels alone are measured by `make bench`.");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double tokens_of(const struct bench_case *is)
{
    return (double)is->windows * is->grid[0] * is->grid[1] * is->grid[2];
}

static void print_json(const struct bench_args *a, const struct bench_figures *f)
{
    const struct bench_case *is = &a->ask.is;
    struct buf out = BUF_INIT;
    struct jsonw w;
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "bench", is->name);
    jsonw_real(&w, "seconds_per_step", f->median);
    jsonw_real(&w, "least_seconds_per_step", f->seconds[0]);
    jsonw_real(&w, "least_cpu_seconds_per_step", f->cpu);
    jsonw_real(&w, "gflops_per_second", f->rate);
    if (f->peak > 0)
        jsonw_real(&w, "share_of_peak", f->rate * 1e9 / f->peak);
    jsonw_real(&w, "tokens_per_second", tokens_of(is) / f->median);
    jsonw_int(&w, "peak_bytes", (int64_t)machine_peak_rss_bytes());
    jsonw_int(&w, "tokens", (int64_t)tokens_of(is));
    jsonw_int(&w, "layers", is->layers);
    jsonw_string(&w, "type", a->type);
    if (a->error)
        jsonw_real(&w, "error", f->error);
    jsonw_string(&w, "device", a->ask.device->name);
    jsonw_string(&w, "kernels", a->ask.device->kernels->name);
    jsonw_int(&w, "threads", a->threads);
    jsonw_int(&w, "steps", a->ask.n_steps);
    if (a->ask.times)
        bench_parts_json(&w, a->ask.times, f->seconds[0]);
    jsonw_end_object(&w);
    puts(buf_str(&out));
    buf_release(&out);
}

static void print_text(const struct bench_args *a, const struct bench_figures *f)
{
    const struct bench_case *is = &a->ask.is;
    printf("%s  %.3f s per step (%.3f at best, %.3f of processors), %.0f GFLOP/s", is->name,
           f->median, f->seconds[0], f->cpu, f->rate);
    if (f->peak > 0)
        printf(" (%.0f %% of %.0f)", 100e9 * f->rate / f->peak, f->peak / 1e9);
    printf(", %.0f tokens/s, %d threads, %s, %s on %s", tokens_of(is) / f->median, a->threads,
           a->type, a->ask.device->kernels->name, a->ask.device->name);
    if (a->error)
        printf(", %.2e from f32", f->error);
    puts("");
    if (a->ask.times)
        bench_parts_print(a->ask.times, f->seconds[0]);
}

static int find_case(struct bench_args *a, const char *name)
{
    const char *names[16];
    for (int i = 0; i < n_bench_cases; i++) {
        names[i] = bench_cases[i].name;
        if (!strcmp(name, names[i])) {
            a->ask.is = bench_cases[i];
            return 0;
        }
    }
    const char *near = nearest_name(name, names, n_bench_cases);
    return cmd_usage("bench", "\"%s\" is not known%s%s%s", name, near ? "; did you mean \"" : "",
                     near ? near : "", near ? "\"?" : "");
}

static int parse_type(struct bench_args *a, const char *v)
{
    static const char *const types[][2] = {
        {"bf16", NULL}, {"int8", "I8"}, {"q8_0", "Q8_0"}, {"q4_0", "Q4_0"}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (!strcmp(v, types[i][0])) {
            a->type = types[i][0];
            a->ask.as.form = types[i][1] ? stored_named(types[i][1]) : NULL;
            a->ask.as.int8 = !strcmp(v, "int8");
            return 0;
        }
    return cmd_usage("bench", "--type takes bf16, int8, q8_0 or q4_0");
}

static int parse_option(struct bench_args *a, const char *s, const char *v)
{
    const struct {
        const char *name;
        int *to;
        int most, step; /* 1, 1 + step, .. */
    } numbers[] = {{"--steps", &a->ask.n_steps, MAX_STEPS, 1},
                   {"--threads", &a->threads, MAX_STEPS, 1},
                   {"--layers", &a->layers, MAX_LAYERS, 1},
                   {"--frames", &a->frames, MAX_FRAMES, 4}};
    struct err e = {0};
    int64_t n;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(s, numbers[i].name)) {
            if (parse_int(v, &n) || n < 1 || n > numbers[i].most || (n - 1) % numbers[i].step)
                return cmd_usage("bench", "%s takes 1%s to %d", s,
                                 numbers[i].step == 4 ? ", 5, 9, .." : "", numbers[i].most);
            *numbers[i].to = (int)n;
            return 0;
        }
    if (!strcmp(s, "--type"))
        return parse_type(a, v);
    if (!strcmp(s, "--device"))
        return device_named(&a->ask.device, v, &e) ? cmd_fail(&e) : 0;
    if (parse_size(v, &a->width, &a->height) || a->width % 16 || a->height % 16)
        return cmd_usage("bench", "--size takes WxH, multiples of 16");
    return 0;
}

/* The case as it was asked for. */
static int settle(struct bench_args *a)
{
    struct bench_case *is = &a->ask.is;
    int changed = a->width || a->frames || a->layers || a->error || a->ask.as.form;
    if (is->training && changed)
        return cmd_usage("bench",
                         "--type, --size, --frames, --layers and --error are for wan-block and "
                         "wan-1.3b");
    if (a->ask.as.form && !a->ask.device->host)
        return cmd_usage("bench", "--type %s is for the CPU", a->type);
    if (a->width) { /* a token is two by two places of a latent an eighth as large */
        is->grid[1] = a->height / 16;
        is->grid[2] = a->width / 16;
    }
    if (a->frames)
        is->grid[0] = (a->frames - 1) / 4 + 1;
    if (a->layers)
        is->layers = a->layers;
    return 0;
}

static int parse(struct bench_args *a, int argc, char **argv)
{
    static const char *const with_value[] = {"--device", "--steps",  "--threads", "--type",
                                             "--size",   "--frames", "--layers",  NULL};
    for (int i = 1, rc; i < argc; i++) {
        const char *s = argv[i];
        int k = 0;
        while (with_value[k] && strcmp(s, with_value[k]) != 0)
            k++;
        if (!strcmp(s, "--json") || !strcmp(s, "--error"))
            *(s[2] == 'j' ? &a->json : &a->error) = 1;
        else if (with_value[k] && ++i == argc)
            return cmd_usage("bench", "%s wants a value", s);
        else if ((rc = with_value[k] ? parse_option(a, s, argv[i]) : find_case(a, s)))
            return rc;
    }
    return settle(a);
}

static int run(struct bench_args *a, struct bench_figures *f, struct err *e)
{
    struct bench_ask *ask = &a->ask;
    ask->threads = threads_new(a->threads);
    ask->times = ask->device->host && !ask->is.training ? &f->times : NULL;
    if (ask->device->host)
        f->peak = x86_peak_flops(ask->as.int8 ? DT_I8 : DT_BF16, ask->threads);
    int rc = bench_step(ask, f->seconds, &f->cpu, &f->flops, e), n = ask->n_steps;
    if (!rc && a->error)
        rc = bench_error(ask, &f->error, e);
    threads_free(&ask->threads);
    qsort(f->seconds, (size_t)n, sizeof(double), by_size);
    f->median = n % 2 ? f->seconds[n / 2] : (f->seconds[n / 2 - 1] + f->seconds[n / 2]) / 2;
    f->rate = f->flops / f->median / 1e9;
    return rc;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_args a = {
        .ask = {.is = bench_cases[0], .device = device_cpu(), .n_steps = 6, .log = stderr},
        .threads = machine_threads(),
        .type = "bf16"};
    struct bench_figures f = {.peak = 0};
    struct err e = {0};
    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        print_help();
        return EXIT_OK;
    }
    if (argc > 1 && bench_codec_knows(argv[1]))
        return bench_codec(argc, argv);
    int rc = parse(&a, argc, argv);
    if (rc)
        return rc;
    if (run(&a, &f, &e))
        return cmd_fail(&e);
    if (a.json)
        print_json(&a, &f);
    else
        print_text(&a, &f);
    return EXIT_OK;
}
