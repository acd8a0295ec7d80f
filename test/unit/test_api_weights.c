/* Weights that change or are damaged while the library has them open. */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "api_job.h"
#include "base/file.h"
#include "format/safetensors.h"
#include "ztest.h"

/* Weights stay in their file: a job does not run on, or end with, what somebody wrote into it. */
TEST(api_weights_that_changed_are_not_used)
{
    zt_model *m = open_fixture();
    zt_job *job = JOB(m, "frames", "1");
    char *path = path_join(fixture_dir(), "transformer/diffusion_pytorch_model.safetensors");
    const struct timespec times[2] = {{1000000000, 0}, {1000000000, 0}};

    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), 0);
    CHECK_INT(utimensat(AT_FDCWD, path, times, 0), 0);
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_IO);
    CHECK_CONTAINS(api_error, "diffusion_pytorch_model.safetensors: file changed");
    zt_job_free(&job);
    zt_model_free(&m);
    free(path);
}

/* One value of a weight of the transformer becomes NaN in its file. */
static void damage(const char *dir, const char *weight)
{
    char *folder = path_join(dir, "transformer"), *path;
    float nan = NAN;
    struct st_file *f;
    struct err e = {0};

    CHECK_INT(st_open(&f, folder, &e), 0);
    const struct st_tensor *t = st_find(f, weight);
    CHECK(t && t->type == DT_F32);
    path = xstrdup(st_path(f, t->shard));
    FILE *out = fopen(path, "r+b");
    CHECK(out);
    fseek(out, (long)t->offset, SEEK_SET);
    CHECK_INT(fwrite(&nan, sizeof nan, 1, out), 1);
    fclose(out);
    st_close(&f);
    free(path);
    free(folder);
}

TEST(api_weight_that_is_not_finite_is_named_before_anything_is_drawn)
{
    char dir[600], *command;
    zt_model *m;
    zt_job *job;

    in_tmp(dir, "nan-weight");
    command = xasprintf("cp -r '%s' '%s'", fixture_dir(), dir);
    CHECK_INT(system(command), 0);
    damage(dir, "blocks.3.attn1.to_k.weight");
    CHECK_INT(zt_model_open(&m, dir, api_error, sizeof api_error), 0);
    job = JOB(m, "frames", "5");
    CHECK_INT(zt_job_run(job, api_error, sizeof api_error), ZT_E_MODEL);
    CHECK_CONTAINS(api_error,
                   "/transformer: weight blocks.3.attn1.to_k.weight holds values that are not "
                   "finite (of 1 in all): the file is damaged");
    zt_job_free(&job);
    zt_model_free(&m);
    free(command);
}
