#include "serve_args.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"

int serve_args_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
            return 1;
    return 0;
}

void serve_args_show(const struct serve_table *t)
{
    char left[64];

    for (int i = 0; i < t->n; i++) {
        const struct serve_row *r = &t->row[i];
        snprintf(left, sizeof left, "--%s%s%s", r->name, r->value ? " " : "",
                 r->value ? r->value : "");
        cmd_put_option(left, r->help, *r->fallback && r->value ? r->fallback : NULL);
    }
    cmd_put_option("--config FILE", "settings of a file, as zoetrope config explains",
                   "$XDG_CONFIG_HOME/zoetrope/config.json");
}

static const char *name_of(const struct serve_table *t, const char *arg)
{
    if (t->letter && !strcmp(arg, t->letter))
        return t->letter_of;
    return strncmp(arg, "--", 2) ? NULL : arg + 2;
}

/* The option at argv[*i], with its value; the argument behind it is taken where it needs one. */
static int take_option(const struct serve_table *t, int argc, char **argv, int *i,
                       const char **name, const char **value)
{
    char *equals = strchr(argv[*i], '=');
    const struct serve_row *row;

    if (equals && !strncmp(argv[*i], "--", 2))
        *equals = '\0';
    *name = name_of(t, argv[*i]);
    row = *name ? serve_row_named(t, *name) : NULL;
    if (!row && (!*name || strcmp(*name, "config")))
        return cmd_usage(t->name, "no option %s", argv[*i]);
    *value = equals ? equals + 1 : row && row->kind == SERVE_FLAG ? "yes" : NULL;
    if (!*value && ++*i == argc)
        return cmd_usage(t->name, "--%s needs a value", *name);
    *value = *value ? *value : argv[*i];
    return 0;
}

enum { MAX_SETTINGS = 64 };

int serve_args_parse(const struct serve_table *t, void *settings, struct config *c, int argc,
                     char **argv)
{
    const char *name[MAX_SETTINGS], *value[MAX_SETTINGS];
    char *user = config_user_path();
    const char *path = user;
    struct err e = {0};
    int n = 0, status = 0, rc = 0;

    for (int i = 1; i < argc && !status; i++) {
        if (n == MAX_SETTINGS)
            status = cmd_usage(t->name, "more than %d options", MAX_SETTINGS);
        else if (!(status = take_option(t, argc, argv, &i, &name[n], &value[n])))
            strcmp(name[n], "config") ? (void)n++ : (void)(path = value[n]);
    }
    if (!status && path)
        rc = config_read_file(c, path, &e);
    if (!status && !rc) {
        config_read_environment(c);
        rc = config_use_serve(c, t, settings, &e);
    }
    for (int i = 0; i < n && !status && !rc; i++)
        rc = serve_set(t, settings, name[i], value[i], &e);
    if (!status && rc)
        status = rc == ERR_USAGE ? cmd_usage(t->name, "%s", e.msg) : cmd_fail(&e);
    free(user);
    return status;
}
