/* checkup_bytes.c - what takes reading all of a file: its SHA-256, its values. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "model/checkup_inner.h"
#include "model/store.h"
#include "model/store_inner.h"

enum { MOST_LIST_BYTES = 16 << 20, PIECE_BYTES = 1 << 20, PIECE_VALUES = 1 << 16 };

/* ---- what is known ---- */

static int is_hex64(const char *s)
{
    return strspn(s, "0123456789abcdef") == 64;
}

static void know(struct checked_file *f, const char *hex)
{
    memcpy(f->sha256, hex, 64);
    f->sha256[64] = '\0';
}

/* A link of the hub's cache leads to a blob that is named after its bytes. */
static void know_by_link(struct checked_file *f)
{
    char target[1024];
    ssize_t n = readlink(f->full, target, sizeof target - 1);

    target[n > 0 ? n : 0] = '\0';
    if (strstr(target, "blobs/") && is_hex64(path_base(target)) && !path_base(target)[64])
        know(f, path_base(target));
}

/* .cache/huggingface/download/PATH.metadata of a download into a folder: the revision, then the
 * ETag, which is the SHA-256 of what is stored by LFS. */
static void know_by_cache(const struct checkup *c, struct checked_file *f)
{
    char *path = xasprintf("%s/.cache/huggingface/download/%s.metadata", c->dir, f->path);
    struct buf b = BUF_INIT;
    struct err e;

    if (!file_read_regular(&b, path, 4096, &e)) {
        const char *line = strchr(buf_str(&b), '\n');

        if (line && is_hex64(line + 1) && (line[65] == '\n' || line[65] == '\r' || !line[65]))
            know(f, line + 1);
    }
    buf_release(&b);
    free(path);
}

/* Lines of sha256sum: 64 digits, a space, a space or '*', the name. */
static void know_by_list(struct checkup *c, const char *name)
{
    char *path = path_join(c->dir, name);
    struct buf b = BUF_INIT;
    struct err e;

    if (!file_read_regular(&b, path, MOST_LIST_BYTES, &e))
        for (char *at = b.data, *next; at && *at; at = next) {
            next = at + strcspn(at, "\n");
            next += *next ? 1 : 0;
            if (!is_hex64(at) || at[64] != ' ')
                continue;
            char *file = at + 65;
            file += *file == ' ' || *file == '*';
            file += strncmp(file, "./", 2) ? 0 : 2;
            size_t n = strcspn(file, "\r\n");
            for (int i = 0; i < c->n; i++)
                if (strlen(c->file[i].path) == n && !strncmp(c->file[i].path, file, n))
                    know(&c->file[i], at);
        }
    buf_release(&b);
    free(path);
}

void checkup_known_hashes(struct checkup *c)
{
    for (int i = 0; i < c->n; i++) {
        know_by_cache(c, &c->file[i]);
        know_by_link(&c->file[i]);
    }
    know_by_list(c, "SHA256SUMS");
    know_by_list(c, "sha256sums.txt");
}

/* ---- reading ---- */

struct reader {
    const struct checkup_watch *w;
    int64_t done, total;
};

static int step(struct reader *r, int64_t bytes, struct err *e)
{
    r->done += bytes;
    if (r->w && r->w->step)
        r->w->step(r->w->user, r->done, r->total);
    return r->w && r->w->stop && *r->w->stop ? err_set(e, ERR_CANCEL, "interrupted") : 0;
}

static int is_to_hash(const struct checked_file *f)
{
    return *f->sha256 && f->bytes >= 0 && f->state != CHECKED_BAD;
}

int64_t checkup_hash_bytes(const struct checkup *c)
{
    int64_t sum = 0;

    for (int i = 0; i < c->n; i++)
        sum += is_to_hash(&c->file[i]) ? c->file[i].bytes : 0;
    return sum;
}

static int hash_file(struct reader *r, struct checked_file *f, char *piece, struct err *e)
{
    int fd = open(f->full, O_RDONLY | O_CLOEXEC), rc = 0;
    struct sha256 h;
    char hex[65];
    ssize_t n = 1;

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot open: %s", f->full, strerror(errno));
    sha256_init(&h);
    while (!rc && n > 0) {
        n = read(fd, piece, PIECE_BYTES);
        if (n < 0)
            rc = err_set(e, ERR_IO, "%s: cannot read: %s", f->full, strerror(errno));
        else if (n > 0) {
            sha256_add(&h, piece, (size_t)n);
            rc = step(r, n, e);
        }
    }
    close(fd);
    sha256_hex(&h, hex);
    if (rc)
        return rc;
    f->hashed = 1;
    if (strcmp(hex, f->sha256)) {
        char *text = xasprintf("its SHA-256 is %.16s..., %.16s... is expected: it is damaged", hex,
                               f->sha256);
        checkup_bad(f, text);
        free(text);
    }
    return 0;
}

/* A file that is damaged after all ends the model. */
static void judge(struct checkup *c, const struct checked_file *f, enum checked_state was)
{
    if (f->state != CHECKED_BAD || was == CHECKED_BAD)
        return;
    if (was == CHECKED_USED) {
        checkup_wrong(c, "%s: %s", f->path, f->say);
        free(c->model);
        c->model = NULL;
    }
}

int checkup_hash(struct checkup *c, const struct checkup_watch *w, struct err *e)
{
    struct reader r = {w, 0, checkup_hash_bytes(c)};
    char *piece = xmalloc(PIECE_BYTES);
    int rc = 0;

    for (int i = 0; !rc && i < c->n; i++) {
        enum checked_state was = c->file[i].state;

        if (is_to_hash(&c->file[i]))
            rc = hash_file(&r, &c->file[i], piece, e);
        judge(c, &c->file[i], was);
    }
    free(piece);
    return rc;
}

/* ---- values ---- */

/* Values of t that are not finite; -1 with e set. What is computed in no way of ours has none. */
static int64_t bad_values(struct reader *r, const struct st_file *f, const struct st_tensor *t,
                          float *piece, struct err *e)
{
    int64_t bad = 0;

    for (int64_t at = 0; at < t->n; at += PIECE_VALUES) {
        int64_t n = t->n - at < PIECE_VALUES ? t->n - at : PIECE_VALUES;
        int rc = store_values(f, t, at, n, piece, e);

        if (rc == ERR_FORMAT)
            return 0;
        if (rc || step(r, (int64_t)((double)t->bytes * (double)n / (double)t->n), e))
            return -1;
        bad += store_count_bad(piece, n);
    }
    return bad;
}

static int values_of_file(struct reader *r, struct checked_file *f, float *piece, struct err *e)
{
    struct st_file *file;
    int64_t bad = 0, all = 0;
    const char *first = NULL;
    int rc = st_open(&file, f->full, e);

    for (int i = 0; !rc && i < st_count(file); i++) {
        bad = bad_values(r, file, st_at(file, i), piece, e);
        rc = bad < 0 ? e->code : 0;
        all += bad > 0 ? bad : 0;
        if (bad > 0 && !first)
            first = st_at(file, i)->name;
    }
    if (!rc && all) {
        char *text =
            xasprintf("%lld values are not finite, the first in %.200s", (long long)all, first);
        checkup_bad(f, text);
        free(text);
    }
    st_close(&file);
    return rc;
}

int checkup_values(struct checkup *c, const struct checkup_watch *w, struct err *e)
{
    struct reader r = {w, 0, 0};
    float *piece = xmalloc(sizeof *piece * PIECE_VALUES);
    int rc = 0;

    for (int i = 0; i < c->n; i++)
        r.total += c->file[i].weights && c->file[i].state == CHECKED_USED ? c->file[i].bytes : 0;
    for (int i = 0; !rc && i < c->n; i++)
        if (c->file[i].weights && c->file[i].state == CHECKED_USED) {
            rc = values_of_file(&r, &c->file[i], piece, e);
            judge(c, &c->file[i], CHECKED_USED);
        }
    free(piece);
    return rc;
}
