/* SPDX-License-Identifier: ISC */
#ifndef CORE_CANDIDATE_H
#define CORE_CANDIDATE_H

#include "core/limits.h"
#include "wire/attach.h"

struct node;
struct link_address;

/* The candidates in an Attach, RFC 6940 s6.5.1.1: No-ICE alone is spoken here.
 */

/* May links of this kind be made: do the document and the driver know it? */
bool candidate_permitted(const struct node *n, uint8_t overlay_link);
/* Has this node any candidate to offer? */
bool candidate_any(const struct node *n);
/* Who offers is "passive" and accepts the connection, who answers is "active",
 * s6.5.1.1. */
struct slice candidate_role(bool offer);
/* Addresses as candidates, by falling priority, CANDIDATES_MAX at most: those
 * of the protocols in `links`, LINK_PROTOCOL_*.  Memory is in n->arena. */
enum err candidate_list(struct node *n, uint8_t links,
			const struct link_address *v, size_t n_v,
			struct ice_candidate_list *out) MUST_CHECK;
/* Those of another node that can be connected to by `links`, by falling
 * priority, then TLS before DTLS, CANDIDATES_MAX at most.  ERR_INVALID_MESSAGE,
 * with words: ICE and No-ICE are mixed, or the overlay wants the other. */
enum err candidate_choose(struct node *n, uint8_t links,
			  const struct ice_candidate_list *l,
			  struct link_address *out, uint32_t *n_out,
			  const char **words) MUST_CHECK;
/* This node's Attach, offering or answering; memory is in n->arena. */
enum err candidate_body(struct node *n, bool offer, bool send_update,
			struct slice *body) MUST_CHECK;
/* Reads the Attach of another node: candidate_choose() of what it lists.
 * ERR_INVALID_MESSAGE, with words, also when it does not decode, or its role is
 * wrong. */
enum err candidate_read(struct node *n, struct slice body, bool offer,
			struct attach_req_ans *attach, struct link_address *out,
			uint32_t *n_out, const char **words) MUST_CHECK;

#endif
