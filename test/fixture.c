#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/rng.h"
#include "generate/plan.h"
#include "model/bundle.h"
#include "model/networks.h"
#include "world/lexicon.h"
#include "ztest.h"

static void must(int rc, const struct err *e)
{
    if (rc)
        panic("fixture: %s", e->msg);
}

void weights_on_cpu(struct weight_set *s, enum dtype type, int training)
{
    struct err e = {0};

    must(weight_set_allocate(s, device_cpu(), type, training, &e), &e);
}

static void allocate(struct weight_set *s, uint64_t seed)
{
    weights_on_cpu(s, DT_F32, 0);
    weight_set_initialise(s, seed, NULL);
}

/* Weights that begin at zero would hide what stands behind them. */
static void wake(struct weight_set *s)
{
    for (int i = 0; i < s->n; i++) {
        struct weight *w = s->all[i];
        if (w->init != INIT_ZERO || w->frozen)
            continue;
        for (int64_t k = 0; k < weight_count(w); k++)
            ((float *)w->data)[k] = (float)((k * 7919 + i) % 101 - 50) / 1000;
    }
}

static void write_tokenizer(const char *dir)
{
    int n;
    char **words = world_vocabulary(&n), *path = path_join(dir, "tokenizer.json");
    double *scores = xmalloc(sizeof(double) * (size_t)n);
    struct err e;

    for (int i = 0; i < n; i++)
        scores[i] = -1;
    must(dir_make(dir, &e), &e);
    must(tokenizer_write(path, (const char *const *)words, scores, n, &e), &e);
    world_vocabulary_free(&words, n);
    free(scores);
    free(path);
}

static void write_networks(const char *dit_dir, const char *text_dir, const char *vae_dir,
                           int vocab)
{
    struct wan_config dc;
    struct umt5_config tc;
    struct tiny_vae_config vc;
    struct wan dit;
    struct umt5 text;
    struct tiny_vae vae;
    struct err e;

    wan_config_default(&dc);
    dc.heads = 2;
    dc.head_dim = 24;
    dc.ffn_dim = 64;
    dc.layers = 5;
    dc.freq_dim = 32;
    dc.text_dim = 32;
    must(wan_init(&dit, &dc, &e), &e);
    allocate(&dit.weights, 1);
    wake(&dit.weights);
    must(bundle_save_wan(&dit, dit_dir, DT_F32, NULL, &e), &e);
    wan_release(&dit);

    umt5_config_default(&tc);
    tc.vocab = vocab;
    tc.d_model = 32;
    tc.d_kv = 16;
    tc.d_ff = 48;
    tc.heads = 2;
    must(umt5_init(&text, &tc, &e), &e);
    allocate(&text.weights, 2);
    must(bundle_save_umt5(&text, text_dir, DT_F32, NULL, &e), &e);
    umt5_release(&text);

    tiny_vae_config_default(&vc);
    vc.encoder_width = 16;
    for (int i = 0; i <= vc.stages; i++)
        vc.decoder_width[i] = 16;
    for (int i = 0; i < vc.stages; i++)
        vc.encoder_blocks[i] = vc.decoder_blocks[i] = i == 0;
    must(tiny_vae_init(&vae, &vc, &e), &e);
    allocate(&vae.weights, 3);
    wake(&vae.weights);
    must(bundle_save_tiny_vae(&vae, vae_dir, DT_F32, NULL, &e), &e);
    tiny_vae_release(&vae);
}

void fixture_model(const char *dir)
{
    struct bundle_info info = {.name = "fixture",
                               .license = "none",
                               .description = "random weights for tests",
                               .release = "test",
                               .worlds = 1,
                               .frame_rate = 8,
                               .width = 48,
                               .height = 32,
                               .frames = 9,
                               .steps = 4,
                               .guidance = 3,
                               .shift = 3,
                               .sampler = "unipc"};
    char *tok = path_join(dir, "tokenizer"), *text = path_join(dir, "text_encoder");
    char *dit = path_join(dir, "transformer"), *vae = path_join(dir, "vae");
    struct tiny_vae_config vc;
    struct tokenizer *t;
    struct err e;

    tiny_vae_config_default(&vc);
    info.channels = vc.latent_channels;
    for (int i = 0; i < info.channels; i++)
        info.latents_std[i] = 1;
    must(dir_make(dir, &e), &e);
    write_tokenizer(tok);
    must(tokenizer_open(&t, tok, &e), &e);
    write_networks(dit, text, vae, tokenizer_size(t));
    must(bundle_info_write(&info, dir, &e), &e); /* last: it lists what is there */
    tokenizer_free(&t);
    free(tok);
    free(text);
    free(dit);
    free(vae);
}

char *fixture_with_upsamplers(const char *name, int first, int second)
{
    char *dir = path_join(ztest_tmp(), name);
    const int scale[] = {first, second};
    struct err e = {0};

    fixture_model(dir);
    for (int i = 0; i < 2; i++) {
        char *folder = path_join(dir, bundle_folder((enum bundle_place)(PLACE_UPSAMPLER + i)));
        struct subpixel m;

        if (scale[i]) {
            must(subpixel_init(&m, &(struct subpixel_config){scale[i], 4, 1}, &e), &e);
            allocate(&m.weights, 5);
            must(bundle_save_subpixel(&m, folder, DT_F32, NULL, &e), &e);
            subpixel_release(&m);
        }
        free(folder);
    }
    return dir;
}

const char *fixture_dir(void)
{
    static char dir[512];

    if (!*dir) {
        snprintf(dir, sizeof dir, "%s/fixture", ztest_tmp());
        fixture_model(dir);
    }
    return dir;
}

void fixture_small_vae(struct tiny_vae *m)
{
    struct tiny_vae_config k;
    struct err e = {0};

    tiny_vae_config_default(&k);
    k.latent_channels = 4;
    k.encoder_width = 4;
    k.decoder_width[0] = k.decoder_width[1] = k.decoder_width[2] = 4;
    must(tiny_vae_init(m, &k, &e), &e);
    weights_on_cpu(&m->weights, DT_F32, 1);
    weight_set_initialise(&m->weights, 4, NULL);
}

int fixture_has_media(void)
{
    return !strcmp(film_default_ending(), "mp4");
}

void fixture_need_media(void)
{
    if (!fixture_has_media())
        ztest_skip("this build writes no mp4");
}

struct film_options fixture_film_options(int w, int h)
{
    return (struct film_options){
        .w = w, .h = h, .fps_num = 16, .fps_den = 1, .crf = 18, .overwrite = 1};
}

void fixture_moving(uint8_t *rgb, int w, int h, int t)
{
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint8_t *p = rgb + ((size_t)y * (size_t)w + (size_t)x) * 3;
            int in = x >= 4 * t && x < 4 * t + 40 && y >= 40 && y < 80;

            p[0] = in ? 220 : (uint8_t)x;
            p[1] = in ? 30 : (uint8_t)(2 * y);
            p[2] = in ? 40 : (uint8_t)(x + y);
        }
}

void fixture_write_moving(struct film_writer *f, int w, int h, int n)
{
    uint8_t *rgb = malloc((size_t)w * (size_t)h * 3);
    struct err e;

    for (int t = 0; t < n; t++) {
        fixture_moving(rgb, w, h, t);
        CHECK_INT(film_write(f, rgb, &e), 0);
    }
    free(rgb);
}

void fixture_write_film(const char *path, const struct film_options *o, int n)
{
    struct film_writer *f;
    struct err e;

    CHECK_INT(film_open(&f, path, o, &e), 0);
    fixture_write_moving(f, o->w, o->h, n);
    CHECK_INT(film_finish(&f, &e), 0);
    CHECK(f == NULL);
}

void fixture_fill(struct weight_set *s, uint64_t seed)
{
    weights_on_cpu(s, DT_F32, 0);
    for (int i = 0; i < s->n; i++) {
        int64_t n = weight_count(s->all[i]);
        float *x = xmalloc(sizeof *x * (size_t)n);

        rng_fill_normal(x, (size_t)n, seed, (uint64_t)i, 0);
        for (int64_t k = 0; k < n; k++)
            x[k] *= 0.2f;
        weight_store(s->all[i], x, DT_F32);
        free(x);
    }
}

int fixture_plan(struct plan *p, struct err *e, const char *dir, const char *const *settings)
{
    return fixture_plan_again(p, e, dir, NULL, settings);
}

int fixture_plan_again(struct plan *p, struct err *e, const char *dir, const char *recipe,
                       const char *const *settings)
{
    struct request r;
    int rc = 0;

    *e = (struct err){0};
    memset(p, 0, sizeof *p);
    request_init(&r);
    if (recipe)
        rc = request_set_recipe(&r, recipe, strlen(recipe), "recipe", e);
    for (int i = 0; !rc && settings[i]; i += 2)
        rc = request_set(&r, settings[i], settings[i + 1], e);
    if (!rc)
        rc = plan_make(p, dir, &r, NULL, e);
    request_release(&r);
    return rc;
}
