#include "measure_files.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "media/film.h"

int measure_folder(char **dir, const struct measure_args *a, struct err *e)
{
    const char *tmp = getenv("TMPDIR");

    if (a->out) {
        *dir = xstrdup(a->out);
        return dir_make(*dir, e);
    }
    *dir = xasprintf("%s/zoetrope-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    return mkdtemp(*dir) ? 0 : err_set(e, ERR_IO, "%s: no folder can be made", *dir);
}

void measure_folder_done(char **dir, const struct measure_args *a)
{
    if (*dir && !a->out)
        rmdir(*dir);
    free(*dir);
    *dir = NULL;
}

char *measure_film_name(const char *dir, int i)
{
    return xasprintf("%s/%03d.%s", dir, i, film_default_ending());
}

int measure_write_film(const char *path, const struct caught *c, int n, double fps, int lossless,
                       const char *comment, struct err *e)
{
    struct film_options o = {
        .w = c->w, .h = c->h, .crf = 12, .lossless = lossless, .overwrite = 1, .comment = comment};
    struct film_writer *film;
    int rc;

    film_fps_ratio(fps, &o.fps_num, &o.fps_den);
    if ((rc = film_open(&film, path, &o, e)))
        return rc;
    for (int t = 0; !rc && t < n; t++)
        rc = film_write(film, c->rgb + (size_t)t * (size_t)c->w * (size_t)c->h * 3, e);
    if (rc)
        film_abort(&film);
    return rc ? rc : film_finish(&film, e);
}
