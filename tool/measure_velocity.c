/* Films that go on from true frames of one ball: how far their velocity is from the true one. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "cmd.h"
#include "measure/mover_velocity.h"
#include "measure_run.h"
#include "media/film.h"
#include "world/physics.h"

enum { FILMS = 16, FRAMES = 25, LEAST_FRAMES = 9, MOST_FRAMES = 41, SEED = 0x76656c6f };
enum { ROW_STANDS = SCORE_COLUMNS, ROW_GOES_ON, N_ROWS };
static const char *const null_names[] = {"stands still", "goes on evenly"};

struct ball {
    struct mover_error error[N_ROWS];
    int fast;
};

struct velocity_run {
    const struct measure_args *args;
    zt_model *model; /* NULL: renders alone */
    struct threads *threads;
    struct round_trip codec;
    int w, h, frames, n;
    char *dir; /* owned: films given to the model, and made of them */
    struct ball *ball;
};

static const char *row_name(int row)
{
    return row < SCORE_COLUMNS ? score_column_name((enum score_column)row)
                               : null_names[row - ROW_STANDS];
}

static int has_row(const struct velocity_run *r, int row)
{
    return row >= SCORE_COLUMNS || r->args->column[row];
}

/* ---- one clip ---- */

/* Both ways, both speeds, six colours that no floor has: each once in 24 clips. */
static void lay(const struct velocity_run *r, int i, struct scene *s, struct buf *caption)
{
    struct facts f = {.n_objects = 1, .event = EVENT_MOVE, .camera = CAMERA_STATIC};

    f.object[0].shape = SHAPE_BALL;
    f.object[0].color = COLOR_RED + i / 4 % 6;
    f.direction = i % 2 ? DIRECTION_LEFT : DIRECTION_RIGHT;
    f.speed = i / 2 % 2 ? SPEED_FAST : SPEED_SLOW;
    scene_from_facts(s, &f, (uint64_t)SEED << 32 | (uint64_t)i, (double)r->w / r->h);
    world_physics.caption(s, caption);
}

static void judge(struct velocity_run *r, int i, int row, const uint8_t *rgb, const struct clip *c,
                  const struct mover_place *truth)
{
    struct mover_place *seen = xmalloc(sizeof *seen * (size_t)c->n_frames);

    mover_places(rgb, c->w, c->h, c->n_frames, COLOR_RED + i / 4 % 6, seen);
    mover_compare(seen, truth, c->n_frames, c->fps, &r->ball[i].error[row]);
    free(seen);
}

static int write_film(const char *path, const struct clip *c, const uint8_t *rgb, int n,
                      struct err *e)
{
    struct film_options o = {.w = c->w, .h = c->h, .crf = 12, .lossless = 1, .overwrite = 1};
    struct film_writer *film;
    int rc;

    film_fps_ratio(c->fps, &o.fps_num, &o.fps_den);
    if ((rc = film_open(&film, path, &o, e)))
        return rc;
    for (int t = 0; !rc && t < n; t++)
        rc = film_write(film, rgb + (size_t)t * (size_t)c->w * (size_t)c->h * 3, e);
    if (rc)
        film_abort(&film);
    return rc ? rc : film_finish(&film, e);
}

static int draw(struct velocity_run *r, int i, const struct clip *c, const char *caption,
                const struct mover_place *truth, struct err *e)
{
    const char *ending = film_default_ending();
    char *given = xasprintf("%s/%03d-given.%s", r->dir, i, ending), frames[16];
    char *whole = xasprintf("%s/%03d.%s", r->dir, i, ending);
    struct measure_args a = *r->args;
    struct caught out = {0};
    int rc = write_film(given, c, c->rgb, MOVER_GIVEN, e);

    snprintf(frames, sizeof frames, "%d", c->n_frames - MOVER_GIVEN);
    a.frames = frames;
    a.extend = given;
    if (!rc)
        rc = measure_generate(&a, r->model, caption, i, &out, e);
    if (!rc && (out.n != c->n_frames || out.w != c->w || out.h != c->h))
        rc = err_set(e, ERR_USAGE, "the model drew %d frames of %dx%d, wanted are %d of %dx%d",
                     out.n, out.w, out.h, c->n_frames, c->w, c->h);
    if (!rc)
        judge(r, i, SCORE_MODEL, out.rgb, c, truth);
    if (!rc && r->args->out)
        rc = write_film(whole, c, out.rgb, out.n, e);
    if (!r->args->out)
        unlink(given);
    free(out.rgb);
    free(given);
    free(whole);
    return rc;
}

static int run_clip(struct velocity_run *r, int i, struct err *e)
{
    struct buf caption = BUF_INIT;
    struct scene s;
    struct clip c;
    int rc = 0;

    lay(r, i, &s, &caption);
    r->ball[i].fast = s.facts.speed == SPEED_FAST;
    scene_render(&s, r->w, r->h, r->frames, 8, &c);
    struct mover_place *truth = xmalloc(2 * sizeof *truth * (size_t)c.n_frames),
                       *null = truth + c.n_frames;
    mover_true_places(&c, truth);
    mover_stands(truth, c.n_frames, null);
    mover_compare(null, truth, c.n_frames, c.fps, &r->ball[i].error[ROW_STANDS]);
    mover_goes_on(truth, c.n_frames, null);
    mover_compare(null, truth, c.n_frames, c.fps, &r->ball[i].error[ROW_GOES_ON]);
    if (has_row(r, SCORE_RENDERS))
        judge(r, i, SCORE_RENDERS, c.rgb, &c, truth);
    if (has_row(r, SCORE_CODEC)) {
        uint8_t *rgb = xmalloc((size_t)c.n_frames * (size_t)c.w * (size_t)c.h * 3);

        rc = round_trip_film(&r->codec, c.rgb, c.w, c.h, c.n_frames, rgb, e);
        if (!rc)
            judge(r, i, SCORE_CODEC, rgb, &c, truth);
        free(rgb);
    }
    if (!rc && has_row(r, SCORE_MODEL))
        rc = draw(r, i, &c, buf_str(&caption), truth, e);
    free(truth);
    clip_release(&c);
    buf_release(&caption);
    return rc;
}

/* ---- figures ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

struct figures {
    double mean, median, slow, fast, calm, down, lost;
};

static struct figures tally(const struct velocity_run *r, int row)
{
    double *v = xmalloc(sizeof *v * (size_t)r->n), of[2] = {0}, n[2] = {0};
    struct figures f = {0};

    for (int i = 0; i < r->n; i++) {
        const struct mover_error *m = &r->ball[i].error[row];

        v[i] = m->across;
        of[r->ball[i].fast] += m->across;
        n[r->ball[i].fast]++;
        f.calm += m->calm / r->n;
        f.down += m->down / r->n;
        f.lost += m->lost / r->n;
    }
    f.mean = (of[0] + of[1]) / r->n;
    f.slow = n[0] > 0 ? of[0] / n[0] : 0;
    f.fast = n[1] > 0 ? of[1] / n[1] : 0;
    qsort(v, (size_t)r->n, sizeof *v, by_value);
    f.median = (v[(r->n - 1) / 2] + v[r->n / 2]) / 2;
    free(v);
    return f;
}

static void print(const struct velocity_run *r)
{
    printf("%d films of %d frames, %d of them given; units per second, the picture is %g wide\n",
           r->n, r->frames, MOVER_GIVEN, MOVER_WIDE);
    printf("velocity error   mean  median    slow    fast  over 0.5 s    down    lost\n");
    for (int row = 0; row < N_ROWS; row++) {
        struct figures f = tally(r, row);

        if (has_row(r, row))
            printf("%-14s %6.3f  %6.3f  %6.3f  %6.3f  %10.3f  %6.3f  %4.1f %%\n", row_name(row),
                   f.mean, f.median, f.slow, f.fast, f.calm, f.down, 100 * f.lost);
    }
}

static void print_json(const struct velocity_run *r)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "films", r->n);
    jsonw_int(&j, "frames", r->frames);
    jsonw_int(&j, "given", MOVER_GIVEN);
    for (int row = 0; row < N_ROWS; row++) {
        struct figures f = tally(r, row);

        if (!has_row(r, row))
            continue;
        jsonw_object(&j, row_name(row));
        jsonw_real(&j, "mean", f.mean);
        jsonw_real(&j, "median", f.median);
        jsonw_real(&j, "slow", f.slow);
        jsonw_real(&j, "fast", f.fast);
        jsonw_real(&j, "over_half_a_second", f.calm);
        jsonw_real(&j, "down", f.down);
        jsonw_real(&j, "lost", f.lost);
        jsonw_array(&j, "film");
        for (int i = 0; i < r->n; i++)
            jsonw_real(&j, NULL, r->ball[i].error[row].across);
        jsonw_end_array(&j);
        jsonw_end_object(&j);
    }
    jsonw_end_object(&j);
    puts(buf_str(&out));
    buf_release(&out);
}

/* ---- the whole ---- */

static int open_folder(struct velocity_run *r, struct err *e)
{
    const char *tmp = getenv("TMPDIR");

    if (r->args->out) {
        r->dir = xstrdup(r->args->out);
        return dir_make(r->dir, e);
    }
    r->dir = xasprintf("%s/zoetrope-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(r->dir) ? 0 : err_set(e, ERR_IO, "%s: no folder can be made", r->dir);
}

static int open_run(struct velocity_run *r, struct err *e)
{
    const struct measure_args *a = r->args;
    int64_t n = FRAMES;
    int rc;

    if (a->frames &&
        (parse_int(a->frames, &n) || n < LEAST_FRAMES || n > MOST_FRAMES || n % 4 != 1))
        return err_set(e, ERR_USAGE, "--frames is \"%s\", --velocity takes 9, 13 .. 41", a->frames);
    if ((rc = measure_threads(&r->threads, a, e)))
        return rc;
    r->frames = (int)n;
    r->n = a->count ? (int)a->count : FILMS;
    r->ball = xcalloc((size_t)r->n, sizeof *r->ball);
    if (has_row(r, SCORE_CODEC) || has_row(r, SCORE_MODEL))
        rc = e->code = zt_model_open(&r->model, a->model, e->msg, sizeof e->msg);
    r->w = measure_size(r->model, "width", 224);
    r->h = measure_size(r->model, "height", 128);
    if (!rc && has_row(r, SCORE_CODEC))
        rc = round_trip_open(&r->codec, zt_model_get(r->model, "path"), r->threads, e);
    return rc || !has_row(r, SCORE_MODEL) ? rc : open_folder(r, e);
}

static void close_run(struct velocity_run *r)
{
    if (r->codec.part.is)
        round_trip_close(&r->codec);
    if (r->dir && !r->args->out)
        rmdir(r->dir);
    free(r->dir);
    free(r->ball);
    threads_free(&r->threads);
    zt_model_free(&r->model);
}

int measure_velocity(const struct measure_args *a, struct err *e)
{
    struct velocity_run r = {.args = a};
    struct progress bar;
    int rc;

    *e = (struct err){0};
    film_quiet();
    cmd_catch_signals();
    rc = open_run(&r, e);
    if (!rc) {
        progress_start(&bar, stderr, "velocity", r.n);
        for (int i = 0; i < r.n && !rc; i++) {
            rc = cmd_stop ? err_set(e, ERR_CANCEL, "interrupted") : run_clip(&r, i, e);
            progress_step(&bar, i + 1, "");
        }
        progress_end(&bar, NULL);
    }
    if (!rc && a->json)
        print_json(&r);
    else if (!rc)
        print(&r);
    close_run(&r);
    return rc;
}
