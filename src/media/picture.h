/* picture.h - one picture in memory, to and from a file.
 *
 * PPM (P6) works in every build; PNG, JPEG and WebP are read and written by FFmpeg's codecs. What a
 * file is, is told by its first bytes, never by its name. Pictures are turned as their Exif
 * orientation asks, and what is transparent lies on white. Thread-safety: a struct picture belongs
 * to one thread; the functions may run in any. */
#ifndef MEDIA_PICTURE_H
#define MEDIA_PICTURE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { PICTURE_MAX_SIDE = 16384, PICTURE_MAX_FILE_BYTES = 256 << 20 };

struct picture {
    int w, h;     /* pixels, 1..PICTURE_MAX_SIDE */
    uint8_t *rgb; /* [h][w][3], owned */
};

void picture_init(struct picture *p, int w, int h); /* black */
/* The same for a size that somebody chose; ERR_FIT: no memory, *p is empty. name: for the message.
 */
NODISCARD int picture_try(struct picture *p, int w, int h, const char *name, struct err *e);
void picture_release(struct picture *p);

/* "-" is stdin. ERR_IO: cannot be read, or a format that this build lacks. ERR_FORMAT: broken or
 * too large. ERR_FIT: no memory. *p is empty then. */
NODISCARD int picture_load(struct picture *p, const char *path, struct err *e);
/* The same of what a file holds; name: for messages. Opens nothing. */
NODISCARD int picture_decode(struct picture *p, const char *name, const struct buf *b,
                             struct err *e);
/* .ppm, .png, .jpg (.jpeg) or .webp, by the name's ending (else ERR_USAGE). Written under another
 * name, then renamed. */
NODISCARD int picture_save(const struct picture *p, const char *path, struct err *e);
/* The same with an AI-content label inside of it, but for .ppm; NULL: none. */
NODISCARD int picture_save_labelled(const struct picture *p, const char *path, const char *label,
                                    struct err *e);
/* The same by file_write_passing and quickly packed: one of many, soon written over. */
NODISCARD int picture_save_passing(const struct picture *p, const char *path, struct err *e);
/* What a file of this ending (png, jpg, webp) would hold, appended. ERR_IO: not in this build. */
NODISCARD int picture_encode(const struct picture *p, const char *ending, struct buf *out,
                             struct err *e);

#endif
