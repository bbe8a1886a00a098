/* SPDX-License-Identifier: ISC */
/*
 * Owns: which requests have come before, and their answers: RFC 3261 s17.2.2,
 * s17.2.3.  Does not own: the answers' words, sending.
 */
#include "sip/transaction.h"

#include <stdlib.h>

#include "core/table.h"
#include "sip/sipreply.h"

struct transaction {
	struct timer timer; /* J */
	uint64_t id;
	struct flow to;
	struct buf text; /* the head of the answer, then the answer */
	bool answered;
	UT_hash_handle by_key, by_id;
	size_t key_len;
	uint8_t key[];
};

struct transaction_table {
	struct transaction *by_key, *by_id;
	struct heap timers;
	uint64_t last_id;
	size_t n;
};

enum err transaction_table_new(struct transaction_table **out)
{
	*out = calloc(1, sizeof(**out));
	return *out == NULL ? ERR_NOMEM : OK;
}

static void drop(struct transaction_table *table, struct transaction *t)
{
	HASH_DELETE(by_key, table->by_key, t);
	HASH_DELETE(by_id, table->by_id, t);
	heap_cancel(&table->timers, &t->timer);
	table->n--;
	buf_clear(&t->text);
	free(t);
}

void transaction_table_free(struct transaction_table *t)
{
	if (t == NULL)
		return;
	while (t->by_key != NULL)
		drop(t, t->by_key);
	heap_clear(&t->timers);
	free(t);
}

size_t transaction_count(const struct transaction_table *t)
{
	return t->n;
}

/* As RFC 2543 had it, what tells requests apart, and is the same in an ACK and
 * in a CANCEL: not their To, which may have a tag, nor the CSeq's method. */
static enum err old_key(const struct sipmsg *m, struct slice via,
			struct buf *out)
{
	static const char *const rest_of[] = { "From", "Call-ID" };
	const struct sipmsg_field *f;
	struct sipfield_cseq cseq;
	enum err r;

	if ((r = buf_append_slice(out, m->uri)) != OK ||
	    (r = buf_append_u8(out, '\n')) != OK ||
	    (r = buf_append_slice(out, via)) != OK)
		return r;
	for (size_t i = 0; i < sizeof(rest_of) / sizeof(rest_of[0]); i++) {
		f = sipmsg_only(m, rest_of[i], NULL);
		if ((r = buf_append_u8(out, '\n')) != OK ||
		    (f != NULL && (r = buf_append_slice(out, f->value)) != OK))
			return r;
	}
	f = sipmsg_only(m, "CSeq", NULL);
	if (f == NULL || sipfield_cseq(&cseq, f->value) != OK)
		return OK;
	return buf_append_uint(out, cseq.number, 4);
}

/* The branch when it begins with the magic cookie, and who made it; s17.2.3. */
enum err transaction_key(const struct sipmsg *m, struct slice method,
			 struct buf *out)
{
	const struct sipmsg_field *f;
	struct slice rest, item, branch;
	struct sipfield_via via;
	size_t at = 0;
	enum err r;

	f = sipmsg_next(m, "Via", &at);
	rest = f->value;
	if (!sipmsg_item(&rest, &item) || sipfield_via(&via, item) != OK)
		return ERR_MALFORMED;
	if ((r = buf_append_slice(out, method)) != OK)
		return r;
	if (sipfield_find(via.params, "branch", &branch) && branch.len > 7 &&
	    sipmsg_is_nocase(slice_sub(branch, 0, 7), "z9hG4bK")) {
		if ((r = buf_append_u8(out, ' ')) == OK &&
		    (r = buf_append_slice(out, branch)) == OK &&
		    (r = buf_append_u8(out, ' ')) == OK &&
		    (r = buf_append_slice(out, via.host)) == OK)
			r = buf_append_uint(out, via.port, 2);
		return r;
	}
	return old_key(m, item, out);
}

struct transaction *transaction_find(struct transaction_table *t,
				     struct slice key)
{
	struct transaction *found;

	HASH_FIND(by_key, t->by_key, key.p, key.len, found);
	return found;
}

struct transaction *transaction_by_id(struct transaction_table *t, uint64_t id)
{
	struct transaction *found;

	HASH_FIND(by_id, t->by_id, &id, sizeof(id), found);
	return found;
}

enum err transaction_begin(struct transaction_table *t, struct slice key,
			   struct slice head, const struct flow *to,
			   struct transaction **out)
{
	struct transaction *x;

	if (t->n == TRANSACTION_MAX)
		return ERR_FULL;
	if ((x = calloc(1, sizeof(*x) + key.len)) == NULL)
		return ERR_NOMEM;
	x->id = ++t->last_id;
	x->to = *to;
	x->text.max = 2 * SIPMSG_MAX;
	x->key_len = key.len;
	memcpy(x->key, key.p, key.len);
	if (buf_append_slice(&x->text, head) != OK)
		goto fail;
	HASH_ADD_KEYPTR(by_key, t->by_key, x->key, x->key_len, x);
	if (x->by_key.tbl == NULL)
		goto fail;
	HASH_ADD(by_id, t->by_id, id, sizeof(x->id), x);
	if (x->by_id.tbl == NULL) {
		HASH_DELETE(by_key, t->by_key, x);
		goto fail;
	}
	t->n++;
	*out = x;
	return OK;
fail:
	buf_clear(&x->text);
	free(x);
	return ERR_NOMEM;
}

uint64_t transaction_id(const struct transaction *t)
{
	return t->id;
}

const struct flow *transaction_flow(const struct transaction *t)
{
	return &t->to;
}

struct slice transaction_answered(const struct transaction *t)
{
	return t->answered ? buf_slice(&t->text) : slice_of(NULL, 0);
}

enum err transaction_answer(struct transaction_table *table,
			    struct transaction *t, unsigned status,
			    struct slice fields, uint64_t now_us)
{
	struct buf answer = BUF_INIT(2 * SIPMSG_MAX);
	/* A connection does not lose what it carries: nothing comes again. */
	uint64_t j_us = flow_is_reliable(&t->to)
				? 0
				: UINT64_C(1000) * TRANSACTION_J_MS;
	enum err r;

	r = sipreply_make(status, NULL, buf_slice(&t->text), fields, &answer);
	if (r == OK)
		r = heap_set(&table->timers, &t->timer, now_us + j_us);
	if (r != OK) {
		buf_clear(&answer);
		return r;
	}
	buf_clear(&t->text);
	t->text = answer;
	t->answered = true;
	return OK;
}

uint64_t transaction_deadline(const struct transaction_table *t)
{
	return heap_next(&t->timers);
}

void transaction_expire(struct transaction_table *t, uint64_t now_us)
{
	struct timer *timer;

	while ((timer = heap_pop(&t->timers, now_us)) != NULL)
		drop(t, container_of(timer, struct transaction, timer));
}
