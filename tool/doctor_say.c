#include "doctor_say.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/jsonw.h"
#include "cmd.h"

static const char *const kinds[] = {[CHECKUP_NOTHING] = "nothing",
                                    [CHECKUP_OURS] = "zoetrope",
                                    [CHECKUP_DIFFUSERS] = "diffusers",
                                    [CHECKUP_LOOSE] = "loose",
                                    [CHECKUP_PARTS] = "files"};
static const char *const kind_words[] = {[CHECKUP_NOTHING] = "no model",
                                         [CHECKUP_OURS] = "a model directory of zoetrope",
                                         [CHECKUP_DIFFUSERS] = "a model directory of diffusers",
                                         [CHECKUP_LOOSE] = "loose files",
                                         [CHECKUP_PARTS] = "files"};

/* ---- for people ---- */

enum tone { PLAIN, GOOD, BAD, FAINT };

static int has_colours(void)
{
    const char *term = getenv("TERM"), *none = getenv("NO_COLOR");

    return isatty(STDOUT_FILENO) && !(none && *none) && term && strcmp(term, "dumb");
}

static void put(enum tone tone, const char *text)
{
    static const char *const codes[] = {"", "\033[32m", "\033[1;31m", "\033[2m"};
    int colours = tone && has_colours();

    fputs(colours ? codes[tone] : "", stdout);
    cmd_put_text(stdout, text);
    fputs(colours ? "\033[0m" : "", stdout);
}

static void put_row(const char *key, const char *value)
{
    printf("  %-8s ", key);
    put(PLAIN, value);
    putchar('\n');
}

/* width: of the column of parts. */
static void say_file(const struct checked_file *f, int width)
{
    static const char *const marks[] = {"--  ", "ok  ", "BAD "};
    static const enum tone tones[] = {FAINT, GOOD, BAD};
    char size[32] = "";

    if (f->bytes >= 0)
        format_bytes(size, sizeof size, (double)f->bytes);
    fputs("  ", stdout);
    put(tones[f->state], marks[f->state]);
    printf("%-*s %9s  ", width, f->part, size);
    put(f->state == CHECKED_UNUSED ? FAINT : PLAIN, f->path);
    if (f->network[0] && f->state == CHECKED_USED)
        printf("  %s", f->network);
    if (f->hashed && f->state != CHECKED_BAD)
        fputs("  SHA-256", stdout);
    putchar('\n');
    if (f->say) {
        printf("%*s", width + 18, "");
        put(f->state == CHECKED_BAD ? BAD : FAINT, f->say);
        putchar('\n');
    }
}

static void say_model(const struct doctor *d)
{
    const struct bundle_info *i = &d->look.info;
    char text[256];

    snprintf(text, sizeof text, "%s%s%s", i->family && *i->family ? i->family : i->name,
             d->look.model ? ", " : "", kind_words[d->look.kind]);
    put_row("model", d->look.model ? text : kind_words[d->look.kind]);
    if (!d->look.model)
        return;
    snprintf(text, sizeof text, "%dx%d, %d frames at %.4g per second, %d steps, guidance %.4g, %s",
             i->width, i->height, i->frames, i->frame_rate, i->steps, i->guidance, i->sampler);
    put_row("draws", text);
    if (*i->expert) {
        snprintf(text, sizeof text, "the one of %s noise alone, by its name", i->expert);
        put_row("expert", text);
    }
}

static void say_needs(const struct doctor *d)
{
    char need[32], has[32], step[32], all[32], text[512];

    format_bytes(has, sizeof has, (double)d->memory_bytes);
    if (d->planned) {
        format_bytes(need, sizeof need, (double)d->plan.memory_bytes);
        snprintf(text, sizeof text, "%s of %s that are free, for %dx%d, %d frames", need, has,
                 d->plan.w, d->plan.h, d->plan.n_frames);
        put_row("memory", text);
    } else if (d->plan_err.code) {
        printf("  %-8s ", d->plan_err.code == ERR_FIT ? "memory" : "film");
        put(BAD, d->plan_err.msg);
        putchar('\n');
    }
    if (!d->measured)
        return;
    if (d->speed.step_s < 100)
        snprintf(step, sizeof step, "%.3g s", d->speed.step_s);
    else
        format_duration(step, sizeof step, d->speed.step_s);
    format_duration(all, sizeof all, d->speed.step_s * d->look.info.steps);
    snprintf(text, sizeof text,
             "%s a step, %s for %d steps; measured: 1 of %d blocks on %d of %d tokens in %.3g s",
             step, all, d->look.info.steps, d->speed.blocks, d->speed.measured_tokens,
             d->speed.tokens, d->speed.block_s);
    put_row("time", text);
}

void doctor_say(const struct doctor *d)
{
    char size[64];
    int width = 0, said = 0;

    put(PLAIN, d->asked);
    if (*d->look.dir && strcmp(d->look.dir, d->asked)) {
        fputs("  ", stdout);
        put(FAINT, d->look.dir);
    }
    putchar('\n');
    say_model(d);
    putchar('\n');
    for (int i = 0; i < d->look.n; i++)
        if ((int)strlen(d->look.file[i].part) > width)
            width = (int)strlen(d->look.file[i].part);
    for (int i = 0; i < d->look.n; i++)
        if (d->look.file[i].state || d->look.file[i].say) {
            say_file(&d->look.file[i], width);
            said = 1;
        }
    if (said)
        putchar('\n');
    for (int i = 0; i < d->look.n_wrong; i++) {
        fputs("  ", stdout);
        put(BAD, "wrong ");
        put_row("", d->look.wrong[i]);
    }
    if (d->look.unused_bytes) {
        format_bytes(size, sizeof size, (double)d->look.unused_bytes);
        strcat(size, " are not read");
        put_row("unused", size);
    }
    if (d->values)
        put_row("values", d->look.n_wrong ? "looked at" : "all are finite");
    say_needs(d);
    if (d->command)
        put_row("run", d->command);
}

/* ---- for programs ---- */

static void file_json(struct jsonw *w, const struct checked_file *f)
{
    static const char *const states[] = {"unused", "used", "bad"};

    jsonw_object(w, NULL);
    jsonw_string(w, "path", f->path);
    jsonw_string(w, "part", f->part);
    jsonw_string(w, "network", *f->network ? f->network : NULL);
    jsonw_int(w, "bytes", f->bytes);
    jsonw_string(w, "state", states[f->state]);
    jsonw_string(w, "says", f->say);
    jsonw_string(w, "sha256", *f->sha256 ? f->sha256 : NULL);
    jsonw_bool(w, "sha256_compared", f->hashed);
    jsonw_end_object(w);
}

static void needs_json(struct jsonw *w, const struct doctor *d)
{
    if (d->planned) {
        jsonw_int(w, "memory_bytes", (int64_t)d->plan.memory_bytes);
        jsonw_real(w, "forecast_s", d->plan.forecast_s);
    } else {
        jsonw_null(w, "memory_bytes");
    }
    jsonw_int(w, "memory_free_bytes", (int64_t)d->memory_bytes);
    jsonw_string(w, "plan_error", d->plan_err.code ? d->plan_err.msg : NULL);
    if (d->measured) {
        jsonw_real(w, "seconds_per_step", d->speed.step_s);
        jsonw_object(w, "measured");
        jsonw_real(w, "block_s", d->speed.block_s);
        jsonw_int(w, "blocks", d->speed.blocks);
        jsonw_int(w, "tokens", d->speed.measured_tokens);
        jsonw_int(w, "tokens_of_film", d->speed.tokens);
        jsonw_end_object(w);
    } else {
        jsonw_null(w, "seconds_per_step");
    }
}

static void draws_json(struct jsonw *w, const struct bundle_info *i)
{
    jsonw_object(w, "draws");
    jsonw_int(w, "width", i->width);
    jsonw_int(w, "height", i->height);
    jsonw_int(w, "frames", i->frames);
    jsonw_real(w, "frame_rate", i->frame_rate);
    jsonw_int(w, "steps", i->steps);
    jsonw_real(w, "guidance", i->guidance);
    jsonw_string(w, "sampler", i->sampler);
    if (*i->expert)
        jsonw_string(w, "expert", i->expert);
    jsonw_end_object(w);
}

void doctor_json(const struct doctor *d)
{
    const struct checkup *c = &d->look;
    struct buf b = BUF_INIT;
    struct jsonw w;

    jsonw_init(&w, &b, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "asked", d->asked);
    jsonw_string(&w, "path", *c->dir ? c->dir : NULL);
    jsonw_string(&w, "kind", kinds[c->kind]);
    jsonw_string(&w, "model", c->model ? c->info.name : NULL);
    jsonw_string(&w, "family", c->model ? c->info.family : NULL);
    if (c->model)
        draws_json(&w, &c->info);
    jsonw_array(&w, "wrong");
    for (int i = 0; i < c->n_wrong; i++)
        jsonw_string(&w, NULL, c->wrong[i]);
    jsonw_end_array(&w);
    jsonw_array(&w, "files");
    for (int i = 0; i < c->n; i++)
        file_json(&w, &c->file[i]);
    jsonw_end_array(&w);
    jsonw_int(&w, "unused_bytes", c->unused_bytes);
    jsonw_int(&w, "hashed_bytes", d->hashed_bytes);
    jsonw_bool(&w, "values_looked_at", d->values);
    needs_json(&w, d);
    jsonw_string(&w, "command", d->command);
    jsonw_int(&w, "status", d->status);
    jsonw_end_object(&w);
    puts(buf_str(&b));
    buf_release(&b);
}
