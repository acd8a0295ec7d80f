/* job_live.c - a film without end (zt_job_live). */
#include <stdio.h>
#include <string.h>

#include "api/job.h"
#include "generate/live.h"

struct show {
    zt_job *job;
    zt_turn_fn turn;
    void *user;
};

static int take_frame(void *user, int index, const uint8_t *rgb, struct err *e)
{
    zt_job *job = ((struct show *)user)->job;
    const struct plan *p = &job->plan;

    (void)e;
    rgb = job_labelled(job, rgb);
    return job->on_frame ? job->on_frame(job->frame_user, index, 0, rgb, p->film_w, p->film_h) != 0
                         : 0;
}

static int take_turn(void *user, struct live_turn *turn)
{
    struct show *s = user;

    snprintf(s->job->figures.note, sizeof s->job->figures.note, "%s", turn->note ? turn->note : "");
    return s->turn(s->user, &turn->keep, &turn->prompt, &turn->camera);
}

static int run(zt_job *job, const struct show *show, struct err *e)
{
    const struct sink sink = {.user = (void *)show, .frame = take_frame, .stop = &job->stop};
    const struct live live = {(void *)show, take_turn, &job->turn};
    const struct bundle *b = NULL;
    int rc = 0;

    if (job->request.value[OPT_OUTPUT].set)
        rc = err_set(e, ERR_USAGE,
                     "output: a film without end is not written; its frames go to "
                     "the callback");
    if (!rc)
        rc = e->code = zt_job_plan(job, e->msg, sizeof e->msg);
    if (!rc)
        rc = model_networks(job->model, job->plan.device, job->plan.type,
                            request_text(&job->request, OPT_LORA), &job->plan.budget, &b, e);
    if (!rc)
        rc = live_run(b, &job->plan, &sink, &live, e);
    atomic_store(&job->stop, 0);
    return rc;
}

int zt_job_live(zt_job *job, zt_turn_fn turn, void *user, char *error, size_t size)
{
    const struct show show = {job, turn, user};
    struct err e = {0};

    return run(job, &show, &e) ? api_fail(&e, error, size) : 0;
}

void zt_job_turn(zt_job *job)
{
    atomic_store(&job->turn, 1);
}
