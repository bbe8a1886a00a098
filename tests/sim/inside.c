/* SPDX-License-Identifier: ISC */
/*
 * Owns: all that is looked up inside a node.  The limits of core/limits.h: the
 * core holds itself to them; this says so where it does not.  The neighbours as
 * they are this very moment.
 */
#include "audit.h"
#include "core/state.h"

struct bound {
	const char *what;
	uint64_t is, max;
};

static void over(struct audit *a, const struct host *h, const struct bound *b,
		 size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (b[i].is > b[i].max)
			audit_broken(a, h, "%llu %s, at most %llu",
				     (unsigned long long)b[i].is, b[i].what,
				     (unsigned long long)b[i].max);
}

static void link_bounds(struct audit *a, const struct host *h,
			const struct link *l)
{
	const struct bound any[] = {
		{ "reassemblies of one link", l->n_reassemblies,
		  REASSEMBLIES_PER_LINK_MAX },
		{ "frames without ACK", l->n_sent, LINK_SENT_MAX },
		{ "bytes without ACK", l->sent_bytes, LINK_SENT_BYTES_MAX },
	};

	over(a, h, any, sizeof(any) / sizeof(any[0]));
	if (l->datagram) {
		const struct bound sr[] = {
			{ "messages on a link", l->sr->n_messages,
			  SR_MESSAGES_MAX },
			{ "bytes on a link", l->sr->bytes, SR_BYTES_MAX },
		};

		over(a, h, sr, sizeof(sr) / sizeof(sr[0]));
	}
}

void inside_bounds(struct audit *a, const struct host *h)
{
	const struct node *n = h->node;
	const struct bound bounds[] = {
		{ "links", n->links.n, LINKS_MAX },
		{ "transactions", n->txns.n, TXNS_MAX },
		{ "requests", n->requests.n, REQUESTS_MAX },
		{ "answers", n->requests.n_answers, ANSWERS_MAX },
		{ "answer bytes", n->requests.answer_bytes, ANSWERS_BYTES_MAX },
		{ "return paths", n->return_paths.n, RETURN_PATHS_MAX },
		{ "reassemblies", n->reassemblies.n, REASSEMBLIES_MAX },
		{ "reassembly bytes", n->reassemblies.bytes,
		  REASSEMBLY_BYTES_MAX },
		{ "certificates", n->certs.n, CERTS_MAX },
		{ "dials", n->dials.n, DIALS_MAX },
		{ "commands", n->clients.n, COMMANDS_MAX },
		{ "predecessors", n->ring.n_predecessors, NEIGHBORS_MAX },
		{ "successors", n->ring.n_successors, NEIGHBORS_MAX },
		{ "fingers", n->ring.n_fingers, FINGERS_MAX },
		{ "replicas", n->replicas.n_members, REPLICAS },
		{ "copies", n->replicas.n_copies, COPIES_MAX },
		{ "recalls", n->replicas.n_recalls, RECALLS_MAX },
		{ "documents being checked", n->config_updates.n_checks,
		  CONFIG_UPDATES_MAX },
		{ "documents being sent", n->config_updates.n_pushes,
		  CONFIG_UPDATES_MAX },
	};

	over(a, h, bounds, sizeof(bounds) / sizeof(bounds[0]));
	for (const struct link *l = n->links.first; l != NULL; l = l->next)
		link_bounds(a, h, l);
}

bool inside_follows(const struct host *h, const struct host *other)
{
	const struct ring *r = &h->node->ring;

	return r->n_successors > 0 &&
	       id_eq(&r->successors[0], &other->signer.node_id);
}

bool inside_precedes(const struct host *h, const struct host *other)
{
	const struct ring *r = &h->node->ring;

	return r->n_predecessors > 0 &&
	       id_eq(&r->predecessors[0], &other->signer.node_id);
}
