#include "generate/screen_past.h"

#include <stdlib.h>
#include <string.h>

static size_t film_bytes(const struct screen *s)
{
    return (size_t)s->plan->film_w * (size_t)s->plan->film_h * 3;
}

void screen_keep(const struct screen *s, struct screen_past *past)
{
    device_enter(s->cx->device);
    codec_stream_keep(&s->stream, &past->codec);
    device_leave(s->cx->device);
    if (s->left && !past->left)
        past->left = xmalloc(film_bytes(s));
    if (s->left)
        memcpy(past->left, s->left, film_bytes(s));
    past->latents = s->latents;
    past->next = s->next;
    past->known = s->known;
}

void screen_back(struct screen *s, const struct screen_past *past)
{
    device_enter(s->cx->device);
    codec_stream_back(&s->stream, &past->codec);
    device_leave(s->cx->device);
    if (s->left)
        memcpy(s->left, past->left, film_bytes(s));
    s->latents = past->latents;
    s->next = past->next;
    s->known = past->known;
}

void screen_past_release(struct screen_past *past)
{
    codec_past_release(&past->codec);
    free(past->left);
    *past = (struct screen_past){0};
}
