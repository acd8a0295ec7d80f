/* zoetrope serve: films for programs and people over HTTP. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cmd.h"
#include "media/film.h"
#include "serve/serve.h"

static const char HELP[] =
    "zoetrope serve [--listen ADDR:PORT] [--data DIR] [options]\n\n"
    "Serves a page for people and the APIs of Kling and OpenAI for programs. Jobs are kept on "
    "disk:\n"
    "what was accepted is drawn, whatever happens in between. SIGTERM lets the film that is being\n"
    "drawn go on for a while; what is not done is drawn when the server starts again.\n\n"
    "  --listen ADDR:PORT   an IP address of this machine and a port, or a port alone; port 0\n"
    "                       takes any free one (127.0.0.1:8700). An address that other machines\n"
    "                       reach needs --keys\n"
    "  --data DIR           where jobs and films are kept ($XDG_DATA_HOME/zoetrope/serve)\n"
    "  --keys FILE          who may use it: {\"keys\": [{\"tenant\": NAME, \"key\": KEY,\n"
    "                       \"access_key\": KEY, \"secret_key\": KEY, \"jobs\": N}]}\n"
    "  --model NAME         the model that draws (the default model)\n"
    "  --public-url URL     how clients reach this server, behind a proxy\n"
    "  --idle SECONDS       the model is unloaded after so long without work (300)\n"
    "  --queue N            jobs that may wait (1000)\n"
    "  --most-seconds S     the longest film (60)\n"
    "  --drain SECONDS      how long a film may go on after SIGTERM (30)\n"
    "  --allow-private      pictures and callbacks may be at private addresses, and by http\n"
    "  --log FILE           JSON lines about what happens; - is stderr\n\n"
    "examples: zoetrope serve\n"
    "          zoetrope serve --listen 0.0.0.0:8700 --keys keys.json --public-url "
    "https://films.example\n"
    "          curl -s localhost:8700/v1/videos -H 'Content-Type: application/json' \\\n"
    "              -d '{\"prompt\": \"a red ball rolls from left to right\"}'\n";

struct args {
    struct serve_options o;
    double drain_s, queue;
    const char *log;
};

static int parse(struct args *a, int argc, char **argv)
{
    const struct {
        const char *name;
        const char **text;
        double *number, most;
    } options[] = {{"--listen", &a->o.listen, NULL, 0},
                   {"--data", &a->o.data, NULL, 0},
                   {"--keys", &a->o.keys, NULL, 0},
                   {"--model", &a->o.model, NULL, 0},
                   {"--public-url", &a->o.public_url, NULL, 0},
                   {"--log", &a->log, NULL, 0},
                   {"--idle", NULL, &a->o.idle_s, 1e9},
                   {"--queue", NULL, &a->queue, 1e6},
                   {"--most-seconds", NULL, &a->o.seconds_most, 1e5},
                   {"--drain", NULL, &a->drain_s, 1e6}};
    enum { N = sizeof options / sizeof *options };

    for (int i = 1; i < argc; i++) {
        int k = 0;

        while (k < N && strcmp(argv[i], options[k].name))
            k++;
        if (!strcmp(argv[i], "--allow-private")) {
            a->o.allow_private = 1;
            continue;
        }
        if (k == N)
            return cmd_usage("serve", "no option %s", argv[i]);
        if (++i == argc)
            return cmd_usage("serve", "%s needs a value", argv[i - 1]);
        if (options[k].text)
            *options[k].text = argv[i];
        else if (parse_real(argv[i], options[k].number) || *options[k].number < 0 ||
                 *options[k].number > options[k].most)
            return cmd_usage("serve", "%s \"%s\": 0 to %g is allowed", options[k].name, argv[i],
                             options[k].most);
    }
    a->o.queue_most = (int)a->queue;
    return 0;
}

static char *default_data(void)
{
    const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (xdg && *xdg)
        return xasprintf("%s/zoetrope/serve", xdg);
    return xasprintf("%s/.local/share/zoetrope/serve", home && *home ? home : ".");
}

static int open_log(struct args *a, struct err *e)
{
    if (!a->log)
        return 0;
    a->o.log = strcmp(a->log, "-") ? fopen(a->log, "ae") : stderr;
    return a->o.log ? 0 : err_set(e, ERR_IO, "%s: cannot be written", a->log);
}

int cmd_serve(int argc, char **argv)
{
    struct args a = {.drain_s = 30};
    struct server *s;
    struct err e = {0};
    char *data = default_data();
    int rc;

    if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
        fputs(HELP, stdout);
        free(data);
        return EXIT_OK;
    }
    film_quiet();
    serve_options_init(&a.o);
    a.o.data = data;
    a.queue = a.o.queue_most;
    rc = parse(&a, argc, argv);
    if (!rc) {
        cmd_catch_signals();
        if (open_log(&a, &e) || serve_start(&s, &a.o, &e)) {
            rc = cmd_fail(&e);
        } else {
            const struct timespec moment = {0, 100000000};
            printf("zoetrope serves at %s\n", serve_url(s));
            fflush(stdout);
            while (!cmd_stop)
                nanosleep(&moment, NULL);
            serve_stop(&s, a.drain_s);
        }
    }
    if (a.o.log && a.o.log != stderr)
        fclose(a.o.log);
    free(data);
    return rc;
}
