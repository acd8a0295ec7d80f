/* generate_say.h - what `zoetrope generate` says while it works: for people on stderr, or as JSON
 * lines. */
#ifndef TOOL_GENERATE_SAY_H
#define TOOL_GENERATE_SAY_H

#include <stdio.h>

#include "base/err.h"
#include "base/progress.h"
#include "zoetrope.h"

struct say {
    FILE *out; /* of JSON lines and of the last line: stdout, or stderr when the film goes there */
    int json, verbose;
    struct progress bar[2]; /* of stages, which take turns in a film of many windows */
    char stage[2][40];
    char single[40];       /* that is one piece of work, begun */
    int now;               /* which was shown last */
    int lines, seen_lines; /* of progress that were ended; when this was last asked */
    int film, films, line; /* of many: which of how many, and its line in their file; 0: one film */
    double shown_s;
    zt_job *job;      /* that is being drawn */
    int looking;      /* at its picture */
    size_t note_said; /* bytes of its "run_note" that were said while it was drawn */
    double draft;     /* agreement of the film with a draft (measure/layout.h); NAN: with none */
};

void say_begin(struct say *s, int json, int verbose, int film_on_stdout);
/* Notes of the plan, and words that mean nothing; for people. */
void say_settled(zt_job *job);
void say_plan(struct say *s, zt_job *job); /* the same, and what comes */
/* A zt_progress_fn; user is the struct say. */
int say_progress(void *user, const char *stage, long done, long total, double left_s);
/* Has no line of progress ended since this was asked? */
int say_same_line(struct say *s);
/* Of many: which one comes, or is passed over because it is there. */
void say_film(struct say *s, const char *output, int there);
void say_films(struct say *s, int drawn, int there, int failed, int left);
void say_result(struct say *s, zt_job *job);
/* Returns the exit status. */
int say_failure(struct say *s, zt_job *job, const struct err *e);

#endif
