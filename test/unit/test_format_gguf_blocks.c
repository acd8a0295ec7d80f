/* Blocks of every packed type of ggml, made of bytes by the rule of gguf_blocks in
 * test/golden/make.py: all their values have the bits that the gguf package gives them. */
#include <stdlib.h>

#include "base/hash.h"
#include "format/gguf.h"
#include "format/json.h"
#include "kern/stored.h"
#include "ztest.h"

static void draw(uint64_t seed, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        out[i] = (uint8_t)(seed >> 33);
    }
}

/* High bytes of f16 scales: neither infinite nor NaN. */
static const struct {
    const char *type;
    int scale[2];
} rows[] = {{"Q2_K", {81, 83}},   {"Q3_K", {109, 109}}, {"Q4_K", {1, 3}},    {"Q5_K", {1, 3}},
            {"Q6_K", {209, 209}}, {"IQ4_NL", {1, 1}},   {"IQ4_XS", {1, 1}},  {"IQ2_XXS", {1, 1}},
            {"IQ2_XS", {1, 1}},   {"IQ2_S", {1, 1}},    {"IQ3_XXS", {1, 1}}, {"IQ3_S", {1, 1}},
            {"IQ1_S", {1, 1}},    {"IQ1_M", {55, 55}},  {"TQ1_0", {53, 53}}, {"TQ2_0", {65, 65}}};

TEST(gguf_blocks_have_the_bits_of_the_package)
{
    struct jdoc *doc;
    struct err e = {0};

    CHECK_INT(jdoc_read(&doc, ztest_data("golden/gguf-blocks/config.json"), 1 << 20, &e), 0);
    struct jval root = jdoc_root(doc), hashes = j_object(root, "hash");
    int n = (int)j_int(root, "blocks", 1, 1 << 20), bad = 0;
    uint64_t seed = (uint64_t)j_int(root, "seed", 0, INT32_MAX);

    CHECK_INT(j_len(hashes), sizeof rows / sizeof *rows);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct stored_form *f = stored_named(rows[i].type);
        struct sha256 h;
        char hex[65];
        int bytes;

        CHECK(f != NULL);
        CHECK_INT(f->block, gguf_block(rows[i].type, &bytes));
        CHECK_INT(f->bytes, bytes);
        uint8_t *raw = malloc((size_t)(n * bytes));
        float *out = malloc(sizeof *out * (size_t)(n * f->block));
        draw(seed, raw, (size_t)(n * bytes));
        for (int k = 0; k < n; k++) {
            raw[k * bytes + rows[i].scale[0]] &= 0xcf;
            raw[k * bytes + rows[i].scale[1]] &= 0xcf;
        }
        f->unpack(out, raw, (int64_t)n * f->block);
        sha256_init(&h);
        sha256_add(&h, out, sizeof *out * (size_t)(n * f->block));
        sha256_hex(&h, hex);
        if (strcmp(hex, j_string(hashes, rows[i].type)) && ++bad)
            printf("    %s has other bits\n", rows[i].type);
        free(raw);
        free(out);
    }
    CHECK_INT(bad, 0);
    CHECK_INT(jdoc_status(doc, &e), 0);
    jdoc_close(&doc);
}
