/* jsonw.h - writes JSON into a buf; commas and escapes are kept by the writer.
 * Numbers are independent of the locale; NaN and infinities become null. */
#ifndef BASE_JSONW_H
#define BASE_JSONW_H

#include <stdint.h>

#include "base/buf.h"

struct jsonw {
    struct buf *out;
    int indent; /* spaces per level; 0 = everything on one line */
    int depth, first;
};

void jsonw_init(struct jsonw *w, struct buf *out, int indent);
void jsonw_object(struct jsonw *w, const char *key); /* key is NULL inside arrays and at the top */
void jsonw_array(struct jsonw *w, const char *key);
void jsonw_end_object(struct jsonw *w);
void jsonw_end_array(struct jsonw *w);
void jsonw_string(struct jsonw *w, const char *key, const char *value); /* NULL value -> null */
void jsonw_int(struct jsonw *w, const char *key, int64_t value);
void jsonw_real(struct jsonw *w, const char *key, double value); /* shortest text that reads back */
void jsonw_bool(struct jsonw *w, const char *key, int value);
void jsonw_null(struct jsonw *w, const char *key);
void jsonw_raw(struct jsonw *w, const char *key, const char *json); /* ready JSON text */

#endif
