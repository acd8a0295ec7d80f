/* serve_args.h - what the commands with a table of serve_options.h do with it. */
#ifndef TOOL_SERVE_ARGS_H
#define TOOL_SERVE_ARGS_H

#include "config.h"
#include "serve_options.h"

/* 1: --help or -h is among them. */
int serve_args_help(int argc, char **argv);
/* The table as lines of a help text, and --config. */
void serve_args_show(const struct serve_table *t);
/* Config file, environment, command line into the settings: the later one wins. Settings borrow
 * from c and argv. 0, or the exit status after the message. */
int serve_args_parse(const struct serve_table *t, void *settings, struct config *c, int argc,
                     char **argv);

#endif
