/* ztest.h - the test program in one header: TEST(name) { ... CHECK(...) }. A failed check prints
 * where and why and ends that test only. `build/ztest [-v] [PATTERN...]` runs the tests whose name
 * or file holds a pattern; what stands in test/bench/ runs with --bench, and then alone. */
#ifndef ZTEST_H
#define ZTEST_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct ztest {
    const char *name, *file;
    void (*fn)(void);
    struct ztest *next;
};

void ztest_register(struct ztest *t);
_Noreturn void ztest_fail(const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void ztest_skip(const char *why);
/* |a-b| / |b| over n elements; NaN anywhere gives infinity. */
double ztest_rel_l2(const float *a, const float *b, size_t n);
const char *ztest_tmp(void);              /* a fresh folder for this run, removed at the end */
char *ztest_in_tmp(const char *name);     /* a path in it; to be freed */
const char *ztest_data(const char *name); /* path of test/NAME in the source tree; static storage */
/* Limits of time hold so many times longer under a sanitizer that slows everything down. */
#ifdef __SANITIZE_THREAD__
#define ZTEST_SLOWER 10
#else
#define ZTEST_SLOWER 1
#endif
/* Run fn in a child; returns 1 when it aborted through BUG/panic. */
int ztest_aborts(void (*fn)(void));

#define TEST(id)                                                                                   \
    static void test_##id(void);                                                                   \
    static struct ztest ztest_##id = {#id, __FILE__, test_##id, 0};                                \
    __attribute__((constructor)) static void register_##id(void)                                   \
    {                                                                                              \
        ztest_register(&ztest_##id);                                                               \
    }                                                                                              \
    static void test_##id(void)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            ztest_fail(__FILE__, __LINE__, "%s", #cond);                                           \
    } while (0)
#define CHECK_INT(a, b)                                                                            \
    do {                                                                                           \
        long long a_ = (long long)(a), b_ = (long long)(b);                                        \
        if (a_ != b_)                                                                              \
            ztest_fail(__FILE__, __LINE__, "%s is %lld, expected %s = %lld", #a, a_, #b, b_);      \
    } while (0)
#define CHECK_STR(a, b)                                                                            \
    do {                                                                                           \
        const char *a_ = (a), *b_ = (b);                                                           \
        if (!a_ || !b_ || strcmp(a_, b_))                                                          \
            ztest_fail(__FILE__, __LINE__, "%s is \"%s\", expected \"%s\"", #a, a_ ? a_ : "NULL",  \
                       b_ ? b_ : "NULL");                                                          \
    } while (0)
#define CHECK_CONTAINS(text, part)                                                                 \
    do {                                                                                           \
        const char *a_ = (text), *b_ = (part);                                                     \
        if (!a_ || !strstr(a_, b_))                                                                \
            ztest_fail(__FILE__, __LINE__, "%s is \"%s\", expected it to hold \"%s\"", #text,      \
                       a_ ? a_ : "NULL", b_);                                                      \
    } while (0)
#define CHECK_BELOW(value, limit)                                                                  \
    do {                                                                                           \
        double a_ = (value), b_ = (limit);                                                         \
        if (!(a_ < b_))                                                                            \
            ztest_fail(__FILE__, __LINE__, "%s is %g, expected below %g", #value, a_, b_);         \
    } while (0)

#endif
