#include "world/lexicon.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "world/lexicon_words.h"

const struct lexicon_entry *lexicon(int *n)
{
    *n = lexicon_n_entries;
    return lexicon_entries;
}

const char *lexicon_next(const char **at, int *len, int *spoken)
{
    const char *s = *at, *end;

    if (spoken && *s != '/' && *s != '|')
        *spoken = 1; /* the first form */
    if (*s == '/' && spoken)
        *spoken = 0;
    while (*s == '|' || *s == '/')
        s++;
    if (!*s)
        return NULL;
    end = s + strcspn(s, "|/");
    *len = (int)(end - s);
    *at = end;
    return s;
}

/* Walk the pairs: the partner of cp, cp itself when it has none. from 0: traditional -> simplified.
 */
static uint32_t partner(uint32_t cp, int to_traditional)
{
    const char *s = lexicon_script_pairs, *end = s + strlen(s);

    while (s < end) {
        uint32_t a, b;

        s += utf8_decode(s, (size_t)(end - s), &a);
        s += utf8_decode(s, (size_t)(end - s), &b);
        if (cp == (to_traditional ? a : b))
            return to_traditional ? b : a;
    }
    return cp;
}

uint32_t lexicon_normal(uint32_t cp)
{
    if (cp >= 0xff01 && cp <= 0xff5e) /* full width forms of ASCII */
        cp -= 0xff01 - 0x21;
    if (cp == 0x3000)
        cp = ' ';
    if (cp >= 'A' && cp <= 'Z')
        cp += 'a' - 'A';
    return cp < 0x3400 ? cp : partner(cp, 0);
}

uint32_t lexicon_traditional(uint32_t cp)
{
    return cp < 0x3400 ? cp : partner(cp, 1);
}

void lexicon_make_traditional(struct buf *b, uint32_t (*traditional)(uint32_t cp))
{
    struct buf old = *b;

    *b = (struct buf)BUF_INIT;
    for (size_t i = 0; i < old.len;) {
        char bytes[4];
        uint32_t cp;
        int n = utf8_decode(old.data + i, old.len - i, &cp);

        ZT_ASSERT(n > 0);
        i += (size_t)n;
        buf_add(b, bytes, (size_t)utf8_encode(traditional(cp), bytes));
    }
    buf_release(&old);
}

struct word_list {
    char **word;
    int n, cap;
};

static void add_word(struct word_list *l, const char *s, size_t len)
{
    for (int i = 0; i < l->n; i++) {
        if (strlen(l->word[i]) == len && !memcmp(l->word[i], s, len))
            return;
    }
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 512;
        l->word = xrealloc(l->word, (size_t)l->cap * sizeof *l->word);
    }
    l->word[l->n++] = xstrndup(s, len);
}

static void add_characters(struct word_list *l, const char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        char other[4];
        uint32_t cp;
        int n = utf8_decode(s + i, len - i, &cp);

        ZT_ASSERT(n > 0);
        add_word(l, s + i, (size_t)n);
        i += (size_t)n;
        n = utf8_encode(lexicon_traditional(cp), other);
        add_word(l, other, (size_t)n);
    }
}

/* The words of English phrases one by one. */
static void add_english(struct word_list *l, const char *s, size_t len)
{
    while (len) {
        const char *space = memchr(s, ' ', len);
        size_t n = space ? (size_t)(space - s) : len;

        add_word(l, s, n);
        s += n + (space != NULL);
        len -= n + (space != NULL);
    }
}

char **world_vocabulary(int *n)
{
    static const char *const grammar[] = {"rolls",  "slides", "struck",   "still", "floor", "light",
                                          "camera", "drops",  "dominoes", ";",     ",",     ".",
                                          "，",     "。",     "；",       "、"};
    struct word_list l = {0};

    for (size_t i = 0; i < sizeof grammar / sizeof *grammar; i++)
        add_word(&l, grammar[i], strlen(grammar[i]));
    for (int s = 0; s < SLOT_COUNT; s++) {
        for (int v = 1; v < slot_count(s); v++)
            add_word(&l, slot_word(s, v), strlen(slot_word(s, v)));
    }
    for (int lang = 0; lang < LANG_COUNT; lang++) {
        for (int i = 0; i < lexicon_n_entries; i++) {
            const char *at = lexicon_entries[i].form[lang], *s;
            int len;

            while ((s = lexicon_next(&at, &len, NULL)))
                (lang == LANG_EN ? add_english : add_characters)(&l, s, (size_t)len);
        }
    }
    *n = l.n;
    return l.word;
}

void world_vocabulary_free(char ***words, int n)
{
    for (int i = 0; *words && i < n; i++)
        free((*words)[i]);
    free(*words);
    *words = NULL;
}
