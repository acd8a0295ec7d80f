/* orientation.h - which way up a picture is: the Orientation tag of Exif 2.32 (CIPA DC-008, 4.6.4)
 * inside JPEG (APP1), PNG (eXIf) and WebP (EXIF). Every byte may be hostile. Pure. */
#ifndef MEDIA_ORIENTATION_H
#define MEDIA_ORIENTATION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct picture;

/* 1..8 as in the standard; 1 (as it is) when there is no tag that can be read. */
int orientation_of(const uint8_t *file, size_t bytes);
/* Turn and mirror p so that it is shown as a viewer shows a picture with this tag. */
NODISCARD int orientation_apply(struct picture *p, int orientation, const char *name,
                                struct err *e);

#endif
