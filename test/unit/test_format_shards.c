/* Weights in several files, and the index over them. */
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "format/safetensors.h"
#include "ztest.h"

static int open_index(const char *json, struct st_file **f, struct err *e)
{
    char *path = ztest_in_tmp("model.safetensors.index.json");
    int rc;

    CHECK_INT(file_write(path, json, strlen(json), e), 0);
    memset(e, 0, sizeof *e);
    rc = st_open(f, path, e);
    free(path);
    return rc;
}

static const char *index_refused(const char *json, int code)
{
    static struct err e;
    struct st_file *f;

    CHECK_INT(open_index(json, &f, &e), code);
    CHECK(f == NULL);
    CHECK_CONTAINS(e.msg, "model.safetensors.index.json");
    return e.msg;
}

static void put_shard(const char *name, const struct st_out *out, int n)
{
    static const struct st_pair meta = {"k", "v"};
    char *path = ztest_in_tmp(name);
    struct err e;

    CHECK_INT(st_write(path, out, n, &meta, 1, &e), 0);
    free(path);
}

static void put_shards(void)
{
    static const float x[2];
    const struct st_out one[] = {{"a", DT_F32, 1, {1}, x}, {"b", DT_F32, 1, {1}, x}};
    const struct st_out two = {"c", DT_F32, 1, {2}, x};

    put_shard("s1.safetensors", one, 2);
    put_shard("s2.safetensors", &two, 1);
}

TEST(loader_08_shards_open_as_one)
{
    struct st_file *f;
    struct err e;

    put_shards();
    CHECK_INT(
        open_index("{\"metadata\":{\"total_size\":16},\"weight_map\":{\"c\":\"s2.safetensors\","
                   "\"a\":\"s1.safetensors\",\"b\":\"s1.safetensors\"}}",
                   &f, &e),
        0);
    CHECK_INT(st_count(f), 3);
    CHECK_STR(st_at(f, 2)->name, "c");
    CHECK_STR(path_base(st_path(f, st_find(f, "c")->shard)), "s2.safetensors");
    CHECK_STR(st_meta(f, "k"), "v");
    st_close(&f);
}

TEST(loader_08_shard_names_are_plain)
{
    static const char *const bad[] = {"/etc/passwd.safetensors",
                                      "../s1.safetensors",
                                      "x/s1.safetensors",
                                      "..",
                                      "",
                                      ".hidden.safetensors",
                                      "s1..safetensors",
                                      "s1.bin",
                                      "x\\\\s1.safetensors"};
    char json[200];

    put_shards();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        snprintf(json, sizeof json, "{\"weight_map\":{\"a\":\"%s\"}}", bad[i]);
        CHECK_CONTAINS(index_refused(json, ERR_FORMAT), "shard name must be a plain file name");
    }
    CHECK_CONTAINS(index_refused("{\"weight_map\":{\"a\":7}}", ERR_FORMAT), "weight_map.a");
    CHECK_CONTAINS(index_refused("{\"weight_map\":{}}", ERR_FORMAT), "no tensors");
    CHECK_CONTAINS(index_refused("{}", ERR_FORMAT), "field weight_map");
    CHECK_CONTAINS(index_refused("[", ERR_FORMAT), "not valid JSON");
}

TEST(loader_08_missing_and_wrong_shards)
{
    put_shards();
    CHECK_CONTAINS(index_refused("{\"weight_map\":{\"a\":\"s9.safetensors\"}}", ERR_IO),
                   "s9.safetensors: cannot open");
    CHECK_CONTAINS(index_refused("{\"weight_map\":{\"a\":\"s1.safetensors\"}}", ERR_FORMAT),
                   "tensor b of shard s1.safetensors is not in the index");
    CHECK_CONTAINS(index_refused("{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":"
                                 "\"s2.safetensors\",\"c\":\"s2.safetensors\"}}",
                                 ERR_FORMAT),
                   "tensor b is in the wrong shard: listed in s2.safetensors, found in "
                   "s1.safetensors");
    CHECK_CONTAINS(index_refused("{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":"
                                 "\"s1.safetensors\",\"d\":\"s1.safetensors\"}}",
                                 ERR_FORMAT),
                   "tensor d is listed in s1.safetensors, which does not hold it");
    CHECK_CONTAINS(index_refused("{\"weight_map\":{\"a\":\"s1.safetensors\",\"a\":"
                                 "\"s1.safetensors\"}}",
                                 ERR_FORMAT),
                   "duplicate");
}

TEST(loader_08_tensor_in_two_shards)
{
    struct st_file *f;
    struct err e;
    const struct st_out two = {"a", DT_F32, 1, {1}, &(float){0}};

    put_shards();
    put_shard("s2.safetensors", &two, 1);
    CHECK_INT(open_index("{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":\"s1.safetensors\","
                         "\"c\":\"s2.safetensors\"}}",
                         &f, &e),
              ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "tensor a appears twice");
}

/* A folder of a tensor "x": what it is tells which file was read. */
static void put_in(const char *dir, const char *name, float x, const char *index)
{
    const struct st_out out = {"x", DT_F32, 1, {1}, &x};
    char *path = path_join(dir, name), json[200];
    struct err e;

    if (index)
        snprintf(json, sizeof json, "{\"weight_map\":{\"x\":\"%s\"}}", index);
    CHECK_INT(
        index ? file_write(path, json, strlen(json), &e) : st_write(path, &out, 1, NULL, 0, &e), 0);
    free(path);
}

static float read_x(const char *dir, struct err *e)
{
    struct st_file *f;
    float x = -1;

    *e = (struct err){0};
    if (!st_open(&f, dir, e)) {
        CHECK_INT(st_read_all(f, st_find(f, "x"), &x, DT_F32, e), 0);
        st_close(&f);
    }
    return x;
}

/* Where both are there, the libraries differ in which they take. */
TEST(loader_08_whole_file_beside_shards)
{
    static const struct {
        const char *name;
        float is;
    } rows[] = {{"diffusion_pytorch_model", 2}, {"model", 1}};

    for (int i = 0; i < 2; i++) {
        char *dir = ztest_in_tmp(rows[i].name), name[4][80];
        struct err e;

        snprintf(name[0], 80, "%s.safetensors", rows[i].name);
        snprintf(name[1], 80, "%s-00001-of-00001.safetensors", rows[i].name);
        snprintf(name[2], 80, "%s.safetensors.index.json", rows[i].name);
        CHECK_INT(dir_make(dir, &e), 0);
        put_in(dir, name[1], 2, NULL);
        put_in(dir, name[2], 2, name[1]);
        CHECK(read_x(dir, &e) == 2);
        put_in(dir, name[0], 1, NULL);
        CHECK(read_x(dir, &e) == rows[i].is);
        free(dir);
    }
}

/* NAME.safetensors.index.fp16.json and NAME.fp16-0000I-of-0000N.safetensors, as diffusers calls
 * them: read where there is nothing else, never guessed among several. */
TEST(loader_08_folder_of_a_variant)
{
    char *dir = ztest_in_tmp("variant");
    struct err e;

    CHECK_INT(dir_make(dir, &e), 0);
    put_in(dir, "model.fp16-00001-of-00002.safetensors", 3, NULL);
    put_in(dir, "model.bf16-00001-of-00001.safetensors", 4, NULL);
    CHECK(read_x(dir, &e) == -1);
    CHECK_CONTAINS(e.msg, "2 files of weights (model.bf16-00001-of-00001.safetensors, ");
    put_in(dir, "model.safetensors.index.fp16.json", 3, "model.fp16-00001-of-00002.safetensors");
    CHECK(read_x(dir, &e) == 3);
    put_in(dir, "model.safetensors.index.bf16.json", 4, "model.bf16-00001-of-00001.safetensors");
    CHECK(read_x(dir, &e) == -1);
    CHECK_CONTAINS(e.msg, "2 files of weights (model.safetensors.index.bf16.json, ");
    put_in(dir, "model.safetensors", 5, NULL);
    CHECK(read_x(dir, &e) == 5);
    free(dir);
}

TEST(loader_08_links_stay_inside_the_model)
{
    static const char index[] = "{\"weight_map\":{\"a\":\"s1.safetensors\",\"b\":"
                                "\"s1.safetensors\"}}";
    const char *digest = "0123456789abcdef0123456789abcdef01234567";
    char *root = ztest_in_tmp("hub"), *shots = path_join(root, "snapshots/rev"),
         *blobs = path_join(root, "blobs"), *link = path_join(shots, "s1.safetensors"),
         *blob = path_join(blobs, digest), *from = ztest_in_tmp("s1.safetensors"),
         *json = path_join(shots, "model.safetensors.index.json"), target[100], bad[6][600];
    struct st_file *f;
    struct err e = {0};

    put_shards();
    CHECK(!dir_make(shots, &e) && !dir_make(blobs, &e) && !rename(from, blob));
    CHECK_INT(file_write(json, index, strlen(index), &e), 0);
    snprintf(target, sizeof target, "../../blobs/%s", digest);
    CHECK_INT(symlink(target, link), 0);
    CHECK_INT(st_open(&f, shots, &e), 0); /* a hub cache */
    CHECK_INT(st_count(f), 2);
    st_close(&f);
    snprintf(bad[0], sizeof bad[0], "../../blobs/%sx", digest);
    snprintf(bad[1], sizeof bad[1], "../../blobs/%s/..", digest);
    snprintf(bad[2], sizeof bad[2], "blobs/%s", digest);
    snprintf(bad[3], sizeof bad[3], "../blobs/%s", digest);
    snprintf(bad[4], sizeof bad[4], "../../blobs/../x");
    snprintf(bad[5], sizeof bad[5], "%s", blob); /* the same file by an absolute way */
    for (int i = 0; i < 6; i++) {
        CHECK(!unlink(link) && !symlink(bad[i], link));
        CHECK_INT(st_open(&f, shots, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, "shard name must be a plain file name, but it is a link");
    }
    free(root), free(shots), free(blobs), free(link), free(blob), free(from), free(json);
}
