/* SPDX-License-Identifier: ISC */
/*
 * Responses: back the way the request came, with what its options ask for.  RFC
 * 6940 s6.2.2, s6.3.2.3, s6.3.3.1.  What is answered is the callers'.
 */
#include "core/reply.h"

#include "core/state.h"

enum err reply_path(struct node *n, const struct forwarding_header *request,
		    const struct node_id *previous_hop,
		    struct destination_list *out)
{
	const struct destination_list *via = &request->via_list;

	if ((out->v = arena_zalloc(&n->arena, via->n + 1, sizeof(*out->v))) ==
	    NULL)
		return ERR_NOMEM;
	out->n = via->n + 1;
	out->v[0] = destination_node(previous_hop);
	for (uint32_t i = 0; i < via->n; i++)
		out->v[1 + i] = via->v[via->n - 1 - i];
	return OK;
}

/* Options come back with the flags cleared, known or not. */
static enum err copy_options(struct node *n,
			     const struct forwarding_option_list *in,
			     struct forwarding_option_list *out)
{
	out->n = 0;
	if ((out->v = arena_zalloc(&n->arena, in->n, sizeof(*out->v))) == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < in->n; i++) {
		if ((in->v[i].flags & RESPONSE_COPY) == 0)
			continue;
		out->v[out->n] = in->v[i];
		out->v[out->n++].flags &= (uint8_t) ~(FORWARD_CRITICAL |
						      DESTINATION_CRITICAL |
						      RESPONSE_COPY);
	}
	return OK;
}

static enum err response_header(struct node *n,
				const struct forwarding_header *request,
				const struct node_id *previous_hop,
				struct forwarding_header *h)
{
	enum err r;

	*h = (struct forwarding_header){
		.overlay = n->overlay->hash,
		.configuration_sequence = n->overlay->sequence,
		.version = RELOAD_VERSION,
		.ttl = n->overlay->initial_ttl,
		.fragment = FRAGMENT_WHOLE,
		.transaction_id = request->transaction_id,
	};
	if ((r = reply_path(n, request, previous_hop, &h->destination_list)) !=
	    OK)
		return r;
	return copy_options(n, &request->options, &h->options);
}

enum err reply_send(struct node *n, const struct forwarding_header *request,
		    uint32_t link, const struct node_id *previous_hop,
		    struct slice payload)
{
	struct forwarding_header h;
	enum err r;

	if ((r = response_header(n, request, previous_hop, &h)) != OK)
		return r;
	/* CHOICE: a client may have several links; the answer takes the one the
	 * request came on. */
	return route_send(n, link_by_number(n, link), &h, payload);
}

enum err reply_overhead(struct node *n, const struct forwarding_header *request,
			const struct node_id *previous_hop, size_t *len)
{
	struct forwarding_header h;
	struct slice bytes;
	enum err r;

	if ((r = response_header(n, request, previous_hop, &h)) == OK &&
	    (r = node_encode(n, &wire_type_forwarding_header, &h, &bytes)) ==
		    OK)
		*len = bytes.len;
	return r;
}

enum err reply_seal_error(struct node *n, uint64_t transaction_id, enum err r,
			  struct slice info, struct slice *payload)
{
	const struct error_response e = { err_code(r), info };
	struct slice body;
	enum err failed;

	if ((failed = node_encode(n, &wire_type_error_response, &e, &body)) !=
	    OK)
		return failed;
	return seal_message(n, n->cfg.signer, MSG_ERROR, body, transaction_id,
			    NULL, 0, payload);
}

void reply_error(struct node *n, struct link *l, const struct packet *p,
		 enum err r, const char *words)
{
	uint16_t code;
	struct slice payload;
	enum err failed;

	node_trace(n, "refuse %016llx %s",
		   (unsigned long long)p->header.transaction_id, err_name(r));
	tally_count(n, r);
	/* Only the first fragment says that it is a request. */
	if ((p->header.fragment & FRAGMENT_OFFSET) != 0 || p->payload.len < 2)
		return;
	code = (uint16_t)(p->payload.p[0] << 8 | p->payload.p[1]);
	if (!message_is_request(code))
		return;
	if ((failed = reply_seal_error(n, p->header.transaction_id, r,
				       slice_str(words), &payload)) != OK ||
	    (failed = reply_send(n, &p->header, l == NULL ? 0 : l->number,
				 l == NULL ? &n->id : &l->node_id, payload)) !=
		    OK)
		node_trace(n, "no error sent: %s", err_name(failed));
}
