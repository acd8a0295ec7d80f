#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "measure/sight_inner.h"
#include "world/facts.h"

/* clang-format off */
static const struct {
    int from, to; /* hue in degrees, from <= hue < to */
    int color;
} hues[] = {
    {0, 15, COLOR_RED},       {15, 43, COLOR_ORANGE},  {43, 72, COLOR_YELLOW},
    {72, 170, COLOR_GREEN},   {170, 252, COLOR_BLUE},  {252, 325, COLOR_PURPLE},
    {325, 361, COLOR_RED},
};
/* clang-format on */

static int hue_color(const uint8_t *p, int hi, int lo)
{
    float c = (float)(hi - lo), h;

    if (hi == p[0])
        h = 60 * (float)(p[1] - p[2]) / c;
    else if (hi == p[1])
        h = 120 + 60 * (float)(p[2] - p[0]) / c;
    else
        h = 240 + 60 * (float)(p[0] - p[1]) / c;
    h += h < 0 ? 360 : 0;
    for (size_t i = 0; i < sizeof hues / sizeof *hues; i++)
        if (h >= (float)hues[i].from && h < (float)hues[i].to)
            return hues[i].color;
    return COLOR_RED;
}

/* The colour of pixel p where the empty floor shows b. Colours are told by their hue; white is
 * brighter than the floor or greyer than it and no shadow; black is darker than any shadow. */
static int pixel_color(const uint8_t *p, const uint8_t *b)
{
    int hi = p[0] > p[1] ? p[0] : p[1], lo = p[0] < p[1] ? p[0] : p[1], far = 0;
    int floor_hi = b[0] > b[1] ? b[0] : b[1];

    hi = p[2] > hi ? p[2] : hi;
    lo = p[2] < lo ? p[2] : lo;
    floor_hi = b[2] > floor_hi ? b[2] : floor_hi;
    for (int k = 0; k < 3; k++)
        far = abs(p[k] - b[k]) > far ? abs(p[k] - b[k]) : far;
    if (far < 12)
        return 0;
    if (hi - lo >= 32 && 100 * (hi - lo) >= 40 * hi)
        return hue_color(p, hi, lo);
    if (hi < 44 && 100 * hi < 45 * floor_hi)
        return COLOR_BLACK;
    if (lo >= 128 && 100 * (hi - lo) < 15 * hi) {
        int warm = abs((p[0] - p[2]) - (b[0] - b[2]));

        if (hi - floor_hi > 10 || warm > 18)
            return COLOR_WHITE;
    }
    return 0;
}

void color_pixels(struct view_film *f)
{
    size_t n_px = (size_t)f->w * (size_t)f->h;

    for (size_t t = 0; t < (size_t)f->n; t++)
        for (size_t i = 0; i < n_px; i++)
            f->color[t * n_px + i] =
                (uint8_t)pixel_color(f->rgb + 3 * (t * n_px + i), f->floor + 3 * i);
}
