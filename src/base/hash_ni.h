/* hash_ni.h - blocks of SHA-256 by the instructions that some CPUs have for it. Private to
 * hash.c. */
#ifndef BASE_HASH_NI_H
#define BASE_HASH_NI_H

#include <stddef.h>
#include <stdint.h>

int sha256_ni_here(void); /* 1: this CPU and build have them */
/* n blocks of 64 bytes; only where they are here. */
void sha256_ni_blocks(uint32_t state[8], const uint8_t *p, size_t n);

#endif
