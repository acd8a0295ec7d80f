/* Films as pictures: colours, comments, the same bytes twice, y4m, folders, what is no film. */
#include <malloc.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "media/film.h"
#include "ztest.h"

enum { W = 192, H = 128, PATCH = 32 };

static struct err e;

/* 6 x 4 patches: primaries, greys, skin and other muted colours. */
static const uint8_t patches[24][3] = {
    {255, 0, 0},     {0, 255, 0},     {0, 0, 255},     {255, 255, 0},   {0, 255, 255},
    {255, 0, 255},   {0, 0, 0},       {255, 255, 255}, {128, 128, 128}, {64, 64, 64},
    {192, 192, 192}, {16, 16, 16},    {224, 172, 135}, {110, 70, 50},   {30, 60, 120},
    {90, 140, 60},   {200, 120, 30},  {70, 30, 90},    {240, 230, 200}, {10, 90, 90},
    {180, 40, 60},   {120, 200, 250}, {250, 100, 10},  {33, 66, 99},
};

static uint8_t *chart(void)
{
    uint8_t *rgb = malloc((size_t)W * H * 3);

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++)
            memcpy(rgb + ((size_t)y * W + x) * 3, patches[y / PATCH * 6 + x / PATCH], 3);
    return rgb;
}

/* Largest difference of any pixel inside a patch, away from its edges. */
static int chart_error(const uint8_t *rgb)
{
    int worst = 0;

    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            int inside =
                x % PATCH >= 6 && x % PATCH < PATCH - 6 && y % PATCH >= 6 && y % PATCH < PATCH - 6;

            for (int c = 0; inside && c < 3; c++) {
                int d = rgb[((size_t)y * W + x) * 3 + c] - patches[y / PATCH * 6 + x / PATCH][c];

                worst = abs(d) > worst ? abs(d) : worst;
            }
        }
    return worst;
}

static void check_chart(const char *path, int n, int limit)
{
    struct film_options o = fixture_film_options(W, H);
    struct film_writer *f;
    struct film back;
    uint8_t *rgb = chart();

    CHECK_INT(film_open(&f, path, &o, &e), 0);
    for (int i = 0; i < n; i++)
        CHECK_INT(film_write(f, rgb, &e), 0);
    CHECK_INT(film_finish(&f, &e), 0);
    CHECK_INT(film_read(&back, path, NULL, &e), 0);
    CHECK_INT(back.n, n);
    CHECK_INT(back.w, W);
    CHECK_INT(back.h, H);
    CHECK_INT(back.fps_num, 16 * back.fps_den);
    for (int i = 0; i < n; i++)
        CHECK_BELOW(chart_error(back.rgb + (size_t)i * W * H * 3), limit + 1);
    film_release(&back);
    free(rgb);
}

TEST(film_chart_survives_y4m)
{
    char *path = ztest_in_tmp("chart.y4m");

    check_chart(path, 3, 2);
    free(path);
}

TEST(film_chart_survives_mp4)
{
    char *path = ztest_in_tmp("chart.mp4");

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    check_chart(path, 20, 2);
    free(path);
}

TEST(film_chart_survives_other_decoder)
{
    char *path = ztest_in_tmp("other.mp4"), *raw = ztest_in_tmp("other.rgb");
    char *cmd = xasprintf("ffmpeg -v error -y -i '%s' -f rawvideo -pix_fmt rgb24 '%s' 2>/dev/null",
                          path, raw);
    struct buf b = BUF_INIT;

    if (!fixture_has_media() || system("command -v ffmpeg >/dev/null 2>&1"))
        ztest_skip("without FFmpeg and its program");
    check_chart(path, 20, 2);
    CHECK_INT(system(cmd), 0);
    CHECK_INT(file_read(&b, raw, 1 << 30, &e), 0);
    CHECK_INT(b.len, 20 * W * H * 3);
    for (int i = 0; i < 20; i++)
        CHECK_BELOW(chart_error((uint8_t *)b.data + (size_t)i * W * H * 3), 3);
    buf_release(&b);
    free(cmd), free(raw), free(path);
}

TEST(film_mp4_moves_and_is_tagged)
{
    char *path = ztest_in_tmp("moving.mp4");
    struct film_options o = fixture_film_options(W, H);
    struct buf whole = BUF_INIT;
    struct film back;
    uint8_t *want = malloc((size_t)W * H * 3);
    double worst = 0;

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    o.fps_num = 30000, o.fps_den = 1001;
    fixture_write_film(path, &o, 33);
    CHECK_INT(film_read(&back, path, NULL, &e), 0);
    CHECK_INT(back.n, 33);
    CHECK_INT(back.fps_num, 30000);
    CHECK_INT(back.fps_den, 1001);
    CHECK_INT(file_read(&whole, path, 1 << 30, &e), 0); /* readers believe colr before the codec */
    CHECK(memmem(whole.data, whole.len, "colrnclx\0\1\0\1\0\1\0", 15));
    buf_release(&whole);
    for (int t = 0; t < 33; t++) { /* frames come in their order and none is doubled */
        double sum = 0;

        fixture_moving(want, W, H, t);
        for (size_t i = 0; i < (size_t)W * H * 3; i++) {
            double d = want[i] - (double)back.rgb[(size_t)t * W * H * 3 + i];

            sum += d * d;
        }
        worst = fmax(worst, sqrt(sum / (W * H * 3.0)));
    }
    CHECK_BELOW(worst, 8);
    film_release(&back);
    free(want);
    free(path);
}

TEST(film_lossless_is_exact)
{
    char *path = ztest_in_tmp("lossless.mp4");
    struct film_options o = fixture_film_options(W, H);
    struct film back;
    uint8_t *want = malloc((size_t)W * H * 3);

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    o.lossless = 1;
    fixture_write_film(path, &o, 10);
    CHECK_INT(film_read(&back, path, NULL, &e), 0);
    CHECK_INT(back.n, 10);
    for (int t = 0; t < 10; t++) {
        fixture_moving(want, W, H, t);
        CHECK(!memcmp(want, back.rgb + (size_t)t * W * H * 3, (size_t)W * H * 3));
    }
    film_release(&back);
    free(want);
    free(path);
}

/* Also when they are encoded on a thread of their own. */
TEST(film_same_frames_same_bytes)
{
    char *a = ztest_in_tmp("a.mp4"), *b = ztest_in_tmp("b.mp4");
    struct film_options o = fixture_film_options(W, H);
    struct buf x = BUF_INIT, y = BUF_INIT;

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    o.comment = "{\"seed\":1}";
    fixture_write_film(a, &o, 24);
    mallopt(M_PERTURB, 0x4d); /* memory that nobody sets must not decide */
    o.apart = 1;
    fixture_write_film(b, &o, 24);
    mallopt(M_PERTURB, 0);
    CHECK_INT(file_read(&x, a, 1 << 30, &e), 0);
    CHECK_INT(file_read(&y, b, 1 << 30, &e), 0);
    CHECK_INT(x.len, y.len);
    CHECK(!memcmp(x.data, y.data, x.len));
    buf_release(&x), buf_release(&y);
    free(a), free(b);
}

TEST(film_index_stands_in_front)
{
    char *path = ztest_in_tmp("front.mp4");
    struct film_options o = fixture_film_options(W, H);
    struct buf b = BUF_INIT;
    char *moov, *mdat;

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    fixture_write_film(path, &o, 8);
    CHECK_INT(file_read(&b, path, 1 << 30, &e), 0);
    moov = memmem(b.data, b.len, "moov", 4);
    mdat = memmem(b.data, b.len, "mdat", 4);
    CHECK(moov && mdat && moov < mdat);
    CHECK(memmem(b.data, b.len, "moof", 4) == NULL);
    buf_release(&b);
    free(path);
}

TEST(film_comment_survives)
{
    static const char *const endings[] = {"c.y4m", "c.mp4", "pngs/"};
    const char *recipe = "{\"prompt\": \"一个红球 \\\"rolls\\\" 100% %41\", \"seed\": 7}";

    for (int i = 0; i < (fixture_has_media() ? 3 : 1); i++) {
        char *path = ztest_in_tmp(endings[i]);
        struct film_options o = fixture_film_options(W, H);
        struct film back;

        o.comment = recipe;
        fixture_write_film(path, &o, 3);
        CHECK_INT(film_probe(&back, path, &e), 0);
        CHECK_STR(back.comment, recipe);
        CHECK_INT(back.w, W);
        CHECK(back.rgb == NULL);
        film_release(&back);
        o.comment = NULL; /* and none is left behind without one */
        fixture_write_film(path, &o, 3);
        CHECK_INT(film_probe(&back, path, &e), 0);
        CHECK(back.comment == NULL);
        film_release(&back);
        free(path);
    }
}

/* What is said when all frames are there takes the place of what was said before. */
TEST(film_comment_of_the_end)
{
    static const char *const names[] = {"end.y4m", "end.mp4", "end/"};
    uint8_t rgb[16 * 16 * 3] = {9};

    for (int i = 0; i < (fixture_has_media() ? 3 : 1); i++) {
        struct film_options o = fixture_film_options(16, 16);
        struct film_writer *f;
        struct film back;
        struct err e = {0};
        char *path = ztest_in_tmp(names[i]);

        o.comment = "{\"seed\": 1}";
        CHECK_INT(film_open(&f, path, &o, &e), 0);
        CHECK_INT(film_write(f, rgb, &e), 0);
        CHECK_INT(film_comment(f, "{\"seed\": 1, \"known\": \"at last\"}", &e), 0);
        CHECK_INT(film_finish(&f, &e), 0);
        CHECK_INT(film_probe(&back, path, &e), 0);
        CHECK_STR(back.comment, "{\"seed\": 1, \"known\": \"at last\"}");
        film_release(&back);
        free(path);
    }
}

TEST(film_comment_survives_a_copy)
{
    char *path = ztest_in_tmp("copy1.mp4"), *copy = ztest_in_tmp("copy2.mp4");
    char *cmd = xasprintf("ffmpeg -v quiet -y -i '%s' -c copy '%s'", path, copy);
    struct film_options o = fixture_film_options(W, H);
    struct film back;

    if (!fixture_has_media() || system("command -v ffmpeg >/dev/null 2>&1"))
        ztest_skip("without FFmpeg and its program");
    o.comment = "{\"zoetrope\": 1}";
    fixture_write_film(path, &o, 3);
    CHECK_INT(system(cmd), 0);
    CHECK_INT(film_probe(&back, copy, &e), 0);
    CHECK_STR(back.comment, o.comment);
    CHECK_INT(back.n, 3);
    film_release(&back);
    free(cmd), free(copy), free(path);
}

/* However much of a file is there, reading gives whole frames or an error that names it. */
TEST(film_read_of_cut_files)
{
    static const char *const names[] = {"cut.y4m", "cut.mp4"};

    film_quiet();
    for (int i = 0; i < (fixture_has_media() ? 2 : 1); i++) {
        char *path = ztest_in_tmp(names[i]);
        struct film_options o = fixture_film_options(W, H);
        struct buf b = BUF_INIT;
        struct film f;

        fixture_write_film(path, &o, 6);
        CHECK_INT(file_read(&b, path, 1 << 30, &e), 0);
        for (size_t n = 0; n < b.len; n += b.len / 23) {
            int rc;

            CHECK_INT(file_write(path, b.data, n, &e), 0);
            rc = film_read(&f, path, NULL, &e);
            CHECK(rc == 0 ? f.n >= 1 && f.n <= 6 : rc == ERR_FORMAT);
            if (rc)
                CHECK_CONTAINS(e.msg, names[i]);
            film_release(&f);
        }
        buf_release(&b);
        free(path);
    }
}

struct lent {
    int n;
    uint8_t rgb[2 * 24];
};

static void lend(void *user, const uint8_t *rgb)
{
    struct lent *l = user;

    if (l->n < 2)
        memcpy(l->rgb + 24 * l->n, rgb, 24);
    l->n++;
}

TEST(film_y4m_planes_are_kept)
{
    char *path = ztest_in_tmp("planes.y4m");
    static const char head[] = "YUV4MPEG2 W4 H2 F25:1 Ip A1:1 C420mpeg2\n";
    /* Grey ramp, no colour: limited range 16..235 is 0..255. */
    static const uint8_t frame[] = {16, 235, 125, 126, 16, 16, 235, 235, 128, 128, 128, 128};
    static const uint8_t want[] = {0, 255, 127, 128, 0, 0, 255, 255};
    struct buf b = BUF_INIT;
    struct film f;

    buf_puts(&b, head);
    for (int i = 0; i < 2; i++) {
        buf_puts(&b, "FRAME\n");
        buf_add(&b, frame, sizeof frame);
    }
    buf_puts(&b, "FRAME\nhalf");
    CHECK_INT(file_write(path, b.data, b.len, &e), 0);
    CHECK_INT(film_read(&f, path, NULL, &e), 0);
    CHECK_INT(f.n, 2);
    CHECK_INT(f.fps_num, 25);
    for (int i = 0; i < 8; i++)
        for (int c = 0; c < 3; c++)
            CHECK_INT(f.rgb[3 * i + c], want[i]);
    film_release(&f);
    CHECK_INT(film_read(&f, path, &(struct film_caps){.max_frames = 1}, &e), 0);
    CHECK_INT(f.n, 1);
    film_release(&f);
    CHECK_INT(film_read(&f, path, &(struct film_caps){.max_bytes = 30}, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "planes.y4m");
    struct lent lent = {0}; /* one frame after the other, in the memory of one */
    const struct film_caps one = {.max_bytes = 30, .take = lend, .user = &lent};
    CHECK_INT(film_read(&f, path, &one, &e), 0);
    CHECK(f.n == 2 && lent.n == 2 && !f.rgb);
    for (int i = 0; i < 2 * 24; i++)
        CHECK_INT(lent.rgb[i], want[i % 24 / 3]);
    film_release(&f);
    buf_release(&b);
    free(path);
}

/* What y4m lost once it does not lose again: the second generation is the first. */
TEST(film_y4m_second_generation_is_close)
{
    char *one = ztest_in_tmp("one.y4m"), *two = ztest_in_tmp("two.y4m");
    struct film_options o = fixture_film_options(W, H);
    struct film a, b;
    struct film_writer *f;

    fixture_write_film(one, &o, 2);
    CHECK_INT(film_read(&a, one, NULL, &e), 0);
    CHECK_INT(film_open(&f, two, &o, &e), 0);
    for (int i = 0; i < 2; i++)
        CHECK_INT(film_write(f, a.rgb + (size_t)i * W * H * 3, &e), 0);
    CHECK_INT(film_finish(&f, &e), 0);
    CHECK_INT(film_read(&b, two, NULL, &e), 0);
    for (size_t i = 0; i < (size_t)2 * W * H; i++) { /* luma-like sum moves by rounding alone */
        int d = 0;

        for (int c = 0; c < 3; c++)
            d += a.rgb[3 * i + c] - b.rgb[3 * i + c];
        CHECK(abs(d) <= 120);
    }
    film_release(&a), film_release(&b);
    free(one), free(two);
}

TEST(film_png_folder_is_exact)
{
    char *path = ztest_in_tmp("folder/");
    struct film_options o = fixture_film_options(W, H);
    struct film back;
    uint8_t *want = malloc((size_t)W * H * 3);

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    fixture_write_film(path, &o, 5);
    fixture_write_film(path, &o, 4); /* a shorter one leaves nothing of the longer one */
    CHECK_INT(film_read(&back, path, NULL, &e), 0);
    CHECK_INT(back.n, 4);
    for (int t = 0; t < 4; t++) {
        fixture_moving(want, W, H, t);
        CHECK(!memcmp(want, back.rgb + (size_t)t * W * H * 3, (size_t)W * H * 3));
    }
    film_release(&back);
    o.overwrite = 0;
    CHECK_INT(film_open(&(struct film_writer *){0}, path, &o, &e), ERR_IO);
    free(want);
    free(path);
}

TEST(film_read_refuses_what_is_no_film)
{
    static const struct {
        const char *name, *text;
    } bad[] = {
        {"bad1.y4m", "YUV4MPEG2 W0 H2 F25:1\nFRAME\n"},
        {"bad2.y4m", "YUV4MPEG2 W99999999 H99999999 F25:1\nFRAME\n"},
        {"bad3.y4m", "YUV4MPEG2 W2 H2 F25:1 C410\nFRAME\n"},
        {"bad4.y4m", "YUV4MPEG2 W2 H2 F25:1\nFRAMX\nabcdef"},
        {"bad5.y4m", "YUV4MPEG2 W2 H2 F25:1\n"},
        {"bad6.y4m", "YUV4MPEG2"},
    };
    struct film f;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *path = ztest_in_tmp(bad[i].name);

        CHECK_INT(file_write(path, bad[i].text, strlen(bad[i].text), &e), 0);
        CHECK_INT(film_read(&f, path, NULL, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, bad[i].name);
        CHECK(f.rgb == NULL && f.comment == NULL);
        free(path);
    }
    CHECK_INT(film_read(&f, "/no/such/film.mp4", NULL, &e), ERR_IO);
}

TEST(film_read_refuses_playlists_and_noise)
{
    static const char *const bad[] = {
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", "",
        "<html><body>not found</body></html>", "ffconcat version 1.0\nfile /etc/hostname\n"};
    char *path = ztest_in_tmp("noise.mp4");
    struct film f;

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    film_quiet();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_INT(file_write(path, bad[i], strlen(bad[i]), &e), 0);
        CHECK_INT(film_read(&f, path, NULL, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, "noise.mp4");
    }
    free(path);
}

TEST(film_fps_as_a_ratio)
{
    static const struct {
        double fps;
        int num, den;
    } want[] = {{24, 24, 1}, {29.97, 30000, 1001}, {23.976, 24000, 1001}, {12.5, 12500, 1000}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        int num, den;

        film_fps_ratio(want[i].fps, &num, &den);
        CHECK_INT(num, want[i].num);
        CHECK_INT(den, want[i].den);
    }
}

TEST(film_fps_of_a_text_is_that_of_the_file)
{
    static const struct {
        const char *text;
        double fps; /* 0: refused */
    } want[] = {{"24", 24},
                {"23.976", 24000 / 1001.0},
                {"29.97", 30000 / 1001.0},
                {"59.94", 60000 / 1001.0},
                {"24000/1001", 24000 / 1001.0},
                {"60000/1001", 60000 / 1001.0},
                {"25/2", 12.5},
                {"240/1", 240},
                {"100/3", 0}, /* no file of ours says so to the bit */
                {"24000/0", 0},
                {"24/", 0},
                {"/1001", 0},
                {"24000000000000000/1000000000000000", 0},
                {"481/2", 0},
                {"nan", 0}};

    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        double fps = 0;
        int rc = film_fps_parse(want[i].text, &fps);

        CHECK_INT(rc, want[i].fps > 0 ? 0 : -1);
        CHECK(rc || fps == want[i].fps);
    }
}

/* Of any range, as others write it: grey stays grey. */
TEST(film_of_full_range_is_read_so)
{
    char *path = ztest_in_tmp("full.mp4");
    char *cmd = xasprintf("ffmpeg -v error -y -f lavfi -i color=0x808080:s=64x64 -frames:v 2 -vf "
                          "scale=out_range=full -pix_fmt yuvj420p -color_range pc '%s' 2>/dev/null",
                          path);
    struct film f;

    if (!fixture_has_media() || system("command -v ffmpeg >/dev/null 2>&1"))
        ztest_skip("without FFmpeg and its program");
    CHECK_INT(system(cmd), 0);
    CHECK_INT(film_read(&f, path, NULL, &e), 0);
    for (int i = 0; i < 64 * 64 * 3; i++)
        CHECK(abs(f.rgb[i] - 128) <= 2);
    film_release(&f);
    free(cmd), free(path);
}
