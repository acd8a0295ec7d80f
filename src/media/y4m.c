/* y4m.c - YUV4MPEG2: one line of text, then FRAME and raw planes. The format has no word for the
 * matrix; what is written here is BT.709 limited range and says so in an X field. The recipe goes
 * into an X field as well, with everything but graphic ASCII as %XX. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "media/film_kind.h"
#include "media/yuv.h"

struct y4m {
    FILE *out;
    char *path, *part; /* NULL for standard output */
    int w, h;
    uint8_t *planes;
    size_t bytes; /* of one frame */
    struct yuv_planes view;
};

enum { HEADER_MAX = 4 * FILM_MAX_COMMENT_BYTES };

static size_t plane_sizes(size_t size[3], int stride[3], int w, int h, enum yuv_chroma chroma)
{
    int cw = chroma == YUV_420 ? (w + 1) / 2 : chroma == YUV_444 ? w : 0;
    int ch = chroma == YUV_420 ? (h + 1) / 2 : chroma == YUV_444 ? h : 0;

    stride[0] = w;
    stride[1] = stride[2] = cw;
    size[0] = (size_t)w * h;
    size[1] = size[2] = (size_t)cw * ch;
    return size[0] + size[1] + size[2];
}

static size_t view_init(struct yuv_planes *v, uint8_t *planes, int w, int h, enum yuv_chroma chroma)
{
    size_t size[3], sum = plane_sizes(size, v->stride, w, h, chroma);

    v->plane[0] = planes;
    v->plane[1] = planes + size[0];
    v->plane[2] = planes + size[0] + size[1];
    return sum;
}

static void add_escaped(struct buf *b, const char *text)
{
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c > ' ' && c < 127 && c != '%')
            buf_putc(b, (char)c);
        else
            buf_printf(b, "%%%02X", c);
    }
}

static char *unescaped(const char *text)
{
    char *s = xstrdup(text), *to = s;
    unsigned value;

    for (const char *p = s; *p; p++) {
        if (*p == '%' && isxdigit((unsigned char)p[1]) && isxdigit((unsigned char)p[2]) &&
            sscanf(p + 1, "%2x", &value) == 1 && value) {
            *to++ = (char)value;
            p += 2;
        } else {
            *to++ = *p;
        }
    }
    *to = 0;
    return s;
}

static int put(struct y4m *y, const void *data, size_t n, struct err *e)
{
    if (fwrite(data, 1, n, y->out) == n)
        return 0;
    return err_set(e, ERR_IO, "%s: cannot write: %s", y->part ? y->part : "standard output",
                   strerror(errno));
}

static void y4m_free(struct y4m *y)
{
    if (y->part && y->out)
        fclose(y->out);
    free(y->path);
    free(y->part);
    free(y->planes);
    free(y);
}

static int y4m_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct y4m *y = xcalloc(1, sizeof *y);
    struct buf head = BUF_INIT;
    size_t size[3];
    int stride[3], rc;

    y->w = o->w;
    y->h = o->h;
    if (strcmp(path, "-")) {
        y->path = xstrdup(path);
        y->part = film_part_name(path);
        y->out = fopen(y->part, "wb");
    } else {
        y->out = stdout;
    }
    if (!y->out) {
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", y->part, strerror(errno));
        y4m_free(y);
        return rc;
    }
    y->bytes = plane_sizes(size, stride, o->w, o->h, YUV_420);
    y->planes = xmalloc(y->bytes);
    view_init(&y->view, y->planes, o->w, o->h, YUV_420);
    buf_printf(&head,
               "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420mpeg2 XCOLORRANGE=LIMITED XMATRIX=BT709", o->w,
               o->h, o->fps_num, o->fps_den);
    if (o->comment) {
        buf_puts(&head, " XCOMMENT=");
        add_escaped(&head, o->comment);
    }
    buf_putc(&head, '\n');
    rc = put(y, head.data, head.len, e);
    buf_release(&head);
    if (rc)
        y4m_free(y);
    else
        *state = y;
    return rc;
}

static int y4m_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct y4m *y = state;
    int rc;

    yuv_from_rgb(&y->view, rgb, y->w, y->h);
    if ((rc = put(y, "FRAME\n", 6, e)) || (rc = put(y, y->planes, y->bytes, e)))
        return rc;
    if (fflush(y->out)) /* a reader at the other end of a pipe sees each frame at once */
        return err_set(e, ERR_IO, "%s: cannot write: %s", y->part ? y->part : "standard output",
                       strerror(errno));
    return 0;
}

static int y4m_finish(void *state, struct err *e)
{
    struct y4m *y = state;
    int rc = 0;

    if (fflush(y->out) || (y->part && fsync(fileno(y->out))))
        rc = err_set(e, ERR_IO, "%s: cannot write: %s", y->part ? y->part : "standard output",
                     strerror(errno));
    else if (y->part && rename(y->part, y->path))
        rc = err_set(e, ERR_IO, "%s: cannot rename %s: %s", y->path, y->part, strerror(errno));
    y4m_free(y);
    return rc;
}

static void y4m_abort(void *state)
{
    y4m_free(state);
}

const struct film_kind film_kind_y4m = {y4m_begin, y4m_write, y4m_finish, y4m_abort};

static int parse_chroma(struct yuv_layout *l, const char *word)
{
    if (!strncmp(word, "mono", 4) && !word[4])
        l->chroma = YUV_GREY;
    else if (!strcmp(word, "444"))
        l->chroma = YUV_444;
    else if (!strcmp(word, "420") || !strcmp(word, "420jpeg"))
        l->centred = 1;
    else if (strcmp(word, "420mpeg2") && strcmp(word, "420paldv"))
        return -1;
    return 0;
}

/* Header without its newline; the words are separated by single spaces. */
static int parse_header(struct film *f, struct yuv_layout *l, char *line, const char *path,
                        struct err *e)
{
    char *rest = line, *word = strtok_r(line, " ", &rest);

    *l = (struct yuv_layout){.matrix = YUV_BT709, .chroma = YUV_420};
    while ((word = strtok_r(NULL, " ", &rest))) {
        if (*word == 'W')
            f->w = atoi(word + 1);
        else if (*word == 'H')
            f->h = atoi(word + 1);
        else if (*word == 'F' && sscanf(word + 1, "%d:%d", &f->fps_num, &f->fps_den) != 2)
            f->fps_num = 0;
        else if (*word == 'C' && parse_chroma(l, word + 1))
            return err_set(e, ERR_FORMAT,
                           "%s: y4m colour space %.20s; 420, 420jpeg, 420mpeg2, 420paldv, 444 and "
                           "mono are read",
                           path, word);
        else if (!strcmp(word, "XCOLORRANGE=FULL"))
            l->full_range = 1;
        else if (!strncmp(word, "XCOMMENT=", 9) && !f->comment)
            f->comment = unescaped(word + 9);
    }
    if (f->w < 1 || f->h < 1 || f->w > PICTURE_MAX_SIDE || f->h > PICTURE_MAX_SIDE)
        return err_set(e, ERR_FORMAT, "%s: y4m size %dx%d; each side must be 1 to %d pixels", path,
                       f->w, f->h, PICTURE_MAX_SIDE);
    if (f->fps_num < 1 || f->fps_den < 1)
        f->fps_num = 0, f->fps_den = 1;
    return 0;
}

/* One line up to '\n', at most max bytes. -1 at the end of the file or when it is longer. */
static int read_line(struct buf *line, FILE *in, size_t max)
{
    int c;

    buf_clear(line);
    while ((c = getc(in)) != EOF && c != '\n') {
        if (line->len == max)
            return -1;
        buf_putc(line, (char)c);
    }
    return c == EOF ? -1 : 0;
}

static int read_frames(struct film *f, const struct yuv_layout *l, FILE *in, const char *path,
                       const struct film_caps *caps, struct err *e)
{
    struct yuv_planes view;
    struct buf line = BUF_INIT;
    size_t size[3], bytes = plane_sizes(size, (int[3]){0}, f->w, f->h, l->chroma);
    uint8_t *planes = xmalloc(bytes), *rgb;
    int rc = 0;

    view_init(&view, planes, f->w, f->h, l->chroma);
    while (f->n < caps->max_frames && !read_line(&line, in, 4096)) {
        if (strncmp(buf_str(&line), "FRAME", 5)) {
            rc = err_set(e, ERR_FORMAT, "%s: frame %d does not begin with FRAME", path, f->n);
            break;
        }
        if (fread(planes, 1, bytes, in) != bytes)
            break; /* cut off in the middle: the frames before it are whole */
        if (!(rgb = film_next_frame(f, caps, path, e))) {
            rc = ERR_FORMAT;
            break;
        }
        yuv_to_rgb(rgb, &view, l, f->w, f->h);
        f->n++;
    }
    free(planes);
    buf_release(&line);
    return rc;
}

int y4m_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    struct buf line = BUF_INIT;
    struct yuv_layout layout;
    FILE *in = fopen(path, "rb");
    int rc;

    if (!in)
        return err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (read_line(&line, in, HEADER_MAX) || strncmp(buf_str(&line), "YUV4MPEG2 ", 10))
        rc = err_set(e, ERR_FORMAT, "%s: no whole y4m header", path);
    else
        rc = parse_header(f, &layout, line.data, path, e);
    if (!rc)
        rc = read_frames(f, &layout, in, path, caps, e);
    buf_release(&line);
    fclose(in);
    return rc;
}
