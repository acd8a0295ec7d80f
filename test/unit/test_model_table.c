/* The table of a text encoder lies in its file: looked at once, then a few rows are read. */
#include <stdlib.h>

#include "base/machine.h"
#include "fixture.h"
#include "model/networks.h"
#include "ztest.h"

enum { WORDS = 400000, WIDTH = 64, MIB = 1 << 20 };

TEST(table_is_not_kept_in_memory)
{
    struct umt5_config k;
    struct umt5 a, b;
    struct err e = {0};
    struct store_room room;
    char *path = ztest_in_tmp("table.safetensors");
    uint64_t table = (uint64_t)WORDS * WIDTH * sizeof(bf16), before;

    umt5_config_default(&k);
    k.vocab = WORDS;
    k.d_model = k.d_kv = WIDTH;
    k.d_ff = 64;
    k.layers = 3;
    CHECK_INT(umt5_init(&a, &k, &e), 0);
    weights_on_cpu(&a.weights, DT_F32, 0);
    weight_set_initialise(&a.weights, 5, NULL);
    CHECK_INT(store_save(&a.weights, path, DT_BF16, NULL, &e), 0);
    umt5_release(&a);

    CHECK_INT(umt5_init(&b, &k, &e), 0);
    CHECK_INT(store_survey(&b.weights, path, &store_umt5_names, device_cpu(), DT_BF16, &room, &e),
              0);
    CHECK(room.mapped > 32 * MIB && room.mapped < 34 * MIB);
    before = machine_rss_bytes();
    CHECK_INT(store_load(&b.weights, path, &store_umt5_names, device_cpu(), DT_BF16, 0, NULL, &e),
              0);
    CHECK(b.embedding->owner == OWNER_FILE);
    CHECK_INT(weight_unread_bytes(b.embedding) / MIB, table / MIB - 32);
    if (machine_rss_bytes() > before + 8 * MIB)
        ztest_fail(__FILE__, __LINE__, "%llu more bytes are resident",
                   (unsigned long long)(machine_rss_bytes() - before));
    /* a matrix that is as large is read whole, whatever its group */
    CHECK_INT(weight_unread_bytes(b.blocks[0].wi0.w), 0);
    umt5_release(&b);
    free(path);
}
