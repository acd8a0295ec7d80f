/* png_dir.c - a film as a folder: frame-00000.png, frame-00001.png ... and recipe.json. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "media/film_kind.h"

struct png_dir {
    char *path;
    int w, h, n;
    int hold;       /* the folder, locked for this writer */
    int made, said; /* the folder was not there; its recipe is this film's */
};

static char *frame_name(const char *dir, int i)
{
    char name[32];

    snprintf(name, sizeof name, "frame-%05d.png", i);
    return path_join(dir, name);
}

static int has_frame(const char *dir, int i)
{
    char *name = frame_name(dir, i);
    int there = file_exists(name);

    free(name);
    return there;
}

/* Frames of a longer film that stood here before would become its end. */
static void remove_frames_from(const char *dir, int i)
{
    for (; has_frame(dir, i); i++) {
        char *name = frame_name(dir, i);

        if (unlink(name)) {
            free(name);
            return;
        }
        free(name);
    }
}

/* frame-NNNNN.png, of whatever number: other programs begin with 1. */
static int is_frame(const char *name)
{
    int end = 0;

    return sscanf(name, "frame-%*5[0-9].png%n", &end) == 0 && end == 15 && !name[end];
}

int png_dir_check(const char *path, int overwrite, struct err *e)
{
    DIR *dir = overwrite ? NULL : opendir(path);
    struct dirent *d;
    int rc = 0;

    if (!dir && !overwrite && errno != ENOENT)
        rc = err_set(e, ERR_IO, "%s: cannot look into it: %s", path, strerror(errno));
    while (dir && !rc && (d = readdir(dir)))
        if (is_frame(d->d_name) || !strcmp(d->d_name, "recipe.json"))
            rc = err_set(e, ERR_IO, "%s: %s is in this folder already; -y overwrites what is there",
                         path, d->d_name);
    if (dir)
        closedir(dir);
    return rc;
}

static int put_recipe(const char *dir, const char *text, struct err *e)
{
    char *recipe = path_join(dir, "recipe.json");
    int rc = 0;

    if (text)
        rc = file_write(recipe, text, strlen(text), e);
    else if (file_exists(recipe) && unlink(recipe))
        rc = err_set(e, ERR_IO, "%s: cannot be removed", recipe);
    free(recipe);
    return rc;
}

static int png_comment(void *state, const char *comment, struct err *e)
{
    struct png_dir *d = state;

    d->said = 1;
    return put_recipe(d->path, comment, e);
}

static void png_release(struct png_dir *d)
{
    if (d->hold >= 0)
        close(d->hold);
    free(d->path);
    free(d);
}

/* Two films in one folder would mix their frames. */
static int hold_dir(struct png_dir *d, struct err *e)
{
    d->hold = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (d->hold >= 0 && flock(d->hold, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
        return err_set(e, ERR_IO, "%s: is being written already", d->path);
    return 0;
}

static int png_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct png_dir *d;
    int rc;

    if (!ff_present())
        return err_set(e, ERR_IO,
                       "%s: PNG pictures need FFmpeg, which is not in this build; write "
                       ".y4m instead",
                       path);
    d = xcalloc(1, sizeof *d);
    d->path = xstrdup(path);
    d->w = o->w;
    d->h = o->h;
    d->made = !dir_exists(path);
    d->hold = -1;
    if (!(rc = dir_make(path, e)) && !(rc = hold_dir(d, e)) && o->comment)
        rc = png_comment(d, o->comment, e);
    if (rc)
        png_release(d);
    else
        *state = d;
    return rc;
}

static int png_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct png_dir *d = state;
    struct picture p = {d->w, d->h, (uint8_t *)(uintptr_t)rgb};
    int rc = d->said ? 0 : png_comment(d, NULL, e); /* no frame beside an older recipe */
    char *name = frame_name(d->path, d->n);

    if (!rc)
        rc = picture_save(&p, name, e);
    d->n += !rc;
    free(name);
    return rc;
}

static void png_abort(void *state)
{
    struct png_dir *d = state;

    if (d->made && !d->n) {
        char *recipe = path_join(d->path, "recipe.json");

        unlink(recipe);
        rmdir(d->path);
        free(recipe);
    }
    png_release(d);
}

static int png_finish(void *state, struct err *e)
{
    struct png_dir *d = state;

    (void)e;
    remove_frames_from(d->path, d->n);
    png_release(d);
    return 0;
}

/* A small picture to nowhere. */
static void encode_away(void)
{
    enum { SIDE = 64 };
    uint8_t black[SIDE * SIDE * 3] = {0};
    const struct picture p = {.w = SIDE, .h = SIDE, .rgb = black};
    size_t bytes;
    void *png;

    if (!ff_picture_encode(&p, "png", 0, &png, &bytes,
                           NULL)) /* the first picture says what is wrong */
        free(png);
}

static uint64_t code_bytes;

static void measure_code(void)
{
    code_bytes = film_code_bytes(encode_away);
}

/* FFmpeg's code and tables; one picture as it has it, as its packet and as the file; the last two
 * are as large when nothing can be compressed. */
static uint64_t png_room(const struct film_options *o, int64_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)n;
    pthread_once(&once, measure_code);
    return code_bytes + 3 * (uint64_t)o->w * (uint64_t)o->h * 3;
}

const struct film_kind film_kind_png = {png_begin,  png_write, png_comment,
                                        png_finish, png_abort, png_room};

static int read_frame(struct film *f, const char *name, const struct film_caps *caps, struct err *e)
{
    struct picture p;
    uint8_t *rgb;
    int rc = picture_load(&p, name, e);

    if (rc)
        return rc;
    if (f->n == 0)
        f->w = p.w, f->h = p.h;
    if (p.w != f->w || p.h != f->h)
        rc = err_set(e, ERR_FORMAT, "%s: %dx%d pixels, the first frame has %dx%d", name, p.w, p.h,
                     f->w, f->h);
    else if (!(rc = film_next_frame(f, caps, name, &rgb, e)))
        memcpy(rgb, p.rgb, (size_t)p.w * p.h * 3), f->n++;
    picture_release(&p);
    return rc;
}

int png_dir_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    struct film_caps one = {.max_frames = 1, .max_bytes = INT64_MAX};
    char *recipe = path_join(path, "recipe.json");
    int rc = 0, probe = caps->max_frames == 0;
    int n = probe ? 1 : caps->max_frames;

    f->comment = film_read_recipe(recipe);
    free(recipe);
    if (!has_frame(path, 0))
        return err_set(e, ERR_IO, "%s: a folder without frame-00000.png", path);
    for (int i = 0; !rc && i < n && has_frame(path, i); i++) {
        char *name = frame_name(path, i);

        rc = read_frame(f, name, probe ? &one : caps, e);
        free(name);
    }
    while (probe && !rc && has_frame(path, f->n))
        f->n++;
    return rc;
}
