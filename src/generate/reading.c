#include "generate/reading.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"
#include "world/prompt.h"
#include "world/world.h"

/* What was seen begins with the world, where a picture had to say it. */
static const char seen_world[] = "world=";
enum { SEEN_WORLD = sizeof seen_world - 1 };

unsigned reading_worlds(const char *prompt, unsigned worlds, const char *seen)
{
    if (!seen || strncmp(seen, seen_world, SEEN_WORLD) != 0)
        return worlds;
    char *name = xstrndup(seen + SEEN_WORLD, strcspn(seen + SEEN_WORLD, " "));
    const struct world *w = world_named(name);

    free(name);
    return w && worlds & world_bit(w) && !world_is_said(prompt, worlds) ? world_bit(w) : worlds;
}

int reading_open_world(const char *prompt, unsigned worlds, int i, struct buf *out)
{
    const struct world *w;

    if (world_is_said(prompt, worlds) || !(worlds & (worlds - 1)))
        return 0;
    for (int k = 0; (w = world_at(k)); k++)
        if (worlds & world_bit(w) && w->open && !i--) {
            buf_printf(out, "%s%s", seen_world, w->name);
            return 1;
        }
    return 0;
}

void reading_negative(const char *prompt, unsigned worlds, struct buf *out, struct buf *unknown)
{
    const struct world *w = world_meant(prompt, worlds);

    if (w)
        w->stated(prompt, out, unknown);
    else
        buf_puts(out, prompt);
}

/* The byte that follows what readers look at; the length where that is all. */
static size_t read_bytes(const char *text)
{
    size_t at = 0, n = strlen(text);
    uint32_t cp;

    for (int i = 0; i < PROMPT_READ_MAX && at < n; i++)
        at += (size_t)utf8_decode(text + at, n - at, &cp);
    return at;
}

int reading_states(const char *prompt, unsigned worlds)
{
    const struct world *w = world_meant(prompt, worlds);
    struct buf said = BUF_INIT;
    int states;

    if (!w)
        return 1;
    w->stated(prompt, &said, NULL);
    states = said.len > 0;
    buf_release(&said);
    return states;
}

/* What w does not get from a prompt though it knows its words. given: pictures say what is seen. */
static char *gap(const struct world *w, const char *prompt, int given)
{
    if (*prompt && !reading_states(prompt, world_bit(w)))
        return xasprintf("the prompt says nothing that the model can draw: what is seen comes from "
                         "%s",
                         given ? "what is given, the rest from the seed" : "the seed");
    if (prompt[read_bytes(prompt)])
        return xasprintf("the prompt is longer than the %d characters that are read",
                         PROMPT_READ_MAX);
    return NULL;
}

/* What is drawn as something that is like it, and what is not got at all. */
static char *note_of(const struct world *w, const char *prompt, int given)
{
    struct buf near = BUF_INIT;
    char *lost = gap(w, prompt, given);

    w->near(prompt, &near);
    if (near.len) {
        char *both = xasprintf("drawn as the nearest that the model knows: %s%s%s", buf_str(&near),
                               lost ? "; " : "", lost ? lost : "");

        free(lost);
        lost = both;
    }
    buf_release(&near);
    return lost;
}

int reading_open(const char *prompt, unsigned worlds, int i, struct buf *out)
{
    const struct world *w = world_meant(prompt, worlds);

    return w && w->open ? w->open(prompt, i, out) : OPEN_END;
}

int reading_way(const char *prompt, unsigned worlds, int i, struct buf *out)
{
    const struct world *w = world_meant(prompt, worlds);

    return w && w->way ? w->way(i, out) : 0;
}

int reading_seen(const char *prompt, unsigned worlds, uint64_t seed, const char *seen,
                 struct buf *out)
{
    struct world_scene s = {world_meant(prompt, reading_worlds(prompt, worlds, seen)), {0}};

    if (!s.world || !s.world->read_seen || !s.world->read_seen(s.state, prompt, seed, seen))
        return 0;
    s.world->caption(s.state, out);
    return 1;
}

void reading_shown(const char *prompt, unsigned worlds, uint64_t seed, const char *seen,
                   struct buf *out)
{
    struct world_scene s = {world_meant(prompt, reading_worlds(prompt, worlds, seen)), {0}};

    if (!s.world || !s.world->shown)
        return;
    (void)s.world->read_seen(s.state, prompt, seed, seen);
    if (worlds & (worlds - 1))
        buf_printf(out, "%s%s ", seen_world, s.world->name);
    s.world->shown(s.state, out);
}

char *reading_prompt(const char *prompt, unsigned worlds, uint64_t seed, const char *seen,
                     struct buf *out, struct buf *unknown)
{
    struct world_scene s = {world_meant(prompt, reading_worlds(prompt, worlds, seen)), {0}};

    if (!s.world) {
        buf_puts(out, prompt);
        return NULL;
    }
    s.world->read(s.state, prompt, seed, 0, unknown);
    if (seen && *seen && s.world->read_seen)
        (void)s.world->read_seen(s.state, prompt, seed, seen);
    s.world->caption(s.state, out);
    return note_of(s.world, prompt, seen != NULL);
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
