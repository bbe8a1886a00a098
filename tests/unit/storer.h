/* SPDX-License-Identifier: ISC */
/* One peer that is responsible for everything, and members that ask it by hand.
 */
#ifndef STORER_H
#define STORER_H

#include "unit.h"

#include "../sim/rogue.h"

#define ALICE "alice@sim.example.org"
#define BOB   "bob@sim.example.org"

struct storer {
	struct world *world;
	struct host *peer;
	struct rogue *alice, *bob;
	uint32_t alice_link, bob_link;
	struct node_id at;        /* H(alice's name) */
	const struct heard *last; /* the last answer */
};

void storer_open(struct storer *s, const struct world_options *opt);
void storer_close(struct storer *s);
/* cmocka's: *state is a struct storer. */
int storer_setup(void **state);
int storer_teardown(void **state);

/* A value that exists, with a lifetime of an hour; `t` milliseconds after the
 * world's first. */
struct stored_data storer_value(const char *text, uint64_t t);
/* The same without a value: removed. */
struct stored_data storer_removed(uint64_t t);
struct stored_data storer_entry(const char *key, const char *text, uint64_t t);
struct stored_data storer_element(uint32_t index, const char *text, uint64_t t);

/* One Kind's values; they are signed by `who` where they have no signature. */
struct store_kind_data storer_kind(uint32_t kind, uint64_t generation,
				   struct stored_data *values, uint32_t n);
/* Sends a StoreReq for alice's resource over who's link: the error code, 0 for
 * success; `ans` may be NULL. */
uint16_t storer_ask(struct storer *s, struct rogue *who,
		    struct store_kind_data *kinds, uint32_t n,
		    struct store_ans *ans);
/* One value of one Kind by alice, whatever the counter is. */
uint16_t storer_put(struct storer *s, uint32_t kind, struct stored_data v);
uint64_t storer_generation(struct storer *s, uint32_t kind);

/* Asks for everything of a Kind, or what `spec` says: the error code. */
uint16_t storer_get(struct storer *s, uint32_t kind,
		    struct fetch_kind_response *out);
uint16_t storer_fetch(struct storer *s, struct stored_data_specifier *spec,
		      uint32_t n, struct fetch_ans *out);
uint16_t storer_stat(struct storer *s, struct stored_data_specifier *spec,
		     uint32_t n, struct stat_ans *out);
/* The words of the last answer's error_info. */
struct slice storer_info(struct storer *s);
/* "a,b,-": the values in their order, "-" where one does not exist, "=" for one
 * that was removed and is signed. */
const char *storer_text(const struct stored_data_list *l);

#endif
