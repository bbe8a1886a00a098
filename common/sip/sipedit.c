/* SPDX-License-Identifier: ISC */
/*
 * Owns: how messages are written that a proxy passes on or makes for a hop: RFC
 * 3261 s9.1, s16.6, s16.7, s17.1.1.3.  Does not own: when.
 */
#include "sip/sipedit.h"

#include "sip/sipfield.h"

static enum err put(struct buf *out, struct slice name, struct slice value)
{
	enum err r;

	if ((r = buf_append_slice(out, name)) == OK &&
	    (r = buf_append_slice(out, SLICE_LIT(": "))) == OK &&
	    (r = buf_append_slice(out, value)) == OK)
		r = buf_append_slice(out, SLICE_LIT("\r\n"));
	return r;
}

static enum err start_line(const struct sipmsg *m, struct slice uri,
			   struct buf *out)
{
	enum err r;

	if (m->method.len == 0)
		return buf_printf(
			out, "SIP/2.0 %u %.*s\r\n", m->status,
			(int)m->reason.len,
			m->reason.len == 0 ? "" : (const char *)m->reason.p);
	if ((r = buf_append_slice(out, m->method)) == OK &&
	    (r = buf_append_u8(out, ' ')) == OK &&
	    (r = buf_append_slice(out, uri.len > 0 ? uri : m->uri)) == OK)
		r = buf_append_slice(out, SLICE_LIT(" SIP/2.0\r\n"));
	return r;
}

enum err sipedit_copy(const struct sipmsg *m, const char *name, struct buf *out)
{
	const struct sipmsg_field *f;
	size_t at = 0;
	enum err r = OK;

	while (r == OK && (f = sipmsg_next(m, name, &at)) != NULL)
		r = put(out, f->name, f->value);
	return r;
}

bool sipedit_top_via(const struct sipmsg *m, struct slice *value)
{
	size_t at = 0;
	const struct sipmsg_field *f = sipmsg_next(m, "Via", &at);
	struct slice rest;

	if (f == NULL)
		return false;
	rest = f->value;
	return sipmsg_item(&rest, value);
}

bool sipedit_route(const struct sipmsg *m, size_t n, struct slice *value)
{
	const struct sipmsg_field *f;
	struct slice rest;
	size_t at = 0;

	while ((f = sipmsg_next(m, "Route", &at)) != NULL) {
		rest = f->value;
		while (sipmsg_item(&rest, value))
			if (n-- == 0)
				return true;
	}
	return false;
}

/* What has been dropped or replaced so far. */
struct progress {
	bool via_seen, hops_seen;
	size_t routes;
};

static enum err via_field(const struct sipmsg_field *f, const struct sipedit *e,
			  struct progress *p, struct buf *out)
{
	struct slice rest = f->value, item;
	enum err r = OK;

	if (p->via_seen)
		return put(out, f->name, f->value);
	p->via_seen = true;
	if (!e->drop_via && e->top_via.len == 0)
		return put(out, f->name, f->value);
	if (sipmsg_item(&rest, &item) && !e->drop_via)
		r = put(out, f->name, e->top_via);
	if (r == OK && rest.len > 0)
		r = put(out, f->name, rest);
	return r;
}

static enum err route_field(const struct sipmsg_field *f,
			    const struct sipedit *e, struct progress *p,
			    struct buf *out)
{
	struct slice rest = f->value, item;

	while (p->routes < e->drop_routes && sipmsg_item(&rest, &item))
		p->routes++;
	return rest.len == 0 ? OK : put(out, f->name, rest);
}

static enum err hops_field(const struct sipmsg_field *f, struct progress *p,
			   struct buf *out)
{
	uint32_t hops = 0;

	p->hops_seen = true;
	if (sipfield_u32(&hops, f->value) != OK || hops == 0)
		return ERR_MALFORMED; /* was to be checked before */
	return buf_printf(out, "Max-Forwards: %u\r\n", (unsigned)hops - 1);
}

/* Credentials for our realm were for us, s16.6 and s22.3. */
static bool is_for(const char *realm, struct slice value)
{
	struct slice name, v;
	struct buf b = BUF_INIT(1024);
	bool ours = false;

	while (sipfield_param(&value, ',', &name, &v)) {
		/* The first has the scheme in front. */
		if (name.len < 5 ||
		    !sipmsg_is_nocase(slice_sub(name, name.len - 5, 5),
				      "realm"))
			continue;
		buf_reset(&b);
		if (sipfield_unquote(&b, v) == OK &&
		    sipmsg_is(buf_slice(&b), realm))
			ours = true;
	}
	buf_clear(&b);
	return ours;
}

static enum err field(const struct sipmsg_field *f, const struct sipedit *e,
		      struct progress *p, struct buf *out)
{
	if (sipmsg_is_nocase(f->name, "Content-Length"))
		return OK;
	if (sipmsg_is_nocase(f->name, "Via"))
		return via_field(f, e, p, out);
	if (sipmsg_is_nocase(f->name, "Route") && e->drop_routes > 0)
		return route_field(f, e, p, out);
	if (sipmsg_is_nocase(f->name, "Max-Forwards") && e->hop)
		return hops_field(f, p, out);
	if (e->realm != NULL &&
	    sipmsg_is_nocase(f->name, "Proxy-Authorization") &&
	    is_for(e->realm, f->value))
		return OK;
	return put(out, f->name, f->value);
}

enum err sipedit_write(const struct sipmsg *m, const struct sipedit *e,
		       struct buf *out)
{
	struct progress p = { 0 };
	enum err r = start_line(m, e->uri, out);

	if (r == OK && e->via.len > 0)
		r = put(out, SLICE_LIT("Via"), e->via);
	if (r == OK)
		r = buf_append_slice(out, e->fields);
	for (size_t i = 0; i < m->n_fields && r == OK; i++)
		r = field(&m->fields[i], e, &p, out);
	if (r == OK && e->hop && !p.hops_seen)
		r = buf_append_slice(out, SLICE_LIT("Max-Forwards: 70\r\n"));
	if (r == OK && (r = buf_printf(out, "Content-Length: %zu\r\n\r\n",
				       m->body.len)) == OK)
		r = buf_append_slice(out, m->body);
	return r;
}

/* A request of another method for the same hop, with the CSeq's number. */
static enum err same_hop(const struct sipmsg *m, const char *method,
			 struct slice to, struct slice fields, struct buf *out)
{
	const struct sipmsg_field *f = sipmsg_only(m, "CSeq", NULL);
	struct sipfield_cseq cseq;
	struct slice via;
	enum err r;

	if (!sipedit_top_via(m, &via) || f == NULL ||
	    sipfield_cseq(&cseq, f->value) != OK)
		return ERR_MALFORMED;
	if ((r = buf_printf(out, "%s %.*s SIP/2.0\r\n", method, (int)m->uri.len,
			    (const char *)m->uri.p)) != OK ||
	    (r = put(out, SLICE_LIT("Via"), via)) != OK ||
	    (r = put(out, SLICE_LIT("From"),
		     sipmsg_only(m, "From", NULL)->value)) != OK ||
	    (r = put(out, SLICE_LIT("To"), to)) != OK ||
	    (r = put(out, SLICE_LIT("Call-ID"),
		     sipmsg_only(m, "Call-ID", NULL)->value)) != OK ||
	    (r = buf_printf(out, "CSeq: %u %s\r\nMax-Forwards: 70\r\n",
			    (unsigned)cseq.number, method)) != OK)
		return r;
	if ((r = sipedit_copy(m, "Route", out)) == OK &&
	    (r = buf_append_slice(out, fields)) == OK)
		r = buf_append_slice(out,
				     SLICE_LIT("Content-Length: 0\r\n\r\n"));
	return r;
}

enum err sipedit_ack(const struct sipmsg *request,
		     const struct sipmsg *response, struct buf *out)
{
	const struct sipmsg_field *to = sipmsg_only(response, "To", NULL);

	return to == NULL ? ERR_MALFORMED
			  : same_hop(request, "ACK", to->value,
				     slice_of(NULL, 0), out);
}

enum err sipedit_cancel(const struct sipmsg *request, struct slice fields,
			struct buf *out)
{
	return same_hop(request, "CANCEL",
			sipmsg_only(request, "To", NULL)->value, fields, out);
}
