/* Jobs that come at once share a transaction: each has its own answer, and all are there. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/file.h"
#include "serve/jobs.h"
#include "ztest.h"

enum { THREADS = 16, EACH = 40, KEYS = 10 };

struct crowd {
    struct jobs *jobs;
    atomic_int next, n[JOBS_TAKEN + 1], n_wrong;
    int64_t id[THREADS * EACH];
};

/* Every fourth one of a key that others have too, of which some say something else under it. */
static void *add_main(void *arg)
{
    struct crowd *c = arg;

    for (int i; (i = atomic_fetch_add(&c->next, 1)) < THREADS * EACH;) {
        char key[16], sha[16];
        struct job out, j = {.tenant = "ann", .api = "openai", .model = "default", .params = "{}"};
        enum jobs_added how;
        struct err e;

        snprintf(key, sizeof key, "k%d", i / 4 % KEYS);
        snprintf(sha, sizeof sha, "s%d", i % 16 == 12);
        j.facts = "{\"forecast_s\": 0.5}";
        j.params_sha = sha;
        j.idem_key = i % 4 ? NULL : key;
        if (jobs_add(c->jobs, &j, &how, &out, &e)) {
            atomic_fetch_add(&c->n_wrong, 1);
            continue;
        }
        atomic_fetch_add(&c->n[how], 1);
        c->id[i] = how == JOBS_NEW ? out.id : 0;
        job_release(&out);
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

TEST(serve_jobs_that_come_at_once_are_all_there)
{
    char *dir = ztest_in_tmp("crowd");
    struct crowd c = {0};
    pthread_t thread[THREADS];
    struct err e;
    int n = 0, his;

    CHECK(!jobs_open(&c.jobs, dir, &e));
    for (int i = 0; i < THREADS; i++)
        CHECK(!pthread_create(&thread[i], NULL, add_main, &c));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    CHECK_INT(c.n_wrong, 0);
    CHECK_INT(c.n[JOBS_NEW], THREADS * EACH * 3 / 4 + KEYS);
    CHECK_INT(c.n[JOBS_NEW] + c.n[JOBS_SAME] + c.n[JOBS_CONFLICT], THREADS * EACH);
    CHECK(c.n[JOBS_SAME] > 0 && c.n[JOBS_CONFLICT] > 0);
    CHECK_INT(jobs_waiting(c.jobs, "ann", &his), c.n[JOBS_NEW]);
    CHECK_INT(his, c.n[JOBS_NEW]);
    CHECK_INT(jobs_waiting(c.jobs, "bob", &his), c.n[JOBS_NEW]);
    CHECK_INT(his, 0);
    CHECK(jobs_ahead_s(c.jobs, 7) == 3.5);
    jobs_close(&c.jobs);

    CHECK(!jobs_open(&c.jobs, dir, &e));
    qsort(c.id, THREADS * EACH, sizeof *c.id, by_number);
    for (int i = 0; i < THREADS * EACH; i++) {
        struct job j;

        if (!c.id[i])
            continue;
        CHECK(!i || c.id[i] != c.id[i - 1]);
        CHECK(jobs_get(c.jobs, "ann", c.id[i], &j, &e) == 1);
        job_release(&j);
        n++;
    }
    CHECK_INT(n, c.n[JOBS_NEW]);
    jobs_close(&c.jobs);
    free(dir);
}

/* A store that an older program left gets the index that it lacks. */
TEST(serve_store_of_an_older_version_is_taken_over)
{
    char *dir = ztest_in_tmp("older"), *path = path_join(dir, "zoetrope.db");
    struct job j = {.tenant = "ann",
                    .api = "openai",
                    .model = "default",
                    .params = "{}",
                    .params_sha = "s",
                    .facts = "{\"forecast_s\":1}"},
               out;
    struct jobs *jobs;
    enum jobs_added how;
    struct err e;
    sqlite3 *db;
    int his;

    CHECK(!jobs_open(&jobs, dir, &e));
    CHECK(!jobs_add(jobs, &j, &how, &out, &e));
    int64_t id = out.id;
    job_release(&out);
    jobs_close(&jobs);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db,
                       "DROP INDEX job_states; CREATE INDEX job_queue ON job(priority, place, id)"
                       " WHERE state='queued'; PRAGMA user_version=2",
                       NULL, NULL, NULL) == SQLITE_OK);
    sqlite3_close(db);
    CHECK(!jobs_open(&jobs, dir, &e));
    CHECK_INT(jobs_waiting(jobs, "ann", &his), 1);
    CHECK_INT(his, 1);
    CHECK_INT(jobs_position(jobs, id), 0);
    CHECK_INT(jobs_claim(jobs, "local-1", &out, &e), 1);
    CHECK(out.id == id);
    job_release(&out);
    jobs_close(&jobs);
    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "DROP INDEX job_queue", NULL, NULL, NULL) != SQLITE_OK);
    sqlite3_close(db);
    free(path);
    free(dir);
}

/* Deep in a long queue places are looked up in what was read, and are the same. */
TEST(serve_places_of_a_long_queue)
{
    enum { N = 700 };
    char *dir = ztest_in_tmp("add-long");
    struct job j = {.tenant = "ann",
                    .api = "openai",
                    .model = "default",
                    .params = "{}",
                    .params_sha = "s",
                    .facts = "{}"},
               out;
    static int64_t id[N];
    enum jobs_added how;
    struct jobs *jobs;
    struct err e;

    CHECK(!jobs_open(&jobs, dir, &e));
    for (int i = 0; i < N; i++) {
        j.priority = i % 2; /* those with 1 come first */
        CHECK(!jobs_add(jobs, &j, &how, &out, &e));
        id[i] = out.id;
        job_release(&out);
    }
    for (int again = 0; again < 3; again++)
        for (int i = 0; i < N; i++)
            CHECK_INT(jobs_position(jobs, id[i]), i % 2 ? i / 2 : N / 2 + i / 2);
    CHECK_INT(jobs_move(jobs, "ann", id[698], 300, NULL), 1); /* among its like */
    CHECK_INT(jobs_position(jobs, id[698]), N / 2 + 300);
    CHECK_INT(jobs_position(jobs, id[600]), N / 2 + 301);
    CHECK_INT(jobs_claim(jobs, "local-1", &out, NULL), 1);
    CHECK(out.id == id[1]);
    job_release(&out);
    CHECK_INT(jobs_position(jobs, id[1]), -1);
    CHECK_INT(jobs_position(jobs, id[3]), 0);
    jobs_close(&jobs);
    free(dir);
}
