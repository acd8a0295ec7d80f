#include "generate_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cmd.h"

enum { MAX_PROMPT = 65536, MAX_VARIANTS = 1000 };

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

void args_help(void)
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

const char *args_last(const struct args *a, const char *name)
{
    for (int i = a->n; i--;)
        if (!strcmp(a->name[i], name))
            return a->value[i];
    return NULL;
}

int args_add(struct args *a, const char *name, const char *value, struct err *e)
{
    if (a->n == ARGS_MAX)
        return err_set(e, ERR_USAGE, "more than %d options", ARGS_MAX);
    if (!strcmp(name, "prompt") && args_last(a, name))
        return err_set(e, ERR_USAGE,
                       "a second prompt, \"%.60s\"; all words of a prompt stand inside one "
                       "pair of quotes, and a label of your own behind =, as --label=\"ACME AI\"",
                       value);
    a->name[a->n] = name;
    a->value[a->n++] = value;
    return 0;
}

static int add_read(struct args *a, const char *name, const struct buf *text, struct err *e)
{
    char *own = xstrdup(buf_str(text));
    int rc = args_add(a, name, own, e);

    if (rc)
        free(own);
    else
        a->read[a->n - 1] = own;
    return rc;
}

/* -p TEXT, @FILE or -: the words themselves. One newline at the end of a file is not part of them.
 */
static int set_prompt(struct args *a, const char *value, struct err *e)
{
    struct buf text = BUF_INIT;
    const char *path = value[0] == '@' ? value + 1 : "-";

    if (value[0] != '@' && strcmp(value, "-"))
        return args_add(a, "prompt", value, e);
    int rc = file_read(&text, path, MAX_PROMPT, e);
    if (rc == ERR_FORMAT)
        rc = err_set(e, ERR_USAGE, "prompt: %s", e->msg);
    if (!rc && text.len && text.data[text.len - 1] == '\n')
        text.data[--text.len] = 0;
    if (!rc && text.len && text.data[text.len - 1] == '\r')
        text.data[--text.len] = 0;
    if (!rc && strlen(buf_str(&text)) != text.len)
        rc = err_set(e, ERR_USAGE, "prompt: %s holds a zero byte", path);
    if (!rc)
        rc = add_read(a, "prompt", &text, e);
    buf_release(&text);
    return rc;
}

/* --shots FILE, - or the list itself. */
static int set_shots(struct args *a, const char *value, struct err *e)
{
    struct buf text = BUF_INIT;

    if (value[strspn(value, " \t\r\n")] == '[')
        return args_add(a, "shots", value, e);
    int rc = file_read(&text, value, MAX_PROMPT, e);
    if (rc == ERR_FORMAT)
        rc = err_set(e, ERR_USAGE, "shots: %s", e->msg);
    if (!rc)
        rc = add_read(a, "shots", &text, e);
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
        return args_add(a, name, alone, e) ? e->code : 1;
    if (cmd_is_option(name, "flag") && !equals)
        return args_add(a, name, "yes", e) ? e->code : 1;
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
    else if (strcmp(name, "prompt") && strcmp(name, "shots") && args_add(a, name, value, e))
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
    return args_add(a, "prompt", s, e);
}

int args_parse(struct args *a, int argc, char **argv, struct err *e)
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

void args_release(struct args *a)
{
    for (int i = 0; i < a->n; i++)
        free(a->read[i]);
    files_release(&a->files);
    draft_release(&a->draft);
}
