/* json_doc.c - JSON documents: text becomes a tree, within limits. */
#include <jansson.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "format/json.h"
#include "format/json_inner.h"

enum {
    MAX_DEPTH = 64,
    TREE_BYTES = 24 /* for each byte of text: "1," becomes a value and its place */
};

/* jansson itself goes 2048 levels deep on the stack; nothing we read needs more than a few. */
static int check_depth(const char *text, size_t len, const char *name, struct err *e)
{
    int depth = 0, in_string = 0;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = 0;
        } else if (c == '"') {
            in_string = 1;
        } else if (c == '{' || c == '[') {
            if (++depth > MAX_DEPTH)
                return err_set(e, ERR_FORMAT, "%s: nested deeper than %d levels at byte %zu", name,
                               MAX_DEPTH, i);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 0;
}

/* jansson without memory overruns its buffers, or leaves a byte out of a string and is content; so
 * it is never told while it works for us. What the host program has set for itself stays below. */
static json_malloc_t host_malloc;
static _Thread_local int parsing;

static void *json_memory(size_t bytes)
{
    void *p = host_malloc(bytes);

    if (!p && parsing)
        panic("out of memory: %zu bytes of a JSON tree", bytes);
    return p;
}

static void watch_jansson(void)
{
    json_free_t host_free;

    json_get_alloc_funcs(&host_malloc, &host_free);
    json_set_alloc_funcs(json_memory, host_free);
}

int jdoc_parse(struct jdoc **out, const char *text, size_t len, const char *name, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    json_error_t bad;
    json_t *root;
    struct jdoc *doc;
    void *room;
    int rc;

    *out = NULL;
    rc = check_depth(text, len, name, e);
    if (rc < 0)
        return rc;
    room = malloc(len * TREE_BYTES + 1); /* not touched: only whether there is any */
    if (!room)
        return err_set(e, ERR_FIT, "%s: out of memory for %zu bytes of JSON", name, len);
    free(room);
    pthread_once(&once, watch_jansson);
    parsing = 1;
    root = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &bad);
    parsing = 0;
    if (!root)
        return err_set(e, ERR_FORMAT, "%s: line %d, column %d: %s%s", name, bad.line, bad.column,
                       json_error_code(&bad) == json_error_numeric_overflow ? ""
                                                                            : "not valid JSON: ",
                       bad.text);
    doc = xcalloc(1, sizeof *doc);
    doc->file = xstrdup(name);
    doc->root = root;
    *out = doc;
    return 0;
}

int jdoc_read(struct jdoc **out, const char *path, size_t max_bytes, struct err *e)
{
    struct buf text = BUF_INIT;
    int rc;

    *out = NULL;
    rc = file_read_regular(&text, path, max_bytes, e);
    if (rc == 0)
        rc = jdoc_parse(out, buf_str(&text), text.len, path, e);
    buf_release(&text);
    return rc;
}

void jdoc_close(struct jdoc **doc)
{
    if (!*doc)
        return;
    json_decref((*doc)->root);
    free((*doc)->file);
    free(*doc);
    *doc = NULL;
}

struct jval jdoc_root(struct jdoc *doc)
{
    return (struct jval){doc, doc->root};
}

int jdoc_status(const struct jdoc *doc, struct err *e)
{
    if (doc->err.code && e)
        *e = doc->err;
    return doc->err.code;
}

void json_without_python_numbers(char *s)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    int in_string = 0;

    for (; *s; s++) {
        if (*s == '"')
            in_string = !in_string;
        else if (*s == '\\' && s[1])
            s++;
        for (size_t i = 0; !in_string && i < sizeof words / sizeof *words; i++)
            if (!strncmp(s, words[i], strlen(words[i]))) {
                memset(s, ' ', strlen(words[i]));
                memcpy(s, i == 2 ? "0" : "null", i == 2 ? 1 : 4);
            }
    }
}

/* What the fields of a document say; closes it. */
static int take_fields(struct jdoc *doc, void (*fields)(void *arg, struct jval root), void *arg,
                       struct err *e)
{
    fields(arg, jdoc_root(doc));
    int rc = jdoc_status(doc, e);

    jdoc_close(&doc);
    return rc;
}

int jdoc_take_text(const char *text, size_t len, const char *name,
                   void (*fields)(void *arg, struct jval root), void *arg, struct err *e)
{
    struct jdoc *doc;
    int rc = jdoc_parse(&doc, text, len, name, e);

    return rc ? rc : take_fields(doc, fields, arg, e);
}

int jdoc_take_python(const char *path, size_t max_bytes,
                     void (*fields)(void *arg, struct jval root), void *arg, struct err *e)
{
    struct buf text = BUF_INIT;
    int rc = file_read_regular(&text, path, max_bytes, e);

    if (!rc && text.data)
        json_without_python_numbers(text.data);
    if (!rc)
        rc = jdoc_take_text(buf_str(&text), text.len, path, fields, arg, e);
    buf_release(&text);
    return rc;
}

int jdoc_take(const char *path, size_t max_bytes, void (*fields)(void *arg, struct jval root),
              void *arg, struct err *e)
{
    struct jdoc *doc;
    int rc = jdoc_read(&doc, path, max_bytes, e);

    return rc ? rc : take_fields(doc, fields, arg, e);
}
