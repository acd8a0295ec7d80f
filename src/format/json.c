/* json.c - a typed layer over jansson. */
#include "format/json.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "base/buf.h"
#include "base/jsonw.h"
#include "base/utf8.h"
#include "format/json_inner.h"

/* Write the way from `at` down to the container `goal`; only messages ask, so a search is fine.
 * Containers have one address each, which scalars of jansson do not. Depth is capped by MAX_DEPTH.
 */
static int find_path(json_t *at, const json_t *goal, struct buf *path)
{
    size_t len = path->len, i;
    const char *key;
    json_t *v;

    if (at == goal)
        return 1;
    if (json_is_object(at)) {
        json_object_foreach(at, key, v)
        {
            if (!json_is_object(v) && !json_is_array(v))
                continue;
            buf_printf(path, "%s%.80s", len ? "." : "", key);
            if (find_path(v, goal, path))
                return 1;
            path->len = len;
        }
    } else if (json_is_array(at)) {
        json_array_foreach(at, i, v)
        {
            if (!json_is_object(v) && !json_is_array(v))
                continue;
            buf_printf(path, "[%zu]", i);
            if (find_path(v, goal, path))
                return 1;
            path->len = len;
        }
    }
    return 0;
}

static void fail_at(struct jval v, const char *key, int index, const char *fmt, va_list ap)
{
    struct buf path = BUF_INIT;
    char why[512];

    if (v.doc->err.code)
        return;
    vsnprintf(why, sizeof why, fmt, ap);
    if (v.v)
        find_path(v.doc->root, v.v, &path);
    if (key)
        buf_printf(&path, "%s%.80s", path.len ? "." : "", key);
    if (index >= 0)
        buf_printf(&path, "[%d]", index);
    if (path.len)
        err_set(&v.doc->err, ERR_FORMAT, "%s: field %s: %s", v.doc->file, buf_str(&path), why);
    else
        err_set(&v.doc->err, ERR_FORMAT, "%s: %s", v.doc->file, why);
    buf_release(&path);
}

void j_fail(struct jval v, const char *key, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail_at(v, key, -1, fmt, ap);
    va_end(ap);
}

/* Where a scalar was found, for its message: field `key` or element `index` of `in`. */
struct place {
    struct jval in;
    const char *key;
    int index;
};

static void PRINTF_LIKE(2, 3) place_fail(struct place p, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail_at(p.in, p.key, p.index, fmt, ap);
    va_end(ap);
}

static struct place field(struct jval obj, const char *key)
{
    return (struct place){obj, key, -1};
}

static json_t *fetch(struct jval obj, const char *key)
{
    json_t *v = obj.v ? json_object_get(obj.v, key) : NULL;

    return v && !json_is_null(v) ? v : NULL;
}

static const char *type_name(const json_t *v)
{
    static const char *const name[] = {
        [JSON_OBJECT] = "an object",   [JSON_ARRAY] = "an array",     [JSON_STRING] = "a string",
        [JSON_INTEGER] = "an integer", [JSON_REAL] = "a real number", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",        [JSON_NULL] = "null"};

    return v ? name[json_typeof(v)] : "missing";
}

static int64_t get_int(json_t *v, struct place p, int64_t lo, int64_t hi)
{
    int64_t x;

    if (!json_is_integer(v)) {
        place_fail(p, "expected an integer from %" PRId64 " to %" PRId64 ", but it is %s", lo, hi,
                   type_name(v));
        return 0;
    }
    x = json_integer_value(v);
    if (x < lo || x > hi) {
        place_fail(p, "%" PRId64 " is outside the allowed %" PRId64 " to %" PRId64, x, lo, hi);
        return 0;
    }
    return x;
}

static double get_real(json_t *v, struct place p, double lo, double hi)
{
    double x;

    if (!json_is_number(v)) {
        place_fail(p, "expected a number from %g to %g, but it is %s", lo, hi, type_name(v));
        return 0;
    }
    x = json_number_value(v);
    if (!(x >= lo && x <= hi)) {
        place_fail(p, "%g is outside the allowed %g to %g", x, lo, hi);
        return 0;
    }
    return x;
}

static const char *get_string(json_t *v, struct place p)
{
    if (json_is_string(v))
        return json_string_value(v);
    place_fail(p, "expected a string, but it is %s", type_name(v));
    return "";
}

static struct jval get_container(json_t *v, struct place p, json_type type)
{
    if (v && json_typeof(v) == type)
        return (struct jval){p.in.doc, v};
    place_fail(p, "expected %s, but it is %s", type == JSON_OBJECT ? "an object" : "an array",
               type_name(v));
    return (struct jval){p.in.doc, NULL};
}

int64_t j_int(struct jval obj, const char *key, int64_t lo, int64_t hi)
{
    return get_int(fetch(obj, key), field(obj, key), lo, hi);
}

int64_t j_int_or(struct jval obj, const char *key, int64_t lo, int64_t hi, int64_t def)
{
    json_t *v = fetch(obj, key);

    return v ? get_int(v, field(obj, key), lo, hi) : def;
}

double j_real(struct jval obj, const char *key, double lo, double hi)
{
    return get_real(fetch(obj, key), field(obj, key), lo, hi);
}

double j_real_or(struct jval obj, const char *key, double lo, double hi, double def)
{
    json_t *v = fetch(obj, key);

    return v ? get_real(v, field(obj, key), lo, hi) : def;
}

int j_bool(struct jval obj, const char *key)
{
    json_t *v = fetch(obj, key);

    if (!json_is_boolean(v))
        place_fail(field(obj, key), "expected true or false, but it is %s", type_name(v));
    return json_is_true(v);
}

int j_bool_or(struct jval obj, const char *key, int def)
{
    return fetch(obj, key) ? j_bool(obj, key) : def;
}

const char *j_string(struct jval obj, const char *key)
{
    return get_string(fetch(obj, key), field(obj, key));
}

const char *j_string_or(struct jval obj, const char *key, const char *def)
{
    json_t *v = fetch(obj, key);

    return v ? get_string(v, field(obj, key)) : def;
}

static void list_names(struct buf *out, const char *const *names, int n)
{
    for (int i = 0; i < n; i++)
        buf_printf(out, "%s%s", i ? ", " : "", names[i]);
}

int j_choice(struct jval obj, const char *key, const char *const *names, int n)
{
    const char *s = j_string(obj, key);
    struct buf list = BUF_INIT;

    for (int i = 0; i < n; i++)
        if (!strcmp(names[i], s))
            return i;
    list_names(&list, names, n);
    place_fail(field(obj, key), "\"%.80s\" is not known; allowed are %s", s, buf_str(&list));
    buf_release(&list);
    return 0;
}

int j_choice_or(struct jval obj, const char *key, const char *const *names, int n, int def)
{
    return fetch(obj, key) ? j_choice(obj, key, names, n) : def;
}

/* The array `key` if it has min_n..max_n elements; *n is 0 otherwise. */
static struct jval sized_array(struct jval obj, const char *key, int min_n, int max_n, int *n)
{
    struct jval a = j_array(obj, key);

    *n = j_len(a);
    if (a.v && (*n < min_n || *n > max_n)) {
        place_fail(field(obj, key), "%d elements, allowed are %d to %d", *n, min_n, max_n);
        *n = 0;
    }
    return a;
}

int j_ints(struct jval obj, const char *key, int64_t *out, int min_n, int max_n, int64_t lo,
           int64_t hi)
{
    int n;
    struct jval a = sized_array(obj, key, min_n, max_n, &n);

    for (int i = 0; i < n; i++)
        out[i] = j_at_int(a, i, lo, hi);
    return obj.doc->err.code ? 0 : n;
}

int j_reals(struct jval obj, const char *key, double *out, int min_n, int max_n, double lo,
            double hi)
{
    int n;
    struct jval a = sized_array(obj, key, min_n, max_n, &n);

    for (int i = 0; i < n; i++)
        out[i] = j_at_real(a, i, lo, hi);
    return obj.doc->err.code ? 0 : n;
}

struct jval j_object(struct jval obj, const char *key)
{
    return get_container(fetch(obj, key), field(obj, key), JSON_OBJECT);
}

struct jval j_array(struct jval obj, const char *key)
{
    return get_container(fetch(obj, key), field(obj, key), JSON_ARRAY);
}

struct jval j_get(struct jval obj, const char *key)
{
    return (struct jval){obj.doc, obj.v ? json_object_get(obj.v, key) : NULL};
}

int j_has(struct jval obj, const char *key)
{
    return fetch(obj, key) != NULL;
}

static void fail_with_all(struct jval obj, const char *key, const char *const *names, int n)
{
    struct buf list = BUF_INIT;

    list_names(&list, names, n);
    j_fail(obj, key, "not known; allowed are %s", buf_str(&list));
    buf_release(&list);
}

void j_known(struct jval obj, const char *const *names, int n)
{
    const char *key, *near;
    json_t *v;

    if (!obj.v)
        return;
    if (!json_is_object(obj.v)) {
        j_fail(obj, NULL, "expected an object, but it is %s", type_name(obj.v));
        return;
    }
    json_object_foreach(obj.v, key, v)
    {
        int i = 0;

        while (i < n && strcmp(names[i], key))
            i++;
        if (i < n)
            continue;
        near = nearest_name(key, names, n);
        if (near)
            j_fail(obj, key, "not known; did you mean \"%s\"?", near);
        else
            fail_with_all(obj, key, names, n);
        return;
    }
}

enum jtype j_type(struct jval v)
{
    static const enum jtype type[] = {
        [JSON_OBJECT] = J_OBJECT, [JSON_ARRAY] = J_ARRAY, [JSON_STRING] = J_STRING,
        [JSON_INTEGER] = J_INT,   [JSON_REAL] = J_REAL,   [JSON_TRUE] = J_BOOL,
        [JSON_FALSE] = J_BOOL,    [JSON_NULL] = J_NULL};

    return v.v ? type[json_typeof(v.v)] : J_NONE;
}

int j_len(struct jval v)
{
    size_t n = json_is_array(v.v)    ? json_array_size(v.v)
               : json_is_object(v.v) ? json_object_size(v.v)
                                     : 0;

    return n > INT32_MAX ? INT32_MAX : (int)n;
}

struct jval j_at(struct jval array, int i)
{
    json_t *v = array.v && i >= 0 ? json_array_get(array.v, (size_t)i) : NULL;

    return (struct jval){array.doc, v};
}

static struct place element(struct jval array, int i)
{
    return (struct place){array, NULL, i};
}

int64_t j_at_int(struct jval array, int i, int64_t lo, int64_t hi)
{
    return get_int(j_at(array, i).v, element(array, i), lo, hi);
}

double j_at_real(struct jval array, int i, double lo, double hi)
{
    return get_real(j_at(array, i).v, element(array, i), lo, hi);
}

int j_at_bool(struct jval array, int i)
{
    json_t *v = j_at(array, i).v;

    if (!json_is_boolean(v))
        place_fail(element(array, i), "expected true or false, but it is %s", type_name(v));
    return json_is_true(v);
}

const char *j_at_string(struct jval array, int i)
{
    return get_string(j_at(array, i).v, element(array, i));
}

struct jval j_at_object(struct jval array, int i)
{
    return get_container(j_at(array, i).v, element(array, i), JSON_OBJECT);
}

struct jval j_at_array(struct jval array, int i)
{
    return get_container(j_at(array, i).v, element(array, i), JSON_ARRAY);
}

int j_text(struct jval obj, const char *key, struct buf *out)
{
    struct jval v = j_get(obj, key);
    struct jsonw w;

    switch (j_type(v)) {
    case J_STRING:
        buf_puts(out, json_string_value(v.v));
        return 0;
    case J_BOOL:
        buf_puts(out, json_is_true(v.v) ? "yes" : "no");
        return 0;
    case J_INT:
        buf_printf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(v.v));
        return 0;
    case J_REAL:
        jsonw_init(&w, out, 0);
        jsonw_real(&w, NULL, json_real_value(v.v));
        return 0;
    case J_NONE:
    case J_NULL:
        return 1;
    default:
        return -1;
    }
}

int j_next(struct jval obj, void **it, const char **key, struct jval *value)
{
    if (!obj.v || !json_is_object(obj.v))
        return 0;
    *it = *it ? json_object_iter_next(obj.v, *it) : json_object_iter(obj.v);
    if (!*it)
        return 0;
    *key = json_object_iter_key(*it);
    *value = (struct jval){obj.doc, json_object_iter_value(*it)};
    return 1;
}
