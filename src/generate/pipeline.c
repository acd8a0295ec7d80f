#include "generate/pipeline.h"

#include <stdlib.h>

#include "base/clock.h"
#include "generate/latent.h"
#include "generate/velocity.h"

int sink_progress(const struct sink *s, const char *stage, long done, long total, double left_s,
                  struct err *e)
{
    int stop = s->stop && atomic_load(s->stop);

    if (!stop && s->progress)
        stop = s->progress(s->user, stage, done, total, left_s);
    return stop ? err_set(e, ERR_CANCEL, "stopped while %s", stage) : 0;
}

int pipeline_run(const struct bundle *b, const struct plan *p, const struct sink *s,
                 struct figures *out, struct err *e)
{
    double start = clock_s();
    struct threads *th = threads_new(p->threads);
    struct latent_shape shape;
    struct cx cx;

    velocity_shape(p, &shape);
    size_t n = latent_count(&shape);
    float *x = malloc(n * sizeof(*x));
    if (!x) {
        threads_free(&th);
        return err_set(e, ERR_FIT, "no memory for a latent of %zu numbers", n);
    }
    cx_init(&cx, p->device, p->type, th);
    int rc = denoise(&cx, b, p, s, x, e);
    if (!rc) {
        latent_hash(&shape, x, out->latent_hash);
        rc = show_frames(&cx, b, p, s, x, out->frame_hash, e);
    }
    out->seconds = clock_s() - start;
    cx_release(&cx);
    threads_free(&th);
    free(x);
    return rc;
}
