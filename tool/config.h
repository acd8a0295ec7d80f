/* config.h - standing settings: those of a config file and, over them, of the environment. The
 * command line comes after both.
 *
 * The file is JSON, {"zoetrope": 1, OPTION: VALUE, ..., "serve": {OPTION: VALUE, ...}, "worker":
 * {...}}: options of films by their long names, and in "serve" and "worker" those of the service
 * and of its workers. The environment says ZOETROPE_STEPS, ZOETROPE_SERVE_LISTEN or
 * ZOETROPE_WORKER_SERVER. */
#ifndef TOOL_CONFIG_H
#define TOOL_CONFIG_H

#include "base/err.h"
#include "zoetrope.h"

struct serve_table;

enum config_of { CONFIG_FILM, CONFIG_SERVE, CONFIG_WORKER };

struct config {
    struct setting {
        enum config_of of;
        const char *name;
        char *value;
        char *from; /* file or variable */
    } * row;        /* owned; of one name the last one holds */
    int n;
};

/* $XDG_CONFIG_HOME/zoetrope/config.json, or ~/.config/...; NULL where there is no such file. To be
 * freed. */
char *config_user_path(void);
/* Adds what the file says. An unknown name is ERR_USAGE with the nearest one; values are checked
 * when they are used. */
NODISCARD int config_read_file(struct config *c, const char *path, struct err *e);
void config_read_environment(struct config *c);
/* Into the job; `standing`: not what decides the film, because a recipe does. */
NODISCARD int config_use_film(const struct config *c, zt_job *job, int standing, struct err *e);
/* What there is of the table, into its settings, which borrow from c. */
NODISCARD int config_use_serve(const struct config *c, const struct serve_table *t, void *settings,
                               struct err *e);
/* What holds for it, NULL: nothing said so. */
const struct setting *config_find(const struct config *c, enum config_of of, const char *name);
void config_release(struct config *c);

#endif
