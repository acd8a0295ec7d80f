/* A weight that takes another form while it is loaded: the same bits and the same count of bad
 * values for any number of threads; and encoders keep the form of their file. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/thread.h"
#include "fixture.h"
#include "format/safetensors.h"
#include "model/bundle.h"
#include "ztest.h"

enum { ROWS = 1501, N = 96 }; /* several pieces, the last of them short */

static const struct naming no_rules[] = {{NULL, NULL}};
static const char *const no_names[] = {NULL};
static const struct store_names plain_names = {no_rules, no_names, no_rules, 0, NULL};

static void load(struct weight_set *s, const char *path, const char *form, int threads,
                 int64_t *bad)
{
    struct threads *th = threads > 1 ? threads_new(threads) : NULL;
    struct store_report r;
    struct err e;

    weight_set_init(s);
    s->group = 1;
    s->as = (struct weight_as){stored_named(form), 0};
    s->threads = th;
    weight_declare(s, "w", 1, INIT_ZERO, 0, DIMS(ROWS, N));
    CHECK_INT(store_load(s, path, &plain_names, device_cpu(), DT_F32, 0, &r, &e), 0);
    *bad = r.n_bad;
    threads_free(&th);
}

TEST(fill_by_any_number_of_threads)
{
    static const char *const forms[] = {"I8", "Q8_0", "Q4_0"};
    static bf16 x[ROWS * N];
    const struct st_out t = {"w", DT_BF16, 2, {ROWS, N}, x};
    char *path = ztest_in_tmp("fill.safetensors");
    struct err e;

    for (int i = 0; i < ROWS * N; i++)
        x[i] = f32_to_bf16((float)sin(i * 12.9898));
    x[5 * N + 3] = f32_to_bf16(NAN);
    x[(ROWS - 1) * N] = f32_to_bf16(INFINITY);
    CHECK_INT(st_write(path, &t, 1, NULL, 0, &e), 0);
    for (size_t k = 0; k < sizeof forms / sizeof *forms; k++) {
        struct weight_set one, many;
        int64_t bad[2];

        load(&one, path, forms[k], 1, &bad[0]);
        load(&many, path, forms[k], 3, &bad[1]);
        CHECK_INT(bad[0], 2);
        CHECK_INT(bad[1], 2);
        const struct weight *a = one.all[0], *b = many.all[0];
        CHECK(a->form.form == stored_named(forms[k]) && b->form.form == a->form.form);
        CHECK(!memcmp(a->data, b->data, (size_t)ROWS * stored_row_bytes(&a->form)));
        CHECK(k || !memcmp(a->form.scale, b->form.scale, ROWS * sizeof(float)));
        weight_set_release(&one);
        weight_set_release(&many);
    }
    free(path);
}

TEST(fill_encoders_keep_the_form_of_their_file)
{
    struct bundle_budget budget = {.as = {stored_named("I8"), 1}, .threads = 2};
    struct bundle *b;
    struct err e;

    CHECK_INT(bundle_open(&b, fixture_dir(), device_cpu(), DT_F32, &budget, &e), 0);
    const struct weight_set *text = part_weights(&b->part[PLACE_TEXT]);
    const struct weight_set *wan = part_weights(&b->part[PLACE_DENOISER]);
    int in_bytes = 0;
    for (int i = 0; i < text->n; i++)
        CHECK(!text->all[i]->form.form || text->all[i]->owner == OWNER_FILE);
    for (int i = 0; i < wan->n; i++)
        in_bytes += wan->all[i]->form.form == budget.as.form;
    CHECK(in_bytes > 0);
    bundle_free(&b);
}
