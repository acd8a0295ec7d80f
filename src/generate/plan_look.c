/* plan_look.c - what the pictures of a film say of what its prompt leaves open.
 *
 * Of all that can be there (world.h, `open`) the values are tried one thing after the other, each
 * beside what was seen so far, and the one by which the model explains the picture best stays. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/clean.h"
#include "generate/explain.h"
#include "generate/pipeline.h"
#include "generate/plan_inner.h"
#include "generate/reading.h"
#include "world/world.h"

enum {
    MOST_VALUES = 24,
    MOST_TEXTS = 96,
    SCENES = 16,     /* of each world */
    ALL_VALUES = 100 /* of all that a picture may show, about */
};
/* So much better must another value be than the usual one, which goes without saying. */
#define UNUSUAL 0.016
/* Of renders of the first world another explains 0.89 of the error or more, of its own at most
 * 0.76. */
#define CLEARLY 0.82

/* Other words than those of the film that is gone on from: what they leave open is as it is there,
 * which is known without looking, also where that film's own words said it. */
static void seen_in_film(struct plan *p)
{
    struct buf typed = BUF_INIT, seen = BUF_INIT;

    clean_prompt(p->typed, !p->info.worlds, &typed);
    reading_shown(buf_str(&typed), p->info.worlds, p->reading_seed, p->seen, &seen);
    free(p->seen);
    p->seen = buf_take(&seen);
    buf_release(&typed);
}

void plan_look_known(struct plan *p, const struct request *r)
{
    int again = *r->first_frame_hash || *r->last_frame_hash || *r->keys_hash || r->looked;
    const char *own = request_text(r, OPT_PROMPT);

    if (again) {
        free(p->seen);
        p->seen = xstrdup(r->picture_words);
    } else if (p->seen && p->typed && plan_words_any(p, r) && *own && strcmp(own, p->typed) != 0) {
        seen_in_film(p);
    }
}

static void typed_of(const struct plan *p, const struct request *r, struct buf *out)
{
    clean_prompt(p->n_shots ? p->shot[0].typed : plan_typed(p, r), !p->info.worlds, out);
}

static int has_picture(const struct plan *p)
{
    int kept = plan_source_is_mixed(p) && (p->strength < 1 || p->region.n);

    return p->first.rgb || p->n_keys || p->before.n || p->behind.n || kept;
}

int plan_is_shown(const struct plan *p, const struct request *r)
{
    static const enum option_id options[] = {OPT_FIRST_FRAME, OPT_LAST_FRAME, OPT_KEY_FRAME};
    int given = p->seen || r->picture[0] || r->picture[1] || has_picture(p);

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        given |= r->value[options[i]].set;
    return given;
}

/* Of the pictures that are given the one to look at, [h][w][3], to rgb: of films the last one that
 * is used. */
static void shown(const struct plan *p, uint8_t *rgb)
{
    size_t frame = (size_t)p->h * (size_t)p->w * 3;

    if (p->first.rgb)
        memcpy(rgb, p->first.rgb, frame);
    else if (p->n_keys)
        memcpy(rgb, p->key[0].rgb + frame * (size_t)(p->key[0].n - 1), frame);
    else if (p->before.n || p->behind.n)
        plan_next_frame(p, rgb);
    else
        plan_source_frame(p, (int)fmin(plan_source_frames(p), p->n_frames) - 1, rgb);
}

int plan_may_look(const struct plan *p)
{
    return !p->seen && p->info.worlds && !p->info.diffusers && !p->text_kept &&
           p->model->n_texts == 1 && has_picture(p);
}

int plan_look_texts(const struct plan *p, const struct request *r)
{
    struct buf typed = BUF_INIT, world = BUF_INIT;
    int n = 0;

    if (!plan_may_look(p))
        return 0;
    typed_of(p, r, &typed);
    while (reading_open_world(buf_str(&typed), p->info.worlds, n, &world))
        n++;
    buf_release(&typed);
    buf_release(&world);
    return n * SCENES + ALL_VALUES;
}

int plan_wants_look(const struct plan *p, const struct request *r)
{
    struct buf typed = BUF_INIT, values = BUF_INIT;
    int open = OPEN_END;

    if (!plan_may_look(p))
        return 0;
    typed_of(p, r, &typed);
    int world = reading_open_world(buf_str(&typed), p->info.worlds, 0, &values);
    for (int i = 0; !values.len; i++)
        if ((open = reading_open(buf_str(&typed), p->info.worlds, i, &values)) == OPEN_END)
            break;
    buf_release(&typed);
    buf_release(&values);
    return world || open != OPEN_END;
}

struct look {
    const struct plan *p;
    const struct bundle *b;
    struct cx cx;
    struct tokenizer *words;
    struct explain_frame frame;
    const char *typed;
    uint64_t seed;
    struct buf seen;
};

/* Words for `seen`, with " " between. The caller frees. */
static char *with(const char *seen, const char *more, size_t n)
{
    return xasprintf("%s%s%.*s", seen, *seen && n ? " " : "", (int)n, more);
}

/* The model's text of that; NULL: it cannot be. The caller frees. */
static char *text_of(const struct look *l, const char *seen)
{
    struct buf text = BUF_INIT;

    if (reading_seen(l->typed, l->p->info.worlds, l->seed, seen, &text))
        return buf_take(&text);
    buf_release(&text);
    return NULL;
}

/* Texts that are tried, and which value each is of. */
struct tries {
    int n_values, n;
    char *seen[MOST_VALUES]; /* owned: with that value */
    char *text[MOST_TEXTS];  /* owned */
    int value[MOST_TEXTS];
};

/* A value as the prompt says it is seen, or in all ways there are. 0: it cannot be. */
static int try_value(struct tries *t, const struct look *l, const char *seen, enum world_open open)
{
    struct buf way = BUF_INIT;
    int from = t->n, more = 1;

    for (int i = 0; more && t->n < MOST_TEXTS; i++) {
        buf_clear(&way);
        more = open == OPEN_ANYWHERE &&
               reading_way(l->typed, l->p->info.worlds, i, &way); /* the last one is as said */
        char *placed = with(seen, buf_str(&way), way.len), *text = text_of(l, placed);

        if (text) {
            t->value[t->n] = t->n_values;
            t->text[t->n++] = text;
        }
        free(placed);
    }
    buf_release(&way);
    return t->n > from;
}

static void try_all(struct tries *t, const struct look *l, enum world_open open, const char *values)
{
    *t = (struct tries){0};
    for (size_t len; *values && t->n_values < MOST_VALUES; values += len + (values[len] == ' ')) {
        len = strcspn(values, " ");
        char *seen = with(buf_str(&l->seen), values, len);

        if (try_value(t, l, seen, open))
            t->seen[t->n_values++] = seen;
        else
            free(seen);
    }
}

static void release_tries(struct tries *t)
{
    for (int i = 0; i < t->n_values; i++)
        free(t->seen[i]);
    for (int i = 0; i < t->n; i++)
        free(t->text[i]);
}

/* One thing: the best of its values is seen. */
static int look_at(struct look *l, enum world_open open, const char *values, struct err *e)
{
    char *usual = open == OPEN_USUAL ? text_of(l, buf_str(&l->seen)) : NULL;
    double error[MOST_TEXTS], least = INFINITY;
    struct tries t;
    int best = 0, rc = 0;

    try_all(&t, l, open, values);
    if (t.n_values > 1)
        rc = explain(error, &l->cx, l->b, l->words, &l->frame, (const char *const *)t.text, t.n, e);
    for (int i = 0; !rc && t.n_values > 1 && i < t.n; i++) {
        double better = usual && !strcmp(t.text[i], usual) ? UNUSUAL : 0;

        if (error[i] - better < least) {
            best = t.value[i];
            least = error[i] - better;
        }
    }
    if (!rc && t.n_values > 0) {
        buf_clear(&l->seen);
        buf_puts(&l->seen, t.seen[best]);
    }
    release_tries(&t);
    free(usual);
    return rc;
}

static int look_at_all(struct look *l, const struct sink *s, struct err *e)
{
    unsigned worlds = reading_worlds(l->typed, l->p->info.worlds, buf_str(&l->seen));
    struct buf values = BUF_INIT;
    int rc = 0, open;

    for (int i = 0; !rc; i++) {
        buf_clear(&values);
        open = reading_open(l->typed, worlds, i, &values);
        if (open == OPEN_END)
            break;
        rc = sink_progress(s, "looking at the picture", i, i + 1, -1, e);
        if (!rc && values.len)
            rc = look_at(l, open, buf_str(&values), e);
    }
    buf_release(&values);
    return rc;
}

/* The least error of the picture among scenes of a world as it draws them. */
static int look_as(struct look *l, const char *seen, double *least, struct err *e)
{
    char *text[SCENES];
    double error[SCENES];
    int n = 0, rc = 0;

    for (int i = 0; i < SCENES; i++) {
        struct buf b = BUF_INIT;

        if (reading_seen(l->typed, l->p->info.worlds, (uint64_t)i, seen, &b))
            text[n++] = buf_take(&b);
        buf_release(&b);
    }
    *least = INFINITY;
    if (n)
        rc = explain(error, &l->cx, l->b, l->words, &l->frame, (const char *const *)text, n, e);
    for (int i = 0; i < n; i++) {
        if (!rc && error[i] < *least)
            *least = error[i];
        free(text[i]);
    }
    return rc;
}

/* Where the prompt names nothing of any world the picture is of the first, as it was read before
 * pictures were looked at, unless another explains it clearly better. */
static int look_which_world(struct look *l, struct err *e)
{
    struct buf seen = BUF_INIT;
    double least = INFINITY, error;
    int rc = 0;

    for (int i = 0; !rc && reading_open_world(l->typed, l->p->info.worlds, i, &seen); i++) {
        rc = look_as(l, buf_str(&seen), &error, e);
        if (!rc && (!i || error < CLEARLY * least)) {
            least = error;
            buf_clear(&l->seen);
            buf_puts(&l->seen, buf_str(&seen));
        }
        buf_clear(&seen);
    }
    buf_release(&seen);
    return rc;
}

/* Words once more; of them all was said that there is to say. */
static int say_again(struct plan *p, const struct request *r, struct err *e)
{
    char **text[] = {&p->prompt, &p->negative, &p->unknown, &p->expanded}, *note = p->note;
    int rc;

    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        free(*text[i]);
        *text[i] = NULL;
    }
    for (int k = 0; k < DENOISER_TEXTS; k++) {
        words_release(&p->words[k]);
        for (int i = 0; i < p->n_shots; i++)
            words_release(&p->shot[i].words[k]);
    }
    p->note = NULL;
    plan_words_settle(p, r);
    rc = plan_words_tokens(p, e);
    free(p->note);
    p->note = note;
    return rc;
}

int plan_look(struct plan *p, const struct bundle *b, const struct request *r, const struct sink *s,
              struct err *e)
{
    struct threads *th = threads_new(p->threads);
    struct buf typed = BUF_INIT;
    float *z = xmalloc((size_t)p->lh * (size_t)p->lw * (size_t)p->c * sizeof *z);
    uint8_t *rgb = xmalloc((size_t)p->h * (size_t)p->w * 3);
    struct look l = {.p = p, .b = b, .frame = {z, p->lh, p->lw}};
    int rc;

    shown(p, rgb);
    typed_of(p, r, &typed);
    l.typed = buf_str(&typed);
    l.seed = p->own_reading ? p->reading_seed : p->seed;
    cx_init(&l.cx, p->device, p->type, th);
    rc = bundle_tokenizer(&l.words, b, 0, e);
    if (!rc)
        rc = conditions_picture(z, &l.cx, b, p, rgb, e);
    if (!rc)
        rc = look_which_world(&l, e);
    if (!rc)
        rc = look_at_all(&l, s, e);
    if (!rc) {
        p->seen = xstrdup(buf_str(&l.seen));
        p->looked = 1;
        rc = say_again(p, r, e);
    }
    tokenizer_free(&l.words);
    cx_release(&l.cx);
    threads_free(&th);
    buf_release(&l.seen);
    buf_release(&typed);
    free(rgb);
    free(z);
    return rc;
}
