/* forecast_speed.c - how fast the device computes, by a short measurement. */
#include <math.h>
#include <pthread.h>

#include "base/clock.h"
#include "generate/plan_inner.h"
#include "tensor/ops.h"

/* Operations per second of a matrix product like those of the transformer: the best of some rounds
 * that take about 20 ms, so that what else the machine does counts little. */
static int measure_speed(const struct plan *p, double *speed, struct err *e)
{
    struct threads *th = threads_new(p->threads);
    struct weight_set set;
    struct cx cx;
    double least = INFINITY, spent = 0;
    int64_t rows = 512, dim = 512;

    weight_set_init(&set);
    set.as = p->budget.as;
    set.group = 1; /* as in a block */
    struct linear_w w = linear_declare(&set, "w", dim, dim, 0, INIT_LINEAR, 1);
    cx_init(&cx, p->device, p->type, th);
    device_enter(p->device);
    int rc = weight_set_allocate(&set, p->device, p->type, 0, &cx.err);
    for (int i = 0; !rc && (i < 2 || spent < 0.02); i++) { /* the first round warms up */
        double start = clock_s(), took;
        float first; /* reading waits for the device */
        struct tensor *y = linear(&cx, tensor_zeros(&cx, p->type, DIMS(rows, dim)), &w);
        tensor_read_f32(&cx, slice_rows(&cx, slice_last(&cx, y, 0, 1), 0, 1), &first);
        cx_step_end(&cx);
        rc = cx.err.code;
        took = fmax(clock_s() - start, 1e-9);
        least = i && took < least ? took : least;
        spent += i ? took : 0;
    }
    if (rc)
        err_set(e, rc, "forecast: %s", cx.err.msg);
    device_leave(p->device);
    cx_release(&cx);
    weight_set_release(&set);
    threads_free(&th);
    *speed = 2.0 * (double)(rows * dim * dim) / least;
    return rc;
}

/* A measurement of one kind of product holds for a while: a service plans hundreds of films in a
 * second, and many at once would measure each other. */
int plan_speed(const struct plan *p, double *speed, struct err *e)
{
    enum { KINDS = 8, HOLDS_S = 60 };
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static struct {
        const struct device *device;
        int type, threads;
        struct weight_as as;
        double speed, until_s;
    } known[KINDS], *oldest;
    int rc = 0;

    pthread_mutex_lock(&lock);
    oldest = &known[0];
    for (int i = 0; i < KINDS; i++) {
        if (known[i].until_s > clock_s() && known[i].device == p->device &&
            known[i].type == (int)p->type && known[i].threads == p->threads &&
            known[i].as.form == p->budget.as.form && known[i].as.int8 == p->budget.as.int8) {
            *speed = known[i].speed;
            pthread_mutex_unlock(&lock);
            return 0;
        }
        oldest = known[i].until_s < oldest->until_s ? &known[i] : oldest;
    }
    rc = measure_speed(p, speed, e);
    if (!rc) {
        oldest->device = p->device;
        oldest->type = (int)p->type;
        oldest->threads = p->threads;
        oldest->as = p->budget.as;
        oldest->speed = *speed;
        oldest->until_s = clock_s() + HOLDS_S;
    }
    pthread_mutex_unlock(&lock);
    return rc;
}
