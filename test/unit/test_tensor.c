/* test_tensor.c - lifetimes: pool, scopes, consuming, tape, recomputation; and what the moves mean.
 */
#include <malloc.h>
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "tensor/inner.h"
#include "ztest.h"

static struct tensor *ramp(struct cx *cx, int rank, const int64_t *dim)
{
    struct tensor *x = tensor_new(cx, DT_F32, rank, dim);
    for (int64_t i = 0; i < tensor_count(x); i++)
        ((float *)x->data)[i] = (float)i;
    return x;
}

static double at(const struct tensor *x, int64_t i)
{
    return x->type == DT_F64 ? ((double *)x->data)[i] : (double)((float *)x->data)[i];
}

TEST(tensor_shapes)
{
    struct cx cx;
    cx_init(&cx, device_cpu(), DT_BF16, NULL);
    struct tensor *x = tensor_zeros(&cx, DT_BF16, DIMS(2, 3, 5));
    CHECK_INT(tensor_count(x), 30);
    CHECK_INT(tensor_rows(x), 6);
    CHECK_INT(tensor_last(x), 5);
    CHECK_INT(tensor_bytes(x), 60);
    CHECK_STR(SHAPE(x), "BF16 [2,3,5]");
    CHECK_INT((uintptr_t)x->data % 64, 0);
    float v[30];
    memset(v, 1, sizeof v);
    tensor_read_f32(&cx, x, v);
    for (int i = 0; i < 30; i++)
        CHECK(v[i] == 0);
    CHECK_INT(tensor_count(tensor_new(&cx, DT_F32, DIMS(0, 4))), 0);
    cx_release(&cx);
}

TEST(tensor_finite)
{
    struct cx cx;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *x = ramp(&cx, DIMS(3, 70000));
    CHECK(tensor_finite(&cx, x));
    ((float *)x->data)[150000] = NAN;
    CHECK(!tensor_finite(&cx, x));
    ((float *)x->data)[150000] = -INFINITY;
    CHECK(!tensor_finite(&cx, x));
    cx_release(&cx);
}

TEST(pool_classes)
{
    static const size_t sizes[] = {0,    1,     64,      65,      1024,     1025,          2048,
                                   2049, 99999, 1 << 20, 1234567, 33333333, (1u << 30) + 1};
    struct pool *p = pool_new(device_null());
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct buffer *b = pool_take(p, sizes[i]);
        CHECK(b->cap >= sizes[i] && b->cap % 64 == 0);
        CHECK(b->cap <= sizes[i] + sizes[i] / 16 + 64);
        CHECK(b->cap < (1 << 20) || b->cap % 4096 == 0);
        size_t cap = b->cap;
        pool_give(p, b);
        CHECK(pool_take(p, cap) == b); /* a buffer returns to the class it came from */
        pool_give(p, b);
    }
    CHECK_INT(p->used_bytes, 0);
    pool_free(&p);
}

TEST(scope_frees_all_but_the_result)
{
    struct cx cx;
    struct scope outer, inner;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    scope_begin(&cx, &outer);
    struct tensor *a = ramp(&cx, DIMS(16)), *b, *c;
    scope_begin(&cx, &inner);
    b = ramp(&cx, DIMS(1024));
    c = add_scaled(&cx, a, 2, a, 1);
    ramp(&cx, DIMS(2048));
    c = scope_end(&cx, &inner, c);
    CHECK_INT(cx.pool->used_bytes, 2 * 64);
    CHECK(at(c, 5) == 15 && at(a, 5) == 5);
    CHECK(b->gen != b->buffer->gen);
    CHECK(ramp(&cx, DIMS(1024))->buffer == b->buffer); /* the memory is handed out again */
    scope_end(&cx, &outer, NULL);
    CHECK_INT(cx.pool->used_bytes, 0);
    CHECK_INT(cx_peak_bytes(&cx), 2 * 64 + 4096 + 8192);
    cx_release(&cx);
}

static struct cx bug_cx;

static void use_after_consume(void)
{
    struct tensor *x = ramp(&bug_cx, DIMS(4));
    act(&bug_cx, x, ACT_RELU);
    act(&bug_cx, x, ACT_RELU);
}

static void use_after_consume_recorded(void)
{
    struct tensor *x = ramp(&bug_cx, DIMS(4));
    tape_begin(&bug_cx);
    x->needs_grad = 1;
    act(&bug_cx, x, ACT_RELU);
    act(&bug_cx, x, ACT_RELU);
}

static void use_alias_after_consume(void)
{
    struct tensor *x = ramp(&bug_cx, DIMS(4));
    act(&bug_cx, reshape(&bug_cx, x, DIMS(2, 2)), ACT_RELU);
    tensor_read_f32(&bug_cx, x, (float[4]){0});
}

static void use_after_scope(void)
{
    struct scope s;
    scope_begin(&bug_cx, &s);
    struct tensor *x = ramp(&bug_cx, DIMS(4));
    scope_end(&bug_cx, &s, NULL);
    cast(&bug_cx, x, DT_F32);
}

static void use_wrong_shape(void)
{
    add(&bug_cx, ramp(&bug_cx, DIMS(4)), ramp(&bug_cx, DIMS(2, 2)));
}

static void use_scopes_crossed(void)
{
    struct scope a, b;
    scope_begin(&bug_cx, &a);
    scope_begin(&bug_cx, &b);
    scope_end(&bug_cx, &a, NULL);
}

static void use_legally(void)
{
    struct tensor *x = keep(&bug_cx, ramp(&bug_cx, DIMS(4)));
    act(&bug_cx, x, ACT_RELU);
    act(&bug_cx, x, ACT_RELU);
}

TEST(misuse_is_a_bug_at_once)
{
    cx_init(&bug_cx, device_cpu(), DT_F32, NULL);
    CHECK(ztest_aborts(use_after_consume));
    CHECK(ztest_aborts(use_after_consume_recorded));
    CHECK(ztest_aborts(use_alias_after_consume));
    CHECK(ztest_aborts(use_after_scope));
    CHECK(ztest_aborts(use_wrong_shape));
    CHECK(ztest_aborts(use_scopes_crossed));
    CHECK(!ztest_aborts(use_legally));
    cx_release(&bug_cx);
}

TEST(consuming_works_in_place)
{
    struct cx cx;
    float lent[4] = {-1, 2, -3, 4};
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *x = ramp(&cx, DIMS(4)), *y = act(&cx, x, ACT_RELU);
    CHECK(y->data == x->data && x->poisoned);
    keep(&cx, y);
    struct tensor *z = add(&cx, y, y);
    CHECK(z->data != y->data && at(y, 3) == 3 && at(z, 3) == 6);
    struct tensor *w = act(&cx, tensor_wrap(&cx, DT_F32, DIMS(4), lent), ACT_RELU);
    CHECK(lent[0] == -1 && at(w, 0) == 0 && at(w, 3) == 4); /* borrowed memory is never written */
    cx_release(&cx);
}

/* A chain that saves what backward reads, with scopes, three times per step. */
struct net {
    struct weight_set ws;
    struct linear_w up, down;
};

static struct tensor *net_block(struct cx *cx, struct tensor **in, int n, void *arg)
{
    struct net *w = arg;
    struct mod none = {0};
    struct scope s;
    (void)n;
    scope_begin(cx, &s);
    struct tensor *h = norm_mod(cx, in[0], NULL, NULL, none, none, 1e-6);
    h = linear(cx, act(cx, linear(cx, h, &w->up), ACT_SILU), &w->down);
    return scope_end(cx, &s, add_gated(cx, in[0], h, none));
}

static void net_init(struct net *w)
{
    weight_set_init(&w->ws);
    w->up = linear_declare(&w->ws, "up", 32, 64, 1, INIT_LINEAR, 0);
    w->down = linear_declare(&w->ws, "down", 64, 32, 1, INIT_LINEAR, 0);
    weights_on_cpu(&w->ws, DT_F32, 1);
    weight_set_initialise(&w->ws, 1, NULL);
}

static void net_step(struct cx *cx, struct net *w, int again)
{
    struct scope s;
    tape_begin(cx);
    scope_begin(cx, &s);
    struct tensor *x = ramp(cx, DIMS(50, 32)), *t = tensor_zeros(cx, DT_F32, DIMS(50, 32));
    for (int i = 0; i < 3; i++)
        x = again ? remat(cx, net_block, &x, 1, w) : net_block(cx, &x, 1, w);
    struct tensor *loss = scope_end(cx, &s, loss_l2(cx, x, t, NULL, 1));
    CHECK(scalar_value(cx, loss) > 0);
    backward(cx, loss, 1);
    tape_end(cx);
    /* everything but the loss went back to the pool on the way */
    CHECK_INT(cx->pool->used_bytes, 64);
    cx_step_end(cx);
}

TEST(steady_state_makes_no_malloc)
{
    struct cx cx;
    struct net w;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    net_init(&w);
    for (int again = 0; again < 2; again++) {
        for (int i = 0; i < 4; i++)
            net_step(&cx, &w, again);
        int n = cx.pool->n_all;
        struct arena_block *block = cx.handles.head;
        uint64_t bytes = cx_reserved_bytes(&cx);
        struct mallinfo2 before = mallinfo2();
        net_step(&cx, &w, again);
        struct mallinfo2 after = mallinfo2();
        CHECK_INT(after.uordblks, before.uordblks);
        CHECK_INT(cx.pool->n_all, n);
        CHECK(cx.handles.head == block);
        CHECK_INT(cx_reserved_bytes(&cx), bytes);
    }
    cx_release(&cx);
    weight_set_release(&w.ws);
}

/* Four pictures of 2 MiB, then one of 8. */
static void few_and_many(struct cx *cx, void *place[5])
{
    struct scope s;
    struct tensor *x[4];
    int wrong = 0;

    scope_begin(cx, &s);
    for (int i = 0; i < 4; i++) {
        x[i] = tensor_new(cx, DT_F32, DIMS(1 << 19));
        place[i] = memset(x[i]->data, i, 2 << 20);
    }
    for (int i = 0; i < 4; i++)
        for (int b = 0; b < 2 << 20; b++)
            wrong += ((const char *)place[i])[b] != i;
    CHECK_INT(wrong, 0);
    scope_end(cx, &s, NULL);
    scope_begin(cx, &s);
    place[4] = memset(tensor_new(cx, DT_F32, DIMS(1 << 21))->data, 4, 8 << 20);
    scope_end(cx, &s, NULL);
}

TEST(large_pictures_and_many_small_ones_share_memory)
{
    void *place[3][5];
    struct cx cx;

    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int step = 0; step < 3; step++) {
        few_and_many(&cx, place[step]);
        CHECK_INT(cx_reserved_bytes(&cx), 8 << 20);
        few_and_many(&cx, place[step]);
        CHECK_INT(cx_reserved_bytes(&cx), 8 << 20);
        CHECK_INT(cx.pool->used_bytes, 0);
        cx_step_end(&cx);
    }
    CHECK(!memcmp(place[1], place[2], sizeof place[1]));
    CHECK_INT(cx_resident_bytes(&cx, 4096), 8 << 20);
    cx_release(&cx);
}

TEST(recomputation_takes_less_memory)
{
    uint64_t peak[2];
    struct net w;
    net_init(&w);
    for (int again = 0; again < 2; again++) {
        struct cx cx;
        cx_init(&cx, device_cpu(), DT_F32, NULL);
        net_step(&cx, &w, again);
        peak[again] = cx_peak_bytes(&cx);
        cx_release(&cx);
    }
    CHECK(peak[1] * 3 < peak[0] * 2);
    weight_set_release(&w.ws);
}

TEST(gradients_do_not_depend_on_threads)
{
    float *grad[2];
    for (int k = 0; k < 2; k++) {
        struct threads *th = k ? threads_new(3) : NULL;
        struct cx cx;
        struct net w;
        cx_init(&cx, device_cpu(), DT_F32, th);
        net_init(&w);
        net_step(&cx, &w, 0);
        grad[k] = w.up.w->grad;
        w.up.w->grad = NULL;
        weight_set_release(&w.ws);
        cx_release(&cx);
        threads_free(&th);
    }
    int same = !memcmp(grad[0], grad[1], 64 * 32 * sizeof(float));
    float size = fabsf(grad[0][7]);
    free(grad[0]);
    free(grad[1]);
    CHECK(same && size > 0);
}

TEST(an_error_stops_the_kernels)
{
    struct cx cx;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *x = ramp(&cx, DIMS(4));
    cx_fail(&cx, ERR_DEVICE, "block %d is not finite", 3);
    cx_fail(&cx, ERR_IO, "later trouble");
    struct tensor *y = add(&cx, x, x);
    CHECK_INT(cx.err.code, ERR_DEVICE);
    CHECK_STR(cx.err.msg, "block 3 is not finite");
    CHECK(at(y, 3) == 3); /* in place, and nothing was added */
    cx_release(&cx);
}

TEST(flops_are_counted)
{
    struct cx cx;
    struct net w;
    cx_init(&cx, device_null(), DT_F32, NULL);
    net_init(&w);
    struct tensor *x = tensor_new(&cx, DT_F32, DIMS(10, 32));
    linear(&cx, x, &w.up);
    CHECK(cx.flops == 2.0 * 10 * 32 * 64);
    const int64_t start[] = {0, 4, 10};
    struct seq seq = {2, start};
    cx.flops = 0;
    attention(&cx, x, x, x, &(struct attn_args){.heads = 4, .seq = &seq});
    CHECK(cx.flops == 4.0 * 32 * (16 + 36));
    cx_release(&cx);
    weight_set_release(&w.ws);
}

TEST(moves_mean_what_they_say)
{
    struct cx cx;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    /* pixel_unshuffle: y[h,w,c*4+i*2+j] = x[2h+i,2w+j,c] */
    struct tensor *x = ramp(&cx, DIMS(1, 4, 6, 3)), *y = pixel_unshuffle(&cx, x, 2);
    for (int64_t n = 0; n < 72; n++) {
        int64_t k = n % 12, w = n / 12 % 3, h = n / 36, c = k / 4, i = k / 2 % 2, j = k % 2;
        CHECK(at(y, n) == (float)(((2 * h + i) * 6 + 2 * w + j) * 3 + c));
    }
    struct tensor *z = pixel_shuffle(&cx, y, 2);
    CHECK(same_shape(x, z) && !memcmp(x->data, z->data, tensor_bytes(x)));
    /* onto px of another picture, four times each */
    struct tensor *small = ramp(&cx, DIMS(1, 2, 3, 3));
    z = pixel_shuffle_onto(&cx, y, 2, small);
    CHECK(same_shape(x, z));
    for (int64_t n = 0; n < 72; n++)
        CHECK(at(z, n) == at(x, n) + at(small, (n / 36 * 3 + n / 6 % 3) * 3 + n % 3));
    /* patchify: columns c,pt,ph,pw */
    x = ramp(&cx, DIMS(2, 2, 4, 6, 3));
    y = patchify(&cx, x, 2, 2, 3);
    CHECK(y->rank == 2 && y->dim[0] == 8 && y->dim[1] == 36);
    for (int64_t n = 0; n < 288; n++) {
        int64_t row = n / 36, k = n % 36, w = row % 2, h = row / 2 % 2, b = row / 4;
        int64_t c = k / 12, i = k / 6 % 2, j = k / 3 % 2, l = k % 3;
        CHECK(at(y, n) == (float)((((b * 2 + i) * 4 + 2 * h + j) * 6 + 3 * w + l) * 3 + c));
    }
    /* unpatchify: columns pt,ph,pw,c */
    x = ramp(&cx, DIMS(8, 36));
    y = unpatchify(&cx, x, 2, 1, 2, 2, 2, 2, 3);
    for (int64_t n = 0; n < 288; n++) {
        int64_t c = n % 3, w = n / 3 % 6, h = n / 18 % 4, t = n / 72 % 2, b = n / 144;
        int64_t row = (b * 2 + h / 2) * 2 + w / 3, k = ((t * 2 + h % 2) * 3 + w % 3) * 3 + c;
        CHECK(at(y, n) == (float)(row * 36 + k));
    }
    x = ramp(&cx, DIMS(2, 3, 4));
    y = permute(&cx, x, (const int[]){2, 0, 1});
    CHECK(y->dim[0] == 4 && y->dim[1] == 2 && y->dim[2] == 3);
    for (int64_t n = 0; n < 24; n++)
        CHECK(at(y, n) == (float)((n / 3 % 2 * 3 + n % 3) * 4 + n / 6));
    x = ramp(&cx, DIMS(1, 2, 3, 2));
    y = upsample2(&cx, x);
    for (int64_t n = 0; n < 48; n++)
        CHECK(at(y, n) == (float)((n / 12 / 2 * 3 + n / 2 % 6 / 2) * 2 + n % 2));
    cx_release(&cx);
}

TEST(slices_and_concatenations)
{
    struct cx cx;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *x = ramp(&cx, DIMS(3, 4)), *y = slice_last(&cx, x, 1, 2);
    CHECK(at(y, 0) == 1 && at(y, 1) == 2 && at(y, 2) == 5 && at(y, 5) == 10);
    y = slice_rows(&cx, x, 1, 2);
    CHECK(y->dim[0] == 2 && at(y, 0) == 4 && at(y, 7) == 11);
    struct tensor *z = concat_last(&cx, slice_last(&cx, x, 2, 2), slice_last(&cx, x, 0, 2));
    CHECK(at(z, 0) == 2 && at(z, 2) == 0 && at(z, 11) == 9);
    z = concat_rows(&cx, 2, (struct tensor *[]){y, x});
    CHECK(z->dim[0] == 5 && at(z, 0) == 4 && at(z, 8) == 0 && at(z, 19) == 11);
    z = gather_rows(&cx, x, (const int32_t[]){2, 0}, 2);
    CHECK(at(z, 0) == 8 && at(z, 7) == 3);
    cx_release(&cx);
}

/* Angles of single precision carry its rounding; those of double precision are exact. */
static void timestep_features_in(enum dtype type, double rounding)
{
    struct cx cx;
    const double t[] = {0, 750.5};
    cx_init(&cx, device_cpu(), type, NULL);
    struct tensor *x = timestep_embedding(&cx, t, 2, 6);
    for (int i = 0; i < 3; i++) {
        double a = 750.5 * pow(10000, -i / 3.0), allowed = rounding * (1 + a);
        CHECK(at(x, i) == 1 && at(x, 3 + i) == 0);
        CHECK(fabs(at(x, 6 + i) - cos(a)) < allowed);
        CHECK(fabs(at(x, 9 + i) - sin(a)) < allowed);
    }
    cx_release(&cx);
}

TEST(timestep_features)
{
    timestep_features_in(DT_F32, 5e-7);
    timestep_features_in(DT_F64, 1e-14);
}

/* Forward values of the ops whose arguments are easily confused, against plain loops. */
TEST(conv_and_modulation_values)
{
    struct cx cx;
    struct weight_set ws;
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    weight_set_init(&ws);
    struct conv_w c = conv_declare(&ws, "c", 2, 3, 3, 1, INIT_NORMAL, 1);
    weights_on_cpu(&ws, DT_F32, 0);
    weight_set_initialise(&ws, 3, NULL);
    weight_store(c.b, (const float[]){1, 2, 3}, DT_F32);
    for (int after = 0; after < 2; after++) {
        c.pad_after = after;
        struct tensor *x = ramp(&cx, DIMS(1, 4, 6, 2)), *y = conv2d(&cx, x, &c, 2);
        CHECK(y->dim[1] == 2 && y->dim[2] == 3 && y->dim[3] == 3);
        for (int64_t n = 0; n < 18; n++) {
            int64_t o = n % 3, w = n / 3 % 3, h = n / 9;
            double sum = (double)o + 1, size = 1;
            for (int64_t k = 0; k < 18; k++) {
                int64_t i = k % 2, q = 2 * w + k / 2 % 3 - !after, p = 2 * h + k / 6 - !after;
                if (p < 0 || p > 3 || q < 0 || q > 5)
                    continue;
                sum += (double)c.w->master[o * 18 + k] * at(x, (p * 6 + q) * 2 + i);
                size += fabs((double)c.w->master[o * 18 + k] * at(x, (p * 6 + q) * 2 + i));
            }
            CHECK_BELOW(fabs(sum - at(y, n)), 1e-6 * size);
        }
    }
    struct tensor *e = ramp(&cx, DIMS(2, 6)), *x = ramp(&cx, DIMS(2, 2));
    const int32_t index[] = {1, 0};
    struct tensor *y =
        norm_mod(&cx, x, NULL, NULL, (struct mod){e, 4, index}, (struct mod){e, 2, index}, 0);
    /* each row is -1, 1; row 0 takes entry 1: scale 10,11 shift 8,9 */
    CHECK(fabs(at(y, 0) + 3) < 1e-5 && fabs(at(y, 1) - 21) < 1e-5);
    CHECK(fabs(at(y, 2) + 3) < 1e-5 && fabs(at(y, 3) - 9) < 1e-5);
    y = add_gated(&cx, x, x, (struct mod){e, 3, index});
    CHECK(at(y, 1) == 11 && at(y, 2) == 8 && at(y, 3) == 15);
    cx_release(&cx);
    weight_set_release(&ws);
}

/* More than any machine has: the job fails, not the program. */
TEST(tensor_without_room_on_the_host_is_an_error)
{
    struct cx cx;

    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *x = tensor_new(&cx, DT_F32, DIMS(1 << 20, 1 << 25));
    CHECK(!x->data);
    CHECK_INT(cx.err.code, ERR_FIT);
    CHECK_CONTAINS(cx.err.msg, "cpu has no memory for");
    cx_release(&cx);
}
