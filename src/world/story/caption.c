#include "world/story/caption.h"

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "world/story/sample.h"

/* The slots that stand behind their name, in the order of the caption. */
static const int named[] = {STORY_SLOT_PLACE, STORY_SLOT_PROP, STORY_SLOT_TIME,  STORY_SLOT_WEATHER,
                            STORY_SLOT_STYLE, STORY_SLOT_SHOT, STORY_SLOT_CAMERA};
enum { N_NAMED = sizeof named / sizeof *named };

static void say(struct buf *out, const char *word)
{
    if (!word)
        return;
    if (out->len && out->data[out->len - 1] != ' ')
        buf_putc(out, ' ');
    buf_puts(out, word);
}

void story_caption_canonical(const struct story_facts *f, struct buf *out)
{
    if (!story_facts_are_complete(f))
        BUG("story_caption_canonical: the facts are not complete");
    say(out, story_slot_word(STORY_SLOT_SUBJECT, f->subject));
    say(out, story_slot_word(STORY_SLOT_COLOR, f->color));
    say(out, story_slot_word(STORY_SLOT_ACTION, f->action));
    for (int i = 0; i < N_NAMED; i++) {
        say(out, ";");
        say(out, story_slot_name(named[i]));
        say(out, story_slot_word(named[i], story_fact_get(f, named[i])));
    }
}

const char *story_canonical_word(int i)
{
    if (i == 0)
        return ";";
    if (--i < N_NAMED)
        return story_slot_name(named[i]);
    i -= N_NAMED;
    for (int s = 0; s < STORY_SLOT_COUNT; s++) {
        if (i < story_slot_count(s) - 1)
            return story_slot_word(s, i + 1);
        i -= story_slot_count(s) - 1;
    }
    return NULL;
}
