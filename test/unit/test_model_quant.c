/* Files of 8-bit floats and bytes as others write them: scales by both their names, markers, and
 * what is refused. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "fixture.h"
#include "model/store.h"
#include "tensor/ops.h"
#include "ztest.h"

static const struct naming no_rules[] = {{NULL, NULL}};
static const char *const no_names[] = {NULL};
static const struct store_names plain_names = {no_rules, no_names, no_rules, 0, NULL};

/* The header with ' for ", then the data. */
static char *put(const char *header, const void *data, size_t bytes)
{
    char *path = path_join(ztest_tmp(), "q.safetensors");
    struct buf b = BUF_INIT;
    struct err e = {0};
    size_t n = strlen(header);

    for (int i = 0; i < 8; i++)
        buf_putc(&b, (char)(n >> 8 * i));
    for (const char *s = header; *s; s++)
        buf_putc(&b, (char)(*s == '\'' ? '"' : *s));
    buf_add(&b, data, bytes);
    CHECK_INT(file_write(path, b.data, b.len, &e), 0);
    buf_release(&b);
    return path;
}

/* l.weight [2,16] of that file; NULL or what it holds. */
static int load(const char *header, const void *data, size_t bytes, float x[32], struct err *e)
{
    char *path = put(header, data, bytes);
    struct weight_set s;
    int rc;

    weight_set_init(&s);
    weight_declare(&s, "l.weight", 1, INIT_ZERO, 0, DIMS(2, 16));
    rc = store_load(&s, path, &plain_names, device_cpu(), DT_F32, 0, NULL, e);
    if (!rc)
        weight_read(s.all[0], x);
    weight_set_release(&s);
    free(path);
    return rc;
}

/* 1.5 is 0x3c, -2 is 0xc0. */
static void fill(uint8_t data[40], float scale)
{
    for (int i = 0; i < 32; i++)
        data[i] = i % 2 ? 0xc0 : 0x3c;
    memcpy(data + 32, &scale, 4);
}

TEST(quant_scaled_f8_by_its_old_names)
{
    static const char *const rows[] = {
        "{'l.weight':{'dtype':'F8_E4M3','shape':[2,16],'data_offsets':[0,32]},"
        "'l.scale_weight':{'dtype':'F32','shape':[1],'data_offsets':[32,36]},"
        "'l.scale_input':{'dtype':'F32','shape':[],'data_offsets':[36,40]},"
        "'scaled_fp8':{'dtype':'F8_E4M3','shape':[0],'data_offsets':[40,40]}}",
        "{'model.diffusion_model.l.weight':{'dtype':'F8_E4M3','shape':[2,16],'data_offsets':[0,32]}"
        ","
        "'model.diffusion_model.l.scale_weight':{'dtype':'F32','shape':[],'data_offsets':[32,36]},"
        "'model.diffusion_model.scaled_fp8':{'dtype':'F8_E4M3','shape':[4],"
        "'data_offsets':[36,40]}}"};
    uint8_t data[40] = {0};

    fill(data, 0.25f);
    for (int r = 0; r < 2; r++) {
        struct err e = {0};
        float x[32];

        CHECK_INT(load(rows[r], data, 40, x, &e), 0);
        for (int i = 0; i < 32; i++)
            CHECK(x[i] == (i % 2 ? -0.5f : 0.375f));
    }
}

TEST(quant_f8_without_scales_is_what_it_says)
{
    uint8_t data[40];
    float x[32];
    struct err e = {0};

    fill(data, 0);
    CHECK_INT(load("{'l.weight':{'dtype':'F8_E4M3','shape':[2,16],'data_offsets':[0,32]}}", data,
                   32, x, &e),
              0);
    CHECK(x[0] == 1.5f && x[31] == -2);
    CHECK_INT(load("{'l.weight':{'dtype':'F8_E5M2','shape':[2,16],'data_offsets':[0,32]}}", data,
                   32, x, &e),
              0);
    CHECK(x[0] == 1 && x[31] == -2);
}

static void refused(const char *header, const char *want)
{
    uint8_t data[200] = {0};
    float x[32];
    struct err e = {0};
    const char *last = strrchr(header, ',');

    CHECK_INT(load(header, data, (size_t)atoi(last + 1), x, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "q.safetensors: ");
    CHECK_CONTAINS(e.msg, want);
}

TEST(quant_what_is_not_computed_is_named)
{
    refused("{'l.weight':{'dtype':'F8_E8M0','shape':[2,16],'data_offsets':[0,32]}}",
            "tensor \"l.weight\" is F8_E8M0, which cannot be computed (F32 BF16 F16");
    refused("{'l.weight':{'dtype':'I8','shape':[2,16],'data_offsets':[0,32]}}",
            "is I8 without scales");
    refused("{'l.weight':{'dtype':'F32','shape':[2,16],'data_offsets':[0,128]},"
            "'l.weight_scale':{'dtype':'F32','shape':[2,1],'data_offsets':[128,136]}}",
            "scales \"l.weight\", which is F32 and not I8 or F8");
    refused("{'__metadata__':{'_quantization_metadata':'{\\'layers\\':{\\'l\\':{\\'format\\':"
            "\\'nvfp4\\'}}}'},'l.weight':{'dtype':'I8','shape':[2,16],'data_offsets':[0,32]},"
            "'l.weight_scale':{'dtype':'F32','shape':[2,1],'data_offsets':[32,40]}}",
            "is I8 of [2,16], its marker and the config want U8 for [2,16]");
    refused("{'__metadata__':{'_quantization_metadata':'{\\'layers\\':{\\'l\\':{\\'format\\':"
            "\\'fp3\\'}}}'},'l.weight':{'dtype':'I8','shape':[2,16],'data_offsets':[0,32]},"
            "'l.weight_scale':{'dtype':'F32','shape':[2,1],'data_offsets':[32,40]}}",
            "layer l is stored as \"fp3\"; int8_tensorwise,");
    refused("{'__metadata__':{'_quantization_metadata':'{\\'layers\\':{\\'l\\':{\\'format\\':"
            "\\'int8_tensorwise\\',\\'convrot\\':true,\\'convrot_groupsize\\':32}}}'},"
            "'l.weight':{'dtype':'I8','shape':[2,16],'data_offsets':[0,32]},"
            "'l.weight_scale':{'dtype':'F32','shape':[2,1],'data_offsets':[32,40]}}",
            "with convrot in groups of 32; int8_tensorwise and convrot_w4a4 in groups");
    refused("{'__metadata__':{'_quantization_metadata':'{\\'layers\\':{\\'l\\':{\\'format\\':"
            "\\'int8_tensorwise\\',\\'convrot\\':true}}}'},"
            "'l.weight':{'dtype':'I8','shape':[2,16],'data_offsets':[0,32]},"
            "'l.weight_scale':{'dtype':'F32','shape':[2,1],'data_offsets':[32,40]}}",
            "has rows of 16 values, its convrot_groupsize is 256");
}
