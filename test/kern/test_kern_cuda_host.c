/* test_kern_cuda_host.c - that running CUDA kernels on the host finds what it is there to find. */
#include "cuda_set.h"
#include "ztest.h"

enum { N = 64 };

static int out[N];

static void need_host(void)
{
    if (!kernels_cuda_host())
        ztest_skip("no C++ compiler");
}

#define ABORTS(id, kernel, blocks, threads)                                                        \
    static void run_##id(void)                                                                     \
    {                                                                                              \
        cuda_host_try(kernel, blocks, threads, out);                                               \
    }                                                                                              \
    TEST(cuda_host_finds_##id)                                                                     \
    {                                                                                              \
        need_host();                                                                               \
        CHECK(ztest_aborts(run_##id));                                                             \
    }
ABORTS(uneven_barrier, UNEVEN_BARRIER, 1, N)
ABORTS(uneven_shuffle, UNEVEN_SHUFFLE, 1, N)
ABORTS(mixed_operations, MIXED_OPERATIONS, 1, N)
ABORTS(part_of_a_warp, PART_OF_A_WARP, 1, N)
ABORTS(half_a_warp, RIGHT, 1, 48)
ABORTS(trap, TRAP, 1, 1)
ABORTS(too_many_threads, RIGHT, 1, 1025)
ABORTS(negative_blocks, RIGHT, -1, N)

TEST(cuda_host_runs_what_is_right)
{
    need_host();
    for (int reverse = 0; reverse < 2; reverse++) {
        memset(out, 0, sizeof out);
        cuda_host_reverse(reverse);
        cuda_host_try(RIGHT, 3, N, out);
        cuda_host_reverse(0);
        for (int i = 0; i < N; i++)
            CHECK_INT(out[i], N * (N - 1) / 2);
    }
}

static int differs(enum cuda_host_case c, int blocks)
{
    int forward[N];

    memset(out, 0, sizeof out);
    cuda_host_try(c, blocks, N, out);
    memcpy(forward, out, sizeof out);
    memset(out, 0, sizeof out);
    cuda_host_reverse(1);
    cuda_host_try(c, blocks, N, out);
    cuda_host_reverse(0);
    return memcmp(forward, out, sizeof out) != 0;
}

TEST(cuda_host_shows_order)
{
    need_host();
    CHECK(differs(RACE, 3));
    CHECK(differs(CHAIN, N));
    CHECK(!differs(RIGHT, 2));
}
