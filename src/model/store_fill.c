/* store_fill.c - a weight that has memory of its own gets the values of a file, by all threads. */
#include <pthread.h>
#include <stdlib.h>

#include "kern/int8.h"
#include "model/store_inner.h"

enum { PIECE = 1 << 16 }; /* values that a thread converts at a time: they stay in its L2 */

struct fill {
    const struct match *m;
    int k;
    int64_t first, rows; /* where the tensor begins; rows of a piece */
    const float *scale;
    float *room; /* a piece of each thread */
    pthread_mutex_t lock;
    int64_t bad;
    int failed, rc; /* the first piece that could not be read, -1: none */
    struct err *e;
};

static struct weight *weight_of(const struct fill *f)
{
    return f->m->set->all[f->k];
}

/* Rows row..row+rows-1 as numbers. */
static int read_rows(const struct fill *f, int64_t row, int64_t rows, float *x, struct err *e)
{
    const struct match *m = f->m;
    const struct st_tensor *t = m->of[f->k];
    const struct quant_layer *packed = quant_packed(&m->quant, t);
    int64_t n = store_row(weight_of(f));
    int rc;

    if (packed)
        return quant_block_rows(packed, m->file, t, m->scale[f->k], row, rows, n, x, e);
    rc = store_values_by(m->file, t, quant_form(&m->quant, t), f->first + row * n, rows * n, x, e);
    if (!rc && f->scale)
        int8_to_rows(x, f->scale + row, rows, n);
    return rc;
}

static void fill_piece(void *arg, int item, int worker)
{
    struct fill *f = arg;
    struct weight *w = weight_of(f);
    int64_t n = store_row(w), row = item * f->rows, bad = 0;
    int64_t rows = w->dim[0] - row < f->rows ? w->dim[0] - row : f->rows;
    float *x = f->room + worker * f->rows * n;
    struct err e;
    int rc = read_rows(f, row, rows, x, &e);

    if (!rc) {
        bad = store_count_bad(x, rows * n);
        weight_rows_from_file(w, row, rows, x, DT_F32);
    }
    pthread_mutex_lock(&f->lock);
    f->bad += bad;
    if (rc && (f->failed < 0 || item < f->failed)) {
        f->failed = item;
        f->rc = rc;
        if (f->e)
            *f->e = e;
    }
    pthread_mutex_unlock(&f->lock);
}

int store_fill(const struct match *m, int k, int64_t first, const float *scale, int64_t *bad,
               struct err *e)
{
    struct weight *w = m->set->all[k];
    int64_t n = store_row(w), rows = n < PIECE ? PIECE / n : 1;
    struct threads *th = w->device->host ? m->set->threads : NULL; /* others take one caller */
    struct fill f = {.m = m, .k = k, .first = first, .scale = scale, .failed = -1, .e = e};

    f.rows = rows < w->dim[0] ? rows : w->dim[0];
    f.room = xmalloc(sizeof *f.room * (size_t)(f.rows * n * threads_count(th)));
    pthread_mutex_init(&f.lock, NULL);
    threads_run(th, (int)((w->dim[0] + f.rows - 1) / f.rows), fill_piece, &f);
    pthread_mutex_destroy(&f.lock);
    free(f.room);
    *bad = f.bad;
    return f.rc;
}
