/* json_inner.h - what json_doc.c (documents) and json.c (their fields) share. */
#ifndef FORMAT_JSON_INNER_H
#define FORMAT_JSON_INNER_H

#include <jansson.h>

#include "base/err.h"

struct jdoc {
    char *file;
    json_t *root;
    struct err err;
};

#endif
