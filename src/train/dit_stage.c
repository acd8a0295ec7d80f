#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "model/networks.h"
#include "train/dit_feed.h"
#include "train/dit_sample.h"
#include "train/gaps.h"
#include "train/growth.h"
#include "train/recipe.h"
#include "train/recycle.h"
#include "train/stages.h"

#define LOGITS_ALARM 30 /* standard deviation; attention has long become a choice of one */

enum {
    STRIP_FILMS = 4,
    STRIP_COLUMNS = 8,
    STRIP_STEPS = 20,
    LEVELS = 5,
    CHUNK = 8,
    GAP_WINDOWS = 32
};

static const double LEVEL[LEVELS] = {0.95, 0.8, 0.6, 0.4, 0.2};
static const char *const LEVEL_NAME[LEVELS] = {"psnr_95", "psnr_80", "psnr_60", "psnr_40",
                                               "psnr_20"};

struct dit_run {
    const struct train_config *c;
    const struct run *run;
    struct cx cx;
    struct latents latents;
    struct tokenizer *tokenizer;
    struct prompts prompts, lies; /* lies: of the held-out records (gaps.h) */
    struct wan wan;
    struct clause_text words;
    struct tiny_vae vae; /* for strips */
    struct denoiser m;   /* what they are called by */
    struct text_model text;
    struct codec codec;
    struct optim optim;
    struct dit_feed *feed;
    struct growth *growth; /* NULL: the pool stays as it is */
    int has_vae, strip_failed;
    char from_hash[65];  /* of the model that it begins with; "": it begins with noise */
    int n_train, n_held; /* records from the pool's first ones, and those kept away behind them */
};

static int gradients(void *arg, int64_t step, double *loss, struct err *e)
{
    struct dit_run *d = arg;
    struct dit_batch b;
    int rc = dit_feed_take(d->feed, step, &b, e);
    if (rc)
        return rc;
    weight_zero_grads(d->m.weights);
    weight_zero_grads(d->text.weights);
    struct cx *cx = &d->cx;
    struct recycle again = {&d->c->dit, &d->latents, &d->prompts, d->c->seed};
    recycle(cx, &d->m, &d->text, &b, &again, step);
    tape_begin(cx);
    struct tensor *l = dit_loss(cx, &d->m, &d->text, &b, d->c->dit.remat);
    backward(cx, l, 1);
    *loss = scalar_value(cx, l);
    tape_end(cx);
    cx_step_end(cx);
    dit_batch_release(&b);
    return cx->err.code
               ? err_set(e, cx->err.code, "dit: step %lld: %s", (long long)step + 1, cx->err.msg)
               : 0;
}

/* Mean squared error of x0 = x_s - s v against the truth, in units of the latent's variance. */
static double x0_error(struct dit_run *d, const struct dit_window *w, int n, int64_t draw)
{
    struct dit_batch b;
    dit_batch_make(&b, w, n, &d->c->dit, &d->latents, &d->prompts, d->c->seed, draw, NULL);
    float *got = dit_velocity_values(&d->cx, &d->m, &d->text, &b);
    size_t count = (size_t)b.frames * (size_t)b.h * (size_t)b.w * (size_t)b.c;
    double sum = 0;
    for (size_t i = 0; i < count; i++) { /* x0' - x0 = s (target - v) */
        double diff = w->s * (got[i] - b.target[i]);
        sum += diff * diff;
    }
    free(got);
    dit_batch_release(&b);
    return sum / (double)count;
}

/* Latent frames of the longest windows that a phase has: longer ones are not learned yet. */
static int phase_length(const struct dit_run *d, int64_t step)
{
    const struct dit_phase *p = dit_phase_of(&d->c->dit, step > 0 ? step - 1 : 0);
    int frames = 1;
    for (int i = 0; i < p->n_mix; i++)
        frames = p->frames[i] > frames ? p->frames[i] : frames;
    return codec_latents(&d->codec.config, frames);
}

static void held_out_error(struct dit_run *d, int t, struct jsonw *row, char *text, size_t size)
{
    int n = d->c->dit.held_out, used = 0;
    for (int level = 0; level < LEVELS; level++) {
        double sum = 0;
        int chunks = 0;
        for (int i = 0; i < n; i += CHUNK, chunks++) {
            struct dit_window w[CHUNK];
            int m = n - i < CHUNK ? n - i : CHUNK;
            for (int j = 0; j < m; j++)
                w[j] = (struct dit_window){
                    .record = d->n_train + (i + j) % d->n_held, .t = t, .s = LEVEL[level]};
            sum += x0_error(d, w, m, -1 - i); /* the same noise at every look */
        }
        double psnr = -10 * log10(sum / chunks);
        jsonw_real(row, LEVEL_NAME[level], psnr);
        used += snprintf(text + used, size - (size_t)used, " %.2f", psnr);
    }
}

static int strip(struct dit_run *d, int64_t step, int t, struct err *e)
{
    const struct model_defaults *m = &d->c->model;
    const struct latents_head *h = &d->latents.head;
    int record[STRIP_FILMS], held = d->n_held, half = STRIP_FILMS / 2;
    for (int i = 0; i < STRIP_FILMS; i++) /* two that were learned from, two that were not */
        record[i] = i < half ? i * d->n_train / half : d->n_train + (i - half) * held / half;
    struct dit_sampling s = {.steps = STRIP_STEPS,
                             .n = STRIP_FILMS,
                             .guidance = m->guidance,
                             .shift = m->shift,
                             .seed = d->c->seed};
    size_t each = (size_t)t * (size_t)h->h * (size_t)h->w * (size_t)h->c;
    float *z = xmalloc(sizeof(float) * each * STRIP_FILMS);
    int rc = dit_sample(&d->cx, &d->m, &d->text, &d->latents, &d->prompts, record, t, &s, z, e);
    char *path = xasprintf("%s/strip-%06lld.png", d->run->dir, (long long)step);
    struct err picture = {0};
    if (!rc &&
        dit_strip(&d->cx, &d->codec, &d->latents, record, STRIP_FILMS, t, z, STRIP_COLUMNS, path,
                  &picture) &&
        !d->strip_failed) {
        d->strip_failed = 1; /* a build without PNG trains all the same, and has said so */
        run_log(d->run, "dit: no strip: %s", picture.msg);
    }
    free(path);
    free(z);
    return rc;
}

static void say_gaps(const struct dit_run *d, const struct gaps *g, double logits, int64_t step)
{
    for (int i = 0; i < GAP_LEVELS; i++) {
        const struct gap *at = &g->at[i];
        run_log(d->run,
                "dit %lld  inside objects at s=%.2f: right %.4f  exchanged %+.4f  one wrong %+.4f  "
                "empty %+.4f  (right beats exchanged in %.0f %% of %d)",
                (long long)step, gap_level[i], at->right, at->lie[LIE_EXCHANGED],
                at->lie[LIE_WRONG], at->empty, 100 * at->better, g->n[LIE_EXCHANGED]);
    }
    run_log(d->run, "dit %lld  attention logits of the text encoder: std %.3g%s", (long long)step,
            logits, logits > LOGITS_ALARM ? "  ALARM: attention has become a choice of one" : "");
}

/* Whether words keep their objects. */
static int look_at_words(struct dit_run *d, int64_t step, int t, struct jsonw *row, struct err *e)
{
    const struct dit_recipe *r = &d->c->dit;
    int record[GAP_WINDOWS], n = gaps_pick(record, GAP_WINDOWS, &d->lies, d->n_held);
    if (!n)
        return 0;
    struct gaps_call call = {.recipe = r,
                             .latents = &d->latents,
                             .lies = &d->lies,
                             .record = record,
                             .n = n,
                             .t = t,
                             .seed = d->c->seed};
    struct gaps g;
    int rc = gaps_measure(&g, &d->cx, &d->m, &d->text, &call, e);
    if (rc)
        return rc;
    double logits = gaps_logit_std(&d->cx, &d->words, &d->lies, d->n_held);
    gaps_write(&g, row);
    jsonw_real(row, "text_logit_std", logits);
    say_gaps(d, &g, logits, step);
    return r->gap_steps && step >= r->gap_steps ? gaps_judge(&g, r->gap_ratio, step, e) : 0;
}

static int evaluate(void *arg, int64_t step, struct jsonw *row, struct err *e)
{
    struct dit_run *d = arg;
    char text[128] = "";
    double start = clock_s();
    int t = phase_length(d, step);
    held_out_error(d, t, row, text, sizeof(text));
    if (d->cx.err.code)
        return err_set(e, d->cx.err.code, "dit: %s", d->cx.err.msg);
    int rc = strip(d, step, t, e);
    run_log(d->run, "dit %lld  held-out x0 PSNR at s=.95 .8 .6 .4 .2:%s dB  (%.1f s)",
            (long long)step, text, clock_s() - start);
    if (d->growth)
        growth_say(d->growth);
    return rc ? rc : look_at_words(d, step, t, row, e);
}

/* What a checkpoint depends on: not the phases, so that a run can be prolonged or changed on its
 * way. */
static void state_hash(const struct dit_run *d, char out[65])
{
    const struct train_config *c = d->c;
    const struct dit_recipe *r = &c->dit;
    const struct optim_config *o = &r->optim;
    struct buf net = BUF_INIT;
    wan_config_write(&r->net, &net);
    clause_text_config_write(&d->words.config, &net);
    if (*d->from_hash)
        buf_printf(&net, "from %s", d->from_hash);
    if (c->latent_growth > 0)
        buf_printf(&net, "growth %.17g", c->latent_growth);
    if (r->p_extend + r->p_ends > 0)
        buf_printf(&net, "given %.17g %.17g", r->p_extend, r->p_ends);
    stage_hash(out, "dit/1 %llu %d %d %s %s %g %g %g %g %g %d %g %g %g",
               (unsigned long long)c->seed, c->latent_clips, c->mirror, d->latents.head.vae,
               buf_str(&net), r->s_mean, r->s_std, r->s_uniform, r->p_image, r->p_no_text,
               o->use_muon, o->lr, o->muon_lr, o->ema);
    buf_release(&net);
}

static int open_data(struct dit_run *d, struct err *e)
{
    const struct train_config *c = d->c;
    struct latents_head head;
    int views = c->mirror ? 2 : 1;
    int rc = latents_head_of(&head, c, d->run->dir, e);
    if (!rc)
        rc = latents_open(&d->latents, &head, c->latent_clips * views, growth_final(c) * views,
                          d->run->dir, e);
    if (!rc)
        rc = *c->from ? prompts_tokenizer_of(&d->tokenizer, &c->clip.worlds, d->run->dir, e)
                      : prompts_tokenizer(&d->tokenizer, &c->clip.worlds, d->run->dir, e);
    if (rc)
        return rc;
    d->n_held = dit_held_out(c);
    d->n_train = d->latents.n - d->n_held;
    prompts_make(&d->prompts, d->tokenizer, &d->latents);
    prompts_lies(&d->lies, d->tokenizer, &d->latents, d->n_train, d->n_held);
    char *dir = path_join(d->run->dir, "vae");
    rc = bundle_load_tiny_vae(&d->vae, dir, d->run->device, c->type, 0, e);
    d->has_vae = !rc;
    if (!rc)
        d->codec = part_codec(&(struct part){&tiny_vae_part, &d->vae});
    free(dir);
    return rc;
}

static int begin_with_noise(struct dit_run *d, struct err *e)
{
    const struct train_config *c = d->c;
    struct clause_text_config text = c->dit.text;
    text.vocab = tokenizer_size(d->tokenizer);
    text.separator = tokenizer_id(d->tokenizer, PROMPTS_SEPARATOR);
    int rc = clause_text_init(&d->words, &text, e);
    if (!rc)
        rc = wan_init(&d->wan, &c->dit.net, e);
    if (!rc)
        rc = weight_set_allocate(&d->wan.weights, d->run->device, c->type, 1, e);
    if (!rc)
        rc = weight_set_allocate(&d->words.weights, d->run->device, c->type, 1, e);
    if (rc)
        return rc;
    weight_set_initialise(&d->wan.weights, c->seed, d->run->threads);
    weight_set_initialise(&d->words.weights, c->seed, d->run->threads);
    return 0;
}

/* The weights of a finished model, which is told from others by its hash. */
static int begin_with_model(struct dit_run *d, struct err *e)
{
    const struct train_config *c = d->c;
    char *dit = path_join(c->from, bundle_folder(PLACE_DENOISER)),
         *text = path_join(c->from, bundle_folder(PLACE_TEXT));
    int rc = bundle_hash(c->from, NULL, d->from_hash, e);

    if (!rc)
        rc = bundle_load_clause_text(&d->words, text, d->run->device, c->type, 1, e);
    if (!rc)
        rc = bundle_load_wan(&d->wan, dit, d->run->device, c->type, 1, e);
    if (!rc && d->words.config.vocab != tokenizer_size(d->tokenizer))
        rc = err_set(e, ERR_FORMAT, "%s: has %d words, the tokenizer beside it %d", text,
                     (int)d->words.config.vocab, tokenizer_size(d->tokenizer));
    free(dit);
    free(text);
    return rc;
}

static int open_networks(struct dit_run *d, struct err *e)
{
    const struct train_config *c = d->c;
    int rc = *c->from ? begin_with_model(d, e) : begin_with_noise(d, e);
    if (rc)
        return rc;
    d->m = part_denoiser(&(struct part){&wan_part, &d->wan});
    d->text = part_text(&(struct part){&clause_text_part, &d->words});
    struct optim_set sets[] = {{"transformer", d->m.weights}, {"text_encoder", d->text.weights}};
    if ((rc = optim_init(&d->optim, &c->dit.optim, sets, 2, e)))
        return rc;
    run_log(d->run, "dit: %lld + %lld weights, %d training records, %d words",
            (long long)weight_set_count(d->m.weights), (long long)weight_set_count(d->text.weights),
            d->n_train, tokenizer_size(d->tokenizer));
    return 0;
}

static int open_growth(struct dit_run *d, struct err *e)
{
    if (d->c->latent_growth <= 0)
        return 0;
    struct growth_config g = {.config = d->c,
                              .run = d->run,
                              .cx = &d->cx,
                              .vae = &d->vae,
                              .tokenizer = d->tokenizer,
                              .latents = &d->latents,
                              .prompts = &d->prompts};
    return growth_new(&d->growth, &g, e);
}

static int grow(void *arg, int64_t step, struct err *e)
{
    struct dit_run *d = arg;
    return growth_to(d->growth, step, e);
}

static int train(struct dit_run *d, struct err *e)
{
    const struct dit_recipe *r = &d->c->dit;
    char hash[65];
    state_hash(d, hash);
    struct run run = *d->run;
    run.config_hash = hash;
    struct loop l = {.stage = "dit",
                     .steps = dit_steps(r),
                     .warmup = r->warmup,
                     .decay = r->decay,
                     .report_every = 50,
                     .evaluate_every = r->evaluate_every,
                     .optim = &d->optim,
                     .kernels = d->cx.k,
                     .kcx = &d->cx.kcx,
                     .arg = d,
                     .gradients = gradients,
                     .evaluate = evaluate};
    struct dit_feed_config feed = {.recipe = r,
                                   .latents = &d->latents,
                                   .prompts = &d->prompts,
                                   .n_train = d->n_train,
                                   .n_held = d->n_held,
                                   .kt = d->codec.config.kt,
                                   .seed = d->c->seed,
                                   .steps = l.steps,
                                   .threads = run.threads,
                                   .ahead = !run.device->host,
                                   .prepare = d->growth ? grow : NULL,
                                   .arg = d};
    d->feed = dit_feed_new(&feed);
    int rc = loop_run(&l, &run, e);
    dit_feed_free(&d->feed);
    if (d->growth)
        growth_say(d->growth);
    return growth_free(&d->growth, rc, e);
}

static int save(struct dit_run *d, struct err *e)
{
    char *dit = path_join(d->run->dir, "transformer"),
         *text = path_join(d->run->dir, "text_encoder");
    optim_swap_ema(&d->optim);
    int rc = dir_make(dit, e);
    if (!rc)
        rc = dir_make(text, e);
    if (!rc)
        rc = bundle_save_clause_text(&d->words, text, DT_BF16, NULL, e);
    if (!rc)
        rc = bundle_save_wan(&d->wan, dit, DT_BF16, NULL, e);
    free(dit);
    free(text);
    return rc ? rc : recipe_dit_finish(d->c, d->run->dir, e);
}

int dit_stage(const struct train_config *c, const struct run *run, struct err *e)
{
    if (recipe_dit_done(c, run->dir))
        return 0;
    struct dit_run d = {.c = c, .run = run};
    cx_init(&d.cx, run->device, c->type, run->threads);
    int rc = open_data(&d, e);
    if (!rc)
        rc = open_networks(&d, e);
    if (!rc)
        rc = open_growth(&d, e);
    if (!rc)
        rc = train(&d, e);
    if (!rc)
        rc = save(&d, e);
    optim_release(&d.optim);
    wan_release(&d.wan);
    clause_text_release(&d.words);
    if (d.has_vae)
        tiny_vae_release(&d.vae);
    prompts_release(&d.prompts);
    prompts_release(&d.lies);
    tokenizer_free(&d.tokenizer);
    latents_close(&d.latents);
    cx_release(&d.cx);
    return rc;
}
