#include "generate/camera.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "format/json.h"

enum { MAX_PART = 64 };

static const char *const AXES[N_AXES] = {"horizontal", "vertical", "pan", "tilt", "roll", "zoom"};

/* THE table of moves. names: as people say it, "|" between; the first one is how it is said again.
 * signs: of horizontal, vertical, pan, tilt, roll, zoom. */
static const struct move {
    const char *names;
    double sign[N_AXES];
    const char *word, *phrase;
} MOVES[] = {
    {"pan left|左摇|向左摇", {0, 0, -1}, "panleft", "the camera pans left"},
    {"pan right|右摇|向右摇", {0, 0, 1}, "panright", "the camera pans right"},
    {"tilt up|pan up|上摇|向上摇", {0, 0, 0, 1}, "tiltup", "the camera tilts up"},
    {"tilt down|pan down|下摇|向下摇", {0, 0, 0, -1}, "tiltdown", "the camera tilts down"},
    {"truck left|move left|left|左移", {-1}, "panleft", "the camera moves to the left"},
    {"truck right|move right|right|右移", {1}, "panright", "the camera moves to the right"},
    {"crane up|pedestal up|move up|up|上移", {0, 1}, "tiltup", "the camera rises"},
    {"crane down|pedestal down|move down|down|下移", {0, -1}, "tiltdown", "the camera descends"},
    {"roll right|roll clockwise|roll cw|rotate cw|rotate clockwise|顺时针旋转",
     {[AXIS_ROLL] = 1},
     "roll",
     "the camera rolls clockwise"},
    {"roll left|roll counterclockwise|roll anticlockwise|roll ccw|rotate ccw|rotate "
     "counterclockwise|逆时针旋转",
     {[AXIS_ROLL] = -1},
     "roll",
     "the camera rolls counterclockwise"},
    {"zoom in|拉近", {[AXIS_ZOOM] = -1}, "zoomin", "the camera zooms in"},
    {"zoom out|拉远", {[AXIS_ZOOM] = 1}, "zoomout", "the camera zooms out"},
    {"dolly in|push in|move forward|forward|推近",
     {[AXIS_ZOOM] = -1},
     "dollyin",
     "the camera pushes in"},
    {"dolly out|pull back|pull out|move back|move backward|backward|后退",
     {[AXIS_ZOOM] = 1},
     "dollyout",
     "the camera pulls back"},
    {"orbit left|arc left|左环绕", {0}, "orbitleft", "the camera orbits to the left"},
    {"orbit right|arc right|右环绕", {0}, "orbitright", "the camera orbits to the right"},
    {"drone|aerial|航拍", {0}, "drone", "drone view"},
    {"static|fixed|still|固定", {0}, "static", "static camera"},
    {"down_back", {0, -1, 0, 0, 0, 1}, "dollyout", "the camera descends and pulls back"},
    {"forward_up", {0, 1, 0, 0, 0, -1}, "dollyin", "the camera pushes in and rises"},
    {"right_turn_forward",
     {0, 0, 1, 0, 0, -1},
     "panright",
     "the camera turns right and moves forward"},
    {"left_turn_forward",
     {0, 0, -1, 0, 0, -1},
     "panleft",
     "the camera turns left and moves forward"},
};
enum { N_MOVES = sizeof MOVES / sizeof *MOVES };

/* The move that the text begins with, and how long its name is; the longest name counts. */
static const struct move *move_of(const char *text, size_t *len)
{
    const struct move *found = NULL;

    *len = 0;
    for (int i = 0; i < N_MOVES; i++)
        for (const char *name = MOVES[i].names; *name;) {
            size_t n = strcspn(name, "|");

            if (n > *len && !strncmp(text, name, n) && strchr(" ,", text[n])) {
                found = &MOVES[i];
                *len = n;
            }
            name += n + (name[n] == '|');
        }
    return found;
}

static int axis_of(const char *text, size_t *len)
{
    for (int i = 0; i < N_AXES; i++) {
        *len = strlen(AXES[i]);
        if (!strncmp(text, AXES[i], *len) && strchr(" ,", text[*len]))
            return i;
    }
    return -1;
}

static const char *skip_blank(const char *s)
{
    return s + strspn(s, " ");
}

/* Lower case of ASCII, without blanks at both ends. */
static void tidy(char out[MAX_PART], const char *from, size_t n)
{
    size_t k = 0;

    while (n && *from == ' ')
        from++, n--;
    for (; k < n && k + 1 < MAX_PART; k++)
        out[k] = (char)(from[k] >= 'A' && from[k] <= 'Z' ? from[k] + 32 : from[k]);
    while (k && out[k - 1] == ' ')
        k--;
    out[k] = 0;
}

/* Where the first part ends; *gap: bytes of what stands before the next, 0 behind the last. */
static size_t part_end(const char *text, size_t *gap)
{
    static const char *const GAPS[] = {",", ";", " and ", "，", "、", "；"};
    size_t n = strlen(text);

    *gap = 0;
    for (size_t i = 0; i < sizeof GAPS / sizeof *GAPS; i++) {
        const char *at = strstr(text, GAPS[i]);

        if (at && (size_t)(at - text) < n) {
            n = (size_t)(at - text);
            *gap = strlen(GAPS[i]);
        }
    }
    return n;
}

/* What the largest part of the film's camera is called: of moves along axes, and of others. */
struct most {
    double size;
    const struct move *move, *other;
};

static int add_axis(struct camera *c, int axis, double v, struct err *e)
{
    if (c->axis[axis] != 0)
        return err_set(e, ERR_USAGE, "camera: %s is said twice", AXES[axis]);
    c->axis[axis] = v;
    return 0;
}

/* The row that moves along this axis alone, to this side. */
static const struct move *move_along(int axis, double v)
{
    for (int i = 0; i < N_MOVES; i++) {
        int others = 0;

        for (int k = 0; k < N_AXES; k++)
            others += k != axis && MOVES[i].sign[k] != 0;
        if (!others && MOVES[i].sign[axis] * v > 0)
            return &MOVES[i];
    }
    return NULL;
}

static int is_along(const struct move *m)
{
    for (int k = 0; k < N_AXES; k++)
        if (m->sign[k] != 0)
            return 1;
    return 0;
}

static int is_static(const struct move *m)
{
    return !strcmp(m->word, "static");
}

static void add_phrase(struct camera *c, const char *phrase)
{
    size_t n = strlen(c->phrase);

    if (n + strlen(phrase) + 3 < sizeof c->phrase)
        snprintf(c->phrase + n, sizeof c->phrase - n, "%s%s", n ? ", " : "", phrase);
}

/* One part: a move and how much of it, or an axis and a number. */
static int add_part(struct camera *c, const char *part, struct most *most, struct err *e)
{
    size_t len;
    const struct move *m = move_of(part, &len);
    int axis = m ? -1 : axis_of(part, &len), rc = 0;
    double v = CAMERA_USUAL;
    const char *number = m || axis >= 0 ? skip_blank(part + len) : "";
    int no_number = *number && parse_real(number, &v);

    if (!m && (axis < 0 || no_number))
        return err_set(
            e, ERR_USAGE,
            "camera: \"%s\" is not known; pan or truck left/right, tilt or crane "
            "up/down, roll cw/ccw, zoom or dolly in/out, orbit left/right, drone, static, "
            "down_back, forward_up, right_turn_forward, left_turn_forward, with a number "
            "to 10 behind it",
            part);
    if (axis >= 0 && !*number)
        return err_set(e, ERR_USAGE, "camera: %s wants a number from -10 to 10", AXES[axis]);
    if (no_number || !(fabs(v) <= CAMERA_MOST) || (m && v < 0))
        return err_set(e, ERR_USAGE, "camera: \"%s\": %s to 10 is allowed", part,
                       m ? "a number from 0" : "a number from -10");
    for (int k = 0; m && !rc && k < N_AXES; k++)
        if (m->sign[k] != 0)
            rc = add_axis(c, k, m->sign[k] * v, e);
    if (!m)
        rc = add_axis(c, axis, v, e);
    if (!m && v != 0)
        m = move_along(axis, v);
    if (m && v == 0) { /* nothing of a move */
        size_t len_static;

        m = move_of("static", &len_static);
        most->other = most->other ? most->other : m;
        return rc;
    }
    if (m)
        add_phrase(c, m->phrase);
    if (m && !is_along(m) && (!most->other || is_static(most->other)))
        most->other = m;
    else if (m && is_along(m) && fabs(v) > most->size)
        most->size = fabs(v), most->move = m;
    return rc;
}

static int parse_words(struct camera *c, const char *text, struct most *most, struct err *e)
{
    int rc = 0, still = 0, parts = 0;

    while (!rc) {
        size_t gap, len, n = part_end(text, &gap);
        char part[MAX_PART];

        tidy(part, text, n);
        rc = add_part(c, part, most, e);
        parts++;
        still += !rc && move_of(part, &len) && is_static(move_of(part, &len));
        if (!gap)
            break;
        text += n + gap;
    }
    return !rc && still && parts > 1
               ? err_set(e, ERR_USAGE, "camera: static goes with no move; leave one of them out")
               : rc;
}

/* As Kling's clients write it. */
static int parse_json(struct camera *c, const char *text, struct most *most, struct err *e)
{
    struct jdoc *doc;
    int n = 0, rc = jdoc_parse(&doc, text, strlen(text), "camera", e);
    char part[MAX_PART];

    if (rc)
        return e->code = ERR_USAGE;
    struct jval root = jdoc_root(doc), config = j_get(root, "config");
    const char *type = j_string(root, "type");
    if (!strcmp(type, "simple")) {
        for (int i = 0; i < N_AXES; i++) {
            double v = j_real_or(config, AXES[i], -CAMERA_MOST, CAMERA_MOST, 0);

            n += v != 0;
            if (v != 0)
                snprintf(part, sizeof part, "%s %.17g", AXES[i], v);
        }
        if (n != 1)
            j_fail(root, "config",
                   "exactly one of horizontal, vertical, pan, tilt, roll and zoom "
                   "is not 0");
    } else {
        tidy(part, type, strlen(type));
        if (!strchr(part, '_'))
            j_fail(root, "type",
                   "simple, down_back, forward_up, right_turn_forward or "
                   "left_turn_forward");
        if (j_has(root, "config"))
            j_fail(root, "config", "belongs to simple alone");
    }
    rc = jdoc_status(doc, e);
    e->code = rc ? ERR_USAGE : 0;
    if (!rc)
        rc = add_part(c, part, most, e);
    jdoc_close(&doc);
    return rc ? ERR_USAGE : 0;
}

int camera_parse(struct camera *c, const char *text, struct err *e)
{
    struct most most = {-1, NULL, NULL};
    int rc;

    *c = (struct camera){0};
    text = skip_blank(text);
    if (!*text || !strcmp(text, "none"))
        return 0;
    rc = *text == '{' ? parse_json(c, text, &most, e) : parse_words(c, text, &most, e);
    if (rc)
        return rc;
    c->word = most.move ? most.move->word : most.other ? most.other->word : NULL;
    if (most.move && most.other && !is_static(most.other))
        c->aside = most.other->word;
    if (!*c->phrase && most.other) /* all parts were of nothing */
        add_phrase(c, most.other->phrase);
    return 0;
}

int camera_knows(const char *text)
{
    char part[MAX_PART];
    size_t len;

    text = skip_blank(text);
    tidy(part, text, part_end(text, &len));
    return *text == '{' || !strcmp(part, "none") || move_of(part, &len) || axis_of(part, &len) >= 0;
}

int camera_moves(const struct camera *c)
{
    for (int i = 0; i < N_AXES; i++)
        if (c->axis[i] != 0)
            return 1;
    return 0;
}

int camera_asked(const struct camera *c)
{
    return *c->phrase != 0;
}

struct camera_rate camera_rate_of(const struct camera *c)
{
    const double *a = c->axis, per_s = 1 / CAMERA_SPAN_S;

    return (struct camera_rate){
        .pan = (a[AXIS_HORIZONTAL] + a[AXIS_PAN]) * CAMERA_SHIFT * per_s,
        .tilt = (a[AXIS_VERTICAL] + a[AXIS_TILT]) * CAMERA_SHIFT * per_s,
        .zoom = a[AXIS_ZOOM] * CAMERA_GROWTH * per_s,
        .roll = a[AXIS_ROLL] * CAMERA_TURN * per_s,
    };
}

/* Between the rows of "static" and those of a word the camera of the shipped model stands until
 * nearly half of the way, and beyond the word it hardly goes faster (measured: doc/MEASURES.md). */
static double weight_of(double amount)
{
    static const double at[][2] = {{0, 0.4},  {1, 0.55}, {2, 0.63},         {3, 0.68},
                                   {4, 0.76}, {5, 1},    {CAMERA_MOST, 1.6}};
    size_t i = 1;

    while (amount > at[i][0] && i + 1 < sizeof at / sizeof *at)
        i++;
    return at[i - 1][1] +
           (amount - at[i - 1][0]) / (at[i][0] - at[i - 1][0]) * (at[i][1] - at[i - 1][1]);
}

struct camera_words camera_words_of(const struct camera *c)
{
    static const char *const words[][2] = {
        {"panleft", "panright"}, {"tiltdown", "tiltup"}, {"zoomin", "zoomout"}, {"roll", "roll"}};
    const double *a = c->axis;
    const double amount[] = {a[AXIS_HORIZONTAL] + a[AXIS_PAN], a[AXIS_VERTICAL] + a[AXIS_TILT],
                             a[AXIS_ZOOM], a[AXIS_ROLL]};
    struct camera_words out = {0};

    for (int i = 0; i < 4; i++) {
        if (amount[i] == 0)
            continue;
        int at = out.n++, more = amount[i] > 0;
        out.word[at] = words[i][more];
        out.weight[at] = weight_of(fabs(amount[i]));
    }
    return out;
}

void camera_say(const struct camera *c, struct buf *out)
{
    size_t begin = out->len;

    for (int i = 0; i < N_AXES; i++) {
        const struct move *m = c->axis[i] != 0 ? move_along(i, c->axis[i]) : NULL;

        if (m)
            buf_printf(out, "%s%.*s %g", out->len > begin ? ", " : "", (int)strcspn(m->names, "|"),
                       m->names, fabs(c->axis[i]));
    }
    for (int i = 0; i < N_MOVES && out->len == begin; i++)
        if (!strcmp(MOVES[i].phrase, c->phrase))
            buf_printf(out, "%.*s", (int)strcspn(MOVES[i].names, "|"), MOVES[i].names);
}
