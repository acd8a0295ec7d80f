#include "measure_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "media/film.h"
#include "media/picture.h"

enum { STRIP_FRAMES = 4 };

struct report {
    char *dir;
    struct buf rows;
};

int report_open(struct report **r, const char *dir, struct err *e)
{
    int rc = dir_make(dir, e);

    *r = NULL;
    if (rc)
        return rc;
    *r = xcalloc(1, sizeof **r);
    (*r)->dir = xstrdup(dir);
    return 0;
}

void report_free(struct report **r)
{
    if (!*r)
        return;
    free((*r)->dir);
    buf_release(&(*r)->rows);
    free(*r);
    *r = NULL;
}

static int save_strip(const char *path, const uint8_t *rgb, int w, int h, int n, struct err *e)
{
    struct picture p;
    int frames = n < STRIP_FRAMES ? n : STRIP_FRAMES, rc;

    picture_init(&p, w * frames, h);
    for (int f = 0; f < frames; f++) {
        size_t from = (size_t)((2 * f + 1) * n / (2 * frames));

        for (int y = 0; y < h; y++)
            memcpy(p.rgb + ((size_t)y * (size_t)p.w + (size_t)(f * w)) * 3,
                   rgb + (from * (size_t)h + (size_t)y) * (size_t)w * 3, (size_t)w * 3);
    }
    rc = picture_save(&p, path, e);
    picture_release(&p);
    return rc;
}

int report_film(struct report *r, int i, const struct story_wish *w, const struct probe_sight *s,
                const uint8_t *rgb, int width, int height, int n, struct err *e)
{
    char name[32];

    snprintf(name, sizeof name, "%03d.%s", i, strcmp(film_default_ending(), "y4m") ? "png" : "ppm");
    char *path = path_join(r->dir, name);
    int rc = save_strip(path, rgb, width, height, n, e);

    free(path);
    buf_printf(&r->rows, "<figure><img src=\"%s\" alt=\"\"><figcaption><p>", name);
    buf_xml(&r->rows, w->text);
    buf_puts(&r->rows, "</p><p class=\"facts\">");
    for (int slot = 0; slot < STORY_SLOT_COUNT; slot++) {
        int want = story_fact_get(&w->said, slot), seen = s->value[slot];
        const char *word = story_slot_word(slot, seen);

        if (!want || slot == STORY_SLOT_CAMERA)
            continue;
        buf_printf(&r->rows, "<span class=\"%s\">%s", seen == want ? "right" : "wrong",
                   story_slot_word(slot, want));
        if (seen != want)
            buf_printf(&r->rows, ", seen: %s", word ? word : "none");
        buf_puts(&r->rows, "</span> ");
    }
    buf_puts(&r->rows, "</p></figcaption></figure>\n");
    return rc;
}

int report_close(struct report **r, const char *table, struct err *e)
{
    static const char head[] =
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>zoetrope measure</title>\n"
        "<style>\n"
        "body { font: 16px/1.4 sans-serif; margin: 1em auto; max-width: 60em; padding: 0 1em }\n"
        "pre { overflow-x: auto; font-size: 13px }\n"
        "figure { margin: 0 0 1.5em }\n"
        "img { max-width: 100%; height: auto }\n"
        "figcaption p { margin: .2em 0 }\n"
        ".facts span { border-radius: .3em; padding: 0 .4em; color: #fff; font-size: 14px }\n"
        ".right { background: #2a6b34 }\n"
        ".wrong { background: #9c2b23 }\n"
        "@media (prefers-color-scheme: dark) { body { background: #111; color: #eee } }\n"
        "</style>\n<h1>Stories, as the words and as the films say them</h1>\n<pre>\n";
    struct buf page = BUF_INIT;
    char *path = path_join((*r)->dir, "report.html");

    buf_puts(&page, head);
    buf_xml(&page, table);
    buf_puts(&page, "</pre>\n");
    buf_add(&page, (*r)->rows.data, (*r)->rows.len);
    buf_puts(&page, "</html>\n");
    int rc = file_write(path, page.data, page.len, e);
    buf_release(&page);
    free(path);
    report_free(r);
    return rc;
}
