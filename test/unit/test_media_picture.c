/* Pictures, resizing, colour conversion, plots. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "media/film.h"
#include "media/picture.h"
#include "media/plot.h"
#include "media/resize.h"
#include "media/yuv.h"
#include "ztest.h"

static struct err e;

static int have_media(void)
{
    return !strcmp(film_default_ending(), "mp4");
}

static struct picture noise_picture(int w, int h)
{
    struct picture p;
    uint32_t s = 12345;

    picture_init(&p, w, h);
    for (int i = 0; i < w * h * 3; i++) {
        s = s * 1664525u + 1013904223u;
        p.rgb[i] = (uint8_t)(s >> 24);
    }
    return p;
}

static void round_trip(const char *name)
{
    char *path = path_join(ztest_tmp(), name);
    struct picture p = noise_picture(37, 21), back;

    CHECK_INT(picture_save(&p, path, &e), 0);
    CHECK_INT(picture_load(&back, path, &e), 0);
    CHECK_INT(back.w, 37);
    CHECK_INT(back.h, 21);
    CHECK(!memcmp(p.rgb, back.rgb, 37 * 21 * 3));
    picture_release(&p), picture_release(&back);
    free(path);
}

TEST(picture_ppm_round_trip)
{
    round_trip("p.ppm");
}

TEST(picture_png_round_trip)
{
    if (!have_media())
        ztest_skip("without FFmpeg");
    round_trip("p.png");
}

/* 1x1 white PNG whose header then claims 65535 x 65535; the checksum is right for that claim. */
static const uint8_t bomb[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0,    0, 0,    13,
                               'I',  'H', 'D', 'R', 0,    0,    0xff, 0xff, 0,    0, 0xff, 0xff,
                               8,    2,   0,   0,   0,    0x15, 0x99, 0x7c, 0xbd, 0, 0,    0,
                               0,    'I', 'E', 'N', 'D',  0xae, 0x42, 0x60, 0x82};

TEST(picture_refuses_broken_files)
{
    static const char *const bad[] = {"",
                                      "P6\n",
                                      "P6\n0 4\n255\n",
                                      "P6\n99999 99999\n255\nx",
                                      "P6\n4 4\n65535\nxxxx",
                                      "P6\n4 4\n255\nshort",
                                      "P6\n4 99999999999999999999\n255\n"};
    char *path = path_join(ztest_tmp(), "bad.ppm");
    struct picture p;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int rc;

        CHECK_INT(file_write(path, bad[i], strlen(bad[i]), &e), 0);
        rc = picture_load(&p, path, &e);
        CHECK(rc == ERR_FORMAT || (!have_media() && rc == ERR_IO));
        CHECK(p.rgb == NULL);
        CHECK_CONTAINS(e.msg, "bad.ppm");
    }
    if (have_media()) {
        CHECK_INT(file_write(path, bomb, sizeof bomb, &e), 0);
        CHECK_INT(picture_load(&p, path, &e), ERR_FORMAT);
    }
    CHECK_INT(picture_load(&p, "/no/such/picture.png", &e), ERR_IO);
    picture_init(&p, 2, 2);
    CHECK_INT(picture_save(&p, "x.bmp", &e), ERR_USAGE);
    picture_release(&p);
    free(path);
}

static double mean_error(const uint8_t *a, const uint8_t *b, int n)
{
    double sum = 0;

    for (int i = 0; i < n; i++)
        sum += abs(a[i] - b[i]);
    return sum / n;
}

TEST(resize_keeps_constants_and_identity)
{
    static const enum resize_filter filters[] = {RESIZE_AREA, RESIZE_BICUBIC, RESIZE_LANCZOS};
    struct picture p = noise_picture(31, 17);
    uint8_t *flat = malloc(31 * 17 * 3), *out = malloc(64 * 64 * 3);

    memset(flat, 77, 31 * 17 * 3);
    for (int f = 0; f < 3; f++) {
        resize_rgb(out, 31, 17, p.rgb, 31, 17, filters[f], NULL);
        CHECK(!memcmp(out, p.rgb, 31 * 17 * 3));
        resize_rgb(out, 64, 5, flat, 31, 17, filters[f], NULL);
        for (int i = 0; i < 64 * 5 * 3; i++)
            CHECK_INT(out[i], 77);
    }
    free(flat), free(out);
    picture_release(&p);
}

TEST(resize_area_is_the_mean)
{
    static const uint8_t src[4 * 2 * 3] = {10, 0, 0, 20, 0, 0, 100, 8, 0, 200, 8, 4,
                                           30, 0, 0, 40, 0, 0, 100, 8, 0, 200, 8, 4};
    static const uint8_t want[2 * 3] = {25, 0, 0, 150, 8, 2};
    uint8_t out[6];

    resize_rgb(out, 2, 1, src, 4, 2, RESIZE_AREA, NULL);
    for (int i = 0; i < 6; i++)
        CHECK_INT(out[i], want[i]);
}

TEST(resize_is_the_same_for_any_threads)
{
    struct picture p = noise_picture(100, 60);
    uint8_t *a = malloc(171 * 93 * 3), *b = malloc(171 * 93 * 3);
    struct threads *th = threads_new(3);

    resize_rgb(a, 171, 93, p.rgb, 100, 60, RESIZE_LANCZOS, NULL);
    resize_rgb(b, 171, 93, p.rgb, 100, 60, RESIZE_LANCZOS, th);
    CHECK(!memcmp(a, b, 171 * 93 * 3));
    threads_free(&th);
    free(a), free(b);
    picture_release(&p);
}

/* A smooth picture, doubled and halved again, is itself. */
TEST(resize_up_and_down)
{
    struct picture p;
    uint8_t *big = malloc(128 * 96 * 3), *back = malloc(64 * 48 * 3);

    picture_init(&p, 64, 48);
    for (int y = 0; y < 48; y++)
        for (int x = 0; x < 64; x++)
            for (int c = 0; c < 3; c++)
                p.rgb[(y * 64 + x) * 3 + c] = (uint8_t)(127.5 + 100 * sin(0.1 * x + 0.07 * y + c));
    resize_rgb(big, 128, 96, p.rgb, 64, 48, RESIZE_BICUBIC, NULL);
    resize_rgb(back, 64, 48, big, 128, 96, RESIZE_AREA, NULL);
    CHECK_BELOW(mean_error(back, p.rgb, 64 * 48 * 3), 1.0);
    free(big), free(back);
    picture_release(&p);
}

TEST(resize_cover_keeps_the_middle)
{
    uint8_t src[8 * 2 * 3], out[2 * 2 * 3];

    for (int i = 0; i < 16; i++)
        for (int c = 0; c < 3; c++)
            src[3 * i + c] = (uint8_t)(10 * (i % 8));
    resize_cover(out, 2, 2, src, 8, 2, RESIZE_AREA, NULL);
    CHECK_INT(out[0], 30);
    CHECK_INT(out[3], 40);
}

/* Against the formulas in double precision, over all corners and a grid of the colour cube. */
TEST(yuv_agrees_with_the_formulas)
{
    uint8_t y[4], u[1], v[1], rgb[12];
    struct yuv_planes planes = {{y, u, v}, {2, 1, 1}};

    for (int i = 0; i < 6 * 6 * 6; i++) {
        int c[3] = {i % 6 * 51, i / 6 % 6 * 51, i / 36 * 51};
        double luma = (0.2126 * c[0] + 0.7152 * c[1] + 0.0722 * c[2]) / 255;

        for (int k = 0; k < 12; k++)
            rgb[k] = (uint8_t)c[k % 3];
        yuv_from_rgb(&planes, rgb, 2, 2);
        CHECK_BELOW(fabs(y[0] - (16 + 219 * luma)), 0.751);
        CHECK_BELOW(fabs(u[0] - (128 + 224 * (c[2] / 255.0 - luma) / 1.8556)), 0.501);
        CHECK_BELOW(fabs(v[0] - (128 + 224 * (c[0] / 255.0 - luma) / 1.5748)), 0.501);
        yuv_to_rgb(rgb, &planes, &(struct yuv_layout){.matrix = YUV_BT709}, 2, 2);
        for (int k = 0; k < 12; k++)
            CHECK_BELOW(abs(rgb[k] - c[k % 3]), 3);
    }
}

TEST(plot_svg_has_its_parts)
{
    static const double x[] = {0, 1, 2, 3, 4}, y[] = {1, 0.1, NAN, 0.01, 0.001};
    struct plot p = {.title = "loss < 1 & falling",
                     .x_label = "step",
                     .y_label = "loss",
                     .log_y = 1,
                     .n_series = 2,
                     .series = {{"train", x, y, 5}, {"值", x, x, 5}}};
    struct buf b = BUF_INIT;

    plot_svg(&b, &p);
    CHECK_CONTAINS(b.data, "loss &lt; 1 &amp; falling");
    CHECK_CONTAINS(b.data, "</svg>");
    CHECK_CONTAINS(b.data, "值");
    CHECK_CONTAINS(b.data, ">0.001</text>");
    CHECK(!strstr(b.data, "nan") && !strstr(b.data, "inf"));
    buf_release(&b);
}
