/* SPDX-License-Identifier: ISC */
#ifndef SIM_DIARY_H
#define SIM_DIARY_H

#include "world.h"

/* What was said: every request as its originator first sent it, in order. */

enum { DIARY_TO_MAX = 4 };

struct said {
	struct said *prev, *next;
	uint64_t at_us;
	struct host *from, *to; /* the ends of the link */
	uint32_t conn;
	uint16_t code;
	uint64_t transaction_id;
	struct destination destination[DIARY_TO_MAX];
	uint32_t n_destination;
	struct slice body;
};

struct diary {
	struct world *world;
	struct arena arena;
	struct said *all;
};

/* From now on; cleared after the world's end. */
void diary_init(struct diary *r, struct world *w);
void diary_clear(struct diary *r);

/* The first after `s` (NULL: of all) with this code from one host to another;
 * NULL: from or to any. */
const struct said *diary_next(const struct diary *r, const struct said *s,
			      uint16_t code, const struct host *from,
			      const struct host *to);
/* How many since a time; retransmissions count once. */
uint32_t diary_count(const struct diary *r, uint64_t since_us, uint16_t code,
		     const struct host *from, const struct host *to);
/* Decodes the body; its memory is the diary's. */
void diary_body(struct diary *r, const struct said *s,
		const struct wire_type *t, void *body);
/* Is entry `i` of the Destination List this node, or this Resource-ID? */
bool said_to_node(const struct said *s, uint32_t i, const struct node_id *id);
bool said_to_resource(const struct said *s, uint32_t i,
		      const struct node_id *id);

#endif
