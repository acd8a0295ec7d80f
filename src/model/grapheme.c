#include "model/grapheme.h"

#include "model/grapheme_table.h"
#include "model/normalise.h"

enum { HANGUL_FIRST = 0xac00, HANGUL_LAST = 0xd7a3, HANGUL_TAILS = 28 };

static enum grapheme_class class_of(uint32_t c)
{
    size_t low = 0, high = sizeof grapheme_ranges / sizeof *grapheme_ranges;

    if (c >= HANGUL_FIRST && c <= HANGUL_LAST)
        return (c - HANGUL_FIRST) % HANGUL_TAILS ? LVT : LV;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (c > grapheme_ranges[middle].last)
            low = middle + 1;
        else if (c < grapheme_ranges[middle].first)
            high = middle;
        else
            return grapheme_ranges[middle].class;
    }
    return OTHER;
}

/* No break between a and b. picture: a joiner behind a pictograph and its marks; flags: an odd
 * number of regional indicators ends with a. */
static int joined(enum grapheme_class a, enum grapheme_class b, int picture, int flags)
{
    if (a == CR && b == LF)
        return 1;
    if (a <= CONTROL && a != OTHER)
        return 0;
    if (b <= CONTROL && b != OTHER)
        return 0;
    if ((a == L && (b == L || b == V || b == LV || b == LVT)) ||
        ((a == LV || a == V) && (b == V || b == T)) || ((a == LVT || a == T) && b == T))
        return 1;
    return b == EXTEND || b == ZWJ || b == SPACING || a == PREPEND || (picture && b == PICTURE) ||
           (flags && b == FLAG);
}

size_t grapheme_length(const char *s, size_t n)
{
    size_t at = (size_t)utf8_length(s, n);
    enum grapheme_class a = class_of(utf8_point(s, n)), b;
    int pictured = a == PICTURE, picture = 0, flags = a == FLAG;

    for (; at < n; at += (size_t)utf8_length(s + at, n - at), a = b) {
        b = class_of(utf8_point(s + at, n - at));
        if (!joined(a, b, picture, flags))
            break;
        picture = pictured && b == ZWJ;
        pictured = b == PICTURE || (pictured && (b == EXTEND || b == ZWJ));
        flags = b == FLAG && !flags;
    }
    return at;
}
