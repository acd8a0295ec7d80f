/* The recipe of a film, and what a look at a file says without reading its pixels. */
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "media/film.h"
#include "ztest.h"

enum { W = 64, H = 48 };

static struct err e;

static void write_frames(struct film_writer *f, int n)
{
    uint8_t *rgb = xmalloc(W * H * 3);

    for (int t = 0; t < n; t++) {
        memset(rgb, 20 * t, W * H * 3);
        CHECK_INT(film_write(f, rgb, &e), 0);
    }
    free(rgb);
}

static void write_film(const char *path, const struct film_options *o, int n)
{
    struct film_writer *f;

    CHECK_INT(film_open(&f, path, o, &e), 0);
    write_frames(f, n);
    CHECK_INT(film_finish(&f, &e), 0);
}

/* x264 reads 80 bytes of the first line, FFmpeg 96: what is beyond makes them refuse the film. */
TEST(film_y4m_first_line_is_short)
{
    char *path = ztest_in_tmp("wide.y4m");
    struct film_options o = {.w = FILM_MAX_SIDE, .h = FILM_MAX_SIDE, .overwrite = 1};
    struct film_writer *f;
    struct buf b = BUF_INIT;
    const char *end;

    o.comment = "{\"prompt\": \"words that would make a long line of any first line, and more\"}";
    film_fps_ratio(239.76, &o.fps_num, &o.fps_den);
    CHECK_INT(film_open(&f, path, &o, &e), 0);
    free(path);
    path = ztest_in_tmp("wide.part.y4m");
    CHECK_INT(file_read(&b, path, 4096, &e), 0);
    film_abort(&f);
    end = strchr(buf_str(&b), '\n');
    CHECK(end && end - b.data < 80);
    buf_release(&b);
    free(path);
}

/* An older film's recipe never stands beside a newer film. */
TEST(film_y4m_recipe_goes_with_its_film)
{
    char *path = ztest_in_tmp("with.y4m"), *recipe = ztest_in_tmp("with.y4m.json");
    struct film_options o = fixture_film_options(W, H);
    struct film_writer *f;
    struct film back;

    o.comment = "{\"seed\": 1}";
    write_film(path, &o, 2);
    CHECK(file_exists(recipe));
    o.comment = "{\"seed\": 2}";
    CHECK_INT(film_open(&f, path, &o, &e), 0);
    film_abort(&f); /* not finished: the older film stands with its own recipe */
    CHECK_INT(film_probe(&back, path, &e), 0);
    CHECK_STR(back.comment, "{\"seed\": 1}");
    film_release(&back);
    CHECK_INT(unlink(path), 0);
    o.overwrite = 0; /* a recipe alone is not overwritten unasked either */
    CHECK_INT(film_check(path, &o, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "with.y4m.json exists already");
    free(path), free(recipe);
}

TEST(film_probe_counts_frames)
{
    static const char *const names[] = {"count.y4m",      "count.part.y4m", "count.mp4",
                                        "count.part.mp4", "counted/",       "counted/"};

    for (int i = 0; i < (fixture_has_media() ? 3 : 1); i++) {
        char *path = ztest_in_tmp(names[2 * i]), *part = ztest_in_tmp(names[2 * i + 1]);
        struct film_options o = fixture_film_options(W, H);
        struct film_writer *f;
        struct film back;

        CHECK_INT(film_open(&f, path, &o, &e), 0);
        write_frames(f, 7);
        film_abort(&f);
        CHECK_INT(film_probe(&back, part, &e), 0);
        CHECK_INT(back.n, 7);
        film_release(&back);
        write_film(path, &o, 5);
        CHECK_INT(film_probe(&back, path, &e), 0);
        CHECK_INT(back.n, 5);
        film_release(&back);
        free(path), free(part);
    }
}

/* Found before any work is done. */
TEST(film_check_sees_where_no_folder_can_be_made)
{
    char *file = ztest_in_tmp("a-file.y4m"), *inside = xasprintf("%s/pictures/", file);
    struct film_options o = fixture_film_options(W, H);

    write_film(file, &o, 1);
    CHECK_INT(film_check(inside, &o, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "there is no folder");
    free(file), free(inside);
    inside = ztest_in_tmp("yet/to/be/made/");
    CHECK_INT(film_check(inside, &o, &e), fixture_has_media() ? 0 : ERR_IO);
    free(inside);
}

/* Neither would have its own film; a part file that a dead program left is no hindrance. */
TEST(film_two_writers_of_one_name)
{
    static const char *const names[] = {"two.y4m", "two.mp4"};

    for (int i = 0; i < (fixture_has_media() ? 2 : 1); i++) {
        char *path = ztest_in_tmp(names[i]);
        struct film_options o = fixture_film_options(W, H);
        struct film_writer *f, *g;
        struct film back;

        CHECK_INT(film_open(&f, path, &o, &e), 0);
        CHECK_INT(film_check(path, &o, &e), ERR_IO);
        CHECK_CONTAINS(e.msg, "being written");
        CHECK_INT(film_open(&g, path, &o, &e), ERR_IO);
        CHECK(g == NULL);
        write_frames(f, 3);
        film_abort(&f);
        CHECK_INT(film_check(path, &o, &e), 0);
        write_film(path, &o, 5); /* over what was left */
        CHECK_INT(film_read(&back, path, NULL, &e), 0);
        CHECK_INT(back.n, 5);
        film_release(&back);
        free(path);
    }
}
