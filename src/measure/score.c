#include "measure/score.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "format/json.h"

static const char *const names[SCORE_COLUMNS] = {"renders", "codec", "model"};

const char *score_column_name(enum score_column c)
{
    return names[c];
}

/* ---- the log ---- */

static void write_row(struct buf *out, enum score_column c, int i, const struct wish *w,
                      const struct score_row *r)
{
    const struct sight *s = &r->sight;
    struct jsonw j;
    char name[64];

    jsonw_init(&j, out, 0);
    jsonw_object(&j, NULL);
    jsonw_string(&j, "column", names[c]);
    jsonw_int(&j, "film", i);
    wish_name(name, sizeof name, w->color, w->shape, w->direction);
    jsonw_string(&j, "asked", name);
    wish_name(name, sizeof name, s->color, s->shape, s->direction);
    jsonw_string(&j, "seen", name);
    jsonw_bool(&j, "right", wish_met(w, s));
    jsonw_string(&j, "prompt", w->text);
    jsonw_int(&j, "color", s->color);
    jsonw_int(&j, "shape", s->shape);
    jsonw_int(&j, "direction", s->direction);
    jsonw_real(&j, "shape_p", s->shape_p);
    jsonw_real(&j, "share_seen", s->seen);
    jsonw_real(&j, "area", s->area);
    jsonw_real(&j, "across", s->across);
    jsonw_real(&j, "down", s->down);
    jsonw_real(&j, "growth", s->growth);
    jsonw_real(&j, "flicker", s->flicker);
    jsonw_real(&j, "speed", s->speed);
    if (c == SCORE_CODEC) {
        jsonw_real(&j, "error_sum", r->error.sum);
        jsonw_real(&j, "error_n", r->error.n);
        jsonw_real(&j, "mover_error_sum", r->error.mover_sum);
        jsonw_real(&j, "mover_error_n", r->error.mover_n);
    }
    jsonw_real(&j, "seam_border", r->seam.border);
    jsonw_real(&j, "seam_n_border", r->seam.n_border);
    jsonw_real(&j, "seam_inside", r->seam.inside);
    jsonw_real(&j, "seam_n_inside", r->seam.n_inside);
    jsonw_real(&j, "seconds", r->seconds);
    jsonw_end_object(&j);
    buf_putc(out, '\n');
}

static int read_row(struct score *s, const char *line, size_t len, const char *name, struct err *e)
{
    struct jdoc *doc;
    struct score_row r = {.done = 1};
    int rc = jdoc_parse(&doc, line, len, name, e), c, i;

    if (rc)
        return rc;
    struct jval o = jdoc_root(doc);

    c = j_choice(o, "column", names, SCORE_COLUMNS);
    i = (int)j_int(o, "film", 0, WISH_MAX);
    r.sight.color = (int)j_int(o, "color", 0, COLOR_COUNT - 1);
    r.sight.shape = (int)j_int(o, "shape", 0, SHAPE_COUNT - 1);
    r.sight.direction = (int)j_int(o, "direction", 0, DIRECTION_COUNT - 1);
    r.sight.shape_p = j_real(o, "shape_p", 0, 1);
    r.sight.seen = j_real(o, "share_seen", 0, 1);
    r.sight.area = j_real(o, "area", 0, 1);
    r.sight.across = j_real(o, "across", -1e6, 1e6);
    r.sight.down = j_real(o, "down", -1e6, 1e6);
    r.sight.growth = j_real(o, "growth", -1e6, 1e6);
    r.sight.flicker = j_real(o, "flicker", 0, 1);
    r.sight.speed = j_real(o, "speed", 0, 1e6);
    r.error.sum = j_real_or(o, "error_sum", 0, 1e18, 0);
    r.error.n = j_real_or(o, "error_n", 0, 1e18, 0);
    r.error.mover_sum = j_real_or(o, "mover_error_sum", 0, 1e18, 0);
    r.error.mover_n = j_real_or(o, "mover_error_n", 0, 1e18, 0);
    r.seam.border = j_real_or(o, "seam_border", 0, 1e18, 0);
    r.seam.n_border = j_real_or(o, "seam_n_border", 0, 1e18, 0);
    r.seam.inside = j_real_or(o, "seam_inside", 0, 1e18, 0);
    r.seam.n_inside = j_real_or(o, "seam_n_inside", 0, 1e18, 0);
    r.seconds = j_real(o, "seconds", 0, 1e9);
    rc = jdoc_status(doc, e);
    jdoc_close(&doc);
    if (!rc && i < s->n)
        s->row[c][i] = r;
    return rc;
}

/* Returns the bytes of whole lines in *whole. */
static int read_log(struct score *s, const char *path, const char *settings, size_t *whole,
                    struct err *e)
{
    struct buf text = BUF_INIT;
    int rc = file_read(&text, path, 64 << 20, e);
    const char *at = buf_str(&text), *end = at + text.len, *stop;

    for (int line = 0; !rc && (stop = memchr(at, '\n', (size_t)(end - at))); line++) {
        size_t len = (size_t)(stop - at);

        if (line)
            rc = read_row(s, at, len, path, e);
        else if (len != strlen(settings) || memcmp(at, settings, len))
            rc = err_set(e, ERR_USAGE,
                         "%s is of a measurement with other settings or another model; "
                         "give another folder, or remove it",
                         path);
        at = stop + 1;
    }
    *whole = (size_t)(at - buf_str(&text));
    buf_release(&text);
    return rc;
}

int score_open(struct score *s, const struct wishes *w, int n, const char *path,
               const char *settings, struct err *e)
{
    size_t whole = 0;
    int rc = 0;

    *s = (struct score){.wishes = w, .n = n};
    for (int c = 0; c < SCORE_COLUMNS; c++)
        s->row[c] = xcalloc((size_t)n, sizeof *s->row[c]);
    if (!path)
        return 0;
    if (file_exists(path))
        rc = read_log(s, path, settings, &whole, e);
    if (!rc) {
        s->log = fopen(path, whole ? "r+" : "w");
        if (!s->log || ftruncate(fileno(s->log), (off_t)whole) || fseek(s->log, 0, SEEK_END) ||
            (!whole && fprintf(s->log, "%s\n", settings) < 0) || fflush(s->log))
            rc = err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    }
    if (rc)
        score_close(s);
    return rc;
}

void score_close(struct score *s)
{
    for (int c = 0; c < SCORE_COLUMNS; c++)
        free(s->row[c]);
    if (s->log)
        fclose(s->log);
    memset(s, 0, sizeof *s);
}

int score_add(struct score *s, enum score_column c, int i, const struct score_row *row,
              struct err *e)
{
    struct buf line = BUF_INIT;
    int rc = 0;

    s->row[c][i] = *row;
    s->row[c][i].done = 1;
    write_row(&line, c, i, &s->wishes->item[i], row);
    if (s->log && (fwrite(line.data, 1, line.len, s->log) != line.len || fflush(s->log)))
        rc =
            err_set(e, ERR_IO, "the log of the measurement cannot be written: %s", strerror(errno));
    buf_release(&line);
    return rc;
}

/* ---- counting ---- */

void score_tally(const struct score *s, enum score_column c, struct tally *t)
{
    *t = (struct tally){0};
    for (int i = 0; i < s->n; i++)
        if (s->row[c][i].done)
            tally_add(t, &s->wishes->item[i], &s->row[c][i].sight);
}

void score_shuffled(const struct score *s, enum score_column c, struct tally *t)
{
    *t = (struct tally){0};
    for (int i = 0; i < s->n; i++)
        for (int j = 0; j < s->n && s->row[c][i].done; j++)
            if (i != j)
                tally_add(t, &s->wishes->item[j], &s->row[c][i].sight);
}
