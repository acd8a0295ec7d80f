/* picture_film.c - a film of one frame is a picture: NAME.png, .jpg, .webp or .ppm, with its recipe
 * beside it in NAME.png.json. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "media/film_kind.h"

struct one {
    char *path, *comment; /* owned */
    struct picture picture;
    int n;
};

static void one_free(struct one *s)
{
    picture_release(&s->picture);
    free(s->path);
    free(s->comment);
    free(s);
}

static int one_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    struct one *s = xcalloc(1, sizeof *s);
    int rc;

    s->path = xstrdup(path);
    s->comment = o->comment ? xstrdup(o->comment) : NULL;
    rc = picture_try(&s->picture, o->w, o->h, path, e);
    if (rc)
        one_free(s);
    else
        *state = s;
    return rc;
}

static int one_write(void *state, const uint8_t *rgb, struct err *e)
{
    struct one *s = state;

    if (s->n++)
        return err_set(e, ERR_USAGE, "%s: is one picture; this is the second frame", s->path);
    memcpy(s->picture.rgb, rgb, (size_t)s->picture.w * (size_t)s->picture.h * 3);
    return 0;
}

static int one_comment(void *state, const char *comment, struct err *e)
{
    struct one *s = state;

    (void)e;
    free(s->comment);
    s->comment = xstrdup(comment);
    return 0;
}

static int one_finish(void *state, struct err *e)
{
    struct one *s = state;
    char *beside = xasprintf("%s.json", s->path);
    char *label = label_of_comment(s->comment);
    int rc = s->n ? picture_save_labelled(&s->picture, s->path, label, e)
                  : err_set(e, ERR_IO, "%s: no frame was written", s->path);

    if (!rc && s->comment)
        rc = file_write(beside, s->comment, strlen(s->comment), e);
    else if (!rc)
        unlink(beside); /* of a picture that stood here before */
    free(label);
    free(beside);
    one_free(s);
    return rc;
}

/* A picture is whole or it is not there. */
static void one_abort(void *state)
{
    one_free(state);
}

/* Pixels, as the encoder wants them, and what it makes of them. */
static uint64_t one_room(const struct film_options *o, int64_t n)
{
    (void)n;
    return (uint64_t)o->w * (uint64_t)o->h * (3 + 4 + 4);
}

const struct film_kind film_kind_picture = {one_begin,  one_write, one_comment,
                                            one_finish, one_abort, one_room};
