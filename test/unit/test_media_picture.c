/* Pictures, resizing, colour conversion, plots. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "media/film.h"
#include "media/orientation.h"
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

/* Behind its last byte there is nothing that may be read. */
TEST(picture_is_read_to_its_end_only)
{
    static const char *const endings[] = {"png", "jpg", "webp"};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct picture p = {.w = 64, .h = (int)(page / 64)}; /* three pages */
    size_t bytes = (size_t)p.w * (size_t)p.h * 3;
    struct err e;

    if (!have_media())
        ztest_skip("no FFmpeg in this build");
    uint8_t *at =
        mmap(NULL, bytes + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(at != MAP_FAILED && bytes % page == 0 && !mprotect(at + bytes, page, PROT_NONE));
    p.rgb = at;
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)(i * 31);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        struct buf b = BUF_INIT;

        CHECK_INT(picture_encode(&p, endings[i], &b, &e), 0);
        CHECK(b.len > 100);
        buf_release(&b);
    }
    munmap(at, bytes + page);
}

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

static double keys(double x)
{
    x = fabs(x);
    return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

/* Weight of sample i for sample o, once more and one by one. */
static double keys_weight(int i, int o, int in, int out)
{
    double ratio = (double)in / out, scale = ratio > 1 ? ratio : 1, sum = 0;

    for (int k = -2 * in - 4; k < 3 * in + 4; k++)
        sum += keys((k + 0.5 - (o + 0.5) * ratio) / scale);
    return keys((i + 0.5 - (o + 0.5) * ratio) / scale) / sum;
}

static int within(int i, int n)
{
    return i < 0 ? 0 : i < n ? i : n - 1;
}

static double keys_px(const struct picture *p, int x, int y, int dw, int dh, int c)
{
    double sum = 0;

    for (int j = -p->h - 4; j < 2 * p->h + 4; j++) {
        double down = keys_weight(j, y, p->h, dh), row = 0;

        for (int i = -p->w - 4; down != 0 && i < 2 * p->w + 4; i++)
            row += keys_weight(i, x, p->w, dw) *
                   p->rgb[(within(j, p->h) * p->w + within(i, p->w)) * 3 + c];
        sum += down * row;
    }
    return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

/* Larger, smaller, on one side alone, of many bands and of one. */
TEST(resize_is_the_filter_at_every_px)
{
    static const int size[][4] = {{7, 5, 19, 90}, {19, 40, 7, 5}, {12, 3, 12, 70},
                                  {1, 1, 5, 3},   {33, 2, 30, 1}, {5, 70, 4, 71}};

    for (int k = 0; k < 6; k++) {
        const int *s = size[k];
        struct picture p = noise_picture(s[0], s[1]);
        uint8_t *out = malloc((size_t)s[2] * s[3] * 3);

        resize_rgb(out, s[2], s[3], p.rgb, s[0], s[1], RESIZE_BICUBIC, NULL);
        for (int i = 0; i < s[2] * s[3]; i += 7)
            CHECK_BELOW(
                fabs(out[i * 3 + i % 3] - keys_px(&p, i % s[2], i / s[2], s[2], s[3], i % 3)),
                0.501);
        free(out);
        picture_release(&p);
    }
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
/* Made by Pillow 13.0 from the bytes of a small generator. */
TEST(resize_bytes_is_that_of_pillow)
{
    static const struct {
        int sw, sh, dw, dh;
        const char *bicubic, *lanczos;
    } cases[] = {
        {17, 11, 40, 30, "60491fc54f8ee6d4", "7d63a122d2817908"},
        {40, 31, 13, 9, "d708de108134740f", "6608698bf218c126"},
        {20, 60, 30, 24, "0c12bc279b14e963", "d09d23390d93cdd9"}, /* down first */
        {9, 9, 9, 5, "e3e879f4c6aa2396", "b04d9b3707829467"},
        {30, 12, 28, 28, "f8a736b67ec96766", "a0a570ea87d750c6"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int sw = cases[i].sw, sh = cases[i].sh, dw = cases[i].dw, dh = cases[i].dh;
        uint8_t *src = xmalloc((size_t)(sw * sh * 3));
        uint32_t state = 1;

        for (int k = 0; k < sw * sh * 3; k++) {
            state = state * 1103515245u + 12345u;
            src[k] = (uint8_t)(state >> 16);
        }
        for (int f = 0; f < 2; f++) {
            uint8_t *dst = resize_bytes(dw, dh, src, sw, sh, f ? RESIZE_LANCZOS : RESIZE_BICUBIC);
            struct sha256 h;
            char hex[65];

            sha256_init(&h);
            sha256_add(&h, dst, (size_t)(dw * dh * 3));
            sha256_hex(&h, hex);
            hex[16] = 0;
            CHECK_STR(hex, f ? cases[i].lanczos : cases[i].bicubic);
            free(dst);
        }
        free(src);
    }
}

TEST(resize_bytes_cover_keeps_the_middle)
{
    uint8_t src[8 * 2 * 3], *dst;

    for (int i = 0; i < 8 * 2 * 3; i++)
        src[i] = (uint8_t)(i / 3 % 8 >= 2 && i / 3 % 8 < 6 ? 200 : 10);
    dst = resize_bytes_cover(2, 1, src, 8, 2, RESIZE_BICUBIC);
    CHECK_INT(dst[0] > 100 && dst[3] > 100, 1);
    free(dst);
    dst = resize_bytes_cover(8, 2, src, 8, 2, RESIZE_LANCZOS);
    CHECK(!memcmp(dst, src, sizeof src));
    free(dst);
}

TEST(yuv_agrees_with_the_formulas)
{
    static const struct {
        struct yuv_layout layout;
        double red, blue;
    } rows[] = {{{.matrix = YUV_BT709}, 0.2126, 0.0722},
                {{.matrix = YUV_BT601}, 0.299, 0.114},
                {{.matrix = YUV_BT601, .centred = 1}, 0.299, 0.114}};
    uint8_t y[4], u[1], v[1], rgb[12];
    struct yuv_planes planes = {{y, u, v}, {2, 1, 1}};

    for (int i = 0; i < 3 * 6 * 6 * 6; i++) {
        const struct yuv_layout *l = &rows[i / 216].layout;
        double kr = rows[i / 216].red, kb = rows[i / 216].blue;
        int c[3] = {i % 6 * 51, i / 6 % 6 * 51, i / 36 % 6 * 51};
        double luma = (kr * c[0] + (1 - kr - kb) * c[1] + kb * c[2]) / 255;

        for (int k = 0; k < 12; k++)
            rgb[k] = (uint8_t)c[k % 3];
        yuv_from_rgb(&planes, rgb, 2, 2, l);
        CHECK_BELOW(fabs(y[0] - (16 + 219 * luma)), 0.876);
        CHECK_BELOW(fabs(u[0] - (128 + 224 * (c[2] / 255.0 - luma) / (2 - 2 * kb))), 0.501);
        CHECK_BELOW(fabs(v[0] - (128 + 224 * (c[0] / 255.0 - luma) / (2 - 2 * kr))), 0.501);
        yuv_to_rgb(rgb, &planes, l, 2, 2);
        for (int k = 0; k < 12; k++)
            CHECK_BELOW(abs(rgb[k] - c[k % 3]), 3);
    }
}

/* A red column over an even and an odd pixel: left-sited samples take a quarter of each neighbour,
 * centred ones half of the two pixels that they stand for. */
TEST(yuv_chroma_stands_where_it_is_said_to)
{
    uint8_t y[8], u[2], left[2], centred[2], rgb[8 * 3] = {0};
    struct yuv_planes l = {{y, u, left}, {4, 2, 2}}, c = {{y, u, centred}, {4, 2, 2}};

    rgb[3] = rgb[4 * 3 + 3] = 255; /* the second pixel of both rows */
    yuv_from_rgb(&l, rgb, 4, 2, &(struct yuv_layout){.matrix = YUV_BT601});
    yuv_from_rgb(&c, rgb, 4, 2, &(struct yuv_layout){.matrix = YUV_BT601, .centred = 1});
    CHECK_INT(left[0], 128 + 112 / 4);
    CHECK_INT(left[1], 128 + 112 / 4);
    CHECK_INT(centred[0], 128 + 112 / 2);
    CHECK_INT(centred[1], 128);
}

/* Three pixels of one colour: opaque, transparent, half. */
TEST(picture_lies_on_white_where_it_is_transparent)
{
    static const char png[] =
        "\x89\x50\x4e\x47\x0d\x0a\x1a\x0a\x00\x00\x00\x0d\x49\x48\x44\x52\x00\x00\x00\x03"
        "\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1b\xe0\x14\xb4\x00\x00\x00\x12\x49\x44\x41"
        "\x54\x78\xda\x63\x38\x21\xc7\xf5\x1f\x88\x19\x80\xb8\x01\x00\x1f\x6e\x04\x50\x28"
        "\x27\x03\x55\x00\x00\x00\x00\x49\x45\x4e\x44\xae\x42\x60\x82";
    char *path = ztest_in_tmp("alpha.png");
    struct picture p;
    struct err e;

    if (!have_media())
        ztest_skip("FFmpeg is not in this build");
    CHECK_INT(file_write(path, png, sizeof png - 1, &e), 0);
    CHECK_INT(picture_load(&p, path, &e), 0);
    CHECK(p.w == 3 && p.h == 1);
    CHECK(p.rgb[0] == 200 && p.rgb[1] == 30 && p.rgb[2] == 10);
    CHECK(p.rgb[3] == 255 && p.rgb[4] == 255 && p.rgb[5] == 255);
    CHECK_INT(p.rgb[6], 227);
    CHECK_INT(p.rgb[7], 142);
    CHECK_INT(p.rgb[8], 132);
    picture_release(&p);
    free(path);
}

/* A head of each kind of file with an Exif block; what is broken means no tag. */
TEST(orientation_is_found)
{
    static const char tiff[] = "MM\0*\0\0\0\10\0\1\1\22\0\3\0\0\0\1\0\6\0\0";
    static const char little[] = "II*\0\10\0\0\0\1\0\22\1\3\0\1\0\0\0\3\0\0\0";
    static const struct {
        const char *head, *tiff;
        int head_bytes, tiff_bytes, want;
    } rows[] = {
        {"\xff\xd8\xff\xe0\0\4JF\xff\xe1\0\36"
         "Exif\0\0",
         tiff, 18, 22, 6},
        {"\xff\xd8\xff\xe1\0\36"
         "Exif\0\0",
         little, 12, 22, 3},
        {"\x89PNG\r\n\x1a\n\0\0\0\26"
         "eXIf",
         tiff, 16, 22, 6},
        {"RIFF\0\0\0\0WEBPEXIF\26\0\0\0", little, 20, 22, 3},
        {"RIFF\0\0\0\0WEBPVP8 \1\0\0\0x\0EXIF\34\0\0\0Exif\0\0", tiff, 36, 22, 6},
        {"\x89PNG\r\n\x1a\n\xff\xff\xff\xff"
         "eXIf",
         tiff, 16, 22, 1},
        {"\xff\xd8\xff\xda\0\36"
         "Exif\0\0",
         tiff, 12, 22, 1},
        {"P6 1 1 255\n", tiff, 11, 22, 1},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = BUF_INIT;

        buf_add(&b, rows[i].head, (size_t)rows[i].head_bytes);
        buf_add(&b, rows[i].tiff, (size_t)rows[i].tiff_bytes);
        CHECK_INT(orientation_of((const uint8_t *)b.data, b.len), rows[i].want);
        for (size_t cut = 0; cut < b.len; cut++) { /* no byte behind the end is read */
            uint8_t *part = xmalloc(cut + 1);

            memcpy(part, b.data, cut);
            CHECK(orientation_of(part, cut) >= 1);
            free(part);
        }
        buf_release(&b);
    }
}

/* a b c over d e f, as a viewer shows it under each tag. */
TEST(orientation_turns_as_viewers_do)
{
    static const char *const want[] = {"abcdef", "cbafed", "fedcba", "defabc",
                                       "adbecf", "daebfc", "fcebda", "cfbead"};

    for (int tag = 1; tag <= 8; tag++) {
        struct picture p;

        picture_init(&p, 3, 2);
        for (int i = 0; i < 18; i++)
            p.rgb[i] = (uint8_t)('a' + i / 3);
        CHECK_INT(orientation_apply(&p, tag, "p", &e), 0);
        CHECK_INT(p.w, tag < 5 ? 3 : 2);
        CHECK_INT(p.h, tag < 5 ? 2 : 3);
        for (int i = 0; i < 18; i++)
            CHECK_INT(p.rgb[i], want[tag - 1][i / 3]);
        picture_release(&p);
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

/* The last column and row of chroma belong to one pixel each. */
TEST(yuv_of_odd_sizes_is_whole)
{
    enum { W = 5, H = 3 };
    uint8_t rgb[H * W * 3], y[H * W], cb[2 * 3], cr[2 * 3];
    struct yuv_planes planes = {{y, cb, cr}, {W, 3, 3}};

    for (int i = 0; i < H * W; i++)
        memcpy(rgb + 3 * i, (const uint8_t[]){200, 30, 90}, 3);
    memset(cb, 0, sizeof cb);
    memset(cr, 0, sizeof cr);
    yuv_from_rgb(&planes, rgb, W, H, &(struct yuv_layout){.matrix = YUV_BT601});
    for (int i = 1; i < 6; i++)
        CHECK(cb[i] == cb[0] && cr[i] == cr[0] && cr[0] > 128);
}
