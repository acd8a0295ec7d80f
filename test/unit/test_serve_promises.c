/* The promises of doc/SERVE.md, each by its number; servers are killed as a power cut would. */
#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "fixture.h"
#include "serve/jobs.h"
#include "serving.h"
#include "ztest.h"

#define TINY                                                                                       \
    "\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1,\"frames\":1,\"seed\":5"

/* ---- a server in a process of its own ---- */

static pid_t spawn(struct serving *s, const char *name)
{
    int pipe_fd[2];
    pid_t pid;

    fixture_dir(); /* made before the fork, for all of them */
    serving_options(s, name);
    CHECK(!pipe(pipe_fd));
    pid = fork();
    if (pid == 0) {
        struct err e;

        if (serve_start(&s->server, &s->o, &e)) {
            fprintf(stderr, "%s\n", e.msg);
            _exit(1);
        }
        s->port = serve_port(s->server);
        (void)!write(pipe_fd[1], &s->port, sizeof s->port);
        for (;;)
            pause();
    }
    close(pipe_fd[1]);
    CHECK(read(pipe_fd[0], &s->port, sizeof s->port) == sizeof s->port);
    close(pipe_fd[0]);
    return pid;
}

static void finish(struct serving *s, pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    free(s->data);
    s->data = NULL;
}

static void wait_ms(int ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

static int64_t number_of(const char *id)
{
    return atoll(strrchr(id, '_') + 1);
}

/* The store of a server that is gone, opened as the next one would. */
static struct jobs *open_store(const char *name)
{
    char *dir = ztest_in_tmp(name);
    struct jobs *j = NULL;
    struct err e;

    for (int i = 0; i < 3000 && jobs_open(&j, dir, &e); i++)
        wait_ms(20); /* the lock goes with the last thread of the one before */
    if (!j)
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(dir);
    return j;
}

static void hash_file(const char *path, char sha[65])
{
    struct buf b = BUF_INIT;
    struct sha256 h;

    CHECK(!file_read(&b, path, 1 << 26, NULL));
    sha256_init(&h);
    sha256_add(&h, b.data, b.len);
    sha256_hex(&h, sha);
    buf_release(&b);
}

/* Every film that has its name is whole. */
static void films_are_whole(const char *name)
{
    char *dir = ztest_in_tmp(name), *films = path_join(dir, "film"), sha[65];
    DIR *d = opendir(films);
    struct dirent *f;

    CHECK(d);
    while ((f = readdir(d))) {
        if (f->d_name[0] == '.')
            continue;
        char *path = path_join(films, f->d_name);
        hash_file(path, sha);
        if (strncmp(sha, f->d_name, 64))
            ztest_fail(__FILE__, __LINE__, "%s holds %s", f->d_name, sha);
        free(path);
    }
    closedir(d);
    free(dir), free(films);
}

/* ---- P1 ---- */

TEST(serve_promise_1_what_was_acknowledged_is_on_disk)
{
    enum { JOBS = 12 };
    struct serving s;
    char *id[JOBS];
    struct job j;
    pid_t pid = spawn(&s, "promise-1");

    for (int i = 0; i < JOBS; i++)
        id[i] = serving_film(&s, "{\"prompt\":\"a ball rolls\",\"steps\":900,\"seconds\":9}");
    finish(&s, pid);
    struct jobs *store = open_store("promise-1");
    for (int i = 0; i < JOBS; i++) {
        CHECK_INT(jobs_get(store, "local", number_of(id[i]), &j, NULL), 1);
        CHECK_INT(j.state, JOB_QUEUED); /* the one that ran too */
        job_release(&j);
        free(id[i]);
    }
    jobs_close(&store);
}

/* ---- P2, P4, P5: the loop ---- */

struct loop {
    int64_t id[4096];
    int n, rounds, jobs, full; /* full: the queue had no place for another */
    char sha[65];              /* of the film that was never interrupted */
};

static void end_all(struct loop *l, const char *name)
{
    struct serving s;
    struct answer a = {0};
    pid_t pid = spawn(&s, name);
    char id[64];

    for (int i = 0; i < l->n; i++) {
        snprintf(id, sizeof id, "video_%lld", (long long)l->id[i]);
        serving_wait(&s, id, &a);
        /* A film that three servers died under is given up, and says so. */
        if (answer_is(&a, "status", "completed"))
            CHECK(answer_is(&a, "sha256", l->sha));
        else
            CHECK(answer_is(&a, "error.code", "E_WORKER_LOST"));
        answer_release(&a);
    }
    finish(&s, pid);
    l->jobs += l->n;
    l->n = l->full = 0;
}

static void one_round(struct loop *l, const char *name, struct rng *r)
{
    struct serving s;
    struct answer a = {0};
    pid_t pid = spawn(&s, name);
    int wishes = rng_below(r, 3);
    struct job j;

    for (int i = 0; i < wishes; i++) {
        serving_call(&s, "POST", "/v1/videos", NULL, "{" TINY "}", &a);
        if ((l->full = a.status == 429)) { /* no server lives for long enough to draw them all */
            answer_release(&a);
            break;
        }
        CHECK_INT(a.status, 200);
        char *id = answer_text(&a, "id");
        l->id[l->n++] = number_of(id);
        free(id);
        answer_release(&a);
    }
    wait_ms(rng_below(r, 120));
    finish(&s, pid);
    films_are_whole(name);
    struct jobs *store = open_store(name); /* looks whether the file is whole */
    for (int i = 0; i < l->n; i++) {
        CHECK_INT(jobs_get(store, "local", l->id[i], &j, NULL), 1);
        job_release(&j);
    }
    jobs_close(&store);
}

TEST(serve_promises_2_4_5_hold_when_servers_are_killed)
{
    const char *said = getenv("ZT_KILL_ROUNDS"), *seed = getenv("ZT_KILL_SEED");
    const int in_ci = getenv("CI") != NULL; /* a thousand take two minutes */
    const double most_s = said ? 1e9 : in_ci ? 240 : 20;
    const int rounds = said ? atoi(said) : in_ci ? 1000 : 100;
    struct loop *l = xcalloc(1, sizeof *l);
    double begin = clock_s();
    struct serving s;
    struct answer a = {0};
    struct rng r;

    fixture_need_media();
    rng_init(&r, seed ? (uint64_t)atoll(seed) : 1, 0);
    pid_t pid = spawn(&s, "promise-whole");
    char *id = serving_film(&s, "{" TINY "}");
    serving_wait(&s, id, &a);
    char *sha = answer_text(&a, "sha256");
    snprintf(l->sha, sizeof l->sha, "%s", sha);
    answer_release(&a);
    free(id), free(sha);
    finish(&s, pid);
    while (l->rounds < rounds && (clock_s() - begin < most_s || l->rounds < 10)) {
        one_round(l, "promise-loop", &r);
        l->rounds++;
        if (said && l->rounds % 100 == 0)
            fprintf(stderr, "    %d of %d rounds, %.0f s, %d jobs\n", l->rounds, rounds,
                    clock_s() - begin, l->jobs + l->n);
        if (l->full || l->n > 4000)
            end_all(l, "promise-loop");
    }
    end_all(l, "promise-loop");
    if (said)
        printf("    %d rounds, %d jobs\n", l->rounds, l->jobs);
    free(l);
}

/* What the folder of films in work has of film `id`. */
static int kept_of(const char *name, const char *id, const char *file)
{
    char *dir = ztest_in_tmp(name),
         *inner = xasprintf("work/%lld.job/%s", (long long)number_of(id), file),
         *path = path_join(dir, inner);
    int there = file_exists(path);

    free(dir), free(inner), free(path);
    return there;
}

/* A film of some windows is killed when one and a step of the next are kept; the next server has
 * them and makes the same film, and a film that was cancelled leaves none. */
TEST(serve_promise_4_a_killed_film_goes_on_from_its_step)
{
    static const char film[] =
        "{\"prompt\":\"a ball rolls\",\"steps\":60,\"seconds\":12,\"seed\":5}";
    struct serving s;
    struct answer a = {0};

    fixture_need_media();
    pid_t pid = spawn(&s, "promise-step-whole");
    char *whole = serving_film(&s, film);
    serving_wait(&s, whole, &a);
    CHECK(answer_is(&a, "status", "completed"));
    char *sha = answer_text(&a, "sha256");
    answer_release(&a);
    finish(&s, pid);

    pid = spawn(&s, "promise-step");
    char *id = serving_film(&s, film);
    for (int i = 0; i < 60000 && !kept_of("promise-step", id, "windows"); i++)
        wait_ms(1);
    /* A step is kept by the second: with a tenth of the time a fast machine is not done before. */
    for (int i = 0; i < 2000 && !kept_of("promise-step", id, "step"); i++) {
        CHECK(!kill(pid, SIGSTOP));
        wait_ms(27);
        CHECK(!kill(pid, SIGCONT));
        wait_ms(3);
    }
    CHECK(kept_of("promise-step", id, "step"));
    finish(&s, pid);
    CHECK(kept_of("promise-step", id, "job.json"));
    pid = spawn(&s, "promise-step");
    CHECK(kept_of("promise-step", id, "job.json")); /* the sweep of the start leaves it */
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "completed"));
    CHECK(answer_is(&a, "sha256", sha));
    answer_release(&a);
    CHECK(!kept_of("promise-step", id, "job.json"));
    finish(&s, pid);
    free(whole), free(id), free(sha);
}

/* ---- P3 ---- */

static struct job new_job(const char *idem_key, const char *sha)
{
    return (struct job){.tenant = "local",
                        .idem_key = (char *)idem_key,
                        .api = "openai",
                        .model = "default",
                        .params = "{}",
                        .params_sha = (char *)sha,
                        .facts = "{}"};
}

TEST(serve_promise_3_a_late_worker_writes_nothing)
{
    struct jobs *s = open_store("promise-3");
    const struct job wish = new_job(NULL, "1");
    enum jobs_added how;
    struct job j, first, second, third;

    CHECK(!jobs_add(s, &wish, &how, &j, NULL) && how == JOBS_NEW);
    CHECK_INT(jobs_claim(s, "local-one", &first, NULL), 1);
    CHECK_INT(jobs_claim(s, "local-two", &third, NULL), 0); /* nobody gets it twice */
    CHECK_INT(jobs_beat(s, j.id, first.fence, 1, 4, NULL), 1);
    jobs_close(&s);
    s = open_store("promise-3"); /* the server has died; the job is drawn again */
    CHECK_INT(jobs_claim(s, "local-two", &second, NULL), 1);
    CHECK_INT(second.fence, first.fence + 1);
    CHECK_INT(second.crash_count, 1);
    CHECK_INT(jobs_beat(s, j.id, first.fence, 2, 4, NULL), 0);
    CHECK_INT(jobs_finalizing(s, j.id, first.fence, NULL), 0);
    CHECK_INT(jobs_succeed(s, j.id, first.fence, "x.mp4", "x", 1, NULL), 0);
    CHECK_INT(jobs_fail(s, j.id, first.fence, "E", "e", NULL), 0);
    CHECK_INT(jobs_cancelled(s, j.id, first.fence, NULL), 0);
    CHECK_INT(jobs_requeue(s, j.id, first.fence, NULL), 0);
    CHECK_INT(jobs_succeed(s, j.id, second.fence, "y.mp4", "y", 1, NULL), 1);
    CHECK_INT(jobs_fail(s, j.id, second.fence, "E", "e", NULL), 0); /* ended once */
    job_release(&j), job_release(&first), job_release(&second);
    jobs_close(&s);
}

TEST(serve_promise_2_three_deaths_end_a_job)
{
    const struct job wish = new_job(NULL, "1");
    struct jobs *s = open_store("promise-2");
    enum jobs_added how;
    struct job j, claimed;

    CHECK(!jobs_add(s, &wish, &how, &j, NULL));
    for (int i = 0; i < JOBS_CRASHES; i++) {
        CHECK_INT(jobs_claim(s, "local-one", &claimed, NULL), 1);
        job_release(&claimed);
        jobs_close(&s);
        s = open_store("promise-2");
    }
    CHECK_INT(jobs_claim(s, "local-one", &claimed, NULL), 0);
    int64_t id = j.id;
    job_release(&j);
    CHECK_INT(jobs_get(s, NULL, id, &j, NULL), 1);
    CHECK_INT(j.state, JOB_FAILED);
    CHECK_STR(j.error_code, "E_WORKER_LOST");
    job_release(&j);
    jobs_close(&s);
}

/* ---- P6 ---- */

TEST(serve_promise_6_a_full_disk_fails_the_job_alone)
{
    struct serving s;
    struct answer a = {0};
    struct err e;
    char *dir = ztest_in_tmp("promise-6");

    fixture_need_media();
    CHECK(!dir_make(dir, &e));
    /* In a view of its own, which ends with this program. */
    if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("tmpfs", dir, "tmpfs", 0, "size=68m"))
        ztest_skip("no file system of its own without root");
    serving_options(&s, "promise-6");
    serving_start(&s);
    char *id = serving_film(&s, "{\"prompt\":\"a ball rolls\",\"steps\":8,\"seconds\":2}");
    char *fill = path_join(dir, "fill");
    struct buf much = BUF_INIT;
    CHECK(!buf_reserve(&much, 1 << 20));
    much.len = 1 << 20;
    FILE *f = fopen(fill, "w");
    while (f && fwrite(much.data, 1, much.len, f) == much.len)
        ;
    if (f)
        fclose(f);
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "failed") && answer_is(&a, "error.code", "E_DISK_FULL"));
    answer_release(&a);
    serving_call(&s, "POST", "/v1/videos", NULL, "{" TINY "}", &a);
    CHECK_INT(a.status, 507);
    answer_release(&a);
    unlink(fill);
    free(id);
    id = serving_film(&s, "{" TINY "}");
    serving_wait(&s, id, &a);
    CHECK(answer_is(&a, "status", "completed"));
    answer_release(&a);
    free(id), free(fill);
    buf_release(&much);
    serving_stop(&s, 0);
    umount(dir);
    free(dir);
}

/* ---- P7 ---- */

TEST(serve_promise_7_a_key_gives_one_job_over_servers)
{
    static const char key[] = "Idempotency-Key: once\r\n";
    static const char wish[] = "{\"prompt\":\"a ball rolls\",\"steps\":900,\"seconds\":9}";
    struct serving s;
    struct answer a = {0};
    char *id[2];

    for (int i = 0; i < 2; i++) {
        pid_t pid = spawn(&s, "promise-7");
        serving_call(&s, "POST", "/v1/videos", key, wish, &a);
        CHECK_INT(a.status, 200);
        id[i] = answer_text(&a, "id");
        answer_release(&a);
        finish(&s, pid);
    }
    CHECK_STR(id[0], id[1]);
    free(id[0]), free(id[1]);
}
