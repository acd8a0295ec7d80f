/* From text to words with roles. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world/prompt_text.h"
#include "world/story/prompt_inner.h"

enum {
    LONG_WORD = 6, /* letters: shorter words are too near to others to be mended */
    MOST_LETTERS = 32
};

/* Real words one letter away from one of ours. */
static const char real[] =
    "mobster header leader loader render gender tender jacket packet pocket ticket bucket streak "
    "street clouds clouts claude shout shouts castle cattle battle cliffs clinic danger dander "
    "mounts clowns closer closed closes planes plates planet places played plated player prayer "
    "strong stroke stripe string spring strange sitter setter letter litter winter hinter hooter "
    "hunter border rocker rocket locket socket reading heading leading wading walker talker "
    "walled talked balked weaves leaves loaves snowed showed shower flower slower driver diver";

/* Prepositions that begin phrases of the table. */
static const char leading[] =
    "on in at among above atop over amid through across inside up to onto under from with";

static int role_of_physics(int tag)
{
    switch (tag) {
    case SLOT_COLOR:
        return STORY_COLOR;
    case TAG_NOT:
        return STORY_NOT;
    case TAG_AND:
        return STORY_AND;
    case TAG_AT:
    case TAG_FROM:
    case TAG_TO:
    case TAG_AWAY:
    case TAG_BESIDE:
        return STORY_AT;
    case TAG_ONE:
    case TAG_THE:
    case TAG_TWO:
    case TAG_OTHER:
        return STORY_ARTICLE;
    case TAG_HOLD:
    case TAG_STILL:
        return STORY_HOLD;
    case TAG_CLAUSE:
        return STORY_COMMA;
    case SLOT_SPEED:
    case SLOT_SIZE:
    case SLOT_MATERIAL:
    case TAG_SKIP:
    case TAG_IT:
    case TAG_IS:
    case TAG_LIKE:
    case TAG_VIEWER:
    case TAG_LIGHT:
    case TAG_FLOOR:
    case TAG_FRONT:
    case TAG_BACK:
    case TAG_MIDDLE:
    case TAG_COME:
    case TAG_LEAVE:
    case TAG_BY:
    case TAG_BA:
    case TAG_CAMERA:
        return STORY_SKIP;
    default:
        return STORY_UNKNOWN;
    }
}

/* The row with the longest form at i, *rank of it; NULL when there is none. */
static const struct story_row *look_up(const struct text *t, int i, enum lang lang, int *rank,
                                       int *end)
{
    const struct story_row *found = NULL, *row;

    *rank = 0;
    for (int k = 0; (row = story_row(k)); k++) {
        int better = text_best_form(t, i, lang, row->form[lang], *rank, end);

        if (better > *rank)
            found = row;
        *rank = better;
    }
    return found;
}

/* A word of physics must not swallow the beginning of one of ours. */
static int cut_han(const struct text *t, int i, int end)
{
    for (int k = i + 1; k < end; k++) {
        int rank, stop;
        const struct story_row *row = look_up(t, k, LANG_ZH, &rank, &stop);

        if (row && row->role != STORY_SKIP && stop > end)
            return k;
    }
    return end;
}

static int read_physics(const struct text *t, int i, struct story_token *k, int our_rank)
{
    const struct lexicon_entry *e;
    int end = text_look_up(t, i, k->lang, &e), rank = 0, n = end - i, hint;

    if (!e)
        return 0;
    if (our_rank) { /* only a colour with a longer name is more than what we know */
        rank = text_best_form(t, i, k->lang, e->form[k->lang], 0, &n);
        if (e->tag != SLOT_COLOR || rank <= our_rank)
            return 0;
    }
    k->role = role_of_physics(e->tag);
    k->value = e->value & ((1 << PROMPT_HINT_SHIFT) - 1);
    hint = e->value >> PROMPT_HINT_SHIFT;
    if (e->tag == SLOT_FLOOR && hint) { /* "grey" is a floor there, and the nearest colour */
        k->role = STORY_COLOR;
        k->value = hint;
    }
    k->near = k->role == STORY_COLOR && hint;
    return k->lang == LANG_ZH && k->role != STORY_COLOR ? cut_han(t, i, end) : end;
}

static int read_token(const struct text *t, int i, struct story_token *k)
{
    int rank, end = i, other, mixed_rank, mixed_end = i;
    const struct story_row *row = look_up(t, i, k->lang, &rank, &end), *mixed = NULL;

    if (k->lang == LANG_EN) /* 3d动画, 10岁 */
        mixed = look_up(t, i, LANG_ZH, &mixed_rank, &mixed_end);
    if (mixed && mixed_end > end) {
        row = mixed;
        end = mixed_end;
        rank = mixed_rank;
    }
    other = read_physics(t, i, k, rank);
    if (other)
        return other;
    if (row) {
        k->row = row;
        k->role = row->role;
    } else if (k->lang == LANG_ZH) {
        end = i + 1;
    } else {
        end = text_word_end(t, i);
        if (text_is_number(t, i, end) || text_is_measure(t, i, end))
            k->role = STORY_SKIP;
    }
    k->led = k->lang == LANG_EN && text_is_listed(t, i, text_word_end(t, i), leading);
    return end;
}

/* ---- slips of one letter in long words ---- */

/* Is the word one of a phrase, ours or of physics? */
static int is_known(const struct text *t, int i, int end)
{
    const struct story_row *row;
    const struct lexicon_entry *e;

    for (int k = 0; (row = story_row(k)); k++) {
        const char *word = row->form[LANG_EN];

        while (*word) {
            int n = (int)strcspn(word, " |");

            if (n && text_same_word(t, i, end, word, n))
                return 1;
            word += n + (word[n] != 0);
        }
    }
    return text_look_up(t, i, LANG_EN, &e) >= end && e;
}

/* The nearest word that states something. */
static const char *nearest(const struct text *t, int i, int end, int *found_n)
{
    const struct story_row *row;
    const char *found = NULL;
    int best = 0;

    for (int k = 0; (row = story_row(k)); k++) {
        const char *word = row->role <= STORY_SUIT ? row->form[LANG_EN] : "";

        while (*word) {
            int n = (int)strcspn(word, " |");
            int like = n >= LONG_WORD - 1 && n <= MOST_LETTERS
                           ? text_likeness(t->cp + i, end - i, word, n)
                           : 0;

            if (like > best) {
                best = like;
                found = word;
                *found_n = n;
            }
            word += n + (word[n] != 0);
        }
    }
    return found;
}

static void mend(struct text *t)
{
    for (int i = 0; i < t->n; i++) {
        int end = text_word_end(t, i), n = 0;
        uint32_t cp[MOST_LETTERS];
        const char *word = NULL;

        if (end - i >= LONG_WORD && !text_is_listed(t, i, end, real) && !is_known(t, i, end))
            word = nearest(t, i, end, &n);
        for (int k = 0; k < n; k++)
            cp[k] = (uint32_t)(unsigned char)word[k];
        if (word)
            text_replace(t, i, end, cp, n);
        end = text_word_end(t, i);
        i = end > i ? end : i;
    }
}

static int role_of_sign(uint32_t cp)
{
    int tag = text_separator(cp);

    return tag == TOKEN_STOP ? STORY_STOP : tag == TOKEN_COMMA ? STORY_COMMA : -1;
}

void story_prompt_words(const char *s, struct story_reading *r)
{
    struct text *t = xmalloc(sizeof *t);

    text_decode(s, t);
    for (int i = 0; i < t->n; i++)
        t->cp[i] = t->cp[i] == '\'' ? ' ' : story_simplified(t->cp[i]);
    mend(t);
    r->n = 0;
    for (int i = 0; i < t->n && r->n < READING_MAX_WORDS;) {
        struct story_token k = {.role = STORY_UNKNOWN,
                                .lang = text_is_han(t->cp[i]) ? LANG_ZH : LANG_EN};
        struct story_token *last = r->n ? &r->t[r->n - 1] : NULL;
        int end = i + 1;

        if (text_is_latin(t->cp[i]) || text_is_han(t->cp[i]))
            end = read_token(t, i, &k);
        else
            k.role = role_of_sign(t->cp[i]);
        k.at = t->at[i];
        k.bytes = t->at[end] - t->at[i];
        i = end;
        if (k.role < 0)
            continue;
        if (k.role == STORY_UNKNOWN && k.lang == LANG_ZH && last && last->role == STORY_UNKNOWN &&
            last->lang == LANG_ZH && last->at + last->bytes == k.at)
            last->bytes += k.bytes; /* unknown characters in a row are one word */
        else
            r->t[r->n++] = k;
    }
    free(t);
}
