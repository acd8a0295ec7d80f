/* zoetrope completion SHELL: a script that completes commands, options and their values, written
 * from the tables that the commands themselves are read by. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "cmd.h"
#include "commands.h"
#include "serve_options.h"
#include "zoetrope.h"

static const char HELP[] =
    "zoetrope completion bash | zsh | fish\n\n"
    "Writes completions for a shell to standard output. `make install` puts them where the shells\n"
    "look; by hand:\n\n"
    "  bash: source <(zoetrope completion bash)\n"
    "  zsh:  zoetrope completion zsh > _zoetrope, in a folder of $fpath\n"
    "  fish: zoetrope completion fish > ~/.config/fish/completions/zoetrope.fish\n";

/* One option as a shell sees it. */
struct word {
    char text[64]; /* "--steps", "-o" */
    const char
        *values; /* "FILE", "DIR", words with "|" between; "" of other values; NULL: a flag */
    const char *help;
};
typedef void (*word_fn)(void *arg, const struct command *c, const struct word *w);

static const char *as_words(const char *range, struct buf *b)
{
    buf_clear(b);
    for (const char *p = range; *p; p++)
        if (*p == ',')
            buf_putc(b, '|');
        else if (*p != ' ')
            buf_putc(b, *p);
    return buf_str(b);
}

static void each_film_option(const struct command *c, word_fn fn, void *arg)
{
    struct buf b = BUF_INIT;
    struct zt_option o;

    for (int i = 0; !zt_option_info(i, &o, sizeof o); i++) {
        struct word w = {.help = o.help};
        w.values = !strcmp(o.type, "flag")     ? NULL
                   : !strcmp(o.type, "path")   ? "FILE"
                   : !strcmp(o.type, "choice") ? as_words(o.range, &b)
                                               : "";
        snprintf(w.text, sizeof w.text, "--%s", o.name);
        fn(arg, c, &w);
        snprintf(w.text, sizeof w.text, "-%c", o.letter);
        if (o.letter)
            fn(arg, c, &w);
    }
    buf_release(&b);
}

static void each_row(const struct serve_table *t, const struct command *c, word_fn fn, void *arg)
{
    for (int i = 0; i < t->n; i++) {
        struct word w = {.values = t->row[i].value, .help = t->row[i].help};
        snprintf(w.text, sizeof w.text, "--%s", t->row[i].name);
        fn(arg, c, &w);
        snprintf(w.text, sizeof w.text, "%s", t->letter ? t->letter : "");
        if (t->letter && !strcmp(t->row[i].name, t->letter_of))
            fn(arg, c, &w);
    }
}

/* All options of the command. */
static void each_word(const struct command *c, word_fn fn, void *arg)
{
    char *copy = xstrdup(c->options), *rest = NULL;

    if (!strcmp(c->name, "generate"))
        each_film_option(c, fn, arg);
    if (!strcmp(c->name, serve_table.name))
        each_row(&serve_table, c, fn, arg);
    if (!strcmp(c->name, worker_table.name))
        each_row(&worker_table, c, fn, arg);
    for (char *p = strtok_r(copy, " ", &rest); p; p = strtok_r(NULL, " ", &rest)) {
        struct word w = {.help = ""};
        char *equals = strchr(p, '=');
        if (equals)
            *equals = '\0';
        w.values = equals ? equals + 1 : NULL;
        snprintf(w.text, sizeof w.text, "%s", p);
        fn(arg, c, &w);
    }
    fn(arg, c, &(struct word){.text = "--help", .help = "explains the command"});
    free(copy);
}

static int is_list(const char *values)
{
    return strchr(values, '|') != NULL || !strcmp(values, "auto");
}

/* "a|b|c" as "a b c". */
static void put_list(const char *values)
{
    for (; *values; values++)
        putchar(*values == '|' ? ' ' : *values);
}

static void put_commands(void)
{
    for (int i = 0; i < n_commands; i++)
        printf("%s%s", i ? " " : "", commands[i].name);
}

/* ---- bash ---- */

static void bash_option(void *arg, const struct command *c, const struct word *w)
{
    (void)arg, (void)c;
    printf(" %s", w->text);
}

static void bash_value(void *arg, const struct command *c, const struct word *w)
{
    (void)arg;
    if (!w->values)
        return;
    printf("    '%s %s') ", c->name, w->text);
    if (is_list(w->values)) {
        fputs("mapfile -t COMPREPLY < <(compgen -W '", stdout);
        put_list(w->values);
        fputs("' -- \"$cur\")", stdout);
    } else if (!strcmp(w->values, "FILE") || !strcmp(w->values, "DIR")) {
        printf("compopt -o filenames; mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\")",
               *w->values == 'F' ? 'f' : 'd');
    } else {
        fputs("COMPREPLY=()", stdout);
    }
    fputs("; return ;;\n", stdout);
}

static void put_bash(void)
{
    fputs("# bash completion of zoetrope, written by `zoetrope completion bash`.\n"
          "_zoetrope() {\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}"
          " command=${COMP_WORDS[1]}\n"
          "    COMPREPLY=()\n"
          "    if [ \"$COMP_CWORD\" = 1 ] && [ \"${cur:0:1}\" != - ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W '",
          stdout);
    put_commands();
    fputs("' -- \"$cur\")\n        return\n    fi\n"
          "    case $command in -* | *' '*) command=generate ;; esac\n"
          "    case \"$command $prev\" in\n",
          stdout);
    for (int i = 0; i < n_commands; i++)
        each_word(&commands[i], bash_value, NULL);
    fputs("    esac\n    local options= words=\n    case $command in\n", stdout);
    for (int i = 0; i < n_commands; i++) {
        printf("    %s) options='", commands[i].name);
        each_word(&commands[i], bash_option, NULL);
        fputs("' words='", stdout);
        if (is_list(commands[i].words))
            put_list(commands[i].words);
        fputs("' ;;\n", stdout);
    }
    fputs("    esac\n"
          "    if [ \"${cur:0:1}\" = - ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")\n"
          "    elif [ -n \"$words\" ]; then\n"
          "        mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
          "    else\n"
          "        compopt -o filenames\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
          "    fi\n}\ncomplete -F _zoetrope zoetrope\n",
          stdout);
}

/* ---- zsh ---- */

/* Within single quotes, and within a description of _arguments. */
static void put_quoted(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", stdout);
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void zsh_option(void *arg, const struct command *c, const struct word *w)
{
    (void)arg, (void)c;
    printf(" \\\n            '%s[", w->text);
    put_quoted(w->help);
    putchar(']');
    if (w->values && is_list(w->values)) {
        fputs(":value:(", stdout);
        put_list(w->values);
        putchar(')');
    } else if (w->values) {
        printf(":value:%s", !strcmp(w->values, "FILE")  ? "_files"
                            : !strcmp(w->values, "DIR") ? "_files -/"
                                                        : " ");
    }
    putchar('\'');
}

static void put_zsh(void)
{
    fputs("#compdef zoetrope\n# zsh completion of zoetrope, written by `zoetrope completion zsh`.\n"
          "_zoetrope() {\n    local command=$words[2]\n"
          "    if (( CURRENT == 2 )) && [[ $command != -* ]]; then\n        local -a names=(\n",
          stdout);
    for (int i = 0; i < n_commands; i++) {
        printf("            '%s:", commands[i].name);
        put_quoted(commands[i].summary);
        fputs("'\n", stdout);
    }
    fputs("        )\n        _describe command names\n        return\n    fi\n"
          "    if [[ $command == -* || $command == *' '* ]]; then\n        command=generate\n"
          "    else\n        shift words\n        (( CURRENT-- ))\n    fi\n    case $command in\n",
          stdout);
    for (int i = 0; i < n_commands; i++) {
        printf("    %s)\n        _arguments", commands[i].name);
        each_word(&commands[i], zsh_option, NULL);
        fputs(" \\\n            '*:", stdout);
        if (is_list(commands[i].words)) {
            fputs("word:(", stdout);
            put_list(commands[i].words);
            fputs(")'\n", stdout);
        } else {
            fputs("file:_files'\n", stdout);
        }
        fputs("        ;;\n", stdout);
    }
    fputs("    esac\n}\nif [[ $funcstack[1] == _zoetrope ]]; then\n    _zoetrope \"$@\"\nelse\n"
          "    compdef _zoetrope zoetrope\nfi\n",
          stdout);
}

/* ---- fish ---- */

static void put_fish_text(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void fish_option(void *arg, const struct command *c, const struct word *w)
{
    int is_long = w->text[1] == '-';

    (void)arg;
    printf("complete -c zoetrope -n '__zoetrope_is %s' -%c %s", c->name, is_long ? 'l' : 's',
           w->text + 1 + is_long);
    if (w->values && is_list(w->values)) {
        fputs(" -x -a '", stdout);
        put_list(w->values);
        putchar('\'');
    } else if (w->values) {
        fputs(!strcmp(w->values, "FILE")  ? " -r -F"
              : !strcmp(w->values, "DIR") ? " -x -a '(__fish_complete_directories)'"
                                          : " -x",
              stdout);
    }
    if (*w->help) {
        fputs(" -d ", stdout);
        put_fish_text(w->help);
    }
    putchar('\n');
}

static void put_fish(void)
{
    fputs("# fish completion of zoetrope, written by `zoetrope completion fish`.\n"
          "function __zoetrope_is\n    set -l words (commandline -opc)\n"
          "    set -l command $words[2]\n    string match -qr -- '^-| ' \"$command\"\n"
          "    and set command generate\n    test \"$command\" = $argv[1]\nend\n"
          "function __zoetrope_begins\n    test (count (commandline -opc)) = 1\nend\n",
          stdout);
    for (int i = 0; i < n_commands; i++) {
        printf("complete -c zoetrope -f -n __zoetrope_begins -a %s -d ", commands[i].name);
        put_fish_text(commands[i].summary);
        putchar('\n');
        if (is_list(commands[i].words)) {
            printf("complete -c zoetrope -f -n '__zoetrope_is %s' -a '", commands[i].name);
            put_list(commands[i].words);
            fputs("'\n", stdout);
        }
        each_word(&commands[i], fish_option, NULL);
    }
}

int cmd_completion(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*put)(void);
    } shells[] = {{"bash", put_bash}, {"zsh", put_zsh}, {"fish", put_fish}};

    if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        return EXIT_OK;
    }
    for (size_t i = 0; argc == 2 && i < sizeof shells / sizeof *shells; i++) {
        if (!strcmp(argv[1], shells[i].name)) {
            shells[i].put();
            return EXIT_OK;
        }
    }
    return cmd_usage("completion", "bash, zsh or fish is wanted");
}
