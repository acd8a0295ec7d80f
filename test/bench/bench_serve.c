/* The service under load, by clients of this process: submissions at a fixed rate with the server
 * killed in the middle, watchers that wait, questions. Each figure beside what the parts can do.
 * ZT_LOAD_S=60 is the length of each run (5), ZT_LOAD_MODEL another model than the fixture,
 * ZT_LOAD_JOBS=10000 how many wait before (0), and while one asks for the last (100). Nothing is
 * drawn: what is measured is the service. */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "fixture.h"
#include "serve/jobs.h"
#include "serving.h"
#include "ztest.h"

enum { CLIENTS = 32, RATE = 200, FILL_RATE = 500, ASKERS = 8, WATCHERS = 1000, MOST = 1 << 16 };

/* A tenant that may have as many jobs as it likes. */
#define KEY "a-key-for-the-load"
static const char KEYS[] =
    "{\"keys\": [{\"tenant\": \"load\", \"key\": \"" KEY "\", \"jobs\": 1000000}]}";
#define HEAD "Host: localhost\r\nAuthorization: Bearer " KEY "\r\n"

static double load_s(void)
{
    const char *text = getenv("ZT_LOAD_S");

    return text && atof(text) > 0 ? atof(text) : 5;
}

static int load_jobs(int unsaid)
{
    const char *text = getenv("ZT_LOAD_JOBS");

    return text ? atoi(text) : unsaid;
}

static void sleep_s(double s)
{
    const struct timespec t = {(time_t)s, (long)((s - (double)(time_t)s) * 1e9)};

    if (s > 0)
        nanosleep(&t, NULL);
}

/* ---- the server, a process ---- */

struct load {
    struct serving s;
    pid_t pid;
    atomic_int next, n_lost;
    double begin_s, end_s;
    int rate;
    double took_s[MOST]; /* of call i, from when it was due */
    int64_t id[MOST];    /* that was acknowledged, 0: none */
    char path[128], *keys;
};

static void spawn(struct load *l, int port)
{
    static char listen[32];
    int fd[2];

    snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
    l->s.o.listen = listen;
    CHECK(!pipe(fd));
    l->pid = fork();
    if (l->pid == 0) {
        struct err e;

        if (serve_start(&l->s.server, &l->s.o, &e)) {
            fprintf(stderr, "%s\n", e.msg);
            _exit(1);
        }
        l->s.port = serve_port(l->s.server);
        (void)!write(fd[1], &l->s.port, sizeof l->s.port);
        for (;;)
            pause();
    }
    close(fd[1]);
    CHECK(read(fd[0], &l->s.port, sizeof l->s.port) == sizeof l->s.port);
    close(fd[0]);
}

static struct load *load_new(const char *name)
{
    struct load *l = xcalloc(1, sizeof *l);
    struct err e;

    fixture_dir();
    serving_options(&l->s, name);
    if (getenv("ZT_LOAD_MODEL"))
        l->s.o.model = getenv("ZT_LOAD_MODEL");
    l->keys = ztest_in_tmp("load-keys.json");
    CHECK(!file_write(l->keys, KEYS, sizeof KEYS - 1, &e));
    l->s.o.keys = l->keys;
    l->s.o.workers = 0;
    l->s.o.queue_most = 1000000;
    spawn(l, 0);
    return l;
}

static void load_free(struct load *l)
{
    kill(l->pid, SIGKILL);
    waitpid(l->pid, NULL, 0);
    free(l->s.data);
    free(l->keys);
    free(l);
}

/* ---- one client ---- */

static int dial(const struct load *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)l->s.port)};
    const struct timeval most = {20, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* One request and its whole answer on a connection that stays. The status, 0: it broke. */
static int talk(int fd, const char *request, char *answer, size_t size)
{
    size_t n = strlen(request), got = 0;
    const char *end = NULL, *length;

    if (send(fd, request, n, MSG_NOSIGNAL) != (ssize_t)n)
        return 0;
    for (;;) {
        ssize_t more = recv(fd, answer + got, size - 1 - got, 0);
        if (more <= 0)
            return 0;
        got += (size_t)more;
        answer[got] = '\0';
        if (!end)
            end = strstr(answer, "\r\n\r\n");
        length = end ? strcasestr(answer, "content-length:") : NULL;
        if (end && (!length || got >= (size_t)(end + 4 - answer) + (size_t)atoll(length + 15)))
            return atoi(answer + 9);
    }
}

static void *submit_main(void *arg)
{
    static const char body[] = "{\"prompt\":\"a red ball rolls\",\"size\":\"48x32\",\"steps\":1,"
                               "\"frames\":1,\"seed\":5}";
    struct load *l = arg;
    char request[512], answer[8192];
    int fd = -1, i;

    snprintf(request, sizeof request,
             "POST /v1/videos HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             sizeof body - 1, body);
    while ((i = atomic_fetch_add(&l->next, 1)) < MOST) {
        double due = l->begin_s + (double)i / l->rate;
        if (due >= l->end_s)
            break;
        sleep_s(due - clock_s());
        if (fd < 0)
            fd = dial(l);
        int status = fd < 0 ? 0 : talk(fd, request, answer, sizeof answer);
        const char *id = status == 200 ? strstr(answer, "\"id\": \"video_") : NULL;
        l->took_s[i] = clock_s() - due;
        if (id) {
            l->id[i] = atoll(id + strlen("\"id\": \"video_"));
            continue;
        }
        atomic_fetch_add(&l->n_lost, 1);
        if (fd >= 0)
            close(fd);
        fd = -1;
        sleep_s(0.05);
    }
    if (fd >= 0)
        close(fd);
    return NULL;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Commits of one row like ours in a second, with nothing around them. */
static double bare_commits(const char *dir)
{
    char *path = path_join(dir, "bare.db");
    double begin = clock_s();
    sqlite3 *db;
    int n = 0;

    CHECK(sqlite3_open(path, &db) == SQLITE_OK);
    sqlite3_exec(db,
                 "PRAGMA journal_mode=TRUNCATE; PRAGMA synchronous=EXTRA;"
                 "CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT)",
                 NULL, NULL, NULL);
    while (clock_s() - begin < 2)
        n += !sqlite3_exec(db, "INSERT INTO t(body) VALUES(hex(zeroblob(400)))", NULL, NULL, NULL);
    sqlite3_close(db);
    free(path);
    return n / (clock_s() - begin);
}

static void run_submissions(struct load *l, int rate, double seconds, int kill_it)
{
    pthread_t thread[CLIENTS];
    int port = l->s.port;

    atomic_store(&l->next, 0);
    atomic_store(&l->n_lost, 0);
    memset(l->id, 0, sizeof l->id);
    l->rate = rate;
    l->begin_s = clock_s() + 0.1;
    l->end_s = l->begin_s + seconds;
    for (int i = 0; i < CLIENTS; i++)
        CHECK(!pthread_create(&thread[i], NULL, submit_main, l));
    if (kill_it) {
        sleep_s(seconds / 2);
        kill(l->pid, SIGKILL);
        waitpid(l->pid, NULL, 0);
        spawn(l, port);
    }
    for (int i = 0; i < CLIENTS; i++)
        pthread_join(thread[i], NULL);
}

/* CPU time that the server has used, of all its threads. */
static double cpu_s(pid_t pid)
{
    char path[64], line[1024];
    unsigned long user = 0, sys = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *f = fopen(path, "r");
    const char *at = f && fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    if (at)
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys);
    if (f)
        fclose(f);
    return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

/* How long the calls took that were answered. */
static int say_times(struct load *l, const char *what)
{
    int due = (int)(l->rate * (l->end_s - l->begin_s)), n = 0;

    for (int i = 0; i < due; i++)
        if (l->id[i])
            l->took_s[n++] = l->took_s[i];
    qsort(l->took_s, (size_t)n, sizeof *l->took_s, by_size);
    if (n)
        printf("  %s: %d of %d answered, median %.1f ms, 99 %% within %.1f ms, longest %.0f ms\n",
               what, n, due, 1e3 * l->took_s[n / 2], 1e3 * l->took_s[n * 99 / 100],
               1e3 * l->took_s[n - 1]);
    return n;
}

TEST(bench_serve_submissions)
{
    struct load *l = load_new("load");
    double bare = bare_commits(l->s.data);
    struct jobs *jobs = NULL;
    struct job j;
    struct err e;
    int lost = 0;

    printf("  bare SQLite: %.0f commits a second here\n", bare);
    run_submissions(l, FILL_RATE, (double)load_jobs(0) / FILL_RATE, 0);
    double before = cpu_s(l->pid);
    run_submissions(l, RATE, load_s(), 0);
    int n = say_times(l, "200 submissions a second");
    printf("  %.2f ms of CPU time each\n", 1e3 * (cpu_s(l->pid) - before) / (n ? n : 1));
    run_submissions(l, RATE, load_s(), 1);
    kill(l->pid, SIGKILL);
    waitpid(l->pid, NULL, 0);
    for (int i = 0; i < 200 && jobs_open(&jobs, l->s.data, &e); i++)
        sleep_s(0.02);
    CHECK(jobs);
    for (int i = 0; i < MOST; i++) {
        lost += l->id[i] && jobs_get(jobs, NULL, l->id[i], &j, &e) != 1;
        if (l->id[i])
            job_release(&j);
    }
    jobs_close(&jobs);
    int kept = say_times(l, "the same with kill -9 in the middle");
    printf("  %d of what was acknowledged is lost\n", lost);
    CHECK_INT(lost, 0);
    CHECK(kept > 100);
    spawn(l, 0);
    load_free(l);
}

/* ---- questions ---- */

static void *ask_main(void *arg)
{
    struct load *l = arg;
    char request[256], answer[16384];
    int fd = dial(l);

    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" HEAD "\r\n", l->path);
    while (fd >= 0 && clock_s() < l->end_s)
        if (talk(fd, request, answer, sizeof answer) == 200)
            atomic_fetch_add(&l->next, 1);
        else
            atomic_fetch_add(&l->n_lost, 1);
    if (fd >= 0)
        close(fd);
    return NULL;
}

static double ask(struct load *l, const char *path)
{
    pthread_t thread[ASKERS];
    double begin = clock_s();

    snprintf(l->path, sizeof l->path, "%s", path);
    atomic_store(&l->next, 0);
    l->end_s = begin + load_s();
    for (int i = 0; i < ASKERS; i++)
        CHECK(!pthread_create(&thread[i], NULL, ask_main, l));
    for (int i = 0; i < ASKERS; i++)
        pthread_join(thread[i], NULL);
    return atomic_load(&l->next) / (clock_s() - begin);
}

TEST(bench_serve_questions)
{
    struct load *l = load_new("questions");
    int jobs = load_jobs(100), last = jobs - 1;
    char path[64];

    run_submissions(l, FILL_RATE, (double)jobs / FILL_RATE, 0);
    while (last > 0 && !l->id[last])
        last--;
    for (int i = 0; i < 3; i++) {
        double still = ask(l, "/icon.svg");
        snprintf(path, sizeof path, "/v1/videos/video_%lld", (long long)l->id[last]);
        double status = ask(l, path);
        printf("  %.0f questions for a video a second, %.0f for a file of the page, which asks no "
               "store: %.2f of it\n",
               status, still, status / still);
    }
    load_free(l);
}

/* ---- watchers ---- */

static double rss_of(pid_t pid)
{
    char path[64], line[256];
    double kb = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "VmRSS:", 6))
            kb = atof(line + 6);
    if (f)
        fclose(f);
    return kb / 1024;
}

TEST(bench_serve_watchers)
{
    struct load *l = load_new("watchers");
    struct rlimit files = {2 * WATCHERS + 64, 2 * WATCHERS + 64};
    double before = rss_of(l->pid);
    int fd[WATCHERS];
    char answer[4096];

    setrlimit(RLIMIT_NOFILE, &files);
    for (int i = 0; i < WATCHERS; i++) {
        static const char request[] = "GET /v1/events HTTP/1.1\r\n" HEAD "\r\n";
        fd[i] = dial(l);
        CHECK(fd[i] >= 0 && send(fd[i], request, sizeof request - 1, 0) > 0);
        CHECK(recv(fd[i], answer, sizeof answer, 0) > 0);
    }
    printf("  %d watchers: the server has %.1f MiB, %.1f before them\n", WATCHERS, rss_of(l->pid),
           before);
    double begin = clock_s();
    run_submissions(l, 10, 1, 0);
    int told = 0;
    for (int i = 0; i < WATCHERS; i++) {
        ssize_t n = recv(fd[i], answer, sizeof answer - 1, 0);
        answer[n > 0 ? n : 0] = '\0';
        told += strstr(answer, "event") || strstr(answer, "retry");
    }
    printf("  10 jobs in a second, told to %d of them; %.1f s, %.1f MiB\n", told, clock_s() - begin,
           rss_of(l->pid));
    for (int i = 0; i < WATCHERS; i++)
        close(fd[i]);
    CHECK_INT(told, WATCHERS);
    load_free(l);
}
