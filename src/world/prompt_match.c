/* Text against the tables of words: longest match, English with simple endings. */
#include <string.h>

#include "base/utf8.h"
#include "world/prompt_text.h"

/* Characters that are written in several ways, made one. */
static uint32_t normal(uint32_t cp)
{
    const char *s = prompt_script_pairs, *end = s + strlen(s);

    if (cp == 0xa0 || cp == 0x2002 || cp == 0x2003 || cp == 0x2009)
        return ' ';
    if ((cp >= 0x2010 && cp <= 0x2015) || cp == '_')
        return '-';
    if (cp == 0x2018 || cp == 0x2019 || cp == 0xb4 || cp == '`')
        return '\'';
    cp = lexicon_normal(cp);
    while (cp >= 0x3400 && s < end) {
        uint32_t a, b;

        s += utf8_decode(s, (size_t)(end - s), &a);
        s += utf8_decode(s, (size_t)(end - s), &b);
        if (cp == b)
            return a;
    }
    return cp;
}

static void put_cp(struct text *t, uint32_t cp, size_t at)
{
    if (t->n == TEXT_MAX)
        return;
    t->at[t->n] = (int)at;
    t->cp[t->n++] = cp;
}

void text_decode(const char *s, struct text *t)
{
    size_t len = strlen(s), i = 0;

    t->n = 0;
    while (i < len && t->n < TEXT_MAX) {
        uint32_t cp = 0;
        int n = utf8_decode(s + i, len - i, &cp);

        cp = n > 0 ? normal(cp) : 0;
        if (cp == '\'' && t->n && t->cp[t->n - 1] == 'n' && (s[i + (size_t)n] | 32) == 't') {
            t->cp[t->n - 1] = ' '; /* isn't: is not */
            put_cp(t, 'n', i);
            put_cp(t, 'o', i);
        } else if (n > 0) {
            put_cp(t, cp, i);
        }
        i += n > 0 ? (size_t)n : 1;
    }
    t->at[t->n] = (int)i;
}

int text_is_latin(uint32_t cp)
{
    return (cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9') || cp == '&' ||
           (cp >= 0xc0 && cp < 0x250);
}

int text_is_han(uint32_t cp)
{
    return (cp >= 0x3400 && cp < 0xa000) || (cp >= 0xf900 && cp < 0xfb00) || cp >= 0x20000;
}

int text_word_end(const struct text *t, int i)
{
    while (i < t->n && text_is_latin(t->cp[i]))
        i++;
    return i;
}

int text_is(const struct text *t, int from, int to, const char *ending)
{
    int n = (int)strlen(ending);

    if (to - from != n)
        return 0;
    for (int i = 0; i < n; i++) {
        if (t->cp[from + i] != (uint32_t)ending[i])
            return 0;
    }
    return 1;
}

static int is_any_ending(const struct text *t, int from, int to, const char *const *endings)
{
    for (; *endings; endings++) {
        if (text_is(t, from, to, *endings))
            return 1;
    }
    return 0;
}

int text_same_word(const struct text *t, int i, int end, const char *key, int n)
{
    static const char *const plain[] = {"s", "es", "ed", "ing", "ly", "er", NULL};
    static const char *const after_e[] = {"ing", "ed", NULL}, *const after_y[] = {"ies", "ied",
                                                                                  NULL};
    static const char *const doubled[] = {"ing", "ed", NULL};
    int same = 0;

    while (same < n && i + same < end && t->cp[i + same] == (uint32_t)(unsigned char)key[same])
        same++;
    if (same == n && i + n == end)
        return 2;
    if (n < 3)
        return 0;
    if (same == n && is_any_ending(t, i + n, end, plain))
        return 1;
    if (same == n && n > 3 && key[n - 1] == 'e' && text_is(t, i + n, end, "d"))
        return 1;
    if (same == n && t->cp[i + n] == (uint32_t)key[n - 1] &&
        is_any_ending(t, i + n + 1, end, doubled))
        return 1;
    if (same == n - 1 && key[n - 1] == 'e' && is_any_ending(t, i + same, end, after_e))
        return 1;
    return same == n - 1 && key[n - 1] == 'y' && is_any_ending(t, i + same, end, after_y);
}

/* Rank of an English phrase at i: 0 when it does not stand there; *end is where it ends. */
static int match_latin(const struct text *t, int i, const char *key, int len, int *end)
{
    int rank = 0;

    for (;;) {
        const char *space = memchr(key, ' ', (size_t)len);
        int n = space ? (int)(space - key) : len, stop = text_word_end(t, i);
        int same = text_same_word(t, i, stop, key, n);

        if (!same)
            return 0;
        rank += 4 + same;
        *end = stop;
        if (!space)
            return rank;
        key += n + 1;
        len -= n + 1;
        for (i = stop; i < t->n && (t->cp[i] == ' ' || t->cp[i] == '-' || t->cp[i] == '\n'); i++)
            ;
        if (i == stop)
            return 0;
    }
}

static int match_han(const struct text *t, int i, const char *key, int len, int *end)
{
    int n = 0;

    for (int k = 0; k < len; n++) {
        uint32_t cp;

        k += utf8_decode(key + k, (size_t)(len - k), &cp);
        if (i + n >= t->n || t->cp[i + n] != cp)
            return 0;
    }
    *end = i + n;
    return 2 * n;
}

int text_best_form(const struct text *t, int i, enum lang lang, const char *forms, int best,
                   int *best_end)
{
    const char *form;
    int len, end = i;

    while ((form = lexicon_next(&forms, &len, NULL))) {
        int rank =
            lang == LANG_EN ? match_latin(t, i, form, len, &end) : match_han(t, i, form, len, &end);

        if (rank > best) {
            best = rank;
            *best_end = end;
        }
    }
    return best;
}

const struct lexicon_entry *text_entry(int i, int *n)
{
    const struct lexicon_entry *e = lexicon(n);

    *n += prompt_n_synonyms;
    return i < prompt_n_synonyms ? &prompt_synonyms[i] : e + (i - prompt_n_synonyms);
}

int text_look_up(const struct text *t, int i, enum lang lang, const struct lexicon_entry **found)
{
    int n = 1, best = 0, best_end = i;

    *found = NULL;
    for (int j = 0; j < n; j++) {
        const struct lexicon_entry *e = text_entry(j, &n);
        int rank = text_best_form(t, i, lang, e->form[lang], best, &best_end);

        if (rank > best)
            *found = e;
        best = rank;
    }
    return best_end;
}
