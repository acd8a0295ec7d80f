/* pickle_names.c - the tensors of what a pickle built, by their names. */
#include <stdlib.h>
#include <string.h>

#include "format/pickle_inner.h"

static int has_tensors(struct machine *m, const struct value *v, int depth)
{
    for (int i = 1; v->kind == DICT && depth < MOST_DEPTH && i < v->n; i += 2) {
        if (m->looks++ > MOST_LOOKS)
            return 0;
        const struct value *x = &m->value[v->item[i]];

        if (x->kind == TENSOR || has_tensors(m, x, depth + 1))
            return 1;
    }
    return 0;
}

static int add_tensors(struct machine *m, struct pickle_list *out, const struct value *v,
                       const char *prefix, int depth)
{
    int rc = 0;

    for (int i = 0; !rc && i + 1 < v->n; i += 2) {
        const struct value *key = &m->value[v->item[i]], *x = &m->value[v->item[i + 1]];
        const char *name;

        if (key->kind != TEXT || (x->kind != TENSOR && !has_tensors(m, x, depth)))
            continue;
        if (out->n == MOST_TENSORS || strlen(prefix) + strlen(key->text) > MOST_TEXT)
            return pickle_damaged(m, "too many tensors, or too long a name");
        name = arena_printf(m->arena, "%s%s", prefix, key->text);
        if (x->kind == DICT) {
            rc = add_tensors(m, out, x, arena_printf(m->arena, "%s.", name), depth + 1);
            continue;
        }
        if ((out->n & (out->n - 1)) == 0)
            out->tensor = xrealloc(out->tensor, sizeof *out->tensor * (size_t)(2 * out->n + 1));
        out->tensor[out->n] = *x->tensor;
        out->tensor[out->n++].name = name;
    }
    return rc;
}

/* The dict whose keys are names: wrappers around it hold no tensor themselves, and one dict. */
static const struct value *state_of(struct machine *m, const struct value *v)
{
    for (int depth = 0; depth < MOST_DEPTH; depth++) {
        const struct value *inner = NULL;
        int n = 0;

        for (int i = 1; i < v->n; i += 2) {
            const struct value *x = &m->value[v->item[i]];

            if (x->kind == TENSOR)
                return v;
            if (x->kind == DICT && has_tensors(m, x, 0)) {
                inner = x;
                n++;
            }
        }
        if (n != 1)
            return v;
        v = inner;
    }
    return v;
}

int pickle_names(struct machine *m, struct pickle_list *out)
{
    const struct value *v = &m->value[m->stack[m->n_stack - 1]];

    return v->kind == DICT ? add_tensors(m, out, state_of(m, v), "", 0) : 0;
}
