/* cache.c - one file for each key, named by its hash; the key stands in it, before the text. */
#include "base/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"

enum { ENTRY_BYTES = 1 << 20 };

/* NULL: there is no cache folder. The caller frees. */
static char *folder(void)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (xdg && *xdg == '/') /* relative ones are to be ignored, says the specification */
        return xasprintf("%s/zoetrope", xdg);
    return home && *home == '/' ? xasprintf("%s/.cache/zoetrope", home) : NULL;
}

static char *entry(const char *dir, const char *key)
{
    struct sha256 h;
    char hex[65];

    sha256_init(&h);
    sha256_add(&h, key, strlen(key));
    sha256_hex(&h, hex);
    return path_join(dir, hex);
}

int cache_get(const char *key, char *out, size_t size)
{
    char *dir = folder(), *path = dir ? entry(dir, key) : NULL;
    struct buf b = BUF_INIT;
    size_t n = strlen(key);
    int found = path && !file_read_regular(&b, path, ENTRY_BYTES, NULL) && b.len > n &&
                !memcmp(b.data, key, n) && b.data[n] == '\n' && b.len - n - 1 < size;

    if (found) {
        memcpy(out, b.data + n + 1, b.len - n - 1);
        out[b.len - n - 1] = 0;
    }
    buf_release(&b);
    free(path);
    free(dir);
    return found;
}

void cache_put(const char *key, const char *text)
{
    char *dir = folder(), *path = dir ? entry(dir, key) : NULL;
    struct buf b = BUF_INIT;
    struct err e;

    buf_printf(&b, "%s\n%s", key, text);
    if (path && !dir_make(dir, &e))
        (void)!file_write(path, b.data, b.len, &e);
    buf_release(&b);
    free(path);
    free(dir);
}

char *cache_folder(const char *name)
{
    char *dir = folder(), *path = dir ? path_join(dir, name) : NULL;

    free(dir);
    return path;
}
