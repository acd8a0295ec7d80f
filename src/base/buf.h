/* buf.h - a growing string of bytes, always followed by a NUL that is not counted. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stddef.h>

struct buf {
    char *data; /* owned; NULL only before the first byte */
    size_t len, cap;
};
/* clang-format off */
#define BUF_INIT {0}
/* clang-format on */

void buf_release(struct buf *b);
void buf_clear(struct buf *b); /* keeps the memory */
/* Room for so many more; -1 when there is no memory, where the others panic. */
int buf_reserve(struct buf *b, size_t more) __attribute__((warn_unused_result));
void buf_add(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_xml(struct buf *b, const char *s); /* as text or a quoted value of XML and HTML */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const char *buf_str(const struct buf *b); /* "" when empty */
char *buf_take(struct buf *b);            /* the caller frees; b is empty afterwards */

#endif
