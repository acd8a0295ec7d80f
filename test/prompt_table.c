#include "prompt_table.h"

#include <string.h>

#include "base/buf.h"
#include "world/physics.h"
#include "world/prompt.h"
#include "ztest.h"

static void word(struct buf *b, int slot, int value)
{
    if (!value)
        return;
    if (b->len && b->data[b->len - 1] != ' ')
        buf_putc(b, ' ');
    buf_puts(b, slot_word(slot, value));
}

static void bar(struct buf *b)
{
    buf_puts(b, b->len && b->data[b->len - 1] == ' ' ? "| " : " | ");
}

/* What was understood, in the notation of the tables. */
static void describe(const struct prompt *p, struct buf *b)
{
    const struct facts *f = &p->facts;

    for (int i = 0; i < WORLD_MAX_OBJECTS; i++) {
        const struct object_facts *o = &f->object[i];

        word(b, SLOT_COLOR, o->color);
        word(b, SLOT_SHAPE, o->shape);
        word(b, SLOT_SIZE, o->size);
        word(b, SLOT_MATERIAL, o->material);
        word(b, SLOT_PLACE, o->place);
        word(b, SLOT_DEPTH, o->depth);
        bar(b);
    }
    word(b, SLOT_EVENT, f->event);
    word(b, SLOT_DIRECTION, f->direction);
    word(b, SLOT_SPEED, f->speed);
    word(b, SLOT_FLOOR, f->floor);
    word(b, SLOT_LIGHT, f->light);
    word(b, SLOT_CAMERA, f->camera);
    bar(b);
    for (int i = 0; i < p->n_unknown; i++)
        buf_printf(b, "%s%s", i ? " " : "", p->unknown[i]);
    for (int i = 0; i < p->n_near; i++)
        buf_printf(b, "%s%s", i + p->n_unknown ? " " : "", p->near[i]);
    while (b->len && strchr(" |", b->data[b->len - 1]))
        b->data[--b->len] = 0;
}

void prompt_table_check(const struct prompt_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct prompt p;
        struct buf b = BUF_INIT;

        CHECK(world_meant(rows[i].text, ~0u) == &world_physics);
        prompt_read(rows[i].text, &p);
        describe(&p, &b);
        if (strcmp(buf_str(&b), rows[i].expected))
            ztest_fail(__FILE__, __LINE__, "\"%s\" was read as \"%s\", expected \"%s\"",
                       rows[i].text, buf_str(&b), rows[i].expected);
        buf_release(&b);
    }
}
