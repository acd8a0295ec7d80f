/* Words as they were meant: "redball" is two words, "rigth" is a slip. Only words that no table
 * knows are touched. */
#include <string.h>

#include "world/prompt_text.h"

enum { MAX_PARTS = 4, MAX_WORD = 24 };

/* What a run of letters is cut into and what a slip is mended towards: a short list, for every word
 * in it is a trap for words that are none of ours. */
static const char core[] =
    "ball balls sphere cube cubes box block cone cones cylinder cylinders domino dominoes pyramid "
    "red green blue yellow orange purple white black golden violet pink "
    "small large little shiny slowly quickly "
    "left right leftward leftwards rightward rightwards toward towards forward away camera viewer "
    "middle center background foreground distance "
    "roll rolls rolling rolled slide slides sliding move moves moving glide glides gliding "
    "travels travelling enters approaches approaching recedes "
    "hits hitting strikes collide collides colliding crash crashes crashing knocks bumps pushes "
    "fall falls falling drop drops dropping dropped bounce bounces bouncing ramp slope";
/* And what else may stand in a run. */
static const char small[] = "a an the to from in on of is and into at dark light bright deep sky";
/* Real words one letter away from one of ours. */
static const char real[] =
    "bells bills bulls bails bawls basis balks fills fails feels fells roles rules rills modes "
    "motes "
    "moods mover movie write while whine whites greet greed greek blank blanks cores codes copes "
    "cures curbs drips slice slices slime shine shines crass crush guide guides clown crown bumpy "
    "knacks trial angle meddle center enter slid slip snap done clone clones crone slower fellow "
    "label "
    "cash cons failing filling hinting glade scope shall stall slider slicing strives inbox";

int text_is_listed(const struct text *t, int i, int end, const char *list)
{
    while (*list) {
        int n = (int)strcspn(list, " "), k = 0;

        while (k < n && i + k < end && t->cp[i + k] == (uint32_t)(unsigned char)list[k])
            k++;
        if (k == n && i + n == end)
            return 1;
        list += n + (list[n] == ' ');
    }
    return 0;
}

/* Next word of an English form; NULL at the end. */
static const char *next_word(const char **s, int *left, int *n)
{
    const char *word = *s, *space;

    if (*left <= 0)
        return NULL;
    space = memchr(word, ' ', (size_t)*left);
    *n = space ? (int)(space - word) : *left;
    *s += *n + 1;
    *left -= *n + 1;
    return word;
}

/* Is [i,end) a word of any phrase? */
static int is_known(const struct text *t, int i, int end)
{
    int n_rows = 1;

    for (int row = 0; row < n_rows; row++) {
        const char *at = text_entry(row, &n_rows)->form[LANG_EN], *form, *word;
        int len, n;

        while ((form = lexicon_next(&at, &len, NULL))) {
            while ((word = next_word(&form, &len, &n))) {
                if (text_same_word(t, i, end, word, n))
                    return 1;
            }
        }
    }
    return 0;
}

void text_replace(struct text *t, int i, int end, const uint32_t *cp, int n)
{
    int at = t->at[i], grow = n - (end - i);

    if (t->n + grow > TEXT_MAX)
        return;
    memmove(t->cp + end + grow, t->cp + end, (size_t)(t->n - end) * sizeof *t->cp);
    memmove(t->at + end + grow, t->at + end, (size_t)(t->n + 1 - end) * sizeof *t->at);
    for (int k = 0; k < n; k++) {
        t->cp[i + k] = cp[k];
        t->at[i + k] = at;
    }
    t->n += grow;
}

/* Can [i,end) be cut into words of the lists, one of them with a fact? cut[]: where they end. */
static int cut_word(const struct text *t, int i, int end, int parts, int *cut, int fact)
{
    if (i == end)
        return fact;
    for (int k = end; parts && k > i; k--) {
        int ours = text_is_listed(t, i, k, core);

        *cut = k;
        if ((ours || text_is_listed(t, i, k, small)) &&
            cut_word(t, k, end, parts - 1, cut + 1, fact || ours))
            return 1;
    }
    return 0;
}

/* Write spaces into a run of words; returns its new end, or 0. */
static int mend_spaces(struct text *t, int i, int end)
{
    int cut[MAX_PARTS + 1], n = 0;
    uint32_t cp[MAX_WORD + MAX_PARTS];

    for (int parts = 2; parts <= MAX_PARTS; parts++) {
        if (!cut_word(t, i, end, parts, cut, end - i > 4))
            continue;
        for (int k = i, c = 0; k < end; k++) {
            if (k == cut[c]) {
                cp[n++] = ' ';
                c++;
            }
            cp[n++] = t->cp[k];
        }
        text_replace(t, i, end, cp, n);
        return i + n;
    }
    return 0;
}

int text_likeness(const uint32_t *typed, int n, const char *word, int m)
{
    int a = 0, b = 0;

    while (a < n && a < m && typed[a] == (uint32_t)(unsigned char)word[a])
        a++;
    while (b < n - a && b < m - a && typed[n - 1 - b] == (uint32_t)(unsigned char)word[m - 1 - b])
        b++;
    if (!a || n < 3 || m < 3)
        return 0;
    if (n == m + 1 && a + b == m) /* one letter too many */
        return typed[a] == typed[a - 1] ? 3 : n >= 6 ? 1 : 0;
    if (m == n + 1 && a + b == n) /* one is missing */
        return word[a] == word[a - 1] ? 3 : n >= 4 ? 2 : strchr("aeiou", word[a]) && b ? 1 : 0;
    if (n != m || n < 4)
        return 0;
    if (a + b == n - 2 && typed[a] == (uint32_t)word[a + 1] && typed[a + 1] == (uint32_t)word[a])
        return 3;
    return a + b == n - 1 && n >= 5;
}

static void mend_slip(struct text *t, int i, int end)
{
    const char *found = NULL;
    uint32_t cp[MAX_WORD];
    int best = 0, found_n = 0;

    if (text_is_listed(t, i, end, real))
        return;
    for (const char *word = core; *word;) {
        int n = (int)strcspn(word, " "), like = text_likeness(t->cp + i, end - i, word, n);

        if (like > best) {
            best = like;
            found = word;
            found_n = n;
        }
        word += n + (word[n] == ' ');
    }
    for (int k = 0; k < found_n; k++)
        cp[k] = (uint32_t)(unsigned char)found[k];
    if (found)
        text_replace(t, i, end, cp, found_n);
}

void text_spell(struct text *t)
{
    for (int i = 0; i < t->n; i++) {
        int end = text_word_end(t, i), letters = end > i && end - i <= MAX_WORD, cut;

        for (int k = i; k < end; k++)
            letters &= t->cp[k] >= 'a' && t->cp[k] <= 'z';
        if (letters && !is_known(t, i, end)) {
            cut = mend_spaces(t, i, end);
            if (!cut)
                mend_slip(t, i, end);
            end = text_word_end(t, i);
            end = cut > end ? cut : end;
        }
        i = end > i ? end : i;
    }
}
