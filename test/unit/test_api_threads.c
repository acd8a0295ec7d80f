/* Jobs and their callbacks on several threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "api_job.h"
#include "base/hash.h"
#include "ztest.h"

/* Three windows of nine frames, each after the first with five new ones; the film shows every frame
 * twice. */
TEST(api_says_how_windows_go_together)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "25", "fps", "16");

    CHECK_INT(zt_job_plan(job, api_error, sizeof api_error), 0);
    CHECK(!zt_job_get(job, "joins") && !zt_job_get(job, "joins_text"));
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK_CONTAINS(zt_job_get(job, "joins"), "{\"frame\": 18, ");
    CHECK_CONTAINS(zt_job_get(job, "joins"), "{\"frame\": 34, ");
    CHECK_CONTAINS(zt_job_get(job, "joins"), "\"quality\": ");
    CHECK_CONTAINS(zt_job_get(job, "joins_text"), "join at");
    CHECK_CONTAINS(zt_job_recipe(job), "\"joins\": \"18,34\"");
    zt_job_free(&job);
    zt_model_free(&m);
}

struct watch_threads {
    pthread_t run;
    struct sha256 hash;
    int frames, elsewhere, progress_elsewhere, stop_at;
    atomic_int inside; /* frame callbacks at once */
};

static int watch_frame(void *user, int index, int n, const uint8_t *rgb, int w, int h)
{
    struct watch_threads *s = user;

    CHECK_INT(atomic_fetch_add(&s->inside, 1), 0);
    CHECK_INT(index, s->frames++);
    CHECK(index < n);
    s->elsewhere += !pthread_equal(pthread_self(), s->run);
    sha256_add(&s->hash, rgb, (size_t)w * (size_t)h * 3);
    atomic_fetch_sub(&s->inside, 1);
    return s->frames == s->stop_at;
}

static int watch_progress(void *user, const char *stage, long done, long total, double left_s)
{
    struct watch_threads *s = user;

    (void)stage, (void)done, (void)total, (void)left_s;
    s->progress_elsewhere += !pthread_equal(pthread_self(), s->run);
    return 0;
}

/* A program that takes the frames of a long film itself gets them on its own thread, unless it says
 * that they may come apart: then they are shown while the next window is drawn, with the same bits,
 * in order, and one at a time. */
TEST(api_frames_come_apart_where_they_may)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "25", "fps", "16", "threads", "2");
    char hash[2][65], again[65];

    for (int apart = 0; apart < 2; apart++) {
        struct watch_threads s = {.run = pthread_self()};

        sha256_init(&s.hash);
        zt_job_on_frame(job, watch_frame, &s);
        zt_job_on_progress(job, watch_progress, &s);
        zt_job_frames_apart(job, apart);
        CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
        CHECK_INT(s.frames, 50);
        CHECK_INT(s.progress_elsewhere, 0);
        CHECK(apart ? s.elsewhere > 25 : s.elsewhere == 0);
        sha256_hex(&s.hash, again);
        strcpy(hash[apart], zt_job_get(job, "frame_hash"));
        CHECK_STR(again, hash[apart]);

        s = (struct watch_threads){.run = pthread_self(), .stop_at = 7};
        sha256_init(&s.hash);
        CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_CANCEL);
        CHECK_INT(s.frames, 7);
    }
    CHECK_STR(hash[1], hash[0]);
    zt_job_free(&job);
    zt_model_free(&m);
}

struct side {
    zt_model *model;
    char hash[65];
    int rc;
};

static void *run_beside(void *arg)
{
    struct side *s = arg;
    zt_job *job;

    zt_job_new(&job, s->model);
    s->rc = zt_job_set(job, "prompt", "a red ball rolls", NULL, 0) ||
            zt_job_set(job, "seed", "5", NULL, 0) || zt_job_set(job, "threads", "2", NULL, 0) ||
            zt_job_set(job, "size", "native", NULL, 0) || zt_job_run(job, NULL, 0);
    if (!s->rc)
        strcpy(s->hash, zt_job_get(job, "frame_hash"));
    zt_job_free(&job);
    return NULL;
}

TEST(api_jobs_run_beside_each_other)
{
    zt_model *m = open_fixture();
    struct side side[3] = {{.model = m}, {.model = m}, {.model = m}};
    pthread_t t[3];

    for (int i = 0; i < 3; i++)
        CHECK_INT(pthread_create(&t[i], NULL, run_beside, &side[i]), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_INT(side[i].rc, 0);
        CHECK_STR(side[i].hash, side[0].hash);
    }
    zt_model_free(&m);
}
