/* Reading and writing of good safetensors files. */
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "ztest.h"

static const float x[6] = {1, -2, 3.5f, 0.1f, -0.0f, 1e-30f};
static const uint16_t h[3] = {0x3f80, 0xc040, 0x4120};
static const int8_t k[5] = {-128, -1, 0, 1, 127};
static const double d = 3.25;

static const struct st_out sample[] = {
    {"k", DT_I8, 1, {5}, k},
    {"b.weight", DT_BF16, 2, {1, 3}, h},
    {"a.weight", DT_F32, 3, {2, 1, 3}, x},
    {"empty", DT_F32, 2, {0, 4}, NULL},
    {"gr\xc3\xbc\xc3\x9f \"q\"\\\n", DT_F64, 0, {0}, &d},
};
static const struct st_pair meta[] = {{"title", "a \"b\"\n"}, {"format", "pt"}};

static struct st_file *reopen(const char *path)
{
    struct st_file *f;
    struct err e = {0};

    if (st_open(&f, path, &e) < 0)
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    return f;
}

TEST(safetensors_written_is_read)
{
    char *path = path_join(ztest_tmp(), "sample.safetensors");
    struct st_file *f;
    struct err e = {0};
    float y[6];
    int8_t q[5];
    double z;

    CHECK_INT(st_write(path, sample, 5, meta, 2, &e), 0);
    f = reopen(path);
    CHECK_INT(st_count(f), 5);
    for (int i = 1; i < 5; i++)
        CHECK(strcmp(st_at(f, i - 1)->name, st_at(f, i)->name) < 0);
    for (int i = 0; i < 5; i++) {
        const struct st_tensor *t = st_find(f, sample[i].name);

        CHECK(t != NULL);
        CHECK_INT(t->type, sample[i].type);
        CHECK_INT(t->rank, sample[i].rank);
        CHECK(!memcmp(t->dim, sample[i].dim, (size_t)t->rank * sizeof *t->dim));
        CHECK_INT(t->offset % dtype_bytes(t->type), 0);
    }
    CHECK(st_find(f, "a") == NULL);
    CHECK_STR(st_meta(f, "title"), "a \"b\"\n");
    CHECK_STR(st_meta(f, "format"), "pt");
    CHECK(st_meta(f, "none") == NULL);
    CHECK_INT(st_n_meta(f), 2);
    CHECK_INT(st_read_all(f, st_find(f, "a.weight"), y, DT_F32, &e), 0);
    CHECK(!memcmp(y, x, sizeof x));
    CHECK_INT(st_read_all(f, st_find(f, "b.weight"), y, DT_F32, &e), 0);
    CHECK(y[0] == 1 && y[1] == -3 && y[2] == 10);
    CHECK_INT(st_read_all(f, st_find(f, "k"), q, DT_I8, &e), 0);
    CHECK(!memcmp(q, k, sizeof k));
    CHECK_INT(st_read_all(f, st_find(f, sample[4].name), &z, DT_F64, &e), 0);
    CHECK(z == d);
    CHECK_INT(st_read_all(f, st_find(f, "empty"), NULL, DT_F32, &e), 0);
    CHECK_INT(st_read(f, st_find(f, "a.weight"), 2, 3, y, DT_F32, &e), 0);
    CHECK(!memcmp(y, x + 2, 3 * sizeof *x));
    st_close(&f);
    free(path);
}

TEST(safetensors_bytes_do_not_depend_on_order)
{
    char *path = path_join(ztest_tmp(), "order.safetensors");
    struct st_out turned[5];
    struct st_pair other[2] = {meta[1], meta[0]};
    struct buf a = BUF_INIT, b = BUF_INIT;
    struct err e = {0};

    for (int i = 0; i < 5; i++)
        turned[i] = sample[4 - i];
    CHECK_INT(st_write(path, sample, 5, meta, 2, &e), 0);
    CHECK_INT(file_read(&a, path, 1 << 20, &e), 0);
    CHECK_INT(st_write(path, turned, 5, other, 2, &e), 0);
    CHECK_INT(file_read(&b, path, 1 << 20, &e), 0);
    CHECK_INT(a.len, b.len);
    CHECK(!memcmp(a.data, b.data, a.len));
    CHECK_INT((uint8_t)a.data[0] % 8, 0); /* the length of the header, so data starts aligned */
    buf_release(&a);
    buf_release(&b);
    free(path);
}

TEST(safetensors_large_tensors_convert_in_pieces)
{
    enum { N = 100003 };
    static float big[N], back[N];
    static double wide[N];
    struct st_out out = {"big", DT_F32, 1, {N}, big};
    char *path = path_join(ztest_tmp(), "big.safetensors");
    struct st_file *f;
    struct err e = {0};

    for (int i = 0; i < N; i++)
        big[i] = (float)i * 0.37f;
    CHECK_INT(st_write(path, &out, 1, NULL, 0, &e), 0);
    f = reopen(path);
    CHECK_INT(st_read_all(f, st_at(f, 0), wide, DT_F64, &e), 0);
    CHECK_INT(st_read(f, st_at(f, 0), 5, N - 5, back, DT_F32, &e), 0);
    for (int i = 0; i < N; i++)
        CHECK(wide[i] == big[i] && (i < 5 || back[i - 5] == big[i]));
    st_close(&f);
    free(path);
}

TEST(safetensors_hash_is_of_weights_alone)
{
    char *a = path_join(ztest_tmp(), "ha.safetensors"), hex[3][65];
    struct st_out out[5];
    struct err e = {0};

    memcpy(out, sample, sizeof out);
    for (int i = 0; i < 3; i++) {
        struct st_file *f;

        if (i == 2)
            out[2].dim[0] = 1, out[2].dim[1] = 2; /* the same bytes in another shape */
        CHECK_INT(st_write(a, out, 5, meta, i, &e), 0);
        f = reopen(a);
        CHECK_INT(st_hash(f, NULL, hex[i], &e), 0);
        st_close(&f);
    }
    CHECK_STR(hex[0], hex[1]);
    CHECK(strcmp(hex[0], hex[2]) != 0);
    free(a);
}

TEST(safetensors_folder_finds_its_file)
{
    char *dir = path_join(ztest_tmp(), "folder"), *a = path_join(dir, "a.safetensors"),
         *b = path_join(dir, "b.safetensors"), *m = path_join(dir, "model.safetensors");
    struct st_file *f;
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(st_open(&f, dir, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "folder: no .safetensors or .gguf file");
    CHECK_INT(st_write(a, sample, 1, NULL, 0, &e), 0);
    f = reopen(dir);
    CHECK_STR(st_path(f, 0), a);
    st_close(&f);
    CHECK_INT(st_write(b, sample, 1, NULL, 0, &e), 0);
    CHECK_INT(st_open(&f, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "2 files of weights");
    CHECK_INT(st_write(m, sample, 2, NULL, 0, &e), 0);
    f = reopen(dir);
    CHECK_INT(st_count(f), 2);
    st_close(&f);
    CHECK_INT(st_open(&f, "/dev/null", &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "not a regular file");
    CHECK_INT(st_open(&f, "no/such", NULL), ERR_IO);
    free(dir), free(a), free(b), free(m);
}

static void write_doubles(void)
{
    struct st_out out[2] = {sample[0], sample[2]};
    struct err e;
    int rc;

    out[1].name = "k"; /* of another type, so not a neighbour in the file */
    rc = st_write("/dev/null/x", out, 2, NULL, 0, &e);
    (void)rc;
}

TEST(safetensors_write_refuses_doubles_and_bad_folders)
{
    struct err e = {0};

    CHECK(ztest_aborts(write_doubles));
    CHECK_INT(st_write("/no/such/folder/x.safetensors", sample, 1, NULL, 0, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "/no/such/folder/x.safetensors");
}
