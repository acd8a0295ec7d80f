/* From text to tagged words. */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "world/prompt_text.h"

int text_separator(uint32_t cp)
{
    if (cp == ';' || cp == '.' || cp == '!' || cp == '?' || cp == '\n' || cp == 0x3002)
        return TOKEN_STOP;
    if (cp == ',' || cp == ':' || cp == '(' || cp == ')' || cp == 0x3001)
        return TOKEN_COMMA;
    return 0;
}

/* Drawn arrows lead to something; other signs say nothing (TOKEN_NONE). */
static int sign(const struct text *t, int i)
{
    uint32_t cp = t->cp[i], next = i + 1 < t->n ? t->cp[i + 1] : 0;

    if (cp == 0x2192 || cp == 0x21d2 || cp == 0x27a1 || cp == 0x2794 || cp == 0x279c ||
        ((cp == '-' || cp == '=') && next == '>'))
        return TAG_TO;
    return text_separator(cp) ? text_separator(cp) : TOKEN_NONE;
}

int text_is_number(const struct text *t, int i, int end)
{
    for (; i < end && t->cp[i] >= '0' && t->cp[i] <= '9'; i++)
        ;
    return i == end;
}

int text_is_measure(const struct text *t, int i, int end)
{
    return t->cp[i] >= '0' && t->cp[i] <= '9' && !text_is_number(t, i, end) && end - i <= 7;
}

static int read_token(const struct text *t, int i, struct token *k)
{
    const struct lexicon_entry *e;
    int end = text_look_up(t, i, k->lang, &e);

    if (e) {
        k->tag = e->tag;
        k->value = e->value & ((1 << PROMPT_HINT_SHIFT) - 1);
        k->hint = e->value >> PROMPT_HINT_SHIFT;
    } else if (k->lang == LANG_ZH) {
        end = i + 1;
    } else {
        end = text_word_end(t, i);
        if (text_is_number(t, i, end))
            k->tag = TOKEN_NUMBER;
        else if (text_is_measure(t, i, end))
            k->tag = TAG_SKIP;
    }
    if (k->tag == TAG_CLAUSE)
        k->tag = TOKEN_COMMA;
    k->near = (k->tag == SLOT_COLOR && k->hint) || (k->tag == SLOT_SHAPE && k->hint == PROMPT_NEAR);
    k->ing = end - i > 4 && text_is(t, end - 3, end, "ing");
    k->many = end - i > 3 && t->cp[end - 1] == 's';
    return end;
}

void prompt_words(const char *s, struct reading *out)
{
    struct text *t = xmalloc(sizeof *t);

    text_decode(s, t);
    text_spell(t);
    out->n = 0;
    for (int i = 0; i < t->n && out->n < READING_MAX_WORDS;) {
        struct token k = {.tag = TOKEN_UNKNOWN, .lang = text_is_han(t->cp[i]) ? LANG_ZH : LANG_EN};
        struct token *last = out->n ? &out->t[out->n - 1] : NULL;
        int end = i + 1;

        if (text_is_latin(t->cp[i]) || text_is_han(t->cp[i]))
            end = read_token(t, i, &k);
        else
            k.tag = sign(t, i);
        k.at = t->at[i];
        k.bytes = t->at[end] - t->at[i];
        i = end;
        if (k.tag == TOKEN_NONE)
            continue;
        if (k.tag == TOKEN_UNKNOWN && k.lang == LANG_ZH && last && last->tag == TOKEN_UNKNOWN &&
            last->lang == LANG_ZH && last->at + last->bytes == k.at)
            last->bytes += k.bytes; /* unknown characters in a row are one word */
        else
            out->t[out->n++] = k;
    }
    free(t);
}
