/* The promises of the store with its jobs in PostgreSQL, which many servers share and which is
 * restarted under them. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "postgres.h"
#include "serve/jobs.h"
#include "serve/jobs_share.h"
#include "serving.h"
#include "ztest.h"

/* A server of its own folder. */
static struct jobs *join(const char *url, const char *name)
{
    char *dir = ztest_in_tmp(name);
    struct jobs *s = NULL;
    struct err e = {0};

    if (jobs_open_at(&s, dir, url, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(dir);
    return s;
}

static const struct job WISH = {.tenant = "local",
                                .api = "openai",
                                .model = "default",
                                .params = "{}",
                                .params_sha = "1",
                                .idem_key = "once",
                                .callback = "http://127.0.0.1/",
                                .facts = "{\"forecast_s\":2.5}"};

static int64_t add(struct jobs *s, const char *key, enum jobs_added want)
{
    struct job wish = WISH, j;
    enum jobs_added how;
    struct err e = {0};

    wish.idem_key = (char *)key;
    if (jobs_add(s, &wish, &how, &j, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK_INT(how, want);
    int64_t id = j.id;
    job_release(&j);
    return id;
}

static int64_t claim(struct jobs *s, int64_t id)
{
    struct job j;

    CHECK_INT(jobs_claim(s, "local-1", &j, NULL), 1);
    CHECK(j.id == id);
    int64_t fence = j.fence;
    job_release(&j);
    return fence;
}

static enum job_state state(struct jobs *s, int64_t id)
{
    struct job j;

    CHECK_INT(jobs_get(s, NULL, id, &j, NULL), 1);
    enum job_state now = j.state;
    job_release(&j);
    return now;
}

TEST(serve_pg_promises_1_2_3_7_hold_for_two_servers)
{
    struct jobs_note note;
    struct job j;
    int his;

    postgres_start();
    char *url = postgres_database("jobs");
    struct jobs *a = join(url, "pg-a"), *b = join(url, "pg-b");
    CHECK(!strcmp(jobs_secret(a), jobs_secret(b)));
    int64_t id = add(a, "once", JOBS_NEW), other = add(b, NULL, JOBS_NEW);
    CHECK(add(b, "once", JOBS_SAME) == id);
    CHECK_INT(jobs_position(b, other), 1);
    CHECK(jobs_ahead_s(a, 1) == 2.5);
    CHECK_INT(jobs_waiting(b, "local", &his), 2);
    CHECK_INT(his, 2);
    CHECK_INT(jobs_waiting(b, "another", &his), 2);
    CHECK_INT(his, 0);
    int64_t fence = claim(a, id);
    CHECK_INT(jobs_move(a, "local", other, 0, NULL), 1);
    CHECK_INT(jobs_held(b, id, fence, "x", &j, NULL), 0);
    claim(b, other);
    CHECK_INT(jobs_claim(b, "local-2", &j, NULL), 0);
    CHECK_INT(jobs_cancel(a, "local", other, &j, NULL), 1);
    job_release(&j);
    jobs_close(&b); /* it dies, and comes again: its job is over, that of the other goes on */
    b = join(url, "pg-b");
    CHECK_INT(state(b, other), JOB_CANCELLED);
    CHECK_INT(jobs_beat(a, id, fence, 1, 4, NULL), 1);
    jobs_close(&a);
    a = join(url, "pg-a");
    int64_t second = claim(b, id);
    CHECK_INT(second, fence + 1);
    CHECK_INT(jobs_succeed(a, id, fence, "x.mp4", "x", 1, NULL), 0);
    CHECK_INT(jobs_finalizing(b, id, second, NULL), 1);
    CHECK_INT(jobs_succeed(b, id, second, "y.mp4", "y", 1, NULL), 1);
    CHECK_INT(jobs_succeed(b, id, second, "y.mp4", "y", 1, NULL), 1); /* its answer was lost */
    CHECK_INT(jobs_fail(b, id, second, "E", "e", NULL), 0);
    CHECK(jobs_names_file(a, "y.mp4") && !jobs_names_file(a, "x.mp4"));
    CHECK_INT(jobs_films_bytes(a), 1);
    CHECK_INT(jobs_note_next(a, NULL, &note, NULL), 1);
    struct jobs_note same;
    CHECK(jobs_note_next(b, NULL, &same, NULL) == 1 &&
          same.job != note.job); /* one server tells one */
    CHECK_INT(jobs_note_later(b, &same, 0, NULL), 1);
    CHECK_INT(jobs_note_later(a, &note, 100000, NULL), 1);
    CHECK_INT(jobs_note_next(a, NULL, &note, NULL), 1);
    CHECK_INT(jobs_note_done(a, &note, NULL), 1);
    CHECK_INT(jobs_note_next(a, NULL, &note, NULL), 0);
    CHECK_INT(jobs_expire(a, id, NULL), 1);
    CHECK_INT(jobs_delete(a, "local", id, NULL), 1);
    jobs_close(&a), jobs_close(&b);
    free(url);
}

TEST(serve_pg_lease_that_is_over_gives_the_job_to_another)
{
    struct job j;

    postgres_start();
    char *url = postgres_database("leases");
    struct jobs *a = join(url, "pg-a"), *b = join(url, "pg-b");
    CHECK(!jobs_lease(a, 2, NULL) && !jobs_lease(b, 2, NULL));
    int64_t id = add(a, NULL, JOBS_NEW), fence = claim(a, id);
    for (int i = 0; i < 3; i++) { /* who is heard keeps it */
        usleep(700000);
        CHECK_INT(jobs_beat(a, id, fence, i, 3, NULL), 1);
        CHECK_INT(jobs_lapse(b, &j, NULL), 0);
    }
    CHECK(!jobs_lease(a, 0.05, NULL));
    CHECK_INT(jobs_beat(a, id, fence, 3, 3, NULL), 1);
    usleep(100000);
    CHECK_INT(jobs_lapse(b, &j, NULL), 1);
    CHECK(j.id == id && j.state == JOB_QUEUED && j.crash_count == 1);
    job_release(&j);
    CHECK_INT(jobs_lapse(a, &j, NULL), 0);
    CHECK_INT(jobs_beat(a, id, fence, 1, 3, NULL), 0);
    CHECK_INT(jobs_cancelled(a, id, fence, NULL), 0);
    CHECK_INT(claim(b, id), fence + 1);
    jobs_close(&a), jobs_close(&b);
    free(url);
}

/* Every call once behind a restart: nothing is lost, nothing is done twice. */
TEST(serve_pg_restart_of_the_database_loses_nothing)
{
    struct job j;
    struct err e;

    postgres_start();
    char *url = postgres_database("restart");
    struct jobs *s = join(url, "pg-a");
    int64_t id = add(s, "one", JOBS_NEW);
    postgres_restart();
    CHECK(add(s, "one", JOBS_SAME) == id);
    postgres_restart();
    int64_t fence = claim(s, id);
    postgres_restart();
    CHECK_INT(jobs_beat(s, id, fence, 1, 4, &e), 1);
    postgres_restart();
    CHECK_INT(jobs_succeed(s, id, fence, "y.mp4", "y", 1, NULL), 1);
    postgres_restart();
    CHECK_INT(state(s, id), JOB_SUCCEEDED);
    postgres_away();
    CHECK_INT(jobs_get(s, NULL, id, &j, &e), ERR_IO);
    CHECK(jobs_away(s) && jobs_names_file(s, "never"));
    CHECK_INT(jobs_claim(s, "local-1", &j, &e), ERR_IO);
    postgres_back();
    for (int i = 0; i < 1200 && jobs_away(s); i++) {
        usleep(50000);
        if (jobs_get(s, NULL, id, &j, &e) > 0)
            job_release(&j);
    }
    CHECK(!jobs_away(s));
    CHECK_INT(state(s, id), JOB_SUCCEEDED);
    jobs_close(&s);
    free(url);
}

TEST(serve_pg_files_of_one_server_are_the_others)
{
    enum { BYTES = (5 << 20) / 2 };
    struct buf b = BUF_INIT;
    struct err e;

    postgres_start();
    char *url = postgres_database("files"), *from = ztest_in_tmp("from"), *to = ztest_in_tmp("to");
    struct jobs *s = join(url, "pg-a"), *other = join(url, "pg-b");
    for (int i = 0; i < BYTES; i++)
        buf_putc(&b, (char)(i * 7 >> 3));
    CHECK(!file_write(from, b.data, b.len, &e));
    CHECK(!jobs_file_put(s, "a.mp4", 0, from, &e));
    CHECK(!jobs_file_put(s, "a.mp4", 0, from, &e));
    CHECK_INT(jobs_file_get(other, "a.mp4", to, &e), 1);
    CHECK_INT(jobs_file_get(other, "b.mp4", to, &e), 0);
    struct buf got = BUF_INIT;
    CHECK(!file_read(&got, to, 1 << 24, &e));
    CHECK(got.len == b.len && !memcmp(got.data, b.data, b.len));
    CHECK(!file_write(from, "", 0, &e)); /* none of its parts is full */
    CHECK(!jobs_file_put(s, "empty", 0, from, &e));
    CHECK_INT(jobs_file_get(other, "empty", to, &e), 1);
    jobs_files_sweep(s); /* they are too young */
    CHECK_INT(jobs_file_get(other, "a.mp4", to, &e), 1);
    buf_release(&b), buf_release(&got);
    jobs_close(&s), jobs_close(&other);
    free(url), free(from), free(to);
}

static void put_kept(struct jobs *s, int64_t id, int64_t fence, const char *text, int bytes,
                     int want)
{
    char *path = ztest_in_tmp("kept");
    struct buf b = BUF_INIT;
    struct err e;

    while ((int)b.len < bytes)
        buf_puts(&b, text);
    CHECK(!file_write(path, b.data, b.len, &e));
    CHECK_INT(jobs_kept_put(s, id, fence, "step", path, &e), want);
    buf_release(&b), free(path);
}

/* The first byte of what lies there, and how much it is; 0: none. */
static char first_kept(struct jobs *s, int64_t id, size_t *n)
{
    char *path = ztest_in_tmp("kept-got");
    struct buf b = BUF_INIT;
    struct err e;
    int rc = jobs_kept_get(s, id, "step", path, &e);
    char c = 0;

    CHECK(rc >= 0);
    if (rc) {
        CHECK(!file_read(&b, path, 1 << 24, &e) && b.len);
        c = b.data[0];
    }
    *n = b.len;
    buf_release(&b), free(path);
    return c;
}

TEST(serve_pg_promise_4_steps_are_the_next_servers_and_a_late_one_writes_none)
{
    enum { LARGE = 5 << 19, SMALL = 10 };
    struct job j;
    size_t n;
    int other;

    postgres_start();
    char *url = postgres_database("kept");
    struct jobs *a = join(url, "pg-a"), *b = join(url, "pg-b");
    CHECK(!jobs_lease(a, 0.2, NULL) && !jobs_lease(b, 0.2, NULL));
    int64_t id = add(a, NULL, JOBS_NEW), fence = claim(a, id);
    CHECK(!first_kept(b, id, &n));
    put_kept(a, id, fence, "a", LARGE, 1);
    CHECK(first_kept(b, id, &n) == 'a' && n == LARGE);
    put_kept(a, id, fence, "A", LARGE, 1); /* to the other side, and back */
    put_kept(a, id, fence, "z", SMALL, 1);
    CHECK(first_kept(b, id, &n) == 'z' && n == SMALL);
    CHECK(jobs_kept_count(a, id, &other, NULL) == 1 && other == 0);
    CHECK(jobs_kept_count(b, id, &other, NULL) == 1 && other == 1);
    usleep(250000);
    CHECK_INT(jobs_lapse(b, &j, NULL), 1);
    job_release(&j);
    put_kept(a, id, fence, "l", SMALL, 0); /* the job waits */
    int64_t second = claim(b, id);
    put_kept(a, id, fence, "l", LARGE, 0);
    CHECK(first_kept(b, id, &n) == 'z' && n == SMALL);
    put_kept(b, id, second, "b", LARGE, 1);
    CHECK(first_kept(a, id, &n) == 'b' && n == LARGE);
    CHECK_INT(jobs_succeed(b, id, second, "y.mp4", "y", 1, NULL), 1);
    CHECK(!first_kept(b, id, &n) && !jobs_kept_count(b, id, &other, NULL));
    put_kept(b, id, second, "b", SMALL, 0);
    jobs_close(&a), jobs_close(&b);
    free(url);
}

/* ---- many who claim ---- */

struct claimer {
    pthread_t thread;
    struct jobs *s;
    int done;
    int64_t fences;
};

static void *claim_all(void *arg)
{
    struct claimer *c = arg;
    struct job j;
    struct err e = {0};
    int rc;

    while ((rc = jobs_claim(c->s, "local-1", &j, &e)) > 0) {
        int first = jobs_succeed(c->s, j.id, j.fence, "x", "x", 1, &e);
        c->done += first > 0;
        c->fences += j.fence;
        job_release(&j);
    }
    return rc < 0 ? xstrdup(e.msg) : NULL;
}

/* ZT_CLAIM_JOBS=10000 by hand. */
TEST(serve_pg_claims_of_many_servers_are_of_one_each)
{
    enum { SERVERS = 8, MOST = 32 };
    const char *said = getenv("ZT_CLAIM_JOBS");
    int jobs = said ? atoi(said) : 200, servers = said ? MOST : SERVERS, done = 0;
    struct claimer c[MOST] = {0};
    int64_t fences = 0, n[JOB_CANCELLED + 1];
    char name[16];

    postgres_start();
    char *url = postgres_database("claims");
    for (int i = 0; i < servers; i++) {
        snprintf(name, sizeof name, "pg-%d", i);
        c[i].s = join(url, name);
    }
    for (int i = 0; i < jobs; i++)
        add(c[i % servers].s, NULL, JOBS_NEW);
    for (int i = 0; i < servers; i++)
        CHECK(!pthread_create(&c[i].thread, NULL, claim_all, &c[i]));
    for (int i = 0; i < servers; i++) {
        void *why;
        pthread_join(c[i].thread, &why);
        if (why)
            ztest_fail(__FILE__, __LINE__, "%s", (char *)why);
        done += c[i].done;
        fences += c[i].fences;
    }
    CHECK_INT(done, jobs);
    CHECK_INT(fences, jobs);
    jobs_counts(c[0].s, n);
    CHECK_INT(n[JOB_SUCCEEDED], jobs);
    for (int i = 0; i < servers; i++)
        jobs_close(&c[i].s);
    free(url);
}

static void refused(const char *url, int code, const char *why)
{
    char *dir = ztest_in_tmp("pg-refused");
    struct jobs *s;
    struct err e;

    CHECK_INT(jobs_open_at(&s, dir, url, &e), code);
    CHECK_CONTAINS(e.msg, why);
    if (strstr(e.msg, "geheim"))
        ztest_fail(__FILE__, __LINE__, "the password is said: %s", e.msg);
    free(dir);
}

TEST(serve_pg_refusals_are_said_and_tell_no_password)
{
    refused("mysql://u:geheim@h/d", ERR_USAGE, "not an address of PostgreSQL");
    refused("postgresql://u:geheim%zz@h/d", ERR_USAGE, "not an address of PostgreSQL");
    refused("postgresql://u:geheim@127.0.0.1:1/d", ERR_IO, "refused");
    refused("postgresql://u:geheim@127.0.0.1:geheim/d", ERR_USAGE, "not an address of PostgreSQL");
    postgres_start();
    char *url = postgres_database("newer");
    refused("postgresql:///none?host=/nowhere&password=geheim", ERR_IO, "/nowhere");
    struct jobs *s = join(url, "pg-a");
    jobs_close(&s);
    postgres_sql("newer", "UPDATE zoetrope.meta SET value='999' WHERE key='version'");
    refused(url, ERR_FORMAT, "version 999; this program knows up to 2");
    char *dir = ztest_in_tmp("pg-sqlite");
    CHECK(!jobs_open(&s, dir, NULL));
    jobs_close(&s);
    struct err e;
    CHECK_INT(jobs_open_at(&s, dir, url, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "zoetrope.db holds jobs");
    free(url), free(dir);
}
