/* A job is its worker's for as long as a lease; what is seen to by the clock also where the server
 * draws nothing itself. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "fixture.h"
#include "serve/jobs.h"
#include "serving.h"
#include "ztest.h"

static void wait_ms(int ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

static struct jobs *store_of(const char *name)
{
    char *dir = ztest_in_tmp(name);
    struct jobs *s;

    CHECK(!jobs_open(&s, dir, NULL));
    free(dir);
    return s;
}

static int64_t add(struct jobs *s)
{
    const struct job wish = {.tenant = "local",
                             .api = "openai",
                             .model = "default",
                             .params = "{\"prompt\":\"a ball\"}",
                             .params_sha = "1",
                             .facts = "{}"};
    enum jobs_added how;
    struct job j;

    CHECK(!jobs_add(s, &wish, &how, &j, NULL));
    int64_t id = j.id;
    job_release(&j);
    return id;
}

static int64_t claim(struct jobs *s, const char *owner)
{
    struct job j;

    CHECK_INT(jobs_claim(s, owner, &j, NULL), 1);
    int64_t fence = j.fence;
    job_release(&j);
    return fence;
}

TEST(serve_lease_that_is_over_gives_the_job_to_another)
{
    struct jobs *s = store_of("lease-over");
    struct job j;

    CHECK(!jobs_lease(s, 2, NULL));
    int64_t id = add(s), fence = claim(s, "a");
    CHECK_INT(jobs_lapse(s, &j, NULL), 0);
    for (int i = 0; i < 3; i++) { /* who is heard keeps it */
        wait_ms(700);
        CHECK_INT(jobs_beat(s, id, fence, i, 3, NULL), 1);
        CHECK_INT(jobs_lapse(s, &j, NULL), 0);
    }
    CHECK_INT(jobs_held(s, id, fence, "a", &j, NULL), 1);
    job_release(&j);
    CHECK_INT(jobs_held(s, id, fence, "b", &j, NULL), 0);
    CHECK_INT(jobs_held(s, id, fence + 1, "a", &j, NULL), 0);
    CHECK(!jobs_lease(s, 0.05, NULL));
    CHECK_INT(jobs_beat(s, id, fence, 3, 3, NULL), 1);
    wait_ms(100);
    CHECK_INT(jobs_lapse(s, &j, NULL), 1);
    CHECK(j.id == id && j.state == JOB_QUEUED && j.crash_count == 1);
    job_release(&j);
    CHECK_INT(jobs_lapse(s, &j, NULL), 0);
    CHECK_INT(jobs_beat(s, id, fence, 1, 3, NULL), 0); /* he was late */
    int64_t next = claim(s, "b");
    CHECK_INT(next, fence + 1);
    CHECK_INT(jobs_succeed(s, id, fence, "x", "x", 1, NULL), 0);
    CHECK_INT(jobs_succeed(s, id, next, "y", "y", 1, NULL), 1);
    jobs_close(&s);
}

TEST(serve_lease_of_a_cancelled_job_ends_it)
{
    struct jobs *s = store_of("lease-cancelled");
    struct job j;

    CHECK(!jobs_lease(s, 0.05, NULL));
    int64_t id = add(s);
    claim(s, "a");
    CHECK_INT(jobs_cancel(s, "local", id, &j, NULL), 1);
    job_release(&j);
    wait_ms(100);
    CHECK_INT(jobs_lapse(s, &j, NULL), 1);
    CHECK(j.state == JOB_CANCELLED && j.finished_ms && !j.error_code);
    job_release(&j);
    jobs_close(&s);
}

TEST(serve_lease_of_another_machine_outlives_the_server)
{
    struct jobs *s = store_of("lease-outlives");
    struct job j;

    int64_t id = add(s), own = add(s), fence = claim(s, "far"), mine = claim(s, "local-1");
    jobs_close(&s);
    s = store_of("lease-outlives");
    CHECK_INT(jobs_beat(s, id, fence, 1, 2, NULL), 1);
    CHECK_INT(jobs_beat(s, own, mine, 1, 2, NULL), 0);
    CHECK_INT(jobs_get(s, NULL, id, &j, NULL), 1);
    CHECK(j.state == JOB_RUNNING && j.crash_count == 0);
    job_release(&j);
    jobs_close(&s);
}

/* ---- a server that draws nothing ---- */

static void serve_nothing(struct serving *s, const char *name)
{
    serving_options(s, name);
    s->o.workers = 0;
    s->o.lease_s = 0.3;
}

static int gone_soon(const char *path)
{
    for (int i = 0; i < 3000 && (file_exists(path) || dir_exists(path)); i++)
        wait_ms(20);
    return !file_exists(path) && !dir_exists(path);
}

TEST(serve_without_workers_takes_lost_jobs_back)
{
    struct jobs *store = store_of("lease-nothing");
    struct answer a = {0};
    struct serving s;
    char path[64];

    int64_t id = add(store);
    claim(store, "far");
    jobs_close(&store);
    serve_nothing(&s, "lease-nothing");
    s.o.lease_s = 1.5; /* seen as it was before that is over */
    serving_start(&s);
    snprintf(path, sizeof path, "/v1/videos/video_%lld", (long long)id);
    serving_call(&s, "GET", path, NULL, NULL, &a);
    CHECK(answer_is(&a, "status", "in_progress"));
    for (int i = 0; i < 3000 && answer_is(&a, "status", "in_progress"); i++) {
        answer_release(&a);
        wait_ms(20);
        serving_call(&s, "GET", path, NULL, NULL, &a);
    }
    CHECK(answer_is(&a, "status", "queued"));
    answer_release(&a);
    serving_stop(&s, 0);
}

TEST(serve_without_workers_films_still_expire)
{
    struct jobs *store = store_of("lease-retain");
    struct serving s;
    struct err e;

    int64_t id = add(store);
    CHECK_INT(jobs_succeed(store, id, claim(store, "far"), "old.mp4", "old", 4000, NULL), 1);
    jobs_close(&store);
    serve_nothing(&s, "lease-retain");
    char *dir = path_join(s.data, "film"), *film = path_join(dir, "old.mp4");
    CHECK(!dir_make(dir, &e) && !file_write(film, "film", 4, &e));
    wait_ms(20);
    s.o.keep_days = 1e-7; /* 9 ms */
    serving_start(&s);
    CHECK(gone_soon(film));
    serving_stop(&s, 0);
    free(dir), free(film);
}

TEST(serve_cancelled_in_the_queue_leaves_no_steps)
{
    static const char *const ways[][2] = {{"POST", "/cancel"}, {"DELETE", ""}};
    struct serving s;
    struct answer a;
    struct err e;
    char name[64], path[128];

    serve_nothing(&s, "lease-cancel");
    serving_start(&s);
    for (int i = 0; i < 2; i++) {
        char *id = serving_film(&s, "{\"prompt\":\"a red ball rolls\",\"steps\":1}");
        snprintf(name, sizeof name, "work/%s.job", id + sizeof "video_" - 1);
        char *dir = path_join(s.data, name), *step = path_join(dir, "step");
        CHECK(!dir_make(dir, &e) && !file_write(step, "step", 4, &e));
        snprintf(path, sizeof path, "/v1/videos/%s%s", id, ways[i][1]);
        serving_call(&s, ways[i][0], path, NULL, NULL, &a);
        CHECK_INT(a.status, 200);
        CHECK(!dir_exists(dir));
        answer_release(&a);
        free(id), free(dir), free(step);
    }
    serving_stop(&s, 0);
}

/* ---- a film that hangs ---- */

static int health_is(const struct serving *s, const char *status)
{
    struct answer a = {0};

    serving_call(s, "GET", "/healthz", NULL, NULL, &a);
    int yes = a.status == 200 && answer_is(&a, "status", status);
    answer_release(&a);
    return yes;
}

/* The first picture of the film is written to a pipe from which nobody reads: the thread that draws
 * waits in the kernel, as for a device that does not answer. */
static char *hang(const struct serving *s, const char *id)
{
    char *pipe =
        xasprintf("%s/preview/%s.png.tmp.%ld", s->data, id + strlen("video_"), (long)getpid());

    CHECK(!mkfifo(pipe, 0600));
    return pipe;
}

static int film_is(const struct serving *s, const char *id, const char *status)
{
    char *path = xasprintf("/v1/videos/%s", id);
    struct answer a = {0};

    serving_call(s, "GET", path, NULL, NULL, &a);
    int yes = answer_is(&a, "status", status);
    answer_release(&a);
    free(path);
    return yes;
}

TEST(serve_hanging_film_fails_and_the_server_lives)
{
    static const char film[] = "{\"prompt\":\"a ball\",\"steps\":1,\"frames\":1}";
    struct serving s;
    struct answer a = {0};

    fixture_need_media();
    serving_options(&s, "stalled");
    s.o.stall_s = 1;
    s.o.lease_s = 0.6;
    serving_start(&s);
    char *before = serving_film(&s, "{\"prompt\":\"a ball\",\"steps\":900,\"seconds\":20}");
    char *id = serving_film(&s, film), *next = serving_film(&s, film), *pipe = hang(&s, id);
    char *cancel = xasprintf("/v1/videos/%s/cancel", before);
    serving_call(&s, "POST", cancel, NULL, "{}", &a);
    answer_release(&a);
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "failed") && answer_is(&a, "error.code", "E_STALLED"));
    CHECK(strstr(buf_str(&a.body), "no progress for "));
    answer_release(&a);
    CHECK(health_is(&s, "worker-stalled") && film_is(&s, next, "queued"));
    int fd = open(pipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* the device answers */
    CHECK(fd >= 0);
    serving_wait(&s, next, &a);
    CHECK(answer_is(&a, "status", "completed"));
    answer_release(&a);
    CHECK(health_is(&s, "ok") && film_is(&s, id, "failed"));
    serving_call(&s, "GET", "/metrics", NULL, NULL, &a);
    CHECK(strstr(buf_str(&a.body), "zoetrope_worker_stalled 0\n"));
    answer_release(&a);
    serving_stop(&s, 0);
    CHECK(!s.server);
    close(fd);
    free(before), free(id), free(next), free(pipe), free(cancel);
}
