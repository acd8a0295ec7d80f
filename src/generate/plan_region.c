/* plan_region.c - the part of a given film that is drawn anew (--mask), and a film that is widened
 * (--outpaint). */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "generate/plan_inner.h"

#define SAME_SHAPE 0.04 /* of sides: so much a film may be stretched */

static int has_mask(const struct request *r)
{
    return r->value[OPT_MASK].set || r->film[1];
}

int plan_wants_region(const struct request *r)
{
    return has_mask(r) || r->value[OPT_OUTPAINT].set;
}

/* What decides other frames than the film, or another shape. */
static int check_use(const struct request *r, struct err *e)
{
    static const enum option_id apart[] = {OPT_CONTROL, OPT_ASPECT, OPT_FIRST_FRAME, OPT_LAST_FRAME,
                                           OPT_KEY_FRAME};
    const char *part = has_mask(r) ? "mask" : "outpaint";
    int given[N_OPTIONS] = {[OPT_CONTROL] = r->film[0] != NULL,
                            [OPT_FIRST_FRAME] = r->picture[0] != NULL,
                            [OPT_LAST_FRAME] = r->picture[1] != NULL};

    if (has_mask(r) && r->value[OPT_OUTPAINT].set)
        return err_set(e, ERR_USAGE, "outpaint: not together with mask; widen the film first");
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (r->value[apart[i]].set || given[apart[i]])
            return err_set(e, ERR_USAGE, "%s: not together with from and %s",
                           options[apart[i]].name, part);
    return 0;
}

/* In the px of the source. */
static void fit_mask(struct plan *p)
{
    struct region *g = &p->region, fit = {.n = g->n, .w = p->source.w, .h = p->source.h};
    size_t px = (size_t)fit.w * (size_t)fit.h;

    if (g->w == fit.w && g->h == fit.h)
        return;
    plan_note(p, xasprintf("the mask of %dx%d is scaled to the %dx%d of the film", g->w, g->h,
                           fit.w, fit.h));
    fit.drawn = xmalloc((size_t)fit.n * px);
    for (int i = 0; i < fit.n; i++)
        region_scale(g, i, fit.w, fit.h, fit.drawn + px * (size_t)i);
    region_release(g);
    *g = fit;
}

static void note_mask(struct plan *p)
{
    const struct region *g = &p->region;

    if (g->n > 1 && g->n < p->source.n)
        plan_note(p, xasprintf("the mask has %d frames, the film %d: its last one stays", g->n,
                               p->source.n));
    else if (g->n > p->source.n)
        plan_note(
            p, xasprintf("of the %d frames of the mask the first %d are used", g->n, p->source.n));
    if (region_is_all(g))
        plan_note(p, xstrdup("the mask is white all over: nothing of the film is kept"));
}

static int take_mask(struct plan *p, const struct request *r, struct err *e)
{
    struct film f = {0};
    int rc = 0;

    if (!r->film[1])
        rc = film_read(&f, request_text(r, OPT_MASK), NULL, e);
    if (!rc)
        rc = region_read(&p->region, r->film[1] ? r->film[1] : &f, e);
    film_release(&f);
    if (rc)
        return rc;
    note_mask(p);
    fit_mask(p);
    return 0;
}

int plan_region_settle(struct plan *p, const struct request *r, struct err *e)
{
    struct outpaint around;
    int rc;

    if (!plan_wants_region(r) || (!p->source.n && p->dit.n_controls && has_mask(r)))
        return 0;
    if (!p->source.n)
        return err_set(e, ERR_USAGE, "%s: of which film? give it with from",
                       has_mask(r) ? "mask" : "outpaint");
    rc = check_use(r, e);
    if (rc || has_mask(r))
        return rc ? rc : take_mask(p, r, e);
    ZT_ASSERT(!outpaint_parse(request_text(r, OPT_OUTPAINT), &around));
    rc = outpaint_apply(&around, &p->source, &p->region, e);
    p->region.around = !r->older[OLDER_BORDER];
    return rc;
}

int plan_region_check(const struct plan *p, struct err *e)
{
    const struct film *f = &p->source;

    if (!p->region.n)
        return 0;
    if (fabs(log((double)p->film_w * f->h / ((double)p->film_h * f->w))) > SAME_SHAPE)
        return err_set(e, ERR_USAGE,
                       "size: %dx%d has another shape than the %dx%d of the film, which would be "
                       "distorted",
                       p->film_w, p->film_h, f->w, f->h);
    return p->dit.n_controls && p->strength < 1
               ? err_set(e, ERR_USAGE, "strength: \"%s\" draws what is masked whole", p->info.name)
               : 0;
}
