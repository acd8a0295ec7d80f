/* Upsamplers: which of them a film goes through, what they do to its pixels, and that their
 * training learns from what the codec makes. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "fixture.h"
#include "generate/pipeline.h"
#include "model/networks.h"
#include "train/optim.h"
#include "train/reel.h"
#include "train/train.h"
#include "train/upsample_critic.h"
#include "train/upsample_task.h"
#include "ztest.h"

static void must(int rc, const struct err *e)
{
    if (rc)
        panic("%s", e->msg);
}

struct shot {
    uint8_t *rgb; /* of the first frame */
    int w, h, n_enlarge;
};

static int keep_first(void *user, int index, const uint8_t *rgb, struct err *e)
{
    struct shot *s = user;

    (void)e;
    if (!index)
        memcpy(s->rgb, rgb, (size_t)s->w * (size_t)s->h * 3);
    return 0;
}

static int film(struct shot *s, const char *dir, const char *size, const char *enlarge,
                struct err *e)
{
    const char *settings[][2] = {{"prompt", "a red ball"}, {"seed", "3"},   {"steps", "2"},
                                 {"frames", "5"},          {"type", "f32"}, {"size", size},
                                 {"enlarge", enlarge}};
    struct sink sink = {.user = s, .frame = keep_first};
    struct figures figures;
    struct request r;
    struct bundle *b = NULL;
    struct plan p = {0};
    int rc = 0;

    request_init(&r);
    for (size_t i = 0; !rc && i < sizeof settings / sizeof *settings; i++)
        rc = request_set(&r, settings[i][0], settings[i][1], e);
    if (!rc)
        rc = plan_make(&p, dir, &r, NULL, e);
    if (!rc)
        rc = bundle_open(&b, dir, device_cpu(), DT_F32, NULL, e);
    *s = (struct shot){NULL, p.film_w, p.film_h, p.n_enlarge};
    if (!rc) {
        s->rgb = xmalloc((size_t)s->w * (size_t)s->h * 3);
        rc = pipeline_run(b, &p, &sink, &figures, e);
    }
    if (b)
        bundle_free(&b);
    plan_release(&p);
    request_release(&r);
    return rc;
}

static int repeats(const struct shot *large, const struct shot *small)
{
    int k = large->w / small->w;

    for (int y = 0; y < large->h; y++)
        for (int x = 0; x < large->w; x++)
            if (memcmp(large->rgb + ((size_t)y * (size_t)large->w + (size_t)x) * 3,
                       small->rgb + ((size_t)(y / k) * (size_t)small->w + (size_t)(x / k)) * 3, 3))
                return 0;
    return 1;
}

TEST(film_goes_through_as_many_upsamplers_as_its_size_wants)
{
    static const struct {
        const char *size, *enlarge;
        int n;
    } cases[] = {{"native", "model", 0},  {"60x40", "model", 0},  {"96x64", "model", 1},
                 {"120x80", "model", 1},  {"144x96", "model", 2}, {"384x256", "model", 2},
                 {"768x512", "model", 2}, {"384x256", "plain", 0}};
    char *dir = fixture_with_upsamplers("enlarged", 2, 4);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct shot s;
        struct err e = {0};

        CHECK_INT(film(&s, dir, cases[i].size, cases[i].enlarge, &e), 0);
        if (s.n_enlarge != cases[i].n)
            ztest_fail(__FILE__, __LINE__, "%s %s: %d upsamplers, expected %d", cases[i].size,
                       cases[i].enlarge, s.n_enlarge, cases[i].n);
        free(s.rgb);
    }
    free(dir);
}

TEST(upsamplers_that_learned_nothing_repeat_pixels)
{
    char *dir = fixture_with_upsamplers("enlarged-twice", 2, 4);
    struct shot native, two, eight, plain;
    struct err e = {0};

    CHECK_INT(film(&native, dir, "native", "model", &e), 0);
    CHECK_INT(film(&two, dir, "96x64", "model", &e), 0);
    CHECK_INT(film(&eight, dir, "384x256", "model", &e), 0);
    CHECK_INT(film(&plain, dir, "96x64", "plain", &e), 0);
    CHECK(repeats(&two, &native));
    CHECK(repeats(&eight, &native));
    CHECK(!repeats(&plain, &native));
    free(native.rgb);
    free(two.rgb);
    free(eight.rgb);
    free(plain.rgb);
    free(dir);
}

TEST(second_upsampler_without_a_first_is_refused)
{
    char *dir = fixture_with_upsamplers("second-alone", 0, 2);
    struct shot s;
    struct err e = {0};

    CHECK_INT(film(&s, dir, "96x64", "model", &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "upsampler_2");
    free(dir);
}

/* ---- training ---- */

static struct train_config small_config(void)
{
    struct train_config c = {
        .seed = 9, .type = DT_F32, .clip = {.width = 48, .height = 32, .frames = 9, .fps = 8}};

    worlds_default(&c.clip.worlds);
    return c;
}

/* With a codec of random weights the small pictures of pairs are what that makes of a render, and
 * the large ones are the render of the same scene. */
TEST(pairs_are_of_the_codec_and_of_the_same_scene)
{
    struct train_config c = small_config();
    struct threads *th = threads_new(2);
    struct run run = {.threads = th};
    struct world_scene scene;
    struct clip low, high;
    struct tiny_vae codec;
    struct upsample_pairs p;
    struct err e = {0};
    struct cx cx;

    fixture_small_vae(&codec);
    cx_init(&cx, device_cpu(), DT_F32, th);
    struct upsample_source from = {.config = &c, .codec = &codec, .frames = 5, .scale = 2};
    CHECK_INT(upsample_pairs_make(&p, &from, 7, 2, &cx, &run, &e), 0);
    CHECK_INT(p.n, 10);
    CHECK_INT(p.w, 48);
    CHECK_INT(p.h, 32);

    c.clip.frames = 5;
    reel_draw(&low, &scene, c.seed, 8, &c.clip);
    float *values = xmalloc(sizeof *values * 48 * 32 * 3 * 5);
    for (int i = 0; i < 48 * 32 * 3 * 5; i++)
        values[i] = (float)low.rgb[i] / 255;
    struct tensor *x = tensor_from(&cx, DT_F32, DIMS(5, 32, 48, 3), values, DT_F32);
    tensor_read_f32(&cx, tiny_vae_decode(&cx, &codec, tiny_vae_encode(&cx, &codec, x)), values);
    int off = 0, bytes = 48 * 32 * 3;
    for (int i = 0; i < 5 * bytes; i++) {
        float v = values[i] * 255 + 0.5f;
        off += p.low[5 * bytes + i] != (v >= 255 ? 255 : v > 0 ? (int)v : 0);
    }
    CHECK_INT(off, 0);
    c.clip.width *= 2;
    c.clip.height *= 2;
    reel_draw(&high, &scene, c.seed, 8, &c.clip);
    CHECK(!memcmp(p.high + 20 * bytes, high.rgb, 20 * (size_t)bytes));
    clip_release(&low);
    clip_release(&high);
    free(values);
    upsample_pairs_release(&p);
    tiny_vae_release(&codec);
    cx_release(&cx);
    threads_free(&th);
}

static double loss_of(struct cx *cx, const struct subpixel *m, const struct upsample_batch *b)
{
    struct upsample_views v;

    upsample_look(&v, cx, m, b);
    return scalar_value(cx, upsample_loss(cx, &v, 0.5));
}

/* Crops of the small and the large picture are of one place: of pairs that repeat pixels, the
 * network that repeats pixels has no loss. */
TEST(crops_of_a_pair_are_of_one_place)
{
    enum { W = 20, H = 18 };
    static uint8_t low[2 * W * H * 3], high[2 * W * H * 3 * 4];
    struct upsample_pairs p = {2, W, H, 2, low, high};
    struct upsample_batch b;
    struct subpixel m;
    struct err e = {0};
    struct cx cx;

    for (int i = 0; i < 2 * W * H * 3; i++)
        low[i] = (uint8_t)(i * 37 % 251);
    for (int f = 0; f < 2; f++)
        for (int y = 0; y < 2 * H; y++)
            for (int x = 0; x < 2 * W; x++)
                memcpy(high + ((f * 2 * H + y) * 2 * W + x) * 3,
                       low + ((f * H + y / 2) * W + x / 2) * 3, 3);
    CHECK_INT(subpixel_init(&m, &(struct subpixel_config){2, 3, 1}, &e), 0);
    weights_on_cpu(&m.weights, DT_F32, 1);
    weight_set_initialise(&m.weights, 1, NULL);
    upsample_batch_init(&b, 6, 11, 2);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int step = 0; step < 3; step++) {
        upsample_batch_draw(&b, &p, 4, step);
        CHECK(loss_of(&cx, &m, &b) < 1e-7);
        b.high[5] += 0.5f;
        CHECK(loss_of(&cx, &m, &b) > 1e-5);
        cx_step_end(&cx);
    }
    cx_release(&cx);
    upsample_batch_release(&b);
    subpixel_release(&m);
}

/* Stripes at random places, of which a small grey picture says nothing, beside their mean. */
static void stripes(struct upsample_batch *b, float *mean, uint64_t step)
{
    size_t side = (size_t)b->side * (size_t)b->scale, n = (size_t)b->n * side * side * 3;
    struct rng g;

    rng_init(&g, 21, step);
    for (size_t i = 0; i < n / (size_t)(b->scale * b->scale); i++)
        b->low[i] = 0.5f;
    for (size_t i = 0; i < n; i += side * side * 3) {
        size_t at = (size_t)rng_below(&g, 4);

        for (size_t k = 0; k < side * side * 3; k++) {
            b->high[i + k] = (k / 3 % side + at) / 2 % 2 ? 0.9f : 0.1f;
            mean[i + k] = 0.5f;
        }
    }
}

/* Nothing that is learned from errors alone can tell the mean of two stripes from a stripe; the
 * critic does, and its wish leads away from the mean. */
TEST(critic_knows_a_mean_from_what_was_rendered)
{
    enum { N = 2, SIDE = 8, PX = N * 4 * SIDE * SIDE * 3 };
    static float mean[PX];
    struct critic c;
    struct optim o;
    struct optim_config oc = optim_config_default;
    struct upsample_batch b;
    struct err e = {0};
    struct cx cx;
    double first = 0, last = 0;

    oc.lr = 3e-3;
    oc.decay = 0;
    oc.use_muon = 0;
    critic_init(&c, 2, 8);
    weights_on_cpu(&c.weights, DT_F32, 1);
    weight_set_initialise(&c.weights, 1, NULL);
    CHECK_INT(optim_init(&o, &oc, &(struct optim_set){"critic", &c.weights}, 1, &e), 0);
    upsample_batch_init(&b, N, SIDE, 2);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int step = 0; step < 80; step++) {
        stripes(&b, mean, (uint64_t)step);
        weight_zero_grads(&c.weights);
        tape_begin(&cx);
        struct tensor *low =
            keep(&cx, tensor_from(&cx, DT_F32, DIMS(N, SIDE, SIDE, 3), b.low, DT_F32));
        struct tensor *l = critic_loss(
            &cx, &c, low, tensor_from(&cx, DT_F32, DIMS(N, 2 * SIDE, 2 * SIDE, 3), mean, DT_F32),
            tensor_from(&cx, DT_F32, DIMS(N, 2 * SIDE, 2 * SIDE, 3), b.high, DT_F32));
        backward(&cx, l, 1);
        last = scalar_value(&cx, l);
        first = step ? first : last;
        tape_end(&cx);
        cx_step_end(&cx);
        CHECK_INT(optim_step(&o, cx.k, &cx.kcx, 1, &e), 0);
    }
    CHECK(first == 0.5); /* no opinion */
    CHECK_BELOW(last, 0.05);
    optim_release(&o);
    upsample_batch_release(&b);
    critic_release(&c);
    cx_release(&cx);
}

/* configs/tiny.json with an upsampler that begins at another, until that is trained. */
static int train(const char *init, int width, double lr, const char *name, struct err *e)
{
    char *config = path_join(ztest_data(".."), "configs/tiny.json");
    char *dir = path_join(ztest_tmp(), name);
    struct train_config c;

    must(train_config_read(&c, config, e), e);
    c.vae.steps = 1;
    c.upsampler[0].net.width = width;
    c.upsampler[0].optim.lr = lr;
    snprintf(c.upsampler[0].init, sizeof c.upsampler[0].init, "%s", init);
    struct run run = {.dir = dir,
                      .checkpoint_s = 60,
                      .until = "upsamplers",
                      .device = device_cpu(),
                      .threads = threads_new(2)};
    int rc = train_run(&c, &run, e);
    threads_free(&run.threads);
    free(config);
    free(dir);
    return rc;
}

TEST(upsampler_begins_at_another_of_its_sizes)
{
    char *from = fixture_with_upsamplers("begin", 2, 0), *folder = path_join(from, "upsampler");
    char *vae = path_join(from, "vae"), *file = NULL;
    struct subpixel a, b;
    struct err e = {0};
    float x[4], y[4];

    CHECK_INT(train(folder, 4, 0, "upsampler-begun", &e), 0);
    file = path_join(ztest_tmp(), "upsampler-begun/upsampler");
    CHECK_INT(bundle_load_subpixel(&a, folder, device_cpu(), DT_F32, 0, &e), 0);
    CHECK_INT(bundle_load_subpixel(&b, file, device_cpu(), DT_F32, 0, &e), 0);
    weight_read(weight_find(&a.weights, "head.bias"), x);
    weight_read(weight_find(&b.weights, "head.bias"), y);
    CHECK(!memcmp(x, y, sizeof x));
    CHECK_INT(train(folder, 5, 0, "begun-wide", &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "width 4");
    CHECK_INT(train(vae, 4, 0, "begun-vae", &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "no upsampler");
    CHECK_INT(train("/nowhere", 4, 0, "begun-nowhere", &e), ERR_IO);
    CHECK_CONTAINS(e.msg, "/nowhere");
    subpixel_release(&a);
    subpixel_release(&b);
    free(from);
    free(folder);
    free(vae);
    free(file);
}
