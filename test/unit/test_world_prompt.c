/* The prompt reader against sentences that people write, in two languages. */
#include <stdlib.h>

#include "base/buf.h"
#include "base/rng.h"
#include "world/caption.h"
#include "world/prompt.h"
#include "prompt_table.h"
#include "ztest.h"

/* clang-format off */
static const struct prompt_row english[] = {
    {"A green sphere travels across the screen, starting at the right and finishing at the left.",
     "green ball | | moves leftward"},
    {"a blue ball is rolling in our direction",
     "blue ball | | moves approaching"},
    {"a green block is pulled to the right",
     "green box | | moves rightward"},
    {"The scene contains a stationary yellow cone and an orange ball that rolls leftwards",
     "orange ball | yellow cone | moves leftward"},
    {"A blue ball rolls past a stationary red cone, going from right to left",
     "blue ball | red cone | moves leftward"},
    {"a yellow ball passes from left to right in front of a blue cube",
     "yellow ball front | blue box | moves rightward"},
    {"a red ball rolls from left to right",
     "red ball | | moves rightward"},
    {"The crimson sphere is moving toward us",
     "red ball | | moves approaching"},
    {"a yellow cone slides away into the distance",
     "yellow cone | | moves receding"},
    {"from the right side a blue cube comes in and goes left",
     "blue box | | moves leftward"},
    {"The purple box slides leftwards across the floor.",
     "purple box | | moves leftward"},
    {"a white ball is rolling to the left",
     "white ball | | moves leftward"},
    {"The blue box is hit by a big red ball coming from the left",
     "red ball large | blue box | hits rightward"},
    {"a ball drops from above and bounces",
     "ball | | drops"},
    {"a green ball rolls down a ramp",
     "green ball | | descends"},
    {"A red ball knocks over a row of white dominoes",
     "red ball | white dominoes | topples"},
    {"a blue ball rolls to the right, hits the wall and bounces back",
     "blue ball | | rebounds rightward"},
    {"a large shiny red ball rolls slowly to the right while a small green cone stands on the left in the background; the floor is grey, the light comes from the left, static camera",
     "red ball large shiny | green cone small left back | moves rightward slow grey leftlit static"},
    {"The camera pans right as a yellow cylinder glides quickly toward the camera",
     "yellow cylinder | | moves approaching fast panright"},
    {"Next to a blue box, a red ball rolls left",
     "red ball | blue box | moves leftward"},
    {"A blue box stands in the middle. A red ball rolls past it to the left",
     "red ball | blue box middle | moves leftward"},
    {"red ball large matte rolls approaching fast left ; blue box medium shiny still right back ; floor grey ; light leftlit ; camera static",
     "red ball large matte left | blue box medium shiny right back | moves approaching fast grey leftlit static"},
    {"a ball, red and shiny, rolls left to right",
     "red ball shiny | | moves rightward"},
    {"the ball is red and the box is blue, and the ball rolls to the right",
     "red ball | blue box | moves rightward"},
    {"There is a purple cylinder. It slides from the right to the left quickly.",
     "purple cylinder | | moves leftward fast"},
    {"an orange cube approaching the viewer",
     "orange box | | moves approaching"},
    {"A pink elephant dances to the right",
     " | | moves rightward | pink elephant dances"},
    {"two red balls collide",
     "red ball | red ball | hits"},
    {"Rolling slowly, an orange ball goes off to the right.",
     "orange ball | | moves rightward slow"},
    {"A cube, blue in colour, slides right.",
     "blue box | | moves rightward"},
    {"Towards the camera rolls a green ball",
     "green ball | | moves approaching"},
    {"A black cone moves away from the camera",
     "black cone | | moves receding"},
    {"a ball rolls",
     "ball | | moves"},
    {"some red thing moves left",
     "red | | moves leftward"},
    {"A small yellow ball comes rolling in from the right",
     "yellow ball small | | moves leftward"},
    {"a red ball rolls rightward over a checkered floor lit from the right, zoom in",
     "red ball | | moves rightward checker rightlit zoomin"},
    {"a big green cube moves slowly from the right side of the screen to the left side",
     "green box large | | moves leftward slow"},
    {"A yellow sphere rolling rightwards",
     "yellow ball | | moves rightward"},
    {"The ball rolls left. The ball is purple.",
     "purple ball | | moves leftward"},
    {"A small black box is sliding towards the viewer.",
     "black box small | | moves approaching"},
    {"Slide a white cylinder to the right",
     "white cylinder | | moves rightward"},
    {"A white cone, moving quickly, heads right",
     "white cone | | moves rightward fast"},
    {"a tiny orange ball zips across from right to left",
     "orange ball small | | moves leftward fast"},
    {"A red ball enters from the left and exits on the right",
     "red ball | | moves rightward"},
    {"a blue cylinder starts on the right and ends on the left",
     "blue cylinder | | moves leftward"},
    {"a red cube gets pushed away by a blue ball coming from the right",
     "blue ball | red box | hits leftward"},
    {"a blue ball crashes into a green cone",
     "blue ball | green cone | hits"},
    {"The green cone gets knocked over when a blue ball rolls in from the right side",
     "blue ball | green cone | hits leftward | knocked over as hits"},
    {"A ball and a box: the blue ball moves right, the red box does not move",
     "blue ball | red box | moves rightward"},
    {"A purple sphere comes closer to us",
     "purple ball | | moves approaching"},
    {"A purple ball rolls off into the background",
     "purple ball | | moves receding"},
    {"The yellow cube recedes from the camera",
     "yellow box | | moves receding"},
    {"An orange cylinder travels from far away toward the camera",
     "orange cylinder | | moves approaching"},
    {"In the foreground a blue ball rolls to the left; in the background a red cone stands.",
     "blue ball front | red cone back | moves leftward"},
    {"a huge white sphere falls out of the sky",
     "white ball large | | drops"},
    {"a black ball bounces up and down",
     "black ball | | drops"},
    {"rightward-moving red cube",
     "red box | | moves rightward"},
    {"a red ball that is moving leftward",
     "red ball | | moves leftward"},
    {"left-to-right motion of a green cylinder",
     "green cylinder | | moves rightward"},
    {"A green ball is rolling away from me",
     "green ball | | moves receding"},
    {"a scarlet block glides from the left edge to the right edge",
     "red box | | moves rightward"},
    {"a red ball rolls toward a blue box and hits it",
     "red ball | blue box | hits"},
    {"A cyan ball rolls left",
     "blue ball | | moves leftward | cyan as blue"},
    {"a violet cone slides over to the left hand side",
     "purple cone | | moves leftward"},
    {"the orange ball moves in the right direction",
     "orange ball | | moves rightward"},
    {"a navy cylinder drifts lazily leftward",
     "blue cylinder | | moves leftward slow"},
    {"two balls, a red one and a blue one; the red one rolls to the right",
     "red ball | blue ball | moves rightward"},
    {"There's a yellow box on the left. A green ball rolls toward us on the right.",
     "green ball right | yellow box left | moves approaching"},
    {"It is a red ball, rolling from the left-hand side towards the right-hand side.",
     "red ball | | moves rightward"},
    {"A green sphere is travelling to the right at high speed",
     "green ball | | moves rightward fast"},
    {"A box that is blue is sliding to the left",
     "blue box | | moves leftward"},
    {"A shiny golden sphere crosses the frame from right to left",
     "yellow ball shiny | | moves leftward"},
    {"an ivory cube slides nearer",
     "white box | | moves approaching"},
    {"A big blue ball slowly rolls forward",
     "blue ball large | | moves approaching slow"},
    {"the dominoes are toppled by a red ball from the left",
     "red ball | dominoes | topples rightward"},
    {"a red ball rolls down the slope to the right",
     "red ball | | descends rightward"},
    {"a white ball, coming from the right, hits a wall",
     "white ball | | rebounds leftward"},
    {"From left to right, a black cylinder slides past a white cone.",
     "black cylinder | white cone | moves rightward"},
    {"A red ball does not stop and moves to the left",
     "red ball | | moves leftward"},
    {"blue ball moving left fast",
     "blue ball | | moves leftward fast"},
    {"right-moving orange cone",
     "orange cone | | moves rightward"},
    {"a rolling red ball",
     "red ball | | moves"},
    {"A large red ball rolls slowly from right to left on a beige floor, the camera zooms in.",
     "red ball large | | moves leftward slow beige zoomin"},
    {"The camera does not move. A green box slides right. The light is on the left.",
     "green box | | moves rightward leftlit static"},
    {"a red ball is hitting a blue box",
     "red ball | blue box | hits"},
    {"there are two balls, a red and a blue. The red one rolls to the right.",
     "red ball | blue ball | moves rightward"},
    {"the ball to the left of the box rolls right",
     "ball left | box | moves rightward"},
    {"A red ball and a blue cube on a grey floor. The red ball rolls from the left to the right.",
     "red ball | blue box | moves rightward grey"},
    {"red ball, rolling left",
     "red ball | | moves leftward"},
    {"A red ball rolls rightwards, static camera",
     "red ball | | moves rightward static"},
    {"A ball of red color rolls to the right",
     "red ball | | moves rightward"},
    {"A green-coloured cube slides toward the lens",
     "green box | | moves approaching"},
    {"A box painted yellow slides rightward",
     "yellow box | | moves rightward"},
    {"a small sphere colored purple moves leftwards quickly",
     "purple ball small | | moves leftward fast"},
    {"the camera watches as a red ball rolls left",
     "red ball | | moves leftward"},
    {"camera static, a red ball rolls to the right",
     "red ball | | moves rightward static"},
    {"a red ball rolls right on a white floor",
     "red ball | | moves rightward | white"},
    {"a red ball rolls right under light from the left",
     "red ball | | moves rightward leftlit"},
    {"a red ball, lit from the left, rolls right",
     "red ball | | moves rightward leftlit"},
    {"A white ball falls onto the ground and rebounds",
     "white ball | | drops"},
    {"a yellow ball rolls quickly towards the right while the camera slowly zooms in",
     "yellow ball | | moves rightward fast zoomin"},
    {"a big ball rolls from the background to the foreground, its colour is green",
     "green ball large | | moves approaching"},
    {"blue cube slides from foreground to background",
     "blue box | | moves receding"},
    {"A white cone sits in the middle, and a blue ball rolls from the right and knocks it over",
     "blue ball | white cone middle | hits leftward"},
    {"An orange sphere strikes a purple cylinder from the left",
     "orange ball | purple cylinder | hits rightward"},
    {"A purple cylinder is struck from the left by an orange sphere",
     "orange ball | purple cylinder | hits rightward"},
    {"a red ball rolls leftward behind a blue box",
     "red ball back | blue box | moves leftward"},
    {"a blue box stands behind; a red ball rolls left",
     "red ball | blue box back | moves leftward"},
    {"a red ball rolls to the right in front of a green cylinder",
     "red ball front | green cylinder | moves rightward"},
};

static const struct prompt_row chinese[] = {
    {"一个橙色箱子被推向左边",
     "orange box | | moves leftward"},
    {"蓝色立方体往后退去",
     "blue box | | moves receding"},
    {"有一个绿色圆锥在右边，红色的球从它旁边向左滚过",
     "red ball | green cone right | moves leftward"},
    {"画面中央有一个白色方块，一个紫色的球从左侧滚来将其撞倒",
     "purple ball | white dominoes | topples rightward | 方块 as dominoes"},
    {"一个大大的蓝色皮球轻快地从左边滚到右边",
     "blue ball large | | moves rightward fast"},
    {"一个红色的球从左向右滚动",
     "red ball | | moves rightward"},
    {"一个红球从左边滚来，撞倒蓝色方块",
     "red ball | blue dominoes | topples rightward | 方块 as dominoes"},
    {"绿色的立方体慢慢滑向右侧",
     "green box | | moves rightward slow"},
    {"从右往左滚动的黑色圆柱体",
     "black cylinder | | moves leftward"},
    {"一个橙色的球朝镜头滚来",
     "orange ball | | moves approaching"},
    {"紫色圆锥远离镜头",
     "purple cone | | moves receding"},
    {"蓝色方块被从左边滚来的红球撞飞",
     "red ball | blue box | hits rightward"},
    {"红球把蓝色方块撞倒",
     "red ball | blue dominoes | topples | 方块 as dominoes"},
    {"一个小黄球从空中落下，弹跳起来",
     "yellow ball small | | drops"},
    {"绿球从斜坡上滚下来",
     "green ball | | descends"},
    {"红球撞倒一排白色多米诺骨牌",
     "red ball | white dominoes | topples"},
    {"蓝球向右滚，撞到墙上弹回来",
     "blue ball | | rebounds rightward"},
    {"一个又大又亮的红球慢慢向右滚，左后方静止着一个小绿锥，地面是灰色的，光从左边来，镜头固定",
     "red ball large shiny | green cone small left back | moves rightward slow grey leftlit static"},
    {"鏡頭緩緩推近，一個紅色圓球從左邊滾到右邊",
     "red ball | | moves rightward zoomin"},
    {"红球和蓝球相撞",
     "red ball | blue ball | hits"},
    {"白色的箱子迅速往左边移动",
     "white box | | moves leftward fast"},
    {"远处一个黑球向我们滚过来",
     "black ball back | | moves approaching"},
    {"一个绿色圆柱由近及远",
     "green cylinder | | moves receding"},
    {"蓝色圆锥由右至左缓缓滑过",
     "blue cone | | moves leftward slow"},
    {"一个黄色立方体从画面右侧滑入，向左移动",
     "yellow box | | moves leftward"},
    {"红色小球快速滚向左边",
     "red ball small | | moves leftward fast"},
    {"球是绿色的，它向右滚",
     "green ball | | moves rightward"},
    {"一颗紫色的珠子飞快地从左边滚到右边",
     "purple ball | | moves rightward fast"},
    {"一个绿色的大球从右边滚到左边",
     "green ball large | | moves leftward"},
    {"黄色方块向左滑动",
     "yellow box | | moves leftward"},
    {"蓝色的圆柱体朝着镜头滑过来",
     "blue cylinder | | moves approaching"},
    {"红色圆锥滑向远方",
     "red cone | | moves receding"},
    {"一个黑色的小盒子快速地往右移动",
     "black box small | | moves rightward fast"},
    {"白球慢慢地滚向左侧",
     "white ball | | moves leftward slow"},
    {"紫色的球由左向右滚",
     "purple ball | | moves rightward"},
    {"橙色立方体正朝我们滑来",
     "orange box | | moves approaching"},
    {"一只红色的皮球从画面左侧滚入画面",
     "red ball | | moves rightward"},
    {"蓝色圆锥体从右侧进入，从左侧离开",
     "blue cone | | moves leftward"},
    {"绿色箱子被一个白球撞飞",
     "white ball | green box | hits"},
    {"红色方块被蓝色小球从左边撞倒",
     "blue ball small | red dominoes | topples rightward | 方块 as dominoes"},
    {"一个大红球撞向绿色圆柱",
     "red ball | green cylinder | hits"},
    {"黄球和紫色方块碰撞",
     "yellow ball | purple box | hits"},
    {"一个绿球从高处掉落",
     "green ball | | drops"},
    {"黑色的球落在地上弹了几下",
     "black ball | | drops"},
    {"橘色小球从坡上滚下来",
     "orange ball small | | descends"},
    {"白色圆球沿着斜坡滚下",
     "white ball | | descends"},
    {"紫球滚过去碰倒了多米诺骨牌",
     "purple ball | dominoes | topples"},
    {"蓝色的球撞墙后反弹",
     "blue ball | | rebounds"},
    {"红球碰到墙壁弹回",
     "red ball | | rebounds"},
    {"远处的黄色圆锥慢慢靠近镜头",
     "yellow cone back | | moves approaching slow"},
    {"一个红球离我们越来越远",
     "red ball | | moves receding"},
    {"一个蓝球离镜头越来越近",
     "blue ball | | moves approaching"},
    {"大的红色球体向右滚动，旁边有一个小的绿色圆锥",
     "red ball large | green cone small | moves rightward"},
    {"左边有一个静止的蓝色方块，一个黄球从右边滚来",
     "yellow ball | blue box left | moves leftward"},
    {"右边的红球向左滚动",
     "red ball right | | moves leftward"},
    {"绿色圆柱体往右滑，速度很快",
     "green cylinder | | moves rightward fast"},
    {"红球快速向右滚动，地面是棋盘格，灯光来自右侧",
     "red ball | | moves rightward fast checker rightlit"},
    {"镜头向左摇，一个白色圆柱向右滑动",
     "white cylinder | | moves rightward panleft"},
    {"镜头推近一个向左滚的橙色球",
     "orange ball | | moves leftward zoomin"},
    {"一個綠色的球從左邊滾到右邊",
     "green ball | | moves rightward"},
    {"紅色方塊向右滑動",
     "red box | | moves rightward"},
    {"藍色圓錐遠離鏡頭",
     "blue cone | | moves receding"},
    {"黃色圓柱體朝鏡頭滑來",
     "yellow cylinder | | moves approaching"},
    {"请生成一个视频：一个紫色的球从左到右滚动",
     "purple ball | | moves rightward"},
    {"我想看一个黑球往左滚",
     "black ball | | moves leftward"},
    {"一颗红球自右向左缓缓滚过画面",
     "red ball | | moves leftward slow"},
    {"两个球，一个红色，一个蓝色，红球向右滚",
     "red ball | blue ball | moves rightward"},
    {"一个又大又红的球向右滚",
     "red ball large | | moves rightward"},
    {"球，红色，从左往右",
     "red ball | | moves rightward"},
    {"从左边滚来一个黄色的球",
     "yellow ball | | moves rightward"},
    {"从右侧滑入一个绿色的方块",
     "green box | | moves leftward"},
    {"画面里，一个蓝色立方体慢悠悠地从右边滑到左边去",
     "blue box | | moves leftward slow"},
    {"粉色的球向左滚",
     "red ball | | moves leftward | 粉色 as red"},
    {"一只大象向右跑",
     " | | moves rightward | 象"},
    {"左滚的红球",
     "red ball | | moves leftward"},
    {"红球右移",
     "red ball | | moves rightward"},
    {"一个闪亮的金色大球飞快地从右往左滚",
     "yellow ball large shiny | | moves leftward fast"},
    {"朝着观众滚动的橙色圆球",
     "orange ball | | moves approaching"},
    {"往画面深处滑去的紫色方块",
     "purple box | | moves receding"},
    {"一个白色锥形物体缓缓地向左边移动",
     "white cone | | moves leftward slow"},
    {"红球从左侧快速冲向右侧",
     "red ball | | moves rightward fast"},
    {"蓝色的盒子静静地停在后面，前面一个红球向左滚",
     "red ball front | blue box | moves leftward"},
    {"一个哑光的绿色方块从左往右滑行，光从左侧照射，镜头静止",
     "green box matte | | moves rightward leftlit static"},
    {"黄色的球在灰色的地面上向右滚",
     "yellow ball | | moves rightward grey"},
    {"在米色地板上，一个黑色圆锥向左滑",
     "black cone | | moves leftward beige"},
    {"红球绕过蓝色方块向右滚去",
     "red ball | blue box | moves rightward"},
    {"圆柱体，绿色的，正在向左移动。",
     "green cylinder | | moves leftward"},
    {"一个球正从屏幕右边滚向屏幕左边，它是紫色的",
     "purple ball | | moves leftward"},
    {"前方一个红色圆柱滑向后方",
     "red cylinder front | | moves receding"},
    {"青色的球",
     "blue ball | | | 青色 as blue"},
    {"红球在蓝色方块后面向左滚",
     "red ball | blue box | moves leftward"},
    {"红球在前面向右滚，绿色圆锥立在后面的左边",
     "red ball | green cone left back | moves rightward"},
    {"蓝球从后面滚到前面",
     "blue ball | | moves approaching"},
    {"一个白色的球向前滚",
     "white ball | | moves approaching"},
    {"一个红色的球沿直线从左到右匀速滚动",
     "red ball | | moves rightward"},
    {"画面右边出现一个黄色圆柱，慢慢滑向左边",
     "yellow cylinder right | | moves leftward slow"},
    {"镜头不动，红球向右滚",
     "red ball | | moves rightward static"},
    {"固定镜头，一个蓝色圆锥从左滑到右",
     "blue cone | | moves rightward static"},
    {"白色方块被撞倒，撞它的是一个黑球",
     "black ball | white dominoes | topples | 方块 as dominoes"},
    {"黑球向右滚并撞击白色方块",
     "black ball | white box | hits rightward"},
    {"一个红球往左滚得很快",
     "red ball | | moves leftward fast"},
    {"黄色的大箱子慢慢地朝右边滑过去",
     "yellow box large | | moves rightward slow"},
    {"红色的正方体由右侧滑往左侧",
     "red box | | moves leftward"},
    {"从镜头前往远处滚去的绿球",
     "green ball | | moves receding"},
    {"一个绿球滚向镜头",
     "green ball | | moves approaching"},
    {"一个橙色的球从远处滚过来",
     "orange ball | | moves approaching"},
    {"绿球从左滚向右，速度很慢",
     "green ball | | moves rightward slow"},
};
/* clang-format on */

/* Who wants the camera to move says so; training moves it in one clip of eight. */
TEST(world_prompt_camera_stands_unless_it_is_said)
{
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct facts f;
        struct buf b = BUF_INIT;

        world_canonical("a red ball rolls to the right", seed, &b, &f, NULL);
        CHECK_INT(f.camera, CAMERA_STATIC);
        world_canonical("a red ball, the camera pans left", seed, &b, &f, NULL);
        CHECK_INT(f.camera, CAMERA_PAN_LEFT);
        buf_release(&b);
    }
}

TEST(world_prompt_reads_english)
{
    prompt_table_check(english, sizeof english / sizeof *english);
}

TEST(world_prompt_reads_chinese)
{
    prompt_table_check(chinese, sizeof chinese / sizeof *chinese);
}

/* Everyday captions say nothing that does not hold, and are understood to the last word. */
TEST(world_prompt_reads_own_captions)
{
    for (int i = 0; i < 600; i++) {
        struct facts f = {0};
        struct prompt p;
        struct buf b = BUF_INIT;
        struct rng r;

        facts_complete(&f, (uint64_t)i, &world_mix_default);
        rng_init(&r, (uint64_t)i, 1);
        caption_everyday(&f, i % 2 ? LANG_ZH : LANG_EN, &r, &b);
        prompt_read(buf_str(&b), &p);
        if (p.n_unknown || p.facts.event != f.event || !facts_agree(&p.facts, &f))
            ztest_fail(__FILE__, __LINE__, "caption %d is not understood: %s", i, buf_str(&b));
        CHECK_INT(p.facts.direction, f.direction);
        CHECK_INT(p.facts.object[0].color, f.object[0].color);
        CHECK_INT(p.facts.object[0].shape, f.object[0].shape);
        buf_release(&b);
    }
}

TEST(world_prompt_canonical_round_trip)
{
    for (int i = 0; i < 600; i++) {
        struct facts f = {0}, g;
        struct prompt p;
        struct buf b = BUF_INIT, again = BUF_INIT;

        facts_complete(&f, (uint64_t)i, &world_mix_default);
        caption_canonical(&f, &b);
        world_canonical(buf_str(&b), 77, &again, &g, &p);
        CHECK_STR(buf_str(&again), buf_str(&b));
        CHECK(facts_equal(&f, &g));
        CHECK_INT(p.n_unknown, 0);
        buf_release(&b);
        buf_release(&again);
    }
}

TEST(world_prompt_completes_by_seed)
{
    const char *text = "a red ball rolls to the left";
    int differ = 0;

    for (int seed = 0; seed < 20; seed++) {
        struct buf a = BUF_INIT, b = BUF_INIT;
        struct facts f;

        world_canonical(text, (uint64_t)seed, &a, &f, NULL);
        world_canonical(text, (uint64_t)seed + 1, &b, NULL, NULL);
        CHECK(facts_are_complete(&f));
        CHECK_INT(f.n_objects, 1);
        CHECK_INT(f.object[0].color, COLOR_RED);
        CHECK_INT(f.direction, DIRECTION_LEFT);
        differ += strcmp(buf_str(&a), buf_str(&b)) != 0;
        buf_release(&a);
        buf_release(&b);
    }
    CHECK(differ > 10);
}

TEST(world_lexicon_has_words)
{
    char **words;
    int n, found = 0;

    for (int slot = SLOT_SHAPE; slot <= SLOT_MATERIAL; slot++) {
        for (int v = 1; v < slot_count(slot); v++) {
            for (int lang = 0; lang < LANG_COUNT; lang++) {
                int entries, forms = 0, len;
                const struct lexicon_entry *e = lexicon(&entries);

                for (int i = 0; i < entries; i++) {
                    const char *at = e[i].form[lang];

                    while (e[i].tag == slot && e[i].value == v && lexicon_next(&at, &len, NULL))
                        forms++;
                }
                CHECK(forms >= 8);
            }
        }
    }
    words = world_vocabulary(&n);
    CHECK(n > 800);
    for (int i = 0; i < n; i++) {
        found |= !strcmp(words[i], "rightward") << 0 | !strcmp(words[i], "crimson") << 1 |
                 !strcmp(words[i], "藍") << 2 | !strcmp(words[i], "蓝") << 3;
        for (int k = 0; k < i; k++)
            CHECK(strcmp(words[i], words[k]));
    }
    CHECK_INT(found, 15);
    world_vocabulary_free(&words, n);
    CHECK(!words);
}
