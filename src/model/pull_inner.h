/* pull_inner.h - what the files of pull.h share. */
#ifndef MODEL_PULL_INNER_H
#define MODEL_PULL_INNER_H

#include "model/pull.h"
#include "net/net.h"

/* Say of an answer that is no 2xx what a user can do. */
int pull_refused(const struct pull_request *r, const struct net_answer *a, struct err *e);
/* ERR_USAGE: name or revision are none. */
NODISCARD int pull_check_name(const struct pull_request *r, struct err *e);
/* The address of a file; the caller frees. */
char *pull_url(const struct pull_request *r, const char *commit, const char *path);
/* Mark what is wanted. ERR_USAGE. */
NODISCARD int pull_choose(struct pull_list *l, const struct pull_request *r, struct err *e);

#endif
