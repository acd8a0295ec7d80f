/* api_job.h - jobs of the library on the fixture's model, for tests. */
#ifndef TEST_API_JOB_H
#define TEST_API_JOB_H

#include "fixture.h"
#include "zoetrope.h"

extern char api_error[768];

/* The test fails where it cannot be opened; the caller's. */
zt_model *open_fixture(void);
/* settings: name, value, ..., NULL. m may be NULL. The caller's; the test fails where one is not
 * allowed. */
zt_job *job_of(zt_model *m, const char *const *settings);
#define JOB(m, ...)                                                                                \
    job_of(m, (const char *const[]){"prompt", "a red ball rolls", "seed", "5", "size", "native",   \
                                    "steps", "2", __VA_ARGS__, NULL})
/* A file of the test's folder. */
void in_tmp(char path[600], const char *name);

#endif
