/* cmd.h - the sub-commands of the program.
 *
 * Each is one file cmd_NAME.c with one function. argv[0] is the command's name. The result is the
 * exit status of the program (the table in `zoetrope --help`); messages go to stderr, results to
 * stdout. Each answers --help by itself. */
#ifndef TOOL_CMD_H
#define TOOL_CMD_H

#include <signal.h>
#include <stdio.h>

#include "base/err.h"

int cmd_generate(int argc, char **argv);
int cmd_resume(int argc, char **argv);
int cmd_world(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_measure(int argc, char **argv);
int cmd_parity(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_convert(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_pull(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_live(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_worker(int argc, char **argv);
int cmd_config(int argc, char **argv);
int cmd_completion(int argc, char **argv);

enum { EXIT_OK = 0, EXIT_USAGE = 2, EXIT_IO = 4, EXIT_INTERRUPTED = 130 };

/* Words that a file may have brought along: control characters and malformed bytes become '?', so
 * that no film and no model sends commands to a terminal. */
void cmd_put_text(FILE *out, const char *text);

/* "zoetrope: MESSAGE" on stderr; returns the exit status that belongs to e->code. */
int cmd_fail(const struct err *e);
/* The same for a usage error, with a hint at `zoetrope NAME --help`. */
int cmd_usage(const char *name, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* 0: s is one of the options `names` (the last is NULL) and has a value; else what is wrong is
 * said, as by cmd_usage. */
int cmd_check_option(const char *command, const char *s, const char *value,
                     const char *const *names);

/* One option of a help text: "--name VALUE", what it is, in lines of a terminal, and what it is
 * when unsaid (NULL: nothing to say). */
void cmd_put_option(const char *left, const char *help, const char *fallback);

/* $XDG_DATA_HOME/zoetrope/NAME, where a service keeps what it has. The caller frees. */
char *cmd_data_folder(const char *name);

/* More than one word, or one with letters that no command has: Chinese puts no spaces between
 * words. A single word of ASCII may be a mistyped command and is never taken for a prompt. */
int cmd_is_prompt(const char *s);

/* The option of generate with this letter, NULL without one. */
const char *cmd_option_of_letter(const char *s);
/* Is it an option of generate, and of this type (of struct zt_option; NULL: of any)? */
int cmd_is_option(const char *name, const char *type);

/* Set to 1 by Ctrl-C and SIGTERM after cmd_catch_signals; a second one ends the program at once. */
extern volatile sig_atomic_t cmd_stop;
void cmd_catch_signals(void);
/* Also called by the signal, from the handler; NULL: nothing. */
void cmd_on_stop(void (*hook)(void));

#endif
