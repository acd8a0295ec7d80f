#include "measure/mover_velocity.h"

#include <math.h>
#include <string.h>

#include "measure/sight_inner.h"

enum { MOST_PIXELS = 16 * SIGHT_PIXELS }; /* larger films are looked at in 448x256 */
#define WHOLE 0.98f                       /* of its px: rounding at its rim is not an edge */

static const struct patch *largest_of(const struct view_film *f, int t, int color)
{
    for (int i = 0; i < f->n_patches[t]; i++)
        if (f->patch[t * SIGHT_MAX_PATCHES + i].color == color)
            return &f->patch[t * SIGHT_MAX_PATCHES + i];
    return NULL;
}

void mover_places(const uint8_t *rgb, int w, int h, int n, int color, struct mover_place *out)
{
    struct view_film f;
    int first = -1;

    view_film_init(&f, rgb, w, h, n, MOST_PIXELS);
    for (int t = 0; t < n; t++) {
        const struct patch *p = largest_of(&f, t, color);

        out[t] = t ? out[t - 1] : (struct mover_place){0};
        if (p)
            out[t] =
                (struct mover_place){MOVER_WIDE * p->cx / f.w, MOVER_WIDE * h / w * p->cy / f.h, 1};
        out[t].whole = p != NULL;
        first = first < 0 && p ? t : first;
    }
    for (int t = 0; t < first; t++) {
        out[t] = out[first];
        out[t].whole = 0;
    }
    view_film_release(&f);
}

void mover_true_places(const struct clip *c, struct mover_place *out)
{
    for (int t = 0; t < c->n_frames; t++) {
        const struct clip_object *o = clip_truth(c, t, 0);
        double unit = MOVER_WIDE / c->w;

        out[t] = (struct mover_place){o->px[0] * unit, o->px[1] * unit, 0};
        out[t].whole = o->visible > WHOLE && o->bbox[0] > 0 && o->bbox[1] > 0 &&
                       o->bbox[2] < (float)c->w && o->bbox[3] < (float)c->h;
    }
}

void mover_stands(const struct mover_place *truth, int n, struct mover_place *out)
{
    for (int t = 0; t < n; t++) {
        out[t] = truth[t < MOVER_GIVEN ? t : MOVER_GIVEN - 1];
        out[t].whole = 1;
    }
}

void mover_goes_on(const struct mover_place *truth, int n, struct mover_place *out)
{
    const struct mover_place *a = &truth[0], *b = &truth[MOVER_GIVEN - 1];
    double x = (b->x - a->x) / (MOVER_GIVEN - 1), y = (b->y - a->y) / (MOVER_GIVEN - 1);

    mover_stands(truth, n, out);
    for (int t = MOVER_GIVEN; t < n; t++) {
        out[t].x = out[t - 1].x + x;
        out[t].y = out[t - 1].y + y;
    }
}

/* Mean distance of the velocities across, each over `lag` frames of which both ends count. */
static double compare_across(const struct mover_place *seen, const struct mover_place *truth, int n,
                             double fps, int lag)
{
    double sum = 0;
    int count = 0;

    for (int t = MOVER_GIVEN - 1 + lag; t < n; t++) {
        if (!truth[t].whole || !truth[t - lag].whole)
            continue;
        sum += fabs((seen[t].x - seen[t - lag].x) - (truth[t].x - truth[t - lag].x));
        count++;
    }
    return count ? sum * fps / lag / count : 0;
}

void mover_compare(const struct mover_place *seen, const struct mover_place *truth, int n,
                   double fps, struct mover_error *out)
{
    *out = (struct mover_error){.across = compare_across(seen, truth, n, fps, 1),
                                .calm = compare_across(seen, truth, n, fps, (int)fmax(1, fps / 2))};
    for (int t = MOVER_GIVEN; t < n; t++) {
        if (!truth[t].whole || !truth[t - 1].whole)
            continue;
        out->down += fabs((seen[t].y - seen[t - 1].y) - (truth[t].y - truth[t - 1].y)) * fps;
        out->lost += !seen[t].whole;
        out->n++;
    }
    if (out->n) {
        out->down /= out->n;
        out->lost /= out->n;
    }
}
