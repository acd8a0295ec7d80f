/* world_sheet.h - a contact sheet of a world: one row of pictures per scene, time to the right. */
#ifndef TOOL_WORLD_SHEET_H
#define TOOL_WORLD_SHEET_H

#include "base/err.h"
#include "world/world.h"

struct sheet {
    const char *path; /* .png or .ppm */
    int w, h;         /* of one picture, pixels */
    int rows, columns;
    double seconds;                  /* from the first column to the last */
    const struct world_scene *scene; /* [rows], borrowed */
};

/* Draw the scenes on all threads and write the picture. ERR_USAGE: it would be too large, or the
 * ending is none of a picture. ERR_IO. */
NODISCARD int sheet_write(const struct sheet *s, struct err *e);

#endif
