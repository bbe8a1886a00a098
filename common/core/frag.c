/* SPDX-License-Identifier: ISC */
/*
 * Messages cut into fragments and put together again, RFC 6940 s6.7.  Any hop
 * may cut; only the destination reassembles.
 */
#include "core/frag.h"

#include <stdlib.h>

#include "core/state.h"

enum { RANGES_MAX = 128 }; /* separate stretches of one message */

struct range {
	uint32_t from, to; /* bytes; `to` excluded */
};

struct reassembly {
	struct reassembly *prev, *next; /* by age */
	uint64_t transaction_id;
	struct link *link; /* it began on */
	uint64_t expires_us;
	struct buf bytes;                /* with holes */
	struct range ranges[RANGES_MAX]; /* what has come, in order, apart */
	uint32_t n_ranges;
	bool has_end;
	uint32_t end; /* bytes of the whole, when the last has come */
};

static void drop(struct node *n, struct reassembly *a)
{
	struct reassemblies *as = &n->reassemblies;

	*(a->prev == NULL ? &as->first : &a->prev->next) = a->next;
	*(a->next == NULL ? &as->last : &a->next->prev) = a->prev;
	as->n--;
	as->bytes -= a->bytes.len;
	a->link->n_reassemblies--;
	a->link->reassembly_bytes -= a->bytes.len;
	buf_clear(&a->bytes);
	free(a);
}

/* What sets of one link cost. */
static size_t cost(const struct link *l)
{
	return l->n_reassemblies * sizeof(struct reassembly) +
	       l->reassembly_bytes;
}

static const struct link *greediest(const struct node *n)
{
	const struct link *most = n->links.first;

	for (const struct link *l = most; l != NULL; l = l->next)
		if (cost(l) > cost(most))
			most = l;
	return most;
}

/* The oldest set of a link goes.  False: it has none but `but`. */
static bool make_room(struct node *n, const struct link *of,
		      const struct reassembly *but)
{
	struct reassembly *a = n->reassemblies.first;

	while (a != NULL && a->link != of)
		a = a->next;
	if (a == NULL || a == but)
		return false;
	node_trace(n, "fragments of %016llx make room",
		   (unsigned long long)a->transaction_id);
	tally_count(n, ERR_FULL);
	drop(n, a);
	return true;
}

/*
 * CHOICE: where there is no room, what must be dropped (s6.7) is the oldest of
 * the link that takes most of it: a flood that comes one way ends nothing that
 * comes another.
 */
static enum err begin(struct node *n, struct link *from,
		      uint64_t transaction_id, struct reassembly **out)
{
	struct reassemblies *as = &n->reassemblies;
	struct reassembly *a;

	if (from->n_reassemblies >= REASSEMBLIES_PER_LINK_MAX)
		(void)make_room(n, from, NULL);
	else if (as->n >= REASSEMBLIES_MAX)
		(void)make_room(n, greediest(n), NULL);
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return ERR_NOMEM;
	a->transaction_id = transaction_id;
	a->link = from;
	a->expires_us = n->now.mono_us + REQUEST_LIFETIME_US;
	a->bytes.max = n->overlay->max_message_size;
	a->prev = as->last;
	*(a->prev == NULL ? &as->first : &a->prev->next) = a;
	as->last = a;
	as->n++;
	from->n_reassemblies++;
	if (as->timer.pos == 0)
		node_timer(n, &as->timer, TIMER_FRAG, a->expires_us);
	*out = a;
	return OK;
}

/* Do the bytes that are there already say the same? */
static bool agrees(const struct reassembly *a, uint32_t from, struct slice in)
{
	uint32_t to = from + (uint32_t)in.len, lo, hi;

	for (uint32_t i = 0; i < a->n_ranges; i++) {
		lo = a->ranges[i].from > from ? a->ranges[i].from : from;
		hi = a->ranges[i].to < to ? a->ranges[i].to : to;
		if (lo < hi &&
		    memcmp(a->bytes.p + lo, in.p + (lo - from), hi - lo) != 0)
			return false;
	}
	return true;
}

/* Notes [from, to) as there; false when the pieces are too scattered. */
static bool cover(struct reassembly *a, uint32_t from, uint32_t to)
{
	uint32_t i = 0, k;

	while (i < a->n_ranges && a->ranges[i].to < from)
		i++;
	for (k = i; k < a->n_ranges && a->ranges[k].from <= to; k++) {
		if (a->ranges[k].from < from)
			from = a->ranges[k].from;
		if (a->ranges[k].to > to)
			to = a->ranges[k].to;
	}
	if (k == i && a->n_ranges == RANGES_MAX)
		return false;
	/* Ranges i to k-1 become one. */
	memmove(&a->ranges[i + 1], &a->ranges[k],
		(a->n_ranges - k) * sizeof(a->ranges[0]));
	a->n_ranges = a->n_ranges - (k - i) + 1;
	a->ranges[i] = (struct range){ from, to };
	return true;
}

/* Room up to `to`, counted against all that is held. */
static enum err grow(struct node *n, struct reassembly *a, uint32_t to)
{
	size_t more;
	uint8_t *p;
	enum err r;

	if (to <= a->bytes.len)
		return OK;
	more = to - a->bytes.len;
	while (more > REASSEMBLY_BYTES_MAX - n->reassemblies.bytes) {
		if (!make_room(n, greediest(n), a))
			return ERR_FULL;
	}
	if ((r = buf_extend(&a->bytes, more, &p)) != OK)
		return r;
	memset(p, 0, more);
	n->reassemblies.bytes += more;
	a->link->reassembly_bytes += more;
	return OK;
}

static enum err put(struct node *n, struct reassembly *a, uint32_t from,
		    bool last, struct slice in)
{
	uint32_t to = from + (uint32_t)in.len;
	enum err r;

	if (last && a->has_end && a->end != to)
		return ERR_MALFORMED;
	if (last) {
		a->has_end = true;
		a->end = to;
	}
	if (in.len == 0 ||
	    (a->has_end && (to > a->end || a->bytes.len > a->end)) ||
	    !agrees(a, from, in))
		return ERR_MALFORMED;
	if ((r = grow(n, a, to)) != OK)
		return r;
	memcpy(a->bytes.p + from, in.p, in.len);
	return cover(a, from, to) ? OK : ERR_FULL;
}

enum err frag_add(struct node *n, struct link *from, const struct packet *p,
		  struct slice *payload, bool *whole)
{
	const struct forwarding_header *h = &p->header;
	struct reassembly *a = n->reassemblies.first;
	enum err r;

	*whole = false;
	if (p->payload.len > n->overlay->max_message_size)
		return ERR_LIMIT;
	while (a != NULL && a->transaction_id != h->transaction_id)
		a = a->next;
	if (a == NULL && (r = begin(n, from, h->transaction_id, &a)) != OK)
		return r;
	if ((r = put(n, a, h->fragment & FRAGMENT_OFFSET,
		     (h->fragment & FRAGMENT_LAST) != 0, p->payload)) != OK) {
		drop(n, a);
		return r;
	}
	if (!a->has_end || a->n_ranges != 1 || a->ranges[0].from != 0 ||
	    a->ranges[0].to != a->end)
		return OK;
	r = arena_dup(&n->arena, buf_slice(&a->bytes), payload);
	*whole = r == OK;
	drop(n, a);
	return r;
}

void frag_timer(struct node *n, struct timer *t)
{
	struct reassemblies *as = &n->reassemblies;

	while (as->first != NULL && as->first->expires_us <= n->now.mono_us) {
		node_trace(n, "fragments of %016llx dropped",
			   (unsigned long long)as->first->transaction_id);
		drop(n, as->first);
	}
	if (as->first != NULL)
		node_timer(n, t, TIMER_FRAG, as->first->expires_us);
}

void frag_link_down(struct node *n, const struct link *l)
{
	while (make_room(n, l, NULL))
		;
}

void frag_clear(struct node *n)
{
	while (n->reassemblies.first != NULL)
		drop(n, n->reassemblies.first);
}

/* ---- cutting ---- */

uint32_t frag_pieces(size_t header_len, size_t payload_len, uint32_t mtu)
{
	size_t room;

	if (mtu == 0 || header_len + payload_len <= mtu ||
	    header_len + FRAGMENT_BODY_MIN + FRAGMENT_SPARE > mtu)
		return 1;
	room = mtu - FRAGMENT_SPARE - header_len;
	return (uint32_t)((payload_len + room - 1) / room);
}

static enum err send_piece(struct node *n, struct link *l,
			   const struct packet *p)
{
	struct slice bytes;
	enum err r;

	if ((r = node_encode(n, &wire_type_packet, p, &bytes)) != OK)
		return r;
	return link_send(n, l, bytes);
}

enum err frag_send(struct node *n, struct link *l,
		   const struct forwarding_header *header, struct slice payload)
{
	struct packet p = { *header, payload };
	uint32_t offset = header->fragment & FRAGMENT_OFFSET, pieces = 1;
	size_t from = 0, len;
	struct slice h = { 0 };
	enum err r;

	if (l->mtu != 0) {
		if ((r = node_encode(n, &wire_type_forwarding_header, header,
				     &h)) != OK)
			return r;
		pieces = frag_pieces(h.len, payload.len, l->mtu);
	}
	if (pieces > 1 &&
	    !link_has_room(l, pieces, payload.len + pieces * h.len)) {
		node_trace(n, "link %u full", l->number); /* none is of use */
		return OK;
	}
	for (uint32_t i = 0; i < pieces; i++, from += len) {
		len = payload.len / pieces + (i < payload.len % pieces);
		/* Too short for equal pieces: the last is the short one. */
		if (len < FRAGMENT_BODY_MIN && pieces > 1)
			len = FRAGMENT_BODY_MIN;
		if (len > payload.len - from)
			len = payload.len - from;
		p.header.fragment = FRAGMENT_MARK | (offset + (uint32_t)from);
		if (from + len == payload.len)
			p.header.fragment |= header->fragment & FRAGMENT_LAST;
		p.payload = slice_sub(payload, from, len);
		if ((r = send_piece(n, l, &p)) != OK)
			return r;
	}
	return OK;
}
