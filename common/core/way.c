/* SPDX-License-Identifier: ISC */
/*
 * The ways into the overlay, RFC 6940 s11.4: the bootstrap nodes, and the peers
 * this node has been linked with.
 */
#include "core/way.h"
#include "core/state.h"

static bool own_address(const struct node *n, const struct ip_address_port *a)
{
	size_t len = a->type == ADDRESS_IPV4 ? 4 : 16;
	const struct ip_address_port *own;

	for (size_t i = 0; i < n->cfg.n_listen; i++) {
		own = &n->cfg.listen[i].address;
		if (own->type == a->type && own->port == a->port &&
		    memcmp(own->addr, a->addr, len) == 0)
			return true;
	}
	return false;
}

static size_t n_listed(const struct node *n)
{
	return n->cfg.n_bootstrap > 0 ? n->cfg.n_bootstrap
				      : n->overlay->n_bootstrap;
}

static const struct ip_address_port *entry_at(const struct node *n, size_t i)
{
	size_t k = n_listed(n);

	if (i >= k)
		return &n->join.cached[i - k].address;
	return n->cfg.n_bootstrap > 0 ? &n->cfg.bootstrap[i]
				      : &n->overlay->bootstrap[i];
}

uint32_t way_count(const struct node *n)
{
	size_t k = n_listed(n) + n->join.n_cached;
	uint32_t usable = 0;

	for (size_t i = 0; i < k; i++)
		usable += !own_address(n, entry_at(n, i));
	return usable;
}

const struct ip_address_port *way_address(const struct node *n, uint32_t i,
					  bool strangers)
{
	size_t listed = n_listed(n), k = listed + n->join.n_cached;
	uint32_t usable = way_count(n), at = 0;

	for (size_t j = 0; j < k && usable > 0; j++) {
		if (own_address(n, entry_at(n, j)) || at++ != i % usable)
			continue;
		if (strangers && j >= listed &&
		    ring_link_to(n, &n->join.cached[j - listed].id) != NULL)
			return NULL;
		return entry_at(n, j);
	}
	return NULL;
}

/* RFC 6940 s11.4: only nodes this one is directly connected with. */
void way_remember(struct node *n, const struct link *l)
{
	struct join *j = &n->join;
	struct join_cached c = { .id = l->node_id, .address = l->listen };
	uint32_t k = 0;

	if (!l->attached || l->listen.type == 0)
		return;
	while (k < j->n_cached && !id_eq(&j->cached[k].id, &c.id))
		k++;
	if (k == CACHED_PEERS_MAX)
		k--;
	else if (k == j->n_cached)
		j->n_cached++;
	memmove(j->cached + 1, j->cached, k * sizeof(*j->cached));
	j->cached[0] = c;
}
