/* Devices: their names, and that nothing above the kernels touches the memory of one that is not
 * the host's: films and trainings on a walled device, equal to the bit to those of the CPU. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "train/train.h"
#include "walled.h"
#include "ztest.h"

#define ENOUGH ((size_t)1 << 30)

TEST(device_names)
{
    static const char *const wrong[] = {"",        "gpu",      "cuda:", "cuda:x",
                                        "cuda:-1", "cuda:300", "cudax"};
    struct device *d;
    struct err e;

    CHECK_INT(device_named(&d, "cpu", &e), 0);
    CHECK(d == device_cpu() && d->host && !d->dry);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(device_named(&d, wrong[i], &e), ERR_USAGE);
        CHECK_CONTAINS(e.msg, "cuda:N");
        CHECK(!d);
    }
}

struct drawn {
    struct figures figures;
    struct err e;
};

static int draw(struct device *d, const char *type, const char *name, const char *value,
                struct drawn *out)
{
    struct bundle *b = NULL;
    struct request q;
    struct plan p = {0};
    struct sink nothing = {0};
    int rc;

    request_init(&q);
    rc = request_set(&q, "prompt", "a red ball rolls to the right", &out->e) |
         request_set(&q, "seed", "7", &out->e) | request_set(&q, "type", type, &out->e) |
         request_set(&q, name, value, &out->e);
    if (!rc)
        rc = plan_make(&p, fixture_dir(), &q, NULL, &out->e);
    p.device = d;
    if (!rc)
        rc = bundle_open(&b, fixture_dir(), d, p.type, NULL, &out->e);
    if (!rc)
        rc = pipeline_run(b, &p, &nothing, &out->figures, &out->e);
    bundle_free(&b);
    plan_release(&p);
    request_release(&q);
    return rc;
}

static void film_equals(const char *type, const char *name, const char *value)
{
    struct drawn cpu, walled;

    CHECK_INT(draw(device_cpu(), type, name, value, &cpu), 0);
    CHECK_INT(draw(walled_device(ENOUGH), type, name, value, &walled), 0);
    CHECK_STR(walled.figures.latent_hash, cpu.figures.latent_hash);
    CHECK_STR(walled.figures.frame_hash, cpu.figures.frame_hash);
    CHECK_INT(walled_held(), 0);
}

TEST(device_film_touches_no_foreign_memory)
{
    char *picture = path_join(ztest_tmp(), "given.ppm"), ppm[13 + 6 * 4 * 3] = "P6\n6 4\n255\n";
    struct err e;

    for (size_t i = 0; i < 6 * 4 * 3; i++)
        ppm[11 + i] = (char)(i * 37);
    CHECK_INT(file_write(picture, ppm, 11 + 6 * 4 * 3, &e), 0);
    film_equals("f32", "guidance", "3");
    film_equals("bf16", "sampler", "unipc");
    film_equals("f32", "first-frame", picture);
    free(picture);
}

/* Wherever memory ends, the answer is ERR_FIT, and all that was taken is given back. */
TEST(device_without_memory_is_an_error)
{
    struct drawn r;
    int fits = 0;

    for (size_t bytes = 4096; !fits; bytes += bytes / 3) {
        int rc = draw(walled_device(bytes), "f32", "steps", "1", &r);

        fits = !rc;
        CHECK(!rc || rc == ERR_FIT);
        if (rc)
            CHECK_CONTAINS(r.e.msg, "walled");
        CHECK_INT(walled_held(), 0);
    }
}

enum { TOKENS = 12, COLUMNS = 16, WORDS = 3, TEXT = 10, LAYERS = 7 };

static void small_network(struct wan *m)
{
    struct wan_config c;
    struct err e;

    wan_config_default(&c);
    c.heads = 2;
    c.head_dim = 12;
    c.ffn_dim = 40;
    c.layers = LAYERS;
    c.freq_dim = 8;
    c.in_channels = c.out_channels = COLUMNS / 4;
    c.text_dim = TEXT;
    CHECK_INT(wan_init(m, &c, &e), 0);
}

/* Numbers for all weights: those that begin at zero would hide what stands behind them. */
static void fill_weights(struct wan *m)
{
    for (int i = 0; i < m->weights.n; i++) {
        struct weight *w = m->weights.all[i];
        int64_t n = weight_count(w);
        float *x = xmalloc(sizeof *x * (size_t)n);

        for (int64_t k = 0; k < n; k++)
            x[k] = (float)sin((double)(k * 7 + i)) * 0.2f;
        weight_store(w, x, DT_F32);
        free(x);
    }
}

/* Two forward passes with at most `budget` bytes of weights on the device. */
static int velocity_of(struct device *d, uint64_t budget, float *out, struct err *e)
{
    static float x[TOKENS * COLUMNS], text[WORDS * TEXT];
    int32_t index[TOKENS] = {0};
    double times[] = {500};
    struct wan m;
    struct cx cx;

    small_network(&m);
    m.weights.budget_bytes = budget;
    int rc = weight_set_allocate(&m.weights, d, DT_F32, 0, e);
    CHECK(!budget || walled_held() <= budget);
    cx_init(&cx, d, DT_F32, NULL);
    for (int i = 0; i < TOKENS * COLUMNS; i++)
        x[i] = (float)sin((double)i);
    for (int i = 0; i < WORDS * TEXT; i++)
        text[i] = (float)cos((double)i);
    if (!rc)
        fill_weights(&m);
    for (int i = 0; i < 2 && !rc; i++) { /* the second step finds what the first one left */
        struct wan_batch b = {.n = 1,
                              .grid = &(struct wan_grid){2, 2, 3},
                              .n_times = 1,
                              .times = times,
                              .time_index = index,
                              .text_seq = {1, (int64_t[]){0, WORDS}}};
        b.rows = tensor_from(&cx, DT_F32, DIMS(TOKENS, COLUMNS), x, DT_F32);
        b.text = tensor_from(&cx, DT_F32, DIMS(WORDS, TEXT), text, DT_F32);
        tensor_read_f32(&cx, wan_forward(&cx, &m, &b), out);
        cx_step_end(&cx);
        CHECK_INT(cx.err.code, 0);
    }
    cx_release(&cx);
    wan_release(&m);
    return rc;
}

TEST(device_streams_weights_that_do_not_fit)
{
    float want[TOKENS * COLUMNS], got[TOKENS * COLUMNS];
    struct wan m;
    struct err e;
    uint64_t bytes = 0, budget;
    int streamed = 0;

    small_network(&m);
    for (int i = 0; i < m.weights.n; i++)
        bytes += ((uint64_t)weight_count(m.weights.all[i]) * 4 + 255) / 256 * 256;
    wan_release(&m);
    CHECK_INT(velocity_of(device_cpu(), 0, want, &e), 0);
    walled_prefetched = 0;
    CHECK_INT(velocity_of(walled_device(ENOUGH), bytes, got, &e), 0);
    CHECK(!memcmp(want, got, sizeof want));
    CHECK_INT(walled_prefetched, 0);
    for (budget = bytes - 1;; budget -= budget / 12, streamed++) {
        if (velocity_of(walled_device(ENOUGH), budget, got, &e))
            break;
        CHECK(!memcmp(want, got, sizeof want));
        CHECK(walled_prefetched > 0);
        CHECK_INT(walled_held(), 0);
    }
    CHECK(streamed > 2);
    CHECK_CONTAINS(e.msg, "at least");
    CHECK_INT(walled_held(), 0);
}

static void train(struct device *d, const char *dir)
{
    struct train_config c;
    struct err e = {0};
    char *config = path_join(ztest_data(".."), "configs/tiny.json");
    struct run run = {.dir = dir, .checkpoint_s = 0.2, .device = d, .threads = threads_new(2)};

    CHECK_INT(train_config_read(&c, config, &e), 0);
    c.vae.steps = 6;
    c.dit.phase[0].steps = c.dit.phase[1].steps = 4;
    c.dit.evaluate_every = c.vae.evaluate_every = 0;
    if (train_run(&c, &run, &e))
        ztest_fail(__FILE__, __LINE__, "%s: %s", d->name, e.msg);
    threads_free(&run.threads);
    free(config);
}

static void check_same_file(const char *a, const char *b, const char *name)
{
    char *paths[2] = {path_join(a, name), path_join(b, name)};
    struct buf text[2] = {BUF_INIT, BUF_INIT};
    struct err e;

    for (int i = 0; i < 2; i++) {
        CHECK_INT(file_read(&text[i], paths[i], 1 << 28, &e), 0);
        free(paths[i]);
    }
    CHECK_INT(text[0].len, text[1].len);
    CHECK(!memcmp(text[0].data, text[1].data, text[0].len));
    buf_release(&text[0]);
    buf_release(&text[1]);
}

TEST(device_training_touches_no_foreign_memory)
{
    char *a = path_join(ztest_tmp(), "on-cpu"), *b = path_join(ztest_tmp(), "on-walled");

    train(device_cpu(), a);
    train(walled_device(ENOUGH), b);
    check_same_file(a, b, "curve-vae.jsonl");
    check_same_file(a, b, "curve-dit.jsonl");
    check_same_file(a, b, "model/transformer/diffusion_pytorch_model.safetensors");
    check_same_file(a, b, "model/vae/diffusion_pytorch_model.safetensors");
    CHECK_INT(walled_held(), 0);
    free(a);
    free(b);
}
