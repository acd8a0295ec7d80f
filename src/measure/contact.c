#include "measure/contact.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { LEAST_PX = 24, LEAST_HEIGHT = 6, SIDES = 6 };
#define LOW 0.75    /* of its height: the foot is below */
#define RIM 0.1     /* of its size: how wide the rim is, at least 2 px */
#define DARKEST 0.2 /* of the rim is its darkest part */

struct rim {
    int n, *dx, *dy;    /* px of the picture, owned */
    int x0, x1, y0, y1; /* box of the thing, exclusive */
};

static float light_of(const uint8_t *p)
{
    static const float weight[3] = {0.2126f, 0.7152f, 0.0722f};
    float sum = 0;

    for (int k = 0; k < 3; k++)
        sum += weight[k] * powf((float)p[k] / 255, 2.2f);
    return sum;
}

/* Its box; 0 when it is too small, or cut below. */
static int box_of(const uint8_t *is, int id, int w, int h, struct rim *r)
{
    int n = 0;

    *r = (struct rim){.x0 = w, .y0 = h};
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            if (is[y * w + x] != id)
                continue;
            n++;
            r->x0 = x < r->x0 ? x : r->x0;
            r->x1 = x + 1 > r->x1 ? x + 1 : r->x1;
            r->y0 = y < r->y0 ? y : r->y0;
            r->y1 = y + 1;
        }
    return n >= LEAST_PX && r->y1 - r->y0 >= LEAST_HEIGHT && r->y1 + 2 < h;
}

/* Is there a px of the thing's foot within d of x, y? */
static int near_foot(const uint8_t *is, int id, int w, int h, int low, int x, int y, int d)
{
    for (int v = y - d > low ? y - d : low; v <= y + d && v < h; v++)
        for (int u = x - d > 0 ? x - d : 0; u <= x + d && u < w; u++)
            if ((u - x) * (u - x) + (v - y) * (v - y) <= d * d && is[v * w + u] == id)
                return 1;
    return 0;
}

static void rim_find(struct rim *r, const uint8_t *is, int id, int w, int h)
{
    int high = r->y1 - r->y0, low = r->y0 + (int)(LOW * high);
    int d = (int)fmax(2, RIM * sqrt((double)high * (r->x1 - r->x0)) + 0.5);
    size_t room = (size_t)(r->x1 - r->x0 + 2 * d) * (size_t)(r->y1 - low + 2 * d);

    r->dx = xmalloc(sizeof *r->dx * room);
    r->dy = xmalloc(sizeof *r->dy * room);
    for (int y = low; y < r->y1 + d && y < h; y++)
        for (int x = r->x0 - d > 0 ? r->x0 - d : 0; x < r->x1 + d && x < w; x++)
            if (is[y * w + x] != id && near_foot(is, id, w, h, low, x, y, d)) {
                r->dx[r->n] = x;
                r->dy[r->n++] = y;
            }
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* Mean light of the darkest part of the rim when it is moved aside; -1 where it does not fit, or
 * meets the thing. light[] is scratch. */
static double light_at(const struct rim *r, const uint8_t *rgb, const uint8_t *is, int id, int w,
                       int x, float *light)
{
    int n = 0, most;
    double sum = 0;

    for (int i = 0; i < r->n; i++) {
        int u = r->dx[i] + x, v = r->dy[i];

        if (u >= 0 && u < w && is[v * w + u] != id)
            light[n++] = light_of(rgb + (size_t)(v * w + u) * 3);
    }
    if (4 * n < 3 * r->n)
        return -1;
    qsort(light, (size_t)n, sizeof *light, by_size);
    most = (int)fmax(1, DARKEST * n);
    for (int i = 0; i < most; i++)
        sum += light[i];
    return sum / most;
}

/* Missing light of the rim against both sides; -2 without room there. */
static double dark_at(const struct rim *r, const uint8_t *rgb, const uint8_t *is, int id, int w,
                      float *light)
{
    double here = light_at(r, rgb, is, id, w, 0, light), sum = 0;
    int wide = r->x1 - r->x0, n = 0;

    for (int k = 0; k < SIDES; k++) {
        int x = (int)((k % 2 ? 1 : -1) * wide * (1.5 + 0.5 * (k / 2)));
        double there = light_at(r, rgb, is, id, w, x, light);

        if (there < 0)
            continue;
        sum += there;
        n++;
    }
    return here < 0 || n == 0 || sum <= 0 ? -2 : 1 - here * n / sum;
}

void contact_add(struct contact *c, const uint8_t *rgb, const uint8_t *is, int id, int w, int h)
{
    struct rim r;

    if (!box_of(is, id, w, h, &r))
        return;
    rim_find(&r, is, id, w, h);
    float *light = xmalloc(sizeof *light * (size_t)(r.n + 1));
    double foot = dark_at(&r, rgb, is, id, w, light);

    if (foot > -2) {
        c->dark += foot;
        c->n++;
    }
    free(light);
    free(r.dx);
    free(r.dy);
}

double contact_dark(const struct contact *c)
{
    return c->n > 0 ? c->dark / c->n : 0;
}
