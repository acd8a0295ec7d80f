/* One file of weights as another: what is packed, what stays wide, what goes with it. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/gguf.h"
#include "model/convert_file.h"
#include "model/store.h"
#include "ztest.h"

static float w[4 * 64], odd[3 * 10], conv[2 * 3 * 4], vector[5], table[6 * 32];
static const struct st_out sample[] = {{"l.weight", DT_F32, 2, {4, 64}, w},
                                       {"l.bias", DT_F32, 1, {5}, vector},
                                       {"odd.weight", DT_F32, 2, {3, 10}, odd},
                                       {"c.weight", DT_F32, 5, {2, 3, 1, 2, 2}, conv},
                                       {"b.modulation", DT_F32, 3, {1, 6, 32}, table}};

static char *source(void)
{
    char *path = path_join(ztest_tmp(), "in.safetensors");
    struct st_pair meta = {"title", "a model"};
    struct err e = {0};

    for (int i = 0; i < 4 * 64; i++)
        w[i] = (float)(i * 37 % 101 - 50) / 16;
    for (int i = 0; i < 6 * 32; i++)
        table[i] = (float)i / 3;
    for (int i = 0; i < 24; i++)
        conv[i] = (float)i;
    CHECK_INT(st_write(path, sample, 5, &meta, 1, &e), 0);
    return path;
}

static struct st_file *converted(const char *from, const char *name, const char *type)
{
    char *to = path_join(ztest_tmp(), name);
    struct st_file *f = NULL;
    struct err e = {0};

    if (file_convert(from, to, type, 1, NULL, NULL, &e) || st_open(&f, to, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(to);
    return f;
}

static const char *type_of(const struct st_file *f, const char *name)
{
    const struct st_tensor *t = st_find(f, name);

    return t ? t->type_name : "none";
}

TEST(convert_file_to_gguf_packs_matrices)
{
    char *from = source();
    struct st_file *f = converted(from, "out.gguf", "q8_0");
    const struct st_tensor *t = st_find(f, "c.weight");
    struct err e = {0};
    float x[4 * 64];

    CHECK_STR(type_of(f, "l.weight"), "Q8_0");
    CHECK_STR(type_of(f, "l.bias"), "F32");
    CHECK_STR(type_of(f, "odd.weight"), "BF16");
    CHECK_STR(type_of(f, "c.weight"), "BF16");
    CHECK_STR(type_of(f, "b.modulation"), "F32");
    CHECK(t->rank == 5 && t->dim[0] == 2 && t->dim[1] == 3 && t->dim[4] == 2);
    CHECK_STR(st_meta(f, "general.architecture"), "unknown");
    CHECK_INT(store_values(f, st_find(f, "l.weight"), 0, 256, x, &e), 0);
    for (int i = 0; i < 256; i++)
        CHECK(fabsf(x[i] - w[i]) <= 50.0f / 16 / 127 / 2 + 2e-3f);
    st_close(&f);
    free(from);
}

TEST(convert_file_and_back_loses_nothing_more)
{
    char *from = source(), *there = path_join(ztest_tmp(), "there.gguf");
    struct st_file *a = converted(from, "there.gguf", "q4_0"),
                   *b = converted(there, "back.safetensors", "f32");
    struct err e = {0};
    float x[256], y[256];

    CHECK_STR(type_of(b, "l.weight"), "F32");
    CHECK_INT(store_values(a, st_find(a, "l.weight"), 0, 256, x, &e), 0);
    CHECK_INT(st_read_all(b, st_find(b, "l.weight"), y, DT_F32, &e), 0);
    CHECK(!memcmp(x, y, sizeof x));
    CHECK_INT(st_read_all(b, st_find(b, "c.weight"), y, DT_F32, &e), 0);
    CHECK(y[23] == 23);
    st_close(&a);
    st_close(&b);
    free(from);
    free(there);
}

TEST(convert_file_to_bytes_has_scales_beside)
{
    char *from = source();
    struct st_file *f = converted(from, "bytes.safetensors", "int8");
    const struct st_tensor *s = st_find(f, "l.weight_scale");
    struct err e = {0};
    float scale[4];

    CHECK_STR(type_of(f, "l.weight"), "I8");
    CHECK_STR(type_of(f, "odd.weight"), "BF16"); /* too short a row */
    CHECK_STR(type_of(f, "l.bias"), "F32");
    CHECK(s && s->rank == 2 && s->dim[0] == 4 && s->dim[1] == 1);
    CHECK_INT(st_read_all(f, s, scale, DT_F32, &e), 0);
    CHECK(scale[0] == 50.0f / 16 / 127);
    CHECK_STR(st_meta(f, "title"), "a model");
    st_close(&f);
    free(from);
}

TEST(convert_file_keeps_what_lies_inside)
{
    struct st_file *f =
        converted(ztest_data("golden/tokenizer-gguf/model.gguf"), "words.gguf", NULL);

    CHECK(gguf_find(f, "tokenizer.ggml.tokens")->n == 298);
    CHECK_STR(st_meta(f, "general.architecture"), "t5encoder");
    st_close(&f);
    f = converted(ztest_data("golden/umt5-gguf/model.gguf"), "text.gguf", NULL);
    CHECK_STR(type_of(f, "enc.blk.0.attn_q.weight"), "Q4_0"); /* as it was */
    st_close(&f);
}

/* Of the reference's file the rotated layer alone. */
static char *rotated_layer(void)
{
    static char w8[4 * 512], mark[128];
    static float scale[4];
    char *path = path_join(ztest_tmp(), "rotated.safetensors");
    struct st_file *f;
    struct err e = {0};

    CHECK_INT(st_open(&f, ztest_data("golden/comfy-quant/model.safetensors"), &e), 0);
    const struct st_tensor *m = st_find(f, "int8_convrot.comfy_quant");
    CHECK(m && m->n < 128);
    CHECK_INT(st_read_all(f, m, mark, DT_U8, &e), 0);
    CHECK_INT(st_read_all(f, st_find(f, "int8_convrot.weight"), w8, DT_I8, &e), 0);
    CHECK_INT(st_read_all(f, st_find(f, "int8_convrot.weight_scale"), scale, DT_F32, &e), 0);
    const struct st_out out[] = {{"int8_convrot.comfy_quant", DT_U8, 1, {m->n}, mark},
                                 {"int8_convrot.weight", DT_I8, 2, {4, 512}, w8},
                                 {"int8_convrot.weight_scale", DT_F32, 2, {4, 1}, scale}};
    CHECK_INT(st_write(path, out, 3, NULL, 0, &e), 0);
    st_close(&f);
    return path;
}

TEST(convert_file_computes_scales)
{
    char *from = rotated_layer();
    struct st_file *f = converted(from, "wide.safetensors", "f32"), *want;
    struct err e = {0};
    static float x[4 * 512], y[4 * 512];

    CHECK_INT(st_open(&want, ztest_data("golden/comfy-quant/outputs.safetensors"), &e), 0);
    CHECK_INT(st_count(f), 1); /* no markers, no scales */
    CHECK_INT(st_read_all(f, st_find(f, "int8_convrot.weight"), x, DT_F32, &e), 0);
    CHECK_INT(st_read_all(want, st_find(want, "int8_convrot.weight"), y, DT_F32, &e), 0);
    for (int i = 0; i < 4 * 512; i++)
        CHECK(fabsf(x[i] - y[i]) <= 1e-6f * fabsf(y[i]) + 1e-6f);
    st_close(&f);
    st_close(&want);
    free(from);
}

static void refused(const char *from, const char *to, const char *type, int code, const char *want)
{
    char *path = path_join(ztest_tmp(), to);
    struct err e = {0};

    CHECK_INT(file_convert(from, path, type, 0, NULL, NULL, &e), code);
    CHECK_CONTAINS(e.msg, want);
    free(path);
}

TEST(convert_file_says_what_it_cannot)
{
    char *from = source();
    struct err e = {0};

    refused(from, "x.safetensors", "q8_0", ERR_USAGE, "f32, bf16, f16, int8");
    refused(from, "x.gguf", "int8", ERR_USAGE, "f32, bf16, f16, q8_0, q5_1, q5_0, q4_1, q4_0");
    refused(ztest_data("golden/comfy-quant/model.safetensors"), "x.safetensors", "f32", ERR_FORMAT,
            "tensor mxfp8.weight is packed in 4 or 8 bits by its marker");
    refused(from, "in.safetensors", "f32", ERR_IO, "exists already; -y overwrites it");
    w[7] = INFINITY;
    CHECK_INT(st_write(from, sample, 5, NULL, 0, &e), 0);
    refused(from, "x.gguf", "q4_0", ERR_FORMAT,
            "in.safetensors: tensor l.weight holds a value that is not finite: Q4_0 has none");
    w[7] = 0;
    free(from);
}
