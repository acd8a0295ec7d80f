#include "world/caption.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "base/utf8.h"

static void say(struct buf *out, const char *word)
{
    if (!word)
        return;
    if (out->len && out->data[out->len - 1] != ' ')
        buf_putc(out, ' ');
    buf_puts(out, word);
}

static void say_slot(struct buf *out, int slot, int value)
{
    say(out, slot_word(slot, value));
}

static void say_look(struct buf *out, const struct object_facts *o)
{
    say_slot(out, SLOT_COLOR, o->color);
    say_slot(out, SLOT_SHAPE, o->shape);
    say_slot(out, SLOT_SIZE, o->size);
    say_slot(out, SLOT_MATERIAL, o->material);
}

void caption_canonical(const struct facts *f, struct buf *out)
{
    const struct object_facts *a = &f->object[0], *b = &f->object[1];
    int moves = f->event != EVENT_DROP && f->event != EVENT_RAMP;

    if (!facts_are_complete(f))
        BUG("caption_canonical: the facts are not complete");
    say_look(out, a);
    if (moves)
        say(out, a->shape == SHAPE_BALL ? "rolls" : "slides");
    else
        say_slot(out, SLOT_EVENT, f->event);
    say_slot(out, SLOT_DIRECTION, f->direction);
    say_slot(out, SLOT_SPEED, f->speed);
    say_slot(out, SLOT_PLACE, a->place);
    if (moves && f->event != EVENT_MOVE)
        say_slot(out, SLOT_EVENT, f->event);
    if (f->n_objects == 2) {
        say(out, ";");
        say_look(out, b);
        if (f->event == EVENT_COLLIDE)
            say(out, "struck");
        else if (f->event != EVENT_DOMINO)
            say(out, "still");
        say_slot(out, SLOT_PLACE, b->place);
        say_slot(out, SLOT_DEPTH, b->depth);
    }
    say(out, "; floor");
    say_slot(out, SLOT_FLOOR, f->floor);
    say(out, "; light");
    say_slot(out, SLOT_LIGHT, f->light);
    say(out, "; camera");
    say_slot(out, SLOT_CAMERA, f->camera);
}
