#include "train/curve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/json.h"
#include "media/plot.h"

static char *curve_path(const char *dir, const char *stage, const char *ending)
{
    return xasprintf("%s/curve-%s.%s", dir, stage, ending);
}

int curve_open(struct curve *c, const char *dir, const char *stage, int64_t keep_bytes,
               struct err *e)
{
    *c = (struct curve){.path = curve_path(dir, stage, "jsonl")};
    int64_t size = file_size(c->path);
    if (size < keep_bytes)
        keep_bytes = size < 0 ? 0 : size;
    c->file = fopen(c->path, "ab");
    if (!c->file || ftruncate(fileno(c->file), keep_bytes)) {
        int r = err_set(e, ERR_IO, "%s: cannot write: %s", c->path, strerror(errno));
        curve_close(c);
        return r;
    }
    c->bytes = keep_bytes;
    return 0;
}

int curve_add(struct curve *c, const char *line, struct err *e)
{
    if (fputs(line, c->file) < 0 || fputc('\n', c->file) < 0 || fflush(c->file))
        return err_set(e, ERR_IO, "%s: cannot write: %s", c->path, strerror(errno));
    c->bytes += (int64_t)strlen(line) + 1;
    return 0;
}

int curve_sync(struct curve *c, struct err *e)
{
    if (fflush(c->file) || fsync(fileno(c->file)))
        return err_set(e, ERR_IO, "%s: cannot write: %s", c->path, strerror(errno));
    return 0;
}

void curve_close(struct curve *c)
{
    if (c->file)
        fclose(c->file);
    free(c->path);
    *c = (struct curve){0};
}

struct points {
    double *x, *y, *mean;
    int n, cap;
};

static void add_point(struct points *p, double x, double y)
{
    if (p->n == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 1024;
        p->x = xrealloc(p->x, sizeof(double) * (size_t)p->cap);
        p->y = xrealloc(p->y, sizeof(double) * (size_t)p->cap);
        p->mean = xrealloc(p->mean, sizeof(double) * (size_t)p->cap);
    }
    double last = p->n ? p->mean[p->n - 1] : y, share = p->n < 50 ? 1.0 / (p->n + 1) : 0.02;
    p->x[p->n] = x;
    p->y[p->n] = y;
    p->mean[p->n++] = last + (y - last) * share;
}

/* Rows are our own and flat: the two numbers are found by their names. */
static void read_rows(struct points *p, char *text)
{
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        struct jdoc *doc;
        struct err ignored;
        if (jdoc_parse(&doc, line, strlen(line), "row", &ignored))
            continue; /* a row that was cut by a crash */
        double step = j_real_or(jdoc_root(doc), "step", 0, 1e15, -1);
        double loss = j_real_or(jdoc_root(doc), "loss", -1e300, 1e300, 0);
        if (step >= 0)
            add_point(p, step, loss);
        jdoc_close(&doc);
    }
}

int curve_plot(const char *dir, const char *stage, struct err *e)
{
    char *rows = curve_path(dir, stage, "jsonl"), *svg = curve_path(dir, stage, "svg");
    struct buf text = BUF_INIT;
    struct points p = {0};
    int r = file_read(&text, rows, (size_t)1 << 30, e);
    if (!r && text.len) {
        read_rows(&p, text.data);
        struct plot plot = {
            .title = stage, .x_label = "step", .y_label = "loss", .log_y = 1, .n_series = 2};
        plot.series[0] = (struct plot_series){"loss", p.x, p.y, p.n};
        plot.series[1] = (struct plot_series){"mean of 50 steps", p.x, p.mean, p.n};
        if (p.n)
            r = plot_write(&plot, svg, e);
    }
    free(p.x);
    free(p.y);
    free(p.mean);
    buf_release(&text);
    free(rows);
    free(svg);
    return r;
}
