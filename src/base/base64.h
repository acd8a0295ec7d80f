/* base64.h - base64 (RFC 4648). */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>

#include "base/buf.h"

/* Appends what text says. 0, or -1 for what is no base64; url: the alphabet of RFC 4648 5, without
 * padding. In the other one padding may be missing too, but nothing may follow it. */
int base64_decode(struct buf *out, const char *text, size_t n, int url);
void base64_encode(struct buf *out, const void *data, size_t n);

#endif
