/* Products over matrices as files keep them: the bits of a product over the same values, widened
 * beforehand, in every set of kernels. One form is made up here, to show that a form is nothing but
 * a row of {block, bytes, unpack}. */
#include <math.h>
#include <stdlib.h>

#include "base/rng.h"
#include "format/safetensors.h"
#include "kern/kern.h"
#include "tensor/ops.h"
#include "tensor/weight.h"
#include "ztest.h"

/* 24 values: a step in 1/1024, then 24 numbers of 4 bits around it. */
enum { MADE_UP_BLOCK = 24, MADE_UP_BYTES = 14 };

static void unpack_made_up(float *out, const void *blocks, int64_t n)
{
    const uint8_t *p = blocks;

    for (int64_t b = 0; b < n; b += MADE_UP_BLOCK, p += MADE_UP_BYTES) {
        float step = (float)(p[0] | p[1] << 8) / 1024;

        for (int i = 0; i < MADE_UP_BLOCK; i++)
            out[b + i] = (float)((p[2 + i / 2] >> 4 * (i % 2) & 15) - 8) * step;
    }
}

static const struct stored_form made_up = {"MADE_UP", MADE_UP_BLOCK, MADE_UP_BYTES, unpack_made_up,
                                           NULL};

/* A matrix of rows x row_values in some form, and the same in f32 and in bf16. */
struct two {
    struct stored s;
    char *data;
    float *scale, *wide;
    bf16 *narrow;
};

static void two_make(struct two *t, const struct stored_form *form, int scaled, int64_t rows,
                     int64_t n)
{
    size_t bytes;

    t->s = (struct stored){.form = form, .row_values = n};
    bytes = (size_t)rows * stored_row_bytes(&t->s);
    t->data = xmalloc(bytes);
    t->scale = xmalloc((size_t)rows * sizeof *t->scale);
    t->wide = xmalloc((size_t)(rows * n) * sizeof *t->wide);
    t->narrow = xmalloc((size_t)(rows * n) * sizeof *t->narrow);
    for (int64_t i = 0; i < rows; i++)
        t->scale[i] = 0.003f * (float)(i + 1);
    for (size_t i = 0; i < bytes; i++) /* any bits that are no NaN */
        t->data[i] = (char)(i * 2654435761u >> 13 & (i % 2 || form->bytes % 2 ? 0xbb : 0xff));
    for (int64_t i = 0; i < rows; i++) {
        form->unpack(t->wide + i * n, t->data + (size_t)i * stored_row_bytes(&t->s), n);
        for (int64_t k = 0; k < n; k++) {
            t->wide[i * n + k] *= scaled ? t->scale[i] : 1;
            t->narrow[i * n + k] = f32_to_bf16(t->wide[i * n + k]);
        }
    }
    t->s.scale = scaled ? t->scale : NULL;
}

static void two_free(struct two *t)
{
    free(t->data);
    free(t->scale);
    free(t->wide);
    free(t->narrow);
}

typedef void product_fn(struct kcx *, struct k_matmul *);

/* c must not depend on how b is kept. */
static void same_product(product_fn *fn, int turned, const struct two *t, int64_t m, int64_t n,
                         int64_t k, enum dtype type, struct threads *th)
{
    struct kcx kc;
    char *a = xmalloc((size_t)(m * k) * 4);
    float *c[2] = {xcalloc((size_t)(m * n), 4), xcalloc((size_t)(m * n), 4)};
    struct k_matmul q = {.m = m,
                         .n = n,
                         .k = k,
                         .lda = k,
                         .ldb = turned ? k : n,
                         .ldc = n,
                         .a_type = type,
                         .b_type = type,
                         .c_type = DT_F32,
                         .a = a};

    for (int64_t i = 0; i < m * k; i++) {
        float x = (float)(i * 7919 % 201 - 100) / 64;

        dtype_convert(a + (size_t)i * dtype_bytes(type), type, &x, DT_F32, 1);
    }
    kcx_init(&kc, th);
    for (int i = 0; i < 2; i++) {
        q.b = i ? (const void *)t->data : type == DT_F32 ? (void *)t->wide : (void *)t->narrow;
        q.b_form = i ? &t->s : NULL;
        q.c = c[i];
        fn(&kc, &q);
    }
    CHECK(!memcmp(c[0], c[1], (size_t)(m * n) * 4));
    CHECK(c[0][m * n - 1] != 0);
    kcx_release(&kc);
    free(a);
    free(c[0]);
    free(c[1]);
}

static void in_set(const char *name, const struct stored_form *form, int scaled)
{
    static const int64_t shapes[][3] = {{1, 5, 24}, {7, 70, 48}, {200, 130, 1224}, {33, 600, 1032}};
    const struct kernels *k = kernels_named(name);
    struct threads *th = threads_new(3);

    for (size_t i = 0; k && i < sizeof shapes / sizeof *shapes; i++) {
        int64_t m = shapes[i][0], n = shapes[i][1];
        int64_t len = (shapes[i][2] + form->block - 1) / form->block * form->block;
        struct two t;

        two_make(&t, form, scaled, n, len);
        for (int bf = 0; bf < 2; bf++) {
            enum dtype type = bf ? DT_BF16 : DT_F32;

            same_product(k->matmul_nt, 1, &t, m, n, len, type, th);
            same_product(k->matmul_nn, 0, &t, m, len, n, type, th);
        }
        two_free(&t);
    }
    threads_free(&th);
}

static void in_all_sets(const struct stored_form *form, int scaled)
{
    static const char *const sets[] = {"c", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        in_set(sets[i], form, scaled);
}

TEST(stored_products_have_the_bits_of_widened_ones)
{
    for (const struct stored_form *f = stored_forms; f->name; f++)
        in_all_sets(f, !strcmp(f->name, "I8"));
}

TEST(stored_form_that_is_made_up_is_one_row)
{
    in_all_sets(&made_up, 0);
    in_all_sets(&made_up, 1);
}

/* Forms that dtype_convert knows too: all 65536 of f16, NaN apart. */
TEST(stored_f16_is_that_of_dtype)
{
    const struct stored_form *f = stored_named("F16");

    for (int i = 0; i < 65536; i++) {
        uint16_t h = (uint16_t)i;
        float x, y = f16_to_f32(h);

        f->unpack(&x, &h, 1);
        CHECK(isnan(y) ? isnan(x) : !memcmp(&x, &y, 4));
    }
    CHECK(!stored_named("Q9"));
}

/* The whole of both 8-bit floats, by their definition (OCP OFP8). */
TEST(stored_f8_is_sign_exponent_mantissa)
{
    static const struct {
        const char *name;
        int mantissa, bias;
    } rows[] = {{"F8_E4M3", 3, 7}, {"F8_E5M2", 2, 15}};

    for (int r = 0; r < 2; r++)
        for (int i = 0; i < 256; i++) {
            uint8_t byte = (uint8_t)i;
            int one = 1 << rows[r].mantissa, e = (i & 127) / one, m = i % one;
            double y = e ? ldexp(one + m, e - rows[r].bias - rows[r].mantissa)
                         : ldexp(m, 1 - rows[r].bias - rows[r].mantissa);
            float x;

            stored_named(rows[r].name)->unpack(&x, &byte, 1);
            if (r == 0 ? (i & 127) == 127 : e == 31 && m)
                CHECK(isnan(x));
            else if (r == 1 && e == 31)
                CHECK(isinf(x) && !!signbit(x) == i >> 7);
            else
                CHECK((double)x == (i >> 7 ? -y : y) && !!signbit(x) == i >> 7);
        }
}

/* What the gguf package packs the same values into. */
TEST(stored_packs_as_the_reference)
{
    struct st_file *in, *out;
    struct err e = {0};
    float x[8 * 64];
    int n = 0;

    CHECK_INT(st_open(&in, ztest_data("golden/gguf-packed/inputs.safetensors"), &e), 0);
    CHECK_INT(st_open(&out, ztest_data("golden/gguf-packed/model.gguf"), &e), 0);
    CHECK_INT(st_read_all(in, st_at(in, 0), x, DT_F32, &e), 0);
    for (const struct stored_form *f = stored_forms; f->name; f++) {
        const struct st_tensor *t = f->pack ? st_find(out, f->name) : NULL;
        char got[sizeof x], want[sizeof x];

        if (!t)
            continue;
        f->pack(got, x, 8 * 64);
        CHECK_INT(st_read_bytes(out, t, 0, t->bytes, want, &e), 0);
        if (memcmp(got, want, t->bytes))
            ztest_fail(__FILE__, __LINE__, "%s is packed in another way", f->name);
        n++;
    }
    CHECK_INT(n, st_count(out));
    st_close(&in);
    st_close(&out);
}

/* A layer and a table whose values lie elsewhere in that form. */
TEST(stored_weights_are_read_where_they_lie)
{
    const int32_t index[3] = {4, 0, 4};
    struct weight_set s;
    struct two t;
    struct cx cx;
    struct err e;
    float got[2][3 * 10], rows[3 * 48], x[3 * 48];

    two_make(&t, &made_up, 0, 10, 48);
    weight_set_init(&s);
    struct linear_w a = linear_declare(&s, "a", 48, 10, 0, INIT_ZERO, 0);
    struct linear_w b = linear_declare(&s, "b", 48, 10, 0, INIT_ZERO, 0);
    weight_set_prepare(&s, device_cpu(), DT_F32);
    weight_place(a.w, &made_up, t.data, NULL);
    CHECK_INT(weight_set_finish(&s, 0, &e), 0);
    weight_store(b.w, t.wide, DT_F32);
    CHECK(a.w->data == t.data && a.w->owner == OWNER_FILE && b.w->owner == OWNER_DEVICE);
    for (int i = 0; i < 3 * 48; i++)
        x[i] = (float)i / 50 - 1;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int i = 0; i < 2; i++) {
        struct tensor *in = tensor_from(&cx, DT_F32, DIMS(3, 48), x, DT_F32);
        tensor_read_f32(&cx, linear(&cx, in, i ? &b : &a), got[i]);
    }
    CHECK(!memcmp(got[0], got[1], sizeof got[0]));
    tensor_read_f32(&cx, embed(&cx, a.w, index, 3, DT_F32), rows);
    for (int i = 0; i < 3; i++)
        CHECK(!memcmp(rows + i * 48, t.wide + index[i] * 48, 48 * sizeof *rows));
    cx_release(&cx);
    weight_set_release(&s);
    two_free(&t);
}
