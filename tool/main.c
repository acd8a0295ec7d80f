/* zoetrope: one program, one sub-command per task. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/machine.h"
#include "base/utf8.h"
#include "cmd.h"
#include "zoetrope.h"

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary, *example;
};

static const struct command COMMANDS[] = {
    {"generate", cmd_generate, "a prompt becomes a film", "-p \"a red ball rolls\" -o ball.mp4"},
    {"world", cmd_world, "clips of the training world with captions and truth", "-n 4 -o clips"},
    {"train", cmd_train, "train the networks that a config describes", "configs/tiny.json"},
    {"measure", cmd_measure, "score films by what is seen in their pixels", "film.mp4"},
    {"parity", cmd_parity, "compare networks with reference vectors", "DIR --type f32"},
    {"info", cmd_info, "show a model, or the recipe of a film", "film.mp4"},
    {"convert", cmd_convert, "a model once more, with smaller weights", "MODEL -o small"},
    {"doctor", cmd_doctor, "is a model whole, and what does it need", "MODEL"},
    {"pull", cmd_pull, "the files of a model from a hub", "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"},
    {"serve", cmd_serve, "a page and HTTP APIs that make films", "--listen 127.0.0.1:8700"},
    {"bench", cmd_bench, "the speed of this machine", "train-s --json"},
};
enum { N_COMMANDS = sizeof(COMMANDS) / sizeof(COMMANDS[0]) };

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
    for (int i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  zoetrope %-9s %s\n  %18s e.g. zoetrope %s %s\n", COMMANDS[i].name,
                COMMANDS[i].summary, "", COMMANDS[i].name, COMMANDS[i].example);
    fputs("\nzoetrope COMMAND --help explains a command, zoetrope --version names the version.\n\n",
          out);
    fputs(EXIT_CODES, out);
}

static int unknown_word(const char *word)
{
    const char *names[N_COMMANDS];
    for (int i = 0; i < N_COMMANDS; i++)
        names[i] = COMMANDS[i].name;
    const char *near = nearest_name(word, names, N_COMMANDS);
    fprintf(stderr, "zoetrope: \"%s\" is no command", word);
    if (near)
        fprintf(stderr, "; did you mean \"%s\"?", near);
    fputs("\nzoetrope: commands are", stderr);
    for (int i = 0; i < N_COMMANDS; i++)
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

static int run(int argc, char **argv)
{
    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    const char *first = argv[1];
    if (!strcmp(first, "--help") || !strcmp(first, "-h") || !strcmp(first, "help")) {
        help(stdout);
        return EXIT_OK;
    }
    if (!strcmp(first, "--version")) {
        printf("zoetrope %s\n", zt_version());
        return EXIT_OK;
    }
    for (int i = 0; i < N_COMMANDS; i++)
        if (!strcmp(first, COMMANDS[i].name))
            return COMMANDS[i].run(argc - 1, argv + 1);
    if (first[0] != '-' && !cmd_is_sentence(first))
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
