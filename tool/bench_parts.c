#include "bench_parts.h"

#include <stdio.h>
#include <string.h>

/* Which rows make a part: those whose names begin so. What is in none belongs to the last. */
static const struct {
    const char *name, *begins[4];
} parts[] = {
    {"projections", {"attn1.", "attn2."}},
    {"attention", {"attention"}},
    {"feed_forward", {"ffn."}},
    {"norms", {"norm_mod", "rms_norm"}},
    {"rest", {NULL}},
};
enum { N_PARTS = sizeof parts / sizeof *parts, REST = N_PARTS - 1 };

struct sum {
    double seconds, flops;
};

static int part_of(const char *row)
{
    for (int i = 0; i < REST; i++)
        for (int k = 0; k < 4 && parts[i].begins[k]; k++)
            if (!strncmp(row, parts[i].begins[k], strlen(parts[i].begins[k])))
                return i;
    return REST;
}

/* What no kernel took is of the rest as well. */
static void add_up(struct sum sum[N_PARTS], const struct times *t, double step_s)
{
    double all = 0;
    for (int i = 0; i < t->n; i++) {
        struct sum *to = &sum[part_of(t->row[i].name)];
        to->seconds += t->row[i].seconds;
        to->flops += t->row[i].flops;
        all += t->row[i].seconds;
    }
    if (step_s > all)
        sum[REST].seconds += step_s - all;
}

void bench_parts_print(const struct times *t, double step_s)
{
    struct sum sum[N_PARTS] = {{0, 0}};
    add_up(sum, t, step_s);
    for (int i = 0; i < N_PARTS; i++) {
        printf("  %-13s %7.3f s %5.1f %%", parts[i].name, sum[i].seconds,
               100 * sum[i].seconds / step_s);
        if (i < REST && sum[i].flops > 0)
            printf("  %6.0f GFLOP/s", sum[i].flops / sum[i].seconds / 1e9);
        puts("");
    }
}

void bench_parts_json(struct jsonw *w, const struct times *t, double step_s)
{
    struct sum sum[N_PARTS] = {{0, 0}};
    add_up(sum, t, step_s);
    jsonw_object(w, "parts");
    for (int i = 0; i < N_PARTS; i++)
        jsonw_real(w, parts[i].name, sum[i].seconds);
    jsonw_end_object(w);
    jsonw_object(w, "layers_and_kernels");
    for (int i = 0; i < t->n; i++)
        jsonw_real(w, t->row[i].name, t->row[i].seconds);
    jsonw_end_object(w);
}
