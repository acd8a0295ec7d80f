#include "format/pth.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "format/made.h"
#include "format/pickle.h"

enum {
    MOST_ENTRIES = 400000,
    MOST_DIRECTORY = 128 << 20, /* bytes */
    MOST_PICKLE = 128 << 20,
    MOST_MEMORY = 1 << 30,
    MOST_ANSWER = 256 << 20,
    MOST_SECONDS = 60,
    TAIL = 65557, /* end record and the longest comment */
};

struct entry {
    char *name;
    uint64_t bytes, header; /* of the local header, from the first byte */
    int packed;
};
struct zip {
    int fd;
    uint64_t bytes;
    const char *path;
    struct entry *entry; /* by name */
    int n;
};

static int read_at(const struct zip *z, void *dst, size_t n, uint64_t at, struct err *e)
{
    char *p = dst;

    if (at > z->bytes || n > z->bytes - at)
        return err_set(e, ERR_FORMAT, "%s: the archive is cut short (it has %" PRIu64 " bytes)",
                       z->path, z->bytes);
    while (n) {
        ssize_t k = pread(z->fd, p, n, (off_t)at);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return err_set(e, ERR_IO, "%s: cannot read: %s", z->path,
                           k < 0 ? strerror(errno) : "it is shorter than it was");
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return 0;
}

static uint64_t little(const unsigned char *p, int n)
{
    uint64_t v = 0;

    for (int i = n - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

static int damaged(const struct zip *z, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: the archive is damaged (%s)", z->path, what);
}

/* ---- the directory of the archive ---- */

/* The record of large files, which a locator before the end record points to. */
static int large_end(const struct zip *z, uint64_t end_at, uint64_t *n, uint64_t *bytes,
                     uint64_t *at, struct err *e)
{
    unsigned char p[56];

    if (end_at < 20)
        return damaged(z, "no place for its directory", e);
    if (read_at(z, p, 20, end_at - 20, e))
        return e->code;
    if (memcmp(p, "PK\6\7", 4))
        return 0; /* none: the small one counts */
    if (read_at(z, p, 56, little(p + 8, 8), e))
        return e->code;
    if (memcmp(p, "PK\6\6", 4))
        return damaged(z, "its directory is not where it says", e);
    *n = little(p + 32, 8);
    *bytes = little(p + 40, 8);
    *at = little(p + 48, 8);
    return 0;
}

static int find_directory(const struct zip *z, uint64_t *n, uint64_t *bytes, uint64_t *at,
                          struct err *e)
{
    size_t len = z->bytes < TAIL ? (size_t)z->bytes : TAIL, i = len;
    unsigned char *p = xmalloc(len + 1);
    int rc = read_at(z, p, len, z->bytes - len, e), found = 0;

    while (!rc && !found && i-- > 0)
        found = len - i >= 22 && !memcmp(p + i, "PK\5\6", 4);
    if (!rc && !found)
        rc = damaged(z, "it has no end", e);
    if (!rc) {
        *n = little(p + i + 10, 2);
        *bytes = little(p + i + 12, 4);
        *at = little(p + i + 16, 4);
        rc = large_end(z, z->bytes - len + i, n, bytes, at, e);
    }
    free(p);
    if (!rc && (*n > MOST_ENTRIES || *bytes > MOST_DIRECTORY))
        rc = damaged(z, "its directory is too large", e);
    return rc;
}

/* Sizes that do not fit 32 bits stand in a field of their own, those alone, in this order. */
static void take_large(const unsigned char *p, size_t n, uint64_t *size, uint64_t *packed_size,
                       uint64_t *at)
{
    uint64_t *const field[] = {size, packed_size, at};

    while (n >= 4) {
        size_t len = (size_t)little(p + 2, 2);

        if (len > n - 4)
            return;
        if (little(p, 2) == 1) {
            const unsigned char *q = p + 4, *end = q + len;

            for (int i = 0; i < 3; i++)
                if (*field[i] == UINT32_MAX && end - q >= 8) {
                    *field[i] = little(q, 8);
                    q += 8;
                }
        }
        p += 4 + len;
        n -= 4 + len;
    }
}

/* One entry at p of the directory; how many bytes it takes, 0 when it is damaged. */
static size_t take_entry(struct zip *z, const unsigned char *p, size_t n)
{
    size_t name, extra, comment;
    uint64_t size, packed_size, at;

    if (n < 46 || memcmp(p, "PK\1\2", 4))
        return 0;
    name = (size_t)little(p + 28, 2);
    extra = (size_t)little(p + 30, 2);
    comment = (size_t)little(p + 32, 2);
    if (46 + name + extra + comment > n || memchr(p + 46, 0, name))
        return 0;
    packed_size = little(p + 20, 4);
    size = little(p + 24, 4);
    at = little(p + 42, 4);
    take_large(p + 46 + name, extra, &size, &packed_size, &at);
    z->entry[z->n++] = (struct entry){xstrndup((const char *)p + 46, name), size, at,
                                      little(p + 10, 2) != 0 || packed_size != size};
    return 46 + name + extra + comment;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int read_directory(struct zip *z, struct err *e)
{
    uint64_t n = 0, bytes = 0, at = 0;
    unsigned char *p = NULL;
    size_t i = 0;
    int rc = find_directory(z, &n, &bytes, &at, e);

    if (!rc) {
        p = xmalloc((size_t)bytes + 1);
        z->entry = xcalloc((size_t)n + 1, sizeof *z->entry);
        rc = read_at(z, p, (size_t)bytes, at, e);
    }
    for (uint64_t k = 0; !rc && k < n; k++) {
        size_t used = take_entry(z, p + i, (size_t)bytes - i);

        if (!used)
            rc = damaged(z, "an entry of its directory", e);
        i += used;
    }
    free(p);
    if (z->n)
        qsort(z->entry, (size_t)z->n, sizeof *z->entry, by_name);
    for (int k = 1; !rc && k < z->n; k++)
        if (!strcmp(z->entry[k].name, z->entry[k - 1].name))
            rc = damaged(z, "a name is there twice", e);
    return rc;
}

static void zip_release(struct zip *z)
{
    for (int i = 0; i < z->n; i++)
        free(z->entry[i].name);
    free(z->entry);
}

/* Where the bytes of an entry begin: behind its local header, whose own sizes may be left out. */
static int data_of(const struct zip *z, const struct entry *x, uint64_t *at, struct err *e)
{
    unsigned char p[30];

    if (x->packed)
        return err_set(e, ERR_FORMAT, "%s: entry %.80s is packed; torch.save only stores", z->path,
                       x->name);
    if (read_at(z, p, sizeof p, x->header, e))
        return e->code;
    if (memcmp(p, "PK\3\4", 4))
        return damaged(z, "an entry is not where it says", e);
    *at = x->header + 30 + little(p + 26, 2) + little(p + 28, 2);
    if (*at > z->bytes || x->bytes > z->bytes - *at)
        return damaged(z, "an entry goes beyond its end", e);
    return 0;
}

static const struct entry *find_entry(const struct zip *z, const char *name)
{
    struct entry want = {.name = (char *)name};

    return z->n ? bsearch(&want, z->entry, (size_t)z->n, sizeof want, by_name) : NULL;
}

/* ---- the child: what is where ---- */

/* A tensor as the child says it; its name lies behind it, with the NUL. */
struct said {
    char type[16];
    int32_t bits, rank;
    int64_t dim[PICKLE_RANK], stride[PICKLE_RANK], first;
    uint64_t at, bytes; /* its storage in the file */
    uint32_t name_bytes;
};

static int say_tensor(const struct zip *z, const char *folder, const struct pickle_tensor *t,
                      struct buf *out, struct err *e)
{
    char name[512];
    const struct entry *x;
    struct said s = {.bits = t->bits, .rank = t->rank, .first = t->first};
    int n = snprintf(name, sizeof name, "%s/data/%s", folder, t->key);
    int rc;

    x = n < (int)sizeof name ? find_entry(z, name) : NULL;
    if (!x)
        return err_set(e, ERR_FORMAT, "%s: tensor %.200s: its storage %.80s is not in the archive",
                       z->path, t->name, t->key);
    rc = data_of(z, x, &s.at, e);
    if (rc)
        return rc;
    s.bytes = x->bytes;
    memcpy(s.dim, t->dim, sizeof s.dim);
    memcpy(s.stride, t->stride, sizeof s.stride);
    strncpy(s.type, t->type, sizeof s.type - 1);
    s.name_bytes = (uint32_t)strlen(t->name) + 1;
    buf_add(out, &s, sizeof s);
    buf_add(out, t->name, s.name_bytes);
    return 0;
}

/* The pickle: FOLDER/data.pkl, whatever the folder is called. */
static const struct entry *find_pickle(const struct zip *z, char **folder)
{
    for (int i = 0; i < z->n; i++) {
        const char *slash = strchr(z->entry[i].name, '/');

        if (slash && !strcmp(slash, "/data.pkl")) {
            *folder = xstrndup(z->entry[i].name, (size_t)(slash - z->entry[i].name));
            return &z->entry[i];
        }
    }
    return NULL;
}

static int say_all(const struct zip *z, const struct entry *pickle, const char *folder,
                   struct buf *out, struct err *e)
{
    struct pickle_list list = {0};
    struct arena arena;
    unsigned char *p;
    uint64_t at;
    int rc = data_of(z, pickle, &at, e);

    if (rc)
        return rc;
    if (pickle->bytes > MOST_PICKLE)
        return damaged(z, "its pickle is too large", e);
    arena_init(&arena);
    p = xmalloc((size_t)pickle->bytes + 1);
    rc = read_at(z, p, (size_t)pickle->bytes, at, e);
    if (!rc)
        rc = pickle_read(&list, &arena, p, (size_t)pickle->bytes, z->path, e);
    for (int i = 0; !rc && i < list.n; i++)
        rc = say_tensor(z, folder, &list.tensor[i], out, e);
    free(list.tensor);
    free(p);
    arena_release(&arena);
    return rc;
}

int pth_list(int fd, const char *path, struct buf *out, struct err *e)
{
    struct zip z = {.fd = fd, .path = path};
    const struct entry *pickle;
    char *folder = NULL;
    off_t end = lseek(fd, 0, SEEK_END);
    int rc;

    z.bytes = end > 0 ? (uint64_t)end : 0;
    rc = read_directory(&z, e);
    if (!rc) {
        pickle = find_pickle(&z, &folder);
        rc = pickle ? say_all(&z, pickle, folder, out, e)
                    : err_set(e, ERR_FORMAT,
                              "%s: no data.pkl in the archive; torch.save writes one", path);
    }
    free(folder);
    zip_release(&z);
    return rc;
}

/* ---- the parent ---- */

struct source {
    const char *path;
    int fd;
};

static int work(void *arg, struct buf *answer, struct err *e)
{
    const struct source *s = arg;

    return pth_list(s->fd, s->path, answer, e);
}

struct job {
    struct zip z;
    struct said *said;
    struct made_tensor *out;
    int n;
};

static int lies(const struct job *j, const char *name, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: tensor %.200s lies outside its storage, or has no such type",
                   j->z.path, name);
}

/* Nothing that the child says is believed. */
static int check_said(const struct job *j, const struct said *s, const char *name,
                      struct made_tensor *o, struct err *e)
{
    int64_t n = 1, last = s->first, step;
    int width = s->bits / 8;

    if (s->rank < 0 || s->rank > PICKLE_RANK || width < 1 || width > 8 || s->first < 0 ||
        s->type[sizeof s->type - 1] || s->at > j->z.bytes || s->bytes > j->z.bytes - s->at)
        return lies(j, name, e);
    for (int i = 0; i < s->rank; i++) {
        if (s->dim[i] < 0 || s->stride[i] < 0 || __builtin_mul_overflow(n, s->dim[i], &n) ||
            __builtin_mul_overflow(s->dim[i] ? s->dim[i] - 1 : 0, s->stride[i], &step) ||
            __builtin_add_overflow(last, step, &last))
            return lies(j, name, e);
        o->dim[i] = s->dim[i];
    }
    if (n && ((uint64_t)last >= s->bytes / (uint64_t)width))
        return lies(j, name, e);
    if (n > INT64_MAX / 8)
        return lies(j, name, e);
    o->name = name;
    o->type = s->type;
    o->rank = s->rank;
    o->bytes = (size_t)n * (size_t)width;
    return 0;
}

static int take_said(struct job *j, const struct buf *answer, struct err *e)
{
    size_t at = 0;
    int rc = 0, cap = 0;

    while (!rc && at < answer->len) {
        struct said s;

        if (answer->len - at < sizeof s)
            return damaged(&j->z, "its reader says nonsense", e);
        memcpy(&s, answer->data + at, sizeof s);
        at += sizeof s;
        if (s.name_bytes < 1 || s.name_bytes > answer->len - at ||
            answer->data[at + s.name_bytes - 1])
            return damaged(&j->z, "its reader says nonsense", e);
        if (j->n == cap) {
            cap = cap ? 2 * cap : 256;
            j->said = xrealloc(j->said, (size_t)cap * sizeof *j->said);
        }
        j->said[j->n++] = s;
        at += s.name_bytes;
    }
    j->out = xcalloc((size_t)j->n + 1, sizeof *j->out);
    at = 0;
    for (int i = 0; !rc && i < j->n; i++) {
        at += sizeof *j->said;
        j->out[i].source = i;
        rc = check_said(j, &j->said[i], answer->data + at, &j->out[i], e);
        at += j->said[i].name_bytes;
    }
    return rc;
}

/* How many numbers lie one behind the other from the last dimension on. */
static int64_t run_length(const struct said *s, int *outer)
{
    int64_t n = 1;

    *outer = s->rank;
    while (*outer > 0 && (s->dim[*outer - 1] == 1 || s->stride[*outer - 1] == n))
        n *= s->dim[--*outer];
    return n;
}

static int copy_run(const struct job *j, uint64_t at, uint64_t bytes, struct file_replace *r,
                    struct err *e)
{
    char piece[65536];
    int rc = 0;

    while (!rc && bytes) {
        size_t n = bytes < sizeof piece ? (size_t)bytes : sizeof piece;

        rc = read_at(&j->z, piece, n, at, e);
        if (!rc)
            rc = file_replace_add(r, piece, n, e);
        at += n;
        bytes -= n;
    }
    return rc;
}

/* Numbers in the order of rows, whatever the strides are. */
static int fill(void *arg, const struct made_tensor *o, struct file_replace *r, struct err *e)
{
    const struct job *j = arg;
    const struct said *s = &j->said[o->source];
    int64_t index[PICKLE_RANK] = {0}, width = s->bits / 8;
    int outer, rc = 0;
    uint64_t run = (uint64_t)(run_length(s, &outer) * width), left = o->bytes;

    while (!rc && left) {
        int64_t at = s->first;
        int d = outer - 1;

        for (int i = 0; i < outer; i++)
            at += index[i] * s->stride[i];
        rc = copy_run(j, s->at + (uint64_t)(at * width), run, r, e);
        left -= run;
        while (d >= 0 && ++index[d] == s->dim[d])
            index[d--] = 0;
    }
    return rc;
}

int pth_is(const char *path)
{
    char head[4];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int yes = fd >= 0 && read(fd, head, 4) == 4 && !memcmp(head, "PK\3\4", 4);

    if (fd >= 0)
        close(fd);
    return yes;
}

int pth_convert(const char *from, const char *to, struct err *e)
{
    static const struct st_pair meta = {"format", "pt"};
    struct source s = {from, open(from, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)};
    struct sandbox box = {from, MOST_MEMORY, MOST_ANSWER, MOST_SECONDS};
    struct job j = {.z = {.path = from, .fd = s.fd}};
    struct buf answer = BUF_INIT;
    struct stat st;
    int rc = 0;

    if (s.fd < 0 || fstat(s.fd, &st) || !S_ISREG(st.st_mode))
        rc = err_set(e, ERR_IO, "%s: cannot open: %s", from,
                     s.fd < 0 ? strerror(errno) : "not a regular file");
    else
        j.z.bytes = (uint64_t)st.st_size;
    if (!rc)
        rc = sandbox_run(&box, work, &s, &answer, e);
    if (!rc)
        rc = take_said(&j, &answer, e);
    if (!rc)
        rc = st_write_made(to, j.out, j.n, &meta, 1, fill, &j, e);
    if (s.fd >= 0)
        close(s.fd);
    free(j.said);
    free(j.out);
    buf_release(&answer);
    return rc;
}
