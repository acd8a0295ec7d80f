#include "world/march/march.h"

#include <string.h>

#include "world/march/isa.h"

const struct march_code *march_named(const char *name)
{
    return strcmp(name, "c") == 0 ? &march_code_c : march_x86(name);
}

const struct march_code *march_best(void)
{
    const struct march_code *code = march_x86("avx512");

    code = code ? code : march_x86("avx2");
    return code ? code : &march_code_c;
}
