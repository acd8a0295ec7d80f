#include <string.h>

#include "base/machine.h"
#include "world/march/isa.h"

const struct march_code *march_x86(const char *name)
{
    unsigned have = machine_cpu_features();

    if (strcmp(name, "avx512") == 0 && (have & CPU_AVX512))
        return &march_code_avx512;
    if (strcmp(name, "avx2") == 0 && (have & CPU_AVX2))
        return &march_code_avx2;
    return NULL;
}
