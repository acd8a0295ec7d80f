/* machine.c - limits of this process. Sources: sched_getaffinity(2), proc(5), cgroups(7): version 2
 * (cpu.max, memory.max) and version 1 (cpu.cfs_quota_us, memory.limit_in_bytes). */
#include "base/machine.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

enum { SMALL_FILE = 4 << 20 }; /* cpuinfo of a large machine fits */

/* Whole file as text, NULL when there is none. The caller frees. */
static char *slurp(const char *dir, const char *name)
{
    struct buf b = BUF_INIT;
    char *path = xasprintf("%s/%s", dir, name); /* dir "" is the root, not the current folder */
    int rc = file_read(&b, path, SMALL_FILE, NULL);

    free(path);
    if (rc < 0) {
        buf_release(&b);
        return NULL;
    }
    return buf_take(&b);
}

/* First number of a file; "max", nothing and nonsense give `none`. */
static double read_number(const char *dir, const char *name, double none)
{
    char *text = slurp(dir, name);
    double v = none;
    unsigned long long u;

    if (text && sscanf(text, "%llu", &u) == 1)
        v = (double)u;
    free(text);
    return v;
}

/* Number behind "key" at the start of a line. */
static double field_number(const char *text, const char *key, double none)
{
    size_t n = strlen(key);

    for (const char *p = text; p; p = strchr(p, '\n')) {
        unsigned long long u;

        p += *p == '\n';
        if (!strncmp(p, key, n) && sscanf(p + n, " %llu", &u) == 1)
            return (double)u;
    }
    return none;
}

static double cpus_of_group(const char *dir)
{
    char *text = slurp(dir, "cpu.max");
    unsigned long long quota, period;
    double v = INFINITY;

    if (text) {
        if (sscanf(text, "%llu %llu", &quota, &period) == 2 && period)
            v = (double)quota / (double)period;
        free(text);
        return v;
    }
    /* Version 1 writes -1 for no limit; read_number then finds a number near 2^64. */
    v = read_number(dir, "cpu.cfs_quota_us", INFINITY);
    return v < 1e12 ? v / read_number(dir, "cpu.cfs_period_us", 100000) : INFINITY;
}

/* What the group may still take: its limit less what it holds, files that can be dropped not
 * counted. */
static double memory_of_group(const char *dir)
{
    double max = read_number(dir, "memory.max", INFINITY), used, cache = 0;
    char *stat = slurp(dir, "memory.stat");

    if (max < INFINITY) {
        used = read_number(dir, "memory.current", 0);
        if (stat)
            cache = field_number(stat, "inactive_file", 0);
    } else {
        max = read_number(dir, "memory.limit_in_bytes", INFINITY);
        used = read_number(dir, "memory.usage_in_bytes", 0);
        if (stat)
            cache = field_number(stat, "total_inactive_file", 0);
    }
    free(stat);
    if (max >= 0x1p62)
        return INFINITY;
    used = used > cache ? used - cache : 0;
    return max > used ? max - used : 0;
}

/* Least value of a group and all its parents; a limit anywhere above binds too. */
static double least_upwards(const char *base, const char *group, double (*value)(const char *dir))
{
    char *dir = xasprintf("%s%s", base, group);
    size_t stop = strlen(base);
    double least = INFINITY;

    for (;;) {
        char *slash;
        double v = value(dir);

        least = v < least ? v : least;
        slash = strrchr(dir, '/');
        if (!slash || (size_t)(slash - dir) < stop)
            break;
        *slash = 0;
    }
    free(dir);
    return least;
}

/* The groups of this process by ROOT/proc/self/cgroup: "0::/path" (version 2) or
 * "4:cpu,cpuacct:/path" (version 1: `controller` is looked up). */
static double group_limit(const char *root, const char *controller,
                          double (*value)(const char *dir))
{
    char *sys = xasprintf("%s/sys/fs/cgroup", root), *v1 = xasprintf("%s/%s", sys, controller);
    char *groups = slurp(root, "proc/self/cgroup"), *save = NULL;
    double least = value(sys), v = value(v1);

    least = v < least ? v : least;
    for (char *line = groups ? strtok_r(groups, "\n", &save) : NULL; line;
         line = strtok_r(NULL, "\n", &save)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

        if (!path || strstr(path, ".."))
            continue;
        *path++ = 0;
        list++;
        if (*list && !strstr(list, controller))
            continue;
        v = least_upwards(*list ? v1 : sys, path, value);
        least = v < least ? v : least;
    }
    free(groups);
    free(v1);
    free(sys);
    return least;
}

double machine_cgroup_cpus(const char *root)
{
    return group_limit(root, "cpu", cpus_of_group);
}

double machine_cgroup_memory(const char *root)
{
    return group_limit(root, "memory", memory_of_group);
}

static int affinity_cpus(void)
{
    for (int n = 1024; n <= 1 << 20; n *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)n);
        size_t bytes = CPU_ALLOC_SIZE((size_t)n);
        int count = 0;

        if (!set)
            panic("out of memory: a set of %d CPUs", n);
        if (sched_getaffinity(0, bytes, set) == 0)
            count = CPU_COUNT_S(bytes, set);
        CPU_FREE(set);
        if (count > 0)
            return count;
    }
    return 1;
}

int machine_threads(void)
{
    int n = affinity_cpus();
    double quota = machine_cgroup_cpus("");

    if (quota < n)
        n = (int)(quota + 0.5);
    return n < 1 ? 1 : n;
}

/* Free, and files that can be dropped; where /proc is not to be read, what nobody uses. */
static double memory_of_machine(void)
{
    char *info = slurp("/proc", "meminfo");
    double kib = info ? field_number(info, "MemAvailable:", -1) : -1;
    struct sysinfo s;

    free(info);
    if (kib >= 0)
        return 1024 * kib;
    return sysinfo(&s) ? 0 : ((double)s.freeram + (double)s.bufferram) * s.mem_unit;
}

uint64_t machine_memory_bytes(void)
{
    double free_bytes = memory_of_machine(), v;
    struct rlimit as;

    v = machine_cgroup_memory("");
    free_bytes = v < free_bytes ? v : free_bytes;
    if (getrlimit(RLIMIT_AS, &as) == 0 && as.rlim_cur != RLIM_INFINITY) {
        v = (double)as.rlim_cur -
            read_number("/proc/self", "statm", 0) * (double)sysconf(_SC_PAGESIZE);
        v = v > 0 ? v : 0;
        free_bytes = v < free_bytes ? v : free_bytes;
    }
    return (uint64_t)free_bytes;
}

#if defined(__x86_64__)
/* Linux keeps tiles from a process until it has asked for them (arch_prctl(2), and
 * Documentation/arch/x86/xstate.rst); asking again changes nothing. */
static int amx_granted(void)
{
    enum { TILE = 1 << 24, INT8 = 1 << 25, BF16 = 1 << 22, ASK = 0x1023, TILE_DATA = 18 };
    unsigned a, b, c, d;

    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & TILE) && (d & INT8) && (d & BF16) &&
           syscall(SYS_arch_prctl, ASK, TILE_DATA) == 0;
}
#endif

unsigned machine_cpu_features(void)
{
    unsigned f = 0;

#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        f |= CPU_AVX2;
    if ((f & CPU_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        f |= CPU_AVX512;
    if ((f & CPU_AVX512) && __builtin_cpu_supports("avx512vnni"))
        f |= CPU_AVX512_VNNI;
    if ((f & CPU_AVX512_VNNI) && __builtin_cpu_supports("avx512bf16"))
        f |= CPU_AVX512_BF16;
    if ((f & CPU_AVX512_BF16) && amx_granted())
        f |= CPU_AMX;
#endif
    return f;
}

static char cpu_name[128] = "unknown CPU";

static void find_cpu_name(void)
{
    char *info = slurp("/proc", "cpuinfo"), *p = info ? strstr(info, "model name") : NULL;

    p = p ? strchr(p, ':') : NULL;
    if (p) {
        p += 1 + strspn(p + 1, " \t");
        snprintf(cpu_name, sizeof cpu_name, "%.*s", (int)strcspn(p, "\n"), p);
    }
    free(info);
}

const char *machine_cpu_name(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_cpu_name);
    return cpu_name;
}

/* proc(5); ru_maxrss of getrusage will not do: it remembers the program that was there before
 * exec. */
static uint64_t own_status(const char *key)
{
    char *status = slurp("/proc/self", "status");
    double kib = status ? field_number(status, key, 0) : 0;

    free(status);
    return (uint64_t)kib * 1024;
}

uint64_t machine_rss_bytes(void)
{
    return own_status("VmRSS:");
}

uint64_t machine_peak_rss_bytes(void)
{
    return own_status("VmHWM:");
}

void machine_trim_heap(void)
{
#if defined(__GLIBC__)
    malloc_trim(0);
#endif
}

/* Documentation/admin-guide/mm/transhuge.rst */
uint64_t machine_huge_page_bytes(void)
{
    static const char dir[] = "/sys/kernel/mm/transparent_hugepage";
    char *enabled = slurp(dir, "enabled");
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

    if (enabled && !strstr(enabled, "[never]"))
        page = (uint64_t)read_number(dir, "hpage_pmd_size", (double)page);
    free(enabled);
    return page;
}

void machine_exact_heap(void)
{
#if defined(__GLIBC__)
    enum { LARGE = 1 << 20 };

    mallopt(M_MMAP_THRESHOLD, LARGE);
#endif
}
