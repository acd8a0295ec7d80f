/* Devices: their names, and that nothing above the kernels touches the memory of one that is not
 * the host's: films and trainings on a walled device, equal to the bit to those of the CPU. */
#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/hash.h"
#include "bench/bench_jobs.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "model/networks.h"
#include "tensor/replay.h"
#include "train/optim.h"
#include "training.h"
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
         request_set(&q, "force-picture", "yes", &out->e) | request_set(&q, name, value, &out->e);
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
    int replayed = walled_replayed;

    CHECK_INT(draw(device_cpu(), type, name, value, &cpu), 0);
    CHECK_INT(draw(walled_device(ENOUGH), type, name, value, &walled), 0);
    CHECK_STR(walled.figures.latent_hash, cpu.figures.latent_hash);
    CHECK_STR(walled.figures.frame_hash, cpu.figures.frame_hash);
    CHECK_INT(walled_held(), 0);
    CHECK(walled_replayed > replayed);
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

/* A device that has failed gives no memory either, but that is not what is wrong. */
TEST(device_that_failed_is_not_called_full)
{
    struct drawn r;
    int takes = 0, rc;

    do {
        struct device *d = walled_device(ENOUGH);

        walled_takes = takes;
        rc = draw(d, "f32", "steps", "1", &r);
        walled_takes = -1;
        CHECK(!rc || rc == ERR_DEVICE);
        if (rc)
            CHECK_CONTAINS(r.e.msg, "a kernel went astray");
        CHECK_INT(walled_held(), 0);
        takes += 1 + takes / 8;
    } while (rc);
    CHECK(takes > 20);
}

TEST(device_benches_touch_no_foreign_memory)
{
    bench_call_all(walled_device(ENOUGH));
    CHECK_INT(walled_held(), 0);
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

/* Of an optimiser as well: its state is taken after what may have gone wrong before. */
TEST(device_that_failed_says_so_to_the_optimiser)
{
    struct wan m;
    struct optim o;
    struct err e = {0};
    int takes = 0, rc;

    do {
        struct device *d = walled_device(ENOUGH);

        small_network(&m);
        CHECK_INT(weight_set_allocate(&m.weights, d, DT_BF16, 1, &e), 0);
        walled_takes = takes;
        rc = optim_init(&o, &optim_config_default, &(struct optim_set){"dit", &m.weights}, 1, &e);
        walled_takes = -1;
        CHECK(!rc || rc == ERR_DEVICE);
        if (rc)
            CHECK_CONTAINS(e.msg, "a kernel went astray");
        optim_release(&o);
        wan_release(&m);
        CHECK_INT(walled_held(), 0);
        takes += 1 + takes / 4;
    } while (rc);
    CHECK(takes > 20);
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

/* What the network says of some latent at `time`, replayed where it can be (r may be NULL). */
static void velocity_at_time(struct cx *cx, const struct wan *m, struct replay *r, double time,
                             float *out)
{
    float x[TOKENS * COLUMNS], text[WORDS * TEXT];
    int32_t index[TOKENS] = {0};
    struct tensor *y;

    for (int i = 0; i < TOKENS * COLUMNS; i++)
        x[i] = (float)sin((double)i * time);
    for (int i = 0; i < WORDS * TEXT; i++)
        text[i] = (float)cos((double)i);
    do {
        struct denoiser_batch b = {.n = 1,
                                   .grid = &(struct token_grid){2, 2, 3},
                                   .n_times = 1,
                                   .times = &time,
                                   .time_index = index,
                                   .text = {{NULL, {1, (int64_t[]){0, WORDS}}}}};
        cx_step_end(cx);
        if (r)
            replay_begin(cx, r);
        b.rows = tensor_from(cx, DT_F32, DIMS(TOKENS, COLUMNS), x, DT_F32);
        b.text[0].rows = tensor_from(cx, DT_F32, DIMS(WORDS, TEXT), text, DT_F32);
        y = wan_forward(cx, m, &b);
    } while (r && !replay_end(cx, r));
    tensor_read_f32(cx, y, out);
    cx_step_end(cx);
    CHECK_INT(cx->err.code, 0);
}

/* Two forward passes with at most `budget` bytes of weights on the device: the second one finds
 * what the first one left. */
static int velocity_of(struct device *d, uint64_t budget, float *out, struct err *e)
{
    struct wan m;
    struct cx cx;

    small_network(&m);
    m.weights.budget_bytes = budget;
    int rc = weight_set_allocate(&m.weights, d, DT_F32, 0, e);
    CHECK(!budget || walled_held() <= budget);
    cx_init(&cx, d, DT_F32, NULL);
    if (!rc)
        fill_weights(&m);
    for (int i = 0; i < 2 && !rc; i++)
        velocity_at_time(&cx, &m, NULL, 500, out);
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

enum { REPLAYED = 9 };

/* Other work between the steps: more buffers of the sizes that they use, so that they are handed
 * others than before. */
static void disturb(struct cx *cx, int more)
{
    for (int i = 0; i < more; i++) {
        tensor_zeros(cx, DT_F32, DIMS(TOKENS * COLUMNS));
        tensor_zeros(cx, DT_F32, DIMS(TOKENS * 24));
    }
    cx_step_end(cx);
}

static void replayed_velocities(struct device *d, float out[REPLAYED][TOKENS * COLUMNS],
                                int disturbed)
{
    struct replay r = {0};
    struct wan m;
    struct cx cx;
    struct err e;

    small_network(&m);
    CHECK_INT(weight_set_allocate(&m.weights, d, DT_F32, 0, &e), 0);
    fill_weights(&m);
    cx_init(&cx, d, DT_F32, NULL);
    for (int i = 0; i < REPLAYED; i++) {
        velocity_at_time(&cx, &m, &r, 900 - 90 * i, out[i]);
        if (disturbed && i == REPLAYED / 2)
            disturb(&cx, 100);
    }
    replay_release(&cx, &r);
    cx_release(&cx);
    wan_release(&m);
}

TEST(device_replays_a_step_with_other_values)
{
    static float want[REPLAYED][TOKENS * COLUMNS], got[REPLAYED][TOKENS * COLUMNS];

    replayed_velocities(device_cpu(), want, 0);
    for (int disturbed = 0; disturbed < 2; disturbed++) {
        int before = walled_replayed;

        replayed_velocities(walled_device(ENOUGH), got, disturbed);
        CHECK(!memcmp(want, got, sizeof want));
        /* the first step is done, the second recorded; one that is not good any more begins anew */
        CHECK_INT(walled_replayed - before, disturbed ? REPLAYED - 3 : REPLAYED - 2);
        CHECK_INT(walled_held(), 0);
    }
}

TEST(device_that_cannot_record_does)
{
    static float want[REPLAYED][TOKENS * COLUMNS], got[REPLAYED][TOKENS * COLUMNS];
    int before = walled_replayed;

    replayed_velocities(device_cpu(), want, 0);
    walled_refuses = 1;
    replayed_velocities(walled_device(ENOUGH), got, 0);
    walled_refuses = 0;
    CHECK(!memcmp(want, got, sizeof want));
    CHECK_INT(walled_replayed, before);
    CHECK_INT(walled_held(), 0);
}

/* A step that is given up in the middle leaves nothing behind. */
TEST(device_forgets_a_step_that_fails)
{
    struct device *d = walled_device(ENOUGH);
    struct replay r = {0};
    struct cx cx;

    cx_init(&cx, d, DT_F32, NULL);
    for (int i = 0; i < 4 && !cx.err.code; i++) {
        float x = (float)i;
        replay_begin(&cx, &r);
        struct tensor *t = tensor_from(&cx, DT_F32, DIMS(1), &x, DT_F32);
        t = add(&cx, t, t);
        if (i == 3)
            cx_fail(&cx, ERR_CANCEL, "enough");
        CHECK(replay_end(&cx, &r));
        tensor_read_f32(&cx, t, &x);
        CHECK(x == (i == 3 ? 0 : 2 * (float)i));
        cx_step_end(&cx);
    }
    CHECK_INT(cx.err.code, ERR_CANCEL);
    replay_release(&cx, &r);
    cx_release(&cx);
    CHECK_INT(walled_held(), 0);
}

TEST(device_training_touches_no_foreign_memory)
{
    char *a = path_join(ztest_tmp(), "on-cpu"), *b = path_join(ztest_tmp(), "on-walled");

    training_run(&(struct training){.device = device_cpu(), .dir = a});
    training_run(&(struct training){.device = walled_device(ENOUGH), .dir = b});
    training_same(a, b, "curve-vae.jsonl");
    training_same(a, b, "curve-dit.jsonl");
    training_same(a, b, "model/transformer/diffusion_pytorch_model.safetensors");
    training_same(a, b, "model/vae/diffusion_pytorch_model.safetensors");
    CHECK_INT(walled_held(), 0);
    free(a);
    free(b);
}

/* ---- many jobs on one model ---- */

enum { JOBS = 4 };

struct one_job {
    const struct bundle *bundle;
    struct device *device;
    struct drawn drawn;
    char seed[4];
    int rc;
};

static void *run_job(void *arg)
{
    struct one_job *j = arg;
    struct request q;
    struct plan p = {0};
    struct sink nothing = {0};

    request_init(&q);
    j->rc = request_set(&q, "prompt", "a red ball rolls to the right", &j->drawn.e) |
            request_set(&q, "seed", j->seed, &j->drawn.e) |
            request_set(&q, "type", "f32", &j->drawn.e) |
            request_set(&q, "threads", "2", &j->drawn.e);
    if (!j->rc)
        j->rc = plan_make(&p, fixture_dir(), &q, NULL, &j->drawn.e);
    p.device = j->device;
    if (!j->rc)
        j->rc = pipeline_run(j->bundle, &p, &nothing, &j->drawn.figures, &j->drawn.e);
    plan_release(&p);
    request_release(&q);
    return NULL;
}

/* With no more of the text encoder's and the transformer's weights on d than there must be. */
static struct bundle *open_tight(struct device *d, int tight)
{
    struct bundle_budget budget = {.bytes = {0}};
    struct bundle *b;
    struct err e;
    int rc;

    do {
        budget.bytes[PLACE_TEXT] += tight ? 1 << 10 : 0;
        budget.bytes[PLACE_DENOISER] += tight ? 1 << 10 : 0;
        rc = bundle_open(&b, fixture_dir(), d, DT_F32, &budget, &e);
    } while (tight && rc == ERR_FIT);
    if (rc)
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    CHECK(!tight || b->denoiser[0].weights->stream || part_weights(&b->part[PLACE_TEXT])->stream);
    return b;
}

/* Films with seeds 1, 2, .. on one set of networks, one after the other or at once. */
static void draw_many(struct device *d, int tight, int at_once, struct one_job job[JOBS])
{
    struct bundle *b = open_tight(d, tight);
    pthread_t thread[JOBS];

    memset(job, 0, sizeof *job * JOBS);
    for (int i = 0; i < JOBS; i++) {
        job[i].bundle = b;
        job[i].device = d;
        snprintf(job[i].seed, sizeof job[i].seed, "%d", 1 + i);
        CHECK(!pthread_create(&thread[i], NULL, run_job, &job[i]));
        if (!at_once)
            pthread_join(thread[i], NULL);
    }
    for (int i = 0; at_once && i < JOBS; i++)
        pthread_join(thread[i], NULL);
    bundle_free(&b);
}

/* Each job gets the film that it gets alone. */
static void jobs_at_once(struct device *d, int tight)
{
    struct one_job alone[JOBS], together[JOBS];

    draw_many(device_cpu(), 0, 0, alone);
    draw_many(d, tight, 1, together);
    for (int i = 0; i < JOBS; i++) {
        if (together[i].rc || alone[i].rc)
            ztest_fail(__FILE__, __LINE__, "job %d: %s%s", i, alone[i].drawn.e.msg,
                       together[i].drawn.e.msg);
        CHECK_STR(together[i].drawn.figures.latent_hash, alone[i].drawn.figures.latent_hash);
        CHECK_STR(together[i].drawn.figures.frame_hash, alone[i].drawn.figures.frame_hash);
    }
}

TEST(device_serves_many_jobs_of_one_model)
{
    jobs_at_once(walled_device(ENOUGH), 0);
    CHECK_INT(walled_held(), 0);
}

TEST(device_serves_many_jobs_whose_weights_come_and_go)
{
    size_t prefetched = walled_prefetched;

    jobs_at_once(walled_device(ENOUGH), 1);
    CHECK(walled_prefetched > prefetched);
    CHECK_INT(walled_held(), 0);
}

TEST(device_cpu_serves_many_jobs_of_one_model)
{
    jobs_at_once(device_cpu(), 0);
}
