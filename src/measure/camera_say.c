/* camera_say.c - what was seen of a camera beside what was asked for and what was true. */
#include <math.h>

#include "base/jsonw.h"
#include "measure/camera_sight.h"

const char *const camera_look_names[N_LOOKS] = {"pan", "tilt", "zoom", "roll"};

double camera_look(const struct camera_rate *r, int look)
{
    const double of[N_LOOKS] = {r->pan / CAMERA_SHIFT, r->tilt / CAMERA_SHIFT,
                                r->zoom / CAMERA_GROWTH, r->roll / CAMERA_TURN};

    return of[look] * CAMERA_SPAN_S;
}

/* ---- truth ---- */

/* A direction of view a, where view b shows it: from the middle, halves of the height. */
static void seen_from(const struct view *b, const double d[3], double *x, double *y)
{
    double of[3] = {0};

    for (int i = 0; i < 3; i++) {
        of[0] += d[i] * (double)b->right[i];
        of[1] += d[i] * (double)b->up[i];
        of[2] += d[i] * (double)b->forward[i];
    }
    *x = of[0] / (of[2] * (double)b->tan_h);
    *y = -of[1] / (of[2] * (double)b->tan_h);
}

/* The similarity by least squares of far points on a grid: complex numbers, z -> m z + c. */
static struct camera_rate between(const struct view *a, const struct view *b, double aspect)
{
    enum { GRID = 8 };
    double mr = 0, mi = 0, square = 0, cx = 0, cy = 0, n = (GRID + 1) * (GRID + 1);

    for (int i = 0; i <= GRID; i++)
        for (int k = 0; k <= GRID; k++) {
            double x = aspect * (2.0 * k / GRID - 1), y = 2.0 * i / GRID - 1, d[3], u, v;

            for (int c = 0; c < 3; c++)
                d[c] = (double)a->forward[c] +
                       (double)a->tan_h * (x * (double)a->right[c] - y * (double)a->up[c]);
            seen_from(b, d, &u, &v);
            mr += u * x + v * y;
            mi += v * x - u * y;
            square += x * x + y * y;
            cx += u / n;
            cy += v / n;
        }
    mr /= square;
    mi /= square;
    return (struct camera_rate){.pan = -cx / (2 * aspect),
                                .tilt = cy / 2,
                                .zoom = -log(hypot(mr, mi)),
                                .roll = -atan2(mi, mr)};
}

struct camera_rate camera_true_rate(const struct view *view, int n, double fps)
{
    struct camera_rate sum = {0};
    double s = (n - 1) / fps;

    for (int i = 0; i + 1 < n; i++) {
        struct camera_rate r =
            between(&view[i], &view[i + 1], (double)view[i].tan_w / (double)view[i].tan_h);
        sum.pan += r.pan / s;
        sum.tilt += r.tilt / s;
        sum.zoom += r.zoom / s;
        sum.roll += r.roll / s;
    }
    return sum;
}

/* ---- words ---- */

int camera_obeyed(const struct camera_rate *seen, const struct camera_rate *wish)
{
    int still = 1, moves = 0, right = 1;

    for (int i = 0; i < N_LOOKS; i++) {
        double v = camera_look(seen, i), asked = camera_look(wish, i);

        still &= fabs(v) < CAMERA_STILL;
        moves |= asked != 0;
        if (asked != 0 && !(v * asked > 0 && fabs(v) >= CAMERA_STILL))
            right = 0;
    }
    return moves ? right : still;
}

static void say_axis(struct buf *out, int look, const struct camera_rate *seen,
                     const struct camera_rate *wish, const struct camera_rate *true_rate)
{
    const double unit[N_LOOKS] = {100 * CAMERA_SHIFT, 100 * CAMERA_SHIFT, 100 * CAMERA_GROWTH,
                                  180 / 3.14159265358979 * CAMERA_TURN};
    static const char *const units[N_LOOKS] = {"% of the width", "% of the height", "% of size",
                                               "degrees"};
    static const char *const sides[N_LOOKS][2] = {
        {"left", "right"}, {"down", "up"}, {"in", "out"}, {"ccw", "cw"}};
    double v = camera_look(seen, look), asked = wish ? camera_look(wish, look) : 0;

    buf_printf(out, "  %-5s%+6.1f  (%s, %.1f %s per second)", camera_look_names[look], v,
               fabs(v) < CAMERA_STILL ? "still" : sides[look][v > 0],
               fabs(v) * unit[look] / CAMERA_SPAN_S, units[look]);
    if (true_rate)
        buf_printf(out, "; in truth %+.1f", camera_look(true_rate, look));
    if (wish && asked != 0)
        buf_printf(out, "; asked for %+.1f: %s, %.2f times as much", asked,
                   v * asked > 0 && fabs(v) >= CAMERA_STILL ? "the right way"
                   : fabs(v) < CAMERA_STILL                 ? "does not move"
                                                            : "the WRONG way",
                   v / asked);
    buf_putc(out, '\n');
}

void camera_report_say(const struct camera_report *r, const struct camera_rate *wish,
                       const struct camera_rate *true_rate, struct buf *out)
{
    for (int i = 0; i < N_LOOKS; i++)
        say_axis(out, i, &r->all, wish, true_rate);
    buf_printf(
        out, "  of the picture %.0f %% moves so; each second pan tilt zoom roll:", 100 * r->agrees);
    for (int k = 0; k < r->n_seconds; k++) {
        buf_printf(out, "%s", k ? " |" : "");
        for (int i = 0; i < N_LOOKS; i++)
            buf_printf(out, " %+.1f", camera_look(&r->second[k], i));
    }
    buf_putc(out, '\n');
}

static void rate_json(struct jsonw *w, const char *key, const struct camera_rate *r)
{
    jsonw_object(w, key);
    for (int i = 0; i < N_LOOKS; i++)
        jsonw_real(w, camera_look_names[i], camera_look(r, i));
    jsonw_end_object(w);
}

void camera_report_json(const struct camera_report *r, const struct camera_rate *wish,
                        const struct camera_rate *true_rate, struct jsonw *w)
{
    rate_json(w, "seen", &r->all);
    if (wish)
        rate_json(w, "asked", wish);
    if (true_rate)
        rate_json(w, "true", true_rate);
    if (wish)
        jsonw_bool(w, "obeyed", camera_obeyed(&r->all, wish));
    jsonw_real(w, "agrees", r->agrees);
    jsonw_array(w, "seconds");
    for (int k = 0; k < r->n_seconds; k++)
        rate_json(w, NULL, &r->second[k]);
    jsonw_end_array(w);
}
