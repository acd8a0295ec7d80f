#include "generate_preview.h"

#include <string.h>

#include "base/file.h"
#include "media/film.h"
#include "media/picture.h"

int preview_value(const char *argument)
{
    return argument && *argument != '-' && (terminal_way(argument) || *path_ext(argument)) &&
           !strpbrk(argument, " \t\n");
}

int preview_check(const struct preview *p, struct err *e)
{
    const char *w = p->wanted;

    if (!w || !*w || terminal_way(w) != TERM_NONE || film_is_picture(w))
        return 0;
    return err_set(e, ERR_USAGE,
                   "preview \"%s\" is not allowed: sixel, kitty, blocks, or a file .png, .jpg, "
                   ".webp or .ppm",
                   w);
}

static int save(void *user, int window, int step, int n_steps, const uint8_t *rgb, int w, int h)
{
    const struct picture picture = {.w = w, .h = h, .rgb = (uint8_t *)rgb};
    struct preview *p = user;

    (void)window, (void)step, (void)n_steps;
    return picture_save_passing(&picture, p->wanted, &p->e);
}

static int show(void *user, int window, int step, int n_steps, const uint8_t *rgb, int w, int h)
{
    const struct picture picture = {.w = w, .h = h, .rgb = (uint8_t *)rgb};
    struct preview *p = user;

    (void)window, (void)step, (void)n_steps;
    p->place.again = say_same_line(p->say) && p->place.again;
    terminal_show(&p->place, &picture);
    return 0;
}

void preview_begin(struct preview *p, struct say *say, zt_job *job)
{
    int file = p->wanted && film_is_picture(p->wanted);

    zt_job_on_preview(job, NULL, NULL);
    if (!p->wanted)
        return;
    if (!strcmp(zt_job_get(job, "previews"), "no")) {
        fputs("preview: this model gives none while it draws\n", stderr);
        return;
    }
    p->say = say;
    p->place = (struct terminal_place){.out = stderr};
    if (!file && !say->json)
        terminal_find(&p->place.term, stderr, terminal_way(p->wanted));
    if (!file && p->place.term.way == TERM_NONE)
        fputs(say->json ? "preview: none beside --json; --preview=FILE.png writes it to a file\n"
                        : "preview: stderr is no terminal that shows pictures; --preview=FILE.png "
                          "writes them to a file\n",
              stderr);
    else
        zt_job_on_preview(job, file ? save : show, p);
}
