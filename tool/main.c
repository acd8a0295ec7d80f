/* zoetrope: one program, one sub-command per task. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/machine.h"
#include "base/utf8.h"
#include "cmd.h"
#include "commands.h"
#include "zoetrope.h"

static const char EXIT_CODES[] =
    "exit status:\n"
    "    0 ok           1 a check failed     2 usage             3 bad model or data\n"
    "    4 input/output, or the file exists and -y was not given\n"
    "    5 device, or a value that is not finite                 6 does not fit into memory\n"
    "   10+N: N films of generate --prompts failed (99: 89 or more)                 130 "
    "interrupted\n";

static void help(FILE *out)
{
    fputs("zoetrope turns words into moving pictures.\n\n"
          "  zoetrope \"a red ball rolls from left to right\" [options of generate]\n",
          out);
    for (int i = 0; i < n_commands; i++)
        fprintf(out, "  zoetrope %-10s  %s\n  %20s e.g. zoetrope %s %s\n", commands[i].name,
                commands[i].summary, "", commands[i].name, commands[i].example);
    fputs("\nzoetrope COMMAND --help explains a command, zoetrope --version names the version.\n\n",
          out);
    fputs(EXIT_CODES, out);
}

enum { MAX_COMMANDS = 32 };

static int unknown_word(const char *word)
{
    const char *names[MAX_COMMANDS] = {0};

    ZT_ASSERT(n_commands <= MAX_COMMANDS);
    for (int i = 0; i < n_commands; i++)
        names[i] = commands[i].name;
    const char *near = nearest_name(word, names, n_commands);
    fprintf(stderr, "zoetrope: \"%s\" is no command", word);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs("\nzoetrope: commands are", stderr);
    for (int i = 0; i < n_commands; i++)
        fprintf(stderr, " %s", names[i]);
    fprintf(stderr, "; a prompt of one word is written zoetrope -p \"%s\"\n", word);
    return EXIT_USAGE;
}

/* A film that was opened as number 1 or 2 would take in what is said to people. What stands in for
 * a closed stream fails to read or write as the closed one would. */
static int hold_streams(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd ? O_RDONLY : O_WRONLY) != fd)
            return EXIT_IO;
    return EXIT_OK;
}

/* What was printed must have arrived. A reader that has gone knows it already. */
static int finish(int status)
{
    int failed = ferror(stdout);

    if (!fflush(stdout) && !failed)
        return status;
    if (status == EXIT_OK && errno != EPIPE)
        fputs("zoetrope: standard output: cannot write\n", stderr);
    return status == EXIT_OK ? EXIT_IO : status;
}

/* `help` alone, or of a command: as that command explains itself. */
static int help_of(const char *topic)
{
    char word[] = "--help", *argv[] = {(char *)(uintptr_t)topic, word, NULL};

    for (int i = 0; topic && i < n_commands; i++)
        if (!strcmp(topic, commands[i].name))
            return commands[i].run(2, argv);
    if (topic)
        return unknown_word(topic);
    help(stdout);
    return EXIT_OK;
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    const char *first = argv[1];
    if (!strcmp(first, "--help") || !strcmp(first, "-h"))
        return help_of(NULL);
    if (!strcmp(first, "help"))
        return help_of(argc > 2 ? argv[2] : NULL);
    if (!strcmp(first, "--version")) {
        printf("zoetrope %s\n", zt_version());
        return EXIT_OK;
    }
    for (int i = 0; i < n_commands; i++)
        if (!strcmp(first, commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    if (first[0] != '-' && !cmd_is_prompt(first))
        return unknown_word(first);
    return cmd_generate(argc, argv);
}

int main(int argc, char **argv)
{
    int status = hold_streams();

    machine_exact_heap();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an error of a write, not a death */
    signal(SIGXFSZ, SIG_IGN); /* and so is a file that may not grow any more */
    return status ? status : finish(run(argc, argv));
}
