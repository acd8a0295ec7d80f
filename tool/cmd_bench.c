/* zoetrope bench: how fast this machine does what takes long. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/jsonw.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "cmd.h"
#include "kern/kern.h"
#include "train/train.h"

static const char HELP[] =
    "zoetrope bench [train-s] [--steps N] [--device D] [--threads N] [--json]\n\n"
    "train-s   one training step of the small transformer (width 256, 8 layers): 32 windows of\n"
    "          140 tokens with 10 words each, forward, backward, Muon and AdamW, in bf16\n\n"
    "  --steps N     how many; the median counts (default 6)\n"
    "  --device D    cpu, cuda or cuda:N (default: cpu)\n"
    "  --threads N   threads to compute with (default: all this process may use)\n"
    "  --json        one object on stdout: seconds_per_step, gflops_per_second, device, threads, "
    "kernels\n\n"
    "Kernels alone are measured by `make bench`.\n";

enum { MAX_STEPS = 1000 };

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void print_json(const struct device *d, double median, double rate, int threads, int steps)
{
    struct buf out = BUF_INIT;
    struct jsonw w;
    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "bench", "train-s");
    jsonw_real(&w, "seconds_per_step", median);
    jsonw_real(&w, "gflops_per_second", rate);
    jsonw_int(&w, "threads", threads);
    jsonw_int(&w, "steps", steps);
    jsonw_string(&w, "device", d->name);
    jsonw_string(&w, "kernels", d->kernels->name);
    jsonw_end_object(&w);
    puts(buf_str(&out));
    buf_release(&out);
}

int cmd_bench(int argc, char **argv)
{
    int threads = machine_threads(), steps = 6, json = 0;
    struct device *device = device_cpu();
    struct err e = {0};
    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        int64_t n;
        if (!strcmp(s, "--help") || !strcmp(s, "-h")) {
            fputs(HELP, stdout);
            return EXIT_OK;
        }
        if (!strcmp(s, "--json")) {
            json = 1;
        } else if (!strcmp(s, "--device")) {
            if (++i == argc)
                return cmd_usage("bench", "--device wants a value");
            if (device_named(&device, argv[i], &e))
                return cmd_fail(&e);
        } else if (!strcmp(s, "--steps") || !strcmp(s, "--threads")) {
            if (i + 1 >= argc || parse_int(argv[i + 1], &n) || n < 1 || n > MAX_STEPS)
                return cmd_usage("bench", "%s takes 1 to %d", s, MAX_STEPS);
            *(s[2] == 's' ? &steps : &threads) = (int)n;
            i++;
        } else if (strcmp(s, "train-s")) {
            return cmd_usage("bench", "\"%s\" is not known; there is train-s", s);
        }
    }
    struct threads *th = threads_new(threads);
    double seconds[MAX_STEPS];
    double flops = bench_step(device, th, steps, seconds);
    qsort(seconds, (size_t)steps, sizeof(double), by_size);
    double median =
        steps % 2 ? seconds[steps / 2] : (seconds[steps / 2 - 1] + seconds[steps / 2]) / 2;
    double rate = flops / median / 1e9;
    if (json)
        print_json(device, median, rate, threads, steps);
    else
        printf("train-s  %.3f s per step, %.0f GFLOP/s forward and backward, %d threads, %s\n",
               median, rate, threads, device->kernels->name);
    threads_free(&th);
    return EXIT_OK;
}
