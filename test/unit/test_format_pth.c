/* Files of torch.save: read without being run, by a child that can do nothing else. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/pth.h"
#include "format/safetensors.h"
#include "ztest.h"

/* ---- what is right ---- */

TEST(pth_tensors_are_those_of_torch)
{
    char *to = path_join(ztest_tmp(), "pth.safetensors");
    struct st_file *got, *want;
    struct err e = {0};
    char a[4096], b[4096];

    CHECK(pth_is(ztest_data("golden/pth/model.pth")) && !pth_is(to));
    if (pth_convert(ztest_data("golden/pth/model.pth"), to, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK_INT(st_open(&got, to, &e), 0);
    CHECK_INT(st_open(&want, ztest_data("golden/pth/outputs.safetensors"), &e), 0);
    CHECK_INT(st_count(got), st_count(want));
    for (int i = 0; i < st_count(want); i++) {
        const struct st_tensor *x = st_at(got, i), *y = st_at(want, i);

        CHECK_STR(x->name, y->name);
        CHECK_STR(x->type_name, y->type_name);
        CHECK_INT(x->rank, y->rank);
        CHECK(!memcmp(x->dim, y->dim, sizeof *x->dim * (size_t)x->rank));
        CHECK(x->bytes == y->bytes && x->bytes <= sizeof a);
        CHECK_INT(st_read_bytes(got, x, 0, x->bytes, a, &e), 0);
        CHECK_INT(st_read_bytes(want, y, 0, y->bytes, b, &e), 0);
        CHECK(!memcmp(a, b, x->bytes));
    }
    st_close(&got);
    st_close(&want);
    free(to);
}

static void put_int(struct buf *b, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_putc(b, (char)(v >> 8 * i));
}

struct stored {
    const char *name, *data;
    size_t n;
};

/* An archive with these entries (4 at most). */
static void put_archive(struct buf *b, const struct stored *x, int n)
{
    size_t at[4], directory;

    for (int i = 0; i < n; i++) {
        at[i] = b->len;
        buf_add(b, "PK\3\4", 4);
        put_int(b, 0, 14); /* as torch: no sizes here */
        put_int(b, 0, 8);
        put_int(b, strlen(x[i].name), 2);
        put_int(b, 0, 2);
        buf_puts(b, x[i].name);
        buf_add(b, x[i].data, x[i].n);
    }
    directory = b->len;
    for (int i = 0; i < n; i++) {
        buf_add(b, "PK\1\2", 4);
        put_int(b, 0, 16);
        put_int(b, x[i].n, 4);
        put_int(b, x[i].n, 4);
        put_int(b, strlen(x[i].name), 2);
        put_int(b, 0, 12);
        put_int(b, at[i], 4);
        buf_puts(b, x[i].name);
    }
    buf_add(b, "PK\5\6", 4);
    put_int(b, 0, 4);
    put_int(b, (uint64_t)n, 2);
    put_int(b, (uint64_t)n, 2);
    put_int(b, b->len - 12 - directory, 4);
    put_int(b, directory, 4);
    put_int(b, 0, 2);
}

#define PICKLE(s) s, sizeof s - 1
/* Bytes of torch 2.15: bytes of eight bits say their type themselves, in a storage without one. */
#define TENSOR_3(key, n)                                                                           \
    "ctorch._utils\n_rebuild_tensor_v3\n((X\7\0\0\0storagectorch.storage\nUntypedStorage\n"        \
    "X\1\0\0\0" key "X\3\0\0\0cpuK" n "tQK\1K\2\x85K\1\x85\x89"                                    \
    "ccollections\nOrderedDict\n)Rctorch\nfloat8_e4m3fn\ntR"

/* state_dict() of a module: its versions come by BUILD and are no tensors. */
TEST(pth_state_of_a_module_with_untyped_storages)
{
    const struct stored entry[] = {
        {"pk/data.pkl", PICKLE("\x80\2ccollections\nOrderedDict\n)R(X\1\0\0\0a" TENSOR_3(
                            "0", "\4") "u}X\x09\0\0\0_metadataccollections\nOrderedDict\n)R"
                                       "X\0\0\0\0}X\7\0\0\0versionK\1sssb.")},
        {"pk/data/0", PICKLE("\0\x38\x40\x44")}};
    char *from = path_join(ztest_tmp(), "state.pth"),
         *to = path_join(ztest_tmp(), "state.safetensors"), got[2];
    struct buf b = BUF_INIT;
    struct st_file *f;
    struct err e = {0};

    put_archive(&b, entry, 2);
    CHECK_INT(file_write(from, b.data, b.len, &e), 0);
    if (pth_convert(from, to, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK_INT(st_open(&f, to, &e), 0);
    CHECK_INT(st_count(f), 1);
    CHECK_STR(st_at(f, 0)->name, "a");
    CHECK_STR(st_at(f, 0)->type_name, "F8_E4M3");
    CHECK_INT(st_at(f, 0)->bytes, 2);
    CHECK_INT(st_read_bytes(f, st_at(f, 0), 0, 2, got, &e), 0);
    CHECK(got[0] == 0x38 && got[1] == 0x40); /* the offset counts numbers */
    st_close(&f);
    buf_release(&b);
    free(from);
    free(to);
}

/* ---- what is not ---- */

static void refused(const char *pickle, size_t n, const char *want)
{
    char *from = path_join(ztest_tmp(), "bad.pth"), *to = path_join(ztest_tmp(), "bad.safetensors");
    struct buf b = BUF_INIT;
    struct err e = {0};

    put_archive(&b, &(struct stored){"archive/data.pkl", pickle, n}, 1);
    CHECK_INT(file_write(from, b.data, b.len, &e), 0);
    CHECK_INT(pth_convert(from, to, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "bad.pth: ");
    CHECK_CONTAINS(e.msg, want);
    CHECK(!file_exists(to));
    buf_release(&b);
    free(from);
    free(to);
}

TEST(pth_code_is_named_and_not_run)
{
    refused(PICKLE("\x80\2cposix\nsystem\nX\2\0\0\0id\x85R."),
            "its pickle names posix.system, which is no tensor; only files of tensors are read");
    refused(PICKLE("\x80\2cbuiltins\neval\n(tR."), "names builtins.eval");
    refused(PICKLE("\x80\4\x8c\2os\x8c\6system\x93."), "names os.system");
    refused(PICKLE("(S'id'\nios\nsystem\n."), "opcode 0x53 at byte 1, which names no tensor");
    refused(PICKLE("\x80\2ctorch._utils\n_rebuild_tensor_v2\nN\x81."), "opcode 0x81");
    refused(PICKLE("\x80\2}cos\nsystem\nb."), "names os.system");
}

TEST(pth_pickles_that_are_damaged)
{
    refused(PICKLE("\x80\2}"), "damaged at byte 3 (it has no end)");
    refused(PICKLE("."), "the stack is empty");
    refused(PICKLE("\x80\2}."), "holds no tensors by name");
    refused(PICKLE("t."), "no mark");
    refused(PICKLE("h\5."), "something that was never there");
    refused(PICKLE("X\xff\xff\xff\xff"), "a text is too long");
    refused(PICKLE("X\1\0\0\0\xff."), "a text is not UTF-8");
    refused(PICKLE("\x8a\x09"
                   "123456789."),
            "more than 64 bits");
    refused(PICKLE("}K\1K\2K\3u."), "no mark");
    refused(PICKLE("(K\1u."), "items without a collection");
    refused(PICKLE("NN\x86Q."), "a storage is not one");
    refused(PICKLE("r\xff\xff\xff\x7f"), "the stack is empty");
    refused(PICKLE("Nr\xff\xff\xff\x7f."), "too much to remember");
    refused(PICKLE("ctorch._utils\n_rebuild_tensor_v2\n)R."), "a tensor is not one");
}

/* A tensor of 16 numbers from a storage that is not there, or not so long. */
TEST(pth_storages_that_lie)
{
#define STORAGE(n)                                                                                 \
    "(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0"                                             \
    "0X\3\0\0\0cpuK" n "tQ"
    refused(PICKLE("}X\1\0\0\0actorch._utils\n_rebuild_tensor_v2\n(" STORAGE(
                "\x10") "K\0K\x10\x85K\1\x85\x89}tRs."),
            "tensor a: its storage 0 is not in the archive");
}

static int list_bytes(const void *data, size_t n, struct err *e)
{
    struct buf out = BUF_INIT;
    int fd = memfd_create("pth", 0), rc;

    CHECK(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    rc = pth_list(fd, "pth", &out, e);
    close(fd);
    buf_release(&out);
    return rc;
}

TEST(pth_any_bytes_have_an_answer)
{
    struct buf b = BUF_INIT;
    struct err e = {0};

    CHECK_INT(file_read(&b, ztest_data("golden/pth/model.pth"), 1 << 20, &e), 0);
    CHECK_INT(list_bytes(b.data, b.len, &e), 0);
    for (size_t n = 0; n < b.len; n += 3)
        CHECK_INT(list_bytes(b.data, n, &e), ERR_FORMAT);
    for (size_t i = 0; i < b.len; i++) {
        char was = b.data[i];

        e = (struct err){0};
        b.data[i] = (char)(was ^ (1 << i % 8));
        CHECK(!list_bytes(b.data, b.len, &e) || (e.code == ERR_FORMAT && e.msg[0]));
        b.data[i] = was;
    }
    buf_release(&b);
}
