#include "measure/camera_sight.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "media/resize.h"

enum {
    WIDEST = 160, /* px at which films are looked at */
    LEVELS = 3,   /* each half as wide as the one before */
    ROUNDS = 12,  /* of Gauss-Newton at each level */
    REACH = 4,    /* px of the smallest level: the first guess is looked for so far */
    N_PARAMS = 5  /* scale, turn, right, down, brightness */
};
#define LAG_S 0.25
#define FINEST_SCALE 1.5 /* grey values: residuals below it are noise */

struct grey {
    int w, h;
    float *v; /* owned [h][w] */
};

/* Frames [0] is the newest and so on; a ring would save copies of pointers alone. */
struct camera_sight {
    int film_w, film_h, lag;
    double fps;
    struct grey (*past)[LEVELS]; /* [lag + 1] */
    int n;                       /* frames so far */
    struct pair {
        struct camera_rate rate;
        float agrees;
    } * pair; /* [n_pairs]: frame lag + i against frame i */
    int n_pairs, room;
};

/* ---- pictures ---- */

static struct grey grey_new(int w, int h)
{
    return (struct grey){w, h, xmalloc((size_t)w * (size_t)h * sizeof(float))};
}

/* Means of 2x2. */
static struct grey halved(const struct grey *g)
{
    struct grey out = grey_new(g->w / 2, g->h / 2);

    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            const float *at = g->v + (size_t)(2 * y) * (size_t)g->w + 2 * x;

            out.v[(size_t)y * (size_t)out.w + (size_t)x] =
                (at[0] + at[1] + at[g->w] + at[g->w + 1]) / 4;
        }
    return out;
}

/* 1 2 1 both ways: grain and the grid of a codec do not move with the scene. */
static void soften(struct grey *g)
{
    float *row = xmalloc((size_t)(g->w > g->h ? g->w : g->h) * sizeof *row);

    for (int across = 0; across < 2; across++) {
        int n = across ? g->w : g->h, lines = across ? g->h : g->w;
        size_t step = across ? 1 : (size_t)g->w, next = across ? (size_t)g->w : 1;

        for (int k = 0; k < lines; k++) {
            float *at = g->v + next * (size_t)k;

            for (int i = 0; i < n; i++)
                row[i] = at[step * (size_t)i];
            for (int i = 0; i < n; i++)
                at[step * (size_t)i] =
                    (row[i ? i - 1 : 0] + 2 * row[i] + row[i + 1 < n ? i + 1 : i]) / 4;
        }
    }
    free(row);
}

static struct grey grey_of(const struct camera_sight *s, const uint8_t *rgb)
{
    int w = s->film_w < WIDEST ? s->film_w : WIDEST;
    int h = (int)fmax(1 << (LEVELS - 1), floor((double)s->film_h * w / s->film_w + 0.5));
    uint8_t *small = xmalloc((size_t)w * (size_t)h * 3);
    struct grey g = grey_new(w, h);

    resize_rgb(small, w, h, rgb, s->film_w, s->film_h, RESIZE_AREA, NULL);
    for (size_t i = 0; i < (size_t)w * (size_t)h; i++)
        g.v[i] = 0.299f * small[3 * i] + 0.587f * small[3 * i + 1] + 0.114f * small[3 * i + 2];
    free(small);
    soften(&g);
    return g;
}

/* ---- one pair ---- */

/* Where a place of the earlier picture is in the later one, both from the middle, px. */
struct similarity {
    double a, b, x, y; /* (1+a) -b / b (1+a), and a shift */
    double bright;
};

struct system {
    double m[N_PARAMS][N_PARAMS], v[N_PARAMS];
};

static int solve(struct system *s, double out[N_PARAMS])
{
    for (int i = 0; i < N_PARAMS; i++) {
        int top = i;

        for (int k = i + 1; k < N_PARAMS; k++)
            if (fabs(s->m[k][i]) > fabs(s->m[top][i]))
                top = k;
        if (!(fabs(s->m[top][i]) > 1e-9))
            return -1;
        for (int k = 0; k < N_PARAMS; k++) {
            double t = s->m[i][k];
            s->m[i][k] = s->m[top][k];
            s->m[top][k] = t;
        }
        double t = s->v[i];
        s->v[i] = s->v[top];
        s->v[top] = t;
        for (int k = i + 1; k < N_PARAMS; k++) {
            double f = s->m[k][i] / s->m[i][i];

            for (int c = i; c < N_PARAMS; c++)
                s->m[k][c] -= f * s->m[i][c];
            s->v[k] -= f * s->v[i];
        }
    }
    for (int i = N_PARAMS - 1; i >= 0; i--) {
        out[i] = s->v[i];
        for (int k = i + 1; k < N_PARAMS; k++)
            out[i] -= s->m[i][k] * out[k];
        out[i] /= s->m[i][i];
    }
    return 0;
}

/* Value and slopes of a picture between its pixels. 0: the place is outside. */
static int sample(const struct grey *g, double x, double y, double out[3])
{
    int x0 = (int)floor(x), y0 = (int)floor(y);

    if (x0 < 0 || y0 < 0 || x0 + 1 >= g->w || y0 + 1 >= g->h)
        return 0;
    const float *p = g->v + (size_t)y0 * (size_t)g->w + x0;
    double u = x - x0, v = y - y0, top = p[0] + u * ((double)p[1] - p[0]),
           low = p[g->w] + u * ((double)p[g->w + 1] - p[g->w]);

    out[0] = top + v * (low - top);
    out[1] = (1 - v) * ((double)p[1] - p[0]) + v * ((double)p[g->w + 1] - p[g->w]);
    out[2] = low - top;
    return 1;
}

/* One row of the system: slopes by each parameter, and the residual. 0: outside. */
static int row_at(const struct grey *a, const struct grey *b, const struct similarity *s, int x,
                  int y, double row[N_PARAMS], double *residual)
{
    double cx = (a->w - 1) / 2.0, cy = (a->h - 1) / 2.0, u = x - cx, v = y - cy, at[3];

    if (!sample(b, cx + (1 + s->a) * u - s->b * v + s->x, cy + s->b * u + (1 + s->a) * v + s->y,
                at))
        return 0;
    row[0] = at[1] * u + at[2] * v;
    row[1] = at[2] * u - at[1] * v;
    row[2] = at[1];
    row[3] = at[2];
    row[4] = 1;
    *residual = at[0] + s->bright - (double)a->v[(size_t)y * (size_t)a->w + (size_t)x];
    return 1;
}

/* Of absolute residuals the median, from counts of quarters of a grey value. */
static double middle_residual(const struct grey *a, const struct grey *b,
                              const struct similarity *s)
{
    int count[1024] = {0}, n = 0, k = 0;

    for (int y = 0; y < a->h; y++)
        for (int x = 0; x < a->w; x++) {
            double row[N_PARAMS], r;

            if (!row_at(a, b, s, x, y, row, &r))
                continue;
            r = fabs(r) * 4;
            count[r < 1023 ? (int)r : 1023]++;
            n++;
        }
    for (int sum = 0; k < 1024; k++)
        if ((sum += count[k]) * 2 > n)
            break;
    return (k + 0.5) / 4;
}

/* A round of Gauss-Newton with Tukey's weights; the share of the picture that agrees. */
static double refine(const struct grey *a, const struct grey *b, struct similarity *s)
{
    double limit = 4.685 * fmax(FINEST_SCALE, 1.4826 * middle_residual(a, b, s)), share = 0;
    double step[N_PARAMS];
    struct system sys = {0};

    for (int y = 0; y < a->h; y++)
        for (int x = 0; x < a->w; x++) {
            double row[N_PARAMS], r, w;

            if (!row_at(a, b, s, x, y, row, &r) || fabs(r) >= limit)
                continue;
            w = 1 - r * r / (limit * limit);
            w *= w;
            share += w;
            for (int i = 0; i < N_PARAMS; i++) {
                for (int k = 0; k < N_PARAMS; k++)
                    sys.m[i][k] += w * row[i] * row[k];
                sys.v[i] -= w * row[i] * r;
            }
        }
    if (!solve(&sys, step)) {
        s->a += step[0];
        s->b += step[1];
        s->x += step[2];
        s->y += step[3];
        s->bright += step[4];
    }
    return share / ((double)a->w * a->h);
}

/* The shift under which the smallest pictures differ least where they overlap. */
static void first_guess(const struct grey *a, const struct grey *b, struct similarity *s)
{
    double least = INFINITY;
    int reach = a->w / 4 < REACH ? a->w / 4 : REACH;

    for (int dy = -reach; dy <= reach; dy++)
        for (int dx = -reach; dx <= reach; dx++) {
            double sum = 0, n = 0;

            for (int y = dy < 0 ? -dy : 0; y < a->h && y + dy < a->h; y++)
                for (int x = dx < 0 ? -dx : 0; x < a->w && x + dx < a->w; x++) {
                    double d = b->v[(size_t)(y + dy) * (size_t)a->w + (size_t)(x + dx)] -
                               (double)a->v[(size_t)y * (size_t)a->w + (size_t)x];
                    sum += fmin(fabs(d), 40);
                    n++;
                }
            sum = sum / fmax(1, n) + 0.02 * (abs(dx) + abs(dy)); /* of equals the nearest */
            if (sum < least) {
                least = sum;
                *s = (struct similarity){.x = dx, .y = dy};
            }
        }
}

static struct pair look_at_pair(const struct camera_sight *s, const struct grey a[LEVELS],
                                const struct grey b[LEVELS])
{
    struct similarity t;
    double agrees = 0, per_s = s->fps / s->lag;

    first_guess(&a[LEVELS - 1], &b[LEVELS - 1], &t);
    for (int l = LEVELS - 1; l >= 0; l--) {
        for (int i = 0; i < ROUNDS; i++)
            agrees = refine(&a[l], &b[l], &t);
        if (l) {
            t.x *= 2;
            t.y *= 2;
        }
    }
    struct camera_rate rate = {
        .pan = -t.x / a[0].w * per_s,
        .tilt = t.y / a[0].h * per_s,
        .zoom = -0.5 * log((1 + t.a) * (1 + t.a) + t.b * t.b) * per_s,
        .roll = -atan2(t.b, 1 + t.a) * per_s,
    };
    if (!isfinite(rate.pan + rate.tilt + rate.zoom + rate.roll))
        rate = (struct camera_rate){0};
    return (struct pair){rate, (float)agrees};
}

/* ---- the film ---- */

struct camera_sight *camera_sight_new(int w, int h, double fps)
{
    struct camera_sight *s = xcalloc(1, sizeof *s);

    s->film_w = w;
    s->film_h = h;
    s->fps = fps;
    s->lag = (int)fmax(1, floor(fps * LAG_S + 0.5));
    s->past = xcalloc((size_t)s->lag + 1, sizeof *s->past);
    return s;
}

static void forget(struct grey *g)
{
    for (int l = 0; l < LEVELS; l++)
        free(g[l].v);
}

void camera_sight_free(struct camera_sight **s)
{
    if (!*s)
        return;
    for (int i = 0; i <= (*s)->lag; i++)
        forget((*s)->past[i]);
    free((*s)->past);
    free((*s)->pair);
    free(*s);
    *s = NULL;
}

void camera_sight_add(struct camera_sight *s, const uint8_t *rgb)
{
    struct grey *now = s->past[s->n % (s->lag + 1)];

    forget(now);
    now[0] = grey_of(s, rgb);
    for (int l = 1; l < LEVELS; l++)
        now[l] = halved(&now[l - 1]);
    if (s->n >= s->lag) {
        if (s->n_pairs == s->room) {
            s->room = s->room ? 2 * s->room : 64;
            s->pair = xrealloc(s->pair, (size_t)s->room * sizeof *s->pair);
        }
        s->pair[s->n_pairs++] = look_at_pair(s, s->past[(s->n - s->lag) % (s->lag + 1)], now);
    }
    s->n++;
}

static struct camera_rate mean_rate(const struct camera_sight *s, int from, int to, double *agrees)
{
    struct camera_rate r = {0};
    double n = fmax(1, to - from);

    *agrees = 0;
    for (int i = from; i < to; i++) {
        r.pan += s->pair[i].rate.pan / n;
        r.tilt += s->pair[i].rate.tilt / n;
        r.zoom += s->pair[i].rate.zoom / n;
        r.roll += s->pair[i].rate.roll / n;
        *agrees += (double)s->pair[i].agrees / n;
    }
    return r;
}

void camera_report(const struct camera_sight *s, struct camera_report *out)
{
    double agrees;

    *out = (struct camera_report){.all = mean_rate(s, 0, s->n_pairs, &out->agrees)};
    (void)mean_rate(s, 0, s->n_pairs, &out->agrees);
    out->n_seconds = (int)ceil(s->n_pairs / s->fps - 1e-9);
    out->second = xcalloc((size_t)out->n_seconds + 1, sizeof *out->second);
    for (int i = 0; i < out->n_seconds; i++) {
        int from = (int)floor(i * s->fps + 0.5), to = (int)floor((i + 1) * s->fps + 0.5);

        out->second[i] = mean_rate(s, from, to < s->n_pairs ? to : s->n_pairs, &agrees);
    }
}

void camera_report_release(struct camera_report *r)
{
    free(r->second);
    *r = (struct camera_report){0};
}
