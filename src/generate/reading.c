#include "generate/reading.h"

#include <string.h>

#include "world/world.h"

void reading_prompt(const char *prompt, unsigned worlds, uint64_t seed, struct buf *out,
                    struct buf *unknown)
{
    struct world_scene s = {world_meant(prompt, worlds), {0}};

    if (!s.world) {
        buf_puts(out, prompt);
        return;
    }
    s.world->read(s.state, prompt, seed, 0, unknown);
    s.world->caption(s.state, out);
}

void reading_negative(const char *prompt, unsigned worlds, struct buf *out, struct buf *unknown)
{
    const struct world *w = world_meant(prompt, worlds);

    if (w)
        w->stated(prompt, out, unknown);
    else
        buf_puts(out, prompt);
}

int reading_meant(const char *prompt, unsigned worlds)
{
    return world_meant(prompt, worlds) != NULL;
}

int reading_knows(const char *prompt, unsigned worlds, const char *word)
{
    const struct world *w = world_meant(prompt, worlds);
    int n, found = 0;
    char **list = w ? w->vocabulary(&n) : NULL;

    for (int i = 0; list && i < n; i++)
        found |= !strcmp(list[i], word);
    if (list)
        world_vocabulary_free(&list, n);
    return found;
}

int reading_camera(struct buf *text, const char *word)
{
    static const char slot[] = "; camera ";
    const char *at = strstr(buf_str(text), slot);
    struct buf out = BUF_INIT;

    if (!at)
        return 0;
    at += sizeof slot - 1;
    buf_add(&out, text->data, (size_t)(at - text->data));
    buf_printf(&out, "%s%s", word, at + strcspn(at, " "));
    buf_clear(text);
    buf_puts(text, buf_str(&out));
    buf_release(&out);
    return 1;
}
