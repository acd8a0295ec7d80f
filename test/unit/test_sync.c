/* That what is finished lies on the disk before it has its name. fsync and rename of the C library
 * are taken over in this program: they do what they did, and write down of what, in order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "train/curve.h"
#include "training.h"
#include "ztest.h"

static pthread_t listening; /* only what this thread does is written down */
static int armed, fail_sync;
static struct buf events = BUF_INIT;

static int hears(void)
{
    return armed && pthread_equal(listening, pthread_self());
}

/* Without the number of the process that temporary names end in. */
static void write_down(const char *what, const char *path)
{
    const char *base = path_base(path), *tmp = strstr(base, ".tmp.");
    int n = (int)(tmp ? tmp + 4 - base : (ptrdiff_t)strlen(base));

    buf_printf(&events, "%s %.*s\n", what, n, base);
}

int fsync(int fd)
{
    if (hears()) {
        char *link = xasprintf("/proc/self/fd/%d", fd), path[512];
        ssize_t n = readlink(link, path, sizeof path - 1);

        path[n < 0 ? 0 : n] = 0;
        write_down("sync", path);
        free(link);
        if (fail_sync) {
            errno = EIO;
            return -1;
        }
    }
    return (int)syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
    if (hears())
        write_down("name", to);
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

static void listen_from_here(int fail)
{
    buf_clear(&events);
    listening = pthread_self();
    fail_sync = fail;
    armed = 1;
}

static void check_heard(const char *want)
{
    armed = 0;
    CHECK_STR(buf_str(&events), want);
}

TEST(sync_before_a_file_has_its_name)
{
    char *dir = ztest_in_tmp("sync"), *path = path_join(dir, "a.txt");
    struct buf b = BUF_INIT;
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    listen_from_here(0);
    CHECK_INT(file_write(path, "old", 3, &e), 0);
    check_heard("sync a.txt.tmp\nname a.txt\nsync sync\n");
    listen_from_here(1);
    CHECK_INT(file_write(path, "new", 3, &e), ERR_IO);
    check_heard("sync a.txt.tmp\n"); /* it has no name, and is not there */
    CHECK_CONTAINS(e.msg, "a.txt: cannot write: Input/output error");
    CHECK_INT(file_read(&b, path, 100, &e), 0);
    CHECK_STR(buf_str(&b), "old");
    buf_release(&b);
    free(path);
    free(dir);
}

static int write_two_frames(const char *path, int fail, struct err *e)
{
    struct film_options o = fixture_film_options(16, 16);
    struct film_writer *f;

    CHECK_INT(film_open(&f, path, &o, e), 0);
    fixture_write_moving(f, 16, 16, 2);
    listen_from_here(fail);
    return film_finish(&f, e);
}

TEST(sync_before_a_film_has_its_name)
{
    static const char *const names[] = {"sync.y4m", "sync.mp4"};
    static const char *const heard[] = {"sync sync.part.y4m\nname sync.y4m\n",
                                        "sync sync.mp4.tmp\nname sync.mp4\n"};
    static const char *const failed[] = {"sync sync.part.y4m\n", "sync sync.mp4.tmp\n"};

    for (int i = 0; i < (fixture_has_media() ? 2 : 1); i++) {
        char *path = ztest_in_tmp(names[i]);
        struct err e = {0};

        CHECK_INT(write_two_frames(path, 1, &e), ERR_IO);
        check_heard(failed[i]);
        CHECK(!file_exists(path));
        CHECK_INT(write_two_frames(path, 0, &e), 0);
        check_heard(heard[i]);
        CHECK(file_exists(path));
        free(path);
    }
}

/* A checkpoint says how long the curve is: those rows lie on the disk before it does. */
TEST(sync_of_a_curve)
{
    struct curve c;
    struct err e = {0};

    CHECK_INT(curve_open(&c, ztest_tmp(), "sync", 0, &e), 0);
    CHECK_INT(curve_add(&c, "{}", &e), 0);
    listen_from_here(0);
    CHECK_INT(curve_sync(&c, &e), 0);
    check_heard("sync curve-sync.jsonl\n");
    listen_from_here(1);
    CHECK_INT(curve_sync(&c, &e), ERR_IO);
    armed = 0;
    CHECK_CONTAINS(e.msg, "curve-sync.jsonl: cannot write: Input/output error");
    curve_close(&c);
}

TEST(sync_of_a_curve_before_its_checkpoint)
{
    char *dir = ztest_in_tmp("sync-run");

    listen_from_here(0);
    training_run(&(struct training){.device = device_cpu(), .dir = dir});
    armed = 0;
    CHECK_CONTAINS(buf_str(&events), "sync curve-dit.jsonl\nsync dit-00000008.safetensors.tmp\n"
                                     "name dit-00000008.safetensors\nsync sync-run\n");
    free(dir);
}
