/* job_expand.c - `expand`: the prompt is said again in more words, before the film is planned. */
#include <stdlib.h>
#include <string.h>

#include "api/job.h"
#include "generate/expand.h"

/* The answer takes the place of the prompt, so a plan made again, and the recipe, ask nobody. */
int job_expand(struct zt_job *job, struct err *e)
{
    struct request *r = &job->request;
    const char *url = request_text(r, OPT_EXPAND), *key = getenv("ZOETROPE_EXPAND_KEY");
    struct buf text = BUF_INIT;
    struct err why = {0};
    int rc;

    if (!expand_is_url(url))
        return 0;
    if (!*request_text(r, OPT_PROMPT))
        return err_set(e, ERR_USAGE, "expand: there is no prompt to say in more words");
    const struct expand_wish wish = {.url = url,
                                     .model = request_text(r, OPT_EXPAND_MODEL),
                                     .key = key,
                                     .prompt = request_text(r, OPT_PROMPT),
                                     .worlds = job->model->info.worlds,
                                     .seed = (uint64_t)request_int(r, OPT_SEED, 0),
                                     .stop = (const volatile sig_atomic_t *)&job->stop};
    free(job->typed);
    free(job->expand_note);
    job->expand_note = NULL;
    job->typed = xstrdup(request_text(r, OPT_PROMPT));
    rc = expand_ask(&wish, &text, &why);
    if (rc == ERR_CANCEL) {
        buf_release(&text);
        return err_set(e, rc, "stopped while the prompt was expanded");
    }
    if (rc) {
        job->expand_note = xasprintf("expand: %s; the prompt is drawn as typed", why.msg);
        free(job->typed);
        job->typed = NULL;
    } else {
        rc = request_set(r, "prompt", buf_str(&text), e);
    }
    buf_release(&text);
    return request_set(r, "expand", "no", e);
}

const char *job_typed(const struct zt_job *job)
{
    if (job->plan.expanded)
        return plan_typed(&job->plan, &job->request);
    return job->typed;
}

const char *job_expanded(const struct zt_job *job)
{
    if (job->plan.expanded)
        return job->plan.expanded;
    return job->typed ? plan_typed(&job->plan, &job->request) : NULL;
}
