#include "train/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static int write_vocabulary(const struct worlds *worlds, const char *path, struct err *e)
{
    int n;
    char **words = worlds_vocabulary(worlds, &n);
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

int prompts_tokenizer(struct tokenizer **out, const struct worlds *worlds, const char *dir,
                      struct err *e)
{
    char *folder = path_join(dir, "tokenizer"), *path = path_join(folder, "tokenizer.json");
    int r = dir_make(folder, e);
    if (!r && !file_exists(path))
        r = write_vocabulary(worlds, path, e);
    if (!r)
        r = tokenizer_open(out, path, e);
    free(path);
    free(folder);
    return r;
}

static void add_text(struct prompts *p, const struct tokenizer *t, const char *text)
{
    int32_t *ids;
    int n;
    tokenizer_encode(t, text, strlen(text), &ids, &n);
    size_t at = (size_t)p->start[p->n];
    if (at + (size_t)n > p->room) {
        p->room = 2 * (at + (size_t)n);
        p->ids = xrealloc(p->ids, sizeof(*p->ids) * p->room);
    }
    memcpy(p->ids + at, ids, sizeof(*ids) * (size_t)n);
    p->start[++p->n] = (int64_t)at + n;
    free(ids);
}

void prompts_extend(struct prompts *p, const struct tokenizer *t, const struct latents *l)
{
    size_t want = (size_t)l->n * (size_t)p->each + 1;
    if (p->start_room < want) {
        p->start_room = 2 * want;
        p->start = xrealloc(p->start, sizeof(*p->start) * p->start_room);
    }
    for (int i = p->n / p->each; i < l->n; i++) {
        struct latent_view v = latents_get(l, i);
        for (int k = 0; k < p->each; k++)
            add_text(p, t, v.of.caption[k]);
    }
}

void prompts_make(struct prompts *p, const struct tokenizer *t, const struct latents *l)
{
    *p = (struct prompts){
        .each = l->head.record.captions, .start = xcalloc(1, sizeof(*p->start)), .start_room = 1};
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
