/* SPDX-License-Identifier: ISC */
/*
 * Node-IDs as numbers on the ring modulo 2^128, and their text form.  Which
 * node is responsible for what is decided in core.  RFC 6940 s6.1, s10.1.
 */
#include "base/id.h"

#include <assert.h>

#include "base/text.h"

struct u128 {
	uint64_t hi, lo;
};

static uint64_t load(const uint8_t *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

static void store(uint8_t *p, uint64_t v)
{
	for (unsigned i = 8; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static struct u128 number(const struct node_id *id)
{
	return (struct u128){ load(id->b), load(id->b + 8) };
}

static void set(struct node_id *out, struct u128 v)
{
	*out = (struct node_id){ 0 };
	store(out->b, v.hi);
	store(out->b + 8, v.lo);
}

static struct u128 sum(struct u128 a, struct u128 b)
{
	uint64_t lo = a.lo + b.lo;

	return (struct u128){ a.hi + b.hi + (lo < a.lo), lo };
}

static struct u128 difference(struct u128 a, struct u128 b)
{
	return (struct u128){ a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo };
}

static int compare(struct u128 a, struct u128 b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return (a.lo > b.lo) - (a.lo < b.lo);
}

/* The clockwise way from a to b. */
static struct u128 way(const struct node_id *a, const struct node_id *b)
{
	return difference(number(b), number(a));
}

static bool is_zero(struct u128 v)
{
	return v.hi == 0 && v.lo == 0;
}

void id_wildcard(struct node_id *id, size_t len)
{
	assert(len <= NODE_ID_MAX);
	*id = (struct node_id){ 0 };
	memset(id->b, 0xff, len);
}

bool id_is_wildcard(const struct node_id *id, size_t len)
{
	struct node_id all;

	id_wildcard(&all, len);
	return id_eq(id, &all);
}

bool id_is_zero(const struct node_id *id)
{
	static const struct node_id zero;

	return id_eq(id, &zero);
}

int id_cmp(const struct node_id *a, const struct node_id *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

bool id_eq(const struct node_id *a, const struct node_id *b)
{
	return id_cmp(a, b) == 0;
}

enum err id_from_slice(struct node_id *out, struct slice in)
{
	if (in.len == 0 || in.len > NODE_ID_MAX)
		return ERR_RANGE;
	*out = (struct node_id){ 0 };
	memcpy(out->b, in.p, in.len);
	return OK;
}

bool id_in_range(const struct node_id *a, const struct node_id *x,
		 const struct node_id *b)
{
	struct u128 to_x = way(a, x), to_b = way(a, b);

	if (is_zero(to_b))
		return true;
	return !is_zero(to_x) && compare(to_x, to_b) <= 0;
}

bool id_between(const struct node_id *a, const struct node_id *x,
		const struct node_id *b)
{
	struct u128 to_x = way(a, x), to_b = way(a, b);

	if (is_zero(to_x))
		return false;
	return is_zero(to_b) || compare(to_x, to_b) < 0;
}

void id_distance(struct node_id *out, const struct node_id *a,
		 const struct node_id *b)
{
	set(out, way(a, b));
}

void id_add_pow2(struct node_id *out, const struct node_id *a,
		 unsigned exponent)
{
	struct u128 d = { 0, 0 };

	assert(exponent < RING_BITS);
	if (exponent >= 64)
		d.hi = UINT64_C(1) << (exponent - 64);
	else
		d.lo = UINT64_C(1) << exponent;
	set(out, sum(number(a), d));
}

void id_next(struct node_id *out, const struct node_id *a)
{
	id_add_pow2(out, a, 0);
}

void id_add(struct node_id *out, const struct node_id *a,
	    const struct node_id *d)
{
	set(out, sum(number(a), number(d)));
}

uint32_t id_share_ppb(const struct node_id *a, const struct node_id *b)
{
	const uint64_t whole = 1000000000;
	struct u128 d = way(a, b);

	if (is_zero(d))
		return (uint32_t)whole;
	/* hi * 10^9 / 2^64, in two halves. */
	return (uint32_t)(((d.hi >> 32) * whole +
			   ((d.hi & UINT32_MAX) * whole >> 32)) >>
			  32);
}

const char *id_format(const struct node_id *id, size_t len, char *out)
{
	static const char hex[] = "0123456789abcdef";
	char *p = out;

	assert(len <= NODE_ID_MAX);
	for (size_t i = 0; i < len; i++) {
		*p++ = hex[id->b[i] >> 4];
		*p++ = hex[id->b[i] & 15];
	}
	*p = '\0';
	return out;
}

struct id_short id_short(const struct node_id *id)
{
	static const char digits[] = "0123456789abcdef";
	struct id_short t = { { 0 } };

	for (unsigned i = 0; i < 4; i++) {
		t.s[2 * i] = digits[id->b[i] >> 4];
		t.s[2 * i + 1] = digits[id->b[i] & 15];
	}
	return t;
}

enum err id_parse(struct node_id *out, size_t len, const char *text)
{
	struct node_id id = { 0 };

	if (len > NODE_ID_MAX || strlen(text) != 2 * len)
		return ERR_DATA;
	for (size_t i = 0; i < 2 * len; i++) {
		int v = text_hex_digit((uint8_t)text[i]);

		if (v < 0)
			return ERR_DATA;
		id.b[i / 2] = (uint8_t)(id.b[i / 2] << 4 | v);
	}
	*out = id;
	return OK;
}
