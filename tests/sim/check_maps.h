/* SPDX-License-Identifier: ISC */
#ifndef SIM_CHECK_MAPS_H
#define SIM_CHECK_MAPS_H

#include "check.h"
#include "uthash.h"

/* What check.c and check_body.c remember, and how they report. */

enum { CHECK_VIA_MAX = 16 };

/* Whose certificate has this hash, alone or behind one of its Node-IDs. */
struct check_signer {
	uint8_t hash[CERT_HASH_LEN];
	struct host *host;
	UT_hash_handle hh;
};

/* A message of a transaction on one link. */
struct check_hop {
	uint32_t from, to;
	bool request;
	uint8_t ttl;
	uint32_t n_via;
	struct node_id via[CHECK_VIA_MAX];
};

struct check_txn {
	uint64_t id;
	uint64_t first_us, last_us; /* seen */
	uint32_t signer, incarnation;
	uint32_t n_sent; /* by its origin */
	bool datagram;   /* some of those over a datagram link */
	bool pieces;     /* in fragments */
	uint16_t code;
	uint64_t contents; /* digest */
	uint32_t max_response;
	bool answered;
	uint32_t responder, responder_life;
	uint64_t answer;  /* digest */
	uint64_t outside; /* of an error from one that had not joined, or 0 */
	struct check_hop *hops;
	uint32_t n_hops;
	struct check_txn *prev, *next;
	UT_hash_handle hh;
};

/* Data frames of one direction of a connection. */
struct check_stream {
	uint64_t key;
	uint32_t next;
	UT_hash_handle hh;
};

/* `from` has sent `to` an Update in this life of `to`. */
struct check_update {
	struct {
		uint32_t from, to, to_incarnation;
	} key;
	UT_hash_handle hh;
};

struct check_maps {
	struct check_signer *signers;
	struct check_txn *txns, *oldest;
	struct check_stream *streams;
	struct check_update *updates;
};

void check_broken(struct check *c, const struct sight *s, const char *id,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));
struct host *check_signer(struct check *c, const struct signer_identity *who);
/* check_body.c: a whole message leaves the node that signed it. */
void check_body(struct check *c, const struct sight *s);
/* A joined peer passes a message to another: may it, RFC 6940 s6.5.1? */
void check_routed(struct check *c, const struct sight *s);
void check_updates_clear(struct check *c);

#endif
