#include "generate/clean.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"
#include "generate/entity_table.h"

enum { N_ENTITIES = sizeof entities / sizeof *entities, MAX_NAME = 32, MAX_ROUNDS = 16 };

/* What Windows-1252 has at 0x80..0x9f; 0: nothing. */
static const uint16_t windows[32] = {0x20ac, 0,      0x201a, 0x192,  0x201e, 0x2026, 0x2020, 0x2021,
                                     0x2c6,  0x2030, 0x160,  0x2039, 0x152,  0,      0x17d,  0,
                                     0,      0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014,
                                     0x2dc,  0x2122, 0x161,  0x203a, 0x153,  0,      0x17e,  0x178};

static void put(struct buf *out, uint32_t cp)
{
    char s[4];

    buf_add(out, s, (size_t)utf8_encode(cp, s));
}

/* The character at s; what is malformed is U+FFFD of one byte. Returns its length. */
static size_t next(const char *s, size_t n, uint32_t *cp)
{
    int len = utf8_decode(s, n, cp);

    *cp = len ? *cp : 0xfffd;
    return len ? (size_t)len : 1;
}

/* ---- character references ---- */

static int by_name(const void *key, const void *row)
{
    return strcmp(key, ((const struct entity *)row)->name);
}

static const struct entity *entity_named(const char *s, size_t n)
{
    char name[MAX_NAME + 1];

    if (n > MAX_NAME)
        return NULL;
    memcpy(name, s, n);
    name[n] = 0;
    return bsearch(name, entities, N_ENTITIES, sizeof *entities, by_name);
}

static void put_entity(struct buf *out, const struct entity *e)
{
    uint32_t second = (uint32_t)(e->cp >> 32) & 0x1fffff;

    put(out, (uint32_t)e->cp);
    if (second)
        put(out, second);
}

/* By number, as HTML reads them: C1 controls are those of Windows-1252, what is no character is
 * U+FFFD, what is no text is nothing. */
static void put_number(struct buf *out, uint32_t cp)
{
    if (cp >= 0x80 && cp < 0xa0 && windows[cp - 0x80])
        put(out, windows[cp - 0x80]);
    else if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
        put(out, 0xfffd);
    else if (!(cp < 0x20 && !strchr("\t\n\f\r", (int)cp)) && !(cp >= 0x7f && cp < 0xa0) &&
             (cp & 0xfffe) != 0xfffe && !(cp >= 0xfdd0 && cp < 0xfdf0))
        put(out, cp);
}

/* "&#65;" or "&#x41;" at s: its length, 0 when there is none. strict: with its semicolon. */
static size_t number_at(const char *s, size_t n, int strict, struct buf *out)
{
    int hex = n > 2 && (s[2] | 32) == 'x';
    size_t first = hex ? 3 : 2, i = first;
    uint32_t cp = 0;

    for (; i < n; i++) {
        int c = (unsigned char)s[i], low = c | 32;
        int digit = c >= '0' && c <= '9' ? c - '0' : low >= 'a' && low <= 'f' ? low - 'a' + 10 : 16;

        if (digit >= (hex ? 16 : 10))
            break;
        cp = cp > 0x10ffff ? cp : cp * (hex ? 16 : 10) + (uint32_t)digit;
    }
    int ends = i < n && s[i] == ';';
    if (i == first || (strict && !ends))
        return 0;
    put_number(out, cp);
    return i + (size_t)ends;
}

/* "&name;" at s, or where that is not strict the longest old name, which needs no semicolon. */
static size_t name_at(const char *s, size_t n, int strict, struct buf *out)
{
    const struct entity *e;
    size_t i = 1;

    while (i < n && i <= MAX_NAME &&
           ((s[i] >= '0' && s[i] <= '9') || ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z')))
        i++;
    if (i < n && s[i] == ';' && (e = entity_named(s + 1, i - 1))) {
        put_entity(out, e);
        return i + 1;
    }
    for (; !strict && i > 2; i--)
        if ((e = entity_named(s + 1, i - 1)) && e->cp >> 63) {
            put_entity(out, e);
            return i;
        }
    return 0;
}

/* One pass over s; strict as ftfy reads them, else as html.unescape. */
static void unescape(const char *s, size_t n, int strict, struct buf *out)
{
    for (size_t i = 0, used; i < n; i += used) {
        used = 0;
        if (s[i] == '&' && i + 1 < n)
            used = s[i + 1] == '#' ? number_at(s + i, n - i, strict, out)
                                   : name_at(s + i, n - i, strict, out);
        if (!used)
            buf_putc(out, s[i]), used = 1;
    }
}

/* ---- characters ---- */

/* The byte that Windows-1252 has for a character, or Latin-1 below; -1: none. */
static int byte_of(uint32_t cp)
{
    if (cp < 0x100)
        return (int)cp;
    for (int i = 0; i < 32; i++)
        if (windows[i] == cp)
            return 0x80 + i;
    return -1;
}

/* UTF-8 that somebody read as bytes: every character is one, and together they are UTF-8. */
static void mend(struct buf *text)
{
    struct buf bytes = BUF_INIT;
    int wide = 0, byte = 0;
    uint32_t cp;

    for (size_t i = 0; i < text->len && byte >= 0; i += next(text->data + i, text->len - i, &cp)) {
        next(text->data + i, text->len - i, &cp);
        byte = byte_of(cp);
        wide |= byte >= 0x80;
        buf_putc(&bytes, (char)byte);
    }
    if (byte >= 0 && wide && utf8_valid(bytes.data, bytes.len, NULL)) {
        struct buf old = *text;
        *text = bytes;
        bytes = old;
    }
    buf_release(&bytes);
}

static const struct {
    uint32_t cp;
    const char *letters;
} ligatures[] = {
    {0x132, "IJ"},         {0x133, "ij"},        {0x149, "\xca\xbcn"}, {0x1c4, "D\xc5\xbd"},
    {0x1c5, "D\xc5\xbe"},  {0x1c6, "d\xc5\xbe"}, {0x1c7, "LJ"},        {0x1c8, "Lj"},
    {0x1c9, "lj"},         {0x1ca, "NJ"},        {0x1cb, "Nj"},        {0x1cc, "nj"},
    {0x1f1, "DZ"},         {0x1f2, "Dz"},        {0x1f3, "dz"},        {0xfb00, "ff"},
    {0xfb01, "fi"},        {0xfb02, "fl"},       {0xfb03, "ffi"},      {0xfb04, "ffl"},
    {0xfb05, "\xc5\xbft"}, {0xfb06, "st"},
};

/* Half-width forms of Japanese, Korean and signs, from U+FF5F on; 0: none. */
static const uint16_t narrow[] = {
    0x2985, 0x2986, 0x3002, 0x300c, 0x300d, 0x3001, 0x30fb, 0x30f2, 0x30a1, 0x30a3, 0x30a5, 0x30a7,
    0x30a9, 0x30e3, 0x30e5, 0x30e7, 0x30c3, 0x30fc, 0x30a2, 0x30a4, 0x30a6, 0x30a8, 0x30aa, 0x30ab,
    0x30ad, 0x30af, 0x30b1, 0x30b3, 0x30b5, 0x30b7, 0x30b9, 0x30bb, 0x30bd, 0x30bf, 0x30c1, 0x30c4,
    0x30c6, 0x30c8, 0x30ca, 0x30cb, 0x30cc, 0x30cd, 0x30ce, 0x30cf, 0x30d2, 0x30d5, 0x30d8, 0x30db,
    0x30de, 0x30df, 0x30e0, 0x30e1, 0x30e2, 0x30e4, 0x30e6, 0x30e8, 0x30e9, 0x30ea, 0x30eb, 0x30ec,
    0x30ed, 0x30ef, 0x30f3, 0x3099, 0x309a, 0x1160, 0x1100, 0x1101, 0x11aa, 0x1102, 0x11ac, 0x11ad,
    0x1103, 0x1104, 0x1105, 0x11b0, 0x11b1, 0x11b2, 0x11b3, 0x11b4, 0x11b5, 0x111a, 0x1106, 0x1107,
    0x1108, 0x1121, 0x1109, 0x110a, 0x110b, 0x110c, 0x110d, 0x110e, 0x110f, 0x1110, 0x1111, 0x1112,
    0,      0,      0,      0x1161, 0x1162, 0x1163, 0x1164, 0x1165, 0x1166, 0,      0,      0x1167,
    0x1168, 0x1169, 0x116a, 0x116b, 0x116c, 0,      0,      0x116d, 0x116e, 0x116f, 0x1170, 0x1171,
    0x1172, 0,      0,      0x1173, 0x1174, 0x1175, 0,      0,      0,      0xa2,   0xa3,   0xac,
    0,      0xa6,   0xa5,   0x20a9, 0,      0x2502, 0x2190, 0x2191, 0x2192, 0x2193, 0x25a0, 0x25cb};
enum { NARROW = 0xff5f, N_NARROW = sizeof narrow / sizeof *narrow };

/* Nothing to be read: controls, marks of byte order and annotation, soft hyphens. */
static int is_nothing(uint32_t cp)
{
    return cp < 9 || cp == 11 || (cp >= 14 && cp < 32) || cp == 0x7f || cp == 0xad ||
           (cp >= 0x206a && cp < 0x2070) || cp == 0xfeff || (cp >= 0xfff9 && cp < 0xfffd);
}

static uint32_t plain_form(uint32_t cp)
{
    if (cp >= 0x80 && cp < 0xa0 && windows[cp - 0x80])
        cp = windows[cp - 0x80];
    if (cp >= 0xff01 && cp <= 0xff5e)
        cp -= 0xff01 - '!';
    if (cp >= NARROW && cp < NARROW + N_NARROW && narrow[cp - NARROW])
        cp = narrow[cp - NARROW];
    if (cp == 0x2bc || (cp >= 0x2018 && cp <= 0x201b))
        return '\'';
    if (cp >= 0x201c && cp <= 0x201f)
        return '"';
    if (cp == 0x2028 || cp == 0x2029 || cp == 0x85)
        return '\n';
    return cp == 0x3000 ? ' ' : cp;
}

static void put_plain(struct buf *out, uint32_t cp)
{
    for (size_t i = 0; i < sizeof ligatures / sizeof *ligatures; i++)
        if (ligatures[i].cp == cp) {
            buf_puts(out, ligatures[i].letters);
            return;
        }
    if (!is_nothing(cp))
        put(out, plain_form(cp));
}

/* Length of a colour or the like for a terminal, "ESC [ 1 ; 31 m"; 0: there is none. */
static size_t escape_at(const char *s, size_t n)
{
    size_t i = 2;

    if (n < 3 || s[0] != 27 || s[1] != '[')
        return 0;
    while (i < n && ((s[i] >= '0' && s[i] <= '9') || s[i] == ';'))
        i++;
    return i < n && ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z') ? i + 1 : 0;
}

static void fix_characters(struct buf *text)
{
    struct buf out = BUF_INIT;
    uint32_t cp;

    for (size_t i = 0, skip; i < text->len;) {
        if ((skip = escape_at(text->data + i, text->len - i))) {
            i += skip;
            continue;
        }
        i += next(text->data + i, text->len - i, &cp);
        if (cp == '\r' && i < text->len && text->data[i] == '\n')
            continue;
        put_plain(&out, cp == '\r' ? '\n' : cp);
    }
    buf_release(text);
    *text = out;
}

/* ---- the whole ---- */

static void replace(struct buf *text, int strict)
{
    struct buf out = BUF_INIT;

    unescape(buf_str(text), text->len, strict, &out);
    buf_release(text);
    *text = out;
}

/* Until nothing changes any more; nobody escapes a text more than a few times. */
static void fix_line(const char *s, size_t n, int references, struct buf *out)
{
    struct buf text = BUF_INIT;
    char *before = NULL;

    buf_add(&text, s, n);
    for (int i = 0; i < MAX_ROUNDS && (!before || strcmp(before, buf_str(&text))); i++) {
        free(before);
        before = xstrdup(buf_str(&text));
        if (references)
            replace(&text, 1);
        mend(&text);
        fix_characters(&text);
    }
    buf_add(out, buf_str(&text), text.len);
    free(before);
    buf_release(&text);
}

static int is_space(uint32_t cp)
{
    return (cp >= 9 && cp <= 13) || cp == ' ' || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f ||
           cp == 0x205f || cp == 0x3000;
}

/* Spaces of any kind are one space, or one line feed where one was among them and lines stay. */
static void squeeze(const char *s, size_t n, int one_line, struct buf *out)
{
    int space = 0, any = 0;
    uint32_t cp;

    for (size_t i = 0, len; i < n; i += len) {
        len = next(s + i, n - i, &cp);
        if (is_space(cp)) {
            space = space == '\n' || (cp == '\n' && !one_line) ? '\n' : ' ';
            continue;
        }
        if (space && any)
            buf_putc(out, (char)space);
        space = 0;
        any = 1;
        put(out, cp);
    }
}

void clean_prompt(const char *text, int one_line, struct buf *out)
{
    struct buf whole = BUF_INIT;
    int references = 1;

    for (const char *end; *text; text = end) {
        end = strchr(text, '\n');
        end = end ? end + 1 : text + strlen(text);
        references = references && !memchr(text, '<', (size_t)(end - text));
        fix_line(text, (size_t)(end - text), references, &whole);
    }
    replace(&whole, 0);
    replace(&whole, 0);
    fix_characters(&whole); /* what these were may be soft hyphens and the like */
    squeeze(buf_str(&whole), whole.len, one_line, out);
    buf_release(&whole);
}
