/* SPDX-License-Identifier: ISC */
#ifndef CLI_PRINT_NODE_H
#define CLI_PRINT_NODE_H

#include "cli/out.h"
#include "core/node.h"

/* Answers about nodes as people and scripts read them: p2psip-route(1).  `len`
 * is the length of a Node-ID in bytes; JSON under -j. */

/* Node-ID and round trip in ms. */
void print_node_ping(struct out *o, const struct result *res, size_t len);
/* Node-ID, uptime in s, number of resources, share of the ring. */
void print_node_probe(struct out *o, const struct result *res, size_t len);
/* One line a neighbour or finger: which table, place in it, Node-ID. */
void print_node_table(struct out *o, const struct result *res, size_t len);

#endif
