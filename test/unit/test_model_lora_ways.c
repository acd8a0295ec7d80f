/* LoHa, LoKr and DoRA: the matrix that LyCORIS and PEFT multiply by, for each way that a file may
 * change a layer (lora_ways.py), in both widths; strengths, several at once, steps. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "format/safetensors.h"
#include "model/lora.h"
#include "model/lora_list.h"
#include "tensor/ops.h"
#include "ztest.h"

enum { IN = 8, OUT = 12, MOST = 8 };
#define LAYER "blocks.0.ffn.net.0.proj"

static const char config[] = "{\"_class_name\":\"WanTransformer3DModel\",\"num_attention_heads\":1,"
                             "\"attention_head_dim\":8,\"in_channels\":4,\"out_channels\":4,"
                             "\"text_dim\":8,\"freq_dim\":8,\"ffn_dim\":12,\"num_layers\":1}";
static const char *const ways[] = {
    "loha",      "loha-dora", "loha-wide",         "lokr-whole", "lokr-half", "lokr-both",
    "lokr-dora", "lora-dora", "lora-dora-columns", "peft-loha",  "peft-dora"};
enum { N_WAYS = sizeof ways / sizeof *ways };

static struct st_file *reference;

/* Values of one tensor of the reference. */
static float *take(const char *name, float *out)
{
    struct err e = {0};
    const struct st_tensor *t = st_find(reference, name);

    CHECK(t);
    CHECK_INT(st_read_all(reference, t, out, DT_F32, &e), 0);
    return out;
}

/* The network with W and b of the reference in its layer. */
static void open_net(struct part *p, enum dtype type)
{
    char *path = ztest_in_tmp("ways/config.json"), *dir = path_dir(path);
    float x[OUT * IN];
    struct err e = {0};

    if (!reference)
        CHECK_INT(st_open(&reference, ztest_data("unit/lora_ways.safetensors"), &e), 0);
    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_write(path, config, sizeof config - 1, &e), 0);
    CHECK_INT(part_declare(p, dir, PART_DENOISER, &e), 0);
    CHECK_INT(weight_set_allocate(part_weights(p), device_cpu(), type, 0, &e), 0);
    weight_store(weight_find(part_weights(p), LAYER ".weight"), take("W", x), DT_F32);
    weight_store(weight_find(part_weights(p), LAYER ".bias"), take("b", x), DT_F32);
    free(path);
    free(dir);
}

/* A file with the tensors of one way, by the layer's name as that library writes it. */
static char *file_of(const char *way)
{
    static float values[MOST][OUT * IN];
    static char names[MOST][128];
    struct st_out out[MOST];
    const char *front =
        strncmp(way, "peft", 4) ? "lycoris_blocks_0_ffn_0." : "base_model.model.blocks.0.ffn.0.";
    size_t len = strlen(way);
    struct err e = {0};
    int n = 0;

    for (int i = 0; i < st_count(reference); i++) {
        const struct st_tensor *t = st_at(reference, i);

        if (strncmp(t->name, way, len) || t->name[len] != '/' || strstr(t->name, "/expected"))
            continue;
        CHECK(n < MOST);
        snprintf(names[n], sizeof names[n], "%s%s", front, t->name + len + 1);
        out[n] = (struct st_out){.name = names[n], .type = DT_F32, .rank = t->rank};
        memcpy(out[n].dim, t->dim, sizeof t->dim);
        out[n].data = take(t->name, values[n]);
        n++;
    }
    char *path = xasprintf("%s/way-%s.safetensors", ztest_tmp(), way);
    CHECK_INT(st_write(path, out, n, NULL, 0, &e), 0);
    return path;
}

static void apply(struct part *p, const char *way, double strength, double from, double to)
{
    struct lora_use use = {strength, from, to, 1};
    struct lora_report r;
    char *path = file_of(way);
    struct err e = {0};

    if (lora_apply(p, path, &use, &r, &e))
        ztest_fail(__FILE__, __LINE__, "%s: %s", way, e.msg);
    CHECK(r.matched == 1 && r.unmatched == 0);
    const struct lora *l = weight_find(part_weights(p), LAYER ".weight")->lora;
    CHECK_INT(r.values, (l->a_bytes + l->b_bytes) / dtype_bytes(l->type) +
                            (l->gain ? l->gain_bytes / sizeof(float) : 0));
    free(path);
}

/* What the layer multiplies by, [out,in]: its answers to the unit vectors, less the bias. */
static void seen(struct part *p, enum dtype type, double at, float *w)
{
    struct linear_w l = {weight_find(part_weights(p), LAYER ".weight"),
                         weight_find(part_weights(p), LAYER ".bias")};
    float eye[IN * IN] = {0}, y[IN * OUT], b[OUT];
    struct cx cx;

    for (int i = 0; i < IN; i++)
        eye[i * IN + i] = 1;
    cx_init(&cx, device_cpu(), type, NULL);
    cx.at = at;
    tensor_read_f32(&cx, linear_wide(&cx, tensor_from(&cx, type, DIMS(IN, IN), eye, DT_F32), &l),
                    y);
    cx_release(&cx);
    weight_read(l.b, b);
    for (int o = 0; o < OUT; o++)
        for (int i = 0; i < IN; i++)
            w[o * IN + i] = y[i * OUT + o] - b[o];
}

static double differs(const char *way, const float *w)
{
    char name[64];
    float want[OUT * IN];

    snprintf(name, sizeof name, "%s/expected", way);
    return ztest_rel_l2(w, take(name, want), OUT * IN);
}

TEST(lora_ways_are_those_of_lycoris_and_peft)
{
    for (int i = 0; i < N_WAYS; i++)
        for (int bf = 0; bf < 2; bf++) {
            enum dtype type = bf ? DT_BF16 : DT_F32;
            float w[OUT * IN];
            struct part p;

            open_net(&p, type);
            apply(&p, ways[i], 1, 0, 1);
            seen(&p, type, 0.5, w);
            if (!(differs(ways[i], w) < (bf ? 1e-2 : 1e-6)))
                ztest_fail(__FILE__, __LINE__, "%s: %g", ways[i], differs(ways[i], w));
            part_release(&p);
        }
}

/* W + sum of strength (W' - W), where each acts. */
TEST(lora_ways_add_up_by_strength_and_step)
{
    static const double strength[3] = {0.5, -0.25, 2};
    float w[OUT * IN], want[OUT * IN], plain[OUT * IN], one[OUT * IN];

    for (int i = 0; i + 2 < N_WAYS; i++) {
        struct part p;

        open_net(&p, DT_F32);
        for (int k = 0; k < 3; k++)
            apply(&p, ways[i + k], strength[k], k / 4.0, k == 1 ? 0.5 : 1);
        for (int step = 0; step < 4; step++) {
            memcpy(want, take("W", plain), sizeof want);
            for (int k = 0; k < 3; k++) {
                char name[64];

                snprintf(name, sizeof name, "%s/expected", ways[i + k]);
                take(name, one);
                for (int n = 0; n < OUT * IN && step >= k && (k != 1 || step < 2); n++)
                    want[n] += (float)strength[k] * (one[n] - plain[n]);
            }
            seen(&p, DT_F32, step / 4.0, w);
            CHECK_BELOW(ztest_rel_l2(w, want, OUT * IN), 2e-6);
        }
        part_release(&p);
    }
}

static void refused(const char *list, const char *why)
{
    struct bundle b = {.n_denoisers = 1};
    struct err e = {0};
    char hash[65];
    int64_t values;

    CHECK_INT(lora_list_check(&b, list, hash, &values, NULL, NULL, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, why);
}

TEST(lora_list_refuses_ranges_that_are_none)
{
    refused("a.safetensors@50-20", "FROM-TO are percents of the steps");
    refused("a.safetensors:1@0-101%", "FROM-TO are percents of the steps");
    refused("a.safetensors:1@high@30-30", "FROM-TO are percents of the steps");
    refused("a.safetensors:200@low", "from -100 to 100");
    refused(":1@0-50", "no file");
    refused("a.safetensors@0-50@high", "there is one transformer");
}

/* What a layer is changed by itself cannot come and go. */
TEST(lora_difference_in_a_range_is_refused)
{
    static float ones[OUT * IN];
    const struct st_out t = {"diffusion_model.blocks.0.ffn.0.diff", DT_F32, 2, {OUT, IN}, ones};
    const struct lora_use use = {1, 0, 0.5, 1};
    char *path = ztest_in_tmp("diff.safetensors");
    struct part p;
    struct err e = {0};

    CHECK_INT(st_write(path, &t, 1, NULL, 0, &e), 0);
    open_net(&p, DT_F32);
    CHECK_INT(lora_apply(&p, path, &use, NULL, &e), ERR_USAGE);
    CHECK_CONTAINS(e.msg, "which cannot be for some of the steps");
    part_release(&p);
    free(path);
}
