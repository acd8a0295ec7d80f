/* machine.h - what this process may use: cores by affinity and cgroup cpu.max, memory by
 * MemAvailable and cgroup memory.max, and CPU features. */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <stdint.h>

enum { CPU_AVX2 = 1, CPU_AVX512 = 2, CPU_AVX512_BF16 = 4, CPU_AMX = 8, CPU_AVX512_VNNI = 16 };

int machine_threads(void);           /* >= 1 */
uint64_t machine_memory_bytes(void); /* available now under all limits */
/* AVX2 includes FMA; AVX512 = F+BW+DQ+VL; AMX = tiles and their bf16 product, for which the kernel
 * is asked: the first call changes the process (frames of its signals may then take 8 KiB more). */
unsigned machine_cpu_features(void);
const char *machine_cpu_name(void); /* static storage */
/* Resident memory of this process, now and at its highest: its own, and the pages of mapped files
 * (program, libraries, weights) that it has touched. 0: the machine does not say. */
uint64_t machine_rss_bytes(void);
uint64_t machine_peak_rss_bytes(void);
/* Pages of the heap that are free go back to the system, where the C library can do that. */
void machine_trim_heap(void);
/* Bytes in which memory that asks for huge pages becomes resident; a page where there are none. */
uint64_t machine_huge_page_bytes(void);

/* Limits of the control groups of this process and of all groups above; INFINITY without one. Files
 * are read below `root` ("" is the real machine), so that a test can make a machine of its own. */
double machine_cgroup_cpus(const char *root);
double machine_cgroup_memory(const char *root); /* bytes that may still be taken */

/* From now on large pieces of memory are the system's again as soon as they are freed. Left alone,
 * the heap of glibc keeps pieces as large as any that was freed before, so that the peak of a
 * process depends on the order of what came before. For programs; a library leaves it to its host.
 */
void machine_exact_heap(void);

#endif
