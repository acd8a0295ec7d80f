/* multipart.h - a body of multipart/form-data (RFC 7578) that has come whole.
 *
 * libmicrohttpd has a reader that takes pieces; of 300 bodies cut at random places it misread two
 * (0.9.75), so bodies are kept, as those of JSON are, and read here. */
#ifndef SERVE_MULTIPART_H
#define SERVE_MULTIPART_H

#include <stddef.h>

struct part {
    char name[32], filename[128]; /* filename "": a field; a longer one is cut */
    const char *data;             /* in the body */
    size_t bytes;
};
enum { MULTIPART_PARTS = 32 };

/* content_type: with its boundary. Returns how many parts, or -1: it is no such body, or has more
 * than MULTIPART_PARTS. */
int multipart_read(const char *content_type, const char *body, size_t bytes,
                   struct part part[MULTIPART_PARTS]);

#endif
