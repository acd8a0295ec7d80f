/* Any bytes behind the magic of GGUF: opening, listing, reading and hashing must end in an answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/gguf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_values(const struct st_file *f)
{
    volatile double sum = 0;

    for (int k = 0; k < gguf_count(f); k++) {
        const struct gguf_value *v = gguf_at(f, k);
        size_t at = 0, n;
        const char *s;

        if (gguf_find(f, v->key) != v)
            abort();
        while (gguf_string(v, &at, &s, &n))
            for (size_t i = 0; i < n; i++)
                sum += s[i];
        for (int64_t i = 0; i < v->n; i++)
            sum += gguf_real(v, i) + (double)gguf_int(v, i);
    }
}

static void read_tensors(const struct st_file *f)
{
    struct err e;
    char hex[65];

    for (int i = 0; i < st_count(f); i++) {
        const struct st_tensor *t = st_at(f, i);
        char *raw = malloc(t->bytes + 1); /* data lies in the input, so this is small */

        if (!raw || st_find(f, t->name) != t || st_read_bytes(f, t, 0, t->bytes, raw, &e) < 0)
            abort();
        free(raw);
    }
    if (st_hash(f, NULL, hex, &e) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct st_file *f;
    struct err e = {0};
    char path[64];
    int fd = memfd_create("fuzz", 0);

    if (fd < 0 || write(fd, "GGUF", 4) != 4 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (st_open(&f, path, &e) == 0) {
        read_values(f);
        read_tensors(f);
        st_close(&f);
    } else if (!e.code || !e.msg[0] || f) {
        abort(); /* a refusal says why */
    }
    close(fd);
    return 0;
}
