/* generate_settings.h - a command line of `zoetrope generate` becomes settings of a job. */
#ifndef TOOL_GENERATE_SETTINGS_H
#define TOOL_GENERATE_SETTINGS_H

#include "generate_args.h"

/* A recipe or a job that is kept, then the user's config file, the environment and the command
 * line: the later one wins. The folder of a job that is kept becomes the current one. The errors of
 * zt_job_set and of the files that are read. */
NODISCARD int settings_make(struct args *a, zt_job *job, struct err *e);

#endif
