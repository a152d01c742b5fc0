#pragma once
#include <xxhash.h>
#if defined(__x86_64__)
// Names of the header above mean, from here on, what chooses AVX2 or AVX-512 where the processor has them.
#include <xxh_x86dispatch.h>
#endif

// Swift does not see these names where they are macros.
static inline unsigned long long xxh64_of(const void *bytes, size_t count, unsigned long long seed) {
  return XXH3_64bits_withSeed(bytes, count, seed);
}

static inline XXH128_hash_t xxh128_of(const void *bytes, size_t count, unsigned long long seed) {
  return XXH3_128bits_withSeed(bytes, count, seed);
}

static inline void xxh128_begin(XXH3_state_t *state) { XXH3_128bits_reset(state); }

static inline void xxh128_add(XXH3_state_t *state, const void *part, size_t count) {
  XXH3_128bits_update(state, part, count);
}

// 16 bytes, in the canonical order.
static inline void xxh128_end(const XXH3_state_t *state, unsigned char *sum) {
  XXH128_canonicalFromHash((XXH128_canonical_t *)sum, XXH3_128bits_digest(state));
}
