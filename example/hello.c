/* hello.c - a prompt becomes hello.y4m, through the library alone.
 *
 *     cc hello.c $(pkg-config --cflags --libs zoetrope) && ./a.out "a red ball rolls to the right"
 */
#include <stdio.h>
#include <zoetrope.h>

static int show_progress(void *user, const char *stage, long done, long total, double left_s)
{
    (void)user;
    (void)left_s;
    fprintf(stderr, "\r%s %ld/%ld ", stage, done, total);
    return 0; /* anything else stops */
}

int main(int argc, char **argv)
{
    char error[512];
    zt_job *job;
    const char *prompt = argc > 1 ? argv[1] : "a red ball rolls from left to right";

    zt_job_new(&job, NULL); /* the default model */
    zt_job_on_progress(job, show_progress, NULL);
    int rc = zt_job_set(job, "prompt", prompt, error, sizeof error);
    if (!rc)
        rc = zt_job_set(job, "output", "hello.y4m", error, sizeof error);
    if (!rc)
        rc = zt_job_set(job, "overwrite", "yes", error, sizeof error);
    if (!rc)
        rc = zt_job_run(job, error, sizeof error);
    if (rc)
        fprintf(stderr, "\n%s\n", error);
    else
        printf("\nhello.y4m, seed %s\n", zt_job_get(job, "seed"));
    zt_job_free(&job);
    return -rc;
}
