/* stream.c - weights of a network that is larger than its share of the device.
 *
 * The weights of a group (a block of a network) lie side by side in pinned host memory. Two slots
 * on the device take turns: while the kernels of one group run, the next one is copied. As many
 * groups as fit stay on the device, spread evenly, so that the copies find kernels to hide behind.
 * What lies in pinned memory is shared and never changes; slots belong to the context of a job.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tensor/inner.h"

enum { ALIGN = 256 };

struct stream_group {
    size_t bytes;
    char *host; /* pinned; NULL: the group stays on the device */
};

struct weight_stream {
    struct device *device;
    int n; /* groups 1..n */
    struct stream_group *group;
    size_t slot_bytes;
};

/* Two slots for one set of weights. */
struct weight_slots {
    const struct weight_stream *of;
    struct device *device;
    size_t bytes;
    char *slot[2];
    int holds[2]; /* group in a slot, 0: none */
    struct weight_slots *next;
};

static size_t padded_bytes(const struct weight *w)
{
    size_t bytes = (size_t)weight_count(w) * dtype_bytes(w->type);
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

void weight_stream_free(struct weight_set *s)
{
    struct weight_stream *t = s->stream;
    if (!t)
        return;
    for (int g = 1; g <= t->n; g++)
        if (t->group[g].host)
            t->device->unpin(t->device, t->group[g].host, t->group[g].bytes);
    for (int i = 0; i < s->n; i++)
        if (s->all[i]->waiting)
            s->all[i]->waiting = NULL;
    free(t->group);
    free(t);
    s->stream = NULL;
}

/* Bytes of each group; of group 0 they are returned. */
static size_t measure(struct weight_stream *t, const struct weight_set *s, size_t *total)
{
    *total = 0;
    for (int i = 0; i < s->n; i++)
        t->n = s->all[i]->group > t->n ? s->all[i]->group : t->n;
    t->group = xcalloc((size_t)t->n + 1, sizeof *t->group);
    for (int i = 0; i < s->n; i++) {
        size_t bytes = padded_bytes(s->all[i]);
        t->group[s->all[i]->group].bytes += bytes;
        *total += bytes;
    }
    for (int g = 1; g <= t->n; g++)
        if (t->group[g].bytes > t->slot_bytes)
            t->slot_bytes = t->group[g].bytes;
    return t->group[0].bytes;
}

int stream_waits(int g, int n, int keep)
{
    return (int64_t)g * keep / n == (int64_t)(g - 1) * keep / n;
}

static int pin_groups(struct weight_stream *t, int keep, struct err *e)
{
    for (int g = 1; g <= t->n; g++) {
        if (!stream_waits(g, t->n, keep) || !t->group[g].bytes)
            continue;
        t->group[g].host = t->device->pin(t->device, t->group[g].bytes);
        if (!t->group[g].host)
            return err_set(e, ERR_FIT,
                           "no host memory for %zu bytes of weights that %s cannot hold",
                           t->group[g].bytes, t->device->name);
        memset(t->group[g].host, 0, t->group[g].bytes);
    }
    return 0;
}

static void place_weights(const struct weight_set *s, const struct weight_stream *t)
{
    size_t *at = xcalloc((size_t)t->n + 1, sizeof *at);
    for (int i = 0; i < s->n; i++) {
        struct weight *w = s->all[i];
        if (t->group[w->group].host)
            w->waiting = t->group[w->group].host + at[w->group];
        at[w->group] += padded_bytes(w);
    }
    free(at);
}

int weight_stream_plan(struct weight_set *s, struct device *device, struct err *e)
{
    struct weight_stream *t = xcalloc(1, sizeof *t);
    size_t total, fixed;
    char need[32], has[32];
    t->device = device;
    s->stream = t;
    fixed = measure(t, s, &total) + 2 * t->slot_bytes;
    if (total <= s->budget_bytes || !t->n || !device->pin) {
        weight_stream_free(s);
        return 0;
    }
    if (fixed > s->budget_bytes) {
        format_bytes(need, sizeof need, (double)fixed);
        format_bytes(has, sizeof has, (double)s->budget_bytes);
        weight_stream_free(s);
        return err_set(e, ERR_FIT, "%s: the weights need at least %s of memory, %s are left",
                       device->name, need, has);
    }
    int rc = pin_groups(t, (int)((s->budget_bytes - fixed) / t->slot_bytes), e);
    if (rc)
        weight_stream_free(s);
    else
        place_weights(s, t);
    return rc;
}

static void slots_give(struct weight_slots *l)
{
    for (int i = 0; i < 2; i++)
        if (l->slot[i])
            device_give(l->device, l->slot[i], l->bytes);
    free(l);
}

/* The slots of cx for these weights; NULL, and cx failed, when there is no memory for them. */
static struct weight_slots *slots_of(struct cx *cx, const struct weight_stream *t)
{
    struct weight_slots *l = cx->slots;
    struct err e;
    while (l && l->of != t)
        l = l->next;
    if (l)
        return l;
    l = xcalloc(1, sizeof *l);
    *l = (struct weight_slots){.of = t, .device = t->device, .bytes = t->slot_bytes};
    for (int i = 0; i < 2; i++)
        l->slot[i] = device_take(t->device, t->slot_bytes);
    if (!l->slot[0] || !l->slot[1]) {
        slots_give(l);
        device_no_room(t->device, &e, "%zu bytes of weights", t->slot_bytes);
        cx_fail(cx, e.code, "%s", e.msg);
        return NULL;
    }
    l->next = cx->slots;
    cx->slots = l;
    return l;
}

void weight_slots_release(struct cx *cx)
{
    if (!cx->slots)
        return;
    device_enter(cx->device); /* what is on its way must be there before the memory is another's */
    cx->device->arrive(cx->device);
    device_leave(cx->device);
    for (struct weight_slots *l = cx->slots, *next; l; l = next) {
        next = l->next;
        slots_give(l);
    }
    cx->slots = NULL;
}

static int slot_of(const struct weight_slots *l, int group)
{
    return l->holds[0] == group ? 0 : l->holds[1] == group ? 1 : -1;
}

static void bring(struct weight_slots *l, int slot, int group)
{
    const struct stream_group *g = &l->of->group[group];
    l->holds[slot] = group;
    l->device->prefetch(l->device, l->slot[slot], g->host, g->bytes);
}

/* The next group that waits; the first one again after the last: so the next step finds it. */
static int next_waiting(const struct weight_stream *t, int group)
{
    for (int i = 1; i < t->n; i++) {
        int g = (group - 1 + i) % t->n + 1;
        if (t->group[g].host)
            return g;
    }
    return 0;
}

void weights_enter(struct cx *cx, const struct weight_set *s, int group)
{
    const struct weight_stream *t = s->stream;
    if (cx->err.code)
        return;
    if (s->pager || cx->pager)
        pager_enter(cx, s, group);
    if (!t)
        return;
    if (cx->tape)
        BUG("weights_enter: weights that come and go cannot be trained");
    struct weight_slots *l = slots_of(cx, t);
    if (!l)
        return;
    int slot = slot_of(l, group), next = next_waiting(t, group);
    if (t->group[group].host) {
        if (slot < 0)
            bring(l, slot = 0, group);
        t->device->arrive(t->device);
    }
    if (next && slot_of(l, next) < 0) /* into the slot that is not in use */
        bring(l, slot >= 0 ? !slot : slot_of(l, 0) == 1, next);
}

void weights_rest(struct cx *cx)
{
    if (cx->pager)
        pager_rest(cx->pager);
}

void *weight_data(const struct cx *cx, const struct weight *w)
{
    if (!w->waiting)
        return w->data;
    for (const struct weight_slots *l = cx->slots; l; l = l->next)
        for (int i = 0; i < 2; i++) {
            const struct stream_group *g = &l->of->group[l->holds[i]];
            if (l->holds[i] && w->waiting >= g->host && w->waiting < g->host + g->bytes)
                return l->slot[i] + (w->waiting - g->host);
        }
    if (!cx->err.code)
        BUG("weight %s is used before weights_enter of its group %d", w->name, w->group);
    return NULL;
}
