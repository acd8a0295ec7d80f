/* utf8.c - text: strict UTF-8, nearest names, numbers. */
#include "base/utf8.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

int utf8_decode(const char *s, size_t n, uint32_t *cp)
{
    const unsigned char *p = (const unsigned char *)s;
    uint32_t c, least;
    int len;

    if (n == 0)
        return 0;
    c = p[0];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    if (c >= 0xc2 && c <= 0xdf) {
        len = 2, c &= 0x1f, least = 0x80;
    } else if (c >= 0xe0 && c <= 0xef) {
        len = 3, c &= 0x0f, least = 0x800;
    } else if (c >= 0xf0 && c <= 0xf4) {
        len = 4, c &= 0x07, least = 0x10000;
    } else {
        return 0;
    }
    if (n < (size_t)len)
        return 0;
    for (int i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    if (c < least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *cp = c;
    return len;
}

int utf8_encode(uint32_t cp, char out[4])
{
    ZT_ASSERT(cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff));
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        out[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    out[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

int utf8_valid(const char *s, size_t n, size_t *bad_at)
{
    size_t i = 0;

    while (i < n) {
        uint32_t cp;
        int k = utf8_decode(s + i, n - i, &cp);

        if (k == 0) {
            if (bad_at)
                *bad_at = i;
            return 0;
        }
        i += (size_t)k;
    }
    return 1;
}

/* Optimal string alignment: insert, delete, change, swap of neighbours; three rows of the table. */
static int edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    int *two, *one, *row, d;

    two = xcalloc(3 * (nb + 1), sizeof *two);
    one = two + nb + 1;
    row = one + nb + 1;
    int *const storage = two;

    for (size_t j = 0; j <= nb; j++)
        one[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int *swap = two;

        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int change = one[j - 1] + (a[i - 1] != b[j - 1]);

            d = one[j] + 1 < row[j - 1] + 1 ? one[j] + 1 : row[j - 1] + 1;
            d = change < d ? change : d;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two[j - 2] + 1 < d)
                d = two[j - 2] + 1;
            row[j] = d;
        }
        two = one;
        one = row;
        row = swap;
    }
    d = one[nb];
    free(storage);
    return d;
}

int ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), tail = strlen(end);

    return n >= tail && !strcmp(s + n - tail, end);
}

int ends_behind(const char *s, const char *end)
{
    return *s && ends_with(s + 1, end);
}

const char *nearest_name(const char *word, const char *const *names, int n)
{
    size_t len = strlen(word);
    const char *best = NULL;
    int limit = (int)(len < 4 ? 1 : len < 200 ? len / 3 : 66), best_d = limit + 1;

    for (int i = 0; i < n; i++) {
        size_t ln = strlen(names[i]);
        size_t gap = ln > len ? ln - len : len - ln;

        if (gap < (size_t)best_d) {
            int d = edit_distance(word, len, names[i], ln);

            if (d < best_d) {
                best = names[i];
                best_d = d;
            }
        }
    }
    return best;
}

int parse_int(const char *s, int64_t *out)
{
    const char *p = s;
    int neg = *p == '-';
    uint64_t v = 0;

    if (*p == '-' || *p == '+')
        p++;
    if (!*p)
        return -1;
    for (; *p; p++) {
        if (*p < '0' || *p > '9' || v > (UINT64_C(1) << 63) / 10)
            return -1;
        v = v * 10 + (uint64_t)(*p - '0');
        if (v > (uint64_t)INT64_MAX + (uint64_t)neg)
            return -1;
    }
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return 0;
}

static locale_t c_locale;

static void make_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale)
        panic("out of memory: the C locale");
}

/* Only plain decimal numbers: no hexadecimal, no nan or inf, no spaces; too large is refused. */
int parse_bytes(const char *s, int64_t *out)
{
    static const char units[] = "KMGT";
    char number[32];
    size_t n = strlen(s);
    const char *unit = n ? strchr(units, s[n - 1] & ~0x20) : NULL;
    double x;

    if (unit && !*unit)
        unit = NULL;
    n -= unit != NULL;
    if (n >= sizeof number)
        return -1;
    memcpy(number, s, n);
    number[n] = 0;
    if (parse_real(number, &x))
        return -1;
    for (const char *u = units; unit && u <= unit; u++)
        x *= 1024;
    if (!(x >= 0 && x <= 1e18))
        return -1;
    *out = (int64_t)x;
    return 0;
}

int parse_real(const char *s, double *out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    char *end;
    double v;
    size_t n = strspn(s, "0123456789+-.eE");

    if (n == 0 || s[n])
        return -1;
    pthread_once(&once, make_c_locale);
    v = strtod_l(s, &end, c_locale);
    if (*end || end == s || !isfinite(v))
        return -1;
    *out = v;
    return 0;
}

int parse_yes(const char *s, int *out)
{
    static const char *const no[] = {"0", "no", "false", "off"}, *const yes[] = {"1", "yes", "true",
                                                                                 "on"};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(s, no[i]) || !strcmp(s, yes[i])) {
            *out = !strcmp(s, yes[i]);
            return 0;
        }
    }
    return -1;
}
