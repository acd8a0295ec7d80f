/* clock.c - time, and how people read times and sizes. */
#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static double seconds(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double clock_s(void)
{
    return seconds(CLOCK_MONOTONIC);
}

double clock_cpu_s(void)
{
    return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

void format_duration(char *out, size_t size, double s)
{
    long long t;

    if (!(s >= 0) || s > 1e15) {
        snprintf(out, size, "?");
        return;
    }
    if (s < 9.95) {
        int tenths = (int)(s * 10 + 0.5);

        snprintf(out, size, "%d.%d s", tenths / 10, tenths % 10);
        return;
    }
    t = (long long)(s + 0.5);
    if (t < 60)
        snprintf(out, size, "%lld s", t);
    else if (t < 3600)
        snprintf(out, size, "%lld:%02lld", t / 60, t % 60);
    else
        snprintf(out, size, "%lld:%02lld:%02lld", t / 3600, t / 60 % 60, t % 60);
}

void format_bytes(char *out, size_t size, double bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    int u = 0;
    long long tenths;

    if (!(bytes >= 0) || bytes > 1e21) {
        snprintf(out, size, "?");
        return;
    }
    /* 1023.95 would print as 1024.0 of the smaller unit. */
    while (bytes >= (u ? 1023.95 : 1023.5) && u < 6) {
        bytes /= 1024;
        u++;
    }
    tenths = (long long)(bytes * 10 + 0.5);
    if (u == 0)
        snprintf(out, size, "%lld B", (long long)(bytes + 0.5));
    else if (bytes >= 99.95)
        snprintf(out, size, "%lld %s", (tenths + 5) / 10, unit[u]);
    else
        snprintf(out, size, "%lld.%lld %s", tenths / 10, tenths % 10, unit[u]);
}
