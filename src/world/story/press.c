#include "world/story/press.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "world/story/caption.h"

enum { MAX_PATTERNS = 4, STRIDE = 7919 }; /* a prime that is no factor of the number of choices */

/* The prompt, then patterns: [a|b] is one of them, which may be empty. */
/* clang-format off */
static const char *const press[STORY_FAMILY_MIXED][LANG_COUNT][1 + MAX_PATTERNS] = {
    [STORY_FAMILY_CLIFF] = {
        {"A drone view of waves crashing against the cliffs, with a white lighthouse on an islet in the distance.",
         "[A drone view of|Drone footage of|An aerial view of|Aerial shot of|A bird's-eye view of] [waves|ocean waves|big waves|foaming waves] crashing [against|on] [the|rugged|steep] cliffs[, a white lighthouse on an islet|, with a lighthouse in the distance|, a small island with a lighthouse behind them|]",
         "[Waves|Ocean waves|Blue waves] [crash|break] against the cliffs [below a white lighthouse|near an islet with a lighthouse|while a lighthouse stands on a small island], [drone view|aerial view|seen from above|filmed by a drone]",
         "[A white lighthouse|A lighthouse with a red band] [stands on an islet|stands on a small island|rises on an island] [while waves crash against the cliffs|as the waves beat against the cliffs], [drone shot|aerial footage|bird's-eye view]"},
        {"无人机视角，海浪拍打着悬崖，远处的小岛上有一座白色灯塔。",
         "[无人机视角|航拍|俯瞰|鸟瞰视角|无人机航拍][，|：][海浪|波浪|巨浪|浪花][拍打着|冲击着|拍打]悬崖[，远处小岛上有一座白色灯塔|，小岛上矗立着灯塔|，远处有灯塔|，礁石岛上有一座灯塔|]",
         "[海浪|汹涌的海浪|蓝色的海浪][拍打着|冲刷着][悬崖|峭壁|崖壁]，[小岛|远处的孤岛|海上的小岛]上有[白色灯塔|一座灯塔|带红腰带的灯塔]，[航拍|无人机镜头|从空中拍摄|俯拍]",
         "[白色灯塔|红腰带的白色灯塔]矗立在[小岛上|孤岛上]，[浪花|海浪|巨浪][拍打着|冲击着][悬崖|峭壁]，[无人机视角|航拍镜头|鸟瞰]"}},
    [STORY_FAMILY_STREET] = {
        {"A stylish woman walks down a Tokyo street at night, with glowing neon signs mirrored in the wet ground.",
         "[A stylish woman|A fashionable woman|An elegant lady|A chic young woman|A woman] [walks|strolls|walks confidently|wanders] down a [Tokyo street|neon-lit Tokyo street|street in Tokyo] [at night|late at night|by night][, neon signs mirrored in the wet ground|, the ground wet and reflective|, glowing neon everywhere|]",
         "[At night|Late at night], [a stylish woman|a fashionable lady|an elegant woman] [walks|strolls] [down|along] a [Tokyo|Shinjuku|Shibuya] street [full of|filled with] [neon signs|glowing neon|neon lights][, the wet ground like a mirror|]",
         "[Tokyo at night:|A night street in Tokyo:] [a stylish woman|a fashion model|a chic lady] [walking|strolling] [under neon signs|past glowing neon signs|through the neon lights][, puddles on the ground|]"},
        {"一位时尚女性走在夜晚的东京街头，发光的霓虹灯牌倒映在湿润的地面上。",
         "[一位|一名][时尚|时髦|优雅|漂亮]的[女性|女子|女人|女士][走在|漫步在|行走在][夜晚|深夜]的[东京街头|东京街道上|东京的街道上][，霓虹灯闪烁|，霓虹倒映在湿润的地面上|，地面湿漉漉的像镜子|]",
         "[夜晚|深夜|夜幕下][的东京街头，|，东京街头，]一位[时尚女性|时髦女郎|优雅的女士][漫步|走着|从容地走着][，霓虹招牌闪烁|，湿地面倒映着霓虹灯|]",
         "[霓虹闪烁|霓虹灯下][的东京夜晚|的东京夜色中]，[一位时尚女性|一个时髦的女人|一位穿着时尚的女子][走在街上|在街头漫步|走过街道][，地面湿润如镜|]"}},
    [STORY_FAMILY_MONSTER] = {
        {"A 3D animation of a short fluffy monster kneeling beside a candle.",
         "[A 3D animation of|A 3D animated scene with|3D animation:|Animated scene:] a [short|small|little|cute] [fluffy|furry|fuzzy] [monster|creature] [kneeling|sitting|crouching] [beside|next to|in front of] [a candle|a melting candle|a burning candle|a lit candle]",
         "[A|One] [fluffy little|small furry|cute fluffy|tiny fuzzy] monster [kneels|sits|crouches] [beside|next to|near] a [melting|burning|flickering] candle[ in a warm room| in a cozy room|][, 3D animation|, 3D animated|]",
         "[By candlelight|Beside a candle], a [little|small|short] [fluffy|furry] [monster|creature] [sits|kneels] [in a cozy room|in a dark room|in a warm little room][, 3D animated|]"},
        {"3D动画，一只毛茸茸的小怪物跪在一支蜡烛旁边。",
         "[3D动画|三维动画|3D动画场景][，|：]一只[毛茸茸的|毛绒绒的|可爱的|矮小毛茸茸的][小怪物|小怪兽|怪物][跪在|坐在|蹲在][一支|一根][蜡烛|融化的蜡烛|燃烧的蜡烛|点燃的蜡烛][旁边|旁|前]",
         "一只[毛茸茸的|可爱的|蓬松的][小怪物|小怪兽|毛绒怪][坐|跪|蹲]在[房间里|温馨的小屋里|昏暗的房间里]，[身旁点着一支蜡烛|旁边有一支蜡烛|面前的蜡烛正在融化][，3D动画|，三维动画|]",
         "[烛光摇曳|烛光下|蜡烛旁]，[一只毛茸茸的小怪物|一个毛绒小怪兽|可爱的小怪物][静静地坐着|好奇地蹲着|跪着][，3D动画风格|，三维动画|]"}},
    [STORY_FAMILY_ASTRONAUT] = {
        {"A movie trailer with the adventures of a 30-year-old spaceman, up close and from afar, in space and in the corridor of his spaceship.",
         "[A movie trailer:|Film trailer:|A movie trailer with] [an astronaut|a 30-year-old spaceman|a cosmonaut|a lone astronaut|a space explorer] [on the moon|in space|on the lunar surface|in a spaceship corridor][, close-up|, wide shot|, cinematic|]",
         "[An astronaut|A spaceman|A cosmonaut] [walks|stands|floats] [on the moon|across the moon's surface|in a spaceship corridor|inside a spaceship][, cinematic trailer|, movie trailer|, 35mm film|]",
         "[The adventures of|A film about|The journey of] a [30-year-old spaceman|lone astronaut|brave cosmonaut] [in space|on the moon|in a spaceship corridor][, close-up|, seen from afar|]"},
        {"电影预告片：一名三十岁太空人的冒险，近景和远景，太空与飞船走廊。",
         "[电影预告片|预告片|电影片段][：|，][一名三十岁的|一名|一位孤独的][太空人|宇航员|航天员][在月球上|在太空中|在飞船走廊里|在月球表面][冒险|探索][，特写|，远景|]",
         "[一名|一个|一位][太空人|宇航员|航天员][站在|走在|漂浮在][月球上|月球表面|飞船走廊里|飞船里][，电影预告片|，电影感|]",
         "[三十岁太空人|孤独宇航员|航天员]的[冒险|旅程|故事]，[太空|月球|飞船走廊][，近景|，远景|]"}},
    [STORY_FAMILY_READER] = {
        {"A young man in his twenties is sitting on a cloud in the sky, reading a book.",
         "[A young man|A man in his twenties|A young man at his 20s|A student|A young guy] [is sitting|sits|is seated] [on a cloud|on a piece of cloud|on a white cloud|on a fluffy cloud] [in the sky|high up in the sky|], reading a [book|novel]",
         "[A young man|A man in his twenties|A young fellow] [reads a book|is reading a book|quietly reads a novel] [on a cloud|on a white cloud in the sky|among the clouds|above the clouds]",
         "[On a cloud|On a soft cloud|High above the clouds|On a white cloud], [a young man|a guy in his twenties|a youth] [reads a book|is absorbed in a book|turns the pages of a book|leafs through a book]"},
        {"一个二十多岁的年轻人坐在天空中的一朵云上看书。",
         "[一个|一名|一位][二十多岁的年轻人|年轻男子|青年|小伙子|年轻男人]坐在[天空中的一朵云上|云上|白云上|一朵云上|云端][看书|读书|读一本书|翻书]",
         "[一个年轻人|一名青年|一位年轻男子][在云端|在云朵上|在白云上][静静地看书|读着一本书|专注地读书|翻看一本书]",
         "[天空中|蓝天上|云端上]，[一个年轻人|一个二十多岁的男子|一名青年]坐在[云上|云朵上|白云上|一朵云上][看书|读书|阅读一本书]"}},
    [STORY_FAMILY_GIRL] = {
        {"A ten-year-old girl plays badminton.",
         "[A ten-year-old girl|A 10-year-old girl|A little girl|A young girl|A girl of ten|A schoolgirl] [plays badminton|is playing badminton|practices badminton|swings a badminton racket][ on a badminton court| on the lawn| in the park| in a gym| in the garden|]",
         "[On a badminton court|On the grass|In a gym|On a lawn], [a ten-year-old girl|a little girl|a 10-year-old girl] [plays badminton|hits the shuttlecock with a racket|plays a game of badminton]",
         "[A video of|We see] a [ten-year-old|little|young] girl playing badminton[ happily| with a racket| energetically|][, slow motion|]"},
        {"一个十岁的小女孩在打羽毛球。",
         "[一个|一名|一位][十岁的|10岁的|十岁][小女孩|女孩|小姑娘][在|正在|开心地][打羽毛球|练习羽毛球|挥拍打羽毛球]",
         "[一个|一名][十岁的小女孩|10岁女孩|小女孩|小姑娘][在羽毛球场上|在草坪上|在体育馆里|在公园里|在草地上][打羽毛球|挥拍击球|玩羽毛球]",
         "[草地上|球场上|羽毛球馆里|公园里]，[一个小女孩|一个十岁女孩|一名小姑娘][正在打羽毛球|开心地打着羽毛球|挥动球拍打羽毛球|认真地练习羽毛球]"}},
};
/* clang-format on */

/* How many sentences a pattern stands for. */
static int n_choices(const char *s)
{
    int n = 1;

    for (; *s; s++) {
        int k = 1;

        if (*s != '[')
            continue;
        for (; *s != ']'; s++)
            k += *s == '|';
        n *= k;
    }
    return n;
}

/* Sentence number i of a pattern. */
static void say_pattern(const char *s, int i, struct buf *out)
{
    while (*s) {
        size_t n = strcspn(s, "[");
        const char *end;
        int k = 1, choice;

        buf_add(out, s, n);
        s += n;
        if (!*s)
            return;
        end = strchr(s, ']');
        for (const char *c = s; c < end; c++)
            k += *c == '|';
        choice = i % k;
        i /= k;
        for (s++; choice; choice--)
            s += strcspn(s, "|") + 1;
        buf_add(out, s, strcspn(s, "|]"));
        s = end + 1;
    }
}

void story_press(int family, enum lang lang, int i, struct buf *out)
{
    const char *const *p;
    int total = 0, k;

    ZT_ASSERT(family >= 0 && family < STORY_FAMILY_MIXED && i >= 0 && i <= STORY_PARAPHRASES);
    p = press[family][lang];
    if (!i) {
        buf_puts(out, p[0]);
        return;
    }
    for (int n = 1; n <= MAX_PATTERNS && p[n]; n++)
        total += n_choices(p[n]);
    ZT_ASSERT(total > STORY_PARAPHRASES && total % STRIDE);
    k = (int)((int64_t)i * STRIDE % total);
    for (p++; k >= n_choices(*p); p++)
        k -= n_choices(*p);
    say_pattern(*p, k, out);
}

int story_press_held_out(int family, enum lang lang, int i)
{
    struct buf b = BUF_INIT;
    int held_out;

    story_press(family, lang, i, &b);
    held_out = i > 0 && story_caption_held_out(buf_str(&b));
    buf_release(&b);
    return held_out;
}

void story_press_facts(int family, struct story_facts *f)
{
    static const struct story_facts facts[STORY_FAMILY_MIXED] = {
        [STORY_FAMILY_CLIFF] = {.place = STORY_CLIFF, .camera = STORY_DRONE},
        [STORY_FAMILY_STREET] = {.subject = STORY_WOMAN,
                                 .place = STORY_STREET,
                                 .action = STORY_WALKS,
                                 .time = STORY_NIGHT},
        [STORY_FAMILY_MONSTER] = {.subject = STORY_MONSTER,
                                  .action = STORY_SITS,
                                  .prop = STORY_CANDLE},
        [STORY_FAMILY_ASTRONAUT] = {.subject = STORY_ASTRONAUT},
        [STORY_FAMILY_READER] = {.subject = STORY_READER,
                                 .place = STORY_CLOUD,
                                 .action = STORY_READS,
                                 .prop = STORY_BOOK},
        [STORY_FAMILY_GIRL] = {.subject = STORY_GIRL, .action = STORY_PLAYS, .prop = STORY_RACKET},
    };

    ZT_ASSERT(family >= 0 && family < STORY_FAMILY_MIXED);
    *f = facts[family];
}
