#include <stdlib.h>

#include "base/file.h"
#include "measure/wish.h"
#include "world/prompt.h"
#include "ztest.h"

static int read_text(struct wishes *w, const char *text, struct err *e)
{
    char *path = path_join(ztest_tmp(), "wishes.txt");
    int rc = file_write(path, text, strlen(text), e);

    if (!rc)
        rc = wishes_read(w, path, e);
    free(path);
    return rc;
}

TEST(wish_list_is_read)
{
    struct wishes w;
    struct err e;

    CHECK_INT(read_text(&w, "# all\n\nred ball right\tA red ball\r\ntoward white cone\t白", &e), 0);
    CHECK_INT(w.n, 2);
    CHECK_INT(w.item[0].color, COLOR_RED);
    CHECK_INT(w.item[0].shape, SHAPE_BALL);
    CHECK_INT(w.item[0].direction, DIRECTION_RIGHT);
    CHECK_STR(w.item[0].text, "A red ball");
    CHECK_INT(w.item[1].direction, DIRECTION_TOWARD);
    wishes_release(&w);
}

TEST(wish_list_names_the_bad_line)
{
    struct wishes w;
    struct err e;

    CHECK_INT(read_text(&w, "red ball right\tA red ball\npink ball right\tA pink ball\n", &e),
              ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "line 2");
    CHECK_CONTAINS(e.msg, "pink");
    CHECK_INT(read_text(&w, "red ball right A red ball\n", &e), ERR_FORMAT);
    CHECK_CONTAINS(e.msg, "tab");
    CHECK_INT(read_text(&w, "# nothing\n", &e), ERR_FORMAT);
    CHECK_INT(w.n, 0);
}

TEST(wish_is_met_by_all_three)
{
    struct wish w;
    struct err e;
    struct sight s = {.color = COLOR_BLUE, .shape = SHAPE_BOX, .direction = DIRECTION_AWAY};
    struct tally t = {0};

    CHECK_INT(wish_parse(&w, "away blue box", 13, &e), 0);
    CHECK(wish_met(&w, &s));
    CHECK_INT(wish_parse(&w, "blue", 4, &e), 0);
    CHECK(wish_met(&w, &s));
    CHECK_INT(wish_parse(&w, "blue cone away", 14, &e), 0);
    CHECK(!wish_met(&w, &s));
    tally_add(&t, &w, &s);
    CHECK(t.color == 1 && t.shape == 0 && t.direction == 1 && t.all == 0 && t.films == 1);
}

/* The list that the default model is measured by: broad enough, and understood as it is meant. */
TEST(fixed_prompts_are_read_as_stated)
{
    struct wishes w;
    struct err e;
    int count[COLOR_COUNT][SHAPE_COUNT][DIRECTION_COUNT] = {{{0}}}, kinds = 0, chinese = 0;

    CHECK_INT(wishes_read(&w, ztest_data("../configs/prompts-200.txt"), &e), 0);
    CHECK_INT(w.n, 200);
    for (int i = 0; i < w.n; i++) {
        const struct wish *k = &w.item[i];
        struct facts full;
        struct prompt p;

        prompt_read(k->text, &p);
        if (p.facts.object[0].color != k->color || p.facts.object[0].shape != k->shape ||
            p.facts.direction != k->direction)
            ztest_fail(__FILE__, __LINE__, "\"%s\" is read as colour %d, shape %d, direction %d",
                       k->text, p.facts.object[0].color, p.facts.object[0].shape,
                       p.facts.direction);
        wish_facts(k, (uint64_t)i, &full);
        CHECK_INT(full.object[0].color, k->color);
        CHECK_INT(full.direction, k->direction);
        kinds += !count[k->color][k->shape][k->direction]++;
        chinese += (k->text[0] & 0x80) != 0;
    }
    CHECK_INT(kinds, 128);
    CHECK_INT(chinese, 100);
    wishes_release(&w);
}
