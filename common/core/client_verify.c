/* SPDX-License-Identifier: ISC */
/*
 * Believing what a Fetch brings: signatures and access policies of values,
 * judged by the reader.  RFC 6940 s7.4.2.2, RFC 7904 s4.2.
 */
#include "core/client_verify.h"

#include "core/access.h"
#include "core/state.h"

/* A value that is not there and says so, RFC 6940 s7.4.2.2. */
static bool is_synthetic(const struct stored_data *d)
{
	return signature_is_none(&d->signature) && !d->value.exists &&
	       d->value.value.len == 0;
}

/*
 * Is it signed by somebody who may write it there?  A signature alone says only
 * that someone in this overlay made it.  RFC 6940 s7.4.2.2, RFC 7904 s4.2.
 */
static enum err verify_value(struct node *n, const struct node_id *resource,
			     const struct kind *k, const struct stored_data *d,
			     struct value_signer *out)
{
	struct node_id node_id;
	struct cert *cert;
	char *user;
	enum err r;

	if (is_synthetic(d)) {
		*out = (struct value_signer){ .user = "" };
		return OK;
	}
	r = certs_verify_value(n, id_slice(resource, RING_ID_LEN), k->id, d,
			       &cert, &node_id);
	if (r == OK)
		r = access_check(n, k, resource, &d->value,
				 (struct access_signer){ cert, &node_id },
				 NULL);
	if (r != OK)
		return r;
	if (!seen_value(n, resource, k, d)) {
		node_trace(n, "rollback at %s", id_short(resource).s);
		log_line(n->cfg.log, LOG_ERROR,
			 "a value of %s is older than the one that was there "
			 "before: a storing peer has rolled it back",
			 cert->user[0] != '\0' ? cert->user
					       : id_short(&node_id).s);
	}
	user = arena_str(&n->arena, slice_str(cert->user));
	if (user == NULL)
		return ERR_NOMEM;
	*out = (struct value_signer){ user, node_id };
	return OK;
}

/* ---- what was asked for ---- */

struct question {
	const struct stored_data_specifier *v;
	size_t n; /* 0: whatever comes */
};

/* The specifier that a part of the answer is for, NULL: nobody asked for it, or
 * it has come already. */
static const struct stored_data_specifier *specifier_of(
	const struct question *q, const struct fetch_ans *ans, uint32_t at)
{
	uint32_t kind = ans->kind_responses.v[at].kind;

	for (uint32_t i = 0; i < at; i++)
		if (ans->kind_responses.v[i].kind == kind)
			return NULL;
	for (size_t i = 0; i < q->n; i++)
		if (q->v[i].kind == kind)
			return &q->v[i];
	return NULL;
}

/* Values that are somebody's and good, and yet not what was asked for, would be
 * taken for it.  `s` NULL: all are. */
static bool is_asked(const struct stored_data_specifier *s,
		     enum data_model model, const struct stored_value *v)
{
	bool all = s == NULL || model == MODEL_SINGLE ||
		   (model == MODEL_ARRAY && s->indices.n == 0) ||
		   (model == MODEL_DICTIONARY && s->keys.n == 0);

	for (uint32_t i = 0; !all && i < s->indices.n; i++)
		all = s->indices.v[i].first == ARRAY_END ||
		      (s->indices.v[i].first <= v->index &&
		       v->index <= s->indices.v[i].last);
	for (uint32_t i = 0; !all && i < s->keys.n; i++)
		all = slice_eq(s->keys.v[i], v->key);
	return all;
}

/* ---- the answer ---- */

/* Leaves in `kr` the values that verify. */
static enum err verify_kind(struct node *n, const struct node_id *resource,
			    const struct stored_data_specifier *s,
			    struct fetch_kind_response *kr,
			    const struct value_signer **signers, bool *partial)
{
	const struct kind *k = kinds_find(&n->overlay->kinds, kr->kind);
	struct value_signer *v = arena_zalloc(&n->arena, kr->values.n,
					      sizeof(*v));
	uint32_t kept = 0;
	enum err r;

	if (v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < kr->values.n; i++) {
		r = k == NULL ? ERR_UNKNOWN_KIND
		    : (k->model == MODEL_SINGLE && kept > 0) ||
				    !is_asked(s, k->model,
					      &kr->values.v[i].value)
			    ? ERR_NOT_FOUND
			    : verify_value(n, resource, k, &kr->values.v[i],
					   &v[kept]);
		if (r == ERR_NOMEM)
			return r;
		if (r != OK) {
			node_trace(n, "discard a value: %s", err_name(r));
			*partial = true;
			continue;
		}
		kr->values.v[kept++] = kr->values.v[i];
	}
	kr->values.n = kept;
	*signers = v;
	return OK;
}

enum err client_verify_fetch(struct node *n, const struct node_id *resource,
			     const struct stored_data_specifier *asked,
			     size_t n_asked, struct slice body,
			     struct fetch_ans *ans, struct result *res)
{
	const struct question q = { asked, n_asked };
	const struct stored_data_specifier *s = NULL;
	const struct value_signer **signers;
	struct fetch_kind_response *kr;
	enum err r = fetch_ans_decode(ans, body, &n->arena, &n->env);

	if (r != OK)
		return r;
	signers = arena_zalloc(&n->arena, ans->kind_responses.n,
			       sizeof(*signers));
	if (signers == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < ans->kind_responses.n && r == OK; i++) {
		kr = &ans->kind_responses.v[i];
		if (n_asked > 0 && (s = specifier_of(&q, ans, i)) == NULL) {
			node_trace(n, "discard kind 0x%x: not asked for",
				   (unsigned)kr->kind);
			res->partial = true;
			kr->values.n = 0;
		}
		r = verify_kind(n, resource, s, kr, &signers[i], &res->partial);
	}
	res->signers = signers;
	return r;
}
