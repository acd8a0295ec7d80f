/* Weights in files and whole model directories: what is written comes back, what does not fit is
 * named. */
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "ztest.h"

static void small_wan(struct wan *m)
{
    struct wan_config k;
    struct err e = {0};

    wan_config_default(&k);
    k.heads = 1;
    k.head_dim = 8;
    k.in_channels = k.out_channels = 4;
    k.text_dim = 8;
    k.freq_dim = 8;
    k.ffn_dim = 8;
    k.layers = 1;
    CHECK_INT(wan_init(m, &k, &e), 0);
    weights_on_cpu(&m->weights, DT_F32, 1);
    weight_set_initialise(&m->weights, 3, NULL);
}

static void small_text(struct umt5 *m, int vocab)
{
    struct umt5_config k;
    struct err e = {0};

    umt5_config_default(&k);
    k.vocab = vocab;
    k.d_model = 8;
    k.d_kv = 4;
    k.d_ff = 8;
    CHECK_INT(umt5_init(m, &k, &e), 0);
    weights_on_cpu(&m->weights, DT_F32, 1);
    weight_set_initialise(&m->weights, 5, NULL);
}

static double difference(const struct weight *a, const struct weight *b)
{
    size_t n = (size_t)weight_count(a);
    float *x = xmalloc(n * sizeof *x), *y = xmalloc(n * sizeof *y);
    double worst = 0;

    dtype_convert(x, DT_F32, a->data, a->type, n);
    dtype_convert(y, DT_F32, b->data, b->type, n);
    for (size_t i = 0; i < n; i++)
        worst = fmax(worst, fabs((double)x[i] - y[i]) / (fabs((double)x[i]) + 1e-30));
    free(x);
    free(y);
    return worst;
}

TEST(store_f32_comes_back_exactly)
{
    struct tiny_vae a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("vae32");

    fixture_small_vae(&a);
    CHECK_INT(bundle_save_tiny_vae(&a, dir, DT_F32, NULL, &e), 0);
    CHECK_INT(bundle_load_tiny_vae(&b, dir, device_cpu(), DT_F32, 1, &e), 0);
    CHECK_INT(a.weights.n, b.weights.n);
    for (int i = 0; i < a.weights.n; i++)
        CHECK(difference(a.weights.all[i], b.weights.all[i]) == 0);
    tiny_vae_release(&a);
    tiny_vae_release(&b);
    free(dir);
}

TEST(store_bf16_rounds_matrices_and_keeps_the_root)
{
    struct tiny_vae a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("vae16");
    int rounded = 0;

    fixture_small_vae(&a);
    CHECK_INT(bundle_save_tiny_vae(&a, dir, DT_BF16, NULL, &e), 0);
    CHECK_INT(bundle_load_tiny_vae(&b, dir, device_cpu(), DT_BF16, 0, &e), 0);
    for (int i = 0; i < a.weights.n; i++) {
        double d = difference(a.weights.all[i], b.weights.all[i]);

        CHECK_BELOW(d, 0.004);
        CHECK(d == 0 || a.weights.all[i]->matrix);
        rounded += d > 0;
    }
    CHECK(rounded > 0);
    CHECK_INT(b.klt_encode.w->type, DT_F32);
    CHECK_INT(b.encoder.first.w->type, DT_BF16);
    tiny_vae_release(&a);
    tiny_vae_release(&b);
    free(dir);
}

TEST(store_saves_given_values_instead)
{
    struct wan a, b;
    struct err e = {0};
    char *dir = ztest_in_tmp("average");
    float *values[64];

    small_wan(&a);
    CHECK(a.weights.n <= 64);
    for (int i = 0; i < a.weights.n; i++) {
        size_t n = (size_t)weight_count(a.weights.all[i]);

        values[i] = xcalloc(n, sizeof(float));
        for (size_t k = 0; k < n; k++)
            values[i][k] = (float)i;
    }
    CHECK_INT(bundle_save_wan(&a, dir, DT_F32, values, &e), 0);
    CHECK_INT(bundle_load_wan(&b, dir, device_cpu(), DT_F32, 0, &e), 0);
    for (int i = 0; i < b.weights.n; i++) {
        CHECK(((float *)b.weights.all[i]->data)[0] == (float)i);
        free(values[i]);
    }
    wan_release(&a);
    wan_release(&b);
    free(dir);
}

/* Rewrite the weights of a saved small transformer: tensor `victim` gets another name, shape or
 * value. */
static int load_changed(const char *victim, const char *name, int cut, float bad,
                        struct store_report *r, struct err *e)
{
    struct wan m;
    struct st_out t[64];
    char *path = ztest_in_tmp("changed.safetensors");
    int n = 0, rc;

    small_wan(&m);
    for (int i = 0; i < m.weights.n; i++) {
        struct weight *w = m.weights.all[i];
        int hit = !strcmp(w->name, victim);

        t[n] = (struct st_out){.name = hit && name ? name : w->name,
                               .type = DT_F32,
                               .rank = w->rank,
                               .data = w->master};
        for (int d = 0; d < w->rank; d++)
            t[n].dim[d] = w->dim[d];
        if (hit && cut)
            t[n].dim[0] -= cut;
        if (hit && bad != 0)
            w->master[1] = bad;
        if (!(hit && name && !*name))
            n++;
    }
    CHECK_INT(st_write(path, t, n, NULL, 0, e), 0);
    wan_release(&m);
    small_wan(&m);
    rc = store_load(&m.weights, path, &store_wan_names, device_cpu(), DT_F32, 0, r, e);
    wan_release(&m);
    free(path);
    return rc;
}

TEST(loader_10_wrong_tensors_are_named_with_the_nearest)
{
    struct err e = {0};

    CHECK_INT(load_changed("proj_out.bias", "", 0, 0, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "1 missing (proj_out.bias");
    CHECK_INT(
        load_changed("blocks.0.attn1.to_q.weight", "blocks.0.attn1.to_qq.weight", 0, 0, NULL, &e),
        ERR_FORMAT);
    CHECK_CONTAINS(
        e.msg,
        "1 missing (blocks.0.attn1.to_q.weight, nearest in the file blocks.0.attn1.to_qq.weight");
    CHECK_CONTAINS(e.msg,
                   "1 unexpected (blocks.0.attn1.to_qq.weight, nearest blocks.0.attn1.to_q.weight");
}

TEST(loader_10_wrong_shape_is_named)
{
    struct err e = {0};

    CHECK_INT(load_changed("proj_out.weight", NULL, 1, 0, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "\"proj_out.weight\" is [15,8], the config wants [16,8]");
}

TEST(loader_10_two_names_for_one_weight)
{
    struct err e = {0};

    CHECK_INT(load_changed("proj_out.bias", "head.modulation", 0, 0, NULL, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "are both scale_shift_table");
}

TEST(loader_13_nan_is_counted)
{
    struct err e = {0};
    struct store_report r;

    CHECK_INT(load_changed("-", NULL, 0, 0, &r, &e), 0);
    CHECK_INT(r.n_bad, 0);
    CHECK_INT(load_changed("blocks.0.norm2.weight", NULL, 0, NAN, &r, &e), 0);
    CHECK_INT(r.n_bad, 1);
}

/* Not everything of a large file is read for it; when something is wrong, it is. */
TEST(loader_13_nan_in_a_large_matrix_is_found_when_it_is_looked_for)
{
    struct wan m, back;
    struct err e = {0};
    struct store_report r;
    char *dir = ztest_in_tmp("large"), *file;
    struct wan_config k;
    struct weight *w;

    small_wan(&m);
    k = m.config;
    wan_release(&m);
    k.ffn_dim = 200000;
    CHECK_INT(wan_init(&m, &k, &e), 0);
    weights_on_cpu(&m.weights, DT_F32, 1);
    weight_set_initialise(&m.weights, 3, NULL);
    w = weight_find(&m.weights, "blocks.0.ffn.net.0.proj.weight");
    w->master[3 * 8] = NAN;
    CHECK_INT(bundle_save_wan(&m, dir, DT_F32, NULL, &e), 0);
    file = path_join(dir, "diffusion_pytorch_model.safetensors");
    CHECK_INT(wan_init(&back, &k, &e), 0);
    CHECK_INT(store_load(&back.weights, file, &store_wan_names, device_cpu(), DT_F32, 0, &r, &e),
              0);
    CHECK_INT(r.n_bad, 0);
    CHECK(store_find_bad(&back.weights));
    CHECK_STR(store_find_bad(&back.weights)->name, w->name);
    wan_release(&back);
    w->master[3 * 8] = 1;
    w->master[0] = INFINITY; /* in a row that is looked at */
    CHECK_INT(bundle_save_wan(&m, dir, DT_F32, NULL, &e), 0);
    CHECK_INT(wan_init(&back, &k, &e), 0);
    CHECK_INT(store_load(&back.weights, file, &store_wan_names, device_cpu(), DT_F32, 0, &r, &e),
              0);
    CHECK_STR(r.first_bad, w->name);
    wan_release(&back);
    wan_release(&m);
    free(file);
    free(dir);
}

/* Files of the release for pictures hold a norm that no class reads. */
TEST(store_passes_over_the_norm_that_no_class_reads)
{
    struct wan m, back;
    struct err e = {0};
    char *dir = ztest_in_tmp("added_q");

    small_wan(&m);
    struct wan_config k = m.config;
    wan_release(&m);
    CHECK_INT(wan_init(&m, &k, &e), 0);
    weight_declare(&m.weights, "blocks.0.attn2.norm_added_q.weight", 0, INIT_ONE, 0, DIMS(8));
    weights_on_cpu(&m.weights, DT_F32, 1);
    CHECK_INT(bundle_save_wan(&m, dir, DT_F32, NULL, &e), 0);
    CHECK_INT(bundle_load_wan(&back, dir, device_cpu(), DT_F32, 0, &e), 0);
    wan_release(&back);
    wan_release(&m);
    free(dir);
}

TEST(loader_9_config_that_asks_for_more_than_the_file_has_takes_no_memory)
{
    struct wan m;
    struct wan_config k;
    struct err e = {0};
    char *dir = ztest_in_tmp("huge"), *config;
    struct buf text = BUF_INIT;

    small_wan(&m);
    CHECK_INT(bundle_save_wan(&m, dir, DT_F32, NULL, &e), 0);
    k = m.config;
    wan_release(&m);
    k.heads = 256;
    k.head_dim = 512;
    k.ffn_dim = 262144;
    wan_config_write(&k, &text);
    config = path_join(dir, "config.json");
    CHECK_INT(file_write(config, text.data, text.len, &e), 0);
    CHECK_INT(bundle_load_wan(&m, dir, device_cpu(), DT_F32, 0, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "the config wants [");
    buf_release(&text);
    free(config);
    free(dir);
}

/* A file of holes as large as the config says: nothing of it may be allocated. */
TEST(loader_14_more_than_the_machine_has_is_refused_with_the_need)
{
    struct wan_config k;
    struct wan m;
    struct err e = {0};
    char *path = ztest_in_tmp("holes.safetensors");
    struct buf head = BUF_INIT;
    uint64_t at = 0, len;
    FILE *f;

    wan_config_default(&k);
    k.heads = 256;
    k.head_dim = 512;
    k.ffn_dim = 262144;
    k.layers = 1;
    CHECK_INT(wan_init(&m, &k, &e), 0);
    for (int i = 0; i < m.weights.n; i++) {
        const struct weight *w = m.weights.all[i];
        uint64_t bytes = 4 * (uint64_t)weight_count(w);

        buf_printf(&head, "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[", i ? "," : "{", w->name);
        for (int d = 0; d < w->rank; d++)
            buf_printf(&head, "%s%lld", d ? "," : "", (long long)w->dim[d]);
        buf_printf(&head, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)at,
                   (unsigned long long)(at + bytes));
        at += bytes;
    }
    buf_putc(&head, '}');
    len = head.len;
    f = fopen(path, "wb");
    CHECK(f);
    fwrite(&len, 1, 8, f);
    fwrite(head.data, 1, head.len, f);
    if (fflush(f) || ftruncate(fileno(f), (off_t)(8 + len + at))) {
        fclose(f);
        ztest_skip("no sparse files of this size here");
    }
    fclose(f);
    CHECK_INT(store_load(&m.weights, path, &store_wan_names, device_cpu(), DT_F32, 0, NULL, &e),
              ERR_FIT);
    CHECK_CONTAINS(e.msg, "1.3 TiB of memory as F32");
    remove(path);
    wan_release(&m);
    buf_release(&head);
    free(path);
}

/* ---- whole directories ---- */

static struct bundle_info info_of(void)
{
    struct bundle_info i = {.name = "small",
                            .license = "Apache-2.0",
                            .frame_rate = 8,
                            .width = 112,
                            .height = 64,
                            .frames = 41,
                            .steps = 20,
                            .guidance = 4,
                            .shift = 3,
                            .sampler = "euler",
                            .channels = 4};

    for (int c = 0; c < 4; c++) {
        i.latents_mean[c] = 0.25f * (float)c;
        i.latents_std[c] = 1 + (float)c;
    }
    return i;
}

static void save_part_of(const char *dir, const char *part, const struct umt5 *text,
                         const struct wan *dit, const struct tiny_vae *vae)
{
    char *sub = path_join(dir, part);
    struct err e = {0};
    int rc = text  ? bundle_save_umt5(text, sub, DT_BF16, NULL, &e)
             : dit ? bundle_save_wan(dit, sub, DT_BF16, NULL, &e)
                   : bundle_save_tiny_vae(vae, sub, DT_BF16, NULL, &e);

    CHECK_INT(rc, 0);
    free(sub);
}

static char *save_bundle(const char *name, int vocab)
{
    static const char *const pieces[] = {"\xe2\x96\x81", "\xe2\x96\x81red", "r", "e", "d"};
    static const double scores[] = {-1, -2, -4, -4, -4};
    struct bundle_info info = info_of();
    char *dir = ztest_in_tmp(name), *tok = path_join(dir, "tokenizer"),
         *json = path_join(tok, "tokenizer.json");
    struct wan dit;
    struct umt5 text;
    struct tiny_vae vae;
    struct err e = {0};

    small_wan(&dit);
    small_text(&text, vocab);
    fixture_small_vae(&vae);
    CHECK_INT(bundle_info_write(&info, dir, &e), 0);
    CHECK_INT(dir_make(tok, &e), 0);
    CHECK_INT(tokenizer_write(json, pieces, scores, 5, &e), 0);
    save_part_of(dir, "transformer", NULL, &dit, NULL);
    save_part_of(dir, "text_encoder", &text, NULL, NULL);
    save_part_of(dir, "vae", NULL, NULL, &vae);
    wan_release(&dit);
    umt5_release(&text);
    tiny_vae_release(&vae);
    free(tok);
    free(json);
    return dir;
}

TEST(bundle_opens_what_was_saved)
{
    char *dir = save_bundle("model", 264), hash[65], again[65];
    struct bundle *b;
    struct err e = {0};

    if (bundle_open(&b, dir, device_cpu(), DT_BF16, NULL, &e))
        printf("    %s\n", e.msg);
    CHECK_INT(e.code, 0);
    CHECK_STR(b->info.name, "small");
    CHECK(b->info.latents_std[3] == 4 && b->info.latents_mean[1] == 0.25f);
    CHECK_INT(b->n_texts, 1);
    CHECK_INT(b->denoiser[0].config.text_rows[0], 0);
    CHECK_INT(b->n_bad_weights, 0);
    bundle_free(&b);
    CHECK(!b);
    CHECK_INT(bundle_hash(dir, NULL, hash, &e), 0);
    CHECK_INT(bundle_hash(dir, NULL, again, &e), 0);
    CHECK_STR(hash, again);
    free(dir);
    dir = save_bundle("model", 265);
    CHECK_INT(bundle_hash(dir, NULL, again, &e), 0);
    CHECK(strcmp(hash, again));
    free(dir);
}

TEST(bundle_parts_must_fit)
{
    char *dir = save_bundle("unfit", 200);
    struct bundle *b;
    struct err e = {0};

    CHECK_INT(bundle_open(&b, dir, device_cpu(), DT_F32, NULL, &e), ERR_FORMAT);
    CHECK(!b);
    CHECK_CONTAINS(e.msg, "tokenizer has 264 pieces, the text encoder knows 200");
    free(dir);
}

static void write_config(const char *dir, const char *part, const struct buf *text)
{
    char *sub = path_join(dir, part), *path = path_join(sub, "config.json");
    struct err e = {0};

    CHECK_INT(dir_make(sub, &e), 0);
    CHECK_INT(file_write(path, text->data, text->len, &e), 0);
    free(sub);
    free(path);
}

static int declared(const char *dir, struct err *e)
{
    struct bundle *b;
    int rc = bundle_declare(&b, dir, e);

    CHECK(!b == (rc != 0));
    bundle_free(&b);
    return rc;
}

/* The forecast declares networks before their weights are read; what does not fit must not get
 * there. */
TEST(loader_9_configs_must_fit_each_other)
{
    char *dir = save_bundle("fit", 264);
    struct wan dit;
    struct tiny_vae vae;
    struct buf good = BUF_INIT, bad = BUF_INIT, wide = BUF_INIT;
    struct err e = {0};

    CHECK_INT(declared(dir, &e), 0);
    fixture_small_vae(&vae);
    tiny_vae_config_write(&vae.config, &good);
    vae.config.latent_channels = 3;
    tiny_vae_config_write(&vae.config, &bad);
    write_config(dir, "vae", &bad);
    CHECK_INT(declared(dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "vae of 3");
    write_config(dir, "vae", &good);
    small_wan(&dit);
    dit.config.text_dim++;
    wan_config_write(&dit.config, &wide);
    write_config(dir, "transformer", &wide);
    CHECK_INT(declared(dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "text of width");
    wan_release(&dit);
    tiny_vae_release(&vae);
    buf_release(&good);
    buf_release(&bad);
    buf_release(&wide);
    free(dir);
}

TEST(bundle_names_a_class_that_it_does_not_know)
{
    char *dir = save_bundle("class", 264);
    struct buf text = BUF_INIT;
    struct err e = {0};

    buf_puts(&text, "{\"_class_name\": \"AutoencoderKLMochi\"}");
    write_config(dir, "vae", &text);
    CHECK_INT(declared(dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "vae/config.json: field _class_name");
    CHECK_CONTAINS(e.msg, "AutoencoderKLMochi");
    CHECK_CONTAINS(e.msg, "TAEHV");
    buf_clear(&text);
    buf_puts(&text, "{\"_class_name\": \"UMT5EncoderModel\"}"); /* known, but no codec */
    write_config(dir, "vae", &text);
    CHECK_INT(declared(dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "UMT5EncoderModel");
    buf_release(&text);
    free(dir);
}

/* Model directories say which worlds they know; older ones, from before there were several, do not.
 */
TEST(bundle_says_its_worlds)
{
    char *dir = ztest_in_tmp("worlds"), *path = path_join(dir, "model_index.json");
    const char head[] = "{\"format\": 1, \"_class_name\": \"ZoetropePipeline\", \"frame_rate\": 8, "
                        "\"width\": 112, \"height\": 64, \"frames\": 41, \"latents_mean\": [0], "
                        "\"latents_std\": [1]";
    static const struct {
        const char *rest, *error;
        unsigned worlds;
    } cases[] = {{"}", NULL, 0},
                 {", \"text\": \"plain\", \"worlds\": [\"physics\"]}", NULL, 0},
                 {", \"text\": \"canonical\"}", NULL, 1},
                 {", \"text\": \"canonical\", \"worlds\": [\"story\"]}", NULL, 2},
                 {", \"text\": \"canonical\", \"worlds\": [\"story\", \"physics\"]}", NULL, 3},
                 {", \"text\": \"canonical\", \"worlds\": [\"flatland\"]}", "flatland", 0},
                 {", \"text\": \"canonical\", \"worlds\": []}", "empty", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bundle_info info;
        struct err e = {0};
        struct buf text = BUF_INIT;

        buf_printf(&text, "%s%s", head, cases[i].rest);
        CHECK_INT(dir_make(dir, &e), 0);
        CHECK_INT(file_write(path, text.data, text.len, &e), 0);
        CHECK_INT(bundle_info_read(&info, dir, &e), cases[i].error ? ERR_FORMAT : 0);
        if (cases[i].error)
            CHECK_CONTAINS(e.msg, cases[i].error);
        else
            CHECK_INT((int)info.worlds, (int)cases[i].worlds);
        buf_release(&text);
    }
    free(path);
    free(dir);
}

TEST(bundle_of_a_newer_format_is_refused)
{
    char *dir = ztest_in_tmp("newer"), *path = path_join(dir, "model_index.json");
    const char text[] = "{\"format\": 7, \"_class_name\": \"ZoetropePipeline\"}";
    struct bundle_info info;
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    CHECK_INT(file_write(path, text, strlen(text), &e), 0);
    CHECK_INT(bundle_info_read(&info, dir, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "format");
    CHECK_CONTAINS(e.msg, "newer zoetrope");
    CHECK_INT(bundle_info_read(&info, "no/such/model", &e), ERR_IO);
    free(path);
    free(dir);
}
