/* zoetrope measure --stories and --press: do films show who, where and what the words say? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "base/machine.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "cmd.h"
#include "measure/codec.h"
#include "measure/story_wish.h"
#include "measure_press.h"
#include "measure_report.h"
#include "measure_run.h"
#include "model/bundle.h"
#include "world/story/render.h"
#include "world/story/sample.h"

enum { SENTENCES = 96, PRESS_WAYS = 2, TRUE_FRAMES = 9, SEED = 0x73746f72 };

struct stories {
    const struct measure_args *args;
    struct story_wishes wishes;
    struct probe probe;
    struct round_trip codec;
    struct threads *threads;
    zt_model *model;
    double fps, seconds, films;
    int true_frames;
    struct probe_sight *seen[SCORE_COLUMNS]; /* [wishes.n] */
    struct report *report;                   /* NULL: none is kept */
    struct press *press;                     /* with --press */
};

/* Of the seven axes all frames are looked at, so renders have as many as films. */
static int count_frames(struct stories *s, const struct bundle_info *info, struct err *e)
{
    const struct codec_config *k = &s->codec.codec.config;
    int64_t n = info->frames;

    s->true_frames = TRUE_FRAMES;
    if (!s->args->press)
        return 0;
    if (s->args->frames && (parse_int(s->args->frames, &n) || n < 1 || n > 1000))
        return err_set(e, ERR_USAGE, "--frames is \"%s\", allowed are 1 to 1000", s->args->frames);
    s->true_frames = codec_frames(k, codec_latents(k, (int)n));
    s->press = xcalloc(1, sizeof *s->press);
    return 0;
}

static void write_sentences(struct stories *s, const struct bundle_info *info)
{
    int n = (int)s->args->count;

    if (s->args->press)
        story_wishes_press(&s->wishes, n ? n : PRESS_WAYS, SEED, info->width, info->height);
    else
        story_wishes_sample(&s->wishes, n ? n : SENTENCES, SEED, info->width, info->height);
    for (int c = 0; c < SCORE_COLUMNS; c++)
        s->seen[c] = xcalloc((size_t)s->wishes.n, sizeof *s->seen[c]);
}

static int open_all(struct stories *s, struct err *e)
{
    const struct measure_args *a = s->args;
    struct probe_recipe recipe = probe_recipe_default;
    struct bundle_info info;
    int rc = measure_threads(&s->threads, a, e);

    if (rc)
        return rc;
    if ((rc = e->code = zt_model_open(&s->model, a->model, e->msg, sizeof e->msg)))
        return rc;
    const char *dir = zt_model_get(s->model, "path");
    if ((rc = bundle_info_read(&info, dir, e)) ||
        (rc = round_trip_open(&s->codec, dir, s->threads, e)) || (rc = count_frames(s, &info, e)))
        return rc;
    s->fps = info.frame_rate;
    recipe.w = info.width;
    recipe.h = info.height;
    recipe.fps = info.frame_rate;
    write_sentences(s, &info);
    if (a->out && (rc = report_open(&s->report, a->out, e)))
        return rc;
    return probe_train(&s->probe, &recipe, &s->codec, s->threads, 1, stderr, &cmd_stop, e);
}

static void close_all(struct stories *s)
{
    probe_release(&s->probe);
    if (s->codec.part.is)
        round_trip_close(&s->codec);
    for (int c = 0; c < SCORE_COLUMNS; c++)
        free(s->seen[c]);
    story_wishes_release(&s->wishes);
    report_free(&s->report);
    free(s->press);
    threads_free(&s->threads);
    zt_model_free(&s->model);
}

/* What is seen in film i of a column. ids: where the subject is, NULL where nobody knows. */
static int look(struct stories *s, int i, enum score_column column, const struct caught *c,
                const uint8_t *ids, struct err *e)
{
    const struct story_wish *w = &s->wishes.item[i];
    struct probe_sight *seen = &s->seen[column][i];
    struct axes a;
    int rc = probe_look(&s->probe, c->rgb, c->w, c->h, c->n, s->fps, seen, e);

    if (rc || !s->press)
        return rc;
    axes_look(&a, c->rgb, c->w, c->h, c->n, s->fps, s->threads);
    a.value[AXIS_WORDS] = story_share(w, seen);
    a.value[AXIS_SUBJECT] = seen->likeness;
    if (ids && w->story.facts.subject != STORY_NOBODY && w->story.facts.action != STORY_FLOATS)
        axes_look_at(&a, c->rgb, ids, c->w, c->h, c->n);
    press_add(s->press, w, column, &a);
    return 0;
}

/* The same words filmed for certain: what the probe can tell, and after the codec what a model
 * could show at best. */
static int true_films(struct stories *s, int i, struct err *e)
{
    const struct story_wish *w = &s->wishes.item[i];
    struct clip c;
    int rc;

    if (!s->args->column[SCORE_RENDERS] && !s->args->column[SCORE_CODEC])
        return 0;
    story_render(&w->story, w->w, w->h, s->true_frames, s->fps, &c);
    struct caught film = {c.rgb, c.w, c.h, c.n_frames}, back = film;
    back.rgb = xmalloc((size_t)c.w * (size_t)c.h * 3 * (size_t)c.n_frames);
    rc = look(s, i, SCORE_RENDERS, &film, c.ids, e);
    if (!rc && s->args->column[SCORE_CODEC])
        rc = round_trip_film(&s->codec, c.rgb, c.w, c.h, c.n_frames, back.rgb, e);
    if (!rc && s->args->column[SCORE_CODEC])
        rc = look(s, i, SCORE_CODEC, &back, c.ids, e);
    free(back.rgb);
    clip_release(&c);
    return rc;
}

static int model_film(struct stories *s, int i, struct err *e)
{
    const struct story_wish *w = &s->wishes.item[i];
    struct measure_args a = *s->args;
    struct caught c = {0};
    char size[32];
    double start = clock_s();

    snprintf(size, sizeof size, "%dx%d", w->w, w->h);
    a.size = size;
    int rc = measure_generate(&a, s->model, w->text, w->seed, &c, e);

    s->seconds += clock_s() - start;
    s->films++;
    if (!rc)
        rc = look(s, i, SCORE_MODEL, &c, NULL, e);
    if (!rc && s->report)
        rc = report_film(s->report, i, w, &s->seen[SCORE_MODEL][i], c.rgb, c.w, c.h, c.n, e);
    free(c.rgb);
    return rc;
}

/* ---- figures ---- */

/* Which of the sentences: -1 any. all_facts: not only what they say is judged, but all that is true
 * of the scene, which is known of renders and their codec. */
struct share {
    const char *name;
    int lang, held_out, family, on_end, all_facts;
};

static int belongs(const struct story_wish *w, const struct share *p)
{
    return (p->lang < 0 || (int)w->lang == p->lang) &&
           (p->held_out < 0 || w->held_out == p->held_out) &&
           (p->family < 0 || w->family == p->family) &&
           (p->on_end < 0 || (w->h > w->w) == p->on_end);
}

static struct story_tally tally(const struct stories *s, enum score_column c, const struct share *p)
{
    struct story_tally t = {0};

    for (int i = 0; i < s->wishes.n; i++) {
        struct story_wish w = s->wishes.item[i];

        if (p->all_facts)
            w.said = w.story.facts;
        if (belongs(&w, p))
            story_tally_add(&t, &w, &s->seen[c][i]);
    }
    return t;
}

/* Every film held against every other sentence. */
static struct story_tally shuffled(const struct stories *s)
{
    struct story_tally t = {0};

    for (int i = 0; i < s->wishes.n; i++)
        for (int j = 0; j < s->wishes.n; j++)
            if (i != j)
                story_tally_add(&t, &s->wishes.item[j], &s->seen[SCORE_MODEL][i]);
    return t;
}

static const struct share everything = {"all", -1, -1, -1, -1, 0};
static const struct share all_facts = {"all", -1, -1, -1, -1, 1};

static void say_row(struct buf *out, const char *name, const struct story_tally *t)
{
    buf_printf(out, "%-10s", name);
    for (int k = 0; k < STORY_COUNTS; k++) {
        if (k == STORY_SLOT_CAMERA)
            continue;
        if (t->asked[k] > 0)
            buf_printf(out, " %7.0f%%", 100 * t->right[k] / t->asked[k]);
        else
            buf_puts(out, "       -");
    }
    buf_putc(out, '\n');
}

static void say_head(struct buf *out, const char *name)
{
    buf_printf(out, "%-10s", name);
    for (int k = 0; k < STORY_SLOT_COUNT; k++)
        if (k != STORY_SLOT_CAMERA)
            buf_printf(out, " %8s", story_slot_name(k));
    buf_puts(out, "  who+where+colour\n");
}

static void say_table(const struct stories *s, struct buf *out)
{
    static const struct share parts[] = {
        {"English", LANG_EN, -1, -1, -1, 0}, {"Chinese", LANG_ZH, -1, -1, -1, 0},
        {"as taught", -1, 0, -1, -1, 0},     {"held out", -1, 1, -1, -1, 0},
        {"landscape", -1, -1, -1, 0, 0},     {"portrait", -1, -1, -1, 1, 0}};
    struct story_tally t;

    say_head(out, "the probe"); /* of all facts of the scenes, whatever is said of them */
    for (int c = 0; c < SCORE_MODEL; c++) {
        t = tally(s, c, &all_facts);
        if (s->args->column[c])
            say_row(out, score_column_name(c), &t);
    }
    buf_putc(out, '\n');
    say_head(out, "column");
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        t = tally(s, c, &everything);
        if (s->args->column[c])
            say_row(out, score_column_name(c), &t);
    }
    if (!s->args->column[SCORE_MODEL])
        return;
    t = shuffled(s);
    say_row(out, "shuffled", &t);
    buf_putc(out, '\n');
    say_head(out, "the model");
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        t = tally(s, SCORE_MODEL, &parts[i]);
        if (t.asked[STORY_ALL] > 0)
            say_row(out, parts[i].name, &t);
    }
    for (int f = 0; f < STORY_FAMILY_MIXED && s->args->press; f++) {
        struct share p = {story_family_name(f), -1, -1, f, -1, 0};

        t = tally(s, SCORE_MODEL, &p);
        say_row(out, p.name, &t);
    }
    buf_printf(out, "\n%d films, %.2f s a film\n", s->wishes.n, s->seconds / fmax(s->films, 1));
}

static void json_tally(struct jsonw *j, const char *name, const struct story_tally *t)
{
    jsonw_object(j, name);
    for (int k = 0; k < STORY_COUNTS; k++) {
        if (k == STORY_SLOT_CAMERA || !(t->asked[k] > 0))
            continue;
        jsonw_object(j, k == STORY_ALL ? "all" : story_slot_name(k));
        jsonw_int(j, "asked", (int64_t)t->asked[k]);
        jsonw_real(j, "right", t->right[k] / t->asked[k]);
        jsonw_end_object(j);
    }
    jsonw_end_object(j);
}

static void say_json(const struct stories *s, struct buf *out)
{
    struct jsonw j;
    struct story_tally t;

    jsonw_init(&j, out, 0);
    jsonw_object(&j, NULL);
    jsonw_int(&j, "films", s->wishes.n);
    for (int c = 0; c < SCORE_COLUMNS; c++) {
        t = tally(s, c, &everything);
        if (s->args->column[c])
            json_tally(&j, score_column_name(c), &t);
    }
    jsonw_object(&j, "probe");
    for (int c = 0; c < SCORE_MODEL; c++) {
        t = tally(s, c, &all_facts);
        if (s->args->column[c])
            json_tally(&j, score_column_name(c), &t);
    }
    jsonw_end_object(&j);
    t = shuffled(s);
    if (s->args->column[SCORE_MODEL])
        json_tally(&j, "shuffled", &t);
    for (int k = 0; k < 4 && s->args->column[SCORE_MODEL]; k++) {
        static const char *const names[] = {"english", "chinese", "taught", "held_out"};
        struct share p = everything;

        if (k < 2)
            p.lang = k ? LANG_ZH : LANG_EN;
        else
            p.held_out = k - 2;
        t = tally(s, SCORE_MODEL, &p);
        json_tally(&j, names[k], &t);
    }
    if (s->press)
        press_json(s->press, s->args->column, &j);
    jsonw_real(&j, "seconds_per_film", s->seconds / fmax(s->films, 1));
    jsonw_end_object(&j);
    buf_putc(out, '\n');
}

int measure_stories(const struct measure_args *a, struct err *e)
{
    struct stories s = {.args = a};
    struct buf table = BUF_INIT;
    struct progress bar;
    int rc;

    *e = (struct err){0};
    cmd_catch_signals();
    rc = open_all(&s, e);
    if (!rc)
        progress_start(&bar, stderr, "measure", s.wishes.n);
    for (int i = 0; !rc && i < s.wishes.n; i++) {
        rc = true_films(&s, i, e);
        if (!rc && a->column[SCORE_MODEL])
            rc = model_film(&s, i, e);
        if (!rc && cmd_stop)
            rc = err_set(e, ERR_CANCEL, "interrupted");
        progress_step(&bar, i + 1, NULL);
    }
    if (!rc) {
        progress_end(&bar, NULL);
        say_table(&s, &table);
        if (s.press)
            press_say(s.press, a->column, &table);
        if (s.report)
            rc = report_close(&s.report, buf_str(&table), e);
        if (a->json) {
            buf_clear(&table);
            say_json(&s, &table);
        }
        fputs(buf_str(&table), stdout);
    }
    buf_release(&table);
    close_all(&s);
    return rc;
}
