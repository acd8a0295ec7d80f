/* test_tensor_times.c - where the time of a network goes: every kernel in a row, all operations. */
#include "fixture.h"
#include "tensor/ops.h"
#include "tensor/times.h"
#include "ztest.h"

static const struct times_row *row(const struct times *t, const char *name)
{
    for (int i = 0; i < t->n; i++)
        if (!strcmp(t->row[i].name, name))
            return &t->row[i];
    return NULL;
}

TEST(times_of_layers_and_kernels)
{
    struct cx cx;
    struct weight_set s;
    struct times t;
    struct err e = {0};
    struct linear_w q[2], last;
    const int64_t start[] = {0, 6};
    struct seq seq = {1, start};
    struct attn_args args = {.heads = 2, .seq = &seq};

    weight_set_init(&s);
    q[0] = linear_declare(&s, "blocks.0.attn1.to_q", 8, 8, 1, INIT_LINEAR, 1);
    q[1] = linear_declare(&s, "blocks.11.attn1.to_q", 8, 8, 1, INIT_LINEAR, 1);
    last = linear_declare(&s, "proj_out", 8, 4, 1, INIT_LINEAR, 1);
    CHECK_INT(weight_set_allocate(&s, device_cpu(), DT_F32, 0, &e), 0);
    weight_set_initialise(&s, 1, NULL);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    cx.flops = 5; /* what was before is nobody's */
    times_begin(&cx, &t);
    struct tensor *x = tensor_zeros(&cx, DT_F32, DIMS(6, 8));
    x = linear(&cx, linear(&cx, x, &q[0]), &q[1]);
    x = linear_wide(&cx, attention(&cx, x, x, x, &args), &last);
    times_end(&cx);
    linear(&cx, tensor_zeros(&cx, DT_F32, DIMS(6, 8)), &q[0]); /* nor what comes after */

    CHECK(row(&t, "attn1.to_q") && row(&t, "attention") && row(&t, "proj_out"));
    CHECK(row(&t, "attn1.to_q")->flops == 2 * 2.0 * 6 * 8 * 8);
    CHECK(row(&t, "attention")->flops == 4.0 * 6 * 6 * 8);
    CHECK(row(&t, "proj_out")->flops == 2.0 * 6 * 8 * 4);
    CHECK(!row(&t, "matmul_nt"));
    for (int i = 0; i < t.n; i++)
        CHECK(t.row[i].seconds >= 0 && t.row[i].seconds < 60);
    CHECK(row(&t, "attn1.to_q")->seconds > 0);
    cx_release(&cx);
    weight_set_release(&s);
}
