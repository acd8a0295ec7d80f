#include "model/normalise.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"
#include "model/grapheme.h"

/* ---- characters ---- */

int utf8_is_space(uint32_t c)
{
    return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

int utf8_length(const char *s, size_t n)
{
    uint32_t cp;
    int len = utf8_decode(s, n, &cp);

    return len ? len : 1;
}

uint32_t utf8_point(const char *s, size_t n)
{
    uint32_t cp;

    return utf8_decode(s, n, &cp) ? cp : 0xfffd;
}

static uint32_t lower(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) ||
        (c >= 0x391 && c <= 0x3ab && c != 0x3a2) || (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if ((c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return c + (c & 1);
    return c;
}

/* ---- character map ---- */

static uint32_t read_u32(const unsigned char *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int charsmap_init(struct charsmap *m, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    size_t trie;

    memset(m, 0, sizeof *m);
    if (n == 0)
        return 0;
    if (n < 5)
        return -1;
    trie = read_u32(p);
    if (trie == 0 || trie % 4 || trie > n - 5 || p[n - 1] != 0)
        return -1;
    m->n_units = trie / 4;
    m->unit = xmalloc(trie);
    for (size_t i = 0; i < m->n_units; i++)
        m->unit[i] = read_u32(p + 4 + 4 * i);
    m->text_len = n - 4 - trie;
    m->text = xmalloc(m->text_len);
    memcpy(m->text, p + 4 + trie, m->text_len);
    return 0;
}

void charsmap_release(struct charsmap *m)
{
    free(m->unit);
    free(m->text);
    memset(m, 0, sizeof *m);
}

/* Units of a double array: the label in the low byte (and the sign), the offset of the children
 * above it. */
static size_t unit_offset(uint32_t u)
{
    return (size_t)(u >> 10) << ((u & (1u << 9)) >> 6);
}

const char *charsmap_match(const struct charsmap *m, const char *s, size_t n, int longest,
                           size_t *used)
{
    const char *found = NULL;
    size_t at;

    if (!m->n_units)
        return NULL;
    at = unit_offset(m->unit[0]);
    for (size_t i = 0; i < n && s[i]; i++) {
        uint32_t u, value;

        at ^= (unsigned char)s[i];
        if (at >= m->n_units)
            break;
        u = m->unit[at];
        if ((u & 0x800000ffu) != (unsigned char)s[i])
            break;
        at ^= unit_offset(u);
        if (!(u >> 8 & 1))
            continue;
        if (at >= m->n_units)
            break;
        value = m->unit[at] & 0x7fffffffu;
        if (value >= m->text_len)
            break;
        found = m->text + value;
        *used = i + 1;
        if (!longest)
            break;
    }
    return found;
}

void charsmap_apply(const struct charsmap *m, const char *s, size_t n, struct buf *out)
{
    size_t i = 0, used;

    while (i < n) {
        size_t whole = grapheme_length(s + i, n - i), len;
        const char *to;

        to = whole < 6 ? charsmap_match(m, s + i, whole, 0, &used) : NULL;
        if (to) {
            buf_puts(out, to);
            i += whole;
            continue;
        }
        for (size_t end = i + whole; i < end; i += len) {
            len = (size_t)utf8_length(s + i, end - i);
            to = charsmap_match(m, s + i, len, 0, &used);
            if (to)
                buf_puts(out, to);
            else
                buf_add(out, s + i, len);
        }
    }
}

/* ---- steps ---- */

struct norm_step *normaliser_add(struct normaliser *z, enum norm_kind kind, const char *from,
                                 const char *to)
{
    if (z->n == z->cap) {
        z->cap = z->cap ? 2 * z->cap : 8;
        z->step = xrealloc(z->step, sizeof *z->step * (size_t)z->cap);
    }
    z->step[z->n] = (struct norm_step){
        .kind = kind, .from = from ? xstrdup(from) : NULL, .to = to ? xstrdup(to) : NULL};
    return &z->step[z->n++];
}

void normaliser_release(struct normaliser *z)
{
    for (int i = 0; i < z->n; i++) {
        free(z->step[i].from);
        free(z->step[i].to);
    }
    free(z->step);
    charsmap_release(&z->map);
    memset(z, 0, sizeof *z);
}

static void apply_lower(const char *s, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n;) {
        uint32_t cp;
        char c[4];
        int len = utf8_decode(s + i, n - i, &cp);

        if (len)
            buf_add(out, c, (size_t)utf8_encode(lower(cp), c));
        i += (size_t)(len ? len : 1);
    }
}

static void apply_replace(const struct norm_step *z, const char *s, size_t n, struct buf *out)
{
    size_t from = strlen(z->from);

    for (size_t i = 0; i < n;)
        if (from && from <= n - i && !memcmp(s + i, z->from, from)) {
            buf_puts(out, z->to);
            i += from;
        } else {
            buf_putc(out, s[i++]);
        }
}

static void apply_runs(const struct norm_step *z, const char *s, size_t n, struct buf *out)
{
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && s[end] == ' '; end++)
            ;
        if (end - i >= 2)
            buf_puts(out, z->to);
        else
            buf_add(out, s + i, end == i ? ++end - i : end - i);
    }
}

static void apply_strip(const struct norm_step *z, const char *s, size_t n, struct buf *out)
{
    size_t first = n, last = 0;

    for (size_t i = 0; i < n;) {
        size_t len = (size_t)utf8_length(s + i, n - i);

        if (!utf8_is_space(utf8_point(s + i, n - i))) {
            first = first < i ? first : i;
            last = i + len;
        }
        i += len;
    }
    first = z->left ? first : 0;
    last = z->right ? last : n;
    if (last > first)
        buf_add(out, s + first, last - first);
}

void normaliser_apply(const struct normaliser *z, const char *s, size_t n, struct buf *out)
{
    struct buf a = BUF_INIT, b = BUF_INIT, t;

    buf_add(&a, s, n);
    for (int i = 0; i < z->n; i++) {
        const struct norm_step *step = &z->step[i];

        buf_clear(&b);
        if (step->kind == NORM_CHARSMAP)
            charsmap_apply(&z->map, buf_str(&a), a.len, &b);
        else if (step->kind == NORM_LOWER)
            apply_lower(buf_str(&a), a.len, &b);
        else if (step->kind == NORM_REPLACE)
            apply_replace(step, buf_str(&a), a.len, &b);
        else if (step->kind == NORM_RUNS)
            apply_runs(step, buf_str(&a), a.len, &b);
        else
            apply_strip(step, buf_str(&a), a.len, &b);
        t = a;
        a = b;
        b = t;
    }
    buf_add(out, buf_str(&a), a.len);
    buf_release(&a);
    buf_release(&b);
}

void normaliser_own(struct normaliser *z)
{
    char from[5] = {0}, to[2] = {0};

    for (uint32_t c = 0xff01; c <= 0xff5e; c++) { /* full-width ASCII */
        from[utf8_encode(c, from)] = 0;
        to[0] = (char)(c - 0xff01 + '!');
        normaliser_add(z, NORM_REPLACE, from, to);
    }
    from[utf8_encode(0x3000, from)] = 0;
    normaliser_add(z, NORM_REPLACE, from, " ");
    normaliser_add(z, NORM_LOWER, NULL, NULL);
}
