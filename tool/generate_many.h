/* generate_many.h - `zoetrope generate --prompts FILE.jsonl`: a film for every line, the model
 * loaded once.
 *
 * A line is a JSON object with the names of the option table; what it does not say is as on the
 * command line. All lines are checked before the first film is begun. */
#ifndef TOOL_GENERATE_MANY_H
#define TOOL_GENERATE_MANY_H

#include "generate_say.h"

/* Films that failed, as an exit status: so many above the first, at most up to the second. */
enum { EXIT_SOME_FAILED = 10, EXIT_MOST_FAILED = 99 };

struct many {
    const char *path;
    int skip_existing; /* films that are there and whole are passed over */
};

/* base: what the command line says. Returns the exit status; whatever was wrong has been said. */
int many_run(const struct many *m, zt_job *base, struct say *say);

#endif
