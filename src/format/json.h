/* json.h - strict reading of JSON files: configs, indexes, tokenizers, captions.
 *
 * A jdoc owns a parsed text. A jval is a value inside it, plain data, valid until jdoc_close.
 * Errors stick to the document: the first one is kept, getters then give 0, "", or an empty value,
 * and the caller asks jdoc_status once after reading all fields. Messages name the file, the path
 * of the field
 * ("blocks[3].heads") and what is allowed.
 *
 * Refused: duplicate keys, more than 64 levels, NaN, numbers out of range, malformed UTF-8, NUL.
 * Nothing depends on the locale. Thread-safety: a jdoc belongs to one thread. */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf;
struct jdoc;
struct json_t;

struct jval {
    struct jdoc *doc;
    struct json_t *v; /* NULL: not there */
};

enum jtype { J_NONE, J_NULL, J_BOOL, J_INT, J_REAL, J_STRING, J_ARRAY, J_OBJECT };

/* 0: *out is to be given to jdoc_close. ERR_IO or ERR_FORMAT: *out is NULL. */
NODISCARD int jdoc_read(struct jdoc **out, const char *path, size_t max_bytes, struct err *e);
/* Read, let `fields` take what it wants from the root, close. The error of the file or the first
 * one of a field. */
NODISCARD int jdoc_take(const char *path, size_t max_bytes,
                        void (*fields)(void *arg, struct jval root), void *arg, struct err *e);
/* The same of a file that Python wrote, which may say -Infinity, Infinity and NaN, which JSON does
 * not have. */
NODISCARD int jdoc_take_python(const char *path, size_t max_bytes,
                               void (*fields)(void *arg, struct jval root), void *arg,
                               struct err *e);
/* The same of a text; `name` stands for the file in messages. */
NODISCARD int jdoc_take_text(const char *text, size_t len, const char *name,
                             void (*fields)(void *arg, struct jval root), void *arg, struct err *e);
/* Outside of strings these become null in s (NaN, which is too short for that, 0). */
void json_without_python_numbers(char *s);
/* jdoc_read from memory; `name` stands for the file in messages. */
NODISCARD int jdoc_parse(struct jdoc **out, const char *text, size_t len, const char *name,
                         struct err *e);
void jdoc_close(struct jdoc **doc);
struct jval jdoc_root(struct jdoc *doc);
/* 0, or ERR_FORMAT with the first error that any getter met. */
NODISCARD int jdoc_status(const struct jdoc *doc, struct err *e);
/* Let the document fail with a reason of the caller's; key may be NULL. */
void j_fail(struct jval v, const char *key, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Fields of an object. The plain form wants the field; _or takes `def` where it is missing or null
 * (a present field of the wrong type or range is an error in both). */
int64_t j_int(struct jval obj, const char *key, int64_t lo, int64_t hi);
int64_t j_int_or(struct jval obj, const char *key, int64_t lo, int64_t hi, int64_t def);
double j_real(struct jval obj, const char *key, double lo, double hi);
double j_real_or(struct jval obj, const char *key, double lo, double hi, double def);
int j_bool(struct jval obj, const char *key);
int j_bool_or(struct jval obj, const char *key, int def);
const char *j_string(struct jval obj, const char *key); /* borrowed, never NULL */
const char *j_string_or(struct jval obj, const char *key, const char *def);
/* Index of the string among n names; the message lists them. */
int j_choice(struct jval obj, const char *key, const char *const *names, int n);
int j_choice_or(struct jval obj, const char *key, const char *const *names, int n, int def);
/* Array of min_n..max_n integers in [lo,hi]. Returns how many; 0 where it failed. */
int j_ints(struct jval obj, const char *key, int64_t *out, int min_n, int max_n, int64_t lo,
           int64_t hi);
int j_reals(struct jval obj, const char *key, double *out, int min_n, int max_n, double lo,
            double hi);
struct jval j_object(struct jval obj, const char *key);
struct jval j_array(struct jval obj, const char *key);
struct jval j_get(struct jval obj, const char *key); /* any type; v is NULL without the field */
int j_has(struct jval obj, const char *key);         /* there, and not null */
/* A text, number or flag ("yes", "no") as text. 0; 1: not there or null; -1: a list or object. */
int j_text(struct jval obj, const char *key, struct buf *out);
/* Every key of obj must be among n names; else the message gives the nearest one,
 * or all of them where none is near. */
void j_known(struct jval obj, const char *const *names, int n);

/* Values by themselves. */
enum jtype j_type(struct jval v);
int j_len(struct jval v); /* of an array or object, else 0 */
struct jval j_at(struct jval array, int i);
/* Element i of an array; errors as above. */
int64_t j_at_int(struct jval array, int i, int64_t lo, int64_t hi);
double j_at_real(struct jval array, int i, double lo, double hi);
int j_at_bool(struct jval array, int i);
const char *j_at_string(struct jval array, int i);
struct jval j_at_object(struct jval array, int i);
struct jval j_at_array(struct jval array, int i);
/* Walk an object in the order of the file: void *it = NULL; while (j_next(obj, &it, &key, &value)).
 */
int j_next(struct jval obj, void **it, const char **key, struct jval *value);

#endif
