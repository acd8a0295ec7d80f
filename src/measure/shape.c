#include "measure/shape.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "measure/shape_table.h"
#include "measure/sight_inner.h"
#include "world/facts.h"

int shape_group(int color)
{
    return color == COLOR_WHITE ? 1 : color == COLOR_BLACK ? 2 : 0;
}

/* Share of pixel column or row i of n cells over `size` pixels that lies in cell c. */
static float overlap(int i, int c, int n, int size)
{
    float a = (float)(c * size) / (float)n, b = (float)((c + 1) * size) / (float)n;

    return fmaxf(0, fminf((float)i + 1, b) - fmaxf((float)i, a));
}

void shape_features(const struct view_film *f, int t, int i, float x[SHAPE_FEATURES])
{
    const struct patch *p = &f->patch[t * SIGHT_MAX_PATCHES + i];
    const uint8_t *label = f->label + (size_t)t * f->w * f->h;
    const uint8_t *rgb = f->rgb + (size_t)t * f->w * f->h * 3;
    int pw = p->x1 - p->x0, ph = p->y1 - p->y0, cells = SHAPE_GRID * SHAPE_GRID;
    float *cover = x, *light = x + cells, *rest = x + 2 * cells;
    double sum = 0, square = 0;

    memset(x, 0, SHAPE_FEATURES * sizeof *x);
    for (int y = 0; y < ph; y++) {
        for (int c = 0; c < pw; c++) {
            size_t at = (size_t)(p->y0 + y) * f->w + (size_t)(p->x0 + c);
            float v = (float)(rgb[3 * at] + rgb[3 * at + 1] + rgb[3 * at + 2]);

            if (label[at] != i + 1)
                continue;
            sum += v;
            square += v * v;
            for (int k = 0; k < cells; k++) {
                float share = overlap(c, k % SHAPE_GRID, SHAPE_GRID, pw) *
                              overlap(y, k / SHAPE_GRID, SHAPE_GRID, ph);

                cover[k] += share;
                light[k] += share * v;
            }
        }
    }
    double mean = sum / p->area, spread = sqrt(fmax(square / p->area - mean * mean, 1));
    float cell = (float)(pw * ph) / (float)cells;

    for (int k = 0; k < cells; k++) {
        light[k] = (float)((light[k] - mean * cover[k]) / (spread * cell));
        cover[k] /= cell;
    }
    rest[0] = 2 * logf((float)pw / (float)ph);
    rest[1] = 4 * (float)p->area / (float)(pw * ph);
    rest[2] = (float)(4 * spread / (mean + 30));
    rest[3] = 1;
}

void shape_judge(const float x[SHAPE_FEATURES], int group, double sum[SHAPE_KINDS])
{
    double score[SHAPE_KINDS] = {0}, top = -1e30, total = 0;

    for (int k = 0; k < SHAPE_KINDS; k++) {
        for (int i = 0; i < SHAPE_FEATURES; i++)
            score[k] += (double)shape_table[group][k][i] * x[i];
        top = fmax(top, score[k]);
    }
    for (int k = 0; k < SHAPE_KINDS; k++)
        total += exp(score[k] - top);
    for (int k = 0; k < SHAPE_KINDS; k++)
        sum[k] += score[k] - top - log(total);
}
