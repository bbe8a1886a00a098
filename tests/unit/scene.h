/* SPDX-License-Identifier: ISC */
#ifndef SCENE_H
#define SCENE_H

#include "unit.h"

#include "../sim/check.h"
#include "../sim/rogue.h"

/*
 * The stage of the core's tests: a few peers at known places of the ring, and a
 * member that the test drives by hand, linked to the first of them as a client.
 * Each test opens one and closes it.
 */
enum { SCENE_PEERS_MAX = 4 };

struct scene {
	struct world *w;
	struct check check;
	struct host *peer[SCENE_PEERS_MAX]; /* at 0x20, 0x60, 0xa0, 0xe0 .. */
	uint32_t n_peers;
	struct rogue *rogue; /* at 0x80 ... */
	uint32_t link;       /* from it to the first peer */
};

/* An ID whose first byte is `first`, and whose last is 1. */
struct node_id scene_id(uint8_t first);
/* Peers are made but not yet started: for tests that change what they get. */
void scene_make(struct scene *s, uint32_t n_peers);
/* The same in an overlay of these links, LINK_PROTOCOL_*. */
void scene_make_links(struct scene *s, uint32_t n_peers, uint8_t links);
/* Starts them, traced, and links the rogue. */
void scene_start(struct scene *s);
/* Both. */
void scene_open(struct scene *s, uint32_t n_peers);
void scene_close(struct scene *s);

/* Runs for seconds of virtual time. */
void scene_run(struct scene *s, double seconds);
/* Runs until a line of the host's trace, after what was seen before, has the
 * text; returns the time, fails after a virtual minute. */
uint64_t scene_trace_wait(struct scene *s, struct host *h, const char *text);
bool scene_traced(const struct host *h, const char *text);
void scene_trace_forget(struct host *h);

/* A PingReq of the rogue's to a node, to a resource, or to nobody yet. */
void scene_ping(struct scene *s, struct draft *d);
void scene_ping_node(struct scene *s, struct draft *d,
		     const struct node_id *to);
void scene_ping_resource(struct scene *s, struct draft *d,
			 const struct node_id *to);
/* Sends it; fails unless this is the answer: a PingAns, or an error. */
const struct heard *scene_answer(struct scene *s, const struct draft *d,
				 uint16_t error);
/* Sends it; fails if anything answers within 20 virtual seconds. */
void scene_silence(struct scene *s, const struct draft *d);

#endif
