/* SPDX-License-Identifier: ISC */
/*
 * Owns: contacts, their order, their times, which one a new one replaces: RFC
 * 3261 s10.3, RFC 5626 s6, RFC 3327.  Does not own: whose they are, the
 * overlay.
 */
#include "sip/binding.h"

#include <stdlib.h>

#include "base/heap.h"

void binding_free(struct binding *b)
{
	if (b == NULL || --b->refs > 0)
		return;
	free(b->contact);
	free(b->uri);
	free(b->path);
	free(b->call_id);
	free(b->instance);
	free(b);
}

void bindings_clear(struct bindings *b)
{
	for (size_t i = 0; i < b->n; i++)
		binding_free(b->v[i]);
	b->n = 0;
}

void binding_change_clear(struct binding_change *c)
{
	for (size_t i = 0; i < c->n; i++)
		binding_free(c->v[i]);
	free(c->call_id);
	*c = (struct binding_change){ 0 };
}

/* ---- reading a REGISTER ---- */

static char *text_of(struct slice s)
{
	return strndup(s.len == 0 ? "" : (const char *)s.p, s.len);
}

/* Legal in quotes, but not in a C string. */
static bool has_nul(struct slice s)
{
	return s.len > 0 && memchr(s.p, '\0', s.len) != NULL;
}

/* The field's text without its "expires", which each answer has anew. */
static enum err contact_text(struct slice item, struct slice params, char **out)
{
	struct buf b = BUF_INIT(2 * BINDING_TEXT_MAX);
	struct slice name, value;
	enum err r;

	r = buf_append(&b, item.p, item.len - params.len);
	while (r == OK && sipfield_param(&params, ';', &name, &value)) {
		if (sipmsg_is_nocase(name, "expires"))
			continue;
		if ((r = buf_append_u8(&b, ';')) == OK &&
		    (r = buf_append_slice(&b, name)) == OK && value.p != NULL &&
		    (r = buf_append_u8(&b, '=')) == OK)
			r = buf_append_slice(&b, value);
	}
	if (r == OK)
		*out = text_of(buf_slice(&b));
	buf_clear(&b);
	return r == OK && *out == NULL ? ERR_NOMEM : r;
}

/* qvalue, RFC 3261 s25.1, in thousandths; false when it is none. */
static bool q_value(struct slice s, uint16_t *out)
{
	unsigned scale = 1000, v = 0;

	if (s.len == 0 || s.len > 5 || (s.p[0] != '0' && s.p[0] != '1') ||
	    (s.len > 1 && s.p[1] != '.'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (i == 1)
			continue;
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		v += (s.p[i] - '0') * scale;
		scale /= 10;
	}
	*out = (uint16_t)v;
	return v <= 1000;
}

/* Seconds; what cannot be read counts as the default, s10.2.1.1. */
static uint32_t seconds(struct slice s)
{
	uint32_t v = 0;
	enum err r = sipfield_u32(&v, s);

	return r == OK          ? v
	       : r == ERR_RANGE ? UINT32_MAX
				: BINDING_EXPIRES_DEFAULT;
}

static enum err path_text(const struct sipmsg *m, char **out)
{
	struct buf b = BUF_INIT(BINDING_TEXT_MAX);
	const struct sipmsg_field *f;
	size_t at = 0;
	enum err r = OK;

	while (r == OK && (f = sipmsg_next(m, "Path", &at)) != NULL) {
		if (b.len > 0)
			r = buf_append_slice(&b, SLICE_LIT(", "));
		if (r == OK)
			r = has_nul(f->value) ? ERR_MALFORMED
					      : buf_append_slice(&b, f->value);
	}
	if (r == OK)
		*out = text_of(buf_slice(&b));
	buf_clear(&b);
	return r == OK && *out == NULL ? ERR_NOMEM : r;
}

/* +sip.instance and reg-id, RFC 5626 s4.1; a reg-id counts only where the phone
 * says that it supports outbound, s6. */
static enum err outbound(struct binding *b, const struct sipmsg *m,
			 struct slice params)
{
	struct slice v;

	if (!sipfield_find(params, "+sip.instance", &v))
		v = slice_of(NULL, 0);
	if ((b->instance = text_of(v)) == NULL)
		return ERR_NOMEM;
	if (v.len > 0 && sipmsg_lists(m, "Supported", "outbound") &&
	    sipfield_find(params, "reg-id", &v) &&
	    sipfield_u32(&b->reg_id, v) != OK)
		return ERR_MALFORMED;
	return OK;
}

static enum err new_binding(struct binding **out,
			    const struct binding_change *c,
			    const struct sipmsg *m, const struct flow *flow,
			    struct slice item, const struct sipfield_addr *addr)
{
	struct binding *b = calloc(1, sizeof(*b));
	struct slice q;
	enum err r;

	if (b == NULL)
		return ERR_NOMEM;
	b->refs = 1;
	b->q = 1000;
	b->flow = *flow;
	b->flow.peer.unknown = slice_of(NULL, 0);
	b->cseq = c->cseq;
	b->call_id = strdup(c->call_id);
	b->uri = text_of(addr->uri);
	r = b->uri == NULL || b->call_id == NULL ? ERR_NOMEM : OK;
	if (r == OK && sipfield_find(addr->params, "q", &q) &&
	    !q_value(q, &b->q))
		r = ERR_MALFORMED;
	if (r == OK &&
	    (r = contact_text(item, addr->params, &b->contact)) == OK &&
	    (r = path_text(m, &b->path)) == OK)
		r = outbound(b, m, addr->params);
	if (r == OK)
		*out = b;
	else
		binding_free(b);
	return r;
}

/* One contact and how long it is to last. */
static enum err add(struct binding_change *c, const struct sipmsg *m,
		    const struct flow *flow, struct slice item,
		    const struct binding_bounds *bounds, unsigned *status)
{
	const struct sipmsg_field *f = sipmsg_only(m, "Expires", NULL);
	uint32_t s = BINDING_EXPIRES_DEFAULT;
	struct sipfield_addr addr;
	struct slice value;
	enum err r;

	*status = 400;
	if (item.len > BINDING_TEXT_MAX || has_nul(item) ||
	    sipfield_addr(&addr, item) != OK)
		return OK;
	if (sipfield_find(addr.params, "expires", &value))
		s = seconds(value);
	else if (f != NULL)
		s = seconds(f->value);
	if (s > bounds->most_s)
		s = bounds->most_s;
	/* Only what is shorter than an hour may be refused, s10.3. */
	if (s > 0 && s < bounds->least_s && s < 3600) {
		*status = 423;
		return OK;
	}
	if (c->n == BINDING_MAX) {
		*status = 403;
		return OK;
	}
	r = new_binding(&c->v[c->n], c, m, flow, item, &addr);
	if (r == ERR_NOMEM)
		return r;
	if (r == OK) {
		c->expires_s[c->n++] = s;
		*status = 0;
	}
	return OK;
}

/* "*" stands alone and takes all away, s10.3 step 6. */
static bool all_allowed(const struct sipmsg *m, size_t n_items)
{
	const struct sipmsg_field *f = sipmsg_only(m, "Expires", NULL);
	uint32_t s;

	return n_items == 1 && f != NULL && sipfield_u32(&s, f->value) == OK &&
	       s == 0;
}

static size_t count_items(const struct sipmsg *m)
{
	const struct sipmsg_field *f;
	struct slice rest, item;
	size_t at = 0, n = 0;

	while ((f = sipmsg_next(m, "Contact", &at)) != NULL)
		for (rest = f->value; sipmsg_item(&rest, &item);)
			n++;
	return n;
}

enum err binding_change_read(struct binding_change *c, const struct sipmsg *m,
			     const struct flow *flow,
			     const struct binding_bounds *bounds,
			     unsigned *status)
{
	const struct sipmsg_field *f = sipmsg_only(m, "Call-ID", NULL);
	size_t at = 0, n = count_items(m);
	struct sipfield_cseq cseq;
	struct slice rest, item;
	enum err r = OK;

	*c = (struct binding_change){ 0 };
	*status = 0;
	if ((c->call_id = text_of(f->value)) == NULL)
		return ERR_NOMEM;
	f = sipmsg_only(m, "CSeq", NULL);
	if (sipfield_cseq(&cseq, f->value) != OK)
		*status = 400;
	else
		c->cseq = cseq.number;
	while (r == OK && *status == 0 &&
	       (f = sipmsg_next(m, "Contact", &at)) != NULL) {
		rest = f->value;
		while (r == OK && *status == 0 && sipmsg_item(&rest, &item)) {
			if (!sipmsg_is(item, "*"))
				r = add(c, m, flow, item, bounds, status);
			else if (all_allowed(m, n))
				c->all = true;
			else
				*status = 400;
		}
	}
	if (r != OK || *status != 0)
		binding_change_clear(c);
	return r;
}

/* ---- applying it ---- */

static bool same(const struct binding *a, const struct binding *b)
{
	struct sipfield_uri x, y;

	/* A phone that was started again comes from elsewhere, and is still
	 * that phone: RFC 5626 s6. */
	if (a->instance[0] != '\0' && strcmp(a->instance, b->instance) == 0)
		return a->reg_id == b->reg_id;
	if (sipfield_uri(&x, slice_str(a->uri)) != OK ||
	    sipfield_uri(&y, slice_str(b->uri)) != OK)
		return false;
	return x.sip && y.sip ? sipfield_uri_eq(&x, &y)
			      : strcmp(a->uri, b->uri) == 0;
}

/* Set by a request of this Call-ID that came later?  s10.3 step 7. */
static bool later(const struct binding *b, const struct binding_change *c)
{
	return strcmp(b->call_id, c->call_id) == 0 && b->cseq >= c->cseq;
}

static bool in_change(const struct binding_change *c, const struct binding *b)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i] == b)
			return true;
	return false;
}

static void take_out(struct bindings *b, size_t at)
{
	binding_free(b->v[at]);
	b->n--;
	memmove(&b->v[at], &b->v[at + 1], (b->n - at) * sizeof(b->v[0]));
}

/* In its place: behind the better ones and those as good but newer. */
static void insert(struct bindings *b, struct binding *new)
{
	size_t at = 0;

	while (at < b->n &&
	       (b->v[at]->q > new->q ||
		(b->v[at]->q == new->q && b->v[at]->since_us > new->since_us)))
		at++;
	memmove(&b->v[at + 1], &b->v[at], (b->n - at) * sizeof(b->v[0]));
	b->v[at] = new;
	b->n++;
}

static enum err apply_one(struct bindings *b, struct binding_change *c,
			  size_t which, uint64_t now_us)
{
	struct binding *new = c->v[which];

	for (size_t i = b->n; i-- > 0;) {
		if (!same(b->v[i], new))
			continue;
		/* A contact that is listed twice is no late one. */
		if (!in_change(c, b->v[i]) && later(b->v[i], c))
			return ERR_DATA_TOO_OLD;
		take_out(b, i);
	}
	if (c->expires_s[which] == 0)
		return OK;
	if (b->n == BINDING_MAX)
		return ERR_FULL;
	new->since_us = now_us;
	new->expires_us = now_us + (uint64_t)c->expires_s[which] * 1000000;
	new->refs++;
	insert(b, new);
	return OK;
}

enum err bindings_apply(const struct bindings *old, struct binding_change *c,
			uint64_t now_us, struct bindings *out)
{
	enum err r = OK;

	for (size_t i = 0; i < old->n; i++) {
		old->v[i]->refs++;
		out->v[out->n++] = old->v[i];
	}
	(void)bindings_drop(out, now_us, 0); /* whether any is all the same */
	for (size_t i = 0; c->all && i < out->n && r == OK; i++)
		if (later(out->v[i], c))
			r = ERR_DATA_TOO_OLD;
	if (c->all && r == OK)
		bindings_clear(out);
	for (size_t i = 0; i < c->n && r == OK; i++)
		r = apply_one(out, c, i, now_us);
	if (r != OK)
		bindings_clear(out);
	return r;
}

/* ---- time ---- */

bool bindings_drop(struct bindings *b, uint64_t now_us, uint32_t conn)
{
	size_t before = b->n;

	for (size_t i = b->n; i-- > 0;)
		if (b->v[i]->expires_us <= now_us ||
		    (conn != 0 && b->v[i]->flow.conn == conn))
			take_out(b, i);
	return b->n != before;
}

uint64_t bindings_first_end(const struct bindings *b)
{
	uint64_t at_us = NEVER;

	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->expires_us < at_us)
			at_us = b->v[i]->expires_us;
	return at_us;
}

uint64_t bindings_last_end(const struct bindings *b)
{
	uint64_t at_us = 0;

	for (size_t i = 0; i < b->n; i++)
		if (b->v[i]->expires_us > at_us)
			at_us = b->v[i]->expires_us;
	return at_us;
}

enum err bindings_format(const struct bindings *b, uint64_t now_us,
			 struct buf *out)
{
	enum err r = OK;

	for (size_t i = 0; i < b->n && r == OK; i++) {
		uint64_t left_us = b->v[i]->expires_us - now_us;

		if (b->v[i]->expires_us <= now_us)
			continue;
		r = buf_printf(out, "Contact: %s;expires=%u\r\n",
			       b->v[i]->contact,
			       (unsigned)((left_us + 999999) / 1000000));
	}
	return r;
}
