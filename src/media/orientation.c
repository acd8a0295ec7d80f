#include "media/orientation.h"

#include <stdlib.h>
#include <string.h>

#include "media/picture.h"

enum { TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, ENTRY_BYTES = 12 };

static uint32_t number(const uint8_t *p, int bytes, int big_endian)
{
    uint32_t v = 0;

    for (int i = 0; i < bytes; i++)
        v = v << 8 | p[big_endian ? i : bytes - 1 - i];
    return v;
}

/* A TIFF header and its first directory. */
static int of_tiff(const uint8_t *d, size_t n)
{
    int big;
    uint32_t at, count, v;

    if (n < 8 || (memcmp(d, "II*\0", 4) && memcmp(d, "MM\0*", 4)))
        return 1;
    big = d[0] == 'M';
    at = number(d + 4, 4, big);
    if (at > n || n - at < 2)
        return 1;
    count = number(d + at, 2, big);
    for (const uint8_t *e = d + at + 2; count-- && (size_t)(d + n - e) >= ENTRY_BYTES;
         e += ENTRY_BYTES)
        if (number(e, 2, big) == TAG_ORIENTATION && number(e + 2, 2, big) == TYPE_SHORT) {
            v = number(e + 8, 2, big);
            return v >= 1 && v <= 8 ? (int)v : 1;
        }
    return 1;
}

/* Segments before the picture: 0xff, kind, length of what follows with the length itself. */
static int of_jpeg(const uint8_t *d, size_t n)
{
    for (size_t at = 2; at + 4 <= n && d[at] == 0xff;) {
        size_t length = number(d + at + 2, 2, 1);

        if (d[at + 1] == 0xda || length < 2 || n - at - 2 < length) /* the scan begins */
            return 1;
        if (d[at + 1] == 0xe1 && length >= 8 && !memcmp(d + at + 4, "Exif\0\0", 6))
            return of_tiff(d + at + 10, length - 8);
        at += 2 + length;
    }
    return 1;
}

/* Chunks of a size and a name of four letters each: PNG has the size first and a checksum behind,
 * RIFF the name first and fills up to even sizes. */
static int of_chunks(const uint8_t *d, size_t n, size_t at, const char *name, int png)
{
    while (at <= n && n - at >= 8) {
        size_t size = number(d + at + (png ? 0 : 4), 4, png), head = at + 8;

        if (size > n - head)
            return 1;
        if (!memcmp(d + at + (png ? 4 : 0), name, 4)) {
            if (size >= 6 && !memcmp(d + head, "Exif\0\0", 6)) /* some writers of WebP */
                return of_tiff(d + head + 6, size - 6);
            return of_tiff(d + head, size);
        }
        at = head + size + (png ? 4 : size % 2);
    }
    return 1;
}

int orientation_of(const uint8_t *d, size_t n)
{
    if (n >= 4 && !memcmp(d, "\xff\xd8\xff", 3))
        return of_jpeg(d, n);
    if (n >= 8 && !memcmp(d, "\x89PNG\r\n\x1a\n", 8))
        return of_chunks(d, n, 8, "eXIf", 1);
    if (n >= 12 && !memcmp(d, "RIFF", 4) && !memcmp(d + 8, "WEBP", 4))
        return of_chunks(d, n, 12, "EXIF", 0);
    return 1;
}

int orientation_apply(struct picture *p, int orientation, const char *name, struct err *e)
{
    /* 5 to 8 are 1 to 4 with rows and columns exchanged; then right to left, top to bottom. */
    int swap = orientation >= 5, flip_x = 0, flip_y = 0;
    struct picture out;

    if (orientation <= 1)
        return 0;
    switch (orientation) {
    case 2:
        flip_x = 1;
        break;
    case 3:
        flip_x = flip_y = 1;
        break;
    case 4:
        flip_y = 1;
        break;
    case 6:
        flip_x = 1;
        break;
    case 7:
        flip_x = flip_y = 1;
        break;
    case 8:
        flip_y = 1;
        break;
    default:
        break;
    }
    if (picture_try(&out, swap ? p->h : p->w, swap ? p->w : p->h, name, e))
        return ERR_FIT;
    for (int y = 0; y < out.h; y++)
        for (int x = 0; x < out.w; x++) {
            int u = flip_x ? out.w - 1 - x : x, v = flip_y ? out.h - 1 - y : y;
            size_t from =
                swap ? (size_t)u * (size_t)p->w + (size_t)v : (size_t)v * (size_t)p->w + (size_t)u;

            memcpy(out.rgb + 3 * ((size_t)y * (size_t)out.w + (size_t)x), p->rgb + 3 * from, 3);
        }
    picture_release(p);
    *p = out;
    return 0;
}
