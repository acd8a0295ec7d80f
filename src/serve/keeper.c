#include "serve/keeper.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "serve/film_file.h"
#include "serve/keys.h"
#include "serve/order.h"
#include "serve/retain.h"
#include "serve/worker.h"

#define RETAIN_S 60.0
#define STALE_S 600.0
enum { BEATS = 6 }; /* in a lease */

struct keeper {
    struct server *s;
    pthread_t leases, cleaning;
    atomic_int stop;
};

/* Jobs of workers that are not heard any more wait again, or are over. */
static void take_back(struct server *s)
{
    struct err e = {0};
    struct job j;
    char id[24];
    int rc, n = 0;

    while ((rc = jobs_lapse(s->jobs, &j, &e)) > 0) {
        snprintf(id, sizeof id, "%lld", (long long)j.id);
        server_log(s, "worker-lost", "id", id, "now", job_state_name(j.state));
        if (JOB_IS_OVER(j.state))
            work_forget(s, j.id);
        board_over(s->board, j.id);
        board_change(s->board, j.id, keys_tenant(s->keys, j.tenant));
        job_release(&j);
        n++;
    }
    if (rc < 0)
        server_log(s, "store-failed", "why", e.msg);
    if (n) {
        server_work_waits(s);
        order_queue_changed(s);
    }
}

static void *keeper_main(void *arg)
{
    const struct timespec moment = {0, 100000000};
    struct keeper *k = arg;
    double every_s = k->s->o.lease_s / BEATS, beat_s = 0;

    while (!atomic_load(&k->stop)) {
        double now = clock_s();

        if (now - beat_s >= every_s) {
            worker_beat(k->s->worker);
            take_back(k->s);
            beat_s = now;
        }
        nanosleep(&moment, NULL);
    }
    return NULL;
}

/* Each file asks the store, and a slow disk removes slowly: leases do not wait for it. */
static void *clean_main(void *arg)
{
    const struct timespec moment = {0, 100000000};
    struct keeper *k = arg;
    double retain_s = -RETAIN_S, stale_s = clock_s(); /* the start has swept */

    while (!atomic_load(&k->stop)) {
        double now = clock_s();

        if (now - retain_s >= RETAIN_S) {
            retain_films(k->s);
            retain_s = now;
        }
        if (now - stale_s >= STALE_S) {
            film_files_stale(k->s);
            stale_s = now;
        }
        nanosleep(&moment, NULL);
    }
    return NULL;
}

int keeper_start(struct keeper **out, struct server *s, struct err *e)
{
    struct keeper *k = xcalloc(1, sizeof *k);

    k->s = s;
    if (pthread_create(&k->leases, NULL, keeper_main, k)) {
        free(k);
        return err_set(e, ERR_IO, "no thread for leases: %s", strerror(errno));
    }
    if (pthread_create(&k->cleaning, NULL, clean_main, k))
        panic("no thread for films that are old");
    *out = k;
    return 0;
}

void keeper_stop(struct keeper **k)
{
    if (!*k)
        return;
    atomic_store(&(*k)->stop, 1);
    pthread_join((*k)->leases, NULL);
    pthread_join((*k)->cleaning, NULL);
    free(*k);
    *k = NULL;
}
