/* SPDX-License-Identifier: ISC */
/*
 * Owns: what an answer repeats of its request, and where it goes: RFC 3261
 * s8.2.6, s18.2.1, s18.2.2, RFC 3581.  Does not own: what it says.
 */
#include "sip/sipreply.h"

#include "conf/address.h"

bool sipreply_possible(const struct sipmsg *m)
{
	static const char *const once[] = { "From", "To", "Call-ID", "CSeq" };
	struct sipfield_via via;
	struct slice rest, item;
	size_t at = 0;
	const struct sipmsg_field *f = sipmsg_next(m, "Via", &at);

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		if (sipmsg_only(m, once[i], NULL) == NULL)
			return false;
	if (f == NULL)
		return false;
	rest = f->value;
	return sipmsg_item(&rest, &item) && sipfield_via(&via, item) == OK;
}

unsigned sipreply_check(const struct sipmsg *m, const char **words)
{
	const struct sipmsg_field *f = sipmsg_only(m, "CSeq", NULL);
	struct sipfield_cseq cseq;
	struct sipfield_addr addr;
	struct sipfield_uri uri;
	uint32_t hops;
	size_t n;

	*words = NULL;
	if (!sipmsg_is_nocase(m->version, "SIP/2.0"))
		return 505;
	if (sipfield_cseq(&cseq, f->value) != OK)
		*words = "Bad CSeq";
	else if (!slice_eq(cseq.method, m->method))
		*words = "CSeq Is Of Another Method";
	else if (sipfield_uri(&uri, m->uri) != OK)
		*words = "Bad Request-URI";
	else if (sipfield_addr(&addr, sipmsg_only(m, "From", NULL)->value) !=
		 OK)
		*words = "Bad From";
	else if (sipfield_addr(&addr, sipmsg_only(m, "To", NULL)->value) != OK)
		*words = "Bad To";
	else if (sipmsg_only(m, "Call-ID", NULL)->value.len == 0)
		*words = "Bad Call-ID";
	f = sipmsg_only(m, "Max-Forwards", &n);
	if (*words == NULL && n > 0 &&
	    (f == NULL || sipfield_u32(&hops, f->value) != OK || hops > 255))
		*words = "Bad Max-Forwards";
	return *words == NULL ? 0 : 400;
}

static bool has_rport(const struct sipfield_via *v)
{
	struct slice port;

	return sipfield_find(v->params, "rport", &port);
}

enum err sipreply_via(struct slice item, const struct flow *from,
		      struct buf *out)
{
	char text[ADDRESS_TEXT_MAX];
	struct slice params, name, value;
	struct sipfield_via via;
	enum err r;

	if ((r = sipfield_via(&via, item)) != OK)
		return r;
	params = via.params;
	r = buf_append(out, item.p, item.len - params.len);
	while (r == OK && sipfield_param(&params, ';', &name, &value)) {
		if (sipmsg_is_nocase(name, "rport") ||
		    sipmsg_is_nocase(name, "received"))
			continue;
		if ((r = buf_append_u8(out, ';')) == OK &&
		    (r = buf_append_slice(out, name)) == OK &&
		    value.p != NULL && (r = buf_append_u8(out, '=')) == OK)
			r = buf_append_slice(out, value);
	}
	if (r == OK && has_rport(&via))
		r = buf_printf(out, ";rport=%u", from->peer.port);
	if (r == OK)
		r = buf_printf(out, ";received=%s",
			       address_format_host(&from->peer, text));
	return r;
}

static enum err vias(const struct sipmsg *m, const struct flow *from,
		     struct buf *out)
{
	const struct sipmsg_field *f;
	struct slice rest, item;
	bool top = true;
	size_t at = 0;
	enum err r = OK;

	while (r == OK && (f = sipmsg_next(m, "Via", &at)) != NULL) {
		rest = f->value;
		while (r == OK && sipmsg_item(&rest, &item)) {
			if ((r = buf_append_slice(out, SLICE_LIT("Via: "))) !=
			    OK)
				break;
			r = top ? sipreply_via(item, from, out)
				: buf_append_slice(out, item);
			top = false;
			if (r == OK)
				r = buf_append_slice(out, SLICE_LIT("\r\n"));
		}
	}
	return r;
}

enum err sipreply_head(const struct sipmsg *m, const struct flow *from,
		       const char *tag, struct buf *out)
{
	static const char *const names[] = { "From", "To", "Call-ID", "CSeq" };
	struct sipfield_addr to;
	struct slice value, had;
	enum err r = vias(m, from, out);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == OK;
	     i++) {
		value = sipmsg_only(m, names[i], NULL)->value;
		if ((r = buf_printf(out, "%s: ", names[i])) == OK)
			r = buf_append_slice(out, value);
		/* One that is no address cannot be told to have a tag. */
		if (r == OK && i == 1 && sipfield_addr(&to, value) == OK &&
		    !sipfield_find(to.params, "tag", &had))
			r = buf_printf(out, ";tag=%s", tag);
		if (r == OK)
			r = buf_append_slice(out, SLICE_LIT("\r\n"));
	}
	return r;
}

void sipreply_to(const struct sipmsg *m, const struct flow *from,
		 struct flow *to)
{
	const struct sipmsg_field *f;
	struct sipfield_via via;
	struct slice rest, item;
	size_t at = 0;

	*to = *from;
	if (from->conn != 0)
		return;
	/* "maddr" is not followed: it would have us send where the sender
	 * likes. */
	f = sipmsg_next(m, "Via", &at);
	rest = f->value;
	if (!sipmsg_item(&rest, &item) || sipfield_via(&via, item) != OK ||
	    has_rport(&via))
		return;
	to->peer.port = via.port != 0 ? via.port : 5060;
}

enum err sipreply_make(unsigned status, const char *words, struct slice head,
		       struct slice fields, struct buf *out)
{
	enum err r = buf_printf(out, "SIP/2.0 %u %s\r\n", status,
				words != NULL ? words : sipmsg_reason(status));

	if (r == OK && (r = buf_append_slice(out, head)) == OK &&
	    (r = buf_append_slice(out, fields)) == OK)
		r = buf_append_slice(out,
				     SLICE_LIT("Content-Length: 0\r\n\r\n"));
	return r;
}
