/* plan_keys.c - what of a film is known beside its first frame: pictures at its end and between,
 * films before and behind it, an end that is its beginning. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"
#include "format/json.h"
#include "generate/plan_inner.h"

enum {
    MOST_KEYS = 256,
    TAUGHT = 4 /* latent frames of the past that networks of ours are given at most */
};

/* ---- films before and behind ---- */

static int load_film(struct film *f, const struct request *r, enum option_id id, struct err *e)
{
    int rc = r->value[id].set ? film_read(f, request_text(r, id), NULL, e) : 0;

    if (!rc && f->n && f->fps_num < 1)
        f->fps_num = 8;
    return rc;
}

static double rate_of(const struct film *f)
{
    return (double)f->fps_num / f->fps_den;
}

/* Frame of f that is `back` frames of `rate` per second before its last one; -1: before its first.
 */
static int frame_back(const struct film *f, int back, double rate)
{
    return (int)(f->n - 1 - floor(back * rate_of(f) / rate + 0.5));
}

static int is_set(const struct request *r, enum option_id id)
{
    return id == OPT_LOOP ? request_flag(r, id)
                          : r->value[id].set || (id == OPT_FIRST_FRAME && r->picture[0]) ||
                                (id == OPT_LAST_FRAME && r->picture[1]);
}

static int check_use(const struct plan *p, const struct request *r, struct err *e)
{
    static const enum option_id ours[] = {OPT_KEY_FRAME, OPT_LOOP, OPT_EXTEND, OPT_LEAD_TO};
    static const enum option_id apart[][2] = {
        {OPT_EXTEND, OPT_FIRST_FRAME}, {OPT_EXTEND, OPT_LOOP},     {OPT_LEAD_TO, OPT_LOOP},
        {OPT_LEAD_TO, OPT_LAST_FRAME}, {OPT_LOOP, OPT_LAST_FRAME}, {OPT_SHOTS, OPT_LAST_FRAME},
        {OPT_SHOTS, OPT_KEY_FRAME},    {OPT_SHOTS, OPT_LOOP},      {OPT_SHOTS, OPT_EXTEND},
        {OPT_SHOTS, OPT_LEAD_TO},      {OPT_SHOTS, OPT_FROM},      {OPT_EXTEND, OPT_FROM},
        {OPT_LEAD_TO, OPT_FROM},       {OPT_LOOP, OPT_FROM},       {OPT_CACHE, OPT_FROM}};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (is_set(r, ours[i]) && (!p->info.own_times || p->info.diffusers))
            return err_set(e, ERR_USAGE,
                           "%s: only models that were trained by zoetrope can; \"%s\" was not",
                           options[ours[i]].name, p->info.name);
    if (is_set(r, OPT_FROM) &&
        (p->dit.in_channels > p->dit.out_channels || (p->dit.n_controls && !plan_wants_region(r))))
        return err_set(e, ERR_USAGE, "from: \"%s\" reads its films in another way", p->info.name);
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        if (is_set(r, apart[i][0]) && is_set(r, apart[i][1]))
            return err_set(e, ERR_USAGE, "%s: not together with %s", options[apart[i][1]].name,
                           options[apart[i][0]].name);
    return 0;
}

static const struct film *main_film(const struct plan *p)
{
    return p->source.n ? &p->source : p->before.n ? &p->before : &p->behind;
}

static void put_film_frame(const struct plan *p, uint8_t *to, const struct film *f, int i)
{
    const uint8_t *rgb = f->rgb + (size_t)i * (size_t)f->w * (size_t)f->h * 3;
    int whole = p->region.n > 0; /* each px has to come back to where it was */

    plan_cover(p, to, rgb, f->w, f->h, whole);
}

void plan_next_frame(const struct plan *p, uint8_t *rgb)
{
    if (p->before.n)
        put_film_frame(p, rgb, &p->before, p->before.n - 1);
    else
        put_film_frame(p, rgb, &p->behind, 0);
}

/* The words of the shot that meets what is drawn; NULL: this is no film of shots. */
static char *shot_words(const char *shots, int last)
{
    struct jdoc *doc;
    char *words = NULL;

    if (!*shots || jdoc_parse(&doc, shots, strlen(shots), "shots", NULL))
        return NULL;
    int n = j_len(jdoc_root(doc));
    if (n)
        words = xstrdup(j_string_or(j_at_object(jdoc_root(doc), last ? n - 1 : 0), "prompt", ""));
    jdoc_close(&doc);
    return words;
}

/* What a film of ours says of itself: its words, and the seed with which they were read. */
static void read_recipe(void *arg, struct jval root)
{
    struct plan *p = arg;
    const char *prompt = j_string_or(root, "prompt", "");

    p->typed = *prompt ? xstrdup(prompt) : NULL;
    if (!p->typed && !p->source.n)
        p->typed = shot_words(j_string_or(root, "shots", ""), p->before.n > 0);
    p->reading_seed = (uint64_t)j_int_or(root, "seed", 0, INT64_C(1) << 53, 0);
    p->own_reading = j_has(root, "seed");
    if (p->own_reading && (p->typed || !p->source.n)) /* a source of many shots is looked at */
        p->seen = xstrdup(j_string_or(root, REQUEST_SEEN, ""));
}

static void look_into(struct plan *p, const struct film *f)
{
    struct jdoc *doc;

    if (!f->comment || jdoc_parse(&doc, f->comment, strlen(f->comment), "recipe", NULL))
        return;
    read_recipe(p, jdoc_root(doc));
    jdoc_close(&doc);
}

int plan_films_load(struct plan *p, const struct request *r, struct err *e)
{
    int rc = check_use(p, r, e), groups;

    if (!rc)
        rc = load_film(&p->before, r, OPT_EXTEND, e);
    if (!rc)
        rc = load_film(&p->behind, r, OPT_LEAD_TO, e);
    if (!rc)
        rc = load_film(&p->source, r, OPT_FROM, e);
    if (!rc)
        rc = plan_region_settle(p, r, e);
    if (rc)
        return rc;
    p->strength = request_real(r, OPT_STRENGTH, p->region.n ? 1 : 0.6);
    look_into(p, main_film(p));
    p->loop = request_flag(r, OPT_LOOP);
    for (groups = TAUGHT - 1; p->before.n && groups > 0; groups--)
        if (frame_back(&p->before, groups * p->codec.kt, p->info.frame_rate) >= 0)
            break;
    p->skip = p->before.n ? 1 + groups * p->codec.kt : 0;
    return 0;
}

/* Drawn frames that the source has. */
int plan_source_frames(const struct plan *p)
{
    return (int)floor((p->source.n - 1) * p->info.frame_rate / rate_of(&p->source)) + 1;
}

int plan_source_index(const struct plan *p, int i, double rate)
{
    int k = (int)floor(i * rate_of(&p->source) / rate + 0.5);

    return k < p->source.n ? k : p->source.n - 1;
}

void plan_source_frame(const struct plan *p, int i, uint8_t *rgb)
{
    put_film_frame(p, rgb, &p->source, plan_source_index(p, i, p->info.frame_rate));
}

int plan_source_is_mixed(const struct plan *p)
{
    return p->source.n && !p->dit.n_controls;
}

double plan_films_rate(const struct plan *p, double otherwise)
{
    const struct film *f = main_film(p);

    return f->n ? fmin(fmax(rate_of(f), 1), 240) : otherwise;
}

int plan_given_frames(const struct plan *p, const struct film *f)
{
    return f->n ? (int)floor((f->n - 1) * p->fps / rate_of(f) + 1e-6) + 1 : 0;
}

double plan_given_moment(const struct plan *p, const struct film *f, int k)
{
    double step = rate_of(f) / p->fps;

    return f == &p->before ? f->n - 1 - (p->n_before - 1 - k) * step : k * step;
}

int plan_films_size(struct plan *p)
{
    const struct film *f = main_film(p);

    p->film_w = f->w & ~1;
    p->film_h = f->h & ~1;
    return p->film_w >= 16 && p->film_h >= 16;
}

/* ---- keys ---- */

static struct plan_key *add_key(struct plan *p, int latent, int n)
{
    struct plan_key *k;

    p->key = xrealloc(p->key, (size_t)(p->n_keys + 1) * sizeof *p->key);
    k = &p->key[p->n_keys++];
    *k = (struct plan_key){latent, n, NULL};
    k->rgb = xmalloc((size_t)n * (size_t)p->w * (size_t)p->h * 3);
    return k;
}

static void key_films(struct plan *p)
{
    size_t frame = (size_t)p->w * (size_t)p->h * 3;

    if (p->before.n) {
        struct plan_key *k = add_key(p, 0, p->skip);

        for (int i = 0; i < p->skip; i++)
            put_film_frame(p, k->rgb + frame * (size_t)i, &p->before,
                           frame_back(&p->before, p->skip - 1 - i, p->info.frame_rate));
    }
    if (p->behind.n)
        put_film_frame(p, add_key(p, p->t - 1, 1)->rgb, &p->behind, 0);
}

/* One latent frame shows one picture; the later of two would be lost or win by its place. */
static int check_place(const struct plan *p, int latent, double at, struct err *e)
{
    for (int i = 0; i < p->n_keys; i++)
        if (p->key[i].latent == latent && p->key[i].n == 1)
            return err_set(e, ERR_USAGE, "key-frame: another picture is within %g s of %g s",
                           p->codec.kt / p->info.frame_rate, at);
    return 0;
}

/* "2.5:picture.png" of n bytes. */
static int key_picture(struct plan *p, const char *s, size_t n, struct err *e)
{
    char *text = xstrndup(s, n), *colon = strchr(text, ':');
    struct picture x = {0};
    double at = -1, most;
    int rc = 0, latent = 0;

    if (colon)
        *colon = 0;
    most = (p->n_frames - p->skip) / p->info.frame_rate;
    if (!colon || parse_real(text, &at) || !(at > 0 && at < most) || !colon[1])
        rc = err_set(e, ERR_USAGE,
                     "key-frame \"%.*s\": SECONDS:FILE is wanted, above 0 and below %g", (int)n, s,
                     most);
    if (!rc)
        rc = picture_load(&x, colon + 1, e);
    if (!rc) {
        latent = codec_latents(&p->codec, p->skip + (int)floor(at * p->info.frame_rate) + 1) - 1;
        rc = check_place(p, latent, at, e);
    }
    if (!rc) {
        uint8_t *rgb = plan_fit_picture(p, &x, 0);
        struct plan_key *k = add_key(p, latent, 1);

        memcpy(k->rgb, rgb, (size_t)p->w * (size_t)p->h * 3);
        free(rgb);
    }
    picture_release(&x);
    free(text);
    return rc;
}

static int key_pictures(struct plan *p, const char *list, struct err *e)
{
    int rc = 0, n = 0;

    while (!rc && *list) {
        size_t len = strcspn(list, ",");

        rc = n++ < MOST_KEYS ? key_picture(p, list, len, e)
                             : err_set(e, ERR_USAGE, "key-frame: more than %d", MOST_KEYS);
        list += len + (list[len] == ',');
    }
    return rc;
}

static void hash_number(struct sha256 *h, int64_t v)
{
    uint8_t b[8];

    for (int i = 0; i < 8; i++)
        b[i] = (uint8_t)((uint64_t)v >> 8 * i);
    sha256_add(h, b, sizeof b);
}

static void hash_film(struct sha256 *h, const struct film *f)
{
    hash_number(h, f->n);
    hash_number(h, f->w);
    if (f->n)
        sha256_add(h, f->rgb, (size_t)f->n * (size_t)f->w * (size_t)f->h * 3);
}

/* Of everything that is known and is not part of a recipe, but for the two ends, which have hashes
 * of their own. */
static void hash_keys(struct plan *p)
{
    struct sha256 h;

    sha256_init(&h);
    for (int i = 0; i < p->n_keys; i++) {
        hash_number(&h, p->key[i].latent);
        sha256_add(&h, p->key[i].rgb, (size_t)p->key[i].n * (size_t)p->w * (size_t)p->h * 3);
    }
    hash_film(&h, &p->before);
    hash_film(&h, &p->behind);
    hash_film(&h, &p->source);
    if (p->region.n)
        sha256_add(&h, p->region.drawn,
                   (size_t)p->region.n * (size_t)p->region.w * (size_t)p->region.h);
    sha256_hex(&h, p->keys_hash);
}

/* What the networks of ours were taught with: the first frame, the last with it, and a past. */
static void note_taught(struct plan *p, int last, int pictures)
{
    if (pictures)
        plan_note(p, xstrdup("the model was not taught with pictures inside a film: it may jump to "
                             "a key-frame and away from it"));
    if ((last || p->behind.n) && (!p->first.rgb || plan_windows(p) > 1))
        plan_note(p, xstrdup("the model was taught to end with a picture in films of one window "
                             "that also begin with one; elsewhere it may jump to the last frame"));
}

static int begin_with_film(struct plan *p, struct err *e)
{
    const struct film *f = &p->before;
    size_t frame = (size_t)f->w * (size_t)f->h * 3;

    return plan_begin_with(p, f->rgb + frame * (size_t)(f->n - 1), f->w, f->h, e);
}

int plan_keys_settle(struct plan *p, const struct request *r, struct err *e)
{
    const char *list = request_text(r, OPT_KEY_FRAME);
    size_t frame = (size_t)p->w * (size_t)p->h * 3;
    int last = p->last.rgb && p->info.own_times && !p->dit.n_controls, rc;

    key_films(p);
    rc = key_pictures(p, list, e);
    if (!rc && p->before.n)
        rc = begin_with_film(p, e);
    if (rc)
        return rc;
    if (p->n_keys || p->source.n)
        hash_keys(p);
    if (*r->keys_hash && strcmp(r->keys_hash, p->keys_hash))
        return err_set(e, ERR_USAGE,
                       "this recipe was made with key-frame, extend, lead-to, from or mask; give "
                       "the same files again");
    if (last)
        memcpy(add_key(p, p->t - 1, 1)->rgb, p->last.rgb, frame);
    if (p->loop && p->first.rgb)
        memcpy(add_key(p, p->t - 1, 1)->rgb, p->first.rgb, frame);
    note_taught(p, last, *list != 0);
    return 0;
}

void plan_keys_release(struct plan *p)
{
    for (int i = 0; i < p->n_keys; i++)
        free(p->key[i].rgb);
    free(p->key);
    free(p->typed);
    film_release(&p->before);
    film_release(&p->behind);
    film_release(&p->source);
    region_release(&p->region);
}
