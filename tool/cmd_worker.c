/* zoetrope worker: draws the jobs of a server on another machine. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "cmd.h"
#include "media/film.h"
#include "serve/remote.h"
#include "serve/serve.h"

#define KEY_VARIABLE "ZOETROPE_WORKER_KEY"
enum { MOST_KEY = 4096, MOST_THREADS = 1024 };

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

struct args {
    struct remote_options o;
    const char *key_file, *log;
};

static const struct option_row {
    const char *name, *value, *help, *fallback;
    size_t at; /* in struct args */
} ROWS[] = {
    {"server", "URL", "the server's address", NULL, offsetof(struct args, o.server)},
    {"key-file", "FILE",
     "the worker's key, of \"workers\" in the server's --keys file; else " KEY_VARIABLE, NULL,
     offsetof(struct args, key_file)},
    {"data", "DIR", "where the files of a job are; each worker has its own",
     "$XDG_DATA_HOME/zoetrope/worker", offsetof(struct args, o.data)},
    {"model", "NAME", "the model; it must be the server's (also -m)", "the default model",
     offsetof(struct args, o.model)},
    {"name", "NAME", "in the server's log", "the machine's name", offsetof(struct args, o.name)},
    {"threads", "N", "threads that compute", "all cores", offsetof(struct args, o.threads)},
    {"device", "DEVICE", "cpu, cuda or cuda:N", "cpu", offsetof(struct args, o.device)},
    {"log", "FILE", "where lines go; - is stderr", "-", offsetof(struct args, log)},
};
enum { N_ROWS = sizeof ROWS / sizeof *ROWS };

static void show_help(void)
{
    char left[64];

    fputs(HELP, stdout);
    for (int i = 0; i < N_ROWS; i++) {
        snprintf(left, sizeof left, "--%s %s", ROWS[i].name, ROWS[i].value);
        cmd_put_option(left, ROWS[i].help, ROWS[i].fallback);
    }
    cmd_put_option("--plain", "http to other machines too: key and films go unencrypted", NULL);
    fputs(EXAMPLES, stdout);
}

static int take_option(struct args *a, int argc, char **argv, int *i)
{
    const char *said = !strcmp(argv[*i], "-m") ? "--model" : argv[*i], *value;
    size_t n = strcspn(said, "=");

    if (!strcmp(said, "--plain"))
        return a->o.plain = 1, 0;
    for (int k = 0; k < N_ROWS; k++) {
        if (strncmp(said, "--", 2) || strlen(ROWS[k].name) != n - 2 ||
            strncmp(said + 2, ROWS[k].name, n - 2))
            continue;
        value = said[n] ? said + n + 1 : ++*i < argc ? argv[*i] : NULL;
        if (!value || !*value)
            return cmd_usage("worker", "--%s needs a value", ROWS[k].name);
        *(const char **)((char *)a + ROWS[k].at) = value;
        return 0;
    }
    return cmd_usage("worker", "no option %s", argv[*i]);
}

static int check(const struct args *a)
{
    int64_t n;

    if (!a->o.server)
        return cmd_usage("worker", "--server URL is needed");
    if (a->o.threads && (parse_int(a->o.threads, &n) || n < 1 || n > MOST_THREADS))
        return cmd_usage("worker", "threads \"%.40s\" is not allowed: 1 to %d", a->o.threads,
                         MOST_THREADS);
    return 0;
}

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

static int run(struct args *a)
{
    struct buf key = BUF_INIT;
    struct err e = {0};
    int rc = a->key_file ? read_key(a->key_file, &key, &e) : 0;

    a->o.key = key.len ? buf_str(&key) : getenv(KEY_VARIABLE);
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
    struct args a = {.o = {.data = data, .name = name, .stall_s = SERVE_STALL_S}, .log = "-"};
    int status = 0;

    default_name(name, sizeof name);
    for (int i = 1; i < argc && !status; i++) {
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            show_help();
            free(data);
            return EXIT_OK;
        }
        status = take_option(&a, argc, argv, &i);
    }
    if (!status)
        status = check(&a);
    film_quiet();
    if (!status)
        status = run(&a);
    free(data);
    return status;
}
