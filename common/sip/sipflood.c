/* SPDX-License-Identifier: ISC */
/* Owns: who has asked for how much.  Does not own: what is done with those who
 * ask for too much (sipnet.c, sipconn.c), what costs how much (front.c). */
#include "sip/sipflood.h"

#include <stdlib.h>

#include "core/table.h"

/* Time in which one unit comes back, and the debt that is too much. */
#define UNIT_US  (UINT64_C(1000000) / SIPFLOOD_RATE)
#define LIMIT_US (SIPFLOOD_BURST * UNIT_US)

enum { KEY_LEN = 9 };

struct network {
	UT_hash_handle hh; /* the oldest first */
	uint64_t paid_us;  /* when all that it took will have come back */
	uint8_t key[KEY_LEN];
};

struct sipflood {
	struct network *networks;
	uint64_t count;
};

enum err sipflood_new(struct sipflood **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? ERR_NOMEM : OK;
}

static void forget(struct sipflood *f, struct network *n)
{
	HASH_DEL(f->networks, n);
	free(n);
}

void sipflood_free(struct sipflood *f)
{
	if (f == NULL)
		return;
	while (f->networks != NULL)
		forget(f, f->networks);
	free(f);
}

static struct network *find(const struct sipflood *f,
			    const struct ip_address_port *from,
			    uint8_t key[static KEY_LEN])
{
	struct network *n;

	memset(key, 0, KEY_LEN);
	key[0] = (uint8_t)from->type;
	memcpy(key + 1, from->addr, from->type == ADDRESS_IPV4 ? 4 : 8);
	HASH_FIND(hh, f->networks, key, KEY_LEN, n);
	return n;
}

bool sipflood_is_over(const struct sipflood *f,
		      const struct ip_address_port *from, uint64_t now_us)
{
	uint8_t key[KEY_LEN];
	const struct network *n = find(f, from, key);

	return n != NULL && n->paid_us > now_us + LIMIT_US;
}

bool sipflood_admits(struct sipflood *f, const struct ip_address_port *from,
		     uint64_t now_us)
{
	bool over = sipflood_is_over(f, from, now_us);

	f->count += over;
	return !over;
}

/* Those that owe nothing any more; one of the others where there are too many.
 */
static void make_room(struct sipflood *f, uint64_t now_us)
{
	while (f->networks != NULL &&
	       (f->networks->paid_us <= now_us ||
		HASH_COUNT(f->networks) >= SIPFLOOD_NETWORKS_MAX))
		forget(f, f->networks);
}

void sipflood_charge(struct sipflood *f, const struct ip_address_port *from,
		     uint32_t units, uint64_t now_us)
{
	uint8_t key[KEY_LEN];
	struct network *n = find(f, from, key);

	if (n == NULL) {
		make_room(f, now_us);
		if ((n = calloc(1, sizeof(*n))) == NULL)
			return;
		memcpy(n->key, key, KEY_LEN);
		HASH_ADD(hh, f->networks, key, KEY_LEN, n);
		if (n->hh.tbl == NULL) {
			free(n);
			return;
		}
	}
	if (n->paid_us < now_us)
		n->paid_us = now_us;
	n->paid_us += units * UNIT_US;
}

uint64_t sipflood_count(const struct sipflood *f)
{
	return f->count;
}
