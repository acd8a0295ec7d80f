#include "generate/reading.h"

#include "world/prompt.h"

static void list_unknown(const struct prompt *p, struct buf *unknown)
{
    for (int i = 0; i < p->n_unknown; i++)
        buf_printf(unknown, "%s%s", unknown->len ? ", " : "", p->unknown[i]);
}

void reading_prompt(const char *prompt, int canonical, uint64_t seed, struct buf *out,
                    struct buf *unknown)
{
    struct prompt p;

    if (!canonical) {
        buf_puts(out, prompt);
        return;
    }
    world_canonical(prompt, seed, out, NULL, &p);
    list_unknown(&p, unknown);
}

static void say(struct buf *out, int slot, int value)
{
    const char *word = slot_word(slot, value);

    if (word)
        buf_printf(out, "%s%s", out->len ? " " : "", word);
}

void reading_negative(const char *prompt, int canonical, struct buf *out, struct buf *unknown)
{
    struct prompt p;

    if (!canonical) {
        buf_puts(out, prompt);
        return;
    }
    prompt_read(prompt, &p);
    list_unknown(&p, unknown);
    for (int i = 0; i < WORLD_MAX_OBJECTS; i++) {
        const struct object_facts *o = &p.facts.object[i];
        say(out, SLOT_COLOR, o->color);
        say(out, SLOT_SHAPE, o->shape);
        say(out, SLOT_SIZE, o->size);
        say(out, SLOT_MATERIAL, o->material);
    }
    say(out, SLOT_EVENT, p.facts.event);
    say(out, SLOT_DIRECTION, p.facts.direction);
    say(out, SLOT_SPEED, p.facts.speed);
    say(out, SLOT_FLOOR, p.facts.floor);
    say(out, SLOT_LIGHT, p.facts.light);
    say(out, SLOT_CAMERA, p.facts.camera);
}
