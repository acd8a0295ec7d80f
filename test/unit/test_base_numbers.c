/* Element types, hashes, random numbers, fixed mathematics. */
#include <stdlib.h>

#include "base/dtype.h"
#include "base/fixmath.h"
#include "base/hash.h"
#include "base/hash_ni.h"
#include "base/rng.h"
#include "base/torch_rng.h"
#include "format/safetensors.h"
#include "ztest.h"

TEST(dtype_names_go_both_ways)
{
    for (int i = 0; i < DT_OTHER; i++) {
        enum dtype t = N_DTYPES;

        CHECK_INT(dtype_from_name(dtype_name((enum dtype)i), &t), 0);
        CHECK_INT(t, i);
        CHECK(dtype_bytes(t) >= 1 && dtype_bytes(t) <= 8);
    }
    CHECK_INT(dtype_from_name(dtype_name(DT_OTHER), &(enum dtype){0}), -1);
    CHECK_INT(dtype_from_name("F8_E4M3", &(enum dtype){0}), -1);
    CHECK_INT(dtype_from_name("f32", &(enum dtype){0}), -1);
}

TEST(dtype_f16_rounds_as_ieee)
{
    for (uint32_t h = 0; h < 65536; h++) { /* every half survives the way to f32 and back */
        float f = f16_to_f32((uint16_t)h);

        if ((h & 0x7c00) == 0x7c00 && (h & 0x3ff))
            CHECK(isnan(f) && isnan(f16_to_f32(f32_to_f16(f))));
        else
            CHECK_INT(f32_to_f16(f), h);
    }
    for (uint32_t h = 0; h < 0x7bff; h++) { /* ties go to even, beside ties to the nearer */
        float a = f16_to_f32((uint16_t)h), b = f16_to_f32((uint16_t)(h + 1)), mid = (a + b) / 2;

        CHECK_INT(f32_to_f16(mid), h + (h & 1));
        CHECK_INT(f32_to_f16(nextafterf(mid, 1e9f)), h + 1);
        CHECK_INT(f32_to_f16(nextafterf(mid, -1)), h);
        CHECK_INT(f32_to_f16(-mid), (h + (h & 1)) | 0x8000);
    }
    CHECK_INT(f32_to_f16(65519.996f), 0x7bff);
    CHECK_INT(f32_to_f16(65520.0f), 0x7c00);
    CHECK_INT(f32_to_f16(1e-30f), 0);
    CHECK(f16_to_f32(0x3555) == 0.333251953125f);
}

TEST(dtype_bf16_rounds_to_even_and_keeps_nan)
{
    CHECK_INT(f32_to_bf16(1.0f), 0x3f80);
    CHECK_INT(f32_to_bf16(1.00390625f), 0x3f80); /* tie */
    CHECK_INT(f32_to_bf16(1.01171875f), 0x3f82); /* tie */
    CHECK_INT(f32_to_bf16(INFINITY), 0x7f80);
    CHECK_INT(f32_to_bf16(3.4e38f), 0x7f80);
    CHECK(isnan(bf16_to_f32(f32_to_bf16(NAN))));
    CHECK(bf16_to_f32(0xc040) == -3.0f);
}

TEST(dtype_convert_between_all_pairs)
{
    static const enum dtype types[] = {DT_F32, DT_BF16, DT_F64, DT_F16,
                                       DT_I8,  DT_U8,   DT_I32, DT_I64};
    enum { N = 700 };
    static double want[N], back[N], a[N], b[N];

    for (int i = 0; i < N; i++)
        want[i] = i % 128; /* every type holds these */
    for (size_t s = 0; s < 8; s++)
        for (size_t d = 0; d < 8; d++) {
            dtype_convert(a, types[s], want, DT_F64, N);
            dtype_convert(b, types[d], a, types[s], N);
            dtype_convert(back, DT_F64, b, types[d], N);
            CHECK(!memcmp(want, back, sizeof want));
        }
}

TEST(dtype_convert_saturates)
{
    static const double in[] = {-1e30, -129, -1.9, 127.9, 300, 1e30, NAN};
    static const int64_t i8[] = {-128, -128, -1, 127, 127, 127, 0};
    static const int64_t u8[] = {0, 0, 0, 127, 255, 255, 0};
    int8_t a[7];
    uint8_t b[7];
    int64_t c[7];
    uint16_t h;
    double edge = 1.00390625 + 1e-12; /* above a tie of bf16, but not after rounding to f32 */

    dtype_convert(a, DT_I8, in, DT_F64, 7);
    dtype_convert(b, DT_U8, in, DT_F64, 7);
    dtype_convert(c, DT_I64, in, DT_F64, 7);
    for (int i = 0; i < 7; i++) {
        CHECK_INT(a[i], i8[i]);
        CHECK_INT(b[i], u8[i]);
    }
    CHECK(c[0] == INT64_MIN && c[5] == INT64_MAX && c[6] == 0);
    dtype_convert(&h, DT_BF16, &edge, DT_F64, 1);
    CHECK_INT(h, 0x3f81);
}

/* The CPU's instructions against plain C. */
TEST(sha256_instructions_agree)
{
    uint8_t x[64 * 33];
    uint32_t a[8], b[8];

    if (!sha256_ni_here())
        ztest_skip("this CPU has no instructions for SHA-256");
    for (size_t i = 0; i < sizeof x; i++)
        x[i] = (uint8_t)(i * 2654435761u >> 11);
    for (int i = 0; i < 8; i++)
        a[i] = b[i] = 0x9e3779b9u * (uint32_t)(i + 1);
    for (size_t n = 0, at = 0; at + n <= 33; at += n, n++) {
        sha256_plain_blocks(a, x + 64 * at, n);
        sha256_ni_blocks(b, x + 64 * at, n);
        CHECK(!memcmp(a, b, sizeof a));
    }
}

TEST(sha256_vectors)
{
    static const struct {
        const char *text, *hex;
    } rows[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrl"
         "mn"
         "opqrsmnopqrstnopqrstu",
         "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
    };
    struct sha256 h;
    char hex[65];

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t cut = 0; cut <= strlen(rows[i].text); cut++) {
            sha256_init(&h);
            sha256_add(&h, rows[i].text, cut);
            sha256_add(&h, rows[i].text + cut, strlen(rows[i].text) - cut);
            sha256_hex(&h, hex);
            CHECK_STR(hex, rows[i].hex);
        }
    sha256_init(&h);
    for (int i = 0; i < 1000; i++) {
        char block[1000];

        memset(block, 'a', sizeof block);
        sha256_add(&h, block, sizeof block);
    }
    sha256_hex(&h, hex);
    CHECK_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

/* Known answers of Random123 for philox4x32-10. */
TEST(rng_philox_known_answers)
{
    static const struct {
        uint64_t counter, stream, key;
        uint32_t out[4];
    } rows[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {~0ull, ~0ull, ~0ull, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x85a308d3243f6a88,
         0x0370734413198a2e,
         0x299f31d0a4093822,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (int i = 0; i < 3; i++) {
        struct rng r;

        rng_init(&r, rows[i].key, rows[i].stream);
        r.counter = rows[i].counter;
        for (int k = 0; k < 4; k++)
            CHECK_INT(rng_u32(&r), rows[i].out[k]);
    }
}

TEST(rng_ranges_and_moments)
{
    enum { N = 200000 };
    struct rng r;
    double sum = 0, sq = 0, quad = 0, weight[] = {0, 1, 0, 3, -1};
    int bin[10] = {0}, pick[5] = {0}, chance = 0;

    rng_init(&r, 7, 1);
    for (int i = 0; i < N; i++) {
        double u = rng_uniform(&r), x = rng_range(&r, -2, 3), z = rng_normal(&r);
        int k = rng_below(&r, 10);

        CHECK(u >= 0 && u < 1);
        CHECK(x >= -2 && x < 3);
        CHECK(k >= 0 && k < 10);
        bin[k]++;
        pick[rng_pick(&r, weight, 5)]++;
        chance += rng_chance(&r, 0.25);
        sum += z;
        sq += z * z;
        quad += z * z * z * z;
    }
    CHECK_BELOW(fabs(sum / N), 0.01);
    CHECK_BELOW(fabs(sq / N - 1), 0.02);
    CHECK_BELOW(fabs(quad / N - 3), 0.1);
    CHECK_BELOW(fabs(chance / (double)N - 0.25), 0.005);
    for (int i = 0; i < 10; i++)
        CHECK_BELOW(abs(bin[i] - N / 10), 700);
    CHECK_INT(pick[0] + pick[2] + pick[4], 0);
    CHECK_BELOW(fabs(pick[3] / (double)N - 0.75), 0.005);
    CHECK_INT(rng_below(&r, 1), 0);
    CHECK(rng_range(&r, 5, 5) == 5);
}

TEST(rng_fill_is_the_same_in_any_parts)
{
    float whole[1000], part[1000];
    double sq = 0;

    rng_fill_normal(whole, 1000, 42, 3, 0);
    for (size_t at = 0, n = 1; at < 1000; at += n, n = n % 7 + 1) {
        if (n > 1000 - at)
            n = 1000 - at;
        rng_fill_normal(part + at, n, 42, 3, at);
    }
    CHECK(!memcmp(whole, part, sizeof whole));
    rng_fill_normal(part, 1000, 42, 4, 0);
    CHECK(ztest_rel_l2(part, whole, 1000) > 1);
    for (int i = 0; i < 1000; i++)
        sq += (double)whole[i] * whole[i];
    CHECK_BELOW(fabs(sq / 1000 - 1), 0.15);
}

TEST(fixmath_is_close_to_the_truth)
{
    for (int i = 1; i < 20000; i++) {
        double x = i < 10000 ? i * 1e-4 : ldexp(1 + i * 1e-5, i % 600 - 300);
        double a = (i - 10000) * 1e-3, s, c;

        CHECK_BELOW(fabs(fix_log(x) - log(x)), 1e-15 * (fabs(log(x)) + 0.1));
        fix_sincos(a, &s, &c);
        CHECK_BELOW(fabs(s - sin(a)), 4e-16);
        CHECK_BELOW(fabs(c - cos(a)), 4e-16);
    }
    CHECK(fix_log(1) == 0);
}

/* As in PyTorch on CPU (findings/torch-cpu-noise-takes-half-the-seed.sh). */
TEST(torch_rng_takes_half_the_seed)
{
    float x[3][20];

    for (int i = 0; i < 3; i++) {
        struct torch_rng r;

        torch_rng_init(&r, i < 2 ? 7 + ((uint64_t)i << 32) : 8);
        torch_rng_normal(&r, x[i], 20);
    }
    CHECK(!memcmp(x[0], x[1], sizeof x[0]));
    CHECK(memcmp(x[0], x[2], sizeof x[0]));
}

/* torch.randn of PyTorch on CPU, below and above 16 elements, alone and one after the other. */
TEST(torch_rng_equals_torch_randn)
{
    struct st_file *f;
    struct torch_rng chain;
    struct err e = {0};
    int alone = 0, chained = 0;

    torch_rng_init(&chain, 0);
    CHECK_INT(st_open(&f, ztest_data("golden/randn/outputs.safetensors"), &e), 0);
    for (int i = 0; i < st_count(f); i++) { /* sorted, so the chain comes in its order */
        const struct st_tensor *t = st_at(f, i);
        float want[1000], x[1000];
        long long seed;

        CHECK(t->n <= 1000);
        CHECK_INT(st_read_all(f, t, want, DT_F32, &e), 0);
        if (sscanf(t->name, "seed.%lld.", &seed) == 1) {
            struct torch_rng r;

            torch_rng_init(&r, (uint64_t)seed);
            torch_rng_normal(&r, x, (size_t)t->n);
            alone++;
        } else {
            torch_rng_normal(&chain, x, (size_t)t->n);
            chained++;
        }
        for (int64_t k = 0; k < t->n; k++)
            CHECK_BELOW(fabs((double)x[k] - want[k]), 1e-6);
    }
    st_close(&f);
    CHECK(alone >= 8 && chained >= 5);
}
