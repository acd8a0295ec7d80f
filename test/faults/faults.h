/* faults.h - runs in a child of which one allocation fails, and what may come of that. */
#ifndef TEST_FAULTS_FAULTS_H
#define TEST_FAULTS_FAULTS_H

#include "base/err.h"

/* One run. It is done in a child that stands in an empty folder of its own, first without a
 * failure: that is the reference. */
struct scenario {
    const char *name;
    int (*run)(const struct scenario *s); /* the exit status; messages go to stderr */
    const char *arg;
    /* What it leaves lies in out/: nothing that was begun may stay there under its own name. NULL,
     * or a second run, without a failure, that must end as the reference did. */
    int (*again)(const struct scenario *s);
    const char *below; /* only what lies below a folder of this name is held so; NULL: all */
    int thin;          /* a sample is one in so many ways to an allocation */
    int outside;       /* libraries of others take part, and may die of their own failure */
};

int zoetrope_main(int argc, char **argv); /* main() of the program */

/* Of the command line, for scenarios. */
extern const char *faults_model; /* of random weights */
extern const char *faults_root;  /* the source tree */

/* Fills list with what opens a file that somebody has made, at most n; the files lie in dir. */
int hostile_scenarios(struct scenario *list, int n, const char *dir);

#endif
