/* plan_picture.c - the pictures that a film begins or ends with. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "generate/plan_inner.h"
#include "media/resize.h"

#define NOTICED_PERCENT 5.0

/* What the model does with pictures. */
static int takes_first(const struct plan *p)
{
    return p->info.own_times || p->dit.in_channels > p->dit.out_channels || p->dit.n_controls;
}

static int takes_last(const struct plan *p)
{
    return p->dit.n_controls || (p->info.own_times && !p->info.diffusers) ||
           (p->dit.in_channels > p->dit.out_channels && (!p->dit.image_dim || p->dit.image_rows));
}

static int wants_first(const struct plan *p)
{
    return p->dit.in_channels > p->dit.out_channels || p->dit.image_dim;
}

static int check_use(const struct plan *p, int first, int last, struct err *e)
{
    const char *model = *p->info.family ? p->info.family : p->info.name;

    if (first && !takes_first(p))
        return err_set(e, ERR_USAGE,
                       "first-frame: \"%s\" draws from words alone and takes no picture", model);
    if (!first && wants_first(p))
        return err_set(e, ERR_USAGE, "first-frame: \"%s\" goes on from a picture, give one", model);
    if (last && !takes_last(p))
        return err_set(e, ERR_USAGE, "last-frame: \"%s\" takes none", model);
    if (!last && p->dit.image_rows)
        return err_set(e, ERR_USAGE,
                       "last-frame: \"%s\" draws what lies between two pictures, give the "
                       "last one too",
                       model);
    return 0;
}

static int load(struct picture *x, const struct request *r, int which, struct err *e)
{
    static const enum option_id option[3] = {OPT_FIRST_FRAME, OPT_LAST_FRAME, OPT_REFERENCE};
    const char *hash = which == 0 ? r->first_frame_hash : which == 1 ? r->last_frame_hash : "";
    const struct picture *given = r->picture[which];

    if (given) {
        picture_init(x, given->w, given->h);
        memcpy(x->rgb, given->rgb, (size_t)x->w * (size_t)x->h * 3);
        return 0;
    }
    if (r->value[option[which]].set)
        return picture_load(x, request_text(r, option[which]), e);
    if (*hash)
        return err_set(e, ERR_USAGE,
                       "%s: this recipe %s with a picture that is not part of it; give it again",
                       options[option[which]].name, which ? "ended" : "began");
    return 0;
}

int plan_pictures_load(struct pictures *x, const struct plan *p, const struct request *r,
                       struct err *e)
{
    int rc;

    *x = (struct pictures){0};
    rc = load(&x->first, r, 0, e);
    if (!rc)
        rc = load(&x->last, r, 1, e);
    if (!rc)
        rc = load(&x->reference, r, 2, e);
    return rc ? rc : check_use(p, x->first.rgb != NULL, x->last.rgb != NULL, e);
}

void plan_pictures_release(struct pictures *x)
{
    picture_release(&x->first);
    picture_release(&x->last);
    picture_release(&x->reference);
}

/* Percent of a picture that is cut where it covers the film. */
static double lost_of(const struct plan *p, const struct picture *x)
{
    double wider = (double)x->w / x->h * p->seen_h / p->seen_w;

    return 100 * (1 - fmin(wider, 1 / wider));
}

/* A picture of another shape decides that of the film, or is cut; either is said. */
static void note_shape(struct plan *p, const struct picture *x, const char *name)
{
    int wider = (int64_t)x->w * p->seen_h > (int64_t)x->h * p->seen_w;
    double lost = lost_of(p, x);

    if (p->w * p->info.height != p->h * p->info.width && !p->info.diffusers)
        plan_note(p,
                  xasprintf("the film is %dx%d, for the %s of %dx%d; the model has seen %dx%d",
                            p->film_w, p->film_h, name, x->w, x->h, p->info.width, p->info.height));
    if (lost >= NOTICED_PERCENT)
        plan_note(p, xasprintf("%.0f %% of the %s of %dx%d is cut off at its %s", lost, name, x->w,
                               x->h, wider ? "sides" : "top and bottom"));
}

/* Place i of what is drawn, where n from `from` on are seen, is the nearest of those. */
static size_t nearest(int i, int from, int n)
{
    return (size_t)(i < from ? 0 : i < from + n ? i - from : n - 1);
}

/* What lies outside of the film is as the picture's edge: a ground and a sky go on. */
void plan_cover(const struct plan *p, uint8_t *to, const uint8_t *rgb, int pw, int ph, int whole)
{
    int w = p->seen_w, h = p->seen_h, left = (p->w - w) / 2, top = (p->h - h) / 2;
    uint8_t *seen = xmalloc((size_t)w * (size_t)h * 3);

    if (whole)
        resize_rgb(seen, w, h, rgb, pw, ph, RESIZE_AREA, NULL);
    else
        resize_cover(seen, w, h, rgb, pw, ph, RESIZE_AREA, NULL);
    for (int i = 0; i < p->h; i++)
        for (int k = 0; k < p->w; k++, to += 3)
            memcpy(to, seen + 3 * (nearest(i, top, h) * (size_t)w + nearest(k, left, w)), 3);
    free(seen);
}

/* The networks of others saw what Pillow made, stretched to whole tokens: what is of nearly that
 * shape goes the same way. */
uint8_t *plan_fit_picture(const struct plan *p, const struct picture *x, int stretch)
{
    uint8_t *rgb;

    if (p->info.diffusers && (stretch || lost_of(p, x) < NOTICED_PERCENT))
        return resize_bytes(p->w, p->h, x->rgb, x->w, x->h, RESIZE_LANCZOS);
    if (p->info.diffusers)
        return resize_bytes_cover(p->w, p->h, x->rgb, x->w, x->h, RESIZE_LANCZOS);
    rgb = xmalloc((size_t)p->w * (size_t)p->h * 3);
    plan_cover(p, rgb, x->rgb, x->w, x->h, 0);
    return rgb;
}

static int settle(struct plan *p, struct given_picture *to, const struct picture *x,
                  const char *name, const char *wanted, int stretch, struct err *e)
{
    int side = p->model->image.config.side;
    struct sha256 h;

    if (!x->rgb)
        return 0;
    to->rgb = plan_fit_picture(p, x, stretch);
    if (p->dit.image_dim)
        to->seen = resize_bytes_cover(side, side, x->rgb, x->w, x->h, RESIZE_BICUBIC);
    note_shape(p, x, name);
    sha256_init(&h);
    sha256_add(&h, to->rgb, (size_t)p->w * (size_t)p->h * 3);
    if (to == &p->first && p->begins)
        sha256_add(&h, p->begins, plan_frame_bytes(p));
    sha256_hex(&h, to->hash);
    return *wanted && strcmp(wanted, to->hash)
               ? err_set(e, ERR_USAGE, "%s: it is not the picture that this recipe was made with",
                         name)
               : 0;
}

int plan_begin_with(struct plan *p, const uint8_t *rgb, int w, int h, struct err *e)
{
    if (!rgb || p->detail == 0)
        return 0;
    p->begins = try_malloc(plan_frame_bytes(p), e, "a first frame of %dx%d", p->film_w, p->film_h);
    if (!p->begins)
        return ERR_FIT;
    resize_cover(p->begins, p->film_w, p->film_h, rgb, w, h, RESIZE_BICUBIC, NULL);
    return 0;
}

int plan_pictures_settle(struct plan *p, const struct pictures *x, const struct request *r,
                         struct err *e)
{
    int rc = plan_begin_with(p, x->first.rgb, x->first.w, x->first.h, e);

    if (!rc)
        rc = settle(p, &p->first, &x->first, "first-frame", r->first_frame_hash, r->stretch, e);
    return rc ? rc : settle(p, &p->last, &x->last, "last-frame", r->last_frame_hash, r->stretch, e);
}
