/* SPDX-License-Identifier: ISC */
#ifndef CORE_TXN_H
#define CORE_TXN_H

#include "base/heap.h"
#include "crypto/crypto.h"
#include "wire/message.h"

struct node;
struct link;
struct txn;

/* How a request of ours ended. */
struct txn_end {
	enum err err; /* OK: an answer; the error of an ErrorResponse;
			 ERR_TIMEOUT after the last send; ERR_NO_LINK,
			 ERR_LINK_CLOSED */
	const struct message *message; /* the answer or ErrorResponse, or NULL;
					  borrowed for the call */
	struct slice body;             /* the answer's, not yet decoded */
	struct slice info;             /* error_info of an ErrorResponse */
	struct node_id responder;
	struct cert *cert; /* the responder's, borrowed */
	uint64_t rtt_us;
};

/* Called once, unless txn_cancel() comes first.  The txn is gone after it. */
typedef void txn_done(struct node *n, void *ctx, const struct txn_end *end);

struct txn_args {
	struct destination_list destination;
	uint16_t code;               /* of the request */
	struct slice body;           /* encoded; copied */
	const struct signer *signer; /* NULL: the node's own */
	/* DER; copied.  What the SecurityBlock carries besides the signer's
	 * own: in replica Stores the certificates of the values' signers. */
	const struct slice *certs;
	size_t n_certs;
	uint32_t link; /* send on this link; 0: where routing says */
	uint32_t max_response_length;
	uint64_t
		timeout_us; /* 0: five sends, overlay-reliability-timer apart */
	/* Response checks of s6.3.4: a request to a Node-ID is answered by it,
	 * one to a Resource-ID by somebody close enough; this one must be
	 * answered by the node at the end of `link` (Join, s6.4.2.1). */
	bool from_link_only;
	txn_done *done; /* may be NULL */
	void *ctx;
};

struct txns {
	struct txn *by_id;        /* uthash */
	struct txn *first, *last; /* by age */
	uint32_t n;
};

/* Signs and sends; retransmits until an answer passes the checks.  `done` is
 * never called from inside.  ERR_NOMEM, ERR_FULL, ERR_MESSAGE_TOO_LARGE. */
enum err txn_send(struct node *n, const struct txn_args *args,
		  struct txn **out) MUST_CHECK;
void txn_cancel(struct node *n, struct txn *t); /* NULL is fine */

/* How it would end now: ERR_TIMEOUT, or why what came was not the answer.
 * `t` may be NULL. */
enum err txn_refusal(const struct txn *t);

/* A destination list of one entry, in n->arena. */
enum err txn_to_node(struct node *n, const struct node_id *id,
		     struct destination_list *out) MUST_CHECK;
enum err txn_to_resource(struct node *n, const struct node_id *id,
			 struct destination_list *out) MUST_CHECK;
/* [via node, then node]: Attaches to neighbours, RFC 6940 s10.6. */
enum err txn_to_node_through(struct node *n, const struct node_id *through,
			     const struct node_id *id,
			     struct destination_list *out) MUST_CHECK;

/* A response for this node, its signature not yet verified; `l` NULL: from
 * itself. */
void txn_response(struct node *n, struct link *l, const struct message *m);
/* A document was replaced: requests refused for the old one are sent again. */
void txn_config_changed(struct node *n);
/* Was a request sent on just this link, and not answered yet? */
bool txn_awaits_link(const struct node *n, uint32_t number);
void txn_link_down(struct node *n, uint32_t number);
void txn_timer(struct node *n, struct timer *t);
void txn_clear(struct node *n);

#endif
