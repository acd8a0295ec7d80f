/* measure_files.h - the folder of a measurement, and films in it. */
#ifndef TOOL_MEASURE_FILES_H
#define TOOL_MEASURE_FILES_H

#include "measure_run.h"

/* a->out, made where it is missing, or a new one in $TMPDIR. *dir is the caller's. ERR_IO. */
NODISCARD int measure_folder(char **dir, const struct measure_args *a, struct err *e);
/* Frees it, and takes a folder in $TMPDIR away, which is empty by then. NULL is nothing. */
void measure_folder_done(char **dir, const struct measure_args *a);
/* DIR/NNN, and what the default kind of films ends with; the caller's. */
char *measure_film_name(const char *dir, int i);
/* The first n frames of c, over what is there. lossless: as of struct film_options. comment may be
 * NULL. ERR_IO. */
NODISCARD int measure_write_film(const char *path, const struct caught *c, int n, double fps,
                                 int lossless, const char *comment, struct err *e);

#endif
