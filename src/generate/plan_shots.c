/* plan_shots.c - a list of shots: what each shows, how long, and whether it goes on from the one
 * before. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/json.h"
#include "generate/clean.h"
#include "generate/plan_inner.h"
#include "generate/reading.h"

enum { MOST_SHOTS = 1000 };
#define MOST_SECONDS 100000.0

/* A shot as it stands in the list. `typed` is what is read: the words of all shots, its own, and
 * those of the camera that are no move of the table. */
static void read_shot(struct plan_shot *s, struct jval v, const char *common,
                      const struct camera *film)
{
    struct err e;
    static const char *const fields[] = {"prompt", "seconds", "camera", "join", "seed", NULL};
    static const char *const joins[] = {"flow", "cut"};
    const char *prompt, *camera;

    j_known(v, fields, 5);
    prompt = j_string(v, "prompt");
    camera = j_string_or(v, "camera", "");
    s->seconds = j_real(v, "seconds", 0.01, MOST_SECONDS);
    s->cut = j_choice_or(v, "join", joins, 2, 0);
    s->own_seed = j_has(v, "seed");
    s->seed = (uint64_t)j_int_or(v, "seed", 0, INT64_C(1) << 53, 0);
    if (!*prompt)
        j_fail(v, "prompt", "says nothing");
    s->camera = *film;
    if (camera_knows(camera)) {
        if (camera_parse(&s->camera, camera, &e))
            j_fail(v, "camera", "%s", e.msg);
        camera = "";
    }
    s->typed =
        xasprintf("%s%s%s%s%s", common, *common ? ", " : "", prompt, *camera ? ", " : "", camera);
}

static int read_list(struct plan *p, struct jdoc *doc, const char *common, struct err *e)
{
    struct jval root = jdoc_root(doc);
    int n = j_len(root), rc;

    if (j_type(root) != J_ARRAY || n < 1 || n > MOST_SHOTS)
        return err_set(e, ERR_USAGE,
                       "shots: a list of 1 to %d shots like [{\"prompt\": \"...\", \"seconds\": "
                       "5}] is wanted",
                       MOST_SHOTS);
    p->shot = xcalloc((size_t)n, sizeof *p->shot);
    for (p->n_shots = 0; p->n_shots < n; p->n_shots++) {
        struct jval v = j_at(root, p->n_shots);

        if (j_type(v) != J_OBJECT)
            return err_set(e, ERR_USAGE,
                           "shots: shot %d is no object like {\"prompt\": \"...\", \"seconds\": 5}",
                           p->n_shots + 1);
        read_shot(&p->shot[p->n_shots], v, common, &p->camera);
        rc = jdoc_status(doc, e);
        if (rc) {
            p->n_shots++; /* it may own a text */
            err_prefix(e, "shot %d", p->n_shots);
            return e->code = ERR_USAGE;
        }
    }
    p->shot[0].cut = 1;
    return 0;
}

/* Frames of a shot that goes on begin with a latent frame, so its first ones may be up to a latent
 * frame later than asked for; a take is as long as its shots are together. */
static void lay_shots(struct plan *p)
{
    int latent = 0, frame = 0, take = 0, from = 0, context = p->context, longest = 1;
    double asked = 0;

    for (int i = 0; i < p->n_shots; i++) {
        struct plan_shot *s = &p->shot[i];

        if (s->cut) {
            take = i;
            from = frame;
            s->take = latent;
            asked = 0;
        }
        asked += s->seconds * p->info.frame_rate;
        frame = from + (int)fmax(1 + i - take, floor(asked + 0.5));
        s->first = latent;
        s->take = p->shot[take].take;
        s->frame = from;
        latent = s->take + codec_latents(&p->codec, frame - from);
        if (latent == s->first) { /* shorter than a latent frame */
            latent++;
            frame = from + codec_frames(&p->codec, latent - s->take);
        }
        s->t = latent - s->first;
        for (int k = take; k <= i; k++)
            p->shot[k].n_frames = frame - from;
        if (s->t + (s->cut ? 0 : context) > longest)
            longest = s->t + (s->cut ? 0 : context);
    }
    p->t = latent;
    p->n_frames = frame;
    if (longest < p->window || p->info.diffusers)
        p->window = longest;
}

int plan_shots_settle(struct plan *p, const struct request *r, struct err *e)
{
    const char *text = request_text(r, OPT_SHOTS);
    struct jdoc *doc;
    double frames = 0;
    int rc;

    if (!*text)
        return 0;
    if (r->value[OPT_SECONDS].set || r->value[OPT_FRAMES].set)
        return err_set(e, ERR_USAGE, "%s: the list of shots says how long each one is",
                       r->value[OPT_SECONDS].set ? "seconds" : "frames");
    if (p->dit.in_channels > p->dit.out_channels || p->dit.n_controls)
        return err_set(e, ERR_USAGE,
                       "shots: \"%s\" reads pictures of one whole film; draw shots "
                       "one by one",
                       p->info.name);
    rc = jdoc_parse(&doc, text, strlen(text), "shots", e);
    if (rc)
        return e->code = ERR_USAGE;
    rc = read_list(p, doc, request_text(r, OPT_PROMPT), e);
    jdoc_close(&doc);
    for (int i = 0; !rc && i < p->n_shots; i++) {
        frames += p->shot[i].seconds * fmax(p->info.frame_rate, request_real(r, OPT_FPS, 1)) + 8;
        if (frames > 1 << 24)
            rc = err_set(e, ERR_USAGE, "shots: shot %d ends behind frame %d", i + 1, 1 << 24);
        if (!rc && i && !p->shot[i].cut && p->info.diffusers)
            rc = err_set(e, ERR_USAGE,
                         "shots: shot %d: \"join\" is flow; \"%s\" was not taught to "
                         "go on, \"cut\" is what it can",
                         i + 1, p->info.name);
    }
    return rc;
}

void plan_shots_lay(struct plan *p)
{
    if (!p->n_shots)
        return;
    p->window = codec_latents(&p->codec, p->info.frames);
    lay_shots(p);
    p->n_film = (int)fmax(1, floor(p->n_frames * p->fps / p->info.frame_rate + 0.5));
}

/* What the reader draws where nothing is said is drawn from the seed of the film, so that shots
 * show the same place and people; a shot with a seed of its own is one as a film of its own. */
void plan_shots_read(struct plan *p, struct buf *all, struct buf *unknown)
{
    for (int i = 0; i < p->n_shots; i++) {
        struct plan_shot *s = &p->shot[i];
        struct buf typed = BUF_INIT, text = BUF_INIT;

        clean_prompt(s->typed, !p->info.worlds, &typed);
        char *gap = reading_prompt(buf_str(&typed), p->info.worlds, s->own_seed ? s->seed : p->seed,
                                   i && s->own_seed ? NULL : p->seen, &text, unknown);
        if (gap)
            plan_note(p, xasprintf("shot %d: %s", i + 1, gap));
        free(gap);
        s->blend = plan_camera_say(p, &s->camera, buf_str(&typed), &text);
        free(s->prompt);
        s->prompt = xstrdup(buf_str(&text));
        buf_printf(all, "%s%s", i ? " / " : "", s->prompt);
        buf_release(&typed);
        buf_release(&text);
    }
}

int plan_shots_tokens(struct plan *p, const struct tokenizer *t, int k)
{
    int longest = 0;

    for (int i = 0; i < p->n_shots; i++) {
        struct words *w = &p->shot[i].words[k];

        prompt_tokens_both(w, t, p->shot[i].prompt, p->negative, prompt_tokens_most(&p->dit, k));
        plan_camera_tokens(w, t, &p->shot[i].blend, p->shot[i].prompt);
        if (w->start[1] > p->shot[longest].words[k].start[1])
            longest = i;
    }
    return longest;
}

void plan_shots_release(struct plan *p)
{
    for (int i = 0; i < p->n_shots; i++) {
        free(p->shot[i].typed);
        free(p->shot[i].prompt);
        for (int k = 0; k < DENOISER_TEXTS; k++)
            words_release(&p->shot[i].words[k]);
    }
    free(p->shot);
}
