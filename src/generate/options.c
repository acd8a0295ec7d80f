#include "generate/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "format/json.h"
#include "generate/camera.h"
#include "generate/expand.h"
#include "generate/region.h"
#include "generate/sampler.h"
#include "generate/shortcut.h"
#include "media/label.h"
#include "model/bundle.h"

enum { MAX_TEXT = 1 << 16, MAX_JSON = 1 << 20, MAX_SIDE = 8192 };

static const char *const ASPECTS[] = {"16:9", "1:1", "9:16", "4:3", "3:4", "21:9", NULL};
static const char *const ENLARGE[] = {"model", "plain", NULL};
static const char *const INTERPOLATE[] = {"motion", "repeat", NULL};
static const char *const TYPES[] = {"auto", "bf16", "f32", "int8", "q8_0", "q4_0", NULL};
static const char *const SAMPLER_NAMES[] = {SAMPLERS(SAMPLER_NAME) NULL};

/* clang-format off */
#define NO_RANGE 0, 0, NULL
const struct option options[N_OPTIONS] = {
    [OPT_PROMPT] = {"prompt", 'p', OPTION_TEXT, 1, NO_RANGE, "", "",
                    "what to draw, in English or Chinese"},
    [OPT_NEGATIVE] = {"negative", 0, OPTION_TEXT, 1, NO_RANGE, "", "", "what not to draw"},
    [OPT_EXPAND] = {"expand", 0, OPTION_TEXT, 0, NO_RANGE, "rules, no or http(s)://HOST[/v1]", "no",
                    "say the prompt in more words first: by the rules of the shipped model, or by a "
                    "language model behind OpenAI's chat API (key: $ZOETROPE_EXPAND_KEY)"},
    [OPT_EXPAND_MODEL] = {"expand-model", 0, OPTION_TEXT, 0, NO_RANGE, "", "",
                          "name of the language model that is asked by --expand"},
    [OPT_SIZE] = {"size", 0, OPTION_TEXT, 1, NO_RANGE, "WxH, 16x16 to 8192x8192, even; 240p to 2160p; std, pro, 4k; native",
                  "at least 256 px high",
                  "size of the film; native is the size at which the model draws"},
    [OPT_ASPECT] = {"aspect", 0, OPTION_CHOICE, 1, 0, 0, ASPECTS,
                    "16:9, 9:16, 1:1, 4:3, 3:4, 21:9", "the model's",
                    "shape of the picture"},
    [OPT_ENLARGE] = {"enlarge", 0, OPTION_CHOICE, 1, 0, 0, ENLARGE, "model, plain", "model",
                     "what makes the film larger than it is drawn: networks of the model, where "
                     "it has some, or plain interpolation"},
    [OPT_SECONDS] = {"seconds", 0, OPTION_REAL, 1, 0.01, 100000, NULL, "0.01 to 100000",
                     "the model's", "length of the film"},
    [OPT_FRAMES] = {"frames", 0, OPTION_INT, 1, 1, 1000000, NULL, "1 to 1000000", "by seconds",
                    "length in pictures that the model draws; 1 is a picture"},
    [OPT_FPS] = {"fps", 0, OPTION_REAL, 1, 1, 240, NULL, "1 to 240, or 24000/1001, 30000/1001, 60000/1001",
                 "24 of the shipped model",
                 "pictures per second of the film; movement keeps its speed"},
    [OPT_INTERPOLATE] = {"interpolate", 0, OPTION_CHOICE, 1, 0, 0, INTERPOLATE, "motion, repeat",
                         "motion",
                         "what a film of more pictures per second than the model draws shows between "
                         "them: pictures that follow the movement, or the nearest one again"},
    [OPT_SHOTS] = {"shots", 0, OPTION_TEXT, 1, NO_RANGE, "JSON: [{\"prompt\", \"seconds\"}, ...]", "",
                   "a film of several shots; of each also \"camera\" (words), \"join\" (\"flow\" goes "
                   "on, \"cut\" begins anew) and \"seed\""},
    [OPT_CAMERA] = {"camera", 0, OPTION_TEXT, 1, NO_RANGE,
                    "\"pan left, zoom in 5\", \"tilt 3\", down_back, Kling's camera_control", "the prompt's",
                    "how the camera moves: pan or truck left/right, tilt or crane up/down, roll, zoom or "
                    "dolly in/out, orbit, drone, static; 5 of 10 unless said"},
    [OPT_MOTION] = {"motion", 0, OPTION_REAL, 1, 0, 4, NULL, "0 to 4", "1",
                    "how much moves: less or more than the model would, 1 is as it is"},
    [OPT_BRUSH] = {"brush", 0, OPTION_PATH, 1, NO_RANGE, "a JSON file: static_mask, dynamic_masks", "",
                   "parts of the picture that go along paths, or stand: masks (PNG) and points"},
    [OPT_STEPS] = {"steps", 0, OPTION_INT, 1, 1, 1000, NULL, "1 to 1000", "the model's",
                   "sampling steps"},
    [OPT_DRAFT] = {"draft", 0, OPTION_FLAG, 1, NO_RANGE, "", "no",
                   "a quarter of the steps (and half of each side, where the model draws any size) "
                   "from the noise of the film itself, to see what it will be"},
    [OPT_GUIDANCE] = {"guidance", 0, OPTION_REAL, 1, 0, 100, NULL, "0 to 100", "the model's",
                      "how strictly the prompt is followed; 1 and less is no guidance"},
    [OPT_GUIDANCE_2] = {"guidance-2", 0, OPTION_REAL, 1, 0, 100, NULL, "0 to 100", "the model's",
                        "guidance of the expert of low noise, where a model has two"},
    [OPT_GUIDANCE_FROM] = {"guidance-from", 0, OPTION_REAL, 1, 0, 1, NULL, "0 to 1", "0",
                           "lowest noise level at which guidance works"},
    [OPT_GUIDANCE_TO] = {"guidance-to", 0, OPTION_REAL, 1, 0, 1, NULL, "0 to 1", "1",
                         "highest noise level at which guidance works"},
    [OPT_GUIDANCE_GIVEN] = {"guidance-to-given", 0, OPTION_REAL, 1, 0, 1, NULL, "0 to 1",
                            "guidance-to, or the model's",
                            "the same in the first window of a film to which pictures or another film are "
                            "given (0.8 of the shipped model)"},
    [OPT_SAMPLER] = {"sampler", 0, OPTION_CHOICE, 1, 0, 0, SAMPLER_NAMES, SAMPLER_LIST,
                     "the model's", "how noise is taken away"},
    [OPT_SHIFT] = {"shift", 0, OPTION_REAL, 1, 0.01, 100, NULL, "0.01 to 100", "the model's",
                   "spends more steps at high noise when above 1"},
    [OPT_STAGGER] = {"stagger", 0, OPTION_REAL, 1, 0, 1, NULL, "0 to 1", "the model's",
                     "noise level below which every other step cuts the picture into tokens half a "
                     "token aside, so that their borders do not show (0.7 of the shipped model, 0 of others)"},
    [OPT_SHARPEN] = {"sharpen", 0, OPTION_REAL, 1, 0, 2, NULL, "0 to 2", "the model's",
                     "how far edges are narrowed in what the model's first upsampler makes, or, where "
                     "none works, in what is drawn (0.6 of the shipped model's upsampler, else 0)"},
    [OPT_FADE] = {"fade", 0, OPTION_REAL, 1, 0, 0.5, NULL, "0 to 0.5", "the model's",
                  "most that a later window of a long film forgets of the details of the one before, "
                  "where they have grown since the first one (0.1 of the shipped model)"},
    [OPT_CACHE] = {"cache", 0, OPTION_TEXT, 1, NO_RANGE,
                   "off, easy, mag, taylor, tea or tea-retain, with :THRESHOLD behind it", "off",
                   "leave evaluations out whose answer can be guessed from those before: EasyCache, "
                   "MagCache, TaylorSeer, TeaCache; faster, and another film"},
    [OPT_CACHE_CHECK] = {"cache-check", 0, OPTION_FLAG, 0, NO_RANGE, "", "no",
                         "draw without --cache as well, and say how much that differs"},
    [OPT_SEED] = {"seed", 0, OPTION_INT, 1, 0, 9007199254740992.0, NULL, "0 to 9007199254740992",
                  "random, printed", "the same seed, prompt and settings give the same film"},
    [OPT_TYPE] = {"type", 0, OPTION_CHOICE, 1, 0, 0, TYPES,
                  "auto, bf16, f32, int8, q8_0, q4_0", "auto",
                  "numbers to compute with; auto is what the model says (int8 of the shipped one), else bf16 "
                  "where the CPU knows it. int8, q8_0, q4_0: the transformer's large matrices become "
                  "that on load; int8 is multiplied in bytes, in Wan's decoders too, the rest in bf16"},
    [OPT_DEVICE] = {"device", 0, OPTION_TEXT, 0, NO_RANGE, "cpu, cuda or cuda:N", "cpu",
                    "what computes; `zoetrope info --devices` lists what is here"},
    [OPT_VRAM] = {"vram", 0, OPTION_BYTES, 0, 64 << 20, 1e15, NULL, "64M or more, like 8G",
                  "what is free", "most memory of the GPU; weights beyond it are brought for use"},
    [OPT_RAM] = {"ram", 0, OPTION_BYTES, 0, 64 << 20, 1e15, NULL, "64M or more, like 32G",
                 "what the machine has", "most memory of the machine; weights beyond it are read as they are used"},
    [OPT_THREADS] = {"threads", 0, OPTION_INT, 0, 1, 1024, NULL, "1 to 1024", "all cores",
                     "threads to use; never changes the film"},
    [OPT_MODEL] = {"model", 'm', OPTION_TEXT, 0, NO_RANGE, "a name or a folder", "the default model",
                   "looked up in $ZOETROPE_MODELS, XDG data folders, where zoetrope is installed"},
    [OPT_LORA] = {"lora", 0, OPTION_TEXT, 0, NO_RANGE,
                  "FILE[:STRENGTH][@high|@low][@FROM-TO], several by commas", "",
                  "LoRA files that change the transformer, all together; FROM-TO: in percents of the steps"},
    [OPT_FIRST_FRAME] = {"first-frame", 0, OPTION_PATH, 0, NO_RANGE, "PNG, JPEG, WebP, PPM", "",
                         "the picture that the film begins with"},
    [OPT_FORCE_PICTURE] = {"force-picture", 0, OPTION_FLAG, 1, NO_RANGE, "", "no",
                           "draw the film also when it does not go on from the first-frame"},
    [OPT_PICTURE_DETAIL] = {"picture-detail", 0, OPTION_REAL, 1, 0, 1, NULL, "0 to 1", "the model's",
                            "how much of what the codec cannot hold of the first frame goes with it: 1 begins "
                            "with the picture itself (1 of the shipped model, 0 of others)"},
    [OPT_LAST_FRAME] = {"last-frame", 0, OPTION_PATH, 0, NO_RANGE, "PNG, JPEG, WebP, PPM", "",
                        "the picture that the film ends with"},
    [OPT_KEY_FRAME] = {"key-frame", 0, OPTION_TEXT, 0, NO_RANGE,
                       "SECONDS:FILE, several by commas", "",
                       "a picture that the film shows at a time"},
    [OPT_LOOP] = {"loop", 0, OPTION_FLAG, 1, NO_RANGE, "", "no",
                  "the film ends where it begins, to be played without end"},
    [OPT_EXTEND] = {"extend", 0, OPTION_PATH, 0, NO_RANGE, "a film", "",
                    "the film goes on from this one, and begins with it"},
    [OPT_LEAD_TO] = {"lead-to", 0, OPTION_PATH, 0, NO_RANGE, "a film", "",
                     "the film leads to this one, and ends with it"},
    [OPT_FROM] = {"from", 0, OPTION_PATH, 0, NO_RANGE, "film, folder of PNG files, picture", "",
                  "a film that is drawn anew from its own pictures with noise"},
    [OPT_STRENGTH] = {"strength", 0, OPTION_REAL, 1, 0, 1, NULL, "0 to 1",
                      "0.6; 1 with mask or outpaint",
                      "how much of the film of --from is drawn anew; 1 is all"},
    [OPT_OUTPAINT] = {"outpaint", 0, OPTION_TEXT, 1, NO_RANGE,
                      "LEFT,RIGHT,TOP,BOTTOM in px, or a shape as 16:9", "",
                      "widen the film of --from: what lies around it is drawn, itself stays"},
    [OPT_REFERENCE] = {"reference", 0, OPTION_PATH, 0, NO_RANGE, "PNG, JPEG, WebP, PPM", "",
                       "a picture of what is meant, for VACE models"},
    [OPT_CONTROL] = {"control", 0, OPTION_PATH, 0, NO_RANGE, "film, folder of PNG files, picture",
                     "", "a film that steers what is drawn, for VACE models"},
    [OPT_MASK] = {"mask", 0, OPTION_PATH, 0, NO_RANGE, "film, folder of PNG files, picture", "",
                  "what of the film of --from (or of the control) is drawn anew: white is, black is "
                  "kept to the pixel"},
    [OPT_CONTROL_SCALE] = {"control-scale", 0, OPTION_REAL, 1, 0, 10, NULL, "0 to 10", "1",
                           "how much the control steers"},
    [OPT_OUTPUT] = {"output", 'o', OPTION_PATH, 0, NO_RANGE,
                    "NAME.mp4, .webm, .gif, .y4m, a folder of PNG files, - for y4m on stdout; of one "
                    "frame NAME.png, .jpg, .webp, .ppm",
                    "zoetrope-SEED.mp4", "where the film goes", 1},
    [OPT_OVERWRITE] = {"overwrite", 'y', OPTION_FLAG, 0, NO_RANGE, "", "no",
                       "replace a film that exists", 1},
    [OPT_CRF] = {"crf", 0, OPTION_INT, 1, 0, 51, NULL, "0 to 51", "18",
                 "quality of the mp4: smaller is better and larger", 1},
    [OPT_LOSSLESS] = {"lossless", 0, OPTION_FLAG, 1, NO_RANGE, "", "no",
                      "keep every pixel of the mp4 (few players show it)", 1},
    [OPT_LABEL] = {"label", 0, OPTION_TEXT, 1, NO_RANGE, LABEL_RANGE, "",
                   "words in the lower right corner of every frame that say who made it, 5 % of the "
                   "short side high as GB 45438-2025 wants them; --label alone is zh", 1},
    [OPT_AUDIO] = {"audio", 0, OPTION_PATH, 0, NO_RANGE, "a file with sound, or none", "none",
                   "sound beside the pictures of .mp4 and .webm; it ends with the film or before", 1},
    [OPT_NO_METADATA] = {"no-metadata", 0, OPTION_FLAG, 0, NO_RANGE, "", "no",
                         "leave the recipe out of the film, and with it the label of AI content in its metadata", 1},
    [OPT_JOB] = {"job", 0, OPTION_PATH, 0, NO_RANGE, "a folder, auto or no", "auto",
                 "where the film is kept while it is drawn, to be gone on from after a crash (zoetrope "
                 "resume); auto is OUTPUT.job", 1},
};
/* clang-format on */

void request_init(struct request *r)
{
    memset(r, 0, sizeof(*r));
}

void request_release(struct request *r)
{
    for (int i = 0; i < N_OPTIONS; i++)
        free(r->value[i].text);
    memset(r, 0, sizeof(*r));
}

void request_copy(struct request *out, const struct request *r)
{
    *out = *r;
    for (int i = 0; i < N_OPTIONS; i++)
        if (r->value[i].text)
            out->value[i].text = xstrdup(r->value[i].text);
}

const struct option *option_named(const char *name)
{
    char plain[64];

    snprintf(plain, sizeof plain, "%s", name);
    for (char *c = plain; *c; c++)
        *c = *c == '_' ? '-' : *c;
    for (int i = 0; i < N_OPTIONS; i++)
        if (!strcmp(plain, options[i].name))
            return &options[i];
    return NULL;
}

/* Index of the option, or -1 and e with the nearest name. */
static int find(const char *name, struct err *e)
{
    const struct option *o = option_named(name);
    const char *names[N_OPTIONS];

    if (o)
        return (int)(o - options);
    for (int i = 0; i < N_OPTIONS; i++)
        names[i] = options[i].name;
    const char *near = nearest_name(name, names, N_OPTIONS);
    err_set(e, ERR_USAGE, "no option \"%.60s\"%s%s%s", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    return -1;
}

int parse_size(const char *s, int *w, int *h)
{
    char left[16];
    const char *x = strpbrk(s, "xX*"); /* Wan's own programs and its service write 832*480 */
    int64_t a, b;

    if (!x || (size_t)(x - s) >= sizeof left)
        return -1;
    memcpy(left, s, (size_t)(x - s));
    left[x - s] = 0;
    if (parse_int(left, &a) || parse_int(x + 1, &b) || a < 16 || b < 16 || a > MAX_SIDE ||
        b > MAX_SIDE || a % 2 || b % 2)
        return -1;
    *w = (int)a;
    *h = (int)b;
    return 0;
}

int parse_lines(const char *s, int *lines)
{
    static const struct {
        const char *name;
        int lines;
    } known[] = {{"240p", 240}, {"360p", 360},   {"480p", 480},   {"540p", 540},
                 {"720p", 720}, {"1080p", 1080}, {"1440p", 1440}, {"2160p", 2160},
                 {"std", 720},  {"pro", 1080},   {"4k", 2160}}; /* modes of Kling */

    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(s, known[i].name))
            continue;
        *lines = known[i].lines;
        return 0;
    }
    return -1;
}

/* Into *v. 0, or -1 for a value that the row does not allow. */
static int parse(const struct option *o, struct value *v, const char *s)
{
    const struct shortcut_class *way;
    struct outpaint around;
    int w, h;

    switch (o->kind) {
    case OPTION_INT:
        if (parse_int(s, &v->i) || v->i < (int64_t)o->lo || v->i > (int64_t)o->hi)
            return -1;
        v->r = (double)v->i;
        return 0;
    case OPTION_BYTES:
        return parse_bytes(s, &v->i) || (double)v->i < o->lo || (double)v->i > o->hi ? -1 : 0;
    case OPTION_REAL:
        if (o == &options[OPT_FPS])
            return film_fps_parse(s, &v->r);
        return parse_real(s, &v->r) || !(v->r >= o->lo && v->r <= o->hi) ? -1 : 0;
    case OPTION_FLAG:
        if (parse_yes(s, &w))
            return -1;
        v->i = w;
        return 0;
    case OPTION_CHOICE:
        for (v->i = 0; o->choices[v->i]; v->i++)
            if (!strcmp(o->choices[v->i], s))
                return 0;
        return -1;
    case OPTION_PATH:
        return *s ? 0 : -1;
    case OPTION_TEXT:
        if (o == &options[OPT_CACHE])
            return shortcut_parse(s, &way, &v->r);
        if (o == &options[OPT_EXPAND])
            return strcmp(s, EXPAND_RULES) && strcmp(s, "no") && !expand_is_url(s) ? -1 : 0;
        if (o == &options[OPT_OUTPAINT])
            return outpaint_parse(s, &around);
        if (o == &options[OPT_SIZE])
            return strcmp(s, "native") && parse_lines(s, &w) ? parse_size(s, &w, &h) : 0;
        return strlen(s) <= MAX_TEXT && utf8_valid(s, strlen(s), NULL) ? 0 : -1;
    }
    return -1;
}

static const char *allowed(const struct option *o)
{
    if (o->kind == OPTION_FLAG)
        return "yes or no";
    if (o->kind == OPTION_TEXT && !*o->range)
        return "valid UTF-8 of at most 65536 bytes";
    return o->range;
}

static void unset(struct value *v)
{
    free(v->text);
    *v = (struct value){0};
}

int request_set(struct request *r, const char *name, const char *text, struct err *e)
{
    int i = find(name, e);
    struct value v = {.set = 1};
    struct camera camera;

    if (i < 0 || (i == OPT_CAMERA && camera_parse(&camera, text, e)) ||
        (i == OPT_LABEL && label_check(text, e)))
        return ERR_USAGE;
    if (parse(&options[i], &v, text))
        return err_set(e, ERR_USAGE, "%s \"%.80s\" is not allowed: %s", options[i].name, text,
                       allowed(&options[i]));
    v.text = xstrdup(text);
    unset(&r->value[i]);
    if (i == OPT_SECONDS || i == OPT_FRAMES) /* one length: the later one counts */
        unset(&r->value[i == OPT_SECONDS ? OPT_FRAMES : OPT_SECONDS]);
    r->value[i] = v;
    return 0;
}

void request_set_seen(struct request *r, const char *words)
{
    snprintf(r->picture_words, sizeof r->picture_words, "%s", words);
    r->looked = 1;
}

const char *const request_older_key[N_OLDER] = {
    BUNDLE_OWN_HEIGHT, "picture_in_middle", "film_in_middle", "masks_in_middle",
    "camera_of_seen",  "short_past",        "known_border"};

static int older_of(const char *key)
{
    for (int i = 0; i < N_OLDER; i++)
        if (!strcmp(key, request_older_key[i]))
            return i;
    return -1;
}

int request_set_older(struct request *r, const char *key)
{
    int i = older_of(key);

    if (i >= 0)
        r->older[i] = 1;
    return i >= 0;
}

/* Facts of a recipe that are no options. NULL-sized ones are known and not kept. */
static int set_fact(struct request *r, const char *key, struct jval root)
{
    const struct {
        const char *key;
        char *to;
        size_t size;
    } facts[] = {{"model_hash", r->model_hash, sizeof r->model_hash},
                 {"model_release", r->model_release, sizeof r->model_release},
                 {"latent_hash", r->latent_hash, sizeof r->latent_hash},
                 {"first_frame_hash", r->first_frame_hash, sizeof r->first_frame_hash},
                 {"last_frame_hash", r->last_frame_hash, sizeof r->last_frame_hash},
                 {"control_hash", r->control_hash, sizeof r->control_hash},
                 {"lora_hash", r->lora_hash, sizeof r->lora_hash},
                 {"keys_hash", r->keys_hash, sizeof r->keys_hash},
                 {"sound", r->sound, sizeof r->sound},
                 {REQUEST_SEEN, r->picture_words, sizeof r->picture_words},
                 {"typed_prompt", NULL, 0},
                 {"joins", NULL, 0},
                 {"skipped_evaluations", NULL, 0},
                 {"AIGC", NULL, 0},
                 {"version", NULL, 0}};

    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
        if (strcmp(key, facts[i].key))
            continue;
        if (facts[i].to)
            snprintf(facts[i].to, facts[i].size, "%s", j_string(root, key));
        return 1;
    }
    if (older_of(key) >= 0)
        return 1;
    if (strcmp(key, "noise"))
        return 0;
    if (strcmp(j_string(root, key), "torch-cpu/1"))
        j_fail(root, key, "is \"%.40s\"; this version draws torch-cpu/1", j_string(root, key));
    return 1;
}

/* What anybody's film may say: how it was made, and the name of a model; never a path. */
static int check_recipe_field(const char *key, const char *text, struct err *e)
{
    int i = find(key, e);

    if (i < 0)
        return ERR_FORMAT;
    if (!options[i].recipe && i != OPT_MODEL)
        return err_set(e, ERR_FORMAT, "%s: is no part of a recipe", options[i].name);
    if (i == OPT_BRUSH && *text != '{')
        return err_set(e, ERR_FORMAT, "brush \"%.80s\" is a path; a recipe holds the masks", text);
    if (i == OPT_MODEL && strchr(text, '/'))
        return err_set(e, ERR_FORMAT, "model \"%.80s\" is a path; a recipe holds a name", text);
    return 0;
}

static int set_field(struct request *r, struct jval root, const char *key, int recipe,
                     struct err *e)
{
    struct buf value = BUF_INIT;
    int rc = j_text(root, key, &value);
    const char *text = buf_str(&value);

    if (rc < 0)
        rc = err_set(e, ERR_FORMAT,
                     "%s is a list or an object; a text, a number or true/false is wanted", key);
    else if (!rc && recipe && check_recipe_field(key, text, e))
        rc = e->code = ERR_FORMAT;
    else if (!rc)
        rc = request_set(r, key, text, e);
    if (!rc && recipe)
        r->value[find(key, e)].from_recipe = 1;
    buf_release(&value);
    return rc < 0 && recipe ? (e->code = ERR_FORMAT) : rc < 0 ? rc : 0;
}

static int set_fields(struct request *r, struct jval root, int recipe, struct err *e)
{
    void *it = NULL;
    const char *key;
    struct jval v;
    int rc = 0;

    while (!rc && j_next(root, &it, &key, &v))
        if (strcmp(key, "zoetrope") && (recipe || strcmp(key, "serve")) && !set_fact(r, key, root))
            rc = set_field(r, root, key, recipe, e);
    return rc;
}

/* What films were before there was an option. */
static int set_older(struct request *r, struct jval root, struct err *e)
{
    static const struct {
        enum option_id id;
        const char *value;
    } was[] = {{OPT_INTERPOLATE, "repeat"}, {OPT_GUIDANCE_GIVEN, "1"}, {OPT_STAGGER, "0"},
               {OPT_SHARPEN, "0"},          {OPT_FADE, "0"},           {OPT_PICTURE_DETAIL, "0"}};
    int rc = 0;

    for (int i = 0; i < N_OLDER; i++)
        r->older[i] = !j_has(root, request_older_key[i]);
    for (size_t i = 0; !rc && i < sizeof was / sizeof *was; i++)
        if (!j_has(root, options[was[i].id].name))
            rc = request_set(r, options[was[i].id].name, was[i].value, e);
    return rc;
}

static int set_json(struct request *r, const char *json, size_t len, const char *source, int recipe,
                    struct err *e)
{
    struct jdoc *doc;
    int rc;

    if (len > MAX_JSON)
        return err_set(e, ERR_FORMAT, "%s: larger than %d bytes", source, MAX_JSON);
    rc = jdoc_parse(&doc, json, len, source, e);
    if (rc)
        return rc;
    struct jval root = jdoc_root(doc);
    int64_t version = j_int(root, "zoetrope", 1, INT32_MAX);
    if (version > RECIPE_VERSION)
        j_fail(root, "zoetrope",
               "is version %lld; this program reads version %d, a newer zoetrope "
               "is needed",
               (long long)version, RECIPE_VERSION);
    rc = jdoc_status(doc, e);
    if (!rc && recipe)
        rc = set_older(r, root, e);
    if (!rc) {
        rc = set_fields(r, root, recipe, e);
        if (rc)
            err_prefix(e, "%s", source);
        else
            rc = jdoc_status(doc, e);
    }
    jdoc_close(&doc);
    return rc;
}

int request_set_json(struct request *r, const char *json, size_t len, const char *source,
                     struct err *e)
{
    return set_json(r, json, len, source, 0, e);
}

int request_set_recipe(struct request *r, const char *json, size_t len, const char *source,
                       struct err *e)
{
    return set_json(r, json, len, source, 1, e);
}

const char *request_text(const struct request *r, enum option_id id)
{
    return r->value[id].text ? r->value[id].text : "";
}

int64_t request_int(const struct request *r, enum option_id id, int64_t unset)
{
    return r->value[id].set ? r->value[id].i : unset;
}

double request_real(const struct request *r, enum option_id id, double unset)
{
    return r->value[id].set ? r->value[id].r : unset;
}

int request_flag(const struct request *r, enum option_id id)
{
    return r->value[id].set && r->value[id].i;
}
