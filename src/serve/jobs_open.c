/* jobs_open.c - the store's beginning and end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "serve/jobs_db.h"
#include "serve/jobs_share.h"

int64_t jobs_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int read_meta(struct jobs *s, struct err *e)
{
    struct db *st = jobs_bind(s, SQL_META, NULL, 0);
    int rc = st->kind->step(st, e);

    if (rc > 0) {
        snprintf(s->secret, sizeof s->secret, "%s", st->kind->text(st, 0));
        s->last_id = st->kind->number(st, 1);
    } else if (!rc) {
        rc = err_set(e, ERR_FORMAT, "the store of jobs has no secret");
    }
    st->kind->reset(st);
    return rc < 0 ? rc : 0;
}

/* Jobs that ran when the last server ended: its own are nobody's now, workers of other machines
 * could not be heard and get the time to say that they go on. */
static int take_back(struct jobs *s, struct err *e)
{
    struct job j;
    int rc = jobs_run(JOBS_BIND(s, SQL_ORPHANS, SQL_INT(s->lease_ms), SQL_TEXT(s->me)), e);

    if (rc >= 0)
        while ((rc = jobs_lapse(s, &j, e)) > 0)
            job_release(&j);
    return rc;
}

static int take_lock(struct jobs *s, const char *dir, struct err *e)
{
    char *path = path_join(dir, "lock");
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int rc = 0;

    s->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (s->lock_fd < 0)
        rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    else if (fcntl(s->lock_fd, F_OFD_SETLK, &whole))
        rc = err_set(e, ERR_IO, "%s: another zoetrope serve has this folder", dir);
    free(path);
    return rc;
}

/* Kept in the folder, so that a server knows the jobs of the one before it. */
static int read_name(struct jobs *s, const char *dir, struct err *e)
{
    char *path = path_join(dir, "server");
    struct buf b = BUF_INIT;
    uint64_t r = 0;
    int rc = 0;

    if (!file_read(&b, path, sizeof s->me - 1, e) && b.len == 16 &&
        strspn(buf_str(&b), "0123456789abcdef") == 16) {
        snprintf(s->me, sizeof s->me, "%s", buf_str(&b));
    } else {
        (void)!getrandom(&r, sizeof r, 0);
        snprintf(s->me, sizeof s->me, "%016llx", (unsigned long long)r);
        rc = file_write(path, s->me, strlen(s->me), e);
    }
    buf_release(&b);
    free(path);
    return rc;
}

static int open_shared(struct jobs *s, const char *dir, const char *url, struct err *e)
{
    char *path = path_join(dir, "zoetrope.db");
    int rc = 0;

    if (file_exists(path))
        rc = err_set(
            e, ERR_USAGE,
            "store: %s holds jobs, which this store would not show; give another --data, or "
            "move that file away",
            path);
    free(path);
    if (!rc)
        rc = read_name(s, dir, e);
    return rc ? rc : db_open_pg(&s->db, url, e);
}

int jobs_open(struct jobs **out, const char *dir, struct err *e)
{
    return jobs_open_at(out, dir, NULL, e);
}

int jobs_open_at(struct jobs **out, const char *dir, const char *url, struct err *e)
{
    struct jobs *s = xcalloc(1, sizeof *s);
    int rc = dir_make(dir, e);

    s->lock_fd = -1;
    s->lease_ms = JOBS_LEASE_MS;

    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->add_lock, NULL);
    pthread_cond_init(&s->added, NULL);
    s->add_end = &s->add_first;
    if (!rc)
        rc = take_lock(s, dir, e);
    if (!rc)
        rc = url ? open_shared(s, dir, url, e) : db_open_sqlite(&s->db, dir, e);
    if (!rc)
        rc = read_meta(s, e);
    if (!rc)
        rc = take_back(s, e);
    if (rc)
        jobs_close(&s);
    *out = s;
    return rc;
}

void jobs_close(struct jobs **s)
{
    if (!*s)
        return;
    if ((*s)->db)
        (*s)->db->kind->close(&(*s)->db);
    if ((*s)->lock_fd >= 0)
        close((*s)->lock_fd);
    pthread_mutex_destroy(&(*s)->lock);
    pthread_mutex_destroy(&(*s)->add_lock);
    pthread_cond_destroy(&(*s)->added);
    free((*s)->rank);
    free(*s);
    *s = NULL;
}

const char *jobs_secret(const struct jobs *s)
{
    return s->secret;
}
