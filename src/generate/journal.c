#include "generate/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "generate/sampler.h"

#define EVERY_S 1.0 /* between steps: what a crash may cost */
enum { DIGEST = 32 };

struct journal {
    char *dir;
    size_t n;
    int (*head)(void *user, struct buf *out, struct err *e);
    void *user;
    int lock, windows_fd; /* -1: not open, the folder is not there yet */
    int windows;
    double kept_s; /* when a step was kept */
    struct err trouble;
};

struct window_head {
    char magic[8];
    int64_t index, n;
    int32_t evaluations, skipped;
};

struct step_head {
    char magic[8];
    int64_t window, next, n;
    int32_t arrays, n_x0, order, has_rng;
};

static const char window_magic[8] = "ztwindow", step_magic[8] = "ztstep/1";

static int failed(struct err *e, const char *path)
{
    return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
}

static char *name_in(const struct journal *j, const char *name)
{
    return path_join(j->dir, name);
}

/* ---- pieces of a file, and their sum ---- */

struct stream {
    int fd;
    struct sha256 sum;
    int rc; /* sticky */
};

static void stream_begin(struct stream *s, int fd)
{
    *s = (struct stream){.fd = fd};
    sha256_init(&s->sum);
}

static void put_plain(struct stream *s, const void *data, size_t bytes)
{
    const char *from = data;

    while (!s->rc && bytes) {
        ssize_t k = write(s->fd, from, bytes);

        if (k < 0 && errno != EINTR)
            s->rc = -1;
        if (k > 0) {
            from += k;
            bytes -= (size_t)k;
        }
    }
}

static void put(struct stream *s, const void *data, size_t bytes)
{
    sha256_add(&s->sum, data, bytes);
    put_plain(s, data, bytes);
}

static void put_sum(struct stream *s)
{
    uint8_t sum[DIGEST];

    sha256_bytes(&s->sum, sum);
    put_plain(s, sum, sizeof sum);
}

static void get_plain(struct stream *s, void *data, size_t bytes)
{
    char *to = data;

    while (!s->rc && bytes) {
        ssize_t k = read(s->fd, to, bytes);

        if (!k || (k < 0 && errno != EINTR))
            s->rc = -1;
        if (k > 0) {
            to += k;
            bytes -= (size_t)k;
        }
    }
}

static void get(struct stream *s, void *data, size_t bytes)
{
    get_plain(s, data, bytes);
    if (!s->rc)
        sha256_add(&s->sum, data, bytes);
}

/* 1: all came, and is what was written. */
static int get_sum(struct stream *s)
{
    uint8_t sum[DIGEST], kept[DIGEST];

    sha256_bytes(&s->sum, sum);
    get_plain(s, kept, sizeof kept);
    return !s->rc && !memcmp(sum, kept, sizeof sum);
}

/* ---- the folder ---- */

static off_t record_bytes(const struct journal *j)
{
    return (off_t)(sizeof(struct window_head) + j->n * sizeof(float) + DIGEST);
}

static int read_record(struct journal *j, int i, float *x, struct journal_window *w)
{
    struct window_head head;
    struct stream s;

    stream_begin(&s, j->windows_fd);
    if (lseek(j->windows_fd, record_bytes(j) * i, SEEK_SET) < 0)
        return 0;
    get(&s, &head, sizeof head);
    if (s.rc || memcmp(head.magic, window_magic, sizeof head.magic) || head.index != i ||
        head.n != (int64_t)j->n)
        return 0;
    get(&s, x, j->n * sizeof *x);
    *w = (struct journal_window){head.evaluations, head.skipped};
    return get_sum(&s);
}

/* 1: the file that is held still has the name; who ends a film takes it away. */
static int is_still(int fd, const char *path)
{
    struct stat held, named;

    return !fstat(fd, &held) && !stat(path, &named) && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

/* The folder may go while its lock is asked for: then once more from the beginning. */
static int take_lock(struct journal *j, const char *lock, struct err *e)
{
    enum { TRIES = 100 };
    int rc = 0;

    for (int i = 0; !rc && j->lock < 0 && i < TRIES; i++) {
        int fd;

        rc = dir_make(j->dir, e);
        if (rc)
            break;
        fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (fd < 0 && (errno != ENOENT || i + 1 == TRIES))
            rc = failed(e, lock);
        else if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB))
            rc = err_set(e, ERR_IO, "%s: another process is drawing this film", j->dir);
        else if (fd >= 0 && is_still(fd, lock))
            j->lock = fd;
        if (fd >= 0 && j->lock < 0)
            close(fd);
    }
    if (!rc && j->lock < 0)
        rc = err_set(e, ERR_IO, "%s: others begin and end films there all the time", j->dir);
    return rc;
}

static void let_go(struct journal *j)
{
    if (j->windows_fd >= 0)
        close(j->windows_fd);
    if (j->lock >= 0)
        close(j->lock);
    j->windows_fd = j->lock = -1;
}

static int hold(struct journal *j, struct err *e)
{
    char *lock = name_in(j, "lock"), *windows = name_in(j, "windows");
    int rc = take_lock(j, lock, e);

    if (!rc) {
        j->windows_fd = open(windows, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (j->windows_fd < 0)
            rc = failed(e, windows);
    }
    if (rc)
        let_go(j);
    free(lock);
    free(windows);
    return rc;
}

/* How many records are whole; what is behind them goes. */
static int count_windows(struct journal *j, struct err *e)
{
    float *x = try_malloc(j->n * sizeof *x, e, "a latent");
    struct journal_window w;
    int rc = x ? 0 : ERR_FIT;

    while (!rc && read_record(j, j->windows, x, &w))
        j->windows++;
    if (!rc && ftruncate(j->windows_fd, record_bytes(j) * j->windows))
        rc = failed(e, j->dir);
    free(x);
    return rc;
}

/* Also what a file was called until it was whole. */
static int is_ours(const char *name)
{
    static const char *const names[] = {"step", "step.new", "windows", "lock", JOURNAL_JOB};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(name, names[i]))
            return 1;
    return !strncmp(name, JOURNAL_JOB ".tmp.", strlen(JOURNAL_JOB ".tmp."));
}

int journal_may_begin(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *f;
    int ours = 1;

    while (ours && d && (f = readdir(d)))
        ours = !strcmp(f->d_name, ".") || !strcmp(f->d_name, "..") || is_ours(f->d_name);
    if (d)
        closedir(d);
    return ours;
}

static void remove_name(const struct journal *j, const char *name)
{
    char *path = name_in(j, name);

    unlink(path);
    free(path);
}

/* The lock is the last, for what is there behind it is of somebody else. */
static void remove_ours(const struct journal *j)
{
    static const char *const names[] = {JOURNAL_JOB, "step", "step.new", "windows"};
    DIR *d;
    const struct dirent *f;

    /* The head first: without it nobody goes on. By name, for a folder that cannot be listed. */
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove_name(j, names[i]);
    d = opendir(j->dir);
    while (d && (f = readdir(d)))
        if (is_ours(f->d_name) && strcmp(f->d_name, "lock"))
            remove_name(j, f->d_name);
    if (d)
        closedir(d);
    remove_name(j, "lock");
    rmdir(j->dir); /* nothing that others have put there goes with it */
}

int journal_open(struct journal **out, const char *dir, size_t n,
                 int (*head)(void *user, struct buf *out, struct err *e), void *user, struct err *e)
{
    struct journal *j = xcalloc(1, sizeof *j);
    int rc = 0;

    *j = (struct journal){xstrdup(dir), n, head, user, -1, -1, 0, clock_s(), {0}};
    char *job = name_in(j, JOURNAL_JOB);

    if (file_exists(job)) {
        rc = hold(j, e);
        if (!rc && !file_exists(job)) { /* whoever drew it ended meanwhile */
            remove_ours(j);
            let_go(j);
        } else if (!rc) {
            rc = count_windows(j, e);
        }
    }
    free(job);
    if (rc)
        journal_close(&j);
    *out = j;
    return rc;
}

void journal_close(struct journal **j)
{
    if (!*j)
        return;
    let_go(*j);
    free((*j)->dir);
    free(*j);
    *j = NULL;
}

void journal_finish(struct journal **j)
{
    if ((*j)->lock >= 0)
        remove_ours(*j);
    journal_close(j);
}

const char *journal_trouble(const struct journal *j)
{
    return j->trouble.code ? j->trouble.msg : NULL;
}

/* With the first thing that is kept. 1: it is there. */
static int ready(struct journal *j)
{
    struct buf text = BUF_INIT;
    struct err *e = &j->trouble;
    int rc = e->code;

    if (!rc && j->lock < 0) {
        char *job = name_in(j, JOURNAL_JOB);

        rc = hold(j, e);
        if (!rc && ftruncate(j->windows_fd, 0)) /* of one that died before it said what it was */
            rc = failed(e, j->dir);
        if (!rc)
            rc = j->head(j->user, &text, e);
        if (!rc)
            rc = file_write(job, text.data, text.len, e);
        free(job);
    }
    buf_release(&text);
    return !rc;
}

/* ---- windows ---- */

int journal_windows(const struct journal *j)
{
    return j->windows;
}

int journal_read_window(struct journal *j, int i, float *x, struct journal_window *w, struct err *e)
{
    if (read_record(j, i, x, w))
        return 0;
    return err_set(e, ERR_FORMAT, "%s: window %d is damaged", j->dir, i);
}

void journal_keep_window(struct journal *j, const float *x, const struct journal_window *w)
{
    struct window_head head = {{0}, j->windows, (int64_t)j->n, w->evaluations, w->skipped};
    struct stream s;

    if (!ready(j))
        return;
    memcpy(head.magic, window_magic, sizeof head.magic);
    stream_begin(&s, j->windows_fd);
    if (lseek(s.fd, record_bytes(j) * j->windows, SEEK_SET) < 0)
        s.rc = -1;
    put(&s, &head, sizeof head);
    put(&s, x, j->n * sizeof *x);
    put_sum(&s);
    if (s.rc || fdatasync(s.fd)) {
        failed(&j->trouble, j->dir);
        return;
    }
    j->windows++;
    char *step = name_in(j, "step");
    unlink(step);
    free(step);
}

/* ---- steps ---- */

static int read_step(struct journal *j, struct stream *s, int window, struct sampler *sampler,
                     const struct sampler_state *state, float *x, int *next)
{
    struct step_head head;

    get(s, &head, sizeof head);
    if (s->rc || memcmp(head.magic, step_magic, sizeof head.magic) || head.window != window ||
        head.n != (int64_t)j->n || head.next < *next || head.next > sampler_evaluations(sampler) ||
        head.arrays != sampler_latents(sampler) || head.n_x0 < 0 || head.n_x0 > SAMPLER_MAX_ORDER ||
        head.order < 0 || head.order > SAMPLER_MAX_ORDER)
        return 0;
    if (head.has_rng != (state->rng != NULL))
        return 0;
    get(s, x, j->n * sizeof *x);
    for (int i = 0; i < state->n_arrays; i++)
        get(s, state->array[i], j->n * sizeof *x);
    if (state->rng)
        get(s, state->rng, sizeof *state->rng);
    if (!get_sum(s))
        return 0;
    *state->n_x0 = head.n_x0;
    *state->order = head.order;
    *next = (int)head.next;
    return 1;
}

static off_t step_bytes(const struct journal *j, const struct sampler_state *state)
{
    size_t latents = 1 + (size_t)state->n_arrays;

    return (off_t)(sizeof(struct step_head) + latents * j->n * sizeof(float) +
                   (state->rng ? sizeof *state->rng : 0) + DIGEST);
}

/* What is not such a file, to the byte, must not spoil what stands in x and the sampler: it is read
 * twice. */
static int step_is_whole(int fd, off_t bytes)
{
    char piece[1 << 14];
    struct stat st;
    struct stream s;

    stream_begin(&s, fd);
    if (fstat(fd, &st) || st.st_size != bytes)
        return 0;
    for (off_t left = bytes - DIGEST; left > 0 && !s.rc;) {
        size_t k = left < (off_t)sizeof piece ? (size_t)left : sizeof piece;

        get(&s, piece, k);
        left -= (off_t)k;
    }
    return get_sum(&s) && !lseek(fd, 0, SEEK_SET);
}

int journal_read_step(struct journal *j, int window, struct sampler *sampler, float *x, int *next)
{
    char *path = name_in(j, "step");
    int fd = j->lock < 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC), there = 0;
    struct sampler_state state;
    struct stream s;

    free(path);
    sampler_state_of(sampler, j->n, &state);
    if (fd >= 0 && step_is_whole(fd, step_bytes(j, &state))) {
        stream_begin(&s, fd);
        there = read_step(j, &s, window, sampler, &state, x, next);
    }
    if (fd >= 0)
        close(fd);
    return there;
}

void journal_keep_step(struct journal *j, int window, struct sampler *sampler, const float *x,
                       int next, int now)
{
    struct sampler_state state;
    struct step_head head = {.window = window, .next = next, .n = (int64_t)j->n};
    struct stream s;

    if ((!now && clock_s() - j->kept_s < EVERY_S) || !ready(j))
        return;
    sampler_state_of(sampler, j->n, &state);
    memcpy(head.magic, step_magic, sizeof head.magic);
    head.arrays = state.n_arrays;
    head.n_x0 = *state.n_x0;
    head.order = *state.order;
    head.has_rng = state.rng != NULL;
    char *path = name_in(j, "step"), *fresh = name_in(j, "step.new");
    stream_begin(&s, open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    if (s.fd < 0)
        s.rc = -1; /* errno stays that of open */
    put(&s, &head, sizeof head);
    put(&s, x, j->n * sizeof *x);
    for (int i = 0; i < state.n_arrays; i++)
        put(&s, state.array[i], j->n * sizeof *x);
    if (state.rng)
        put(&s, state.rng, sizeof *state.rng);
    put_sum(&s);
    if (s.rc || rename(fresh, path)) {
        failed(&j->trouble, fresh);
        unlink(fresh);
    }
    if (s.fd >= 0)
        close(s.fd);
    free(path);
    free(fresh);
    j->kept_s = clock_s();
}
