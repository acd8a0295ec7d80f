/* test_tensor_weight.c - tables of weights. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "tensor/weight.h"
#include "ztest.h"

TEST(weights_are_initialised_by_name)
{
    struct weight_set a, b;
    weight_set_init(&a);
    weight_set_init(&b);
    struct linear_w l = linear_declare(&a, "x", 300, 200, 1, INIT_LINEAR, 0.5);
    weight_declare(&a, "gain", 0, INIT_ONE, 0, DIMS(7));
    weight_declare(&b, "first", 1, INIT_NORMAL, 2, DIMS(9, 9));
    struct linear_w m = linear_declare(&b, "x", 300, 200, 0, INIT_LINEAR, 0.5);
    weights_on_cpu(&a, DT_F32, 1);
    weights_on_cpu(&b, DT_F32, 0);
    weight_set_initialise(&a, 9, NULL);
    weight_set_initialise(&b, 9, NULL);
    CHECK(!memcmp(l.w->master, m.w->master, 60000 * sizeof(float)));
    CHECK(l.w->grad && !m.w->grad);
    double sum = 0, square = 0;
    for (int i = 0; i < 60000; i++) {
        sum += l.w->master[i];
        square += (double)l.w->master[i] * l.w->master[i];
    }
    CHECK_BELOW(fabs(sum / 60000), 5 * 0.5 / sqrt(300 * 60000.0));
    CHECK_BELOW(fabs(sqrt(square / 60000 * 300) - 0.5), 0.01);
    CHECK(l.b->master[5] == 0 && weight_find(&a, "gain")->master[6] == 1);
    CHECK(weight_find(&a, "x.weight") == l.w && !weight_find(&b, "x.bias"));
    CHECK_INT(weight_set_count(&a), 60000 + 200 + 7);
    weight_set_initialise(&b, 10, NULL);
    CHECK(memcmp(l.w->master, m.w->master, 60000 * sizeof(float)));
    weight_set_release(&a);
    weight_set_release(&b);
}

/* More values than are drawn at once, and a number that no piece divides. */
TEST(weights_are_the_same_for_any_number_of_threads)
{
    enum { N = (1 << 20) + 12345 };
    struct threads *th = threads_new(3);
    struct weight_set s;
    float *alone = xmalloc(sizeof *alone * N);
    double square = 0;

    weight_set_init(&s);
    struct weight *w = weight_declare(&s, "w", 0, INIT_NORMAL, 2, DIMS(N));
    weights_on_cpu(&s, DT_F32, 0);
    weight_set_initialise(&s, 9, NULL);
    memcpy(alone, w->master, sizeof *alone * N);
    memset(w->master, 0, sizeof *alone * N);
    weight_set_initialise(&s, 9, th);
    CHECK(!memcmp(alone, w->master, sizeof *alone * N));
    for (int i = N - 12345; i < N; i++)
        square += (double)alone[i] * alone[i];
    CHECK_BELOW(fabs(square / 12345 - 4), 0.3);
    weight_set_release(&s);
    threads_free(&th);
    free(alone);
}

TEST(weights_of_convolutions_turn_to_file_order)
{
    struct weight_set s;
    float file[2 * 3 * 9], memory[2 * 3 * 9], back[2 * 3 * 9];
    weight_set_init(&s);
    struct conv_w c = conv_declare(&s, "c", 3, 2, 3, 0, INIT_LINEAR, 0);
    weights_on_cpu(&s, DT_BF16, 1);
    for (int i = 0; i < 54; i++)
        file[i] = (float)i;
    for (int o = 0; o < 2; o++)
        for (int i = 0; i < 3; i++)
            for (int t = 0; t < 9; t++)
                memory[(o * 9 + t) * 3 + i] = file[(o * 3 + i) * 9 + t];
    weight_store(c.w, memory, DT_F32);
    CHECK(bf16_to_f32(((bf16 *)c.w->data)[1]) == 9);
    weight_to_file_order(c.w, back);
    CHECK(!memcmp(file, back, sizeof file));
    weight_set_release(&s);
}

TEST(weights_in_each_type)
{
    static const float v[] = {1.0f, 1.00390625f, -3.14159f, 0.1f};
    struct weight_set s;
    float out[4];
    weight_set_init(&s);
    struct weight *w = weight_declare(&s, "w", 1, INIT_ZERO, 0, DIMS(2, 2));
    struct weight *g = weight_declare(&s, "g", 0, INIT_ZERO, 0, DIMS(4));
    weights_on_cpu(&s, DT_BF16, 1);
    weight_store(w, v, DT_F32);
    CHECK(w->type == DT_BF16 && g->type == DT_F32 && g->data == g->master);
    CHECK(w->master[2] == v[2] && ((bf16 *)w->data)[2] == f32_to_bf16(v[2]));
    w->master[3] = 7;
    weight_publish(w, NULL);
    CHECK(bf16_to_f32(((bf16 *)w->data)[3]) == 7);
    ((float *)w->grad)[1] = 3;
    weight_zero_grads(&s);
    CHECK(((float *)w->grad)[1] == 0);
    weights_on_cpu(&s, DT_BF16, 0);
    CHECK(!w->master && !w->grad && g->master);
    weight_store(w, v, DT_F32);
    weight_to_file_order(w, out);
    CHECK(out[0] == 1 && out[2] == bf16_to_f32(f32_to_bf16(v[2])));
    weights_on_cpu(&s, DT_F64, 1);
    CHECK(!w->master && w->type == DT_F64 && g->type == DT_F64 && w->grad);
    weight_store(w, v, DT_F32);
    CHECK(((double *)w->data)[3] == (double)0.1f);
    weights_on_cpu(&s, DT_F32, 1);
    CHECK(w->data == w->master);
    weight_set_release(&s);
}

static void declare_twice(void)
{
    struct weight_set s;
    weight_set_init(&s);
    weight_declare(&s, "w", 1, INIT_ZERO, 0, DIMS(2, 2));
    weight_declare(&s, "w", 1, INIT_ZERO, 0, DIMS(2, 2));
}

TEST(weights_have_one_name_each)
{
    CHECK(ztest_aborts(declare_twice));
}
