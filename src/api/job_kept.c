/* What a job that runs leaves behind for another process: the folder of its journal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/job.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "kern/kern.h"

enum { JOB_VERSION = 1, MAX_JOB = 4 << 20, SHOWN = 60 };

/* NULL: nothing is kept. The caller frees. */
static char *folder_of(const zt_job *job)
{
    const char *said = request_text(&job->request, OPT_JOB);
    const char *film = request_text(&job->request, OPT_OUTPUT);
    size_t len = strlen(film);

    if (!*said || !strcmp(said, "no"))
        return NULL;
    if (strcmp(said, "auto"))
        return xstrdup(said);
    while (len > 1 && film[len - 1] == '/')
        len--;
    return len && strcmp(film, "-") ? xasprintf("%.*s.job", (int)len, film) : NULL;
}

/* Settings as they were said, and what the plan settled without being told. */
static void write_options(const zt_job *job, struct jsonw *w)
{
    const struct request *r = &job->request;

    jsonw_object(w, "options");
    jsonw_int(w, "zoetrope", RECIPE_VERSION);
    for (int i = 0; i < N_OPTIONS; i++)
        if (r->value[i].set && i != OPT_SEED && i != OPT_TYPE && i != OPT_JOB)
            jsonw_string(w, options[i].name, r->value[i].text);
    jsonw_int(w, "seed", (int64_t)job->plan.seed);
    jsonw_string(w, "type", job->plan.computed);
    if (job->plan.seen)
        jsonw_string(w, REQUEST_SEEN, job->plan.seen);
    for (int i = 0; i < N_OLDER; i++)
        if (r->older[i])
            jsonw_string(w, request_older_key[i], "no");
    jsonw_end_object(w);
}

/* Other instructions sum in another order: bits are those of one set of them. */
static const char *computes_by(const zt_job *job)
{
    const struct device *d = job->plan.device;

    return d->host ? kernels_best()->name : d->name;
}

static int write_head(void *user, struct buf *out, struct err *e)
{
    const zt_job *job = user;
    struct buf recipe = BUF_INIT;
    char here[4096];
    struct jsonw w;
    int rc = recipe_write(job, NULL, &recipe, e);

    jsonw_init(&w, out, 2);
    jsonw_object(&w, NULL);
    jsonw_int(&w, "zoetrope_job", JOB_VERSION);
    if (getcwd(here, sizeof here))
        jsonw_string(&w, "folder", here);
    jsonw_string(&w, "instructions", computes_by(job));
    write_options(job, &w);
    jsonw_string(&w, "recipe", buf_str(&recipe));
    jsonw_end_object(&w);
    buf_putc(out, '\n');
    buf_release(&recipe);
    return rc;
}

/* ---- is it the same film? ---- */

static void value_of(struct jval root, const char *key, struct buf *out)
{
    if (j_text(root, key, out))
        buf_puts(out, "unsaid");
}

/* 1: a field of a is another one in b; e says which. */
static int differs(struct jval a, struct jval b, const char *dir, struct err *e)
{
    void *it = NULL;
    const char *key;
    struct jval v;

    while (j_next(a, &it, &key, &v)) {
        struct buf kept = BUF_INIT, now = BUF_INIT;

        value_of(a, key, &kept);
        value_of(b, key, &now);
        int same = !strcmp(buf_str(&kept), buf_str(&now));
        if (!same)
            err_set(e, ERR_USAGE,
                    "%s holds a film that was not finished, of %s \"%.*s\"; this one has \"%.*s\". "
                    "`zoetrope resume %s` goes on with it, --overwrite begins anew",
                    dir, key, SHOWN, buf_str(&kept), SHOWN, buf_str(&now), dir);
        buf_release(&kept);
        buf_release(&now);
        if (!same)
            return 1;
    }
    return 0;
}

struct kept_recipe {
    char *text, *by;
};

static void read_recipe(void *arg, struct jval root)
{
    struct kept_recipe *k = arg;

    j_int(root, "zoetrope_job", JOB_VERSION, JOB_VERSION);
    k->text = xstrdup(j_string(root, "recipe"));
    k->by = xstrdup(j_string_or(root, "instructions", ""));
}

static int compare(const char *dir, const char *kept, const char *now, struct err *e)
{
    struct jdoc *a = NULL, *b = NULL;
    int rc = jdoc_parse(&a, kept, strlen(kept), dir, e);

    if (!rc)
        rc = jdoc_parse(&b, now, strlen(now), dir, e);
    if (!rc && (differs(jdoc_root(a), jdoc_root(b), dir, e) ||
                differs(jdoc_root(b), jdoc_root(a), dir, e)))
        rc = e->code;
    jdoc_close(&a);
    jdoc_close(&b);
    return rc;
}

static int same_film(zt_job *job, const char *dir, const char *path, struct err *e)
{
    struct kept_recipe kept = {NULL, NULL};
    struct buf now = BUF_INIT;
    int rc = jdoc_take(path, MAX_JOB, read_recipe, &kept, e);

    if (!rc)
        rc = recipe_write(job, NULL, &now, e);
    if (!rc && strcmp(kept.text, buf_str(&now)))
        rc = compare(dir, kept.text, buf_str(&now), e);
    if (!rc && *kept.by && strcmp(kept.by, computes_by(job)))
        job->kept_by = xstrdup(kept.by);
    buf_release(&now);
    free(kept.text);
    free(kept.by);
    return rc;
}

/* ---- going on ---- */

struct kept_job {
    struct request *request;
    struct arena *text;
    const char *folder;
    struct err e;
};

static void read_job(void *arg, struct jval root)
{
    struct kept_job *k = arg;
    struct jval said = j_object(root, "options");
    struct jval v;
    const char *key;
    void *it = NULL;

    j_int(root, "zoetrope_job", JOB_VERSION, JOB_VERSION);
    k->folder = arena_strdup(k->text, j_string_or(root, "folder", ""));
    while (!k->e.code && j_next(said, &it, &key, &v)) {
        struct buf value = BUF_INIT;

        if (!strcmp(key, "zoetrope"))
            continue;
        if (j_text(said, key, &value))
            j_fail(said, key, "is no text or number");
        else if (!strcmp(key, REQUEST_SEEN))
            request_set_seen(k->request, buf_str(&value));
        else if (!request_set_older(k->request, key) &&
                 request_set(k->request, key, buf_str(&value), &k->e))
            j_fail(said, key, "%s", k->e.msg);
        buf_release(&value);
    }
}

int job_kept_read(struct zt_job *job, const char *dir, const char **folder, struct err *e)
{
    struct kept_job k = {.request = &job->request, .text = &job->text};
    char *path = path_join(dir, JOURNAL_JOB);
    int rc;

    if (!dir_exists(dir))
        rc = err_set(e, ERR_IO, "%s: there is no such folder", dir);
    else if (!file_exists(path))
        rc = err_set(e, ERR_IO, "%s: no job is kept there (%s is missing)", dir, JOURNAL_JOB);
    else
        rc = jdoc_take(path, MAX_JOB, read_job, &k, e);
    if (!rc)
        rc = request_set(&job->request, "job", dir, e);
    *folder = rc || !*k.folder ? NULL : k.folder;
    if (!rc) {
        const char *film = request_text(&job->request, OPT_OUTPUT);

        free(job->kept_film); /* the caller may go to another folder, and say another name */
        job->kept_film = *film && *film != '/' ? path_join(k.folder, film) : xstrdup(film);
    }
    free(path);
    return rc;
}

/* ---- while it runs ---- */

int job_kept_there(const struct zt_job *job)
{
    char *dir = folder_of(job), *path = dir ? path_join(dir, JOURNAL_JOB) : NULL;
    int there = path && file_exists(path);

    free(dir);
    free(path);
    return there;
}

int job_kept_open(struct zt_job *job, struct err *e)
{
    struct latent_shape shape = plan_latent(&job->plan);
    char *dir = folder_of(job), *path = dir ? path_join(dir, JOURNAL_JOB) : NULL;
    int rc = 0, anew = 0;

    free(job->kept);
    free(job->kept_by);
    job->kept = job->kept_by = NULL;
    if (dir && !file_exists(path) && !journal_may_begin(dir))
        rc = err_set(e, ERR_IO, "job: %s is a folder with other things in it", dir);
    if (!rc && dir && file_exists(path)) {
        rc = same_film(job, dir, path, e);
        anew = rc && rc != ERR_IO && request_flag(&job->request, OPT_OVERWRITE);
    }
    if (dir && (!rc || anew)) {
        rc = journal_open(&job->journal, dir, latent_count(&shape), write_head, job, e);
        if (!rc && anew) {
            journal_finish(&job->journal);
            rc = journal_open(&job->journal, dir, latent_count(&shape), write_head, job, e);
        }
        if (!rc)
            job->kept = xstrdup(dir);
    }
    free(dir);
    free(path);
    return rc;
}

static void add_note(struct figures *f, const char *text, const char *what)
{
    size_t n = strlen(f->note);

    snprintf(f->note + n, sizeof f->note - n, "%s%s%s", n ? "; " : "", text, what);
}

void job_kept_close(struct zt_job *job, int whole)
{
    struct figures *f = &job->figures;

    if (!job->journal)
        return;
    const char *trouble = journal_trouble(job->journal);
    if (trouble)
        add_note(f, "it could not be kept while it was drawn: ", trouble);
    if (job->kept_by)
        add_note(f,
                 "its bits are those of no single machine, for it was begun with the instructions "
                 "of another: ",
                 job->kept_by);
    if (whole && job->kept_film && *job->kept_film)
        film_drop_part(job->kept_film); /* the film is whole elsewhere */
    if (whole)
        journal_finish(&job->journal);
    else
        journal_close(&job->journal);
    char *path = job->kept ? path_join(job->kept, JOURNAL_JOB) : NULL;
    if (whole || !path || !file_exists(path)) {
        free(job->kept);
        job->kept = NULL;
    }
    free(path);
}
