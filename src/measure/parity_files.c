/* Parity of files: numbers as they are packed, which must come out to the bit. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/parity_inner.h"
#include "model/store.h"

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
