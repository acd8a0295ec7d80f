/* sign.h - HMAC-SHA-256 (RFC 2104), and addresses that prove themselves. */
#ifndef SERVE_SIGN_H
#define SERVE_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

void hmac_sha256(const void *key, size_t key_bytes, const void *data, size_t bytes,
                 uint8_t out[32]);
/* In a time that does not depend on the contents. */
int same_bytes(const void *a, const void *b, size_t n);

/* "?expires=SECONDS&signature=HEX" for path, to be appended to it. */
void sign_path(struct buf *out, const char *secret, const char *path, int64_t expires_s);
/* 1: the signature is of this path and has not expired. */
int path_is_signed(const char *secret, const char *path, const char *expires, const char *signature,
                   int64_t now_s);

#endif
