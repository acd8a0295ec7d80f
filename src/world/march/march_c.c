#include <string.h>

#include "world/march/march.h"
#include "world/march/material.h"
#include "world/march/sdf.h"

#define MARCH_CODE march_code_c
#include "world/march/march.inc"
