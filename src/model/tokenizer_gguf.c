/* tokenizer_gguf.c - the tokenizer inside a GGUF text encoder, said again as the spiece.model from
 * which it was made (llama.cpp's converter copies pieces, scores, types and the character map). */
#include <string.h>

#include "format/gguf.h"
#include "model/tokenizer_inner.h"

enum { WIRE_NUMBER = 0, WIRE_BYTES = 2, WIRE_FLOAT = 5 };

static void put_varint(struct buf *b, uint64_t v)
{
    for (; v > 127; v >>= 7)
        buf_putc(b, (char)(v | 128));
    buf_putc(b, (char)v);
}

static void put_number(struct buf *b, int field, uint64_t v)
{
    put_varint(b, (uint64_t)field << 3 | WIRE_NUMBER);
    put_varint(b, v);
}

static void put_bytes(struct buf *b, int field, const void *p, size_t n)
{
    put_varint(b, (uint64_t)field << 3 | WIRE_BYTES);
    put_varint(b, n);
    buf_add(b, p, n);
}

static void put_float(struct buf *b, int field, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    put_varint(b, (uint64_t)field << 3 | WIRE_FLOAT);
    for (int i = 0; i < 4; i++)
        buf_putc(b, (char)(bits >> 8 * i));
}

/* The list behind a key, of n entries (n < 0: any number). */
static const struct gguf_value *list(const struct st_file *f, const char *key, int text, int64_t n,
                                     struct err *e)
{
    const struct gguf_value *v = gguf_find(f, key);

    if (v && v->is_array && (v->type == GGUF_STRING) == text && (n < 0 || v->n == n))
        return v;
    err_set(e, ERR_FORMAT, "%s: key %s: expected a list of %s, as many as there are pieces",
            st_path(f, 0), key, text ? "texts" : "numbers");
    return NULL;
}

static int flag(const struct st_file *f, const char *key)
{
    const struct gguf_value *v = gguf_find(f, key);

    return !v || (v->n && gguf_int(v, 0) != 0); /* what T5's files are trained with */
}

static int put_pieces(struct buf *out, const struct st_file *f, int *bytes, struct err *e)
{
    const struct gguf_value *text = list(f, "tokenizer.ggml.tokens", 1, -1, e);
    const struct gguf_value *score = text ? list(f, "tokenizer.ggml.scores", 0, text->n, e) : NULL;
    const struct gguf_value *type =
        score ? list(f, "tokenizer.ggml.token_type", 0, text->n, e) : NULL;
    struct buf piece = BUF_INIT;
    size_t at = 0, n;
    const char *s;

    if (!type)
        return ERR_FORMAT;
    *bytes = 0;
    for (int64_t i = 0; gguf_string(text, &at, &s, &n); i++) {
        buf_clear(&piece);
        put_bytes(&piece, SPIECE_TEXT, s, n);
        put_float(&piece, SPIECE_SCORE, (float)gguf_real(score, i));
        put_number(&piece, SPIECE_TYPE, (uint64_t)gguf_int(type, i));
        put_bytes(out, SPIECE_PIECES, piece.data, piece.len);
        *bytes |= gguf_int(type, i) == PIECE_BYTE;
    }
    buf_release(&piece);
    return 0;
}

static void put_trainer(struct buf *out, const struct st_file *f, int bytes)
{
    const struct gguf_value *end = gguf_find(f, "tokenizer.ggml.eos_token_id");
    struct buf b = BUF_INIT;

    put_number(&b, SPIECE_MODEL_TYPE, SPIECE_UNIGRAM);
    put_number(&b, SPIECE_BYTES, (uint64_t)bytes);
    put_number(&b, SPIECE_EOS, end && end->n ? (uint64_t)gguf_int(end, 0) : 1);
    put_bytes(out, SPIECE_TRAINER, b.data, b.len);
    buf_release(&b);
}

static void put_normalizer(struct buf *out, const struct st_file *f)
{
    const struct gguf_value *map = gguf_find(f, "tokenizer.ggml.precompiled_charsmap");
    struct buf b = BUF_INIT;

    if (map && (map->type == GGUF_U8 || map->type == GGUF_I8))
        put_bytes(&b, SPIECE_MAP, map->data, map->bytes);
    put_number(&b, SPIECE_DUMMY, (uint64_t)flag(f, "tokenizer.ggml.add_space_prefix"));
    put_number(&b, SPIECE_EXTRA, (uint64_t)flag(f, "tokenizer.ggml.remove_extra_whitespaces"));
    put_number(&b, SPIECE_ESCAPE, 1);
    put_bytes(out, SPIECE_NORMALIZER, b.data, b.len);
    buf_release(&b);
}

int tokenizer_spiece_of_gguf(struct buf *out, const struct st_file *f, struct err *e)
{
    const char *model = st_meta(f, "tokenizer.ggml.model");
    int bytes, rc;

    if (!model)
        return err_set(e, ERR_FORMAT, "%s: has no tokenizer (key tokenizer.ggml.model)",
                       st_path(f, 0));
    if (strcmp(model, "t5"))
        return err_set(e, ERR_FORMAT,
                       "%s: key tokenizer.ggml.model: \"%.40s\" is not supported, only t5",
                       st_path(f, 0), model);
    rc = put_pieces(out, f, &bytes, e);
    if (!rc) {
        put_trainer(out, f, bytes);
        put_normalizer(out, f);
    }
    return rc;
}

int tokenizer_read_gguf(struct tokenizer *t, const char *path, struct err *e)
{
    struct buf b = BUF_INIT;
    struct st_file *f;
    int rc = st_open(&f, path, e);

    if (rc)
        return rc;
    rc = tokenizer_spiece_of_gguf(&b, f, e);
    if (!rc)
        rc = tokenizer_take_spiece(t, buf_str(&b), b.len, path, e);
    buf_release(&b);
    st_close(&f);
    return rc;
}
