#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"
#include "format/json.h"
#include "serve_options.h"

enum { MAX_CONFIG = 1 << 20, MAX_NAMES = 128 };

char *config_user_path(void)
{
    const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    char *path = xdg && *xdg == '/'     ? xasprintf("%s/zoetrope/config.json", xdg)
                 : home && *home == '/' ? xasprintf("%s/.config/zoetrope/config.json", home)
                                        : NULL;

    if (path && !file_exists(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

/* The tables beside that of films. */
static const struct serve_table *const TABLES[] = {
    [CONFIG_SERVE] = &serve_table, [CONFIG_WORKER] = &worker_table};

/* Static names of all options of the kind; how many. */
static int names_of(enum config_of of, const char *names[MAX_NAMES])
{
    struct zt_option o;
    int n = 0;

    if (TABLES[of]) {
        for (; n < TABLES[of]->n; n++)
            names[n] = TABLES[of]->row[n].name;
    } else {
        for (; n < MAX_NAMES && !zt_option_info(n, &o, sizeof o); n++)
            names[n] = o.name;
    }
    return n;
}

/* "-" and "_" are the same, as everywhere. NULL and e with the nearest name. */
static const char *known_name(enum config_of of, const char *key, struct err *e)
{
    const char *names[MAX_NAMES], *near;
    int n = names_of(of, names);

    for (int i = 0; i < n; i++) {
        size_t k = 0;
        while (names[i][k] && (names[i][k] == key[k] || (names[i][k] == '-' && key[k] == '_')))
            k++;
        if (!names[i][k] && !key[k])
            return names[i];
    }
    near = nearest_name(key, names, n);
    err_set(e, ERR_USAGE, "no option \"%.60s\"%s%s%s%s%s", key, TABLES[of] ? " of " : "",
            TABLES[of] ? TABLES[of]->name : "", near ? "; did you mean \"" : "", near ? near : "",
            near ? "\"?" : "");
    return NULL;
}

static void add(struct config *c, enum config_of of, const char *name, const char *value,
                const char *from)
{
    c->row = xrealloc(c->row, (size_t)(c->n + 1) * sizeof *c->row);
    c->row[c->n++] = (struct setting){of, name, xstrdup(value), xstrdup(from)};
}

/* What is at the top of a file and no option of films. */
static int is_section(const char *key)
{
    return !strcmp(key, "zoetrope") || !strcmp(key, serve_table.name) ||
           !strcmp(key, worker_table.name);
}

static int read_section(struct config *c, enum config_of of, struct jval obj, const char *path,
                        struct err *e)
{
    struct buf text = BUF_INIT;
    const char *key, *name;
    void *it = NULL;
    struct jval v;
    int rc = 0;

    while (!rc && j_next(obj, &it, &key, &v)) {
        if (of == CONFIG_FILM && is_section(key))
            continue;
        buf_clear(&text);
        int how = j_text(obj, key, &text);
        name = known_name(of, key, e);
        if (!name)
            rc = ERR_USAGE;
        else if (how < 0)
            rc = err_set(e, ERR_FORMAT,
                         "%s is a list or an object; a text, a number or "
                         "true/false is wanted",
                         key);
        else if (!how)
            add(c, of, name, buf_str(&text), path);
    }
    buf_release(&text);
    return rc ? err_prefix(e, "%s", path) : 0;
}

int config_read_file(struct config *c, const char *path, struct err *e)
{
    struct jdoc *doc;
    int rc = jdoc_read(&doc, path, MAX_CONFIG, e);

    if (rc)
        return rc;
    struct jval root = jdoc_root(doc), section[CONFIG_WORKER + 1] = {root};
    j_int(root, "zoetrope", 1, 1);
    for (int of = CONFIG_SERVE; of <= CONFIG_WORKER; of++)
        if (j_has(root, TABLES[of]->name))
            section[of] = j_object(root, TABLES[of]->name);
    rc = jdoc_status(doc, e);
    for (int of = CONFIG_FILM; of <= CONFIG_WORKER && !rc; of++)
        rc = read_section(c, of, section[of], path, e);
    jdoc_close(&doc);
    return rc;
}

void config_read_environment(struct config *c)
{
    static const char *const prefix[] = {"ZOETROPE_", "ZOETROPE_SERVE_", "ZOETROPE_WORKER_"};
    const char *names[MAX_NAMES];

    for (int of = CONFIG_FILM; of <= CONFIG_WORKER; of++) {
        int n = names_of(of, names);
        for (int i = 0; i < n; i++) {
            char *variable = xasprintf("%s%s", prefix[of], names[i]);
            for (char *p = variable; *p; p++)
                *p = *p == '-' ? '_' : (char)toupper((unsigned char)*p);
            const char *value = getenv(variable);
            if (value)
                add(c, of, names[i], value, variable);
            free(variable);
        }
    }
}

static int decides_film(const char *name)
{
    struct zt_option o;

    for (int i = 0; !zt_option_info(i, &o, sizeof o); i++)
        if (!strcmp(o.name, name))
            return o.film;
    return 0;
}

int config_use_film(const struct config *c, zt_job *job, int standing, struct err *e)
{
    for (int i = 0; i < c->n; i++) {
        const struct setting *s = &c->row[i];
        if (s->of != CONFIG_FILM || (standing && decides_film(s->name)))
            continue;
        e->code = zt_job_set(job, s->name, s->value, e->msg, sizeof e->msg);
        if (e->code)
            return err_prefix(e, "%s", s->from);
    }
    return 0;
}

int config_use_serve(const struct config *c, const struct serve_table *t, void *settings,
                     struct err *e)
{
    for (int i = 0; i < c->n; i++)
        if (TABLES[c->row[i].of] == t && serve_set(t, settings, c->row[i].name, c->row[i].value, e))
            return err_prefix(e, "%s", c->row[i].from);
    return 0;
}

const struct setting *config_find(const struct config *c, enum config_of of, const char *name)
{
    for (int i = c->n; i--;)
        if (c->row[i].of == of && !strcmp(c->row[i].name, name))
            return &c->row[i];
    return NULL;
}

void config_release(struct config *c)
{
    for (int i = 0; i < c->n; i++) {
        free(c->row[i].value);
        free(c->row[i].from);
    }
    free(c->row);
    *c = (struct config){0};
}
