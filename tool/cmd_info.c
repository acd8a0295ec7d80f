/* zoetrope info: what a model is and knows, or the recipe that a film carries. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "base/machine.h"
#include "cmd.h"
#include "format/json.h"
#include "info_file.h"
#include "kern/cuda/cuda_device.h"
#include "media/film.h"
#include "model/bundle.h"
#include "world/lexicon.h"
#include "world/story/words.h"
#include "zoetrope.h"

static const char HELP[] =
    "zoetrope info [MODEL] [--words | --weights] [--json]\n"
    "zoetrope info FILM [--json]\n"
    "zoetrope info FILE.gguf | FILE.safetensors [--json]\n"
    "zoetrope info --devices [--json]\n\n"
    "Shows a model (a name or a folder; without one, the default model), or the recipe, size and\n"
    "length of a film, or what a file of weights holds and which network it is.\n\n"
    "  --words     the words that the model knows, by what they mean\n"
    "  --weights   every weight: network, name, type in the file, shape\n"
    "  --devices   what can compute here: the CPU and every NVIDIA GPU\n"
    "  --json      as one JSON object\n\n"
    "examples: zoetrope info\n"
    "          zoetrope info --words\n"
    "          zoetrope info ball.mp4\n";

struct args {
    const char *what;
    int words, weights, devices, json;
};

static int parse(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--words"))
            a->words = 1;
        else if (!strcmp(argv[i], "--weights"))
            a->weights = 1;
        else if (!strcmp(argv[i], "--devices"))
            a->devices = 1;
        else if (!strcmp(argv[i], "--json"))
            a->json = 1;
        else if (argv[i][0] == '-')
            return cmd_usage("info", "no option %s", argv[i]);
        else if (a->what)
            return cmd_usage("info", "\"%s\": one thing at a time", argv[i]);
        else
            a->what = argv[i];
    }
    return 0;
}

/* ---- devices ---- */

static int show_devices(int json)
{
    struct buf b = BUF_INIT;
    struct jsonw w;
    char cpu[160], memory[32], gpu[256], libraries[192];
    int n = device_cuda_count();

    format_bytes(memory, sizeof memory, (double)machine_memory_bytes());
    snprintf(cpu, sizeof cpu, "cpu  %d threads, kernels %s, %s", machine_threads(),
             kernels_best()->name, memory);
    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "devices");
    jsonw_string(&w, NULL, cpu);
    if (!json)
        puts(cpu);
    for (int i = 0; i < n; i++) {
        device_cuda_text(i, gpu, sizeof gpu);
        jsonw_string(&w, NULL, gpu);
        if (!json)
            puts(gpu);
    }
    jsonw_end_array(&w);
    if (device_cuda_libraries(libraries, sizeof libraries))
        jsonw_string(&w, "libraries", libraries);
    else
        *libraries = '\0';
    jsonw_end_object(&w);
    if (json)
        puts(buf_str(&b));
    if (!n && !json && device_cuda_text(0, gpu, sizeof gpu))
        puts(gpu);
    if (!json && *libraries)
        printf("libraries  %s\n", libraries);
    buf_release(&b);
    return EXIT_OK;
}

/* ---- films ---- */

/* Anyone may have written the comment of a film. */
static int is_json(const char *text)
{
    struct jdoc *doc;
    int yes = text[0] == '{' && !jdoc_parse(&doc, text, strlen(text), "recipe", NULL);

    if (yes)
        jdoc_close(&doc);
    return yes;
}

static int show_film(const struct args *a)
{
    struct film f;
    struct err e = {0};

    if (film_probe(&f, a->what, &e))
        return cmd_fail(&e);
    double fps = f.fps_num ? (double)f.fps_num / f.fps_den : 0;
    if (a->json) {
        struct buf b = BUF_INIT;
        struct jsonw w;
        jsonw_init(&w, &b, 0);
        jsonw_object(&w, NULL);
        jsonw_int(&w, "width", f.w);
        jsonw_int(&w, "height", f.h);
        jsonw_int(&w, "frames", f.n);
        jsonw_real(&w, "fps", fps);
        if (f.comment && is_json(f.comment))
            jsonw_raw(&w, "recipe", f.comment);
        else
            jsonw_string(&w, "comment", f.comment);
        jsonw_end_object(&w);
        puts(buf_str(&b));
        buf_release(&b);
    } else {
        if (f.n > 1)
            printf("%dx%d, %d frames, %g per second\n", f.w, f.h, f.n, fps);
        else
            printf("%dx%d, one picture\n", f.w, f.h);
        cmd_put_text(stdout, f.comment ? f.comment : "no recipe is stored in it");
        putchar('\n');
    }
    film_release(&f);
    return EXIT_OK;
}

/* ---- models ---- */

static const char *const FACTS[] = {"name",
                                    "description",
                                    "release",
                                    "license",
                                    "path",
                                    "hash",
                                    "parameters",
                                    "weights",
                                    "weight_bytes",
                                    "width",
                                    "height",
                                    "frames",
                                    "frame_rate",
                                    "shown_rate",
                                    "sampler",
                                    "guidance",
                                    "guidance_to_given",
                                    "stagger",
                                    "sharpen",
                                    "fade",
                                    "type",
                                    "text"};

static void show_model(const zt_model *m, int json)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    for (size_t i = 0; i < sizeof FACTS / sizeof *FACTS; i++) {
        if (!json) {
            printf("%-17s ", FACTS[i]);
            cmd_put_text(stdout, zt_model_get(m, FACTS[i]));
            putchar('\n');
        }
        jsonw_string(&w, FACTS[i], zt_model_get(m, FACTS[i]));
    }
    jsonw_end_object(&w);
    if (json)
        puts(buf_str(&b));
    buf_release(&b);
}

static void list_weights(const char *part, const struct weight_set *s)
{
    for (int i = 0; i < s->n; i++) {
        printf("%-13s %-56s %-5s [", part, s->all[i]->name, s->all[i]->stored_name);
        for (int d = 0; d < s->all[i]->rank; d++)
            printf("%s%lld", d ? "," : "", (long long)s->all[i]->dim[d]);
        puts("]");
    }
}

static int show_weights(const zt_model *m)
{
    struct bundle *b;
    struct err e = {0};

    if (bundle_open(&b, zt_model_get(m, "path"), device_cpu(), DT_BF16, NULL, &e))
        return cmd_fail(&e);
    for (int i = 0; i < N_PLACES; i++)
        if (b->part[i].is)
            list_weights(bundle_folder(i), part_weights(&b->part[i]));
    bundle_free(&b);
    return EXIT_OK;
}

/* ---- words ---- */

static void print_forms(const char *list)
{
    const char *at = list, *form;
    int len;

    while ((form = lexicon_next(&at, &len, NULL)))
        printf(" %.*s%s", len, form, *at ? "," : "");
}

/* Words of the world, one line per fact: colour red: red, crimson ... 红色, 红 ... */
static void show_lexicon(void)
{
    int n, last_tag = -1;
    const struct lexicon_entry *l = lexicon(&n);

    for (int i = 0; i < n; i++) {
        if (l[i].tag == TAG_SKIP || l[i].tag == TAG_REFUSE)
            continue;
        int slot = l[i].tag < SLOT_COUNT;
        const char *word = slot ? slot_word(l[i].tag, l[i].value) : NULL;
        if (slot && l[i].tag != last_tag)
            printf("%s\n", slot_name(l[i].tag));
        else if (!slot && last_tag < SLOT_COUNT)
            puts("other words");
        last_tag = l[i].tag;
        printf("  %-10s", word ? word : "");
        for (int lang = 0; lang < LANG_COUNT; lang++)
            if (l[i].form[lang])
                print_forms(l[i].form[lang]);
        putchar('\n');
    }
}

/* The same of stories; what says nothing is left out. */
static void show_story(void)
{
    const struct story_row *row;
    int last = -1;

    for (int i = 0; (row = story_row(i)); i++) {
        int slot = row->fact[0].slot;
        const char *word = story_slot_word(slot, row->fact[0].value);

        if (!word)
            continue;
        if (slot != last)
            printf("%s\n", story_slot_name(slot));
        last = slot;
        printf("  %-10s", word);
        for (int lang = 0; lang < LANG_COUNT; lang++)
            print_forms(row->form[lang]);
        putchar('\n');
    }
}

static int show_words(const zt_model *m)
{
    struct tokenizer *t;
    struct err e = {0};

    if (!strcmp(zt_model_get(m, "text"), "canonical")) {
        if (strstr(zt_model_get(m, "worlds"), "physics"))
            show_lexicon();
        if (strstr(zt_model_get(m, "worlds"), "story"))
            show_story();
        return EXIT_OK;
    }
    char *path = path_join(zt_model_get(m, "path"), "tokenizer");
    int rc = tokenizer_open(&t, path, &e);
    free(path);
    if (rc)
        return cmd_fail(&e);
    for (int i = 0; i < tokenizer_size(t); i++) {
        cmd_put_text(stdout, tokenizer_piece(t, i));
        putchar('\n');
    }
    tokenizer_free(&t);
    return EXIT_OK;
}

/* x.mp4, but not Wan2.1: of a film that is not there it must not be said that it is no model. */
static int ends_as_a_file(const char *path)
{
    const char *dot = strrchr(path, '.');
    size_t n = dot ? strlen(dot) : 0;

    return (n == 4 || n == 5) && isalpha((unsigned char)dot[1]) && !strchr(dot, '/');
}

/* A file, or a folder that holds pictures instead of a model. */
static int is_film(const char *path)
{
    char *recipe = path_join(path, "frame-00000.png");
    int yes =
        (!dir_exists(path) && (file_exists(path) || ends_as_a_file(path))) || file_exists(recipe);

    free(recipe);
    return yes;
}

int cmd_info(int argc, char **argv)
{
    struct args a = {0};
    struct err e = {0};
    zt_model *m;
    int status = EXIT_OK;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    film_quiet();
    if (parse(&a, argc, argv))
        return EXIT_USAGE;
    if (a.devices)
        return show_devices(a.json);
    if (a.what && is_weight_file(a.what))
        return show_weight_file(a.what, a.json, &e) ? cmd_fail(&e) : EXIT_OK;
    if (a.what && is_film(a.what))
        return show_film(&a);
    e.code = zt_model_open(&m, a.what, e.msg, sizeof e.msg);
    if (e.code)
        return cmd_fail(&e);
    if (a.words)
        status = show_words(m);
    else if (a.weights)
        status = show_weights(m);
    else
        show_model(m, a.json);
    zt_model_free(&m);
    return status;
}
