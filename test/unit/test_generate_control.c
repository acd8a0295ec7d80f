/* What steers VACE, as its pipeline in diffusers has it: the mask in time, the picture of what is
 * meant; and how many rows of text a model that reads pictures is given. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "fixture.h"
#include "generate/conditions.h"
#include "media/film.h"
#include "model/bundle.h"
#include "ztest.h"

#define FLF2V "golden/pipeline-wan-flf2v/model"
#define VACE "golden/pipeline-wan-vace/model"

enum { W = 32, H = 16, KS = 8 };

#define PLAN(p, e, dir, ...)                                                                       \
    fixture_plan(p, e, ztest_data(dir),                                                            \
                 (const char *const[]){"prompt", "a red ball", __VA_ARGS__, NULL})

/* n frames: white where marks has a '1', black else; all grey without marks. */
static char *film_of(const char *name, int n, const char *marks)
{
    char *path = ztest_in_tmp(name);
    const struct film_options o = {.w = W, .h = H, .fps_num = 16, .fps_den = 1, .overwrite = 1};
    uint8_t rgb[W * H * 3];
    struct film_writer *f;
    struct err e = {0};

    CHECK_INT(film_open(&f, path, &o, &e), 0);
    for (int i = 0; i < n; i++) {
        memset(rgb, !marks ? 128 : marks[i] == '1' ? 255 : 0, sizeof rgb);
        CHECK_INT(film_write(f, rgb, &e), 0);
    }
    CHECK_INT(film_finish(&f, &e), 0);
    return path;
}

/* The mask that the transformer reads, one figure for each latent frame, is `want`. */
static void mask_is(const char *marks, const char *want)
{
    int n = (int)strlen(marks), t = (int)strlen(want), place = (H / KS) * (W / KS);
    char *control = film_of("control.y4m", n, NULL), *mask = film_of("mask.y4m", n, marks);
    char frames[12], got[32] = "";
    struct conditions c;
    struct bundle *b;
    struct plan p;
    struct err e;
    struct cx cx;

    snprintf(frames, sizeof frames, "%d", n);
    CHECK_INT(PLAN(&p, &e, VACE, "frames", frames, "size", "32x16", "control", control, "mask",
                   mask, "type", "f32"),
              0);
    CHECK_INT(p.t, t);
    CHECK_INT(bundle_open(&b, ztest_data(VACE), device_cpu(), p.type, NULL, &e), 0);
    cx_init(&cx, device_cpu(), p.type, NULL);
    CHECK_INT(conditions_init(&c, &cx, b, &p, &e), 0);
    for (int k = 0; k < KS * KS; k++)
        for (int i = 0; i < t; i++) {
            const float *at = c.control + (size_t)place * (size_t)(t * (2 * p.c + k) + i);

            for (int x = 0; x < place; x++)
                CHECK(at[x] == at[0]);
            if (k == 0)
                got[i] = at[0] == 1 ? '1' : at[0] == 0 ? '0' : '?';
            CHECK(at[0] == (float)(got[i] - '0'));
        }
    CHECK_STR(got, want);
    conditions_release(&c);
    cx_release(&cx);
    bundle_free(&b);
    plan_release(&p);
    free(control);
    free(mask);
}

/* A latent frame has the mask of the picture nearest to its middle: of 5 pictures 1 and 3, of 9
 * 1 4 7, of 17 1 5 8 11 15. The first and the last never count. */
TEST(control_mask_in_time_is_that_of_the_middle)
{
    mask_is("01010", "11");
    mask_is("10101", "00");
    mask_is("011111110", "111");
    mask_is("010000010", "101");
    mask_is("101101101", "000");
    mask_is("01000100100100010", "11111");
    mask_is("10111011011011101", "00000");
}

/* Whole, as large as fits, in the middle of white: black 20x20 in 48x32 are columns 8 to 39. */
TEST(control_reference_lies_on_white)
{
    char *path = ztest_in_tmp("black.ppm");
    struct picture black;
    struct plan p;
    struct err e = {0};

    picture_init(&black, 20, 20);
    CHECK_INT(picture_save(&black, path, &e), 0);
    picture_release(&black);
    CHECK_INT(PLAN(&p, &e, VACE, "frames", "5", "size", "48x32", "reference", path), 0);
    CHECK_INT(p.w * 1000 + p.h, 48032);
    CHECK_INT(p.ahead, 1);
    for (int i = 0; i < 48 * 32 * 3; i++) {
        int x = i / 3 % 48;

        CHECK(p.control.reference[i] == (x < 8 || x > 39));
    }
    plan_release(&p);
    free(path);
}

/* The reference takes all rows but the last 512 for those of pictures, so text has 512. */
TEST(control_text_beside_pictures_has_512_rows)
{
    char *path = ztest_in_tmp("given.ppm");
    struct picture given;
    struct plan p;
    struct err e = {0};

    picture_init(&given, W, H);
    CHECK_INT(picture_save(&given, path, &e), 0);
    picture_release(&given);
    CHECK_INT(PLAN(&p, &e, FLF2V, "frames", "5", "size", "32x16", "first-frame", path, "last-frame",
                   path),
              0);
    CHECK(p.dit.image_dim > 0);
    CHECK_INT(p.dit.text_rows[0], 512);
    plan_release(&p);
    free(path);
}
