/* st_read.c - data of tensors, in pieces that fit the stack. */
#include "format/st_inner.h"

#include <string.h>

#include "base/hash.h"

enum { PIECE = 64 * 1024 };

int st_read(const struct st_file *f, const struct st_tensor *t, int64_t first, int64_t n, void *dst,
            enum dtype type, struct err *e)
{
    _Alignas(64) char raw[PIECE];
    const size_t in = dtype_bytes(t->type), out = dtype_bytes(type);
    const int64_t most = (int64_t)(PIECE / in);
    char *to = dst, shown[96];
    int rc = 0;

    if (t->type == DT_OTHER)
        return err_set(e, ERR_FORMAT, "%s: tensor %s is %s, which cannot be computed",
                       st_path(f, t->shard), st_show(t->name, shown), t->type_name);
    ZT_ASSERT(first >= 0 && n >= 0 && first <= t->n && n <= t->n - first);
    if (type == t->type) {
        rc = st_pread(f, t, (size_t)first * in, (size_t)n * in, dst, e);
        return rc < 0 ? rc : st_unchanged(f, t->shard, e);
    }
    while (n > 0 && rc == 0) {
        int64_t k = n < most ? n : most;

        rc = st_pread(f, t, (size_t)first * in, (size_t)k * in, raw, e);
        if (rc == 0)
            dtype_convert(to, type, raw, t->type, (size_t)k);
        to += (size_t)k * out;
        first += k;
        n -= k;
    }
    return rc < 0 ? rc : st_unchanged(f, t->shard, e);
}

int st_read_bytes(const struct st_file *f, const struct st_tensor *t, size_t at, size_t bytes,
                  void *dst, struct err *e)
{
    int rc;

    ZT_ASSERT(at <= t->bytes && bytes <= t->bytes - at);
    rc = st_pread(f, t, at, bytes, dst, e);
    return rc < 0 ? rc : st_unchanged(f, t->shard, e);
}

int st_read_all(const struct st_file *f, const struct st_tensor *t, void *dst, enum dtype type,
                struct err *e)
{
    return st_read(f, t, 0, t->n, dst, type, e);
}

static void hash_u64(struct sha256 *h, uint64_t v)
{
    uint8_t b[8];

    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)(v >> 8 * i);
    sha256_add(h, b, 8);
}

int st_hash(const struct st_file *f, const atomic_int *stop, char hex[65], struct err *e)
{
    char raw[PIECE];
    struct sha256 h;
    int rc;

    sha256_init(&h);
    for (int i = 0; i < f->n; i++) {
        const struct st_tensor *t = &f->tensor[i];
        const char *type = t->type_name;

        sha256_add(&h, t->name, strlen(t->name) + 1);
        sha256_add(&h, type, strlen(type) + 1);
        hash_u64(&h, (uint64_t)t->rank);
        for (int d = 0; d < t->rank; d++)
            hash_u64(&h, (uint64_t)t->dim[d]);
        for (size_t at = 0; at < t->bytes; at += PIECE) {
            size_t k = t->bytes - at < PIECE ? t->bytes - at : PIECE;

            if (stop && atomic_load(stop))
                return err_set(e, ERR_CANCEL, "stopped");
            rc = st_pread(f, t, at, k, raw, e);
            if (rc < 0)
                return rc;
            sha256_add(&h, raw, k);
        }
    }
    for (int i = 0; i < f->n_shards; i++) {
        rc = st_unchanged(f, i, e);
        if (rc < 0)
            return rc;
    }
    sha256_hex(&h, hex);
    return 0;
}
