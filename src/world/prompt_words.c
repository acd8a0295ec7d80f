/* From text to tagged words: longest match in the lexicon, English with simple endings. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"
#include "world/prompt_inner.h"

enum { MAX_TEXT = 4000 }; /* code points that are looked at */

/* The text as normal code points: simplified, lower case, half width. */
struct text {
    int n;
    uint32_t cp[MAX_TEXT];
    int at[MAX_TEXT + 1]; /* byte offset of each in the original */
};

static void decode(const char *s, struct text *t)
{
    size_t len = strlen(s), i = 0;

    t->n = 0;
    while (i < len && t->n < MAX_TEXT) {
        uint32_t cp;
        int n = utf8_decode(s + i, len - i, &cp);

        if (n > 0) {
            t->at[t->n] = (int)i;
            t->cp[t->n++] = lexicon_normal(cp);
        }
        i += n > 0 ? (size_t)n : 1;
    }
    t->at[t->n] = (int)i;
}

static int is_latin(uint32_t cp)
{
    return (cp >= 'a' && cp <= 'z') || (cp >= '0' && cp <= '9') || cp == '&' ||
           (cp >= 0xc0 && cp < 0x250);
}

static int is_han(uint32_t cp)
{
    return (cp >= 0x3400 && cp < 0xa000) || (cp >= 0xf900 && cp < 0xfb00) || cp >= 0x20000;
}

/* End of the latin word that begins at i. */
static int word_end(const struct text *t, int i)
{
    while (i < t->n && is_latin(t->cp[i]))
        i++;
    return i;
}

static int is_ending(const struct text *t, int from, int to, const char *ending)
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
        if (is_ending(t, from, to, *endings))
            return 1;
    }
    return 0;
}

/* 2 when the word [i,end) is the key, 1 when it is the key with an ending, 0 otherwise. */
static int same_word(const struct text *t, int i, int end, const char *key, int n)
{
    static const char *const plain[] = {"s", "es", "ed", "d", "ing", "ly", "er", NULL};
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
        int n = space ? (int)(space - key) : len, stop = word_end(t, i);
        int same = same_word(t, i, stop, key, n);

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

/* The best entry at i; its end, or i when there is none. */
static int look_up(const struct text *t, int i, enum lang lang, struct token *k)
{
    int n, best = 0, best_end = i;
    const struct lexicon_entry *e = lexicon(&n);

    for (int j = 0; j < n; j++) {
        const char *at = e[j].form[lang], *form;
        int len, end = i;

        while ((form = lexicon_next(&at, &len, NULL))) {
            int rank = lang == LANG_EN ? match_latin(t, i, form, len, &end)
                                       : match_han(t, i, form, len, &end);

            if (rank > best) {
                best = rank;
                best_end = end;
                k->tag = e[j].tag;
                k->value = e[j].value;
            }
        }
    }
    return best_end;
}

static int separator(uint32_t cp)
{
    if (cp == ';' || cp == '.' || cp == '!' || cp == '?' || cp == '\n' || cp == 0x3002)
        return TOKEN_STOP;
    if (cp == ',' || cp == ':' || cp == '(' || cp == ')' || cp == 0x3001)
        return TOKEN_COMMA;
    return 0;
}

void prompt_words(const char *s, struct reading *out)
{
    struct text *t = xmalloc(sizeof *t);

    decode(s, t);
    out->n = 0;
    for (int i = 0; i < t->n && out->n < PROMPT_MAX_TOKENS;) {
        struct token k = {.tag = TOKEN_UNKNOWN, .lang = is_han(t->cp[i]) ? LANG_ZH : LANG_EN};
        struct token *last = out->n ? &out->t[out->n - 1] : NULL;
        int end = i + 1, known = 0;

        if (is_latin(t->cp[i]) || is_han(t->cp[i])) {
            known = look_up(t, i, k.lang, &k);
            end = known > i ? known : k.lang == LANG_EN ? word_end(t, i) : i + 1;
        } else if (separator(t->cp[i])) {
            k.tag = separator(t->cp[i]);
        } else {
            i++;
            continue;
        }
        if (k.tag == TAG_CLAUSE)
            k.tag = TOKEN_COMMA;
        k.ing = end - i > 4 && is_ending(t, end - 3, end, "ing");
        k.at = t->at[i];
        k.bytes = t->at[end] - t->at[i];
        i = end;
        if (k.tag == TOKEN_UNKNOWN && k.lang == LANG_ZH && last && last->tag == TOKEN_UNKNOWN &&
            last->lang == LANG_ZH && last->at + last->bytes == k.at)
            last->bytes += k.bytes; /* unknown characters in a row are one word */
        else
            out->t[out->n++] = k;
    }
    free(t);
}
