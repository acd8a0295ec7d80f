/* An autoencoder that goes on from another one: what stays, what is fitted, what is refused. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "model/networks.h"
#include "model/part.h"
#include "tensor/ops.h"
#include "train/vae_begin.h"
#include "train/vae_dead.h"
#include "training.h"
#include "ztest.h"

static void config(struct train_config *c)
{
    training_config(c);
    c->vae.steps = 6;
    c->vae.evaluate_every = 6;
}

/* DIR/vae of a run, to be released. */
static struct tiny_vae *codec_of(struct part *p, const char *dir)
{
    char *vae = path_join(dir, "vae");
    struct err e;

    if (part_declare(p, vae, PART_CODEC, &e) ||
        part_load(p, vae, device_cpu(), DT_F32, 0, NULL, &e))
        ztest_fail(__FILE__, __LINE__, "%s", e.msg);
    free(vae);
    return p->net;
}

/* Relative distance of two weights. */
static double moved(struct tiny_vae *a, struct tiny_vae *b, const char *name)
{
    struct weight *wa = weight_find(&a->weights, name), *wb = weight_find(&b->weights, name);
    size_t n = (size_t)weight_count(wa);
    float *x = xmalloc(sizeof *x * n), *y = xmalloc(sizeof *y * n);
    double d = 0, s = 0;

    weight_read(wa, x);
    weight_read(wb, y);
    for (size_t i = 0; i < n; i++) {
        d += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
        s += (double)x[i] * x[i];
    }
    free(x);
    free(y);
    return sqrt(d / fmax(s, 1e-30));
}

TEST(train_decoder_alone_leaves_the_encoder)
{
    char *first = path_join(ztest_tmp(), "codec-first"), *vae = path_join(first, "vae");
    char *second = path_join(ztest_tmp(), "codec-second"), *log = NULL;
    struct train_config c;
    struct part a, b;
    struct err e;

    config(&c);
    CHECK_INT(training_try(&c, first, "vae", 0, NULL, &e), 0);
    snprintf(c.vae.init, sizeof c.vae.init, "%s", vae);
    c.vae.decoder_only = c.vae.net.lapped = 1;
    c.vae.gradient = 0.1;
    c.vae.optim.lr = 0.01;
    CHECK_INT(training_try(&c, second, "vae", 0, &log, &e), 0);
    CHECK_CONTAINS(log, "the decoder too");
    CHECK_CONTAINS(log, "seam");
    struct tiny_vae *m = codec_of(&a, first), *n = codec_of(&b, second);
    CHECK(moved(m, n, "encoder.0.weight") == 0 && moved(m, n, "encoder.4.conv.0.bias") == 0);
    CHECK(moved(m, n, "klt.encode.weight") == 0 && moved(m, n, "klt.decode.bias") == 0);
    CHECK(moved(m, n, "decoder.1.weight") > 1e-3);
    part_release(&a);
    part_release(&b);

    /* A decoder of other sizes begins anew, an encoder of other sizes cannot stay. */
    char *third = path_join(ztest_tmp(), "codec-third"), *fourth = path_join(ztest_tmp(), "four");
    free(log);
    c.vae.net.decoder_width[1] = 12;
    CHECK_INT(training_try(&c, third, "vae", 0, &log, &e), 0);
    CHECK_CONTAINS(log, "anew");
    c.vae.net.encoder_width = 12;
    CHECK_INT(training_try(&c, fourth, "vae", 0, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "encoder.0.weight");
    free(log);
    free(first);
    free(second);
    free(third);
    free(fourth);
    free(vae);
}

/* Where the reel is all that there is to learn, least squares take away a good part of the error at
 * once, and seams go down. Of the second latent of three: what it moves by is known both ways. */
static void root_error(struct tiny_vae *m, const struct reel *reel, const struct train_config *c,
                       double *error)
{
    struct vae_batch b;
    struct cx cx;
    struct err e;

    vae_batch_init(&b, m, &reel->shape, 16, 3);
    CHECK_INT(vae_batch_draw(&b, reel, m, &c->vae, 1, 5, &e), 0);
    size_t n = (size_t)b.n * (size_t)b.t * (size_t)b.h * (size_t)b.w * 3;
    float *y = xmalloc(sizeof *y * n);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *x = tensor_from(&cx, DT_F32, DIMS(b.n, b.t, b.h, b.w, 3), b.video, DT_F32);
    struct tensor *z = tiny_vae_encode_clips(&cx, m, x);
    z = reshape(&cx, z, DIMS(b.n, b.lt, b.lh, b.lw, b.c));
    tensor_read_f32(&cx, tiny_vae_decode_clips(&cx, m, z), y);
    *error = 0;
    for (size_t i = 0; i < n; i++)
        if (i / (n / (size_t)(b.n * b.lt)) % (size_t)b.lt == 1)
            *error += ((double)y[i] - b.video[i]) * ((double)y[i] - b.video[i]) / (double)n;
    free(y);
    cx_release(&cx);
    vae_batch_release(&b);
}

TEST(train_root_is_fitted_by_least_squares)
{
    static const struct {
        double (*fit)(struct tiny_vae *m, struct cx *cx, const struct reel *reel,
                      const struct vae_recipe *r, uint64_t seed, struct err *e);
        int lapped, deblock, motion;
        double least; /* share of the error that it takes away */
    } parts[] = {{vae_fit_lapped, 1, 0, 0, 0.1},
                 {vae_fit_deblock, 0, 8, 0, 0.1},
                 {vae_fit_motion, 0, 0, 1, 0.05}};
    char *dir = path_join(ztest_tmp(), "codec-root");
    struct train_config c;
    struct tiny_vae m;
    struct reel reel;
    struct cx cx;
    struct err e;
    double before, after;

    config(&c);
    c.vae.steps = 1;
    c.vae.noise = 0;
    CHECK_INT(training_try(&c, dir, "vae", 0, NULL, &e), 0);
    CHECK_INT(reel_open(&reel, &c, dir, &e), 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    c.vae.klt_groups = 1024;
    c.vae.batch = 16;
    c.vae.groups = 3;
    for (int i = 0; i < 3; i++) {
        c.vae.net.lapped = parts[i].lapped;
        c.vae.net.deblock = parts[i].deblock;
        c.vae.net.motion = parts[i].motion;
        CHECK_INT(tiny_vae_init(&m, &c.vae.net, &e), 0);
        CHECK_INT(weight_set_allocate(&m.weights, device_cpu(), DT_F32, 1, &e), 0);
        weight_set_initialise(&m.weights, 1, NULL);
        CHECK(vae_fit_klt(&m, &reel, 64, 1, NULL, &e) > 0.5);
        root_error(&m, &reel, &c, &before);
        double share = parts[i].fit(&m, &cx, &reel, &c.vae, 1, &e);
        root_error(&m, &reel, &c, &after);
        CHECK(share > parts[i].least && share < 1);
        CHECK_BELOW(after, (1 - 0.5 * share) * before);
        tiny_vae_release(&m);
    }
    c.vae.groups = 2;
    CHECK(vae_fit_motion(&m, &cx, &reel, &c.vae, 1, &e) == ERR_USAGE);
    CHECK_CONTAINS(e.msg, "vae.groups is 2");
    cx_release(&cx);
    reel_close(&reel);
    free(dir);
}

TEST(train_dead_features_are_counted_by_layer)
{
    float x[400][4], y[400][2];
    struct vae_dead d = {0};
    struct tap tap = vae_dead_tap(&d);
    struct cx cx;

    for (int p = 0; p < 400; p++) {
        float row[4] = {0, p % 200 == 0, p % 50 == 0, 1}; /* never, 0.5 %, 2 %, always */
        memcpy(x[p], row, sizeof row);
        y[p][0] = y[p][1] = 1;
    }
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    CHECK_INT(vae_dead_worst(&d), -1);
    for (int half = 0; half < 2; half++) {
        tap_see(&tap, &cx, tensor_from(&cx, DT_F32, DIMS(1, 10, 20, 2), y[200 * half], DT_F32),
                "y");
        tap_see(&tap, &cx, tensor_from(&cx, DT_F32, DIMS(1, 10, 20, 4), x[200 * half], DT_F32),
                "x");
    }
    CHECK_INT(d.n, 2);
    CHECK_INT(vae_dead_worst(&d), 1);
    CHECK(vae_dead_share(&d, 0) == 0 && vae_dead_share(&d, 1) == 0.5);
    cx_release(&cx);
    vae_dead_release(&d);
}

/* A decoder whose second stage was pushed below zero: the next training says so at once. */
TEST(train_says_which_layer_of_the_decoder_is_dead)
{
    char *first = path_join(ztest_tmp(), "dead-first"), *vae = path_join(first, "vae");
    char *second = path_join(ztest_tmp(), "dead-second"), *log = NULL;
    struct vae_taken taken;
    struct train_config c;
    struct tiny_vae m;
    struct err e;

    config(&c);
    c.vae.steps = c.vae.evaluate_every = 1;
    CHECK_INT(training_try(&c, first, "vae", 0, &log, &e), 0);
    CHECK(!strstr(log, "ALARM"));
    free(log);
    CHECK_INT(tiny_vae_init(&m, &c.vae.net, &e), 0);
    CHECK_INT(weight_set_allocate(&m.weights, device_cpu(), DT_F32, 1, &e), 0);
    CHECK_INT(vae_take_over(&m, vae, &taken, &e), 0);
    struct weight *bias = weight_find(&m.weights, "decoder.6.conv.4.bias");
    size_t n = (size_t)weight_count(bias);
    float *values = xmalloc(sizeof *values * n);
    for (size_t i = 0; i < n; i++)
        values[i] = i % 4 ? -100 : 1;
    weight_store(bias, values, DT_F32);
    CHECK_INT(bundle_save_tiny_vae(&m, vae, DT_F32, NULL, &e), 0);
    snprintf(c.vae.init, sizeof c.vae.init, "%s", vae);
    c.vae.decoder_only = 1;
    CHECK_INT(training_try(&c, second, "vae", 0, &log, &e), 0);
    CHECK_CONTAINS(log, "ALARM: 75 % of the features behind decoder.1.0");
    tiny_vae_release(&m);
    free(values);
    free(log);
    free(first);
    free(second);
    free(vae);
}

/* What a run was begun at is told by what it holds, not by where it lies. */
TEST(train_checkpoint_knows_what_its_codec_was_begun_at)
{
    char *first = path_join(ztest_tmp(), "begun-at"), *vae = path_join(first, "vae");
    char *second = path_join(ztest_tmp(), "begun"), *mark = path_join(second, "vae/done");
    struct train_config c;
    struct vae_taken taken;
    struct tiny_vae m;
    struct err e;

    config(&c);
    c.vae.steps = c.vae.evaluate_every = 2;
    CHECK_INT(training_try(&c, first, "vae", 0, NULL, &e), 0);
    snprintf(c.vae.init, sizeof c.vae.init, "%s", vae);
    CHECK_INT(training_try(&c, second, "vae", 0, NULL, &e), 0);
    CHECK_INT(unlink(mark), 0);
    CHECK_INT(training_try(&c, second, "vae", 1, NULL, &e), 0);
    CHECK_INT(tiny_vae_init(&m, &c.vae.net, &e), 0);
    CHECK_INT(weight_set_allocate(&m.weights, device_cpu(), DT_F32, 1, &e), 0);
    CHECK_INT(vae_take_over(&m, vae, &taken, &e), 0);
    struct weight *bias = weight_find(&m.weights, "encoder.0.bias");
    float *values = xcalloc((size_t)weight_count(bias), sizeof *values);
    weight_store(bias, values, DT_F32);
    CHECK_INT(bundle_save_tiny_vae(&m, vae, DT_F32, NULL, &e), 0);
    CHECK_INT(unlink(mark), 0);
    CHECK_INT(training_try(&c, second, "vae", 1, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "comes from another config");
    tiny_vae_release(&m);
    free(values);
    free(first);
    free(second);
    free(vae);
    free(mark);
}
