/* Films as files: where they may lie, what holds their place, what is there when one is stopped. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "media/film.h"
#include "ztest.h"

enum { W = 192, H = 128 };

static struct err e;

/* What holds the name is there from the beginning; a film without a frame leaves nothing. */
TEST(film_is_held_before_its_first_frame)
{
    static const char *const names[] = {"held.y4m", "held.mp4", "held/"};
    static const char *const parts[] = {"held.part.y4m", "held.part.mp4", "held"};

    for (int i = 0; i < (fixture_has_media() ? 3 : 1); i++) {
        struct film_options o = fixture_film_options(16, 16);
        struct film_writer *f, *second;
        struct err e = {0};
        char *path = ztest_in_tmp(names[i]), *part = ztest_in_tmp(parts[i]);

        CHECK_INT(film_open(&f, path, &o, &e), 0);
        CHECK(!access(part, F_OK));
        CHECK_INT(film_open(&second, path, &o, &e), ERR_IO);
        CHECK_CONTAINS(e.msg, "is being written already");
        film_abort(&f);
        CHECK(access(part, F_OK));
        free(path);
        free(part);
    }
}

/* Every name that lies beside the film meanwhile is short enough, and no shorter one is refused. */
TEST(film_name_too_long_is_known_at_once)
{
    static const char *const endings[] = {".y4m", ".mp4"};

    for (int i = 0; i < (fixture_has_media() ? 2 : 1); i++) {
        struct film_options o = fixture_film_options(16, 16);
        uint8_t rgb[16 * 16 * 3] = {9};
        int taken = 0, refused = 0;

        for (int n = 225; n <= 256; n++) {
            char name[300];
            struct film_writer *f;
            struct err e = {0};

            memset(name, 'a', sizeof name);
            strcpy(name + n - 4, endings[i]);
            char *path = ztest_in_tmp(name);
            o.comment = "{}";
            if (film_check(path, &o, &e)) {
                CHECK_INT(e.code, ERR_IO);
                CHECK_CONTAINS(e.msg, "bytes");
                refused++;
            } else {
                CHECK_INT(film_open(&f, path, &o, &e), 0);
                CHECK_INT(film_write(f, rgb, &e), 0);
                CHECK_INT(film_finish(&f, &e), 0);
                unlink(path);
                taken++;
            }
            free(path);
        }
        CHECK_INT(taken, i ? 19 : 9);
        CHECK_INT(refused, i ? 13 : 23);
    }
}

TEST(film_part_plays_after_abort)
{
    static const char *const names[] = {"stop.y4m", "stop.part.y4m", "stop.mp4",  "stop.part.mp4",
                                        "stop.gif", "stop.part.gif", "stop.webm", "stop.part.webm"};

    for (int i = 0; i < (fixture_has_media() ? 4 : 1); i++) {
        char *path = ztest_in_tmp(names[2 * i]), *part = ztest_in_tmp(names[2 * i + 1]);
        struct film_options o = fixture_film_options(W, H);
        struct film_writer *f;
        struct film back;

        o.comment = "kept";
        CHECK_INT(film_open(&f, path, &o, &e), 0);
        fixture_write_moving(f, W, H, 11);
        film_abort(&f);
        CHECK(f == NULL);
        CHECK(!file_exists(path));
        CHECK_INT(film_read(&back, part, NULL, &e), 0);
        CHECK_INT(back.n, 11);
        CHECK_STR(back.comment, "kept");
        film_release(&back);
        free(path), free(part);
    }
}

/* The first picture of what grows stands at 0, though the encoder reorders pictures. */
TEST(film_part_begins_at_nought)
{
    char *path = ztest_in_tmp("begins.mp4"), *part = ztest_in_tmp("begins.part.mp4");
    char *cmd = xasprintf("ffprobe -v error -select_streams v -show_entries stream=start_time "
                          "-of csv=p=0 '%s' >'%s.txt'",
                          part, part),
         *said = xasprintf("%s.txt", part);
    struct film_options o = fixture_film_options(W, H);
    struct buf b = BUF_INIT;
    struct film_writer *f;

    if (!fixture_has_media() || system("command -v ffprobe >/dev/null 2>&1"))
        ztest_skip("without FFmpeg and its program");
    CHECK_INT(film_open(&f, path, &o, &e), 0);
    fixture_write_moving(f, W, H, 11);
    film_abort(&f);
    CHECK_INT(system(cmd), 0);
    CHECK_INT(file_read(&b, said, 1000, &e), 0);
    CHECK_STR(buf_str(&b), "0.000000\n");
    buf_release(&b);
    free(cmd), free(said), free(path), free(part);
}

/* A child dies in the middle, without any farewell. */
TEST(film_part_plays_after_kill)
{
    char *path = ztest_in_tmp("killed.mp4"), *part = ztest_in_tmp("killed.part.mp4");
    struct film_options o = fixture_film_options(W, H);
    struct film back;
    int status;
    pid_t child;

    if (!fixture_has_media())
        ztest_skip("without FFmpeg");
    fflush(NULL);
    child = fork();
    if (child == 0) {
        struct film_writer *f;

        if (film_open(&f, path, &o, NULL))
            _exit(1);
        fixture_write_moving(f, W, H, 40);
        kill(getpid(), SIGKILL);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFSIGNALED(status));
    CHECK_INT(film_read(&back, part, NULL, &e), 0);
    CHECK(back.n >= 20 && back.n <= 40); /* the encoder looks ahead; the rest is on disk */
    film_release(&back);
    free(path), free(part);
}

/* What lies where a film would grow, or in the folder that it would fill, is somebody's. */
TEST(film_takes_no_place_that_is_taken)
{
    struct film_options o = fixture_film_options(W, H);
    char *film = ztest_in_tmp("taken.y4m"), *part = ztest_in_tmp("taken.part.y4m");
    char *dir = ztest_in_tmp("taken/"), *frame = ztest_in_tmp("taken/frame-00001.png");

    o.overwrite = 0;
    CHECK_INT(file_write(part, "a film", 6, &e), 0);
    CHECK_INT(film_check(film, &o, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "taken.part.y4m exists already");
    CHECK_INT(file_write(part, "", 0, &e), 0); /* killed before its first frame */
    CHECK_INT(film_check(film, &o, &e), 0);
    CHECK_INT(file_write(part, "a film", 6, &e), 0);
    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(film_check(dir, &o, &e), fixture_has_media() ? 0 : ERR_IO);
    CHECK_INT(file_write(frame, "a picture", 9, &e), 0);
    CHECK_INT(film_check(dir, &o, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "frame-00001.png is in this folder already");
    o.overwrite = 1;
    CHECK_INT(film_check(film, &o, &e), 0);
    CHECK_INT(film_check(dir, &o, &e), fixture_has_media() ? 0 : ERR_IO);
    free(film), free(part), free(dir), free(frame);
}

static void refused(const char *path, const struct film_options *o, int code, const char *words)
{
    struct film_writer *f;

    CHECK_INT(film_open(&f, path, o, &e), code);
    CHECK(f == NULL);
    CHECK_CONTAINS(e.msg, words);
}

TEST(film_refuses_bad_places_and_options)
{
    struct film_options o = fixture_film_options(W, H);
    char *there = ztest_in_tmp("there.y4m");

    refused("/no/such/folder/a.y4m", &o, ERR_IO, "/no/such/folder");
    refused("a.avi", &o, ERR_USAGE, ".mp4");
    refused("noending", &o, ERR_USAGE, ".y4m");
    fixture_write_film(there, &o, 1);
    o.overwrite = 0;
    refused(there, &o, ERR_IO, "exists");
    o.overwrite = 1;
    o.w = 193;
    refused("a.mp4", &o, ERR_USAGE, "even");
    o.w = 100000;
    refused("a.y4m", &o, ERR_USAGE, "8192");
    o = fixture_film_options(W, H);
    o.crf = 52;
    refused("a.y4m", &o, ERR_USAGE, "crf");
    o = fixture_film_options(W, H);
    o.fps_den = 0;
    refused("a.y4m", &o, ERR_USAGE, "fps");
    free(there);
}
