/* Films that are given the first picture of a scene: how much of it their first frame keeps beside
 * what the codec alone keeps, and how they go on. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "cmd.h"
#include "measure/film_log.h"
#include "measure_files.h"
#include "measure_first_frame.h"
#include "media/film.h"
#include "media/picture.h"
#include "model/bundle.h"

enum { SCENES = 24, FRAMES = 17, MOST_FRAMES = 41, SEED = 0x66697273, MOST_SEED = 1000000000 };

/* ---- the log ---- */

static char *settings_of(const struct first_run *r)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "zoetrope_first_frame", 1);
    jsonw_string(&j, "model", zt_model_get(r->model, "hash"));
    jsonw_int(&j, "frames", r->frames);
    jsonw_int(&j, "seed", r->seed);
    for (int c = 0; c < SCORE_COLUMNS; c++)
        jsonw_bool(&j, score_column_name(c), first_has(r, c));
    measure_settings(&j, r->args);
    jsonw_end_object(&j);
    return buf_take(&out);
}

static void read_scene(void *user, struct jval line)
{
    struct first_run *r = user;
    int i = (int)j_int(line, "film", 0, INT32_MAX);
    struct first_scene s = {.done = 1};

    s.refused = j_bool(line, "refused");
    s.codec_alone = j_real(line, "codec_alone", 0, FIRST_MOST_DB);
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        struct jval o;

        if (!first_has(r, c))
            continue;
        o = j_object(line, score_column_name(c));
        if (c != SCORE_RENDERS) {
            s.of[c].first = j_real(o, "first", 0, FIRST_MOST_DB);
            j_reals(o, "against_render", s.of[c].truth, FIRST_MOMENTS, FIRST_MOMENTS, 0,
                    FIRST_MOST_DB);
        }
        j_reals(o, "against_first", s.of[c].own, FIRST_MOMENTS, FIRST_MOMENTS, 0, FIRST_MOST_DB);
    }
    if (i < r->n)
        r->scene[i] = s;
}

static int log_scene(const struct first_run *r, int i, struct err *e)
{
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    first_write_scene(r, i, &j);
    buf_putc(&out, '\n');
    int rc = film_log_add(r->log, &out, e);
    buf_release(&out);
    return rc;
}

/* ---- one scene ---- */

static int through_codec(struct first_run *r, int i, const struct clip *c, struct err *e)
{
    size_t frame = (size_t)c->w * (size_t)c->h * 3;
    uint8_t *back = xmalloc(frame * (size_t)c->n_frames);
    struct first_scene *s = &r->scene[i];
    int rc = round_trip_film(&r->codec, c->rgb, c->w, c->h, 1, back, e);

    if (!rc) {
        s->codec_alone = first_frame_psnr(back, c->rgb, c->w, c->h);
        rc = round_trip_film(&r->codec, c->rgb, c->w, c->h, c->n_frames, back, e);
    }
    if (!rc)
        first_frame_look(&s->of[SCORE_CODEC], back, c->rgb, c->w, c->h, c->n_frames);
    free(back);
    return rc;
}

static int draw(struct first_run *r, int i, const struct clip *c, const char *picture,
                const char *caption, struct caught *out, struct err *e)
{
    struct measure_args a = *r->args;
    char frames[16], size[32];
    int seed = (int)(r->seed + i), rc;

    snprintf(frames, sizeof frames, "%d", c->n_frames);
    snprintf(size, sizeof size, "%dx%d", c->w, c->h);
    a.frames = frames;
    a.size = size;
    a.given = picture;
    rc = measure_generate(&a, r->model, caption, seed, out, e);
    if (rc == ERR_USAGE) { /* of a film that loses its picture, or of a setting: then once more */
        r->scene[i].refused = 1;
        a.force = "yes";
        rc = measure_generate(&a, r->model, caption, seed, out, e);
    }
    return rc ? rc : measure_caught_fits(out, c, e);
}

static int through_model(struct first_run *r, int i, const struct clip *c, const char *caption,
                         struct err *e)
{
    char *picture = xasprintf("%s/%03d-given.ppm", r->dir, i);
    char *film = measure_film_name(r->dir, i);
    struct picture first = {c->w, c->h, c->rgb};
    struct caught out = {0};
    int rc = picture_save(&first, picture, e);

    if (!rc)
        rc = draw(r, i, c, picture, caption, &out, e);
    if (!rc)
        first_frame_look(&r->scene[i].of[SCORE_MODEL], out.rgb, c->rgb, c->w, c->h, c->n_frames);
    if (!rc && r->args->out)
        rc = measure_write_film(film, &out, out.n, r->fps, 0, caption, e);
    if (!r->args->out)
        unlink(picture);
    free(out.rgb);
    free(film);
    free(picture);
    return rc;
}

static int run_scene(void *user, int i, struct err *e)
{
    struct first_run *r = user;
    int end = first_on_end(r, i), w = end ? r->h : r->w, h = end ? r->w : r->h, rc = 0;
    const struct worlds *world = &r->world[first_world(r, i)];
    struct buf caption = BUF_INIT;
    struct world_scene scene;
    struct clip c;

    worlds_sample(world, &scene, (uint64_t)SEED << 32 | (uint64_t)r->seed,
                  (uint64_t)(i / (FIRST_SHAPES * r->n_worlds)), (double)w / h);
    scene.world->caption(scene.state, &caption);
    scene.world->render(scene.state, w, h, r->frames, r->fps, &c);
    r->scene[i] = (struct first_scene){0};
    first_frame_look(&r->scene[i].of[SCORE_RENDERS], c.rgb, c.rgb, w, h, c.n_frames);
    if (first_has(r, SCORE_CODEC))
        rc = through_codec(r, i, &c, e);
    if (!rc && first_has(r, SCORE_MODEL))
        rc = through_model(r, i, &c, buf_str(&caption), e);
    clip_release(&c);
    buf_release(&caption);
    r->scene[i].done = !rc;
    return rc ? rc : log_scene(r, i, e);
}

/* ---- the whole ---- */

/* What an earlier call knows of its films. */
static int open_log(struct first_run *r, struct err *e)
{
    char *path = path_join(r->dir, "scenes.jsonl"), *settings = settings_of(r);
    int rc = film_log_open(&r->log, path, settings, read_scene, r, e);

    free(settings);
    free(path);
    return rc;
}

static int read_numbers(struct first_run *r, struct err *e)
{
    const struct measure_args *a = r->args;
    int64_t n = FRAMES;

    if (a->size)
        return err_set(e, ERR_USAGE,
                       "--first-frame films at the size of the model, without --size");
    if (a->frames &&
        (parse_int(a->frames, &n) || n < FIRST_LEAST_FRAMES || n > MOST_FRAMES || n % 4 != 1))
        return err_set(e, ERR_USAGE, "--frames is \"%s\", --first-frame takes 5, 9 .. 41",
                       a->frames);
    if (a->seed && (parse_int(a->seed, &r->seed) || r->seed < 0 || r->seed > MOST_SEED))
        return err_set(e, ERR_USAGE, "--seed is \"%s\", allowed are 0 to %d", a->seed, MOST_SEED);
    r->frames = (int)n;
    r->n = a->count ? (int)a->count : SCENES;
    r->scene = xcalloc((size_t)r->n, sizeof *r->scene);
    return 0;
}

static int open_run(struct first_run *r, struct err *e)
{
    const struct measure_args *a = r->args;
    struct bundle_info info;
    struct worlds all;
    int rc = read_numbers(r, e);

    if (rc || (rc = measure_threads(&r->threads, a, e)) ||
        (rc = e->code = zt_model_open(&r->model, a->model, e->msg, sizeof e->msg)))
        return rc;
    const char *dir = zt_model_get(r->model, "path");
    if ((rc = bundle_info_read(&info, dir, e)) ||
        (rc = round_trip_open(&r->codec, dir, r->threads, e)))
        return rc;
    r->w = info.width;
    r->h = info.height;
    r->fps = info.frame_rate;
    measure_worlds(&all, info.worlds);
    for (r->n_worlds = 0; r->n_worlds < all.n; r->n_worlds++)
        r->world[r->n_worlds] = (struct worlds){1, {all.part[r->n_worlds]}};
    if ((rc = measure_folder(&r->dir, a, e)))
        return rc;
    return a->out ? open_log(r, e) : 0;
}

static void close_run(struct first_run *r)
{
    if (r->codec.part.is)
        round_trip_close(&r->codec);
    film_log_close(&r->log);
    measure_folder_done(&r->dir, r->args);
    free(r->scene);
    threads_free(&r->threads);
    zt_model_free(&r->model);
}

static int is_done(const void *user, int i)
{
    const struct first_run *r = user;

    return r->scene[i].done;
}

int measure_first_frame(const struct measure_args *a, struct err *e)
{
    struct first_run r = {.args = a};
    int rc;

    *e = (struct err){0};
    film_quiet();
    cmd_catch_signals();
    rc = open_run(&r, e);
    if (!rc)
        rc = measure_each("first frames", r.n, is_done, run_scene, &r, e);
    if (!rc)
        (a->json ? first_print_json : first_print)(&r);
    close_run(&r);
    return rc;
}
