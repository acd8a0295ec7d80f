/* clock.h - monotonic seconds, and text for durations and sizes ("1:05", "2.3 GiB"). */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

double clock_s(void);     /* monotonic wall clock */
double clock_cpu_s(void); /* CPU time of this process */
void format_duration(char *out, size_t size, double s);
void format_bytes(char *out, size_t size, double bytes);

#endif
