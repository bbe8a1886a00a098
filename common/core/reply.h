/* SPDX-License-Identifier: ISC */
#ifndef CORE_REPLY_H
#define CORE_REPLY_H

#include "core/link.h"
#include "wire/message.h"

struct node;

/* Responses on their way back, RFC 6940 s6.2.2 and s6.3.3.1. */

/*
 * Sends a signed payload as the response to a request with this header, which
 * came over link number `link` from `previous_hop`: to it, then along the Via
 * List reversed; options with RESPONSE_COPY go along.
 */
enum err reply_send(struct node *n, const struct forwarding_header *request,
		    uint32_t link, const struct node_id *previous_hop,
		    struct slice payload) MUST_CHECK;
/* The Destination List of that way, in n->arena; for a ConfigUpdate too. */
enum err reply_path(struct node *n, const struct forwarding_header *request,
		    const struct node_id *previous_hop,
		    struct destination_list *out) MUST_CHECK;
/* Bytes that the response has besides its payload. */
enum err reply_overhead(struct node *n, const struct forwarding_header *request,
			const struct node_id *previous_hop,
			size_t *len) MUST_CHECK;
/* A signed ErrorResponse, in n->arena. */
enum err reply_seal_error(struct node *n, uint64_t transaction_id, enum err r,
			  struct slice info, struct slice *payload) MUST_CHECK;
/* An ErrorResponse to a packet that goes no further; only requests get one.
 * `l` may be NULL for one of this node's own. */
void reply_error(struct node *n, struct link *l, const struct packet *p,
		 enum err r, const char *words);

#endif
