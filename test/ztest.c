/* ztest.c - main of the test program behind ztest.h. */
#include "ztest.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"

#ifndef ZTEST_DIR /* the Makefile gives the absolute path of test/ */
#define ZTEST_DIR "test"
#endif

static struct ztest *tests;
static struct ztest *volatile current;
static jmp_buf leave;
static char failure[1024], tmp_dir[512];
static pid_t main_pid;

enum { PASSED, FAILED, SKIPPED };

void ztest_register(struct ztest *t)
{
    t->next = tests;
    tests = t;
}

void ztest_fail(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(failure, sizeof failure, "%s:%d: ", file, line);

    va_start(ap, fmt);
    vsnprintf(failure + n, sizeof failure - (size_t)n, fmt, ap);
    va_end(ap);
    if (getpid() != main_pid) { /* in a child of a test: there is nothing to go back to */
        fprintf(stderr, "%s\n", failure);
        _exit(1);
    }
    longjmp(leave, 1 + FAILED);
}

void ztest_skip(const char *why)
{
    snprintf(failure, sizeof failure, "%s", why);
    longjmp(leave, 1 + SKIPPED);
}

double ztest_rel_l2(const float *a, const float *b, size_t n)
{
    double diff = 0, norm = 0;

    for (size_t i = 0; i < n; i++) {
        double d = (double)a[i] - b[i];

        diff += d * d;
        norm += (double)b[i] * b[i];
    }
    if (!isfinite(diff) || !isfinite(norm))
        return INFINITY;
    return diff == 0 ? 0 : norm == 0 ? INFINITY : sqrt(diff / norm);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

const char *ztest_tmp(void)
{
    const char *base = getenv("TMPDIR");

    if (tmp_dir[0])
        return tmp_dir;
    snprintf(tmp_dir, sizeof tmp_dir, "%s/ztest.XXXXXX", base && *base ? base : "/tmp");
    if (!mkdtemp(tmp_dir)) {
        perror(tmp_dir);
        exit(1);
    }
    return tmp_dir;
}

char *ztest_in_tmp(const char *name)
{
    return path_join(ztest_tmp(), name);
}

const char *ztest_data(const char *name)
{
    static char path[1024];

    snprintf(path, sizeof path, "%s/%s", ZTEST_DIR, name);
    return path;
}

int ztest_aborts(void (*fn)(void))
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);

        signal(SIGABRT, SIG_DFL);
        dup2(null, STDERR_FILENO);
        fn();
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 0;
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

/* A crash ends the program, but not without saying in which test. */
static void on_crash(int sig)
{
    const char *name = current ? current->name : "?";
    ssize_t n = write(STDOUT_FILENO, "CRASH in ", 9);

    n += write(STDOUT_FILENO, name, strlen(name));
    n += write(STDOUT_FILENO, "\n", 1);
    signal(sig, SIG_DFL);
    raise(sig);
    (void)n;
}

static int run_one(struct ztest *t)
{
    int code;

    current = t;
    failure[0] = 0;
    code = setjmp(leave);
    if (code)
        return code - 1;
    t->fn();
    return PASSED;
}

static int before(const void *a, const void *b)
{
    const struct ztest *x = *(struct ztest *const *)a, *y = *(struct ztest *const *)b;
    int c = strcmp(x->file, y->file);

    return c ? c : strcmp(x->name, y->name);
}

/* What stands in test/bench/ measures time; it runs when asked for, and then alone. */
static int selected(const struct ztest *t, int bench, char **pattern, int n)
{
    if (bench != (strstr(t->file, "bench/") != NULL))
        return 0;
    for (int i = 0; i < n; i++)
        if (strstr(t->name, pattern[i]) || strstr(t->file, pattern[i]))
            return 1;
    return n == 0;
}

static int run_all(char **pattern, int n_patterns, int verbose, int bench, int count[3])
{
    struct ztest **list, *t;
    int n = 0;

    for (t = tests; t; t = t->next)
        n++;
    list = calloc((size_t)n + 1, sizeof *list);
    if (!list)
        return -1;
    n = 0;
    for (t = tests; t; t = t->next)
        if (selected(t, bench, pattern, n_patterns))
            list[n++] = t;
    qsort(list, (size_t)n, sizeof *list, before);
    for (int i = 0; i < n; i++) {
        int r = run_one(list[i]);

        count[r]++;
        if (r == FAILED)
            printf("FAIL %s: %s\n", list[i]->name, failure);
        else if (verbose)
            printf("%s %s%s%s\n", r == PASSED ? "ok" : "skip", list[i]->name,
                   r == SKIPPED ? ": " : "", failure);
        fflush(stdout);
    }
    free(list);
    return 0;
}

int main(int argc, char **argv)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    int count[3] = {0}, verbose = 0, bench = 0;

    for (argc--, argv++; argc > 0 && **argv == '-'; argc--, argv++) {
        if (!strcmp(*argv, "-v")) {
            verbose = 1;
        } else if (!strcmp(*argv, "--bench")) {
            bench = 1;
        } else {
            fprintf(stderr, "usage: ztest [-v] [--bench] [PATTERN...]\n");
            return 2;
        }
    }
    main_pid = getpid();
    setenv("XDG_CACHE_HOME", ztest_tmp(), 1); /* nothing is left in the user's own */
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], on_crash);
    if (run_all(argv, argc, verbose, bench, count) < 0)
        return 1;
    if (tmp_dir[0])
        nftw(tmp_dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    printf("%d passed, %d failed", count[PASSED], count[FAILED]);
    if (count[SKIPPED])
        printf(", %d skipped", count[SKIPPED]);
    printf("\n");
    return count[FAILED] || count[PASSED] == 0;
}
