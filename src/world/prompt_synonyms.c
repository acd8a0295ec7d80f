/* More words for the reader of prompts. The tokenizer and the captions know nothing of them, so
 * they may grow while networks stay as they are. They win over lexicon rows that fit as well. */
#include "world/prompt_inner.h"

/* A second meaning, in the bits above the value (token.hint). */
#define HINT(value, hint) ((value) | (hint) << PROMPT_HINT_SHIFT)
/* A ball that is orange unless said otherwise. */
#define TINTED(shape, color) HINT(SHAPE_##shape, COLOR_##color)
/* The nearest colour there is. */
#define NEARLY(color) HINT(COLOR_##color, 1)
/* A floor, and the colour nearest to it when it is said of a thing. */
#define TONED(floor, color) HINT(FLOOR_##floor, COLOR_##color)

/* clang-format off */
const struct lexicon_entry prompt_synonyms[] = {
    /* shapes */
    {SLOT_SHAPE, SHAPE_BALL, {
        "spherical|ball shaped|sphere shaped|circle|disc|disk|round object|round thing|round shape|balloon|pearl|soccer|billiard ball|pool ball|ping pong ball|golf ball|toy ball|rubber ball|gumball|yoga ball|exercise ball|glass ball|bouncy ball|roundel|baseball|globule|dot",
        "圆形|圆点|圆|玻璃球|球状|球形|球体状|弹球|乒乓球|台球|排球|气球|弹力球|铁球|钢球|实心球|毬|球儿|珠|玻璃弹珠|球球|园球|雪球"}},
    {SLOT_SHAPE, TINTED(BALL, ORANGE), {"basketball", "篮球"}},
    {SLOT_SHAPE, TINTED(BALL, YELLOW), {"tennis ball", "网球"}},
    {SLOT_SHAPE, TINTED(BALL, WHITE), {"cue ball|soccer ball|snowball|volleyball|ping pong ball|golf ball", "足球|雪球|乒乓球|排球|高尔夫球"}},
    {SLOT_SHAPE, TINTED(BALL, BLACK), {"bowling ball|cannonball|cannon ball", "保龄球|铅球"}},
    {SLOT_SHAPE, SHAPE_BOX, {
        "cubic|cubical|cube shaped|box shaped|cuboid|square|rectangle|rectangular box|gift box|cardboard box|shoebox|shoe box|toy block|toy brick|building block|wooden block|lego|suitcase|trunk|container",
        "四方体|方形|正方块|立方|长方形|四方形|四方|硬纸箱|纸盒|纸盒子|礼盒|礼品盒|积木块|砖|方砖|魔方|方盒状|盒状|立方块|木块|方体状|方快|包裹|包装盒|快递盒|快递箱|储物箱|收纳箱|箱状|行李箱|铁箱|鞋盒|色子"}},
    {SLOT_SHAPE, SHAPE_CONE, {
        "conic|conical|cone shaped|road cone|ice cream cone|cone shape|party cone|tapered shape",
        "锥状|圆锥状|园锥|圆锥筒|三角锥体|尖锥体|锥形体|锥型"}},
    {SLOT_SHAPE, TINTED(CONE, ORANGE), {
        "traffic cone|safety cone|road cone|pylon", "锥桶|交通锥|路锥|交通锥桶|交通锥筒|雪糕筒|雪糕桶|锥形桶|锥筒|路障锥|安全锥|反光锥"}},
    {SLOT_SHAPE, SHAPE_CYLINDER, {
        "cylindrical|cylinder shaped|cylindric|tube shaped|can shaped|pipe|bucket|beer can|cola can|coke can|soup can|oil drum|oil barrel|roller|pole|rod|bottle|canned food|log",
        "管子|圆管|水管|柱状|圆柱状|圆柱形|圆柱形物体|筒子|罐头|圆罐|铁桶|油桶|水桶|可乐罐|饮料罐|啤酒罐|铝罐|圆筒状|园柱|圆住|石柱|立柱|滚筒|圆木|瓶子|圆棒|圆柱子"}},
    {SLOT_SHAPE, SHAPE_DOMINOES, {
        "domino chain|domino line|dominos|domino pieces|domino blocks|series of dominoes|domino run|column of dominoes",
        "多米诺骨牌阵|一列多米诺骨牌|一列多米诺|一排多米诺|一串多米诺骨牌|多米诺骨牌列|牌阵|骨牌们|多米诺牌阵"}},
    {SLOT_SHAPE, HINT(SHAPE_DOMINOES, PROMPT_NEAR), {
        "tower of blocks|tower of boxes|tower of bricks|stack of blocks|stack of boxes|stack of bricks|pile of blocks|pile of boxes|row of blocks|row of boxes|row of bricks|line of blocks|line of boxes|bowling pins|bowling pin|pins|skittles|block tower",
        "一排积木|一排方块|一排盒子|一排箱子|一列方块|一堆积木|一堆箱子|一堆盒子|一摞箱子|一摞积木|积木塔|保龄球瓶|球瓶|一排瓶子"}},
    {SLOT_SHAPE, HINT(SHAPE_CONE, PROMPT_NEAR), {"triangle|triangular", "三角形|三角|三角体"}},
    {SLOT_SHAPE, HINT(SHAPE_UNSAID, PROMPT_ECHO), {"one|ones", ""}},
    {SLOT_SHAPE, SHAPE_UNSAID, {"figure|shaped object|piece|prop|anything|everything", "那个东西|东西|几何体|物|道具|物体们"}},

    /* colours */
    {SLOT_COLOR, COLOR_RED, {
        "ruby red|rose red|brick red|wine red|burgundy|candy red|apple red|cardinal|rouge|lipstick red|bloody|rosy red|orange red",
        "亮红色|亮红|艳红色|艳红|正红色|正红|酒红色|酒红|枣红色|枣红|玫红色|玫红|玫瑰红|嫣红|砖红色|砖红|桃红色|桃红|殷红|樱桃红|中国红|暗红|浅红|淡红色|淡红|红彤彤的|洋红色|血红|胭脂红|朱砂红|丹红|火红火红|红艳艳|红颜色|绛红色"}},
    {SLOT_COLOR, COLOR_GREEN, {
        "pale green|neon green|olive green|bottle green|pea green|apple green|moss green|mint|chartreuse|sea green|kelly green|verdant|jade green|yellow green|yellowish green",
        "亮绿|暗绿色|暗绿|淡绿色|淡绿|黄绿色|黄绿|橄榄绿|橄榄色|薄荷绿|苹果绿|荧光绿|军绿色|军绿|祖母绿|青绿|绿颜色|鲜绿|纯绿色|正绿色|深绿的|绿莹莹|绿茵茵|翡翠绿|豆绿色|碧色"}},
    {SLOT_COLOR, COLOR_BLUE, {
        "blu|pale blue|baby blue|midnight blue|dark navy|electric blue|steel blue|ocean blue|sea blue|powder blue|neon blue|ice blue|denim blue|cerulean|royal|cornflower blue|greenish blue|prussian blue",
        "暗蓝色|暗蓝|淡蓝色|淡蓝|湖蓝色|湖蓝|海蓝|靛蓝|靛青色|藏青|藏蓝色|藏蓝|碧蓝|碧蓝色|水蓝色|水蓝|亮蓝|冰蓝色|冰蓝|孔雀蓝|普鲁士蓝|午夜蓝|兰色|篮色|蓝颜色|纯蓝色|正蓝色|深海蓝|克莱因蓝|群青|海军蓝色|蓝汪汪|蓝盈盈|婴儿蓝|蓝绿色"}},
    {SLOT_COLOR, COLOR_YELLOW, {
        "pale yellow|dark yellow|mustard|mustard yellow|neon yellow|banana yellow|sunflower|sunflower yellow|amber yellow|honey|saffron|sunshine yellow|butter yellow|dandelion",
        "深黄色|深黄|暗黄色|淡黄|亮黄|鹅黄|嫩黄|土黄|芥末黄|姜黄色|姜黄|荧光黄|向日葵黄|香蕉黄|杏黄色|杏黄|黄灿灿|金灿灿|金黄金黄|黄颜色|纯黄色|正黄色|金|柠檬黄色|鲜黄色|黄橙橙|黄铜色"}},
    {SLOT_COLOR, COLOR_ORANGE, {
        "pale orange|light orange|deep orange|neon orange|burnt orange|reddish orange|peach|coral|carroty|mandarin|rust|orangey|yellowish orange|orange yellow|copper",
        "亮橙色|亮橙|深橙色|深橙|浅橙色|浅橙|橙红|桔红色|桔红|桔黄|桔|暗橙色|橘子|橙颜色|荧光橙|南瓜色|胡萝卜色|珊瑚色|珊瑚橙|杏色|琥珀色|鲜橙色|明橙色|橘橙色|蜜桔色"}},
    {SLOT_COLOR, COLOR_PURPLE, {
        "royal purple|grape|eggplant|aubergine|pale purple|neon purple|fuchsia|periwinkle|violet purple|orchid|bluish purple|blue violet|lavender purple|plum purple",
        "淡紫|暗紫色|暗紫|紫红|蓝紫色|蓝紫|青紫色|亮紫|葡萄色|葡萄紫色|茄子色|丁香色|丁香紫|薰衣草紫|罗兰紫|紫莹莹|紫颜色|纯紫色|正紫色|艳紫色|品红|紫罗兰的"}},
    {SLOT_COLOR, COLOR_WHITE, {
        "chalk white|bone white|eggshell|milky white|ivory white|creamy white|pearl white|snow|bleached|paper white|alabaster",
        "奶白|米白|象牙色|珍珠白|白净|雪白雪白|白颜色|亮白|瓷白|月白色|奶油色|银白色|灰白色|皎白|粉白色"}},
    {SLOT_COLOR, COLOR_BLACK, {
        "jet|pitch dark|ink black|raven|midnight black|matte black|glossy black|obsidian|sable|dark colored|dark coloured",
        "炭黑|乌漆嘛黑|黑乎乎|黑黝黝|黑不溜秋|黑颜色|亮黑色|深黑|曜石黑|灰黑色|玄色|暗黑色|暗黑|墨黑墨黑|哑光黑|黑亮"}},
    {SLOT_COLOR, NEARLY(RED), {
        "pink|hot pink|light pink|dark pink|pale pink|pinkish|rose|rose pink|salmon|deep pink|bright pink|rose colored", "粉色|粉红色|粉红|粉|玫瑰色|肉色|淡粉色|浅粉色|嫩粉色|粉嫩|淡粉|浅粉|樱花粉|肉粉色"}},
    {SLOT_COLOR, NEARLY(BLUE), {
        "cyan|turquoise|teal|aqua|aquamarine|blue green|bluish green|aqua blue|turquoise blue", "青色|青|青蓝色|青蓝|青碧色|绿松石色|蒂芙尼蓝|蓝绿|水绿色|蒂芙尼蓝色"}},
    {SLOT_COLOR, NEARLY(ORANGE), {
        "brown|dark brown|bronze|chestnut|chocolate|coffee colored|caramel|brownish|reddish brown|mahogany|khaki", "棕色|褐色|棕|褐|咖啡色|巧克力色|深棕色|茶色|红棕色|古铜色|赭色|栗色|深褐色|黄褐色|卡其色|焦糖色|棕褐色|红褐色|青铜色"}},
    {SLOT_COLOR, NEARLY(WHITE), {"silver|silvery|silver colored|platinum", "银色|银|银灰色|银白"}},

    {SLOT_SIZE, SIZE_SMALL, {"itty bitty|teeny|minuscule|small sized|pint sized|little tiny", "小个|小只|袖珍|小小|一丁点大|小巧玲珑|小不点"}},
    {SLOT_SIZE, SIZE_LARGE, {"large sized|big sized|humongous|colossal|jumbo|immense|super big", "大个|大个子|巨|超大号|大只|老大"}},
    {SLOT_MATERIAL, MATERIAL_MATTE, {"with a matte surface|with a dull surface|with a rough surface|with a matte finish|matte finish", ""}},
    {SLOT_MATERIAL, MATERIAL_SHINY, {"with a shiny surface|with a glossy surface|with a polished surface|with a smooth surface|with a glossy finish|glossy finish|shiny finish|mirror like|mirrored|glass|shimmering|glinting|gloss|glassy|mirror polished|chromed", "亮堂堂|玻璃|镜面|亮丽|亮光光|发着光|闪着光|闪闪|亮铮铮|闪闪发亮|光溜溜|光滑光滑"}},

    /* ways */
    {SLOT_DIRECTION, DIRECTION_RIGHT, {
        "east|eastward|eastwards|right hand direction|left right|to the right hand side|to the right side|towards the right side|l to r",
        "向东|往东|朝东|自左而右|由左而右|从左而右|从左至右|左至右|左往右|左向右|从左边到右边|向右手边|往右手边|奔右|靠右|朝着右边|往画面右边|朝画面右边|向画面右边|向画面右侧|往画面右侧|朝画面右侧|向右端|往右端|往右头|往右面|向右面|朝右面|像右|冲右"}},
    {SLOT_DIRECTION, DIRECTION_LEFT, {
        "west|westward|westwards|left hand direction|right left|to the left hand side|to the left side|towards the left side|r to l",
        "向西|往西|朝西|自右而左|由右而左|从右而左|从右至左|右至左|右往左|右向左|从右边到左边|向左手边|往左手边|奔左|靠左|朝着左边|往画面左边|朝画面左边|向画面左边|向画面左侧|往画面左侧|朝画面左侧|向左端|往左端|往左头|往左面|向左面|朝左面|像左|冲左"}},
    {SLOT_DIRECTION, DIRECTION_TOWARD, {
        "draw near|draws near|drawn near|near us|close in on us|closing in|closes in|draw closer|move in close|come up close|gets near|get near|nearer and nearer|closer and closer|back to front|from back to front|far to near|out of the distance|from the distance|from a distance|roll out of the distance|come out of the distance|slide out of the distance|come out of the background|out of the background|from far away|from afar|up to us|into our faces|towards our eyes|grow larger|grow bigger|get bigger|get larger|bigger and bigger|larger and larger|looms|loom|into close view",
        "从后往前|从后向前|由后往前|由后向前|从后到前|自后向前|由远至近|从远到近|从远及近|从远而近|自远而近|由远到近|从远往近|越来越大|越变越大|逐渐变大|渐渐变大|变大|迎头|迎面扑来|扑面而来|到我们面前|到镜头前|到面前|到跟前|滚到面前|靠过来|凑近|贴近|渐近|渐渐靠近|逐渐靠近|越滑越近|冲镜头|到近前|到眼前|越走越近|越靠越近"}},
    {SLOT_DIRECTION, DIRECTION_AWAY, {
        "front to back|from front to back|near to far|further and further|farther and farther|further|farther|get smaller|grow smaller|smaller and smaller|shrink|into the far distance|into the horizon|out into the distance|off into the background|into the back|off to the horizon|deep into the scene|deep into the background|further back|farther back|toward infinity|into the deep|vanish into the distance|toward the far end|towards the far end|to the far end|distancing|dwindle",
        "从前往后|从前向后|由前往后|由前向后|从前到后|自前向后|由近至远|从近到远|从近及远|从近而远|自近而远|由近到远|从近往远|越来越小|越变越小|逐渐变小|渐渐变小|变小|渐远|渐渐远去|逐渐远离|渐渐远离|逐渐远去|越滑越远|滚远|滑远|走远|跑远|移远|滚走|滑走|跑开|走掉|越走越远|越跑越远|驶离|向纵深|往纵深|向深处|往深处|远走"}},
    {SLOT_SPEED, SPEED_SLOW, {
        "in slow motion|slow motion|slow mo|slow paced|at low velocity|softly|tenderly|bit by bit|patiently|ever so slowly|at snail's pace|calm|at a crawl|leisurely pace", "慢动作|缓缓的|慢慢悠悠|轻轻地|悠悠地|悠闲地|悠然|悠哉|逐渐|慢慢儿|不紧不慢|慢速度|缓慢的|从容|轻柔|温柔|慢条斯理|慢镜头|低速度|迟缓"}},
    {SLOT_SPEED, SPEED_FAST, {
        "at great speed|at top speed|high speed|with great speed|at lightning speed|in a flash|speedily|vigorously|energetically|furiously|forcefully|powerfully|violently", "快速度|高速度|飞也似|迅猛|极速|全速|风驰电掣|嗖|嗖嗖|刷地|唰地|箭一般|闪电般|快步|急急|猛烈|猛|猛然|狠狠|用力|使劲|狠|迅疾|速度很快|飞速地|火速|咻"}},

    /* surroundings */
    {SLOT_FLOOR, TONED(GREY, WHITE), {"grey|gray|greyish|grayish|light grey|light gray|pale grey|pale gray", "灰色|灰|浅灰色|浅灰|淡灰色"}},
    {SLOT_FLOOR, TONED(GREY, BLACK), {"charcoal grey|charcoal gray", "深灰色|深灰|暗灰色|铁灰色"}},
    {SLOT_FLOOR, TONED(SLATE, BLACK), {"dark grey|dark gray|slate grey|slate gray|deep grey|deep gray", "石板灰|青灰色"}},
    {SLOT_FLOOR, TONED(SLATE, BLUE), {"slate blue|blue grey|blue gray", "蓝灰色"}},
    {SLOT_FLOOR, TONED(BEIGE, WHITE), {"beige|sand coloured|sand colored|cream colored", "米色|米黄色|米黄"}},
    {SLOT_FLOOR, TONED(BEIGE, ORANGE), {"tan|light brown", "浅棕色|沙色|浅褐色|淡棕色|木色|原木色"}},
    {SLOT_FLOOR, FLOOR_BEIGE, {"wood|hardwood|parquet", "木头|木地板|木制|木头做|原木"}},
    {SLOT_FLOOR, FLOOR_CHECKER, {"checkerboard pattern|chequerboard|black and white tile|black and white checkered", "黑白格子|黑白方格|黑白相间|棋格|国际象棋盘"}},
    {TAG_LEFT, 0, {"lefthand side|left part|left corner|far left|very left|left half|left border of the screen|screen left|frame left|left of screen|left margin|left boundary|left hand edge|lefthand", "左半边|左半部|左手|最左边|最左侧|最左端|最左|屏幕左边|屏幕左侧|屏幕左端|左角|左头|左沿|画面最左边|画面左端|画面左方|画面左边缘|左边儿|左手侧|画左"}},
    {TAG_RIGHT, 0, {"righthand side|right part|right corner|far right|very right|right half|right border of the screen|screen right|frame right|right of screen|right margin|right boundary|right hand edge|righthand", "右半边|右半部|右手|最右边|最右侧|最右端|最右|屏幕右边|屏幕右侧|屏幕右端|右角|右头|右沿|画面最右边|画面右端|画面右方|画面右边缘|右边儿|右手侧|画右"}},
    {TAG_MIDDLE, 0, {"right in the middle|right in the center|right in the centre|centrally|mid frame|center stage", "中部|正当中|画面中间|画面正中|画面中心|中心位置|屏幕中央|屏幕中间"}},
    {TAG_FRONT, 0, {"fore|forefront|near end|closest point", "面前|近前|画面前方|画面前景|最前面|前头|前端"}},
    {TAG_BACK, 0, {"far back|backdrop|faraway|far off|vanishing point|skyline|far away", "后头|最后面|后部|天际|纵深|画面后方|尽头|后景|远端处|画面远处|遥远|老远|深处去|很远的地方|远远"}},
    {TAG_LEFT, 1, {"left side of the box", ""}},
    {TAG_BACK, 1, {"just behind|at the back of|in back of|from behind|around behind", ""}},
    {TAG_FRONT, 1, {"just in front of|in the front of|ahead of", ""}},
    {TAG_FROM, 0, {"beginning at|starting at|originating from|entering from|from out of", "来自"}},
    {TAG_TO, 0, {"headed for|bound for|in direction of|en route to", "直奔|面向|指向|而向|飞向|去到|通向"}},
    {TAG_TO, 1, {"into|straight into|directly into|head on into", ""}},
    {TAG_AWAY, 0, {"off of|apart from|away form", "背离|远离开"}},
    {TAG_VIEWER, 0, {"our eyes|my eyes|our side|onlooker|onlookers|watcher|watchers|the spectator|our faces|my face|the eye", "本人|自己|面前的我们|看客|观看者|眼前的观众|俺|咱|您|你我|我这|我这边|我们这|我们这边|这边"}},
    {TAG_VIEWER, 1, {"the screen|screen|display|the monitor|monitor", "屏幕|荧幕|银幕|屏"}},
    {TAG_AT, 0, {"upon|atop|on top of|amid", "立于|摆于"}},
    {TAG_BESIDE, 0, {"by the side of|right next to|right beside|just past|around|round|alongside", "路经|绕|擦身而过|绕着|途经"}},
    {TAG_BESIDE, 3, {"", "旁边有|身旁有|边上有|旁有|身边有|旁边是|旁边立着|旁边放着|附近有"}},
    {TAG_BESIDE, 2, {"with|accompanied by|along with", ""}},
    {TAG_BESIDE, 1, {"", "侧旁|旁边儿|身边|近旁|左近|边儿上|侧面"}},

    /* what happens */
    {TAG_GO, 0, {
        "bowl|trek|saunter|scoot|progress|whirl|roll along|move along|slide along|tumble|slip|slither|veer|transition|make its journey|roam|wobble",
        "翻转|游走|滚来滚去|骨碌|位移|行走|往返|横向移动|平滑移动|运行|打滚|滚啊滚|漂|踱步|奔走|滚行|滚着|一滚|滑行着|拖|拖动|拽|拖着|牵引|游移|推进|滚动着|滑动着|移动着"}},
    {TAG_GO, HINT(0, PROMPT_UP_TO), {"", "滚到|滑到|移到|移动到|滚动到|滑动到|跑到|走到"}},
    {TAG_GO, HINT(0, PROMPT_PAST), {"pass by", "滚过|滑过|走过|驶过|飞过|移过|穿过|划过|跑过|溜过|横穿|横越|横过"}},
    {TAG_GO, SPEED_FAST, {
        "zoom by|zoom across|whoosh|streak|blast|tear|careen|rocket|whizz|scurry|speed along|fly by|race along|flash",
        "疾冲|飞掠|飞射|狂奔|飞窜|呼啸|飞驰而过|急驰|飞速滚动|急滚|疾滚|飞快滚动|奔跑|狂飙|弹射"}},
    {TAG_GO, SPEED_SLOW, {"edge along|trickle|plod|crawl along|shuffle", "慢滚|漫步|挪着|磨蹭"}},
    {TAG_PUSH, 0, {
        "push|shove|nudge|kick|kick over|shove aside|shove away|prod|poke|thrust|budge",
        "推|推动|推着|推走|推向|顶|顶着|顶走|踢|踢开|踢飞|推了|挤|挤开|带动|推移"}},
    {TAG_ENTER, 0, {
        "make an entrance|pop up|come onto the screen|come on screen|start out|start off|enter frame|enter the frame|enter the scene|enter the picture|enter screen|come into the scene|come into the frame|show up|pop in",
        "入镜|进入镜头|闯入|闯进|亮相|现身|滚入画面|滑入画面|滚进画面|滑进画面|溜进|移入|移进|驶进|跑进|冲进|冲入|进来|进到画面|飞入|起点"}},
    {TAG_EXIT, 0, {
        "go off|go off screen|out of view|out of frame|out of the frame|out of the picture|out of the screen|off screen|offscreen|off the screen|off camera|off frame|out of shot|off the frame|leave the frame|leave the screen|leave the scene|leave the picture|leave frame|exit the frame|exit the screen|exit the scene|exit frame|get to|reach|roll off|slide off|move off|roll out of view|roll out of frame|roll out of the frame|roll out of sight|slide out of view|slide out of frame|slide out of the frame|roll off the screen|roll off screen|roll off the frame|wind up",
        "出镜|出画面|移出|移出画面|滚出画面|滑出画面|驶出画面|跑出|跑出画面|冲出|冲出画面|飞出|离去|退出|走出|走出画面|溜出|抵达|到达|停住|停到|终点|消失不见|退场|走开"}},
    {TAG_HIT, HINT(0, PROMPT_OVER), {
        "knock over|knock down|push over|throw over|bowl over|bring down|mow down|strike down|take down",
        "撞倒|碰倒|撞翻|打翻|推倒|击倒|碰翻|冲倒|砸倒|打倒|弄倒|砸翻|顶翻|顶倒|弄翻|掀翻|踢倒|踢翻|绊倒|滚倒|推翻|带倒|扫倒|挤倒"}},
    {TAG_HIT, 0, {
        "meet|barrel into|barrels into|make contact|make contact with|contact|come into contact|come into contact with|roll up against|plow into|plough into|barge into|butt|pound|whack|thump|bang against|knock against|knock into|take out|flatten|crash against|bump against|smash against|slam against|hit against|punch|run over|dash into|dash against|bounce against|deflect off|bounce into|upset|jolt|impact with|run up against|sent flying|send tumbling|sent tumbling|collision with|knock out|jostle|smack|smack into|crash with",
        "撞进|撞击到|砰地撞上|碰着|触碰|触到|碰撞到|击飞|击中了|撞得飞起|撞歪|撞得|撞散|撞偏|撞入|撞进|撞在|撞在一起|撞一起|碰在一起|撞个满怀|对撞|碰飞|碰开|碰歪|磕到|磕碰|擦碰|猛撞|冲撞到|撞了上去|撞上去|撞过去|打到|打飞|接触|碰触|轧过|压倒|冲击|撞坏|撞跑|互撞|击退|触及|撞掉|碰掉|撞动"}},
    {TAG_HIT, HINT(0, PROMPT_FROM), {"", "打"}},
    {TAG_TIP, HINT(0, PROMPT_OVER), {
        "fall over|tip|tip over|topple|topple over|keel over|tumble over|collapse|fall on its side|overturn|flip over",
        "倒下|倒了|倒地|翻倒|跌倒|歪倒|翻了|倾倒|倒下去|应声倒下|应声而倒|应声倒地|倒|摔倒"}},
    {TAG_FALL, 0, {
        "tumble down|sink|crash down|let go|release|thrown down|come down|free fall|freefall|land on|hurtle down|fall off|drop off|nosedive|pulled down|pull down|toss|toss down|throw|throw down|from the ceiling|down to the floor|down to the ground|down onto the floor|down onto the ground|dive|descend|descend to the ground|descend to the floor|from the top of the frame|from the top of the screen",
        "丢|丢下|丢下来|扔|扔下|扔下来|抛下|抛落|摔|摔下|摔下来|摔落|下坠|砸在地上|砸到地上|掉了下来|落了下来|坠地|落地|掉地上|掉到地上|跌下|跌下来|坠下来|坠落下来|掉落下来|从高空|从天空|从天空中|从天空坠落|从顶部|从上往下|由上而下|由上往下|自上而下|从上到下|从上落下|从上掉下|往下掉|往下落|向下落|向下掉|向下坠|往下坠|自由下落|垂直下落|垂直落下|直落|松手|掉向|落向|坠向|松开"}},
    {TAG_BOUNCE, 0, {
        "bob up and down|spring up|boing|dribble",
        "弹来弹去|蹦蹦跳跳|一蹦一跳|弹了|蹦跶|弹走|弹了回来|弹了回去|弹回去|弹了起来|反弹回去|折返|折回|弹跳着"}},
    {TAG_BY, 0, {"", "遭受"}},
    {TAG_STILL, 0, {
        "still standing|stand there|sit there|inert|planted|positioned|set down|situated|located|frozen|standing still|without moving|unmoved|stays in place|stays where it is|remains in place|remain still|stay still|remain motionless|not move|do not move|does nothing|keep still|stay at rest|perched|rests",
        "原地不动|纹丝不动|静止着|静置|停着|静止在|不移动|没有移动|没动|坐落|竖立|屹立|安放|停在那里|停在原地|静止地|摆在那|摆在那里|放在那里|保持静止|保持原地不动|一动也不动|不会动|并不动|定住|直立|竖|放置|立在|放在地上"}},
    {TAG_RAMP, 0, {
        "downhill|down hill|down the hill|hillside|down a slide|down the slide|chute|slanted plane|slanted surface|tilted plane|tilted surface|inclined surface|inclined board|inclined track|sloped surface|sloped board|slanted ramp|wedge|sloping surface|sloping plane|sloping ramp|hilltop|downward slope|downward incline",
        "下坡|倾斜面|倾斜的木板|倾斜的平面|倾斜的板子|倾斜木板|山丘|陡坡|缓坡|滑梯上|山上|斜道|斜坡道|坡上|坡顶上|坡地|倾斜平面|小坡|大坡|长坡|斜的木板|斜的板子"}},
    {TAG_WALL, 0, {"vertical wall|side wall|stone wall|concrete wall|partition|barricade", "一堵墙|堵墙|一面墙|面墙|墙边|墙根|石墙|水泥墙|护栏|围栏|一道墙|道墙|碰壁|撞壁|壁"}},
    {TAG_FLOOR, 0, {"floorboards|desk|earth|terrain", "大地|地表|木地板|桌上|地板上|桌面上|木桌|地面上|平地上|台面|底板|地砖上"}},
    {TAG_LIGHT, 0, {"light beam|ray|ray of light|beam of light|lamplight", "光束|光芒|自然光|主光|侧光|柔光"}},
    {TAG_CAMERA, 0, {"cam|cameraman|video camera", "摄像头"}},
    {TAG_HOLD, 1, {
        "no camera movement|no camera motion|without camera movement|static camera|fixed camera|locked camera|still camera|stationary camera|steady camera|unmoving camera|camera on a tripod|static view|fixed view|static frame|fixed perspective|locked shot|motionless camera",
        "镜头固定|镜头不动|镜头静止|固定视角|固定画面|机位固定|机位不动|无运镜|没有运镜|镜头保持不动|镜头没有移动|固定机位拍摄|固定镜头拍摄|三脚架"}},

    /* grammar */
    {TAG_IS, 0, {"turn out to be|become|appears to be|seem|tinted|dyed|coated", "涂成|漆成|染成|颜色为|颜色"}},
    {TAG_AND, 0, {"or|nor|vs|versus", "或|或者|还|且|既|加上|连同"}},
    {TAG_ONE, 0, {"1|a lone|a single|a solitary|solitary|one lone|just one|only one|any single", "一条|一支|一片|单一|唯一|孤零零|某|条|单独一个|粒"}},
    {TAG_TWO, 0, {"2|couple of|a couple of|twin|pair", "两粒|两枚|二个"}},
    {TAG_LIKE, 0, {"like|shaped like|in the shape of|in the form of|resembling|looks like|shape of", "形状像|形状是|形状为|像|好像|也就是|就是"}},
    {TAG_NOT, 0, {
        "no|not|without|never|instead of|rather than|excluding|minus|free of|devoid of|neither|except|except for",
        "没有|不要|无|不是|并非|没|别|不含|不出现|不会|并没有|并未|未|不|而非|并不是|不能有|不包含|不带|没有任何|无任何"}},
    {TAG_CLAUSE, 0, {
        "whereas|whilst|once|because|although|subsequently|and then|after that|after which|eventually|meantime|in the meantime|simultaneously",
        "而|却|当|直到|与此同时|一旦|紧接着|继而|不久|随即|便|由于|虽然|尽管"}},
    {TAG_SCENE, 0, {"room|studio|space|world|environment|setting|interior|theme|atmosphere|film|movie|footage|video|photo", "房间|环境|场地|室内|空间|大厅|色调|氛围|影棚|摄影棚|背景墙|背景布"}},
    {TAG_SCENE, 1, {
        "sky|grass|lawn|field|meadow|street|road|beach|kitchen|garden|water|sea|ocean|forest|hour|sunset|night|snow|river|lake|city|park|tree|flower|mountain|hallway|cloud|moon|star|smoke|fog|fire|rain",
        "天空|蓝天|天|草地|草坪|草原|街道|马路|公路|沙滩|海边|大海|海|水面|水|森林|公园|操场|花园|雪地|夜空|夕阳|黄昏|夜晚|城市|树|花|云|山|走廊|雾|烟|火焰|雨|星空|月亮"}},
    {TAG_SKIP, 0, {
        "cinematic|photorealistic|photo realistic|realistic|ultra realistic|hyper realistic|hyperrealistic|masterpiece|best quality|high quality|highest quality|top quality|highly detailed|ultra detailed|extremely detailed|detailed|high detail|high resolution|ultra hd|full hd|hd|uhd|hdr|high definition|resolution|quality|professional|stunning|beautiful|3d|rendering|rendered|close up|closeup|close up shot|close up of|wide shot|wide angle|wide angle shot|long shot|medium shot|full shot|establishing shot|front view|side view|side on view|rear view|eye level|shot of|depth of field|shallow depth of field|short video|short clip|depicting|depict|featuring|feature|produce|give me|you can see|can be seen|is seen|is shown|there s|there is|there are|plastic|toy|cardboard|bouncy|subject|action|follow|track|steep|aside|hard|ceiling|minimalist|minimal|tall|thin|heavy|upright|hollow|solid color|solid colored|empty|blank|plain|tidy|single colored|soft|lightweight|horizontally|horizontal|perfectly|clearly|nice|lovely|regular|ordinary|normal|classic|round|rounded|perfect|nothing else|nothing but|no other objects|no other object|else|nothing|all alone|alone|by itself|on its own|merely|simply|air|top|bottom|top of|base|natural|continuously|nonstop|non stop|ca|wo|try|begins to|begin to|start to|manages to|happily|quietly|silently|freely|effortlessly|easily|elegantly|gracefully|seamlessly|along the ground|along the floor|second",
        "电影感|电影级|写实|逼真|超写实|超逼真|照片级|真实感|真实|高清|超高清|超清|画质|高画质|高质量|最佳质量|最高质量|大师作品|杰作|精美|精致|细节|细节丰富|超精细|精细|高细节|高分辨率|分辨率|渲染|三维|三维渲染|唯美|质感|电影|专业|特写|特写镜头|近景镜头|远景镜头|全景镜头|中景镜头|全景|中景|广角|近景|远景|侧面视角|正面视角|正面|平视|浅景深|景深|清晰|慢动作镜头|圆圆的|圆圆|圆滚滚|圆溜溜|圆鼓鼓|圆润|帮我|帮忙|给我|做|做一个|创建|拍摄|拍|录制|描绘|一段|短片|短视频|小视频|动图|别无他物|没有其他物体|没有其它物体|没有其他东西|没有别的东西|无其他物体|没有其他|没有别的|其他|其它|任何|水平|水平方向|横向|垂直|竖直|发生|产生|方式|骨碌碌|滴溜溜|咕噜噜|咕噜咕噜|咕噜|不停地|不停|不断|不断地|不住地|连续|持续|持续地|空中|半空|半空中|天上|高空|高处|上空|头顶|空旷|空|顶端|顶部|底部|底|普通|漂亮|好看|可爱|简单|纯色|素色|单独|独自|那么|这么|浅|深|暗|淡|嫩|艳|正常|自然|自然地|平稳|平稳地|平滑|平滑地|顺畅|流畅|稳稳|稳稳地|笔直|笔直地|直直地|直直|悄悄|悄悄地|起初|起先|距离|路线|轨迹|路径|头|们|那儿|这儿|儿|一下子|一会儿|块|堆|而过|边缘|边框|边界|画框|屏幕里|画面里|画面中|画面上|镜头里|镜头中|视频里|视频中|场景中|场景里|世界|物理|请帮我|我想要|我想看|我要|看见|影子里|所有|全部|塑料|想看|继续|跟随|跟拍|跟着|横着|变得|变成|晃晃悠悠|摇摇晃晃|懒洋洋|出溜|一头|极简|留在原地"}},
    /* rows that fall */
    {TAG_SKIP, 0, {
        "chain reaction|chain|reaction|first|set off|trigger|cascade|domino effect|one by one|one after another|one after the other|in sequence|in a row|cause|make|row of|line of",
        "依次|接二连三|一个接一个|一个接着一个|一块接一块|逐个|列|串|第一块|第一张|第一个|第一|连锁反应|连锁|触发|引发|引起|整排|整列|整串|纷纷|陆续|相继"}},
    {TAG_REFUSE, 0, {
        "someone|somebody|anyone|golden hour|blue hour|green screen|silver screen|black and white film|black and white footage|black and white video|black and white movie|multicolored|multicoloured|striped|spotted|translucent|3|upside down",
        "黑白片|黑白电影|黑白画面|黑白影片|条纹|斑点|半透明|七彩|五彩|绿幕|多个|一群|一堆|五个|六个"}},
    {TAG_SKIP, HINT(0, PROMPT_CAN), {"can", ""}},
    {TAG_IT, 0, {"the latter|the former|themselves", "后者|它自己|本身|两者|二者|它俩|对方|之间"}},
    {TAG_THE, 0, {"teh|hte|these|those|such|your|his|her", "本|那枚|那根|这根|那座|这座|那一个|这一个"}},
    {TAG_OTHER, 0, {"different|a different|yet another", "再一个|另一|又一个|不同的|另外一只|另外一颗|另一枚|另一粒"}},
};
/* clang-format on */
const int prompt_n_synonyms = (int)(sizeof prompt_synonyms / sizeof prompt_synonyms[0]);

/* Pairs: simplified, another form, for characters that the lexicon does not pair. */
const char prompt_script_pairs[] =
    "专專业業丝絲个箇丰豐为爲丽麗么麼乐樂了瞭于於云雲亚亞产產众衆俩倆储儲儿兒克剋内內写寫军軍"
    "冲沖净淨凑湊出齣创創别別别彆制製劲勁匀勻卜蔔却卻厅廳压壓发髮只祇只衹台臺台檯台颱台枱号號"
    "同衕向嚮向曏吗嗎哑啞啸嘯噜嚕回迴团團团糰园園围圍国國坏壞声聲夫伕姜薑娇嬌婴嬰它牠家傢尔爾"
    "尽盡尽儘岩巖巨鉅布佈师師带帶帮幫干幹干乾并並并併广廣应應庞龐当當当噹录錄录彔彩綵怀懷懒懶"
    "才纔扑撲扫掃折摺抛拋护護抵牴挡擋挤擠摆襬摇搖断斷旷曠暗闇朱硃杯盃杰傑松鬆板闆极極枣棗柠檸"
    "栏欄树樹栗慄榄欖横橫樱櫻欢歡气氣没沒泽澤洁潔浅淺涂塗润潤温溫满滿滩灘灿燦点點烟煙烟菸爱愛"
    "牵牽状狀玩翫珑瓏畅暢盘盤着著硕碩碍礙礼禮秋鞦竖豎笔筆简簡篮籃紧緊纳納纵縱纷紛纹紋细細绊絆"
    "绘繪绛絳继繼续續维維缘緣网網群羣背揹胡鬍胡衚胶膠脚腳腾騰致緻艳豔艳艷节節苹蘋荧熒莱萊莹瑩"
    "萝蘿虽雖表錶装裝触觸调調跶躂轧軋轨軌较較达達迟遲迹跡迹蹟适適递遞遥遙里裏钢鋼铅鉛铜銅铝鋁"
    "铮錚锁鎖锃鋥闯闖闲閒闲閑阵陣际際陆陸面麪面麵风風飘飄飙飆饮飲马馬鲁魯鹅鵝龄齡墙墻";
