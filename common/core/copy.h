/* SPDX-License-Identifier: ISC */
#ifndef CORE_COPY_H
#define CORE_COPY_H

#include "core/replica.h"
#include "wire/data.h"

struct node;
struct copy;

/*
 * Some values of one resource on their way to one node, as replica Stores:
 * read, cut into messages, sent one after the other.  RFC 6940 s7.4.1.1, s10.4.
 */

/* A value that is being copied. */
struct copy_value {
	uint32_t kind;
	enum data_model model;
	uint64_t generation; /* of its slot */
	struct slice key;
	struct stored_data data;       /* lifetime lowered */
	uint8_t signer[CERT_HASH_LEN]; /* SHA-256 of the certificate */
	struct slice cert;             /* a bundle; empty when not known */
	size_t len;                    /* bytes on the wire */
	bool there; /* the other node has it, or a newer one */
};

/* OK: all were taken.  ERR_TIMEOUT, ERR_LINK_CLOSED, ERR_NO_LINK: it cannot be
 * reached.  Any other error: something was refused. */
typedef void copy_done(struct node *n, void *ctx, enum err r);

struct copy_args {
	struct node_id to;
	uint8_t replica_number;
	/* Of one resource, sorted by Kind. */
	const struct replica_value *values;
	size_t n_values;
	bool whole; /* all values of each slot, whatever their keys */
	copy_done *done;
	void *ctx;
};

/* `done` is called in a later step.  ERR_FULL, ERR_NOMEM. */
enum err copy_start(struct node *n, const struct copy_args *args,
		    struct copy **out) MUST_CHECK;
/* No `done` any more; NULL is fine. */
void copy_cancel(struct node *n, struct copy *c);
/* Was the node out of reach? */
bool copy_unreachable(enum err r);
void copy_clear(struct node *n);

#endif
