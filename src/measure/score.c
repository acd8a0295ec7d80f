#include "measure/score.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "measure/film_log.h"

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

static void read_row(void *user, struct jval o)
{
    struct score *s = user;
    struct score_row r = {.done = 1};
    int c, i;

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
    if (i < s->n)
        s->row[c][i] = r;
}

int score_open(struct score *s, const struct wishes *w, int n, const char *path,
               const char *settings, struct err *e)
{
    *s = (struct score){.wishes = w, .n = n};
    for (int c = 0; c < SCORE_COLUMNS; c++)
        s->row[c] = xcalloc((size_t)n, sizeof *s->row[c]);
    int rc = film_log_open(&s->log, path, settings, read_row, s, e);
    if (rc)
        score_close(s);
    return rc;
}

void score_close(struct score *s)
{
    for (int c = 0; c < SCORE_COLUMNS; c++)
        free(s->row[c]);
    film_log_close(&s->log);
    memset(s, 0, sizeof *s);
}

int score_add(struct score *s, enum score_column c, int i, const struct score_row *row,
              struct err *e)
{
    struct buf line = BUF_INIT;

    s->row[c][i] = *row;
    s->row[c][i].done = 1;
    write_row(&line, c, i, &s->wishes->item[i], row);
    int rc = film_log_add(s->log, &line, e);
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
