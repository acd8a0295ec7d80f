/* zoetrope generate: a prompt becomes a film. Written on the public header. */
#include <glob.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd.h"
#include "generate_args.h"
#include "generate_draft.h"
#include "generate_files.h"
#include "generate_many.h"
#include "generate_preview.h"
#include "generate_say.h"
#include "generate_settings.h"
#include "media/film.h"
#include "zoetrope.h"

/* Also when the settings before it were refused. */
static int film_on_stdout(const struct args *a, zt_job *job)
{
    const char *said = args_last(a, "output"), *output = said ? said : zt_job_get(job, "output");

    return output && !strcmp(output, "-");
}

static zt_job *running; /* for the signal handler alone */

static void stop_job(void)
{
    zt_cancel(running);
}

static int run(struct args *a, zt_job *job, struct say *say, struct err *e)
{
    running = job;
    cmd_on_stop(stop_job);
    cmd_catch_signals();
    int rc = zt_job_plan(job, e->msg, sizeof e->msg);
    if (!rc)
        rc = files_name_film(job, e);
    if (!rc) {
        say_plan(say, job);
        zt_job_on_progress(job, say_progress, say);
        preview_begin(&a->preview, say, job);
        draft_watch(&a->draft, job);
        rc = zt_job_run(job, e->msg, sizeof e->msg);
    }
    e->code = rc;
    if (!rc && a->draft.path)
        say->draft = layout_agreement(&a->draft.draft, &a->draft.drawn);
    if (a->preview.e.code) {
        *e = a->preview.e;
        rc = e->code;
    }
    return rc;
}

/* Film i of several: its seed, and a number in its name. */
static int set_variant(zt_job *job, int i, int64_t seed, const char *output, struct err *e)
{
    const char *ext = path_ext(output);
    int stem = (int)(*ext ? ext - output - 1 : (ptrdiff_t)strlen(output));
    char *number = xasprintf("%lld", (long long)(seed + i)),
         *name = xasprintf("%.*s-%d%s%s", stem, output, i + 1, *ext ? "." : "", ext);

    e->code = zt_job_set(job, "seed", number, e->msg, sizeof e->msg);
    if (!e->code)
        e->code = zt_job_set(job, "output", name, e->msg, sizeof e->msg);
    free(number);
    free(name);
    return e->code;
}

/* A film that is not whole has not got its name. */
static int passed_over(const struct args *a, zt_job *job, struct say *say, int i)
{
    const char *output = zt_job_get(job, "output");

    if (!a->many.skip_existing || !file_exists(output))
        return 0;
    say->film = i + 1;
    say->films = (int)a->variants;
    say_film(say, output, 1);
    say->film = say->films = 0;
    return 1;
}

static int draw_variants(struct args *a, zt_job *job, struct say *say, struct err *e)
{
    int rc = e->code = zt_job_plan(job, e->msg, sizeof e->msg);
    char *output = NULL;
    int64_t seed = 0;

    if (!rc)
        rc = files_name_film(job, e);
    if (!rc) {
        output = xstrdup(zt_job_get(job, "output"));
        seed = strtoll(zt_job_get(job, "seed"), NULL, 10);
        if (!strcmp(output, "-") || output[strlen(output) - 1] == '/')
            rc = err_set(e, ERR_USAGE, "variants: a name like film.mp4 is wanted for the output");
    }
    for (int i = 0; !rc && i < a->variants; i++) {
        rc = set_variant(job, i, seed, output, e);
        if (!rc && passed_over(a, job, say, i))
            continue;
        if (!rc)
            rc = run(a, job, say, e);
        if (!rc)
            say_result(say, job);
    }
    free(output);
    return rc ? say_failure(say, job, e) : EXIT_OK;
}

static int draw(struct args *a, zt_job *job, struct err *e)
{
    struct say say;
    int rc = settings_make(a, job, e);

    if (!rc && a->many.skip_existing && !a->many.path && a->variants < 2)
        rc = err_set(e, ERR_USAGE, "--skip-existing goes with --prompts and --variants");
    if (!rc)
        rc = preview_check(&a->preview, e);
    if (!rc && a->preview.wanted && a->many.path)
        rc = err_set(e, ERR_USAGE, "--preview goes with one prompt, not with --prompts");
    say_begin(&say, a->json, a->verbose, film_on_stdout(a, job));
    if (!rc && a->many.path)
        return many_run(&a->many, job, &say);
    if (!rc && a->variants > 1)
        return draw_variants(a, job, &say, e);
    if (rc || run(a, job, &say, e))
        return say_failure(&say, job, e);
    say_result(&say, job);
    return EXIT_OK;
}

static int command(struct args *a, int argc, char **argv, void (*help)(void))
{
    struct err e = {0};
    zt_job *job;
    int status = EXIT_OK;

    zt_job_new(&job, NULL);
    film_quiet();
    if (args_parse(a, argc, argv, &e)) {
        status = e.code == ERR_USAGE ? cmd_usage(argv[0], "%s", e.msg) : cmd_fail(&e);
    } else if (a->help) {
        help();
    } else {
        status = draw(a, job, &e);
    }
    cmd_on_stop(NULL);
    zt_job_free(&job);
    args_release(a);
    return status;
}

int cmd_generate(int argc, char **argv)
{
    struct args a = {0};

    argv[0] = "generate"; /* also when a sentence was the command */
    return command(&a, argc, argv, args_help);
}

/* ---- going on ---- */

static void show_resume_help(void)
{
    puts(
        "zoetrope resume JOB [options of generate]\n\n"
        "Goes on with a film whose process died, was stopped or found the disk full: a folder "
        "that\n"
        "`zoetrope generate` keeps beside the film, OUTPUT.job, or where --job said, until the "
        "film\n"
        "is whole. Windows that were drawn are not drawn again; the one that was being drawn goes\n"
        "on from its last step. The film has the bits of one that was not interrupted, on another\n"
        "machine too, if that has the same model and the folder (--model, -o and other paths may "
        "be\n"
        "said anew). Without a folder the jobs in this folder are listed.\n\n"
        "examples:\n"
        "  zoetrope resume story.mp4.job\n"
        "  zoetrope resume story.mp4.job --threads 8 -o /elsewhere/story.mp4");
}

static int list_jobs(void)
{
    glob_t found;
    int n = 0;

    if (!glob("*.job", 0, NULL, &found)) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            const char *dir = found.gl_pathv[i];
            zt_job *job;

            zt_job_new(&job, NULL);
            if (!zt_job_set_kept(job, dir, NULL, NULL, 0)) {
                cmd_put_text(stdout, dir);
                fputs(": ", stdout);
                cmd_put_text(stdout, zt_job_get(job, "output"));
                putchar('\n');
                n++;
            }
            zt_job_free(&job);
        }
        globfree(&found);
    }
    if (!n)
        fputs("zoetrope: no job is kept in this folder\n", stderr);
    return EXIT_OK;
}

int cmd_resume(int argc, char **argv)
{
    struct args a = {0};
    char *dir;
    int status;

    if (argc < 2)
        return list_jobs();
    if (argv[1][0] == '-')
        return command(&a, argc, argv, show_resume_help);
    dir = realpath(argv[1], NULL);
    if (!dir) {
        struct err e;

        err_set(&e, ERR_IO, "%s: there is no such folder", argv[1]);
        return cmd_fail(&e);
    }
    a.kept = dir;
    argv[1] = argv[0];
    status = command(&a, argc - 1, argv + 1, show_resume_help);
    free(dir);
    return status;
}
