/* jobs_pg_schema.c - the tables of the store in PostgreSQL, in a schema named zoetrope. */
#include <libpq-fe.h>
#include <stdlib.h>

#include "serve/jobs_pg.h"
#include "serve/jobs_sql.h"

enum { VERSION = 2 };

/* clang-format off */
/* What makes version i + 1 of version i. job is SQLite's, with the claim by which a lost answer is
 * found again. */
static const char *const SCHEMA[VERSION] = {
    "CREATE FUNCTION now_ms() RETURNS bigint LANGUAGE sql STABLE AS"
    " 'SELECT (extract(epoch FROM statement_timestamp())*1000)::bigint';"
    "CREATE SEQUENCE job_serial MINVALUE 0 MAXVALUE 999 CYCLE;"
    "CREATE TABLE job("
    " id bigint PRIMARY KEY, tenant text NOT NULL, idem_key text, external_id text,"
    " api text NOT NULL, model text NOT NULL, params text NOT NULL, params_sha text NOT NULL,"
    " facts text NOT NULL, first text, last text, callback text, parent bigint NOT NULL DEFAULT 0,"
    " state text NOT NULL DEFAULT 'queued' CHECK(state IN"
    "  ('queued','running','finalizing','succeeded','failed','cancelled')),"
    " priority bigint NOT NULL DEFAULT 0, place double precision NOT NULL,"
    " attempt bigint NOT NULL DEFAULT 0, crash_count bigint NOT NULL DEFAULT 0,"
    " owner text, claim text, fence bigint NOT NULL DEFAULT 0, lease_until bigint,"
    " step bigint NOT NULL DEFAULT 0, steps bigint NOT NULL DEFAULT 0,"
    " cancel_requested bigint NOT NULL DEFAULT 0, error_code text, error_msg text,"
    " result text, result_sha text, result_bytes bigint NOT NULL DEFAULT 0,"
    " created_at bigint NOT NULL, updated_at bigint NOT NULL, started_at bigint,"
    " finished_at bigint,"
    " UNIQUE(tenant, idem_key), UNIQUE(tenant, external_id),"
    " CHECK((finished_at IS NOT NULL) = (state IN ('succeeded','failed','cancelled'))),"
    " CHECK((owner IS NOT NULL) = (state IN ('running','finalizing'))));"
    "CREATE INDEX job_queue ON job(priority, place, id) WHERE state='queued';"
    "CREATE INDEX job_runs ON job(id) WHERE state IN ('running','finalizing');"
    "CREATE INDEX job_tenant ON job(tenant, id);"
    "CREATE INDEX job_changed ON job(updated_at);"
    "CREATE INDEX job_result ON job(result) WHERE result IS NOT NULL;"
    "CREATE INDEX job_film ON job(result_sha) WHERE result_sha IS NOT NULL;"
    "CREATE INDEX job_first ON job(first) WHERE first IS NOT NULL;"
    "CREATE INDEX job_last ON job(last) WHERE last IS NOT NULL;"
    "CREATE TABLE meta(key text PRIMARY KEY, value text NOT NULL);"
    "INSERT INTO meta VALUES('secret', replace(gen_random_uuid()::text || gen_random_uuid()::text,"
    " '-', '')), ('version', '1');"
    "CREATE TABLE outbox(job bigint PRIMARY KEY, state text NOT NULL,"
    " attempts bigint NOT NULL DEFAULT 0, next_at bigint NOT NULL DEFAULT 0);"
    "CREATE FUNCTION job_note() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
    " INSERT INTO zoetrope.outbox(job,state) VALUES(NEW.id,NEW.state) ON CONFLICT(job) DO UPDATE"
    "  SET state=excluded.state,attempts=0,next_at=0; RETURN NEW; END$$;"
    "CREATE FUNCTION job_unnote() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
    " DELETE FROM zoetrope.outbox WHERE job=OLD.id; RETURN OLD; END$$;"
    "CREATE FUNCTION job_tell() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
    " PERFORM pg_notify('zoetrope', NEW.id::text); RETURN NEW; END$$;"
    "CREATE TRIGGER job_comes AFTER INSERT ON job FOR EACH ROW"
    " WHEN (NEW.callback IS NOT NULL) EXECUTE FUNCTION job_note();"
    "CREATE TRIGGER job_changes AFTER UPDATE OF state ON job FOR EACH ROW"
    " WHEN (NEW.callback IS NOT NULL AND NEW.state<>OLD.state AND NEW.state<>'finalizing')"
    " EXECUTE FUNCTION job_note();"
    "CREATE TRIGGER job_goes AFTER DELETE ON job FOR EACH ROW EXECUTE FUNCTION job_unnote();"
    "CREATE TRIGGER job_told AFTER INSERT OR UPDATE ON job FOR EACH ROW"
    " EXECUTE FUNCTION job_tell();"
    "CREATE TABLE file(name text PRIMARY KEY, job bigint NOT NULL, bytes bigint NOT NULL,"
    " sha text NOT NULL, kept_at bigint NOT NULL DEFAULT zoetrope.now_ms());"
    "CREATE TABLE file_part(name text, part bigint, body bytea NOT NULL,"
    " kept_at bigint NOT NULL DEFAULT zoetrope.now_ms(), PRIMARY KEY(name, part));",
    /* What has been reached of a film. A file is written to the side that is not read, then that
     * one is read; all goes with the end of the job. */
    "CREATE TABLE kept(job bigint, name text, side bigint NOT NULL, bytes bigint NOT NULL,"
    " sha text NOT NULL, server text NOT NULL, PRIMARY KEY(job, name));"
    "CREATE TABLE kept_part(job bigint, name text, side bigint, part bigint, body bytea NOT NULL,"
    " PRIMARY KEY(job, name, side, part));"
    "ALTER TABLE kept_part ALTER COLUMN body SET STORAGE EXTERNAL;"
    "CREATE FUNCTION job_unkeep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN"
    " DELETE FROM zoetrope.kept WHERE job=OLD.id; DELETE FROM zoetrope.kept_part WHERE job=OLD.id;"
    " RETURN NULL; END$$;"
    "CREATE TRIGGER job_is_over AFTER UPDATE OF state ON job FOR EACH ROW"
    " WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION job_unkeep();"
    "CREATE TRIGGER job_is_gone AFTER DELETE ON job FOR EACH ROW EXECUTE FUNCTION job_unkeep();",
};
/* clang-format on */

static int say(PGconn *c, const char *sql, struct err *e)
{
    PGresult *r = PQexec(c, sql);
    ExecStatusType got = PQresultStatus(r);
    int rc = got == PGRES_COMMAND_OK || got == PGRES_TUPLES_OK ? 0 : pg_fault(c, r, e);

    PQclear(r);
    return rc;
}

static int version_of(PGconn *c, int64_t *version, struct err *e)
{
    int64_t there = 0;
    int rc = pg_number(c,
                       "SELECT count(*) FROM pg_tables WHERE schemaname='zoetrope' AND "
                       "tablename='meta'",
                       &there, e);

    *version = 0;
    if (!rc && there)
        rc = pg_number(c, "SELECT value FROM zoetrope.meta WHERE key='version'", version, e);
    return rc;
}

/* One after the other, when servers start at once. */
int pg_schema(PGconn *c, struct err *e)
{
    int64_t version = 0;
    int rc = say(c,
                 "BEGIN; SELECT pg_advisory_xact_lock(2054844527);"
                 "DO $$BEGIN IF NOT EXISTS(SELECT 1 FROM pg_namespace WHERE nspname='zoetrope')"
                 " THEN CREATE SCHEMA zoetrope; END IF; END$$",
                 e);

    if (!rc)
        rc = version_of(c, &version, e);
    if (!rc && version > VERSION)
        rc = err_set(e, ERR_FORMAT,
                     "store: its tables are of version %lld; this program knows up to %d",
                     (long long)version, VERSION);
    while (!rc && version < VERSION) {
        char *mark =
            xasprintf("UPDATE meta SET value='%lld' WHERE key='version'", (long long)version + 1);
        rc = say(c, SCHEMA[version++], e);
        if (!rc)
            rc = say(c, mark, e);
        free(mark);
    }
    if (rc)
        PQclear(PQexec(c, "ROLLBACK"));
    return rc ? rc : say(c, "COMMIT", e);
}
