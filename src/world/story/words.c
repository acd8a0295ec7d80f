/* The table of words: rows of one meaning may repeat; the longest form that fits is taken. */
#include "world/story/words.h"

#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

#define SUBJECT(v)                                                                                 \
    {                                                                                              \
        STORY_SLOT_SUBJECT, STORY_##v                                                              \
    }
#define PLACE(v)                                                                                   \
    {                                                                                              \
        STORY_SLOT_PLACE, STORY_##v                                                                \
    }
#define ACTION(v)                                                                                  \
    {                                                                                              \
        STORY_SLOT_ACTION, STORY_##v                                                               \
    }
#define PROP(v)                                                                                    \
    {                                                                                              \
        STORY_SLOT_PROP, STORY_##v                                                                 \
    }
#define SHOT(v)                                                                                    \
    {                                                                                              \
        STORY_SLOT_SHOT, STORY_##v                                                                 \
    }
#define CAMERA(v)                                                                                  \
    {                                                                                              \
        STORY_SLOT_CAMERA, STORY_##v                                                               \
    }
#define TIME(v)                                                                                    \
    {                                                                                              \
        STORY_SLOT_TIME, STORY_##v                                                                 \
    }
#define WEATHER(v)                                                                                 \
    {                                                                                              \
        STORY_SLOT_WEATHER, STORY_##v                                                              \
    }
#define STYLE(v)                                                                                   \
    {                                                                                              \
        STORY_SLOT_STYLE, STORY_##v                                                                \
    }
#define COLOR(v)                                                                                   \
    {                                                                                              \
        STORY_SLOT_COLOR, COLOR_##v                                                                \
    }

/* clang-format off */
static const struct story_row rows[] = {
    /* who */
    {STORY_FACT, {SUBJECT(WOMAN)}, {
        "woman|women|lady|ladies|female|gal|fashionista|businesswoman|fashion model|supermodel|young woman|stylish woman|girlfriend|girl friend|actress|mom|mum|mother|mommy|mama|grandma|grandmother|auntie|aunt|sister|wife",
        "女人|女子|女士|女性|美女|女郎|姑娘|女生|时尚女性|少妇|贵妇|年轻女子|年轻女性|年轻女人|女模特|模特|淑女|女白领|女|女的|妈妈|妈|母亲|奶奶|外婆|姥姥|阿姨|姐姐|姐|小姐|小姐姐|大妈|老奶奶|妻子|老婆|女同学|女老师"}},
    {STORY_FACT, {SUBJECT(GIRL)}, {
        "girl|schoolgirl|teenage girl|teen girl|little girl|young girl|child|children|kid|daughter|girl child|small girl|preteen|ten year old girl|10 year old girl|ten year old|10 year old|ten years old|10 years old|aged ten",
        "女孩|小女孩|小姑娘|女童|小朋友|孩子|小孩|小孩子|儿童|女儿|丫头|小丫头|女娃|小女生|妹妹|小妹妹|小妹|女宝宝|小女儿|闺女|女孩儿|女孩子|十岁女孩|10岁女孩|小学女生"}},
    {STORY_HINT, {SUBJECT(GIRL)}, {"", "十岁|10岁|十岁的|１０岁|十来岁"}},
    {STORY_FACT, {SUBJECT(READER)}, {
        "man|men|guy|gentleman|fellow|lad|dude|male|boy|reader|youth|young man|young guy|young fellow|teenager|bookworm|teen|dad|daddy|father|papa|grandpa|grandfather|uncle|brother|husband|university student|college student|student",
        "男人|男子|男士|男生|小伙|小伙子|青年|年轻人|男青年|男孩|男孩子|少年|读者|男性|大学生|学生|年轻男子|年轻男人|年轻小伙|年轻男性|帅哥|书生|青年男子|男|男的|爸爸|爸|父亲|爷爷|外公|大叔|叔叔|大爷|哥哥|小哥哥|小哥|弟弟|老人|老爷爷|丈夫|老公|男同学|同学|小男孩|男孩儿"}},
    {STORY_FACT, {SUBJECT(ASTRONAUT)}, {
        "astronaut|cosmonaut|spaceman|spacemen|space man|spacewoman|space woman|taikonaut|spacefarer|space traveler|space traveller|space explorer|space voyager|moonwalker|space adventurer|spaceperson",
        "宇航员|航天员|太空人|太空宇航员|宇航人|太空旅行者|太空漫步者|太空行走者|太空探险家|星际旅行者|航天人|宇宙人|宇航者"}},
    {STORY_FACT, {SUBJECT(MONSTER)}, {
        "monster|creature|beast|furball|fur ball|critter|gremlin|troll|furry creature|fuzzy creature|fluffy creature|little monster|fluffball|fuzzball|monstrosity|furry thing",
        "怪物|小怪物|怪兽|小怪兽|小妖怪|妖怪|毛球|毛绒生物|小家伙|毛怪|小毛怪|毛绒怪|绒毛怪|毛绒怪物|生物|小生物|小东西|毛毛怪"}},
    {STORY_HINT, {SUBJECT(NOBODY)}, {
        "nobody|no one|no people|no person|without people|deserted|empty|uninhabited|lonely|no humans|without anyone|unpeopled|devoid of people",
        "没有人|空无一人|空荡荡|空旷|荒无人烟|无人的|无人|没有人物|杳无人烟|四下无人|没人|冷清|一个人也没有|一个人都没有|没有一个人"}},
    {STORY_SOMEBODY, {{0}}, {"person|someone|somebody|human|human being|anyone|figure|individual|protagonist|hero|character", "人|有人|某人|人物|一个人|主角|主人公|身影|人影"}},

    /* clothes and fur */
    {STORY_DRESS, {SUBJECT(WOMAN)}, {"dress|gown|skirt|evening dress|cocktail dress|long dress|sundress", "裙子|裙|长裙|连衣裙|礼服|短裙|旗袍|晚礼服"}},
    {STORY_DRESS, {{0}}, {
        "fur|shirt|t shirt|tshirt|tee|tee shirt|blouse|sweater|stripe|clothes|clothing|outfit|jersey|hoodie|sportswear|attire|top|polo shirt|school uniform|schoolwear|vest|costume|fleece|uniform|sweatshirt|jumper|coat of fur|hair of its body",
        "毛|毛发|皮毛|绒毛|毛皮|衬衫|上衣|衬衣|t恤|衣服|条纹|毛衣|运动服|卫衣|球衣|运动衫|短袖|衫|衣衫|服装|衣|衣裳|长毛|体恤|背心|校服|运动装|t恤衫"}},
    {STORY_COAT, {{0}}, {
        "coat|jacket|overcoat|trench coat|leather jacket|raincoat|cloak|cape|suit|helmet|backpack|scarf|shorts|trousers|pants|jeans",
        "外套|大衣|风衣|夹克|皮夹克|西装|披风|头盔|背包|围巾|短裤|裤子|长裤"}},
    {STORY_SUIT, {SUBJECT(ASTRONAUT)}, {"spacesuit|space suit|pressure suit|astronaut suit|astronaut helmet|space helmet", "宇航服|太空服|航天服|宇航头盔|太空头盔|舱外服"}},

    /* where */
    {STORY_FACT, {PLACE(CLIFF)}, {
        "cliff|bluff|headland|crag|precipice|promontory|cliffside|clifftop|sea cliff|cliff edge|cliff s edge|seashore|seaside|coast|coastline|shore|shoreline|sea|ocean|seascape|lighthouse|light house|islet|island|surf|sea wave|ocean wave|crashing wave|breaking wave|beach|sea foam|rocky coast|rocky shore|reef|seawater|breaker|whitecap|tide|big sur|light tower|beacon|rugged coast",
        "悬崖|峭壁|断崖|崖壁|崖边|悬崖边|悬崖峭壁|海崖|海岸|海边|海岸线|海滨|大海|海洋|海|海面|海水|海浪|浪花|波浪|波涛|巨浪|浪涛|浪|灯塔|小岛|岛屿|孤岛|海岛|岛|礁石|海滩|沙滩|岩岸|礁岩|崖|山崖|海角|海岬|岬角|惊涛|海上|涛"}},
    {STORY_FACT, {PLACE(STREET)}, {
        "street|road|alley|alleyway|sidewalk|avenue|boulevard|downtown|city street|cityscape|city|urban|crosswalk|lane|tokyo|shibuya|shinjuku|kabukicho|akihabara|ginza|neon|neon light|neon sign|neon lit|neon street|neon district|signage|cyberpunk city|japanese street|shopping street|night market|storefront|billboard|town",
        "街道|街头|街|大街|马路|小巷|巷子|街上|街巷|东京街头|东京街道|东京|涩谷|新宿|歌舞伎町|秋叶原|银座|霓虹|霓虹灯|霓虹街道|霓虹街头|霓虹招牌|霓虹灯牌|霓虹闪烁|霓虹灯光|城市|都市|人行道|步行街|商业街|街区|闹市|招牌|灯牌|广告牌|市中心|路上|夜市|十字路口|斑马线|胡同"}},
    {STORY_HINT, {PLACE(STREET), TIME(NIGHT)}, {"cyberpunk", "赛博朋克"}},
    {STORY_HINT, {TIME(NIGHT)}, {"city light|streetlight|street lamp", "街灯|路灯|城市灯光|灯火|万家灯火|车水马龙"}},
    {STORY_FACT, {PLACE(ROOM)}, {
        "room|bedroom|living room|indoors|indoor|interior|house|cottage|cabin|fireplace|parlor|parlour|study|chamber|dark room|dim room|warm room|hut|attic|inside the house|wooden house|lodge|den|home|at home|dollhouse",
        "房间|室内|卧室|客厅|屋里|屋内|屋子|小屋|房子|木屋|书房|暗室|壁炉|屋中|房里|房内|家里|家中|阁楼|里屋|暖屋|暗房|小房间|居室"}},
    {STORY_FACT, {PLACE(MOON)}, {
        "on the moon|sea of tranquility|sea of tranquillity|moon surface|surface of the moon|moon s surface|lunar|lunar surface|lunar landscape|lunar soil|moonscape|across the moon|over the moon|crater|moon dust|moon base|onto the moon|to the moon|alien planet|planet surface|barren planet|moon landing|lunar ground",
        "月球|月面|月球表面|月亮上|月亮表面|月球上|环形山|月壤|月尘|陨石坑|登月|月表|星球表面|月球基地|月上"}},
    {STORY_HINT, {PLACE(MOON)}, {
        "space|outer space|deep space|cosmos|universe|planet|galaxy|earth in the sky|moon|mars|earthrise|nebula|milky way|interstellar|asteroid|orbit of the earth",
        "太空|宇宙|外太空|星球|行星|银河|星系|太空中|星际|星云|火星|深空|地球|宇宙空间|星空中"}},
    {STORY_HINT, {TIME(NIGHT)}, {"moonlight|moonlit|full moon|under the moon|crescent moon|star|starry|starry sky|starlight|star field|starfield|by moonlight", "月光|月色|满月|圆月|明月|月亮|月下|星空|繁星|星星|星光|星辰|群星|星|月夜|弯月"}},
    {STORY_FACT, {PLACE(SHIP)}, {
        "spaceship corridor|spacecraft corridor|ship s corridor|corridor of a spaceship|corridor of the spaceship|corridor of a spacecraft|spaceship interior|interior of a spaceship|inside a spaceship|space station|spaceship hallway|starship corridor|starship interior|cockpit|spaceship cabin|spaceship bridge|space capsule|airlock|ship corridor|iss|hallway|corridor|passageway|spaceship passage|hull interior",
        "飞船走廊|飞船内部|飞船内|飞船里|飞船中|飞船舱内|太空舱|空间站|太空站|船舱|舱内|舱里|驾驶舱|飞船过道|飞船通道|走廊|过道|通道|飞船的走廊|飞船舱|机舱|飞船里面|飞船的内部|宇宙飞船内|飞船甬道|长廊|太空船内|太空船里|宇宙飞船里|宇宙飞船走廊"}},
    {STORY_FACT, {PLACE(CLOUD)}, {
        "on a cloud|on the cloud|on clouds|on the clouds|on a white cloud|on a fluffy cloud|on a soft cloud|on a big cloud|on white clouds|on top of a cloud|on top of the clouds|on a piece of cloud|atop a cloud|atop the clouds|among the clouds|among clouds|above the clouds|in the clouds|in a cloud|sea of clouds|sea of white clouds|bed of clouds|cloud top|over the clouds|on a drifting cloud|cloudscape|through the clouds|onto a cloud|amid the clouds|in the middle of the clouds|up in the clouds|on a cloud in the sky",
        "云上|云朵上|云端|白云上|云里|云中|云层上|云海|云朵之上|云彩上|云间|云团上|云层|云朵间|云堆|白云间|云朵中|云上面|云层之上|一朵云上|云顶|云头|云雾之上|白云之上|云深处"}},
    {STORY_HINT, {PLACE(CLOUD)}, {"cloud|white cloud|in the sky|sky high", "云|云朵|白云|云彩|天空中|空中|天上|半空中|云团"}},
    {STORY_FACT, {PLACE(COURT)}, {
        "court|badminton court|gym|gymnasium|sports hall|indoor court|hall|badminton hall|arena|stadium|sports center|sports centre|badminton gym|gym hall|sport hall|indoor sports hall|indoor badminton hall|indoor badminton court",
        "羽毛球场|球场|体育馆|羽毛球馆|球馆|运动馆|室内球场|场馆|运动场馆|健身房|羽毛球场地|体育场|体育场馆|室内场馆|木地板球场"}},
    {STORY_FACT, {PLACE(LAWN)}, {
        "lawn|grass|meadow|garden|park|backyard|yard|grassland|grassy|pasture|field|green field|grass field|turf|playground|countryside|prairie",
        "草地|草坪|草原|草场|花园|公园|院子|后院|草丛|绿地|田野|操场|草|绿茵|庭院|草甸|青草地|绿草|绿草地|牧场|郊外"}},

    /* what they do */
    {STORY_FACT, {ACTION(STANDS)}, {"stand|stood|standing still|stands still|is standing|stand upright", "站|站立|站着|伫立|矗立|站在|立着|直立|立在|站住|静立|屹立|挺立"}},
    {STORY_FACT, {ACTION(WALKS)}, {
        "walk|stroll|stride|wander|strut|saunter|step forward|go for a walk|take a walk|march|amble|trek|pace|ran|run|jog|walk along|roam|hike|tread|moonwalk|stepping|promenade",
        "走|走路|漫步|行走|散步|走过|走在|走着|步行|踱步|闲逛|前行|迈步|奔跑|跑|跑步|信步|徐行|款款而行|走来|走动|走去|行进|穿行|大步|走走|徒步|溜达|穿过|走进|缓步|踱|踏着|走向|走出"}},
    {STORY_FACT, {ACTION(SITS)}, {
        "sit|sat|seat|kneel|knelt|crouch|squat|perched|sit down|rest on|perch|lie|lying|recline|lean back", "坐|坐在|坐着|跪|跪着|跪在|蹲|蹲着|蹲在|席地而坐|端坐|静坐|盘腿|坐下|跪坐|趴|趴在|躺|躺着|躺在|靠坐|盘坐"}},
    {STORY_FACT, {ACTION(READS), PROP(BOOK)}, {
        "read a book|read the book|read his book|read her book|read a novel|reads from a book|bury in a book|turn the page|turn page|flip through a book|flip page|leaf through a book|immersed in a book|bury in a paperback|buried in a book|buried in a paperback|bury in the book|absorbed in a book|engrossed in a book|read in a book|pore over a book",
        "看书|读书|阅读书籍|读一本书|看一本书|翻书|翻看书本|翻看|翻看一本书|翻阅|翻页|读着书|看着书|读着一本书|看着一本书|读小说|看小说|埋头看书|看着小说|捧书阅读|捧着书看|翻着书"}},
    {STORY_FACT, {ACTION(READS)}, {"read|reading", "阅读|读|读着|研读|品读|朗读"}},
    {STORY_FACT, {ACTION(PLAYS), PROP(RACKET)}, {
        "play badminton|play a game of badminton|badminton match|badminton game|badminton|hit a shuttlecock|hit the shuttlecock|swing a racket|swing the racket|swing her racket|swing his racket|swing its racket|swing a badminton racket|return the shuttlecock|smash the shuttlecock|serve the shuttlecock|swat the shuttlecock|hit the birdie|hit a birdie|practice badminton|practise badminton",
        "打羽毛球|羽毛球|打着羽毛球|挥拍|挥动球拍|挥舞球拍|挥着球拍|击球|打球|羽毛球比赛|练习羽毛球|玩羽毛球|挥拍击球|接球|扣杀|发球|打羽球|羽球|练羽毛球"}},
    {STORY_HINT, {ACTION(PLAYS)}, {"play|playful", "玩|玩耍|游玩|运动"}},
    {STORY_FACT, {ACTION(FLOATS)}, {
        "float|hover|weightless|weightlessly|drift|levitate|zero gravity|zero g|weightlessness|float weightlessly|suspended in the air|spacewalk|microgravity|float around|adrift|glide through the air",
        "漂浮|飘浮|悬浮|悬浮在空中|漂浮在空中|飘浮在空中|失重|飘着|漂着|浮在|悬空|飘荡|漂游|浮空|零重力|太空漫步|飘在|漂浮着|飘浮着|浮着|漂在|太空行走|浮游|飘动"}},
    {STORY_FACT, {ACTION(HOPS)}, {
        "hop|jump|leap|bounce|skip along|bound|jump around|hop around|bounce around|leap around|jump up and down|bounce up and down|spring up|jump for joy|prance|frolic",
        "蹦|跳|蹦跳|跳跃|蹦蹦跳跳|跳着|蹦着|跳动|跳来跳去|蹦来蹦去|一蹦一跳|跃起|弹跳|欢跳|蹦蹦|跳起|蹦跶|雀跃"}},
    {STORY_FACT, {ACTION(WAVES)}, {
        "wave to|wave hello|wave goodbye|wave her hand|wave his hand|wave its hand|wave a hand|wave the hand|wave his arm|wave her arm|wave its paw|wave a paw|greet|say hello|wave at us|wave to us|wave hand|wave its arm|hand wave|wave a greeting",
        "挥手|招手|打招呼|挥着手|招着手|挥挥手|摆手|挥动手臂|挥舞手臂|致意|挥手致意|挥手示意|招招手|挥动双手|挥爪|招呼|挥臂"}},
    {STORY_IT, {SUBJECT(WOMAN)}, {"she", "她"}},
    {STORY_IT, {{0}}, {"he|they|who|whose", "他|他们|她们"}},
    {STORY_WAVE, {{0}}, {"wave|wave at", ""}},
    {STORY_SURF, {PLACE(CLIFF)}, {"crash|hit|lap|break|pound|batter|lash|surge|smash|roll in|splash|swell|spray|foam|beat against", "拍打|拍击|拍岸|冲击|冲刷|撞击|翻涌|汹涌|澎湃|席卷|飞溅|涌向|涌动|拍|击打|翻滚着"}},

    /* with what */
    {STORY_FACT, {PROP(CANDLE)}, {"candle|candlelight|candlelit|candle light|candle flame|burning candle|melting candle|wax candle", "蜡烛|烛光|烛火|烛|烛焰|一支蜡烛|烛台|融化的蜡烛|点燃的蜡烛|燃烧的蜡烛"}},
    {STORY_HINT, {PROP(CANDLE)}, {"flame|flickering light", "火焰|火苗|火光|摇曳的火光"}},
    {STORY_FACT, {PROP(BOOK)}, {"book|novel|open book|volume|paperback|hardcover|storybook|textbook", "书|书本|书籍|小说|一本书|图书|书册|故事书|课本|书卷"}},
    {STORY_FACT, {PROP(RACKET)}, {"racket|racquet|badminton racket|badminton racquet|shuttlecock|birdie|shuttle cock", "球拍|羽毛球拍|羽球拍|拍子|羽毛"}},
    {STORY_FACT, {PROP(SPACESHIP)}, {
        "spaceship|space ship|rocket|spacecraft|starship|lander|ufo|flying saucer|space shuttle|shuttle|lunar module|landing module|rocket ship|space vessel|moon lander|lunar lander|capsule|space vehicle",
        "飞船|宇宙飞船|太空船|火箭|航天器|飞碟|登月舱|着陆器|航天飞机|太空飞船|载人飞船|登陆舱|星舰|航天飞船|着陆舱"}},
    {STORY_FACT, {PROP(NO_PROP)}, {"prop none|no props", "没有道具"}},
    {STORY_INSIDE, {{0}}, {"in|inside|aboard|on board|through|within|on board of", "在"}},
    {STORY_INNER, {{0}}, {"corridor|interior|hallway|cabin|passage|bridge", "里|内|中|里面|内部|之中|当中"}},

    /* how it is shown */
    {STORY_FACT, {SHOT(CLOSE)}, {
        "close up|closeup|close up shot|close shot|close view|extreme close up|tight shot|head and shoulders|headshot|head shot|portrait shot|face close up|portrait|up close|detail shot|close range|shot close",
        "特写|近景|特写镜头|近距离|近镜头|面部特写|大特写|脸部特写|近景镜头|近拍|头像|肖像|近处拍摄"}},
    {STORY_FACT, {SHOT(MID)}, {"medium shot|mid shot|midshot|waist up|waist shot|half body|half length|cowboy shot|medium close up|medium view|mid range shot|medium distance|american shot|knee shot|shot mid", "中景|半身|中景镜头|半身像|中距离|半身镜头|上半身|腰部以上|中近景"}},
    {STORY_FACT, {SHOT(FAR)}, {
        "wide shot|long shot|far shot|distant shot|establishing shot|wide angle shot|wide view|extreme long shot|far away|from afar|from a distance|panorama|panoramic|very far away|wide angle|distant view|full shot|full body|far view|great distance|extreme wide shot|seen from far away|shot far",
        "远景|全景|远景镜头|全景镜头|远远|远距离|大远景|远镜头|广角|大全景|广角镜头|全身|从远处拍|远拍|全身镜头|远观|大场面"}},
    {STORY_HINT, {SHOT(FAR)}, {"vast|tiny figure|small figure", "渺小|辽阔|广阔"}},

    /* when, in what weather */
    {STORY_FACT, {TIME(DAY)}, {"daytime|noon|midday|morning|daylight|by day|afternoon|broad daylight|in the day|during the day|day time|bright day|mid morning|time day", "白天|中午|正午|上午|早晨|早上|日间|白昼|下午|大白天|午后|白日|日光下"}},
    {STORY_FACT, {TIME(DAY), WEATHER(CLEAR)}, {"sunny day|sunny|bright sunny day|clear day", "晴天|阳光明媚|晴朗的白天|阳光灿烂|艳阳高照|风和日丽|晴空万里|大晴天"}},
    {STORY_HINT, {TIME(DAY)}, {"sun|sunbeam|sun ray|ray of sun|ray of sunshine|ray of sunlight|sunray|sunshine|sunlight|sunlit|blue sky|blue skies|summer|day|bright light", "阳光|太阳|日光|蓝天|艳阳|烈日|夏天|夏日"}},
    {STORY_FACT, {TIME(SUNSET)}, {
        "sunset|sun goes down|sun go down|sun sinks|sundown|dusk|twilight|golden hour|dawn|sunrise|setting sun|evening glow|evening sun|evening light|at evening|evening|sun sets|sun is setting|rising sun|daybreak|low sun|golden light|nightfall|gloaming|early morning|early in the morning|in the early morning|first light|crack of dawn|late afternoon|at first light",
        "黄昏|日落|傍晚|夕阳|晚霞|日出|黎明|落日|暮色|拂晓|黄金时刻|夕阳西下|落日余晖|日暮|朝霞|清晨|余晖|夕照|斜阳|薄暮|晨曦|夕阳下|霞光|清早|大清早|一大早|破晓|天刚亮"}},
    {STORY_FACT, {TIME(NIGHT)}, {"night|midnight|nighttime|night time|late at night|after dark|at night|nocturnal|night sky|night scene|dead of night|tonight|nightly", "夜晚|夜里|晚上|深夜|午夜|夜|夜间|黑夜|夜色|夜景|夜空|夜幕|半夜|夜幕下|夜深|入夜|夜半|子夜|月夜|凌晨"}},
    {STORY_HINT, {TIME(NIGHT)}, {"dark|darkness|dim|dimly lit|darkened", "黑暗|昏暗|幽暗|暗|漆黑一片"}},
    {STORY_FACT, {WEATHER(CLEAR)}, {"clear sky|clear skies|clear weather|cloudless|fine weather|clear|under a clear sky|dry weather|good weather|fair weather|fine day", "晴朗|晴|天气晴朗|万里无云|晴空|天晴|好天气|天朗气清|晴好"}},
    {STORY_FACT, {WEATHER(FOG)}, {"fog|foggy|foggy day|misty day|mist|misty|haze|hazy|smog|thick fog|shrouded in fog|shrouded in mist|brume|fogbound", "雾|大雾|薄雾|浓雾|雾气|雾蒙蒙|烟雾|有雾|雾中|迷雾|晨雾|雾霭|起雾|海雾|雾天"}},
    {STORY_FACT, {WEATHER(RAIN)}, {"rain|rainy|rainy day|stormy day|raining|drizzle|downpour|rainfall|rainstorm|in the rain|storm|stormy|pouring|thunderstorm|shower of rain|raindrop|wet weather|pouring rain", "雨|下雨|细雨|大雨|暴雨|雨中|小雨|雨天|阴雨|雨水|雷雨|风雨|雨滴|毛毛雨|暴风雨|下着雨|雨丝|冒雨|淅沥"}},
    {STORY_FACT, {TIME(NIGHT), WEATHER(RAIN)}, {"rainy night", "雨夜"}},
    {STORY_FACT, {TIME(NIGHT), WEATHER(SNOW)}, {"snowy night", "雪夜"}},
    {STORY_FACT, {WEATHER(SNOW)}, {"snow|snowy|snowy day|winter day|snowing|snowfall|snowflake|blizzard|in the snow|snowstorm|falling snow|snow fall|flurries|wintry|winter", "雪|下雪|飘雪|雪中|雪花|大雪|雪天|风雪|小雪|暴风雪|雪景|飞雪|下着雪|冬天|冬日|落雪|雪花纷飞|飘着雪"}},

    /* in what style */
    {STORY_FACT, {STYLE(PHOTO)}, {
        "photorealistic|photo realistic|photorealism|realistic|live action|real footage|photo|photograph|photographic|realism|lifelike|real life|photo style|hyperrealistic|ultra realistic|natural look|documentary",
        "写实|真实感|照片|实拍|照片级|真实|逼真|摄影|真人|写真|纪实|超写实|写实风格|拟真|真人实拍|真实画面|照片风格|摄影作品|纪录片"}},
    {STORY_FACT, {STYLE(TOON)}, {
        "cartoon|anime|cel shaded|cel shading|toon|comic|manga|cartoonish|toon shading|comic book|animation style|cartoon style|anime style|hand drawn animation|2d animation|toon style|drawn animation|ghibli|toon shaded|flat shaded",
        "卡通|动漫|漫画|日漫|二次元|赛璐璐|卡通风格|动漫风格|日系动画|二维动画|动画风格|手绘动画|卡通画|日式动画|国漫|卡通片|番剧|吉卜力"}},
    {STORY_HINT, {STYLE(TOON)}, {"animation|cartoony", "动画|动画片"}},
    {STORY_SKIP, {{0}}, {"animated|3d animation|3d animated|3d|animated scene|computer animation|animation film|three dimensional|cgi|pixar|3d animated scene|3d cartoon|3d render|animated film|animated movie|animated short", "3d动画|三维动画|3d|动画场景|三维|动画电影|动画短片|立体动画|皮克斯|3d动画风格|三维动画风格|3d卡通|3d渲染|三d动画"}},
    {STORY_FACT, {STYLE(CLAY)}, {"clay|claymation|plasticine|stop motion|clay animation|modeling clay|modelling clay|play doh|clay style|clay model|clay figure|clay sculpted|made of clay|stopmotion", "粘土|黏土|橡皮泥|定格动画|粘土动画|黏土动画|泥塑|粘土风格|黏土风格|彩泥|软陶|陶泥|泥偶|定格"}},
    {STORY_FACT, {STYLE(INK)}, {"ink|ink wash|ink painting|ink wash painting|sumi e|chinese painting|brush painting|ink drawing|chinese ink|ink style|ink and wash|shan shui|brush and ink|ink brush|ink art", "水墨|国画|水墨画|水墨风格|水墨风|中国画|中国风水墨|泼墨|水墨动画|写意|水墨丹青|毛笔画|墨笔|丹青"}},
    {STORY_FACT, {STYLE(PIXEL)}, {"pixel|pixel art|pixelated|8 bit|8bit|16 bit|16bit|retro game|pixel style|voxel|video game pixel|pixel graphics|retro video game|arcade game|pixelart|old video game", "像素|像素风|像素画|像素艺术|像素风格|复古游戏|八位|8位|16位|马赛克风格|像素游戏|红白机|像素化|街机"}},

    /* how it is filmed */
    {STORY_CAMERA, {{0}}, {"camera|camerawork|cinematography|camera shot", "镜头|摄像机|摄影机|相机|机位|运镜|视角|画面"}},
    {STORY_FACT, {CAMERA(STATIC)}, {
        "static|static camera|fixed camera|locked off|locked camera|tripod|stationary camera|static shot|fixed shot|still camera|no camera movement|without camera movement|locked off shot|stationary shot|motionless camera|fixed angle|fixed view|steady shot|on a tripod|unmoving camera",
        "固定镜头|镜头固定|静止镜头|镜头静止|静态镜头|镜头不动|固定机位|定机位|机位固定|三脚架|固定拍摄|固定视角|镜头保持不动|无运镜|机位不动|静态拍摄|定镜头|静止机位|镜头静止不动"}},
    {STORY_FACT, {CAMERA(DRONE)}, {
        "drone|drone view|drone shot|drone footage|drone camera|aerial|aerial view|aerial shot|aerial footage|bird s eye|bird s eye view|birds eye view|bird eye view|flyover|fly over|fly through|helicopter|helicopter shot|overhead view|overhead shot|from above|from the air|fpv|quadcopter|seen from above|top down view",
        "无人机|航拍|俯瞰|鸟瞰|俯拍|空拍|俯视|飞越|空中视角|无人机视角|无人机视图|鸟瞰图|俯视图|航拍视角|无人机航拍|航拍镜头|鸟瞰视角|无人机镜头|高空俯拍|无人机拍摄|从空中拍摄|高空视角|空中俯瞰|空中拍摄|上帝视角"}},
    {STORY_FACT, {CAMERA(PAN_LEFT)}, {"panleft|pan left|left pan", "左摇|左移|左摇镜头|左平移|向左摇镜"}},
    {STORY_FACT, {CAMERA(PAN_RIGHT)}, {"panright|pan right|right pan", "右摇|右移|右摇镜头|右平移|向右摇镜"}},
    {STORY_FACT, {CAMERA(TILT_UP)}, {"tiltup|tilt up|crane up|upward tilt|camera rise", "上摇|仰摇|上仰|仰起|镜头上移|镜头上升|上升镜头|镜头抬起|上移|缓缓上升|慢慢上升|向上摇镜"}},
    {STORY_FACT, {CAMERA(TILT_DOWN)}, {"tiltdown|tilt down|crane down|downward tilt|camera descend", "下摇|俯摇|下俯|镜头下移|镜头下降|下降镜头|下移|缓缓下降|慢慢下降|向下摇镜"}},
    {STORY_FACT, {CAMERA(DOLLY_IN)}, {
        "dollyin|dolly in|push in|dolly forward|track in|truck in|pushing in|push toward|push towards|push forward|push slowly in|dolly toward|dolly towards|push slowly toward",
        "推近|推进|推镜头|前推|推向|推镜|镜头推近|缓缓推近|靠近拍摄|镜头靠近|镜头逼近|向前推|推轨|推轨镜头|推上去|镜头前移|镜头跟进"}},
    {STORY_FACT, {CAMERA(DOLLY_OUT)}, {
        "dollyout|dolly out|dolly back|pull back|pull out|pull away|track out|dolly backward|pull backward|dolly away|move backward",
        "后拉|拉镜头|拉出|后退|镜头后退|向后拉|拉开|拉镜|镜头拉开|向后退|镜头后移|往后拉|往后退"}},
    {STORY_FACT, {CAMERA(ZOOM_IN)}, {"zoomin|zoom in|zoom into|zoom in on|zoom closer|zoom toward|zoom towards|crash zoom", "拉近|变焦推近|变焦放大|放大|镜头放大|镜头拉近|变焦拉近|拉近焦距|变焦推进|画面放大"}},
    {STORY_FACT, {CAMERA(ZOOM_OUT)}, {"zoomout|zoom out|zoom back|zoom away", "拉远|变焦拉远|缩小|镜头拉远|变焦缩小|镜头缩小|拉远焦距|画面缩小"}},
    {STORY_FACT, {CAMERA(ORBIT_LEFT)}, {"orbitleft|orbit left|orbit clockwise|circle clockwise", "左环绕|向左环绕|顺时针环绕|左绕"}},
    {STORY_FACT, {CAMERA(ORBIT_RIGHT)}, {"orbitright|orbit right|orbit counterclockwise|orbit counter clockwise|orbit anticlockwise", "右环绕|向右环绕|逆时针环绕|右绕"}},
    {STORY_FACT, {CAMERA(ROLL)}, {"camera roll|barrel roll|dutch roll|rolling camera|roll of the camera|rotating camera", "镜头翻滚|滚转|镜头滚转|翻滚镜头|旋转镜头|镜头旋转|横滚|镜头横滚|滚动镜头|镜头滚动"}},
    {STORY_DO_SWEEP, {{0}}, {"sweep|swivel", ""}},
    {STORY_DO_PAN, {{0}}, {"pan|camera pan", "摇|横摇|平移|横移|摇移|摇镜|摇摄|摇动|摇镜头|移"}},
    {STORY_DO_TILT, {{0}}, {"tilt", "俯仰|仰拍|抬"}},
    {STORY_DO_DOLLY, {{0}}, {"dolly|push|truck", "推|推移|推拉|靠近|接近|逼近"}},
    {STORY_DO_ZOOM, {{0}}, {"zoom", "变焦"}},
    {STORY_DO_ORBIT, {{0}}, {
        "orbit|orbit shot|orbiting shot|arc shot|360 degree|360 degrees|orbit around|circling shot|camera circle around",
        "环绕拍摄|环绕镜头|环绕运镜|环绕航拍|环拍|旋转拍摄|绕拍|环形运镜|环绕视角|360度|镜头环绕|镜头围绕|围绕拍摄|环绕着拍|弧形运镜|三百六十度"}},
    {STORY_DO_CIRCLE, {{0}}, {"circle|arc|revolve|encircle|rotate around|go around|move around|around|spin around|travel around", "环绕|围绕|绕着|绕|环绕着|围着|绕行|盘旋"}},
    {STORY_DO_ROLL, {{0}}, {"roll|rotate|spin|roll over|rock sideways", "翻滚|旋转|滚动|转动|倾斜旋转"}},
    {STORY_DO_MOVE, {{0}}, {"move|glide|travel|slide|shift|fly|advance|track|go|come|rise|turn|swing|look|creep|float toward|draw|descend|ascend|craning|crane", "移动|平滑移动|飞|前进|飞行|运动|滑动|推移着|转向|转|移向|移|滑行|升起|滑|上升|下降"}},
    {STORY_GO_LEFT, {{0}}, {"left|leftward|leftwards|to the left|towards the left|toward the left|clockwise|from right to left|left side|lefthand", "左|向左|往左|朝左|左边|左侧|左方|从右向左|从右往左|向左边|向左侧|顺时针|自右向左|由右向左"}},
    {STORY_GO_RIGHT, {{0}}, {"right|rightward|rightwards|to the right|towards the right|toward the right|counterclockwise|counter clockwise|anticlockwise|from left to right|right side", "右|向右|往右|朝右|右边|右侧|右方|从左向右|从左往右|向右边|向右侧|逆时针|自左向右|由左向右"}},
    {STORY_GO_UP, {{0}}, {"up|upward|upwards|to the sky|skyward", "上|向上|往上|朝上|从下往上|从下向上|上方"}},
    {STORY_GO_DOWN, {{0}}, {"down|downward|downwards|from top to bottom", "下|向下|往下|朝下|从上往下|从上向下|下方"}},
    {STORY_GO_IN, {{0}}, {"forward|forwards|closer|toward|towards|nearer|ahead|into", "向前|往前|朝前|前|近|走近"}},
    {STORY_GO_OUT, {{0}}, {"out|outward|outwards|backward|backwards|back|away|farther|further|rearward", "向后|往后|朝后|远离|后|远|远去"}},

    /* things around, whose colours are their own */
    {STORY_THING, {{0}}, {
        "sky|skies|hair|ponytail|boot|shoe|handbag|purse|bag|lipstick|sunglasses|glasses|hat|band|eye|visor|tree|rock|flower|light|reflection|puddle|wall|floor|ground|table|chair|sofa|cat|dog|car|umbrella|bird|building|window|net|road surface|wood|ribbon|water|lamp|glow|horizon|mountain|sand|fire|smoke|face|hand|page|wind|rug|carpet|desk|shelf|lantern|sign|line|flag|dust|helmet visor|earth|glove|pedestrian|crowd|people|beam|light beam|beam of light|ray of light|light ray|searchlight",
        "天空|头发|马尾|马尾辫|靴子|鞋|鞋子|手提包|包|口红|墨镜|太阳镜|眼镜|帽子|眼睛|大眼睛|面罩|面窗|树|岩石|花|花朵|灯光|倒影|水洼|墙|墙壁|地板|地面|桌子|椅子|沙发|猫|狗|汽车|雨伞|伞|鸟|海鸥|建筑|窗|窗户|球网|网|木桌|丝带|水面|水|灯|光芒|地平线|山|沙|火|烟|脸|手|书页|风|地毯|书桌|书架|灯笼|旗|灰尘|尘土|手套|行人|人群|路人|腰带|红腰带|条带|色带|带子|光|镜面|光束|光柱|一束光|一道光"}},

    /* says nothing */
    {STORY_AT, {{0}}, {"with|w|beside|next to|near|by|close to|behind|in front of|at the foot of|below|beneath|under|over|above|along|across|against|between|alongside|opposite|amid|among|past|underneath|from|to|at|on|on top of|around it|atop|off|in the middle of|in the center of|in the centre of|out to sea", ""}},
    {STORY_SKIP, {{0}}, {
        "teenage|teenaged|early|late|hide|corner|stylish|fashionable|elegant|beautiful|pretty|handsome|young|cute|adorable|fluffy|furry|fuzzy|hairy|short|tall|chic|confident|confidently|casually|graceful|gracefully|lovely|lone|lonely|solitary|single|curious|happy|happily|cheerful|cheerfully|joyfully|peaceful|peacefully|serene|quiet|quietly|calm|calmly|warm|cozy|cosy|cold|cool|soft|softly|gentle|gently|slow|slowly|slow motion|quick|quickly|fast|energetic|energetically|lively|vivid|rich|dramatic|epic|stunning|breathtaking|magnificent|majestic|rugged|steep|high|white tipped|white capped|damp|wet|rain slicked|rain soaked|shiny|reflective|mirrored|mirroring|mirror|mirrored in|glow|glowing|glisten|glistening|flicker|flickering|blink|gleam|melting|burning|lit|flash|flashing|colorful|colourful|bright|brightly|busy|bustling|quaint|narrow|wide|old|new|modern|futuristic|sleek|metal|metallic|long|black and white checkered|old fashioned|wooden|huge|vast|endless|barren|uneven surface|dusty|silent|silently|deep|thick|light breeze|breeze|breezy|wild|raw|coastal|fresh|lush|neat|tidy|sporty|athletic|skillfully|intently|attentively|deeply|thoughtfully|leisurely|lazily|curiously|big eyes|wide eyes|big eyed|wide eyed|open mouth|smile|smiling|laugh|laughing|gaze|gazing|look at|stare|staring|watch|watching|wear|wearing|wore|dressed|clad|carry|carrying|hold|holding|held|clutch|surround|surrounded|filled|full of|cover|covered|line|lined|and|there|here|its|it s|his|her|them|their|some|small|little|tiny|large|big|giant|very|really|so|just|back and forth|gently sloping|piece|landed|parked|in the distance|distant|in the background|background|in the foreground|foreground|hand in hand|all around|underfoot|age|aged|twenties|in his twenties|in her twenties|at his 20s|20s|year old|years old|thirty year old|30 year old|twenty year old|20 year old|thirty|twenty|adventure|mission|journey|explore|exploring|discover|seem|appear|become|begin|start|can|be seen|is seen|we see|we are|you see|view|shot|scene|video|clip|movie|film|trailer|movie trailer|film trailer|teaser|footage|it|one|everywhere|all over|image|frame|picture|style|prop|time|weather|shot of|place|art style|aesthetic|look and feel|mood|atmosphere|atmospheric|feeling|tone|texture|lighting|composition|depth of field|shallow depth of field|bokeh|motion blur|35mm|35mm film|70mm|film grain|grain|anamorphic|imax|lens flare|cinematic|cinematic style|cinematic lighting|cinematic quality|masterpiece|best quality|high quality|highest quality|top quality|ultra hd|full hd|uhd|hdr|hd|4k|8k|high resolution|highly detailed|ultra detailed|extremely detailed|intricate detail|detailed|detail|award winning|professional|sharp focus|in focus|vivid color|vivid colour|vibrant|vibrant color|vibrant colour|warm color|trending on artstation|artstation|octane render|unreal engine|volumetric light|volumetric lighting|god rays|ray tracing|smooth|smoothly|fluid|steady|steadily|continuous|one take|tracking shot|tracking camera|follow shot|follow|following|low angle|eye level|point of view|pov|camera angle|angle|perspective|please|make|create|generate|show|showing|feature|featuring|depict|depicting|render|rendered|imagine|give me|i want|about|for|front|top|side|edge|middle|center|centre|rest|resting|burn|footprint|flight|cumulus|nose|flowing|upside down|drenched|reveal|shaggy|leave|relax|relaxing|enjoy|enjoying|time of|moment|like|as if|almost|ten|10|year|jut|tower|rise|rising|dot|ring|ripple|swirl|swirling|shimmer|shimmering|sparkle|sparkling|twinkle|twinkling|dance|dancing|reflect|reflecting|reflection of light|illuminate|illuminated|bathe|bathed|cast|drench|bustle|wet ground|wet street|wet pavement|wet asphalt|asphalt|pavement|ground|tail|thin|painted|made|drawn|done|set|set in|takes place|rests|lies|stretch|stretching|falls|falling|fall|in the style of|style of|strange|friendly|brave|weary|tired|pensive|dreamy|dreamlike|magical|whimsical|mysterious|surreal|fantasy|fantastical|ethereal|romantic|melancholic|nostalgic|retro|vintage|gold visor|golden visor|visor|ponytail|paw|arm|leg|body|head|foot|feet|eyes|pose|expression|wonder|curiosity|innocence|playfulness|joy|game|match|ball game|practice|other|another|several|many|no sound|sound|music|quality|resolution|fps|24fps|30fps|60fps|16:9|widescreen|seconds|second|loop|looping|minute|half|full|whole|together|alone|by itself|by herself|by himself|itself|himself|herself|own|into view|in view|in sight|visible|us|viewer|the viewer|the audience|sun glitter|glitter|glint|seagulls|gulls|seagull|rail|railing|puddles|lanterns|step|steps|pace|swing|serve|return|page|pages|words|story|tale|every|each|end|never|always|at sea|up|down|not far away|far off|the foot of|the edge of|edge of|top of|side of|front of|middle of|center of|centre of|back of|kind of|sort of|pair of|set of|row of|rows of|columns of|lots of|a lot of|a few|a little|bit|tad|rather|quite|somewhat|too|also|both|all|any|same|such|more|most|less|only|even|still|again|ever|yet|already|once|twice|now|today|soon|later|maybe|perhaps|will|would|could|should|may|might|must|do|does|did|is|are|was|were|be|been|being|has|have|had|having|get|gets|got|gotten|let|lets|use|used|using|take|takes|taking|took|taken|keep|keeps|kept|want|wants|need|needs|try|tries|turn of|hands|my|your|our|mine|yours|ours|i|me|you|we|piece of|little bit|great|good|nice|fine art|cool looking|realistically lit|well lit|softly lit|warmly lit|backlit|rim light|rim lighting|soft light|natural light|warm light|orange glow|the glow of|glow of|light of|by the light of|in the light of|lights|in the wet ground|puddles of|rainwater|freshly|cut|trimmed|open|closed|strong|weak|light|heavy|empty handed|both hands|one hand|fast paced|pretty little|tiny little|of|silence|painting|japanese|attic light|at us|to us|toward us|towards us|through it",
        "打滚|点钟|束|一束|束束|道道|扫|扫过|横扫|透|透过|躲|躲在|藏|藏在|角落|一角|动感|感|反射|反射着|点点|露出|街角|红唇|转身|转过身来|拿起|抬头|低头|翻滚的|撑|撑着|翻腾|倾盆|纷飞|纷纷|冒着|冒|飘落|飘|气|天气|扎|扎着|笼罩|笼罩着|弥漫|弥漫着|挂|挂满|挂着|钱包|拎着|涂着|许多|很多|形成|效果|时尚|时髦|优雅|美丽|漂亮|英俊|帅气|年轻|年轻的|可爱|毛茸茸|毛绒绒|毛绒|绒毛绒|蓬松|矮小|高挑|自信|自信地|从容|从容地|孤独|孤零零|孤单|独自|好奇|好奇地|开心|开心地|快乐|快乐地|高兴|高兴地|兴高采烈|安静|安静地|静静|静静地|宁静|平静|温暖|温馨|柔软|柔和|轻轻|轻轻地|缓缓|缓缓地|慢慢|慢慢地|缓慢|慢动作|快速|活泼|活力|充满活力|生动|浓郁|戏剧性|史诗|史诗感|震撼|壮丽|壮观|雄伟|崎岖|陡峭|高高|高耸|潮湿|湿润|湿漉漉|湿滑|湿|闪亮|反光|倒映|倒映着|映照|如镜|如镜子|像镜子|如镜子般|镜子般|镜子|般|镜面般|发光|闪烁|闪烁着|闪耀|摇曳|跳动的|融化|燃烧|点燃|点着|五彩|五颜六色|彩色|色彩|鲜艳|明亮|繁华|热闹|热闹的|狭窄|宽阔|古老|现代|未来感|科技感|科幻|金属|长长|巨大|广袤|无垠|无尽|荒凉|布满|寂静|寂静的|深邃|厚厚|微风|海风|野性|清新|郁郁葱葱|茂盛|整洁|专注|专注地|认真|认真地|专心|专心地|入神|聚精会神|悠闲|悠闲地|懒洋洋|大大的眼睛|睁大|睁大眼睛|张着嘴|微笑|微笑着|笑|大笑|凝视|凝望|注视|望着|看着|看向|看|盯着|穿|穿着|身穿|身着|戴|戴着|身上|上面|带有|带着|拿|拿着|手拿|手持|手里拿着|手里|手中|握着|捧着|抱着|举着|背着|旁|旁边|身边|边|边上|一旁|附近|前|前面|面前|身前|后面|身后|背后|下面|脚下|之下|之上|沿着|沿|沿岸|对面|周围|四周|环境|充满|铺满|远处|远方|不远处|背景|前景|背景中|背景里|背景是|前方|途中|冒险|历险|探险|任务|旅程|探索|发现|似乎|出现|变成|开始|可以看到|可见|看见|看到|我们看到|只见|风景|景色|景象|场景|视频|短片|影片|电影|电影预告片|预告片|预告|电影片段|片段|画风|风格|风|艺术风格|美学|氛围|气氛|情绪|质感|光影|打光|构图|景深|浅景深|虚化|胶片|胶片感|颗粒感|电影感|电影级|电影质感|大片|大片感|杰作|大师级|大师作品|最佳质量|最高质量|高质量|高清|超清|超高清|高画质|高分辨率|分辨率|细节|细节丰富|细腻|精细|精致|极致细节|获奖|专业|焦点清晰|对焦|清晰|暖色调|冷色调|色调|虚幻引擎|体积光|丁达尔|光线追踪|流畅|流畅的|平稳|平稳地|一镜到底|跟拍|跟踪镜头|跟随镜头|跟随|低角度|平视|第一人称|主观视角|请|帮我|生成|制作|创建|做|画|展示|展现|呈现|描绘|拍摄|拍|想象|给我|一段|一个|一位|一名|一只|一条|一座|一艘|一支|一本|一朵|一片|一间|一盏|一场|一幅|一块|个|位|名|只|条|座|艘|支|本|朵|片|间|盏|场|幅|块|群|正在|正|在|的|地|得|了|着|过|和|与|及|以及|并|并且|而|也|还|就|都|又|再|从|向|往|到|对|把|被|给|为|是|有|很|十分|非常|特别|更|最|这|那|它|它们|其|自己|独自一人|上|下|里|内|中|外|处|时|时分|时候|之中|之间|正当|一样|似的|好像|仿佛|如同|如|像|岁|岁的|三十岁|30岁|二十岁|20岁|二十多岁|20多岁|二十来岁|出头|左右|多岁|小|大|高|矮|长|短|新|旧|美|好|轻|慢|快|静|满|全|半|整|每|各|几|多|少|一|二|两|三|十|金色面罩|面罩|大眼睛|爪子|小爪子|手臂|双手|双眼|身体|身子|头|脚|腿|姿势|表情|神情|欢快|欢快地|惬意|惬意地|轻松|轻松地|自在|自由|自由自在|熟练|熟练地|奋力|用力|跟着|随着|伴随|伴着|于|由|以|之|等|等等|吧|呢|啊|声音|音乐|质量|帧|宽屏|秒|循环|分钟|海鸥|护栏|脚步|步伐|故事|近|奇幻|梦幻|魔幻|神秘|超现实|浪漫|唯美|治愈|治愈系|童话|童趣|怀旧|复古|孤寂|湿地面|湿路面|路面|地面|积水|倒影中|夺目|璀璨|绚丽|炫目|斑斓|流光溢彩|灯光闪烁|停着|停靠|停在|停|降落|降落在|矗|耸立|坐落|位于|放着|摆着|点着的|燃着|亮着|亮|靠着|倚着|靠|陪伴|陪着|舒服|舒服地|舒适|乐趣|趣味|一会儿|一边|边走|尽头|深处|顶端|边缘|中央|中间|中心|表面|近处|远近|采用|使用|用|运用|通过|整体|整个|画质|呈|所|其中|空|开|关|打开|翻开|摊开|厚|薄|薄薄|大片大片|滚滚|阵阵|粼粼|波光粼粼|波光|金光|余光|微光|红色腰带|红白相间|白色的塔身|塔身|窗外|舷窗|舷窗外|路边|街边|路旁|两旁|两侧|店铺|小店|汉字|日文|脚边|手边|身旁|前后|左右两侧|来回|来来回回|球|球网|打|击|接|挥|挥动|挥舞|训练|练习|比赛|运动着|跃动|天|空气|空灵|静谧|祥和|柔光|暖光|自然光|逆光|侧光|光线|一切|万物|世界|大地"}},

    /* what this world has not */
    {STORY_REFUSE, {{0}}, {
        "cloudy|overcast|robot|dragon|dinosaur|mammoth|horse|tiger|lion|bear|panda|fish|whale|airplane|train|bicycle|bike|motorcycle|handheld|tennis|football|basketball|guitar|piano|phone|laptop|alien|desert|forest|jungle|river|lake|waterfall|castle|temple|school|kitchen|restaurant|cafe|bridge over|boat|sailboat|two|three|four|dog|cat|rainbow|elephant|rabbit|fox|monkey|snake|truck|bus|ship at sea|piano|sword|gun|king|queen|knight|wizard|vampire|zombie",
        "手电|手电筒|阴天|大象|兔子|狐狸|猴子|卡车|公交车|宝剑|国王|女王|骑士|巫师|僵尸|吸血鬼|机器人|龙|恐龙|猛犸象|马|老虎|狮子|熊|熊猫|鱼|鲸鱼|飞机|火车|自行车|摩托车|手持拍摄|网球|足球|篮球|吉他|钢琴|手机|电脑|外星人|沙漠|森林|丛林|河流|湖|瀑布|城堡|寺庙|学校|厨房|餐厅|咖啡馆|船|帆船|猫|狗|小狗|小猫"}},
};
/* clang-format on */

const struct story_row *story_row(int i)
{
    return i >= 0 && i < (int)(sizeof rows / sizeof *rows) ? &rows[i] : NULL;
}
