/* What is written in scripts that no world has words in. */
#include <stdlib.h>

#include "base/err.h"
#include "world/prompt_text.h"

/* Blocks of Unicode with letters or pictures; what lies between is signs, Latin or Han. */
static const struct {
    uint32_t first, last;
} blocks[] = {{0x370, 0x1cff},    /* Greek, Cyrillic, Hebrew, Arabic, India's and its neighbours' */
              {0x1f00, 0x1fff},   /* Greek with more marks */
              {0x2600, 0x2793},   /* pictures */
              {0x2c00, 0x2dff},   /* Glagolitic, Coptic, Georgian, Ethiopic */
              {0x3040, 0x318f},   /* kana, bopomofo, Korean letters */
              {0xa000, 0xd7ff},   /* Yi to Korean syllables */
              {0xfb13, 0xfdff},   /* forms of Hebrew and Arabic */
              {0xfe70, 0xfefc},   /* the same */
              {0x10000, 0x1efff}, /* old and small scripts */
              {0x1f000, 0x1faff}}; /* pictures */

static int is_foreign(uint32_t cp)
{
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        if (cp >= blocks[i].first && cp <= blocks[i].last)
            return 1;
    }
    return 0;
}

/* Accents, joiners and variants belong to the letter or picture before them. */
static int is_mark(uint32_t cp)
{
    return (cp >= 0x300 && cp <= 0x36f) || cp == 0x200c || cp == 0x200d ||
           (cp >= 0xfe00 && cp <= 0xfe0f);
}

int prompt_add_foreign(char (*list)[PROMPT_WORD_BYTES], int n, const char *text)
{
    struct text *t = xmalloc(sizeof *t);

    text_decode(text, t);
    for (int i = 0; i < t->n; i++) {
        int end = i;

        while (end < t->n && (is_foreign(t->cp[end]) || (end > i && is_mark(t->cp[end]))))
            end++;
        if (end == i)
            continue;
        n = prompt_add_word(list, n, text + t->at[i], t->at[end] - t->at[i]);
        i = end - 1;
    }
    free(t);
    return n;
}
