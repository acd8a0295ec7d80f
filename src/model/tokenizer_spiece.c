/* spiece.model of SentencePiece: the ModelProto of sentencepiece_model.proto, read by hand. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "model/tokenizer_inner.h"

/* The wire format: fields of (number, type), with a varint, 8 bytes, a length and bytes, or 4
 * bytes. */
struct proto {
    const unsigned char *p, *end;
    int bad;
};
struct field {
    uint32_t number;
    int wire;
    uint64_t value;     /* wire 0, 1, 5 */
    struct proto bytes; /* wire 2 */
};

static uint64_t read_varint(struct proto *s)
{
    uint64_t v = 0;

    for (int shift = 0; shift < 64 && s->p < s->end; shift += 7) {
        unsigned char c = *s->p++;

        v |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return v;
    }
    s->bad = 1;
    return 0;
}

static uint64_t read_fixed(struct proto *s, int n)
{
    uint64_t v = 0;

    if (s->end - s->p < n) {
        s->bad = 1;
        return 0;
    }
    for (int i = 0; i < n; i++)
        v |= (uint64_t)s->p[i] << (8 * i);
    s->p += n;
    return v;
}

/* 1 and the next field, or 0 at the end or when bad is set. */
static int next_field(struct proto *s, struct field *f)
{
    uint64_t tag, n;

    if (s->bad || s->p >= s->end)
        return 0;
    tag = read_varint(s);
    *f = (struct field){.number = (uint32_t)(tag >> 3), .wire = (int)(tag & 7)};
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        s->bad = 1;
    else if (f->wire == 0)
        f->value = read_varint(s);
    else if (f->wire == 1 || f->wire == 5)
        f->value = read_fixed(s, f->wire == 1 ? 8 : 4);
    else if (f->wire == 2) {
        n = read_varint(s);
        if (s->bad || n > (uint64_t)(s->end - s->p)) {
            s->bad = 1;
            return 0;
        }
        f->bytes = (struct proto){s->p, s->p + n, 0};
        s->p += n;
    } else
        s->bad = 1;
    return !s->bad;
}

static int damaged(const char *path, const char *what, struct err *e)
{
    return err_set(e, ERR_FORMAT, "%s: is not a SentencePiece model (%s)", path, what);
}

/* "<0x41>" is 65; -1 for anything else. */
static int byte_value(const char *s, size_t n)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *hi, *lo;

    if (n != 6 || memcmp(s, "<0x", 3) || s[5] != '>')
        return -1;
    hi = memchr(hex, s[3], 16);
    lo = memchr(hex, s[4], 16);
    return hi && lo ? (int)(hi - hex) * 16 + (int)(lo - hex) : -1;
}

static int read_piece(struct tokenizer *t, struct proto s, const char *path, struct err *e)
{
    struct proto text = {0};
    uint32_t bits = 0;
    uint64_t type = PIECE_NORMAL;
    size_t len;
    float score;
    struct field f;

    while (next_field(&s, &f))
        if (f.number == SPIECE_TEXT && f.wire == 2)
            text = f.bytes;
        else if (f.number == SPIECE_SCORE && f.wire == 5)
            bits = (uint32_t)f.value;
        else if (f.number == SPIECE_TYPE && f.wire == 0)
            type = f.value;
    memcpy(&score, &bits, sizeof score);
    len = (size_t)(text.end - text.p);
    if (s.bad)
        return damaged(path, "a piece is cut short", e);
    if (t->n >= TOK_MAX_PIECES)
        return err_set(e, ERR_FORMAT, "%s: more than %d pieces", path, TOK_MAX_PIECES);
    if (len == 0 || len > TOK_MAX_PIECE || memchr(text.p, 0, len) ||
        !utf8_valid((const char *)text.p, len, NULL))
        return err_set(e, ERR_FORMAT, "%s: piece %d is not 1 to %d bytes of UTF-8 (it has %zu)",
                       path, t->n, TOK_MAX_PIECE, len);
    if (!isfinite(score) || type < PIECE_NORMAL || type > PIECE_BYTE)
        return err_set(e, ERR_FORMAT, "%s: piece %d has score %g and type %llu", path, t->n,
                       (double)score, (unsigned long long)type);
    if (type == PIECE_BYTE) {
        int b = byte_value((const char *)text.p, len);

        if (b < 0 || t->byte_of[b] >= 0)
            return err_set(e, ERR_FORMAT,
                           "%s: byte piece \"%.*s\" must be one of <0x00> to <0xFF>, once", path,
                           (int)(len < 40 ? len : 40), (const char *)text.p);
        t->byte_of[b] = t->n;
    }
    if (type == PIECE_UNKNOWN && t->unknown < 0)
        t->unknown = t->n;
    tokenizer_add_piece(t, (const char *)text.p, len, score, (enum piece_type)type);
    return 0;
}

static int read_trainer(struct tokenizer *t, struct proto s, const char *path, struct err *e)
{
    struct field f;
    uint64_t type = SPIECE_UNIGRAM;

    while (next_field(&s, &f)) {
        if (f.wire != 0)
            continue;
        if (f.number == SPIECE_MODEL_TYPE)
            type = f.value;
        else if (f.number == SPIECE_BYTES)
            t->byte_fallback = f.value != 0;
        else if (f.number == SPIECE_EOS)
            t->end = f.value < TOK_MAX_PIECES ? (int)f.value : -1;
        else if (f.number == SPIECE_SUFFIX && f.value)
            return err_set(e, ERR_FORMAT, "%s: white space as a suffix is not supported", path);
    }
    if (s.bad)
        return damaged(path, "the trainer's settings are cut short", e);
    if (type != SPIECE_UNIGRAM)
        return err_set(e, ERR_FORMAT, "%s: model type %llu is not supported, only 1 (unigram)",
                       path, (unsigned long long)type);
    return 0;
}

static int read_normalizer(struct tokenizer *t, struct proto s, const char *path, struct err *e)
{
    struct field f;

    while (next_field(&s, &f)) {
        if (f.number == SPIECE_MAP && f.wire == 2) {
            charsmap_release(&t->norm.map);
            if (charsmap_init(&t->norm.map, f.bytes.p, (size_t)(f.bytes.end - f.bytes.p)))
                return damaged(path, "its character map is damaged", e);
        } else if (f.wire != 0) {
            continue;
        } else if (f.number == SPIECE_DUMMY) {
            t->dummy_prefix = f.value != 0;
        } else if (f.number == SPIECE_EXTRA) {
            t->extra_spaces = f.value == 0;
        } else if (f.number == SPIECE_ESCAPE) {
            t->escape = f.value != 0;
        }
    }
    return s.bad ? damaged(path, "the normaliser's settings are cut short", e) : 0;
}

static int read_model(struct tokenizer *t, struct proto s, const char *path, struct err *e)
{
    struct field f;
    int rc = 0;

    t->end = 2; /* the defaults of the format */
    t->dummy_prefix = t->escape = 1;
    while (!rc && next_field(&s, &f)) {
        if (f.wire != 2)
            continue;
        if (f.number == SPIECE_PIECES)
            rc = read_piece(t, f.bytes, path, e);
        else if (f.number == SPIECE_TRAINER)
            rc = read_trainer(t, f.bytes, path, e);
        else if (f.number == SPIECE_NORMALIZER)
            rc = read_normalizer(t, f.bytes, path, e);
    }
    if (!rc && s.bad)
        rc = damaged(path, "it is cut short", e);
    if (!rc && t->unknown < 0)
        rc = damaged(path, "it has no piece for the unknown", e);
    if (t->end >= t->n || (t->end >= 0 && t->piece[t->end].type != PIECE_CONTROL))
        t->end = -1;
    t->n_vocab = t->n;
    return rc;
}

int tokenizer_take_spiece(struct tokenizer *t, const char *bytes, size_t n, const char *path,
                          struct err *e)
{
    const unsigned char *p = (const unsigned char *)bytes;
    int rc = read_model(t, (struct proto){p, p + n, 0}, path, e);

    return rc ? rc : tokenizer_finish(t, path, e);
}

int tokenizer_read_spiece(struct tokenizer *t, const char *path, struct err *e)
{
    struct buf b = BUF_INIT;
    int rc = file_read_regular(&b, path, TOK_MAX_FILE, e);

    if (!rc)
        rc = tokenizer_take_spiece(t, buf_str(&b), b.len, path, e);
    buf_release(&b);
    return rc;
}
