/* faults: every allocation of a run fails once, and the run must end well.
 *
 *     faults [--keep N] [--seed N] [--jobs N] MODEL DIR [SCENARIO...]
 *
 * A run is repeated in forked children, the n-th allocation failing in the n-th, with all of the
 * program and its libraries already loaded. Well is: the same result, for what is not needed; a
 * message that speaks of memory and status 4 or 6; or a panic with its sentence. Not well is any
 * other end, a result that differs, a file that stands under its final name and is not whole, one
 * that is left over, a training that does not go on to the same bits.
 *
 * Of the calls that come by one way (the same trace of callers) the first N fail, and of all every
 * 37th from one that the seed chooses; --keep -1: all of them, for hours. Without --keep a sample
 * of seconds: of the different ways some, from one that the seed chooses. */
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/tree.h"
#include "base/utf8.h"
#include "faults.h"
#include "media/film.h"

enum { EACH = 37, LIMIT_S = 60, LOUD = 4, MAX_SCENARIOS = 128 };

struct shared {
    struct alloc_log log;
    int sig, depth; /* of a crash */
    void *trace[ALLOC_TRACE];
};

struct tally {
    atomic_long ran, same, said, panicked, outside, bad;
};

static struct shared *shared;
static struct tally *tally;
static unsigned *place; /* of the reference */
static char *top;       /* where all runs have their folders */
const char *faults_model, *faults_root;

static void *share(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED) {
        perror("faults");
        exit(2);
    }
    return p;
}

/* ---- the child ---- */

static void on_crash(int sig)
{
    if (!shared->sig) {
        shared->sig = sig;
        shared->depth = backtrace(shared->trace, ALLOC_TRACE);
    }
    signal(sig, SIG_DFL);
    raise(sig);
}

static void redirect(const char *file, int fd)
{
    int to = open(file, fd ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY, 0666);

    if (to < 0 || dup2(to, fd) < 0)
        _exit(98);
    close(to);
}

static _Noreturn void in_child(const struct scenario *s, int (*run)(const struct scenario *),
                               const char *dir)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

    if (chdir(dir))
        _exit(98);
    redirect("/dev/null", 0);
    redirect("stdout", 1);
    redirect("stderr", 2);
    setenv("XDG_CACHE_HOME", dir, 1);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
        signal(crashes[i], on_crash);
    alarm(LIMIT_S);
    alloc_arm(&shared->log);
    int status = run(s);
    alloc_arm(NULL);
    fflush(NULL);
    _exit(status);
}

/* Returns the status of waitpid. */
static int in_a_child(const struct scenario *s, int (*run)(const struct scenario *),
                      const char *dir, long fail_at)
{
    int status = 0;
    pid_t pid;

    memset(shared, 0, sizeof *shared);
    shared->log.place = fail_at ? NULL : place;
    shared->log.fail_at = fail_at;
    shared->log.callers = CALLER_ALL;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        in_child(s, run, dir);
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("faults");
        exit(2);
    }
    return status;
}

/* ---- the verdict ---- */

static char *text_of(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    struct buf b = BUF_INIT;

    if (file_exists(path))
        (void)!file_read(&b, path, 1 << 26, NULL);
    free(path);
    return buf_take(&b);
}

/* The frames and the recipe: of the words around them FFmpeg may leave out some. */
static int same_film(const char *a, const char *b)
{
    struct film x = {0}, y = {0};
    int same = !film_read(&x, a, NULL, NULL) && !film_read(&y, b, NULL, NULL) && x.n == y.n &&
               x.w == y.w && x.h == y.h && x.fps_num * y.fps_den == y.fps_num * x.fps_den &&
               !memcmp(x.rgb, y.rgb, (size_t)x.n * (size_t)x.w * (size_t)x.h * 3) && x.comment &&
               y.comment && !strcmp(x.comment, y.comment);

    film_release(&x);
    film_release(&y);
    return same;
}

static int same_file(const char *a, const char *b)
{
    struct buf x = BUF_INIT, y = BUF_INIT;
    int same = !file_read(&x, a, 1 << 28, NULL) && !file_read(&y, b, 1 << 28, NULL) &&
               x.len == y.len && !memcmp(buf_str(&x), buf_str(&y), x.len);

    buf_release(&x);
    buf_release(&y);
    return same || (!strcmp(path_ext(a), "mp4") && same_film(a, b));
}

static char walk_from[4096], walk_to[4096]; /* folders of the walk, this one and the other */
static char walk_bad[4608];
static int walk_died, walk_counted, walk_all;
static const char *walk_below;
static const char *walk_said; /* on stderr */

/* A training goes on without a picture for people, and says so. */
static int left_out(const char *path)
{
    return (!strncmp(path_base(path), "strip-", 6) && strstr(walk_said, ": no strip: ")) ||
           (!strcmp(path_ext(path), "svg") && strstr(walk_said, ": no plot: "));
}

/* A file of out/ is as in the reference, or says by its name that it is not whole. */
static int check_file(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)at;
    const char *inside = path + strlen(walk_from);
    char *other = xasprintf("%s%s", walk_to, inside);
    int part = strstr(inside, ".part") != NULL || strstr(inside, ".job/") != NULL;
    /* A recipe beside pictures is there from the first on, and has the latent's hash at the end. */
    int early = !strcmp(path_base(path), "recipe.json") && !walk_all;
    int tmp = strstr(inside, ".tmp.") != NULL && walk_died;
    int ours = walk_all || !walk_below || strstr(inside, walk_below);

    if (kind == FTW_F && ours && !tmp && !left_out(path)) {
        walk_counted++;
        if (!same_file(path, other) && (walk_all || !(part || early)))
            snprintf(walk_bad, sizeof walk_bad, "%s %s", inside,
                     file_exists(other) ? "differs from what it should be" : "is left over");
    }
    free(other);
    return 0;
}

static int walk(const char *dir, const char *reference)
{
    snprintf(walk_from, sizeof walk_from, "%s/out", dir);
    snprintf(walk_to, sizeof walk_to, "%s/out", reference);
    walk_counted = 0;
    if (nftw(walk_from, check_file, 16, FTW_PHYS))
        snprintf(walk_bad, sizeof walk_bad, "cannot be walked");
    return walk_counted;
}

/* NULL: what lies in out/ is right. all: exactly what the reference has. */
/* below: of struct scenario. said: on stderr. */
static const char *check_out(const char *dir, const char *reference, int all, int died,
                             const char *below, const char *said)
{
    walk_bad[0] = 0;
    walk_all = all;
    walk_died = died;
    walk_below = below;
    walk_said = said;
    int n = walk(dir, reference);
    if (all && !*walk_bad && n != walk(reference, dir))
        snprintf(walk_bad, sizeof walk_bad, "%d files are there, not as many as should be", n);
    return *walk_bad ? walk_bad : NULL;
}

/* The first frame of a trace that is not the C library's or this file's own. */
static enum caller blamed(void *const *trace, int n)
{
    const char *name;
    size_t offset;

    for (int i = 2; i < n; i++) { /* the handler, and its return */
        enum caller c = alloc_module(trace[i], &name, &offset);
        if (c != CALLER_LIBC && !strstr(name, "vdso"))
            return c;
    }
    return CALLER_OTHER;
}

enum verdict { SAME, SAID, PANICKED, OUTSIDE, BAD };

/* why: for BAD. */
static enum verdict judge(const struct scenario *s, int status, const char *dir,
                          const char *reference, int expected, const char **why)
{
    static char text[8192];
    char *said = text_of(dir, "stderr"), *should = text_of(reference, "stderr");
    enum verdict v = BAD;
    int panic = strstr(said, "zoetrope: out of memory") != NULL, code = WEXITSTATUS(status);

    *why = text;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && panic) {
        v = PANICKED;
    } else if (WIFSIGNALED(status)) {
        enum caller where = blamed(shared->trace, shared->depth);
        v = s->outside && shared->log.caller >= CALLER_LIBC && where > CALLER_LIBC ? OUTSIDE : BAD;
        snprintf(text, sizeof text, "ended by signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else if (code == expected && (!code || !strcmp(said, should))) {
        v = SAME;
    } else if (s->outside && code == -ERR_FORMAT && shared->log.caller == CALLER_MEDIA &&
               (strstr(said, "Invalid data") || strstr(said, "external library"))) {
        v = OUTSIDE; /* FFmpeg takes what it had no memory for as a fault of the file */
    } else if (code != -ERR_IO && code != -ERR_FIT) {
        snprintf(text, sizeof text, "status %d: %.2000s", code, said);
    } else if (!strstr(said, "memory")) {
        snprintf(text, sizeof text, "status %d, and not a word of memory: %.2000s", code, said);
    } else {
        v = SAID;
    }
    const char *out =
        v == BAD ? NULL : check_out(dir, reference, v == SAME, WIFSIGNALED(status), s->below, said);
    if (out) {
        snprintf(text, sizeof text, "%.2000s (ended with %s %d; %.2000s)", out,
                 WIFSIGNALED(status) ? "signal" : "status",
                 WIFSIGNALED(status) ? WTERMSIG(status) : code, said);
        v = BAD;
    }
    free(said);
    free(should);
    return v;
}

/* ---- one scenario ---- */

static void show_trace(void *const *trace, int n)
{
    char exe[512] = "";
    struct buf b = BUF_INIT;

    if (readlink("/proc/self/exe", exe, sizeof exe - 1) < 0)
        return;
    for (int i = 0; i < n; i++) {
        const char *name;
        size_t offset;
        Dl_info info;

        if (alloc_module(trace[i], &name, &offset) == CALLER_OURS)
            buf_printf(&b, "addr2line -e '%s' -f -s -p 0x%zx | sed 's/^/#     /'; ", exe,
                       offset - 1);
        else
            buf_printf(&b, "echo '#     %s in %s'; ",
                       dladdr(trace[i], &info) && info.dli_sname ? info.dli_sname : "?",
                       path_base(name));
    }
    fflush(NULL);
    if (b.len && system(b.data))
        printf("#     (addr2line is not there)\n");
    buf_release(&b);
}

static char *folder_for(const struct scenario *s, const char *n)
{
    char *dir = xasprintf("%s/%s-%s", top, s->name, n), *out = path_join(dir, "out");
    struct err e;

    if (dir_make(out, &e)) {
        fprintf(stderr, "faults: %s\n", e.msg);
        exit(2);
    }
    free(out);
    return dir;
}

/* One call fails; 0: there were not so many. */
static int try_one(const struct scenario *s, const char *reference, int expected, long n)
{
    char number[32];
    const char *why = NULL;

    snprintf(number, sizeof number, "%ld", n);
    char *dir = folder_for(s, number);
    int status = in_a_child(s, s->run, dir, n), came = shared->log.failed;
    int died = WIFSIGNALED(status); /* who dies cannot clean up */
    struct shared first = *shared;
    enum verdict v = came ? judge(s, status, dir, reference, expected, &why) : SAME;

    if (came && v != BAD && v != SAME && s->again) {
        status = in_a_child(s, s->again, dir, 0);
        why = !status ? check_out(dir, reference, 1, died, NULL, "") : text_of(dir, "stderr");
        v = why ? BAD : v;
    }
    if (came) {
        atomic_long *of[] = {&tally->same, &tally->said, &tally->panicked, &tally->outside,
                             &tally->bad};
        atomic_fetch_add(&tally->ran, 1);
        long before = atomic_fetch_add(of[v], 1);
        if (v == BAD || (v == OUTSIDE && getenv("FAULTS_OUTSIDE")))
            printf("# %s, call %ld (%zu bytes): %s\n", s->name, n, first.log.bytes, why);
        if ((v == BAD && before < (getenv("LOUD") ? 9999 : LOUD)) ||
            (v == OUTSIDE && getenv("FAULTS_OUTSIDE"))) {
            show_trace(first.log.trace, first.log.depth);
            if (first.sig)
                printf("#   and the crash:\n"), show_trace(first.trace, first.depth);
        }
    }
    if (v != BAD || !getenv("FAULTS_KEEP"))
        (void)!tree_remove(dir, NULL);
    free(dir);
    return came;
}

/* Which calls are to fail: 1 at their number. Of the calls that come by one way the first `keep`,
 * and of all every 37th from a place that the seed chooses; keep below 0: all. */
static void choose(char *fail, long last, int keep, long seed)
{
    for (long n = 1, k; n <= last; n++) {
        int before = 0;

        for (k = n - 1; k > 0 && before < keep; k--)
            before += place[k] == place[n];
        fail[n] = keep < 0 || before < keep || n % EACH == seed % EACH;
    }
}

/* A few: of the different ways every thin-th, from one that the seed chooses. */
static void choose_some(char *fail, long last, int thin, long seed)
{
    for (long n = 1, k, ways = seed; n <= last; n++) {
        for (k = n - 1; k > 0 && place[k] != place[n];)
            k--;
        fail[n] = !k && ways++ % thin == 0;
    }
}

/* keep 0: a sample. */
static int run_scenario(const struct scenario *s, int keep, long seed, int jobs)
{
    char *reference = folder_for(s, "reference"), *fail = NULL;
    int status = in_a_child(s, s->run, reference, 0), bad = 1;
    long last = atomic_load(&shared->log.n);

    memset(tally, 0, sizeof *tally);
    if (!WIFEXITED(status)) {
        printf("not ok faults_%s: ended by signal %d without a failure\n", s->name,
               WTERMSIG(status));
        goto out;
    }
    last = last < ALLOC_PLACES ? last : ALLOC_PLACES - 1;
    fail = xcalloc((size_t)last + 1, 1);
    if (keep)
        choose(fail, last, keep, seed);
    else
        choose_some(fail, last, s->thin, seed);
    for (int j = 0; j < jobs; j++) {
        fflush(NULL);
        if (fork() == 0) {
            shared = share(sizeof *shared);
            for (long n = 1, k = 0; n <= last; n++)
                if (fail[n] && k++ % jobs == j)
                    try_one(s, reference, WEXITSTATUS(status), n);
            fflush(NULL);
            _exit(0);
        }
    }
    while (wait(NULL) > 0)
        ;
    bad = tally->bad || !last || (keep && !tally->ran);
    printf("%s faults_%s%s %ld of %ld calls: %ld made no difference, %ld were said, %ld were "
           "panics, %ld inside other libraries, %ld wrong\n",
           bad ? "not ok" : "ok", s->name, bad ? ":" : " #", (long)tally->ran, last,
           (long)tally->same, (long)tally->said, (long)tally->panicked, (long)tally->outside,
           (long)tally->bad);
out:
    (void)!tree_remove(reference, NULL);
    free(reference);
    free(fail);
    return bad;
}

/* ---- what is run ---- */

/* Words separated by spaces, + for a space inside one; %M is the model of random weights, %R the
 * source tree. Nothing here allocates. */
static int zoetrope(const char *line)
{
    static char words[8192];
    char *argv[64], *to = words;
    int argc = 0;

    for (const char *p = line; *p; p++) {
        if (*p == '%')
            to = stpcpy(to, *++p == 'M' ? faults_model : faults_root);
        else
            *to++ = *p;
    }
    *to = 0;
    for (char *rest = words, *w; (w = strtok_r(NULL, " ", &rest)) && argc < 63;) {
        argv[argc++] = w;
        for (; *w; w++)
            *w = *w == '+' ? ' ' : *w;
    }
    argv[argc] = NULL;
    return zoetrope_main(argc, argv);
}

static int command(const struct scenario *s)
{
    return zoetrope(s->arg);
}

static int train_on(const struct scenario *s)
{
    char line[1024];

    snprintf(line, sizeof line, "%s --resume auto", s->arg);
    return zoetrope(line);
}

/* From what its job has kept, if there is one. */
static int draw_on(const struct scenario *s)
{
    char line[1024];

    snprintf(line, sizeof line, "%s -y", s->arg);
    return zoetrope(line);
}

#define FILM                                                                                       \
    "zoetrope generate -p a+red+ball --frames 5 --steps 2 --threads 1 --seed 1 --size native"

static const struct scenario commands[] = {
    {"film_y4m", command, FILM " --model %M -o out/film.y4m", draw_on, NULL, 30, 0},
    {"film_mp4", command, FILM " --model %M -o out/film.mp4", draw_on, NULL, 20, 1},
    {"film_png", command, FILM " --model %M -o out/png/", draw_on, NULL, 50, 1},
    {"film_of_the_shipped_model", command, FILM " --model %R/model -o out/film.y4m", draw_on, NULL,
     60, 0},
    {"training", command, "zoetrope train %R/test/faults/train.json --out out/run --threads 2",
     train_on, "/model/", 100, 1},
};

static int wanted(const char *name, char **word, int n)
{
    for (int i = 0; i < n; i++)
        if (strstr(name, word[i]))
            return 1;
    return n == 0;
}

int main(int argc, char **argv)
{
    static struct scenario list[MAX_SCENARIOS];
    int64_t seed = -1, jobs = 1, keep = 0;
    int n = sizeof commands / sizeof *commands, bad = 0, i = 1;

    for (; i + 1 < argc && !strncmp(argv[i], "--", 2); i += 2)
        if (parse_int(argv[i + 1], argv[i][2] == 's' ? &seed : argv[i][2] == 'j' ? &jobs : &keep))
            i = argc;
    if (i + 1 >= argc || jobs < 1) {
        fprintf(stderr, "usage: faults [--seed N] [--keep N] [--jobs N] MODEL DIR [SCENARIO...]\n");
        return 2;
    }
    faults_model = realpath(argv[i], NULL);
    faults_root = realpath(".", NULL);
    top = realpath(argv[i + 1], NULL);
    if (!faults_model || !faults_root || !top) {
        perror("faults");
        return 2;
    }
    film_quiet();
    alloc_prepare();
    shared = share(sizeof *shared);
    tally = share(sizeof *tally);
    place = share(sizeof *place * ALLOC_PLACES);
    memcpy(list, commands, sizeof commands);
    n += hostile_scenarios(list + n, MAX_SCENARIOS - n, top);
    for (int k = 0; k < n; k++)
        if (wanted(list[k].name, argv + i + 2, argc - i - 2))
            bad += run_scenario(&list[k], (int)keep, seed, (int)jobs);
    return bad != 0;
}
