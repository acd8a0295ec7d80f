/* serve_options.h - THE option table of the service: command line, environment, config file, help,
 * completions; the manual page is held against it by a test. */
#ifndef TOOL_SERVE_OPTIONS_H
#define TOOL_SERVE_OPTIONS_H

#include "serve/serve.h"

enum serve_kind { SERVE_TEXT, SERVE_NUMBER, SERVE_FLAG };

struct serve_settings {
    struct serve_options o; /* strings are borrowed */
    double drain_s, queue, workers;
    const char *log;
};

struct serve_row {
    const char *name;
    enum serve_kind kind;
    const char *value; /* word for it in help: FILE, DIR, ... */
    size_t at;         /* in struct serve_settings */
    double most;       /* of numbers, from 0 */
    const char *fallback, *help;
};
extern const struct serve_row serve_rows[];
extern const int n_serve_rows;

void serve_settings_init(struct serve_settings *s);
/* NULL: there is none of the name. */
const struct serve_row *serve_row_named(const char *name);
/* value is kept, not copied; of a flag "yes", "no" and the like. ERR_USAGE names the option, what
 * is allowed, or the nearest name. */
NODISCARD int serve_set(struct serve_settings *s, const char *name, const char *value,
                        struct err *e);

#endif
