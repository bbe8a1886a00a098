/* SPDX-License-Identifier: ISC */
/*
 * What becomes of a message that a link brought: checked, forwarded, or handed
 * up.  RFC 6940 s6.1, s6.2, s6.3.2.  Which peer is nearer is ring.c's;
 * signatures are not looked at here, a forwarder may see only a fragment.
 */
#include "core/route.h"

#include <stdlib.h>

#include "core/state.h"

enum { VERSION_AT = 10 }; /* offset of the header's version */

/* A packet on its way through this node. */
struct transit {
	struct packet *p;
	struct link *from;  /* NULL: this node's own */
	struct link *exact; /* an opaque ID or return path named the link */
	uint16_t code;      /* of the first fragment; 0: not known */
};

static void trace_drop(struct node *n, const struct forwarding_header *h,
		       const char *why)
{
	node_trace(n, "drop %016llx: %s", (unsigned long long)h->transaction_id,
		   why);
}

static void refused(struct node *n, const struct forwarding_header *h,
		    enum err r)
{
	trace_drop(n, h, err_name(r));
	tally_count(n, r);
}

static const char *code_text(uint16_t code)
{
	const char *name = code == 0 ? "fragment" : message_name(code);

	return name == NULL ? "unknown" : name;
}

static void log_message(struct node *n, const char *way, uint16_t code,
			const struct forwarding_header *h, size_t len,
			const struct link *l)
{
	char id[ID_TEXT_MAX] = "self";
	if (n->cfg.log == NULL || n->cfg.log->max < LOG_MESSAGES)
		return;
	if (l != NULL)
		id_format(&l->node_id, n->env.node_id_len, id);
	log_line(n->cfg.log, LOG_MESSAGES, "%s %s %016llx %s %zu bytes", way,
		 code_text(code), (unsigned long long)h->transaction_id, id,
		 len);
}

static uint16_t peek_code(const struct packet *p)
{
	if ((p->header.fragment & FRAGMENT_OFFSET) != 0 || p->payload.len < 2)
		return 0;
	return (uint16_t)(p->payload.p[0] << 8 | p->payload.p[1]);
}

/* ---- where to ---- */

enum err route_point(const struct destination *dest, struct node_id *out)
{
	if (dest->type == DESTINATION_NODE) {
		*out = dest->node_id;
		return OK;
	}
	if (dest->type != DESTINATION_RESOURCE || dest->id.len != RING_ID_LEN)
		return ERR_MALFORMED;
	return id_from_slice(out, dest->id);
}

bool route_is_local(const struct node *n, const struct destination *dest)
{
	struct node_id id;

	if (route_point(dest, &id) != OK)
		return false;
	if (dest->type == DESTINATION_NODE)
		return id_eq(&id, &n->id) ||
		       id_is_wildcard(&id, n->env.node_id_len);
	return ring_responsible(n, &id);
}

/* The way into the overlay of a node that is not in the ring: the peer it
 * connected to, or any that says it routes. */
static struct link *entry_link(const struct node *n)
{
	struct link *best = NULL;

	for (struct link *l = n->links.last; l != NULL; l = l->prev) {
		if ((!l->entry && !l->routable) || l->suspect)
			continue;
		if (l->entry)
			return l;
		if (best == NULL)
			best = l;
	}
	return best;
}

struct link *route_next_hop(struct node *n, const struct destination *dest,
			    uint64_t transaction_id)
{
	struct node_id id;
	struct link *l;

	if (route_point(dest, &id) != OK)
		return NULL;
	if (dest->type == DESTINATION_NODE &&
	    ((l = paths_find(n, transaction_id, &id)) != NULL ||
	     (l = link_find(n, &id)) != NULL))
		return l;
	if (ring_responsible(n, &id))
		return NULL;
	/* RFC 6940 s10.3: a node with the Resource-ID's own number. */
	if (dest->type == DESTINATION_RESOURCE &&
	    (l = link_find_attached(n, &id)) != NULL && l->routable)
		return l;
	if ((l = ring_next_hop(n, &id)) != NULL)
		return l;
	return n->ring.responsible ? NULL : entry_link(n);
}

/* ---- this node's own packets ---- */

static enum err to_self(struct node *n, const struct forwarding_header *header,
			struct slice payload)
{
	const struct packet p = { *header, payload };
	struct loopback *lb = &n->loopback;
	struct slice *v;
	uint32_t cap;

	if (lb->n == lb->cap) {
		cap = lb->cap == 0 ? 8 : 2 * lb->cap;
		if ((v = reallocarray(lb->v, cap, sizeof(*v))) == NULL)
			return ERR_NOMEM;
		lb->v = v;
		lb->cap = cap;
	}
	if (node_encode(n, &wire_type_packet, &p, &lb->v[lb->n]) != OK)
		return ERR_NOMEM;
	lb->n++;
	return OK;
}

void route_loopback(struct node *n)
{
	struct loopback *lb = &n->loopback;

	for (uint32_t i = 0; i < lb->n; i++)
		route_receive(n, NULL, lb->v[i]);
	lb->n = 0;
}

void route_clear(struct node *n)
{
	free(n->loopback.v);
	n->loopback = (struct loopback){ 0 };
}

enum err route_send(struct node *n, struct link *l,
		    const struct forwarding_header *header,
		    struct slice payload)
{
	const struct destination *first = &header->destination_list.v[0];
	const struct packet p = { *header, payload };
	struct slice h;
	enum err r;

	if ((r = node_encode(n, &wire_type_forwarding_header, header, &h)) !=
	    OK)
		return r;
	if (h.len + payload.len > n->overlay->max_message_size)
		return ERR_MESSAGE_TOO_LARGE;
	if (l == NULL) {
		if (route_is_local(n, first))
			return to_self(n, header, payload);
		if ((l = route_next_hop(n, first, header->transaction_id)) ==
		    NULL)
			return ERR_NO_LINK;
	}
	node_trace(n, "send %s %016llx to %s", code_text(peek_code(&p)),
		   (unsigned long long)header->transaction_id,
		   id_short(&l->node_id).s);
	log_message(n, "send", peek_code(&p), header, h.len + payload.len, l);
	return frag_send(n, l, header, payload);
}

/* ---- for this node ---- */

/* RFC 6940 s6.1.1: hands up what is whole and decodes; a parse error gets no
 * response, s6.3.1.1. */
static void deliver(struct node *n, struct transit *t)
{
	struct message m = { .header = t->p->header, .payload = t->p->payload };
	const uint32_t place = FRAGMENT_LAST | FRAGMENT_OFFSET;
	bool whole = true;
	enum err r;

	if ((m.header.fragment & place) != FRAGMENT_LAST && t->from != NULL) {
		if ((r = frag_add(n, t->from, t->p, &m.payload, &whole)) !=
		    OK) {
			refused(n, &m.header, r);
			return;
		}
		if (!whole)
			return;
	}
	m.header.fragment = FRAGMENT_WHOLE;
	/* Results are read after the step, when the event's bytes are gone. */
	if (node_failed(n, arena_dup(&n->arena, m.payload, &m.payload)) != OK)
		return;
	if ((r = message_payload_decode(&m, &n->arena, &n->env)) != OK) {
		refused(n, &m.header, r);
		return;
	}
	if (message_is_request(m.contents.message_code))
		request_receive(n, t->from, &m);
	else
		txn_response(n, t->from, &m);
}

/* ---- for others ---- */

/* Leaves what the response needs to come back by, s6.1.2. */
static enum err leave_trail(struct node *n, const struct transit *t,
			    struct destination_list *via)
{
	uint64_t id = t->p->header.transaction_id;
	struct destination *v, *last;
	uint16_t opaque;
	uint8_t *b;

	if (n->cfg.via_policy == VIA_STATE && paths_add(n, id, t->from, true))
		return OK;
	if ((v = arena_zalloc(&n->arena, via->n + 1, sizeof(*v))) == NULL)
		return ERR_NOMEM;
	if (via->n > 0)
		memcpy(v, via->v, via->n * sizeof(*v));
	last = &v[via->n];
	via->v = v;
	via->n++;
	/* CHOICE: the Via List names the node each hop got the message from. */
	*last = destination_node(&t->from->node_id);
	if (n->cfg.via_policy == VIA_OPAQUE &&
	    (opaque = opaque_issue(n, t->from)) != 0) {
		if ((b = arena_zalloc(&n->arena, 2, 1)) == NULL)
			return ERR_NOMEM;
		b[0] = (uint8_t)(opaque >> 8);
		b[1] = (uint8_t)opaque;
		*last = (struct destination){ .type = DESTINATION_OPAQUE_ID,
					      .compact = true,
					      .id = slice_of(b, 2) };
	} else if (!t->from->attached) {
		/* CHOICE: a client may have several links; full is no loss. */
		(void)paths_add(n, id, t->from, false);
	}
	return OK;
}

static bool unknown_critical(const struct forwarding_option_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if ((l->v[i].flags & FORWARD_CRITICAL) != 0)
			return true;
	}
	return false;
}

/*
 * CHOICE: s10.3 sends it to the last peer before the ID.  Where it came from
 * there, that peer has lost the one that comes next, and would send it here
 * again: it goes to whom this node knows there.
 */
static struct link *not_back(const struct node *n, const struct transit *t,
			     const struct destination *d, struct link *l)
{
	struct link *after = NULL;
	struct node_id id;

	if (l != NULL && t->from != NULL && n->ring.responsible &&
	    id_eq(&l->node_id, &t->from->node_id) &&
	    route_point(d, &id) == OK && !id_eq(&id, &l->node_id))
		after = ring_after(n, &id);
	return after == NULL ? l : after;
}

/* The link on which it goes on; NULL: it goes nowhere, and why is traced. */
static struct link *onward(struct node *n, const struct transit *t)
{
	const struct forwarding_header *h = &t->p->header;
	const struct destination *d = &h->destination_list.v[0];
	struct link *l = t->exact;
	struct node_id id;

	if (l == NULL)
		l = not_back(n, t, d, route_next_hop(n, d, h->transaction_id));
	if (l == NULL) {
		/* A Node-ID in our range that is not there, s6.1.1. */
		if (route_point(d, &id) == OK && ring_responsible(n, &id))
			trace_drop(n, h, "absent");
		else
			trace_drop(n, h, "no way");
		return NULL;
	}
	return l;
}

/* A message may come by once more ([B, n+1] of s10.7.4.4 does), but two nodes
 * that take each other for the nearer one must not play it to its last hop. */
static bool loops(const struct node *n, const struct destination_list *via)
{
	unsigned been_here = 0;

	for (uint32_t i = 0; i < via->n; i++) {
		if (via->v[i].type == DESTINATION_NODE &&
		    id_eq(&via->v[i].node_id, &n->id))
			been_here++;
	}
	return been_here >= 2;
}

/*
 * What a hop adds to the Via List may make a message larger than the overlay
 * allows.  Its next hop would have to close the link, s6.6: it goes no further.
 */
static bool fits(struct node *n, const struct forwarding_header *h,
		 size_t payload_len)
{
	struct slice bytes;

	return node_failed(n, node_encode(n, &wire_type_forwarding_header, h,
					  &bytes)) == OK &&
	       bytes.len + payload_len <= n->overlay->max_message_size;
}

static bool is_about_data(uint16_t code)
{
	return code == MSG_STORE_REQ || code == MSG_FETCH_REQ ||
	       code == MSG_STAT_REQ || code == MSG_FIND_REQ;
}

static void forward(struct node *n, struct transit *t)
{
	struct forwarding_header h = t->p->header;
	bool request = t->code != 0 && message_is_request(t->code);
	bool response = t->code != 0 && !request;
	struct link *to;

	/* Clients and joining nodes are no routers. */
	if (t->from != NULL && !n->ring.responsible) {
		trace_drop(n, &h, "not a peer");
		/* Who would enter through it need not wait to find out; of what
		 * is stored it must not say that it is not there.  A node that
		 * leaves may have answered already: this came twice. */
		if (n->cfg.role == ROLE_PEER && n->state == STATE_STARTING)
			reply_error(n, t->from, t->p,
				    is_about_data(t->code) ? ERR_REQUEST_TIMEOUT
							   : ERR_NOT_FOUND,
				    "this node is in no ring yet");
		return;
	}
	if (t->from != NULL && !response && unknown_critical(&h.options)) {
		reply_error(n, t->from, t->p, ERR_UNSUPPORTED_FORWARDING_OPTION,
			    "unknown option for forwarders");
		return;
	}
	if (t->from != NULL && h.ttl == 0) {
		reply_error(n, t->from, t->p, ERR_TTL_EXCEEDED,
			    "no hops are left");
		return;
	}
	if (!response && loops(n, &h.via_list)) {
		trace_drop(n, &h, "loop");
		return;
	}
	if ((to = onward(n, t)) == NULL)
		return;
	/* CHOICE: each forwarder lowers the TTL, the originator does not. */
	if (t->from != NULL) {
		h.ttl--;
		if (!response &&
		    node_failed(n, leave_trail(n, t, &h.via_list)) != OK)
			return;
	}
	if (!fits(n, &h, t->p->payload.len)) {
		reply_error(n, t->from, t->p, ERR_MESSAGE_TOO_LARGE,
			    "larger than max-message-size for the next hop");
		return;
	}
	node_trace(n, "forward %016llx to %s",
		   (unsigned long long)h.transaction_id,
		   id_short(&to->node_id).s);
	log_message(n, "forward", t->code, &h, h.length, to);
	node_failed(n, frag_send(n, to, &h, t->p->payload));
}

/* A response whose Via List did not name where the request came from: that
 * node comes first again.  True when it does. */
static bool reinsert(struct node *n, struct transit *t,
		     struct destination_list *l)
{
	if (t->code != 0 && message_is_request(t->code))
		return false;
	if ((t->exact = paths_find_hidden(n, t->p->header.transaction_id)) ==
	    NULL)
		return false;
	l->v[0] = destination_node(&t->exact->node_id);
	return true;
}

/* RFC 6940 s6.1: the first entry of the Destination List decides. */
static void route(struct node *n, struct transit *t)
{
	struct destination_list *l = &t->p->header.destination_list;
	const struct destination *d;

	for (; l->n > 0; l->v++, l->n--) {
		d = &l->v[0];
		if (d->type == DESTINATION_OPAQUE_ID) {
			t->exact = opaque_resolve(n, d->id);
			if (t->exact == NULL) {
				trace_drop(n, &t->p->header, "opaque");
				return;
			}
			l->v[0] = destination_node(&t->exact->node_id);
			forward(n, t);
			return;
		}
		if (!route_is_local(n, d)) {
			forward(n, t);
			return;
		}
		if (d->type == DESTINATION_RESOURCE ||
		    !id_eq(&d->node_id, &n->id)) {
			deliver(n, t); /* a resource is the last entry */
			return;
		}
		if (t->from != NULL && reinsert(n, t, l)) {
			forward(n, t);
			return;
		}
		if (l->n == 1) {
			deliver(n, t);
			return;
		}
	}
	trace_drop(n, &t->p->header, "no destination");
}

/* ---- checks on arrival ---- */

static bool duplicates(const struct destination_list *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].type == DESTINATION_OPAQUE_ID)
			continue; /* two nodes may issue the same */
		for (uint32_t k = i + 1; k < l->n; k++) {
			if (destination_eq(&l->v[i], &l->v[k]))
				return true;
		}
	}
	return false;
}

/* RFC 6940 s6.1, s6.1.2, s6.3.2, s13.6.5, s11.1; OK, or what it is refused
 * with. */
static enum err judge(const struct node *n, const struct transit *t,
		      const char **words)
{
	const struct forwarding_header *h = &t->p->header;
	const struct link *l = t->from;
	bool request = t->code != 0 && message_is_request(t->code);

	*words = "";
	if (h->overlay != n->overlay->hash) {
		*words = "another overlay";
		return ERR_INCOMPATIBLE_WITH_OVERLAY;
	}
	if (h->ttl > n->overlay->initial_ttl) {
		*words = "above initial-ttl";
		return ERR_TTL_EXCEEDED;
	}
	if (t->code == 0 && (h->fragment & FRAGMENT_OFFSET) == 0) {
		*words = "too short to say what it is";
		return ERR_INVALID_MESSAGE;
	}
	if (h->destination_list.n == 0 ||
	    h->destination_list.n > DESTINATIONS_MAX ||
	    h->via_list.n > DESTINATIONS_MAX) {
		*words = "no destination, or too many";
		return ERR_INVALID_MESSAGE;
	}
	/* Not of responses: theirs is a Via List, and a request that was sent
	 * through B may have come through its origin again. */
	if (request && duplicates(&h->destination_list)) {
		*words = "an entry twice in the Destination List";
		return ERR_INVALID_MESSAGE;
	}
	/* A later fragment is worth nothing without the first. */
	if (l == NULL || !request)
		return OK;
	if (l->cert->n_node_ids > 1 && !l->attached &&
	    !request_before_attach(t->code)) {
		*words = "several Node-IDs, and no Attach";
		return ERR_FORBIDDEN;
	}
	if (!n->overlay->clients_permitted && !l->routable && !l->entry &&
	    !request_before_join(t->code)) {
		*words = "this overlay does not permit clients";
		return ERR_FORBIDDEN;
	}
	return OK;
}

/* Another version, but readable otherwise: its sender is told, s6.3.2. */
static void refuse_version(struct node *n, struct link *l, struct slice bytes)
{
	struct packet p;
	uint8_t *b;

	if (bytes.len < HEADER_MIN || bytes.p[VERSION_AT] == RELOAD_VERSION ||
	    (b = arena_zalloc(&n->arena, bytes.len, 1)) == NULL)
		return;
	memcpy(b, bytes.p, bytes.len);
	b[VERSION_AT] = RELOAD_VERSION;
	if (packet_decode(&p, slice_of(b, bytes.len), &n->arena, &n->env) == OK)
		reply_error(n, l, &p, ERR_INCOMPATIBLE_WITH_OVERLAY,
			    "another version of RELOAD");
}

void route_receive(struct node *n, struct link *l, struct slice bytes)
{
	struct packet p;
	struct transit t = { .p = &p, .from = l };
	const char *words;
	enum err r;

	if ((r = packet_decode(&p, bytes, &n->arena, &n->env)) != OK) {
		node_trace(n, "drop %zu bytes: %s", bytes.len, err_name(r));
		tally_count(n, r);
		if (l != NULL)
			refuse_version(n, l, bytes);
		return;
	}
	t.code = peek_code(&p);
	log_message(n, "recv", t.code, &p.header, bytes.len, l);
	if ((r = judge(n, &t, &words)) != OK) {
		reply_error(n, l, &p, r, words);
		return;
	}
	route(n, &t);
}
