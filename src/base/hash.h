/* hash.h - SHA-256 (FIPS 180-4) for model and frame hashes. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    uint8_t block[64];
};

extern const uint32_t sha256_rounds[64]; /* the constants of the rounds */
/* n blocks of 64 bytes in plain C; the functions below take what is fastest here. */
void sha256_plain_blocks(uint32_t state[8], const uint8_t *p, size_t n);

void sha256_init(struct sha256 *h);
void sha256_add(struct sha256 *h, const void *data, size_t bytes);
void sha256_bytes(struct sha256 *h, uint8_t out[32]);  /* finishes h */
void sha256_hex(struct sha256 *h, char out[65]);       /* finishes h */
void hex_of(const uint8_t *data, size_t n, char *out); /* 2n characters and a NUL */

/* Of the file, and how long it is. ERR_IO. */
NODISCARD int sha256_file(const char *path, char out[65], int64_t *bytes, struct err *e);

#endif
