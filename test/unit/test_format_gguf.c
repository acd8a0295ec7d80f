/* Reading GGUF: what is written in it, and every lie that its head can tell. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/gguf.h"
#include "ztest.h"

/* ---- a file, field by field ---- */

static void put_int(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(b, (char)(v >> 8 * i));
}

static void put_text(struct buf *b, const char *s)
{
    put_int(b, strlen(s), 8);
    buf_puts(b, s);
}

static void put_head(struct buf *b, uint64_t tensors, uint64_t values)
{
    buf_puts(b, "GGUF");
    put_int(b, 3, 4);
    put_int(b, tensors, 8);
    put_int(b, values, 8);
}

static void put_u32(struct buf *b, const char *key, uint32_t v)
{
    put_text(b, key);
    put_int(b, GGUF_U32, 4);
    put_int(b, v, 4);
}

/* Dimensions innermost first. */
static void put_tensor(struct buf *b, const char *name, int rank, const uint64_t *dim, int type,
                       uint64_t offset)
{
    put_text(b, name);
    put_int(b, (uint64_t)rank, 4);
    for (int i = 0; i < rank; i++)
        put_int(b, dim[i], 8);
    put_int(b, (uint64_t)type, 4);
    put_int(b, offset, 8);
}

static void pad(struct buf *b, size_t step, size_t more)
{
    while (b->len % step)
        buf_putc(b, 0);
    for (size_t i = 0; i < more; i++)
        buf_putc(b, (char)i);
}

static int open_bytes(struct st_file **f, struct buf *b, struct err *e)
{
    char *path = path_join(ztest_tmp(), "t.gguf");
    int rc;

    CHECK_INT(file_write(path, b->data, b->len, e), 0);
    buf_release(b);
    rc = st_open(f, path, e);
    free(path);
    return rc;
}

static void refused(struct buf *b, const char *want)
{
    struct st_file *f;
    struct err e = {0};

    CHECK_INT(open_bytes(&f, b, &e), ERR_FORMAT);
    CHECK(f == NULL);
    CHECK_CONTAINS(e.msg, "t.gguf: ");
    CHECK_CONTAINS(e.msg, want);
}

/* ---- what is right ---- */

static void put_values(struct buf *b)
{
    put_text(b, "general.architecture");
    put_int(b, GGUF_STRING, 4);
    put_text(b, "wan");
    put_u32(b, "general.alignment", 64);
    put_text(b, "words");
    put_int(b, GGUF_ARRAY, 4);
    put_int(b, GGUF_STRING, 4);
    put_int(b, 2, 8);
    put_text(b, "");
    put_text(b, "two");
    put_text(b, "scores");
    put_int(b, GGUF_ARRAY, 4);
    put_int(b, GGUF_I16, 4);
    put_int(b, 2, 8);
    put_int(b, 5, 2);
    put_int(b, 0xfffe, 2);
    put_text(b, "comfy.gguf.orig_shape.b.weight");
    put_int(b, GGUF_ARRAY, 4);
    put_int(b, GGUF_I32, 4);
    put_int(b, 3, 8);
    put_int(b, 1, 4);
    put_int(b, 3, 4);
    put_int(b, 32, 4);
}

/* b.weight [3,32] of Q4_0, 54 bytes; a [32] of F32 behind it. */
static void put_sample(struct buf *b)
{
    static const uint64_t dim[2] = {32, 3};

    put_head(b, 2, 5);
    put_values(b);
    put_tensor(b, "b.weight", 2, dim, 2, 0);
    put_tensor(b, "a", 1, dim, 0, 64);
    pad(b, 64, 54);
    pad(b, 64, 128);
}

TEST(gguf_tensors_are_read)
{
    struct buf b = BUF_INIT;
    struct st_file *f;
    struct err e = {0};
    const struct st_tensor *t;
    unsigned char raw[54];

    put_sample(&b);
    CHECK_INT(open_bytes(&f, &b, &e), 0);
    CHECK_INT(st_count(f), 2);
    t = st_find(f, "b.weight");
    CHECK(t && t->type == DT_OTHER && !strcmp(t->type_name, "Q4_0"));
    CHECK_INT(t->rank, 3); /* as orig_shape says */
    CHECK(t->dim[0] == 1 && t->dim[1] == 3 && t->dim[2] == 32 && t->n == 96 && t->bytes == 54);
    CHECK_INT(st_read_bytes(f, t, 0, 54, raw, &e), 0);
    for (int i = 0; i < 54; i++)
        CHECK_INT(raw[i], i);
    t = st_find(f, "a");
    CHECK(t && t->type == DT_F32 && t->rank == 1 && t->bytes == 128);
    CHECK_STR(st_meta(f, "general.architecture"), "wan");
    st_close(&f);
}

TEST(gguf_values_are_read)
{
    struct buf b = BUF_INIT;
    struct st_file *f;
    struct err e = {0};
    const struct gguf_value *v;
    const char *s;
    size_t at = 0, n;

    put_sample(&b);
    CHECK_INT(open_bytes(&f, &b, &e), 0);
    CHECK_INT(gguf_count(f), 5);
    CHECK(strcmp(gguf_at(f, 0)->key, gguf_at(f, 1)->key) < 0 && !gguf_find(f, "none"));
    v = gguf_find(f, "scores");
    CHECK(v && v->is_array && v->n == 2);
    CHECK_INT(gguf_int(v, 0), 5);
    CHECK_INT(gguf_int(v, 1), -2);
    CHECK(gguf_real(v, 1) == -2);
    v = gguf_find(f, "words");
    CHECK(v && gguf_string(v, &at, &s, &n) && n == 0);
    CHECK(gguf_string(v, &at, &s, &n) && n == 3 && !memcmp(s, "two", 3));
    CHECK(!gguf_string(v, &at, &s, &n) && isnan(gguf_real(v, 0)));
    at = 0;
    v = gguf_find(f, "general.architecture");
    CHECK(v && gguf_string(v, &at, &s, &n) && n == 3 && !memcmp(s, "wan", 3));
    st_close(&f);
}

/* More than is read at first: the head is read again, longer. */
TEST(gguf_long_head_is_read)
{
    enum { N = 300000 };
    struct buf b = BUF_INIT;
    struct st_file *f;
    struct err e = {0};

    put_head(&b, 0, 1);
    put_text(&b, "words");
    put_int(&b, GGUF_ARRAY, 4);
    put_int(&b, GGUF_STRING, 4);
    put_int(&b, N, 8);
    for (int i = 0; i < N; i++)
        put_text(&b, i % 2 ? "odd" : "");
    CHECK_INT(open_bytes(&f, &b, &e), 0);
    CHECK_INT(gguf_find(f, "words")->n, N);
    st_close(&f);
}

/* ---- what is not ---- */

TEST(gguf_every_cut_is_refused)
{
    struct buf whole = BUF_INIT;

    put_sample(&whole);
    for (size_t n = 4; n < whole.len; n += n < 500 ? 1 : 7) {
        struct buf b = BUF_INIT;
        struct st_file *f;
        struct err e = {0};

        buf_add(&b, whole.data, n);
        CHECK_INT(open_bytes(&f, &b, &e), ERR_FORMAT);
        CHECK(f == NULL && e.msg[0]);
    }
    buf_release(&whole);
}

TEST(gguf_heads_that_lie)
{
    static const uint64_t big[2] = {(uint64_t)1 << 42 | 1, (uint64_t)1 << 40}, row[1] = {33};
    struct buf b = BUF_INIT;

    buf_puts(&b, "GGUF");
    put_int(&b, 1, 4);
    put_int(&b, 0, 16);
    refused(&b, "GGUF version 1, allowed are 2 and 3");
    buf_puts(&b, "GGUF");
    put_int(&b, 0x03000000, 4);
    put_int(&b, 0, 16);
    refused(&b, "of a big-endian machine");
    put_head(&b, (uint64_t)1 << 63, 0);
    refused(&b, "9223372036854775808 tensors, allowed are 400000");
    put_head(&b, 0, (uint64_t)1 << 63);
    refused(&b, "9223372036854775808 keys, allowed are 65536");
    put_head(&b, 0, 1);
    put_int(&b, (uint64_t)1 << 63, 8);
    refused(&b, "a length of 9223372036854775808 exceeds");
    put_head(&b, 1, 0);
    put_tensor(&b, "t", 2, big, 0, 0);
    refused(&b, "tensor t: shape is too large");
    put_head(&b, 1, 0);
    put_tensor(&b, "t", 1, row, 12, 0);
    refused(&b, "tensor t: rows of 33 values in Q4_K, which has blocks of 256");
    put_head(&b, 1, 0);
    put_tensor(&b, "t", 1, row, 33, 0);
    refused(&b, "tensor t: type 33 is not known");
    put_head(&b, 1, 0);
    put_text(&b, "t");
    put_int(&b, 9, 4);
    refused(&b, "tensor t: 9 dimensions, allowed are 8");
}

static void refused_value(const char *key, enum gguf_type type, uint64_t v, int bytes,
                          const char *want)
{
    struct buf b = BUF_INIT;

    put_head(&b, 0, 1);
    put_text(&b, key);
    put_int(&b, type, 4);
    put_int(&b, v, bytes);
    refused(&b, want);
}

TEST(gguf_values_that_lie)
{
    struct buf b = BUF_INIT;

    refused_value("general.alignment", GGUF_U32, 0, 4, "integer from 1 to");
    refused_value("general.alignment", GGUF_U32, 3, 4, "3 is no power of two");
    refused_value("general.alignment", GGUF_U64, (uint64_t)1 << 63, 8, "integer from 1 to");
    refused_value("general.alignment", GGUF_F32, 0x42000000, 4, "integer from 1 to");
    refused_value("split.count", GGUF_U16, 3, 2, "is one of 3 parts of a file");
    refused_value("k", 13, 0, 8, "key k: type 13 is not known");
    put_head(&b, 0, 1);
    put_text(&b, "k");
    put_int(&b, GGUF_ARRAY, 4);
    put_int(&b, GGUF_ARRAY, 4);
    put_int(&b, 1, 8);
    refused(&b, "key k: type 9 is not known");
    put_head(&b, 0, 1);
    put_text(&b, "k");
    put_int(&b, GGUF_ARRAY, 4);
    put_int(&b, GGUF_F64, 4);
    put_int(&b, (uint64_t)1 << 61, 8);
    refused(&b, "exceeds the file");
    put_head(&b, 0, 2);
    put_u32(&b, "k", 1);
    put_u32(&b, "k", 1);
    refused(&b, "key k appears twice");
    put_head(&b, 0, 1);
    put_u32(&b, "", 1);
    refused(&b, "key at byte 24: allowed are 1 to 1000 bytes");
    put_head(&b, 0, 1);
    put_u32(&b, "\xff", 1);
    refused(&b, "key at byte 24");
}

TEST(gguf_places_that_lie)
{
    static const uint64_t dim[1] = {16};
    static const struct {
        uint64_t first, second;
        const char *want;
    } rows[] = {
        {0, 32, "tensor b overlaps a"},
        {0, 65, "tensor b: offset 65 is no multiple of 32"},
        {0, 96, "tensor b of 64 bytes begins at byte 96"},
        {0, 128, "tensor b of 64 bytes begins at byte 128 of its data, but the file has only 128"},
        {0, UINT64_MAX - 31, "tensor b of 64 bytes begins at byte 18446744073709551584"},
        {0, 0, "tensor b overlaps a"},
        {32, 64, "32 unused bytes before tensor a"},
    };
    struct buf b = BUF_INIT;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put_head(&b, 2, 0);
        put_tensor(&b, "a", 1, dim, 0, rows[i].first);
        put_tensor(&b, "b", 1, dim, 0, rows[i].second);
        pad(&b, 32, 128);
        refused(&b, rows[i].want);
    }
    put_head(&b, 1, 0);
    put_tensor(&b, "a", 1, dim, 0, 0);
    pad(&b, 32, 64 + 32);
    refused(&b, "32 unused bytes at");
    put_head(&b, 2, 0);
    put_tensor(&b, "a", 1, dim, 0, 0);
    put_tensor(&b, "a", 1, dim, 0, 64);
    pad(&b, 32, 128);
    refused(&b, "tensor a appears twice");
    put_head(&b, 1, 1);
    put_u32(&b, "comfy.gguf.orig_shape.a", 15);
    put_tensor(&b, "a", 1, dim, 0, 0);
    pad(&b, 32, 64);
    refused(&b, "does not hold as many values as the tensor, which has 16");
}
