/* film.c - which kind of file a name means, and checks that all kinds share. */
#include "media/film.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/utf8.h"
#include "media/film_kind.h"

struct film_writer {
    const struct film_kind *kind;
    void *state;
};

#define PICTURE &film_kind_picture, ".json", sizeof ".json" - 1 + FILE_TMP_BYTES, 0

/* THE table of what films are written as, the best first. */
static const struct kind {
    const char *ending; /* of the name; NULL: the name is a folder */
    const char *what;   /* in messages; NULL: said by another row */
    const struct film_kind *code;
    const char *beside; /* what the name of its recipe has more, where that is a file beside it */
    int longer;         /* bytes that the names beside NAME may have more than it, meanwhile */
    int even, ffmpeg;   /* wants even sides; FFmpeg's libraries */
    int one;            /* is of one frame */
    int sound;          /* may have a track of it */
} kinds[] = {
    {"mp4", ".mp4", &film_kind_mp4, NULL, FILE_TMP_BYTES, 1, 1, 0, 1},
    {"y4m", ".y4m", &film_kind_y4m, ".json", sizeof ".part.json" - 1 + FILE_TMP_BYTES, 0, 0, 0, 0},
    {"webm", ".webm", &film_kind_webm, NULL, sizeof ".part" - 1, 1, 1, 0, 1},
    {"gif", ".gif", &film_kind_gif, NULL, sizeof ".part" - 1, 0, 0, 0, 0},
    {"png", ".png (one picture, as .jpg, .webp, .ppm)", PICTURE, 1, 1, 0},
    {"jpg", NULL, PICTURE, 1, 1, 0},
    {"jpeg", NULL, PICTURE, 1, 1, 0},
    {"webp", NULL, PICTURE, 1, 1, 0},
    {"ppm", NULL, PICTURE, 0, 1, 0},
    {NULL, "/ (a folder of PNG pictures)", &film_kind_png, NULL, 0, 0, 1, 0, 0},
};
enum { N_KINDS = sizeof kinds / sizeof *kinds };
static const struct kind *const to_stdout = &kinds[1];

const char *film_default_ending(void)
{
    int i = 0;

    while (kinds[i].ffmpeg && !ff_present())
        i++;
    return kinds[i].ending;
}

static int is_folder(const char *path)
{
    size_t n = strlen(path);

    return (n && path[n - 1] == '/') || dir_exists(path);
}

static const struct kind *kind_of(const char *path, struct err *e)
{
    struct buf all = BUF_INIT;

    if (!strcmp(path, "-"))
        return to_stdout;
    for (int i = 0; i < N_KINDS; i++)
        if (kinds[i].ending ? !is_folder(path) && !strcasecmp(path_ext(path), kinds[i].ending)
                            : is_folder(path))
            return &kinds[i];
    for (int i = 0; i < N_KINDS; i++)
        if (kinds[i].what)
            buf_printf(&all, "%s%s", !i ? "" : i < N_KINDS - 1 ? ", " : " or ", kinds[i].what);
    err_set(e, ERR_USAGE, "output %s: the name must end in %s, or be - (%s on standard output)",
            path, buf_str(&all), to_stdout->ending);
    buf_release(&all);
    return NULL;
}

int film_is_picture(const char *path)
{
    const struct kind *kind = kind_of(path, NULL);

    return kind && kind->one;
}

void film_fps_ratio(double fps, int *num, int *den)
{
    double whole = round(fps);

    ZT_ASSERT(fps >= 1 && fps <= 240);
    if (fabs(fps - whole) < 1e-6) {
        *num = (int)whole;
        *den = 1;
    } else if (fabs(fps - whole * 1000 / 1001) < 5e-3) { /* 23.976, 29.97, 59.94 */
        *num = (int)whole * 1000;
        *den = 1001;
    } else {
        *num = (int)lround(fps * 1000);
        *den = 1000;
    }
}

int film_fps_parse(const char *text, double *fps)
{
    const char *slash = strchr(text, '/');
    char over[16];
    int64_t a = 0, b = 1;
    int num, den;

    if (slash) {
        snprintf(over, sizeof over, "%.*s", (int)(slash - text), text);
        if (slash - text >= (int)sizeof over || parse_int(over, &a) || parse_int(slash + 1, &b) ||
            b < 1)
            return -1;
        *fps = (double)a / (double)b;
    } else if (parse_real(text, fps)) {
        return -1;
    }
    if (!(*fps >= 1 && *fps <= 240))
        return -1;
    film_fps_ratio(*fps, &num, &den);
    *fps = (double)num / den;
    return slash && (double)a * den != (double)b * num ? -1 : 0;
}

char *film_part_name(const char *path)
{
    const char *ext = path_ext(path);

    return xasprintf("%.*spart.%s", (int)(ext - path), path, ext);
}

int film_hold_part(const char *part, struct err *e)
{
    int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

    if (fd < 0)
        return err_set(e, ERR_IO, "%s: cannot write: %s", part, strerror(errno));
    if (!flock(fd, LOCK_EX | LOCK_NB) || errno != EWOULDBLOCK)
        return fd; /* file systems without locks are written as before */
    close(fd);
    return err_set(e, ERR_IO, "%s: is being written already", part);
}

int film_place(const char *from, const char *to, struct err *e)
{
    int fd = open(from, O_RDONLY | O_CLOEXEC), bad = fd < 0 || fsync(fd);

    if (fd >= 0)
        close(fd);
    if (bad || rename(from, to))
        return err_set(e, ERR_IO, "%s: cannot be put in place: %s", to, strerror(errno));
    return 0;
}

static int is_empty(int fd)
{
    struct stat st;

    return !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_size;
}

/* The same question without touching the file; and what lies there under the name of a part may be
 * a film that was cut, or a whole one that somebody calls so: an empty one is neither, a process
 * that was killed before its first frame leaves it. */
static int check_part(const char *path, const struct film_options *o, struct err *e)
{
    char *part = film_part_name(path);
    int fd = open(part, O_RDONLY | O_CLOEXEC | O_NONBLOCK), rc = 0;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        rc = err_set(e, ERR_IO, "%s: is being written already", part);
    else if (fd >= 0 && !o->overwrite && !o->own_part && !is_empty(fd))
        rc = err_set(e, ERR_IO, "%s exists already, where %s is to grow; -y overwrites it", part,
                     path);
    if (fd >= 0)
        close(fd);
    free(part);
    return rc;
}

void film_drop_part(const char *path)
{
    const struct kind *kind = kind_of(path, NULL);
    char *part = kind && kind->ending && !kind->one ? film_part_name(path) : NULL;
    int fd = part ? open(part, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    if (fd >= 0 && !flock(fd, LOCK_EX | LOCK_NB))
        unlink(part);
    if (fd >= 0)
        close(fd);
    free(part);
}

char *film_read_recipe(const char *path)
{
    struct buf text = BUF_INIT;
    char *recipe = NULL;

    if (file_exists(path) && !file_read(&text, path, FILM_MAX_COMMENT_BYTES, NULL))
        recipe = xstrdup(buf_str(&text));
    buf_release(&text);
    return recipe;
}

static int check_options(const char *path, const struct film_options *o, const struct kind *kind,
                         struct err *e)
{
    if (o->w < 2 || o->h < 2 || o->w > FILM_MAX_SIDE || o->h > FILM_MAX_SIDE)
        return err_set(e, ERR_USAGE, "output %s: size %dx%d; each side must be 2 to %d pixels",
                       path, o->w, o->h, FILM_MAX_SIDE);
    if (kind->one && o->n_frames > 1)
        return err_set(e, ERR_USAGE, "output %s: is one picture, the film has %d frames", path,
                       o->n_frames);
    if (kind->even && (o->w % 2 || o->h % 2))
        return err_set(e, ERR_USAGE, "output %s: size %dx%d; H.264 needs even sides", path, o->w,
                       o->h);
    if (o->fps_num < 1 || o->fps_den < 1)
        return err_set(e, ERR_USAGE, "output %s: fps %d/%d must be positive", path, o->fps_num,
                       o->fps_den);
    if (o->crf < 0 || o->crf > 51)
        return err_set(e, ERR_USAGE, "output %s: crf %d; 0 to 51 are allowed", path, o->crf);
    if (o->comment && strlen(o->comment) > FILM_MAX_COMMENT_BYTES)
        return err_set(e, ERR_USAGE, "output %s: a comment of %zu bytes; %d are allowed", path,
                       strlen(o->comment), FILM_MAX_COMMENT_BYTES);
    return 0;
}

/* A file that the film would replace. Frees name. */
static int check_free(char *name, const struct film_options *o, struct err *e)
{
    int rc = 0;

    if (file_exists(name) && !o->overwrite)
        rc = err_set(e, ERR_IO, "%s exists already; -y overwrites it", name);
    free(name);
    return rc;
}

/* The folder that must be there: that of the film, or the nearest one above a folder to be made. */
static char *folder_of(const char *path, const struct kind *kind)
{
    char *dir = kind->ending ? path_dir(path) : xstrdup(path), *up;

    while (!kind->ending && access(dir, F_OK) && strcmp(dir, ".")) {
        up = path_dir(dir);
        free(dir);
        dir = up;
    }
    return dir;
}

/* Films grow under longer names than their own. */
static int check_length(const char *path, const char *dir, const struct kind *kind, struct err *e)
{
    long most = pathconf(dir, _PC_NAME_MAX);
    size_t n = strlen(path_base(path)),
           may = (size_t)(most > 0 ? most : 255) - (size_t)kind->longer;

    if (!kind->ending || n <= may)
        return 0;
    return err_set(e, ERR_IO, "%.40s...: a name of %zu bytes; %zu are allowed here",
                   path_base(path), n, may);
}

static int check_place(const char *path, const struct film_options *o, const struct kind *kind,
                       struct err *e)
{
    char *dir;
    int rc = 0;

    if (!strcmp(path, "-"))
        return 0;
    if (!kind->ending)
        rc = png_dir_check(path, o->overwrite || o->own_part, e);
    else
        rc = check_free(xstrdup(path), o, e);
    if (!rc && kind->beside)
        rc = check_free(xasprintf("%s%s", path, kind->beside), o, e);
    if (!rc && kind->ending && !kind->one)
        rc = check_part(path, o, e);
    if (rc)
        return rc;
    dir = folder_of(path, kind);
    if (!dir_exists(dir))
        rc = err_set(e, ERR_IO, "%s: there is no folder %s", path, dir);
    else if (access(dir, W_OK))
        rc = err_set(e, ERR_IO, "%s: nothing can be written in %s", path, dir);
    else
        rc = check_length(path, dir, kind, e);
    free(dir);
    return rc;
}

int film_check(const char *path, const struct film_options *o, struct err *e)
{
    const struct kind *kind = kind_of(path, e);
    int rc;

    if (!kind)
        return ERR_USAGE;
    if ((rc = check_options(path, o, kind, e)) || (rc = check_place(path, o, kind, e)))
        return rc;
    if (kind->ffmpeg && !ff_present())
        return err_set(e, ERR_IO,
                       "%s: needs FFmpeg, which is not in this build; write .y4m instead", path);
    if (o->audio && !kind->sound)
        return err_set(e, ERR_USAGE, "audio: %s holds no sound; .mp4 and .webm do", path);
    return o->audio ? ff_audio_check(o->audio, kind->ending, e) : 0;
}

uint64_t film_code_bytes(void (*use)(void))
{
    machine_trim_heap();
    uint64_t before = machine_rss_bytes();

    use();
    machine_trim_heap();
    uint64_t after = machine_rss_bytes();
    return after > before ? after - before : 0;
}

uint64_t film_memory(const char *path, const struct film_options *o, int64_t n)
{
    const struct kind *kind = kind_of(path, NULL);

    return kind && kind->code->room ? kind->code->room(o, n) : 0;
}

int film_open(struct film_writer **out, const char *path, const struct film_options *o,
              struct err *e)
{
    const struct kind *kind = kind_of(path, e);
    void *state = NULL;
    int rc;

    *out = NULL;
    if (!kind)
        return ERR_USAGE;
    if ((rc = check_options(path, o, kind, e)) || (rc = check_place(path, o, kind, e)))
        return rc;
    if ((rc = kind->code->begin(&state, path, o, e)))
        return rc;
    *out = xmalloc(sizeof **out);
    **out = (struct film_writer){kind->code, state};
    return 0;
}

int film_write(struct film_writer *f, const uint8_t *rgb, struct err *e)
{
    return f->kind->write(f->state, rgb, e);
}

int film_comment(struct film_writer *f, const char *comment, struct err *e)
{
    return f->kind->comment(f->state, comment, e);
}

int film_finish(struct film_writer **f, struct err *e)
{
    int rc = (*f)->kind->finish((*f)->state, e);

    free(*f);
    *f = NULL;
    return rc;
}

void film_abort(struct film_writer **f)
{
    if (!*f)
        return;
    (*f)->kind->abort((*f)->state);
    free(*f);
    *f = NULL;
}

int film_next_frame(struct film *f, const struct film_caps *caps, const char *path, uint8_t **rgb,
                    struct err *e)
{
    int64_t frame = (int64_t)f->w * f->h * 3;
    int kept = caps->take ? 0 : f->n;

    if (caps->take && f->n > 0)
        caps->take(caps->user, f->rgb);
    if ((kept + 1) * frame > caps->max_bytes)
        return err_set(e, ERR_FORMAT, "%s: more than %lld bytes of pictures; ask for fewer frames",
                       path, (long long)caps->max_bytes);
    if ((kept & (kept - 1)) == 0 && !(caps->take && f->rgb)) { /* 0, 1, 2, 4, 8 ... are full */
        uint8_t *more = realloc(f->rgb, (size_t)(kept ? 2 * kept : 1) * (size_t)frame);

        if (!more)
            return err_set(e, ERR_FIT, "%s: out of memory after %d frames; ask for fewer", path,
                           f->n);
        f->rgb = more;
    }
    *rgb = f->rgb + (size_t)kept * (size_t)frame;
    return 0;
}

static int starts_with(const char *path, const char *magic)
{
    char head[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof head);

    if (fd >= 0)
        close(fd);
    return n >= (ssize_t)strlen(magic) && !memcmp(head, magic, strlen(magic));
}

static int read_picture(struct film *f, const char *path, struct err *e)
{
    struct picture p;
    int rc = picture_load(&p, path, e);

    if (!rc)
        *f = (struct film){.w = p.w, .h = p.h, .n = 1, .fps_den = 1, .rgb = p.rgb};
    if (!rc) {
        char *beside = xasprintf("%s.json", path);

        f->comment = film_read_recipe(beside);
        free(beside);
    }
    return rc;
}

static int read_any(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    int rc;

    *f = (struct film){.fps_den = 1};
    if (dir_exists(path))
        rc = png_dir_read(f, path, caps, e);
    else if (!file_exists(path))
        return err_set(e, ERR_IO, "%s: no such file", path);
    else if (starts_with(path, "YUV4MPEG2") || !strcasecmp(path_ext(path), "y4m"))
        rc = y4m_read(f, path, caps, e);
    else if (starts_with(path, "P6") || starts_with(path, "\x89PNG") ||
             starts_with(path, "\xff\xd8\xff") || !strcasecmp(path_ext(path), "webp"))
        rc = read_picture(f, path, e);
    else
        rc = ff_film_read(f, path, caps, e);
    if (!rc && caps->max_frames && f->n == 0)
        rc = err_set(e, ERR_FORMAT, "%s: not one whole picture in it", path);
    if (rc)
        film_release(f);
    return rc;
}

int film_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    struct film_caps c = caps ? *caps : (struct film_caps){0};

    c.max_frames = c.max_frames > 0 ? c.max_frames : 100000;
    c.max_bytes = c.max_bytes > 0 ? c.max_bytes : (int64_t)4 << 30;
    int rc = read_any(f, path, &c, e);
    if (!rc && c.take) {
        c.take(c.user, f->rgb); /* the last one */
        free(f->rgb);
        f->rgb = NULL;
    }
    return rc;
}

int film_probe(struct film *f, const char *path, struct err *e)
{
    int rc = read_any(f, path, &(struct film_caps){0}, e);

    if (!rc) {
        free(f->rgb);
        f->rgb = NULL;
    }
    return rc;
}

void film_release(struct film *f)
{
    free(f->rgb);
    free(f->comment);
    *f = (struct film){.fps_den = 1};
}
