/* sign.h - HMAC-SHA-256 (RFC 2104), base64 (RFC 4648), and addresses that prove themselves. */
#ifndef SERVE_SIGN_H
#define SERVE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t bytes,
                 uint8_t out[32]);
/* In a time that does not depend on the contents. */
int same_bytes(const void *a, const void *b, size_t n);

/* Appends what text says. 0, or -1 for what is no base64; url: the alphabet of RFC 4648 5, without
 * padding. In the other one padding may be missing too, but nothing may follow it. */
int base64_decode(struct buf *out, const char *text, size_t n, int url);
void base64_encode(struct buf *out, const void *data, size_t n);

/* "?expires=SECONDS&signature=HEX" for path, to be appended to it. */
void sign_path(struct buf *out, const char *secret, const char *path, int64_t expires_s);
/* 1: the signature is of this path and has not expired. */
int path_is_signed(const char *secret, const char *path, const char *expires, const char *signature,
                   int64_t now_s);

#endif
