/* hash.c - SHA-256 as FIPS 180-4 writes it. */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash_ni.h"

const uint32_t sha256_rounds[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotr(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void sha256_block(uint32_t state[8], const uint8_t *p)
{
    uint32_t w[64], s[8];

    for (int i = 0; i < 16; i++, p += 4)
        w[i] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];

        w[i] = w[i - 16] + (rotr(a, 7) ^ rotr(a, 18) ^ a >> 3) + w[i - 7] +
               (rotr(b, 17) ^ rotr(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t e = s[4], a = s[0];
        uint32_t t1 = s[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & s[5]) ^ (~e & s[6])) +
                      sha256_rounds[i] + w[i];
        uint32_t t2 =
            (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t1;
        s[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

void sha256_plain_blocks(uint32_t state[8], const uint8_t *p, size_t n)
{
    for (; n; n--, p += 64)
        sha256_block(state, p);
}

static int ni_here;

static void look_for_ni(void)
{
    ni_here = sha256_ni_here();
}

static void sha256_blocks(uint32_t state[8], const uint8_t *p, size_t n)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, look_for_ni);
    if (ni_here)
        sha256_ni_blocks(state, p, n);
    else
        sha256_plain_blocks(state, p, n);
}

void sha256_init(struct sha256 *h)
{
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    memset(h, 0, sizeof *h);
    memcpy(h->state, first, sizeof first);
}

void sha256_add(struct sha256 *h, const void *data, size_t bytes)
{
    const uint8_t *p = data;
    size_t have = h->bytes % 64;

    h->bytes += bytes;
    if (have) {
        size_t n = bytes < 64 - have ? bytes : 64 - have;

        memcpy(h->block + have, p, n);
        p += n;
        bytes -= n;
        if (have + n < 64)
            return;
        sha256_blocks(h->state, h->block, 1);
    }
    sha256_blocks(h->state, p, bytes / 64);
    if (bytes % 64)
        memcpy(h->block, p + bytes / 64 * 64, bytes % 64);
}

void sha256_bytes(struct sha256 *h, uint8_t out[32])
{
    uint64_t bits = h->bytes * 8;
    uint8_t pad[72] = {0x80};
    size_t n = 64 - (h->bytes + 8) % 64; /* 1..64 bytes of padding before the length */

    for (int i = 0; i < 8; i++)
        pad[n + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(h, pad, n + 8);
    for (int i = 0; i < 32; i++)
        out[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}

void hex_of(const uint8_t *data, size_t n, char *out)
{
    static const char digit[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digit[data[i] >> 4];
        out[2 * i + 1] = digit[data[i] & 15];
    }
    out[2 * n] = '\0';
}

void sha256_hex(struct sha256 *h, char out[65])
{
    uint8_t bytes[32];

    sha256_bytes(h, bytes);
    hex_of(bytes, sizeof bytes, out);
}

int sha256_file(const char *path, char out[65], int64_t *bytes, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc = 0;
    const size_t most = 1 << 16;
    char *room = xmalloc(most);
    struct sha256 h;
    ssize_t n = -1;

    *bytes = 0;
    sha256_init(&h);
    while (fd >= 0 && (n = read(fd, room, most)) > 0) {
        sha256_add(&h, room, (size_t)n);
        *bytes += n;
    }
    if (n < 0)
        rc = err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    sha256_hex(&h, out);
    free(room);
    if (fd >= 0)
        close(fd);
    return rc;
}
