/* generate_args.h - the command line of `zoetrope generate` and `zoetrope resume`, as it was said.
 * What the job's options may be, the job says itself (generate_settings.h). */
#ifndef TOOL_GENERATE_ARGS_H
#define TOOL_GENERATE_ARGS_H

#include "generate_draft.h"
#include "generate_files.h"
#include "generate_many.h"
#include "generate_preview.h"

enum { ARGS_MAX = 256 };

/* Begins as {0}. Strings are those of argv where nothing else is said. */
struct args {
    const char *kept; /* of resume, set by the caller: the folder of a job; NULL: a new job */
    const char *again, *config;
    const char *name[ARGS_MAX], *value[ARGS_MAX]; /* [n] options of the job, as given */
    char *read[ARGS_MAX]; /* owned: the value, where it was read from a file */
    struct files files;
    struct many many;
    struct preview preview;
    struct draft draft;
    int64_t variants;
    int n, json, verbose, help;
};

/* All of them, or up to --help. ERR_USAGE, or ERR_IO of a file of the prompt or of shots. */
NODISCARD int args_parse(struct args *a, int argc, char **argv, struct err *e);
/* One option more, as if it had been said last; both strings have to outlive a. ERR_USAGE: a second
 * prompt, or one option too many. */
NODISCARD int args_add(struct args *a, const char *name, const char *value, struct err *e);
/* What was said of an option, the last time; NULL: nothing. */
const char *args_last(const struct args *a, const char *name);
void args_release(struct args *a);
/* All options, on stdout: those of the job and those of the command. */
void args_help(void);

#endif
