/* The other kinds of film, each held against what an independent reader makes of it: WebM, GIF, and
 * films of one frame as pictures. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "media/film.h"
#include "media/picture.h"
#include "ztest.h"

enum { W = 96, H = 64 };

static struct err e;

static double psnr(const uint8_t *a, const uint8_t *b)
{
    double sum = 0;

    for (int i = 0; i < W * H * 3; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return -10 * log10(sum / (W * H * 3) / (255.0 * 255));
}

/* Frames come back in order and look as they were, with their rate and recipe; the same frames give
 * the same bytes. */
TEST(film_kinds_keep_frames_rate_and_recipe)
{
    static const struct {
        const char *name;
        double db;
    } rows[] = {{"k.webm", 32}, {"k.gif", 36}}; /* mp4 has 32.1: the edge in 4:2:0 */

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    for (int i = 0; i < 2; i++) {
        char *path = ztest_in_tmp(rows[i].name);
        struct film_options o = fixture_film_options(W, H);
        struct buf once = BUF_INIT, again = BUF_INIT;
        uint8_t frame[W * H * 3];
        struct film back;

        o.fps_num = 10;
        o.comment = "{\"seed\": 3, \"AIGC\": {\"Label\": \"1\"}}";
        fixture_write_film(path, &o, 13);
        CHECK_INT(file_read(&once, path, 1 << 30, &e), 0);
        fixture_write_film(path, &o, 13);
        CHECK_INT(file_read(&again, path, 1 << 30, &e), 0);
        CHECK(once.len == again.len && !memcmp(once.data, again.data, once.len));
        CHECK_INT(film_read(&back, path, NULL, &e), 0);
        CHECK_INT(back.n, 13);
        CHECK_INT(back.w, W);
        CHECK_INT(back.fps_num, 10 * back.fps_den);
        CHECK_STR(back.comment, o.comment);
        for (int t = 0; t < back.n; t++) {
            fixture_moving(frame, W, H, t);
            CHECK_BELOW(rows[i].db, psnr(frame, back.rgb + (size_t)t * W * H * 3));
        }
        film_release(&back);
        buf_release(&once), buf_release(&again);
        free(path);
    }
}

/* Pictures with more codes than a table of LZW holds, and with one colour. */
TEST(film_gif_of_noise_and_of_one_colour)
{
    char *path = ztest_in_tmp("noise.gif");
    struct film_options o = fixture_film_options(W, H);
    static uint8_t frame[3][W * H * 3];
    struct film_writer *f;
    struct film back;
    uint32_t s = 1;

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    for (int i = 0; i < W * H * 3; i++) {
        s = s * 1664525 + 1013904223;
        frame[0][i] = (uint8_t)(s >> 24);
        frame[1][i] = 255;
        frame[2][i] = (uint8_t)(i % 3 == 0 ? 255 : 0);
    }
    CHECK_INT(film_open(&f, path, &o, &e), 0);
    for (int t = 0; t < 3; t++)
        CHECK_INT(film_write(f, frame[t], &e), 0);
    CHECK_INT(film_finish(&f, &e), 0);
    CHECK_INT(film_read(&back, path, NULL, &e), 0);
    CHECK_INT(back.n, 3);
    CHECK_BELOW(17, psnr(frame[0], back.rgb)); /* 6,144 colours in 256 */
    CHECK_BELOW(40, psnr(frame[1], back.rgb + W * H * 3));
    CHECK_BELOW(40, psnr(frame[2], back.rgb + 2 * W * H * 3));
    film_release(&back);
    free(path);
}

TEST(film_of_one_frame_is_a_picture)
{
    static const struct {
        const char *name;
        double db;
    } rows[] = {{"one.ppm", 90}, {"one.png", 90}, {"one.jpg", 35}, {"one.webp", 31}};

    for (int i = 0; i < (fixture_has_media() ? 4 : 1); i++) {
        char *path = ztest_in_tmp(rows[i].name);
        struct film_options o = fixture_film_options(W, H);
        uint8_t frame[W * H * 3];
        struct film_writer *f;
        struct picture p;
        struct film back;

        CHECK(film_is_picture(path));
        o.comment = "{\"seed\": 3, \"AIGC\": {\"Label\": \"1\"}}";
        fixture_moving(frame, W, H, 2);
        CHECK_INT(film_open(&f, path, &o, &e), 0);
        CHECK_INT(film_write(f, frame, &e), 0);
        CHECK_INT(film_finish(&f, &e), 0);
        CHECK_INT(picture_load(&p, path, &e), 0);
        CHECK_BELOW(rows[i].db, fmin(psnr(frame, p.rgb), 99));
        picture_release(&p);
        CHECK_INT(film_read(&back, path, NULL, &e), 0);
        CHECK_STR(back.comment, o.comment);
        film_release(&back);
        char *cmd = xasprintf(
            "grep -aqF '<TC260:AIGC>{&quot;Label&quot;: &quot;1&quot;}</TC260:AIGC>' '%s'", path);
        CHECK_INT(system(cmd) != 0, i == 0); /* a .ppm has no place for it */
        free(cmd);

        o.overwrite = 0;
        CHECK_INT(film_open(&f, path, &o, &e), ERR_IO); /* it is there */
        o.overwrite = 1;
        o.n_frames = 2;
        CHECK_INT(film_check(path, &o, &e), ERR_USAGE);
        CHECK_CONTAINS(e.msg, "one picture");
        o.n_frames = 0;
        CHECK_INT(film_open(&f, path, &o, &e), 0);
        CHECK_INT(film_write(f, frame, &e), 0);
        CHECK_INT(film_write(f, frame, &e), ERR_USAGE);
        film_abort(&f);
        free(path);
    }
    CHECK(!film_is_picture("a.mp4") && !film_is_picture("-") && !film_is_picture("a/"));
}

/* The label of made content is a tag of its own, beside the recipe that holds it. */
TEST(film_label_is_a_tag)
{
    static const char *const names[] = {"label.mp4", "label.webm"};

    if (!fixture_has_media() || system("command -v ffprobe >/dev/null 2>&1"))
        ztest_skip("without FFmpeg and its program");
    for (int i = 0; i < 2; i++) {
        char *path = ztest_in_tmp(names[i]), *out = ztest_in_tmp("label.txt");
        char *cmd = xasprintf("ffprobe -v error -show_entries format_tags '%s' >'%s'", path, out);
        struct film_options o = fixture_film_options(W, H);
        struct buf tags = BUF_INIT;

        o.comment = "{\"seed\": 3, \"AIGC\": {\"Label\": \"1\", \"ProduceID\": \"7\"}, \"z\": 1}";
        fixture_write_film(path, &o, 3);
        CHECK_INT(system(cmd), 0);
        CHECK_INT(file_read(&tags, out, 1 << 20, &e), 0);
        CHECK_CONTAINS(buf_str(&tags), "TAG:AIGC={\"Label\": \"1\", \"ProduceID\": \"7\"}\n");
        buf_release(&tags);
        free(cmd), free(out), free(path);
    }
}
