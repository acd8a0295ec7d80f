#include "format/pickle_inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

/* ---- values ---- */

/* What may be named, by its module and name. */
enum callable { ORDERED_DICT, REBUILD_2, REBUILD_3, PARAMETER, TYPE, UNTYPED };
static const struct named {
    const char *module, *name;
    enum callable is;
    const char *type; /* of TYPE */
    int bits;
} known[] = {
    {"collections", "OrderedDict", ORDERED_DICT, NULL, 0},
    {"torch._utils", "_rebuild_tensor_v2", REBUILD_2, NULL, 0},
    {"torch._utils", "_rebuild_tensor_v3", REBUILD_3, NULL, 0},
    {"torch._utils", "_rebuild_parameter", PARAMETER, NULL, 0},
    {"torch.storage", "UntypedStorage", UNTYPED, NULL, 0},
    {"torch", "FloatStorage", TYPE, "F32", 32},
    {"torch", "BFloat16Storage", TYPE, "BF16", 16},
    {"torch", "HalfStorage", TYPE, "F16", 16},
    {"torch", "DoubleStorage", TYPE, "F64", 64},
    {"torch", "LongStorage", TYPE, "I64", 64},
    {"torch", "IntStorage", TYPE, "I32", 32},
    {"torch", "ShortStorage", TYPE, "I16", 16},
    {"torch", "CharStorage", TYPE, "I8", 8},
    {"torch", "ByteStorage", TYPE, "U8", 8},
    {"torch", "BoolStorage", TYPE, "BOOL", 8},
    {"torch", "float8_e4m3fn", TYPE, "F8_E4M3", 8},
    {"torch", "float8_e5m2", TYPE, "F8_E5M2", 8},
    {"torch", "float8_e8m0fnu", TYPE, "F8_E8M0", 8},
    {"torch", "uint16", TYPE, "U16", 16},
    {"torch", "uint32", TYPE, "U32", 32},
    {"torch", "uint64", TYPE, "U64", 64},
};
enum { N_KNOWN = sizeof known / sizeof *known };

int pickle_damaged(struct machine *m, const char *what)
{
    return err_set(m->e, ERR_FORMAT, "%s: its pickle is damaged at byte %zu (%s)", m->path, m->i,
                   what);
}

/* A new value on the stack; NULL: too many. */
static struct value *push(struct machine *m, enum kind kind)
{
    if (m->n_values == MOST_VALUES || m->n_stack == MOST_VALUES) {
        err_set(m->e, ERR_FORMAT, "%s: its pickle has more than %d values", m->path, MOST_VALUES);
        return NULL;
    }
    if (m->n_values == m->cap_values) {
        m->cap_values = m->cap_values ? 2 * m->cap_values : 1024;
        m->value = xrealloc(m->value, (size_t)m->cap_values * sizeof *m->value);
    }
    if (m->n_stack == m->cap_stack) {
        m->cap_stack = m->cap_stack ? 2 * m->cap_stack : 1024;
        m->stack = xrealloc(m->stack, (size_t)m->cap_stack * sizeof *m->stack);
    }
    m->stack[m->n_stack++] = m->n_values;
    m->value[m->n_values] = (struct value){.kind = kind};
    return &m->value[m->n_values++];
}

static int push_number(struct machine *m, enum kind kind, int64_t number)
{
    struct value *v = push(m, kind);

    if (!v)
        return ERR_FORMAT;
    v->number = number;
    return 0;
}

/* The value at the top minus `below`; NULL: the stack is not so deep. */
static struct value *top(struct machine *m, int below)
{
    if (m->n_stack <= below) {
        pickle_damaged(m, "the stack is empty");
        return NULL;
    }
    return &m->value[m->stack[m->n_stack - 1 - below]];
}

static void add_item(struct value *v, int item)
{
    if (v->n == v->cap) {
        v->cap = v->cap ? 2 * v->cap : 8;
        v->item = xrealloc(v->item, (size_t)v->cap * sizeof *v->item);
    }
    v->item[v->n++] = item;
}

/* Item i of a tuple or list; NULL without it. */
static struct value *item(const struct machine *m, const struct value *v, int i)
{
    return v && v->kind == LIST && i < v->n ? &m->value[v->item[i]] : NULL;
}

/* How many values lie above the last mark; -1: there is none. */
static int above_mark(struct machine *m)
{
    int n = 0;

    while (n < m->n_stack && m->value[m->stack[m->n_stack - 1 - n]].kind != MARK)
        n++;
    if (n == m->n_stack)
        return pickle_damaged(m, "no mark"), -1;
    return n;
}

/* ---- reading ---- */

static const unsigned char *take(struct machine *m, size_t n)
{
    if (n > m->n - m->i) {
        pickle_damaged(m, "it ends too early");
        return NULL;
    }
    m->i += n;
    return m->p + m->i - n;
}

static int take_int(struct machine *m, int bytes, uint64_t *out)
{
    const unsigned char *p = take(m, (size_t)bytes);

    *out = 0;
    for (int i = bytes - 1; p && i >= 0; i--)
        *out = *out << 8 | p[i];
    return p ? 0 : ERR_FORMAT;
}

static int push_text(struct machine *m, uint64_t n)
{
    const unsigned char *p = n <= m->n ? take(m, (size_t)n) : NULL;
    struct value *v;

    if (!p)
        return m->e->code ? ERR_FORMAT : pickle_damaged(m, "a text is too long");
    if (n > MOST_TEXT || memchr(p, 0, (size_t)n) || !utf8_valid((const char *)p, (size_t)n, NULL))
        return pickle_damaged(m, "a text is not UTF-8 of at most 4096 bytes");
    v = push(m, TEXT);
    if (!v)
        return ERR_FORMAT;
    v->text = arena_printf(m->arena, "%.*s", (int)n, (const char *)p);
    return 0;
}

/* Up to the end of the line. */
static int take_line(struct machine *m, char out[128])
{
    size_t n = 0;

    while (m->i + n < m->n && m->p[m->i + n] != '\n' && n < 127)
        n++;
    if (m->i + n == m->n || m->p[m->i + n] != '\n')
        return pickle_damaged(m, "a name is too long");
    for (size_t k = 0; k < n; k++)
        out[k] = m->p[m->i + k] > 32 && m->p[m->i + k] < 127 ? (char)m->p[m->i + k] : '?';
    out[n] = 0;
    m->i += n + 1;
    return 0;
}

static int push_named(struct machine *m, const char *module, const char *name)
{
    struct value *v;

    for (int i = 0; i < N_KNOWN; i++)
        if (!strcmp(known[i].module, module) && !strcmp(known[i].name, name)) {
            v = push(m, NAME);
            if (v)
                v->named = &known[i];
            return v ? 0 : ERR_FORMAT;
        }
    return err_set(m->e, ERR_FORMAT,
                   "%s: its pickle names %.100s.%.100s, which is no tensor; only files of tensors "
                   "are read",
                   m->path, module, name);
}

static int push_global(struct machine *m)
{
    char module[128], name[128];

    if (take_line(m, module) < 0 || take_line(m, name) < 0)
        return ERR_FORMAT;
    return push_named(m, module, name);
}

/* Both names lie on the stack. */
static int push_stack_global(struct machine *m)
{
    struct value *name = top(m, 0), *module = name ? top(m, 1) : NULL;

    if (!module)
        return ERR_FORMAT;
    if (name->kind != TEXT || module->kind != TEXT)
        return pickle_damaged(m, "a name is no text");
    m->n_stack -= 2;
    return push_named(m, module->text, name->text);
}

/* A little-endian number of n bytes, of two's complement. */
static int push_long(struct machine *m, int n)
{
    uint64_t v;

    if (n > 8)
        return pickle_damaged(m, "a number has more than 64 bits");
    if (take_int(m, n, &v) < 0)
        return ERR_FORMAT;
    if (n && n < 8 && v >> (8 * n - 1))
        v |= ~(uint64_t)0 << 8 * n;
    return push_number(m, NUMBER, (int64_t)v);
}

/* ---- collecting ---- */

/* The n values at the top become a tuple; with a mark below them it goes too. */
static int make_tuple(struct machine *m, int n, int mark)
{
    int from = m->n_stack - n;
    struct value *v;

    if (n < 0)
        return ERR_FORMAT;
    if (from < mark)
        return pickle_damaged(m, "the stack is empty");
    v = push(m, LIST);
    if (!v)
        return ERR_FORMAT;
    for (int i = 0; i < n; i++)
        add_item(v, m->stack[from + i]);
    m->stack[from - mark] = m->stack[m->n_stack - 1];
    m->n_stack = from - mark + 1;
    return 0;
}

/* The n values at the top go into the list or dict below them (and below a mark). */
static int put_items(struct machine *m, int n, int mark, enum kind kind)
{
    int from = m->n_stack - n;
    struct value *v;

    if (n < 0)
        return ERR_FORMAT;
    if (from - mark < 1 || (kind == DICT && n % 2))
        return pickle_damaged(m, "items without a collection");
    v = &m->value[m->stack[from - mark - 1]];
    if (v->kind != kind)
        return pickle_damaged(m, "items of no collection");
    for (int i = 0; i < n; i++)
        add_item(v, m->stack[from + i]);
    m->n_stack = from - mark;
    return 0;
}

/* ---- tensors ---- */

/* ('storage', type, key, place, length) */
static int make_storage(struct machine *m)
{
    const struct value *id = top(m, 0);
    const struct value *type = item(m, id, 1), *key = item(m, id, 2), *length = item(m, id, 4);
    const struct value *what = item(m, id, 0);
    struct value made = {.kind = STORAGE};
    struct value *v;

    if (!length || what->kind != TEXT || strcmp(what->text, "storage") || type->kind != NAME ||
        (type->named->is != TYPE && type->named->is != UNTYPED) || key->kind != TEXT ||
        length->kind != NUMBER || length->number < 0)
        return pickle_damaged(m, "a storage is not one");
    made.named = type->named;
    made.text = key->text;
    made.number = length->number;
    m->n_stack--;
    v = push(m, STORAGE);
    if (!v)
        return ERR_FORMAT;
    *v = made;
    return 0;
}

/* Numbers of a tuple; -1: it is not one of up to PICKLE_RANK numbers that are not negative. */
static int sizes(const struct machine *m, const struct value *v, int64_t out[PICKLE_RANK])
{
    if (!v || v->kind != LIST || v->n > PICKLE_RANK)
        return -1;
    for (int i = 0; i < v->n; i++) {
        const struct value *x = item(m, v, i);

        if (x->kind != NUMBER || x->number < 0)
            return -1;
        out[i] = x->number;
    }
    return v->n;
}

/* (storage, offset, size, stride, requires_grad, hooks[, dtype]) */
static int make_tensor(struct machine *m, const struct value *args, int typed)
{
    const struct value *s = item(m, args, 0), *first = item(m, args, 1);
    const struct value *type = typed ? item(m, args, 6) : NULL;
    struct pickle_tensor *t = arena_alloc(m->arena, sizeof *t);
    struct value *v;
    int strides;

    memset(t, 0, sizeof *t);
    if (!s || s->kind != STORAGE || !first || first->kind != NUMBER || first->number < 0 ||
        (typed && (!type || type->kind != NAME || type->named->is != TYPE)))
        return pickle_damaged(m, "a tensor is not one");
    t->rank = sizes(m, item(m, args, 2), t->dim);
    strides = sizes(m, item(m, args, 3), t->stride);
    if (t->rank < 0 || strides != t->rank)
        return pickle_damaged(m, "the shape of a tensor is not one of up to 8 numbers");
    if (!typed && s->named->is != TYPE)
        return pickle_damaged(m, "a storage without a type");
    t->type = typed ? type->named->type : s->named->type;
    t->bits = typed ? type->named->bits : s->named->bits;
    t->untyped = s->named->is == UNTYPED;
    t->storage = s->number;
    t->key = s->text;
    t->first = first->number;
    v = push(m, TENSOR);
    if (!v)
        return ERR_FORMAT;
    v->tensor = t;
    return 0;
}

/* callable, arguments -> what it would give */
static int reduce(struct machine *m)
{
    struct value *args = top(m, 0), *f = args ? top(m, 1) : NULL;
    int result, rc;

    if (!f)
        return ERR_FORMAT;
    if (f->kind != NAME || args->kind != LIST)
        return pickle_damaged(m, "a call of nothing");
    if (f->named->is == REBUILD_2 || f->named->is == REBUILD_3)
        rc = make_tensor(m, args, f->named->is == REBUILD_3);
    else if (f->named->is == ORDERED_DICT && args->n == 0)
        rc = push(m, DICT) ? 0 : ERR_FORMAT;
    else if (f->named->is == PARAMETER && item(m, args, 0) && item(m, args, 0)->kind == TENSOR)
        rc = push(m, TENSOR) ? 0 : ERR_FORMAT;
    else
        return pickle_damaged(m, "a call that makes no tensor");
    if (rc)
        return rc;
    result = m->stack[m->n_stack - 1];
    args = &m->value[m->stack[m->n_stack - 2]];
    if (m->value[m->stack[m->n_stack - 3]].named->is == PARAMETER)
        m->value[result].tensor = m->value[args->item[0]].tensor;
    m->n_stack -= 2;
    m->stack[m->n_stack - 1] = result;
    return 0;
}

/* ---- the machine ---- */

static int remember(struct machine *m, uint64_t at)
{
    if (!top(m, 0))
        return ERR_FORMAT;
    if (at >= MOST_VALUES)
        return pickle_damaged(m, "too much to remember");
    if ((int)at >= m->cap_memo) {
        int cap = m->cap_memo ? m->cap_memo : 1024;

        while (cap <= (int)at)
            cap *= 2;
        m->memo = xrealloc(m->memo, (size_t)cap * sizeof *m->memo);
        for (int i = m->cap_memo; i < cap; i++)
            m->memo[i] = -1;
        m->cap_memo = cap;
    }
    m->memo[at] = m->stack[m->n_stack - 1];
    return 0;
}

static int recall(struct machine *m, uint64_t at)
{
    if (at >= (uint64_t)m->cap_memo || m->memo[at] < 0)
        return pickle_damaged(m, "something that was never there");
    if (!push(m, NOTHING))
        return ERR_FORMAT;
    m->stack[m->n_stack - 1] = m->memo[at];
    m->n_values--; /* the value is there already */
    return 0;
}

/* Opcodes whose meaning is a number in the file. */
static int step_number(struct machine *m, int op)
{
    static const struct {
        char op, bytes;
    } rows[] = {{'K', 1},    {'M', 2}, {'J', 4},    {'q', 1},    {'r', 4},
                {'h', 1},    {'j', 4}, {'X', 4},    {'\x8c', 1}, {'\x8d', 8},
                {'\x8a', 1}, {'G', 8}, {'\x80', 1}, {'\x95', 8}};
    size_t i = 0;
    uint64_t v;

    while (i < sizeof rows / sizeof *rows && (unsigned char)rows[i].op != op)
        i++;
    if (i == sizeof rows / sizeof *rows)
        return err_set(m->e, ERR_FORMAT,
                       "%s: its pickle has opcode 0x%02x at byte %zu, which names no tensor; only "
                       "files of tensors are read",
                       m->path, (unsigned)op, m->i - 1);
    if (take_int(m, rows[i].bytes, &v) < 0)
        return ERR_FORMAT;
    switch (op) {
    case 'K':
    case 'M':
        return push_number(m, NUMBER, (int64_t)v);
    case 'J':
        return push_number(m, NUMBER, (int32_t)(uint32_t)v);
    case 'G':
        return push_number(m, REAL, 0);
    case 'q':
    case 'r':
        return remember(m, v);
    case 'h':
    case 'j':
        return recall(m, v);
    case 0x8a:
        return push_long(m, (int)v);
    case 0x80:
    case 0x95: /* protocol, frame */
        return 0;
    default:
        return push_text(m, v);
    }
}

static int step(struct machine *m, int op)
{
    switch (op) {
    case '(':
        return push(m, MARK) ? 0 : ERR_FORMAT;
    case '}':
        return push(m, DICT) ? 0 : ERR_FORMAT;
    case ']':
    case ')':
        return push(m, LIST) ? 0 : ERR_FORMAT;
    case 'N':
        return push(m, NOTHING) ? 0 : ERR_FORMAT;
    case 0x88:
    case 0x89:
        return push_number(m, FLAG, op == 0x88);
    case 't':
        return make_tuple(m, above_mark(m), 1);
    case 0x85:
    case 0x86:
    case 0x87:
        return make_tuple(m, op - 0x84, 0);
    case 'c':
        return push_global(m);
    case 0x93:
        return push_stack_global(m);
    case 'Q':
        return make_storage(m);
    case 'R':
        return reduce(m);
    case 'b': /* state of an object: attributes beside its items */
    case '0':
        return top(m, op == 'b') ? (m->n_stack--, 0) : ERR_FORMAT;
    case 's':
        return put_items(m, 2, 0, DICT);
    case 'u':
        return put_items(m, above_mark(m), 1, DICT);
    case 'a':
        return put_items(m, 1, 0, LIST);
    case 'e':
        return put_items(m, above_mark(m), 1, LIST);
    default:
        return step_number(m, op);
    }
}

/* Until the opcode that ends it; what is at the top then is the pickle. */
static int run(struct machine *m)
{
    uint64_t n_memo = 0;

    while (m->i < m->n) {
        int op = m->p[m->i++], rc;

        if (op == '.')
            return top(m, 0) ? 0 : ERR_FORMAT;
        rc = op == 0x94 ? remember(m, n_memo) : step(m, op);
        if (rc)
            return rc;
        n_memo += op == 0x94 || op == 'q' || op == 'r';
    }
    return pickle_damaged(m, "it has no end");
}

int pickle_read(struct pickle_list *out, struct arena *arena, const unsigned char *p, size_t n,
                const char *path, struct err *e)
{
    struct machine m = {.p = p, .n = n, .arena = arena, .path = path, .e = e};
    int rc;

    *out = (struct pickle_list){0};
    e->code = 0;
    rc = run(&m);
    if (!rc) {
        rc = pickle_names(&m, out);
        if (!rc && !out->n)
            rc = err_set(e, ERR_FORMAT, "%s: its pickle holds no tensors by name", path);
    }
    for (int i = 0; i < m.n_values; i++)
        free(m.value[i].item);
    free(m.value);
    free(m.stack);
    free(m.memo);
    if (rc) {
        free(out->tensor);
        *out = (struct pickle_list){0};
    }
    return rc;
}
