/* Errors, panic, checked sizes, arena and buf. */
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "ztest.h"

TEST(err_set_returns_the_code_and_keeps_the_message)
{
    struct err e = {0};

    CHECK_INT(err_set(&e, ERR_FORMAT, "%s: bad", "a.json"), ERR_FORMAT);
    CHECK_INT(e.code, ERR_FORMAT);
    CHECK_STR(e.msg, "a.json: bad");
    CHECK_INT(err_prefix(&e, "model %d", 3), ERR_FORMAT);
    CHECK_STR(e.msg, "model 3: a.json: bad");
    CHECK_INT(err_set(&e, ERR_IO, "again: %s", e.msg), ERR_IO);
    CHECK_STR(e.msg, "again: model 3: a.json: bad");
    CHECK_INT(err_set(NULL, ERR_USAGE, "nobody listens"), ERR_USAGE);
}

TEST(err_message_is_cut_between_characters)
{
    struct err e;
    char text[2000];

    for (int i = 0; i + 2 < (int)sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa4", 3);
    err_set(&e, ERR_IO, "x%s", text);
    CHECK(strlen(e.msg) < sizeof e.msg);
    CHECK(strlen(e.msg) % 2 == 1); /* x and whole pairs */
    err_set(&e, ERR_IO, "%s", text);
    CHECK(strlen(e.msg) % 2 == 0);
}

static void make_bug(void)
{
    BUG("linear: x is [%d], w wants [%d]", 1, 2);
}

static void make_assert(void)
{
    int two = 2;

    ZT_ASSERT(two == 3);
}

static void make_nothing(void)
{
}

static void out_of_memory(void)
{
    struct arena a;

    arena_init(&a);
    arena_alloc(&a, SIZE_MAX);
}

TEST(err_bugs_abort)
{
    CHECK(ztest_aborts(make_bug));
    CHECK(ztest_aborts(make_assert));
    CHECK(ztest_aborts(out_of_memory));
    CHECK(!ztest_aborts(make_nothing));
}

static void leave_quietly(const char *msg, void *user)
{
    if (strstr(msg, "wants [2]") && *(int *)user == 7)
        _Exit(0); /* instead of abort */
}

static void bug_with_hook(void)
{
    static int seven = 7;

    panic_set_hook(leave_quietly, &seven);
    make_bug();
}

TEST(err_panic_goes_through_the_hook)
{
    CHECK(!ztest_aborts(bug_with_hook));
}

TEST(err_sizes_are_checked)
{
    size_t n;

    CHECK_INT(size_mul(1000, 1000, &n), 0);
    CHECK_INT(n, 1000000);
    CHECK_INT(size_mul(SIZE_MAX / 2, 3, &n), -1);
    CHECK_INT(size_add(SIZE_MAX, 1, &n), -1);
    CHECK_INT(size_add(SIZE_MAX - 1, 1, &n), 0);
}

TEST(err_small_strings)
{
    char *s = xasprintf("%d-%s", 5, "x"), *t = xstrndup("abcdef", 3), *u = xstrndup("ab", 9);

    CHECK_STR(s, "5-x");
    CHECK_STR(t, "abc");
    CHECK_STR(u, "ab");
    free(s);
    free(t);
    free(u);
}

TEST(arena_gives_aligned_zeros)
{
    struct arena a;

    arena_init(&a);
    for (int round = 0; round < 3; round++) {
        for (size_t n = 0; n < 3000; n += 37) {
            unsigned char *p = arena_alloc(&a, n);

            CHECK_INT((uintptr_t)p % 64, 0);
            for (size_t i = 0; i < n; i++)
                CHECK_INT(p[i], 0);
            memset(p, 0xee, n);
        }
        CHECK(arena_alloc(&a, 3 << 20) != NULL);
        CHECK_STR(arena_printf(&a, "%s %d", "frame", round), round == 0   ? "frame 0"
                                                             : round == 1 ? "frame 1"
                                                                          : "frame 2");
        CHECK_STR(arena_strdup(&a, "kept"), "kept");
        arena_reset(&a);
    }
    arena_release(&a);
    CHECK(a.head == NULL);
}

TEST(buf_grows_and_ends_with_nul)
{
    struct buf b = BUF_INIT;
    char *s;

    CHECK_STR(buf_str(&b), "");
    for (int i = 0; i < 1000; i++)
        buf_printf(&b, "%d,", i);
    CHECK_INT(b.len, 10 * 2 + 90 * 3 + 900 * 4);
    CHECK_INT(strlen(buf_str(&b)), b.len);
    buf_clear(&b);
    CHECK_STR(buf_str(&b), "");
    buf_add(&b, "a\0b", 3);
    buf_putc(&b, 'c');
    buf_puts(&b, "de");
    CHECK_INT(b.len, 6);
    CHECK(!memcmp(b.data, "a\0bcde", 7));
    s = buf_take(&b);
    CHECK_INT(s[3], 'c');
    free(s);
    s = buf_take(&b);
    CHECK_STR(s, "");
    free(s);
    buf_release(&b);
}
