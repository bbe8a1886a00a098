/* SPDX-License-Identifier: ISC */
/*
 * Return paths: which link a request came from, by transaction.  RFC 6940
 * s6.1.2, the approach of per-transaction state; a fixed time after the last
 * transmission they are forgotten.
 */
#include "core/paths.h"

#include <stdlib.h>

#include "core/state.h"
#include "core/table.h"

struct path_key {
	uint64_t transaction_id;
	struct node_id node; /* zero: a hidden path */
	uint8_t pad[4];      /* zero: keys are compared as bytes */
};
_Static_assert(sizeof(struct path_key) == 8 + NODE_ID_MAX + 4, "no padding");

struct return_path {
	UT_hash_handle hh;
	struct path_key key;
	struct return_path *prev, *next; /* by the time of expiry */
	uint64_t expires_us;
	uint32_t link;
};

static struct path_key key_of(uint64_t transaction_id,
			      const struct node_id *node)
{
	struct path_key k = { .transaction_id = transaction_id };

	if (node != NULL)
		k.node = *node;
	return k;
}

static struct return_path *find(struct node *n, const struct path_key *k)
{
	struct return_path *p;

	HASH_FIND(hh, n->return_paths.by_id, k, sizeof(*k), p);
	return p;
}

static void unlink_path(struct return_paths *ps, struct return_path *p)
{
	*(p->prev == NULL ? &ps->first : &p->prev->next) = p->next;
	*(p->next == NULL ? &ps->last : &p->next->prev) = p->prev;
}

static void link_last(struct return_paths *ps, struct return_path *p)
{
	p->next = NULL;
	p->prev = ps->last;
	*(p->prev == NULL ? &ps->first : &p->prev->next) = p;
	ps->last = p;
}

static void drop(struct return_paths *ps, struct return_path *p)
{
	HASH_DEL(ps->by_id, p);
	unlink_path(ps, p);
	ps->n--;
	free(p);
}

bool paths_add(struct node *n, uint64_t transaction_id, const struct link *l,
	       bool hidden)
{
	struct return_paths *ps = &n->return_paths;
	struct path_key k = key_of(transaction_id, hidden ? NULL : &l->node_id);
	struct return_path *p = find(n, &k);

	if (p != NULL) {
		/* A transaction stays with the link that began it, lest another
		 * draws its answers away. */
		if (p->link != l->number && link_by_number(n, p->link) != NULL)
			return true;
		unlink_path(ps, p);
	} else {
		if (ps->n >= RETURN_PATHS_MAX ||
		    (p = calloc(1, sizeof(*p))) == NULL)
			return false;
		p->key = k;
		HASH_ADD(hh, ps->by_id, key, sizeof(p->key), p);
		if (p->hh.tbl == NULL) {
			free(p);
			return false;
		}
		ps->n++;
	}
	p->link = l->number;
	p->expires_us = n->now.mono_us + REQUEST_LIFETIME_US;
	link_last(ps, p);
	if (ps->timer.pos == 0)
		node_timer(n, &ps->timer, TIMER_ROUTE, p->expires_us);
	return true;
}

struct link *paths_find(struct node *n, uint64_t transaction_id,
			const struct node_id *node)
{
	const struct path_key k = key_of(transaction_id, node);
	const struct return_path *p = find(n, &k);

	return p == NULL ? NULL : link_by_number(n, p->link);
}

struct link *paths_find_hidden(struct node *n, uint64_t transaction_id)
{
	return paths_find(n, transaction_id, NULL);
}

void paths_timer(struct node *n, struct timer *t)
{
	struct return_paths *ps = &n->return_paths;

	while (ps->first != NULL && ps->first->expires_us <= n->now.mono_us)
		drop(ps, ps->first);
	if (ps->first != NULL)
		node_timer(n, t, TIMER_ROUTE, ps->first->expires_us);
}

void paths_clear(struct node *n)
{
	while (n->return_paths.first != NULL)
		drop(&n->return_paths, n->return_paths.first);
}
