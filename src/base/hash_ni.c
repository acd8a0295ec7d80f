/* hash_ni.c - SHA-256 with the SHA extensions of x86 (Intel, "New Instructions Supporting the
 * Secure Hash Algorithm", 2013): two rounds by one instruction, the state as two vectors ABEF and
 * CDGH. */
#include "base/hash_ni.h"

#include "base/hash.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

int sha256_ni_here(void)
{
    unsigned a, b, c, d;

    return __builtin_cpu_supports("sse4.1") && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
           b >> 29 & 1;
}

#define WITH_SHA __attribute__((target("sha,sse4.1")))

/* Words 4i..4i+3 of the message schedule, from the sixteen before them in w. */
static inline WITH_SHA __m128i next_words(const __m128i w[4], int i)
{
    __m128i a = w[i & 3], b = w[(i + 1) & 3], c = w[(i + 2) & 3], d = w[(i + 3) & 3];
    __m128i sum = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));

    return _mm_sha256msg2_epu32(sum, d);
}

WITH_SHA void sha256_ni_blocks(uint32_t state[8], const uint8_t *p, size_t n)
{
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i low = _mm_loadu_si128((const __m128i *)state); /* D C B A, highest word first */
    __m128i high = _mm_loadu_si128((const __m128i *)(state + 4));
    __m128i w[4], abef, cdgh;

    low = _mm_shuffle_epi32(low, 0xb1);
    high = _mm_shuffle_epi32(high, 0x1b);
    abef = _mm_alignr_epi8(low, high, 8);
    cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; n; n--, p += 64) {
        __m128i was_abef = abef, was_cdgh = cdgh;

#pragma GCC unroll 16
        for (int i = 0; i < 16; i++) {
            if (i < 4)
                w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(p + 16 * i)), big_endian);
            else
                w[i & 3] = next_words(w, i);
            __m128i k = _mm_loadu_si128((const __m128i *)(sha256_rounds + 4 * i));
            __m128i wk = _mm_add_epi32(w[i & 3], k);
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));
        }
        abef = _mm_add_epi32(abef, was_abef);
        cdgh = _mm_add_epi32(cdgh, was_cdgh);
    }
    abef = _mm_shuffle_epi32(abef, 0x1b);
    cdgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(abef, cdgh, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(cdgh, abef, 8));
}
#else
int sha256_ni_here(void)
{
    return 0;
}

void sha256_ni_blocks(uint32_t state[8], const uint8_t *p, size_t n)
{
    (void)state, (void)p, (void)n;
}
#endif
