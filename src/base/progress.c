/* progress.c - a line that is rewritten on a terminal, and printed now and then elsewhere. */
#include "base/progress.h"

#include <unistd.h>

#include "base/clock.h"

void progress_start(struct progress *p, FILE *out, const char *label, long total)
{
    *p = (struct progress){.out = out, .label = label, .total = total};
    p->tty = isatty(fileno(out));
    p->since_s = p->shown_s = clock_s();
    p->left_s = -1;
}

void progress_hold(struct progress *p)
{
    p->spent_s += clock_s() - p->since_s;
}

void progress_go_on(struct progress *p)
{
    p->since_s = clock_s();
}

static void show(struct progress *p, const char *note, int last)
{
    double spent = p->spent_s + clock_s() - p->since_s;
    char time[32];

    fprintf(p->out, "%s%s %ld", p->tty ? "\r\033[K" : "", p->label, p->done);
    if (p->total > 0)
        fprintf(p->out, "/%ld (%ld%%)", p->total, 100 * p->done / p->total);
    if (last) {
        format_duration(time, sizeof time, spent);
        fprintf(p->out, " in %s", time);
    } else if (p->total > 0 && (p->done > 0 || p->left_s >= 0)) {
        double left = p->left_s >= 0 ? p->left_s : spent / p->done * (p->total - p->done);
        format_duration(time, sizeof time, left);
        fprintf(p->out, ", %s left", time);
    }
    fprintf(p->out, "%s%s%s", note ? ", " : "", note ? note : "", last || !p->tty ? "\n" : "");
    fflush(p->out);
}

void progress_step(struct progress *p, long done, const char *note)
{
    double now = clock_s();

    p->done = done;
    if (now - p->shown_s < (p->tty ? 0.1 : 5.0) || (!p->tty && done == p->total))
        return; /* where lines stay, the end has one of its own */
    p->shown_s = now;
    show(p, note, 0);
}

void progress_end(struct progress *p, const char *note)
{
    show(p, note, 1);
}
