#include "serve/retain.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/film_file.h"

#define DAY_MS (24 * 60 * 60 * 1000.0)
#define GB_BYTES 1e9

/* 1: the oldest film that ended before this is gone, 0: there is none. */
static int remove_oldest(struct server *s, int64_t before_ms, const char *why)
{
    struct job j;
    struct err e;
    char name[48];
    int rc = jobs_oldest_film(s->jobs, before_ms, &j, &e);

    if (rc > 0)
        rc = jobs_expire(s->jobs, j.id, &e);
    if (rc > 0) {
        film_file_drop(s, j.result);
        snprintf(name, sizeof name, "%lld.last.png", (long long)j.id);
        char *path = path_join(s->preview_dir, name);
        unlink(path);
        free(path);
        snprintf(name, sizeof name, "%lld", (long long)j.id);
        server_log(s, "film-expired", "id", name, "why", why);
    } else if (rc < 0) {
        server_log(s, "store-failed", "why", e.msg);
    }
    job_release(&j);
    return rc > 0;
}

void retain_films(struct server *s)
{
    int64_t now = jobs_now_ms();

    if (s->o.keep_days > 0)
        while (remove_oldest(s, now - (int64_t)(s->o.keep_days * DAY_MS), "age"))
            ;
    if (s->o.keep_gb > 0)
        while ((double)jobs_films_bytes(s->jobs) > s->o.keep_gb * GB_BYTES &&
               remove_oldest(s, now - RETAIN_FRESH_MS, "room"))
            ;
}

int64_t retain_until_ms(const struct server *s, const struct job *j)
{
    if (j->state != JOB_SUCCEEDED || !(s->o.keep_days > 0))
        return 0;
    return j->finished_ms + (int64_t)(s->o.keep_days * DAY_MS);
}

int retain_is_gone(struct call *c, const struct job *j)
{
    if (j->state != JOB_SUCCEEDED || j->result)
        return 0;
    call_fail(c, FAULT_EXPIRED, NULL, "the film has expired: this server keeps films for a time");
    return 1;
}
