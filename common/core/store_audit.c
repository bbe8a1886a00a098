/* SPDX-License-Identifier: ISC */
/*
 * A document was replaced: Kinds that are gone go with their values, and so do
 * all values whose signer is not good any more (a bad node, another root), at
 * once.  The certificates are looked at some at a time.  RFC 6940 s11.1
 * (bad-node), s7.1.
 */
#include "core/store_audit.h"

#include <assert.h>
#include <stdlib.h>

#include "core/state.h"

enum { AUDIT_CERTS = 32 /* looked at in one step */ };

struct store_audit {
	uint8_t (*signers)[CERT_HASH_LEN];
	size_t n_signers, next, asked;
	struct batch *drops;
};

static void audit_free(struct store_audit *au)
{
	if (au == NULL)
		return;
	free(au->signers);
	batch_free(au->drops);
	free(au);
}

/* Hands over what was found, and starts again where the document was replaced.
 */
static void audit_end(struct node *n, enum err r)
{
	struct store_audit *au = n->store.audit;
	bool again = n->store.audit_again;
	struct batch *b = au->drops;

	au->drops = NULL;
	n->store.audit = NULL;
	n->store.audit_again = false;
	audit_free(au);
	if (r != OK)
		log_line(n->cfg.log, LOG_WARN,
			 "stored values were not checked against the new "
			 "document: %s",
			 err_text(r));
	if (b->n == 0)
		batch_free(b);
	else
		node_failed(n, read_commit_take(n, b, NULL, NULL));
	if (again)
		store_audit_start(n);
}

static void certs_read(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers);

/* Asks for the next certificates. */
static void audit_go(struct node *n, struct store_audit *au)
{
	struct query q[AUDIT_CERTS] = { 0 };
	size_t left = au->n_signers - au->next;
	enum err r;

	au->asked = left < AUDIT_CERTS ? left : AUDIT_CERTS;
	if (au->asked == 0) {
		audit_end(n, OK);
		return;
	}
	for (size_t i = 0; i < au->asked; i++) {
		q[i].type = QUERY_CERT;
		memcpy(q[i].hash, au->signers[au->next + i], CERT_HASH_LEN);
	}
	r = read_start(n, q, au->asked, certs_read, au);
	if (r != OK)
		audit_end(n, r);
}

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

static void certs_read(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers)
{
	struct store_audit *au = ctx;
	struct change *ch;

	for (size_t i = 0; i < n_answers && r == OK; i++) {
		if (!is_bad(n, certs_add(n, answers[i].der)))
			continue;
		ch = batch_add(au->drops, CHANGE_DROP_SIGNER);
		if (ch == NULL)
			r = ERR_NOMEM;
		else
			memcpy(ch->record.signer, au->signers[au->next + i],
			       CERT_HASH_LEN);
	}
	if (r != OK) {
		audit_end(n, r);
		return;
	}
	au->next += au->asked;
	audit_go(n, au);
}

static enum err drop_kinds(struct node *n, struct store_audit *au,
			   const struct query_answer *kinds)
{
	struct change *ch;

	for (size_t i = 0; i < kinds->n_slots; i++) {
		if (kinds_find(&n->overlay->kinds, kinds->slots[i].kind))
			continue;
		ch = batch_add(au->drops, CHANGE_DROP_KIND);
		if (ch == NULL)
			return ERR_NOMEM;
		ch->slot.kind = kinds->slots[i].kind;
	}
	return OK;
}

static void all_read(struct node *n, void *ctx, enum err r,
		     const struct query_answer *answers, size_t n_answers)
{
	struct store_audit *au = ctx;

	assert(r != OK || n_answers == 2);
	if (r == OK)
		r = drop_kinds(n, au, &answers[0]);
	if (r == OK && answers[1].n_signers > 0) {
		au->n_signers = answers[1].n_signers;
		au->signers = calloc(au->n_signers, CERT_HASH_LEN);
		if (au->signers == NULL)
			r = ERR_NOMEM;
		else
			memcpy(au->signers, answers[1].signers,
			       au->n_signers * CERT_HASH_LEN);
	}
	if (r != OK)
		audit_end(n, r);
	else
		audit_go(n, au);
}

void store_audit_start(struct node *n)
{
	struct query q[2] = { { .type = QUERY_KINDS },
			      { .type = QUERY_SIGNERS } };
	struct store_audit *au;
	enum err r;

	if (n->store.audit != NULL) {
		n->store.audit_again = true;
		return;
	}
	au = calloc(1, sizeof(*au));
	if (au == NULL || (au->drops = batch_new(0)) == NULL) {
		free(au);
		node_failed(n, ERR_NOMEM);
		return;
	}
	n->store.audit = au;
	r = read_start(n, q, 2, all_read, au);
	if (r != OK)
		audit_end(n, r);
}

void store_audit_clear(struct node *n)
{
	audit_free(n->store.audit);
	n->store.audit = NULL;
}
