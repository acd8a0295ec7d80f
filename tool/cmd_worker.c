/* zoetrope worker: draws the jobs of a server on another machine. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd.h"
#include "media/film.h"
#include "serve_args.h"

#define KEY_VARIABLE "ZOETROPE_WORKER_KEY"
enum { MOST_KEY = 4096 };

static const char HELP[] =
    "zoetrope worker --server URL [options]\n\n"
    "Takes jobs from `zoetrope serve` on another machine, draws them, and delivers the films. Any\n"
    "number of workers may serve one server; each needs the server's model. What is reached is "
    "sent\n"
    "along, so that another worker goes on when this one ends, to the same bits. SIGTERM gives "
    "the\n"
    "job back at once. What happens is written as lines of JSON.\n\n";

static const char EXAMPLES[] =
    "\nexamples: zoetrope worker --server http://127.0.0.1:8700\n"
    "          zoetrope worker --server https://films.example --key-file worker.key --name gpu-1 "
    "\\\n"
    "              --device cuda:0\n"
    "          " KEY_VARIABLE "=... zoetrope worker --server https://films.example -m MODEL\n";

/* Without the end of the line that editors put behind it. */
static int read_key(const char *path, struct buf *key, struct err *e)
{
    int rc = file_read(key, path, MOST_KEY, e);

    while (!rc && key->len && strchr("\r\n \t", key->data[key->len - 1]))
        key->data[--key->len] = '\0';
    if (!rc && (!key->len || key->data[strcspn(key->data, "\r\n")]))
        rc = err_set(e, ERR_FORMAT, "%s: one line with the key is needed", path);
    return rc;
}

/* Who waits for a thread that hangs would hang too; systemd starts the next one. */
static void hangs(void)
{
    _exit(-ERR_DEVICE);
}

static int run(struct worker_settings *a)
{
    struct buf key = BUF_INIT;
    struct err e = {0};
    int rc = a->key_file ? read_key(a->key_file, &key, &e) : 0;

    a->o.key = key.len ? buf_str(&key) : getenv(KEY_VARIABLE);
    a->o.hangs = hangs;
    a->o.log = strcmp(a->log, "-") ? fopen(a->log, "ae") : stderr;
    if (!rc && !a->o.log)
        rc = err_set(&e, ERR_IO, "%s: cannot be written", a->log);
    umask(S_IRWXG | S_IRWXO);
    cmd_catch_signals();
    if (!rc)
        rc = remote_run(&a->o, &cmd_stop, &e);
    if (a->o.log && a->o.log != stderr)
        fclose(a->o.log);
    buf_release(&key);
    return rc ? cmd_fail(&e) : EXIT_OK;
}

/* The machine's, with the marks that the server's log does not take as dashes. */
static void default_name(char *name, size_t size)
{
    if (gethostname(name, size) || !*name)
        snprintf(name, size, "worker");
    name[size - 1] = '\0';
    for (char *c = name; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-", *c))
            *c = '-';
}

int cmd_worker(int argc, char **argv)
{
    char *data = cmd_data_folder("worker"), name[41];
    struct worker_settings a;
    struct config c = {0};
    int help = serve_args_help(argc, argv), status = 0;

    film_quiet();
    default_name(name, sizeof name);
    worker_settings_init(&a);
    a.o.data = data;
    a.o.name = name;
    if (help) {
        fputs(HELP, stdout);
        serve_args_show(&worker_table);
        fputs(EXAMPLES, stdout);
    } else {
        status = serve_args_parse(&worker_table, &a, &c, argc, argv);
    }
    if (!help && !status && !a.o.server)
        status = cmd_usage("worker", "--server URL is needed");
    if (!help && !status)
        status = run(&a);
    config_release(&c);
    free(data);
    return status;
}
