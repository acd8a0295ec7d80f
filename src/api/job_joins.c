/* job_joins.c - what a film shows while it is made: where its windows meet, and whether it moves.
 */
#include <stdlib.h>

#include "api/job.h"
#include "base/jsonw.h"

#define FLAT_PART 0.5
#define STILL_S 2.0 /* so long without motion is said */

uint64_t job_joins_bytes(const struct zt_job *job)
{
    const struct plan *p = &job->plan;

    return joins_bytes(p->film_w, p->film_h, p->fps, p->n_film);
}

void job_joins_begin(struct zt_job *job)
{
    const struct plan *p = &job->plan;

    joins_free(&job->joins);
    joins_report_release(&job->report);
    job->joins = joins_new(p->film_w, p->film_h, p->fps);
}

void job_joins_end(struct zt_job *job)
{
    int n, *frame = plan_joins(&job->plan, &n);

    joins_report(job->joins, frame, n, &job->report);
    joins_free(&job->joins);
    free(frame);
}

void job_joins_release(struct zt_job *job)
{
    joins_free(&job->joins);
    joins_report_release(&job->report);
}

const char *job_joins_json(struct zt_job *job)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    joins_json(&job->report, &w);
    jsonw_end_object(&w);
    const char *text = arena_strdup(&job->text, buf_str(&b));
    buf_release(&b);
    return text;
}

const char *job_joins_text(struct zt_job *job)
{
    struct buf b = BUF_INIT;

    joins_say(&job->report, job->plan.fps, &b);
    const char *text = arena_strdup(&job->text, buf_str(&b));
    buf_release(&b);
    return text;
}

const char *job_joins_still(struct zt_job *job)
{
    const struct joins_report *r = &job->report;

    if (r->flat >= FLAT_PART)
        return arena_printf(&job->text,
                            "%.0f %% of the frames are of one colour, as of a black film",
                            100 * r->flat);
    if (r->still_s < STILL_S)
        return NULL;
    return arena_printf(&job->text, "nothing moves for %.1f s, from %.1f s on", r->still_s,
                        r->still_at_s);
}
