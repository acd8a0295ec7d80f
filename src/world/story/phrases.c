#include "world/story/phrases.h"

#include <stddef.h>

enum { MAX_VALUES = STORY_CAMERA_COUNT };

/* clang-format off */
static const char *const phrases[STORY_SAY_COUNT][MAX_VALUES][LANG_COUNT] = {
    [STORY_SAY_WHO] = {
        [STORY_WOMAN] = {
            "a woman in a {c} dress|a stylish woman in a {c} dress|a lady wearing a long {c} dress|a young woman in a {c} dress|a fashionable woman in a {c} dress and a coat|an elegant lady in a {c} evening dress|a chic woman dressed in {c}|a woman wearing a {c} dress under her coat|a young lady in a {c} skirt|a stylish lady in {c}",
            "一位穿{c}裙子的女人|一位时尚女性穿着{c}长裙|穿着{c}连衣裙的女子|一位身穿{c}裙子的女士|一个穿{c}裙子的年轻女子|身着{c}长裙的女郎|一位穿{c}礼服的优雅女士|一名{c}裙子的女人|一位时髦的女子，身穿{c}裙子，"},
        [STORY_MONSTER] = {
            "a fluffy {c} monster|a {c} furry monster|a little monster with {c} fur|a small fluffy monster, {c} all over,|a cute {c} monster|a fuzzy {c} creature|a short fluffy creature with {c} fur|a tiny {c} furball|a {c} fluffy little monster with big eyes|an adorable {c} furry creature",
            "一只毛茸茸的{c}小怪物|一只{c}的小怪兽|一个长着{c}绒毛的小怪物|一只{c}毛球|一只可爱的{c}怪物|毛茸茸的{c}小家伙|一只{c}皮毛的小怪兽|一只{c}毛绒怪|大眼睛的{c}小怪物"},
        [STORY_ASTRONAUT] = {
            "an astronaut with {c} stripes|an astronaut in a white spacesuit with {c} stripes|a spaceman in a suit with {c} stripes|a cosmonaut whose spacesuit has {c} stripes|an astronaut, {c} stripes on the suit,|a lone astronaut in a spacesuit with {c} stripes|a space traveler with {c} stripes on the spacesuit|a spaceman with {c} stripes|a taikonaut in a suit with {c} stripes",
            "一名宇航服上有{c}条纹的宇航员|一位穿着{c}条纹宇航服的航天员|一个{c}条纹的太空人|宇航员身穿带{c}条纹的宇航服，|一名太空服带{c}条纹的太空人|一位航天服上有{c}条纹的航天员|一个孤独的宇航员，宇航服带有{c}条纹，|{c}条纹宇航服的宇航员"},
        [STORY_READER] = {
            "a young man in a {c} shirt|a man wearing a {c} shirt|a young man in a {c} sweater|a guy in a {c} t-shirt|a young fellow in {c}|a man in his twenties in a {c} shirt|a student in a {c} hoodie|a young man dressed in {c}|a youth wearing a {c} shirt",
            "一个穿{c}衬衫的年轻人|一名身穿{c}上衣的男子|一个穿着{c}毛衣的青年|穿{c}衬衫的小伙子|一位二十多岁、穿{c}衣服的年轻人|一个穿{c}卫衣的男生|身着{c}衬衫的年轻男子|一名穿{c}t恤的青年"},
        [STORY_GIRL] = {
            "a girl in a {c} shirt|a little girl in a {c} t-shirt|a ten-year-old girl in {c}|a young girl wearing a {c} shirt|a girl with a ponytail and a {c} shirt|a 10-year-old girl in a {c} jersey|a schoolgirl in a {c} shirt|a child in a {c} t-shirt|a small girl dressed in {c}",
            "一个穿{c}上衣的女孩|一个十岁的小女孩，身穿{c}运动服，|一个穿着{c}t恤的小姑娘|穿{c}衣服的小女孩|一名扎马尾、穿{c}衬衫的女孩|一个10岁的女孩穿着{c}球衣|一个穿{c}衣服的孩子|身着{c}上衣的小女孩"},
    },
    [STORY_SAY_PLAIN] = {
        [STORY_WOMAN] = {
            "a woman|a stylish woman|a young woman|a lady|a fashionable woman|an elegant woman|a young lady|a chic woman|a beautiful woman|a fashion model",
            "一个女人|一位时尚女性|一位年轻女子|一位女士|一名时髦女郎|一位优雅的女人|一个女子|一位美女|一个姑娘|一名女模特"},
        [STORY_MONSTER] = {
            "a monster|a fluffy monster|a furry little monster|a small fluffy creature|a cute monster|a short fluffy monster|a fuzzy creature|a furball with big eyes|a little furry beast|an adorable little monster",
            "一只怪物|一只毛茸茸的小怪物|一只小怪兽|一个毛绒小生物|一只可爱的小怪物|一个毛球|毛茸茸的小家伙|一只毛绒怪|一只矮小毛茸茸的怪物"},
        [STORY_ASTRONAUT] = {
            "an astronaut|a cosmonaut|a spaceman|a lone astronaut|a taikonaut|a space traveler|a space explorer|an astronaut in a spacesuit|a space man|a man in a spacesuit",
            "一名宇航员|一个太空人|一位航天员|孤独的宇航员|穿宇航服的宇航员|一个太空旅行者|一名航天员|太空人|宇航员|一个宇航人"},
        [STORY_READER] = {
            "a young man|a man|a young guy|a man in his twenties|a young fellow|a student|a youth|a guy|a lad|a young man at his 20s",
            "一个年轻人|一名男子|一个小伙子|一个青年|一位二十多岁的年轻人|一个男生|一位男士|一个年轻男子|一名大学生|一个男青年"},
        [STORY_GIRL] = {
            "a girl|a little girl|a ten-year-old girl|a young girl|a 10-year-old girl|a child|a schoolgirl|a girl with a ponytail|a kid|a small girl",
            "一个女孩|一个小女孩|一个十岁的女孩|一个小姑娘|一名10岁女孩|一个孩子|一个女童|扎马尾的小女孩|一个小朋友|一个十岁的小女孩"},
    },
    [STORY_SAY_DOES] = {
        [STORY_STANDS] = {"stands|stands still|is standing|stands there quietly|stands upright|stands calmly|stands in silence|just stands there", "站着|静静地站着|站立着|站在那里|伫立着|直立着|一直站着|安静地站着"},
        [STORY_WALKS] = {"walks|strolls|walks slowly|wanders|walks along|is walking|takes a walk|walks confidently|strides", "走着|漫步|行走|缓缓地走|散步|步行|走路|从容地走着|慢慢走过|闲逛"},
        [STORY_SITS] = {"sits|is sitting|sits quietly|sits down|is seated|kneels|crouches|sits calmly", "坐着|静静地坐着|席地而坐|端坐着|蹲着|盘腿坐着|坐在那里|跪坐着"},
        [STORY_READS] = {"reads a book|is reading a book|reads a novel|sits and reads a book|turns the pages of a book|is absorbed in a book|leafs through a book|reads an open book|quietly reads a book", "看书|读书|正在看书|静静地读书|翻看一本书|坐着看书|阅读书籍|捧着一本书阅读|专注地看着书|读着一本书|读小说"},
        [STORY_PLAYS] = {"plays badminton|is playing badminton|swings a badminton racket|hits the shuttlecock with a racket|plays a game of badminton|swings a racket at the shuttlecock|practices badminton|smashes the shuttlecock|returns the shuttlecock", "打羽毛球|在打羽毛球|正在打羽毛球|挥拍击球|挥动球拍打羽毛球|练习羽毛球|玩羽毛球|挥舞球拍|打着羽毛球|专注地打羽毛球"},
        [STORY_FLOATS] = {"floats|floats weightlessly|drifts slowly|hovers in the air|is floating|is weightless|drifts weightlessly|levitates|floats gently", "漂浮着|飘浮着|失重地漂浮|悬浮在空中|缓缓飘浮|悬浮着|轻轻地飘着|失重漂浮"},
        [STORY_HOPS] = {"hops|jumps|hops up and down|is jumping|bounces up and down|leaps happily|hops around|jumps for joy|bounces around", "蹦蹦跳跳|跳着|跳跃|蹦来蹦去|开心地跳着|一蹦一跳|跳来跳去|欢快地蹦跳|蹦着"},
        [STORY_WAVES] = {"waves at us|waves hello|waves a hand|is waving|waves to us|waves goodbye|greets us|waves a hand at us|waves happily", "挥手|招手|挥手致意|向我们招手|挥着手打招呼|开心地挥手|挥挥手|打招呼|朝我们挥手"},
    },
    [STORY_SAY_DOING] = {
        [STORY_STANDS] = {"standing|standing still|standing there|standing quietly|standing upright|standing in silence|standing calmly|who stands still", NULL},
        [STORY_WALKS] = {"walking|strolling|walking slowly|wandering|walking along|taking a walk|striding|who walks", NULL},
        [STORY_SITS] = {"sitting|seated|sitting quietly|kneeling|crouching|sitting calmly|sitting down|who sits quietly", NULL},
        [STORY_READS] = {"reading a book|sitting and reading a book|reading a novel|absorbed in a book|turning the pages of a book|leafing through a book|who reads a book|quietly reading a book", NULL},
        [STORY_PLAYS] = {"playing badminton|swinging a badminton racket|hitting a shuttlecock|playing a game of badminton|practicing badminton|swinging a racket at the shuttlecock|who plays badminton|smashing the shuttlecock", NULL},
        [STORY_FLOATS] = {"floating|floating weightlessly|drifting slowly|hovering in the air|levitating|drifting weightlessly|weightless|floating gently", NULL},
        [STORY_HOPS] = {"hopping|jumping|hopping up and down|bouncing around|leaping|jumping for joy|hopping around|bouncing up and down", NULL},
        [STORY_WAVES] = {"waving at us|waving hello|waving a hand|waving goodbye|greeting us|waving to us|waving a hand at us|who waves hello", NULL},
    },
    [STORY_SAY_WHERE] = {
        [STORY_CLIFF] = {
            "on a cliff above the sea|on the cliffs by the ocean|at the edge of a cliff|on a cliff with a lighthouse in the distance|by the sea with a lighthouse|on a rocky coast|on the seashore below the cliffs|at the cliff's edge|on a headland over crashing waves|on the coast|beside the ocean|on a sea cliff",
            "在海边的悬崖上|在悬崖边|在峭壁上|在海边|在能看到灯塔的悬崖上|在大海边的崖边|在海岸边|在礁石海岸上|在海浪拍打的悬崖上|在断崖上|在海岬上"},
        [STORY_STREET] = {
            "on a Tokyo street|down a Tokyo street|on a neon-lit street|down a street full of neon signs|in a city street with wet ground|in a neon alley|along a busy city street|through downtown Tokyo|on a wet street with neon reflections|in Shibuya|in a narrow Japanese alley|down a street lined with glowing billboards",
            "在东京街头|在霓虹街道上|在东京的街道上|在霓虹闪烁的街头|在繁华的都市街头|在湿漉漉的街道上|在霓虹灯下的小巷里|在城市街道上|在涩谷街头|在挂满霓虹招牌的街上|在倒映着霓虹灯的马路上"},
        [STORY_ROOM] = {
            "in a room|in a cozy room|indoors|in a living room|in a warm room|inside a house|in a small room|in a bedroom|in a quaint little room|by the fireplace in a room|in a study|in a wooden cottage",
            "在房间里|在室内|在温馨的房间里|在屋里|在小屋里|在客厅里|在卧室里|在书房里|在温暖的屋子里|在木屋里|在一间小房间里"},
        [STORY_MOON] = {
            "on the moon|on the lunar surface|on the surface of the moon|across the moon's surface|on the dusty moon|on the moon among craters|in a lunar landscape|on lunar soil|on the barren moon surface|on the moonscape",
            "在月球上|在月球表面|在月面上|在荒凉的月球上|在布满环形山的月球上|在月亮表面|在月壤上|在寂静的月球表面|在月亮上|在陨石坑旁的月面上"},
        [STORY_SHIP] = {
            "in a spaceship corridor|inside a spaceship|in the corridor of a spaceship|aboard a spaceship|in a space station|inside a spacecraft|in a spaceship hallway|in a futuristic spaceship corridor|in the interior of a spaceship|on board a starship",
            "在飞船走廊里|在飞船内部|在飞船舱内|在空间站里|在宇宙飞船走廊里|在太空舱里|在飞船里|在科幻飞船的走廊|在太空站中|在飞船过道里"},
        [STORY_CLOUD] = {
            "on a cloud|on a white cloud|on a fluffy cloud in the sky|among the clouds|on top of the clouds|above the clouds|on a piece of cloud in the sky|in the clouds|on a soft cloud|atop a white cloud|on a sea of clouds",
            "在云上|在云朵上|在一朵云上|在云端|在柔软的白云上|在天空中的一朵云上|在云海之上|在云层上|在云彩上|在云朵之上|在云里"},
        [STORY_COURT] = {
            "on a badminton court|in a gym|in a sports hall|on an indoor court|in a gymnasium|on the court|in a badminton hall|in an indoor sports hall|at a sports center",
            "在羽毛球场上|在体育馆里|在球场上|在室内球场上|在羽毛球馆里|在球馆里|在运动馆中|在体育场馆里|在羽毛球场地上"},
        [STORY_LAWN] = {
            "on a lawn|on the grass|in a garden|in a meadow|on a green lawn|in the park|in the backyard|on a grassy field|on fresh green grass|on the grass in a park",
            "在草地上|在草坪上|在花园里|在公园里|在绿色的草地上|在院子里|在青草地上|在草原上|在后院的草坪上|在公园的草坪上"},
    },
    [STORY_SAY_SCENE] = {
        [STORY_CLIFF] = {
            "waves crash against the cliffs|waves crashing against rugged cliffs below a white lighthouse|the sea pounds the cliffs|a white lighthouse stands on an islet in the sea|ocean waves break on the rocks below the cliff|big waves hit the cliffs near a lighthouse|a lighthouse with a red band on a small island|surf rolls in below the steep cliffs|a rocky coast with a lighthouse|foaming waves under a cliff",
            "海浪拍打着悬崖|海浪拍打悬崖，远处小岛上有一座白色灯塔|大海冲击着峭壁|白色灯塔矗立在小岛上|浪花拍打着礁石|汹涌的海浪涌向悬崖|波浪冲刷着海岸|小岛上的红腰带灯塔|悬崖下浪花飞溅|壮丽的海岸和灯塔"},
        [STORY_STREET] = {
            "a Tokyo street|an empty Tokyo street|a deserted street full of neon signs|neon signs glow over a wet street|a neon-lit alley|a quiet city street with wet ground|an empty street in Shibuya|a street with glowing billboards, no people|neon lights mirrored in the wet street",
            "空无一人的东京街头|霓虹灯闪烁的街道|空荡荡的霓虹街道|湿漉漉的街道倒映着霓虹灯|无人的东京小巷|霓虹招牌在街道上发光|东京的街道|安静的都市街头|冷清的街头，霓虹闪烁"},
        [STORY_ROOM] = {
            "an empty room|a cozy room with nobody in it|a quiet living room|a warm little room|a small bedroom|a quaint room with a fireplace|an empty study|the inside of a wooden cottage",
            "空荡荡的房间|一间温馨的小屋|安静的客厅|温暖的房间里没有人|无人的卧室|一间书房|木屋里空无一人|有壁炉的房间"},
        [STORY_MOON] = {
            "the surface of the moon|a barren lunar landscape|the empty moon with its craters|craters on the moon|the silent lunar surface|a lunar landscape without people|a deserted moonscape|moon dust and craters",
            "荒凉的月球表面|月球上的环形山|空无一人的月面|寂静的月球|布满陨石坑的月球表面|月壤和环形山|无人的月球|空旷的月球表面"},
        [STORY_SHIP] = {
            "an empty spaceship corridor|the corridor of a spaceship|a deserted space station|the interior of a spaceship|a futuristic spaceship corridor|a spaceship hallway without people|an empty starship interior|a quiet spacecraft corridor",
            "空无一人的飞船走廊|飞船内部|无人的空间站|宇宙飞船走廊|科幻飞船的走廊|空荡荡的太空舱|冷清的飞船过道|飞船走廊的尽头"},
        [STORY_CLOUD] = {
            "a sea of clouds|above the clouds|a sea of white clouds with nobody in sight|a bed of clouds in the sky|an empty cloudscape|nothing but a sea of clouds|a sea of clouds without people|high above the clouds",
            "一片云海|云海翻腾|云层之上|空无一人的云端|洁白的云海|云朵之上的风景|天空中的云海|无人的云端"},
        [STORY_COURT] = {
            "an empty badminton court|a deserted gym|an empty sports hall|a badminton court with nobody on it|an indoor court|a quiet gymnasium|the empty court|a badminton hall without people",
            "空无一人的羽毛球场|空荡荡的体育馆|无人的球场|安静的羽毛球馆|室内球场|冷清的球馆|没有人的羽毛球场|空旷的运动馆"},
        [STORY_LAWN] = {
            "a green lawn|an empty meadow|a quiet garden|a deserted park|a grassy field|fresh green grass in a garden|an empty lawn|a meadow without people",
            "绿色的草坪|空旷的草地|安静的花园|无人的公园|一片草地|院子里的草坪|空无一人的草坪|郁郁葱葱的草地"},
    },
    [STORY_SAY_PROP] = {
        [STORY_CANDLE] = {
            "beside a candle|next to a burning candle|with a candle|by candlelight|near a lit candle|with a melting candle nearby|beside the flickering flame of a candle|in front of a candle",
            "旁边有一支蜡烛|身旁点着蜡烛|面前是一支点燃的蜡烛|旁边燃着蜡烛|烛光摇曳|在烛光旁|一旁的蜡烛正在融化|边上有一支燃烧的蜡烛"},
        [STORY_BOOK] = {
            "with a book|holding a book|with an open book|with a book in hand|carrying a book|beside a book|clutching a novel|with a thick book",
            "手里拿着一本书|抱着一本书|旁边有一本书|手持书本|拿着小说|身边放着书|手中捧着书|带着一本书"},
        [STORY_RACKET] = {
            "holding a badminton racket|with a racket|carrying a racket|with a badminton racquet in hand|holding a racket and a shuttlecock|with a shuttlecock and a racket|clutching a racket|beside a badminton racket",
            "手里拿着羽毛球拍|拿着球拍|手持球拍|握着羽毛球拍|旁边放着球拍|手中握着球拍|带着球拍|举着羽毛球拍"},
        [STORY_SPACESHIP] = {
            "in front of a spaceship|next to a spaceship|with a rocket behind|beside a landed spacecraft|near a spaceship|with a spaceship in the background|beside a lunar lander|with a ufo in the distance",
            "旁边停着一艘飞船|身后是宇宙飞船|背景中有一艘飞船|远处停着火箭|旁边有一艘太空船|后面是登月舱|附近停着飞船|身旁是一艘宇宙飞船"},
    },
    [STORY_SAY_TIME] = {
        [STORY_DAY] = {"in the daytime|by day|at noon|in the morning|in broad daylight|in the afternoon|during the day|at midday|in daylight", "白天|中午|上午|大白天|午后|正午时分|早晨|在白天"},
        [STORY_SUNSET] = {"at sunset|at dusk|at golden hour|in the evening|in the light of the setting sun|at dawn|at twilight|during sunset|at sunrise", "黄昏时分|日落时|傍晚|夕阳西下|夕阳下|日落时分|清晨日出时|晚霞满天|落日余晖中"},
        [STORY_NIGHT] = {"at night|late at night|at midnight|under the night sky|in the night|after dark|during the night|at nighttime", "夜晚|在夜里|深夜|夜幕下|晚上|午夜时分|夜色中|夜空下|半夜"},
    },
    [STORY_SAY_WEATHER] = {
        [STORY_CLEAR] = {"in clear weather|under a clear sky|in fine weather|the sky is clear|with clear skies|the weather is clear|@day on a cloudless day|under a cloudless sky", "天气晴朗|@day 晴空万里|万里无云|晴朗的天气|晴空之下|天朗气清|天气很晴|天空晴朗|好天气"},
        [STORY_FOG] = {"in the fog|in thick fog|shrouded in mist|on a foggy day|in a light mist|in a haze|fog all around|through the mist", "大雾弥漫|雾气弥漫|薄雾笼罩|在浓雾中|雾蒙蒙的|有雾的天气|雾天|笼罩在雾中"},
        [STORY_RAIN] = {"in the rain|it is raining|in pouring rain|on a rainy day|in a drizzle|during a downpour|rain is falling|through the rain|in a storm", "下着雨|雨中|下雨天|细雨中|大雨倾盆|冒着大雨|雨天|雨一直下|毛毛雨"},
        [STORY_SNOW] = {"in the snow|it is snowing|snow is falling|in falling snow|on a snowy day|in a snowfall|snowflakes fall|during a snowstorm", "下着雪|雪中|大雪纷飞|雪花飘落|下雪天|飘着雪|雪天|风雪中"},
    },
    [STORY_SAY_STYLE] = {
        [STORY_PHOTO] = {"photorealistic|realistic style|live action|like real footage|a realistic photo|hyperrealistic|lifelike|photo style", "写实风格|真实感|照片级画质|真人实拍|超写实|逼真|实拍质感|纪实风格"},
        [STORY_TOON] = {"cartoon style|anime style|cel shaded|as a cartoon|in the style of anime|toon shading|like a comic|hand drawn animation", "卡通风格|动漫风格|二次元|日漫风格|赛璐璐风格|卡通画风|漫画风格|手绘动画"},
        [STORY_CLAY] = {"claymation|in clay style|stop motion|made of clay|clay animation|as plasticine figures|in the style of claymation|stop motion with clay figures", "粘土风格|黏土动画|定格动画|橡皮泥风格|粘土动画风格|泥塑风格|软陶质感|彩泥定格动画"},
        [STORY_INK] = {"ink wash painting|in ink style|chinese ink painting|sumi-e|brush painting|as an ink drawing|in the style of ink wash|brush and ink", "水墨风格|水墨画|国画风格|水墨动画|中国画风格|水墨画风|泼墨风格|水墨丹青"},
        [STORY_PIXEL] = {"pixel art|8-bit|pixel style|like a retro game|in the style of pixel art|16-bit pixel graphics|pixelated|like an old video game", "像素风|像素艺术|像素风格|复古游戏风格|8位像素画|像素画|像素游戏画风|像素化"},
    },
    [STORY_SAY_SHOT] = {
        [STORY_CLOSE] = {"close-up|close-up shot|seen up close|close shot|extreme close-up|a tight shot|close view|head and shoulders", "特写镜头|近景|特写|近距离拍摄|近镜头|大特写|近景镜头|近拍"},
        [STORY_MID] = {"medium shot|mid shot|waist-up|half-body shot|a medium view|seen from a medium distance|half-length shot|medium close-up", "中景|中景镜头|半身镜头|上半身|中距离|半身像|中近景|腰部以上"},
        [STORY_FAR] = {"wide shot|long shot|seen from afar|from a distance|establishing shot|wide view|a distant shot|wide-angle shot", "远景|全景|远景镜头|大远景|远距离拍摄|全景镜头|远镜头|大全景"},
    },
    [STORY_SAY_SHOT_OF] = {
        [STORY_CLOSE] = {"a close-up of |close-up shot of |extreme close-up of |close shot: ", "特写镜头：|近景，|特写："},
        [STORY_MID] = {"a medium shot of |mid shot of |medium view of |mid shot: ", "中景，|中景镜头：|半身镜头："},
        [STORY_FAR] = {"a wide shot of |long shot of |establishing shot of |a distant shot of ", "远景，|全景镜头：|远景镜头："},
    },
    [STORY_SAY_CAMERA] = {
        [STORY_STATIC] = {"static camera|the camera is fixed|fixed camera|locked-off shot|the camera stays still|tripod shot|static shot|no camera movement", "固定镜头|镜头固定|镜头静止|静止镜头|固定机位|镜头不动|定机位拍摄|静态镜头"},
        [STORY_PAN_LEFT] = {"the camera pans left|slow pan to the left|camera panning to the left|pan left|the camera moves to the left|the camera pans slowly left|left pan|the camera glides to the left", "镜头向左摇|镜头缓缓向左平移|镜头左移|镜头向左横移|向左摇镜|镜头左摇|镜头往左移|缓缓左摇镜头"},
        [STORY_PAN_RIGHT] = {"the camera pans right|slow pan to the right|camera panning to the right|pan right|the camera moves to the right|the camera pans slowly right|right pan|the camera glides to the right", "镜头向右摇|镜头缓缓向右平移|镜头右移|镜头向右横移|向右摇镜|镜头右摇|镜头往右移|缓缓右摇镜头"},
        [STORY_TILT_UP] = {"the camera tilts up|slow tilt up|tilt up|camera tilting upward|the camera moves up|the camera rises upward|crane up|upward tilt", "镜头上摇|镜头向上摇|镜头缓缓上移|镜头仰起|镜头上升|仰摇镜头|镜头往上摇|上升镜头"},
        [STORY_TILT_DOWN] = {"the camera tilts down|slow tilt down|tilt down|camera tilting downward|the camera moves down|camera descending downward|crane down|downward tilt", "镜头下摇|镜头向下摇|镜头缓缓下移|镜头下降|俯摇镜头|向下摇镜|镜头往下摇|下降镜头"},
        [STORY_DOLLY_IN] = {"the camera pushes in|slow dolly in|the camera moves closer|push in|the camera moves forward|dolly in|the camera tracks forward|the camera slowly pushes in", "镜头推近|镜头缓缓推近|推镜头|镜头向前推进|镜头慢慢靠近|镜头推进|推轨镜头|镜头往前推"},
        [STORY_DOLLY_OUT] = {"the camera pulls back|slow dolly out|the camera pulls away|dolly out|the camera moves back|pull back|the camera moves backward|pull out", "镜头后退|镜头缓缓后拉|拉镜头|镜头向后退|镜头向后移动|镜头拉开|镜头后移|镜头往后退"},
        [STORY_ZOOM_IN] = {"the camera zooms in|slow zoom in|zoom in|zooming in slowly|zooms in on the scene|crash zoom|the lens zooms in|the camera slowly zooms in", "镜头拉近|变焦推近|镜头缓缓拉近|镜头放大|变焦放大|变焦拉近|变焦推进|画面放大"},
        [STORY_ZOOM_OUT] = {"the camera zooms out|slow zoom out|zoom out|zooming out slowly|the lens zooms out|zooms out|zoom slowly out|the camera slowly zooms out", "镜头拉远|变焦拉远|镜头缓缓拉远|镜头缩小|缓缓拉远|变焦缩小|画面缩小|慢慢拉远镜头"},
        [STORY_ORBIT_LEFT] = {"the camera orbits to the left|orbiting left|the camera circles around to the left|orbit shot to the left|orbit left|the camera circles clockwise|the camera orbits around|the camera circles around", "镜头向左环绕|镜头向左围绕拍摄|向左环绕拍摄|镜头顺时针环绕|向左的环绕镜头|镜头环绕拍摄|环绕运镜|镜头缓缓向左绕行"},
        [STORY_ORBIT_RIGHT] = {"the camera orbits to the right|orbiting right|the camera circles around to the right|orbit shot to the right|orbit right|the camera circles counterclockwise|the camera orbits around|the camera circles around", "镜头向右环绕|镜头向右围绕拍摄|向右环绕拍摄|镜头逆时针环绕|向右的环绕镜头|镜头环绕拍摄|环绕运镜|镜头缓缓向右绕行"},
        [STORY_DRONE] = {"drone view|aerial view|drone shot|aerial shot|bird's-eye view|seen from above by a drone|drone footage|filmed from a helicopter", "航拍|无人机视角|无人机航拍|鸟瞰|俯瞰|航拍镜头|空中视角|无人机拍摄|高空俯拍"},
        [STORY_ROLL] = {"the camera rolls|camera roll|the camera rotates slowly|barrel roll|the camera spins|dutch roll|the camera slowly rolls|rolling camera", "镜头翻滚|镜头旋转|镜头滚转|翻滚镜头|镜头缓缓旋转|镜头横滚|旋转镜头|镜头慢慢翻滚"},
    },
    [STORY_SAY_NOISE] = {
        {"cinematic|8k|masterpiece|best quality|highly detailed|4k|cinematic lighting|ultra hd|shot on 35mm film|shallow depth of field|award-winning|volumetric lighting|vivid colors|trending on artstation|film grain|dramatic lighting|high resolution|warm colors|octane render|epic|beautiful composition|sharp focus|professional|60fps",
         "电影感|8k|杰作|最佳质量|超高清|4k|细节丰富|大师作品|高画质|胶片质感|景深|色彩鲜艳|光影|氛围感|电影级|高分辨率|专业|史诗感|浅景深|唯美|质感细腻|体积光|大片感|流畅"},
    },
};
/* clang-format on */

const char *story_phrases(enum story_phrase what, int value, enum lang lang)
{
    return value >= 0 && value < MAX_VALUES ? phrases[what][value][lang] : NULL;
}
