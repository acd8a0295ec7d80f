/* job_expand.c - `expand`: the prompt is said again in more words, before the film is planned. */
#include <stdlib.h>
#include <string.h>

#include "api/job.h"
#include "generate/expand.h"
#include "generate/reading.h"

static void forget(struct zt_job *job)
{
    free(job->typed);
    free(job->expand_note);
    free(job->said);
    job->typed = job->expand_note = job->said = NULL;
}

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
    forget(job);
    rc = expand_ask(&wish, &text, &why);
    if (!rc && !reading_states(buf_str(&text), wish.worlds) &&
        reading_states(wish.prompt, wish.worlds))
        rc = err_set(&why, ERR_FORMAT, "%s answers \"%.60s\", of which the model can draw nothing",
                     url, buf_str(&text));
    if (rc == ERR_CANCEL) {
        err_set(e, rc, "stopped while the prompt was expanded");
    } else if (rc) {
        job->expand_note = xasprintf("expand: %s; the prompt is drawn as typed", why.msg);
        rc = 0;
    } else {
        job->typed = xstrdup(request_text(r, OPT_PROMPT));
        rc = request_set(r, "prompt", buf_str(&text), e);
    }
    buf_release(&text);
    job->said = xstrdup(request_text(r, OPT_PROMPT));
    return rc ? rc : request_set(r, "expand", "no", e);
}

/* 0: another prompt was set since it was asked for. */
static int is_said(const struct zt_job *job)
{
    return job->said && !strcmp(job->said, request_text(&job->request, OPT_PROMPT));
}

const char *job_typed(const struct zt_job *job)
{
    if (job->plan.expanded)
        return plan_typed(&job->plan, &job->request);
    return is_said(job) ? job->typed : NULL;
}

const char *job_expand_note(const struct zt_job *job)
{
    return is_said(job) ? job->expand_note : NULL;
}

const char *job_expanded(const struct zt_job *job)
{
    if (job->plan.expanded)
        return job->plan.expanded;
    return job_typed(job) ? plan_typed(&job->plan, &job->request) : NULL;
}
