#include "tensor/replay.h"

#include "tensor/inner.h"

static void forget(struct cx *cx, struct replay *r)
{
    if (r->calls)
        cx->device->forget(cx->device, &r->calls);
    r->seen = 0;
}

void replay_begin(struct cx *cx, struct replay *r)
{
    r->mode = DEVICE_DOES;
    if (!cx->device->record || cx->err.code)
        return;
    if (cx->tape)
        BUG("replay: a step with a tape takes other memory every time");
    if (r->seen++ == 0) /* what is made once (plans, scratch, buffers) is made now */
        return;
    cx->pool->places = 0;
    r->mode = cx->device->record(cx->device, &r->calls);
    r->kernels = cx->k;
    if (r->mode == DEVICE_REPLAYS)
        cx->k = kernels_null();
}

int replay_end(struct cx *cx, struct replay *r)
{
    uint64_t places = cx->pool->places;
    if (r->mode == DEVICE_DOES)
        return 1;
    cx->k = r->kernels;
    if (cx->err.code || (r->mode == DEVICE_REPLAYS && places != r->places)) {
        forget(cx, r);
        return cx->err.code != 0;
    }
    r->places = places;
    if (cx->device->run(cx->device, r->calls))
        return 1;
    forget(cx, r);
    return 0;
}

void replay_release(struct cx *cx, struct replay *r)
{
    forget(cx, r);
}
