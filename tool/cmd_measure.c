/* zoetrope measure: what is to be seen in films, and how often it is what was asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "cmd.h"
#include "format/json.h"
#include "measure/codec.h"
#include "measure/shape.h"
#include "measure_run.h"
#include "media/film.h"
#include "world/world.h"

#define THE_LIST "configs/prompts-200.txt"

static const char HELP[] =
    "usage: zoetrope measure FILM... [--expect \"red ball right\"] [--against FILM] [--json]\n"
    "       zoetrope measure --joins FILM... [--at FRAMES] [--json]\n"
    "       zoetrope measure --camera FILM... [--request \"pan left, zoom in 3\"] [--json]\n"
    "       zoetrope measure [--prompts FILE] [--model DIR] [--out DIR] [options]\n"
    "\n"
    "Says from the pixels which colour, shape and direction the main moving object of a film has.\n"
    "Without films it generates every sentence of a list (seed = its number, no second tries) and\n"
    "counts how often all three are right; beside it stand true renders of the same facts, the "
    "same\n"
    "through the model's codec, and the model's films held against other sentences.\n"
    "\n"
    "      --expect WORDS    what FILM should show; exit status 1 when it does not\n"
    "      --against FILE    also how far each FILM is from this one: the PSNR of all pixels\n"
    "      --joins           how the windows of each FILM go together: what changes in colour,\n"
    "                        brightness (L*), sharpness and motion within half a second, what "
    "drifts\n"
    "                        over the film, and how long nothing moves\n"
    "      --at LIST         frames that begin a window, like 41,73 (those of the recipe)\n"
    "      --camera          pan, tilt, zoom and roll of each FILM, in the units of generate "
    "--camera,\n"
    "                        beside what its recipe asked for, and beside the truth where "
    "`zoetrope\n"
    "                        world` wrote it (NAME.json)\n"
    "      --request WORDS   what the camera should do; exit status 1 when it does not\n"
    "      --prompts FILE    the list (" THE_LIST ")\n"
    "      --count N         only the first N sentences\n"
    "      --columns LIST    some of renders,codec,model (all)\n"
    "      --model DIR       a model's name or folder (the default model)\n"
    "      --steps N, --guidance X, --guidance-from X, --guidance-to X, --sampler S, --shift X,\n"
    "      --stagger X, --frames N, --type T, --device D, --threads N:\n"
    "                        as of generate\n"
    "      --out DIR         keep the films and films.jsonl; a second call goes on with them\n"
    "      --json            results as JSON\n"
    "      --exchange        instead of a list: of captions with two things, and the same with the "
    "things\n"
    "                        exchanged, films of the same seed (--count pairs, 16): how many "
    "differ\n"
    "      --pictures        instead of a list: what codec and upsamplers do to scenes of all "
    "worlds of "
    "the\n"
    "                        model (--count, 24; --frames, 9; --size of the film, twice the drawn "
    "one):\n"
    "                        PSNR, how many times as wide edges are as in renders, pictures "
    "between pictures\n"
    "      --stories         instead of a list: sentences about the world of stories (--count, 96) "
    "before\n"
    "                        networks that are first trained on renders, in six minutes, and kept: "
    "who,\n"
    "                        where, which colour ...; --out keeps a page, report.html, with strips "
    "of "
    "the films\n"
    "      --press           the same for the six prompts of the press, each in both languages, in "
    "its\n"
    "                        own words and others (--count ways, 2), in 16:9 and 9:16, and seven "
    "figures of\n"
    "                        each film beside those of renders of the same words\n"
    "      --velocity        instead of a list: films of a ball that go on from its first 5 true "
    "frames\n"
    "                        (--count, 16; --frames, 25): how far their velocity is from the true "
    "one, as\n"
    "                        phyworld judges it; beside renders, codec, a ball that stops and one "
    "that\n"
    "                        goes on evenly; --columns chooses, --out keeps the films\n"
    "      --first-frame     instead of a list: films that are given the first picture of a scene "
    "of each\n"
    "                        world (--count, 24; --frames, 17; --seed, other scenes): PSNR of "
    "their "
    "first\n"
    "                        frame beside that of the codec alone, and how they go on, in "
    "landscape "
    "and on\n"
    "                        end; --columns chooses, --out keeps films and pictures\n"
    "      --seed N          of the scenes and films of --first-frame (0)\n"
    "      --fit N           fit the shape table to N renders, write it to stdout, and stop\n"
    "\n"
    "Sentences: `colour shape direction`, a tab, the words. Directions: right left toward away.\n"
    "\n"
    "examples:\n"
    "  zoetrope measure video.mp4 --expect \"red ball right\"\n"
    "  zoetrope measure --first-frame --count 8 --out runs/first\n"
    "\n"
    "exit status: 0 ok, 1 not as expected, 2 usage, 3 bad model or list, 4 cannot read or write,\n"
    "             130 interrupted; a run with --out then goes on where it stopped\n";

static int parse_columns(struct measure_args *a, const char *list)
{
    memset(a->column, 0, sizeof a->column);
    for (const char *at = list; *at;) {
        size_t len = strcspn(at, ",");
        int known = 0;

        for (int c = 0; c < SCORE_COLUMNS; c++) {
            const char *name = score_column_name(c);

            if (strlen(name) == len && !memcmp(name, at, len))
                known = a->column[c] = 1;
        }
        if (!known)
            return cmd_usage("measure", "--columns is \"%s\", it lists renders, codec, model",
                             list);
        at += len + (at[len] == ',');
    }
    return 0;
}

static int parse_count(const char *name, const char *value, int64_t *out)
{
    if (parse_int(value, out) || *out < 1 || *out > WISH_MAX)
        return cmd_usage("measure", "%s is \"%s\", allowed are 1 to %d", name, value, WISH_MAX);
    return 0;
}

static int parse_option(struct measure_args *a, const char *name, const char *value)
{
    const struct {
        const char *name;
        const char **value;
    } texts[] = {{"--expect", &a->expect},
                 {"--prompts", &a->prompts},
                 {"--model", &a->model},
                 {"--steps", &a->steps},
                 {"--frames", &a->frames},
                 {"--type", &a->type},
                 {"--guidance", &a->guidance},
                 {"--guidance-from", &a->guidance_from},
                 {"--guidance-to", &a->guidance_to},
                 {"--sampler", &a->sampler},
                 {"--shift", &a->shift},
                 {"--stagger", &a->stagger},
                 {"--threads", &a->threads},
                 {"--out", &a->out},
                 {"--device", &a->device},
                 {"--against", &a->against},
                 {"--size", &a->size},
                 {"--seed", &a->seed},
                 {"--at", &a->at},
                 {"--request", &a->request}};

    static const char *const others[] = {"--count", "--fit", "--columns", NULL};

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (!strcmp(name, texts[i].name)) {
            *texts[i].value = value;
            return value ? 0 : cmd_usage("measure", "%s wants a value", name);
        }
    }
    int rc = cmd_check_option("measure", name, value, others);
    if (rc)
        return rc;
    if (!strcmp(name, "--columns"))
        return parse_columns(a, value);
    return parse_count(name, value, !strcmp(name, "--fit") ? &a->fit : &a->count);
}

/* psnr: of the film against another one, or negative. */
static void print_sight(const char *path, const struct sight *s, double psnr, int json)
{
    char name[64];

    wish_name(name, sizeof name, s->color, s->shape, s->direction);
    if (!json) {
        printf("%s: %s  (shape %.0f %%, seen in %.0f %% of the frames, %.1f %% of the picture, "
               "across %+.2f, down %+.2f, growth %+.2f)",
               path, s->color ? name : "nothing moves", 100 * s->shape_p, 100 * s->seen,
               100 * s->area, s->across, s->down, s->growth);
        if (psnr >= 0)
            printf("  PSNR %.2f dB", psnr);
        putchar('\n');
        return;
    }
    struct buf out = BUF_INIT;
    struct jsonw j;

    jsonw_init(&j, &out, 0);
    jsonw_object(&j, NULL);
    jsonw_string(&j, "film", path);
    jsonw_string(&j, "seen", name);
    jsonw_real(&j, "shape_p", s->shape_p);
    jsonw_real(&j, "share_seen", s->seen);
    jsonw_real(&j, "area", s->area);
    jsonw_real(&j, "across", s->across);
    jsonw_real(&j, "down", s->down);
    jsonw_real(&j, "growth", s->growth);
    jsonw_real(&j, "flicker", s->flicker);
    if (psnr >= 0)
        jsonw_real(&j, "psnr", psnr);
    jsonw_end_object(&j);
    puts(buf_str(&out));
    buf_release(&out);
}

static int compare(const struct film *a, const struct film *b, const char *path, double *psnr,
                   struct err *e)
{
    size_t n = (size_t)a->n * (size_t)a->w * (size_t)a->h * 3;
    double sum = 0;

    if (a->w != b->w || a->h != b->h || a->n != b->n)
        return err_set(e, ERR_USAGE, "--against: %s has %d frames of %dx%d, the film %d of %dx%d",
                       path, b->n, b->w, b->h, a->n, a->w, a->h);
    for (size_t i = 0; i < n; i++)
        sum += ((double)a->rgb[i] - b->rgb[i]) * ((double)a->rgb[i] - b->rgb[i]);
    *psnr = codec_psnr(sum, (double)n);
    return 0;
}

/* What is looked for are bodies of physics, which are seen in films of other worlds as well. */
static void note_world(const char *path, const struct film *f)
{
    struct jdoc *doc;
    const struct world *w;
    const char *prompt;

    if (!f->comment || jdoc_parse(&doc, f->comment, strlen(f->comment), path, NULL))
        return;
    prompt = j_string_or(jdoc_root(doc), "prompt", "");
    w = world_meant(prompt, ~0u);
    if (w && strcmp(w->name, "physics") && *prompt)
        fprintf(stderr,
                "note: %s was drawn by words of the world \"%s\"; balls, boxes, cones and "
                "cylinders are looked for here, --stories judges others\n",
                path, w->name);
    jdoc_close(&doc);
}

static int measure_films(const struct measure_args *a, char **films, int n)
{
    struct wish wish = {0};
    struct err e;
    int status = 0;

    if (a->expect && wish_parse(&wish, a->expect, strlen(a->expect), &e))
        return cmd_usage("measure", "--expect: %s", e.msg);
    film_quiet();
    struct film other = {0};
    if (a->against && film_read(&other, a->against, NULL, &e))
        return cmd_fail(&e);
    for (int i = 0; i < n; i++) {
        struct film f;
        struct sight s;
        double psnr = -1;

        if (film_read(&f, films[i], NULL, &e))
            return cmd_fail(&e);
        if (f.n)
            sight_film(f.rgb, f.w, f.h, f.n, &s);
        else
            s = (struct sight){0};
        note_world(films[i], &f);
        int rc = a->against ? compare(&f, &other, a->against, &psnr, &e) : 0;
        film_release(&f);
        if (rc) {
            film_release(&other);
            return cmd_fail(&e);
        }
        print_sight(films[i], &s, psnr, a->json);
        if (!wish_met(&wish, &s))
            status = -ERR_CHECK;
    }
    film_release(&other);
    return status;
}

static int fit_table(int64_t n)
{
    struct buf out = BUF_INIT;
    double right = shape_fit((int)n, &out);

    fputs(buf_str(&out), stdout);
    fprintf(stderr, "%.2f %% of the patches are judged right\n", 100 * right);
    buf_release(&out);
    return 0;
}

static int parse_flag(struct measure_args *a, const char *name)
{
    const struct {
        const char *name;
        int *to;
    } flags[] = {
        {"--json", &a->json},     {"--exchange", &a->exchange}, {"--pictures", &a->pictures},
        {"--joins", &a->joins},   {"--stories", &a->stories},   {"--press", &a->press},
        {"--camera", &a->camera}, {"--velocity", &a->velocity}, {"--first-frame", &a->first_frame}};

    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        if (!strcmp(name, flags[i].name))
            return *flags[i].to = 1;
    return 0;
}

int cmd_measure(int argc, char **argv)
{
    struct measure_args a = {.prompts = THE_LIST, .column = {1, 1, 1}};
    struct err e;
    int n_films = 0;

    for (int i = 1; i < argc; i++) {
        int rc;

        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(HELP, stdout);
            return 0;
        }
        if (parse_flag(&a, argv[i]))
            continue;
        if (argv[i][0] != '-') {
            argv[1 + n_films++] = argv[i]; /* films move to the front */
            continue;
        }
        rc = parse_option(&a, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
        if (rc)
            return rc;
        i++;
    }
    if (a.fit)
        return fit_table(a.fit);
    if ((a.joins || a.camera) && !n_films)
        return cmd_usage("measure", "%s wants films", a.joins ? "--joins" : "--camera");
    for (int i = 0; (a.joins || a.camera) && i < n_films; i++)
        if ((a.joins ? measure_joins : measure_camera)(&a, argv[1 + i], &e))
            return cmd_fail(&e);
    if (a.joins || a.camera)
        return 0;
    if ((a.velocity || a.first_frame) && n_films)
        return cmd_usage("measure", "--%s renders its own films, it takes none",
                         a.velocity ? "velocity" : "first-frame");
    if (a.seed && !a.first_frame)
        return cmd_usage("measure", "--seed wants --first-frame");
    if (a.request)
        return cmd_usage("measure", "--request wants --camera");
    if (n_films)
        return measure_films(&a, argv + 1, n_films);
    if (a.expect || a.against)
        return cmd_usage("measure", "--%s wants films", a.expect ? "expect" : "against");
    if (a.velocity)
        return measure_velocity(&a, &e) ? cmd_fail(&e) : 0;
    if (a.first_frame)
        return measure_first_frame(&a, &e) ? cmd_fail(&e) : 0;
    if (a.exchange)
        return measure_exchange(&a, &e) ? cmd_fail(&e) : 0;
    if (a.stories || a.press)
        return measure_stories(&a, &e) ? cmd_fail(&e) : 0;
    if (a.pictures)
        return measure_pictures(&a, &e) ? cmd_fail(&e) : 0;
    if (a.size)
        return cmd_usage("measure", "--size wants --pictures");
    if (!strcmp(a.prompts, THE_LIST) && !file_exists(THE_LIST))
        return cmd_usage("measure", THE_LIST " is a file of the source, and is not here; --prompts "
                                             "FILE names a list");
    return measure_list(&a, &e) ? cmd_fail(&e) : 0;
}
