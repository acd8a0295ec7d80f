/* Any bytes as a JSON file: parsing and walking it with every getter must end in an answer. */
#include <stdlib.h>

#include "format/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(struct jval v)
{
    static const char *const names[] = {"dim", "num_heads"};
    const char *key;
    struct jval child;
    int64_t list[4];
    double reals[4];
    void *it = NULL;

    j_known(v, names, 2);
    while (j_next(v, &it, &key, &child)) {
        j_int(v, key, -10, 10);
        j_real_or(v, key, 0, 1, 0.5);
        j_string_or(v, key, "x");
        j_bool_or(v, key, 0);
        j_choice_or(v, key, names, 2, 0);
        j_ints(v, key, list, 1, 4, 0, 9);
        j_reals(v, key, reals, 0, 4, 0, 9);
        walk(child);
    }
    if (j_type(v) != J_ARRAY)
        return;
    for (int i = 0; i < j_len(v); i++) {
        j_at_int(v, i, 0, 1);
        j_at_real(v, i, 0, 1);
        j_at_string(v, i);
        walk(j_at(v, i));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct jdoc *doc;
    struct err e = {0};

    if (jdoc_parse(&doc, (const char *)data, size, "fuzz.json", &e) < 0) {
        if (e.code != ERR_FORMAT || !e.msg[0] || doc)
            abort();
        return 0;
    }
    walk(jdoc_root(doc));
    if (jdoc_status(doc, &e) < 0 && !e.msg[0])
        abort();
    jdoc_close(&doc);
    return 0;
}
