#include "train/config.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/hash.h"
#include "format/json.h"
#include "generate/sampler.h"
#include "train/from.h"
#include "train/record.h"
#include "train/upsample_critic.h"

#define KNOWN(v, ...)                                                                              \
    j_known(v, (const char *const[]){__VA_ARGS__},                                                 \
            (int)(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)))

#define FROM_RATE 0.2 /* of the rates of a training that begins with noise */

static void text_field(char *out, size_t size, struct jval v, const char *key, const char *def)
{
    const char *s = j_string_or(v, key, def);
    if (strlen(s) >= size)
        j_fail(v, key, "is %zu bytes long, at most %zu are allowed", strlen(s), size - 1);
    snprintf(out, size, "%s", s);
}

static int int_or(struct jval v, const char *key, int lo, int hi, int def)
{
    return (int)j_int_or(v, key, lo, hi, def);
}

static int even_or(struct jval v, const char *key, int lo, int hi, int def)
{
    int n = int_or(v, key, lo, hi, def);
    if (n % 2)
        j_fail(v, key, "is %d: it must be even", n);
    return n;
}

/* An optional group: a missing one reads as an empty object, so that every default is in one place.
 */
static struct jval group(struct jval v, const char *key)
{
    return j_has(v, key) ? j_object(v, key) : (struct jval){v.doc, NULL};
}

static void read_optim(struct optim_config *c, struct jval v)
{
    if (!v.v)
        return;
    KNOWN(v, "lr", "beta1", "beta2", "eps", "decay", "muon", "muon_lr", "momentum", "muon_decay",
          "ns_steps", "clip", "ema");
    c->lr = j_real_or(v, "lr", 0, 1, c->lr);
    c->beta1 = j_real_or(v, "beta1", 0, 0.99999, c->beta1);
    c->beta2 = j_real_or(v, "beta2", 0, 0.99999, c->beta2);
    c->eps = j_real_or(v, "eps", 1e-30, 1, c->eps);
    c->decay = j_real_or(v, "decay", 0, 10, c->decay);
    c->use_muon = j_bool_or(v, "muon", c->use_muon);
    c->muon_lr = j_real_or(v, "muon_lr", 0, 10, c->muon_lr);
    c->momentum = j_real_or(v, "momentum", 0, 0.9999, c->momentum);
    c->muon_decay = j_real_or(v, "muon_decay", 0, 10, c->muon_decay);
    c->ns_steps = int_or(v, "ns_steps", 1, 20, c->ns_steps);
    c->clip = j_real_or(v, "clip", 0, 1e9, c->clip);
    c->ema = j_real_or(v, "ema", 0, 0.99999, c->ema);
}

static void read_clip(struct clip_shape *c, struct jval v)
{
    *c = (struct clip_shape){.width = 112, .height = 64, .frames = 41, .fps = 8};
    worlds_default(&c->worlds);
    if (!v.v)
        return;
    KNOWN(v, "width", "height", "frames", "fps", "events", "worlds");
    c->width = int_or(v, "width", 16, 1024, c->width);
    c->height = int_or(v, "height", 16, 1024, c->height);
    c->frames = int_or(v, "frames", 1, 1025, c->frames);
    c->fps = j_real_or(v, "fps", 1, 120, c->fps);
    worlds_read(&c->worlds, v);
}

/* An optional list with one entry per stage. */
static void stage_list(int *out, int stages, struct jval v, const char *key, int lo, int hi)
{
    int64_t list[TINY_VAE_STAGES];
    int n = j_has(v, key) ? j_ints(v, key, list, stages, stages, lo, hi) : 0;

    for (int i = 0; i < n; i++)
        out[i] = (int)list[i];
}

static void read_vae_net(struct tiny_vae_config *n, struct jval v)
{
    n->latent_channels = int_or(v, "channels", 1, 64, n->latent_channels);
    n->encoder_width = int_or(v, "encoder_width", 1, 1024, n->encoder_width);
    n->patch_size = int_or(v, "patch_size", 1, 16, n->patch_size);
    n->lapped = j_bool_or(v, "lapped", n->lapped);
    n->deblock = int_or(v, "deblock", 0, 256, n->deblock);
    n->motion = j_bool_or(v, "motion", n->motion);
    stage_list(n->space_down, n->stages, v, "space_down", 1, 2);
    stage_list(n->space_up, n->stages, v, "space_up", 1, 2);
    stage_list(n->encoder_blocks, n->stages, v, "encoder_blocks", 0, TINY_VAE_BLOCKS);
    stage_list(n->decoder_blocks, n->stages, v, "decoder_blocks", 0, TINY_VAE_BLOCKS);
    if (j_has(v, "decoder_width")) {
        int64_t width[TINY_VAE_STAGES + 1];
        int got = j_ints(v, "decoder_width", width, n->stages + 1, n->stages + 1, 1, 1024);
        for (int i = 0; i < got; i++)
            n->decoder_width[i] = (int)width[i];
    }
}

static void read_vae(struct vae_recipe *r, struct jval v)
{
    static const char *const TRAINED[] = {"all", "decoder"};
    *r = (struct vae_recipe){.steps = 1000,
                             .batch = 8,
                             .groups = 3,
                             .klt_groups = 2000,
                             .l1 = 0.1,
                             .difference = 0,
                             .object_weight = 5,
                             .noise = 0.15,
                             .evaluate_every = 200,
                             .held_out = 8,
                             .warmup = 100,
                             .decay = 0.3,
                             .optim = optim_config_default};
    r->optim.lr = 4e-4;
    r->optim.eps = 1e-12; /* mean losses of pixels have gradients of 1e-6 */
    r->optim.decay = 0;
    r->optim.use_muon = 0;
    r->optim.clip = 0;
    r->optim.ema = 0.995;
    tiny_vae_config_default(&r->net);
    if (!v.v)
        return;
    KNOWN(v, "channels", "patch_size", "space_down", "space_up", "encoder_width", "decoder_width",
          "encoder_blocks", "decoder_blocks", "lapped", "deblock", "motion", "init", "train",
          "steps", "batch", "groups", "klt_groups", "l1", "difference", "gradient", "object_weight",
          "noise", "evaluate_every", "held_out", "warmup", "rate_decay", "optim");
    read_vae_net(&r->net, v);
    text_field(r->init, sizeof r->init, v, "init", "");
    r->decoder_only = j_choice_or(v, "train", TRAINED, 2, 0);
    if (r->decoder_only && !*r->init)
        j_fail(v, "train", "is decoder: without init there is no encoder that could stay");
    r->steps = j_int_or(v, "steps", 0, 100000000, r->steps);
    r->batch = int_or(v, "batch", 1, 1024, r->batch);
    r->groups = int_or(v, "groups", 1, 64, r->groups);
    r->klt_groups = int_or(v, "klt_groups", 1, 1000000, r->klt_groups);
    r->l1 = j_real_or(v, "l1", 0, 10, r->l1);
    r->difference = j_real_or(v, "difference", 0, 10, r->difference);
    r->gradient = j_real_or(v, "gradient", 0, 10, r->gradient);
    r->object_weight = j_real_or(v, "object_weight", 1, 100, r->object_weight);
    r->noise = j_real_or(v, "noise", 0, 2, r->noise);
    r->evaluate_every = int_or(v, "evaluate_every", 0, 1000000, r->evaluate_every);
    r->held_out = int_or(v, "held_out", 1, 256, r->held_out);
    r->warmup = int_or(v, "warmup", 0, 100000, r->warmup);
    r->decay = j_real_or(v, "rate_decay", 0, 1, r->decay);
    read_optim(&r->optim, group(v, "optim"));
}

static void read_upsampler(struct upsample_recipe *r, struct jval v)
{
    *r = (struct upsample_recipe){.net = {.scale = 2, .width = 32, .blocks = 4},
                                  .clips = 200,
                                  .frames = 9,
                                  .held_out = 6,
                                  .steps = 3000,
                                  .batch = 16,
                                  .crop = 48,
                                  .edges = 0.5,
                                  .critic = 32,
                                  .critic_rate = 4,
                                  .noise = 0.15,
                                  .evaluate_every = 500,
                                  .warmup = 50,
                                  .decay = 0.5,
                                  .optim = optim_config_default};
    r->optim.lr = 1e-3;
    r->optim.eps = 1e-12; /* as for the codec */
    r->optim.decay = 0;
    r->optim.use_muon = 0;
    r->optim.clip = 0;
    r->optim.ema = 0.99;
    KNOWN(v, "scale", "width", "blocks", "clips", "frames", "held_out", "steps", "batch", "crop",
          "edges", "sharp", "critic", "critic_rate", "init", "noise", "evaluate_every", "warmup",
          "rate_decay", "optim");
    r->net.scale = int_or(v, "scale", 2, 8, r->net.scale);
    r->net.width = int_or(v, "width", 1, 1024, r->net.width);
    r->net.blocks = int_or(v, "blocks", 0, SUBPIXEL_BLOCKS, r->net.blocks);
    r->clips = int_or(v, "clips", 1, 100000, r->clips);
    r->frames = int_or(v, "frames", 1, 1025, r->frames);
    r->held_out = int_or(v, "held_out", 1, 256, r->held_out);
    r->steps = j_int_or(v, "steps", 0, 100000000, r->steps);
    r->batch = int_or(v, "batch", 1, 1024, r->batch);
    r->crop = int_or(v, "crop", 4, 128, r->crop);
    r->edges = j_real_or(v, "edges", 0, 10, r->edges);
    r->sharp = j_real_or(v, "sharp", 0, 10, r->sharp);
    r->critic = int_or(v, "critic", 1, CRITIC_MAX_WIDTH, r->critic);
    r->critic_rate = j_real_or(v, "critic_rate", 0.01, 100, r->critic_rate);
    text_field(r->init, sizeof r->init, v, "init", "");
    r->noise = j_real_or(v, "noise", 0, 2, r->noise);
    r->evaluate_every = int_or(v, "evaluate_every", 0, 1000000, r->evaluate_every);
    r->warmup = int_or(v, "warmup", 0, 100000, r->warmup);
    r->decay = j_real_or(v, "rate_decay", 0, 1, r->decay);
    read_optim(&r->optim, group(v, "optim"));
}

static void read_upsamplers(struct train_config *c, struct jval v)
{
    struct jval list;
    if (!j_has(v, "upsamplers"))
        return;
    list = j_array(v, "upsamplers");
    c->n_upsamplers = j_len(list);
    if (c->n_upsamplers > UPSAMPLERS_MAX) {
        j_fail(v, "upsamplers", "has %d entries, at most %d are allowed", c->n_upsamplers,
               UPSAMPLERS_MAX);
        c->n_upsamplers = 0;
    }
    for (int i = 0; i < c->n_upsamplers; i++)
        read_upsampler(&c->upsampler[i], j_at_object(list, i));
}

static void read_text(struct clause_text_config *t, struct jval v)
{
    clause_text_config_default(t);
    if (!v.v)
        return;
    KNOWN(v, "d_model", "d_kv", "d_ff", "layers", "heads", "clauses", "places");
    t->d_model = int_or(v, "d_model", 8, 4096, t->d_model);
    t->d_kv = int_or(v, "d_kv", 2, 512, t->d_kv);
    t->d_ff = int_or(v, "d_ff", 8, 16384, t->d_ff);
    t->layers = int_or(v, "layers", 0, 48, t->layers);
    t->heads = int_or(v, "heads", 1, 128, t->heads);
    t->clauses = int_or(v, "clauses", 1, 64, t->clauses);
    t->places = int_or(v, "places", 1, 512, t->places);
}

static void read_phase(struct dit_phase *p, struct jval v, int clip_frames)
{
    KNOWN(v, "steps", "windows", "frames", "mix", "recycle");
    p->steps = j_int(v, "steps", 1, 100000000);
    p->windows = (int)j_int(v, "windows", 1, 4096);
    p->recycle = j_real_or(v, "recycle", 0, 1, 0);
    if (!j_has(v, "mix")) {
        p->n_mix = 1;
        p->frames[0] = (int)j_int(v, "frames", 1, clip_frames);
        p->weight[0] = 1;
        return;
    }
    struct jval mix = j_array(v, "mix");
    double sum = 0;
    p->n_mix = j_len(mix);
    if (p->n_mix < 1 || p->n_mix > TRAIN_MAX_MIX || j_has(v, "frames")) {
        j_fail(v, "mix", "takes 1 to %d pairs [frames, weight], and no \"frames\" beside it",
               TRAIN_MAX_MIX);
        p->n_mix = 0;
    }
    for (int i = 0; i < p->n_mix; i++) {
        struct jval pair = j_at_array(mix, i);
        p->frames[i] = (int)j_at_int(pair, 0, 1, clip_frames);
        p->weight[i] = j_at_real(pair, 1, 0, 1e6);
        sum += p->weight[i];
    }
    if (p->n_mix && !(sum > 0))
        j_fail(v, "mix", "has no weight above 0: nothing would be drawn");
}

static void read_dit_net(struct wan_config *n, struct jval v, const struct train_config *c)
{
    wan_config_default(n);
    n->heads = int_or(v, "heads", 1, 128, n->heads);
    n->head_dim = even_or(v, "head_dim", 6, 512, n->head_dim);
    n->ffn_dim = int_or(v, "ffn_dim", 8, 65536, n->ffn_dim);
    n->layers = int_or(v, "layers", 1, 64, n->layers);
    n->freq_dim = even_or(v, "freq_dim", 2, 4096, n->freq_dim);
    n->in_channels = n->out_channels = c->vae.net.latent_channels;
    n->text_dim = c->dit.text.d_model;
}

/* Fields that a model which is learned on from has decided. */
static void refuse_kept(struct jval v, const char *const *keys)
{
    for (; *keys; keys++)
        if (j_has(v, *keys))
            j_fail(v, *keys, "stands beside \"from\", whose model has it already: leave it out");
}

/* After p_extend. */
static void read_phases(struct dit_recipe *r, struct jval v, int clip_frames)
{
    struct jval phases = j_array(v, "phases");
    r->n_phases = j_len(phases);
    if (r->n_phases < 1 || r->n_phases > TRAIN_MAX_PHASES) {
        j_fail(v, "phases", "has %d entries, 1 to %d are allowed", r->n_phases, TRAIN_MAX_PHASES);
        r->n_phases = 0;
    }
    for (int i = 0; i < r->n_phases; i++) {
        struct jval phase = j_at_object(phases, i);
        read_phase(&r->phase[i], phase, clip_frames);
        if (r->phase[i].recycle > 0 && r->p_extend <= 0)
            j_fail(phase, "recycle",
                   "changes windows that go on, and dit.p_extend is 0: there are none");
    }
}

static void read_dit(struct train_config *c, struct jval v)
{
    struct dit_recipe *r = &c->dit;
    r->s_std = 1;
    r->s_mean = 0.3;
    r->s_uniform = 0.05;
    r->p_image = 0.15;
    r->p_no_text = 0.1;
    r->object_weight = 3;
    r->object_s = 0.6;
    r->evaluate_every = 250;
    r->held_out = 32;
    r->gap_ratio = 0.5;
    r->warmup = 50;
    r->decay = 0.3;
    r->optim = optim_config_default;
    if (*c->from) { /* what is learned already is not to be shaken */
        r->optim.lr *= FROM_RATE;
        r->optim.muon_lr *= FROM_RATE;
    }
    KNOWN(v, "heads", "head_dim", "ffn_dim", "layers", "freq_dim", "phases", "remat", "s_mean",
          "s_std", "s_uniform", "p_image", "p_extend", "p_ends", "p_no_text", "p_everyday",
          "object_weight", "object_s", "evaluate_every", "held_out", "gap_steps", "gap_ratio",
          "warmup", "rate_decay", "optim");
    if (*c->from)
        refuse_kept(
            v, (const char *const[]){"heads", "head_dim", "ffn_dim", "layers", "freq_dim", NULL});
    else
        read_dit_net(&r->net, v, c);
    r->remat = j_bool_or(v, "remat", 0);
    r->s_mean = j_real_or(v, "s_mean", -10, 10, r->s_mean);
    r->s_std = j_real_or(v, "s_std", 0, 10, r->s_std);
    r->s_uniform = j_real_or(v, "s_uniform", 0, 1, r->s_uniform);
    r->p_image = j_real_or(v, "p_image", 0, 1, r->p_image);
    r->p_extend = j_real_or(v, "p_extend", 0, 1, 0);
    r->p_ends = j_real_or(v, "p_ends", 0, 1, 0);
    if (r->p_extend + r->p_ends > 1)
        j_fail(v, "p_extend", "and p_ends are more than 1 together");
    read_phases(r, v, c->clip.frames);
    r->p_no_text = j_real_or(v, "p_no_text", 0, 1, r->p_no_text);
    r->p_everyday = j_real_or(v, "p_everyday", 0, 1, 0);
    r->object_weight = j_real_or(v, "object_weight", 1, 100, r->object_weight);
    r->object_s = j_real_or(v, "object_s", 0, 1, r->object_s);
    r->evaluate_every = int_or(v, "evaluate_every", 0, 1000000, r->evaluate_every);
    r->held_out = int_or(v, "held_out", 1, 1024, r->held_out);
    r->gap_steps = int_or(v, "gap_steps", 0, 100000000, r->gap_steps);
    r->gap_ratio = j_real_or(v, "gap_ratio", 0, 10, r->gap_ratio);
    r->warmup = int_or(v, "warmup", 0, 100000, r->warmup);
    r->decay = j_real_or(v, "rate_decay", 0, 1, r->decay);
    read_optim(&r->optim, group(v, "optim"));
}

static void read_model(struct train_config *c, struct jval v)
{
    struct model_defaults *m = &c->model, of_from = *m;
    static const char *const WEIGHTS[] = {"bf16", "int8"}, *const TYPES[] = {"auto", "bf16", "f32",
                                                                             "int8"};
    const char *const *samplers = sampler_names();
    int n = 0;
    while (samplers[n])
        n++;
    *m = (struct model_defaults){.steps = 20,
                                 .guidance = 3,
                                 .shift = 3,
                                 .sampler = samplers[0],
                                 .weights = DT_BF16,
                                 .type = TYPES[0]};
    if (*c->from) {
        m->steps = of_from.steps;
        m->guidance = of_from.guidance;
        m->shift = of_from.shift;
    }
    if (!v.v)
        return;
    KNOWN(v, "steps", "guidance", "shift", "sampler", "weights", "shown_rate", "own_height",
          "guidance_to_given", "stagger", "sharpen", "fade", "type");
    m->steps = int_or(v, "steps", 1, 1000, m->steps);
    m->guidance = j_real_or(v, "guidance", 0, 100, m->guidance);
    m->shift = j_real_or(v, "shift", 0.01, 100, m->shift);
    m->shown_rate = j_real_or(v, "shown_rate", 0, 240, m->shown_rate);
    m->own_height = j_bool_or(v, "own_height", 0);
    m->sampler = samplers[j_choice_or(v, "sampler", samplers, n, 0)];
    m->guidance_given = j_real_or(v, "guidance_to_given", 0, 1, 0);
    m->stagger = j_real_or(v, "stagger", 0, 1, 0);
    m->sharpen = j_real_or(v, "sharpen", 0, 2, 0);
    m->fade = j_real_or(v, "fade", 0, 0.5, 0);
    m->type = TYPES[j_choice_or(v, "type", TYPES, 4, 0)];
    m->weights = j_choice_or(v, "weights", WEIGHTS, 2, 0) ? DT_I8 : DT_BF16;
}

int dit_held_out(const struct train_config *c)
{
    int views = c->mirror ? 2 : 1;
    return (c->dit.held_out + views - 1) / views * views;
}

/* What only shows when all fields are known. */
static void check_sizes(struct train_config *c, struct jval root)
{
    const struct tiny_vae_config *n = &c->vae.net;
    int kt = 1, ks = n->patch_size, down = n->patch_size;
    for (int i = 0; i < n->stages; i++) {
        kt *= n->time_up[i] > 0 ? n->time_up[i] : 1;
        ks *= n->space_up[i] > 0 ? n->space_up[i] : 1;
        down *= n->space_down[i];
    }
    if (down != ks)
        j_fail(root, "vae", "space_down and space_up must change the size by the same factor");
    if (n->klt && n->latent_channels > 3 * kt * ks * ks)
        j_fail(root, "vae", "channels is %d: %d frames of %dx%d px have only %d numbers",
               n->latent_channels, kt, ks, ks, 3 * kt * ks * ks);
    int side = ks * c->dit.net.patch_size[1];
    if (c->clip.width % side || c->clip.height % side)
        j_fail(root, "clip", "width and height must be multiples of %d", side);
    if ((c->clip.frames - 1) % kt)
        j_fail(root, "clip", "frames must be 1 + a multiple of %d", kt);
    for (int i = 0; i < c->n_upsamplers; i++) {
        const struct upsample_recipe *u = &c->upsampler[i];
        int least = c->clip.width < c->clip.height ? c->clip.width : c->clip.height;
        if ((u->frames - 1) % kt)
            j_fail(root, "upsamplers", "[%d].frames must be 1 + a multiple of %d", i, kt);
        if (u->crop > least)
            j_fail(root, "upsamplers", "[%d].crop is %d, a picture of the codec %d px", i, u->crop,
                   least);
    }
    if (c->vae.groups > (c->clip.frames - 1) / kt + 1)
        j_fail(root, "vae", "groups: a clip has only %d", (c->clip.frames - 1) / kt + 1);
    if (c->dit.p_everyday > 0 && !c->everyday_captions)
        j_fail(root, "dit", "p_everyday: the clips have no everyday_captions");
    int records = c->latent_clips * (c->mirror ? 2 : 1);
    if (dit_held_out(c) >= records)
        j_fail(root, "latent_clips", "is %d: dit.held_out takes all %d records away from training",
               c->latent_clips, records);
    for (int i = 0; i < c->dit.n_phases; i++)
        for (int j = 0; j < c->dit.phase[i].n_mix; j++)
            if ((c->dit.phase[i].frames[j] - 1) % kt)
                j_fail(root, "dit", "phases[%d]: frames must be 1 + a multiple of %d", i, kt);
}

static void read_from(struct train_config *c, struct jval v)
{
    struct err e = {0};

    text_field(c->from, sizeof c->from, v, "from", "");
    if (!*c->from)
        return;
    refuse_kept(
        v, (const char *const[]){"vae", "upsamplers", "text", "reel_clips", "latent_scale", NULL});
    if (j_has(v, "model"))
        refuse_kept(j_object(v, "model"),
                    (const char *const[]){"steps", "guidance", "shift", "sampler", "shown_rate",
                                          "own_height", "guidance_to_given", "stagger", "sharpen",
                                          "fade", "type", NULL});
    if (from_read(c, &e))
        j_fail(v, "from", "cannot be used: %s", e.msg);
}

static void check_from(const struct train_config *c, struct jval v)
{
    struct err e = {0};

    if (*c->from && from_check(c, &e))
        j_fail(v, "from", "cannot be used: %s", e.msg);
}

static void read_root(struct train_config *c, struct jval v)
{
    static const char *const TYPES[] = {"f32", "bf16"}, *const SCALES[] = {"channel", "shared"};
    KNOWN(v, "zoetrope", "name", "license", "description", "seed", "type", "checkpoint_minutes",
          "from", "clip", "reel_clips", "latent_clips", "latent_growth", "mirror",
          "everyday_captions", "latent_scale", "vae", "upsamplers", "text", "dit", "model");
    j_int(v, "zoetrope", 1, 1);
    text_field(c->name, sizeof(c->name), v, "name", "unnamed");
    read_from(c, v);
    text_field(c->license, sizeof(c->license), v, "license", *c->from ? "" : "Apache-2.0");
    text_field(c->description, sizeof(c->description), v, "description", "");
    c->seed = (uint64_t)j_int_or(v, "seed", 0, INT64_MAX, 1);
    c->type = j_choice_or(v, "type", TYPES, 2, 1) ? DT_BF16 : DT_F32;
    c->checkpoint_minutes = j_real_or(v, "checkpoint_minutes", 0, 10000, 5);
    read_clip(&c->clip, group(v, "clip"));
    check_from(c, v);
    c->latent_clips = (int)j_int(v, "latent_clips", 1, TRAIN_MAX_CLIPS);
    c->latent_growth = j_real_or(v, "latent_growth", 0, 1000, 0);
    c->mirror = j_bool_or(v, "mirror", 1);
    c->everyday_captions = int_or(v, "everyday_captions", 0, RECORD_MAX_CAPTIONS - 1, 0);
    c->shared_std = j_choice_or(v, "latent_scale", SCALES, 2, 0);
    if (!*c->from) {
        c->reel_clips = (int)j_int(v, "reel_clips", 1, 1000000);
        read_vae(&c->vae, group(v, "vae"));
        read_upsamplers(c, v);
        read_text(&c->dit.text, group(v, "text"));
    }
    read_dit(c, j_object(v, "dit"));
    read_model(c, group(v, "model"));
    if (!jdoc_status(v.doc, NULL)) /* a field that is wrong reads as 0 */
        check_sizes(c, v);
}

/* The networks say themselves what they cannot be. */
static int check_networks(const struct train_config *c, struct err *e)
{
    struct clause_text_config text = c->dit.text;
    struct tiny_vae vae = {0};
    struct clause_text t = {0};
    struct wan m = {0};
    text.vocab = 4; /* the least: its words are not known yet */
    int rc = tiny_vae_init(&vae, &c->vae.net, e);
    for (int i = 0; i < c->n_upsamplers && !rc; i++) {
        struct subpixel up = {0};
        rc = subpixel_init(&up, &c->upsampler[i].net, e);
        subpixel_release(&up);
    }
    if (!rc)
        rc = clause_text_init(&t, &text, e);
    if (!rc)
        rc = wan_init(&m, &c->dit.net, e);
    wan_release(&m);
    clause_text_release(&t);
    tiny_vae_release(&vae);
    return rc;
}

int train_config_read(struct train_config *c, const char *path, struct err *e)
{
    *c = (struct train_config){0};
    struct buf text = BUF_INIT;
    struct jdoc *doc = NULL;
    int rc = file_read(&text, path, 1 << 20, e);
    if (!rc)
        rc = jdoc_parse(&doc, buf_str(&text), text.len, path, e);
    if (!rc) {
        read_root(c, jdoc_root(doc));
        rc = jdoc_status(doc, e);
        struct sha256 h;
        sha256_init(&h);
        sha256_add(&h, buf_str(&text), text.len);
        sha256_hex(&h, c->hash);
        jdoc_close(&doc);
    }
    if (!rc && (rc = check_networks(c, e)))
        err_prefix(e, "%s", path);
    buf_release(&text);
    return rc;
}
