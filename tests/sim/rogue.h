/* SPDX-License-Identifier: ISC */
#ifndef SIM_ROGUE_H
#define SIM_ROGUE_H

#include "world.h"

/*
 * A member with a certificate that a test drives by hand: it says whatever it
 * is told to, and answers nothing by itself but ACKs.  Everything made for it
 * lives until rogue_free().
 */

enum { ROGUE_LINKS_MAX = 80, DRAFT_LIST_MAX = 128, DRAFT_CERTS_MAX = 8 };

struct rogue_link {
	uint32_t number;
	bool up;      /* and not down since */
	enum err err; /* why it went down */
	struct host *other;
	uint32_t next_sequence;
	uint64_t n_acks;
	struct framed_message last_ack;
	struct buf in;
};

/* A message, or a fragment, that has come. */
struct heard {
	struct heard *prev, *next;
	uint32_t link;
	uint32_t sequence; /* of its frame */
	uint64_t at_us;
	struct slice bytes;
	struct packet packet;
	bool whole; /* `message` is filled in */
	struct message message;
	bool taken; /* rogue_hear() gave it out */
};

struct rogue {
	struct host *host;
	bool no_acks;    /* data frames stay without ACK */
	bool unreadable; /* something came that is no frame or no message */
	struct rogue_link links[ROGUE_LINKS_MAX];
	uint32_t n_links, next_link;
	struct heard *heard;
	uint32_t n_heard;
	struct arena arena;
};

/* A new host with this rogue on it, which accepts links.  `id` NULL: drawn. */
struct rogue *rogue_new(struct world *w, const char *user,
			const struct node_id *id);
/* Before world_free(). */
void rogue_free(struct rogue *r);

/* ---- links and bytes ---- */

/* Runs until the link is up; 0 when it was refused. */
uint32_t rogue_connect(struct rogue *r, const struct host *to);
/* The newest link to a host that is up, made by whichever side; 0. */
uint32_t rogue_link_to(const struct rogue *r, const struct host *to);
const struct rogue_link *rogue_link(const struct rogue *r, uint32_t number);
void rogue_close(struct rogue *r, uint32_t link);
void rogue_bytes(struct rogue *r, uint32_t link, struct slice bytes);
/* In a data frame with the next sequence number. */
void rogue_frame(struct rogue *r, uint32_t link, struct slice message);

/* ---- saying ---- */

/* A message to be, with all that a test may want to spoil.  Points into itself:
 * not to be copied. */
struct draft {
	struct rogue *rogue;
	struct forwarding_header header;
	struct destination via[DRAFT_LIST_MAX], to[DRAFT_LIST_MAX];
	struct message_contents contents;
	const struct signer *signer; /* the rogue's own */
	uint8_t identity_type;       /* SIGNER_*; 0: as the certificate wants */
	bool without_certificates;
	const struct cert *certs[DRAFT_CERTS_MAX]; /* besides the signer's */
	uint32_t n_certs;
	bool spoil_signature;
};

/* A request with a new transaction ID, to nobody yet. */
void draft_init(struct draft *d, struct rogue *r, uint16_t code);
void draft_to_node(struct draft *d, const struct node_id *id);
void draft_to_resource(struct draft *d, const struct node_id *id);
void draft_via(struct draft *d, const struct node_id *id);
void draft_body(struct draft *d, const struct wire_type *t, const void *body);
/* The whole message, signed. */
struct slice draft_encode(const struct draft *d);
/* Encodes and sends it; returns the transaction ID. */
uint64_t rogue_send(struct rogue *r, uint32_t link, const struct draft *d);
/* The answer to a request that was heard: same transaction, the way back.
 * `code` is contents.message_code. */
void draft_answer(struct draft *d, struct rogue *r, const struct heard *request,
		  uint16_t code);

/* Fills v->signature, as `s` would sign it at this Resource-ID and Kind. */
void rogue_sign_value(struct rogue *r, const struct signer *s,
		      const struct node_id *resource, uint32_t kind,
		      struct stored_data *v);
/* A StoreReq of values of one Kind, signed by d->signer. */
void draft_store(struct draft *d, const struct node_id *resource, uint32_t kind,
		 uint64_t generation, uint8_t replica_number,
		 struct stored_data *values, uint32_t n_values);
/* A FetchReq or StatReq for all values of a Kind, whatever its model. */
void draft_fetch(struct draft *d, const struct node_id *resource,
		 uint32_t kind);
/* Bytes that live as long as the rogue. */
struct slice rogue_keep(struct rogue *r, struct slice bytes);

/* ---- hearing ---- */

/* Runs until a message with this transaction ID and an answer's code has come;
 * NULL when none has after `us`. */
const struct heard *rogue_answer(struct rogue *r, uint64_t transaction_id,
				 uint64_t us);
/* Runs until a message with this code that was not given out before has come.
 */
const struct heard *rogue_hear(struct rogue *r, uint16_t code, uint64_t us);
/* Decodes the body of what was heard; its memory is the rogue's. */
void heard_body(struct rogue *r, const struct heard *h,
		const struct wire_type *t, void *body);
/* The error code of an ErrorResponse; 0 for any other message. */
uint16_t heard_error(struct rogue *r, const struct heard *h);
/* Whose certificate signed it; NULL when it is no host's. */
struct host *heard_signer(struct rogue *r, const struct heard *h);
/* Sends a request and returns its answer, a virtual minute at most. */
const struct heard *rogue_ask(struct rogue *r, uint32_t link,
			      const struct draft *d);

/* ---- being attached ---- */

/* Attaches through `link` to whoever `d` is sent to (its body is made here),
 * runs until that node has called, and returns the new link; 0. */
uint32_t rogue_attach(struct rogue *r, uint32_t link, struct draft *d,
		      bool send_update);
/* Answers an AttachReq that was heard and calls its sender; the link, or 0. */
uint32_t rogue_attach_answer(struct rogue *r, const struct heard *request);

/* For host.c. */
void rogue_event(struct rogue *r, const struct event *ev);

#endif
