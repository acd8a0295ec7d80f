/* Parity of files: numbers as they are packed, which must come out to the bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/parity_inner.h"
#include "model/store.h"
#include "tensor/weight.h"

/* model.gguf against what the gguf package makes of each tensor. */
void parity_gguf(struct parity *p)
{
    char *path = parity_path(p, "model.gguf");
    struct st_file *f = NULL;
    int rc = st_open(&f, path, &p->err);

    for (int i = 0; !rc && i < st_count(f); i++) {
        const struct st_tensor *t = st_at(f, i);
        float *ours = xmalloc(sizeof *ours * (size_t)(t->n + 1)), *want;
        int64_t n;

        rc = store_values(f, t, 0, t->n, ours, &p->err);
        want = rc ? NULL : parity_expected(p, t->name, &n);
        if (want)
            parity_note(p, t->name,
                        n == t->n && !memcmp(ours, want, sizeof *ours * (size_t)n) ? 0 : INFINITY);
        free(want);
        free(ours);
    }
    st_close(&f);
    free(path);
}

static const struct naming no_rules[] = {{NULL, NULL}};
static const char *const no_names[] = {NULL};
static const struct store_names plain_names = {no_rules, no_names, no_rules, 0, NULL};

/* model.safetensors as ComfyUI quantises, loaded as the weights of a network are. */
void parity_comfy_quant(struct parity *p)
{
    char *path = parity_path(p, "model.safetensors");
    struct weight_set s;
    int rc;

    weight_set_init(&s);
    for (int i = 0; i < st_count(p->out); i++) {
        const struct st_tensor *t = st_at(p->out, i);

        if (t->rank == 2 && t->n)
            weight_declare(&s, t->name, 1, INIT_ZERO, 0, DIMS(t->dim[0], t->dim[1]));
    }
    rc = store_load(&s, path, &plain_names, p->o->device, p->o->type, 0, NULL, &p->err);
    for (int i = 0; !rc && i < s.n; i++) {
        float *x = xmalloc(sizeof *x * (size_t)weight_count(s.all[i]));

        weight_read(s.all[i], x);
        parity_check(p, s.all[i]->name, x, weight_count(s.all[i]));
        free(x);
    }
    weight_set_release(&s);
    free(path);
}
