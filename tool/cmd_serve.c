/* zoetrope serve: films for programs and people over HTTP. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/manager.h"
#include "cmd.h"
#include "media/film.h"
#include "serve_args.h"

static const char HELP[] =
    "zoetrope serve [--listen ADDR:PORT] [--data DIR] [options]\n\n"
    "Serves a page for people and the APIs of Kling and OpenAI for programs. Jobs are kept on "
    "disk:\n"
    "what was accepted is drawn, whatever happens in between. SIGTERM lets the film that is being\n"
    "drawn go on for a while; what is not done is drawn when the server starts again. SIGHUP "
    "reads\n"
    "the files of --keys and --models again and opens --log anew. Where it is started by systemd "
    "it\n"
    "takes the socket of its .socket unit and says when it is ready.\n\n";

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

static int open_log(struct serve_settings *s, struct err *e)
{
    if (!s->log || !*s->log)
        return 0;
    s->o.log = strcmp(s->log, "-") ? fopen(s->log, "ae") : stderr;
    return s->o.log ? 0 : err_set(e, ERR_IO, "%s: cannot be written", s->log);
}

/* ---- SIGHUP ---- */

static volatile sig_atomic_t hung_up;

static void on_hangup(int number)
{
    (void)number;
    __atomic_store_n(&hung_up, 1, __ATOMIC_RELAXED); /* any thread may have it */
}

static int has_terminal(void)
{
    int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC);

    return fd >= 0 && !close(fd);
}

/* 1: it was started at a terminal, and goes with it. */
static int catch_hangup(void)
{
    struct sigaction a = {.sa_handler = on_hangup}, before;

    sigemptyset(&a.sa_mask);
    sigaction(SIGHUP, &a, &before);
    return before.sa_handler != SIG_IGN && has_terminal(); /* nohup(1) says that it stays */
}

/* Whoever moved the log away has the new one under its name; one that cannot be opened stays. */
static int log_anew(const struct serve_settings *a, struct err *e)
{
    FILE *f;

    if (!a->o.log || a->o.log == stderr)
        return 0;
    f = fopen(a->log, "ae");
    if (!f)
        return err_set(e, ERR_IO, "%s: cannot be written", a->log);
    int rc = dup3(fileno(f), fileno(a->o.log), O_CLOEXEC) < 0 /* each line is flushed */
                 ? err_set(e, ERR_IO, "%s: %s", a->log, strerror(errno))
                 : 0;
    fclose(f);
    return rc;
}

static void reload(struct server *s, const struct serve_settings *a)
{
    struct timespec now;
    struct err e = {0}, log = {0};
    char text[80];

    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(text, sizeof text, "RELOADING=1\nMONOTONIC_USEC=%lld",
             (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
    manager_say(text);
    if (log_anew(a, &log))
        fprintf(stderr, "zoetrope: %s; the log goes on where it was\n", log.msg);
    if (serve_reload(s, &e))
        fprintf(stderr, "zoetrope: %s; what it said before holds\n", e.msg);
    manager_say("READY=1");
}

/* Until a signal ends it. A manager that watches hears from us while the store answers. */
static void wait_for_end(struct server *s, const struct serve_settings *a, int at_terminal)
{
    const struct timespec moment = {0, 100000000};
    double watchdog_s = manager_watchdog_s(), said_s = clock_s();

    while (!cmd_stop) {
        nanosleep(&moment, NULL);
        if (__atomic_exchange_n(&hung_up, 0, __ATOMIC_RELAXED)) {
            if (at_terminal && !has_terminal())
                break;
            reload(s, a);
        }
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
    int at_terminal = catch_hangup();
    if (manager_socket(&a->o.listen_fd, &e) || open_log(a, &e) || serve_start(&s, &a->o, &e))
        return cmd_fail(&e);
    printf("zoetrope serves at %s\n", serve_url(s));
    fflush(stdout);
    manager_say("READY=1");
    wait_for_end(s, a, at_terminal);
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
    int help = serve_args_help(argc, argv), status = 0;

    film_quiet();
    serve_settings_init(&a.s);
    a.s.o.data = data;
    if (help) {
        fputs(HELP, stdout);
        serve_args_show(&serve_table);
        fputs(EXAMPLES, stdout);
    } else {
        status = serve_args_parse(&serve_table, &a.s, &a.config, argc, argv);
    }
    if (!help && !status)
        status = serve(&a.s);
    if (a.s.o.log && a.s.o.log != stderr)
        fclose(a.s.o.log);
    config_release(&a.config);
    free(data);
    return status;
}
