/* SPDX-License-Identifier: ISC */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* ChaCha20 from a 32-byte seed: the same seed, the same bytes everywhere. */
struct rng {
	uint32_t state[16];
	uint8_t block[64];
	size_t used; /* bytes of block given out */
};

void rng_init(struct rng *r, const uint8_t seed[static 32]);
void rng_bytes(struct rng *r, void *out, size_t len);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, bound), bound > 0. */
uint64_t rng_below(struct rng *r, uint64_t bound);

#endif
