/* serve_options.h - THE option tables of the service and of its workers: command line, environment,
 * config file, help, completions; the manual page is held against them by a test. */
#ifndef TOOL_SERVE_OPTIONS_H
#define TOOL_SERVE_OPTIONS_H

#include "serve/remote.h"
#include "serve/serve.h"

enum serve_kind { SERVE_TEXT, SERVE_NUMBER, SERVE_COUNT, SERVE_FLAG };

struct serve_settings {
    struct serve_options o; /* strings are borrowed */
    double drain_s;
    const char *log;
};

struct worker_settings {
    struct remote_options o; /* strings are borrowed; no key yet */
    const char *key_file, *log;
};

struct serve_row {
    const char *name;
    enum serve_kind kind;
    const char *value; /* word for it in help: FILE, DIR, ... */
    size_t at;         /* in the settings */
    double most;       /* of numbers and counts, from 0 */
    const char *fallback, *help;
};
/* Its name is that of the command, of the section in a config file, and of the variables. */
struct serve_table {
    const char *name;
    const struct serve_row *row;
    int n;
    const char *letter, *letter_of; /* "-m" is that option too; NULL: none is */
};
extern const struct serve_table serve_table, worker_table;

void serve_settings_init(struct serve_settings *s);
void worker_settings_init(struct worker_settings *s);
/* NULL: there is none of the name. */
const struct serve_row *serve_row_named(const struct serve_table *t, const char *name);
/* Into the settings of the table. value is kept, not copied; of a flag "yes", "no" and the like.
 * ERR_USAGE names the option, what is allowed, or the nearest name. */
NODISCARD int serve_set(const struct serve_table *t, void *settings, const char *name,
                        const char *value, struct err *e);

#endif
