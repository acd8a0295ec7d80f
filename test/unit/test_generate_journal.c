/* The journal of a film: what is whole comes back, what is not is left out. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/tree.h"
#include "generate/journal.h"
#include "generate/sampler.h"
#include "ztest.h"

enum { N = 24, WINDOWS = 3 };

static int say_head(void *user, struct buf *out, struct err *e)
{
    (void)e;
    ++*(int *)user;
    buf_puts(out, "{}\n");
    return 0;
}

static void fill(float *x, int of)
{
    for (int i = 0; i < N; i++)
        x[i] = (float)(of * 100 + i) / 7;
}

static char *folder(const char *name)
{
    char *dir = ztest_in_tmp(name);

    if (dir_exists(dir))
        CHECK_INT(tree_remove(dir, NULL), 0);
    return dir;
}

static struct journal *opened(const char *dir, int *heads)
{
    struct journal *j;
    struct err e = {0};

    CHECK_INT(journal_open(&j, dir, N, say_head, heads, &e), 0);
    return j;
}

static struct sampler *new_sampler(const char *name)
{
    struct sampler_config c = {.name = name, .steps = 8, .shift = 1};
    struct sampler *s;
    struct err e;

    CHECK_INT(sampler_new(&s, &c, &e), 0);
    return s;
}

static void keep_windows(const char *dir)
{
    int heads = 0;
    struct journal *j = opened(dir, &heads);
    float x[N];

    CHECK_INT(dir_exists(dir), 0); /* nothing is there before there is something to keep */
    for (int i = 0; i < WINDOWS; i++) {
        fill(x, i);
        journal_keep_window(j, x, &(struct journal_window){10 * (i + 1), i});
    }
    CHECK(!journal_trouble(j));
    CHECK_INT(heads, 1);
    journal_close(&j);
}

TEST(journal_gives_windows_back)
{
    char *dir = folder("journal-windows");
    int heads = 0;
    float x[N], want[N];
    struct err e;
    struct journal_window w;

    keep_windows(dir);
    struct journal *j = opened(dir, &heads);
    CHECK_INT(journal_windows(j), WINDOWS);
    for (int i = 0; i < WINDOWS; i++) {
        fill(want, i);
        CHECK_INT(journal_read_window(j, i, x, &w, &e), 0);
        CHECK(!memcmp(x, want, sizeof x));
        CHECK_INT(w.evaluations, 10 * (i + 1));
        CHECK_INT(w.skipped, i);
    }
    journal_finish(&j);
    CHECK_INT(dir_exists(dir), 0);
    free(dir);
}

/* Cut at any byte, and any byte changed: windows before are there, none behind. */
TEST(journal_leaves_out_what_is_damaged)
{
    char *dir = folder("journal-damaged"), *path = path_join(dir, "windows");
    struct buf whole = BUF_INIT;
    int heads = 0;

    keep_windows(dir);
    CHECK_INT(file_read(&whole, path, 1 << 20, NULL), 0);
    size_t record = whole.len / WINDOWS;
    for (size_t i = 0; i < whole.len; i += 3) {
        for (int flip = 0; flip < 2; flip++) {
            whole.data[i] ^= flip ? 0x10 : 0;
            CHECK_INT(file_write(path, whole.data, flip ? whole.len : i, NULL), 0);
            whole.data[i] ^= flip ? 0x10 : 0;
            struct journal *j = opened(dir, &heads);
            CHECK_INT(journal_windows(j), (int)(i / record));
            CHECK_INT(file_size(path), (int64_t)(i / record * record));
            journal_close(&j);
        }
    }
    buf_release(&whole);
    free(path);
    free(dir);
}

/* A film of three samplers, broken off at each step: the rest is the same to the bit. */
TEST(journal_gives_steps_back)
{
    static const char *const names[] = {"euler", "unipc", "dpmpp-2m", "heun"};

    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        struct sampler *whole = new_sampler(names[k]);
        int n = sampler_evaluations(whole), heads = 0;
        char *dir = folder("journal-steps");
        float x[N], y[N], v[N];

        for (int cut = 1; cut < n; cut++) {
            struct sampler *s = new_sampler(names[k]);
            struct journal *j = opened(dir, &heads);
            int next = 0;

            fill(x, 1);
            for (int i = 0; i < cut; i++) {
                for (int c = 0; c < N; c++)
                    v[c] = x[c] * 0.3f + (float)i;
                sampler_step(s, i, x, v, N);
            }
            journal_keep_step(j, 0, s, x, cut, 1);
            journal_close(&j);
            sampler_free(&s);

            s = new_sampler(names[k]);
            j = opened(dir, &heads);
            fill(y, 9);
            CHECK_INT(journal_read_step(j, 1, s, y, &next), 0); /* of another window */
            CHECK_INT(journal_read_step(j, 0, s, y, &next), 1);
            CHECK_INT(next, cut);
            for (int i = next; i < n; i++) {
                for (int c = 0; c < N; c++)
                    v[c] = y[c] * 0.3f + (float)i;
                sampler_step(s, i, y, v, N);
            }
            journal_close(&j);
            sampler_free(&s);

            sampler_free(&whole);
            whole = new_sampler(names[k]);
            fill(x, 1);
            for (int i = 0; i < n; i++) {
                for (int c = 0; c < N; c++)
                    v[c] = x[c] * 0.3f + (float)i;
                sampler_step(whole, i, x, v, N);
            }
            CHECK(!memcmp(x, y, sizeof x));
        }
        sampler_free(&whole);
        free(dir);
    }
}

TEST(journal_step_that_is_not_whole_changes_nothing)
{
    char *dir = folder("journal-half"), *path = path_join(dir, "step");
    struct sampler *s = new_sampler("unipc");
    struct buf whole = BUF_INIT;
    int heads = 0;
    float x[N], want[N];

    fill(x, 4);
    struct journal *j = opened(dir, &heads);
    journal_keep_step(j, 0, s, x, 3, 1);
    CHECK_INT(file_read(&whole, path, 1 << 20, NULL), 0);
    for (size_t i = 0; i < whole.len; i += 5) {
        int next = 1;

        whole.data[i] ^= 1;
        CHECK_INT(file_write(path, whole.data, whole.len, NULL), 0);
        whole.data[i] ^= 1;
        fill(x, 5);
        fill(want, 5);
        CHECK_INT(journal_read_step(j, 0, s, x, &next), 0);
        CHECK_INT(next, 1);
        CHECK(!memcmp(x, want, sizeof x));
    }
    journal_close(&j);
    sampler_free(&s);
    buf_release(&whole);
    free(path);
    free(dir);
}

/* Its sum is right and its head is; only the size says that it is no step of this film. */
TEST(journal_step_of_another_size_changes_nothing)
{
    char *dir = folder("journal-long"), *path = path_join(dir, "step");
    struct sampler *s = new_sampler("euler");
    struct buf whole = BUF_INIT;
    int heads = 0, next = 1;
    float x[N], want[N];

    fill(x, 4);
    struct journal *j = opened(dir, &heads);
    journal_keep_step(j, 0, s, x, 3, 1);
    CHECK_INT(file_read(&whole, path, 1 << 20, NULL), 0);
    for (int more = -1; more <= 1; more++) {
        struct buf other = BUF_INIT;
        struct sha256 sum;
        uint8_t digest[32];

        buf_add(&other, whole.data, whole.len - sizeof digest - (more < 0 ? sizeof *x : 0));
        if (more > 0)
            buf_add(&other, x, sizeof *x);
        sha256_init(&sum);
        sha256_add(&sum, other.data, other.len);
        sha256_bytes(&sum, digest);
        buf_add(&other, digest, sizeof digest);
        CHECK_INT(file_write(path, other.data, other.len, NULL), 0);
        fill(x, 5);
        fill(want, more ? 5 : 4);
        CHECK_INT(journal_read_step(j, 0, s, x, &next), !more);
        CHECK(!memcmp(x, want, sizeof x));
        next = 1;
        buf_release(&other);
    }
    journal_finish(&j);
    sampler_free(&s);
    buf_release(&whole);
    free(path);
    free(dir);
}

TEST(journal_says_why_a_step_was_not_kept)
{
    char *dir = folder("journal-in-the-way"), *path = path_join(dir, "step.new");
    struct sampler *s = new_sampler("euler");
    int heads = 0;
    float x[N];

    CHECK_INT(dir_make(dir, NULL), 0);
    CHECK_INT(dir_make(path, NULL), 0);
    fill(x, 1);
    struct journal *j = opened(dir, &heads);
    journal_keep_step(j, 0, s, x, 3, 1);
    CHECK(journal_trouble(j) && strstr(journal_trouble(j), "step.new: Is a directory"));
    journal_close(&j);
    sampler_free(&s);
    free(path);
    free(dir);
}

struct crowd {
    const char *dir;
    double until;
    atomic_int inside, most, films;
};

static void *draw_and_end(void *arg)
{
    struct crowd *c = arg;
    float x[N];

    fill(x, 1);
    while (clock_s() < c->until || !atomic_load(&c->films)) {
        struct journal *j;
        struct err e = {0};
        int heads = 0;

        if (journal_open(&j, c->dir, N, say_head, &heads, &e))
            continue;
        journal_keep_window(j, x, &(struct journal_window){1, 0});
        if (!journal_trouble(j)) {
            int n = atomic_fetch_add(&c->inside, 1) + 1;

            if (n > atomic_load(&c->most))
                atomic_store(&c->most, n);
            usleep(50);
            atomic_fetch_add(&c->films, 1);
            atomic_fetch_sub(&c->inside, 1);
        }
        journal_finish(&j);
    }
    return NULL;
}

/* Films of one folder that end while others begin: a lock whose file is gone holds nobody off. */
TEST(journal_is_of_one_while_others_end)
{
    enum { CROWD = 4 };
    char *dir = folder("journal-crowd");
    struct crowd c = {.dir = dir, .until = clock_s() + 0.4};
    pthread_t thread[CROWD];

    for (int i = 0; i < CROWD; i++)
        CHECK_INT(pthread_create(&thread[i], NULL, draw_and_end, &c), 0);
    for (int i = 0; i < CROWD; i++)
        pthread_join(thread[i], NULL);
    CHECK(atomic_load(&c.films) > 0);
    CHECK_INT(atomic_load(&c.most), 1);
    CHECK_INT(dir_exists(dir), 0);
    free(dir);
}

TEST(journal_is_of_one_process)
{
    char *dir = folder("journal-held");
    int heads = 0;
    struct err e = {0};
    struct journal *other;

    keep_windows(dir);
    struct journal *j = opened(dir, &heads);
    CHECK_INT(journal_open(&other, dir, N, say_head, &heads, &e), ERR_IO);
    CHECK(strstr(e.msg, "another process") != NULL);
    journal_close(&j);
    j = opened(dir, &heads);
    CHECK_INT(journal_windows(j), WINDOWS);
    journal_close(&j);
    free(dir);
}

/* Killed before job.json was there: the next film begins in that folder, and leaves nothing. */
TEST(journal_that_never_began)
{
    static const char *const left[] = {"lock", "windows", "job.json.tmp.77", "step.new"};
    char *dir = folder("journal-unborn"), *other = path_join(dir, "holiday.jpg");
    int heads = 0;
    float x[N];

    CHECK_INT(journal_may_begin(dir), 1);
    CHECK_INT(dir_make(dir, NULL), 0);
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        char *path = path_join(dir, left[i]);

        CHECK_INT(file_write(path, "half", 4, NULL), 0);
        free(path);
    }
    CHECK_INT(journal_may_begin(dir), 1);
    struct journal *j = opened(dir, &heads);
    CHECK_INT(journal_windows(j), 0);
    fill(x, 0);
    journal_keep_window(j, x, &(struct journal_window){1, 0});
    journal_close(&j);
    j = opened(dir, &heads);
    CHECK_INT(journal_windows(j), 1);
    CHECK_INT(heads, 1);
    journal_finish(&j);
    CHECK_INT(dir_exists(dir), 0);
    CHECK_INT(dir_make(dir, NULL), 0);
    CHECK_INT(file_write(other, "x", 1, NULL), 0);
    CHECK_INT(journal_may_begin(dir), 0);
    free(other);
    free(dir);
}

/* A film goes on where its journal cannot. */
TEST(journal_without_a_place_says_so)
{
    char *file = ztest_in_tmp("journal-is-a-file"), *dir = path_join(file, "job");
    int heads = 0;
    float x[N];

    CHECK_INT(file_write(file, "x", 1, NULL), 0);
    struct journal *j = opened(dir, &heads);
    fill(x, 0);
    journal_keep_window(j, x, &(struct journal_window){0, 0});
    CHECK(journal_trouble(j) != NULL);
    CHECK_INT(journal_windows(j), 0);
    journal_finish(&j);
    free(file);
    free(dir);
}
