#include "generate/prompt_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int prompt_tokens_most(const struct denoiser_config *c, int k)
{
    int most = c->text_rows[k];

    return most == 0 || most > PROMPT_MAX_TOKENS ? PROMPT_MAX_TOKENS : most;
}

void words_release(struct words *w)
{
    free(w->ids);
    free(w->rows);
    *w = (struct words){0};
}

void prompt_tokens_both(struct words *w, const struct tokenizer *t, const char *prompt,
                        const char *negative, int most)
{
    const char *text[2] = {prompt, negative};
    int end = tokenizer_end(t);

    w->ids = xmalloc(sizeof(*w->ids) * 2 * PROMPT_MAX_TOKENS);
    w->rows = NULL;
    w->n_swaps = 0;
    w->start[0] = 0;
    for (int i = 0; i < 2; i++) {
        int32_t *ids;
        int n;
        tokenizer_encode(t, text[i], strlen(text[i]), &ids, &n);
        if (n > most) {
            n = most;
            if (end >= 0)
                ids[n - 1] = end;
        }
        memcpy(w->ids + w->start[i], ids, sizeof(*ids) * (size_t)n);
        w->start[i + 1] = w->start[i] + n;
        free(ids);
    }
}

static int fits(const struct tokenizer *t, const char *text, size_t bytes, int most)
{
    int32_t *ids;
    int n;

    tokenizer_encode(t, text, bytes, &ids, &n);
    free(ids);
    return n <= most;
}

/* Where a word ends: before a space or a character of more than one byte. */
static int is_end(const char *text, size_t i)
{
    return text[i] == ' ' || ((unsigned char)text[i] & 0xc0) == 0xc0;
}

size_t prompt_tokens_fit(const struct tokenizer *t, const char *text, int most)
{
    size_t lo = 0, hi = strlen(text);

    if (fits(t, text, hi, most))
        return hi;
    while (hi - lo > 1) { /* lo fits, hi does not */
        size_t mid = lo + (hi - lo) / 2;

        while (mid > lo && !is_end(text, mid))
            mid--;
        if (mid == lo)
            for (mid = lo + (hi - lo) / 2; mid < hi && !is_end(text, mid); mid++)
                ;
        if (mid == hi)
            return lo;
        if (fits(t, text, mid, most))
            lo = mid;
        else
            hi = mid;
    }
    return lo;
}
