#include "measure/axes.h"

#include <math.h>
#include <stdlib.h>

#include "base/err.h"
#include "measure/contact.h"
#include "measure/edges.h"
#include "measure/ghosts.h"
#include "measure/joins.h"
#include "media/between.h"

enum { LOOKS = 8 }; /* frames of a film for what takes time, evenly spread */

#define X(name, word, unit, times, what) {word, unit, what, times},
const struct axis_info axis_info[N_AXES] = {AXIS_LIST(X)};
#undef X

/* Look i of `looks` at frames lo..hi. */
static int spread(int i, int looks, int lo, int hi)
{
    return lo + (int)((int64_t)(hi - lo) * (2 * i + 1) / (2 * looks));
}

static double motion_of(const uint8_t *rgb, int w, int h, int n, double fps)
{
    struct joins *j = joins_new(w, h, fps);
    struct joins_report r;

    for (int f = 0; f < n; f++)
        joins_add(j, rgb + (size_t)f * (size_t)w * (size_t)h * 3);
    joins_report(j, NULL, 0, &r);
    double motion = r.motion;
    joins_report_release(&r);
    joins_free(&j);
    return motion;
}

/* After VBench's motion smoothness, which leaves out every other frame as well. */
static double smooth_of(const uint8_t *rgb, int w, int h, int n, struct threads *threads)
{
    size_t bytes = (size_t)w * (size_t)h * 3;
    struct between *b = n < 3 ? NULL : between_new(w, h, threads);
    uint8_t *made = xmalloc(bytes);
    double sum = 0;
    int pairs = 0, looks = n - 2 < LOOKS ? n - 2 : LOOKS;

    for (int i = 0; b && i < looks; i++) {
        const uint8_t *at = rgb + bytes * (size_t)spread(i, looks, 1, n - 1);
        double error = 0;

        if (between_pair(b, at - bytes, at + bytes)) /* a cut */
            continue;
        between_at(b, 0.5f, made);
        for (size_t k = 0; k < bytes; k++)
            error += (made[k] - at[k]) * (made[k] - at[k]);
        sum += 10 * log10(255.0 * 255 / fmax(error / (double)bytes, 0.01)); /* 68 dB at most */
        pairs++;
    }
    between_free(&b);
    free(made);
    return pairs ? sum / pairs : NAN;
}

static double edges_of(const uint8_t *rgb, int w, int h, int n)
{
    struct edge_widths e = {0};
    int looks = n < LOOKS ? n : LOOKS;

    for (int i = 0; i < looks; i++) {
        const uint8_t *at = rgb + (size_t)spread(i, looks, 0, n) * (size_t)w * (size_t)h * 3;

        edge_widths_add(&e, at, at, w, h);
    }
    return e.n > 0 ? e.sum / e.n : NAN;
}

void axes_look(struct axes *a, const uint8_t *rgb, int w, int h, int n, double fps,
               struct threads *threads)
{
    struct ghosts g = {0};

    for (int k = 0; k < N_AXES; k++)
        a->value[k] = NAN;
    ghosts_add(&g, rgb, w, h, n, fps);
    a->value[AXIS_GHOSTS] = ghosts_strength(&g) < 0 ? NAN : ghosts_strength(&g);
    a->value[AXIS_MOTION] = motion_of(rgb, w, h, n, fps);
    a->value[AXIS_SMOOTH] = smooth_of(rgb, w, h, n, threads);
    a->value[AXIS_EDGES] = edges_of(rgb, w, h, n);
}

void axes_look_at(struct axes *a, const uint8_t *rgb, const uint8_t *is, int w, int h, int n)
{
    size_t px = (size_t)w * (size_t)h;
    struct contact c = {0};
    int looks = n < LOOKS ? n : LOOKS;

    for (int i = 0; i < looks; i++) {
        size_t f = (size_t)spread(i, looks, 0, n);

        contact_add(&c, rgb + f * px * 3, is + f * px, 1, w, h);
    }
    a->value[AXIS_CONTACT] = c.n > 0 ? contact_dark(&c) : NAN;
}
