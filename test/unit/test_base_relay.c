/* Things pass from one thread to another in their order; a failure ends it. */
#include <time.h>

#include "base/relay.h"
#include "ztest.h"

struct seen {
    int n, wrong, fail_at;
};

static int take(void *arg, void *thing, struct err *e)
{
    struct seen *s = arg;
    struct timespec wait = {0, s->n % 7 * 20000};

    nanosleep(&wait, NULL);
    s->wrong += *(int *)thing != s->n;
    return s->n++ == s->fail_at ? err_set(e, ERR_IO, "thing %d", s->n - 1) : 0;
}

TEST(relay_passes_all_in_their_order)
{
    for (int room = 1; room < 5; room++) {
        struct seen s = {.fail_at = -1};
        struct relay *r;
        struct err e;

        CHECK_INT(relay_new(&r, room, 64, take, &s, &e), 0);
        for (int i = 0; i < 200; i++) {
            *(int *)relay_room(r) = i;
            relay_pass(r);
        }
        CHECK_INT(relay_end(&r, &e), 0);
        CHECK(!r);
        CHECK_INT(s.n, 200);
        CHECK_INT(s.wrong, 0);
        CHECK_INT(relay_end(&r, &e), 0);
    }
}

TEST(relay_ends_with_the_first_failure)
{
    struct seen s = {.fail_at = 50};
    struct relay *r;
    struct err e;
    int passed = 0;

    CHECK_INT(relay_new(&r, 3, sizeof passed, take, &s, &e), 0);
    for (int *at; (at = relay_room(r)); relay_pass(r))
        *at = passed++;
    CHECK_INT(relay_end(&r, &e), ERR_IO);
    CHECK_STR(e.msg, "thing 50");
    CHECK_INT(s.n, 51);
    CHECK(passed > 50 && passed <= 54);
    s = (struct seen){.fail_at = 0};
    CHECK_INT(relay_new(&r, 3, sizeof passed, take, &s, &e), 0);
    *(int *)relay_room(r) = 0;
    relay_pass(r);
    CHECK_INT(relay_end(&r, &e), ERR_IO); /* also when nothing was asked for since */
}
