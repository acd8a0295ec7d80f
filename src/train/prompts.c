#include "train/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define MARK "\xe2\x96\x81" /* the boundary before a word */

struct pieces {
    char **text;
    int n;
};

static void add_piece(struct pieces *p, const char *mark, const char *word)
{
    p->text[p->n++] = xasprintf("%s%s", mark, word);
}

/* The file of a tokenizer for these words. Those that are written with spaces between them carry
 * the boundary; punctuation stands behind words too, and characters stand anywhere. */
static void vocabulary_text(struct buf *out, const struct worlds *worlds)
{
    int n;
    char **words = worlds_vocabulary(worlds, &n);
    struct pieces p = {.text = xmalloc(sizeof *p.text * (2 * (size_t)n + 1))};
    add_piece(&p, MARK, "");
    for (int i = 0; i < n; i++) {
        int spaced = (unsigned char)words[i][0] < 0x80;
        if (spaced)
            add_piece(&p, MARK, words[i]);
        if (!spaced || !words[i][1])
            add_piece(&p, "", words[i]);
    }
    double *scores = xmalloc(sizeof(double) * (size_t)p.n);
    /* One score per piece makes the longest match the cheapest: whole words win over their
     * characters. */
    for (int i = 0; i < p.n; i++)
        scores[i] = -8;
    tokenizer_text(out, (const char *const *)p.text, scores, p.n);
    free(scores);
    world_vocabulary_free(&p.text, p.n);
    world_vocabulary_free(&words, n);
}

static int check_vocabulary(const char *path, const struct buf *want, struct err *e)
{
    struct buf have = BUF_INIT;
    int rc = file_read(&have, path, (size_t)64 << 20, e);
    if (!rc && (have.len != want->len || memcmp(have.data, want->data, want->len)))
        rc = err_set(e, ERR_FORMAT,
                     "%s: is not the vocabulary of this config in this version; words would be cut "
                     "otherwise than the network has learned: begin anew with another --out",
                     path);
    buf_release(&have);
    return rc;
}

int prompts_tokenizer(struct tokenizer **out, const struct worlds *worlds, const char *dir,
                      struct err *e)
{
    char *folder = path_join(dir, "tokenizer"), *path = path_join(folder, "tokenizer.json");
    struct buf text = BUF_INIT;
    vocabulary_text(&text, worlds);
    int rc = dir_make(folder, e);
    if (!rc)
        rc = file_exists(path) ? check_vocabulary(path, &text, e)
                               : file_write(path, text.data, text.len, e);
    if (!rc)
        rc = tokenizer_open(out, path, e);
    buf_release(&text);
    free(path);
    free(folder);
    return rc;
}

/* Words are looked up as vocabulary_text writes them. */
static int has_words(const struct tokenizer *t, const struct worlds *worlds, const char *path,
                     struct err *e)
{
    int n, rc = 0;
    char **words = worlds_vocabulary(worlds, &n);

    for (int i = 0; i < n && !rc; i++) {
        char *piece = xasprintf("%s%s", (unsigned char)words[i][0] < 0x80 ? MARK : "", words[i]);

        if (tokenizer_id(t, piece) < 0)
            rc = err_set(e, ERR_FORMAT,
                         "%s: has no word \"%s\", which clips of this config's worlds speak of: "
                         "its model cannot learn it",
                         path, words[i]);
        free(piece);
    }
    world_vocabulary_free(&words, n);
    return rc;
}

int prompts_tokenizer_of(struct tokenizer **out, const struct worlds *worlds, const char *dir,
                         struct err *e)
{
    char *path = path_join(dir, "tokenizer/tokenizer.json");
    int rc = tokenizer_open(out, path, e);

    if (!rc && (rc = has_words(*out, worlds, path, e)))
        tokenizer_free(out);
    free(path);
    return rc;
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

void prompts_lies(struct prompts *p, const struct tokenizer *t, const struct latents *l, int first,
                  int n)
{
    *p = (struct prompts){.each = 1 + N_LIES, .first = first};
    p->start_room = (size_t)n * (size_t)p->each + 1;
    p->start = xcalloc(p->start_room, sizeof *p->start);
    for (int i = 0; i < n; i++) {
        struct clip_record of = latents_get(l, first + i).of;
        add_text(p, t, of.caption[0]);
        for (int k = 0; k < N_LIES; k++) {
            struct buf text = BUF_INIT;
            if (of.world && of.world->lie)
                of.world->lie(of.state, k, &text);
            add_text(p, t, buf_str(&text));
            buf_release(&text);
        }
    }
    tokenizer_encode(t, "", 0, &p->empty, &p->n_empty);
}

void prompts_release(struct prompts *p)
{
    free(p->ids);
    free(p->start);
    free(p->empty);
    *p = (struct prompts){0};
}
