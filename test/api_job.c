#include "api_job.h"

#include <stdio.h>

#include "ztest.h"

char api_error[768];

zt_model *open_fixture(void)
{
    zt_model *m;

    if (zt_model_open(&m, fixture_dir(), api_error, sizeof api_error))
        ztest_fail(__FILE__, __LINE__, "%s", api_error);
    return m;
}

zt_job *job_of(zt_model *m, const char *const *settings)
{
    zt_job *job;

    zt_job_new(&job, m);
    for (int i = 0; settings[i]; i += 2)
        if (zt_job_set(job, settings[i], settings[i + 1], api_error, sizeof api_error))
            ztest_fail(__FILE__, __LINE__, "%s", api_error);
    return job;
}

void in_tmp(char path[600], const char *name)
{
    snprintf(path, 600, "%s/%s", ztest_tmp(), name);
}
