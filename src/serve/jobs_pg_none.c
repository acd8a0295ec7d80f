/* jobs_pg_none.c - a build without libpq. */
#include "serve/jobs_db.h"

int db_open_pg(struct db **out, const char *url, struct err *e)
{
    (void)url;
    *out = NULL;
    return err_set(e, ERR_USAGE, "store: this build has no PostgreSQL; it was made without libpq");
}
