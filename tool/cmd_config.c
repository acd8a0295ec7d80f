/* zoetrope config: what holds before the command line says anything, and who says so. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "cmd.h"
#include "config.h"
#include "serve_options.h"

static const char HELP[] =
    "zoetrope config [--config FILE] [--json]\n\n"
    "Shows every option of generate and, behind \"serve.\" and \"worker.\", of serve and worker: "
    "what\n"
    "it is when the command line says nothing, and from where. A command line wins over the\n"
    "environment (ZOETROPE_STEPS=20, ZOETROPE_SERVE_LISTEN=8701), that over the config file:\n"
    "$XDG_CONFIG_HOME/zoetrope/config.json (~/.config/...), or the one of --config, like\n\n"
    "  {\"zoetrope\": 1, \"threads\": 4, \"output\": \"film.mp4\",\n"
    "   \"serve\": {\"listen\": \"127.0.0.1:8701\", \"queue\": 100},\n"
    "   \"worker\": {\"server\": \"https://films.example\", \"device\": \"cuda:0\"}}\n\n"
    "With generate --again the recipe decides what the film is, and only the rest holds.\n\n"
    "  --config FILE  this file instead of the user's\n"
    "  --json         as one JSON object: name, value, from\n";

/* One option: name, value (NULL: what is said of its fallback) and where from. */
static void show(struct jsonw *w, const char *section, const char *name, const struct setting *s,
                 const char *fallback)
{
    char *full = xasprintf("%s%s", section, name);

    if (w) {
        jsonw_object(w, NULL);
        jsonw_string(w, "name", full);
        jsonw_string(w, "value", s ? s->value : NULL);
        jsonw_string(w, "from", s ? s->from : NULL);
        jsonw_end_object(w);
    } else {
        printf("%-24s ", full);
        cmd_put_text(stdout, s ? s->value : *fallback ? fallback : "-");
        fputs(s ? "  (" : "", stdout);
        cmd_put_text(stdout, s ? s->from : "");
        puts(s ? ")" : "");
    }
    free(full);
}

static void show_table(const struct config *c, enum config_of of, const char *section,
                       const struct serve_table *t, struct jsonw *w)
{
    for (int i = 0; i < t->n; i++)
        show(w, section, t->row[i].name, config_find(c, of, t->row[i].name), t->row[i].fallback);
}

static void show_all(const struct config *c, struct jsonw *w)
{
    struct zt_option o;

    for (int i = 0; !zt_option_info(i, &o, sizeof o); i++)
        show(w, "", o.name, config_find(c, CONFIG_FILM, o.name), o.fallback);
    show_table(c, CONFIG_SERVE, "serve.", &serve_table, w);
    show_table(c, CONFIG_WORKER, "worker.", &worker_table, w);
}

static void show_json(const struct config *c)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 1);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "settings");
    show_all(c, &w);
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    puts(buf_str(&b));
    buf_release(&b);
}

/* Values that the commands would refuse are refused here. */
static int check(const struct config *c, struct err *e)
{
    struct serve_settings serve;
    struct worker_settings worker;
    zt_job *job;

    zt_job_new(&job, NULL);
    int rc = config_use_film(c, job, 0, e);
    zt_job_free(&job);
    serve_settings_init(&serve);
    worker_settings_init(&worker);
    if (!rc)
        rc = config_use_serve(c, &serve_table, &serve, e);
    return rc ? rc : config_use_serve(c, &worker_table, &worker, e);
}

int cmd_config(int argc, char **argv)
{
    char *user = config_user_path();
    const char *path = user;
    struct config c = {0};
    struct err e = {0};
    int json = 0, status = 0;

    for (int i = 1; i < argc && !status; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            fputs(HELP, stdout);
            free(user);
            return EXIT_OK;
        }
        if (!strcmp(argv[i], "--json"))
            json = 1;
        else if (!strcmp(argv[i], "--config") && i + 1 < argc)
            path = argv[++i];
        else
            status = cmd_usage("config", "%s%s", strcmp(argv[i], "--config") ? "no option " : "",
                               strcmp(argv[i], "--config") ? argv[i] : "--config wants a value");
    }
    int rc = !status && path ? config_read_file(&c, path, &e) : 0;
    if (!rc) {
        config_read_environment(&c);
        rc = check(&c, &e);
    }
    if (!status && rc)
        status = cmd_fail(&e);
    else if (!status && json)
        show_json(&c);
    else if (!status)
        show_all(&c, NULL);
    config_release(&c);
    free(user);
    return status;
}
