/* measure_report.h - films, what they should show and what was seen, as one page to look at:
 * DIR/report.html with DIR/NNN.png, four frames of each film side by side. */
#ifndef TOOL_MEASURE_REPORT_H
#define TOOL_MEASURE_REPORT_H

#include "measure/story_wish.h"

struct report;

/* The folder is made where it is missing. ERR_IO. */
NODISCARD int report_open(struct report **r, const char *dir, struct err *e);
/* Film i of a list; rgb [n][h][w][3]. ERR_IO. */
NODISCARD int report_film(struct report *r, int i, const struct story_wish *w,
                          const struct probe_sight *s, const uint8_t *rgb, int width, int height,
                          int n, struct err *e);
/* Write the page, with a table in plain text on top, and free the report. */
NODISCARD int report_close(struct report **r, const char *table, struct err *e);
/* Without a page; NULL is nothing. */
void report_free(struct report **r);

#endif
