/* Files, machine limits, threads. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/ahead.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/thread.h"
#include "ztest.h"

TEST(file_write_then_read)
{
    struct buf b = BUF_INIT;
    struct err e = {0};
    char *path = ztest_in_tmp("file.bin");

    CHECK_INT(file_write(path, "one\0two", 7, &e), 0);
    CHECK_INT(file_size(path), 7);
    CHECK_INT(file_write(path, "three", 5, &e), 0); /* replaces */
    CHECK_INT(file_read(&b, path, 5, &e), 0);
    CHECK_STR(buf_str(&b), "three");
    CHECK_INT(file_read(&b, path, 4, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "file.bin");
    CHECK_CONTAINS(e.msg, "4 bytes");
    CHECK_INT(unlink(path), 0);
    CHECK_INT(file_read(&b, path, 4, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "No such file");
    CHECK_INT(file_size(path), -1);
    buf_release(&b);
    free(path);
}

/* Nobody writes into the pipe: reading it as a file would wait forever. */
TEST(loader_9_pipe_among_the_files_is_refused)
{
    struct buf b = BUF_INIT;
    struct err e = {0};
    char *path = ztest_in_tmp("pipe.json");

    CHECK_INT(mkfifo(path, 0600), 0);
    CHECK_INT(file_read_regular(&b, path, 100, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "pipe.json: not a regular file");
    CHECK_INT(file_read_regular(&b, ztest_tmp(), 100, &e), ERR_FORMAT);
    CHECK_INT(file_read_regular(&b, "/dev/zero", 100, &e), ERR_FORMAT);
    CHECK_INT(file_read_regular(&b, "/no/such/file", 100, &e), ERR_IO);
    CHECK_INT(unlink(path), 0);
    CHECK_INT(file_write(path, "{}", 2, &e), 0);
    CHECK_INT(file_read_regular(&b, path, 2, &e), 0);
    CHECK_STR(buf_str(&b), "{}");
    buf_release(&b);
    free(path);
}

TEST(file_write_failure_leaves_nothing)
{
    struct err e = {0};
    char *path = ztest_in_tmp("missing/file.bin"), *dir = ztest_in_tmp("as_folder");
    struct file_replace r;

    CHECK_INT(file_write(path, "x", 1, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "missing/file.bin");
    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_write(dir, "x", 1, &e), ERR_IO); /* a folder is in the way of the rename */
    free(path);
    path = ztest_in_tmp("given_up");
    CHECK_INT(file_write(path, "old", 3, &e), 0);
    CHECK_INT(file_replace_begin(&r, path, &e), 0);
    CHECK_INT(file_replace_add(&r, "new text", 8, &e), 0);
    CHECK_INT(file_replace_end(&r, 0, &e), 0);
    CHECK_INT(file_size(path), 3);
    free(path);
    path = xasprintf("%s.tmp.%ld", dir, (long)getpid());
    CHECK(!file_exists(path));
    free(path);
    free(dir);
}

TEST(dir_make_with_parents)
{
    struct err e = {0};
    char *dir = ztest_in_tmp("a/b//c/"), *file = ztest_in_tmp("plain"),
         *below = ztest_in_tmp("plain/x");

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(dir_make(dir, &e), 0);
    CHECK(dir_exists(dir));
    CHECK_INT(file_write(file, "", 0, &e), 0);
    CHECK(file_exists(file) && !dir_exists(file) && !file_exists(dir));
    CHECK_INT(dir_make(below, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "/plain: cannot make the folder");
    free(dir);
    free(file);
    free(below);
}

TEST(paths_are_taken_apart)
{
    static const char *const rows[][4] = {/* path, dir, base, ext */
                                          {"a/b.mp4", "a", "b.mp4", "mp4"},
                                          {"b", ".", "b", ""},
                                          {"/b.tar.gz", "/", "b.tar.gz", "gz"},
                                          {"a.d/.hidden", "a.d", ".hidden", ""}};

    for (int i = 0; i < 4; i++) {
        char *dir = path_dir(rows[i][0]);

        CHECK_STR(dir, rows[i][1]);
        CHECK_STR(path_base(rows[i][0]), rows[i][2]);
        CHECK_STR(path_ext(rows[i][0]), rows[i][3]);
        free(dir);
    }
    char *a = path_join("x/", "y"), *b = path_join("x", "/y"), *c = path_join("", "y");
    CHECK_STR(a, "x/y");
    CHECK_STR(b, "/y");
    CHECK_STR(c, "y");
    free(a);
    free(b);
    free(c);
}

TEST(machine_says_something_sensible)
{
    CHECK(machine_threads() >= 1 && machine_threads() <= sysconf(_SC_NPROCESSORS_CONF));
    CHECK(machine_memory_bytes() > 1 << 20);
    CHECK(machine_peak_rss_bytes() > 100000);
    CHECK(strlen(machine_cpu_name()) > 0);
    CHECK(!(machine_cpu_features() & CPU_AVX512) || (machine_cpu_features() & CPU_AVX2));
    CHECK(!(machine_cpu_features() & CPU_AVX512_BF16) ||
          (machine_cpu_features() & CPU_AVX512_VNNI));
    CHECK(!(machine_cpu_features() & CPU_AMX) || (machine_cpu_features() & CPU_AVX512_BF16));
}

static void put(const char *root, const char *name, const char *text)
{
    char *path = path_join(root, name), *dir = path_dir(path);
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    free(path);
    free(dir);
}

TEST(machine_cgroup_v2_limits_bind_from_above)
{
    char *root = ztest_in_tmp("v2");

    put(root, "proc/self/cgroup", "0::/job/step\n");
    CHECK(isinf(machine_cgroup_cpus(root)));
    CHECK(isinf(machine_cgroup_memory(root)));
    put(root, "sys/fs/cgroup/job/step/cpu.max", "max 100000\n");
    put(root, "sys/fs/cgroup/job/cpu.max", "150000 100000\n");
    CHECK(machine_cgroup_cpus(root) == 1.5);
    put(root, "sys/fs/cgroup/job/step/cpu.max", "50000 100000\n");
    CHECK(machine_cgroup_cpus(root) == 0.5);
    put(root, "sys/fs/cgroup/job/memory.max", "1000000\n");
    put(root, "sys/fs/cgroup/job/memory.current", "700000\n");
    put(root, "sys/fs/cgroup/job/step/memory.max", "max\n");
    CHECK(machine_cgroup_memory(root) == 300000);
    put(root, "sys/fs/cgroup/job/memory.stat", "anon 5\ninactive_file 100000\nactive_file 7\n");
    CHECK(machine_cgroup_memory(root) == 400000); /* cached files can be dropped */
    put(root, "sys/fs/cgroup/job/memory.current", "5000000\n");
    CHECK(machine_cgroup_memory(root) == 0);
    free(root);
}

TEST(machine_cgroup_in_a_container_sees_its_own_root)
{
    char *root = ztest_in_tmp("v2c");

    put(root, "proc/self/cgroup", "0::/\n");
    put(root, "sys/fs/cgroup/cpu.max", "400000 100000\n");
    put(root, "sys/fs/cgroup/memory.max", "2147483648\n");
    CHECK(machine_cgroup_cpus(root) == 4);
    CHECK(machine_cgroup_memory(root) == 2147483648.0);
    free(root);
}

TEST(machine_cgroup_v1)
{
    char *root = ztest_in_tmp("v1");

    put(root, "proc/self/cgroup", "5:memory:/box\n4:cpu,cpuacct:/box\n1:name=systemd:/../x\n");
    put(root, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "-1\n");
    put(root, "sys/fs/cgroup/cpu/box/cpu.cfs_period_us", "50000\n");
    CHECK(isinf(machine_cgroup_cpus(root)));
    put(root, "sys/fs/cgroup/cpu/box/cpu.cfs_quota_us", "100000\n");
    CHECK(machine_cgroup_cpus(root) == 2);
    put(root, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", "9223372036854771712\n");
    CHECK(isinf(machine_cgroup_memory(root)));
    put(root, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", "1000\n");
    put(root, "sys/fs/cgroup/memory/box/memory.usage_in_bytes", "400\n");
    put(root, "sys/fs/cgroup/memory/box/memory.stat", "inactive_file 3\ntotal_inactive_file 100\n");
    CHECK(machine_cgroup_memory(root) == 700);
    put(root, "sys/fs/cgroup/memory/box/memory.limit_in_bytes", "nonsense\n");
    CHECK(isinf(machine_cgroup_memory(root)));
    free(root);
}

enum { ITEMS = 1000, MOST = 5 };

struct job {
    struct threads *th;
    atomic_int seen[ITEMS], running[MOST], clash, nested;
};

static void inner_item(void *arg, int item, int worker)
{
    struct job *j = arg;

    if (worker != 0)
        j->clash++;
    j->nested += item;
}

static void item_fn(void *arg, int item, int worker)
{
    struct job *j = arg;

    if (j->running[worker]++)
        j->clash++;
    j->seen[item]++;
    if (item % 100 == 0)
        threads_run(j->th, 3, inner_item, j);
    j->running[worker]--;
}

TEST(threads_run_every_item_once)
{
    for (int n = 1; n <= MOST; n += 2) {
        struct threads *th = threads_new(n);
        static struct job j;

        CHECK_INT(threads_count(th), n);
        for (int round = 0; round < 50; round++) {
            memset(&j, 0, sizeof j);
            j.th = th;
            threads_run(th, ITEMS, item_fn, &j);
            for (int i = 0; i < ITEMS; i++)
                CHECK_INT(j.seen[i], 1);
            CHECK_INT(j.clash, 0);
            CHECK_INT(j.nested, 10 * 3);
        }
        threads_run(th, 0, item_fn, &j);
        threads_free(&th);
        CHECK(th == NULL);
    }
}

/* Things made ahead: counted while they exist, slow and quick ones mixed. */
struct made {
    atomic_int alive, most, total;
};

struct thing {
    struct made *of;
    int64_t i;
};

static void *make_thing(void *arg, int64_t i)
{
    struct made *m = arg;
    struct thing *t = xmalloc(sizeof *t);
    int alive = ++m->alive;

    for (int most = m->most; alive > most && !atomic_compare_exchange_weak(&m->most, &most, alive);)
        ;
    m->total++;
    if (i % 7 == 0)
        usleep(2000);
    *t = (struct thing){m, i};
    return t;
}

static void drop_thing(void *thing)
{
    ((struct thing *)thing)->of->alive--;
    free(thing);
}

TEST(ahead_keeps_order_and_room)
{
    enum { FIRST = 5, END = 205, ROOM = 6 };

    for (int threads = 1; threads <= 9; threads += 4) {
        struct made m = {0};
        struct ahead_config c = {make_thing, drop_thing, &m, FIRST, END, threads, ROOM};
        struct ahead *a;
        struct err e;

        CHECK_INT(ahead_new(&a, &c, &e), 0);
        for (int64_t i = FIRST; i < END; i++) {
            struct thing *t = ahead_take(a);

            CHECK_INT(t->i, i);
            drop_thing(t);
        }
        ahead_free(&a);
        CHECK(a == NULL);
        CHECK_INT(m.total, END - FIRST);
        CHECK(m.most <= ROOM + 1); /* one more in the hands of who took it */
        CHECK_INT(m.alive, 0);

        CHECK_INT(ahead_new(&a, &c, &e), 0); /* nobody wants the rest */
        drop_thing(ahead_take(a));
        ahead_free(&a);
        CHECK_INT(m.alive, 0);
        CHECK(m.total <= 2 * (END - FIRST));
    }
}

TEST(threads_null_runs_on_the_caller)
{
    static struct job j;

    threads_run(NULL, ITEMS, item_fn, &j);
    for (int i = 0; i < ITEMS; i++)
        CHECK_INT(j.seen[i], 1);
    CHECK_INT(threads_count(NULL), 1);
}

static void *second_caller(void *arg)
{
    for (int i = 0; i < 100; i++)
        threads_run(((struct job *)arg)->th, ITEMS, item_fn, arg);
    return NULL;
}

TEST(threads_pool_is_shared_in_turn)
{
    static struct job a, b;
    pthread_t t;

    a.th = b.th = threads_new(3);
    CHECK_INT(pthread_create(&t, NULL, second_caller, &a), 0);
    second_caller(&b);
    pthread_join(t, NULL);
    for (int i = 0; i < ITEMS; i++)
        CHECK(a.seen[i] == 100 && b.seen[i] == 100);
    CHECK_INT(a.clash + b.clash, 0);
    threads_free(&a.th);
}
