#include "generate_say.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "base/machine.h"
#include "cmd.h"

void say_begin(struct say *s, int json, int verbose, int film_on_stdout)
{
    *s = (struct say){
        .out = film_on_stdout ? stderr : stdout, .json = json, .verbose = verbose, .draft = NAN};
}

static void line(struct say *s, const struct buf *b)
{
    fprintf(s->out, "%s\n", buf_str(b));
    fflush(s->out);
}

static void say_note(const char *text)
{
    fputs("note: ", stderr);
    cmd_put_text(stderr, text);
    fputc('\n', stderr);
}

static double number(zt_job *job, const char *key)
{
    const char *text = zt_job_get(job, key);

    return text ? strtod(text, NULL) : 0;
}

static void write_figures(struct jsonw *w, zt_job *job)
{
    static const char *const numbers[] = {
        "seed",         "width",       "height",       "frames",       "fps",
        "steps",        "drawn_width", "drawn_height", "drawn_frames", "threads",
        "memory_bytes", "forecast_s",  "seconds",      "evaluations",  "skipped_evaluations",
        "cache_error"};
    static const char *const texts[] = {
        "output",   "frame_hash",       "latent_hash",     "model_name",  "model_release", "note",
        "run_note", "canonical_prompt", "expanded_prompt", "expand_note", "unknown_words", "again",
        "still"};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *v = zt_job_get(job, numbers[i]);
        if (v)
            jsonw_raw(w, numbers[i], v);
    }
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *v = zt_job_get(job, texts[i]);
        if (v)
            jsonw_string(w, texts[i], v);
    }
    if (zt_job_get(job, "joins"))
        jsonw_raw(w, "windows", zt_job_get(job, "joins"));
    jsonw_int(w, "peak_rss_bytes", (int64_t)machine_peak_rss_bytes());
}

/* The hash of a model that was never hashed is made while its first film is: asked for before, it
 * would be waited for. */
static void write_origin(struct jsonw *w, zt_job *job)
{
    if (zt_job_get(job, "model_hash"))
        jsonw_string(w, "model_hash", zt_job_get(job, "model_hash"));
    if (zt_job_recipe(job))
        jsonw_raw(w, "recipe", zt_job_recipe(job));
}

/* Which of many films the line is about. */
static void write_which(struct jsonw *w, const struct say *s)
{
    if (!s->films)
        return;
    jsonw_int(w, "film", s->film);
    jsonw_int(w, "films", s->films);
    jsonw_int(w, "line", s->line);
}

/* One JSON object about the job as it stands, in one line. */
static void json_figures(struct say *s, zt_job *job, const char *stage, const struct err *e)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "stage", stage);
    write_which(&w, s);
    jsonw_int(&w, "code", e ? -e->code : 0);
    if (e)
        jsonw_string(&w, "error", e->msg);
    write_figures(&w, job);
    if (!strcmp(stage, "done") && !isnan(s->draft))
        jsonw_real(&w, "draft_agreement", s->draft);
    if (!strcmp(stage, "done"))
        write_origin(&w, job);
    jsonw_end_object(&w);
    line(s, &b);
    buf_release(&b);
}

void say_settled(zt_job *job)
{
    const char *text;

    if ((text = zt_job_get(job, "again")))
        say_note(text);
    if ((text = zt_job_get(job, "note")))
        say_note(text);
    if ((text = zt_job_get(job, "expand_note")))
        say_note(text);
    if ((text = zt_job_get(job, "expanded_prompt"))) {
        fputs("prompt: ", stderr);
        cmd_put_text(stderr, text);
        fputc('\n', stderr);
    }
    if ((text = zt_job_get(job, "unknown_words")) && *text) {
        fputs("words that the model does not know: ", stderr);
        cmd_put_text(stderr, text);
        fputs(" (zoetrope info --words lists those it knows)\n", stderr);
    }
}

void say_plan(struct say *s, zt_job *job)
{
    char time[32], memory[32];

    s->job = job;
    s->looking = 0;
    s->note_said = 0;
    if (s->json) {
        json_figures(s, job, "plan", NULL);
        return;
    }
    say_settled(job);
    format_duration(time, sizeof time, number(job, "forecast_s"));
    format_bytes(memory, sizeof memory, number(job, "memory_bytes"));
    int many = number(job, "frames") > 1;
    if (many)
        fprintf(stderr, "%.0f frames", number(job, "frames"));
    else
        fputs("one picture", stderr);
    fprintf(stderr, " of %.0fx%.0f", number(job, "width"), number(job, "height"));
    if (many) /* what a job says holds until the next question */
        fprintf(stderr, " at %g per second", number(job, "fps"));
    fprintf(stderr, ", seed %s; ", zt_job_get(job, "seed"));
    fprintf(stderr, "about %s and %s of memory\n", time, memory);
}

/* What was seen in a picture, when the look is over: whoever sees it read wrongly can stop the film
 * before it is drawn. NULL: nothing new. */
static const char *newly_seen(struct say *s, const char *stage)
{
    int looking = !strcmp(stage, "looking at the picture"), over = s->looking && !looking;
    const char *note = over ? zt_job_get(s->job, "run_note") : NULL;

    s->looking = looking;
    s->note_said = note ? strlen(note) : s->note_said;
    return note;
}

static void json_progress(struct say *s, const char *stage, long done, long total, double left_s,
                          const char *seen)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "stage", stage);
    write_which(&w, s);
    jsonw_int(&w, "done", done);
    jsonw_int(&w, "total", total);
    if (left_s >= 0)
        jsonw_real(&w, "left_s", left_s);
    if (seen)
        jsonw_string(&w, "run_note", seen);
    jsonw_end_object(&w);
    line(s, &b);
    buf_release(&b);
}

/* The line of a stage; that of the one before waits, where it is not done. */
static struct progress *bar_of(struct say *s, const char *stage, long total)
{
    const struct progress *before = &s->bar[s->now];
    struct progress *p = &s->bar[s->now];

    if (!strcmp(stage, s->stage[s->now])) {
        if (p->done == p->total) /* of the film before */
            progress_start(p, stderr, s->stage[s->now], total);
        return p;
    }
    if (s->stage[s->now][0])
        progress_hold(&s->bar[s->now]);
    s->now = !s->now;
    p = &s->bar[s->now];
    if (!strcmp(stage, s->stage[s->now]) && p->done < p->total) {
        progress_go_on(p);
        p->shown_s = before->shown_s;
    } else {
        snprintf(s->stage[s->now], sizeof s->stage[s->now], "%s", stage);
        progress_start(p, stderr, s->stage[s->now], total);
    }
    return p;
}

int say_progress(void *user, const char *stage, long done, long total, double left_s)
{
    struct say *s = user;
    const char *seen = newly_seen(s, stage);

    if (s->json) {
        json_progress(s, stage, done, total, left_s, seen);
        return cmd_stop;
    }
    if (seen) {
        if (s->stage[s->now][0] && s->bar[s->now].tty)
            fputc('\n', stderr);
        say_note(seen);
    }
    if (total <= 1 &&
        (strcmp(stage, s->single) || done)) { /* too short to be shown, till it lasts */
        snprintf(s->single, sizeof s->single, "%s", done ? "" : stage);
        if (strcmp(stage, s->stage[s->now]))
            return cmd_stop;
    }
    struct progress *bar = bar_of(s, stage, total);
    bar->left_s = left_s;
    progress_step(bar, done, NULL);
    if (done == total) {
        progress_end(bar, NULL);
        s->lines++;
    }
    return cmd_stop;
}

int say_same_line(struct say *s)
{
    int same = s->lines == s->seen_lines;

    s->seen_lines = s->lines;
    return same;
}

/* What of it was not said yet. */
static void say_run_note(const struct say *s, zt_job *job)
{
    const char *text = zt_job_get(job, "run_note");

    text = text ? text + (s->note_said < strlen(text) ? s->note_said : strlen(text)) : "";
    text += strspn(text, "; ");
    if (*text)
        say_note(text);
}

void say_result(struct say *s, zt_job *job)
{
    const char *text;
    char time[32];

    if (s->json) {
        json_figures(s, job, "done", NULL);
        return;
    }
    if ((text = zt_job_get(job, "again")))
        say_note(text);
    say_run_note(s, job);
    if ((text = zt_job_get(job, "still")))
        say_note(text);
    if (!isnan(s->draft))
        fprintf(stderr,
                "layout of the draft and of the film: correlation %.2f (16x16 means of all "
                "frames; 1 is the same)\n",
                s->draft);
    if (s->verbose)
        fputs(zt_job_get(job, "joins_text"), stderr);
    format_duration(time, sizeof time, number(job, "seconds"));
    fprintf(s->out, "%s: seed ", zt_job_get(job, "output"));
    fprintf(s->out, "%s, drawn in %s, ", zt_job_get(job, "seed"), time);
    fprintf(s->out, "frames %.16s\n", zt_job_get(job, "frame_hash"));
}

void say_film(struct say *s, const char *output, int there)
{
    struct buf b = BUF_INIT;
    struct jsonw w;

    if (!s->json) {
        fprintf(stderr, "film %d of %d: ", s->film, s->films);
        cmd_put_text(stderr, output);
        fprintf(stderr, "%s\n", there ? " is there already" : "");
        return;
    }
    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "stage", there ? "there already" : "film");
    write_which(&w, s);
    jsonw_string(&w, "output", output);
    jsonw_end_object(&w);
    line(s, &b);
    buf_release(&b);
}

void say_films(struct say *s, int drawn, int there, int failed, int left)
{
    const struct {
        const char *key, *words;
        int n;
    } counts[] = {{"drawn", "drawn", drawn},
                  {"there", "there already", there},
                  {"failed", "failed", failed},
                  {"left", "not begun", left}};
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "stage", "films");
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (s->json)
            jsonw_int(&w, counts[i].key, counts[i].n);
        else if (counts[i].n || i == 0)
            fprintf(stderr, "%s%d %s", i ? ", " : "", counts[i].n, counts[i].words);
    }
    jsonw_end_object(&w);
    if (s->json)
        line(s, &b);
    else
        fputc('\n', stderr);
    buf_release(&b);
}

int say_failure(struct say *s, zt_job *job, const struct err *e)
{
    if (s->stage[s->now][0] && s->bar[s->now].tty && !s->json)
        fputc('\n', stderr);
    if (s->json)
        json_figures(s, job, "failed", e);
    if (!s->json || s->out != stderr)
        cmd_fail(e);
    if (zt_job_get(job, "kept") && !s->json) {
        fputs("zoetrope: what was drawn is kept; to go on: zoetrope resume ", stderr);
        cmd_put_text(stderr, zt_job_get(job, "kept"));
        fputc('\n', stderr);
    }
    return -e->code;
}
