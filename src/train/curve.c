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
        int rc = err_set(e, ERR_IO, "%s: cannot write: %s", c->path, strerror(errno));
        curve_close(c);
        return rc;
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

/* Rows are our own and flat: the numbers are found by their names. Rows without the field, and one
 * that was cut by a crash, are passed over; those that there is no memory for are not. */
static int read_rows(struct points *p, const struct buf *rows, const char *field, struct err *e)
{
    const char *line = rows->data, *end = rows->data + rows->len;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t len = (size_t)((stop ? stop : end) - line);
        struct jdoc *doc;
        int rc = jdoc_parse(&doc, line, len, "row", e);
        if (rc == ERR_FIT)
            return rc;
        if (!rc) {
            struct jval v = jdoc_root(doc);
            double step = j_real_or(v, "step", 0, 1e15, -1);
            if (step >= 0 && j_has(v, field))
                add_point(p, step, j_real_or(v, field, -1e300, 1e300, 0));
            jdoc_close(&doc);
        }
        line += len + 1;
    }
    return 0;
}

static void points_release(struct points *p)
{
    free(p->x);
    free(p->y);
    free(p->mean);
}

static int plot_loss(const struct buf *rows, const char *stage, const char *path, struct err *e)
{
    struct points p = {0};
    int rc = read_rows(&p, rows, "loss", e);
    struct plot plot = {
        .title = stage, .x_label = "step", .y_label = "loss", .log_y = 1, .n_series = 2};
    plot.series[0] = (struct plot_series){"loss", p.x, p.y, p.n};
    plot.series[1] = (struct plot_series){"mean of 50 steps", p.x, p.mean, p.n};
    if (!rc && p.n)
        rc = plot_write(&plot, path, e);
    points_release(&p);
    return rc;
}

static int plot_words(const struct buf *rows, const char *path, struct err *e)
{
    static const char *const field[][2] = {{"exchanged_90", "two objects exchanged"},
                                           {"wrong_90", "one wrong colour"},
                                           {"empty_90", "no caption"}};
    enum { N = sizeof field / sizeof *field };
    struct points p[N] = {0};
    struct plot plot = {.title = "what false captions add to the error, s = 0.9",
                        .x_label = "step",
                        .y_label = "error inside objects",
                        .n_series = N};
    int rc = 0;
    for (int i = 0; i < N && !rc; i++) {
        rc = read_rows(&p[i], rows, field[i][0], e);
        plot.series[i] = (struct plot_series){field[i][1], p[i].x, p[i].y, p[i].n};
    }
    if (!rc && p[0].n)
        rc = plot_write(&plot, path, e);
    for (int i = 0; i < N; i++)
        points_release(&p[i]);
    return rc;
}

int curve_plot(const char *dir, const char *stage, struct err *e)
{
    char *path = curve_path(dir, stage, "jsonl"), *svg = curve_path(dir, stage, "svg"),
         *words = curve_path(dir, stage, "words.svg");
    struct buf rows = BUF_INIT;
    int rc = file_read(&rows, path, (size_t)1 << 30, e);
    if (!rc && rows.len)
        rc = plot_loss(&rows, stage, svg, e);
    if (!rc && rows.len)
        rc = plot_words(&rows, words, e);
    buf_release(&rows);
    free(path);
    free(svg);
    free(words);
    return rc;
}
