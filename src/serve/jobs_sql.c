#include "serve/jobs_db.h"

#include <stdlib.h>
#include <string.h>

/* clang-format off */
const char *const jobs_schema[JOBS_VERSION] = {
    "CREATE TABLE job("
    " id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, idem_key TEXT, external_id TEXT,"
    " api TEXT NOT NULL, model TEXT NOT NULL, params TEXT NOT NULL, params_sha TEXT NOT NULL,"
    " facts TEXT NOT NULL, first TEXT, last TEXT, callback TEXT, parent INTEGER NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL DEFAULT 'queued' CHECK(state IN"
    "  ('queued','running','finalizing','succeeded','failed','cancelled')),"
    " priority INTEGER NOT NULL DEFAULT 0, place REAL NOT NULL,"
    " attempt INTEGER NOT NULL DEFAULT 0, crash_count INTEGER NOT NULL DEFAULT 0,"
    " owner TEXT, fence INTEGER NOT NULL DEFAULT 0, lease_until INTEGER,"
    " step INTEGER NOT NULL DEFAULT 0, steps INTEGER NOT NULL DEFAULT 0,"
    " cancel_requested INTEGER NOT NULL DEFAULT 0, error_code TEXT, error_msg TEXT,"
    " result TEXT, result_sha TEXT, result_bytes INTEGER NOT NULL DEFAULT 0,"
    " created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, started_at INTEGER,"
    " finished_at INTEGER,"
    " UNIQUE(tenant, idem_key), UNIQUE(tenant, external_id),"
    " CHECK((finished_at IS NOT NULL) = (state IN ('succeeded','failed','cancelled'))),"
    " CHECK((owner IS NOT NULL) = (state IN ('running','finalizing')))) STRICT;"
    "CREATE INDEX job_queue ON job(priority, place, id) WHERE state='queued';"
    "CREATE INDEX job_tenant ON job(tenant, id);"
    "CREATE INDEX job_result ON job(result) WHERE result IS NOT NULL;"
    "CREATE INDEX job_film ON job(result_sha) WHERE result_sha IS NOT NULL;"
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;"
    "INSERT INTO meta VALUES('secret', lower(hex(randomblob(32))));"
    "PRAGMA user_version=1;",
    "CREATE TABLE outbox(job INTEGER PRIMARY KEY, state TEXT NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TRIGGER job_comes AFTER INSERT ON job WHEN NEW.callback IS NOT NULL BEGIN"
    " INSERT OR REPLACE INTO outbox(job,state) VALUES(NEW.id,NEW.state); END;"
    "CREATE TRIGGER job_changes AFTER UPDATE OF state ON job WHEN NEW.callback IS NOT NULL"
    " AND NEW.state<>OLD.state AND NEW.state<>'finalizing' BEGIN"
    " INSERT OR REPLACE INTO outbox(job,state) VALUES(NEW.id,NEW.state); END;"
    "CREATE TRIGGER job_goes AFTER DELETE ON job BEGIN"
    " DELETE FROM outbox WHERE job=OLD.id; END;"
    "PRAGMA user_version=2;",
    /* All that is asked of many rows at once, without reading the rows. */
    "DROP INDEX job_queue;"
    "CREATE INDEX job_states ON job(state, priority, place, id, tenant);"
    "PRAGMA user_version=3;",
};

/* In the order of jobs_row. */
#define COLUMNS " id,tenant,idem_key,external_id,api,model,params,params_sha,facts,first,last," \
    "callback,parent,state,attempt,crash_count,fence,cancel_requested,error_code,error_msg," \
    "result,result_sha,result_bytes,created_at,updated_at,started_at,finished_at,-priority,step,steps "
#define MINE " WHERE id=?1 AND fence=?2 AND state IN ('running','finalizing')"
#define OVER "owner=NULL,lease_until=NULL,updated_at=now_ms(),finished_at=now_ms()"
#define PAGE "FROM job WHERE tenant=?1 AND (?2 IS NULL OR api=?2) AND created_at>=?6 AND " \
    "(?7=0 OR created_at<?7) AND (?8 IS NULL OR ?8 LIKE '%'||state||'%') "

#define LAPSED "state=CASE WHEN cancel_requested=1 THEN 'cancelled' WHEN " \
    "crash_count+1>=?1 THEN 'failed' ELSE 'queued' END,error_code=CASE WHEN cancel_requested=0 " \
    "AND crash_count+1>=?1 THEN 'E_WORKER_LOST' END,error_msg=CASE WHEN cancel_requested=0 AND " \
    "crash_count+1>=?1 THEN 'the worker was lost three times while it drew this film' END," \
    "finished_at=CASE WHEN cancel_requested=1 OR crash_count+1>=?1 THEN now_ms() END," \
    "owner=NULL,lease_until=NULL,started_at=NULL,crash_count=crash_count+1,updated_at=now_ms()"

/* Notes whose time has come, but for those to places that begin with one of JOBS_BUSY texts. */
#define TO(n) " AND (?" n " IS NULL OR j.callback NOT LIKE ?" n "||'%')"
#define TAKEN "state='running',owner=?1,fence=fence+1,attempt=attempt+1,lease_until=now_ms()+?2,"    \
    "started_at=now_ms(),updated_at=now_ms()"
#define DUE "FROM outbox o JOIN job j ON j.id=o.job WHERE o.next_at<=now_ms()" TO("1") TO("2") TO("3") \
    TO("4") TO("5") TO("6") TO("7") " ORDER BY o.next_at,o.job"

const char *const jobs_sql[N_SQL] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_NEW_ID] = "SELECT max(?1+1,now_ms()*1000)", /* within a ms, or the clock was set back */
    [SQL_META] = "SELECT value,(SELECT coalesce(max(id),0) FROM job) FROM meta WHERE key='secret'",
    [SQL_INSERT] = "INSERT INTO job(id,tenant,idem_key,external_id,api,model,params,params_sha,"
        "facts,first,last,callback,parent,priority,place,created_at,updated_at)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,-?14,?1,now_ms(),now_ms())",
    [SQL_BY_ID] = "SELECT" COLUMNS "FROM job WHERE id=?1 AND (?2 IS NULL OR tenant=?2)",
    [SQL_BY_KEY] = "SELECT" COLUMNS "FROM job WHERE tenant=?1 AND idem_key=?2",
    [SQL_BY_EXTERNAL] = "SELECT" COLUMNS "FROM job WHERE tenant=?1 AND external_id=?2",
    [SQL_BY_FILM] = "SELECT" COLUMNS "FROM job WHERE tenant=?1 AND result_sha=?2 AND result IS NOT "
        "NULL ORDER BY id DESC LIMIT 1",
    [SQL_NEWEST] = "SELECT" COLUMNS PAGE "AND (?3=0 OR id<?3) ORDER BY id DESC LIMIT ?4 OFFSET ?5",
    [SQL_OLDEST] = "SELECT" COLUMNS PAGE "AND id>?3 ORDER BY id LIMIT ?4 OFFSET ?5",
    [SQL_POSITION] = "SELECT count(*) FROM job WHERE state='queued' AND (priority,place,id)<(?1,?2,?3)",
    [SQL_PLACE] = "SELECT priority,place FROM job WHERE id=?1 AND state='queued'",
    [SQL_WAITING] = "SELECT count(*),count(CASE WHEN tenant=?1 THEN 1 END) FROM job WHERE state IN "
        "('queued','running','finalizing')",
    [SQL_COUNTS] = "SELECT state,count(*) FROM job GROUP BY state",
    [SQL_QUEUE] = "SELECT id,priority,place FROM job WHERE state='queued' ORDER BY priority,place,id LIMIT ?1",
    [SQL_AHEAD] = "SELECT coalesce(sum(json_extract(facts,'$.forecast_s')),0) FROM (SELECT facts FROM"
        " job WHERE state='queued' ORDER BY priority,place,id LIMIT ?1)",
    [SQL_CLAIM] = "UPDATE job SET " TAKEN " WHERE id=(SELECT id FROM job "
        "WHERE state='queued' ORDER BY priority,place,id LIMIT 1) RETURNING" COLUMNS,
    [SQL_BEAT] = "UPDATE job SET step=?3,steps=?4,lease_until=now_ms()+?5,"
        "updated_at=now_ms()" MINE,
    [SQL_NOTED] = "UPDATE job SET facts=?3,updated_at=now_ms()" MINE,
    [SQL_FINALIZING] = "UPDATE job SET state='finalizing',lease_until=now_ms()+?3,"
        "updated_at=now_ms()" MINE,
    [SQL_SUCCEED] = "UPDATE job SET state='succeeded',result=?3,result_sha=?4,result_bytes=?5,"
        OVER MINE,
    [SQL_FAIL] = "UPDATE job SET state='failed',error_code=?3,error_msg=?4," OVER MINE,
    [SQL_CANCELLED] = "UPDATE job SET state='cancelled'," OVER MINE,
    [SQL_REQUEUE] = "UPDATE job SET state='queued',owner=NULL,lease_until=NULL,started_at=NULL,"
        "updated_at=now_ms()" MINE,
    [SQL_ENDED] = "SELECT count(*) FROM job WHERE id=?1 AND fence=?2 AND state=?3 AND "
        "(?4 IS NULL OR result_sha=?4)",
    [SQL_CANCEL_QUEUED] = "UPDATE job SET state='cancelled',cancel_requested=1,"
        "updated_at=now_ms(),finished_at=now_ms() WHERE id=?1 AND tenant=?2 AND state='queued'",
    [SQL_CANCEL_RUNNING] = "UPDATE job SET cancel_requested=1,updated_at=now_ms() WHERE id=?1 AND "
        "tenant=?2 AND state IN ('running','finalizing')",
    [SQL_DELETE] = "DELETE FROM job WHERE id=?1 AND tenant=?2",
    [SQL_PLACES] = "SELECT place FROM job WHERE state='queued' AND id<>?1 AND priority="
        "(SELECT priority FROM job WHERE id=?1) ORDER BY place,id LIMIT 2 OFFSET ?2",
    [SQL_MOVE] = "UPDATE job SET place=?3,updated_at=now_ms() WHERE id=?1 AND tenant=?2 AND "
        "state='queued'",
    [SQL_EDIT] = "UPDATE job SET params=?3,facts=?4,updated_at=now_ms() WHERE id=?1 AND tenant=?2 AND "
        "state='queued'",
    [SQL_NAMES_FILE] = "SELECT EXISTS(SELECT 1 FROM job WHERE result=?1) OR "
        "EXISTS(SELECT 1 FROM job WHERE first=?1 OR last=?1)",
    [SQL_OLDEST_FILM] = "SELECT" COLUMNS "FROM job WHERE result IS NOT NULL AND finished_at<?1 AND "
        "NOT EXISTS(SELECT 1 FROM job c WHERE c.parent=job.id AND c.state IN "
        "('queued','running','finalizing')) ORDER BY finished_at,id LIMIT 1",
    [SQL_FILMS_BYTES] = "SELECT coalesce(sum(n),0) FROM (SELECT max(result_bytes) AS n FROM job "
        "WHERE result IS NOT NULL GROUP BY result) AS films",
    [SQL_EXPIRE] = "UPDATE job SET result=NULL,updated_at=now_ms() WHERE id=?1 AND result IS NOT NULL",
    [SQL_HELD] = "SELECT" COLUMNS "FROM job" MINE " AND owner=?3",
    [SQL_ORPHANS] = "UPDATE job SET lease_until=CASE WHEN owner LIKE 'local-%' THEN 0 ELSE "
        "now_ms()+?1 END WHERE state IN ('running','finalizing')",
    [SQL_LAPSE] = "UPDATE job SET " LAPSED " WHERE id=(SELECT id FROM job WHERE state IN ('running','finalizing') AND "
        "lease_until<now_ms() LIMIT 1) RETURNING" COLUMNS,
    [SQL_NOTE_NEXT] = "SELECT o.job,o.state,o.attempts " DUE " LIMIT 1",
    [SQL_NOTE_DONE] = "DELETE FROM outbox WHERE job=?1 AND state=?2",
    [SQL_NOTE_LATER] = "UPDATE outbox SET attempts=attempts+1,next_at=now_ms()+?3 WHERE job=?1 AND state=?2",
};

/* What stands beside it is written while the fence holds: who ends the job waits for it. */
#define HOLDER "holder AS (SELECT id AS holder_id FROM job" MINE " FOR SHARE)"
#define KEPT "now_ms()-3600000" /* what no job names is kept for an hour: one may just be coming */

const char *const jobs_sql_pg[N_SQL] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_SAVE] = "SAVEPOINT one",
    [SQL_BACK] = "ROLLBACK TO one",
    [SQL_NEW_ID] = "SELECT now_ms()*1000+nextval('job_serial')+0*?1",
    [SQL_AHEAD] = "SELECT coalesce(sum((facts::json->>'forecast_s')::float8),0) FROM (SELECT facts "
        "FROM job WHERE state='queued' ORDER BY priority,place,id LIMIT ?1) AS waiting",
    [SQL_CLAIM] = "WITH next AS (SELECT id AS first_id FROM job WHERE state='queued' "
        "ORDER BY priority,place,id LIMIT 1 FOR UPDATE SKIP LOCKED) "
        "UPDATE job SET claim=?3," TAKEN " FROM next "
        "WHERE id=first_id RETURNING" COLUMNS,
    [SQL_CLAIMED] = "SELECT" COLUMNS "FROM job WHERE claim=?1 AND owner=?2 AND state='running'",
    [SQL_ORPHANS] = "UPDATE job SET lease_until=0 WHERE state IN ('running','finalizing') AND "
        "owner LIKE 'local-'||?2||'-%' AND ?1>=0",
    /* A restart of the database is no fault of those who could not reach it: they have a lease. */
    [SQL_LAPSE] = "WITH late AS (SELECT id AS late_id FROM job WHERE state IN "
        "('running','finalizing') AND lease_until<now_ms() AND (lease_until=0 OR "
        "pg_postmaster_start_time()<clock_timestamp()-?2*interval '1 ms') LIMIT 1 FOR UPDATE SKIP "
        "LOCKED) UPDATE job SET " LAPSED " FROM late WHERE id=late_id RETURNING" COLUMNS,
    /* Of the servers one tells it; where that one ends meanwhile, another does some time later. */
    [SQL_NOTE_NEXT] = "UPDATE outbox SET next_at=now_ms()+60000 WHERE job=(SELECT o.job "
        DUE " LIMIT 1 FOR UPDATE OF o SKIP LOCKED) "
        "RETURNING job,state,attempts",
    [SQL_FILE_FRESH] = "UPDATE file SET kept_at=now_ms() WHERE name=?1 AND sha=?2",
    [SQL_FILE_PART] = "INSERT INTO file_part(name,part,body) VALUES(?1,?2,decode(?3,'base64')) "
        "ON CONFLICT(name,part) DO UPDATE SET body=excluded.body,kept_at=now_ms()",
    [SQL_FILE_WHOLE] = "INSERT INTO file(name,job,bytes,sha) VALUES(?1,?2,?3,?4) ON CONFLICT(name) "
        "DO UPDATE SET bytes=excluded.bytes,sha=excluded.sha,kept_at=now_ms()",
    [SQL_FILE_FACTS] = "SELECT bytes,sha FROM file WHERE name=?1",
    [SQL_FILE_READ] = "SELECT translate(encode(body,'base64'),E'\n','') FROM file_part "
        "WHERE name=?1 AND part=?2",
    [SQL_FILE_SWEEP] = "DELETE FROM file f WHERE kept_at<" KEPT " AND NOT EXISTS(SELECT 1 FROM job "
        "WHERE result=f.name) AND NOT EXISTS(SELECT 1 FROM job WHERE first=f.name) AND NOT EXISTS("
        "SELECT 1 FROM job WHERE last=f.name) AND NOT EXISTS(SELECT 1 FROM job WHERE id=f.job AND "
        "(result IS NOT NULL OR state IN ('queued','running','finalizing')))",
    [SQL_FILE_SWEEP_PARTS] = "DELETE FROM file_part p WHERE kept_at<" KEPT " AND NOT EXISTS("
        "SELECT 1 FROM file f WHERE f.name=p.name)",
    [SQL_KEPT_PART] = "WITH " HOLDER " INSERT INTO kept_part(job,name,side,part,body) SELECT "
        "holder_id,?3,?4,?5,decode(?6,'base64') FROM holder ON CONFLICT(job,name,side,part) DO "
        "UPDATE SET body=excluded.body",
    [SQL_KEPT_WHOLE] = "WITH " HOLDER ", old AS (DELETE FROM kept_part USING holder WHERE "
        "job=holder_id AND name=?3 AND side<>?4) INSERT INTO kept(job,name,side,bytes,sha,server) "
        "SELECT holder_id,?3,?4,?5,?6,?7 FROM holder ON CONFLICT(job,name) DO UPDATE SET "
        "side=excluded.side,bytes=excluded.bytes,sha=excluded.sha,server=excluded.server",
    [SQL_KEPT_FACTS] = "SELECT bytes,sha,side FROM kept WHERE job=?1 AND name=?2",
    [SQL_KEPT_READ] = "SELECT translate(encode(body,'base64'),E'\n','') FROM kept_part "
        "WHERE job=?1 AND name=?2 AND side=?3 AND part=?4",
    [SQL_KEPT_COUNT] = "SELECT count(*),count(*) FILTER (WHERE server<>?2) FROM kept WHERE job=?1",
};
/* clang-format on */

static const char *const STATES[] = {"queued",    "running", "finalizing",
                                     "succeeded", "failed",  "cancelled"};

const char *job_state_name(enum job_state s)
{
    return STATES[s];
}

struct db *jobs_bind(struct jobs *s, enum sql which, const struct sql_value *v, int n)
{
    s->db->kind->start(s->db, which, v, n);
    return s->db;
}

int jobs_run(struct db *st, struct err *e)
{
    int rc = st->kind->step(st, e);

    while (rc > 0)
        rc = st->kind->step(st, e);
    if (!rc)
        rc = st->kind->changes(st);
    st->kind->reset(st);
    return rc;
}

int jobs_write(struct jobs *s, enum sql which, const struct sql_value *v, int n, struct err *e)
{
    pthread_mutex_lock(&s->lock);
    int rc = jobs_run(jobs_bind(s, which, v, n), e);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int jobs_numbers(struct jobs *s, enum sql which, const struct sql_value *v, int n_v, int64_t *out,
                 int n, struct err *e)
{
    struct db *st;

    pthread_mutex_lock(&s->lock);
    st = jobs_bind(s, which, v, n_v);
    int rc = st->kind->step(st, e);
    for (int i = 0; i < n && rc > 0; i++)
        out[i] = st->kind->number(st, i);
    st->kind->reset(st);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

static char *text_at(struct db *st, int column)
{
    const char *t = st->kind->text(st, column);

    return t ? xstrdup(t) : NULL;
}

static enum job_state state_of(const char *name)
{
    int i = JOB_CANCELLED;

    while (i > 0 && strcmp(name, STATES[i]))
        i--;
    return (enum job_state)i;
}

void jobs_row(struct db *st, struct job *j)
{
    char **const text[] = {&j->tenant, &j->idem_key, &j->external_id, &j->api,
                           &j->model,  &j->params,   &j->params_sha,  &j->facts,
                           &j->first,  &j->last,     &j->callback};
    int c = 0;

    memset(j, 0, sizeof *j);
    j->id = st->kind->number(st, c++);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        *text[i] = text_at(st, c++);
    j->parent = st->kind->number(st, c++);
    j->state = state_of(st->kind->text(st, c++));
    j->attempt = (int)st->kind->number(st, c++);
    j->crash_count = (int)st->kind->number(st, c++);
    j->fence = st->kind->number(st, c++);
    j->cancel_requested = (int)st->kind->number(st, c++);
    j->error_code = text_at(st, c++);
    j->error_msg = text_at(st, c++);
    j->result = text_at(st, c++);
    j->result_sha = text_at(st, c++);
    j->result_bytes = st->kind->number(st, c++);
    j->created_ms = st->kind->number(st, c++);
    j->updated_ms = st->kind->number(st, c++);
    j->started_ms = st->kind->number(st, c++);
    j->finished_ms = st->kind->number(st, c++);
    j->priority = (int)st->kind->number(st, c++);
    j->step = (int)st->kind->number(st, c++);
    j->steps = (int)st->kind->number(st, c++);
}

int jobs_one(struct db *st, struct job *out, struct err *e)
{
    int rc = st->kind->step(st, e), found = rc > 0;

    if (found) {
        jobs_row(st, out);
        rc = st->kind->step(st, e); /* RETURNING wants to be stepped to its end */
        if (rc < 0)
            job_release(out);
    }
    st->kind->reset(st);
    return rc < 0 ? rc : found;
}

void job_release(struct job *j)
{
    char *const text[] = {j->tenant,   j->idem_key,   j->external_id, j->api,    j->model,
                          j->params,   j->params_sha, j->facts,       j->first,  j->last,
                          j->callback, j->error_code, j->error_msg,   j->result, j->result_sha};

    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
    memset(j, 0, sizeof *j);
}
