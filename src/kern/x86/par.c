/* par.c - see par.h. */
#include "kern/x86/par.h"

struct par {
    par_fn *fn;
    const void *arg;
    int64_t n, size;
};

static void par_item(void *arg, int item, int worker)
{
    const struct par *p = arg;
    int64_t begin = item * p->size, end = begin + p->size;
    (void)worker;
    p->fn(p->arg, begin, end < p->n ? end : p->n);
}

void par_pieces(struct kcx *kc, int64_t n, int64_t size, par_fn *fn, const void *arg)
{
    struct par p = {fn, arg, n, size};
    if (n > 0)
        threads_run(kc->threads, (int)((n + size - 1) / size), par_item, &p);
}

void par_split(struct kcx *kc, int64_t n, int64_t align, int64_t least, par_fn *fn, const void *arg)
{
    int64_t threads = kc->threads ? threads_count(kc->threads) : 1;
    int64_t pieces = threads > 1 ? 2 * threads : 1, most = n / least;
    if (pieces > most)
        pieces = most > 0 ? most : 1;
    int64_t size = (n + pieces - 1) / pieces;
    par_pieces(kc, n, (size + align - 1) / align * align, fn, arg);
}
