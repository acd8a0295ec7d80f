/* Model directories in another type: a whole model or nothing, and never in the place of something
 * else. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/tree.h"
#include "fixture.h"
#include "model/bundle.h"
#include "model/convert.h"
#include "ztest.h"

static void put(const char *dir, const char *name, const char *text)
{
    char *path = path_join(dir, name), *folder = path_dir(path);
    struct err e = {0};

    CHECK_INT(dir_make(folder, &e), 0);
    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    free(folder);
    free(path);
}

static int has(const char *dir, const char *name)
{
    char *path = path_join(dir, name);
    int there = !access(path, F_OK);

    free(path);
    return there;
}

static int same_file(const char *a, const char *b, const char *name)
{
    char *pa = path_join(a, name), *pb = path_join(b, name);
    struct buf x = BUF_INIT, y = BUF_INIT;
    struct err e = {0};
    int same = !file_read(&x, pa, 1 << 24, &e) && !file_read(&y, pb, 1 << 24, &e) &&
               x.len == y.len && !memcmp(x.data, y.data, x.len);

    buf_release(&x);
    buf_release(&y);
    free(pa);
    free(pb);
    return same;
}

/* Names in the folder for tests that begin like this: what was left behind shows here. */
static int n_named(const char *start)
{
    DIR *d = opendir(ztest_tmp());
    struct dirent *entry;
    int n = 0;

    while ((entry = readdir(d)))
        n += !strncmp(entry->d_name, start, strlen(start));
    closedir(d);
    return n;
}

static int convert(const char *from, const char *to, enum dtype type, int overwrite, struct err *e)
{
    return model_convert(from, to, type, overwrite, NULL, e);
}

TEST(convert_writes_a_model_in_bytes)
{
    char *from = ztest_in_tmp("source"), *to = ztest_in_tmp("bytes"), *back = ztest_in_tmp("back"),
         a[65], b[65];
    struct stored_bytes stored[BUNDLE_TYPES];
    uint64_t sum = 0;
    struct bundle *m;
    struct err e = {0};

    fixture_model(from);
    put(from, "CARD.md", "what it is");
    put(from, "vae/notes/more.txt", "words");
    put(from, ".cache/secret", "not of the model");
    if (convert(from, to, DT_I8, 0, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK_INT(n_named("bytes"), 1);
    CHECK(!has(to, ".cache"));
    CHECK(same_file(from, to, "CARD.md") && same_file(from, to, "vae/notes/more.txt") &&
          same_file(from, to, "model_index.json") && same_file(from, to, "vae/config.json") &&
          same_file(from, to, "tokenizer/tokenizer.json"));
    CHECK_INT(bundle_stored(to, stored, &e), 0);
    for (int t = 0; stored[t].type; t++)
        sum += stored[t].bytes;
    CHECK_STR(stored[0].type, "I8");
    CHECK(stored[0].bytes > sum / 2);
    CHECK_INT(bundle_open(&m, to, device_cpu(), DT_BF16, NULL, &e), 0);
    CHECK_INT(m->n_bad_weights, 0);
    bundle_free(&m);
    CHECK_INT(bundle_hash(from, NULL, a, &e), 0);
    CHECK_INT(bundle_hash(to, NULL, b, &e), 0);
    CHECK(strcmp(a, b));
    CHECK_INT(convert(to, back, DT_F32, 0, &e), 0);
    CHECK_INT(bundle_stored(back, stored, &e), 0);
    CHECK_STR(stored[0].type, "F32");
    CHECK(!stored[1].type && stored[0].bytes > sum);
    CHECK_INT(tree_remove(from, &e), 0);
    free(from);
    free(to);
    free(back);
}

TEST(convert_overwrites_models_alone)
{
    char *to = ztest_in_tmp("target"), *from = ztest_in_tmp("source-2"),
         *within = path_join(from, "in/here"), *around = ztest_in_tmp("around"),
         *inner = path_join(around, "inner"), *index = path_join(to, "model_index.json");
    struct err e = {0};

    fixture_model(from);
    CHECK_INT(dir_make(to, &e), 0);
    CHECK_INT(convert(from, to, DT_I8, 0, &e), 0); /* an empty folder is a place like any other */
    put(to, "old.txt", "of the model before");
    CHECK_INT(convert(from, to, DT_BF16, 0, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "exists already; -y overwrites it");
    CHECK(has(to, "old.txt"));
    CHECK_INT(convert(from, to, DT_BF16, 1, &e), 0);
    CHECK(!has(to, "old.txt") && has(to, "model_index.json"));
    CHECK_INT(convert(to, to, DT_I8, 1, &e), 0);
    CHECK_INT(n_named("target"), 1);

    CHECK_INT(unlink(index), 0);
    CHECK_INT(convert(from, to, DT_I8, 1, &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "is no model");
    CHECK(has(to, "transformer/config.json"));

    CHECK_INT(convert(from, within, DT_I8, 0, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "lies within");
    CHECK(!has(from, "in"));
    fixture_model(around);
    fixture_model(inner);
    CHECK_INT(convert(inner, around, DT_I8, 1, &e), ERR_USAGE);
    CHECK(has(inner, "model_index.json"));
    free(to);
    free(from);
    free(within);
    free(around);
    free(inner);
    free(index);
}

TEST(convert_leaves_no_half_a_model)
{
    char *from = ztest_in_tmp("source-3"), *to = ztest_in_tmp("never"),
         *pipe = path_join(from, "pipe"),
         *weights = path_join(from, "vae/diffusion_pytorch_model.safetensors");
    volatile sig_atomic_t stop = 1;
    struct err e = {0};

    fixture_model(from);
    CHECK_INT(model_convert(from, to, DT_I8, 0, &stop, &e), ERR_CANCEL);
    CHECK_INT(n_named("never"), 0);
    CHECK_INT(mkfifo(pipe, 0600), 0);
    CHECK_INT(convert(from, to, DT_I8, 0, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "pipe: not a regular file");
    CHECK_INT(n_named("never"), 0);
    CHECK_INT(unlink(pipe), 0);
    CHECK_INT(truncate(weights, 1000), 0);
    CHECK_INT(convert(from, to, DT_I8, 0, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, weights);
    CHECK_INT(n_named("never"), 0);
    free(from);
    free(to);
    free(pipe);
    free(weights);
}
