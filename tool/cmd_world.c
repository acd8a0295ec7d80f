/* zoetrope world: clips of the worlds that models learn from, with captions and ground truth. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/jsonw.h"
#include "base/progress.h"
#include "base/rng.h"
#include "base/utf8.h"
#include "cmd.h"
#include "generate/options.h"
#include "media/film.h"
#include "world_sheet.h"

static const char HELP[] =
    "zoetrope world -n N -o DIR [options]\n"
    "zoetrope world -n N --captions\n"
    "zoetrope world --sheet FILE.png [options]\n\n"
    "Writes DIR/SEED.mp4 and DIR/SEED.json: a clip of a world that models learn from, what is "
    "seen\n"
    "in it, captions in both languages, and where everything is at every frame.\n\n"
    "  --world NAME    which world (default physics); --list names them\n"
    "  -n N            how many clips (default 4)\n"
    "  -o DIR          where to (made when missing)\n"
    "  --seed N        seed of the first clip; the next ones count up (default 0)\n"
    "  --size WxH      pixels, even (default 448x256)\n"
    "  --frames N      length in pictures (default 41)\n"
    "  --fps N         pictures per second (default 8)\n"
    "  -p TEXT         scenes in which this is true, in everyday English or Chinese\n"
    "  --format EXT    mp4, y4m, or png for folders of pictures (default: mp4 where FFmpeg is)\n"
    "  --captions      draw nothing, print the captions of the scenes\n"
    "  --sheet FILE    one picture instead of clips: a row for every kind of scene, time to the\n"
    "                  right; with -n or -p a row per seed (pictures of 224x128 unless --size)\n"
    "  --columns N     pictures in a row of the sheet (default 6)\n"
    "  -y              overwrite\n\n"
    "examples: zoetrope world -n 4 -o clips\n"
    "          zoetrope world -n 2 -o clips -p \"a blue box falls\" --seed 10\n"
    "          zoetrope world --world physics --sheet sheet.png\n";

struct args {
    const struct world *world;
    const char *out, *prompt, *format, *sheet;
    int64_t n, seed, frames, fps, columns; /* n, w: 0 until said */
    int w, h, captions, overwrite, list;
};

static int parse_number(int64_t *out, const char *name, const char *value, int64_t lo, int64_t hi)
{
    if (parse_int(value, out) || *out < lo || *out > hi)
        return cmd_usage("world", "%s \"%s\" is not allowed: %lld to %lld", name, value,
                         (long long)lo, (long long)hi);
    return 0;
}

static void list_worlds(FILE *to, const char *between)
{
    for (int i = 0; world_at(i); i++)
        fprintf(to, "%s%s", i ? between : "", world_at(i)->name);
}

static int parse_world(struct args *a, const char *value)
{
    if ((a->world = world_named(value)))
        return 0;
    cmd_usage("world", "there is no world \"%s\"", value);
    fputs("  there are: ", stderr);
    list_worlds(stderr, ", ");
    fputs("\n", stderr);
    return EXIT_USAGE;
}

static int parse_value(struct args *a, const char *s, const char *value)
{
    if (!strcmp(s, "--world"))
        return parse_world(a, value);
    if (!strcmp(s, "-n"))
        return parse_number(&a->n, s, value, 1, 1000000);
    if (!strcmp(s, "--seed"))
        return parse_number(&a->seed, s, value, 0, 1ll << 53);
    if (!strcmp(s, "--frames"))
        return parse_number(&a->frames, s, value, 1, 2000);
    if (!strcmp(s, "--fps"))
        return parse_number(&a->fps, s, value, 1, 240);
    if (!strcmp(s, "--size")) {
        if (parse_size(value, &a->w, &a->h))
            return cmd_usage("world", "--size \"%s\" is not allowed: %s", value,
                             "WxH, 16x16 to 8192x8192, even");
    } else if (!strcmp(s, "--format")) {
        if (strcmp(value, "mp4") && strcmp(value, "y4m") && strcmp(value, "png"))
            return cmd_usage("world", "--format \"%s\" is not allowed: mp4, y4m, png", value);
        a->format = value;
    } else if (!strcmp(s, "--columns")) {
        return parse_number(&a->columns, s, value, 1, 100);
    } else if (!strcmp(s, "--sheet")) {
        a->sheet = value;
    } else {
        *(s[1] == 'o' ? &a->out : &a->prompt) = value;
    }
    return 0;
}

static int parse(struct args *a, int argc, char **argv)
{
    static const char *const with_value[] = {"-n",      "--seed",   "--frames", "--fps",
                                             "--size",  "--format", "-o",       "-p",
                                             "--world", "--sheet",  "--columns"};

    for (int i = 1; i < argc; i++) {
        const char *s = argv[i];
        int known = 0;
        for (size_t k = 0; k < sizeof with_value / sizeof *with_value; k++)
            known |= !strcmp(s, with_value[k]);
        if (known && i + 1 == argc)
            return cmd_usage("world", "%s wants a value", s);
        if (known && parse_value(a, s, argv[++i]))
            return EXIT_USAGE;
        if (!strcmp(s, "--captions"))
            a->captions = 1;
        else if (!strcmp(s, "--list"))
            a->list = 1;
        else if (!strcmp(s, "-y"))
            a->overwrite = 1;
        else if (!known)
            return cmd_usage("world", "no option %s", s);
    }
    if (a->prompt && !a->world->read)
        return cmd_usage("world", "-p: the world %s reads no prompts", a->world->name);
    if (!a->out && !a->captions && !a->list && !a->sheet)
        return cmd_usage("world", "-o DIR says where the clips go");
    if (a->sheet && a->n > 1000)
        return cmd_usage("world", "--sheet has at most 1000 rows");
    if (!a->w) {
        a->w = a->sheet ? 224 : 448;
        a->h = a->sheet ? 128 : 256;
    }
    return 0;
}

/* The words that the world does not know go to `unknown`, which may be NULL. */
static void make_scene(const struct args *a, uint64_t seed, struct world_scene *s,
                       struct buf *unknown)
{
    double aspect = (double)a->w / a->h;

    memset(s, 0, sizeof *s);
    s->world = a->world;
    if (a->prompt)
        a->world->read(s->state, a->prompt, seed, aspect, unknown);
    else
        a->world->sample(s->state, seed, NULL, aspect);
}

static void say_unknown(const struct args *a)
{
    struct buf words = BUF_INIT;
    struct world_scene s;

    make_scene(a, 0, &s, &words);
    if (words.len) {
        fputs("words that the world does not know: ", stderr);
        cmd_put_text(stderr, buf_str(&words));
        fputs("\n", stderr);
    }
    buf_release(&words);
}

static void print_captions(const struct world_scene *s, uint64_t seed)
{
    struct buf b = BUF_INIT;
    struct rng r;

    rng_init(&r, seed, 0);
    s->world->caption(s->state, &b);
    for (enum lang lang = 0; lang < LANG_COUNT; lang++) {
        buf_putc(&b, '\t');
        s->world->everyday(s->state, lang, &r, &b);
    }
    printf("%llu\t%s\n", (unsigned long long)seed, buf_str(&b));
    buf_release(&b);
}

static int write_film(const struct args *a, const struct clip *c, const char *base, struct err *e)
{
    int png = !strcmp(a->format, "png");
    char *path = xasprintf("%s%s%s", base, png ? "" : ".", png ? "/" : a->format);
    struct film_options o = {.w = c->w,
                             .h = c->h,
                             .fps_num = (int)a->fps,
                             .fps_den = 1,
                             .crf = 18,
                             .overwrite = a->overwrite};
    struct film_writer *f;
    int rc = film_open(&f, path, &o, e);

    for (int i = 0; !rc && i < c->n_frames; i++)
        rc = film_write(f, c->rgb + (size_t)i * (size_t)c->w * (size_t)c->h * 3, e);
    if (rc)
        film_abort(&f);
    else
        rc = film_finish(&f, e);
    free(path);
    return rc;
}

static int write_clip(const struct args *a, const struct world_scene *s, uint64_t seed,
                      struct err *e)
{
    char *base = xasprintf("%s/%llu", a->out, (unsigned long long)seed);
    char *truth = xasprintf("%s.json", base);
    struct buf b = BUF_INIT;
    struct jsonw w;
    struct clip c;

    s->world->render(s->state, a->w, a->h, (int)a->frames, (double)a->fps, &c);
    jsonw_init(&w, &b, 1);
    s->world->truth(&w, NULL, s->state, &c);
    buf_putc(&b, '\n');
    int rc = write_film(a, &c, base, e);
    if (!rc)
        rc = file_write(truth, b.data, b.len, e);
    clip_release(&c);
    buf_release(&b);
    free(base);
    free(truth);
    return rc;
}

/* A row for every family of the world, or, when scenes are asked for, for each of them. */
static int write_sheet(const struct args *a, int families, struct err *e)
{
    int rows = (int)a->n;
    struct world_scene *scene = xcalloc((size_t)rows, sizeof *scene);
    struct sheet s = {
        a->sheet, a->w, a->h, rows, (int)a->columns, (double)(a->frames - 1) / (double)a->fps,
        scene};
    int rc = a->frames < 2 ? err_set(e, ERR_USAGE, "--sheet: --frames must be 2 or more") : 0;

    for (int i = 0; i < rows; i++) {
        uint64_t seed = (uint64_t)(families ? a->seed : a->seed + i);
        const char *name = "";
        scene[i].world = a->world;
        if (families)
            name = a->world->family(scene[i].state, i, seed, (double)a->w / a->h);
        else
            make_scene(a, seed, &scene[i], NULL);
        struct buf text = BUF_INIT;
        a->world->caption(scene[i].state, &text);
        printf("%d\t%s%s%s\n", i + 1, name, *name ? "\t" : "", buf_str(&text));
        buf_release(&text);
    }
    if (!rc)
        rc = sheet_write(&s, e);
    free(scene);
    return rc;
}

static int write_clips(const struct args *a, struct err *e)
{
    struct progress bar;
    progress_start(&bar, stderr, "clips", (long)a->n);
    for (int64_t i = 0; i < a->n && !cmd_stop && !e->code; i++) {
        struct world_scene s;
        uint64_t seed = (uint64_t)(a->seed + i);
        make_scene(a, seed, &s, NULL);
        if (a->captions)
            print_captions(&s, seed);
        else if (!write_clip(a, &s, seed, e))
            progress_step(&bar, (long)i + 1, NULL);
    }
    if (!e->code && !a->captions)
        progress_end(&bar, a->out);
    return e->code;
}

int cmd_world(int argc, char **argv)
{
    struct args a = {.world = world_at(0), .frames = 41, .fps = 8, .columns = 6};
    struct err e = {0};

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    film_quiet();
    a.format = film_default_ending();
    if (parse(&a, argc, argv))
        return EXIT_USAGE;
    if (a.list) {
        list_worlds(stdout, "\n");
        fputs("\n", stdout);
        return EXIT_OK;
    }
    if (!a.captions && !a.sheet && dir_make(a.out, &e))
        return cmd_fail(&e);
    cmd_catch_signals();
    if (a.prompt)
        say_unknown(&a);
    int families = a.sheet && !a.n && !a.prompt;
    a.n = families ? a.world->n_families : a.n ? a.n : 4;
    if (a.sheet ? write_sheet(&a, families, &e) : write_clips(&a, &e))
        return cmd_fail(&e);
    return cmd_stop ? EXIT_INTERRUPTED : EXIT_OK;
}
