/* serve_none.c - stands in where libmicrohttpd or SQLite is missing. */
#include <string.h>

#include "serve/remote.h"
#include "serve/serve.h"

void serve_options_init(struct serve_options *o)
{
    memset(o, 0, sizeof *o);
}

int serve_start(struct server **out, const struct serve_options *o, struct err *e)
{
    (void)o;
    *out = NULL;
    return err_set(e, ERR_USAGE,
                   "serve is not in this build: it was made without libmicrohttpd "
                   "or SQLite");
}

int serve_port(const struct server *s)
{
    (void)s;
    return 0;
}

int serve_reload(struct server *s, struct err *e)
{
    (void)s, (void)e;
    return 0;
}

void serve_knock(struct server *s)
{
    (void)s;
}

const char *serve_url(const struct server *s)
{
    (void)s;
    return "";
}

void serve_stop(struct server **s, double drain_s)
{
    (void)drain_s;
    *s = NULL;
}

int remote_run(const struct remote_options *o, const volatile sig_atomic_t *stop, struct err *e)
{
    (void)o, (void)stop;
    return err_set(e, ERR_USAGE,
                   "worker is not in this build: it was made without libmicrohttpd or SQLite");
}
