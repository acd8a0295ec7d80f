#include "measure/film_log.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

enum { MOST_BYTES = 64 << 20 };

/* Returns the bytes of whole lines in *whole. */
static int read_log(const char *path, const char *settings, film_log_fn fn, void *user,
                    size_t *whole, struct err *e)
{
    struct buf text = BUF_INIT;
    int rc = file_read(&text, path, MOST_BYTES, e);
    const char *at = buf_str(&text), *end = at + text.len, *stop;

    for (int line = 0; !rc && (stop = memchr(at, '\n', (size_t)(end - at))); line++) {
        size_t len = (size_t)(stop - at);

        if (line)
            rc = jdoc_take_text(at, len, path, fn, user, e);
        else if (len != strlen(settings) || memcmp(at, settings, len))
            rc = err_set(e, ERR_USAGE,
                         "%s is of a measurement with other settings or another model; "
                         "give another folder, or remove it",
                         path);
        at = stop + 1;
    }
    *whole = (size_t)(at - buf_str(&text));
    buf_release(&text);
    return rc;
}

int film_log_open(FILE **log, const char *path, const char *settings, film_log_fn fn, void *user,
                  struct err *e)
{
    size_t whole = 0;
    int rc = 0;

    *log = NULL;
    if (!path)
        return 0;
    if (file_exists(path))
        rc = read_log(path, settings, fn, user, &whole, e);
    if (rc)
        return rc;
    *log = fopen(path, whole ? "r+" : "w");
    if (*log && !ftruncate(fileno(*log), (off_t)whole) && !fseek(*log, 0, SEEK_END) &&
        (whole || fprintf(*log, "%s\n", settings) >= 0) && !fflush(*log))
        return 0;
    rc = err_set(e, ERR_IO, "%s: cannot write: %s", path, strerror(errno));
    film_log_close(log);
    return rc;
}

int film_log_add(FILE *log, const struct buf *line, struct err *e)
{
    if (log && (fwrite(line->data, 1, line->len, log) != line->len || fflush(log)))
        return err_set(e, ERR_IO, "the log of the measurement cannot be written: %s",
                       strerror(errno));
    return 0;
}

void film_log_close(FILE **log)
{
    if (*log)
        fclose(*log);
    *log = NULL;
}
