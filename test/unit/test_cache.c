/* What is found out once: texts in the user's cache folder, and the hashes of weights there. */
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cache.h"
#include "base/file.h"
#include "fixture.h"
#include "format/safetensors.h"
#include "model/bundle.h"
#include "ztest.h"

/* Another cache folder, empty; and back. */
static void cache_in(const char *name)
{
    char *path = name ? path_join(ztest_tmp(), name) : xstrdup(ztest_tmp());

    setenv("XDG_CACHE_HOME", path, 1);
    free(path);
}

TEST(cache_keeps_texts_by_key)
{
    char out[8] = "x", *path;

    cache_in("cache-a");
    CHECK(!cache_get("key", out, sizeof out));
    cache_put("key", "value");
    cache_put("key\nof two lines", "");
    CHECK(cache_get("key", out, sizeof out));
    CHECK_STR(out, "value");
    CHECK(!cache_get("key", out, 5)); /* no room for it */
    CHECK(cache_get("key\nof two lines", out, 1));
    CHECK_STR(out, "");
    cache_put("key", "other");
    CHECK(cache_get("key", out, sizeof out));
    CHECK_STR(out, "other");
    setenv("XDG_CACHE_HOME", "relative", 1); /* is not a place */
    path = path_join(ztest_tmp(), "home");
    setenv("HOME", path, 1);
    CHECK(!cache_get("key", out, sizeof out));
    cache_put("key", "home");
    CHECK(cache_get("key", out, sizeof out) && !strcmp(out, "home"));
    CHECK(!dir_exists("relative"));
    setenv("HOME", "/dev/null", 1); /* where nothing can be kept nothing fails */
    cache_put("key", "lost");
    CHECK(!cache_get("key", out, sizeof out));
    free(path);
    cache_in(NULL);
}

/* Calls fn for each entry of the cache folder of that name; returns how many there are. */
static int entries(const char *name, void (*fn)(const char *path))
{
    char *cache = path_join(ztest_tmp(), name), *dir = path_join(cache, "zoetrope");
    DIR *d = opendir(dir);
    int n = 0;

    for (struct dirent *it; d && (it = readdir(d));)
        if (it->d_name[0] != '.') {
            char *path = path_join(dir, it->d_name);

            n++;
            if (fn)
                fn(path);
            free(path);
        }
    if (d)
        closedir(d);
    free(dir);
    free(cache);
    return n;
}

static void end_key_with_a_space(const char *path)
{
    struct buf b = BUF_INIT;
    struct err e;

    CHECK_INT(file_read(&b, path, 1 << 16, &e), 0);
    CHECK_STR(buf_str(&b), "some key\nits text");
    b.data[8] = ' ';
    CHECK_INT(file_write(path, b.data, b.len, &e), 0);
    buf_release(&b);
}

/* The file of an entry belongs to a key that ends where a line ends, or to none. */
TEST(cache_entries_say_their_whole_key)
{
    char out[32];

    cache_in("cache-d");
    cache_put("some key", "its text");
    CHECK(cache_get("some key", out, sizeof out));
    CHECK_INT(entries("cache-d", end_key_with_a_space), 1);
    CHECK(!cache_get("some key", out, sizeof out));
    cache_in(NULL);
}

static void change_last_digit(const char *path)
{
    struct buf b = BUF_INIT;
    struct err e;

    CHECK_INT(file_read(&b, path, 1 << 16, &e), 0);
    b.data[b.len - 1] = b.data[b.len - 1] == '0' ? '1' : '0';
    CHECK_INT(file_write(path, b.data, b.len, &e), 0);
    buf_release(&b);
}

/* The default model is older than the test: its weights are hashed once, file by file. */
TEST(hashes_of_weights_are_made_once)
{
    char first[65], again[65];
    struct stat st;
    struct err e;

    if (stat(ztest_data("../model/vae/diffusion_pytorch_model.safetensors"), &st) ||
        st.st_ctime + 3 > time(NULL))
        ztest_skip("the default model was written this moment");
    cache_in("cache-b");
    CHECK_INT(bundle_hash(ztest_data("../model"), NULL, first, &e), 0);
    CHECK_INT(entries("cache-b", NULL), 5); /* text, transformer, vae, two upsamplers */
    CHECK_INT(bundle_hash(ztest_data("../model"), NULL, again, &e), 0);
    CHECK_STR(first, again);
    entries("cache-b", change_last_digit);
    CHECK_INT(bundle_hash(ztest_data("../model"), NULL, again, &e), 0);
    CHECK(strcmp(first, again));
    cache_in(NULL);
}

/* What was written a moment ago may be written again within the same tick of the clock. */
TEST(hashes_of_young_files_are_not_kept)
{
    char *dir = path_join(ztest_tmp(), "young"), *path = path_join(dir, "model.safetensors");
    struct buf key = BUF_INIT, other = BUF_INIT;
    struct st_out t = {.name = "a", .type = DT_F32, .rank = 1, .dim = {1}, .data = &(float){1}};
    struct st_file *f;
    struct err e;

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(st_write(path, &t, 1, NULL, 0, &e), 0);
    CHECK_INT(st_open(&f, path, &e), 0);
    CHECK(!st_identity(f, &key));
    CHECK_INT(chmod(path, 0600), 0);
    usleep(20000);
    CHECK_INT(chmod(path, 0644), 0); /* any change shows */
    CHECK(!st_identity(f, &other));
    CHECK(strcmp(buf_str(&key), buf_str(&other)));
    st_close(&f);
    buf_release(&key);
    buf_release(&other);
    free(path);
    free(dir);
}

/* Numbers of a file's identity stand apart: 1 and 23 are not 12 and 3. */
TEST(identity_of_a_file)
{
    char *path = ztest_in_tmp("identity.safetensors"), want[256];
    struct buf key = BUF_INIT;
    struct st_out t = {.name = "a", .type = DT_F32, .rank = 1, .dim = {1}, .data = &(float){1}};
    struct st_file *f;
    struct stat st;
    struct err e;

    CHECK_INT(st_write(path, &t, 1, NULL, 0, &e), 0);
    CHECK_INT(st_open(&f, path, &e), 0);
    st_identity(f, &key);
    CHECK_INT(stat(path, &st), 0);
    snprintf(want, sizeof want, "%llu %llu %llu %lld.%09ld %lld.%09ld\n",
             (unsigned long long)st.st_dev, (unsigned long long)st.st_ino,
             (unsigned long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
             (long long)st.st_ctim.tv_sec, st.st_ctim.tv_nsec);
    CHECK_STR(buf_str(&key), want);
    st_close(&f);
    buf_release(&key);
    free(path);
}

TEST(hashing_stops_when_asked)
{
    atomic_int stop = 1;
    char hex[65];
    struct err e = {0};

    cache_in("cache-c");
    CHECK_INT(bundle_hash(fixture_dir(), &stop, hex, &e), ERR_CANCEL);
    CHECK_INT(entries("cache-c", NULL), 0);
    cache_in(NULL);
}
