/* Films that go on from true frames of one ball: how far their velocity is from the true one. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "cmd.h"
#include "measure/film_log.h"
#include "measure/mover_velocity.h"
#include "measure_files.h"
#include "media/film.h"
#include "world/physics.h"

enum { FILMS = 16, FRAMES = 25, LEAST_FRAMES = 9, MOST_FRAMES = 41, SEED = 0x76656c6f };
enum { ROW_STANDS = SCORE_COLUMNS, ROW_GOES_ON, N_ROWS };
static const char *const null_names[] = {"stands still", "goes on evenly"};

struct ball {
    struct mover_error error[N_ROWS];
    int done;
};

struct velocity_run {
    const struct measure_args *args;
    zt_model *model; /* NULL: renders alone */
    struct threads *threads;
    struct round_trip codec;
    int w, h, frames, n;
    char *dir; /* owned: films given to the model, and made of them */
    struct ball *ball;
    FILE *log; /* NULL: without --out */
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

static int is_fast(int i)
{
    return i / 2 % 2;
}

/* ---- the log ---- */

static char *settings_of(const struct velocity_run *r)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "zoetrope_velocity", 1);
    jsonw_string(&j, "model", r->model ? zt_model_get(r->model, "hash") : NULL);
    jsonw_int(&j, "frames", r->frames);
    for (int row = 0; row < SCORE_COLUMNS; row++)
        jsonw_bool(&j, row_name(row), has_row(r, row));
    measure_settings(&j, r->args);
    jsonw_end_object(&j);
    return buf_take(&out);
}

static int log_ball(const struct velocity_run *r, int i, struct err *e)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "film", i);
    for (int row = 0; row < N_ROWS; row++) {
        const struct mover_error *m = &r->ball[i].error[row];

        if (!has_row(r, row))
            continue;
        jsonw_array(&j, row_name(row));
        jsonw_real(&j, NULL, m->across);
        jsonw_real(&j, NULL, m->down);
        jsonw_real(&j, NULL, m->calm);
        jsonw_real(&j, NULL, m->lost);
        jsonw_end_array(&j);
    }
    jsonw_end_object(&j);
    buf_putc(&out, '\n');
    int rc = film_log_add(r->log, &out, e);
    buf_release(&out);
    return rc;
}

static void read_ball(void *user, struct jval line)
{
    struct velocity_run *r = user;
    int i = (int)j_int(line, "film", 0, INT32_MAX);

    for (int row = 0; i < r->n && row < N_ROWS; row++) {
        struct mover_error *m = &r->ball[i].error[row];
        double v[4] = {0};

        if (has_row(r, row))
            j_reals(line, row_name(row), v, 4, 4, 0, 1e9);
        *m = (struct mover_error){.across = v[0], .down = v[1], .calm = v[2], .lost = v[3]};
        r->ball[i].done = 1;
    }
}

/* ---- one clip ---- */

/* Both ways, both speeds, six colours that no floor has: each once in 24 clips. */
static void lay(const struct velocity_run *r, int i, struct scene *s, struct buf *caption)
{
    struct facts f = {.n_objects = 1, .event = EVENT_MOVE, .camera = CAMERA_STATIC};

    f.object[0].shape = SHAPE_BALL;
    f.object[0].color = COLOR_RED + i / 4 % 6;
    f.direction = i % 2 ? DIRECTION_LEFT : DIRECTION_RIGHT;
    f.speed = is_fast(i) ? SPEED_FAST : SPEED_SLOW;
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

static int draw(struct velocity_run *r, int i, const struct clip *c, const char *caption,
                const struct mover_place *places, struct err *e)
{
    char *given = xasprintf("%s/%03d-given.%s", r->dir, i, film_default_ending()), frames[16];
    char *whole = measure_film_name(r->dir, i);
    struct measure_args a = *r->args;
    struct caught out = {0}, truth = {c->rgb, c->w, c->h, c->n_frames};
    int rc = measure_write_film(given, &truth, MOVER_GIVEN, c->fps, 1, NULL, e);

    snprintf(frames, sizeof frames, "%d", c->n_frames - MOVER_GIVEN);
    a.frames = frames;
    a.extend = given;
    if (!rc)
        rc = measure_generate(&a, r->model, caption, i, &out, e);
    if (!rc)
        rc = measure_caught_fits(&out, c, e);
    if (!rc)
        judge(r, i, SCORE_MODEL, out.rgb, c, places);
    if (!rc && r->args->out)
        rc = measure_write_film(whole, &out, out.n, c->fps, 1, NULL, e);
    if (!r->args->out)
        unlink(given);
    free(out.rgb);
    free(given);
    free(whole);
    return rc;
}

static int run_clip(void *user, int i, struct err *e)
{
    struct velocity_run *r = user;
    struct buf caption = BUF_INIT;
    struct scene s;
    struct clip c;
    int rc = 0;

    lay(r, i, &s, &caption);
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
    return rc ? rc : log_ball(r, i, e);
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
        of[is_fast(i)] += m->across;
        n[is_fast(i)]++;
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

/* What an earlier call knows of its films. */
static int open_log(struct velocity_run *r, struct err *e)
{
    char *path = path_join(r->dir, "balls.jsonl"), *settings = settings_of(r);
    int rc = film_log_open(&r->log, path, settings, read_ball, r, e);

    free(settings);
    free(path);
    return rc;
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
    if (!rc && (a->out || has_row(r, SCORE_MODEL)))
        rc = measure_folder(&r->dir, a, e);
    return rc || !a->out ? rc : open_log(r, e);
}

static void close_run(struct velocity_run *r)
{
    if (r->codec.part.is)
        round_trip_close(&r->codec);
    film_log_close(&r->log);
    measure_folder_done(&r->dir, r->args);
    free(r->ball);
    threads_free(&r->threads);
    zt_model_free(&r->model);
}

static int is_done(const void *user, int i)
{
    const struct velocity_run *r = user;

    return r->ball[i].done;
}

int measure_velocity(const struct measure_args *a, struct err *e)
{
    struct velocity_run r = {.args = a};
    int rc;

    *e = (struct err){0};
    film_quiet();
    cmd_catch_signals();
    rc = open_run(&r, e);
    if (!rc)
        rc = measure_each("velocity", r.n, is_done, run_clip, &r, e);
    if (!rc && a->json)
        print_json(&r);
    else if (!rc)
        print(&r);
    close_run(&r);
    return rc;
}
