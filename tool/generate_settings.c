#include "generate_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "cmd.h"
#include "config.h"

enum { MAX_CONFIG = 1 << 20 };

static int set_config(zt_job *job, const char *path, struct err *e)
{
    struct buf text = BUF_INIT;
    int rc = file_read(&text, path, MAX_CONFIG, e);

    if (!rc && (e->code = zt_job_set_json(job, buf_str(&text), e->msg, sizeof e->msg)))
        rc = err_prefix(e, "%s", path);
    buf_release(&text);
    return rc;
}

/* What the options of files come to, as settings of ours. */
static int set_files(struct args *a, struct err *e)
{
    const char *model, *size;
    int rc = files_settle(&a->files, &model, &size, e);

    if (!rc && model)
        rc = args_add(a, "model", model, e);
    if (!rc && size)
        rc = args_add(a, "size", size, e);
    return rc;
}

/* What holds before anything is said: the user's config file, unless one was given, and the
 * environment. Beside a recipe only what does not decide the film. */
static int set_standing(struct args *a, zt_job *job, struct err *e)
{
    char *path = a->config ? NULL : config_user_path();
    struct config c = {0};
    int rc = path ? config_read_file(&c, path, e) : 0;

    if (!rc && a->draft.path)
        rc = draft_set(&a->draft, job, e);
    if (!rc && a->config)
        rc = set_config(job, a->config, e);
    if (!rc) {
        config_read_environment(&c);
        rc = config_use_film(&c, job, a->again || a->kept || a->draft.path, e);
    }
    config_release(&c);
    free(path);
    return rc;
}

/* The folder of the film may be gone or have another name: beside its job is where it was. */
static int set_film_beside(const struct args *a, zt_job *job, struct err *e)
{
    const char *film = zt_job_get(job, "output");

    if (!film || args_last(a, "output"))
        return 0;
    char *dir = path_dir(film), *jobs = path_dir(a->kept);
    if (*path_base(film) && strcmp(film, "-") && !dir_exists(dir)) {
        char *beside = path_join(jobs, path_base(film));

        fprintf(stderr, "zoetrope: %s is not here; the film goes beside its job, to %s\n", dir,
                beside);
        e->code = zt_job_set(job, "output", beside, e->msg, sizeof e->msg);
        free(beside);
    }
    free(dir);
    free(jobs);
    return e->code;
}

/* What is kept, in the folder where it was begun, if that is here. */
static int set_kept(const struct args *a, zt_job *job, struct err *e)
{
    const char *folder;

    e->code = zt_job_set_kept(job, a->kept, &folder, e->msg, sizeof e->msg);
    if (!e->code && folder && chdir(folder))
        fprintf(stderr, "zoetrope: %s is not here; paths of the job are those of this folder\n",
                folder);
    return e->code ? e->code : set_film_beside(a, job, e);
}

/* A path of this command line is one of the folder where it was given: `here`, or, NULL, this one.
 */
static int set_one(zt_job *job, const char *here, const char *name, const char *value,
                   struct err *e)
{
    char *path = here && cmd_is_option(name, "path") && *value != '/' && strcmp(value, "-")
                     ? path_join(here, value)
                     : NULL;

    e->code = zt_job_set(job, name, path ? path : value, e->msg, sizeof e->msg);
    free(path);
    return e->code;
}

int settings_make(struct args *a, zt_job *job, struct err *e)
{
    char *here = a->kept ? getcwd(NULL, 0) : NULL; /* before set_kept leaves it */
    int rc = set_files(a, e);

    if (!rc && !a->kept)
        rc = e->code = zt_job_set(job, "job", "auto", e->msg, sizeof e->msg);
    if (!rc && a->again)
        rc = e->code = zt_job_set_film(job, a->again, e->msg, sizeof e->msg);
    if (!rc && a->kept)
        rc = set_kept(a, job, e);
    if (!rc)
        rc = set_standing(a, job, e);
    for (int i = 0; i < a->n && !rc; i++)
        rc = set_one(job, here, a->name[i], a->value[i], e);
    free(here);
    return rc;
}
