#include "train/record.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"

struct head {
    uint64_t world;
    int32_t n_objects, unused;
};

#define STREAM_WORDS 0x776f726473000000u

static size_t state_room(const struct record_form *s)
{
    return ((size_t)s->state_bytes + 7) / 8 * 8;
}

size_t record_bytes(const struct record_form *s)
{
    return sizeof(struct head) + state_room(s) + (size_t)s->captions * RECORD_CAPTION_BYTES;
}

void record_write(uint8_t *to, const struct record_form *s, const struct world_scene *scene,
                  int n_objects, uint64_t seed, uint64_t i)
{
    const struct world *w = scene->world;
    struct head head = {.world = world_id(w), .n_objects = n_objects};
    struct buf text = BUF_INIT;
    struct rng r;

    ZT_ASSERT(w->state_bytes <= (size_t)s->state_bytes);
    memset(to, 0, record_bytes(s));
    memcpy(to, &head, sizeof head);
    memcpy(to + sizeof head, scene->state, w->state_bytes);
    to += sizeof head + state_room(s);
    rng_init(&r, seed ^ STREAM_WORDS, i);
    for (int k = 0; k < s->captions; k++, to += RECORD_CAPTION_BYTES) {
        buf_clear(&text);
        if (k == 0)
            w->caption(scene->state, &text);
        else
            w->everyday(scene->state, k % 2 ? LANG_EN : LANG_ZH, &r, &text);
        if (text.len >= RECORD_CAPTION_BYTES)
            BUG("a caption of world %s has %zu bytes: %s", w->name, text.len, buf_str(&text));
        memcpy(to, text.data, text.len);
    }
    buf_release(&text);
}

struct clip_record record_read(const uint8_t *from, const struct record_form *s)
{
    const struct head *head = (const struct head *)from;
    struct clip_record r = {.world = world_of_id(head->world),
                            .state = from + sizeof *head,
                            .n_objects = head->n_objects};

    from += sizeof *head + state_room(s);
    for (int k = 0; k < s->captions; k++)
        r.caption[k] = (const char *)from + (size_t)k * RECORD_CAPTION_BYTES;
    return r;
}
