/* What the networks promise beside agreeing with the reference. */
#include <stdlib.h>

#include "fixture.h"
#include "base/file.h"
#include "base/rng.h"
#include "model/tiny_vae.h"
#include "model/umt5.h"
#include "model/wan.h"
#include "ztest.h"

static void fill(float *x, size_t n, uint64_t stream)
{
    rng_fill_normal(x, n, 77, stream, 0);
}

/* Values for every weight, so that nothing is the identity by its initialiser. */
static void randomise(struct weight_set *s, enum dtype type, int training)
{
    weights_on_cpu(s, type, training);
    for (int i = 0; i < s->n; i++) {
        struct weight *w = s->all[i];
        int64_t n = weight_count(w);
        float *x = xmalloc(sizeof *x * (size_t)n);

        fill(x, (size_t)n, 1000 + (uint64_t)i);
        for (int64_t k = 0; k < n; k++)
            x[k] *= 0.2f;
        weight_store(w, x, DT_F32);
        free(x);
    }
}

/* ---- transformer ---- */

enum { ROWS = 20, COLUMNS = 8, OUT = 8, TEXT = 6 };

static void wan_new(struct wan *m, enum dtype type, int training)
{
    struct wan_config k;
    struct err e = {0};

    wan_config_default(&k);
    k.heads = 2;
    k.head_dim = 12;
    k.in_channels = k.out_channels = 2;
    k.text_dim = TEXT;
    k.freq_dim = 16;
    k.ffn_dim = 32;
    k.layers = 2;
    CHECK_INT(wan_init(m, &k, &e), 0);
    randomise(&m->weights, type, training);
}

/* Two clips, 2x2x3 and 1x4x2 patches, with 3 and 1 text rows; which: 0 both, 1 and 2 one of them.
 */
static void wan_run(const struct wan *m, int which, int n_threads, int dry, float *out,
                    uint64_t *peak)
{
    static const struct token_grid grid[2] = {{2, 2, 3}, {1, 4, 2}};
    static const int64_t row0[4] = {0, 0, 12, 20}, text0[4] = {0, 0, 3, 4};
    static const double times[2] = {0, 500};
    int first = which == 2, n = which ? 1 : 2;
    int64_t r0 = row0[first + 1], rows = row0[first + n + 1] - r0, t0 = text0[first + 1];
    int64_t start[3] = {0, text0[first + 2] - t0, text0[first + n + 1] - t0};
    float x[ROWS * COLUMNS], text[4 * TEXT];
    int32_t index[ROWS];
    struct threads *th = threads_new(n_threads);
    struct cx cx;
    struct denoiser_batch b = {
        .n = n, .grid = grid + first, .n_times = 2, .times = times, .text = {{NULL, {n, start}}}};
    struct tensor *y;

    fill(x, ROWS * COLUMNS, 1);
    fill(text, 4 * TEXT, 2);
    for (int r = 0; r < ROWS; r++)
        index[r] = r % 3 == 0;
    cx_init(&cx, dry ? device_null() : device_cpu(), m->patch.w->type, th);
    b.time_index = index + r0;
    b.rows = tensor_wrap(&cx, DT_F32, DIMS(rows, COLUMNS), x + r0 * COLUMNS);
    b.text[0].rows = tensor_wrap(&cx, DT_F32, DIMS(start[n], TEXT), text + t0 * TEXT);
    y = wan_forward(&cx, m, &b);
    CHECK_INT(cx.err.code, 0);
    CHECK_INT(tensor_count(y), rows * OUT);
    if (!dry)
        tensor_read_f32(&cx, y, out + r0 * OUT);
    if (peak)
        *peak = cx_peak_bytes(&cx);
    cx_release(&cx);
    threads_free(&th);
}

TEST(wan_samples_of_a_batch_do_not_see_each_other)
{
    struct wan m;
    float both[ROWS * OUT], each[ROWS * OUT];

    wan_new(&m, DT_F32, 0);
    wan_run(&m, 0, 1, 0, both, NULL);
    wan_run(&m, 1, 1, 0, each, NULL);
    wan_run(&m, 2, 1, 0, each, NULL);
    CHECK(!memcmp(both, each, sizeof both));
    wan_release(&m);
}

TEST(wan_gives_the_same_bits_for_any_number_of_threads)
{
    for (int bf = 0; bf < 2; bf++) {
        struct wan m;
        float a[ROWS * OUT], b[ROWS * OUT];

        wan_new(&m, bf ? DT_BF16 : DT_F32, 0);
        wan_run(&m, 0, 1, 0, a, NULL);
        for (int n = 2; n <= 3; n++) {
            wan_run(&m, 0, n, 0, b, NULL);
            CHECK(!memcmp(a, b, sizeof a));
        }
        wan_release(&m);
    }
}

TEST(wan_dry_run_knows_the_memory)
{
    struct wan m;
    float out[ROWS * OUT];
    uint64_t wet, dry;

    wan_new(&m, DT_BF16, 0);
    wan_run(&m, 0, 1, 0, out, &wet);
    wan_run(&m, 0, 1, 1, NULL, &dry);
    CHECK(wet > 0);
    CHECK_INT(wet, dry);
    wan_release(&m);
}

TEST(wan_new_network_says_nothing)
{
    struct wan_config k;
    struct wan m;
    struct err e = {0};
    float out[ROWS * OUT];

    wan_config_default(&k);
    k.heads = 1;
    k.head_dim = 6;
    k.in_channels = k.out_channels = 2;
    k.text_dim = TEXT;
    k.layers = 1;
    CHECK_INT(wan_init(&m, &k, &e), 0);
    weights_on_cpu(&m.weights, DT_F32, 0);
    weight_set_initialise(&m.weights, 1, NULL);
    wan_run(&m, 0, 1, 0, out, NULL);
    for (int i = 0; i < ROWS * OUT; i++)
        CHECK(out[i] == 0);
    wan_release(&m);
}

TEST(wan_config_is_written_as_it_is_read)
{
    struct wan_config a, b;
    struct buf text = BUF_INIT, again = BUF_INIT;
    struct err e = {0};
    char path[512];
    FILE *f;

    wan_config_default(&a);
    a.cross_attn_norm = 0;
    a.text_len = 77;
    a.layers = 3;
    a.image_dim = 20;
    a.image_rows = 10;
    a.n_vace = 2;
    a.vace_layers[1] = 2;
    a.vace_in_channels = 7;
    wan_config_write(&a, &text);
    snprintf(path, sizeof path, "%s/wan.json", ztest_tmp());
    f = fopen(path, "w");
    CHECK(f);
    fputs(buf_str(&text), f);
    fclose(f);
    CHECK_INT(wan_config_read(&b, path, &e), 0);
    CHECK_INT(b.cross_attn_norm, 0);
    CHECK_INT(b.text_len, 77);
    CHECK_INT(b.layers, 3);
    CHECK_INT(b.n_vace * 100 + b.vace_layers[1] * 10 + b.vace_in_channels, 227);
    wan_config_write(&b, &again);
    CHECK_STR(buf_str(&again), buf_str(&text));
    buf_release(&text);
    buf_release(&again);
}

static void config_refused(const char *text, const char *what)
{
    struct wan_config c;
    struct err e = {0};
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/bad.json", ztest_tmp());
    f = fopen(path, "w");
    CHECK(f);
    fputs(text, f);
    fclose(f);
    CHECK_INT(wan_config_read(&c, path, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, what);
}

#define GOOD(heads, head_dim, layers)                                                              \
    "{\"num_attention_heads\": " heads ", \"attention_head_dim\": " head_dim                       \
    ", \"num_layers\": " layers                                                                    \
    ", \"in_channels\": 4, \"text_dim\": 8, \"freq_dim\": 8, \"ffn_dim\": 8"

#define VACE ", \"_class_name\": \"WanVACETransformer3DModel\""

TEST(wan_config_names_the_bad_field)
{
    config_refused(GOOD("2", "13", "1") "}", "attention_head_dim");
    config_refused(GOOD("2", "12", "1000000000") "}", "num_layers");
    config_refused(GOOD("-1", "12", "1") "}", "num_attention_heads");
    config_refused(GOOD("2", "12", "1") ", \"image_dim\": 1280}", "added_kv_proj_dim");
    config_refused(GOOD("2", "12", "1") ", \"image_dim\": 1280, \"added_kv_proj_dim\": 25}",
                   "must be 24, the width of the stream");
    config_refused(GOOD("2", "12", "1") ", \"pos_embed_seq_len\": 514}", "pos_embed_seq_len");
    config_refused(GOOD("2", "12", "1") ", \"vace_layers\": [0]}", "WanVACETransformer3DModel");
    config_refused(GOOD("2", "12", "2") VACE ", \"vace_layers\": [1]}", "vace_layers");
    config_refused(GOOD("2", "12", "2") VACE ", \"vace_layers\": [0, 2]}", "vace_layers");
    config_refused(GOOD("2", "12", "20") VACE "}", "vace_layers: layer 20");
    config_refused(GOOD("2", "12", "1") ", \"qk_norm\": \"layer_norm\"}", "qk_norm");
    config_refused(GOOD("2", "12", "1") ", \"patch_size\": [1, 2]}", "patch_size");
    config_refused(GOOD("2", "12", "1") ", \"_class_name\": \"FluxTransformer2DModel\"}",
                   "_class_name");
}

static const char *write_json(const char *text)
{
    static char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/config.json", ztest_tmp());
    f = fopen(path, "w");
    CHECK(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* The arguments of WanTransformer3DModel, and null where it means something else. */
TEST(wan_config_left_out_means_what_the_class_means)
{
    struct wan_config c;
    struct err e = {0};

    CHECK_INT(wan_config_read(&c, write_json("{}"), &e), 0);
    CHECK_INT(c.heads * 1000 + c.head_dim, 40128);
    CHECK_INT(c.layers, 40);
    CHECK_INT(c.in_channels * 100 + c.out_channels, 1616);
    CHECK_INT(c.text_dim, 4096);
    CHECK_INT(c.freq_dim, 256);
    CHECK_INT(c.ffn_dim, 13824);
    CHECK_INT(c.cross_attn_norm, 1);
    CHECK(c.eps == 1e-6);
    CHECK_INT(wan_config_read(&c, write_json("{\"in_channels\": 36}"), &e), 0);
    CHECK_INT(c.out_channels, 16);
    CHECK_INT(wan_config_read(&c,
                              write_json("{\"in_channels\": 36, \"out_channels\": null, "
                                         "\"cross_attn_norm\": null, \"qk_norm\": null}"),
                              &e),
              0);
    CHECK_INT(c.out_channels, 36);
    CHECK_INT(c.cross_attn_norm, 0);
}

/* ---- autoencoder ---- */

static void vae_new(struct tiny_vae *m, int klt, enum dtype type)
{
    struct tiny_vae_config k;
    struct err e = {0};

    tiny_vae_config_default(&k);
    k.encoder_width = 6;
    for (int i = 0; i < 3; i++)
        k.decoder_width[i] = 5 + i;
    k.latent_channels = 4;
    k.decoder_blocks[0] = 1;
    k.klt = k.encoder_reset = k.pad_start = klt;
    k.lapped = klt;
    k.deblock = klt ? 2 : 0;
    k.motion = klt;
    CHECK_INT(tiny_vae_init(m, &k, &e), 0);
    randomise(&m->weights, type, 0);
}

TEST(tiny_vae_stream_equals_decoding_all_at_once)
{
    for (int bf = 0; bf < 2; bf++) {
        enum { T = 3, H = 2, W = 3, C = 4, FRAME = 16 * 24 * 3 };
        float z[T * H * W * C], all[9 * FRAME], step[9 * FRAME];
        struct tiny_vae m;
        struct codec_stream s;
        struct cx cx;
        int n = 0;

        vae_new(&m, 1, bf ? DT_BF16 : DT_F32);
        fill(z, T * H * W * C, 3);
        cx_init(&cx, device_cpu(), bf ? DT_BF16 : DT_F32, NULL);
        struct tensor *y = tiny_vae_decode(&cx, &m, tensor_wrap(&cx, DT_F32, DIMS(T, H, W, C), z));
        CHECK_INT(y->dim[0], 9);
        CHECK_INT(tensor_count(y), 9 * FRAME);
        tensor_read_f32(&cx, y, all);
        struct codec codec = part_codec(&(struct part){&tiny_vae_part, &m});
        codec_stream_init(&s, device_cpu(), &codec);
        for (int t = 0; t < T; t++) {
            cx_step_end(&cx);
            struct tensor *at[2] = {NULL, NULL};
            for (int k = 0; k < 2 && t + k < T; k++)
                at[k] = tensor_wrap(&cx, DT_F32, DIMS(1, H, W, C), z + (t + k) * H * W * C);
            y = codec_stream_step(&cx, &s, at[0], at[1]);
            CHECK_INT(y->dim[0], t ? 4 : 1);
            tensor_read_f32(&cx, y, step + n * FRAME);
            n += (int)y->dim[0];
        }
        CHECK(!memcmp(all, step, sizeof all));
        codec_stream_release(&s);
        cx_release(&cx);
        tiny_vae_release(&m);
    }
}

/* A weight of the lapped root from the place to the right moves one pixel of a block by what lies
 * in that place, and nothing else. */
TEST(tiny_vae_lapped_root_reads_the_places_around)
{
    enum { H = 2, W = 3, C = 4, P = 4 * 8 * 8 * 3, FRAME = 16 * 24 * 3 };
    enum { PIXEL = ((3 * 8 + 5) * 8 + 6) * 3 + 1 }; /* frame 3, row 5, column 6, green */
    float z[H * W * C], without[FRAME], with[FRAME];
    float *w = xcalloc(P * 9 * C, sizeof *w), *none = xcalloc(P * 24, sizeof *none);
    struct tiny_vae m;
    struct cx cx;

    vae_new(&m, 1, DT_F32);
    weight_store(m.deblock.out.w, none, DT_F32);
    fill(z, H * W * C, 3);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int on = 0; on < 2; on++) {
        w[(PIXEL * 9 + 5) * C + 2] = (float)on; /* tap in the middle row, to the right; channel 2 */
        weight_store(m.lapped.w, w, DT_F32);
        struct tensor *y = tiny_vae_decode(&cx, &m, tensor_wrap(&cx, DT_F32, DIMS(1, H, W, C), z));
        tensor_read_f32(&cx, y, on ? with : without);
        cx_step_end(&cx);
    }
    for (int i = 0; i < FRAME; i++) {
        int y = i / 72, x = i / 3 % 24, moves = y % 8 == 5 && x % 8 == 6 && i % 3 == 1 && x < 16;
        float by = moves ? z[(y / 8 * W + x / 8 + 1) * C + 2] : 0;
        CHECK_BELOW(fabsf(with[i] - without[i] - by), 1e-5);
    }
    free(w);
    free(none);
    cx_release(&cx);
    tiny_vae_release(&m);
}

/* One pixel of a block is moved by one channel of what lies between a latent and the one before it,
 * and by another of what lies between it and the one behind; where that is not known half of the
 * first is its guess. The first latent does not move. */
TEST(tiny_vae_motion_is_what_the_latents_before_and_behind_say)
{
    enum { T = 3, H = 2, W = 3, C = 4, P = 4 * 8 * 8 * 3, FRAME = 16 * 24 * 3 };
    enum { PIXEL = ((3 * 8 + 5) * 8 + 6) * 3 + 1 }; /* frame 3, row 5, column 6, green */
    float z[T][H * W][C], guess[C * C] = {0}, without[9][FRAME], with[9][FRAME];
    float *w = xcalloc(P * 2 * C, sizeof *w);
    struct tiny_vae m;
    struct cx cx;

    vae_new(&m, 1, DT_F32);
    fill(&z[0][0][0], T * H * W * C, 3);
    guess[2 * C + 1] = 0.5f;
    weight_store(m.guess.w, guess, DT_F32);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int on = 0; on < 2; on++) {
        w[PIXEL * 2 * C + 1] = w[PIXEL * 2 * C + C + 2] = (float)on;
        weight_store(m.motion.w, w, DT_F32);
        struct tensor *y =
            tiny_vae_decode(&cx, &m, tensor_wrap(&cx, DT_F32, DIMS(T, H, W, C), &z[0][0][0]));
        tensor_read_f32(&cx, y, on ? with[0] : without[0]);
        cx_step_end(&cx);
    }
    for (int f = 0; f < 9; f++)
        for (int i = 0; i < FRAME; i++) {
            int y = i / 72, x = i / 3 % 24, t = (f + 3) / 4, at = y / 8 * W + x / 8;
            int moves = y % 8 == 5 && x % 8 == 6 && i % 3 == 1 && t && f % 4 == 0;
            float back = moves ? z[t][at][1] - z[t - 1][at][1] : 0;
            float ahead = !moves ? 0 : t == 2 ? 0.5f * back : z[2][at][2] - z[1][at][2];

            CHECK_BELOW(fabsf(with[f][i] - without[f][i] - back - ahead), 1e-5);
        }
    free(w);
    cx_release(&cx);
    tiny_vae_release(&m);
}

static int read_as_written(const struct tiny_vae_config *k, struct tiny_vae_config *back,
                           struct err *e)
{
    char *path = path_join(ztest_tmp(), "borders.json");
    struct buf text = BUF_INIT;
    int rc;

    tiny_vae_config_write(k, &text);
    CHECK_INT(file_write(path, text.data, text.len, e), 0);
    rc = tiny_vae_config_read(back, path, e);
    buf_release(&text);
    free(path);
    return rc;
}

TEST(tiny_vae_config_of_borders_is_read_as_written_and_bounded)
{
    struct tiny_vae_config k, back;
    struct tiny_vae m;
    struct err e = {0};

    tiny_vae_config_default(&k);
    k.deblock = 4 * 8 * 3;
    k.motion = 1;
    CHECK_INT(read_as_written(&k, &back, &e), 0);
    CHECK_INT(back.deblock, k.deblock);
    CHECK_INT(back.motion, 1);
    CHECK_INT(tiny_vae_init(&m, &k, &e), 0);
    tiny_vae_release(&m);
    k.deblock++;
    CHECK_INT(tiny_vae_init(&m, &k, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "97; a border has 96");
    tiny_vae_release(&m);
    k.klt = 0;
    CHECK_INT(read_as_written(&k, &back, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "klt_deblock");
    k.deblock = 0;
    CHECK_INT(read_as_written(&k, &back, &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "klt_motion");
}

/* Two pixels of a block are moved by what lies between it and the block to the right, and the one
 * above; blocks at the border of the picture are not. */
TEST(tiny_vae_borders_are_mended_by_the_steps_over_them)
{
    enum { H = 2, W = 3, C = 4, P = 4 * 8 * 8 * 3, N = 24, FRAME = 16 * 24 * 3 };
    enum { A = ((3 * 8 + 5) * 8) * 3 + 1, B = ((3 * 8) * 8 + 2) * 3 }; /* frame 3: (5,0), (0,2) */
    float z[H * W * C], r[H * W * P], without[FRAME], with[FRAME];
    float *edges = xcalloc(8 * P, sizeof *edges), *out = xcalloc(P * N, sizeof *out);
    struct tiny_vae m;
    struct cx cx;

    vae_new(&m, 1, DT_F32);
    fill(z, H * W * C, 3);
    edges[0 * P + A] = edges[2 * P + A + 7 * 3] = 1;     /* direction 0, left and right */
    edges[5 * P + B] = edges[7 * P + B + 7 * 8 * 3] = 1; /* direction 1, upper and lower */
    weight_store(m.deblock.edges.w, edges, DT_F32);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    for (int on = 0; on < 2; on++) {
        out[(A + 6) * N + 6 + 2] = (float)on;  /* right side, strength 0.2, direction 0 */
        out[(B + 6) * N + 12 + 1] = (float)on; /* upper side, strength 1, direction 1 */
        weight_store(m.deblock.out.w, out, DT_F32);
        struct tensor *latent = tensor_wrap(&cx, DT_F32, DIMS(1, H, W, C), z);
        tensor_read_f32(&cx, tiny_vae_root(&cx, &m, latent), r);
        tensor_read_f32(&cx, tiny_vae_decode(&cx, &m, latent), on ? with : without);
        cx_step_end(&cx);
    }
    for (int i = 0; i < FRAME; i++) {
        int y = i / 72, x = i / 3 % 24, c = i % 3, block = y / 8 * W + x / 8;
        float by = 0;

        if (y % 8 == 5 && x % 8 == 2 && c == 1 && x < 16)
            by = 3 * tanhf(0.2f / 3 * (r[(block + 1) * P + A] - r[block * P + A + 7 * 3]));
        if (y == 8 && x % 8 == 4 && c == 0)
            by = 3 * tanhf((r[block * P + B] - r[(block - W) * P + B + 7 * 8 * 3]) / 3);
        CHECK_BELOW(fabsf(with[i] - without[i] - by), 1e-5);
    }
    free(edges);
    free(out);
    cx_release(&cx);
    tiny_vae_release(&m);
}

TEST(tiny_vae_groups_are_encoded_alone)
{
    enum { N = 9, H = 8, W = 16, FRAME = H * W * 3, LATENT = 1 * 2 * 4 };
    float x[N * FRAME], group[4 * FRAME], all[3 * LATENT], one[LATENT];
    struct tiny_vae m;
    struct cx cx;

    vae_new(&m, 1, DT_F32);
    fill(x, N * FRAME, 4);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    struct tensor *z = tiny_vae_encode(&cx, &m, tensor_wrap(&cx, DT_F32, DIMS(N, H, W, 3), x));
    CHECK_INT(tensor_count(z), 3 * LATENT);
    tensor_read_f32(&cx, z, all);
    for (int g = 0; g < 3; g++) {
        for (int t = 0; t < 4; t++) { /* frame 0 stands four times in the first group */
            int from = g ? 4 * g - 3 + t : 0;
            memcpy(group + t * FRAME, x + from * FRAME, FRAME * sizeof *x);
        }
        z = tiny_vae_encode_clips(&cx, &m, tensor_wrap(&cx, DT_F32, DIMS(1, 4, H, W, 3), group));
        tensor_read_f32(&cx, z, one);
        CHECK(!memcmp(one, all + g * LATENT, sizeof one));
    }
    cx_release(&cx);
    tiny_vae_release(&m);
}

/* With a whole orthonormal basis and silent networks the root alone gives the video back. */
TEST(tiny_vae_root_inverts_itself)
{
    enum { P = 1 * 2 * 2 * 3, N = 2, H = 4, W = 6 };
    struct tiny_vae_config k = {.latent_channels = P,
                                .patch_size = 1,
                                .stages = 1,
                                .encoder_width = 2,
                                .decoder_width = {2, 2},
                                .time_down = {1},
                                .time_up = {1},
                                .space_down = {2},
                                .space_up = {2},
                                .klt = 1,
                                .encoder_reset = 1,
                                .pad_start = 1};
    float mean[P], basis[P * P] = {0}, scale[P], x[N * H * W * 3], y[N * H * W * 3],
                             z[N * 2 * 3 * P];
    struct tiny_vae m;
    struct cx cx;
    struct err e = {0};

    CHECK_INT(tiny_vae_init(&m, &k, &e), 0);
    weights_on_cpu(&m.weights, DT_BF16, 0);
    weight_set_initialise(&m.weights, 1, NULL);
    for (int i = 0; i < P; i++) {
        mean[i] = 0.1f * (float)i;
        scale[i] = 1 + 0.5f * (float)i;
        basis[i * P + (5 * i + 3) % P] = i % 2 ? 1 : -1;
    }
    tiny_vae_set_klt(&m, mean, basis, scale);
    fill(x, N * H * W * 3, 5);
    cx_init(&cx, device_cpu(), DT_BF16, NULL);
    struct tensor *lat = tiny_vae_encode(&cx, &m, tensor_wrap(&cx, DT_F32, DIMS(N, H, W, 3), x));
    tensor_read_f32(&cx, keep(&cx, lat), z);
    /* component 0 is minus element 3, which is (row 0, column 1, colour 0) of the block */
    CHECK_BELOW(fabs(z[0] + (x[3] - mean[3])), 1e-6);
    tensor_read_f32(&cx, tiny_vae_decode(&cx, &m, lat), y);
    CHECK_BELOW(ztest_rel_l2(y, x, N * H * W * 3), 1e-6);
    cx_release(&cx);
    tiny_vae_release(&m);
}

/* ---- text encoder ---- */

/* The arguments of UMT5Config and T5Config; the class says which where model_type does not. */
TEST(umt5_config_left_out_means_what_the_class_means)
{
    struct umt5_config c;
    struct err e = {0};

    CHECK_INT(umt5_config_read(&c, write_json("{}"), &e), 0);
    CHECK_INT(c.vocab, 250112);
    CHECK_INT(c.d_model * 100 + c.d_kv, 51264);
    CHECK_INT(c.d_ff, 1024);
    CHECK_INT(c.layers * 10 + c.heads, 86);
    CHECK(c.gated && c.act == ACT_GELU_TANH && !c.shared_bias);
    CHECK_INT(umt5_config_read(
                  &c, write_json("{\"architectures\": [\"T5ForConditionalGeneration\"]}"), &e),
              0);
    CHECK_INT(c.vocab, 32128);
    CHECK_INT(c.d_ff, 2048);
    CHECK_INT(c.layers * 10 + c.heads, 68);
    CHECK(!c.gated && c.act == ACT_RELU && c.shared_bias);
}

TEST(umt5_prompts_do_not_see_each_other)
{
    static const int32_t ids[7] = {5, 1, 7, 7, 2, 9, 1};
    static const int64_t both[3] = {0, 2, 7}, first[2] = {0, 2}, second[2] = {0, 5};
    struct umt5_config k;
    struct umt5 m;
    struct err e = {0};
    struct cx cx;
    float a[7 * 8], b[7 * 8];

    umt5_config_default(&k);
    k.vocab = 10;
    k.d_model = 8;
    k.d_kv = 4;
    k.d_ff = 12;
    k.heads = 2;
    CHECK_INT(umt5_init(&m, &k, &e), 0);
    randomise(&m.weights, DT_F32, 0);
    cx_init(&cx, device_cpu(), DT_F32, NULL);
    tensor_read_f32(&cx, umt5_forward(&cx, &m, ids, &(struct seq){2, both}, NULL), a);
    tensor_read_f32(&cx, umt5_forward(&cx, &m, ids, &(struct seq){1, first}, NULL), b);
    tensor_read_f32(&cx, umt5_forward(&cx, &m, ids + 2, &(struct seq){1, second}, NULL), b + 2 * 8);
    CHECK(!memcmp(a, b, sizeof a));
    cx_release(&cx);
    umt5_release(&m);
}
