#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/sight_inner.h"
#include "world/facts.h"

enum { MIN_AREA = 20 /* pixels of 7,000 */, MAX_RAW = 250 };

struct finder {
    int w, h;
    uint8_t *color; /* of one frame, thinned */
    uint8_t *label; /* of the frame */
    int *stack;
    int area[MAX_RAW + 1], bright[MAX_RAW + 1], hue[MAX_RAW + 1]; /* by label */
    int n;
};

/* Single pixels and thin lines are edges and noise: keep what has three neighbours alike. */
static void thin(const uint8_t *in, uint8_t *out, int w, int h)
{
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            int c = in[y * w + x], like = -1;

            for (int j = y - 1; c && j <= y + 1; j++)
                for (int i = x - 1; i <= x + 1; i++)
                    like += i >= 0 && i < w && j >= 0 && j < h && in[j * w + i] == c;
            out[y * w + x] = (uint8_t)(like >= 3 ? c : 0);
        }
    }
}

/* Spread label l from `at` over all places where `open` (their own value) holds. */
static int spread(struct finder *s, const uint8_t *map, int value, int at, uint8_t *out, int l)
{
    int n = 0, count = 0;

    out[at] = (uint8_t)l;
    s->stack[n++] = at;
    while (n) {
        int p = s->stack[--n], x = p % s->w, y = p / s->w;
        int next[4] = {x > 0 ? p - 1 : -1, x + 1 < s->w ? p + 1 : -1, y > 0 ? p - s->w : -1,
                       y + 1 < s->h ? p + s->w : -1};

        count++;
        for (int i = 0; i < 4; i++) {
            if (next[i] < 0 || map[next[i]] != value || out[next[i]] == l)
                continue;
            out[next[i]] = (uint8_t)l;
            s->stack[n++] = next[i];
        }
    }
    return count;
}

/* What a patch encloses belongs to it: highlights, and holes that noise left. */
static void fill_holes(struct finder *s, int l, uint8_t *inside, uint8_t *outside)
{
    int n_px = s->w * s->h;

    for (int i = 0; i < n_px; i++)
        inside[i] = s->label[i] == l;
    memset(outside, 0, (size_t)n_px);
    for (int i = 0; i < n_px; i++) {
        int x = i % s->w, y = i / s->w;

        if ((x == 0 || y == 0 || x == s->w - 1 || y == s->h - 1) && !inside[i] && !outside[i])
            spread(s, inside, 0, i, outside, 1);
    }
    for (int i = 0; i < n_px; i++)
        if (!inside[i] && !outside[i])
            s->label[i] = (uint8_t)l;
}

static void describe(struct view_film *f, int t, const struct finder *s)
{
    struct patch all[MAX_RAW + 1];
    double sx[MAX_RAW + 1] = {0}, sy[MAX_RAW + 1] = {0};
    uint8_t place[MAX_RAW + 1] = {0};
    int n = 0;

    for (int l = 1; l <= s->n; l++)
        all[l] = (struct patch){.color = s->hue[l], .x0 = f->w, .y0 = f->h};
    for (int i = 0; i < f->w * f->h; i++) {
        int l = s->label[i], x = i % f->w, y = i / f->w;
        struct patch *p = &all[l];

        if (!l)
            continue;
        p->area++;
        p->x0 = x < p->x0 ? x : p->x0;
        p->x1 = x + 1 > p->x1 ? x + 1 : p->x1;
        p->y0 = y < p->y0 ? y : p->y0;
        p->y1 = y + 1;
        sx[l] += x + 0.5;
        sy[l] += y + 0.5;
    }
    for (; n < SIGHT_MAX_PATCHES; n++) {
        int best = 0;

        for (int l = 1; l <= s->n; l++)
            if (!place[l] && all[l].area >= MIN_AREA && (!best || all[l].area > all[best].area))
                best = l;
        if (!best)
            break;
        place[best] = (uint8_t)(n + 1);
        all[best].cx = (float)(sx[best] / all[best].area);
        all[best].cy = (float)(sy[best] / all[best].area);
        all[best].cut =
            all[best].x0 == 0 || all[best].y0 == 0 || all[best].x1 == f->w || all[best].y1 == f->h;
        f->patch[t * SIGHT_MAX_PATCHES + n] = all[best];
    }
    f->n_patches[t] = n;
    for (int i = 0; i < f->w * f->h; i++)
        s->label[i] = place[s->label[i]];
}

/* White objects have a lit side; pale floor and haze have none. */
static int pale_enough(const struct finder *s, const uint8_t *rgb, int l)
{
    int bright = 0;

    for (int i = 0; i < s->w * s->h; i++) {
        const uint8_t *p = rgb + 3 * i;

        bright += s->label[i] == l && p[0] > 190 && p[1] > 190 && p[2] > 190;
    }
    return 8 * bright >= s->area[l];
}

static void frame_patches(struct view_film *f, int t, struct finder *s, uint8_t *a, uint8_t *b)
{
    int n_px = f->w * f->h, done[MAX_RAW + 1] = {0};

    s->label = f->label + (size_t)t * (size_t)n_px;
    s->n = 0;
    memset(s->label, 0, (size_t)n_px);
    thin(f->color + (size_t)t * (size_t)n_px, s->color, f->w, f->h);
    for (int i = 0; i < n_px && s->n < MAX_RAW; i++) {
        if (!s->color[i] || s->label[i])
            continue;
        s->n++;
        s->hue[s->n] = s->color[i];
        s->area[s->n] = spread(s, s->color, s->color[i], i, s->label, s->n);
        if (s->hue[s->n] == COLOR_WHITE &&
            !pale_enough(s, f->rgb + (size_t)t * (size_t)n_px * 3, s->n))
            done[s->n] = 2;
    }
    for (int i = 0; i < n_px; i++)
        if (done[s->label[i]] == 2)
            s->label[i] = 0;
    for (int k = 0; k < 4; k++) { /* the largest swallow what they enclose */
        int best = 0;

        for (int l = 1; l <= s->n; l++)
            if (!done[l] && s->area[l] >= MIN_AREA && (!best || s->area[l] > s->area[best]))
                best = l;
        if (!best)
            break;
        done[best] = 1;
        fill_holes(s, best, a, b);
    }
    describe(f, t, s);
}

void patch_find(struct view_film *f)
{
    size_t n_px = (size_t)f->w * (size_t)f->h;
    struct finder s = {.w = f->w, .h = f->h};
    uint8_t *a = xmalloc(n_px), *b = xmalloc(n_px);

    s.color = xmalloc(n_px);
    s.stack = xmalloc(n_px * sizeof *s.stack);
    for (int t = 0; t < f->n; t++)
        frame_patches(f, t, &s, a, b);
    free(s.color);
    free(s.stack);
    free(a);
    free(b);
}

/* The nearest track of the same colour that is not taken in this frame and was seen lately. */
static struct track *nearest(struct track *tracks, int n, const struct patch *p, int t, int w)
{
    struct track *best = NULL;
    float near = 0;

    for (int i = 0; i < n; i++) {
        struct track *k = &tracks[i];
        float d = hypotf(k->cx - p->cx, k->cy - p->cy);

        if (k->color != p->color || k->last == t || t - k->last > 8)
            continue;
        if (d > 0.12f * (float)w * (float)(t - k->last) || (best && d >= near))
            continue;
        best = k;
        near = d;
    }
    return best;
}

int track_find(const struct view_film *f, struct track *tracks)
{
    int n = 0;

    for (int t = 0; t < f->n; t++) {
        for (int i = 0; i < f->n_patches[t]; i++) {
            const struct patch *p = &f->patch[t * SIGHT_MAX_PATCHES + i];
            struct track *k = nearest(tracks, n, p, t, f->w);

            if (!k && n == SIGHT_MAX_TRACKS)
                continue;
            if (!k) {
                k = &tracks[n++];
                *k = (struct track){.color = p->color};
                k->patch = xmalloc((size_t)f->n * sizeof *k->patch);
                for (int j = 0; j < f->n; j++)
                    k->patch[j] = -1;
            }
            k->patch[t] = i;
            k->seen++;
            k->last = t;
            k->cx = p->cx;
            k->cy = p->cy;
        }
    }
    return n;
}
