/* test_kern_sets.c - which kernels there are, which are tested, which are chosen. */
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kit.h"
#include "kern/x86/x86.h"
#include "walled.h"

static const char *const names[] = {"c",          "avx2", "avx512", "avx512vnni",
                                    "avx512bf16", "amx",  "null"};

TEST(kern_every_kernel_has_a_row)
{
#define K(kernel, args)                                                                            \
    if (!krow_find(#kernel, NULL))                                                                 \
        ztest_fail(__FILE__, __LINE__, "no row in test/kern compares " #kernel);
    KERNELS(K)
#undef K
}

/* What brings rows to a GPU, shown on a device whose memory the host cannot touch. */
TEST(kern_rows_reach_a_device)
{
    struct device *d = walled_device((size_t)1 << 28);

#define K(kernel, args)                                                                            \
    for (const struct krow *r = krow_find(#kernel, NULL); r; r = krow_find(#kernel, r))            \
        krow_run_on(r, d);
    KERNELS(K)
#undef K
    CHECK_INT(walled_held(), 0);
}

TEST(kern_sets_are_full)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct kernels *k = kernels_named(names[i]);

        if (!k)
            continue;
        CHECK_STR(k->name, names[i]);
#define K(kernel, args) CHECK(k->kernel);
        KERNELS(K)
#undef K
    }
    CHECK(kernels_named("c") && kernels_named("null"));
    CHECK(!kernels_named("avx9"));
}

/* The choice is made once, so each is asked of a new process, which runs this test alone. */
static void check_choice(const char *limit, const char *expected)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        if (!freopen("/dev/null", "w", stdout))
            _exit(98);
        setenv("ZT_CPU", limit, 1);
        setenv("ZTEST_KERNELS", expected, 1);
        execl("/proc/self/exe", "ztest", "kern_choice_by_environment", (char *)NULL);
        _exit(99);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    if (WEXITSTATUS(status))
        ztest_fail(__FILE__, __LINE__, "ZT_CPU=%s does not choose %s", limit, expected);
}

TEST(kern_choice_by_environment)
{
    const char *expected = getenv("ZTEST_KERNELS");
    int best = 0;

    if (expected) {
        CHECK_STR(kernels_best()->name, expected);
        return;
    }
    for (int i = 0; strcmp(names[i], "null"); i++) {
        best = kernels_named(names[i]) ? i : best;
        check_choice(names[i], names[best]);
    }
    check_choice("", kernels_named(x86_best_level()) ? x86_best_level() : names[best]);
    check_choice("sse9", "c");
}

TEST(kern_null_touches_nothing)
{
    const struct kernels *k = kernels_null();
    struct kcx kc = {0};
    char args[512];

    memset(args, 0x5a, sizeof args);
#define K(kernel, s) k->kernel(&kc, (struct s *)(void *)args);
    KERNELS(K)
#undef K
    for (size_t i = 0; i < sizeof args; i++)
        CHECK_INT(args[i], 0x5a);
}

TEST(kern_scratch)
{
    struct threads *th = threads_new(3);
    struct kcx kc;
    char *a, *b, *shared;

    kcx_init(&kc, th);
    a = kcx_scratch(&kc, 0, 100);
    b = kcx_scratch(&kc, 2, 1000000);
    shared = kcx_shared(&kc, 5000);
    CHECK(((uintptr_t)a | (uintptr_t)b | (uintptr_t)shared) % 64 == 0);
    memset(a, 1, 100);
    memset(b, 2, 1000000);
    memset(shared, 3, 5000);
    CHECK(kcx_scratch(&kc, 0, 50) == (void *)a && a[99] == 1);
    CHECK(b[999999] == 2 && shared[4999] == 3);
    CHECK(kcx_scratch(&kc, 2, 999) == (void *)b);
    kcx_release(&kc);
    kcx_release(&kc);
    threads_free(&th);
}
