#include "postgres.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "serving.h"
#include "ztest.h"

static char dir[40], bin[200];
#define AS (getuid() ? "" : "setpriv --reuid=postgres --regid=postgres --clear-groups")

/* Without fsync: processes are killed here, never the machine. As a user that PostgreSQL agrees to
 * run as. */
static int run(const char *program, const char *arguments)
{
    char *line =
        xasprintf("%s %s/%s %s >>%s/log 2>&1 </dev/null", AS, bin, program, arguments, dir);
    int rc = system(line);

    free(line);
    return rc;
}

static void must(const char *program, const char *arguments)
{
    if (run(program, arguments))
        ztest_fail(__FILE__, __LINE__, "%s failed; see %s/log", program, dir);
}

static void control(const char *what)
{
    char *arguments =
        xasprintf("%s -D %s/db -o \"-k %s -h '' -c fsync=off\" -w %s -l %s/server.log", what, dir,
                  dir, strcmp(what, "start") ? "-m immediate" : "", dir);

    must("pg_ctl", arguments);
    free(arguments);
}

/* Ends it when this process does, however that is; a process of its own that reads until then. */
static void end_with_me(void)
{
    char *line =
        xasprintf("cat; %s %s/pg_ctl -D %s/db -m immediate stop >/dev/null 2>&1; rm -rf %s", AS,
                  bin, dir, dir);
    int pipe_fd[2];

    CHECK(!pipe2(pipe_fd, O_CLOEXEC));
    if (fork() == 0) {
        dup2(pipe_fd[0], 0);
        setsid();
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(1);
    }
    close(pipe_fd[0]);
    free(line);
}

void postgres_start(void)
{
    char *arguments, *line;
    glob_t g;

    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &g) || !g.gl_pathc)
        ztest_skip("no PostgreSQL here: Debian's package is postgresql");
    snprintf(bin, sizeof bin, "%.*s", (int)(strrchr(g.gl_pathv[0], '/') - g.gl_pathv[0]),
             g.gl_pathv[0]);
    globfree(&g);
    snprintf(dir, sizeof dir, "/tmp/ztest-pg-XXXXXX");
    CHECK(mkdtemp(dir));
    end_with_me();
    line = xasprintf("chown postgres %s", dir);
    CHECK(getuid() || !system(line));
    free(line);
    arguments = xasprintf("-D %s/db -A trust -U zt -N -E UTF8 --locale=C", dir);
    must("initdb", arguments);
    free(arguments);
    control("start");
}

char *postgres_database(const char *name)
{
    char *arguments = xasprintf("-h %s -U zt %s", dir, name);

    must("createdb", arguments);
    free(arguments);
    return xasprintf("postgresql:///%s?host=%s&user=zt", name, dir);
}

void postgres_restart(void)
{
    control("restart");
}

void postgres_away(void)
{
    control("stop");
}

void postgres_back(void)
{
    control("start");
}

void postgres_sql(const char *database, const char *sql)
{
    char *arguments = xasprintf("-q -h %s -U zt -d %s -c \"%s\"", dir, database, sql);

    must("psql", arguments);
    free(arguments);
}
