/* zoetrope bench: how fast this machine does what takes long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "bench_codec.h"
#include "cmd.h"
#include "kern/device.h"
#include "train/train.h"

enum { MAX_STEPS = 1000 };

struct bench_args {
    const struct bench_case *is;
    struct device *device;
    int threads, steps, json;
};

static void print_help(void)
{
    puts("zoetrope bench [WHAT] [--steps N] [--device D] [--threads N] [--json]\n");
    for (int i = 0; i < n_bench_cases; i++)
        printf("%-10s %s\n", bench_cases[i].name, bench_cases[i].help);
    bench_codec_help();
    puts("\nDecoders take --size WxH (480x272), --frames N (17) and --type bf16|f32 beside "
         "--device,\n"
         "--threads and --json; --dry tells their memory alone.\n"
         "\nAll in bf16; the default is train-s.\n\n"
         "  --steps N     how many; the median counts (default 6)\n"
         "  --device D    cpu, cuda or cuda:N (default: cpu)\n"
         "  --threads N   threads to compute with (default: all this process may use)\n"
         "  --json        one object on stdout: bench, seconds_per_step, gflops_per_second,\n"
         "                tokens_per_second, device, kernels, threads, steps\n\n"
         "Kernels alone are measured by `make bench`.");
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_json(const struct bench_args *a, double median, double rate, double tokens)
{
    struct buf out = BUF_INIT;
    struct jsonw w;
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "bench", a->is->name);
    jsonw_real(&w, "seconds_per_step", median);
    jsonw_real(&w, "gflops_per_second", rate);
    jsonw_real(&w, "tokens_per_second", tokens / median);
    jsonw_string(&w, "device", a->device->name);
    jsonw_string(&w, "kernels", a->device->kernels->name);
    jsonw_int(&w, "threads", a->threads);
    jsonw_int(&w, "steps", a->steps);
    jsonw_end_object(&w);
    puts(buf_str(&out));
    buf_release(&out);
}

static int find_case(struct bench_args *a, const char *name)
{
    const char *names[16];
    for (int i = 0; i < n_bench_cases; i++) {
        names[i] = bench_cases[i].name;
        if (!strcmp(name, names[i])) {
            a->is = &bench_cases[i];
            return 0;
        }
    }
    const char *near = nearest_name(name, names, n_bench_cases);
    return cmd_usage("bench", "\"%s\" is not known%s%s%s", name, near ? "; did you mean \"" : "",
                     near ? near : "", near ? "\"?" : "");
}

static int parse(struct bench_args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        struct err e = {0};
        int64_t n;
        int rc = 0;
        if (!strcmp(s, "--json")) {
            a->json = 1;
        } else if (!strcmp(s, "--device")) {
            if (++i == argc)
                return cmd_usage("bench", "--device wants a value");
            if (device_named(&a->device, argv[i], &e))
                return cmd_fail(&e);
        } else if (!strcmp(s, "--steps") || !strcmp(s, "--threads")) {
            if (++i == argc || parse_int(argv[i], &n) || n < 1 || n > MAX_STEPS)
                return cmd_usage("bench", "%s takes 1 to %d", s, MAX_STEPS);
            *(s[2] == 's' ? &a->steps : &a->threads) = (int)n;
        } else if ((rc = find_case(a, s))) {
            return rc;
        }
    }
    return 0;
}

int cmd_bench(int argc, char **argv)
{
    struct bench_args a = {
        .is = bench_cases, .device = device_cpu(), .threads = machine_threads(), .steps = 6};
    double seconds[MAX_STEPS], flops = 0;
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
    struct threads *th = threads_new(a.threads);
    rc = bench_step(a.is, a.device, th, a.steps, stderr, seconds, &flops, &e);
    threads_free(&th);
    if (rc)
        return cmd_fail(&e);
    qsort(seconds, (size_t)a.steps, sizeof(double), by_size);
    double median =
        a.steps % 2 ? seconds[a.steps / 2] : (seconds[a.steps / 2 - 1] + seconds[a.steps / 2]) / 2;
    double rate = flops / median / 1e9;
    double tokens = (double)a.is->windows * a.is->grid[0] * a.is->grid[1] * a.is->grid[2];
    if (a.json)
        print_json(&a, median, rate, tokens);
    else
        printf("%s  %.3f s per step, %.0f GFLOP/s, %.0f tokens/s, %d threads, %s on %s\n",
               a.is->name, median, rate, tokens / median, a.threads, a.device->kernels->name,
               a.device->name);
    return EXIT_OK;
}
