/* Characters of both scripts. */
#include <string.h>

#include "base/utf8.h"
#include "world/story/words.h"

/* Pairs: simplified, traditional; those that physics does not need. A simplified character is
 * spoken as the partner in its first pair, which may be itself. */
static const char pairs[] =
    "万萬专專业業丛叢丝絲丰豐丽麗举舉乐樂习習于於云雲仿仿仿彷优優伙夥伞傘伟偉伫佇余餘佛佛佛彿"
    "俊俊俊儁僵僵僵殭儿兒关關兴興具具具俱兽獸内內册冊写寫冬冬冬鼕凉涼创創别別剑劍剧劇务務势勢"
    "区區升升升昇华華卧臥卫衛卫衞卷卷卷捲厅廳历歷历曆厨廚台臺叶葉员員周周周週周賙唇脣团團园園"
    "围圍国國壮壯声聲复復复覆夹夾夹袷夺奪奋奮奖獎妇婦娘娘娘孃学學宁寧宁甯宽寬尔爾尘塵尸屍尽盡"
    "层層屿嶼岁歲岖嶇岛島岩巖帅帥师師带帶帧幀席席席蓆帮幫并並并幷广廣庙廟弥彌弥瀰弯彎当當录錄"
    "怀懷恤恤恤卹悬懸惊驚惬愜愈愈愈癒懒懶戏戲户戶扎扎扎紮托托托託扣扣扣釦护護拟擬拿拿拿拏挂掛"
    "挥揮摇搖摊攤撑撐斓斕断斷旋旋旋鏇旧舊旷曠昼晝晓曉晖暉术術术朮杀殺杰傑极極构構果果果菓栏欄"
    "树樹梦夢楼樓横橫欢歡气氣汉漢汹洶没沒沥瀝注注注註泼潑洁潔洼窪浅淺浓濃涂塗涌湧涛濤润潤涩澀"
    "温溫湿濕湿溼溅濺满滿滩灘灵靈灿燦炉爐点點烁爍烂爛烛燭烟煙烧燒热熱焰焰焰燄爱愛犸獁狭狹狮獅"
    "狸狸狸貍畅暢盏盞盘盤着著睁睜礼禮秘祕称稱笔筆笼籠筑築篮籃系系系係系繫纪紀纷紛纹紋线綫练練"
    "细細绒絨绘繪绚絢绪緒维維缘緣网網耸聳胶膠脚腳脸臉腻膩腾騰舰艦舱艙艳艷艺藝节節荡盪获獲获穫"
    "葱蔥蒙蒙蒙矇蒙濛蒙懞虚虛蜡蠟衬襯装裝裤褲认認训訓诗詩话話说說说説读讀课課调調谧謐谷谷谷穀"
    "贵貴赛賽跶躂踪蹤轨軌软軟载載辫辮辽遼达達迈邁适適郁鬱采採采寀里哩针針针鍼钟鍾钟鐘钟鈡钢鋼"
    "钱錢铺鋪闲閒闹鬧阁閣阅閱阅閲阔闊阵陣际際陆陸陨隕险險霭靄页頁预預领領风風飘飄馆館马馬驾駕"
    "骑騎鱼魚鲸鯨鸟鳥鸥鷗龙龍";

static uint32_t partner(uint32_t cp, int to_traditional)
{
    const char *s = pairs, *end = s + strlen(s);

    while (cp >= 0x3400 && s < end) {
        uint32_t a, b;

        s += utf8_decode(s, (size_t)(end - s), &a);
        s += utf8_decode(s, (size_t)(end - s), &b);
        if (cp == (to_traditional ? a : b))
            return to_traditional ? b : a;
    }
    return cp;
}

uint32_t story_simplified(uint32_t cp)
{
    return partner(cp, 0);
}

uint32_t story_traditional(uint32_t cp)
{
    uint32_t other = lexicon_traditional(cp);

    return other == cp ? partner(cp, 1) : other;
}
