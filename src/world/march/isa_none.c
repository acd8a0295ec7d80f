#include <stddef.h>

#include "world/march/isa.h"

const struct march_code *march_x86(const char *name)
{
    (void)name;
    return NULL;
}
