#include "world/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rng.h"
#include "world/physics.h"
#include "world/story/world_story.h"

static const struct world *const rows[] = {&world_physics, &world_story};
enum { N_ROWS = sizeof rows / sizeof *rows, MAX_FIELDS = 16, A_THING = 3 /* a score */ };
_Static_assert(sizeof rows / sizeof *rows <= WORLDS_MAX, "a config has room for every world");

#define FNV_OFFSET 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

const struct world *world_at(int i)
{
    return i >= 0 && i < N_ROWS ? rows[i] : NULL;
}

const struct world *world_named(const char *name)
{
    for (int i = 0; i < N_ROWS; i++)
        if (!strcmp(rows[i]->name, name))
            return rows[i];
    return NULL;
}

static uint64_t hash_bytes(uint64_t h, const void *data, size_t n)
{
    for (const unsigned char *p = data; n; n--)
        h = (h ^ *p++) * FNV_PRIME;
    return h;
}

uint64_t world_id(const struct world *w)
{
    return hash_bytes(FNV_OFFSET, w->name, strlen(w->name));
}

const struct world *world_of_id(uint64_t id)
{
    for (int i = 0; i < N_ROWS; i++)
        if (world_id(rows[i]) == id)
            return rows[i];
    return NULL;
}

unsigned world_bit(const struct world *w)
{
    int i = 0;

    while (rows[i] != w)
        ZT_ASSERT(++i < N_ROWS);
    return 1u << i;
}

/* The best of a set, and its score. */
static const struct world *best_of(const char *text, unsigned set, int *most)
{
    const struct world *best = NULL;

    *most = 0;

    for (int i = 0; i < N_ROWS; i++) {
        int score;

        if (!(set >> i & 1) || !rows[i]->score)
            continue;
        score = rows[i]->score(text);
        if (!best || score > *most) {
            best = rows[i];
            *most = score;
        }
    }
    return best;
}

const struct world *world_meant(const char *text, unsigned set)
{
    int most;

    return best_of(text, set, &most);
}

int world_is_said(const char *text, unsigned set)
{
    int most;

    return best_of(text, set, &most) && most >= A_THING;
}

void world_add_word(struct buf *list, const char *word)
{
    size_t n = strlen(word);

    for (const char *at = buf_str(list); (at = strstr(at, word)); at++) {
        if ((at == buf_str(list) || at[-1] == ' ') && (!at[n] || at[n] == ','))
            return; /* shots and what shall not be seen may have the same word */
    }
    buf_puts(list, list->len ? ", " : "");
    buf_puts(list, word);
}

void world_add_forms(struct buf *list, const char *forms)
{
    const char *at = forms, *form;
    int len;

    for (int i = 0; forms && i < 4 && (form = lexicon_next(&at, &len, NULL)); i++)
        buf_printf(list, "%s%.*s", list->len ? ", " : "", len, form);
}

static struct world_part *add_part(struct worlds *w, const struct world *world, double share)
{
    struct world_part *p = &w->part[w->n++];
    memset(p, 0, sizeof *p);
    p->world = world;
    p->share = share;
    return p;
}

void worlds_default(struct worlds *w)
{
    *w = (struct worlds){0};
    world_physics.mix_read(add_part(w, &world_physics, 1)->mix, (struct jval){0});
}

/* The object of one world: its own fields, and "share" beside them. */
static void read_part(struct worlds *w, const struct world *world, struct jval v)
{
    const char *names[MAX_FIELDS] = {"share"};
    int n = 1;
    for (const char *const *f = world->mix_fields; *f; f++) {
        ZT_ASSERT(n < MAX_FIELDS);
        names[n++] = *f;
    }
    j_known(v, names, n);
    world->mix_read(add_part(w, world, j_real_or(v, "share", 0, 1e6, 1))->mix, v);
    if (!(w->part[w->n - 1].share > 0))
        w->n--; /* checked all the same */
}

void worlds_read(struct worlds *w, struct jval clip)
{
    const char *names[N_ROWS];
    if (!j_has(clip, "worlds")) {
        *w = (struct worlds){0};
        world_physics.mix_read(add_part(w, &world_physics, 1)->mix, clip);
        return;
    }
    struct jval v = j_object(clip, "worlds");
    *w = (struct worlds){0};
    for (int i = 0; i < N_ROWS; i++) {
        names[i] = rows[i]->name;
        if (j_has(v, names[i]))
            read_part(w, rows[i], j_object(v, names[i]));
    }
    j_known(v, names, N_ROWS);
    for (const char *const *f = world_physics.mix_fields; *f; f++)
        if (j_has(clip, *f))
            j_fail(clip, *f, "goes into \"worlds\": {\"%s\": {...}} when there is one",
                   world_physics.name);
    if (!w->n)
        j_fail(clip, "worlds", "gives no world a share: nothing would be drawn");
}

void worlds_sample(const struct worlds *w, struct world_scene *s, uint64_t seed, uint64_t i,
                   double aspect)
{
    double share[WORLDS_MAX];
    struct rng r;
    int at = 0;

    rng_init(&r, seed, i);
    uint64_t own = rng_u64(&r);
    for (int k = 0; k < w->n; k++)
        share[k] = w->part[k].share;
    if (w->n > 1)
        at = rng_pick(&r, share, w->n);
    memset(s, 0, sizeof *s);
    s->world = w->part[at].world;
    ZT_ASSERT(s->world->state_bytes <= sizeof s->state);
    s->world->sample(s->state, own, w->part[at].mix, aspect);
}

uint64_t worlds_hash(const struct worlds *w)
{
    const struct world_part *p = w->part;
    struct worlds plain;
    uint64_t h = FNV_OFFSET;

    worlds_default(&plain);
    if (w->n == 1 && p->world == &world_physics) {
        size_t n = world_physics.mix_bytes;
        return memcmp(p->mix, plain.part[0].mix, n) ? hash_bytes(h, p->mix, n) : 0;
    }
    for (; p < w->part + w->n; p++) {
        h = hash_bytes(h, p->world->name, strlen(p->world->name) + 1);
        h = hash_bytes(h, &p->share, sizeof p->share);
        h = hash_bytes(h, p->mix, p->world->mix_bytes);
    }
    return h;
}

size_t worlds_state_bytes(const struct worlds *w)
{
    size_t most = 0;
    for (int i = 0; i < w->n; i++)
        most = w->part[i].world->state_bytes > most ? w->part[i].world->state_bytes : most;
    return most;
}

static int has_word(char *const *words, int n, const char *word)
{
    while (n--)
        if (!strcmp(words[n], word))
            return 1;
    return 0;
}

char **worlds_vocabulary(const struct worlds *w, int *n)
{
    char **all = w->part[0].world->vocabulary(n);

    for (int i = 1; i < w->n; i++) {
        int m;
        char **more = w->part[i].world->vocabulary(&m);
        all = xrealloc(all, sizeof *all * (size_t)(*n + m + 1));
        for (int k = 0; k < m; k++)
            if (!has_word(all, *n, more[k]))
                all[(*n)++] = xstrndup(more[k], strlen(more[k]));
        world_vocabulary_free(&more, m);
    }
    return all;
}
