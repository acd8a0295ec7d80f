#include "serve/jobs_share.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/hash.h"
#include "serve/jobs_db.h"

enum { PART_BYTES = 1 << 20 };

int jobs_away(struct jobs *s)
{
    return atomic_load(&s->db->away);
}

int jobs_shared(const struct jobs *s)
{
    return s->db->kind->watch != NULL;
}

void jobs_watch(struct jobs *s, void (*fn)(void *arg, int64_t id), void *arg)
{
    if (jobs_shared(s))
        s->db->kind->watch(s->db, fn, arg);
}

/* ---- files ---- */

/* Each statement by itself, so that others have their turn; the row of the whole file is written
 * last. */
static int run(struct jobs *s, enum sql which, const struct sql_value *v, int n, struct err *e)
{
    int rc;

    pthread_mutex_lock(&s->lock);
    rc = jobs_run(jobs_bind(s, which, v, n), e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}
#define RUN(s, e, which, ...)                                                                      \
    run(s, which, (const struct sql_value[]){__VA_ARGS__},                                         \
        (int)(sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value)), e)

/* Bytes of a part, from where the file stands. */
static int read_part(int fd, const char *path, char *room, size_t *n, struct err *e)
{
    ssize_t got = 1;

    for (*n = 0; *n < PART_BYTES && got > 0; *n += (size_t)got)
        if ((got = read(fd, room + *n, PART_BYTES - *n)) < 0)
            return err_set(e, ERR_IO, "%s: %s", path_base(path), strerror(errno));
    return 0;
}

/* Gives the file's parts to the store; its hash as they went. */
static int put_parts(struct jobs *s, const char *name, const char *path, int64_t *bytes,
                     char sha[65], struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    char *room = xmalloc(PART_BYTES);
    struct sha256 h;
    size_t n = PART_BYTES;

    if (fd < 0)
        rc = err_set(e, ERR_IO, "%s: %s", path_base(path), strerror(errno));
    sha256_init(&h);
    *bytes = 0;
    for (int64_t part = 0; !rc && n == PART_BYTES; part++) {
        struct buf text = BUF_INIT;

        rc = read_part(fd, path, room, &n, e);
        sha256_add(&h, room, n);
        *bytes += (int64_t)n;
        base64_encode(&text, room, n);
        if (!rc) {
            rc = RUN(s, e, SQL_FILE_PART, SQL_TEXT(name), SQL_INT(part), SQL_TEXT(buf_str(&text)));
            rc = rc < 0 ? rc : 0;
        }
        buf_release(&text);
    }
    sha256_hex(&h, sha);
    free(room);
    if (fd >= 0)
        close(fd);
    return rc;
}

int jobs_file_put(struct jobs *s, const char *name, int64_t job, const char *path, struct err *e)
{
    char hex[65];
    const char *sha = hex;
    int64_t bytes;
    int rc;

    if (!jobs_shared(s))
        return 0;
    rc = sha256_file(path, hex, &bytes, e);
    if (rc)
        return rc;
    rc = RUN(s, e, SQL_FILE_FRESH, SQL_TEXT(name), SQL_TEXT(sha));
    if (rc)
        return rc < 0 ? rc : 0;
    rc = put_parts(s, name, path, &bytes, hex, e);
    if (!rc)
        rc = RUN(s, e, SQL_FILE_WHOLE, SQL_TEXT(name), SQL_INT(job), SQL_INT(bytes), SQL_TEXT(sha));
    return rc < 0 ? rc : 0;
}

/* 1: there is such a file. */
static int file_facts(struct jobs *s, const char *name, int64_t *bytes, char sha[65], struct err *e)
{
    struct db *st;
    int rc;

    pthread_mutex_lock(&s->lock);
    st = jobs_bind(s, SQL_FILE_FACTS, (const struct sql_value[]){SQL_TEXT(name)}, 1);
    rc = st->kind->step(st, e);
    if (rc > 0) {
        *bytes = st->kind->number(st, 0);
        snprintf(sha, 65, "%s", st->kind->text(st, 1));
    }
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int part_of(struct jobs *s, const char *name, int64_t part, struct buf *out, struct err *e)
{
    struct db *st;
    int rc;

    pthread_mutex_lock(&s->lock);
    st = JOBS_BIND(s, SQL_FILE_READ, SQL_TEXT(name), SQL_INT(part));
    rc = st->kind->step(st, e);
    if (rc > 0) {
        const char *text = st->kind->text(st, 0);
        rc = base64_decode(out, text, strlen(text), 0);
    } else if (!rc) {
        rc = -1;
    }
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc < 0 ? err_set(e, ERR_IO, "the store of jobs: a part of %s is missing", name) : 0;
}

int jobs_file_get(struct jobs *s, const char *name, const char *path, struct err *e)
{
    struct file_replace to;
    struct sha256 h;
    int64_t bytes = 0, done = 0;
    char sha[65], got[65];
    int rc = jobs_shared(s) ? file_facts(s, name, &bytes, sha, e) : 0;

    if (rc <= 0)
        return rc;
    rc = file_replace_begin(&to, path, e);
    if (rc)
        return rc;
    sha256_init(&h);
    for (int64_t part = 0; !rc && done < bytes; part++) {
        struct buf b = BUF_INIT;

        rc = part_of(s, name, part, &b, e);
        if (!rc)
            rc = file_replace_add(&to, b.data, b.len, e);
        sha256_add(&h, b.data, b.len);
        done += (int64_t)b.len;
        buf_release(&b);
    }
    sha256_hex(&h, got);
    if (!rc && strcmp(got, sha))
        rc = err_set(e, ERR_FORMAT, "the store of jobs: %s is not what was put there", name);
    int end = file_replace_end(&to, !rc, e);
    return rc ? rc : end ? end : 1;
}

void jobs_files_sweep(struct jobs *s)
{
    struct err e;

    if (jobs_shared(s) && run(s, SQL_FILE_SWEEP, NULL, 0, &e) >= 0)
        run(s, SQL_FILE_SWEEP_PARTS, NULL, 0, &e);
}
