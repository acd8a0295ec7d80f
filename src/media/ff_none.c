/* ff_none.c - FFmpeg's side of media in a build without it. */
#include "media/film_kind.h"

static int absent(const char *what, struct err *e)
{
    return err_set(e, ERR_IO,
                   "%s: FFmpeg is not in this build; .y4m and .ppm work without it (build again "
                   "after: apt-get install libavformat-dev libavcodec-dev libavutil-dev "
                   "libswscale-dev libswresample-dev)",
                   what);
}

static int mp4_begin(void **state, const char *path, const struct film_options *o, struct err *e)
{
    (void)state, (void)o;
    return absent(path, e);
}

/* begin never succeeds, so nothing else of a writer is ever called. */
const struct film_kind film_kind_mp4 = {.begin = mp4_begin}, film_kind_webm = {.begin = mp4_begin};

int ff_film_read(struct film *f, const char *path, const struct film_caps *caps, struct err *e)
{
    (void)f, (void)caps;
    return absent(path, e);
}

int ff_picture_decode(struct picture *p, const char *name, const void *data, size_t bytes,
                      struct err *e)
{
    (void)p, (void)data, (void)bytes;
    return absent(name, e);
}

int ff_picture_encode(const struct picture *p, const char *ending, int quick, void **data,
                      size_t *bytes, struct err *e)
{
    (void)p, (void)quick, (void)data, (void)bytes;
    return absent(ending, e);
}

int ff_audio_check(const char *path, const char *format, struct err *e)
{
    (void)format;
    return absent(path, e);
}

int ff_present(void)
{
    return 0;
}

void film_quiet(void)
{
}
