/* The visible label: how large it is, where it lies, that it is seen on any ground. */
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "media/film.h"
#include "media/label.h"
#include "zoetrope.h"
#include "ztest.h"

static struct err e;

/* Rows and columns of pixels that changed, of a frame of one grey. */
static void spread(const char *text, int w, int h, int ground, int *high, int *right, int *below)
{
    size_t n = (size_t)w * (size_t)h * 3;
    uint8_t *rgb = xmalloc(n);
    int top = h, bottom = -1, end = -1, brightest = 0, darkest = 255;
    struct label l;

    memset(rgb, ground, n);
    CHECK_INT(label_init(&l, text, w, h, &e), 0);
    label_draw(&l, rgb, w);
    for (int i = 0; i < w * h; i++) {
        int v = rgb[3 * i], x = i % w, y = i / w;

        brightest = v > brightest ? v : brightest;
        darkest = v < darkest ? v : darkest;
        if (v == ground)
            continue;
        top = y < top ? y : top;
        bottom = y > bottom ? y : bottom;
        end = x > end ? x : end;
    }
    CHECK(brightest > 225 && brightest - darkest > 120);
    *high = bottom - top + 1;
    *right = w - 1 - end;
    *below = h - 1 - bottom;
    label_release(&l);
    free(rgb);
}

TEST(label_is_a_twentieth_of_the_short_side_in_the_corner)
{
    static const int sizes[][2] = {
        {224, 128}, {448, 256}, {1920, 1080}, {1080, 1920}, {3840, 2160}};
    static const int grounds[] = {0, 128, 255};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int k = 0; k < 3; k++) {
            int w = sizes[i][0], h = sizes[i][1], side = w < h ? w : h, high, right, below;

            spread("zh", w, h, grounds[k], &high, &right, &below);
            CHECK(high >= side / 20 && high <= side / 4);
            CHECK(right > 0 && right < side / 8 && below > 0 && below < side / 8);
        }
}

TEST(label_refuses_what_nobody_drew)
{
    struct label l;

    CHECK_INT(label_check("Made by ACME-7, AI", &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "label");
    CHECK_INT(label_check("Made by ACME-7", &e), 0);
    CHECK_INT(
        label_check("\xe4\xba\xba\xe5\xb7\xa5\xe6\x99\xba\xe8\x83\xbd\xe5\x90\x88\xe6\x88\x90", &e),
        0);
    CHECK_INT(label_check("\xff", &e), ERR_USAGE);
    CHECK_INT(label_init(&l, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 64, 64, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "too long");
    CHECK_INT(label_check("  ", &e), ERR_USAGE); /* it would not be seen */
    CHECK_CONTAINS(e.msg, "spaces");
    CHECK_INT(label_init(&l, "", 64, 64, &e), 0);
    CHECK(!l.ink);
}

/* The film has it, its recipe too, and everything outside of it is as without. */
TEST(label_is_in_the_film_and_in_its_recipe)
{
    char *path[2] = {ztest_in_tmp("plain.y4m"), ztest_in_tmp("label.y4m")}, error[768], hash[2][65];
    struct film f[2];

    for (int i = 0; i < 2; i++) {
        const char *const set[] = {"model", fixture_dir(), "prompt", "a red ball rolls",
                                   "seed",  "5",           "size",   "96x64",
                                   "steps", "2",           "output", path[i]};
        zt_job *job;

        zt_job_new(&job, NULL);
        for (size_t k = 0; k < sizeof set / sizeof *set; k += 2)
            CHECK(!zt_job_set(job, set[k], set[k + 1], error, sizeof error));
        CHECK(!i || !zt_job_set(job, "label", "zh", error, sizeof error));
        if (zt_job_run(job, error, sizeof error))
            ztest_fail(__FILE__, __LINE__, "%s", error);
        snprintf(hash[i], sizeof hash[i], "%s", zt_job_get(job, "frame_hash"));
        zt_job_free(&job);
        CHECK_INT(film_read(&f[i], path[i], NULL, &e), 0);
        free(path[i]);
    }
    CHECK_STR(hash[0], hash[1]);
    CHECK_CONTAINS(f[1].comment, "\"label\": \"zh\"");
    size_t frame = 96 * 64 * 3, upper = 96 * 32 * 3;
    for (int t = 0; t < f[0].n; t++) {
        CHECK(!memcmp(f[0].rgb + frame * (size_t)t, f[1].rgb + frame * (size_t)t, upper));
        CHECK(memcmp(f[0].rgb + frame * (size_t)t + upper, f[1].rgb + frame * (size_t)t + upper,
                     frame - upper) != 0);
    }
    film_release(&f[0]);
    film_release(&f[1]);
}
