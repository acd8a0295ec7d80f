/* zoetrope serve: films for programs and people over HTTP. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/manager.h"
#include "cmd.h"
#include "config.h"
#include "media/film.h"
#include "serve_options.h"

static const char HELP[] =
    "zoetrope serve [--listen ADDR:PORT] [--data DIR] [options]\n\n"
    "Serves a page for people and the APIs of Kling and OpenAI for programs. Jobs are kept on "
    "disk:\n"
    "what was accepted is drawn, whatever happens in between. SIGTERM lets the film that is being\n"
    "drawn go on for a while; what is not done is drawn when the server starts again. Where it is\n"
    "started by systemd it takes the socket of its .socket unit and says when it is ready.\n\n";

static const char EXAMPLES[] =
    "\nexamples: zoetrope serve\n"
    "          zoetrope serve --listen 0.0.0.0:8700 --keys keys.json --public-url "
    "https://films.example\n"
    "          curl -s localhost:8700/v1/videos -H 'Content-Type: application/json' \\\n"
    "              -d '{\"prompt\": \"a red ball rolls from left to right\"}'\n";

struct args {
    struct serve_settings s;
    struct config config;
};

static void show_help(void)
{
    char left[64];

    fputs(HELP, stdout);
    for (int i = 0; i < n_serve_rows; i++) {
        const struct serve_row *r = &serve_rows[i];
        snprintf(left, sizeof left, "--%s%s%s", r->name, r->value ? " " : "",
                 r->value ? r->value : "");
        cmd_put_option(left, r->help, *r->fallback && r->value ? r->fallback : NULL);
    }
    cmd_put_option("--config FILE", "settings of a file, as zoetrope config explains",
                   "$XDG_CONFIG_HOME/zoetrope/config.json");
    fputs(EXAMPLES, stdout);
}

/* The option at argv[*i], with its value; the argument behind it is taken where it needs one. */
static int take_option(int argc, char **argv, int *i, const char **name, const char **value)
{
    char *equals = strchr(argv[*i], '=');
    const struct serve_row *row;

    if (strncmp(argv[*i], "--", 2))
        return cmd_usage("serve", "no option %s", argv[*i]);
    *name = argv[*i] + 2;
    if (equals)
        *equals = '\0';
    row = serve_row_named(*name);
    if (!row && strcmp(*name, "config"))
        return cmd_usage("serve", "no option --%s", *name);
    *value = equals ? equals + 1 : row && row->kind == SERVE_FLAG ? "yes" : NULL;
    if (!*value && ++*i == argc)
        return cmd_usage("serve", "--%s needs a value", *name);
    *value = *value ? *value : argv[*i];
    return 0;
}

enum { MAX_SETTINGS = 64 };

/* Config file, environment, command line: the later one wins. */
static int parse(struct args *a, int argc, char **argv)
{
    const char *name[MAX_SETTINGS], *value[MAX_SETTINGS];
    char *user = config_user_path();
    const char *path = user;
    struct err e = {0};
    int n = 0, status = 0, rc = 0;

    for (int i = 1; i < argc && !status; i++) {
        if (n == MAX_SETTINGS)
            status = cmd_usage("serve", "more than %d options", MAX_SETTINGS);
        else if (!(status = take_option(argc, argv, &i, &name[n], &value[n])))
            strcmp(name[n], "config") ? (void)n++ : (void)(path = value[n]);
    }
    if (!status && path)
        rc = config_read_file(&a->config, path, &e);
    if (!status && !rc) {
        config_read_environment(&a->config);
        rc = config_use_serve(&a->config, &a->s, &e);
    }
    for (int i = 0; i < n && !status && !rc; i++)
        rc = serve_set(&a->s, name[i], value[i], &e);
    if (!status && rc)
        status = rc == ERR_USAGE ? cmd_usage("serve", "%s", e.msg) : cmd_fail(&e);
    free(user);
    return status;
}

static int open_log(struct serve_settings *s, struct err *e)
{
    if (!s->log || !*s->log)
        return 0;
    s->o.log = strcmp(s->log, "-") ? fopen(s->log, "ae") : stderr;
    return s->o.log ? 0 : err_set(e, ERR_IO, "%s: cannot be written", s->log);
}

/* Until a signal ends it. A manager that watches hears from us while the store answers. */
static void wait_for_end(struct server *s)
{
    const struct timespec moment = {0, 100000000};
    double watchdog_s = manager_watchdog_s(), said_s = clock_s();

    while (!cmd_stop) {
        nanosleep(&moment, NULL);
        if (watchdog_s > 0 && clock_s() - said_s > watchdog_s / 3) {
            serve_knock(s);
            manager_say("WATCHDOG=1");
            said_s = clock_s();
        }
    }
}

static int serve(struct serve_settings *a)
{
    struct server *s;
    struct err e = {0};

    umask(S_IRWXG | S_IRWXO); /* prompts, films and the secret of signed addresses */
    cmd_catch_signals();
    if (manager_socket(&a->o.listen_fd, &e) || open_log(a, &e) || serve_start(&s, &a->o, &e))
        return cmd_fail(&e);
    printf("zoetrope serves at %s\n", serve_url(s));
    fflush(stdout);
    manager_say("READY=1");
    wait_for_end(s);
    manager_say("STOPPING=1");
    serve_stop(&s, a->drain_s);
    if (s) /* a thread hangs: who waits for it would hang too */
        _exit(EXIT_OK);
    return EXIT_OK;
}

int cmd_serve(int argc, char **argv)
{
    struct args a = {0};
    char *data = cmd_data_folder("serve");
    int status;

    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            show_help();
            free(data);
            return EXIT_OK;
        }
    }
    film_quiet();
    serve_settings_init(&a.s);
    a.s.o.data = data;
    status = parse(&a, argc, argv);
    if (!status)
        status = serve(&a.s);
    if (a.s.o.log && a.s.o.log != stderr)
        fclose(a.s.o.log);
    config_release(&a.config);
    free(data);
    return status;
}
