#include "generate/reading.h"

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
