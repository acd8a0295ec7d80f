#include "model/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/tokenizer_inner.h"

#define SPACE_MARK "\xe2\x96\x81" /* U+2581 */
#define SPACE_MARK_LEN 3

/* ---- pieces ---- */

struct tokenizer *tokenizer_new(void)
{
    struct tokenizer *t = xcalloc(1, sizeof *t);

    t->unknown = t->end = -1;
    for (int i = 0; i < 256; i++)
        t->byte_of[i] = -1;
    return t;
}

struct tokenizer *tokenizer_share(struct tokenizer *t)
{
    atomic_fetch_add(&t->shared, 1);
    return t;
}

void tokenizer_free(struct tokenizer **tp)
{
    struct tokenizer *t = *tp;

    *tp = NULL;
    if (!t || atomic_fetch_sub(&t->shared, 1) > 0)
        return;
    for (int i = 0; i < t->n; i++)
        free(t->piece[i].text);
    free(t->piece);
    free(t->sorted);
    free(t->added);
    free(t->before);
    free(t->after);
    normaliser_release(&t->norm);
    free(t);
}

struct piece *tokenizer_add_piece(struct tokenizer *t, const char *text, size_t len, double score,
                                  enum piece_type type)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? 2 * t->cap : 1024;
        t->piece = xrealloc(t->piece, sizeof *t->piece * (size_t)t->cap);
    }
    t->piece[t->n] = (struct piece){xstrndup(text, len), (int)len, score, type};
    return &t->piece[t->n++];
}

static int compare_bytes(const char *a, int na, const char *b, int nb)
{
    int c = memcmp(a, b, (size_t)(na < nb ? na : nb));

    return c ? c : (na > nb) - (na < nb);
}

static int by_text(const void *a, const void *b, void *arg)
{
    const struct piece *p = arg, *x = p + *(const int *)a, *y = p + *(const int *)b;

    return compare_bytes(x->text, x->len, y->text, y->len);
}

/* Hugging Face matches every entry of the vocabulary in the text, SentencePiece only real pieces.
 */
static int matchable(const struct tokenizer *t, const struct piece *p)
{
    if (p->len == 0)
        return 0;
    return t->is_json || p->type == PIECE_NORMAL || p->type == PIECE_USER ||
           p->type == PIECE_UNUSED;
}

static void find_bytes(struct tokenizer *t)
{
    int n = 0;

    for (int b = 0; b < 256; b++) {
        char name[8];

        snprintf(name, sizeof name, "<0x%02X>", b);
        if (t->is_json)
            t->byte_of[b] = tokenizer_find(t, name, 6);
        n += t->byte_of[b] >= 0;
    }
    t->byte_fallback = t->byte_fallback && n == 256;
}

int tokenizer_finish(struct tokenizer *t, const char *path, struct err *e)
{
    double min = 0, max = 0;
    int any = 0;

    t->sorted = xcalloc((size_t)t->n_vocab + 1, sizeof *t->sorted);
    for (int i = 0; i < t->n_vocab; i++) {
        const struct piece *p = &t->piece[i];

        if (matchable(t, p))
            t->sorted[t->n_sorted++] = i;
        if (!t->is_json && p->type != PIECE_NORMAL)
            continue;
        min = any && min < p->score ? min : p->score;
        max = any && max > p->score ? max : p->score;
        any = 1;
    }
    qsort_r(t->sorted, (size_t)t->n_sorted, sizeof *t->sorted, by_text, t->piece);
    for (int i = 1; i < t->n_sorted; i++)
        if (!by_text(&t->sorted[i - 1], &t->sorted[i], t->piece))
            return err_set(e, ERR_FORMAT, "%s: piece \"%.60s\" appears twice", path,
                           t->piece[t->sorted[i]].text);
    t->unknown_score = min - 10;
    t->longest_score = max;
    find_bytes(t);
    return 0;
}

/* Narrow [lo,hi) of the sorted pieces, which agree in their first `depth` bytes, to those with byte
 * c next. */
static void narrow(const struct tokenizer *t, int *lo, int *hi, int depth, unsigned char c)
{
    int a = *lo, b = *hi, end = *hi;

    while (a < b) { /* first with byte >= c; a piece that ends here sorts before all */
        int mid = a + (b - a) / 2;
        const struct piece *p = &t->piece[t->sorted[mid]];

        if (p->len <= depth || (unsigned char)p->text[depth] < c)
            a = mid + 1;
        else
            b = mid;
    }
    *lo = a;
    for (b = end; a < b;) {
        int mid = a + (b - a) / 2;

        if ((unsigned char)t->piece[t->sorted[mid]].text[depth] <= c)
            a = mid + 1;
        else
            b = mid;
    }
    *hi = a;
}

int tokenizer_find(const struct tokenizer *t, const char *text, size_t len)
{
    int lo = 0, hi = t->n_sorted;

    for (size_t i = 0; i < len && lo < hi; i++)
        narrow(t, &lo, &hi, (int)i, (unsigned char)text[i]);
    return lo < hi && len && t->piece[t->sorted[lo]].len == (int)len ? t->sorted[lo] : -1;
}

/* ---- the best path ---- */

void ids_add(struct ids *l, int32_t id)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? 2 * l->cap : 64;
        l->id = xrealloc(l->id, sizeof *l->id * (size_t)l->cap);
    }
    l->id[l->n++] = id;
}

struct node { /* best way to end at this byte */
    double score;
    int64_t from; /* -1: not reached */
    int id;
};

static double sum(const struct tokenizer *t, double a, double b)
{
    return t->is_json ? a + b
                      : (double)((float)a + (float)b); /* each library in its own precision */
}

static void offer(struct node *to, double score, int64_t from, int id)
{
    if (to->from < 0 || score > to->score)
        *to = (struct node){score, from, id};
}

static void best_path(const struct tokenizer *t, const char *s, size_t n, struct node *node)
{
    for (size_t i = 0; i <= n; i++)
        node[i] = (struct node){0, -1, t->unknown};
    for (size_t i = 0, step; i < n; i += step) {
        int lo = 0, hi = t->n_sorted, single = 0;

        step = (size_t)utf8_length(s + i, n - i);
        for (size_t k = i; k < n && lo < hi; k++) {
            const struct piece *p;
            double score;

            narrow(t, &lo, &hi, (int)(k - i), (unsigned char)s[k]);
            p = lo < hi ? &t->piece[t->sorted[lo]] : NULL;
            if (!p || p->len != (int)(k - i + 1) || (!t->is_json && p->type == PIECE_UNUSED))
                continue;
            score = p->type == PIECE_USER && !t->is_json ? (float)(p->len * t->longest_score - 0.1)
                                                         : p->score;
            offer(&node[k + 1], sum(t, score, node[i].score), (int64_t)i, t->sorted[lo]);
            single |= k - i + 1 == step;
        }
        if (!single)
            offer(&node[i + step], sum(t, t->unknown_score, node[i].score), (int64_t)i, t->unknown);
    }
}

static void add_unknown(const struct tokenizer *t, const char *s, size_t n, struct ids *out)
{
    int whole = t->is_json ? tokenizer_find(t, s, n) : -1;

    if (whole >= 0 || !t->byte_fallback) {
        ids_add(out, whole >= 0 ? whole : t->unknown);
        return;
    }
    for (size_t i = 0; i < n; i++)
        ids_add(out, t->byte_of[(unsigned char)s[i]]);
}

void tokenizer_segment(const struct tokenizer *t, const char *s, size_t n, struct ids *out)
{
    struct node *node = xmalloc(sizeof *node * (n + 1));
    size_t *cut = xmalloc(sizeof *cut * (n + 2)), n_cuts = 0;

    best_path(t, s, n, node);
    for (size_t at = n; at > 0; at = (size_t)node[at].from) /* from the end */
        cut[n_cuts++] = at;
    for (size_t from = 0; n_cuts > 0;) {
        size_t to = cut[--n_cuts];
        int id = node[to].id;

        if (id != t->unknown) {
            ids_add(out, id);
        } else {
            while (n_cuts > 0 &&
                   node[cut[n_cuts - 1]].id == t->unknown) /* neighbours are one unknown */
                to = cut[--n_cuts];
            add_unknown(t, s + from, to - from, out);
        }
        from = to;
    }
    free(node);
    free(cut);
}

/* ---- words of a text ---- */

/* Metaspace: spaces become marks, a mark is put in front, each mark begins a new word. */
static void encode_marked(const struct tokenizer *t, const char *s, size_t n, int first,
                          struct ids *out)
{
    struct buf b = BUF_INIT;
    size_t from = 0;

    if (t->prepend == 1 || (t->prepend == 2 && first))
        if (n < SPACE_MARK_LEN || memcmp(s, SPACE_MARK, SPACE_MARK_LEN))
            if (n && s[0] != ' ')
                buf_puts(&b, SPACE_MARK);
    for (size_t i = 0; i < n; i++)
        if (s[i] == ' ')
            buf_puts(&b, SPACE_MARK);
        else
            buf_putc(&b, s[i]);
    for (size_t i = 1; t->split && i + SPACE_MARK_LEN <= b.len; i++)
        if (!memcmp(b.data + i, SPACE_MARK, SPACE_MARK_LEN)) {
            tokenizer_segment(t, b.data + from, i - from, out);
            from = i;
        }
    if (b.len > from)
        tokenizer_segment(t, b.data + from, b.len - from, out);
    buf_release(&b);
}

static void encode_word(const struct tokenizer *t, const char *s, size_t n, int first,
                        struct ids *out)
{
    if (!n)
        return;
    if (t->metaspace)
        encode_marked(t, s, n, first, out);
    else
        tokenizer_segment(t, s, n, out);
}

/* Text between special tokens of a tokenizer.json. */
static void encode_plain(const struct tokenizer *t, const char *s, size_t n, int first,
                         struct ids *out)
{
    struct buf b = BUF_INIT;
    size_t from = 0, i = 0;

    normaliser_apply(&t->norm, s, n, &b);
    while (t->split_space && i < b.len) {
        size_t len = (size_t)utf8_length(b.data + i, b.len - i);

        if (utf8_is_space(utf8_point(b.data + i, b.len - i))) {
            encode_word(t, b.data + from, i - from, first && from == 0, out);
            from = i + len;
        }
        i += len;
    }
    encode_word(t, buf_str(&b) + from, b.len - from, first && from == 0, out);
    buf_release(&b);
}

/* The special token that begins at s, the longest of them; NULL when there is none. */
static const struct added *added_at(const struct tokenizer *t, const char *s, size_t n)
{
    const struct added *best = NULL;

    for (int i = 0; i < t->n_added; i++) {
        const struct piece *p = &t->piece[t->added[i].id];

        if (p->len && p->text[0] == s[0] && (size_t)p->len <= n &&
            !memcmp(p->text, s, (size_t)p->len) && (!best || p->len > t->piece[best->id].len))
            best = &t->added[i];
    }
    return best;
}

static size_t skip_space(const char *s, size_t n, size_t i)
{
    while (i < n && utf8_is_space(utf8_point(s + i, n - i)))
        i += (size_t)utf8_length(s + i, n - i);
    return i;
}

static void encode_json(const struct tokenizer *t, const char *s, size_t n, struct ids *out)
{
    size_t from = 0, i = 0;

    for (int k = 0; k < t->n_before; k++)
        ids_add(out, t->before[k]);
    while (i < n) {
        const struct added *a = added_at(t, s + i, n - i);
        size_t end = i;

        if (!a) {
            i++;
            continue;
        }
        while (a->left && end > from && s[end - 1] == ' ')
            end--;
        encode_plain(t, s + from, end - from, from == 0, out);
        ids_add(out, a->id);
        i += (size_t)t->piece[a->id].len;
        i = from = a->right ? skip_space(s, n, i) : i;
    }
    encode_plain(t, s + from, n - from, from == 0, out);
    for (int k = 0; k < t->n_after; k++)
        ids_add(out, t->after[k]);
}

/* The normaliser of SentencePiece: characters by the map, runs of spaces become one, a mark in
 * front. */
static void encode_spiece(const struct tokenizer *t, const char *s, size_t n, struct ids *out)
{
    struct buf b = BUF_INIT;
    const char *space = t->escape ? SPACE_MARK : " ";
    size_t space_len = strlen(space), body;
    int was_space = !t->extra_spaces;

    if (t->dummy_prefix)
        buf_puts(&b, space);
    body = b.len;
    for (size_t i = 0, used = 0; i < n; i += used) {
        const char *to = charsmap_match(&t->norm.map, s + i, n - i, 1, &used);
        size_t len;

        if (!to)
            used = (size_t)utf8_length(s + i, n - i);
        len = to ? strlen(to) : used;
        to = to ? to : s + i;
        for (size_t k = 0; k < len; k++) {
            if (to[k] != ' ')
                buf_putc(&b, to[k]);
            else if (!was_space)
                buf_puts(&b, space);
            was_space = to[k] == ' ' && !t->extra_spaces;
        }
    }
    while (!t->extra_spaces && b.len >= body + space_len &&
           !memcmp(b.data + b.len - space_len, space, space_len))
        b.len -= space_len;
    if (b.len > body)
        tokenizer_segment(t, b.data, b.len, out);
    buf_release(&b);
}

void tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, int32_t **ids,
                      int *n)
{
    struct ids out = {0};
    struct buf clean = BUF_INIT;

    for (size_t i = 0, step; i < len; i += step) {
        uint32_t cp;

        step = (size_t)utf8_length(text + i, len - i);
        if (utf8_decode(text + i, len - i, &cp))
            buf_add(&clean, text + i, step);
        else
            buf_puts(&clean, "\xef\xbf\xbd");
    }
    if (t->is_json)
        encode_json(t, buf_str(&clean), clean.len, &out);
    else
        encode_spiece(t, buf_str(&clean), clean.len, &out);
    for (int i = 0; !t->is_json && i < t->n_after; i++)
        ids_add(&out, t->after[i]);
    buf_release(&clean);
    *ids = out.id ? out.id : xmalloc(1);
    *n = out.n;
}

/* ---- opening ---- */

const char *tokenizer_file(const char *dir)
{
    static const char *const names[] = {"tokenizer.json", "spiece.model"};
    char *path = path_join(dir, names[0]), *other = path_join(dir, names[1]);
    int second = !file_exists(path) && file_exists(other);

    free(path);
    free(other);
    return names[second];
}

/* A spiece.model knows its end token, but SentencePiece leaves it to the caller; T5's tokenizer,
 * which folders of models mean, puts it behind every text. */
static void end_texts(struct tokenizer *t)
{
    if (t->end < 0)
        return;
    t->after = xmalloc(sizeof *t->after);
    t->after[t->n_after++] = t->end;
}

int tokenizer_open(struct tokenizer **out, const char *path, struct err *e)
{
    int of_model = dir_exists(path), rc;
    char *file = of_model ? path_join(path, tokenizer_file(path)) : xstrdup(path);

    *out = tokenizer_new();
    (*out)->is_json = !strcmp(path_ext(file), "json");
    if ((*out)->is_json)
        rc = tokenizer_read_json(*out, file, e);
    else if (!strcmp(path_ext(file), "gguf"))
        rc = tokenizer_read_gguf(*out, file, e);
    else
        rc = tokenizer_read_spiece(*out, file, e);
    if (!rc && of_model && !(*out)->is_json)
        end_texts(*out);
    free(file);
    if (rc)
        tokenizer_free(out);
    return rc;
}

int tokenizer_size(const struct tokenizer *t)
{
    return t->n;
}

int tokenizer_end(const struct tokenizer *t)
{
    return t->end;
}

int tokenizer_id(const struct tokenizer *t, const char *piece)
{
    return tokenizer_find(t, piece, strlen(piece));
}

const char *tokenizer_piece(const struct tokenizer *t, int id)
{
    return id >= 0 && id < t->n ? t->piece[id].text : "";
}
