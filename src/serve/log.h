/* log.h - what happens, a line of JSON each. */
#ifndef SERVE_LOG_H
#define SERVE_LOG_H

#include <stdio.h>

/* The time, what happened, and pairs of name and text, NULL at the end; texts may be of strangers.
 * NULL: nothing is written. Threads: any, each line whole. */
void log_line(FILE *to, const char *const *event_and_pairs);

#endif
