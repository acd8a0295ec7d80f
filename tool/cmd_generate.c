/* zoetrope generate: a prompt becomes a film. Written on the public header. */
#include <glob.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cmd.h"
#include "config.h"
#include "generate_draft.h"
#include "generate_files.h"
#include "generate_many.h"
#include "generate_preview.h"
#include "generate_say.h"
#include "media/film.h"
#include "zoetrope.h"

enum { MAX_SETTINGS = 256, MAX_PROMPT = 65536, MAX_CONFIG = 1 << 20, MAX_VARIANTS = 1000 };

struct args {
    zt_job *job;
    const char *again, *config;
    const char *kept; /* the folder of a job that is gone on with; NULL: a new one */
    char *here;       /* with it, where the command was given */
    struct preview preview;
    struct draft draft;
    const char *name[MAX_SETTINGS], *value[MAX_SETTINGS]; /* as given, in order */
    char *text, *shots;                                   /* of files that were read */
    struct files files;
    struct many many;
    int64_t variants;
    int n, json, verbose, help;
};

/* The value of an option that may stand without one; NULL: it has to have one, or has. */
static const char *value_alone(const char *name, const char *next)
{
    if (!strcmp(name, "label"))
        return "zh";
    if (strcmp(name, "expand") ||
        (next && (!strcmp(next, "rules") || !strcmp(next, "no") || strstr(next, "://"))))
        return NULL;
    return "rules";
}

static void show_help(void)
{
    struct zt_option o;

    puts("zoetrope generate -p TEXT | @FILE | - [options]\n"
         "zoetrope \"a prompt of several words\" [options]\n\n"
         "Draws what the prompt says, in English or Chinese. While it runs the film is\n"
         "NAME.part.mp4, which plays at any moment; when it is complete it becomes NAME.mp4.\n"
         "The memory of the forecast is the most that the program will have resident (as in top),\n"
         "mapped weights and the film's encoder counted, what lies on a GPU not.\n");
    for (int i = 0; !zt_option_info(i, &o, sizeof o); i++) {
        int flag = !strcmp(o.type, "flag");
        char letter[8] = "    ", left[64];
        if (o.letter)
            snprintf(letter, sizeof letter, "-%c, ", o.letter);
        snprintf(left, sizeof left, "%s--%s%s", letter, o.name,
                 flag                        ? ""
                 : value_alone(o.name, NULL) ? "[=X]"
                                             : " X");
        printf("  %-24s %s\n", left, o.help);
        if (*o.range || (*o.fallback && !flag))
            printf("  %-24s   (%s%s%s%s)\n", "", o.range, *o.range && *o.fallback ? "; " : "",
                   *o.fallback ? "default: " : "", o.fallback);
    }
    files_help();
    puts(
        "      --config FILE        settings as JSON: {\"zoetrope\": 1, \"prompt\": \"...\", "
        "...},\n"
        "                           instead of the user's (zoetrope config)\n"
        "      --again FILE         once more from the recipe that is stored in a film\n"
        "      --from-draft FILE    the film that a film of --draft showed, and how well it did\n"
        "      --prompts FILE       many films, the model loaded once: a line of FILE is a JSON\n"
        "                           object like {\"prompt\": \"...\", \"output\": \"a.mp4\", "
        "\"seed\": 7};\n"
        "                           what it does not say is as on the command line\n"
        "      --skip-existing      with --prompts and -b: films that are there and whole are "
        "passed "
        "over\n"
        "      --preview[=WAY]      what each step of drawing promises, in the terminal: sixel, "
        "kitty,\n"
        "                           blocks, or as a file that is written over (.png, .jpg, .webp, "
        ".ppm)\n"
        "      --json               progress as JSON lines; the last line has every figure\n"
        "  -b, --variants N         N films of seeds that follow each other, NAME-1.mp4 and so on\n"
        "  -v, --verbose            how windows of a long film go together, and what drifts\n\n"
        "examples:\n"
        "  zoetrope generate -p \"a red ball rolls from left to right\" -o ball.mp4\n"
        "  zoetrope generate -p 一个红球从左边滚来，撞上蓝色方块 --seed 7 --size native\n"
        "  zoetrope generate --shots shots.json -o story.mp4\n"
        "  zoetrope generate -p @prompt.txt --seconds 3 -o - | ffplay -\n"
        "  zoetrope generate --again ball.mp4 -o again.mp4\n"
        "  zoetrope generate --prompts films.jsonl --size native --skip-existing");
}

/* ---- reading the command line ---- */

static int remember(struct args *a, const char *name, const char *value, struct err *e)
{
    if (a->n == MAX_SETTINGS)
        return err_set(e, ERR_USAGE, "more than %d options", MAX_SETTINGS);
    for (int i = 0; i < a->n && !strcmp(name, "prompt"); i++)
        if (!strcmp(a->name[i], name))
            return err_set(
                e, ERR_USAGE,
                "a second prompt, \"%.60s\"; all words of a prompt stand inside one "
                "pair of quotes, and a label of your own behind =, as --label=\"ACME AI\"",
                value);
    a->name[a->n] = name;
    a->value[a->n++] = value;
    return 0;
}

/* -p TEXT, @FILE or -: the words themselves. One newline at the end of a file is not part of them.
 */
static int set_prompt(struct args *a, const char *value, struct err *e)
{
    struct buf text = BUF_INIT;
    const char *path = value[0] == '@' ? value + 1 : "-";

    if (value[0] != '@' && strcmp(value, "-"))
        return remember(a, "prompt", value, e);
    int rc = file_read(&text, path, MAX_PROMPT, e);
    if (rc == ERR_FORMAT)
        rc = err_set(e, ERR_USAGE, "prompt: %s", e->msg);
    if (!rc && text.len && text.data[text.len - 1] == '\n')
        text.data[--text.len] = 0;
    if (!rc && text.len && text.data[text.len - 1] == '\r')
        text.data[--text.len] = 0;
    if (!rc && strlen(buf_str(&text)) != text.len)
        rc = err_set(e, ERR_USAGE, "prompt: %s holds a zero byte", path);
    if (!rc) {
        char *words = xstrdup(buf_str(&text));
        rc = remember(a, "prompt", words, e);
        if (rc)
            free(words);
        else
            a->text = words;
    }
    buf_release(&text);
    return rc;
}

/* --shots FILE, - or the list itself. */
static int set_shots(struct args *a, const char *value, struct err *e)
{
    struct buf text = BUF_INIT;

    if (value[strspn(value, " \t\r\n")] == '[')
        return remember(a, "shots", value, e);
    int rc = file_read(&text, value, MAX_PROMPT, e);
    if (rc == ERR_FORMAT)
        rc = err_set(e, ERR_USAGE, "shots: %s", e->msg);
    if (!rc) {
        free(a->shots);
        a->shots = xstrdup(buf_str(&text));
        rc = remember(a, "shots", a->shots, e);
    }
    buf_release(&text);
    return rc;
}

static int set_variants(struct args *a, const char *value, struct err *e)
{
    if (parse_int(value, &a->variants) || a->variants < 1 || a->variants > MAX_VARIANTS)
        return err_set(e, ERR_USAGE, "variants \"%s\" is not allowed: 1 to %d", value,
                       MAX_VARIANTS);
    return 0;
}

/* Options that are none of the job: of this command, and files of a model. */
static int is_of_command(struct args *a, const char *name)
{
    static const char *const own[] = {"again",   "config",  "from-draft",
                                      "preview", "prompts", "variants"};

    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (!strcmp(name, own[i]))
            return 1;
    return files_take(&a->files, name, "");
}

/* One option at argv[i]; returns how many arguments it took, or a negative code. */
static int take_option(struct args *a, int i, int argc, char **argv, struct err *e)
{
    const char *s = argv[i], *name = s + 2, *value = i + 1 < argc ? argv[i + 1] : NULL;
    const char *alone;
    char *equals = !strncmp(s, "--", 2) ? strchr(s, '=') : NULL;

    if (!strcmp(s, "--help") || !strcmp(s, "-h"))
        return a->help = 1;
    if (!strcmp(s, "--json"))
        return a->json = 1;
    if (!strcmp(s, "--skip-existing"))
        return a->many.skip_existing = 1;
    if (!strcmp(s, "--verbose") || !strcmp(s, "-v"))
        return a->verbose = 1;
    if (strncmp(s, "--", 2)) {
        name = cmd_option_of_letter(s + 1);
        if (!name && (name = files_option(s + 1)) == s + 1)
            return err_set(e, ERR_USAGE, "no option %s", s);
    }
    if (equals) {
        *equals = 0;
        value = equals + 1;
    }
    name = files_option(name);
    if (!strcmp(name, "json") || !strcmp(name, "verbose") || !strcmp(name, "skip-existing"))
        return err_set(e, ERR_USAGE, "--%s takes no value", name);
    if (!strcmp(name, "preview") && !equals && !preview_value(value)) {
        a->preview.wanted = "";
        return 1;
    }
    if (!equals && (alone = value_alone(name, value)))
        return remember(a, name, alone, e) ? e->code : 1;
    if (cmd_is_option(name, "flag") && !equals)
        return remember(a, name, "yes", e) ? e->code : 1;
    if (!value)
        return cmd_is_option(name, NULL) || is_of_command(a, name)
                   ? err_set(e, ERR_USAGE, "%s wants a value", s)
                   : err_set(e, ERR_USAGE, "no option %s", s);
    if (files_take(&a->files, name, value))
        return equals ? 1 : 2;
    if (!strcmp(name, "variants"))
        return set_variants(a, value, e) ? e->code : equals ? 1 : 2;
    if (!strcmp(name, "again") || !strcmp(name, "config"))
        *(*name == 'a' ? &a->again : &a->config) = value;
    else if (!strcmp(name, "from-draft"))
        a->draft.path = value;
    else if (!strcmp(name, "prompts"))
        a->many.path = value;
    else if (!strcmp(name, "preview"))
        a->preview.wanted = value;
    else if (!strcmp(name, "prompt") && set_prompt(a, value, e))
        return e->code;
    else if (!strcmp(name, "shots") && set_shots(a, value, e))
        return e->code;
    else if (strcmp(name, "prompt") && strcmp(name, "shots") && remember(a, name, value, e))
        return e->code;
    return equals ? 1 : 2;
}

static int take_word(struct args *a, const char *s, struct err *e)
{
    if (!cmd_is_prompt(s))
        return err_set(e, ERR_USAGE,
                       "\"%s\" is one word; a prompt of one word, or a part of a "
                       "prompt without quotes, is not taken: write -p \"%s\"",
                       s, s);
    return remember(a, "prompt", s, e);
}

static int parse(struct args *a, int argc, char **argv, struct err *e)
{
    int words = 0; /* behind "--" there are only words */

    for (int i = 1; i < argc && !a->help;) {
        int used = 1;
        if (!words && !strcmp(argv[i], "--"))
            words = 1;
        else if (!words && argv[i][0] == '-')
            used = take_option(a, i, argc, argv, e);
        else
            used = take_word(a, argv[i], e);
        if (used < 0)
            return used;
        i += used + !used;
    }
    return 0;
}

/* ---- the job ---- */

static int set_config(struct args *a, const char *path, struct err *e)
{
    struct buf text = BUF_INIT;
    int rc = file_read(&text, path, MAX_CONFIG, e);

    if (!rc && (e->code = zt_job_set_json(a->job, buf_str(&text), e->msg, sizeof e->msg)))
        rc = err_prefix(e, "%s", path);
    buf_release(&text);
    return rc;
}

/* What the options of files come to, as settings of ours. */
static int set_files(struct args *a, struct err *e)
{
    const char *model, *size;
    int rc = files_settle(&a->files, &model, &size, e);

    if (!rc && model)
        rc = remember(a, "model", model, e);
    if (!rc && size)
        rc = remember(a, "size", size, e);
    return rc;
}

/* What holds before anything is said: the user's config file, unless one was given, and the
 * environment. Beside a recipe only what does not decide the film. */
static int set_standing(struct args *a, struct err *e)
{
    char *path = a->config ? NULL : config_user_path();
    struct config c = {0};
    int rc = path ? config_read_file(&c, path, e) : 0;

    if (!rc && a->draft.path)
        rc = draft_set(&a->draft, a->job, e);
    if (!rc && a->config)
        rc = set_config(a, a->config, e);
    if (!rc) {
        config_read_environment(&c);
        rc = config_use_film(&c, a->job, a->again || a->kept || a->draft.path, e);
    }
    config_release(&c);
    free(path);
    return rc;
}

/* The folder of the film may be gone or have another name: beside its job is where it was. */
static int set_film_beside(struct args *a, struct err *e)
{
    const char *film = zt_job_get(a->job, "output");

    for (int i = 0; i < a->n; i++)
        if (!strcmp(a->name[i], "output"))
            return 0;
    if (!film)
        return 0;
    char *dir = path_dir(film), *jobs = path_dir(a->kept);
    if (*path_base(film) && strcmp(film, "-") && !dir_exists(dir)) {
        char *beside = path_join(jobs, path_base(film));

        fprintf(stderr, "zoetrope: %s is not here; the film goes beside its job, to %s\n", dir,
                beside);
        e->code = zt_job_set(a->job, "output", beside, e->msg, sizeof e->msg);
        free(beside);
    }
    free(dir);
    free(jobs);
    return e->code;
}

/* What is kept, in the folder where it was begun, if that is here. */
static int set_kept(struct args *a, struct err *e)
{
    const char *folder;

    a->here = getcwd(NULL, 0);
    e->code = zt_job_set_kept(a->job, a->kept, &folder, e->msg, sizeof e->msg);
    if (!e->code && folder && chdir(folder))
        fprintf(stderr, "zoetrope: %s is not here; paths of the job are those of this folder\n",
                folder);
    return e->code ? e->code : set_film_beside(a, e);
}

/* A path of this command line is one of the folder where it was given. */
static int set_one(struct args *a, const char *name, const char *value, struct err *e)
{
    char *path = a->here && cmd_is_option(name, "path") && *value != '/' && strcmp(value, "-")
                     ? path_join(a->here, value)
                     : NULL;

    e->code = zt_job_set(a->job, name, path ? path : value, e->msg, sizeof e->msg);
    free(path);
    return e->code;
}

/* Recipe or job, then config, environment and the command line: the later one wins. */
static int set_all(struct args *a, struct err *e)
{
    int rc = set_files(a, e);

    if (!rc && !a->kept)
        rc = e->code = zt_job_set(a->job, "job", "auto", e->msg, sizeof e->msg);
    if (!rc && a->again)
        rc = e->code = zt_job_set_film(a->job, a->again, e->msg, sizeof e->msg);
    if (!rc && a->kept)
        rc = set_kept(a, e);
    if (!rc)
        rc = set_standing(a, e);
    for (int i = 0; i < a->n && !rc; i++)
        rc = set_one(a, a->name[i], a->value[i], e);
    return rc;
}

/* Also when the settings before it were refused. */
static int film_on_stdout(const struct args *a)
{
    const char *output = zt_job_get(a->job, "output");

    for (int i = 0; i < a->n; i++)
        if (!strcmp(a->name[i], "output"))
            output = a->value[i];
    return output && !strcmp(output, "-");
}

static zt_job *running; /* for the signal handler alone */

static void stop_job(void)
{
    zt_cancel(running);
}

static int run(struct args *a, struct say *say, struct err *e)
{
    running = a->job;
    cmd_on_stop(stop_job);
    cmd_catch_signals();
    int rc = zt_job_plan(a->job, e->msg, sizeof e->msg);
    if (!rc)
        rc = files_name_film(a->job, e);
    if (!rc) {
        say_plan(say, a->job);
        zt_job_on_progress(a->job, say_progress, say);
        preview_begin(&a->preview, say, a->job);
        draft_watch(&a->draft, a->job);
        rc = zt_job_run(a->job, e->msg, sizeof e->msg);
    }
    e->code = rc;
    if (!rc && a->draft.path)
        say->draft = layout_agreement(&a->draft.draft, &a->draft.drawn);
    if (a->preview.e.code) {
        *e = a->preview.e;
        rc = e->code;
    }
    return rc;
}

/* Film i of several: its seed, and a number in its name. */
static int set_variant(struct args *a, int i, int64_t seed, const char *output, struct err *e)
{
    const char *ext = path_ext(output);
    int stem = (int)(*ext ? ext - output - 1 : (ptrdiff_t)strlen(output));
    char *number = xasprintf("%lld", (long long)(seed + i)),
         *name = xasprintf("%.*s-%d%s%s", stem, output, i + 1, *ext ? "." : "", ext);

    e->code = zt_job_set(a->job, "seed", number, e->msg, sizeof e->msg);
    if (!e->code)
        e->code = zt_job_set(a->job, "output", name, e->msg, sizeof e->msg);
    free(number);
    free(name);
    return e->code;
}

/* A film that is not whole has not got its name. */
static int passed_over(const struct args *a, struct say *say, int i)
{
    const char *output = zt_job_get(a->job, "output");

    if (!a->many.skip_existing || !file_exists(output))
        return 0;
    say->film = i + 1;
    say->films = (int)a->variants;
    say_film(say, output, 1);
    say->film = say->films = 0;
    return 1;
}

static int draw_variants(struct args *a, struct say *say, struct err *e)
{
    int rc = e->code = zt_job_plan(a->job, e->msg, sizeof e->msg);
    char *output = NULL;
    int64_t seed = 0;

    if (!rc)
        rc = files_name_film(a->job, e);
    if (!rc) {
        output = xstrdup(zt_job_get(a->job, "output"));
        seed = strtoll(zt_job_get(a->job, "seed"), NULL, 10);
        if (!strcmp(output, "-") || output[strlen(output) - 1] == '/')
            rc = err_set(e, ERR_USAGE, "variants: a name like film.mp4 is wanted for the output");
    }
    for (int i = 0; !rc && i < a->variants; i++) {
        rc = set_variant(a, i, seed, output, e);
        if (!rc && passed_over(a, say, i))
            continue;
        if (!rc)
            rc = run(a, say, e);
        if (!rc)
            say_result(say, a->job);
    }
    free(output);
    return rc ? say_failure(say, a->job, e) : EXIT_OK;
}

static int draw(struct args *a, struct err *e)
{
    struct say say;
    int rc = set_all(a, e);

    if (!rc && a->many.skip_existing && !a->many.path && a->variants < 2)
        rc = err_set(e, ERR_USAGE, "--skip-existing goes with --prompts and --variants");
    if (!rc)
        rc = preview_check(&a->preview, e);
    if (!rc && a->preview.wanted && a->many.path)
        rc = err_set(e, ERR_USAGE, "--preview goes with one prompt, not with --prompts");
    say_begin(&say, a->json, a->verbose, film_on_stdout(a));
    if (!rc && a->many.path)
        return many_run(&a->many, a->job, &say);
    if (!rc && a->variants > 1)
        return draw_variants(a, &say, e);
    if (rc || run(a, &say, e))
        return say_failure(&say, a->job, e);
    say_result(&say, a->job);
    return EXIT_OK;
}

static int command(struct args *a, int argc, char **argv, void (*help)(void))
{
    struct err e = {0};
    int status = EXIT_OK;

    zt_job_new(&a->job, NULL);
    film_quiet();
    if (parse(a, argc, argv, &e)) {
        status = e.code == ERR_USAGE ? cmd_usage(argv[0], "%s", e.msg) : cmd_fail(&e);
    } else if (a->help) {
        help();
    } else {
        status = draw(a, &e);
    }
    cmd_on_stop(NULL);
    zt_job_free(&a->job);
    free(a->text);
    free(a->shots);
    free(a->here);
    files_release(&a->files);
    draft_release(&a->draft);
    return status;
}

int cmd_generate(int argc, char **argv)
{
    struct args a = {0};

    argv[0] = "generate"; /* also when a sentence was the command */
    return command(&a, argc, argv, show_help);
}

/* ---- going on ---- */

static void show_resume_help(void)
{
    puts(
        "zoetrope resume JOB [options of generate]\n\n"
        "Goes on with a film whose process died, was stopped or found the disk full: a folder "
        "that\n"
        "`zoetrope generate` keeps beside the film, OUTPUT.job, or where --job said, until the "
        "film\n"
        "is whole. Windows that were drawn are not drawn again; the one that was being drawn goes\n"
        "on from its last step. The film has the bits of one that was not interrupted, on another\n"
        "machine too, if that has the same model and the folder (--model, -o and other paths may "
        "be\n"
        "said anew). Without a folder the jobs in this folder are listed.\n\n"
        "examples:\n"
        "  zoetrope resume story.mp4.job\n"
        "  zoetrope resume story.mp4.job --threads 8 -o /elsewhere/story.mp4");
}

static int list_jobs(void)
{
    glob_t found;
    int n = 0;

    if (!glob("*.job", 0, NULL, &found)) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *dir = found.gl_pathv[i];
            zt_job *job;

            zt_job_new(&job, NULL);
            if (!zt_job_set_kept(job, dir, NULL, NULL, 0)) {
                cmd_put_text(stdout, dir);
                fputs(": ", stdout);
                cmd_put_text(stdout, zt_job_get(job, "output"));
                putchar('\n');
                n++;
            }
            zt_job_free(&job);
        }
        globfree(&found);
    }
    if (!n)
        fputs("zoetrope: no job is kept in this folder\n", stderr);
    return EXIT_OK;
}

int cmd_resume(int argc, char **argv)
{
    struct args a = {0};
    char *dir;
    int status;

    if (argc < 2)
        return list_jobs();
    if (argv[1][0] == '-')
        return command(&a, argc, argv, show_resume_help);
    dir = realpath(argv[1], NULL);
    if (!dir) {
        struct err e;

        err_set(&e, ERR_IO, "%s: there is no such folder", argv[1]);
        return cmd_fail(&e);
    }
    a.kept = dir;
    argv[1] = argv[0];
    status = command(&a, argc - 1, argv + 1, show_resume_help);
    free(dir);
    return status;
}
