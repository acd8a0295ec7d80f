/* plan_camera.c - what of a camera the words of a model can say, and how much of it.
 *
 * Our worlds were taught one amount of each move. Other amounts, and several at once, are said by
 * rows between (or beyond) those of "static" and of the words. */
#include <math.h>
#include <stdlib.h>

#include "generate/plan_inner.h"
#include "generate/reading.h"

#define MOST_TAUGHT 6.0 /* of 10 */

static int taught(const char *typed, unsigned worlds, const char *word)
{
    return word && reading_knows(typed, worlds, word);
}

/* Words that the world has; names of those that it has not go to `missing`. */
static struct camera_words known_words(const struct camera *c, const char *typed, unsigned worlds,
                                       struct buf *missing)
{
    struct camera_words all = camera_words_of(c), out = {0};

    for (int i = 0; i < all.n; i++) {
        if (taught(typed, worlds, all.word[i])) {
            out.word[out.n] = all.word[i];
            out.weight[out.n++] = all.weight[i];
        } else {
            buf_printf(missing, "%s%s", missing->len ? ", " : "", all.word[i]);
        }
    }
    if (!all.n && !taught(typed, worlds, c->word))
        buf_puts(missing, c->word);
    return out;
}

/* What films of the shipped model were measured to do (doc/MEASURES.md). */
static void note_limits(struct plan *p, const struct camera *c, const struct buf *missing)
{
    struct camera_rate r = camera_rate_of(c);
    double most =
        fmax(fmax(fabs(r.pan), fabs(r.tilt)) / CAMERA_SHIFT, fabs(r.zoom) / CAMERA_GROWTH);

    if (missing->len)
        plan_note(p,
                  xasprintf("camera: films of this scene follow no %s; the model was not taught it",
                            buf_str(missing)));
    else if (r.roll != 0)
        plan_note(p,
                  xstrdup("camera: the model rolls the right way in four films of five, about half "
                          "as far as asked"));
    if (p->loop && (most > 0 || r.roll != 0))
        plan_note(p,
                  xstrdup("loop: a camera that moves does not come back, so the film jumps where "
                          "it begins again"));
    if (c->aside)
        plan_note(p,
                  xasprintf("camera: the model knows %s alone; beside other moves it is left out",
                            c->aside));
    if (most * CAMERA_SPAN_S > MOST_TAUGHT + 1e-6) /* of a sum of products */
        plan_note(p, xstrdup("camera: the model goes no faster than about 6"));
}

/* A camera goes by parts of what is seen, the words of our worlds by parts of all that is drawn. */
static struct camera of_drawn(const struct plan *p, const struct camera *c)
{
    double across = (double)p->seen_w / p->w, up = (double)p->seen_h / p->h;
    struct camera d = *c;

    if (p->camera_of_drawn)
        return d;
    d.axis[AXIS_HORIZONTAL] *= across;
    d.axis[AXIS_PAN] *= across;
    d.axis[AXIS_VERTICAL] *= up;
    d.axis[AXIS_TILT] *= up;
    return d;
}

struct camera_words plan_camera_say(struct plan *p, const struct camera *asked, const char *typed,
                                    struct buf *text)
{
    struct camera drawn = of_drawn(p, asked), *c = &drawn;
    struct camera_words w = {0};
    struct buf missing = BUF_INIT;
    unsigned worlds = reading_worlds(typed, p->info.worlds, p->seen);

    if (!camera_asked(c))
        return w;
    if (!reading_meant(typed, worlds)) {
        buf_printf(text, "%s%s", text->len ? ", " : "", c->phrase);
        plan_note(p, xstrdup("camera: this model is told in words and by its noise alone; what it "
                             "does is seen with `zoetrope measure --camera`"));
        return w;
    }
    w = known_words(c, typed, worlds, &missing);
    int plain = w.n < 2 && !missing.len && (!w.n || w.weight[0] == 1);
    if (!reading_camera(text, plain ? c->word : "static") || plain)
        w.n = 0;
    note_limits(p, c, &missing);
    buf_release(&missing);
    return w;
}

/* The text with another camera has as many tokens, all but one the same, or it is no word. */
static void add_swap(struct words *w, const struct tokenizer *t, const char *text, const char *word,
                     double weight)
{
    struct buf other = BUF_INIT;
    int64_t at = -1, n_other = 0;
    int32_t *ids;
    int n;

    buf_puts(&other, text);
    ZT_ASSERT(reading_camera(&other, word));
    tokenizer_encode(t, buf_str(&other), other.len, &ids, &n);
    for (int64_t i = 0; n == w->start[1] && i < n; i++)
        if (ids[i] != w->ids[i]) {
            at = i;
            n_other++;
        }
    if (n_other == 1)
        w->swap[w->n_swaps++] = (struct word_swap){at, ids[at], weight};
    free(ids);
    buf_release(&other);
}

void plan_camera_tokens(struct words *w, const struct tokenizer *t,
                        const struct camera_words *blend, const char *text)
{
    for (int i = 0; i < blend->n; i++)
        add_swap(w, t, text, blend->word[i], blend->weight[i]);
}
