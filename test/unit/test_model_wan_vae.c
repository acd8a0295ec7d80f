/* The video autoencoders of Wan: what is known of streams, memory and files; their values are held
 * by the reference vectors (test_golden.c). */
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/networks.h"
#include "tensor/ops.h"
#include "walled.h"
#include "ztest.h"

enum { H = 2, W = 3, T = 3 };

/* A small one of either kind with random weights of a type; as NULL: what they are. */
static void make_as(struct wan_vae *m, int which, struct device *device, enum dtype type,
                    const struct weight_as *as)
{
    struct wan_vae_config c;
    struct err e = {0};

    wan_vae_config_release(&c, which);
    c.base_dim = c.decoder_base_dim = 8;
    c.z_dim = 6;
    c.has_stats = 0;
    CHECK_INT(wan_vae_init(m, &c, &e), 0);
    if (as)
        m->weights.as = *as;
    CHECK_INT(weight_set_allocate(&m->weights, device, type, 0, &e), 0);
    weight_set_initialise(&m->weights, 5, NULL);
}

static void make_on(struct wan_vae *m, int which, struct device *device)
{
    make_as(m, which, device, DT_F32, NULL);
}

static void make(struct wan_vae *m, int which)
{
    make_on(m, which, device_cpu());
}

static float *latent(int t)
{
    float *z = xmalloc(sizeof *z * (size_t)(t * H * W * 6));

    rng_fill_normal(z, (size_t)(t * H * W * 6), 9, 0, 0);
    return z;
}

static float *decoded_on(struct device *device, const struct codec *codec, int t, int threads,
                         uint64_t *peak)
{
    int n = codec_frames(&codec->config, t), ks = codec->config.ks;
    float *z = latent(t), *y = xmalloc(sizeof *y * (size_t)(n * H * W * ks * ks * 3));
    struct threads *th = threads_new(threads);
    struct cx cx;
    struct err e = {0};

    cx_init(&cx, device, DT_F32, th);
    device_enter(device);
    CHECK_INT(codec_decode(&cx, codec, z, t, H, W, y, &e), 0);
    if (peak)
        *peak = cx_peak_bytes(&cx);
    cx_release(&cx);
    device_leave(device);
    threads_free(&th);
    free(z);
    return y;
}

static float *decoded(const struct codec *codec, int t, int threads, uint64_t *peak)
{
    return decoded_on(device_cpu(), codec, t, threads, peak);
}

static int different(const float *a, const float *b, int64_t n)
{
    return memcmp(a, b, sizeof *a * (size_t)n) != 0;
}

/* Whatever the number of threads, and however much of the film follows. */
TEST(wan_vae_decodes_the_same_bits_in_pieces)
{
    for (int which = 1; which <= 2; which++) {
        struct wan_vae m;
        struct part p = {&wan_vae_part, &m};

        make(&m, which);
        struct codec codec = part_codec(&p);
        int64_t px = (int64_t)H * W * codec.config.ks * codec.config.ks * 3;
        uint64_t peak_short, peak_long;
        float *all = decoded(&codec, T, 1, &peak_long), *again = decoded(&codec, T, 3, NULL);
        float *begin = decoded(&codec, 2, 2, &peak_short);

        CHECK_INT(codec.config.ks, which == 2 ? 16 : 8);
        CHECK(!different(all, again, 9 * px));
        CHECK(!different(all, begin, 5 * px));
        CHECK(different(all, all + px, px));
        CHECK_INT(peak_short, peak_long); /* memory does not grow with the film */
        free(all);
        free(again);
        free(begin);
        wan_vae_release(&m);
    }
}

/* Frames of m come the same in pieces, and within `most` of those of the same weights in f32.
 * Returns how far they are; m is released. */
static double decodes_near_numbers(struct wan_vae *m, int which, double most)
{
    struct wan_vae wide;
    struct part p = {&wan_vae_part, m}, q = {&wan_vae_part, &wide};

    make(&wide, which);
    struct codec codec = part_codec(&p), numbers = part_codec(&q);
    int64_t px = (int64_t)H * W * codec.config.ks * codec.config.ks * 3;
    float *all = decoded(&codec, T, 1, NULL), *again = decoded(&codec, T, 3, NULL);
    float *begin = decoded(&codec, 2, 2, NULL), *exact = decoded(&numbers, T, 2, NULL);
    double far = ztest_rel_l2(all, exact, (size_t)(9 * px));

    CHECK(!different(all, again, 9 * px));
    CHECK(!different(all, begin, 5 * px));
    CHECK_BELOW(far, most);
    free(all);
    free(again);
    free(begin);
    free(exact);
    wan_vae_release(m);
    wan_vae_release(&wide);
    return far;
}

/* In bf16 the past is packed: the same in pieces, and as near to f32 as bf16 is. */
TEST(wan_vae_decodes_with_a_packed_past)
{
    for (int which = 1; which <= 2; which++) {
        struct wan_vae m;

        make_as(&m, which, device_cpu(), DT_BF16, NULL);
        decodes_near_numbers(&m, which, 2e-2);
    }
}

static void make_in_bytes(struct wan_vae *m, int which)
{
    struct weight_as bytes = {stored_named("I8"), 1};

    make_as(m, which, device_cpu(), DT_F32, &bytes);
}

/* The past is kept in bytes then, so that it is the same in pieces, and near what numbers give. */
TEST(wan_vae_decodes_in_bytes)
{
    for (int which = 1; which <= 2; which++) {
        struct wan_vae m;

        make_in_bytes(&m, which);
        CHECK(decodes_near_numbers(&m, which, 4e-2) > 1e-4);
    }
}

/* Frames that come later change no latent frame before them. */
TEST(wan_vae_encodes_the_same_bits_in_pieces)
{
    enum { N = 9 };
    for (int which = 1; which <= 2; which++) {
        struct wan_vae m;
        struct part p = {&wan_vae_part, &m};
        struct cx cx;
        float *z[2];

        make(&m, which);
        struct codec codec = part_codec(&p);
        int ks = codec.config.ks;
        int64_t px = (int64_t)H * W * ks * ks * 3, count = (int64_t)H * W * 6;
        float *video = xmalloc(sizeof *video * (size_t)(N * px));

        rng_fill_normal(video, (size_t)(N * px), 3, 0, 0);
        cx_init(&cx, device_cpu(), DT_F32, NULL);
        for (int i = 0; i < 2; i++) {
            int n = i ? 5 : N;
            struct tensor *x = tensor_from(&cx, DT_F32, DIMS(n, H * ks, W * ks, 3), video, DT_F32);

            x = codec_encode(&cx, &codec, x);
            CHECK_INT(x->dim[0], (n - 1) / 4 + 1);
            z[i] = xmalloc(tensor_bytes(x));
            tensor_read_f32(&cx, x, z[i]);
            cx_step_end(&cx);
        }
        CHECK(!different(z[0], z[1], 2 * count));
        CHECK(different(z[0], z[0] + count, count));
        free(z[0]);
        free(z[1]);
        free(video);
        cx_release(&cx);
        wan_vae_release(&m);
    }
}

/* On a device whose memory the host cannot touch: the same bits, and all of it is given back. */
TEST(wan_vae_decodes_on_a_device)
{
    for (int which = 1; which <= 2; which++) {
        struct device *device = walled_device((size_t)64 << 20);
        struct wan_vae m, there;
        struct part p = {&wan_vae_part, &m}, q = {&wan_vae_part, &there};

        make(&m, which);
        make_on(&there, which, device);
        struct codec here = part_codec(&p), codec = part_codec(&q);
        int ks = here.config.ks;
        float *x = decoded(&here, 2, 1, NULL), *y = decoded_on(device, &codec, 2, 1, NULL);

        CHECK(!different(x, y, (int64_t)5 * H * W * ks * ks * 3));
        free(x);
        free(y);
        wan_vae_release(&m);
        wan_vae_release(&there);
        CHECK_INT((int64_t)walled_held(), 0);
    }
}

/* Bytes and operations of a decoder's steps. */
static void cost(const struct codec *codec, struct device *d, uint64_t bytes[3], double *flops)
{
    struct codec_stream s;
    struct cx cx;

    cx_init(&cx, d, DT_F32, NULL);
    codec_stream_init(&s, d, codec);
    for (int i = 0; i < 2; i++) {
        codec_stream_step(&cx, &s, tensor_zeros(&cx, DT_F32, DIMS(1, H, W, 6)), NULL);
        cx_step_end(&cx);
    }
    bytes[0] = cx_peak_bytes(&cx);
    bytes[1] = cx_reserved_bytes(&cx);
    bytes[2] = codec_stream_bytes(&s);
    *flops = cx.flops;
    codec_stream_release(&s);
    cx_release(&cx);
}

static void check_forecast(struct wan_vae *m)
{
    struct part p = {&wan_vae_part, m};
    struct codec codec = part_codec(&p);
    uint64_t wet[3], dry[3];
    double flops, dry_flops;

    cost(&codec, device_cpu(), wet, &flops);
    cost(&codec, device_null(), dry, &dry_flops);
    for (int i = 0; i < 3; i++)
        CHECK_INT(wet[i], dry[i]);
    CHECK(flops > 0 && flops == dry_flops);
    wan_vae_release(m);
}

TEST(wan_vae_forecast_is_exact)
{
    for (int which = 1; which <= 2; which++) {
        struct wan_vae m;

        make(&m, which);
        check_forecast(&m);
        make_in_bytes(&m, which);
        check_forecast(&m);
    }
}

TEST(wan_vae_refuses_a_tape)
{
    struct wan_vae m;
    struct part p = {&wan_vae_part, &m};
    struct err e = {0};
    struct cx cx;

    make(&m, 1);
    CHECK_INT(weight_set_allocate(&m.weights, device_cpu(), DT_F32, 1, &e), 0);
    struct codec codec = part_codec(&p);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    tape_begin(&cx);
    codec_encode(&cx, &codec, tensor_zeros(&cx, DT_F32, DIMS(1, H * 8, W * 8, 3)));
    CHECK(cx.err.code != 0);
    CHECK_CONTAINS(cx.err.msg, "no gradient");
    tape_end(&cx);
    cx_release(&cx);
    wan_vae_release(&m);
}

/* ---- configs and files ---- */

static int read_config(const char *text, struct wan_vae_config *c, struct err *e)
{
    char *path = ztest_in_tmp("wan_vae.json");
    int rc;

    *e = (struct err){0};
    CHECK_INT(file_write(path, text, strlen(text), e), 0);
    rc = wan_vae_config_read(c, path, e);
    free(path);
    return rc;
}

TEST(wan_vae_config_means_2_1_where_it_says_nothing)
{
    struct wan_vae_config c;
    struct err e;

    CHECK_INT(read_config("{\"_class_name\": \"AutoencoderKLWan\"}", &c, &e), 0);
    CHECK_INT(c.z_dim, 16);
    CHECK_INT(c.base_dim, 96);
    CHECK(c.has_stats && c.latents_mean[0] == -0.7571f && c.latents_std[15] == 1.9160f);
    CHECK_INT(read_config("{\"z_dim\": 16, \"latents_mean\": [1, 2]}", &c, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "latents_mean");
    CHECK_INT(read_config("{\"attn_scales\": [0.5]}", &c, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "attn_scales");
    CHECK_INT(read_config("{\"scale_factor_spatial\": 16}", &c, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "must be 8");
    CHECK_INT(read_config("{\"patch_size\": 2}", &c, &e), 0);
    CHECK_INT(read_config("{\"patch_size\": 2, \"in_channels\": 3}", &c, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "must be 12");
}

TEST(wan_vae_of_odd_widths_is_refused)
{
    struct wan_vae_config c;
    struct wan_vae m;
    struct err e = {0};

    wan_vae_config_release(&c, 2);
    c.dim_mult[1] = 3;
    CHECK_INT(wan_vae_init(&m, &c, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "dim_mult");
    wan_vae_release(&m);
}

/* In f32 to the bit; bytes with a scale per row keep most of it. */
TEST(wan_vae_saved_is_read_again)
{
    enum { N = 5 * H * W * 256 * 3 };
    char *dir = ztest_in_tmp("wan_vae_saved");
    struct wan_vae m;
    struct part p = {&wan_vae_part, &m}, q;
    struct err e = {0};

    make(&m, 2);
    struct codec a = part_codec(&p);
    float *x = decoded(&a, 2, 1, NULL), *y;
    for (int bytes = 0; bytes < 2; bytes++) {
        CHECK_INT(part_save(&p, dir, bytes ? DT_I8 : DT_F32, NULL, &e), 0);
        CHECK_INT(part_declare(&q, dir, PART_CODEC, &e), 0);
        CHECK_INT(part_load(&q, dir, device_cpu(), DT_F32, 0, NULL, &e), 0);
        struct codec b = part_codec(&q);
        y = decoded(&b, 2, 1, NULL);
        CHECK(different(x, y, N) == bytes);
        CHECK_BELOW(ztest_rel_l2(y, x, N), 0.1);
        free(y);
        part_release(&q);
    }
    free(x);
    wan_vae_release(&m);
    free(dir);
}

TEST(wan_vae_for_pictures_is_refused_by_name)
{
    char *dir = ztest_in_tmp("wan_vae_pictures"), *path;
    const char *text = "{\"_class_name\": \"AutoencoderKL\"}";
    struct part p;
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    path = path_join(dir, "config.json");
    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    CHECK_INT(part_declare(&p, dir, PART_CODEC, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "AutoencoderKL\" is an autoencoder of single pictures");
    CHECK_CONTAINS(e.msg, "AutoencoderKLWan");
    free(path);
    free(dir);
}
