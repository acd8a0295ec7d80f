#include "measure_press.h"

#include <math.h>

static const char *const shape_name[2] = {"landscape", "portrait"};

void press_add(struct press *p, const struct story_wish *w, enum score_column c,
               const struct axes *a)
{
    for (int k = 0; k < N_AXES; k++) {
        struct press_cell *to = &p->cell[w->h > w->w][w->family][c][k];

        if (isnan(a->value[k]))
            continue;
        to->sum += a->value[k];
        to->n++;
    }
}

static void say_figure(struct buf *out, const struct press_cell *c, int axis, const char *form)
{
    if (c->n > 0)
        buf_printf(out, form, c->sum / c->n * axis_info[axis].times);
    else
        buf_printf(out, "%5s", "-");
}

/* One column of all films: the six prompts, each with its render in brackets. */
static void say_axis(const struct press *p, int shape, enum score_column c, int axis,
                     struct buf *out)
{
    const char *unit = axis_info[axis].unit;

    buf_printf(out, "%-7s %-3s", axis_info[axis].name, unit);
    for (int f = 0; f < STORY_FAMILY_MIXED; f++) {
        buf_putc(out, ' ');
        say_figure(out, &p->cell[shape][f][c][axis], axis, "%5.1f");
        buf_puts(out, " (");
        say_figure(out, &p->cell[shape][f][SCORE_RENDERS][axis], axis, "%5.1f");
        buf_putc(out, ')');
    }
    buf_putc(out, '\n');
}

void press_say(const struct press *p, const int column[SCORE_COLUMNS], struct buf *out)
{
    enum score_column c = column[SCORE_MODEL] ? SCORE_MODEL : SCORE_CODEC;

    for (int shape = 0; shape < 2; shape++) {
        buf_printf(out, "\n%s, %s (renders)\n%11s", shape_name[shape], score_column_name(c), "");
        for (int f = 0; f < STORY_FAMILY_MIXED; f++)
            buf_printf(out, " %13s", story_family_name(f));
        buf_putc(out, '\n');
        for (int k = 0; k < N_AXES; k++)
            say_axis(p, shape, c, k, out);
    }
    buf_putc(out, '\n');
    for (int k = 0; k < N_AXES; k++)
        buf_printf(out, "%s: %s%s%s\n", axis_info[k].name, axis_info[k].unit,
                   *axis_info[k].unit ? ", " : "", axis_info[k].what);
}

void press_json(const struct press *p, const int column[SCORE_COLUMNS], struct jsonw *j)
{
    jsonw_object(j, "axes");
    for (int shape = 0; shape < 2; shape++) {
        jsonw_object(j, shape_name[shape]);
        for (int f = 0; f < STORY_FAMILY_MIXED; f++) {
            jsonw_object(j, story_family_name(f));
            for (int k = 0; k < N_AXES; k++) {
                jsonw_object(j, axis_info[k].name);
                for (int c = 0; c < SCORE_COLUMNS; c++) {
                    const struct press_cell *from = &p->cell[shape][f][c][k];

                    if (column[c] && from->n > 0)
                        jsonw_real(j, score_column_name((enum score_column)c),
                                   from->sum / from->n * axis_info[k].times);
                }
                jsonw_end_object(j);
            }
            jsonw_end_object(j);
        }
        jsonw_end_object(j);
    }
    jsonw_end_object(j);
}
