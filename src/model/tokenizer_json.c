/* tokenizer.json of Hugging Face tokenizers: reading what unigram models use, and writing our own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/jsonw.h"
#include "format/json.h"
#include "model/tokenizer_inner.h"

#define SPACE_MARK "\xe2\x96\x81"
#define MAX_ADDED 10000
#define MAX_STEPS 1000
#define N_SPECIAL 3 /* <pad> </s> <unk> of files that we write */
#define FORMAT_NAME "1.0"

/* ---- normaliser ---- */

static void read_charsmap(struct tokenizer *t, struct jval o)
{
    const char *map = j_string(o, "precompiled_charsmap");
    struct buf b = BUF_INIT;

    if (t->norm.map.n_units)
        j_fail(o, "type", "only one Precompiled normalizer is supported");
    else if (base64_decode(&b, map, strlen(map), 0) ||
             charsmap_init(&t->norm.map, buf_str(&b), b.len))
        j_fail(o, "precompiled_charsmap", "is damaged");
    else
        normaliser_add(&t->norm, NORM_CHARSMAP, NULL, NULL);
    buf_release(&b);
}

static void read_replace(struct tokenizer *t, struct jval o)
{
    struct jval pattern = j_object(o, "pattern");
    const char *to = j_string(o, "content");

    if (j_has(pattern, "String"))
        normaliser_add(&t->norm, NORM_REPLACE, j_string(pattern, "String"), to);
    else if (!strcmp(j_string(pattern, "Regex"), " {2,}"))
        normaliser_add(&t->norm, NORM_RUNS, NULL, to);
    else
        j_fail(pattern, "Regex", "only the pattern \" {2,}\" is supported");
}

static void read_normaliser(struct tokenizer *t, struct jval o, int depth)
{
    static const char *const types[] = {"Sequence", "Precompiled", "Lowercase", "Replace", "Strip"};
    struct jval list;
    struct norm_step *z;

    switch (j_choice(o, "type", types, 5)) {
    case 0:
        list = j_array(o, "normalizers");
        if (depth > 4 || j_len(list) > MAX_STEPS)
            j_fail(o, "normalizers", "is nested deeper than 4 or longer than %d", MAX_STEPS);
        else
            for (int i = 0; i < j_len(list); i++)
                read_normaliser(t, j_at_object(list, i), depth + 1);
        break;
    case 1:
        read_charsmap(t, o);
        break;
    case 2:
        normaliser_add(&t->norm, NORM_LOWER, NULL, NULL);
        break;
    case 3:
        read_replace(t, o);
        break;
    default:
        z = normaliser_add(&t->norm, NORM_STRIP, NULL, NULL);
        z->left = j_bool_or(o, "strip_left", 1);
        z->right = j_bool_or(o, "strip_right", 1);
    }
}

/* ---- the other parts ---- */

static void read_metaspace(struct tokenizer *t, struct jval o)
{
    static const char *const schemes[] = {"never", "always", "first"};

    if (strcmp(j_string_or(o, "replacement", SPACE_MARK), SPACE_MARK))
        j_fail(o, "replacement", "only U+2581 is supported");
    t->metaspace = 1;
    t->split = j_bool_or(o, "split", 1);
    t->prepend = j_has(o, "prepend_scheme") ? j_choice(o, "prepend_scheme", schemes, 3)
                                            : j_bool_or(o, "add_prefix_space", 1);
}

static void read_pre_tokenizer(struct tokenizer *t, struct jval o, int depth)
{
    static const char *const types[] = {"Sequence", "WhitespaceSplit", "Metaspace"};
    struct jval list;

    switch (j_choice(o, "type", types, 3)) {
    case 0:
        list = j_array(o, "pretokenizers");
        if (depth > 4 || j_len(list) > 16)
            j_fail(o, "pretokenizers", "is nested deeper than 4 or longer than 16");
        else
            for (int i = 0; i < j_len(list); i++)
                read_pre_tokenizer(t, j_at_object(list, i), depth + 1);
        break;
    case 1:
        t->split_space = 1;
        break;
    default:
        read_metaspace(t, o);
    }
}

static void read_vocab(struct tokenizer *t, struct jval model)
{
    struct jval vocab = j_array(model, "vocab");
    int n = j_len(vocab);

    if (n < 1 || n > TOK_MAX_PIECES) {
        j_fail(model, "vocab", "expected 1 to %d pieces, but it has %d", TOK_MAX_PIECES, n);
        return;
    }
    for (int i = 0; i < n; i++) {
        struct jval row = j_at_array(vocab, i);
        const char *s = j_at_string(row, 0);
        size_t len = strlen(s);

        if (len > TOK_MAX_PIECE)
            j_fail(vocab, NULL, "piece %d is %zu bytes long, at most %d are allowed", i, len,
                   TOK_MAX_PIECE);
        tokenizer_add_piece(t, s, len > TOK_MAX_PIECE ? 0 : len, j_at_real(row, 1, -1e6, 1e6),
                            PIECE_NORMAL);
    }
    t->n_vocab = n;
    t->unknown = (int)j_int(model, "unk_id", 0, n - 1);
    t->byte_fallback = j_bool_or(model, "byte_fallback", 0);
}

static void read_added(struct tokenizer *t, struct jval root)
{
    struct jval list = j_array(root, "added_tokens");
    int n = j_len(list);

    if (n > MAX_ADDED) {
        j_fail(root, "added_tokens", "at most %d are supported, but it has %d", MAX_ADDED, n);
        return;
    }
    t->added = xcalloc((size_t)n + 1, sizeof *t->added);
    for (int i = 0; i < n; i++) {
        struct jval o = j_at_object(list, i);
        int id = (int)j_int(o, "id", 0, t->n_vocab + n - 1);
        const char *s = j_string(o, "content");

        if (!*s || strlen(s) > TOK_MAX_PIECE) {
            j_fail(o, "content", "is empty or longer than %d bytes", TOK_MAX_PIECE);
            return;
        }
        while (t->n <= id)
            tokenizer_add_piece(t, "", 0, 0, PIECE_CONTROL);
        if (t->piece[id].len && strcmp(t->piece[id].text, s)) {
            j_fail(o, "id", "%d is \"%.60s\" in the vocabulary", id, t->piece[id].text);
            return;
        }
        if (!t->piece[id].len) {
            free(t->piece[id].text);
            t->piece[id].text = xstrdup(s);
            t->piece[id].len = (int)strlen(s);
        }
        t->added[t->n_added++] =
            (struct added){id, j_bool_or(o, "lstrip", 0), j_bool_or(o, "rstrip", 0)};
    }
}

static int piece_named(const struct tokenizer *t, const char *name)
{
    for (int i = 0; i < t->n_added; i++)
        if (!strcmp(t->piece[t->added[i].id].text, name))
            return t->added[i].id;
    return -1;
}

/* Special tokens before and after the text. */
static void read_template(struct tokenizer *t, struct jval o)
{
    static const char *const types[] = {"TemplateProcessing"};
    struct jval list;
    int n, seen = 0;

    j_choice(o, "type", types, 1);
    list = j_array(o, "single");
    n = j_len(list);
    if (n > 64) {
        j_fail(o, "single", "at most 64 parts are supported");
        return;
    }
    t->before = xcalloc((size_t)n + 1, sizeof *t->before);
    t->after = xcalloc((size_t)n + 1, sizeof *t->after);
    for (int i = 0; i < n; i++) {
        struct jval part = j_at_object(list, i);
        int id;

        if (j_has(part, "Sequence")) {
            seen = 1;
            continue;
        }
        id = piece_named(t, j_string(j_object(part, "SpecialToken"), "id"));
        if (id < 0)
            j_fail(part, "SpecialToken", "is not among added_tokens");
        else if (seen)
            t->after[t->n_after++] = t->end = id;
        else
            t->before[t->n_before++] = id;
    }
}

static void read_root(void *arg, struct jval root)
{
    static const char *const types[] = {"Unigram"};
    struct tokenizer *t = arg;
    struct jval model = j_object(root, "model");

    if (j_choice(model, "type", types, 1) != 0)
        return;
    read_vocab(t, model);
    if (j_has(root, "added_tokens"))
        read_added(t, root);
    if (j_has(root, "normalizer"))
        read_normaliser(t, j_object(root, "normalizer"), 0);
    if (j_has(root, "pre_tokenizer"))
        read_pre_tokenizer(t, j_object(root, "pre_tokenizer"), 0);
    if (j_has(root, "post_processor"))
        read_template(t, j_object(root, "post_processor"));
}

int tokenizer_read_json(struct tokenizer *t, const char *path, struct err *e)
{
    int rc = jdoc_take(path, TOK_MAX_FILE, read_root, t, e);

    return rc ? rc : tokenizer_finish(t, path, e);
}

/* ---- writing ---- */

static void write_added(struct jsonw *w, const char *const *names)
{
    jsonw_array(w, "added_tokens");
    for (int i = 0; i < N_SPECIAL; i++) {
        jsonw_object(w, NULL);
        jsonw_int(w, "id", i);
        jsonw_string(w, "content", names[i]);
        jsonw_bool(w, "single_word", 0);
        jsonw_bool(w, "lstrip", 0);
        jsonw_bool(w, "rstrip", 0);
        jsonw_bool(w, "normalized", 0);
        jsonw_bool(w, "special", 1);
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
}

static void write_normaliser(struct jsonw *w)
{
    struct normaliser z = {0};

    normaliser_own(&z);
    jsonw_object(w, "normalizer");
    jsonw_string(w, "type", "Sequence");
    jsonw_array(w, "normalizers");
    for (int i = 0; i < z.n; i++) {
        jsonw_object(w, NULL);
        jsonw_string(w, "type", z.step[i].kind == NORM_LOWER ? "Lowercase" : "Replace");
        if (z.step[i].kind == NORM_REPLACE) {
            jsonw_object(w, "pattern");
            jsonw_string(w, "String", z.step[i].from);
            jsonw_end_object(w);
            jsonw_string(w, "content", z.step[i].to);
        }
        jsonw_end_object(w);
    }
    jsonw_end_array(w);
    jsonw_end_object(w);
    normaliser_release(&z);
}

static void write_metaspace(struct jsonw *w, const char *key)
{
    jsonw_object(w, key);
    jsonw_string(w, "type", "Metaspace");
    jsonw_string(w, "replacement", SPACE_MARK);
    jsonw_string(w, "prepend_scheme", "always");
    jsonw_bool(w, "split", 1);
    jsonw_end_object(w);
}

static void write_template_part(struct jsonw *w, const char *kind, const char *id)
{
    jsonw_object(w, NULL);
    jsonw_object(w, kind);
    jsonw_string(w, "id", id);
    jsonw_int(w, "type_id", 0);
    jsonw_end_object(w);
    jsonw_end_object(w);
}

static void write_template(struct jsonw *w)
{
    jsonw_object(w, "post_processor");
    jsonw_string(w, "type", "TemplateProcessing");
    for (int pair = 0; pair < 2; pair++) {
        jsonw_array(w, pair ? "pair" : "single");
        for (int i = 0; i <= pair; i++) {
            write_template_part(w, "Sequence", i ? "B" : "A");
            write_template_part(w, "SpecialToken", "</s>");
        }
        jsonw_end_array(w);
    }
    jsonw_raw(w, "special_tokens",
              "{\"</s>\":{\"id\":\"</s>\",\"ids\":[1],\"tokens\":[\"</s>\"]}}");
    jsonw_end_object(w);
}

static void write_piece(struct jsonw *w, const char *text, double score)
{
    jsonw_array(w, NULL);
    jsonw_string(w, NULL, text);
    jsonw_real(w, NULL, score);
    jsonw_end_array(w);
}

static void write_model(struct jsonw *w, const char *const *special, const char *const *pieces,
                        const double *scores, int n)
{
    jsonw_object(w, "model");
    jsonw_string(w, "type", "Unigram");
    jsonw_int(w, "unk_id", 2);
    jsonw_bool(w, "byte_fallback", 1);
    jsonw_array(w, "vocab");
    for (int i = 0; i < N_SPECIAL; i++)
        write_piece(w, special[i], 0);
    for (int b = 0; b < 256; b++) {
        char name[7] = {'<', '0', 'x', "0123456789ABCDEF"[b >> 4], "0123456789ABCDEF"[b & 15],
                        '>', 0};

        write_piece(w, name, 0);
    }
    for (int i = 0; i < n; i++)
        write_piece(w, pieces[i], scores[i]);
    jsonw_end_array(w);
    jsonw_end_object(w);
}

void tokenizer_text(struct buf *out, const char *const *pieces, const double *scores, int n)
{
    static const char *const special[N_SPECIAL] = {"<pad>", "</s>", "<unk>"};
    struct jsonw w;

    jsonw_init(&w, out, 0);
    jsonw_object(&w, NULL);
    jsonw_string(&w, "version", FORMAT_NAME);
    jsonw_null(&w, "truncation");
    jsonw_null(&w, "padding");
    write_added(&w, special);
    write_normaliser(&w);
    jsonw_object(&w, "pre_tokenizer");
    jsonw_string(&w, "type", "Sequence");
    jsonw_array(&w, "pretokenizers");
    jsonw_raw(&w, NULL, "{\"type\":\"WhitespaceSplit\"}");
    write_metaspace(&w, NULL);
    jsonw_end_array(&w);
    jsonw_end_object(&w);
    write_template(&w);
    write_metaspace(&w, "decoder");
    write_model(&w, special, pieces, scores, n);
    jsonw_end_object(&w);
    buf_putc(out, '\n');
}

int tokenizer_write(const char *path, const char *const *pieces, const double *scores, int n,
                    struct err *e)
{
    struct buf b = BUF_INIT;
    int rc;

    tokenizer_text(&b, pieces, scores, n);
    rc = file_write(path, b.data, b.len, e);
    buf_release(&b);
    return rc;
}
