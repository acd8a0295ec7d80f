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
