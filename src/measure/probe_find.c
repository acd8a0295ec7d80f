#include "measure/probe_find.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/resize.h"

#define SEEN 0.4f   /* of the map's peak: what belongs to it */
#define MARGIN 1.3f /* surroundings of a box */

int probe_stride(double fps)
{
    return (int)fmax(1, fps / 4 + 0.5);
}

struct probe_box probe_box_of(const float *map, int w, int h)
{
    int list[PROBE_MAP_CELLS], n = 0, peak = 0, box[4];
    char seen[PROBE_MAP_CELLS] = {0};

    for (int i = 1; i < PROBE_MAP_CELLS; i++)
        peak = map[i] > map[peak] ? i : peak;
    if (!(map[peak] > 0))
        return (struct probe_box){0};
    list[n++] = peak;
    seen[peak] = 1;
    box[0] = box[2] = peak % PROBE_MAP;
    box[1] = box[3] = peak / PROBE_MAP;
    for (int i = 0; i < n; i++) {
        int u = list[i] % PROBE_MAP, v = list[i] / PROBE_MAP;

        box[0] = u < box[0] ? u : box[0];
        box[1] = v < box[1] ? v : box[1];
        box[2] = u > box[2] ? u : box[2];
        box[3] = v > box[3] ? v : box[3];
        for (int k = 0; k < 4; k++) {
            int x = u + (k == 0) - (k == 1), y = v + (k == 2) - (k == 3), at = y * PROBE_MAP + x;

            if (x < 0 || y < 0 || x >= PROBE_MAP || y >= PROBE_MAP || seen[at] ||
                map[at] < SEEN * map[peak])
                continue;
            seen[at] = 1;
            list[n++] = at;
        }
    }
    return (struct probe_box){(float)(box[0] * w) / PROBE_MAP, (float)(box[1] * h) / PROBE_MAP,
                              (float)((box[2] + 1) * w) / PROBE_MAP,
                              (float)((box[3] + 1) * h) / PROBE_MAP};
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

int probe_square(const struct probe_box *box, int n, float *x, float *y, float *side)
{
    float edge[4][16], middle[4];
    int seen = 0;

    for (int i = 0; i < n && seen < 16; i++) {
        if (!(box[i].x1 > box[i].x0))
            continue;
        edge[0][seen] = box[i].x0;
        edge[1][seen] = box[i].y0;
        edge[2][seen] = box[i].x1;
        edge[3][seen++] = box[i].y1;
    }
    if (!seen)
        return 0;
    for (int k = 0; k < 4; k++) {
        qsort(edge[k], (size_t)seen, sizeof **edge, by_size);
        middle[k] = edge[k][seen / 2];
    }
    *side = MARGIN * fmaxf(middle[2] - middle[0], middle[3] - middle[1]);
    *side = fmaxf(*side, PROBE_LEAST_SIDE);
    *x = (middle[0] + middle[2] - *side) / 2;
    *y = (middle[1] + middle[3] - *side) / 2;
    return 1;
}

void probe_cut(uint8_t *out, int to, const uint8_t *rgb, int w, int h, float x, float y, float side)
{
    int n = (int)fmaxf(side + 0.5f, 1), x0 = (int)floorf(x + 0.5f), y0 = (int)floorf(y + 0.5f);
    uint8_t *part = xmalloc((size_t)n * (size_t)n * 3);
    int left = x0 < 0 ? -x0 : 0, right = x0 + n < w ? n : w - x0;

    memset(part, 128, (size_t)n * (size_t)n * 3);
    for (int v = 0; v < n && left < right; v++)
        if (y0 + v >= 0 && y0 + v < h)
            memcpy(part + ((size_t)v * (size_t)n + (size_t)left) * 3,
                   rgb + ((size_t)(y0 + v) * (size_t)w + (size_t)(x0 + left)) * 3,
                   (size_t)(right - left) * 3);
    resize_rgb(out, to, to, part, n, n, n > to ? RESIZE_AREA : RESIZE_BICUBIC, NULL);
    free(part);
}
