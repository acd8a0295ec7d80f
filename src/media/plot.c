/* plot.c - axes with round ticks, one polyline per run of finite values. */
#include "media/plot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"

enum { WIDTH = 800, HEIGHT = 450, LEFT = 76, RIGHT = 20, TOP = 44, BOTTOM = 52, MAX_POINTS = 2000 };

static const char *const colours[PLOT_MAX_SERIES] = {"#1f6fb4", "#d9541e", "#2b8a3e", "#7b4fa3"};

struct axis {
    double lo, hi; /* in log10 when log */
    int log;
};

/* printf writes the decimal mark of the locale; SVG wants a point. */
static void add_number(struct buf *b, double v, int digits)
{
    char text[40];

    snprintf(text, sizeof text, "%.*g", digits, v);
    for (char *c = text; *c; c++)
        if (*c == ',')
            *c = '.';
    buf_puts(b, text);
}

static int usable(const struct axis *y, double xv, double yv)
{
    return isfinite(xv) && isfinite(yv) && (!y->log || yv > 0);
}

static double scaled(const struct axis *a, double v)
{
    return a->log ? log10(v) : v;
}

static void find_ranges(struct axis *x, struct axis *y, const struct plot *p)
{
    x->lo = y->lo = INFINITY;
    x->hi = y->hi = -INFINITY;
    for (int s = 0; s < p->n_series; s++)
        for (int i = 0; i < p->series[s].n; i++) {
            double xv = p->series[s].x[i], yv = p->series[s].y[i];

            if (!usable(y, xv, yv))
                continue;
            x->lo = fmin(x->lo, xv);
            x->hi = fmax(x->hi, xv);
            y->lo = fmin(y->lo, scaled(y, yv));
            y->hi = fmax(y->hi, scaled(y, yv));
        }
    for (int k = 0; k < 2; k++) {
        struct axis *a = k ? y : x;

        if (!(a->lo <= a->hi))
            a->lo = 0, a->hi = 1;
        if (a->hi - a->lo < 1e-12 * fmax(1, fabs(a->hi)))
            a->lo -= 0.5, a->hi += 0.5;
    }
    y->lo -= 0.04 * (y->hi - y->lo);
    y->hi += 0.04 * (y->hi - y->lo);
}

static double at_x(const struct axis *x, double v)
{
    return LEFT + (v - x->lo) / (x->hi - x->lo) * (WIDTH - LEFT - RIGHT);
}

static double at_y(const struct axis *y, double v)
{
    return HEIGHT - BOTTOM - (v - y->lo) / (y->hi - y->lo) * (HEIGHT - TOP - BOTTOM);
}

/* 1, 2 or 5 times a power of ten, so that about eight steps fit. */
static double tick_step(double span)
{
    double rough = span / 8, power = pow(10, floor(log10(rough))), f = rough / power;

    return power * (f <= 1 ? 1 : f <= 2 ? 2 : f <= 5 ? 5 : 10);
}

static void add_tick(struct buf *b, int vertical, double where, double value)
{
    double x = vertical ? LEFT : where, y = vertical ? where : HEIGHT - BOTTOM;

    buf_puts(b, "<path class=\"g\" d=\"M");
    add_number(b, x, 6);
    buf_putc(b, ' ');
    add_number(b, y, 6);
    buf_puts(b, vertical ? "H" : "V");
    add_number(b, vertical ? WIDTH - RIGHT : TOP, 6);
    buf_printf(b, "\"/><text text-anchor=\"%s\" x=\"", vertical ? "end" : "middle");
    add_number(b, vertical ? x - 8 : x, 6);
    buf_puts(b, "\" y=\"");
    add_number(b, vertical ? y + 4 : y + 18, 6);
    buf_puts(b, "\">");
    add_number(b, fabs(value) < 1e-300 ? 0 : value, 5);
    buf_puts(b, "</text>\n");
}

static void add_ticks(struct buf *b, const struct axis *a, int vertical)
{
    double step = a->log ? fmax(1, tick_step(a->hi - a->lo)) : tick_step(a->hi - a->lo);

    if (a->log && a->hi - a->lo < 2) { /* less than two decades: 1, 2, 5 within each */
        for (double e = floor(a->lo); e <= a->hi; e++)
            for (int k = 0; k < 3; k++) {
                double v = (k == 0 ? 1 : k == 1 ? 2 : 5) * pow(10, e);

                if (log10(v) >= a->lo && log10(v) <= a->hi)
                    add_tick(b, vertical, at_y(a, log10(v)), v);
            }
        return;
    }
    for (double i = ceil(a->lo / step); i * step <= a->hi + 1e-9 * step; i++) {
        double v = i * step;

        add_tick(b, vertical, vertical ? at_y(a, v) : at_x(a, v), a->log ? pow(10, v) : v);
    }
}

static void add_series(struct buf *b, const struct plot_series *s, const char *colour,
                       const struct axis *x, const struct axis *y)
{
    int stride = s->n / MAX_POINTS + 1, open = 0;

    for (int i = 0; i < s->n; i += stride) {
        if (!usable(y, s->x[i], s->y[i])) {
            buf_puts(b, open ? "\"/>\n" : "");
            open = 0;
            continue;
        }
        if (!open)
            buf_printf(b, "<polyline class=\"l\" stroke=\"%s\" points=\"", colour);
        open = 1;
        add_number(b, at_x(x, s->x[i]), 6);
        buf_putc(b, ',');
        add_number(b, at_y(y, scaled(y, s->y[i])), 6);
        buf_putc(b, ' ');
    }
    if (open)
        buf_puts(b, "\"/>\n");
}

static void add_labels(struct buf *b, const struct plot *p)
{
    buf_printf(b, "<text class=\"t\" x=\"%d\" y=\"22\">", LEFT);
    buf_xml(b, p->title ? p->title : "");
    buf_printf(b, "</text>\n<text text-anchor=\"middle\" x=\"%d\" y=\"%d\">",
               (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12);
    buf_xml(b, p->x_label ? p->x_label : "");
    buf_printf(b,
               "</text>\n<text text-anchor=\"middle\" transform=\"translate(16 %d) rotate(-90)\">",
               (TOP + HEIGHT - BOTTOM) / 2);
    buf_xml(b, p->y_label ? p->y_label : "");
    buf_puts(b, "</text>\n");
    for (int s = 0; s < p->n_series; s++) {
        int y = TOP + 16 + 18 * s;

        if (!p->series[s].name)
            continue;
        buf_printf(b, "<path class=\"l\" stroke=\"%s\" d=\"M%d %dh20\"/><text x=\"%d\" y=\"%d\">",
                   colours[s], WIDTH - 180, y - 4, WIDTH - 154, y);
        buf_xml(b, p->series[s].name);
        buf_puts(b, "</text>\n");
    }
}

void plot_svg(struct buf *out, const struct plot *p)
{
    struct axis x = {0}, y = {.log = p->log_y};

    ZT_ASSERT(p->n_series >= 1 && p->n_series <= PLOT_MAX_SERIES);
    find_ranges(&x, &y, p);
    buf_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
               "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n"
               "<style>.g{stroke:#ddd;fill:none}.l{fill:none;stroke-width:1.5}"
               ".t{font-size:15px;font-weight:bold}</style>\n"
               "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
               WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT);
    add_ticks(out, &x, 0);
    add_ticks(out, &y, 1);
    for (int s = 0; s < p->n_series; s++)
        add_series(out, &p->series[s], colours[s], &x, &y);
    add_labels(out, p);
    buf_puts(out, "</svg>\n");
}

int plot_write(const struct plot *p, const char *path, struct err *e)
{
    struct buf b = BUF_INIT;
    int rc;

    plot_svg(&b, p);
    rc = file_write(path, b.data, b.len, e);
    buf_release(&b);
    return rc;
}
