/* SPDX-License-Identifier: ISC */
/*
 * Owns: putting fragments together again for the rules that are about whole
 * messages, RFC 6940 s6.7, in whatever order and however often they are sent.
 * Does not own: what nodes make of fragments (core/frag.c).
 */
#include "gather.h"

#include <stdlib.h>

#include "world.h"

enum {
	GATHERS_MAX = 256, /* of one end, the newest */
	GATHER_BYTES_MAX = 1 << 20
};

struct gather {
	struct gather *next; /* the one before */
	uint64_t transaction_id;
	bool done;
	uint8_t *bytes, *have;
	uint32_t len, n_have;
	uint32_t end;     /* 0: not known */
	struct buf first; /* the fragment that begins it */
};

/* It is not needed any more, but to know it again. */
static void forget(struct gather *g)
{
	free(g->bytes);
	free(g->have);
	g->bytes = g->have = NULL;
	buf_clear(&g->first);
	g->done = true;
}

void gather_clear(struct gather **list)
{
	struct gather *g;

	while ((g = *list) != NULL) {
		*list = g->next;
		forget(g);
		free(g);
	}
}

static struct gather *find(struct gather **list, uint64_t transaction_id)
{
	struct gather **at = list, *g;
	uint32_t n = 0;

	for (; *at != NULL; at = &(*at)->next) {
		if ((*at)->transaction_id == transaction_id)
			return *at;
		if (++n == GATHERS_MAX) {
			gather_clear(&(*at)->next);
			break;
		}
	}
	if ((g = calloc(1, sizeof(*g))) == NULL)
		MUST(ERR_NOMEM);
	g->transaction_id = transaction_id;
	g->first.max = GATHER_BYTES_MAX;
	g->next = *list;
	*list = g;
	return g;
}

static void grow(struct gather *g, uint32_t len)
{
	if (len <= g->len)
		return;
	g->bytes = reallocarray(g->bytes, len, 1);
	g->have = reallocarray(g->have, len, 1);
	if (g->bytes == NULL || g->have == NULL)
		MUST(ERR_NOMEM);
	memset(g->have + g->len, 0, len - g->len);
	g->len = len;
}

/* With the header of its first fragment: forwarders that see others do not know
 * whether it is a request, and treat it as one. */
static bool whole(struct gather *g, struct arena *a, const struct wire_env *env,
		  struct message *m)
{
	struct buf b = BUF_INIT(2 * GATHER_BYTES_MAX);
	struct packet all;
	struct slice kept;
	bool ok;

	MUST(packet_decode(&all, buf_slice(&g->first), a, env));
	all.payload = slice_of(g->bytes, g->end);
	all.header.fragment = FRAGMENT_WHOLE;
	MUST(packet_encode(&all, &b, env));
	MUST(arena_dup(a, buf_slice(&b), &kept));
	buf_clear(&b);
	ok = message_decode(m, kept, a, env) == OK;
	forget(g);
	return ok;
}

bool gather_add(struct gather **list, const struct packet *p, struct arena *a,
		const struct wire_env *env, struct message *m)
{
	uint32_t word = p->header.fragment, from = word & FRAGMENT_OFFSET;
	uint32_t len = (uint32_t)p->payload.len;
	struct gather *g;

	if (((word & FRAGMENT_LAST) != 0 && from == 0) || len == 0 ||
	    from + len > GATHER_BYTES_MAX)
		return false;
	g = find(list, p->header.transaction_id);
	if (g->done)
		return false;
	if (from == 0 && g->first.len == 0)
		MUST(packet_encode(p, &g->first, env));
	grow(g, from + len);
	memcpy(g->bytes + from, p->payload.p, len);
	for (uint32_t i = from; i < from + len; i++) {
		g->n_have += g->have[i] == 0;
		g->have[i] = 1;
	}
	if ((word & FRAGMENT_LAST) != 0)
		g->end = from + len;
	return g->n_have == g->end && whole(g, a, env, m);
}
