#include "serve_options.h"

#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

#define OPTION(field) offsetof(struct serve_settings, o.field)
#define OURS(field) offsetof(struct serve_settings, field)
#define REMOTE(field) offsetof(struct worker_settings, o.field)
#define WORKERS(field) offsetof(struct worker_settings, field)

/* clang-format off */
static const struct serve_row SERVE_ROWS[] = {
    {"listen", SERVE_TEXT, "ADDR:PORT", OPTION(listen), 0, "127.0.0.1:8700",
     "an IP address of this machine and a port, or a port alone; port 0 takes any free one. An "
     "address that other machines reach needs --keys"},
    {"data", SERVE_TEXT, "DIR", OPTION(data), 0, "$XDG_DATA_HOME/zoetrope/serve",
     "where jobs and films are kept"},
    {"store", SERVE_TEXT, "URL", OPTION(store), 0, "SQLite in --data",
     "where the jobs are, for servers that share them: postgresql://USER@HOST:PORT/NAME. A password "
     "belongs into ~/.pgpass"},
    {"keys", SERVE_TEXT, "FILE", OPTION(keys), 0, "",
     "who may use it: {\"keys\": [{\"tenant\": NAME, \"key\": KEY, \"access_key\": KEY, "
     "\"secret_key\": KEY, \"jobs\": N, \"priority\": N}]}"},
    {"model", SERVE_TEXT, "NAME", OPTION(model), 0, "the default model", "the model that draws"},
    {"models", SERVE_TEXT, "FILE", OPTION(models), 0, "those of Kling and OpenAI",
     "what clients may call that model: {\"models\": [NAME, ...]}"},
    {"public-url", SERVE_TEXT, "URL", OPTION(public_url), 0, "as clients name it",
     "how clients reach this server, behind a proxy"},
    {"idle", SERVE_NUMBER, "SECONDS", OPTION(idle_s), 1e9, "300",
     "the model is unloaded after so long without work"},
    {"queue", SERVE_COUNT, "N", OPTION(queue_most), 1e6, "1000", "jobs that may wait"},
    {"workers", SERVE_COUNT, "N", OPTION(workers), 1, "1",
     "films that are drawn at once: 1, or 0, with which jobs only wait"},
    {"lease", SERVE_NUMBER, "SECONDS", OPTION(lease_s), 3600, "30",
     "a worker that is not heard for so long has lost its job to another"},
    {"stall", SERVE_NUMBER, "SECONDS", OPTION(stall_s), 1e6, "600",
     "a film that shows no progress for so long, beyond the time that all of it was forecast to "
     "take, has failed (E_STALLED). 0: never"},
    {"most-seconds", SERVE_NUMBER, "SECONDS", OPTION(seconds_most), 1e5, "60", "the longest film"},
    {"live-yield", SERVE_NUMBER, "SECONDS", OPTION(live_yield_s), 1e9, "60",
     "a live scene may go on for so long while a film waits"},
    {"keep-days", SERVE_NUMBER, "DAYS", OPTION(keep_days), 1e5, "0",
     "films are removed after so long; their jobs stay. 0: never"},
    {"keep-gb", SERVE_NUMBER, "GB", OPTION(keep_gb), 1e6, "0",
     "the oldest films are removed when all together are larger, but none of the last ten minutes. "
     "0: no limit"},
    {"drain", SERVE_NUMBER, "SECONDS", OURS(drain_s), 1e6, "30",
     "how long a film may go on after SIGTERM"},
    {"allow-private", SERVE_FLAG, NULL, OPTION(allow_private), 0, "no",
     "pictures and callbacks may be at private addresses, and by http"},
    {"log", SERVE_TEXT, "FILE", OURS(log), 0, "",
     "JSON lines about what happens; - is stderr"},
};

static const struct serve_row WORKER_ROWS[] = {
    {"server", SERVE_TEXT, "URL", REMOTE(server), 0, "", "the server's address"},
    {"key-file", SERVE_TEXT, "FILE", WORKERS(key_file), 0, "",
     "the worker's key, of \"workers\" in the server's --keys file; else ZOETROPE_WORKER_KEY"},
    {"data", SERVE_TEXT, "DIR", REMOTE(data), 0, "$XDG_DATA_HOME/zoetrope/worker",
     "where the files of a job are; each worker has its own"},
    {"model", SERVE_TEXT, "NAME", REMOTE(model), 0, "the default model",
     "the model; it must be the server's (also -m)"},
    {"name", SERVE_TEXT, "NAME", REMOTE(name), 0, "the machine's name", "in the server's log"},
    {"threads", SERVE_COUNT, "N", REMOTE(threads), 1024, "0", "threads that compute; 0: all cores"},
    {"device", SERVE_TEXT, "cpu|cuda", REMOTE(device), 0, "cpu", "cpu, cuda or cuda:N"},
    {"stall", SERVE_NUMBER, "SECONDS", REMOTE(stall_s), 1e6, "600",
     "a film that shows no progress for so long, beyond the time that all of it was forecast to "
     "take, is another worker's; if it cannot be interrupted the worker exits with 5. 0: never"},
    {"log", SERVE_TEXT, "FILE", WORKERS(log), 0, "-", "where lines go; - is stderr"},
    {"plain", SERVE_FLAG, NULL, REMOTE(plain), 0, "no",
     "http to other machines too: key and films go unencrypted"},
};
/* clang-format on */
#define N(rows) (int)(sizeof(rows) / sizeof *(rows))
const struct serve_table serve_table = {"serve", SERVE_ROWS, N(SERVE_ROWS), NULL, NULL};
const struct serve_table worker_table = {"worker", WORKER_ROWS, N(WORKER_ROWS), "-m", "model"};

void serve_settings_init(struct serve_settings *s)
{
    memset(s, 0, sizeof *s);
    serve_options_init(&s->o);
    s->drain_s = 30;
}

void worker_settings_init(struct worker_settings *s)
{
    *s = (struct worker_settings){.o.stall_s = SERVE_STALL_S, .log = "-"};
}

const struct serve_row *serve_row_named(const struct serve_table *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(name, t->row[i].name))
            return &t->row[i];
    return NULL;
}

static int no_such_row(const struct serve_table *t, const char *name, struct err *e)
{
    enum { MOST = 64 };
    const char *names[MOST];

    ZT_ASSERT(t->n <= MOST);
    for (int i = 0; i < t->n; i++)
        names[i] = t->row[i].name;
    const char *near = nearest_name(name, names, t->n);
    return err_set(e, ERR_USAGE, "no option \"%.60s\"%s%s%s", name, near ? "; did you mean \"" : "",
                   near ? near : "", near ? "\"?" : "");
}

int serve_set(const struct serve_table *t, void *settings, const char *name, const char *value,
              struct err *e)
{
    const struct serve_row *row = serve_row_named(t, name);
    void *to = row ? (char *)settings + row->at : NULL;
    int64_t n;
    double x;

    if (!row)
        return no_such_row(t, name, e);
    switch (row->kind) {
    case SERVE_TEXT:
        *(const char **)to = value;
        return 0;
    case SERVE_FLAG:
        if (parse_yes(value, to))
            return err_set(e, ERR_USAGE, "%s \"%.80s\" is not allowed: yes or no", name, value);
        return 0;
    case SERVE_COUNT:
        if (parse_int(value, &n) || n < 0 || (double)n > row->most)
            break;
        *(int *)to = (int)n;
        return 0;
    case SERVE_NUMBER:
        if (parse_real(value, &x) || !(x >= 0 && x <= row->most))
            break;
        *(double *)to = x;
        return 0;
    }
    return err_set(e, ERR_USAGE, "%s \"%.80s\" is not allowed: 0 to %.0f", name, value, row->most);
}
