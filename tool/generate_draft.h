/* generate_draft.h - `--from-draft FILE`: the film that a draft showed, and how well it did. */
#ifndef TOOL_GENERATE_DRAFT_H
#define TOOL_GENERATE_DRAFT_H

#include "base/err.h"
#include "measure/layout.h"
#include "zoetrope.h"

struct draft {
    const char *path;           /* NULL: none */
    struct layout draft, drawn; /* owned */
};
/* The settings of the draft's recipe, for the film itself. ERR_USAGE: it is no draft. */
NODISCARD int draft_set(struct draft *d, zt_job *job, struct err *e);
/* The job's frames will be compared. */
void draft_watch(struct draft *d, zt_job *job);
void draft_release(struct draft *d);

#endif
