/* pull.c - one file after the other, into a folder that is no model until all are whole. */
#include "model/pull.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/tree.h"
#include "model/pull_inner.h"

enum { TRIES = 5, SPARE_BYTES = 64 << 20, MOST_ETAG = 256 };

struct pull {
    const struct pull_request *r;
    struct pull_list list;
    char *stage;         /* the folder */
    int lock;            /* its file .pull: where it comes from */
    int64_t done, total; /* of this run */
};

/* One file on its way. */
struct arrival {
    struct pull *p;
    const struct pull_file *f;
    char *part, *etag_path;
    int fd;
    int64_t have;
    struct sha256 hash;
    char expected[65]; /* "": nothing says it */
    int hopeless;      /* a failure that no second try mends */
};

/* ---- one file ---- */

/* Of a weights file of which a part is there: go on behind it if the file is still that one. */
static void read_etag(const struct arrival *a, char out[MOST_ETAG])
{
    struct buf b = BUF_INIT;
    struct err e;

    *out = '\0';
    if (!file_read_regular(&b, a->etag_path, MOST_ETAG - 1, &e) && b.len &&
        !strpbrk(b.data, "\r\n"))
        strcpy(out, b.data);
    buf_release(&b);
}

static int start_over(struct arrival *a, struct err *e)
{
    a->p->done -= a->have;
    a->have = 0;
    sha256_init(&a->hash);
    a->hopeless = ftruncate(a->fd, 0) != 0;
    if (a->hopeless)
        return err_set(e, ERR_IO, "%s: cannot write: %s", a->part, strerror(errno));
    return 0;
}

/* "bytes 100-199/200" begins where we asked. */
static int goes_on(const struct arrival *a, const struct net_answer *answer)
{
    char *range = net_field(answer, "content-range");
    int64_t from = -1;
    int yes = answer->status == 206 && range && sscanf(range, "bytes %" SCNd64 "-", &from) == 1 &&
              from == a->have;

    free(range);
    return yes;
}

/* A list may not name what the redirect to the file does. */
static void learn_hash(struct arrival *a, const struct net_answer *answer)
{
    char *linked = net_field_any(answer, "x-linked-etag");

    if (linked && !*a->expected && strlen(linked) == 66 &&
        strspn(linked + 1, "0123456789abcdef") == 64)
        memcpy(a->expected, linked + 1, 64);
    free(linked);
}

static int on_begin(void *user, const struct net_answer *answer, struct err *e)
{
    struct arrival *a = user;
    char *etag = net_field(answer, "etag");
    int rc = 0;

    if (a->have && !goes_on(a, answer)) {
        if (answer->status == 206)
            rc = err_set(e, ERR_IO, "%s: the server goes on somewhere else", a->f->path);
        else
            rc = start_over(a, e);
    }
    learn_hash(a, answer);
    if (!rc && etag && *etag == '"' && strlen(etag) < MOST_ETAG)
        rc = file_write(a->etag_path, etag, strlen(etag), e);
    free(etag);
    return rc;
}

static int on_take(void *user, const void *data, size_t bytes, struct err *e)
{
    struct arrival *a = user;
    const char *p = data;
    size_t left = bytes;

    if ((int64_t)bytes > a->f->bytes - a->have)
        return err_set(e, ERR_FORMAT, "%s: more than the %" PRId64 " bytes that the hub lists",
                       a->f->path, a->f->bytes);
    while (left) {
        ssize_t n = pwrite(a->fd, p, left, (off_t)(a->have + (p - (const char *)data)));

        a->hopeless = n < 0 && errno != EINTR;
        if (a->hopeless)
            return err_set(e, ERR_IO, "%s: cannot write: %s", a->part, strerror(errno));
        p += n > 0 ? n : 0;
        left -= (size_t)(n > 0 ? n : 0);
    }
    sha256_add(&a->hash, data, bytes);
    a->have += (int64_t)bytes;
    a->p->done += (int64_t)bytes;
    if (a->p->r->step)
        a->p->r->step(a->p->r->user, a->f->path, a->p->done, a->p->total);
    return 0;
}

/* One request, from what is there on. ERR_IO may be tried again. */
static int ask_rest(struct arrival *a, struct err *e)
{
    const struct pull_request *r = a->p->r;
    char *url = pull_url(r, a->p->list.commit, a->f->path), range[64], when[MOST_ETAG + 16];
    char etag[MOST_ETAG];
    const char *fields[3] = {0};
    struct net_answer answer;
    int n = 0, rc;

    if (a->have) {
        read_etag(a, etag);
        snprintf(range, sizeof range, "Range: bytes=%" PRId64 "-", a->have);
        snprintf(when, sizeof when, "If-Range: %s", etag);
        fields[n++] = range;
        if (*etag)
            fields[n++] = when;
    }
    rc = net_request(&answer,
                     &(struct net_request){.url = url,
                                           .field = fields,
                                           .token = r->token,
                                           .most_bytes = a->f->bytes + 1,
                                           .redirects = 5,
                                           .begin = on_begin,
                                           .take = on_take,
                                           .user = a,
                                           .stop = r->stop},
                     e);
    if (!rc && answer.status == 416) /* the part is none of this file */
        rc = start_over(a, e) ? e->code : err_set(e, ERR_IO, "%s: began again", a->f->path);
    else if (!rc && (answer.status < 200 || answer.status > 299))
        rc = pull_refused(r, &answer, e);
    else if (!rc && a->have != a->f->bytes)
        rc = err_set(e, ERR_IO, "%s: %" PRId64 " bytes came, the hub lists %" PRId64, a->f->path,
                     a->have, a->f->bytes);
    net_answer_release(&answer);
    free(url);
    return rc;
}

static int is_stopped(const struct pull_request *r)
{
    return r->stop && *r->stop;
}

static int wait_s(const struct pull_request *r, int s, struct err *e)
{
    struct timespec pause = {s, 0};

    nanosleep(&pause, NULL);
    return is_stopped(r) ? err_set(e, ERR_CANCEL, "interrupted") : 0;
}

/* Connections break, and servers are busy: what may go better later is tried later. Patience begins
 * anew where something came. */
static int fetch_rest(struct arrival *a, struct err *e)
{
    int tries = 0, rc = 0;

    while (!rc && a->have < a->f->bytes) {
        int64_t had = a->have;

        rc = ask_rest(a, e);
        if (rc != ERR_IO || a->hopeless)
            continue;
        tries = a->have > had ? 0 : tries + 1;
        if (tries < TRIES)
            rc = wait_s(a->p->r, 1 << tries, e);
    }
    return rc;
}

/* What is there is hashed and not fetched again. */
static int hash_part(struct arrival *a, struct err *e)
{
    char piece[65536];
    ssize_t n;

    sha256_init(&a->hash);
    for (;;) {
        n = pread(a->fd, piece, sizeof piece, (off_t)a->have);
        if (n <= 0)
            break;
        sha256_add(&a->hash, piece, (size_t)n);
        a->have += n;
        if (is_stopped(a->p->r))
            return err_set(e, ERR_CANCEL, "interrupted");
    }
    if (n < 0)
        return err_set(e, ERR_IO, "%s: cannot read: %s", a->part, strerror(errno));
    a->p->done += a->have;
    if (a->have > a->f->bytes || !*a->f->sha256) /* what nothing tells is fetched as a whole */
        return start_over(a, e);
    return 0;
}

/* Is the whole file what the hub says? It keeps the name of a part until all are whole. */
static int settle(struct arrival *a, char hex[65], struct err *e)
{
    sha256_hex(&a->hash, hex);
    if (*a->expected && strcmp(hex, a->expected)) {
        unlink(a->part);
        unlink(a->etag_path);
        return err_set(e, ERR_CHECK,
                       "%s: its SHA-256 is %s, the hub says %s; what came is thrown away",
                       a->f->path, hex, a->f->sha256);
    }
    if (fsync(a->fd))
        return err_set(e, ERR_IO, "%s: cannot write: %s", a->part, strerror(errno));
    unlink(a->etag_path);
    return 0;
}

static int fetch(struct pull *p, const struct pull_file *f, struct buf *sums, struct err *e)
{
    char *path = path_join(p->stage, f->path), *dir = path_dir(path), hex[65] = "";
    struct arrival a = {.p = p, .f = f, .part = xasprintf("%s.part", path), .fd = -1};
    int rc = dir_make(dir, e);

    a.etag_path = xasprintf("%s.etag", path);
    memcpy(a.expected, f->sha256, sizeof a.expected);
    if (!rc && file_exists(path) && !file_exists(a.part)) /* of an earlier run: looked at again */
        rc = rename(path, a.part) ? err_set(e, ERR_IO, "%s: %s", path, strerror(errno)) : 0;
    if (!rc)
        a.fd = open(a.part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (!rc && a.fd < 0)
        rc = err_set(e, ERR_IO, "%s: cannot create: %s", a.part, strerror(errno));
    if (!rc)
        rc = hash_part(&a, e);
    if (!rc && f->bytes)
        rc = fetch_rest(&a, e);
    if (!rc)
        rc = settle(&a, hex, e);
    if (!rc)
        buf_printf(sums, "%s  %s\n", hex, f->path);
    if (a.fd >= 0)
        close(a.fd);
    free(a.etag_path);
    free(a.part);
    free(dir);
    free(path);
    return rc;
}

/* ---- the folder ---- */

/* .pull says what the folder is of: a line each with the hub, the name, the commit. One process
 * holds it. */
static int hold_stage(struct pull *p, struct err *e)
{
    char *path = path_join(p->stage, ".pull"), *want;
    struct buf b = BUF_INIT;
    int rc = dir_make(p->stage, e);

    if (!rc) {
        p->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (p->lock < 0)
            rc = err_set(e, ERR_IO, "%s: cannot create: %s", path, strerror(errno));
        else if (flock(p->lock, LOCK_EX | LOCK_NB))
            rc = err_set(e, ERR_IO, "%s: another pull is at work in this folder", p->stage);
    }
    if (!rc)
        rc = file_read_regular(&b, path, 4096, e);
    want = xasprintf("%s\n%s\n", p->r->base, p->r->name);
    if (!rc && b.len) {
        size_t n = strlen(want);

        if (strncmp(b.data, want, n) || strcspn(b.data + n, "\n") >= sizeof p->list.commit ||
            !b.data[n])
            rc = err_set(e, ERR_IO, "%s is of another model or hub; remove it, or use another --to",
                         p->stage);
        else
            memcpy(p->list.commit, b.data + n, strcspn(b.data + n, "\n"));
        if (!rc && !pull_is_plain(p->list.commit))
            rc = err_set(e, ERR_FORMAT, "%s is damaged; remove the folder", path);
    }
    free(want);
    buf_release(&b);
    free(path);
    return rc;
}

static int write_stage(struct pull *p, struct err *e)
{
    int rc = 0;
    char *text = xasprintf("%s\n%s\n%s\n", p->r->base, p->r->name, p->list.commit);

    if (pwrite(p->lock, text, strlen(text), 0) != (ssize_t)strlen(text))
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", p->stage, strerror(errno));
    free(text);
    return rc;
}

/* Bytes of wanted files that are there already, whole or in part. */
static int64_t bytes_there(const struct pull *p)
{
    int64_t sum = 0;

    for (int i = 0; i < p->list.n; i++) {
        char *path = path_join(p->stage, p->list.file[i].path), *part = xasprintf("%s.part", path);
        int64_t whole = file_size(path), half = file_size(part);

        if (p->list.file[i].wanted)
            sum += whole >= 0 ? whole : half >= 0 ? half : 0;
        free(part);
        free(path);
    }
    return sum;
}

static int check_room(const struct pull *p, struct err *e)
{
    struct statvfs disk;
    char need[32], has[32];
    double left = (double)(p->list.wanted_bytes - bytes_there(p)), room;

    if (statvfs(p->stage, &disk))
        return err_set(e, ERR_IO, "%s: %s", p->stage, strerror(errno));
    room = (double)disk.f_bavail * (double)disk.f_frsize;
    if (left + SPARE_BYTES <= room)
        return 0;
    format_bytes(need, sizeof need, left);
    format_bytes(has, sizeof has, room);
    return err_set(e, ERR_IO, "%s: %s are still to come, the disk has %s", p->r->to, need, has);
}

static int name_parts(const struct pull *p, struct err *e)
{
    int rc = 0;

    for (int i = 0; !rc && i < p->list.n; i++) {
        char *path = path_join(p->stage, p->list.file[i].path), *part = xasprintf("%s.part", path);

        if (p->list.file[i].wanted && rename(part, path))
            rc = err_set(e, ERR_IO, "%s: cannot rename: %s", part, strerror(errno));
        free(part);
        free(path);
    }
    return rc;
}

static int put_in_place(struct pull *p, const struct buf *sums, struct err *e)
{
    char *list = path_join(p->stage, "SHA256SUMS"), *own = path_join(p->stage, ".pull");
    int rc = name_parts(p, e);

    if (!rc)
        rc = file_write(list, buf_str(sums), sums->len, e);
    if (!rc && unlink(own))
        rc = err_set(e, ERR_IO, "%s: %s", own, strerror(errno));
    if (!rc && rename(p->stage, p->r->to))
        rc = err_set(e, ERR_IO, "%s: cannot put the model here: %s", p->r->to, strerror(errno));
    free(own);
    free(list);
    return rc;
}

static int is_taken(const char *to)
{
    struct stat st;

    return lstat(to, &st) == 0 && !(S_ISDIR(st.st_mode) && dir_is_empty(to));
}

int pull_run(const struct pull_request *r, struct err *e)
{
    struct pull p = {.r = r, .lock = -1};
    struct buf sums = BUF_INIT;
    int rc = pull_check_name(r, e);

    if (rc)
        return rc;
    if (is_taken(r->to))
        return err_set(e, ERR_IO, "%s is there already", r->to);
    p.stage = xasprintf("%s.pull", r->to);
    int fresh = !dir_exists(p.stage);
    rc = hold_stage(&p, e);
    fresh &= !rc;
    if (!rc)
        rc = pull_look(&p.list, r, e);
    if (!rc)
        rc = check_room(&p, e);
    if (!rc)
        rc = write_stage(&p, e);
    else if (fresh)
        (void)!tree_remove(p.stage, NULL); /* nothing of it came */
    p.total = p.list.wanted_bytes;
    for (int i = 0; !rc && i < p.list.n; i++)
        if (p.list.file[i].wanted)
            rc = fetch(&p, &p.list.file[i], &sums, e);
    if (!rc)
        rc = put_in_place(&p, &sums, e);
    if (p.lock >= 0)
        close(p.lock);
    buf_release(&sums);
    pull_list_release(&p.list);
    free(p.stage);
    return rc;
}
