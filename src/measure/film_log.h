/* film_log.h - the log of a measurement, by which a second call goes on where the first was
 * stopped: JSON lines, the settings first, then a line for each film, written as they come.
 *
 * Threads: one at a time. */
#ifndef MEASURE_FILM_LOG_H
#define MEASURE_FILM_LOG_H

#include <stdio.h>

#include "base/buf.h"
#include "format/json.h"

/* What a line says, a document of its own; errors may stick to it. */
typedef void (*film_log_fn)(void *user, struct jval line);

/* path may be NULL: *log is NULL then, and nothing is kept. Lines of a log that is there go to fn
 * when its first is `settings` (one line of JSON); otherwise ERR_USAGE. A last line that was cut
 * off is dropped. ERR_IO, ERR_FORMAT. */
NODISCARD int film_log_open(FILE **log, const char *path, const char *settings, film_log_fn fn,
                            void *user, struct err *e);
/* One line, with its end. log may be NULL. ERR_IO. */
NODISCARD int film_log_add(FILE *log, const struct buf *line, struct err *e);
void film_log_close(FILE **log); /* NULL is nothing */

#endif
