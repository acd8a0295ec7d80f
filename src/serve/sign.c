#include "serve/sign.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/utf8.h"

enum { SIGNATURE = 32 }; /* hex digits of an address: 128 bits */

void hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t bytes, uint8_t out[32])
{
    uint8_t block[64] = {0}, pad[64];
    struct sha256 h;

    if (key_bytes > sizeof block) {
        sha256_init(&h);
        sha256_add(&h, key, key_bytes);
        sha256_bytes(&h, block);
    } else if (key_bytes) {
        memcpy(block, key, key_bytes);
    }
    for (int i = 0; i < 64; i++)
        pad[i] = block[i] ^ 0x36;
    sha256_init(&h);
    sha256_add(&h, pad, sizeof pad);
    sha256_add(&h, data, bytes);
    sha256_bytes(&h, out);
    for (int i = 0; i < 64; i++)
        pad[i] = block[i] ^ 0x5c;
    sha256_init(&h);
    sha256_add(&h, pad, sizeof pad);
    sha256_add(&h, out, 32);
    sha256_bytes(&h, out);
}

int same_bytes(const void *a, const void *b, size_t n)
{
    const volatile uint8_t *x = a, *y = b;
    unsigned differ = 0;

    for (size_t i = 0; i < n; i++)
        differ |= x[i] ^ y[i];
    return differ == 0;
}

/* ---- base64 ---- */

static int value_of(char c, int url)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == (url ? '-' : '+'))
        return 62;
    if (c == (url ? '_' : '/'))
        return 63;
    return -1;
}

int base64_decode(struct buf *out, const char *text, size_t n, int url)
{
    uint32_t bits = 0;
    int have = 0;

    if (!url && n && n % 4 == 0 && text[n - 1] == '=')
        n -= text[n - 2] == '=' ? 2 : 1;
    if (n % 4 == 1 || buf_reserve(out, n / 4 * 3 + 3))
        return -1;
    for (size_t i = 0; i < n; i++) {
        int v = value_of(text[i], url);

        if (v < 0)
            return -1;
        bits = bits << 6 | (uint32_t)v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_putc(out, (char)(bits >> have));
        }
    }
    return bits & ((1u << have) - 1) ? -1 : 0;
}

void base64_encode(struct buf *out, const void *data, size_t n)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *p = data;

    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)p[i] << 16;

        v |= i + 1 < n ? (uint32_t)p[i + 1] << 8 : 0;
        v |= i + 2 < n ? p[i + 2] : 0;
        buf_putc(out, alphabet[v >> 18]);
        buf_putc(out, alphabet[v >> 12 & 63]);
        buf_putc(out, i + 1 < n ? alphabet[v >> 6 & 63] : '=');
        buf_putc(out, i + 2 < n ? alphabet[v & 63] : '=');
    }
}

/* ---- addresses ---- */

static void signature_of(const char *secret, const char *path, const char *expires,
                         char out[SIGNATURE + 1])
{
    struct buf text = BUF_INIT;
    uint8_t mac[32];

    buf_printf(&text, "%s\n%s", path, expires);
    hmac_sha256(secret, strlen(secret), text.data, text.len, mac);
    hex_of(mac, SIGNATURE / 2, out);
    buf_release(&text);
}

void sign_path(struct buf *out, const char *secret, const char *path, int64_t expires_s)
{
    char expires[24], signature[SIGNATURE + 1];

    snprintf(expires, sizeof expires, "%lld", (long long)expires_s);
    signature_of(secret, path, expires, signature);
    buf_printf(out, "?expires=%s&signature=%s", expires, signature);
}

int path_is_signed(const char *secret, const char *path, const char *expires, const char *signature,
                   int64_t now_s)
{
    char want[SIGNATURE + 1];
    int64_t until;

    if (!expires || !signature || strlen(signature) != SIGNATURE || strlen(expires) > 20 ||
        parse_int(expires, &until))
        return 0;
    signature_of(secret, path, expires, want);
    return same_bytes(want, signature, SIGNATURE) && until >= now_s;
}
