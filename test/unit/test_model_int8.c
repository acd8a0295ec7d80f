/* Weights stored as bytes with one scale per row: what is written comes back within half a scale,
 * files of others are read, what does not fit is named. */
#include <math.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "fixture.h"
#include "format/safetensors.h"
#include "kern/int8.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "walled.h"
#include "ztest.h"

enum { WIDTH = 32, MAX_OUT = 160 };
#define VICTIM "blocks.0.attn1.to_q.weight"

static void declare_wan(struct wan *m)
{
    struct wan_config k;
    struct err e = {0};

    wan_config_default(&k);
    k.heads = 2;
    k.head_dim = WIDTH / 2;
    k.in_channels = k.out_channels = 2; /* patches of 8 values: rows too short for bytes */
    k.text_dim = WIDTH;
    k.freq_dim = WIDTH;
    k.ffn_dim = 48;
    k.layers = 3;
    CHECK_INT(wan_init(m, &k, &e), 0);
}

static void small_wan(struct wan *m)
{
    declare_wan(m);
    weights_on_cpu(&m->weights, DT_F32, 1);
    weight_set_initialise(&m->weights, 3, NULL);
}

/* ---- rows ---- */

TEST(int8_rows_come_back_within_half_a_scale)
{
    enum { ROWS = 7, N = 301 };
    static float x[ROWS * N], y[ROWS * N];
    int8_t q[ROWS * N];
    float scale[ROWS];

    for (int i = 0; i < ROWS * N; i++)
        x[i] = y[i] = (float)(sin(i * 12.9898) * pow(10, i / N - 3));
    CHECK_INT(int8_from_rows(q, scale, x, ROWS, N), 0);
    for (int i = 0; i < ROWS * N; i++)
        y[i] = q[i];
    int8_to_rows(y, scale, ROWS, N);
    for (int r = 0; r < ROWS; r++) {
        float max = 0;
        int most = 0;

        for (int i = r * N; i < (r + 1) * N; i++) {
            CHECK(fabs((double)x[i] - y[i]) <= scale[r] * (0.5 + 1e-5));
            max = fmaxf(max, fabsf(x[i]));
            most = abs(q[i]) > most ? abs(q[i]) : most;
        }
        CHECK_INT(most, 127);
        CHECK(scale[r] == max / 127);
    }
}

TEST(int8_rows_ties_zeros_and_what_has_no_bytes)
{
    const float x[] = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, -127};
    const int want[] = {127, 0, 2, 2, 0, -2, -2, -127};
    const float none[8] = {0, -0.0f}, tiny[8] = {1e-40f, -1e-44f};
    float scale, bad[8] = {1, 2, 3};
    int8_t q[8];

    CHECK_INT(int8_from_rows(q, &scale, x, 1, 8), 0);
    CHECK(scale == 1);
    for (int i = 0; i < 8; i++)
        CHECK_INT(q[i], want[i]);
    CHECK_INT(int8_from_rows(q, &scale, none, 1, 8), 0);
    CHECK(scale == 1);
    for (int i = 0; i < 8; i++)
        CHECK_INT(q[i], 0);
    CHECK_INT(int8_from_rows(q, &scale, tiny, 1, 8), 0);
    CHECK(scale == 1 && q[0] == 0);
    bad[1] = NAN;
    CHECK_INT(int8_from_rows(q, &scale, bad, 1, 8), -1);
    bad[1] = -INFINITY;
    CHECK_INT(int8_from_rows(q, &scale, bad, 1, 8), -1);
}

/* As a division in f64 gives them, also at halves and beside them. */
TEST(int8_rows_are_those_of_a_division)
{
    enum { N = 1021, ROUNDS = 200 };
    static float x[N];
    static int8_t q[N];
    struct rng r;
    float scale;

    rng_init(&r, 5, 0);
    for (int k = 0; k < ROUNDS; k++) {
        float most = (float)ldexp(1 + rng_uniform(&r), k - 100), step = most / 127;

        x[0] = most;
        for (int i = 1; i < N; i++) {
            float half = (float)((i % 127 - 63.5) * step),
                  beside = nextafterf(half, i % 2 ? 1e30f : 0);

            x[i] = i % 3 ? i % 3 == 1 ? half : beside : (float)((2 * rng_uniform(&r) - 1) * most);
        }
        CHECK_INT(int8_from_rows(q, &scale, x, 1, N), 0);
        for (int i = 0; i < N; i++)
            CHECK_INT(q[i], nearbyint((double)x[i] / scale));
    }
}

/* ---- networks ---- */

/* Rows of b against those of a, from which it was written. Both in the order of memory: it is the
 * same within a row or not, rows are output channels either way. */
static void check_close(const struct weight *a, const struct weight *b)
{
    int64_t n = weight_count(a), row = n / a->dim[0];
    float *x = xmalloc((size_t)n * sizeof *x), *y = xmalloc((size_t)n * sizeof *y);
    int bytes = a->matrix && row >= INT8_MIN_ROW;

    weight_read(a, x);
    weight_read(b, y);
    CHECK_INT(b->stored, bytes ? DT_I8 : a->matrix ? DT_BF16 : DT_F32);
    for (int64_t r = 0; r < n; r += row) {
        double max = 0;

        for (int64_t i = r; i < r + row; i++)
            max = fmax(max, fabs((double)x[i]));
        for (int64_t i = r; i < r + row; i++)
            CHECK(fabs((double)x[i] - y[i]) <= (bytes       ? max / 254 * 1.0001
                                                : a->matrix ? fabs((double)x[i]) / 256
                                                            : 0));
    }
    free(x);
    free(y);
}

TEST(int8_of_a_transformer_loads_for_training)
{
    struct wan a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("wan8");
    int n_bytes = 0, n_short = 0;

    small_wan(&a);
    CHECK_INT(bundle_save_wan(&a, dir, DT_I8, NULL, &e), 0);
    CHECK_INT(bundle_load_wan(&b, dir, device_cpu(), DT_BF16, 1, &e), 0);
    for (int i = 0; i < a.weights.n; i++) {
        const struct weight *w = b.weights.all[i];

        CHECK(w->master && w->grad);
        check_close(a.weights.all[i], w); /* the master: not rounded to bf16 once more */
        n_bytes += w->stored == DT_I8;
        n_short += w->stored == DT_BF16;
        if (w->type == DT_BF16)
            CHECK(bf16_to_f32(((bf16 *)w->data)[1]) == bf16_to_f32(f32_to_bf16(w->master[1])));
    }
    CHECK(n_bytes > 10);
    CHECK_INT(n_short, 1);
    wan_release(&a);
    wan_release(&b);
    free(dir);
}

TEST(int8_of_convolutions_has_a_scale_per_output_channel)
{
    struct tiny_vae a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("vae8");

    fixture_small_vae(&a);
    CHECK_INT(bundle_save_tiny_vae(&a, dir, DT_I8, NULL, &e), 0);
    CHECK_INT(bundle_load_tiny_vae(&b, dir, device_cpu(), DT_F32, 0, &e), 0);
    for (int i = 0; i < a.weights.n; i++)
        check_close(a.weights.all[i], b.weights.all[i]);
    CHECK_INT(b.encoder.first.w->stored, DT_I8);
    tiny_vae_release(&a);
    tiny_vae_release(&b);
    free(dir);
}

TEST(int8_of_a_text_encoder_has_its_table_in_bytes)
{
    struct umt5_config k;
    struct umt5 a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("text8");

    umt5_config_default(&k);
    k.vocab = 40;
    k.d_model = 16;
    k.d_kv = 16;
    k.d_ff = 24;
    CHECK_INT(umt5_init(&a, &k, &e), 0);
    weights_on_cpu(&a.weights, DT_F32, 0);
    weight_set_initialise(&a.weights, 5, NULL);
    CHECK_INT(bundle_save_umt5(&a, dir, DT_I8, NULL, &e), 0);
    CHECK_INT(bundle_load_umt5(&b, dir, device_cpu(), DT_F32, 0, &e), 0);
    for (int i = 0; i < a.weights.n; i++)
        check_close(a.weights.all[i], b.weights.all[i]);
    CHECK_INT(b.embedding->stored, DT_I8);
    umt5_release(&a);
    umt5_release(&b);
    free(dir);
}

/* Weights that wait in host memory for their turn on the device are expanded like the others. */
TEST(int8_weights_beyond_the_budget_of_a_device)
{
    struct wan a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("wan8-budget");

    small_wan(&a);
    CHECK_INT(bundle_save_wan(&a, dir, DT_I8, NULL, &e), 0);
    wan_release(&a);
    CHECK_INT(bundle_load_wan(&a, dir, device_cpu(), DT_BF16, 0, &e), 0);
    declare_wan(&b);
    for (b.weights.budget_bytes = 1 << 10;; b.weights.budget_bytes += 1 << 10) {
        int rc = store_load(&b.weights, dir, &store_wan_names, walled_device((size_t)1 << 28),
                            DT_BF16, 0, NULL, &e);

        CHECK(!rc || rc == ERR_FIT);
        if (!rc)
            break;
    }
    CHECK(weight_find(&b.weights, VICTIM)->waiting);
    for (int i = 0; i < a.weights.n; i++) {
        int64_t n = weight_count(a.weights.all[i]);
        float *x = xmalloc((size_t)n * sizeof *x), *y = xmalloc((size_t)n * sizeof *y);

        weight_read(a.weights.all[i], x);
        weight_read(b.weights.all[i], y);
        CHECK(!memcmp(x, y, (size_t)n * sizeof *x));
        free(x);
        free(y);
    }
    wan_release(&a);
    wan_release(&b);
    free(dir);
}

TEST(int8_cannot_hold_what_is_not_finite)
{
    struct wan m;
    struct err e = {0};
    char *dir = ztest_in_tmp("wan8-bad");

    small_wan(&m);
    weight_find(&m.weights, VICTIM)->master[5] = INFINITY;
    CHECK_INT(bundle_save_wan(&m, dir, DT_I8, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, VICTIM " holds a value that is not finite");
    CHECK_CONTAINS(e.msg, dir);
    wan_release(&m);
    free(dir);
}

/* ---- files of others ---- */

/* The tensors of a file as they are; names and data are xmalloc'd. */
static int read_file(const char *dir, struct st_out *t)
{
    struct st_file *f;
    struct err e = {0};
    int n;

    CHECK_INT(st_open(&f, dir, &e), 0);
    n = st_count(f);
    CHECK(n <= MAX_OUT - 2);
    for (int i = 0; i < n; i++) {
        const struct st_tensor *s = st_at(f, i);
        void *data = xmalloc(s->bytes);

        CHECK_INT(st_read_all(f, s, data, s->type, &e), 0);
        t[i] = (struct st_out){
            .name = xstrdup(s->name), .type = s->type, .rank = s->rank, .data = data};
        memcpy(t[i].dim, s->dim, sizeof s->dim);
    }
    st_close(&f);
    return n;
}

static void write_file(const char *path, struct st_out *t, int n)
{
    struct err e = {0};

    CHECK_INT(st_write(path, t, n, NULL, 0, &e), 0);
    for (int i = 0; i < n; i++) {
        free((void *)t[i].name);
        free((void *)t[i].data);
    }
}

/* Twice as many rows, the first half of other values. */
static void double_rows(struct st_out *t)
{
    size_t n = dtype_bytes(t->type);
    char *data;

    for (int i = 0; i < t->rank; i++)
        n *= (size_t)t->dim[i];
    data = xcalloc(2, n);
    memcpy(data + n, t->data, n);
    free((void *)t->data);
    t->data = data;
    t->dim[0] *= 2;
}

TEST(loader_15_the_last_rows_have_the_last_scales)
{
    struct tiny_vae a, b;
    struct st_out t[MAX_OUT];
    struct err e = {0};
    char *dir = ztest_in_tmp("vae8-rows"), *path = ztest_in_tmp("rows.safetensors");
    const char *name;
    int doubled = 0;

    fixture_small_vae(&a);
    name = a.encoder.first.w->name;
    CHECK_INT(bundle_save_tiny_vae(&a, dir, DT_I8, NULL, &e), 0);
    int n = read_file(dir, t);
    for (int i = 0; i < n; i++)
        if (!strncmp(t[i].name, name, strlen(name)) && ++doubled)
            double_rows(&t[i]);
    CHECK_INT(doubled, 2);
    write_file(path, t, n);
    CHECK_INT(tiny_vae_init(&b, &a.config, &e), 0);
    if (store_load(&b.weights, path, &store_tiny_vae_names, device_cpu(), DT_F32, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    check_close(a.encoder.first.w, b.encoder.first.w);
    tiny_vae_release(&a);
    tiny_vae_release(&b);
    free(dir);
    free(path);
}

TEST(loader_15_a_table_that_is_there_twice_may_have_its_scales_twice)
{
    struct umt5_config k;
    struct umt5 a;
    struct st_out t[MAX_OUT];
    struct err e = {0};
    char *dir = ztest_in_tmp("text8-twice"), *path = ztest_in_tmp("twice.safetensors");
    int n, more;

    umt5_config_default(&k);
    k.vocab = 40;
    k.d_model = k.d_kv = 16;
    k.d_ff = 24;
    CHECK_INT(umt5_init(&a, &k, &e), 0);
    weights_on_cpu(&a.weights, DT_F32, 0);
    weight_set_initialise(&a.weights, 5, NULL);
    CHECK_INT(bundle_save_umt5(&a, dir, DT_I8, NULL, &e), 0);
    n = more = read_file(dir, t);
    for (int i = 0; i < n; i++)
        if (!strncmp(t[i].name, "shared.weight", 13)) {
            size_t bytes = dtype_bytes(t[i].type) * (size_t)(t[i].dim[0] * t[i].dim[1]);

            t[more] = t[i];
            t[more].name = xasprintf("encoder.embed_tokens.weight%s", t[i].name + 13);
            t[more++].data = memcpy(xmalloc(bytes), t[i].data, bytes);
        }
    CHECK_INT(more, n + 2);
    write_file(path, t, more);
    if (store_load(&a.weights, path, &store_umt5_names, device_cpu(), DT_F32, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    umt5_release(&a);
    free(dir);
    free(path);
}

/* Encoders are released with either name of their table, also as a part of the whole T5. */
static void tied_table(enum dtype type)
{
    static const char *const beside[] = {"decoder.embed_tokens.weight", "lm_head.weight",
                                         "spiece_model"};
    struct umt5_config k;
    struct umt5 a, b;
    struct st_out t[MAX_OUT];
    struct err e = {0};
    char *dir = ztest_in_tmp("text-tied"), *path = ztest_in_tmp("tied.safetensors");
    int n, renamed = 0;

    umt5_config_default(&k);
    k.vocab = 40;
    k.d_model = k.d_kv = 16;
    k.d_ff = 24;
    k.layers = 1;
    CHECK_INT(umt5_init(&a, &k, &e), 0);
    weights_on_cpu(&a.weights, DT_F32, 0);
    weight_set_initialise(&a.weights, 5, NULL);
    CHECK_INT(bundle_save_umt5(&a, dir, type, NULL, &e), 0);
    n = read_file(dir, t);
    CHECK(n + 3 <= MAX_OUT);
    for (int i = 0; i < n; i++)
        if (!strncmp(t[i].name, "shared.weight", 13) && ++renamed) {
            char *name = xasprintf("encoder.embed_tokens.weight%s", t[i].name + 13);
            free((void *)t[i].name);
            t[i].name = name;
        }
    CHECK_INT(renamed, type == DT_I8 ? 2 : 1);
    for (int i = 0; i < 3; i++)
        t[n + i] = (struct st_out){.name = xstrdup(beside[i]),
                                   .type = DT_F32,
                                   .rank = 1,
                                   .dim = {1},
                                   .data = xcalloc(1, sizeof(float))};
    write_file(path, t, n + 3);
    CHECK_INT(umt5_init(&b, &k, &e), 0);
    if (store_load(&b.weights, path, &store_umt5_names, device_cpu(), DT_F32, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    if (type == DT_I8)
        check_close(a.embedding, b.embedding);
    else
        CHECK(!memcmp(a.embedding->data, b.embedding->data, 40 * 16 * sizeof(float)));
    umt5_release(&a);
    umt5_release(&b);
    free(dir);
    free(path);
}

TEST(loader_15_a_table_by_its_second_name_alone)
{
    tied_table(DT_F32);
    tied_table(DT_I8);
}

enum flaw {
    SOUND,
    NO_SCALE,
    ONLY_SCALE,
    SCALE_OF_F32,
    SCALE_SHORT,
    SCALE_PER_VALUE,
    SCALE_I32,
    SCALE_ROW, /* [rows] and bf16, which is allowed */
    SCALE_NAN,
    SCALE_INF,
    SCALE_NEGATIVE,
    SCALE_HUGE,
    SCALE_TWICE,
    SCALE_ALONE
};

static int8_t bytes[WIDTH * WIDTH];
static float scales[WIDTH * WIDTH];
static bf16 scales16[WIDTH];

/* What stands for VICTIM in the file; returns the number of its tensors. */
static int flawed(struct st_out *t, enum flaw f)
{
    struct st_out w = {VICTIM, DT_I8, 2, {WIDTH, WIDTH}, bytes},
                  s = {VICTIM INT8_SCALE, DT_F32, 2, {WIDTH, 1}, scales};
    int n = 0;

    for (int i = 0; i < WIDTH * WIDTH; i++)
        bytes[i] = (int8_t)(i % 256 - 128);
    for (int i = 0; i < WIDTH * WIDTH; i++)
        scales[i] = 1 + (float)(i % WIDTH);
    for (int i = 0; i < WIDTH; i++)
        scales16[i] = f32_to_bf16(scales[i]);
    scales[3] = f == SCALE_NAN        ? NAN
                : f == SCALE_INF      ? INFINITY
                : f == SCALE_NEGATIVE ? -0.25f
                : f == SCALE_HUGE     ? 3e38f
                                      : scales[3];
    s.dim[0] -= f == SCALE_SHORT;
    s.dim[1] = f == SCALE_PER_VALUE ? WIDTH : 1;
    s.type = f == SCALE_I32 ? DT_I32 : DT_F32;
    if (f == SCALE_ROW)
        s = (struct st_out){VICTIM INT8_SCALE, DT_BF16, 1, {WIDTH}, scales16};
    if (f == SCALE_OF_F32) {
        w.type = DT_F32;
        w.data = scales;
    }
    if (f != ONLY_SCALE)
        t[n++] = w;
    if (f != NO_SCALE)
        t[n++] = s;
    if (f == SCALE_TWICE || f == SCALE_ALONE)
        t[n] = s;
    if (f == SCALE_TWICE)
        t[n++].name = "model.blocks.0.self_attn.q.weight" INT8_SCALE;
    if (f == SCALE_ALONE)
        t[n++].name = "blocks.7.attn1.to_q.weight" INT8_SCALE;
    return n;
}

/* m is the caller's on success; prefix stands before every name of the file. */
static int load_flawed(struct wan *m, enum flaw f, const char *prefix, struct store_report *r,
                       struct err *e)
{
    struct wan from;
    struct st_out t[MAX_OUT];
    char *path = ztest_in_tmp("flawed.safetensors"), *name[MAX_OUT];
    int n = flawed(t, f), rc;

    small_wan(&from);
    for (int i = 0; i < from.weights.n; i++) {
        struct weight *w = from.weights.all[i];

        if (!strcmp(w->name, VICTIM))
            continue;
        CHECK(n < MAX_OUT);
        t[n] = (struct st_out){.name = w->name, .rank = w->rank, .data = w->master};
        memcpy(t[n++].dim, w->dim, sizeof w->dim);
    }
    for (int i = 0; i < n; i++)
        t[i].name = name[i] = xasprintf("%s%s", prefix, t[i].name);
    CHECK_INT(st_write(path, t, n, NULL, 0, e), 0);
    for (int i = 0; i < n; i++)
        free(name[i]);
    wan_release(&from);
    declare_wan(m);
    rc = store_load(&m->weights, path, &store_wan_names, device_cpu(), DT_F32, 0, r, e);
    if (rc)
        wan_release(m);
    free(path);
    return rc;
}

TEST(loader_15_bytes_of_others_are_read)
{
    static const char *const prefixes[] = {"", "model.diffusion_model."};
    struct wan m;
    struct err e = {0};
    struct store_report r;

    for (int i = 0; i < 4; i++) {
        if (load_flawed(&m, i % 2 ? SCALE_ROW : SOUND, prefixes[i / 2], &r, &e))
            ztest_fail(__FILE__, __LINE__, "%s", e.msg);
        float x[WIDTH * WIDTH];
        const struct weight *w = weight_find(&m.weights, VICTIM);
        weight_read(w, x);
        CHECK(w->owner == OWNER_FILE && !strcmp(w->form.form->name, "I8"));
        CHECK(x[0] == -128 && x[1] == -127 && x[WIDTH] == 2 * -96);
        CHECK_INT(r.n_bad, 0);
        wan_release(&m);
    }
}

TEST(loader_15_bytes_and_scales_that_do_not_fit_are_named)
{
    static const struct {
        enum flaw flaw;
        const char *says;
    } rows[] = {
        {NO_SCALE, "\"" VICTIM "\" is I8 without scales: \"" VICTIM "_scale\" of [32,1] must"},
        {ONLY_SCALE, "1 missing (" VICTIM ", of which only the scale is there)"},
        {SCALE_OF_F32, "\"" VICTIM "_scale\" scales \"" VICTIM "\", which is F32 and not I8"},
        {SCALE_SHORT, "_scale\" is [31,1], the scales of \"" VICTIM "\" are [32,1], [32] or []"},
        {SCALE_PER_VALUE, "_scale\" is [32,32], the scales of"},
        {SCALE_I32, "\"" VICTIM "_scale\" is I32, scales are F32, BF16 or F16"},
        {SCALE_NAN, "_scale\": the scale of row 3 is nan, it must be finite and not negative"},
        {SCALE_INF, "the scale of row 3 is inf"},
        {SCALE_NEGATIVE, "the scale of row 3 is -0.25"},
        {SCALE_TWICE, "are both " VICTIM "_scale"},
        {SCALE_ALONE, "1 unexpected (blocks.7.attn1.to_q.weight_scale"},
    };
    struct wan m;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};

        CHECK_INT(load_flawed(&m, rows[i].flaw, "", NULL, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, rows[i].says);
        CHECK_CONTAINS(e.msg, "flawed.safetensors");
    }
}

TEST(loader_15_values_beyond_f32_are_counted)
{
    struct wan m;
    struct err e = {0};
    struct store_report r;

    CHECK_INT(load_flawed(&m, SCALE_HUGE, "", &r, &e), 0);
    CHECK_INT(r.n_bad, WIDTH - 1); /* bytes from -32 to -1, of which the last is -3e38 */
    CHECK_STR(r.first_bad, VICTIM);
    wan_release(&m);
}
