/* y4m.c - YUV4MPEG2: one line of text, then FRAME and raw planes. The format has no word for the
 * matrix, and its readers take BT.601, of whatever size (FFmpeg, mpv, y4m(5)); so do we, in limited
 * range. Readers take only short lines (x264 80
 * bytes, FFmpeg 96), so the recipe lies beside the film, in NAME.y4m.json; a film on standard
 * output has none. */
#include <errno.h>
#include <limits.h>
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
    int w, h, hold;    /* the lock of the part file; below 0: none */
    int any;           /* frames */
    uint8_t *planes;
    size_t bytes; /* of one frame */
    struct yuv_planes view;
};

/* Centred chroma is what the format's most common name, 420jpeg, means, and what a reader that
 * doubles pixels (FFmpeg's quick way) shows best. */
static const struct yuv_layout written = {.matrix = YUV_BT601, .centred = 1};

enum { HEADER_MAX = 4096 }; /* that is read; what is written is shorter than 80 */

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

/* The recipe of NAME.y4m. */
static char *recipe_name(const char *film)
{
    return xasprintf("%s.json", film);
}

static int cannot_write(const struct y4m *y, struct err *e)
{
    return err_set(e, ERR_IO, "%s: cannot write: %s", y->part ? y->part : "standard output",
                   strerror(errno));
}

static int put(struct y4m *y, const void *data, size_t n, struct err *e)
{
    return fwrite(data, 1, n, y->out) == n ? 0 : cannot_write(y, e);
}

/* A reader at the other end of a pipe sees each frame at once. */
static int flush(struct y4m *y, struct err *e)
{
    return fflush(y->out) ? cannot_write(y, e) : 0;
}

static void y4m_free(struct y4m *y)
{
    if (y->part && y->out)
        fclose(y->out);
    if (y->hold >= 0)
        close(y->hold);
    free(y->path);
    free(y->part);
    free(y->planes);
    free(y);
}

/* Beside the part file; without a recipe none is left there. */
static int put_recipe(const struct y4m *y, const char *recipe, struct err *e)
{
    char *name = recipe_name(y->part);
    int rc = 0;

    if (recipe)
        rc = file_write(name, recipe, strlen(recipe), e);
    else if (file_exists(name) && unlink(name))
        rc = err_set(e, ERR_IO, "%s: cannot be removed: %s", name, strerror(errno));
    free(name);
    return rc;
}

static int open_out(struct y4m *y, const char *path, const char *recipe, struct err *e)
{
    if (!strcmp(path, "-")) {
        y->out = stdout;
        return 0;
    }
    y->path = xstrdup(path);
    y->part = film_part_name(path);
    if ((y->hold = film_hold_part(y->part, e)) < 0)
        return y->hold;
    y->out = fopen(y->part, "wb");
    if (!y->out)
        return err_set(e, ERR_IO, "%s: cannot write: %s", y->part, strerror(errno));
    return put_recipe(y, recipe, e);
}

static int y4m_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct y4m *y = xcalloc(1, sizeof *y);
    char head[80];
    size_t size[3];
    int stride[3], rc, n;

    y->hold = -1;
    y->w = o->w;
    y->h = o->h;
    y->bytes = plane_sizes(size, stride, o->w, o->h, YUV_420);
    y->planes = xmalloc(y->bytes);
    view_init(&y->view, y->planes, o->w, o->h, YUV_420);
    n = snprintf(head, sizeof head,
                 "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C420jpeg XCOLORRANGE=LIMITED\n", o->w, o->h,
                 o->fps_num, o->fps_den);
    ZT_ASSERT(n < (int)sizeof head);
    rc = open_out(y, path, o->comment, e);
    if (!rc)
        rc = put(y, head, (size_t)n, e);
    if (!rc)
        rc = flush(y, e);
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

    yuv_from_rgb(&y->view, rgb, y->w, y->h, &written);
    if ((rc = put(y, "FRAME\n", 6, e)) || (rc = put(y, y->planes, y->bytes, e)))
        return rc;
    y->any = 1;
    return flush(y, e);
}

/* Part files get their names. The recipe of an older film goes first: no film is ever beside a
 * recipe that is not its own. */
static int place(const struct y4m *y, struct err *e)
{
    char *from = recipe_name(y->part), *to = recipe_name(y->path);
    int rc = 0;

    if (unlink(to) && errno != ENOENT)
        rc = err_set(e, ERR_IO, "%s: cannot be removed: %s", to, strerror(errno));
    else if (rename(y->part, y->path))
        rc = err_set(e, ERR_IO, "%s: cannot rename %s: %s", y->path, y->part, strerror(errno));
    else if (file_exists(from) && rename(from, to))
        rc = err_set(e, ERR_IO, "%s: cannot rename %s: %s", to, from, strerror(errno));
    free(from);
    free(to);
    return rc;
}

static int y4m_comment(void *state, const char *comment, struct err *e)
{
    struct y4m *y = state;

    return y->part ? put_recipe(y, comment, e) : 0; /* a pipe has no place for it */
}

static int y4m_finish(void *state, struct err *e)
{
    struct y4m *y = state;
    int rc = 0;

    if (fflush(y->out) || (y->part && fsync(fileno(y->out))))
        rc = cannot_write(y, e);
    else if (y->part)
        rc = place(y, e);
    y4m_free(y);
    return rc;
}

static void y4m_abort(void *state)
{
    struct y4m *y = state;

    if (y->part && !y->any) {
        char *recipe = recipe_name(y->part);

        unlink(recipe);
        unlink(y->part);
        free(recipe);
    }
    y4m_free(y);
}

/* The planes of one picture. */
static uint64_t y4m_room(const struct film_options *o, int64_t n)
{
    size_t size[3];
    int stride[3];

    (void)n;
    return plane_sizes(size, stride, o->w, o->h, YUV_420);
}

const struct film_kind film_kind_y4m = {y4m_begin,  y4m_write, y4m_comment,
                                        y4m_finish, y4m_abort, y4m_room};

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

    *l = (struct yuv_layout){.matrix = YUV_BT601, .chroma = YUV_420};
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
    uint8_t *planes = try_malloc(bytes, e, "a frame of %s", path), *rgb;
    int rc = planes ? 0 : ERR_FIT;

    view_init(&view, planes, f->w, f->h, l->chroma);
    while (!rc && f->n < caps->max_frames && !read_line(&line, in, 4096)) {
        if (strncmp(buf_str(&line), "FRAME", 5)) {
            rc = err_set(e, ERR_FORMAT, "%s: frame %d does not begin with FRAME", path, f->n);
            break;
        }
        if (fread(planes, 1, bytes, in) != bytes)
            break; /* cut off in the middle: the frames before it are whole */
        if ((rc = film_next_frame(f, caps, path, &rgb, e)))
            break;
        yuv_to_rgb(rgb, &view, l, f->w, f->h);
        f->n++;
    }
    free(planes);
    buf_release(&line);
    return rc;
}

/* Whole frames from here on, without looking at their pixels. */
static int count_frames(FILE *in, off_t bytes)
{
    struct buf line = BUF_INIT;
    off_t end = fseeko(in, 0, SEEK_CUR) ? 0 : ftello(in), size;
    int n = 0;

    if (fseeko(in, 0, SEEK_END) || (size = ftello(in)) < 0 || fseeko(in, end, SEEK_SET))
        return 0;
    while (n < INT_MAX && !read_line(&line, in, 4096) && !strncmp(buf_str(&line), "FRAME", 5)) {
        end = ftello(in) + bytes;
        if (end > size || fseeko(in, end, SEEK_SET))
            break;
        n++;
    }
    buf_release(&line);
    return n;
}

int y4m_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    struct buf line = BUF_INIT;
    struct yuv_layout layout = {0};
    FILE *in = fopen(path, "rb");
    size_t size[3];
    int stride[3], rc;

    if (!in)
        return err_set(e, ERR_IO, "%s: cannot open: %s", path, strerror(errno));
    if (read_line(&line, in, HEADER_MAX) || strncmp(buf_str(&line), "YUV4MPEG2 ", 10))
        rc = err_set(e, ERR_FORMAT, "%s: no whole y4m header", path);
    else
        rc = parse_header(f, &layout, line.data, path, e);
    if (!rc && caps->max_frames)
        rc = read_frames(f, &layout, in, path, caps, e);
    else if (!rc)
        f->n = count_frames(in, (off_t)plane_sizes(size, stride, f->w, f->h, layout.chroma));
    if (!rc) {
        char *recipe = recipe_name(path);
        f->comment = film_read_recipe(recipe);
        free(recipe);
    }
    buf_release(&line);
    fclose(in);
    return rc;
}
