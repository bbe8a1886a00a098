/* SPDX-License-Identifier: ISC */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include "base/arena.h"
#include "base/heap.h"
#include "crypto/crypto.h"
#include "wire/message.h"

struct node;
struct link;
struct answer;

/*
 * A request that has reached this node, with its signature verified.  The
 * handler of its method owns it from the call on and ends it with exactly one
 * of request_answer_take(), request_error_take() and request_drop_take(), in
 * this step or in a later one.  Answers to retransmissions come from the memory
 * of request.c (RFC 6940 s6.2.1): a handler sees each request once.
 */
struct request {
	struct arena arena; /* the message's copy and all that it decodes to */
	struct message
		message; /* header, contents, security: borrowed from it */
	uint32_t link;   /* where it came from; may be gone by now */
	struct node_id
		previous_hop;  /* the node at the other end of that link */
	struct node_id source; /* the Node-ID that signed */
	struct cert *signer;   /* one reference */
	struct request *prev, *next; /* request.c's list */
	/* For the handler: certificates that the answer's SecurityBlock carries
	 * besides this node's own (DER, in `arena`): those of the stored
	 * values' signers. */
	const struct slice *certs; /* bundles */
	size_t n_certs;
	void *state;
	struct answer *answer; /* request.c's: where the answer is kept */
	struct timer timer;
};

struct requests {
	struct request *first, *last; /* being answered */
	uint32_t n;
	/* Transactions of the last REQUEST_LIFETIME_US and their answers. */
	struct answer *by_key; /* uthash */
	struct answer *oldest, *newest;
	uint32_t n_answers;
	size_t answer_bytes;
	struct timer timer;
};

typedef void request_handler(struct node *n, struct request *req);

/* Answers with message_code + 1 and this body; `body` is encoded already. */
void request_answer_take(struct node *n, struct request *req,
			 struct slice body);
/* Answers with ErrorResponse: the code of `r`, RFC 6940 s14.9, and error_info:
 * UTF-8 words, or the structure that the code defines.  Errors without a code
 * (err_code() is 0) drop the request. */
void request_error_take(struct node *n, struct request *req, enum err r,
			struct slice info);
void request_drop_take(struct node *n, struct request *req);
/* request_error_take() with formatted words. */
void request_refuse_take(struct node *n, struct request *req, enum err r,
			 const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* A request for this node, its signature not yet verified; `l` NULL: from
 * itself.  Verifies, answers from memory, or calls the handler. */
void request_receive(struct node *n, struct link *l, const struct message *m);
/* May a request of this code come from a node with several Node-IDs that has
 * not attached, s6.1.2; from one that is no peer where clients are not
 * permitted, s11.1? */
bool request_before_attach(uint16_t code);
bool request_before_join(uint16_t code);
void request_timer(struct node *n, struct timer *t);
void request_clear(struct node *n);

#endif
