/* zoetrope bench wan-vae and the like: autoencoders of the true shape with random weights decode a
 * film, a latent frame after the other. */
#include "bench_codec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/machine.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "cmd.h"
#include "generate/options.h"
#include "model/networks.h"

enum { MAX_FRAMES = 1 << 16 };

struct codec_bench {
    const struct codec_row *is;
    struct device *device;
    enum dtype type;
    int int8, compare; /* what can be is computed in bytes; once more in f32 */
    int threads, json, dry, w, h, frames;
    /* measured */
    double first_s, all_s, cpu_s, flops; /* cpu_s: of all threads together */
    uint64_t tensor_bytes, forecast_bytes, rss_bytes, ring_bytes, work_bytes;
    double error, psnr; /* with `compare`: against f32, relative L2, and of pixels 0..1 in dB */
};

static int make_wan(struct part *p, int which, struct err *e)
{
    struct wan_vae_config c;

    wan_vae_config_release(&c, which);
    *p = (struct part){&wan_vae_part, xcalloc(1, sizeof(struct wan_vae))};
    return wan_vae_init(p->net, &c, e);
}

/* The shapes of taew2_1 and taew2_2. */
static int make_tiny(struct part *p, int which, struct err *e)
{
    struct tiny_vae_config c = {.latent_channels = which == 2 ? 48 : 16,
                                .patch_size = which == 2 ? 2 : 1,
                                .stages = 3,
                                .encoder_width = 64,
                                .decoder_width = {256, 128, 64, 64},
                                .time_down = {2, 2, 1},
                                .time_up = {1, 2, 2},
                                .space_down = {2, 2, 2},
                                .space_up = {2, 2, 2},
                                .encoder_blocks = {3, 3, 3},
                                .decoder_blocks = {3, 3, 3}};

    *p = (struct part){&tiny_vae_part, xcalloc(1, sizeof(struct tiny_vae))};
    return tiny_vae_init(p->net, &c, e);
}

static const struct codec_row {
    const char *name, *help;
    int (*make)(struct part *p, int which, struct err *e);
    int which; /* of Wan 2.1 or 2.2 */
} rows[] = {
    {"wan-vae", "the decoder of Wan 2.1", make_wan, 1},
    {"wan-vae-2.2", "the decoder of Wan 2.2's 5B model", make_wan, 2},
    {"wan-tiny", "the tiny decoder for Wan 2.1 (taehv)", make_tiny, 1},
    {"wan-tiny-2.2", "the tiny decoder for Wan 2.2's 5B model", make_tiny, 2},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static const struct codec_row *row_named(const char *name)
{
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    return NULL;
}

int bench_codec_knows(const char *name)
{
    return row_named(name) != NULL;
}

void bench_codec_help(void)
{
    for (int i = 0; i < N_ROWS; i++)
        printf("%-12s %s\n", rows[i].name, rows[i].help);
}

/* ---- the measurement ---- */

/* What the film will ask for, by a dry run of its first two latent frames. */
static void forecast(struct codec_bench *b, const struct codec *codec)
{
    const struct codec_config *k = &codec->config;
    struct codec_stream s;
    struct cx cx;

    cx_init(&cx, device_null(), b->type, NULL);
    codec_stream_init(&s, device_null(), codec);
    for (int i = 0; i < 2; i++) {
        struct tensor *z =
            tensor_new(&cx, DT_F32, DIMS(1, b->h / k->ks, b->w / k->ks, k->channels));

        codec_stream_step(&cx, &s, z, z);
        cx_step_end(&cx);
    }
    b->forecast_bytes = cx_reserved_bytes(&cx) + codec_stream_bytes(&s);
    b->ring_bytes = codec_stream_bytes(&s);
    b->work_bytes = cx_peak_bytes(&cx);
    b->flops = cx.flops;
    codec_stream_release(&s);
    cx_release(&cx);
}

static double cpu_clock_s(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* film: NULL, or where all frames go. */
static int decode_film(struct codec_bench *b, const struct codec *codec, struct cx *cx, float *film,
                       struct err *e)
{
    const struct codec_config *k = &codec->config;
    int t = codec_latents(k, b->frames), h = b->h / k->ks, w = b->w / k->ks;
    size_t place = (size_t)(h * w * k->channels);
    float *z = xmalloc(sizeof *z * place), *rgb = NULL;
    struct codec_stream s;
    double start = clock_s(), cpu = cpu_clock_s();

    codec_stream_init(&s, cx->device, codec);
    for (int i = 0; i < t && !cx->err.code; i++) {
        rng_fill_normal(z, place, 1, (uint64_t)i, 0);
        struct tensor *x = tensor_from(cx, DT_F32, DIMS(1, h, w, k->channels), z, DT_F32);

        x = codec_stream_step(cx, &s, x, x);
        rgb = xrealloc(rgb, tensor_bytes(x));
        tensor_read_f32(cx, x, film ? film : rgb);
        film = film ? film + tensor_count(x) : NULL;
        cx_step_end(cx);
        b->first_s = i == 0 ? clock_s() - start : b->first_s;
    }
    b->all_s = clock_s() - start;
    b->cpu_s = cpu_clock_s() - cpu;
    b->flops = cx->flops;
    b->tensor_bytes = cx_reserved_bytes(cx) + codec_stream_bytes(&s);
    codec_stream_release(&s);
    free(z);
    free(rgb);
    return cx->err.code ? err_set(e, cx->err.code, "decoder: %s", cx->err.msg) : 0;
}

/* The numbers of one type; film as above. */
static int measure_type(struct codec_bench *b, float *film, struct err *e)
{
    struct part p;
    struct cx cx;
    struct threads *th = threads_new(b->threads);
    int rc = b->is->make(&p, b->is->which, e);

    if (!rc) {
        struct codec codec = part_codec(&p);
        struct device *device = b->dry && !b->int8 ? device_null() : b->device;

        b->type = part_job_type(&p, b->type);
        if (b->int8)
            codec.weights->as = (struct weight_as){stored_named("I8"), 1};
        rc = weight_set_allocate(codec.weights, device, b->type, 0, e);
        forecast(b, &codec);
        if (!rc && !b->dry) {
            weight_set_initialise(codec.weights, 1, th);
            b->rss_bytes = machine_peak_rss_bytes();
            cx_init(&cx, b->device, b->type, th);
            rc = decode_film(b, &codec, &cx, film, e);
            cx_release(&cx);
            b->rss_bytes = machine_peak_rss_bytes() - b->rss_bytes;
        }
    }
    part_release(&p);
    threads_free(&th);
    return rc;
}

static double shown(float x)
{
    return x > 1 ? 1 : x > 0 ? x : 0;
}

static int measure(struct codec_bench *b, struct err *e)
{
    struct codec_bench wide = *b;
    size_t n = (size_t)(b->frames + 3) * (size_t)b->w * (size_t)b->h * 3; /* whole latent frames */
    double off = 0, all = 0, seen = 0;
    float *film[2] = {NULL, NULL};
    int rc;

    if (!b->compare || b->dry)
        return measure_type(b, NULL, e);
    film[0] = xcalloc(n, sizeof *film[0]);
    film[1] = xcalloc(n, sizeof *film[1]);
    wide.type = DT_F32;
    wide.int8 = 0;
    rc = measure_type(b, film[0], e);
    if (!rc)
        rc = measure_type(&wide, film[1], e);
    for (size_t i = 0; i < n; i++) {
        double x = film[0][i], y = film[1][i], s = shown(film[0][i]) - shown(film[1][i]);

        off += (x - y) * (x - y);
        all += y * y;
        seen += s * s;
    }
    b->error = sqrt(off / all);
    b->psnr = 10 * log10((double)n / seen);
    free(film[0]);
    free(film[1]);
    return rc;
}

/* ---- the command ---- */

static int parse(struct codec_bench *b, int argc, char **argv)
{
    for (int i = 2; i < argc; i++) {
        const char *s = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";
        struct err e = {0};
        int64_t n;

        if (!strcmp(s, "--json") || !strcmp(s, "--dry") || !strcmp(s, "--error")) {
            *(s[2] == 'j' ? &b->json : s[2] == 'd' ? &b->dry : &b->compare) = 1;
            continue;
        }
        i++;
        if (!strcmp(s, "--size")) {
            if (parse_size(v, &b->w, &b->h) || b->w % 32 || b->h % 16)
                return cmd_usage("bench", "--size takes WxH, W a multiple of 32, H of 16");
        } else if (!strcmp(s, "--frames")) {
            if (parse_int(v, &n) || n < 1 || n > MAX_FRAMES)
                return cmd_usage("bench", "--frames takes 1 to %d", MAX_FRAMES);
            b->frames = (int)n;
        } else if (!strcmp(s, "--threads")) {
            if (parse_int(v, &n) || n < 1 || n > 1000)
                return cmd_usage("bench", "--threads takes 1 to 1000");
            b->threads = (int)n;
        } else if (!strcmp(s, "--type")) {
            if (strcmp(v, "bf16") != 0 && strcmp(v, "f32") != 0 && strcmp(v, "int8") != 0)
                return cmd_usage("bench", "--type takes bf16, f32 or int8");
            b->type = !strcmp(v, "f32") ? DT_F32 : DT_BF16;
            b->int8 = !strcmp(v, "int8");
        } else if (!strcmp(s, "--device")) {
            if (device_named(&b->device, v, &e))
                return cmd_fail(&e);
        } else {
            return cmd_usage("bench", "\"%s\" is not known to %s", s, b->is->name);
        }
    }
    return 0;
}

static const char *type_name(const struct codec_bench *b)
{
    return b->int8 ? "int8" : dtype_name(b->type);
}

static void print_json(const struct codec_bench *b)
{
    struct buf out = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "bench", b->is->name);
    jsonw_int(&w, "width", b->w);
    jsonw_int(&w, "height", b->h);
    jsonw_int(&w, "frames", b->frames);
    jsonw_string(&w, "type", type_name(b));
    jsonw_real(&w, "vae_seconds", b->all_s);
    jsonw_real(&w, "first_frame_seconds", b->first_s);
    jsonw_real(&w, "cpu_seconds", b->cpu_s);
    jsonw_real(&w, "gflops_per_second", b->flops / b->all_s / 1e9);
    jsonw_int(&w, "peak_bytes", (int64_t)b->tensor_bytes);
    jsonw_int(&w, "forecast_bytes", (int64_t)b->forecast_bytes);
    jsonw_int(&w, "rss_above_weights_bytes", (int64_t)b->rss_bytes);
    if (b->compare) {
        jsonw_real(&w, "error", b->error);
        jsonw_real(&w, "psnr", b->psnr);
    }
    jsonw_string(&w, "device", b->device->name);
    jsonw_string(&w, "kernels", b->device->kernels->name);
    jsonw_int(&w, "threads", b->threads);
    jsonw_end_object(&w);
    puts(buf_str(&out));
    buf_release(&out);
}

int bench_codec(int argc, char **argv)
{
    struct codec_bench b = {.is = row_named(argv[1]),
                            .device = device_cpu(),
                            .type = DT_BF16,
                            .threads = machine_threads(),
                            .w = 480,
                            .h = 272,
                            .frames = 17};
    struct err e = {0};
    int rc = parse(&b, argc, argv);

    if (rc)
        return rc;
    if (measure(&b, &e))
        return cmd_fail(&e);
    if (b.dry)
        printf("%s  %dx%d, %s: %.0f MiB above the weights (%.0f of them the past; tensors at most "
               "%.0f), %.2f TFLOP for two latent frames\n",
               b.is->name, b.w, b.h, type_name(&b), (double)b.forecast_bytes / (1 << 20),
               (double)b.ring_bytes / (1 << 20), (double)b.work_bytes / (1 << 20), b.flops / 1e12);
    else if (b.json)
        print_json(&b);
    else
        printf("%s  %dx%d, %d frames, %s: %.2f s (the first after %.2f s; %.2f s of CPU), %.0f "
               "GFLOP/s, %.0f MiB "
               "above the weights (forecast %.0f, process %.0f), %d threads, %s on %s\n",
               b.is->name, b.w, b.h, b.frames, type_name(&b), b.all_s, b.first_s, b.cpu_s,
               b.flops / b.all_s / 1e9, (double)b.tensor_bytes / (1 << 20),
               (double)b.forecast_bytes / (1 << 20), (double)b.rss_bytes / (1 << 20), b.threads,
               b.device->kernels->name, b.device->name);
    if (b.compare && !b.dry && !b.json)
        printf("against f32: relative L2 %.2e, pixels %.1f dB\n", b.error, b.psnr);
    return EXIT_OK;
}
