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

/* ---- the parts of a file ---- */

/* Where they are: the statement that has one, and its values before the number of the part. Each is
 * written by itself, so that others have their turn; the row of the whole file comes last. */
struct place {
    enum sql put, get;
    struct sql_value to[4], of[3];
    int n_to, n_of;
    const char *name; /* for messages */
};

/* The values and two more; how many. */
static int values(struct sql_value v[6], const struct sql_value *of, int n, int64_t part)
{
    memcpy(v, of, (size_t)n * sizeof *of);
    v[n] = SQL_INT(part);
    return n + 1;
}

/* Bytes of a part, from where the file stands. */
static int read_part(int fd, const char *path, char *room, size_t *n, struct err *e)
{
    ssize_t got = 1;

    for (*n = 0; *n < PART_BYTES && got > 0; *n += (size_t)got)
        if ((got = read(fd, room + *n, PART_BYTES - *n)) < 0)
            return err_set(e, ERR_IO, "%s: %s", path_base(path), strerror(errno));
    return 0;
}

static int put_part(struct jobs *s, const struct place *p, int64_t part, const char *data, size_t n,
                    struct err *e)
{
    struct buf text = BUF_INIT;
    struct sql_value v[6];
    int k = values(v, p->to, p->n_to, part);

    base64_encode(&text, data, n);
    v[k++] = SQL_TEXT(buf_str(&text));
    int rc = jobs_write(s, p->put, v, k, e);
    buf_release(&text);
    return rc;
}

/* Gives the file's parts to the store; its hash as they went. 1, or 0: one was refused. */
static int put_parts(struct jobs *s, const struct place *p, const char *path, int64_t *bytes,
                     char sha[65], struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 1;
    char *room = xmalloc(PART_BYTES);
    struct sha256 h;
    size_t n = PART_BYTES;

    if (fd < 0)
        rc = err_set(e, ERR_IO, "%s: %s", path_base(path), strerror(errno));
    sha256_init(&h);
    *bytes = 0;
    for (int64_t part = 0; rc > 0 && n == PART_BYTES; part++) {
        rc = read_part(fd, path, room, &n, e);
        sha256_add(&h, room, n);
        *bytes += (int64_t)n;
        if (!rc)
            rc = put_part(s, p, part, room, n, e);
    }
    sha256_hex(&h, sha);
    free(room);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int part_of(struct jobs *s, const struct place *p, int64_t part, struct buf *out,
                   struct err *e)
{
    struct sql_value v[6];
    int k = values(v, p->of, p->n_of, part), rc;
    struct db *st;

    pthread_mutex_lock(&s->lock);
    st = jobs_bind(s, p->get, v, k);
    rc = st->kind->step(st, e);
    if (rc > 0) {
        const char *text = st->kind->text(st, 0);
        rc = base64_decode(out, text, strlen(text), 0);
    } else if (!rc) {
        rc = -1;
    }
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc < 0 ? err_set(e, ERR_IO, "the store of jobs: a part of %s is missing", p->name) : 0;
}

/* What a file's row says: bytes, hash, and a number where there is one. 1, or 0: no such row. */
struct facts {
    int64_t bytes, side;
    char sha[65];
};

static int read_facts(struct jobs *s, enum sql which, const struct sql_value *v, int n, int sides,
                      struct facts *f, struct err *e)
{
    struct db *st;
    int rc;

    pthread_mutex_lock(&s->lock);
    st = jobs_bind(s, which, v, n);
    rc = st->kind->step(st, e);
    if (rc > 0) {
        f->bytes = st->kind->number(st, 0);
        snprintf(f->sha, sizeof f->sha, "%s", st->kind->text(st, 1));
        f->side = sides ? st->kind->number(st, 2) : 0;
    }
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static int get_parts(struct jobs *s, const struct place *p, const struct facts *f, const char *path,
                     struct err *e)
{
    struct file_replace to;
    struct sha256 h;
    int64_t done = 0;
    char got[65];
    int rc = file_replace_begin(&to, path, e);

    if (rc)
        return rc;
    sha256_init(&h);
    for (int64_t part = 0; !rc && done < f->bytes; part++) {
        struct buf b = BUF_INIT;

        rc = part_of(s, p, part, &b, e);
        if (!rc)
            rc = file_replace_add(&to, b.data, b.len, e);
        sha256_add(&h, b.data, b.len);
        done += (int64_t)b.len;
        buf_release(&b);
    }
    sha256_hex(&h, got);
    if (!rc && strcmp(got, f->sha))
        rc = err_set(e, ERR_FORMAT, "the store of jobs: %s is not what was put there", p->name);
    int end = file_replace_end(&to, !rc, e);
    return rc ? rc : end ? end : 1;
}

/* ---- files that jobs name ---- */

static struct place of_name(const char *name)
{
    return (struct place){.put = SQL_FILE_PART,
                          .get = SQL_FILE_READ,
                          .to = {SQL_TEXT(name)},
                          .of = {SQL_TEXT(name)},
                          .n_to = 1,
                          .n_of = 1,
                          .name = name};
}

int jobs_file_put(struct jobs *s, const char *name, int64_t job, const char *path, struct err *e)
{
    struct place at = of_name(name);
    char hex[65];
    const char *sha = hex;
    int64_t bytes;
    int rc;

    if (!jobs_shared(s))
        return 0;
    rc = sha256_file(path, hex, &bytes, e);
    if (rc)
        return rc;
    rc = JOBS_WRITE(s, e, SQL_FILE_FRESH, SQL_TEXT(name), SQL_TEXT(sha));
    if (rc)
        return rc < 0 ? rc : 0;
    rc = put_parts(s, &at, path, &bytes, hex, e);
    if (rc > 0)
        rc = JOBS_WRITE(s, e, SQL_FILE_WHOLE, SQL_TEXT(name), SQL_INT(job), SQL_INT(bytes),
                        SQL_TEXT(sha));
    return rc < 0 ? rc : 0;
}

int jobs_file_get(struct jobs *s, const char *name, const char *path, struct err *e)
{
    struct place at = of_name(name);
    struct facts f;
    int rc = jobs_shared(s) ? read_facts(s, SQL_FILE_FACTS, at.of, at.n_of, 0, &f, e) : 0;

    return rc > 0 ? get_parts(s, &at, &f, path, e) : rc;
}

void jobs_files_sweep(struct jobs *s)
{
    struct err e;

    if (jobs_shared(s) && jobs_write(s, SQL_FILE_SWEEP, NULL, 0, &e) >= 0)
        jobs_write(s, SQL_FILE_SWEEP_PARTS, NULL, 0, &e);
}

/* ---- what has been reached of a film ---- */

static int kept_facts(struct jobs *s, int64_t id, const char *name, struct facts *f, struct err *e)
{
    return read_facts(s, SQL_KEPT_FACTS, (const struct sql_value[]){SQL_INT(id), SQL_TEXT(name)}, 2,
                      1, f, e);
}

/* The side that is read stays whole until the other one is. */
int jobs_kept_put(struct jobs *s, int64_t id, int64_t fence, const char *name, const char *path,
                  struct err *e)
{
    struct facts was = {.side = 1};
    char hex[65];
    const char *sha = hex;
    int64_t bytes;
    int rc = jobs_shared(s) ? kept_facts(s, id, name, &was, e) : 0;

    if (rc < 0 || !jobs_shared(s))
        return rc;
    struct place to = {
        .put = SQL_KEPT_PART,
        .to = {SQL_INT(id), SQL_INT(fence), SQL_TEXT(name), SQL_INT(!was.side)},
        .n_to = 4,
        .name = name,
    };
    rc = put_parts(s, &to, path, &bytes, hex, e);
    if (rc > 0)
        rc = JOBS_WRITE(s, e, SQL_KEPT_WHOLE, SQL_INT(id), SQL_INT(fence), SQL_TEXT(name),
                        SQL_INT(!was.side), SQL_INT(bytes), SQL_TEXT(sha), SQL_TEXT(s->me));
    return rc;
}

int jobs_kept_get(struct jobs *s, int64_t id, const char *name, const char *path, struct err *e)
{
    struct facts f;
    int rc = jobs_shared(s) ? kept_facts(s, id, name, &f, e) : 0;

    if (rc <= 0)
        return rc;
    struct place from = {.get = SQL_KEPT_READ,
                         .of = {SQL_INT(id), SQL_TEXT(name), SQL_INT(f.side)},
                         .n_of = 3,
                         .name = name};
    return get_parts(s, &from, &f, path, e);
}

int jobs_kept_count(struct jobs *s, int64_t id, int *elsewhere, struct err *e)
{
    int64_t n[2] = {0, 0};
    int rc = 0;

    if (jobs_shared(s))
        rc = JOBS_NUMBERS(s, e, n, 2, SQL_KEPT_COUNT, SQL_INT(id), SQL_TEXT(s->me));
    *elsewhere = (int)n[1];
    return rc < 0 ? rc : (int)n[0];
}
