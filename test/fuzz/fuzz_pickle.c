/* Any bytes as the pickle of a PyTorch file: a list of tensors with sane numbers, or a refusal. */
#include <stdlib.h>

#include "format/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pickle_list list;
    struct arena arena;
    struct err e = {0};

    arena_init(&arena);
    if (pickle_read(&list, &arena, data, size, "fuzz", &e) == 0) {
        if (!list.n)
            abort();
        for (int i = 0; i < list.n; i++)
            if (!list.tensor[i].name || !list.tensor[i].type || list.tensor[i].first < 0 ||
                list.tensor[i].rank < 0 || list.tensor[i].rank > PICKLE_RANK)
                abort();
        free(list.tensor);
    } else if (!e.code || !e.msg[0] || list.tensor) {
        abort(); /* a refusal says why */
    }
    arena_release(&arena);
    return 0;
}
