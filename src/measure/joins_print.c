/* joins_print.c - the report about joins for people and for programs, and where joins are. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/jsonw.h"
#include "measure/joins.h"

void joins_say(const struct joins_report *r, double fps, struct buf *out)
{
    if (r->n)
        buf_puts(out, "join at      colour  brighter  sharpness  motion   jump\n");
    for (int i = 0; i < r->n; i++) {
        const struct join *k = &r->join[i];

        buf_printf(out, "%9.2f s  %6.2f  %+8.2f  %9.2f  %6.2f  %5.2f\n", k->frame / fps, k->color,
                   k->luminance, k->sharpness, k->motion, k->jump);
    }
    buf_printf(out,
               "drift per minute: colour %.2f, brightness %+.2f, sharpness %+.0f %%, motion %+.0f "
               "%%\nsharpness, contrast and colours of the last seconds to the first: %.2f (1: no "
               "change)\n",
               r->slope.color, r->slope.luminance, 100 * r->slope.sharpness, 100 * r->slope.motion,
               r->quality);
    if (r->flat > 0)
        buf_printf(out, "frames of one colour: %.0f %%\n", 100 * r->flat);
    if (r->still_s > 0)
        buf_printf(out, "longest time without motion: %.2f s, from %.2f s on\n", r->still_s,
                   r->still_at_s);
}

void joins_json(const struct joins_report *r, struct jsonw *w)
{
    jsonw_array(w, "joins");
    for (int i = 0; i < r->n; i++) {
        const struct join *k = &r->join[i];

        jsonw_object(w, NULL);
        jsonw_int(w, "frame", k->frame);
        jsonw_real(w, "color", k->color);
        jsonw_real(w, "luminance", k->luminance);
        jsonw_real(w, "sharpness", k->sharpness);
        jsonw_real(w, "motion", k->motion);
        jsonw_real(w, "jump", k->jump);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
    jsonw_object(w, "slope_per_minute");
    jsonw_real(w, "color", r->slope.color);
    jsonw_real(w, "luminance", r->slope.luminance);
    jsonw_real(w, "sharpness", r->slope.sharpness);
    jsonw_real(w, "motion", r->slope.motion);
    jsonw_end_object(w);
    jsonw_real(w, "quality", r->quality);
    jsonw_real(w, "motion", r->motion);
    jsonw_real(w, "flat", r->flat);
    jsonw_real(w, "still_s", r->still_s);
    jsonw_real(w, "still_at_s", r->still_at_s);
}

int *joins_parse(const char *text, int *n)
{
    int *list = NULL, room = 0;

    *n = 0;
    while (*text) {
        char *end;
        long v = strtol(text, &end, 10);

        if (end == text || v < 1 || v > 1 << 24 || (*n && v <= list[*n - 1]) ||
            (*end && (*end != ',' || !end[1]))) {
            free(list);
            *n = 0;
            return NULL;
        }
        if (*n == room) {
            room = room ? 2 * room : 16;
            list = xrealloc(list, (size_t)room * sizeof *list);
        }
        list[(*n)++] = (int)v;
        text = end + (*end == ',');
    }
    return list;
}
