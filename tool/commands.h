/* commands.h - THE table of sub-commands: what main runs, help shows and shells complete. */
#ifndef TOOL_COMMANDS_H
#define TOOL_COMMANDS_H

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary, *example;
    /* Options that stand in no table of their own, with a space between: "--json" a flag, "-o=FILE"
     * with a word for its value, "--type=f32|bf16" with all of them. A test holds them against
     * `zoetrope NAME --help` and the manual page. */
    const char *options;
    const char *words; /* what stands behind the command: DIR, FILE, or words with "|" between */
};
extern const struct command commands[];
extern const int n_commands;

#endif
