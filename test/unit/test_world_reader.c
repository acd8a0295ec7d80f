/* The prompt reader where words alone are not enough: slips, denials, passives, doubtful verbs,
 * nouns that are not there, and things that this world does not have. */
#include <string.h>

#include "base/buf.h"
#include "base/rng.h"
#include "prompt_table.h"
#include "world/prompt.h"
#include "ztest.h"

/* clang-format off */
static const struct prompt_row english[] = {
    {"A green can falls down from above",
     "green cylinder | | drops"},
    {"a red die tumbles to the right",
     "red box | | moves rightward"},
    {"a basketball rolls across the floor",
     "orange ball | | moves"},
    {"a blue basketball rolls across the floor",
     "blue ball | | moves"},
    {"a traffic cone slides to the left",
     "orange cone | | moves leftward"},
    {"a dark-colored cube-shaped object slides right",
     "black box | | moves rightward"},
    {"a pink ball rolls right",
     "red ball | | moves rightward | pink as red"},
    {"a grey box moves left",
     "white box | | moves leftward | grey as white"},
    {"an orange-red ball rolls left",
     "red ball | | moves leftward"},
    {"red and blue balls collide",
     "red ball | blue ball | hits"},
    {"a red ball rolls to the right past a blue one",
     "red ball | blue ball | moves rightward"},
    {"a ball rolls right past a green elephant",
     "ball | | moves rightward | green elephant"},
    {"a red ball rolls to the right on a white background",
     "red ball | | moves rightward | white"},
    {"a ball rolls to the right under a blue sky",
     "ball | | moves rightward | blue sky"},
    {"a red bal rols to the rigth",
     "red ball | | moves rightward"},
    {"a gren box slides to teh left",
     "green box | | moves leftward"},
    {"a whtie ball rolls from left toright",
     "white ball | | moves rightward"},
    {"aredball rolls to the right",
     "red ball | | moves rightward"},
    {"a red ball without any boxes rolls right",
     "red ball | | moves rightward"},
    {"a red ball rolls right but doesn't hit the blue box",
     "red ball | blue box | moves rightward"},
    {"not a red ball but a green ball rolls right",
     "green ball | | moves rightward"},
    {"a red ball does not stop and rolls left, no cones or boxes around",
     "red ball | | moves leftward"},
    {"a blue cube being pushed by a red ball",
     "red ball | blue box | hits"},
    {"a black box is pushed to the right",
     "black box | | moves rightward"},
    {"a red ball knocks over a small blue box on the right",
     "red ball | blue dominoes | topples rightward | box as dominoes"},
    {"a red ball hits a blue box",
     "red ball | blue box | hits"},
    {"a ball topples a tower of blocks",
     "ball | dominoes | topples | tower of blocks as dominoes"},
    {"a bowling ball knocks down the pins",
     "black ball | dominoes | topples | pins as dominoes"},
    {"a green ball knocks something over",
     "green ball | | hits"},
    {"a blue ball makes an orange cone fall over",
     "blue ball | orange cone | hits | fall over as hits"},
    {"an orange cone falls over",
     " | orange cone | hits | falls over as hits"},
    {"a blue ball bounces off an orange cone",
     "blue ball | orange cone | hits"},
    {"a yellow ball hits the floor and bounces",
     "yellow ball | | drops"},
    {"a red ball on the left side rolls into the blue box on the right side",
     "red ball left | blue box right | hits rightward"},
    {"a blue box on the left is hit by a red ball",
     "red ball | blue box left | hits leftward"},
    {"a blue box with a red ball rolling right past it",
     "red ball | blue box | moves rightward"},
    {"There's a blue box sitting on the floor and a red ball passes it going left",
     "red ball | blue box | moves leftward"},
    {"a red ball with light coming from the left rolls to the right",
     "red ball | | moves rightward leftlit"},
    {"a black cylinder slides from the right wall to the left",
     "black cylinder | | moves leftward"},
    {"a red ball rolls right and hits the wall on the right",
     "red ball | | rebounds rightward"},
    {"yellow can, moving along the floor, direction: left",
     "yellow cylinder | | moves leftward"},
    {"a red ball rolls out of the distance",
     "red ball | | moves approaching"},
    {"a red ball on the screen rolls left",
     "red ball | | moves leftward"},
    {"cinematic close-up, 8k, masterpiece: a red ball rolls from left to right, shallow depth of field",
     "red ball | | moves rightward"},
    {"3 balls roll to the left",
     "ball | | moves leftward | 3"},
    {"a red sphere rolls downhill",
     "red ball | | descends"},
    {"red ball -> right",
     "red ball | | moves rightward"},
};

static const struct prompt_row chinese[] = {
    {"绿色圆锥静止不动，红球从它后面经过",
     "red ball back | green cone"},
    {"红球不动，蓝球往左滚",
     "blue ball | red ball | moves leftward"},
    {"一个静止的红色圆锥和一个向右滚的绿球",
     "green ball | red cone | moves rightward"},
    {"红球滚向右边的蓝色箱子并撞上它",
     "red ball | blue box | hits rightward"},
    {"红球滚到黄箱子跟前碰了它一下",
     "red ball front | yellow box | hits"},
    {"蓝色方块被红球推动",
     "red ball | blue box | hits"},
    {"蓝球一滚，橙色圆锥就被撞倒了",
     "blue ball | orange cone | hits | 撞倒 as hits"},
    {"黑色箱子被推向右边",
     "black box | | moves rightward"},
    {"红球推着蓝箱子走",
     "red ball | blue box | hits"},
    {"红球从左边离开画面",
     "red ball | | moves leftward"},
    {"红球从右侧滚出画面",
     "red ball | | moves rightward"},
    {"绿球向后滚进背景",
     "green ball | | moves receding"},
    {"红球从前往后滚",
     "red ball | | moves receding"},
    {"红球滚到我面前",
     "red ball | | moves approaching"},
    {"黄色锥桶迎面而来",
     "yellow cone | | moves approaching"},
    {"交通锥往右移动",
     "orange cone | | moves rightward"},
    {"白色背景下，一个球向右滚动",
     "ball | | moves rightward | 白色"},
    {"绿色草地上，一个球向右滚",
     "ball | | moves rightward | 绿色 草地"},
    {"不是红球，是绿球向右滚",
     "green ball | | moves rightward"},
    {"红球向右滚，但没有撞到蓝箱子",
     "red ball | blue box | moves rightward"},
    {"红球向右滚，没有箱子和圆锥",
     "red ball | | moves rightward"},
    {"紫色的球落下来砸到地面",
     "purple ball | | drops"},
    {"黄球打左边来，往右边去",
     "yellow ball | | moves rightward"},
    {"明黄色的沙滩球向右滚",
     "yellow ball | | moves rightward"},
    {"棕色箱子向左滑动",
     "orange box | | moves leftward | 棕色 as orange"},
    {"紅色的球朝著觀眾滾過來",
     "red ball | | moves approaching"},
    {"１个红球左→右",
     "red ball | | moves rightward"},
    {"绿箱子旁边有一个红球",
     "red ball | green box"},
    {"红蓝两个球相撞",
     "red ball | blue ball | hits"},
    {"特写，电影感：红球，方向向左，4K",
     "red ball | | moves leftward"},
};
/* clang-format on */

TEST(world_reader_english)
{
    prompt_table_check(english, sizeof english / sizeof *english);
}

TEST(world_reader_chinese)
{
    prompt_table_check(chinese, sizeof chinese / sizeof *chinese);
}

/* Whatever comes in, something complete comes out. */
TEST(world_prompt_survives_anything)
{
    static const char *const odd[] = {"",
                                      " ",
                                      "\xff\xfe\x80",
                                      "left right left right to from to",
                                      "被被被撞",
                                      "的的的，，。。",
                                      "hit hit hit",
                                      "a a a a",
                                      "红 红 红 球 球 球 球",
                                      "camera",
                                      "镜头",
                                      "light floor wall ramp"};
    struct rng r;

    rng_init(&r, 5, 0);
    for (int i = 0; i < 300; i++) {
        char text[400];
        struct buf b = BUF_INIT;
        struct facts f;
        int n = rng_below(&r, (int)sizeof text - 1);

        for (int k = 0; k < n; k++)
            text[k] = (char)(1 + rng_below(&r, 255));
        text[n] = 0;
        world_canonical(i < (int)(sizeof odd / sizeof *odd) ? odd[i] : text, 1, &b, &f, NULL);
        CHECK(facts_are_complete(&f));
        CHECK(b.len > 40);
        buf_release(&b);
    }
}
