/* SPDX-License-Identifier: ISC */
/*
 * What an Attach says of where a node can be reached, RFC 6940 s6.5.1.1,
 * s6.5.1.5, s6.5.1.11, s6.6.5, s6.6.6.  ICE is not spoken: all candidates are
 * No-ICE, each a listening address of TLS over TCP or DTLS over UDP.
 */
#include "core/candidate.h"

#include "core/state.h"

/* LINK_PROTOCOL_* of this node's links. */
static uint8_t own_links(const struct node *n)
{
	uint8_t links = n->overlay->link_protocols;

	if (n->cfg.link_protocols != 0)
		links &= n->cfg.link_protocols;
	return links;
}

static bool is_among(uint8_t links, uint8_t overlay_link)
{
	if (overlay_link == OVERLAY_LINK_TLS_TCP_FH_NO_ICE)
		return (links & LINK_PROTOCOL_TLS) != 0;
	return overlay_link == OVERLAY_LINK_DTLS_UDP_SR_NO_ICE &&
	       (links & LINK_PROTOCOL_DTLS) != 0;
}

bool candidate_permitted(const struct node *n, uint8_t overlay_link)
{
	return is_among(own_links(n), overlay_link);
}

struct slice candidate_role(bool offer)
{
	return offer ? SLICE_LIT("passive") : SLICE_LIT("active");
}

bool candidate_any(const struct node *n)
{
	for (size_t i = 0; i < n->cfg.n_listen; i++)
		if (candidate_permitted(n, n->cfg.listen[i].overlay_link))
			return true;
	return false;
}

/* RFC 5245 s4.1.2.1: host candidates by the order of the addresses. */
static uint32_t priority(size_t i)
{
	const uint32_t host = 126, component = 255;
	uint32_t local = 65535 - (uint32_t)i;

	return host << 24 | local << 8 | component;
}

enum err candidate_list(struct node *n, uint8_t links,
			const struct link_address *v, size_t n_v,
			struct ice_candidate_list *out)
{
	struct ice_candidate *c;

	out->n = 0;
	out->v = arena_zalloc(&n->arena, n_v, sizeof(*out->v));
	if (out->v == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n_v && out->n < CANDIDATES_MAX; i++) {
		if (!is_among(links, v[i].overlay_link))
			continue;
		c = &out->v[out->n++];
		c->addr_port = v[i].address;
		c->overlay_link = v[i].overlay_link;
		c->foundation = SLICE_LIT("1");
		c->priority = priority(i);
		c->type = CAND_HOST;
	}
	return OK;
}

enum err candidate_body(struct node *n, bool offer, bool send_update,
			struct slice *body)
{
	struct attach_req_ans a = { .role = candidate_role(offer),
				    .send_update = send_update };
	enum err r = candidate_list(n, own_links(n), n->cfg.listen,
				    n->cfg.n_listen, &a.candidates);

	return r != OK ? r
		       : node_encode(n, &wire_type_attach_req_ans, &a, body);
}

static bool is_no_ice(uint8_t overlay_link)
{
	return overlay_link == OVERLAY_LINK_DTLS_UDP_SR_NO_ICE ||
	       overlay_link == OVERLAY_LINK_TLS_TCP_FH_NO_ICE;
}

static bool usable(uint8_t links, const struct ice_candidate *c)
{
	return is_among(links, c->overlay_link) &&
	       (c->addr_port.type == ADDRESS_IPV4 ||
		c->addr_port.type == ADDRESS_IPV6) &&
	       c->addr_port.port != 0;
}

/* CHOICE: where priorities are equal, TLS before DTLS. */
static bool better(const struct ice_candidate *a, const struct ice_candidate *b)
{
	if (a->priority != b->priority)
		return a->priority > b->priority;
	return a->overlay_link == OVERLAY_LINK_TLS_TCP_FH_NO_ICE &&
	       b->overlay_link != OVERLAY_LINK_TLS_TCP_FH_NO_ICE;
}

/* Those that can be connected to, best first; equals as they came. */
static void sort(uint8_t links, const struct ice_candidate_list *l,
		 struct link_address *out, uint32_t *n_out)
{
	uint32_t place[CANDIDATES_MAX], n = 0, i;

	for (uint32_t k = 0; k < l->n; k++) {
		if (!usable(links, &l->v[k]) || n == CANDIDATES_MAX)
			continue;
		for (i = n++; i > 0 && better(&l->v[k], &l->v[place[i - 1]]);
		     i--)
			place[i] = place[i - 1];
		place[i] = k;
	}
	for (i = 0; i < n; i++) {
		out[i].address = l->v[place[i]].addr_port;
		out[i].overlay_link = l->v[place[i]].overlay_link;
	}
	*n_out = n;
}

enum err candidate_choose(struct node *n, uint8_t links,
			  const struct ice_candidate_list *l,
			  struct link_address *out, uint32_t *n_out,
			  const char **words)
{
	uint32_t n_no_ice = 0;

	for (uint32_t i = 0; i < l->n; i++)
		n_no_ice += is_no_ice(l->v[i].overlay_link);
	/* CHOICE: s6.5.1.1 names no code for mixed candidates. */
	if (n_no_ice != 0 && n_no_ice != l->n) {
		*words = "candidates with and without ICE";
		return ERR_INVALID_MESSAGE;
	}
	/* An overlay is all ICE or all No-ICE, s6.5.1.5. */
	if (!n->overlay->no_ice || n_no_ice == 0) {
		*words = n->overlay->no_ice ? "this overlay is without ICE"
					    : "this node is without ICE";
		return ERR_INVALID_MESSAGE;
	}
	sort(links, l, out, n_out);
	return OK;
}

enum err candidate_read(struct node *n, struct slice body, bool offer,
			struct attach_req_ans *attach, struct link_address *out,
			uint32_t *n_out, const char **words)
{
	enum err r;

	*words = "the Attach does not decode";
	if ((r = attach_req_ans_decode(attach, body, &n->arena, &n->env)) != OK)
		return r;
	if (!slice_eq(attach->role, candidate_role(offer))) {
		*words = "the role is wrong";
		return ERR_INVALID_MESSAGE;
	}
	return candidate_choose(n, own_links(n), &attach->candidates, out,
				n_out, words);
}
