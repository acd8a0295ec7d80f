/* picture.c - PPM here, the rest by FFmpeg's codecs. */
#include "media/picture.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/file.h"
#include "media/film_kind.h"
#include "media/orientation.h"

int picture_try(struct picture *p, int w, int h, const char *name, struct err *e)
{
    ZT_ASSERT(w >= 1 && h >= 1 && w <= PICTURE_MAX_SIDE && h <= PICTURE_MAX_SIDE);
    *p = (struct picture){w, h, calloc((size_t)w * (size_t)h, 3)};
    if (p->rgb)
        return 0;
    *p = (struct picture){0};
    return err_set(e, ERR_FIT, "%s: out of memory for a picture of %dx%d", name, w, h);
}

void picture_init(struct picture *p, int w, int h)
{
    if (picture_try(p, w, h, "a picture", NULL))
        panic("out of memory: a picture of %dx%d", w, h);
}

void picture_release(struct picture *p)
{
    free(p->rgb);
    *p = (struct picture){0};
}

/* The next number of a PPM header; # begins a comment. -1 when there is none. */
static long ppm_number(const struct buf *b, size_t *at)
{
    long v = -1;

    while (*at < b->len && (isspace((unsigned char)b->data[*at]) || b->data[*at] == '#')) {
        if (b->data[*at] == '#')
            while (*at < b->len && b->data[*at] != '\n')
                ++*at;
        else
            ++*at;
    }
    for (; *at < b->len && isdigit((unsigned char)b->data[*at]); ++*at) {
        v = (v < 0 ? 0 : v) * 10 + (b->data[*at] - '0');
        if (v > 1000000)
            return -1;
    }
    return v;
}

static int ppm_decode(struct picture *p, const char *path, const struct buf *b, struct err *e)
{
    size_t at = 2;
    long w = ppm_number(b, &at), h = ppm_number(b, &at), max = ppm_number(b, &at);
    size_t bytes;

    if (w < 1 || h < 1 || w > PICTURE_MAX_SIDE || h > PICTURE_MAX_SIDE)
        return err_set(e, ERR_FORMAT, "%s: PPM size %ldx%ld; each side must be 1 to %d", path, w, h,
                       PICTURE_MAX_SIDE);
    if (max != 255)
        return err_set(e, ERR_FORMAT, "%s: PPM with largest value %ld; only 255 is read", path,
                       max);
    at++; /* one white space, then the pixels */
    bytes = (size_t)w * (size_t)h * 3;
    if (at > b->len || b->len - at < bytes)
        return err_set(e, ERR_FORMAT, "%s: PPM of %ldx%ld pixels is cut off", path, w, h);
    if (picture_try(p, (int)w, (int)h, path, e))
        return ERR_FIT;
    memcpy(p->rgb, b->data + at, bytes);
    return 0;
}

int picture_decode(struct picture *p, const char *name, const struct buf *b, struct err *e)
{
    int rc;

    *p = (struct picture){0};
    if (b->len >= 3 && !memcmp(b->data, "P6", 2) && isspace((unsigned char)b->data[2]))
        rc = ppm_decode(p, name, b, e);
    else
        rc = ff_picture_decode(p, name, buf_str(b), b->len, e);
    if (!rc)
        rc = orientation_apply(p, orientation_of((const uint8_t *)buf_str(b), b->len), name, e);
    if (rc)
        picture_release(p);
    return rc;
}

int picture_load(struct picture *p, const char *path, struct err *e)
{
    struct buf b = BUF_INIT;
    int rc = file_read(&b, path, PICTURE_MAX_FILE_BYTES, e);

    *p = (struct picture){0};
    if (!rc)
        rc = picture_decode(p, path, &b, e);
    buf_release(&b);
    return rc;
}

static int is_written(const char *ending)
{
    static const char *const all[] = {"png", "jpg", "jpeg", "webp"};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (!strcasecmp(all[i], ending))
            return 1;
    return 0;
}

static int encode(const struct picture *p, const char *ending, int quick, struct buf *out,
                  struct err *e)
{
    void *data;
    size_t bytes;
    int rc = ff_picture_encode(p, ending, quick, &data, &bytes, e);

    if (rc)
        return rc;
    buf_add(out, data, bytes);
    free(data);
    return 0;
}

int picture_encode(const struct picture *p, const char *ending, struct buf *out, struct err *e)
{
    return encode(p, ending, 0, out, e);
}

typedef int (*write_fn)(const char *path, const void *data, size_t bytes, struct err *e);

static int save(const struct picture *p, const char *path, int quick, const char *label,
                write_fn write, struct err *e)
{
    struct buf b = BUF_INIT;
    int rc = 0;

    if (!strcasecmp(path_ext(path), "ppm")) {
        buf_printf(&b, "P6\n%d %d\n255\n", p->w, p->h);
        buf_add(&b, p->rgb, (size_t)p->w * p->h * 3);
    } else if (is_written(path_ext(path))) {
        rc = encode(p, path_ext(path), quick, &b, e);
        if (!rc && label)
            picture_label(&b, p, label);
    } else {
        rc = err_set(e, ERR_USAGE, "%s: pictures are written as .png, .jpg, .webp or .ppm", path);
    }
    if (!rc)
        rc = write(path, b.data, b.len, e);
    buf_release(&b);
    return rc;
}

int picture_save(const struct picture *p, const char *path, struct err *e)
{
    return save(p, path, 0, NULL, file_write, e);
}

int picture_save_labelled(const struct picture *p, const char *path, const char *label,
                          struct err *e)
{
    return save(p, path, 0, label, file_write, e);
}

int picture_save_passing(const struct picture *p, const char *path, struct err *e)
{
    return save(p, path, 1, NULL, file_write_passing, e);
}
