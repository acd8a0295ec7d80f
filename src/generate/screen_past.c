#include "generate/screen_past.h"

#include <stdlib.h>
#include <string.h>

void screen_keep(const struct screen *s, struct screen_past *past)
{
    device_enter(s->cx->device);
    codec_stream_keep(&s->stream, &past->codec);
    device_leave(s->cx->device);
    if (s->left && !past->left)
        past->left = xmalloc(plan_frame_bytes(s->plan));
    if (s->left)
        memcpy(past->left, s->left, plan_frame_bytes(s->plan));
    past->latents = s->latents;
    past->due = s->due;
    past->next = s->next;
    past->known = s->known;
}

void screen_back(struct screen *s, const struct screen_past *past)
{
    device_enter(s->cx->device);
    codec_stream_back(&s->stream, &past->codec);
    device_leave(s->cx->device);
    if (s->left)
        memcpy(s->left, past->left, plan_frame_bytes(s->plan));
    s->latents = past->latents;
    s->due = past->due;
    s->next = past->next;
    s->known = past->known;
}

void screen_past_release(struct screen_past *past)
{
    codec_past_release(&past->codec);
    free(past->left);
    *past = (struct screen_past){0};
}
