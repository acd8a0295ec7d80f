#include "train/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "world/caption.h"
#include "world/lexicon.h"

static int write_vocabulary(const char *path, struct err *e)
{
    int n;
    char **words = world_vocabulary(&n);
    double *scores = xmalloc(sizeof(double) * (size_t)(n + 1));
    /* One score per piece makes the longest match the cheapest: whole words win over their
     * characters. */
    for (int i = 0; i < n; i++)
        scores[i] = -8;
    int r = tokenizer_write(path, (const char *const *)words, scores, n, e);
    free(scores);
    world_vocabulary_free(&words, n);
    return r;
}

int prompts_tokenizer(struct tokenizer **out, const char *dir, struct err *e)
{
    char *folder = path_join(dir, "tokenizer"), *path = path_join(folder, "tokenizer.json");
    int r = dir_make(folder, e);
    if (!r && !file_exists(path))
        r = write_vocabulary(path, e);
    if (!r)
        r = tokenizer_open(out, path, e);
    free(path);
    free(folder);
    return r;
}

void prompts_extend(struct prompts *p, const struct tokenizer *t, const struct latents *l)
{
    struct buf text = BUF_INIT;
    if (p->start_room < (size_t)l->n + 1) {
        p->start_room = 2 * ((size_t)l->n + 1);
        p->start = xrealloc(p->start, sizeof(*p->start) * p->start_room);
    }
    for (; p->n < l->n; p->n++) {
        int32_t *ids;
        int n;
        buf_clear(&text);
        caption_canonical(latents_get(l, p->n).facts, &text);
        tokenizer_encode(t, buf_str(&text), text.len, &ids, &n);
        size_t at = (size_t)p->start[p->n];
        if (at + (size_t)n > p->room) {
            p->room = 2 * (at + (size_t)n);
            p->ids = xrealloc(p->ids, sizeof(*p->ids) * p->room);
        }
        memcpy(p->ids + at, ids, sizeof(*ids) * (size_t)n);
        p->start[p->n + 1] = (int64_t)at + n;
        free(ids);
    }
    buf_release(&text);
}

void prompts_make(struct prompts *p, const struct tokenizer *t, const struct latents *l)
{
    *p = (struct prompts){.start = xcalloc(1, sizeof(*p->start)), .start_room = 1};
    prompts_extend(p, t, l);
    tokenizer_encode(t, "", 0, &p->empty, &p->n_empty);
}

void prompts_release(struct prompts *p)
{
    free(p->ids);
    free(p->start);
    free(p->empty);
    *p = (struct prompts){0};
}
