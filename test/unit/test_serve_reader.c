/* The process that reads pictures may end at any time; another takes its place. */
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/reader.h"
#include "ztest.h"

/* The parent of a process that has not ended, by /proc, and when that began, in ticks; 0: there is
 * no such process. */
static pid_t parent_since(pid_t pid, unsigned long long *since)
{
    char path[64], line[1024] = "", state = 'Z';
    int parent = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *stat = fopen(path, "r");
    const char *end = stat && fgets(line, sizeof line, stat) ? strrchr(line, ')') : NULL;
    if (stat)
        fclose(stat);
    int read = end ? sscanf(end,
                            ") %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                            "%*s %*s %llu",
                            &state, &parent, since)
                   : 0;
    return read == 3 && state != 'Z' ? parent : 0;
}

static pid_t parent_of(pid_t pid)
{
    unsigned long long since;

    return parent_since(pid, &since);
}

/* The newest child of a process, by its start: numbers of processes begin anew; 0: it has none. */
static pid_t child_of(pid_t parent)
{
    DIR *d = opendir("/proc");
    unsigned long long newest = 0, since = 0;
    pid_t found = 0;

    for (struct dirent *f; d && (f = readdir(d));) {
        int pid = atoi(f->d_name);

        if (!pid || parent_since(pid, &since) != parent || since < newest)
            continue;
        found = pid;
        newest = since;
    }
    if (d)
        closedir(d);
    return found;
}

static struct buf picture_file(void)
{
    struct picture p;
    struct buf file = BUF_INIT;
    struct err e;
    char *path = ztest_in_tmp("reader.ppm");

    picture_init(&p, 40, 24);
    for (int i = 0; i < 40 * 24 * 3; i++)
        p.rgb[i] = (uint8_t)(i * 7);
    CHECK_INT(picture_save(&p, path, &e), 0);
    CHECK_INT(file_read(&file, path, 1 << 20, &e), 0);
    picture_release(&p);
    free(path);
    return file;
}

static void check_decodes(struct reader *r, const struct buf *file)
{
    struct picture p;
    struct err e = {0};

    if (reader_decode(r, file, &p, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK(p.w == 40 && p.h == 24 && p.rgb[100] == (uint8_t)700);
    picture_release(&p);
}

static void wait_for_end(pid_t pid)
{
    const struct timespec moment = {0, 2000000};

    for (int i = 0; i < 30000 && parent_of(pid); i++)
        nanosleep(&moment, NULL);
    CHECK(!parent_of(pid));
}

static void end(pid_t pid)
{
    CHECK(pid > 1 && !kill(pid, SIGKILL));
    wait_for_end(pid);
}

static void *end_soon(void *pid)
{
    const struct timespec moment = {0, 50000000};

    nanosleep(&moment, NULL);
    kill(*(pid_t *)pid, SIGKILL);
    return NULL;
}

TEST(serve_pictures_are_read_by_another_process_when_theirs_has_gone)
{
    struct buf file = picture_file(), none = BUF_INIT;
    struct reader *r;
    struct picture p;
    struct err e = {0};
    pthread_t thread;

    CHECK_INT(reader_new(&r, &e), 0);
    pid_t starter = child_of(getpid());
    check_decodes(r, &file);
    pid_t first = child_of(starter);
    end(first);
    check_decodes(r, &file);
    pid_t second = child_of(starter);
    CHECK(second && second != first);
    /* In the middle of a picture. */
    CHECK(!kill(second, SIGSTOP));
    CHECK(!pthread_create(&thread, NULL, end_soon, &second));
    check_decodes(r, &file);
    pthread_join(thread, NULL);
    /* What is no picture is said as ever, and by a process that stays. */
    pid_t third = child_of(starter);
    buf_puts(&none, "no picture");
    CHECK_INT(reader_decode(r, &none, &p, &e), ERR_FORMAT);
    CHECK_INT(child_of(starter), third);
    /* Without the one that begins them the last one still reads; then there is none. */
    CHECK(!kill(starter, SIGKILL));
    check_decodes(r, &file);
    kill(third, SIGKILL);
    CHECK_INT(reader_decode(r, &file, &p, &e), ERR_DEVICE);
    CHECK_CONTAINS(e.msg, "no process that reads pictures can be begun");
    reader_free(&r);
    buf_release(&file);
    buf_release(&none);
}

TEST(serve_processes_that_read_pictures_end_with_the_server)
{
    struct buf file = picture_file();
    struct reader *r;
    struct err e = {0};

    CHECK_INT(reader_new(&r, &e), 0);
    check_decodes(r, &file);
    pid_t starter = child_of(getpid()), reads = child_of(starter);
    CHECK(reads > 1);
    reader_free(&r);
    wait_for_end(reads);
    CHECK(!parent_of(starter));
    buf_release(&file);
}
