/* Weights that become another type while they are loaded: which do, with what values, for how much
 * memory; what computes with them. */
#include <stdlib.h>

#include "fixture.h"
#include "generate/plan.h"
#include "kern/int8.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "ztest.h"

enum { WIDTH = 64, ROWS = 6 };

static void declare(struct wan *m)
{
    struct wan_config k;
    struct err e = {0};

    wan_config_default(&k);
    k.heads = 2;
    k.head_dim = WIDTH / 2;
    k.in_channels = k.out_channels = 4;
    k.text_dim = WIDTH;
    k.freq_dim = WIDTH;
    k.ffn_dim = 80; /* no whole blocks of 32 */
    k.layers = 2;
    CHECK_INT(wan_init(m, &k, &e), 0);
}

static void plain(struct wan *m)
{
    declare(m);
    weights_on_cpu(&m->weights, DT_F32, 0);
    weight_set_initialise(&m->weights, 3, NULL);
}

static struct weight_as as_of(const char *form, int int8)
{
    return (struct weight_as){stored_named(form), int8};
}

/* A file of `from`, matrices in `type`, loaded for computing in bf16. */
static void load(struct wan *m, const struct wan *from, enum dtype type, struct weight_as as,
                 int training)
{
    char *path = ztest_in_tmp("typed.safetensors");
    struct err e = {0};
    struct store_room room;
    uint64_t own = 0;

    CHECK_INT(store_save(&from->weights, path, type, NULL, &e), 0);
    declare(m);
    m->weights.as = as;
    CHECK_INT(store_survey(&m->weights, path, &store_wan_names, device_cpu(), DT_BF16, &room, &e),
              0);
    CHECK_INT(
        store_load(&m->weights, path, &store_wan_names, device_cpu(), DT_BF16, training, NULL, &e),
        0);
    for (int i = 0; i < m->weights.n; i++)
        own += weight_own_bytes(m->weights.all[i]);
    if (!training)
        CHECK_INT(own, room.own);
    free(path);
}

/* Values of w packed into a form and back. */
static float *packed(const struct weight *w, const struct stored_form *form)
{
    int64_t n = weight_count(w), row = n / w->dim[0];
    float *x = xmalloc((size_t)n * sizeof *x), scale;
    char *blocks = xmalloc((size_t)row * sizeof *x);

    weight_read(w, x);
    for (int64_t i = 0; i < n; i += row) {
        if (!form->pack)
            CHECK_INT(int8_from_rows((int8_t *)blocks, &scale, x + i, 1, row), 0);
        else
            form->pack(blocks, x + i, row);
        form->unpack(x + i, blocks, row);
        if (!form->pack)
            int8_to_rows(x + i, &scale, 1, row);
    }
    for (int64_t i = 0; i < n; i++)
        x[i] = bf16_to_f32(f32_to_bf16(x[i]));
    free(blocks);
    return x;
}

/* In blocks, and there alone, matrices of whole blocks have the form and its values. */
static void check_weights(const struct wan *m, const struct wan *from, const char *form, int int8)
{
    int held = 0, other = 0;

    for (int i = 0; i < m->weights.n; i++) {
        const struct weight *w = m->weights.all[i], *was = from->weights.all[i];
        int64_t n = weight_count(w), row = n / w->dim[0];
        const struct stored_form *f = w->form.form;

        if (!w->group || !w->matrix || row % stored_named(form)->block) {
            CHECK(f != stored_named(form) && !w->form.int8);
            other += w->matrix;
            continue;
        }
        CHECK(f == stored_named(form));
        CHECK_INT(w->form.int8, int8);
        float *got = xmalloc((size_t)n * sizeof *got), *want = packed(was, f);
        weight_read(w, got);
        CHECK(!memcmp(got, want, (size_t)n * sizeof *got));
        free(got);
        free(want);
        held++;
    }
    CHECK(held >= 18 && other >= 6);
}

TEST(type_on_load_converts_matrices_of_blocks)
{
    static const char *const forms[] = {"I8", "Q8_0", "Q4_0"};
    struct wan from, m;

    plain(&from);
    for (int i = 0; i < 3; i++) {
        load(&m, &from, DT_F32, as_of(forms[i], i == 0), 0);
        check_weights(&m, &from, forms[i], i == 0);
        wan_release(&m);
    }
    wan_release(&from);
}

/* What is stored so already stays in its file, and no bit of it changes. */
TEST(type_on_load_leaves_what_is_so_already)
{
    struct wan from, m;

    plain(&from);
    load(&m, &from, DT_I8, as_of("I8", 1), 0);
    for (int i = 0; i < m.weights.n; i++) {
        const struct weight *w = m.weights.all[i];

        if (w->matrix && !w->conv)
            CHECK(w->owner == OWNER_FILE);
        CHECK_INT(w->form.int8, w->group && w->matrix);
    }
    wan_release(&m);
    load(&m, &from, DT_I8, (struct weight_as){0}, 0);
    for (int i = 0; i < m.weights.n; i++)
        CHECK(!m.weights.all[i]->form.int8);
    wan_release(&m);
    load(&m, &from, DT_F32, as_of("I8", 1), 1); /* what trains is numbers */
    for (int i = 0; i < m.weights.n; i++)
        CHECK(!m.weights.all[i]->form.form && m.weights.all[i]->grad);
    wan_release(&m);
    wan_release(&from);
}

/* Random weights are those of the plain network, packed. */
TEST(type_of_random_weights)
{
    struct wan from, m;
    struct err e = {0};

    plain(&from);
    declare(&m);
    m.weights.as = as_of("I8", 1);
    CHECK_INT(weight_set_allocate(&m.weights, device_cpu(), DT_BF16, 0, &e), 0);
    weight_set_initialise(&m.weights, 3, NULL);
    check_weights(&m, &from, "I8", 1);
    wan_release(&m);
    wan_release(&from);
}

/* A value that is not finite is counted, and its row is NaN: nothing swallows it. */
TEST(type_on_load_does_not_swallow_nan)
{
    char *path = ztest_in_tmp("nan.safetensors");
    struct store_report report;
    struct err e = {0};
    struct wan from, m;

    plain(&from);
    struct weight *bad = weight_find(&from.weights, "blocks.1.ffn.net.2.weight");
    bad->master[3 * 80 + 5] = NAN;
    CHECK_INT(store_save(&from.weights, path, DT_F32, NULL, &e), 0);
    declare(&m);
    m.weights.as = as_of("I8", 1);
    CHECK_INT(store_load(&m.weights, path, &store_wan_names, device_cpu(), DT_BF16, 0, &report, &e),
              0);
    CHECK_INT(report.n_bad, 1);
    CHECK_STR(report.first_bad, bad->name);
    const struct weight *w = weight_find(&m.weights, bad->name);
    CHECK(isnan(w->form.scale[3]) && isfinite(w->form.scale[2]));
    wan_release(&m);
    wan_release(&from);
    free(path);
}

/* x through one layer of [n,k] held in bytes: the activations of row 2 are `odd`. */
static void layer(float *y, float *x, float odd, const float *more)
{
    struct weight_set s;
    struct err e = {0};
    struct cx cx;

    weight_set_init(&s);
    s.as = as_of("I8", 1);
    s.group = 1;
    struct linear_w l = linear_declare(&s, "l", WIDTH, WIDTH, 1, INIT_LINEAR, 1);
    CHECK_INT(weight_set_allocate(&s, device_cpu(), DT_F32, 0, &e), 0);
    weight_set_initialise(&s, 1, NULL);
    if (more)
        CHECK_INT(weight_add(l.w, more, &e), 0);
    for (int i = 0; i < ROWS * WIDTH; i++)
        x[i] = (float)sin(i * 0.7);
    x[2 * WIDTH] = odd;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    tensor_read_f32(&cx, linear(&cx, tensor_from(&cx, DT_F32, DIMS(ROWS, WIDTH), x, DT_F32), &l),
                    y);
    cx_release(&cx);
    weight_set_release(&s);
}

TEST(type_int8_layer_gives_nan_for_nan)
{
    float x[ROWS * WIDTH], y[ROWS * WIDTH];

    layer(y, x, NAN, NULL);
    for (int i = 0; i < ROWS * WIDTH; i++)
        CHECK(!!isnan(y[i]) == (i / WIDTH == 2));
}

/* What is added to a weight in bytes makes it one of numbers: nothing is rounded twice. */
TEST(type_int8_weight_that_is_added_to)
{
    float x[ROWS * WIDTH], y[2][ROWS * WIDTH], more[WIDTH * WIDTH] = {0};

    more[5] = 100; /* of row 0 */
    layer(y[0], x, 0.5f, NULL);
    layer(y[1], x, 0.5f, more);
    for (int r = 0; r < ROWS; r++)
        for (int j = 0; j < WIDTH; j++) {
            float want = y[0][r * WIDTH + j] + (j ? 0 : 100 * x[r * WIDTH + 5]);

            CHECK(fabsf(y[1][r * WIDTH + j] - want) < 0.05f);
        }
}

static int make_plan(const char *type, const char *device, struct err *e)
{
    struct request r;
    struct plan p;
    int rc;

    request_init(&r);
    rc = request_set(&r, "prompt", "a red ball", e);
    if (!rc)
        rc = request_set(&r, "type", type, e);
    if (!rc && device)
        rc = request_set(&r, "device", device, e);
    if (!rc)
        rc = plan_make(&p, fixture_dir(), &r, NULL, e);
    if (!rc)
        plan_release(&p);
    request_release(&r);
    return rc;
}

TEST(type_that_is_none_or_does_not_fit)
{
    struct store_room room[N_PLACES];
    struct weight_as as = as_of("I8", 1);
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(make_plan("int4", NULL, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "auto, bf16, f32, int8, q8_0, q4_0");
    CHECK_INT(make_plan("int8", NULL, &e), 0);
    CHECK_INT(bundle_declare(&b, ztest_data("golden/pipeline-wan22-i2v-a14b/model"), &e), 0);
    CHECK_INT(bundle_survey(b, device_cpu(), DT_BF16, &as, room, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "no matrix of its blocks can be I8"); /* rows of 12 */
    bundle_free(&b);
    if (!make_plan("f32", "cuda", &e)) {
        CHECK_INT(make_plan("int8", "cuda", &e), ERR_USAGE);
        CHECK_CONTAINS(e.msg, "int8 is for the CPU");
    }
}
