/* The table of words. Rows of one tag and value may repeat; the longest form that fits is taken. */
#include "world/lexicon_words.h"

#include <stddef.h>

/* clang-format off */
const struct lexicon_entry lexicon_entries[] = {
    /* shapes */
    {SLOT_SHAPE, SHAPE_BALL, {
        "ball|sphere|orb|globe/marble|bowling ball|round ball|beach ball|football|basketball|bead|bubble",
        "球|球体|圆球/圆形的球|皮球|足球|篮球|弹珠|珠子|球形物体|圆珠|气球"}},
    {SLOT_SHAPE, SHAPE_BOX, {
        "box|cube|block|crate/brick|square block|dice|die|carton|package|square box|parcel|case|chest",
        "方块|立方体|盒子|箱子/正方体|方盒|方盒子|木箱|箱|积木|方形|骰子|正方形|方体|长方体|纸箱|盒|方箱|砖块|砖头"}},
    {SLOT_SHAPE, SHAPE_CONE, {
        "cone/pyramid|traffic cone|conical shape|funnel|spike|party hat|conical object",
        "圆锥|圆锥体|锥体|锥形/锥|锥子|圆锥形|路锥|尖锥|金字塔|锥形物体|三角锥"}},
    {SLOT_SHAPE, SHAPE_CYLINDER, {
        "cylinder|drum|barrel|column/tin|tin can|soda can|pillar|tube|tin|keg|canister|cup|mug|cylindrical shape",
        "圆柱|圆柱体|柱子|圆筒/柱体|圆桶|桶|罐子|易拉罐|罐|圆柱形|柱|筒|铁罐|木桶|杯子"}},
    {SLOT_SHAPE, SHAPE_DOMINOES, {
        "dominoes/domino|row of dominoes|line of dominoes|domino row|domino tiles|domino stones|chain of dominoes|set of dominoes",
        "多米诺骨牌|骨牌/多米诺|一列骨牌|一串骨牌|一排骨牌|一排多米诺骨牌|骨牌阵|多米诺牌"}},
    {SLOT_SHAPE, SHAPE_UNSAID, {
        "/object|thing|one|shape|item|toy|body|something", "/物体|东西|玩具|物件|形状|物品"}},

    /* colours */
    {SLOT_COLOR, COLOR_RED, {
        "red|crimson|scarlet|ruby/cherry red|bright red|dark red|cherry|vermilion|maroon|reddish|tomato red|blood red|fire red|carmine|deep red|light red",
        "红色|红|大红色|鲜红色|赤红色/深红色|深红|鲜红|赤色|朱红色|朱红|火红|火红色|大红|绯红|绯红色|赤|猩红|猩红色|暗红色|通红|红彤彤|红通通|血红色|浅红色"}},
    {SLOT_COLOR, COLOR_GREEN, {
        "green|emerald|grass green|jade/dark green|bright green|lime|lime green|forest green|olive|greenish|emerald green|light green|deep green|leaf green|mint green",
        "绿色|绿|翠绿色|草绿色|碧绿色/深绿色|深绿|翠绿|草绿|碧绿|青绿色|浅绿色|墨绿色|墨绿|嫩绿|嫩绿色|绿油油|亮绿色|浅绿|鲜绿色"}},
    {SLOT_COLOR, COLOR_BLUE, {
        "blue|azure|cobalt|sapphire/dark blue|bright blue|navy|navy blue|sky blue|royal blue|light blue|ultramarine|bluish|indigo|deep blue|cobalt blue",
        "蓝色|蓝|天蓝色|宝蓝色|湛蓝色/深蓝色|深蓝|天蓝|湛蓝|海蓝色|浅蓝色|浅蓝|藏青色|宝蓝|蔚蓝|蔚蓝色|靛蓝色|亮蓝色|海军蓝|蓝莹莹"}},
    {SLOT_COLOR, COLOR_YELLOW, {
        "yellow|golden|lemon|gold/bright yellow|lemon yellow|sunny yellow|canary yellow|canary|yellowish|light yellow|golden yellow",
        "黄色|黄|金黄色|明黄色|柠檬黄/金色|金黄|明黄|浅黄色|鹅黄色|嫩黄色|亮黄色|黄澄澄|淡黄色|土黄色|柠檬色"}},
    {SLOT_COLOR, COLOR_ORANGE, {
        "orange|tangerine|amber|pumpkin/bright orange|dark orange|orangish|apricot|orange colored|orange coloured|carrot",
        "橙色|橙|橘色|橘黄色|橙黄色/桔色|橙红色|橘红色|橘黄|橘红|橘|橙黄|桔黄色|橘子色|橙子色|橘色的"}},
    {SLOT_COLOR, COLOR_PURPLE, {
        "purple|violet|lilac|plum/magenta|lavender|dark purple|bright purple|purplish|mauve|deep purple|light purple|amethyst",
        "紫色|紫|深紫色|紫罗兰色|浅紫色/紫红色|深紫|淡紫色|紫罗兰|葡萄紫|浅紫|亮紫色|薰衣草色|茄紫色|品红色"}},
    {SLOT_COLOR, COLOR_WHITE, {
        "white|snow white|ivory|milky/snowy|pure white|bright white|pearl|off white|milk white|whitish|cream",
        "白色|白|雪白色|纯白色|乳白色/雪白|纯白|洁白|乳白|象牙白|米白色|奶白色|白花花|亮白色|洁白色"}},
    {SLOT_COLOR, COLOR_BLACK, {
        "black|jet black|ebony|coal black/pitch black|pure black|charcoal|inky|onyx|deep black",
        "黑色|黑|漆黑色|纯黑色|乌黑色/漆黑|乌黑|墨黑|墨色|墨黑色|深黑色|黝黑|黑漆漆|炭黑色|深色"}},

    /* sizes */
    {SLOT_SIZE, SIZE_SMALL, {
        "small|little|tiny|mini/miniature|smallish|compact|short|wee|petite",
        "小|小小的|小型|小号/小小|微小|迷你|较小|很小|小巧|细小|娇小|偏小|比较小|不大"}},
    {SLOT_SIZE, SIZE_MEDIUM, {
        "medium|medium sized|mid sized|middle sized/average sized|medium size|normal sized|average|moderate|ordinary sized|moderately sized",
        "中等大小|中等|中号|中型/不大不小|普通大小|中等尺寸|适中|大小适中|一般大小|中等个头"}},
    {SLOT_SIZE, SIZE_LARGE, {
        "large|big|huge|giant/enormous|massive|great big|oversized|gigantic|bulky|great",
        "大|大大的|巨大|大型|大号/大大|硕大|庞大|很大|巨型|较大|偌大|超大|特大|偏大|比较大|好大|个头很大"}},

    /* materials */
    {SLOT_MATERIAL, MATERIAL_MATTE, {
        "matte|dull|flat|unpolished/mat|chalky|non shiny|rough|dull surfaced|matt|rubber|clay|satin",
        "哑光|磨砂|无光泽|亚光/粗糙|暗淡|不反光|雾面|消光|橡胶|没有光泽|粗糙的"}},
    {SLOT_MATERIAL, MATERIAL_SHINY, {
        "shiny|glossy|polished|gleaming/metallic|glistening|glittering|smooth|reflective|metal|shining|sparkling|lacquered|chrome|glazed|lustrous",
        "闪亮|光滑|有光泽|亮面|发亮/亮|反光|金属|光亮|亮闪闪|亮晶晶|抛光|锃亮|闪闪发光|闪光|金属质感|光泽|油亮|发光"}},

    /* ways */
    {SLOT_DIRECTION, DIRECTION_RIGHT, {"rightward|rightwards/to the right|in the right direction|to the right of the screen|to the right of the frame|to the right of the picture|to the right of the scene|towards the right|toward the right|right ward", "向右|往右|朝右/向右边|往右边|朝右边|向右侧|往右侧|朝右侧|向右方|往右方|朝右方"}},
    {SLOT_DIRECTION, DIRECTION_LEFT, {"leftward|leftwards/to the left|in the left direction|to the left of the screen|to the left of the frame|to the left of the picture|to the left of the scene|towards the left|toward the left|left ward", "向左|往左|朝左/向左边|往左边|朝左边|向左侧|往左侧|朝左侧|向左方|往左方|朝左方"}},
    {SLOT_DIRECTION, DIRECTION_TOWARD, {
        "/approaching|approach|in our direction|our direction|my direction|our way|in my direction|my way|closer|close up|nearer|come near|get closer|forward|forwards|head on|get nearer|to the front|to the foreground|towards the front|toward the front|straight at|right at|this way|into the foreground",
        "/越来越近|迎面|靠近镜头|接近镜头|逼近|靠近|向前|往前|朝前|驶近|近前|走近|滚近|接近|由远及近|由远而近|越滚越近|朝这边|往这边|向这边"}},
    {SLOT_DIRECTION, DIRECTION_AWAY, {
        "/into the distance|in the distance away|receding|recede|backward|backwards|into the background|far away|off into the distance|further away|farther away|to the back|towards the back|toward the back|towards the horizon|toward the horizon|into the depth|retreat|withdraw|towards the background|toward the background|to the background|deeper into the scene|towards the distance|toward the distance",
        "/越来越远|远去|离去|离开镜头|向后|往后|朝后|离我们而去|滚远|渐行渐远|远离|由近及远|由近而远|驶远|背离|越滚越远|离我们远去|深处而去"}},

    {SLOT_SPEED, SPEED_SLOW, {
        "slowly|slow|gently|leisurely/at a slow pace|lazily|at low speed|unhurriedly|calmly|sluggishly|gradually|gentle|at a leisurely pace|little by little|steadily|without haste",
        "慢慢|缓缓|缓慢|慢悠悠/慢慢地|缓缓地|缓慢地|慢速|低速|徐徐|不慌不忙|悠悠|慢吞吞|慢|轻轻|轻缓|缓|悠闲|渐渐|慢腾腾|一点一点"}},
    {SLOT_SPEED, SPEED_FAST, {
        "quickly|fast|rapidly|swiftly/at high speed|speedily|at full speed|hurriedly|briskly|rapid|quick|swift|very fast|in a hurry|hastily|speedy",
        "快速|迅速|飞快|快快/快速地|迅速地|飞快地|高速|急速|飞速|极快|很快|急|快|疾速|猛地|疾|嗖地|轻快|欢快|飞|一溜烟|急匆匆|匆匆"}},

    /* surroundings */
    {SLOT_FLOOR, FLOOR_GREY, {"grey|gray/concrete|cement|asphalt|greyish|grayish", "灰色|灰/浅灰色|深灰色|水泥|混凝土|柏油"}},
    {SLOT_FLOOR, FLOOR_BEIGE, {"beige|sandy|tan/sand|sand coloured|sand colored|wooden|light brown|desert", "米色|沙色|沙黄色/沙地|木质|木|沙漠|浅棕色|米黄色|沙子"}},
    {SLOT_FLOOR, FLOOR_CHECKER, {"checkered|checker|chequered|tiled/chessboard|checkerboard|checked|chess board|tile|tiles|check pattern|checker pattern", "棋盘格|方格|格子/棋盘|黑白格|瓷砖|格纹|棋盘状"}},
    {SLOT_FLOOR, FLOOR_SLATE, {"slate|blue grey|slate grey/blue gray|slate gray|slate blue|stone|dark grey|dark gray", "青灰色|石板|蓝灰色/青石板|石板色|石板灰|青石|岩灰色"}},
    {SLOT_LIGHT, LIGHT_LEFT, {"/leftlit", ""}},
    {SLOT_LIGHT, LIGHT_RIGHT, {"/rightlit", ""}},
    {SLOT_CAMERA, CAMERA_PAN_LEFT, {"/panleft", ""}},
    {SLOT_CAMERA, CAMERA_PAN_RIGHT, {"/panright", ""}},
    {SLOT_CAMERA, CAMERA_ZOOM_IN, {"/zoomin", ""}},

    {SLOT_EVENT, EVENT_RAMP, {"/descends", ""}},
    {SLOT_EVENT, EVENT_WALL, {"/rebounds", ""}},

    /* sides */
    {TAG_LEFT, 0, {"left|left side|left edge/left hand side|left hand|leftmost|left end|left of frame|left of the screen|left of the scene|on the left of the screen|on the left of the frame|on the left of the picture|on the left of the scene|left border|left of the frame|left of the picture|left side of the frame", "左边|左侧|左/左方|左面|左端|左手边|左边缘|画面左侧|画面左边|左边边缘|左方画面|左边界"}},
    {TAG_RIGHT, 0, {"right|right side|right edge/right hand side|right hand|rightmost|right end|right of frame|right of the screen|right of the scene|on the right of the screen|on the right of the frame|on the right of the picture|on the right of the scene|right border|right of the frame|right of the picture|right side of the frame", "右边|右侧|右/右方|右面|右端|右手边|右边缘|画面右侧|画面右边|右边边缘|右方画面|右边界"}},
    {TAG_MIDDLE, 0, {"middle|center|centre/middle of the frame|central|halfway", "中间|中央|正中/中心|正中间|正中央|画面中央|当中|居中"}},
    {TAG_FRONT, 0, {"front|foreground/near side|in front|near edge|in the foreground|in the front|up front|nearby|close by", "前面|前景|前方/近处|眼前|跟前|前边|近景|近"}},
    {TAG_BACK, 0, {"back|background|distance/far side|far end|far edge|in the back|in the background|rear|in the distance|depth|horizon|afar|far|far away place|far distance", "后面|背景|远处/后方|远方|深处|后边|远端|天边|画面深处|远景|远|背后|身后|地平线"}},
    {TAG_LEFT, 1, {"/to the left of|on the left of|left of", ""}},
    {TAG_RIGHT, 1, {"/to the right of|on the right of|right of", ""}},
    {TAG_FRONT, 1, {"in front of", "/"}},
    {TAG_BACK, 1, {"behind", "/"}},
    {TAG_FROM, 0, {"from/out of|starting from|coming from", "从|由/自|自从|打从"}},
    {TAG_TO, 0, {"to|towards|toward/into|onto|at the direction of|in the direction of|up to", "向|往|朝/至|到|朝着|向着|朝向|对着|往着|迎着|冲着|奔向|去往"}},
    {TAG_AWAY, 0, {"away|off/away from|off from|out of sight|leaving", "远离/背对|离开|离|背着|背向"}},
    {TAG_VIEWER, 0, {"us|the viewer|me/you|viewer|the lens|lens|observer|the audience|audience|spectator|viewers|the screen|screen|the front of the screen", "我们|观众|我/你|观者|屏幕|观察者|画面外|咱们|自己|你们|大家"}},
    {TAG_AT, 0, {"on|in|at/inside|onto|within", "在/于|位于|处于|放在|摆在"}},
    {TAG_BESIDE, 0, {"past|beside|next to|near/alongside|by the side of|close to|around|along with|accompanied by|passing by|passing|not far from|with|opposite", "经过|绕过/路过|越过|掠过|旁边有|擦过"}},
    {TAG_BESIDE, 1, {"", "旁边|附近/旁|身旁|边上|一旁|旁侧"}},

    /* what happens */
    {TAG_GO, 0, {
        "roll|slide|move|glide|travel/go|goes|going|went|came|ran|come|run|head|pass|cross|drift|sweep|advance|proceed|skid|make its way|find its way|tumble along|journey|float|spin|motion|movement|traverse|make a way|wander|push|keep going|continue|come along|wheel|go over|drive|walk|trundle|shift|swim|pull|drag|haul",
        "滚动|滚|滑动|滑|移动|滑行/移|运动|前进|行进|穿过|滚过|滑过|穿越|驶|跑|走|划过|横穿|飘|滚到|滑到|转动|挪动|移过|漂移|横越|横过|行驶|平移过|滚滚|挪|行动|溜|越过画面|滑移|推进着|翻滚|经过画面|移向|溜过|游|推|退|拉|被推|退去"}},
    {TAG_GO, SPEED_FAST, {"race|dash|rush|zoom past|speed/speeding|shoot|zip|hurry|charge|fly|whiz|hurtle|sprint|bolt|dart", "冲|飞驰|疾驰|奔/冲刺|飞奔|飞滚|疾行|猛冲|飞过|急冲|窜"}},
    {TAG_GO, SPEED_SLOW, {"creep|crawl|inch|stroll/amble|meander|dawdle", "爬|蠕动|踱|慢行/缓行|挪步|徐行"}},
    {TAG_COME, 0, {"", "来|过来|而来/进来|来到"}},
    {TAG_LEAVE, 0, {"", "去|而去|走开/开去|过去"}},
    {TAG_ENTER, 0, {"enter|appear|come in|start/begin|emerge|come into view|originate|come into frame|roll in|slide in|starting|arrive|come into the picture|set out|set off", "进入|出现|出发|进场/入画|起始|开始|进入画面|入场|登场|驶入|滚入|滑入|进到|起步|滚进|滑进|冒出"}},
    {TAG_EXIT, 0, {"exit|leave|end|end up|finish/disappear|vanish|stop|come to a stop|go out|depart|roll out|slide out|come to rest|arrive at|terminate|halt", "离场|消失|结束|驶出/出画|停|停下|停在|出去|离开画面|滚出|滑出|终止|停止|停下来"}},
    {TAG_HIT, 0, {
        "hit|strike|knock over|collide with|bump into|crash into/hit|collide|knock down|knock|crash|bump|smash|smash into|run into|bang|slam|slam into|topple|ram|knock away|push over|push away|impact|collision|knock off|tip over|bash|struck|tap|impact on|knock aside|throw over|bowl over|touch|clash|hits against|bang into|send flying",
        "撞|撞倒|撞上|碰|击中|撞到/撞击|碰撞|碰倒|撞飞|撞开|相撞|碰到|撞翻|打翻|推倒|击倒|打中|冲撞|碰上|撞向|碰翻|推开|击打|冲撞|撞了|弹飞|冲倒|顶开|撞着|砸中|砸倒|砸向|砸|撞走|打倒|碰了"}},
    {TAG_FALL, 0, {
        "fall|drop|fall down|plunge/drop down|descend from above|from above|from the sky|from the top|fell|plummet|falling|dropped|fall from above|drop from above|from the air|from up high|from a height|from on high|tumble down from above|come down from above|out of the sky|land|dropping|from overhead|fall out of the sky|down from above",
        "掉|落下|掉下|坠落/落|掉落|坠|坠下|从天而降|从上面|从上方|从空中|从高处|从天上|掉下来|落下来|下落|从半空|跌落|跌|落到|掉到|落在|掉在|降落|自由落体|从头顶|从空中落下"}},
    {TAG_BOUNCE, 0, {"bounce|rebound|spring back/bounce back|bounces off|hop|jump|recoil|ricochet|bouncy|bounce up", "弹跳|弹起|反弹|弹回/弹|蹦|跳|弹开|蹦跳|跳动|弹回来|反弹回来|弹起来|回弹|跳跃"}},
    {TAG_BY, 0, {"by", "被|给/让|遭|遭到|受到"}},
    {TAG_BA, 0, {"", "把|将"}},
    {TAG_STILL, 0, {
        "still|standing|stands|resting|motionless/stand|rest|sit|sitting|idle|unmoving|stationary|stood|remain|stay|waiting|wait|lie|lying|immobile|at rest|parked|does not move|stand still|stays put|not moving|is placed|placed|struck one",
        "静止|不动|静静地|停放|立着|站着/静止不动|一动不动|静立|放着|摆着|静静|矗立|站立|静止的|没有动|保持不动|待着|呆着|静|竖着|摆放|停留|站|立"}},
    {TAG_RAMP, 0, {"ramp|slope|incline/inclined plane|hill|down a ramp|slide board|sloping board|slanted board|tilted board", "斜坡|坡道|坡|斜面/坡面|山坡|滑坡|滑道|斜板|滑梯|坡顶"}},
    {TAG_WALL, 0, {"wall|barrier/obstacle|board|fence|brick wall", "墙|墙壁|挡板/墙面|围墙|墙体|墙上|障碍物|隔板|墙板|砖墙"}},
    {TAG_FLOOR, 0, {"floor|ground|surface/table|plane|background floor|plain|carpet|pavement|tabletop|ground plane|flooring", "地面|地板|地上/桌面|平面|地砖|桌子|底面|地毯|平地|路面"}},
    {TAG_LIGHT, 0, {"light|lit|lighting|sunlight/lamp|sun|illuminated|illumination|shine|spotlight|light source|lights|sunshine", "光线|灯光|光|阳光/光源|照明|打光|日光|太阳|灯|光照|照亮|照射"}},
    {TAG_CAMERA, 0, {"camera/camera view|camera angle|perspective|viewpoint", "镜头|摄像机|相机/机位|摄影机|视角"}},
    {TAG_PAN, 1, {"pan/camera pan", "/横摇|摇镜|摇摄|摇镜头"}},
    {TAG_PAN, 0, {"turn|rotate/swing|swivel", "平移|摇/摇动|转向|横移|摇向|转"}},
    {TAG_HOLD, 1, {"/locked off|tripod|static shot|fixed shot|still shot|steady shot|stationary shot", "/定机位|固定机位|固定镜头|静止镜头|静态镜头"}},
    {TAG_HOLD, 0, {"static|fixed|locked/steady|stable", "固定|静态/稳定"}},
    {TAG_ZOOM, 0, {"zoom in|zoom/push in|dolly in|zoom in on|zoom", "推近|拉近|推镜头/变焦|放大|推进|推镜|往前推|向前推"}},

    /* grammar */
    {TAG_IS, 0, {"is|are/was|be|get|got|being|were|has|have|looks|colored|coloured|painted|made", "是|为/呈|呈现|颜色是|变成|看起来"}},
    {TAG_AND, 0, {"and/plus|as well as|together with|&", "和|与|跟/以及|及|并|还有|而且|并且|同|又"}},
    {TAG_ONE, 0, {"a|an/some|single|one single|lone|exactly one", "一个|一只|一颗/一枚|一块|个|一|有个|一座|一根|一件|一粒|某个|只|颗|块|枚|根|单个|一团|一座"}},
    {TAG_THE, 0, {"the/this|that|its|same|said", "这个|那个|该/那|这|此|其|那只|那颗|这颗|这只|那块|这块|前者|它的"}},
    {TAG_OTHER, 0, {"another/second|other|a second|the other|one more|also a", "另一个/另|第二个|另外一个|另外|还有一个|另有|别的|另一只|另一颗|另一块|再有"}},
    {TAG_TWO, 0, {"two/pair of|a pair of|both", "两个/两|二|两只|两颗|一对|俩|双|两块"}},
    {TAG_IT, 0, {"it|which/who|itself|they|them|each other|one another", "它|他/它们|其中|彼此|互相|自身"}},
    {TAG_SKIP, 0, {
        "of/row|line|contain|our|my|their|there|that|over|across|along|through|where|during|all|way|its way|direction|side|edge|end|here|very|quite|rather|slightly|up|down|out|again|against|under|below|above|onto|for|just|only|also|now|both|between|until it|can|will|may|should|would|does|do|did|seen|see|show|shows|showing|video|clip|film|movie|animation|scene|image|imagine|please|make|create|generate|render|draw|video of|clip of|footage|we|i|want|like|watch|let|how|no|not|without|any|color|colour|size|material|speed|pace|smoothly|straight|simple|plain|one side|hand|place|spot|position|or|whole|entire|full|seconds|second long|five|5|s|t|re|ve|ing|fully|completely|itself|own|path|moment|first|suddenly|within|into view|into frame|frame|more|visible|sight|been|across the floor|surface of|flat surface|slight|little bit|constant|constantly|space|room|world|empty|studio|bit|too|has been|had|view|shot|picture|appearance|kind|type|toy|object is|about|even|evenly|keep|keeps|set|opposite side|other side|another side|using|back and forth|in motion|thus|solid|new|old",
        "的/想|匀速|几|次|前|后|照|射|照来|射来|了|着|过|地|得|上|下|里|中|内|外|面|边|侧|方向|方|正|正在|在场|会|有|以|所|就|都|也|很|非常|十分|特别|一下|一起|起来|起|出|入|进|开|回|一边|一路|整个|画|视频|动画|场景|片段|影片|图|展示|显示|生成|制作|请|想要|看|看到|可以|能|要|之|等|只|最|旁|这里|那里|不|没|没有|无|秒|速度|颜色|大小|材质|表面|身|体|形|状|处|位置|径直|直|沿着|沿|顺着|色|它会|慢镜头|一样|似的|并没有|过程|先|突然|忽然|一直|全|完全|画面|视野|取景|完整|逐|才|使|令|使得|带|带着|自己|动|干净|空旷|房间|环境|出来|下去|上去|一条|直线|呢|吧|啊|呀|吗|哦|整|对|对面|另一边|另一侧|一端|另一端|一侧|一头|另一头|段|幅|张|排|相互|很多"}},
    {TAG_CLAUSE, 0, {"while|when|then/as|until|before|after|but|meanwhile|afterwards|finally|next|if|so",
        "然后|接着|随后/之后|时|时候|同时|但|后来|最后|最终|于是|所以|因为|如果|从而|再|接下来|这时|此时"}},
    {TAG_REFUSE, 0, {
        "/zoom out|dolly out|pull out|pull back|tilt up|tilt down|upward|upwards|pink|brown|turquoise|cyan|teal|silver|rainbow|colourful|colorful|transparent|three|four|five balls|many|several|dog|cat|car|person|man|woman|orbit|fly around",
        "/拉远|缩小镜头|向上|往上|粉色|粉红色|棕色|褐色|青色|银色|彩色|透明|三个|四个|许多|几个|狗|猫|汽车|人|环绕"}},
};
/* clang-format on */
const int lexicon_n_entries = (int)(sizeof lexicon_entries / sizeof lexicon_entries[0]);

/* Pairs: simplified, traditional. Only characters that the table above or the captions use. */
const char lexicon_script_pairs[] =
    "红紅蓝藍绿綠黄黃从從滚滾动動边邊镜鏡头頭摄攝机機圆圓锥錐体體块塊个個来來远遠离離缓緩后後弹彈墙"
    "牆击擊"
    "坠墜桌桌颗顆这這边邊里裡时時随隨过過进進侧側处處间間开開驶駛跃躍滑滑为為们們观觀众眾阳陽线線灯"
    "燈暗暗"
    "发發亮亮闪閃质質无無属屬飞飛转轉穿穿静靜积積箱箱筒筒桶桶罐罐骨骨诺諾纯純乌烏漆漆鲜鮮宝寶罗羅兰"
    "蘭橘橘"
    "与與跟跟会會还還对對面面图圖动動画畫场場视視频頻请請颜顏尺寸寸寸迅迅速速慢慢轻輕渐漸两兩双雙砖"
    "磚"
    "书書长長门門东東车車见見现現实實样樣经經绕繞旁旁电電脑腦将將让讓给給终終离離径徑顺順环環荡蕩"
    "湛湛蔚蔚靛靛薰薰衣衣茄茄猩猩绯緋赤赤朱朱单單独獨只隻枚枚丢丟张張条條该該它它铁鐵纸紙盒盒摆擺"
    "态態稳穩变變焦焦缩縮级級结結束束显顯示示种種类類贴貼难難雾霧滨濱连連运運划劃游遊窜竄惯慣冲衝"
    "猛猛疾疾驰馳顶頂饼餅岩岩坚堅阴陰影影杂雜复複约約几幾许許狗狗猫貓汽汽银銀轮輪廓廓倾傾设設备備";
