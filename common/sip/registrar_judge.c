/* SPDX-License-Identifier: ISC */
/* Owns: what is wrong with a REGISTER: RFC 3261 s10.3 steps 1 to 6, RFC 3327
 * s5.3, RFC 5626 s6.  Does not own: what it does (registrar.c). */
#include "sip/registrar_private.h"

#include "sip/sipreply.h"

/* Path goes back to the phone, RFC 3327 s5.3; and it hears that flows count,
 * RFC 5626 s6. */
static enum err answer_fields(const struct sipmsg *m,
			      const struct binding_change *c, struct buf *out)
{
	const struct sipmsg_field *f;
	size_t at = 0, i = 0;
	enum err e = OK;

	while (i < c->n && c->v[i]->reg_id == 0)
		i++;
	if (i < c->n)
		e = buf_append_slice(out, SLICE_LIT("Require: outbound\r\n"));
	while (e == OK && (f = sipmsg_next(m, "Path", &at)) != NULL)
		if ((e = buf_append_slice(out, SLICE_LIT("Path: "))) == OK &&
		    (e = buf_append_slice(out, f->value)) == OK)
			e = buf_append_slice(out, SLICE_LIT("\r\n"));
	return e;
}

static size_t count(const struct sipmsg *m, const char *name)
{
	const struct sipmsg_field *f;
	struct slice rest, item;
	size_t at = 0, n = 0;

	while ((f = sipmsg_next(m, name, &at)) != NULL)
		for (rest = f->value; sipmsg_item(&rest, &item);)
			n++;
	return n;
}

/* Does a proxy on the way keep the phone's flow? */
static bool edge_has_outbound(const struct sipmsg *m)
{
	const struct sipmsg_field *f;
	struct slice rest, item, v;
	struct sipfield_addr a;
	struct sipfield_uri u;
	size_t at = 0;

	while ((f = sipmsg_next(m, "Path", &at)) != NULL)
		for (rest = f->value; sipmsg_item(&rest, &item);)
			if (sipfield_addr(&a, item) == OK &&
			    sipfield_uri(&u, a.uri) == OK &&
			    sipfield_find(u.params, "ob", &v))
				return true;
	return false;
}

/* Flows count, but that which the phone has is not to us: RFC 5626 s6. */
static bool lacks_outbound(const struct sipmsg *m,
			   const struct binding_change *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->v[i]->reg_id != 0 && c->expires_s[i] != 0)
			return count(m, "Via") > 1 && !edge_has_outbound(m);
	return false;
}

enum err registrar_judge(struct registrar *r, const struct sipmsg *m,
			 const struct flow *flow, uint64_t now_us,
			 struct registrar_verdict *v)
{
	static const char *const known[] = { "path", "outbound", NULL };
	struct sipfield_addr to;
	struct sipfield_uri uri;
	unsigned status = 0;
	enum err e;

	*v = (struct registrar_verdict){ .fields = BUF_INIT(SIPMSG_MAX) };
	if ((e = sipfield_addr(&to, sipmsg_only(m, "To", NULL)->value)) != OK ||
	    (e = sipfield_uri(&uri, to.uri)) != OK || !uri.sip) {
		v->status = 400;
		return OK;
	}
	v->user = registrar_find(r, &uri);
	if ((e = sipreply_require(m, known, &v->status, &v->fields)) != OK ||
	    v->status != 0 ||
	    (e = registrar_authenticate(r, v->user, m, false, now_us,
					&v->status, &v->fields)) != OK ||
	    v->status != 0)
		goto out;
	e = binding_change_read(&v->change, m, flow, &r->cfg.bounds, &status);
	if (e == OK && status == 0 && lacks_outbound(m, &v->change))
		status = 439;
	v->status = status;
	if (e == OK && status == 423)
		e = buf_printf(&v->fields, "Min-Expires: %u\r\n",
			       (unsigned)r->cfg.bounds.least_s);
	else if (e == OK && status == 0)
		e = answer_fields(m, &v->change, &v->fields);
out:
	if (e != OK)
		registrar_verdict_clear(v);
	return e;
}
