#include "train/recipe.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "model/bundle.h"
#include "train/checkpoint.h"
#include "train/dit_task.h"

enum { MAX_BYTES = 1 << 16 };

/* ---- the config as lines ---- */

static void say_int(struct buf *b, const char *field, int64_t value)
{
    buf_printf(b, "%s %" PRId64 "\n", field, value);
}

static void say_real(struct buf *b, const char *field, double value)
{
    buf_printf(b, "%s %.17g\n", field, value);
}

static void say_list(struct buf *b, const char *field, const int *value, int n)
{
    buf_puts(b, field);
    for (int i = 0; i < n; i++)
        buf_printf(b, "%c%d", i ? ',' : ' ', value[i]);
    buf_putc(b, '\n');
}

static void say_optim(struct buf *b, const char *group, const struct optim_config *o)
{
    const struct {
        const char *name;
        double value;
    } field[] = {{"lr", o->lr},           {"beta1", o->beta1},       {"beta2", o->beta2},
                 {"eps", o->eps},         {"decay", o->decay},       {"muon", o->use_muon},
                 {"muon_lr", o->muon_lr}, {"momentum", o->momentum}, {"muon_decay", o->muon_decay},
                 {"clip", o->clip},       {"ns_steps", o->ns_steps}, {"ema", o->ema}};
    for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
        char name[64];
        snprintf(name, sizeof(name), "%s.optim.%s", group, field[i].name);
        say_real(b, name, field[i].value);
    }
}

static void say_clip(struct buf *b, const struct train_config *c)
{
    say_int(b, "seed", (int64_t)c->seed);
    buf_printf(b, "from \"%s\"\n", c->from);
    say_int(b, "clip.width", c->clip.width);
    say_int(b, "clip.height", c->clip.height);
    say_int(b, "clip.frames", c->clip.frames);
    say_real(b, "clip.fps", c->clip.fps);
    buf_printf(b, "clip.worlds %016" PRIx64 "\n", worlds_hash(&c->clip.worlds));
    say_int(b, "everyday_captions", c->everyday_captions);
}

static void say_vae(struct buf *b, const struct train_config *c)
{
    const struct vae_recipe *r = &c->vae;
    const struct tiny_vae_config *n = &r->net;
    say_int(b, "type", c->type == DT_BF16);
    say_int(b, "reel_clips", c->reel_clips);
    say_int(b, "vae.channels", n->latent_channels);
    say_int(b, "vae.patch_size", n->patch_size);
    say_int(b, "vae.encoder_width", n->encoder_width);
    say_list(b, "vae.decoder_width", n->decoder_width, n->stages + 1);
    say_list(b, "vae.space_down", n->space_down, n->stages);
    say_list(b, "vae.space_up", n->space_up, n->stages);
    say_list(b, "vae.encoder_blocks", n->encoder_blocks, n->stages);
    say_list(b, "vae.decoder_blocks", n->decoder_blocks, n->stages);
    say_int(b, "vae.batch", r->batch);
    say_int(b, "vae.groups", r->groups);
    say_int(b, "vae.klt_groups", r->klt_groups);
    say_real(b, "vae.l1", r->l1);
    say_real(b, "vae.difference", r->difference);
    say_real(b, "vae.gradient", r->gradient);
    say_int(b, "vae.lapped", n->lapped);
    say_int(b, "vae.deblock", n->deblock);
    say_int(b, "vae.motion", n->motion);
    buf_printf(b, "vae.init \"%s\"\n", r->init);
    buf_printf(b, "vae.train %s\n", r->decoder_only ? "decoder" : "all");
    say_real(b, "vae.object_weight", r->object_weight);
    say_real(b, "vae.noise", r->noise);
    say_optim(b, "vae", &r->optim);
}

/* Of upsampler i all, its schedule too: with another one it is another network. */
static void say_upsampler(struct buf *b, const struct train_config *c, int i)
{
    const struct upsample_recipe *r = &c->upsampler[i];
    const struct {
        const char *name;
        double value;
    } field[] = {{"scale", r->net.scale}, {"width", r->net.width}, {"blocks", r->net.blocks},
                 {"clips", r->clips},     {"frames", r->frames},   {"steps", (double)r->steps},
                 {"batch", r->batch},     {"crop", r->crop},       {"edges", r->edges},
                 {"sharp", r->sharp},     {"critic", r->critic},   {"critic_rate", r->critic_rate},
                 {"noise", r->noise},     {"warmup", r->warmup},   {"rate_decay", r->decay}};
    char name[64];
    for (size_t k = 0; k < sizeof(field) / sizeof(field[0]); k++) {
        snprintf(name, sizeof(name), "upsamplers[%d].%s", i, field[k].name);
        say_real(b, name, field[k].value);
    }
    buf_printf(b, "upsamplers[%d].init \"%s\"\n", i, r->init);
    snprintf(name, sizeof(name), "upsamplers[%d]", i);
    say_optim(b, name, &r->optim);
}

static void say_latents(struct buf *b, const struct train_config *c)
{
    say_int(b, "latent_clips", c->latent_clips);
    say_int(b, "mirror", c->mirror);
    say_int(b, "latent_scale", c->shared_std);
}

static void say_dit(struct buf *b, const struct train_config *c)
{
    const struct dit_recipe *r = &c->dit;
    say_real(b, "latent_growth", c->latent_growth);
    say_int(b, "text.d_model", r->text.d_model);
    say_int(b, "text.d_kv", r->text.d_kv);
    say_int(b, "text.d_ff", r->text.d_ff);
    say_int(b, "text.layers", r->text.layers);
    say_int(b, "text.heads", r->text.heads);
    say_int(b, "text.clauses", r->text.clauses);
    say_int(b, "text.places", r->text.places);
    say_int(b, "dit.heads", r->net.heads);
    say_int(b, "dit.head_dim", r->net.head_dim);
    say_int(b, "dit.ffn_dim", r->net.ffn_dim);
    say_int(b, "dit.layers", r->net.layers);
    say_int(b, "dit.freq_dim", r->net.freq_dim);
    say_real(b, "dit.s_mean", r->s_mean);
    say_real(b, "dit.s_std", r->s_std);
    say_real(b, "dit.s_uniform", r->s_uniform);
    say_real(b, "dit.p_image", r->p_image);
    say_real(b, "dit.p_extend", r->p_extend);
    say_real(b, "dit.p_ends", r->p_ends);
    say_real(b, "dit.p_no_text", r->p_no_text);
    say_real(b, "dit.p_everyday", r->p_everyday);
    say_real(b, "dit.object_weight", r->object_weight);
    say_real(b, "dit.object_s", r->object_s);
    say_int(b, "dit.held_out", r->held_out);
    say_optim(b, "dit", &r->optim);
}

/* ---- what is there ---- */

static char *in(const char *dir, const char *name)
{
    return path_join(dir, name);
}

static int there(const char *dir, const char *name)
{
    char *path = in(dir, name);
    int is = file_exists(path);
    free(path);
    return is;
}

/* Where the value of a field stands in a text of lines, and its length; NULL: it is not there. */
static const char *find_value(const char *text, const char *field, size_t field_len, int *len)
{
    for (const char *line = text; *line;) {
        size_t n = strcspn(line, "\n");
        if (n > field_len && !strncmp(line, field, field_len) && line[field_len] == ' ') {
            *len = (int)(n - field_len - 1);
            return line + field_len + 1;
        }
        line += n + (line[n] == '\n');
    }
    return NULL;
}

/* The first line of `want` that `have` says otherwise. */
static int compare(const char *have, const char *want, const char *dir, struct err *e)
{
    for (const char *line = want; *line; line += strcspn(line, "\n") + 1) {
        int field = (int)strcspn(line, " "), len = 0, n = (int)strcspn(line, "\n") - field - 1;
        const char *was = find_value(have, line, (size_t)field, &len), *is = line + field + 1;
        if (was && (len != n || strncmp(was, is, (size_t)n)))
            return err_set(e, ERR_FORMAT,
                           "%s was begun with %.*s %.*s, the config says %.*s; train into another "
                           "--out",
                           dir, field, line, len, was, n, is);
    }
    return 0;
}

/* ---- finished stages ---- */

static void say_vae_schedule(struct buf *b, const struct train_config *c)
{
    say_int(b, "vae.steps", c->vae.steps);
    say_int(b, "vae.warmup", c->vae.warmup);
    say_real(b, "vae.rate_decay", c->vae.decay);
}

static void say_dit_schedule(struct buf *b, const struct train_config *c)
{
    const struct dit_recipe *r = &c->dit;
    say_int(b, "steps", dit_steps(r));
    for (int i = 0; i < r->n_phases; i++) {
        const struct dit_phase *p = &r->phase[i];
        buf_printf(b, "dit.phases[%d] %" PRId64 " steps of %d windows", i, p->steps, p->windows);
        for (int k = 0; k < p->n_mix; k++)
            buf_printf(b, ", %d frames x %.17g", p->frames[k], p->weight[k]);
        if (p->recycle > 0) /* older runs have no word of it */
            buf_printf(b, ", recycle %.17g", p->recycle);
        buf_putc(b, '\n');
    }
    say_int(b, "dit.warmup", r->warmup);
    say_real(b, "dit.rate_decay", r->decay);
}

typedef void (*schedule_fn)(struct buf *b, const struct train_config *c);

static int is_done(const char *dir, const char *marker, schedule_fn say,
                   const struct train_config *c)
{
    struct buf have = BUF_INIT, want = BUF_INIT;
    char *path = in(dir, marker);
    struct err ignored = {0};
    say(&want, c);
    int done = file_exists(path) && !file_read(&have, path, MAX_BYTES, &ignored) &&
               !strcmp(buf_str(&have), buf_str(&want));
    free(path);
    buf_release(&have);
    buf_release(&want);
    return done;
}

static int finish(const char *dir, const char *marker, schedule_fn say,
                  const struct train_config *c, struct err *e)
{
    struct buf text = BUF_INIT;
    char *path = in(dir, marker);
    say(&text, c);
    int rc = file_write(path, text.data, text.len, e);
    free(path);
    buf_release(&text);
    return rc;
}

int recipe_vae_done(const struct train_config *c, const char *dir)
{
    return is_done(dir, "vae/done", say_vae_schedule, c);
}

/* Its folder is also the name of its checkpoints. */
static const char *upsampler_folder(int i)
{
    return bundle_folder((enum bundle_place)(PLACE_UPSAMPLER + i));
}

int recipe_upsampler_done(const struct train_config *c, const char *dir, int i)
{
    struct buf have = BUF_INIT, want = BUF_INIT;
    char *path = xasprintf("%s/%s/done", dir, upsampler_folder(i));
    struct err ignored = {0};
    say_upsampler(&want, c, i);
    int done = file_exists(path) && !file_read(&have, path, MAX_BYTES, &ignored) &&
               !strcmp(buf_str(&have), buf_str(&want));
    free(path);
    buf_release(&have);
    buf_release(&want);
    return done;
}

int recipe_upsampler_finish(const struct train_config *c, const char *dir, int i, struct err *e)
{
    struct buf text = BUF_INIT;
    char *path = xasprintf("%s/%s/done", dir, upsampler_folder(i));
    say_upsampler(&text, c, i);
    int rc = file_write(path, text.data, text.len, e);
    free(path);
    buf_release(&text);
    return rc;
}

int recipe_dit_done(const struct train_config *c, const char *dir)
{
    return is_done(dir, "transformer/done", say_dit_schedule, c);
}

int recipe_vae_finish(const struct train_config *c, const char *dir, struct err *e)
{
    return finish(dir, "vae/done", say_vae_schedule, c, e);
}

int recipe_dit_finish(const struct train_config *c, const char *dir, struct err *e)
{
    return finish(dir, "transformer/done", say_dit_schedule, c, e);
}

/* The codec stays as it is once it is finished: everything after it is made with it. */
static int check_vae(const struct train_config *c, const char *dir, struct err *e)
{
    int64_t steps = checkpoint_newest(dir, "vae");
    if (there(dir, "vae/done") && !recipe_vae_done(c, dir))
        return err_set(e, ERR_FORMAT,
                       "%s: the codec is finished, with another vae.steps, warmup or rate_decay "
                       "than the config says; train into another --out",
                       dir);
    if (steps > c->vae.steps)
        return err_set(e, ERR_FORMAT,
                       "%s: the codec has learned for %lld steps already, vae.steps is %lld", dir,
                       (long long)steps, (long long)c->vae.steps);
    return 0;
}

/* Each upsampler has learned from what those before it make. */
static int check_upsamplers(const struct train_config *c, const char *dir, const char *have,
                            struct err *e)
{
    int rc = 0;
    for (int i = 0; i < c->n_upsamplers && !rc; i++) {
        struct buf want = BUF_INIT;
        char *done = xasprintf("%s/done", upsampler_folder(i));
        say_upsampler(&want, c, i);
        if (there(dir, done) || checkpoint_newest(dir, upsampler_folder(i)) >= 0)
            rc = compare(have, buf_str(&want), dir, e);
        free(done);
        buf_release(&want);
    }
    return rc;
}

static int check_dit(const struct train_config *c, const char *dir, struct err *e)
{
    int64_t steps = checkpoint_newest(dir, "dit"), asked = dit_steps(&c->dit);
    int other = there(dir, "transformer/done") && !recipe_dit_done(c, dir);
    if (steps > asked || (other && steps >= asked))
        return err_set(
            e, ERR_FORMAT,
            "%s: the transformer has learned for %lld steps already, the config asks for "
            "%lld%s; give it more, or train into another --out",
            dir, (long long)steps, (long long)asked, other ? " of another kind" : "");
    return 0;
}

/* ---- all of it ---- */

/* Statistics of latents that no transformer has seen are made again when the config changed. */
static void forget_statistics(const char *have, const struct buf *latents, const char *dir)
{
    struct err differs = {0};
    if (!compare(have, buf_str(latents), dir, &differs))
        return;
    char *stats = in(dir, "latents.json");
    unlink(stats);
    free(stats);
}

int recipe_check(const struct train_config *c, const char *dir, struct err *e)
{
    struct buf have = BUF_INIT, all = BUF_INIT, vae = BUF_INIT, dit = BUF_INIT, latents = BUF_INIT;
    char *path = in(dir, "recipe.txt");
    int vae_begun = there(dir, "vae/done") || checkpoint_newest(dir, "vae") >= 0;
    int dit_begun = there(dir, "transformer/done") || checkpoint_newest(dir, "dit") >= 0;
    int rc = file_exists(path) ? file_read(&have, path, MAX_BYTES, e) : 0;
    say_clip(&all, c);
    say_vae(&vae, c);
    say_latents(&latents, c);
    say_dit(&dit, c);
    if (!rc && (vae_begun || there(dir, "reel.bin")))
        rc = compare(buf_str(&have), buf_str(&all), dir, e);
    if (!rc && vae_begun && !(rc = compare(buf_str(&have), buf_str(&vae), dir, e)))
        rc = check_vae(c, dir, e);
    if (!rc)
        rc = check_upsamplers(c, dir, buf_str(&have), e);
    if (!rc && dit_begun && !(rc = compare(buf_str(&have), buf_str(&latents), dir, e)) &&
        !(rc = compare(buf_str(&have), buf_str(&dit), dir, e)))
        rc = check_dit(c, dir, e);
    if (!rc && !dit_begun && !*c->from)
        forget_statistics(buf_str(&have), &latents, dir);
    buf_puts(&all, buf_str(&vae));
    buf_puts(&all, buf_str(&latents));
    buf_puts(&all, buf_str(&dit));
    for (int i = 0; i < c->n_upsamplers; i++)
        say_upsampler(&all, c, i);
    if (!rc)
        rc = file_write(path, all.data, all.len, e);
    free(path);
    buf_release(&have);
    buf_release(&all);
    buf_release(&vae);
    buf_release(&latents);
    buf_release(&dit);
    return rc;
}
