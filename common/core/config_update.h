/* SPDX-License-Identifier: ISC */
#ifndef CORE_CONFIG_UPDATE_H
#define CORE_CONFIG_UPDATE_H

#include "core/limits.h"
#include "core/request.h"
#include "core/txn.h"

struct event;
struct config_check;
struct config_push;

/* ConfigUpdate, both ways, RFC 6940 s6.3.2.1 and s6.5.4. */

/* A node whose documents were refused: each costs milliseconds. */
struct config_offender {
	struct node_id id;
	uint32_t n; /* refused since then */
	uint64_t until_us;
};

struct config_updates {
	struct config_check *checks; /* documents that the driver checks */
	struct config_push *pushes;  /* being sent to nodes that are behind */
	uint32_t n_checks, n_pushes;
	uint64_t last_id; /* of FX_CONFIG */
	struct config_offender offenders[CONFIG_OFFENDERS_MAX];
	uint32_t next_offender; /* the oldest, which makes room */
};

request_handler config_update_on_request;
/* EV_CONFIG: a document was checked, or came from outside. */
enum err config_update_checked(struct node *n,
			       const struct event *ev) MUST_CHECK;
/* Sends the document in use to a node that is behind, unless that is under way.
 * `path` is borrowed for the call. */
void config_update_push(struct node *n, const struct node_id *to,
			const struct destination_list *path, uint32_t link);
/*
 * Sends the Kinds that an Error_Unknown_Kind lists to the node that it came
 * from, RFC 6940 s7.4.1.2: who gets this error does so, and may ask again when
 * `done` is called.  ERR_UNKNOWN_KIND: none of them is in our document.
 */
enum err config_update_teach(struct node *n, const struct txn_end *end,
			     txn_done *done, void *ctx,
			     struct txn **out) MUST_CHECK;
void config_update_clear(struct node *n);

#endif
