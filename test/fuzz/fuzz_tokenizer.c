/* Any bytes as tokenizer.json and as spiece.model: an answer, and what opens encodes any text
 * within its ids. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "model/tokenizer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void encode(const struct tokenizer *t, const uint8_t *data, size_t size)
{
    int32_t *ids;
    int n;

    tokenizer_encode(t, (const char *)data, size < 200 ? size : 200, &ids, &n);
    for (int i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= tokenizer_size(t))
            abort();
    free(ids);
}

static void open_as(const char *ext, const uint8_t *data, size_t size)
{
    char path[64];
    struct tokenizer *t;
    struct err e = {0};
    FILE *f;

    snprintf(path, sizeof path, "/tmp/fuzz-tokenizer-%d.%s", (int)getpid(), ext);
    f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f))
        abort();
    if (tokenizer_open(&t, path, &e) < 0) {
        if (!e.msg[0] || t)
            abort();
    } else {
        encode(t, data, size);
        tokenizer_free(&t);
    }
    unlink(path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    open_as("json", data, size);
    open_as("model", data, size);
    return 0;
}
