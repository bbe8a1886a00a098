/* SPDX-License-Identifier: ISC */
/*
 * ChaCha20 (RFC 8439 s2.3) as a source of repeatable random bytes, with a
 * counter of 64 bits and a nonce of zero.  Where the seed comes from is the
 * caller's.
 */
#include "base/rng.h"

#include <assert.h>
#include <string.h>

static uint32_t rotate(uint32_t v, unsigned n)
{
	return v << n | v >> (32 - n);
}

static void quarter(uint32_t x[16], unsigned a, unsigned b, unsigned c,
		    unsigned d)
{
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 16);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 12);
	x[a] += x[b];
	x[d] = rotate(x[d] ^ x[a], 8);
	x[c] += x[d];
	x[b] = rotate(x[b] ^ x[c], 7);
}

static void refill(struct rng *r)
{
	uint32_t x[16];

	memcpy(x, r->state, sizeof(x));
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned k = 0; k < 4; k++)
			quarter(x, k, 4 + k, 8 + k, 12 + k);
		for (unsigned k = 0; k < 4; k++)
			quarter(x, k, 4 + (k + 1) % 4, 8 + (k + 2) % 4,
				12 + (k + 3) % 4);
	}
	for (unsigned i = 0; i < 64; i++)
		r->block[i] = (uint8_t)((x[i / 4] + r->state[i / 4]) >>
					(8 * (i % 4)));
	if (++r->state[12] == 0)
		r->state[13]++;
	r->used = 0;
}

void rng_init(struct rng *r, const uint8_t seed[static 32])
{
	static const uint32_t sigma[4] = { 0x61707865, 0x3320646e, 0x79622d32,
					   0x6b206574 };

	memset(r, 0, sizeof(*r));
	memcpy(r->state, sigma, sizeof(sigma));
	for (unsigned i = 0; i < 32; i++)
		r->state[4 + i / 4] |= (uint32_t)seed[i] << (8 * (i % 4));
	r->used = sizeof(r->block);
}

void rng_bytes(struct rng *r, void *out, size_t len)
{
	uint8_t *p = out;
	size_t n;

	for (; len > 0; len -= n, p += n) {
		if (r->used == sizeof(r->block))
			refill(r);
		n = sizeof(r->block) - r->used;
		if (n > len)
			n = len;
		memcpy(p, r->block + r->used, n);
		r->used += n;
	}
}

uint64_t rng_u64(struct rng *r)
{
	uint8_t b[8];
	uint64_t v = 0;

	rng_bytes(r, b, sizeof(b));
	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | b[i];
	return v;
}

uint64_t rng_below(struct rng *r, uint64_t bound)
{
	uint64_t v, rest;

	assert(bound > 0);
	rest = (UINT64_MAX % bound + 1) % bound; /* 2^64 mod bound */
	do
		v = rng_u64(r);
	while (v > UINT64_MAX - rest);
	return v % bound;
}
