/* What a hostile or broken weight file is answered: one group of tests for each kind of damage. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "ztest.h"

static void put_file(const char *name, const void *data, size_t n)
{
    char *path = ztest_in_tmp(name);
    struct err e;

    if (file_write(path, data, n, &e) < 0)
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(path);
}

/* A file whose length field says `length` and that has `data` zero bytes behind the header. */
static void put_model(const char *name, uint64_t length, const char *header, size_t n, size_t data)
{
    struct buf b = BUF_INIT;

    for (int i = 0; i < 8; i++)
        buf_putc(&b, (char)(length >> 8 * i));
    buf_add(&b, header, n);
    for (size_t i = 0; i < data; i++)
        buf_putc(&b, 0);
    put_file(name, b.data, b.len);
    buf_release(&b);
}

/* Open must fail with `code`; returns the message, which must name the file. */
static const char *refused(const char *name, int code)
{
    static struct err e;
    char *path = ztest_in_tmp(name);
    struct st_file *f;
    int rc;

    memset(&e, 0, sizeof e);
    rc = st_open(&f, path, &e);
    free(path);
    if (rc == 0)
        st_close(&f);
    if (rc != code || f)
        ztest_fail(__FILE__, __LINE__, "%s: answer %d, expected %d: %s", name, rc, code, e.msg);
    CHECK_CONTAINS(e.msg, name);
    return e.msg;
}

static const char *header_refused(const char *header, size_t data)
{
    put_model("h.safetensors", strlen(header), header, strlen(header), data);
    return refused("h.safetensors", ERR_FORMAT);
}

#define T(name, rest) "\"" name "\":{" rest "}"
#define F32(shape, begin, end)                                                                     \
    "\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" #begin "," #end "]"

static void accepted(const char *header, size_t data, int n)
{
    char *path = ztest_in_tmp("ok.safetensors");
    struct st_file *f;
    struct err e = {0};

    put_model("ok.safetensors", strlen(header), header, strlen(header), data);
    if (st_open(&f, path, &e) < 0)
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(path);
    CHECK_INT(st_count(f), n);
    st_close(&f);
}

TEST(loader_00_good_files_open)
{
    accepted("{}", 0, 0);
    accepted("{}     ", 0, 0);
    accepted("{\"__metadata__\":{}}", 0, 0);
    accepted("{" T("a", F32("2", 0, 8)) "," T("b", F32("", 8, 12)) "}", 12, 2);
    accepted("{" T("b", F32("1", 8, 12)) "," T("a", F32("2", 0, 8)) "}", 12, 2); /* any order */
    accepted("{" T("e", F32("0,7", 0, 0)) "," T("a", F32("1", 0, 4)) "}", 4, 2);
    accepted("{ \"a\" : { \"shape\" : [ 1 , 1 ] ,\n\"data_offsets\":[0,4],\t\"dtype\":\"F32\" } } ",
             4, 1);
    accepted("{" T("e", F32("1,1,1,1,1,1,1,1", 0, 4)) "}", 4, 1);
}

TEST(loader_01_empty_file)
{
    put_file("h.safetensors", "", 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "truncated header");
}

/* A header of one byte more than there is: what follows the length does not hold the length. */
TEST(loader_01_header_longer_than_the_file_by_one)
{
    put_model("h.safetensors", 3, "{}", 2, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "exceeds the file's 2 bytes");
}

TEST(loader_01_less_than_a_length)
{
    put_file("h.safetensors", "\2\0\0\0\0", 5);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "truncated header");
    put_file("h.safetensors", "\2\0\0\0\0\0\0\0", 8);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "truncated header");
    put_file("h.safetensors", "GGUF", 4);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "truncated header");
}

TEST(loader_02_header_length)
{
    put_model("h.safetensors", 1ull << 63, "xx", 2, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT),
                   "header length 9223372036854775808 exceeds the allowed 100000000 bytes");
    put_model("h.safetensors", ~0ull, "{}", 2, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "exceeds the allowed 100000000 bytes");
    put_model("h.safetensors", 3, "xx", 2, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "header length 3 exceeds the file's 2");
    put_model("h.safetensors", 100000001, "xx", 2, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "header length 100000001 exceeds");
    put_model("h.safetensors", 0, "xx", 2, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "not valid JSON at byte 8");
}

/* The file is long enough, but nobody has a header of that size. Sparse: it takes no space. */
TEST(loader_02_header_of_100_megabytes)
{
    char *path = ztest_in_tmp("h.safetensors");

    put_model("h.safetensors", 100000001, "{", 1, 0);
    CHECK_INT(truncate(path, 100000009), 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "exceeds the allowed 100000000 bytes");
    free(path);
}

TEST(loader_03_header_is_not_json)
{
    static const struct {
        const char *header;
        int at;
    } rows[] = {
        {"{", 9},
        {"{}x", 10},
        {"{}\n}", 11},
        {"{} {}", 11},
        {"{\"a\"", 12},
        {"{\"a\":}", 13},
        {"{\"a\":[]}", 13},
        {"{\"a\":{}}", 14},
        {"{a:{}}", 9},
        {"{,}", 9},
        {"{" T("a", F32("1", 0, 4)) ",}", 62},
        {"{\"a\n\":{}}", 11},
        {"{\"a\\q\":{}}", 11},
        {"{\"\\ud800\":{}}", 10},
        {"{\"\\ud800\\u0041\":{}}", 10},
        {"{\"\\udc00\":{}}", 10},
        {"{\"\\u0000\":{}}", 10},
        {"{\"\\u00\":{}}", 10},
        {"{\"abc", 13},
        {"{\"abc\\", 13},
        {"{\"a\":{\"shape\":[[[[[[[[[1]]]]]]]]]}}", 0},
        {"{\"__metadata__\":{\"a\":{]}}", 30},
        {"{\"__metadata__\":nul}", 24},
        {"{" T("a", "\"x\":[1,]") "}", 21},
        {"{" T("a", "\"x\":no") "}", 18},
        {"{\"__metadata__\":[]}", 24},
        {"{\"a\xff\":{}}", 11},
        {"{\"a\xed\xa0\x80\":{}}", 11},
    };
    char want[64];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *msg = header_refused(rows[i].header, 4);

        snprintf(want, sizeof want, "header is not valid JSON at byte %d", rows[i].at);
        if (rows[i].at)
            CHECK_CONTAINS(msg, want);
        else
            CHECK_CONTAINS(msg, "at byte 23");
    }
}

TEST(loader_03_nul_in_the_header)
{
    put_model("h.safetensors", 3, "{}\0", 3, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "not valid JSON at byte 10");
    put_model("h.safetensors", 4, "{\0}\0", 4, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "not valid JSON at byte 9");
    put_model("h.safetensors", 8, "{\"a\0\":1}", 8, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "not valid JSON at byte 11");
}

TEST(loader_03_deep_header)
{
    struct buf b = BUF_INIT;

    buf_puts(&b, "{\"a\":");
    for (int i = 0; i < 100000; i++)
        buf_puts(&b, "{\"dtype\":");
    put_model("h.safetensors", b.len, b.data, b.len, 0);
    CHECK_CONTAINS(refused("h.safetensors", ERR_FORMAT), "not valid JSON at byte 22");
    buf_release(&b);
}

TEST(loader_04_duplicate_tensor)
{
    CHECK_CONTAINS(header_refused("{" T("x", F32("2", 0, 8)) "," T("x", F32("1,2", 0, 8)) "}", 8),
                   "tensor x appears twice");
    CHECK_CONTAINS(header_refused("{" T("x", F32("1", 0, 4)) "," T("b", F32("1", 8, 12)) "," T(
                                      "\\u0078", F32("1", 4, 8)) "}",
                                  12),
                   "tensor x appears twice");
    CHECK_CONTAINS(header_refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0),
                   "__metadata__ appears twice");
    CHECK_CONTAINS(header_refused("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0),
                   "metadata key k appears twice");
    CHECK_CONTAINS(header_refused("{" T("x", "\"dtype\":\"F32\",\"dtype\":\"F32\"") "}", 0),
                   "tensor x: field dtype appears twice");
}

TEST(loader_05_overlap)
{
    CHECK_CONTAINS(header_refused("{" T("x", F32("2", 0, 8)) "," T("y", F32("1", 4, 8)) "}", 8),
                   "tensor y overlaps x");
    CHECK_CONTAINS(header_refused("{" T("x", F32("2", 0, 8)) "," T("y", F32("2", 0, 8)) "}", 8),
                   "tensor y overlaps x");
    CHECK_CONTAINS(header_refused("{" T("x", F32("2", 0, 8)) "," T("e", F32("0", 4, 4)) "}", 8),
                   "tensor e overlaps x");
}

TEST(loader_05_holes_and_tails)
{
    CHECK_CONTAINS(header_refused("{" T("x", F32("1", 4, 8)) "}", 8), "4 unused bytes at 62");
    CHECK_CONTAINS(header_refused("{" T("x", F32("1", 0, 4)) "," T("y", F32("1", 8, 12)) "}", 12),
                   "4 unused bytes at 120");
    CHECK_CONTAINS(header_refused("{" T("x", F32("1", 0, 4)) "}", 7), "3 unused bytes at 66");
    CHECK_CONTAINS(header_refused("{}", 1), "1 unused bytes at 10");
}

TEST(loader_05_backwards_and_past_the_end)
{
    CHECK_CONTAINS(header_refused("{" T("x", F32("1", 4, 0)) "}", 4),
                   "tensor x: data ends before it begins");
    CHECK_CONTAINS(header_refused("{" T("x", F32("2", 0, 8)) "}", 4),
                   "tensor x ends at byte 70, but the file has only 66");
    CHECK_CONTAINS(
        header_refused("{" T("x", F32("1", 9223372036854775800, 9223372036854775804)) "}", 4),
        "tensor x ends at byte");
}

TEST(loader_06_shapes)
{
    CHECK_CONTAINS(header_refused("{" T("x", F32("4294967296,4294967296", 0, 0)) "}", 0),
                   "tensor x: shape is too large");
    CHECK_CONTAINS(header_refused("{" T("x", F32("4611686018427387904", 0, 0)) "}", 0),
                   "tensor x: shape is too large");
    CHECK_CONTAINS(header_refused("{" T("x", F32("9223372036854775808", 0, 0)) "}", 0),
                   "tensor x: shape: expected an integer from 0 to 2^63-1 at byte");
    CHECK_CONTAINS(header_refused("{" T("x", F32("99999999999999999999999", 0, 0)) "}", 0),
                   "tensor x: shape: expected an integer");
    CHECK_CONTAINS(header_refused("{" T("x", F32("-1", 0, 4)) "}", 4),
                   "tensor x: shape: expected an integer");
    CHECK_CONTAINS(header_refused("{" T("x", F32("1.0", 0, 4)) "}", 4), "expected an integer");
    CHECK_CONTAINS(header_refused("{" T("x", F32("1e2", 0, 4)) "}", 4), "expected an integer");
    CHECK_CONTAINS(header_refused("{" T("x", F32("01", 0, 4)) "}", 4), "expected an integer");
    CHECK_CONTAINS(header_refused("{" T("x", F32("1,1,1,1,1,1,1,1,1", 0, 4)) "}", 4),
                   "tensor x: shape has more than 8 numbers");
    CHECK_CONTAINS(header_refused("{" T("x", F32("3", 0, 4)) "}", 4),
                   "tensor x: type and shape need 12 bytes, data_offsets give 4");
    CHECK_CONTAINS(header_refused("{" T("x", F32("2", -4, 4)) "}", 4),
                   "tensor x: data_offsets: expected an integer");
}

TEST(loader_07_unknown_dtype_and_fields)
{
    CHECK_CONTAINS(
        header_refused("{" T("x", "\"dtype\":\"Q4\",\"shape\":[],\"data_offsets\":[0,4]") "}", 4),
        "tensor x: dtype Q4 is not supported (F32");
    CHECK_CONTAINS(header_refused("{" T("x", "\"dtype\":\"F32\"") "}", 4),
                   "tensor x: wants dtype, shape and data_offsets");
    CHECK_CONTAINS(
        header_refused("{" T("x", "\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0]") "}", 4),
        "wants dtype, shape and data_offsets [begin, end]");
    CHECK_CONTAINS(header_refused("{" T("", F32("1", 0, 4)) "}", 4), "allowed are 1 to 1000 bytes");
}

/* Headers that the reference opens too, of which each holds a = 0 [1]. */
TEST(loader_07_what_others_write_is_opened)
{
    static const char *const headers[] = {
        "{" T("a", F32("1", 0, 4)) "}\n\n\r\n\t ",
        " \n{" T("a", F32("1", 0, 4)) "}",
        "{\"__metadata__\":null," T("a", F32("1", 0, 4)) "}",
        "{" T("a", F32("1", 0, 4) ",\"x\":[1,{\"a\":2,\"b\":[]},-1e5,true],\"y\":null") "}",
        "{" T("a", F32("1", 0, 4)) "," T("a", F32("1", 0, 4)) "}",
    };

    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        char *path = ztest_in_tmp("h.safetensors");
        struct st_file *f;
        struct err e = {0};
        float x = 7;

        put_model("h.safetensors", strlen(headers[i]), headers[i], strlen(headers[i]), 4);
        CHECK_INT(st_open(&f, path, &e), 0);
        CHECK_STR(e.msg, "");
        if (f && st_find(f, "a")) {
            CHECK_INT(st_count(f), 1);
            CHECK_INT(st_read_all(f, st_find(f, "a"), &x, DT_F32, &e), 0);
        }
        CHECK(x == 0);
        st_close(&f);
        free(path);
    }
}

TEST(loader_07_metadata_is_text)
{
    CHECK_CONTAINS(header_refused("{\"__metadata__\":{\"step\":100}}", 0),
                   "metadata key step: expected text");
    CHECK_CONTAINS(header_refused("{\"__metadata__\":{\"a\":{\"b\":[]}}}", 0),
                   "metadata key a: expected text");
}

#define B_IN_F8 T("b", "\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[4,7]")
#define C_IN_F4 T("c", "\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[7,8]")

/* A type that is not computed is listed and hashed; only who reads it is refused. */
TEST(loader_07_types_that_are_not_computed)
{
    static const char header[] = "{" T("a", F32("1", 0, 4)) "," B_IN_F8 "," C_IN_F4 "}";
    char *path = ztest_in_tmp("h.safetensors"), hex[65];
    struct st_file *f;
    struct err e = {0};
    float x[3];

    put_model("h.safetensors", strlen(header), header, strlen(header), 8);
    CHECK_INT(st_open(&f, path, &e), 0);
    if (f) {
        const struct st_tensor *b = st_find(f, "b");

        CHECK_INT(b->type, DT_OTHER);
        CHECK_STR(b->type_name, "F8_E4M3");
        CHECK_INT(st_hash(f, NULL, hex, &e), 0);
        CHECK_INT(st_read_all(f, b, x, DT_F32, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, "h.safetensors: tensor b is F8_E4M3, which cannot be computed");
        st_close(&f);
    }
    free(path);
    CHECK_CONTAINS(
        header_refused("{" T("x", "\"dtype\":\"F4\",\"shape\":[1],\"data_offsets\":[0,1]") "}", 1),
        "tensor x: type and shape need 0 bytes");
}

/* Names that share a long beginning are the worst case of every search by comparing. */
static double open_seconds(int n, const char *extra)
{
    struct buf b = BUF_INIT;
    struct st_file *f;
    struct err e;
    char *path = ztest_in_tmp("many.safetensors");
    double start;
    int rc;

    buf_putc(&b, '{');
    for (int i = 0; i < n; i++)
        buf_printf(&b, "\"a.long.and.common.beginning.%06d\":{" F32("0", 0, 0) "},", n - i);
    buf_printf(&b, "%s}", extra);
    put_model("many.safetensors", b.len, b.data, b.len, 4);
    buf_release(&b);
    start = clock_cpu_s();
    rc = st_open(&f, path, &e);
    start = clock_cpu_s() - start;
    CHECK_INT(rc, *extra == '"' ? 0 : ERR_FORMAT);
    if (rc == 0)
        CHECK_INT(st_count(f), n + 1);
    st_close(&f);
    free(path);
    return start;
}

TEST(loader_07_200000_keys_stay_linear)
{
    CHECK_BELOW(open_seconds(200000, T("z", F32("1", 0, 4))), 2.0);
    CHECK_BELOW(open_seconds(200000, "x"), 2.0);
}

TEST(loader_11_other_files_are_recognised)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *want;
    } rows[] = {
        {"PK\3\4\24\0\10\10archive/data.pkl", 24, "this is a zip archive"},
        {"\x80\2}q\0(X\4\0\0\0", 11, "this is a Python pickle"},
        {"\x80\5\x95\0\0\0\0\0\0\0\0", 11, "this is a Python pickle"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 3\n", 64,
         "this is a Git LFS pointer"},
        {"<!DOCTYPE html><html><body>404</body></html>", 44, "this is a HTML page"},
        {"\n<html><body>Sign in</body></html>", 34, "this is a HTML page"},
        {"{\"error\": \"Repository not found\"}", 33, "this is a JSON text"},
        {"\x93NUMPY\1\0\x76\0{'descr'", 17, "this is a NumPy file"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *msg;

        put_file("h.safetensors", rows[i].bytes, rows[i].n);
        msg = refused("h.safetensors", ERR_FORMAT);
        CHECK_CONTAINS(msg, rows[i].want);
        CHECK_CONTAINS(msg, "expected safetensors");
    }
}

TEST(loader_12_file_changes_while_loading)
{
    const char *header = "{" T("x", F32("1024", 0, 4096)) "}";
    char *path = ztest_in_tmp("h.safetensors");
    struct st_file *f;
    struct err e = {0};
    struct timespec other[2];
    struct stat st;
    float x[1024];
    char hex[65];

    put_model("h.safetensors", strlen(header), header, strlen(header), 4096);
    CHECK_INT(st_open(&f, path, &e), 0);
    CHECK_INT(st_read_all(f, st_at(f, 0), x, DT_F32, &e), 0);
    CHECK_INT(stat(path, &st), 0);
    other[0] = other[1] = st.st_mtim;
    other[1].tv_nsec ^= 1;
    CHECK_INT(utimensat(AT_FDCWD, path, other, 0), 0); /* written over, same size */
    CHECK_INT(st_read_all(f, st_at(f, 0), x, DT_F32, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "h.safetensors: file changed while loading");
    other[1] = st.st_mtim;
    CHECK_INT(truncate(path, 4000), 0); /* cut, same time */
    CHECK_INT(utimensat(AT_FDCWD, path, other, 0), 0);
    CHECK_INT(st_read(f, st_at(f, 0), 0, 4, x, DT_F32, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "h.safetensors: file changed while loading");
    CHECK_INT(truncate(path, 1000), 0);
    CHECK_INT(st_read_all(f, st_at(f, 0), x, DT_F32, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "h.safetensors: file changed while loading");
    CHECK_INT(st_read(f, st_at(f, 0), 0, 4, x, DT_F32, &e), ERR_IO); /* bytes still there */
    CHECK_CONTAINS(e.msg, "file changed while loading");
    CHECK_INT(st_hash(f, NULL, hex, &e), ERR_IO);
    st_close(&f);
    free(path);
}
