/* Films that are not kept for ever: which go, what stays, and what is said of one that is gone. */
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "serve/jobs.h"
#include "serving.h"
#include "ztest.h"

#define HOUR_MS 3600000

static struct job wish_of(const char *sha, int64_t parent)
{
    return (struct job){.tenant = "local",
                        .api = "openai",
                        .model = "default",
                        .params = "{}",
                        .params_sha = (char *)sha,
                        .facts = "{}",
                        .parent = parent};
}

static int64_t add(struct jobs *s, int64_t parent)
{
    const struct job wish = wish_of("1", parent);
    enum jobs_added how;
    struct job j;

    CHECK(!jobs_add(s, &wish, &how, &j, NULL));
    int64_t id = j.id;
    job_release(&j);
    return id;
}

static int64_t film(struct jobs *s, const char *name, int64_t bytes)
{
    int64_t id = add(s, 0);
    struct job j;

    CHECK_INT(jobs_claim(s, "one", &j, NULL), 1);
    CHECK_INT(jobs_succeed(s, id, j.fence, name, name, bytes, NULL), 1);
    job_release(&j);
    return id;
}

/* 0: none. */
static int64_t oldest(struct jobs *s)
{
    struct job j;
    int64_t id = jobs_oldest_film(s, jobs_now_ms() + HOUR_MS, &j, NULL) > 0 ? j.id : 0;

    job_release(&j);
    return id;
}

TEST(serve_films_in_use_do_not_expire)
{
    char *dir = ztest_in_tmp("retain-store");
    struct jobs *s;
    struct job j;

    CHECK(!jobs_open(&s, dir, NULL));
    CHECK_INT(oldest(s), 0);
    int64_t a = film(s, "a", 100), b = film(s, "b", 20), again = film(s, "a", 100);
    CHECK_INT(jobs_films_bytes(s), 120); /* one file of two jobs */
    CHECK_INT(oldest(s), a);
    CHECK_INT(jobs_oldest_film(s, jobs_now_ms() - HOUR_MS, &j, NULL), 0);
    int64_t next = add(s, a);
    CHECK_INT(oldest(s), b);
    CHECK_INT(jobs_cancel(s, "local", next, &j, NULL), 1);
    job_release(&j);
    CHECK_INT(oldest(s), a);
    CHECK_INT(jobs_expire(s, a, NULL), 1);
    CHECK_INT(jobs_expire(s, a, NULL), 0);
    CHECK(jobs_names_file(s, "a")); /* by the other */
    CHECK_INT(jobs_get_film(s, "local", "a", &j, NULL), 1);
    CHECK_INT(j.id, again);
    job_release(&j);
    CHECK_INT(jobs_expire(s, again, NULL), 1);
    CHECK(!jobs_names_file(s, "a"));
    CHECK_INT(jobs_get_film(s, "local", "a", &j, NULL), 0);
    CHECK_INT(jobs_films_bytes(s), 20);
    jobs_close(&s);
    free(dir);
}

/* The film of a job without its signed address; 0 when it has none. */
static int content_status(const struct serving *s, const char *id, struct answer *a)
{
    char path[120];

    snprintf(path, sizeof path, "/v1/videos/%s/content", id);
    serving_call(s, "GET", path, NULL, NULL, a);
    return a->status;
}

static int n_films(const struct serving *s)
{
    char *films = path_join(s->data, "film"), *line = xasprintf("ls %s | wc -l", films);
    FILE *f = popen(line, "r");
    int n = -1;

    CHECK(f && fscanf(f, "%d", &n) == 1);
    pclose(f);
    free(films), free(line);
    return n;
}

/* The service looks when it starts; a file goes after its job says so. */
static int gone_soon(const struct serving *s, const char *id, struct answer *a)
{
    const struct timespec moment = {0, 50000000};

    for (int i = 0; i < 200 && content_status(s, id, a) == 200; i++) {
        answer_release(a);
        nanosleep(&moment, NULL);
    }
    for (int i = 0; i < 200 && n_films(s); i++)
        nanosleep(&moment, NULL);
    return a->status == 410;
}

static void make_older(const struct serving *s)
{
    char *path = path_join(s->data, "zoetrope.db");
    sqlite3 *db;

    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    CHECK(sqlite3_exec(db, "UPDATE job SET finished_at=finished_at-3600000", NULL, NULL, NULL) ==
          SQLITE_OK);
    sqlite3_close(db);
    free(path);
}

TEST(serve_film_that_has_expired_says_so)
{
    struct serving s;
    struct answer a = {0};
    char path[120];

    fixture_need_media();
    serving_options(&s, "retain");
    serving_start(&s);
    char *id = serving_film(&s, "{\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1,"
                                "\"frames\":1,\"seed\":5}");
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "expires_at", ""));
    char *sha = answer_text(&a, "sha256");
    answer_release(&a);
    serving_stop(&s, 0);

    serving_options(&s, "retain");
    s.o.keep_gb = 1e-9; /* no room, but the film has only just come */
    serving_start(&s);
    CHECK_INT(content_status(&s, id, &a), 200);
    answer_release(&a);
    serving_stop(&s, 0);

    serving_options(&s, "retain");
    make_older(&s);
    s.o.keep_gb = 1e-9;
    s.o.keep_days = 30;
    serving_start(&s);
    CHECK(gone_soon(&s, id, &a));
    CHECK(answer_is(&a, "error.code", "expired"));
    answer_release(&a);
    CHECK_INT(n_films(&s), 0);
    snprintf(path, sizeof path, "/v1/videos/%s", id);
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK(answer_is(&a, "status", "completed")); /* what it was stays known */
    CHECK(answer_is(&a, "url", ""));
    CHECK(answer_is(&a, "sha256", sha));
    answer_release(&a);
    serving_stop(&s, 0);
    free(id), free(sha);
}
