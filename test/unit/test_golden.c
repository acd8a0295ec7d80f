/* Our networks, samplers, optimisers and tokenizers against reference vectors
 * (test/golden/README.md). */
#include <stdlib.h>

#include "base/file.h"
#include "format/safetensors.h"
#include "measure/parity.h"
#include "ztest.h"

struct count {
    int lines, missing;
    double worst;
};

static void count_line(void *user, const struct parity_line *l)
{
    struct count *c = user;

    c->lines++;
    c->missing += !l->computed;
    c->worst = l->error > c->worst ? l->error : c->worst;
    if (!l->ok)
        printf("    %s: %g, allowed %g\n", l->name, l->error, l->limit);
}

static int run_as(const char *dir, enum dtype type, struct weight_as as, double tol,
                  struct count *c, struct err *e)
{
    struct parity_options o = {
        .type = type, .as = as, .device = device_cpu(), .tol = tol, .line = count_line, .user = c};

    *c = (struct count){0};
    return parity_run(dir, &o, NULL, e);
}

static int run(const char *dir, enum dtype type, double tol, struct count *c, struct err *e)
{
    return run_as(dir, type, (struct weight_as){0}, tol, c, e);
}

static double golden_as(const char *name, enum dtype type, struct weight_as as, int lines)
{
    struct err e = {0};
    struct count c;
    char path[64];

    snprintf(path, sizeof path, "golden/%s", name);
    if (run_as(ztest_data(path), type, as, 0, &c, &e))
        printf("    %s\n", e.msg);
    CHECK_INT(e.code, 0);
    CHECK_INT(c.lines, lines);
    return c.worst;
}

static void golden(const char *name, enum dtype type, int lines)
{
    golden_as(name, type, (struct weight_as){0}, lines);
}

/* Blocks in bytes, and so seen in the error: f32 has 1e-5. */
static void golden_int8(const char *name, enum dtype type, int lines)
{
    double worst = golden_as(name, type, (struct weight_as){stored_named("I8"), 1}, lines);

    CHECK(type == DT_BF16 || worst > 1e-3);
}

/* Case wan-ti2v-token-time once more in a folder of the test program, where `from` in file `name`
 * is `to` wherever it stands. A header of safetensors says its length anew. */
static void golden_changed(const char *name, const char *from, const char *to)
{
    static const char *const files[] = {"config.json", "model.safetensors", "inputs.safetensors",
                                        "outputs.safetensors"};
    struct err e = {0};
    struct count c;
    char *dir = path_join(ztest_tmp(), from[0] == ']' ? "golden-header" : "golden-config");
    int changes = 0;

    CHECK_INT(dir_make(dir, &e), 0);
    for (int i = 0; i < 4; i++) {
        char *old = path_join(ztest_data("golden/wan-ti2v-token-time"), files[i]);
        char *path = path_join(dir, files[i]);
        struct buf in = BUF_INIT, out = BUF_INIT;
        uint64_t head = 0;
        size_t at = 0, end;

        CHECK_INT(file_read(&in, old, 1 << 24, &e), 0);
        end = in.len;
        if (i) { /* only the header is text */
            memcpy(&head, in.data, at = sizeof head);
            end = at + (size_t)head;
            buf_add(&out, &head, sizeof head);
        }
        while (at < end) {
            int here = !strcmp(files[i], name) && at + strlen(from) <= end &&
                       !memcmp((char *)in.data + at, from, strlen(from));

            if (here)
                buf_puts(&out, to);
            else
                buf_putc(&out, ((char *)in.data)[at]);
            at += here ? strlen(from) : 1;
            changes += here;
        }
        head = out.len - sizeof head;
        if (i)
            memcpy(out.data, &head, sizeof head);
        buf_add(&out, (char *)in.data + end, in.len - end);
        CHECK_INT(file_write(path, out.data, out.len, &e), 0);
        buf_release(&in);
        buf_release(&out);
        free(old);
        free(path);
    }
    CHECK(changes > 0);
    CHECK_INT(run(dir, DT_F32, 0, &c, &e), 0);
    CHECK_INT(c.lines, 6);
    free(dir);
}

/* `qk_norm: null` in a config: the class has its norms all the same. */
TEST(golden_wan_null_for_qk_norm)
{
    golden_changed("config.json", "\"rms_norm_across_heads\"", "null");
}

/* The library that wrote safetensors first reads over fields that it does not know. */
TEST(golden_header_with_unknown_fields)
{
    golden_changed("model.safetensors", "]}", "],\"x\":[1,{\"a\":2}]}");
}

/* clang-format off */
TEST(golden_wan_tokens_with_their_own_time) { golden("wan-ti2v-token-time", DT_F32, 6); }
TEST(golden_wan_original_names)             { golden("wan-t2v-original-keys", DT_F32, 6); }
TEST(golden_wan_bf16)                       { golden("wan-ti2v-token-time", DT_BF16, 6); }
TEST(golden_wan_int8_of_comfyui)            { golden("wan-int8-marker", DT_F32, 1); }
TEST(golden_wan_int8_of_comfyui_bf16)       { golden("wan-int8-marker", DT_BF16, 1); }
TEST(golden_wan_int8_rotated)               { golden("wan-int8-convrot", DT_F32, 1); }
TEST(golden_wan_in_bytes)                   { golden_int8("wan-ti2v-token-time", DT_F32, 6); }
TEST(golden_wan_in_bytes_bf16)              { golden_int8("wan-t2v-original-keys", DT_BF16, 6); }
TEST(golden_wan_in_bytes_of_comfyui)        { golden_int8("wan-int8-marker", DT_F32, 1); }
TEST(golden_wan_pictures_comfy_names)       { golden("wan-i2v-comfy-keys", DT_F32, 5); }
TEST(golden_wan_two_pictures)               { golden("wan-flf2v", DT_F32, 5); }
TEST(golden_wan_two_pictures_bf16)          { golden("wan-flf2v", DT_BF16, 5); }
TEST(golden_wan_film_between_two_pictures)  { golden("pipeline-wan-flf2v", DT_F32, 2); }
TEST(golden_wan_film_of_two_experts)        { golden("pipeline-wan22-i2v-a14b", DT_F32, 2); }
TEST(golden_wan_film_from_a_given_frame)    { golden("pipeline-wan22-ti2v", DT_F32, 2); }
TEST(golden_wan_film_steered_by_another)    { golden("pipeline-wan-vace", DT_F32, 2); }
TEST(golden_wan_film_bf16)                  { golden("pipeline-wan22-i2v-a14b", DT_BF16, 2); }
TEST(golden_wan_vace)                       { golden("wan-vace", DT_F32, 9); }
TEST(golden_wan_vace_bf16)                  { golden("wan-vace", DT_BF16, 9); }
TEST(golden_clip_vision)                    { golden("clip-vision", DT_F32, 5); }
TEST(golden_clip_vision_bf16)               { golden("clip-vision", DT_BF16, 5); }
TEST(golden_lora_diffusers)                 { golden("lora-diffusers", DT_F32, 2); }
TEST(golden_lora_kohya)                     { golden("lora-kohya", DT_F32, 2); }
TEST(golden_lora_kohya_bf16)                { golden("lora-kohya", DT_BF16, 2); }
TEST(golden_gguf_types)                     { golden("gguf-types", DT_F32, 15); }
TEST(golden_gguf_four_bit_floats)           { golden("gguf-types-2", DT_F32, 2); }
TEST(golden_comfyui_quantised)              { golden("comfy-quant", DT_F32, 8); }
TEST(golden_comfyui_quantised_bf16)         { golden("comfy-quant", DT_BF16, 8); }
TEST(golden_umt5_in_gguf)                   { golden("umt5-gguf", DT_F32, 4); }
TEST(golden_umt5_in_gguf_bf16)              { golden("umt5-gguf", DT_BF16, 4); }
TEST(golden_tokenizer_in_gguf)              { golden("tokenizer-gguf", DT_F32, 8); }
TEST(golden_umt5)                           { golden("umt5", DT_F32, 4); }
TEST(golden_umt5_padded)                    { golden("umt5-padded", DT_F32, 5); }
TEST(golden_umt5_bf16)                      { golden("umt5", DT_BF16, 4); }
TEST(golden_t5_shared_bias)                 { golden("t5-xxl-style", DT_F32, 4); }
TEST(golden_tiny_vae)                       { golden("tiny-vae", DT_F32, 9); }
TEST(golden_tiny_vae_patch2)                { golden("tiny-vae-patch2", DT_F32, 3); }
TEST(golden_tiny_vae_bf16)                  { golden("tiny-vae", DT_BF16, 9); }
TEST(golden_upsampler)                      { golden("upsampler", DT_F32, 1); }
TEST(golden_upsampler_bf16)                 { golden("upsampler", DT_BF16, 1); }
TEST(golden_wan_vae)                        { golden("wan-vae-2.1", DT_F32, 12); }
TEST(golden_wan_vae_original_names)         { golden("wan-vae-2.1-original-keys", DT_F32, 3); }
TEST(golden_wan_vae_2_2_original_names)     { golden("wan-vae-2.2-original-keys", DT_F32, 9); }
TEST(golden_gradients_umt5)                 { golden("gradients-umt5", DT_F32, 23); }
TEST(golden_gradients_wan)                  { golden("gradients-wan-ti2v", DT_F32, 45); }
TEST(golden_optimiser_adamw)                { golden("optimiser-adamw", DT_F32, 30); }
TEST(golden_optimiser_muon)                 { golden("optimiser-muon", DT_F32, 30); }
TEST(golden_flow_euler)                     { golden("flow-euler", DT_F32, 22); }
TEST(golden_flow_euler_dynamic)             { golden("flow-euler-dynamic", DT_F32, 10); }
TEST(golden_flow_unipc)                     { golden("flow-unipc", DT_F32, 22); }
TEST(golden_flow_unipc_four_steps)          { golden("flow-unipc-4-steps", DT_F32, 6); }
TEST(golden_flow_dpmpp)                     { golden("flow-dpmpp-2m", DT_F32, 14); }
TEST(golden_flow_heun)                      { golden("flow-heun", DT_F32, 13); }
TEST(golden_flow_lcm)                       { golden("flow-lcm", DT_F32, 6); }
TEST(golden_flow_euler_terminal)            { golden("flow-euler-terminal", DT_F32, 6); }
TEST(golden_flow_euler_500_levels)          { golden("flow-euler-500", DT_F32, 7); }
TEST(golden_flow_unipc_cut_timesteps)       { golden("flow-unipc-27-steps", DT_F32, 29); }
TEST(golden_flow_unipc_smallest_level)      { golden("flow-unipc-sigma-min", DT_F32, 8); }
TEST(golden_flow_dpmpp_cut_timesteps)       { golden("flow-dpmpp-9-steps", DT_F32, 11); }
TEST(golden_flow_dpmpp_exact_first_level)   { golden("flow-dpmpp-11-steps", DT_F32, 13); }
TEST(golden_flow_release_unipc)             { golden("flow-release-unipc", DT_F32, 6); }
TEST(golden_flow_release_dpmpp)             { golden("flow-release-dpmpp", DT_F32, 6); }
TEST(golden_randn)                          { golden("randn", DT_F32, 16); }
TEST(golden_tokenizer_byte_fallback)        { golden("tokenizer-bytes", DT_F32, 40); }
TEST(golden_tokenizer_marks)                { golden("tokenizer-marks", DT_F32, 224); }
TEST(golden_tokenizer_unknown)              { golden("tokenizer-unk", DT_F32, 42); }
/* clang-format on */

/* Options that lead to other films and are not computed. */
TEST(golden_flow_options_are_never_read_over)
{
    static const char *const rows[][2] = {{"flow-refused-karras", "use_karras_sigmas"},
                                          {"flow-refused-bh1", "solver_type"},
                                          {"flow-refused-sde", "algorithm_type"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        struct count c;
        char path[64];

        snprintf(path, sizeof path, "golden/%s", rows[i][0]);
        CHECK_INT(run(ztest_data(path), DT_F32, 0, &c, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, rows[i][1]);
        CHECK_INT(c.lines, 0);
    }
}

/* Weights that would be wrong, or nobody's, and are named. */
TEST(golden_files_that_are_refused)
{
    static const char *const rows[][2] = {{"safetensors-unused-f8", "1 unexpected (zz)"}};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        struct count c;
        char path[64];

        snprintf(path, sizeof path, "golden/%s", rows[i][0]);
        CHECK_INT(run(ztest_data(path), DT_F32, 0, &c, &e), ERR_FORMAT);
        CHECK_CONTAINS(e.msg, rows[i][1]);
    }
}

TEST(parity_fails_above_its_tolerance)
{
    struct err e = {0};
    struct count c;

    CHECK_INT(run(ztest_data("golden/umt5"), DT_F32, 1e-12, &c, &e), ERR_CHECK);
    CHECK_CONTAINS(e.msg, "differ");
}

/* A folder of noise whose outputs are the caller's. */
static char *noise_folder(const char *name, const char *tensor, float *x)
{
    char *dir = path_join(ztest_tmp(), name), *config, *out;
    struct st_out t = {.name = tensor, .type = DT_F32, .rank = 1, .dim = {2}, .data = x};
    const char text[] = "{\"kind\": \"randn\"}";
    struct err e = {0};

    CHECK_INT(dir_make(dir, &e), 0);
    config = path_join(dir, "config.json");
    out = path_join(dir, "outputs.safetensors");
    CHECK_INT(file_write(config, text, strlen(text), &e), 0);
    CHECK_INT(st_write(out, &t, 1, NULL, 0, &e), 0);
    free(config);
    free(out);
    return dir;
}

TEST(parity_fails_on_nan)
{
    float x[2] = {1.5409961f, NAN};
    struct err e = {0};
    struct count c;
    char *dir = noise_folder("nan", "seed.0.n.2", x);

    CHECK_INT(run(dir, DT_F32, 1e9, &c, &e), ERR_CHECK);
    CHECK_INT(c.lines, 1);
    CHECK(isinf(c.worst));
    free(dir);
}

TEST(parity_fails_on_an_output_that_it_does_not_compute)
{
    float x[2] = {1, 2};
    struct err e = {0};
    struct count c;
    char *dir = noise_folder("unknown", "something.else", x);

    CHECK_INT(run(dir, DT_F32, 1e9, &c, &e), ERR_CHECK);
    CHECK_INT(c.missing, 1);
    free(dir);
}

static int kind_of(const char *name, const char *text, struct err *e)
{
    char *dir = path_join(ztest_tmp(), name), *config;
    struct count c;
    int rc;

    CHECK_INT(dir_make(dir, e), 0);
    config = path_join(dir, "config.json");
    CHECK_INT(file_write(config, text, strlen(text), e), 0);
    rc = run(dir, DT_F32, 0, &c, e);
    free(config);
    free(dir);
    return rc;
}

TEST(parity_names_a_kind_that_is_not_supported)
{
    struct err e = {0};

    CHECK_INT(kind_of("class", "{\"_class_name\": \"AutoencoderKLMochi\"}", &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "AutoencoderKLMochi");
    CHECK_INT(kind_of("infinity", "{\"kind\": \"a NaN\", \"x\": -Infinity, \"y\": [NaN]}", &e),
              ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "a NaN");
    CHECK_INT(kind_of("broken", "{", &e), ERR_FORMAT);
    CHECK(run("no/such/folder", DT_F32, 0, &(struct count){0}, &e) == ERR_IO);
}
