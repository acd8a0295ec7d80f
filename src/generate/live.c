#include "generate/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "generate/clean.h"
#include "generate/plan_inner.h"
#include "generate/reading.h"
#include "generate/screen_past.h"

enum { ENDLESS = 1 << 30 };
#define BUSY 0.8 /* part of the time that a window lasts in which it has to be drawn */

struct stage {
    const struct live *live;
    const struct sink *sink;
    struct plan plan; /* that of the first window, without an end; nothing in it is its own */
    struct drawing drawing;
    struct screen screen;
    float *whole;     /* owned: the window that was drawn last, while another is drawn */
    char *prompt;     /* owned: the words of now */
    char *unknown;    /* owned: those of them that mean nothing; NULL: not asked yet */
    int given, begin; /* latent frames of it that were given; drawn frame of the first one behind */
    int fresh;        /* 1: nothing was drawn yet */
    struct screen_past *past; /* owned [window + 1]: behind so many latent frames of it */
    int asked;                /* 1: the window that comes shows what was asked for */
    int hurry;                /* 1: there is no time for frames between drawn ones */
    double between;           /* what they take beside the rest of a window; 0: not known */
};

/* A window that is drawn is also shown: that takes little, and is what is seen meanwhile. */
static int interrupted(void *user, const char *stage, long done, long total, double left_s)
{
    const struct stage *s = user;

    (void)done, (void)total, (void)left_s;
    return s->whole && !strcmp(stage, "sampling") && atomic_load(s->live->now);
}

static int pass_frame(void *user, int index, const uint8_t *rgb, struct err *e)
{
    struct stage *s = user;

    return s->sink->frame(s->sink->user, index, rgb, e);
}

/* Other words: read as those of a film are, with what they leave open drawn from the same seed. */
static int say(struct stage *s, struct err *e)
{
    const struct plan *p = &s->plan;
    struct words words[DENOISER_TEXTS] = {{0}};
    struct buf typed = BUF_INIT, text = BUF_INIT, unknown = BUF_INIT;
    struct camera_words blend;
    int rc = 0;

    clean_prompt(s->prompt, !p->info.worlds, &typed);
    plan_note(&s->plan,
              reading_prompt(buf_str(&typed), p->info.worlds, p->seed, p->seen, &text, &unknown));
    if (unknown.len && (!s->unknown || strcmp(s->unknown, buf_str(&unknown)) != 0))
        plan_note(&s->plan, xasprintf("words that the model does not know: %s", buf_str(&unknown)));
    free(s->unknown);
    s->unknown = buf_take(&unknown);
    blend = plan_camera_say(&s->plan, &s->plan.camera, buf_str(&typed), &text);
    for (int k = 0; !rc && k < p->model->n_texts; k++) {
        struct tokenizer *t;

        rc = bundle_tokenizer(&t, p->model, k, e);
        if (rc)
            break;
        prompt_tokens_both(&words[k], t, buf_str(&text), p->negative,
                           prompt_tokens_most(&p->dit, k));
        plan_camera_tokens(&words[k], t, &blend, buf_str(&text));
        tokenizer_free(&t);
    }
    if (!rc)
        rc = velocity_say(&s->drawing.velocity, s->drawing.model->text, words, e);
    for (int k = 0; k < DENOISER_TEXTS; k++)
        words_release(&words[k]);
    buf_release(&typed);
    buf_release(&text);
    return rc;
}

/* Drawn frame that is the first one behind latent frame `end` of the window. */
static int frame_at(const struct stage *s, int end)
{
    const struct plan *p = &s->plan;

    return s->begin + (s->fresh ? codec_frames(&p->codec, end) : p->codec.kt * (end - s->given));
}

/* Latent frame of the window behind which so many drawn frames lie, of those that may be cut. */
static int cut_at(const struct stage *s, int keep)
{
    int end = s->fresh ? s->plan.context : s->given;

    while (end < s->plan.window && frame_at(s, end) < keep)
        end++;
    return end;
}

/* Drawn frames of which nothing is drawn anew when so many frames of the film stay. */
static int drawn_of(const struct plan *p, int keep)
{
    if (!p->interpolate || !keep)
        return keep ? plan_drawn_frame(p, keep) : 0;
    return (int)ceil(plan_moment(p, keep - 1) - 1e-6) + 1;
}

/* Frames between drawn ones are made while there is time: not of the latent frame that answers, nor
 * while something is asked for. */
static int show(struct stage *s, struct err *e)
{
    const struct plan *p = &s->plan;
    int rc = 0;

    if (!s->fresh)
        screen_keep(&s->screen, &s->past[s->given]);
    for (int t = s->given; !rc && t < p->window; t++) {
        struct plan_window w = {
            .fresh = s->fresh && !t, .given = t, .shown = t + 1, .n_frames = ENDLESS};

        s->screen.plain = s->hurry || (s->asked && t == s->given) || atomic_load(s->live->now);
        rc = screen_show(&s->screen, &s->drawing.shape, s->drawing.x, &w, e);
        if (!rc && t + 1 >= p->context)
            screen_keep(&s->screen, &s->past[t + 1]);
    }
    s->asked = 0;
    return rc;
}

/* A window took so long in all, and so long of it what is between drawn frames: is there time for
 * that in the next one? */
static void weigh(struct stage *s, double all_s, double between_s)
{
    const struct plan *p = &s->plan;
    double lasts = (p->window - s->given) * p->codec.kt / p->info.frame_rate;
    double rest = all_s - between_s;

    if (!s->screen.plain && rest > 0)
        s->between = between_s / rest;
    s->hurry = rest * (1 + s->between) > BUSY * lasts;
}

/* Was that an interruption alone? It is over then. */
static int let_go(struct stage *s, int rc)
{
    int stop = s->sink->stop && atomic_load(s->sink->stop);

    return rc == ERR_CANCEL && !stop && atomic_exchange(s->live->now, 0);
}

/* What is asked for, from drawn frame *keep on. */
static int take_turn(struct stage *s, int *keep, struct err *e)
{
    struct live_turn turn = {.keep = s->screen.next, .note = s->plan.note};
    int rc = 0, end;

    end = s->live->turn(s->live->user, &turn);
    free(s->plan.note); /* it was said */
    s->plan.note = NULL;
    atomic_store(s->live->now, 0); /* what was asked for meanwhile is in the turn */
    *keep = turn.keep < s->screen.next ? drawn_of(&s->plan, turn.keep) : ENDLESS;
    if (end)
        return end;
    s->asked |= turn.prompt || turn.camera;
    if (turn.prompt) {
        free(s->prompt);
        s->prompt = xstrdup(turn.prompt);
    }
    if (turn.camera)
        rc = camera_parse(&s->plan.camera, turn.camera, e);
    return rc ? rc : turn.prompt || turn.camera ? say(s, e) : 0;
}

/* Window i: drawn and shown, or let go. */
static int go_on(struct stage *s, int i, int keep, struct err *e)
{
    struct drawing *d = &s->drawing;
    size_t bytes = latent_count(&d->shape) * sizeof *s->whole;
    int end = s->screen.latents ? cut_at(s, keep) : 0, frame = end ? frame_at(s, end) : 0, rc;
    double start = clock_s(), between = s->screen.between_s;

    memcpy(s->whole, d->x, bytes);
    rc = drawing_go_on(d, i, end, e);
    if (rc) {
        memcpy(d->x, s->whole, bytes);
        return let_go(s, rc) ? 0 : rc;
    }
    if (end && end < s->plan.window)
        screen_back(&s->screen, &s->past[end]);
    s->fresh = !end;
    s->given = end ? s->plan.context : 0;
    s->begin = frame;
    rc = show(s, e);
    weigh(s, clock_s() - start, s->screen.between_s - between);
    return rc;
}

static int check(const struct plan *p, struct err *e)
{
    if (p->n_shots || p->n_keys || p->first.rgb || p->source.n || p->before.n || p->behind.n ||
        p->loop)
        return err_set(e, ERR_USAGE, "live: shots, pictures and films do not go with it");
    if (p->info.diffusers || p->window <= p->context || plan_windows(p) != 1)
        return err_set(e, ERR_USAGE,
                       "live: frames: one window of a model that was taught to go on is wanted, of "
                       "%d to %d frames",
                       codec_frames(&p->codec, p->context + 1), p->info.frames);
    return 0;
}

int live_run(const struct bundle *b, const struct plan *p, const struct sink *sink,
             const struct live *live, struct err *e)
{
    struct stage s = {.live = live, .sink = sink, .plan = *p, .fresh = 1};
    const struct sink own = {
        .user = &s, .frame = pass_frame, .progress = interrupted, .stop = sink->stop};
    struct threads *th;
    struct cx cx;
    int rc = check(p, e);

    if (rc)
        return rc;
    th = threads_new(p->threads);
    cx_init(&cx, p->device, p->type, th);
    s.plan.n_frames = s.plan.n_film = ENDLESS;
    s.plan.note = NULL; /* its own: of what it cannot say */
    atomic_store(live->now, 0);
    rc = drawing_init(&s.drawing, &cx, b, &s.plan, &own, e);
    if (!rc) {
        rc = screen_init(&s.screen, &cx, b, &s.plan, &own, &s.drawing.pace, e);
        s.whole = xmalloc(latent_count(&s.drawing.shape) * sizeof *s.whole);
        s.prompt = xstrdup(p->prompt);
        s.unknown = xstrdup(p->unknown);
        s.past = xcalloc((size_t)p->window + 1, sizeof *s.past);
        for (int i = 0, keep; !rc; i++) {
            rc = take_turn(&s, &keep, e);
            if (!rc)
                rc = go_on(&s, i, keep, e);
        }
        for (int i = 0; i <= p->window; i++)
            screen_past_release(&s.past[i]);
        free(s.past);
        free(s.prompt);
        free(s.unknown);
        free(s.whole);
        screen_release(&s.screen);
        drawing_release(&s.drawing);
    }
    free(s.plan.note);
    cx_release(&cx);
    threads_free(&th);
    return rc > 0 ? 0 : rc;
}
