#include "generate_many.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd.h"
#include "generate_files.h"
#include "format/json.h"
#include "media/film.h"

enum { MAX_FILE = 64 << 20, MAX_FILMS = 100000, SHOWN_ERRORS = 20 };

struct line {
    int number;          /* in the file, from 1 */
    const char *text;    /* of the file */
    char *seed, *output; /* owned: what was settled when it was checked */
    char *place;         /* owned: the output, the same for all ways to name the file */
    int there;           /* it is to be passed over */
    double forecast_s;
};
struct films {
    const struct many *many;
    zt_job *base;
    struct say *say;
    struct buf file;
    struct line *line; /* owned [n] */
    int n, wrong;      /* lines, and those among them that are refused */
    struct err first;  /* of what was wrong */
};

static zt_job *running; /* for the signal handler alone */

static void stop_job(void)
{
    if (running)
        zt_cancel(running);
}

/* ---- lines ---- */

static int is_blank(const char *s)
{
    return !s[strspn(s, " \t\r")];
}

/* The file becomes lines, blank ones left out. */
static int read_lines(struct films *f, struct err *e)
{
    int rc = file_read(&f->file, f->many->path, MAX_FILE, e), number = 1, cap = 0;
    char *s = rc ? NULL : f->file.data, *next;

    if (rc)
        return rc == ERR_FORMAT ? err_set(e, ERR_USAGE, "prompts: %s", e->msg) : rc;
    if (!s || strlen(s) != f->file.len)
        return err_set(e, ERR_USAGE, "prompts: %s %s", f->many->path,
                       s ? "holds a zero byte" : "is empty");
    s += strncmp(s, "\xef\xbb\xbf", 3) ? 0 : 3; /* as editors of Windows begin a file */
    for (; s; s = next, number++) {
        next = strchr(s, '\n');
        if (next)
            *next++ = 0;
        if (is_blank(s))
            continue;
        if (f->n == MAX_FILMS)
            return err_set(e, ERR_USAGE, "prompts: %s has more than %d films", f->many->path,
                           MAX_FILMS);
        if (f->n == cap) {
            cap = cap ? 2 * cap : 64;
            f->line = xrealloc(f->line, sizeof *f->line * (size_t)cap);
        }
        f->line[f->n++] = (struct line){.number = number, .text = s};
    }
    return f->n ? 0 : err_set(e, ERR_USAGE, "prompts: %s holds no line", f->many->path);
}

/* The line as settings, which name the version of their names. */
static int settings_of(const struct line *l, struct buf *out, struct err *e)
{
    struct jdoc *doc;
    int rc = jdoc_parse(&doc, l->text, strlen(l->text), "the line", e);

    if (rc)
        return rc;
    struct jval root = jdoc_root(doc);
    if (j_type(root) != J_OBJECT)
        rc = err_set(e, ERR_FORMAT, "an object {\"prompt\": \"...\", ...} is wanted");
    else if (j_has(root, "model"))
        rc = err_set(e, ERR_USAGE,
                     "model: all films of a file are drawn with one model, that of the command "
                     "line");
    else
        buf_printf(out, "{%s%s%s", j_has(root, "zoetrope") ? "" : "\"zoetrope\": 1",
                   j_has(root, "zoetrope") || !j_len(root) ? "" : ", ", strchr(l->text, '{') + 1);
    jdoc_close(&doc);
    return rc;
}

/* A job of this line; with what was settled when it was checked. */
static int job_of(const struct films *f, const struct line *l, zt_job **job, struct err *e)
{
    struct buf settings = BUF_INIT;
    int rc = settings_of(l, &settings, e);

    *job = NULL;
    if (!rc)
        rc = e->code = zt_job_copy(job, f->base, e->msg, sizeof e->msg);
    if (!rc)
        rc = e->code = zt_job_set_json(*job, buf_str(&settings), e->msg, sizeof e->msg);
    if (!rc && l->seed)
        rc = e->code = zt_job_set(*job, "seed", l->seed, e->msg, sizeof e->msg);
    if (!rc && l->output)
        rc = e->code = zt_job_set(*job, "output", l->output, e->msg, sizeof e->msg);
    buf_release(&settings);
    if (rc)
        zt_job_free(job);
    return rc;
}

/* ---- checking ---- */

/* Two names of one file are equal as places. */
static char *place_of(const char *path)
{
    char *own = xstrdup(path), *dir, *real, *place;

    for (size_t n = strlen(own); n > 1 && own[n - 1] == '/'; n--)
        own[n - 1] = 0;
    dir = path_dir(own);
    real = realpath(dir, NULL);
    place = path_join(real ? real : dir, path_base(own));
    free(real);
    free(dir);
    free(own);
    return place;
}

/* Is the film there, with all its frames? */
static int look_at(struct line *l, zt_job *job, struct err *e)
{
    struct film film;
    long want = strtol(zt_job_get(job, "frames"), NULL, 10);

    if (film_probe(&film, l->output, e))
        return err_set(e, ERR_IO, "%s exists already and is no whole film; -y overwrites it",
                       l->output);
    l->there = film.n == want;
    int rc = l->there
                 ? 0
                 : err_set(e, ERR_IO, "%s exists already with %lld of %ld frames; -y overwrites it",
                           l->output, (long long)film.n, want);
    film_release(&film);
    return rc;
}

/* What is unsaid, and whether the film is there already. A job that was told to replace it for that
 * never runs. */
static int settle(const struct films *f, struct line *l, zt_job *job, struct err *e)
{
    const char *output = zt_job_get(job, "output");
    int look = f->many->skip_existing && output && (file_exists(output) || dir_exists(output)),
        keep = 0;

    if (output && !strcmp(output, "-"))
        return err_set(e, ERR_USAGE, "output: films of a file of prompts have names of their own");
    int rc = e->code = zt_job_plan(job, e->msg, sizeof e->msg);
    if (rc == ERR_IO && look && !zt_job_set(job, "overwrite", "yes", NULL, 0)) {
        rc = e->code = zt_job_plan(job, e->msg, sizeof e->msg);
        keep = 1;
    }
    if (!rc)
        rc = files_name_film(job, e);
    if (rc)
        return rc;
    l->seed = xstrdup(zt_job_get(job, "seed"));
    l->output = xstrdup(zt_job_get(job, "output"));
    l->place = place_of(l->output);
    l->forecast_s = strtod(zt_job_get(job, "forecast_s"), NULL);
    return look && look_at(l, job, e) && keep ? e->code : 0;
}

static int check_line(struct films *f, int i, struct err *e)
{
    struct line *l = &f->line[i];
    zt_job *job;
    int rc = job_of(f, l, &job, e);

    if (rc)
        return rc;
    running = job;
    rc = settle(f, l, job, e);
    running = NULL;
    zt_job_free(&job);
    for (int k = 0; !rc && k < i; k++)
        if (f->line[k].place && !strcmp(f->line[k].place, l->place))
            return err_set(e, ERR_USAGE, "output: %s is the film of line %d as well", l->output,
                           f->line[k].number);
    return rc;
}

static void say_where(struct films *f, int i)
{
    f->say->film = i + 1;
    f->say->films = f->n;
    f->say->line = f->line[i].number;
    memset(f->say->stage, 0, sizeof f->say->stage);
}

/* Every line, so that all that is wrong is said at once. */
static int check(struct films *f)
{
    for (int i = 0; i < f->n && !cmd_stop; i++) {
        struct err e = {0};

        if (!check_line(f, i, &e))
            continue;
        if (e.code == ERR_FORMAT)
            e.code = ERR_USAGE; /* the line is the request */
        err_prefix(&e, "%s:%d", f->many->path, f->line[i].number);
        if (!f->wrong++)
            f->first = e;
        say_where(f, i);
        if (f->wrong <= SHOWN_ERRORS)
            say_failure(f->say, f->base, &e);
    }
    if (f->wrong > SHOWN_ERRORS)
        fprintf(stderr, "zoetrope: and %d lines more\n", f->wrong - SHOWN_ERRORS);
    if (f->wrong)
        fprintf(stderr, "zoetrope: %s: nothing was drawn\n", f->many->path);
    return f->wrong ? f->first.code : 0;
}

/* ---- drawing ---- */

/* Would it happen to every other film too? A model that is damaged, a disk that is full. */
static int is_common(const struct err *e)
{
    static const int disk[] = {ENOSPC, EDQUOT, EROFS, EIO};

    if (e->code == ERR_CANCEL || e->code == ERR_FORMAT)
        return 1;
    for (size_t i = 0; e->code == ERR_IO && i < sizeof disk / sizeof *disk; i++)
        if (strstr(e->msg, strerror(disk[i])))
            return 1;
    return 0;
}

static int draw(struct films *f, const struct line *l, struct err *e)
{
    zt_job *job;
    int rc = job_of(f, l, &job, e);

    if (!rc) {
        running = job;
        rc = e->code = zt_job_plan(job, e->msg, sizeof e->msg);
    }
    if (!rc) {
        say_plan(f->say, job);
        zt_job_on_progress(job, say_progress, f->say);
        rc = e->code = zt_job_run(job, e->msg, sizeof e->msg);
    }
    running = NULL;
    if (rc) {
        err_prefix(e, "%s:%d", f->many->path, l->number);
        say_failure(f->say, job ? job : f->base, e);
    } else {
        say_result(f->say, job);
    }
    zt_job_free(&job);
    return rc;
}

static void forecast(const struct films *f)
{
    char time[32];
    double sum = 0;
    int n = 0;

    for (int i = 0; i < f->n; i++) {
        n += !f->line[i].there;
        sum += f->line[i].there ? 0 : f->line[i].forecast_s;
    }
    format_duration(time, sizeof time, sum);
    if (!f->say->json)
        fprintf(stderr, "%d films, about %s\n", n, time);
}

static int draw_all(struct films *f)
{
    int drawn = 0, there = 0, failed = 0, common = 0;

    forecast(f);
    for (int i = 0; i < f->n && !common; i++) {
        struct err e = {0};

        say_where(f, i);
        say_film(f->say, f->line[i].output, f->line[i].there);
        if (f->line[i].there) {
            there++;
        } else if (cmd_stop || draw(f, &f->line[i], &e)) {
            failed += e.code && e.code != ERR_CANCEL;
            common = cmd_stop ? ERR_CANCEL : is_common(&e) ? e.code : 0;
        } else {
            drawn++;
        }
    }
    say_films(f->say, drawn, there, failed, f->n - drawn - there - failed);
    if (common)
        return -common;
    failed = failed ? EXIT_SOME_FAILED + failed : 0;
    return failed < EXIT_MOST_FAILED ? failed : EXIT_MOST_FAILED;
}

int many_run(const struct many *m, zt_job *base, struct say *say)
{
    struct films f = {.many = m, .base = base, .say = say, .file = BUF_INIT};
    struct err e = {0};
    int status;

    cmd_on_stop(stop_job);
    cmd_catch_signals();
    if (read_lines(&f, &e))
        status = say_failure(say, base, &e);
    else if ((status = -check(&f)) == 0)
        status = cmd_stop ? EXIT_INTERRUPTED : draw_all(&f);
    cmd_on_stop(NULL);
    for (int i = 0; i < f.n; i++) {
        free(f.line[i].seed);
        free(f.line[i].output);
        free(f.line[i].place);
    }
    free(f.line);
    buf_release(&f.file);
    return status;
}
