/* What a model's files hold: the hash that recipes and caches know them by, and bytes by type. */
#include <stdlib.h>
#include <string.h>

#include "base/cache.h"
#include "base/file.h"
#include "base/hash.h"
#include "format/safetensors.h"
#include "model/bundle.h"
#include "model/bundle_inner.h"

#define HASH_MAX_BYTES (64u << 20) /* of a config or tokenizer file */

/* st_hash, made once for as long as the files are what they are; kept: ERR_CHECK if it was not. */
static int hash_once(const struct st_file *f, int kept, const atomic_int *stop, char hex[65],
                     struct err *e)
{
    struct buf key = BUF_INIT;
    int rc = 0, lasting;

    buf_puts(&key, "st_hash 1\n");
    lasting = st_identity(f, &key);
    if (!lasting || !cache_get(buf_str(&key), hex, 65) || strlen(hex) != 64) {
        rc = kept ? err_set(e, ERR_CHECK, "the file has not been read yet")
                  : st_hash(f, stop, hex, e);
        if (!rc && lasting)
            cache_put(buf_str(&key), hex);
    }
    buf_release(&key);
    return rc;
}

static int hash_weights(struct sha256 *h, const char *dir, const char *part, int kept,
                        const atomic_int *stop, struct err *e)
{
    char *path = path_join(dir, part), hex[65];
    struct st_file *f;
    int rc = st_open(&f, path, e);

    if (!rc) {
        rc = hash_once(f, kept, stop, hex, e);
        st_close(&f);
    }
    if (!rc) {
        sha256_add(h, part, strlen(part) + 1);
        sha256_add(h, hex, 64);
    }
    free(path);
    return rc;
}

/* Where `"key": value,` begins (a number or a word), and *n of its bytes, with all of its line
 * where nothing else is in it; the end of the text when there is none. */
static size_t pair_of(const char *text, const char *key, size_t *n)
{
    const char *at = strstr(text, key), *end = at ? at + strlen(key) : NULL;

    *n = 0;
    if (!at)
        return strlen(text);
    end += strspn(end, " \t\r\n:");
    end += strcspn(end, " \t\r\n,}");
    end += *end == ',';
    const char *line = at, *rest = end + strspn(end, " \t\r");
    while (line > text && strchr(" \t", line[-1]))
        line--;
    if (*rest == '\n' && (line == text || line[-1] == '\n')) {
        at = line;
        end = rest + 1;
    }
    *n = (size_t)(end - at);
    return (size_t)(at - text);
}

static void hash_named(struct sha256 *h, const char *name, const struct buf *b)
{
    sha256_add(h, name, strlen(name) + 1);
    sha256_add(h, b->data, b->len);
}

static int hash_file(struct sha256 *h, const char *dir, const char *name, struct err *e)
{
    char *path = path_join(dir, name);
    struct buf b = BUF_INIT;
    int rc = file_read_regular(&b, path, HASH_MAX_BYTES, e);

    if (!rc)
        hash_named(h, name, &b);
    buf_release(&b);
    free(path);
    return rc;
}

/* What a film is when nothing is said of it: recipes hold it, and stay true. */
static int hash_index(struct sha256 *h, const char *dir, struct err *e)
{
    static const char *const but[] = {"\"" BUNDLE_SHOWN_RATE "\"",    "\"" BUNDLE_STAGGER "\"",
                                      "\"" BUNDLE_SHARPEN "\"",       "\"" BUNDLE_FADE "\"",
                                      "\"" BUNDLE_TYPE "\"",          "\"" BUNDLE_OWN_HEIGHT "\"",
                                      "\"" BUNDLE_GUIDANCE_GIVEN "\""};
    const char *name = "model_index.json";
    char *path = path_join(dir, name);
    struct buf b = BUF_INIT;
    int rc = file_read_regular(&b, path, HASH_MAX_BYTES, e);

    for (int i = 0; !rc && i < (int)(sizeof but / sizeof *but); i++) {
        size_t n, at = pair_of(buf_str(&b), but[i], &n);

        if (n) /* a zero byte may stand before the end */
            memmove(b.data + at, b.data + at + n, b.len - at - n + 1);
        b.len -= n;
    }
    if (!rc)
        hash_named(h, name, &b);
    buf_release(&b);
    free(path);
    return rc;
}

static int hash_tokenizer(struct sha256 *h, const char *dir, int k, struct err *e)
{
    const char *own = bundle_tokenizer_folder(k);
    char *folder = path_join(dir, own), *name = path_join(own, tokenizer_file(folder));
    int rc = hash_file(h, dir, name, e);

    free(folder);
    free(name);
    return rc;
}

static void add_stored(struct stored_bytes sum[BUNDLE_TYPES], const struct st_tensor *t)
{
    int k = 0;

    while (k < BUNDLE_TYPES - 2 && sum[k].type && strcmp(sum[k].type, t->type_name))
        k++;
    if (!sum[k].type)
        sum[k].type = t->type_name;
    sum[k].bytes += t->bytes;
}

static int by_bytes(const void *a, const void *b)
{
    const struct stored_bytes *x = a, *y = b;

    return x->bytes < y->bytes ? 1 : x->bytes > y->bytes ? -1 : 0;
}

int bundle_stored(const char *dir, struct stored_bytes sum[BUNDLE_TYPES], struct err *e)
{
    int rc = 0, n = 0;

    memset(sum, 0, sizeof *sum * BUNDLE_TYPES);
    for (int p = 0; !rc && p < N_PLACES; p++) {
        char *path = path_join(dir, bundle_folder(p));
        struct st_file *f = NULL;

        if (bundle_wants(dir, p))
            rc = st_open(&f, path, e);
        for (int i = 0; f && i < st_count(f); i++)
            add_stored(sum, st_at(f, i));
        st_close(&f);
        free(path);
    }
    while (sum[n].type)
        n++;
    qsort(sum, (size_t)n, sizeof *sum, by_bytes);
    return rc;
}

int bundle_hash(const char *dir, const atomic_int *stop, char hex[65], struct err *e)
{
    struct bundle_info info;
    struct sha256 h;
    int rc = bundle_info_read(&info, dir, e);

    sha256_init(&h);
    if (!rc)
        rc = hash_index(&h, dir, e);
    if (!rc && info.diffusers)
        rc = hash_file(&h, dir, BUNDLE_SCHEDULER, e);
    for (int k = 0; !rc && k < DENOISER_TEXTS; k++)
        if (bundle_wants(dir, PLACE_TEXT + k))
            rc = hash_tokenizer(&h, dir, k, e);
    for (int i = 0; !rc && i < N_PLACES; i++) {
        char *config = path_join(bundle_folder(i), "config.json");

        if (bundle_wants(dir, i))
            rc = hash_file(&h, dir, config, e);
        free(config);
    }
    for (int i = 0; !rc && i < N_PLACES; i++)
        if (bundle_wants(dir, i))
            rc = hash_weights(&h, dir, bundle_folder(i), 0, stop, e);
    sha256_hex(&h, hex);
    return rc;
}

int bundle_text_hash(const char *dir, int k, int kept, char hex[65], struct err *e)
{
    const char *folder = bundle_folder(k ? PLACE_TEXT2 : PLACE_TEXT);
    char *config = path_join(folder, "config.json");
    struct sha256 h;
    int rc;

    sha256_init(&h);
    rc = hash_weights(&h, dir, folder, kept, NULL, e);
    if (!rc)
        rc = hash_file(&h, dir, config, e);
    if (!rc)
        rc = hash_tokenizer(&h, dir, k, e);
    sha256_hex(&h, hex);
    free(config);
    return rc;
}

int bundle_part_hash(const char *folder, char hex[65], struct err *e)
{
    struct sha256 h;
    int rc;

    sha256_init(&h);
    rc = hash_weights(&h, folder, ".", 0, NULL, e);
    if (!rc)
        rc = hash_file(&h, folder, "config.json", e);
    sha256_hex(&h, hex);
    return rc;
}
