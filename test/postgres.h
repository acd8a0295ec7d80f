/* postgres.h - a PostgreSQL of the test's own: a private cluster on a socket in a temporary folder.
 */
#ifndef TEST_POSTGRES_H
#define TEST_POSTGRES_H

/* Starts it; it ends with the process. The test is skipped, saying why, where Debian's postgresql
 * is not installed. */
void postgres_start(void);
/* Address of a new database of this name. The caller frees. */
char *postgres_database(const char *name);
void postgres_restart(void); /* at once, as after a crash */
void postgres_away(void);    /* ended, and back */
void postgres_back(void);
void postgres_sql(const char *database, const char *sql);

#endif
