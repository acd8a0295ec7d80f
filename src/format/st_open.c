/* st_open.c - opening a file, a sharded set or a folder, and what can be asked of it. */
#include "format/st_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/utf8.h"
#include "format/json.h"

enum { MAX_INDEX_BYTES = 64 << 20 };

/* A link of a hub cache: "../../blobs/<digest>", one more step up per subfolder of the model. */
static int is_blob_link(const char *target)
{
    int up = 0;
    size_t n;

    while (!strncmp(target, "../", 3) && up < 4) {
        target += 3;
        up++;
    }
    if (up < 2 || strncmp(target, "blobs/", 6))
        return 0;
    target += 6;
    n = strspn(target, "0123456789abcdef");
    return target[n] == 0 && (n == 40 || n == 64);
}

/* Open a shard that a file named, not the user: it may not lead out of the model. */
static int open_named(const char *path, struct err *e)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    char target[512], *dir, *real;
    ssize_t n;
    int fd = open(path, flags);

    if (fd >= 0 || errno != ELOOP)
        return fd >= 0 ? fd : err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    n = readlink(path, target, sizeof target - 1);
    target[n > 0 ? n : 0] = 0;
    if (!is_blob_link(target))
        return err_set(e, ERR_FORMAT,
                       "%s: shard name must be a plain file name, but it is a link out of the "
                       "folder",
                       path);
    dir = path_dir(path);
    real = path_join(dir, target);
    fd = open(real, flags);
    if (fd < 0)
        fd = err_set(e, ERR_IO, "%s: cannot open %s: %s", path, target, strerror(errno));
    free(real);
    free(dir);
    return fd;
}

static int pread_full(int fd, void *dst, size_t n, uint64_t at)
{
    char *p = dst;

    while (n) {
        ssize_t k = pread(fd, p, n < (1u << 30) ? n : 1u << 30, (off_t)at);

        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? -1 : -2;
        p += k;
        n -= (size_t)k;
        at += (uint64_t)k;
    }
    return 0;
}

static int read_failed(const struct st_shard *s, int rc, struct err *e)
{
    if (rc == -1)
        return err_set(e, ERR_IO, "%s: cannot read: %s", s->path, strerror(errno));
    return err_set(e, ERR_IO, "%s: file changed while loading", s->path);
}

/* The length field says nonsense: tell what the file is instead, where its first bytes know. */
static int not_safetensors(const struct st_shard *s, const unsigned char *head, size_t n,
                           uint64_t length, struct err *e)
{
    const char *what = st_sniff(head, n);
    uint64_t most = s->bytes - 8;

    if (what)
        return err_set(e, ERR_FORMAT, "%s: this is a %s, expected safetensors", s->path, what);
    if (length > ST_MAX_HEADER)
        most = ST_MAX_HEADER;
    if (length > most)
        return err_set(e, ERR_FORMAT, "%s: header length %" PRIu64 " exceeds %s %" PRIu64 " bytes",
                       s->path, length, most == ST_MAX_HEADER ? "the allowed" : "the file's", most);
    return err_set(e, ERR_FORMAT, "%s: header is not valid JSON at byte 8", s->path);
}

/* The header begins after white space, if at all. */
static int begins_header(const unsigned char *head, size_t n)
{
    size_t i = 8;

    while (i < n && strchr(" \t\n\r", head[i]) && head[i])
        i++;
    return i == n || head[i] == '{';
}

/* How long the head of a GGUF file is, only its end tells: more and more of it is read. */
static int load_gguf(struct st_file *f, int shard, struct err *e)
{
    struct st_shard *s = &f->shard[shard];
    size_t n = 1 << 18;
    int more = 1, rc = 0;

    while (!rc && more) {
        n = n < ST_MAX_HEADER / 4 ? 4 * n : ST_MAX_HEADER;
        n = n < s->bytes ? n : (size_t)s->bytes;
        free(s->header);
        s->header = xmalloc(n + 1);
        rc = pread_full(s->fd, s->header, n, 0);
        if (rc < 0)
            return read_failed(s, rc, e);
        rc =
            gguf_parse_header(f, (unsigned char *)s->header, n, s->bytes, shard, &more, s->path, e);
    }
    return rc;
}

static int load_header(struct st_file *f, int shard, struct err *e)
{
    struct st_shard *s = &f->shard[shard];
    unsigned char head[64];
    size_t n = s->bytes < sizeof head ? (size_t)s->bytes : sizeof head;
    uint64_t length = 0;
    int rc = pread_full(s->fd, head, n, 0);

    if (rc < 0)
        return read_failed(s, rc, e);
    if (n < 9)
        return err_set(e, ERR_FORMAT, "%s: truncated header: the file has only %" PRIu64 " bytes",
                       s->path, s->bytes);
    if (!memcmp(head, "GGUF", 4))
        return load_gguf(f, shard, e);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | head[i];
    if (length > ST_MAX_HEADER || length > s->bytes - 8 || !begins_header(head, n))
        return not_safetensors(s, head, n, length, e);
    s->header = try_malloc((size_t)length + 1, e, "the header of %s", s->path);
    if (!s->header)
        return ERR_FIT;
    rc = pread_full(s->fd, s->header, (size_t)length, 8);
    if (rc < 0)
        return read_failed(s, rc, e);
    s->header[length] = 0;
    return st_parse_header(f, s->header, (size_t)length, s->bytes, shard, s->path, e);
}

/* Takes over path. The shard counts from here on, so st_close releases it whatever happens. */
static int add_shard(struct st_file *f, char *path, int named_by_file, struct err *e)
{
    struct st_shard *s = &f->shard[f->n_shards++];
    struct stat st;

    *s = (struct st_shard){.path = path, .fd = -1};
    if (named_by_file) {
        s->fd = open_named(path, e);
        if (s->fd < 0)
            return s->fd;
    } else {
        s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (s->fd < 0)
            return err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    }
    if (fstat(s->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_IO, "%s: not a regular file", path);
    s->bytes = (uint64_t)st.st_size;
    s->modified = st.st_mtim;
    return load_header(f, f->n_shards - 1, e);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct st_tensor *)a)->name, ((const struct st_tensor *)b)->name);
}

static int sort_tensors(struct st_file *f, struct err *e)
{
    char shown[96];

    qsort(f->tensor, (size_t)f->n, sizeof *f->tensor, by_name);
    for (int i = 1; i < f->n; i++) {
        const struct st_tensor *a = &f->tensor[i - 1], *b = &f->tensor[i];

        if (!strcmp(a->name, b->name))
            return err_set(e, ERR_FORMAT, "%s: tensor %s appears twice, also in %s",
                           st_path(f, a->shard), st_show(a->name, shown),
                           path_base(st_path(f, b->shard)));
    }
    return 0;
}

/* Collect the different shard names of the map in order; names stay in the document. */
static int list_shards(struct jval map, const char *path, const char **name, int *n, struct err *e)
{
    const char *tensor, *shard;
    struct jval v;
    void *it = NULL;
    char shown[96];

    *n = 0;
    while (j_next(map, &it, &tensor, &v)) {
        int lo = 0, hi = *n;

        shard = j_string(map, tensor);
        if (jdoc_status(map.doc, e) < 0)
            return ERR_FORMAT;
        if (strchr(shard, '/') || strchr(shard, '\\') || strstr(shard, "..") || *shard == '.' ||
            !ends_with(shard, ".safetensors") || strlen(shard) > 255)
            return err_set(e, ERR_FORMAT,
                           "%s: shard name must be a plain file name (NAME.safetensors), not %s",
                           path, st_show(shard, shown));
        while (lo < hi) {
            int mid = (lo + hi) / 2, c = strcmp(name[mid], shard);

            if (c == 0)
                break;
            if (c < 0)
                lo = mid + 1;
            else
                hi = mid;
        }
        if (lo < hi)
            continue;
        if (*n == ST_MAX_SHARDS)
            return err_set(e, ERR_FORMAT, "%s: more than %d shards", path, ST_MAX_SHARDS);
        memmove(name + lo + 1, name + lo, (size_t)(*n - lo) * sizeof *name);
        name[lo] = shard;
        (*n)++;
    }
    if (*n == 0)
        return err_set(e, ERR_FORMAT, "%s: field weight_map: no tensors", path);
    return 0;
}

/* The shards hold exactly what the index says, each tensor where it says. */
static int check_index(const struct st_file *f, struct jval map, const char *path, struct err *e)
{
    const char *name, *shard;
    struct jval v;
    void *it = NULL;
    char shown[96];

    while (j_next(map, &it, &name, &v)) {
        const struct st_tensor *t = st_find(f, name);

        shard = j_string(map, name);
        if (!t)
            return err_set(e, ERR_FORMAT, "%s: tensor %s is listed in %s, which does not hold it",
                           path, st_show(name, shown), shard);
        if (strcmp(path_base(st_path(f, t->shard)), shard))
            return err_set(e, ERR_FORMAT,
                           "%s: tensor %s is in the wrong shard: listed in %s, found in %s", path,
                           st_show(name, shown), shard, path_base(st_path(f, t->shard)));
    }
    for (int i = 0; i < f->n; i++)
        if (!j_has(map, f->tensor[i].name))
            return err_set(e, ERR_FORMAT, "%s: tensor %s of shard %s is not in the index", path,
                           st_show(f->tensor[i].name, shown),
                           path_base(st_path(f, f->tensor[i].shard)));
    return 0;
}

/* Where the shards lie: beside the index that an absolute link leads to. The caller frees. */
static char *shard_dir(const char *path)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof target - 1);

    target[n > 0 ? n : 0] = 0;
    return path_dir(*target == '/' ? target : path);
}

static int open_index(struct st_file *f, const char *path, struct err *e)
{
    const char *name[ST_MAX_SHARDS];
    char *dir = shard_dir(path);
    struct jdoc *doc = NULL;
    struct jval map;
    int n, rc = jdoc_read(&doc, path, MAX_INDEX_BYTES, e);

    if (rc < 0)
        goto out;
    map = j_object(jdoc_root(doc), "weight_map");
    rc = jdoc_status(doc, e);
    if (rc < 0)
        goto out;
    rc = list_shards(map, path, name, &n, e);
    if (rc < 0)
        goto out;
    f->index = xstrdup(path);
    f->shard = xcalloc((size_t)n, sizeof *f->shard);
    for (int i = 0; i < n && rc == 0; i++) {
        rc = add_shard(f, path_join(dir, name[i]), 1, e);
        if (rc < 0)
            err_prefix(e, "shard of %s", path_base(path));
    }
    if (rc == 0)
        rc = sort_tensors(f, e);
    if (rc == 0)
        rc = check_index(f, map, path, e);
out:
    jdoc_close(&doc);
    free(dir);
    return rc;
}

static int open_single(struct st_file *f, const char *path, struct err *e)
{
    int rc;

    f->shard = xcalloc(1, sizeof *f->shard);
    rc = add_shard(f, xstrdup(path), 0, e);
    return rc < 0 ? rc : sort_tensors(f, e);
}

int st_open(struct st_file **out, const char *path, struct err *e)
{
    struct st_file *f;
    char *inside = NULL;
    struct err why;
    int rc;

    *out = NULL;
    if (!e)
        e = &why;
    if (dir_exists(path)) {
        inside = st_find_in_dir(path, e);
        if (!inside)
            return e->code;
        path = inside;
    }
    f = xcalloc(1, sizeof *f);
    f->cap = f->cap_meta = 64;
    f->tensor = xcalloc((size_t)f->cap, sizeof *f->tensor);
    f->meta = xcalloc((size_t)f->cap_meta, sizeof *f->meta);
    rc = ends_with(path, ".json") ? open_index(f, path, e) : open_single(f, path, e);
    free(inside);
    if (rc < 0)
        st_close(&f);
    *out = f;
    return rc;
}

void st_close(struct st_file **fp)
{
    struct st_file *f = *fp;

    if (!f)
        return;
    for (int i = 0; i < f->n_shards; i++) {
        if (f->shard[i].map)
            munmap(f->shard[i].map, (size_t)f->shard[i].bytes);
        if (f->shard[i].fd >= 0)
            close(f->shard[i].fd);
        free(f->shard[i].header);
        free(f->shard[i].path);
    }
    free(f->shard);
    free(f->tensor);
    free(f->meta);
    free(f->value);
    free(f->index);
    free(f);
    *fp = NULL;
}

int st_count(const struct st_file *f)
{
    return f->n;
}

const struct st_tensor *st_at(const struct st_file *f, int i)
{
    ZT_ASSERT(i >= 0 && i < f->n);
    return &f->tensor[i];
}

const struct st_tensor *st_find(const struct st_file *f, const char *name)
{
    struct st_tensor want = {.name = name};

    return bsearch(&want, f->tensor, (size_t)f->n, sizeof want, by_name);
}

const char *st_path(const struct st_file *f, int shard)
{
    ZT_ASSERT(shard >= 0 && shard < f->n_shards);
    return f->shard[shard].path;
}

const char *st_index(const struct st_file *f)
{
    return f->index;
}

const char *st_meta(const struct st_file *f, const char *key)
{
    for (int i = 0; i < f->n_meta; i++)
        if (!strcmp(f->meta[i].key, key))
            return f->meta[i].value;
    return NULL;
}

int st_n_meta(const struct st_file *f)
{
    return f->n_meta;
}

void st_meta_at(const struct st_file *f, int i, const char **key, const char **value)
{
    ZT_ASSERT(i >= 0 && i < f->n_meta);
    *key = f->meta[i].key;
    *value = f->meta[i].value;
}

int st_pread(const struct st_file *f, const struct st_tensor *t, size_t at, size_t bytes, void *dst,
             struct err *e)
{
    const struct st_shard *s = &f->shard[t->shard];
    int rc = pread_full(s->fd, dst, bytes, t->offset + at);

    return rc < 0 ? read_failed(s, rc, e) : 0;
}

int st_unchanged(const struct st_file *f, int shard, struct err *e)
{
    const struct st_shard *s = &f->shard[shard];
    struct stat st;

    if (fstat(s->fd, &st) == 0 && (uint64_t)st.st_size == s->bytes &&
        st.st_mtim.tv_sec == s->modified.tv_sec && st.st_mtim.tv_nsec == s->modified.tv_nsec)
        return 0;
    return err_set(e, ERR_IO, "%s: file changed while loading", s->path);
}

int st_same(const struct st_file *f, struct err *e)
{
    int rc = 0;

    for (int i = 0; !rc && i < f->n_shards; i++)
        rc = st_unchanged(f, i, e);
    return rc;
}

const void *st_data(struct st_file *f, const struct st_tensor *t, struct err *e)
{
    struct st_shard *s = &f->shard[t->shard];

    if (!s->map) {
        void *p = mmap(NULL, (size_t)s->bytes, PROT_READ, MAP_SHARED, s->fd, 0);

        if (p == MAP_FAILED) {
            err_set(e, ERR_IO, "%s: cannot map: %s", s->path, strerror(errno));
            return NULL;
        }
        s->map = p;
    }
    return (const char *)s->map + t->offset;
}

/* Two changes within YOUNG_S may leave the same times behind. */
enum { YOUNG_S = 2 };

int st_identity(const struct st_file *f, struct buf *out)
{
    struct timespec now;
    int old = 1;

    clock_gettime(CLOCK_REALTIME, &now);
    for (int i = 0; i < f->n_shards; i++) {
        struct stat st;

        if (fstat(f->shard[i].fd, &st) < 0)
            return 0;
        buf_printf(out, "%llu %llu %llu %lld.%09ld %lld.%09ld\n", (unsigned long long)st.st_dev,
                   (unsigned long long)st.st_ino, (unsigned long long)st.st_size,
                   (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (long long)st.st_ctim.tv_sec,
                   st.st_ctim.tv_nsec);
        old &=
            st.st_ctim.tv_sec + YOUNG_S <= now.tv_sec && st.st_mtim.tv_sec + YOUNG_S <= now.tv_sec;
    }
    return old;
}
