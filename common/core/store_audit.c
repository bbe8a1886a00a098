/* SPDX-License-Identifier: ISC */
/*
 * A document was replaced: Kinds that are gone go with their values, and so do
 * all values whose signer is not good any more (a bad node, another root).  The
 * certificates are looked at some at a time, with a pause between, for there
 * may be a million and what is asked meanwhile is to be answered.  RFC 6940
 * s11.1 (bad-node), s7.1.
 */
#include "core/store_audit.h"

#include <stdlib.h>

#include "core/state.h"

/* Looked at in one step, which takes 5 ms. */
enum { AUDIT_CERTS = 32 };

#define AUDIT_PAUSE_US UINT64_C(10000)

struct store_audit {
	uint8_t signers[AUDIT_CERTS][CERT_HASH_LEN]; /* of this step */
	size_t n_signers;
	struct timer pause;
	bool again; /* from the start: the document was replaced meanwhile */
};

static void audit_end(struct node *n, enum err r)
{
	bool again = n->store.audit->again;

	if (r != OK)
		log_line(n->cfg.log, LOG_WARN,
			 "stored values were not checked against the new "
			 "document: %s",
			 err_text(r));
	store_audit_clear(n);
	if (again)
		store_audit_start(n);
}

static void drop_take(struct node *n, struct batch *b)
{
	if (b->n == 0)
		batch_free(b);
	else
		node_failed(n, read_commit_take(n, b, NULL, NULL));
}

/* ---- signers ---- */

/* Time is left out: a clock that is wrong for a while must not cost all values.
 */
static bool is_bad(const struct node *n, const struct cert *c)
{
	if (c == NULL)
		return true;
	for (size_t i = 0; i < c->n_node_ids; i++)
		if (overlay_is_bad_node(n->overlay, &c->node_ids[i]))
			return true;
	return false;
}

static enum err find_bad(struct node *n, const struct query_answer *certs,
			 struct batch *b)
{
	struct store_audit *au = n->store.audit;
	struct change *ch;

	for (size_t i = 0; i < au->n_signers; i++) {
		if (certs[i].der.len == 0 || /* purged in between */
		    !is_bad(n, certs_add(n, certs[i].der)))
			continue;
		if ((ch = batch_add(b, CHANGE_DROP_SIGNER)) == NULL)
			return ERR_NOMEM;
		memcpy(ch->record.signer, au->signers[i], CERT_HASH_LEN);
	}
	return OK;
}

static void certs_read(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers)
{
	struct store_audit *au = ctx;
	struct batch *b = NULL;

	(void)n_answers;
	if (r == OK && (b = batch_new(0)) == NULL)
		r = ERR_NOMEM;
	if (r == OK)
		r = find_bad(n, answers, b);
	if (r != OK) {
		batch_free(b);
		audit_end(n, r);
		return;
	}
	drop_take(n, b);
	if (au->n_signers < AUDIT_CERTS)
		audit_end(n, OK);
	else
		node_timer(n, &au->pause, TIMER_STORE,
			   n->now.mono_us + AUDIT_PAUSE_US);
}

static void signers_read(struct node *n, void *ctx, enum err r,
			 const struct query_answer *answers, size_t n_answers)
{
	struct store_audit *au = ctx;
	struct query q[AUDIT_CERTS] = { 0 };

	(void)n_answers;
	au->n_signers = r == OK ? answers[0].n_signers : 0;
	if (au->n_signers == 0) {
		audit_end(n, r);
		return;
	}
	for (size_t i = 0; i < au->n_signers; i++) {
		q[i].type = QUERY_CERT;
		memcpy(q[i].hash, answers[0].signers[i], CERT_HASH_LEN);
		memcpy(au->signers[i], q[i].hash, CERT_HASH_LEN);
	}
	if ((r = read_start(n, q, au->n_signers, certs_read, au)) != OK)
		audit_end(n, r);
}

/* Those after the last one that was looked at. */
static void next_signers(struct node *n, struct store_audit *au)
{
	struct query q = { .type = QUERY_SIGNERS, .max = AUDIT_CERTS };
	enum err r;

	if (au->n_signers > 0)
		memcpy(q.hash, au->signers[au->n_signers - 1], CERT_HASH_LEN);
	if ((r = read_start(n, &q, 1, signers_read, au)) != OK)
		audit_end(n, r);
}

/* ---- Kinds ---- */

static enum err find_gone(struct node *n, const struct query_answer *kinds,
			  struct batch *b)
{
	struct change *ch;

	for (size_t i = 0; i < kinds->n_slots; i++) {
		if (kinds_find(&n->overlay->kinds, kinds->slots[i].kind))
			continue;
		if ((ch = batch_add(b, CHANGE_DROP_KIND)) == NULL)
			return ERR_NOMEM;
		ch->slot.kind = kinds->slots[i].kind;
	}
	return OK;
}

static void kinds_read(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers)
{
	struct batch *b = NULL;

	(void)n_answers;
	if (r == OK && (b = batch_new(0)) == NULL)
		r = ERR_NOMEM;
	if (r == OK)
		r = find_gone(n, &answers[0], b);
	if (r != OK) {
		batch_free(b);
		audit_end(n, r);
		return;
	}
	drop_take(n, b);
	next_signers(n, ctx);
}

/* ---- from outside ---- */

void store_audit_start(struct node *n)
{
	struct query q = { .type = QUERY_KINDS };
	struct store *st = &n->store;
	enum err r;

	if (st->audit != NULL) {
		st->audit->again = true;
		return;
	}
	if ((st->audit = calloc(1, sizeof(*st->audit))) == NULL)
		node_failed(n, ERR_NOMEM);
	else if ((r = read_start(n, &q, 1, kinds_read, st->audit)) != OK)
		audit_end(n, r);
}

void store_audit_timer(struct node *n)
{
	struct store_audit *au = n->store.audit;

	if (au->again)
		audit_end(n, OK);
	else
		next_signers(n, au);
}

void store_audit_clear(struct node *n)
{
	if (n->store.audit != NULL)
		heap_cancel(&n->timers, &n->store.audit->pause);
	free(n->store.audit);
	n->store.audit = NULL;
}
