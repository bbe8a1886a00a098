/* SPDX-License-Identifier: ISC */
/*
 * Owns: what an answer repeats of its request, and where it goes: RFC 3261
 * s8.2.6, s18.2.1, s18.2.2, RFC 3581.  Does not own: what it says.
 */
#include "sip/sipreply.h"

#include "conf/address.h"

enum { TAG_LEN = 16 };

bool sipreply_possible(const struct sipmsg *m)
{
	struct sipfield_via via;
	struct slice rest, item;
	size_t at = 0;
	const struct sipmsg_field *f = sipmsg_next(m, "Via", &at);

	if (f == NULL)
		return false;
	rest = f->value;
	return sipmsg_item(&rest, &item) && sipfield_via(&via, item) == OK;
}

/* ---- what a request needs ---- */

static bool good_address(struct slice value)
{
	struct sipfield_addr a;

	return sipfield_addr(&a, value) == OK && sipfield_params_good(a.params);
}

static bool good_via(struct slice value)
{
	struct sipfield_via v;

	return sipfield_via(&v, value) == OK && sipfield_params_good(v.params);
}

static bool good_contact(struct slice value)
{
	return sipmsg_is(value, "*") || good_address(value);
}

/* Is each item of each field of that name good? */
static bool all_good(const struct sipmsg *m, const char *name,
		     bool (*good)(struct slice value))
{
	const struct sipmsg_field *f;
	struct slice rest, item;
	size_t at = 0;

	while ((f = sipmsg_next(m, name, &at)) != NULL)
		for (rest = f->value; sipmsg_item(&rest, &item);)
			if (!good(item))
				return false;
	return true;
}

static bool good_cseq(const struct sipmsg *m)
{
	struct sipfield_cseq cseq;

	return sipfield_cseq(&cseq, sipmsg_only(m, "CSeq", NULL)->value) ==
		       OK &&
	       slice_eq(cseq.method, m->method);
}

/* Headers in it are for who writes a request, s19.1.1. */
static bool good_request_uri(const struct sipmsg *m)
{
	struct sipfield_uri uri;

	return sipfield_uri(&uri, m->uri) == OK && uri.headers.p == NULL;
}

static bool good_hops(const struct sipmsg *m)
{
	size_t n;
	const struct sipmsg_field *f = sipmsg_only(m, "Max-Forwards", &n);
	uint32_t hops;

	return n == 0 || (f != NULL && sipfield_u32(&hops, f->value) == OK &&
			  hops <= 255);
}

static bool good_call_id(const struct sipmsg *m)
{
	struct slice id = sipmsg_only(m, "Call-ID", NULL)->value;

	return id.len > 0 && memchr(id.p, '\0', id.len) == NULL;
}

unsigned sipreply_check(const struct sipmsg *m, const char **words)
{
	static const char *const once[] = { "From", "To", "Call-ID", "CSeq" };

	*words = NULL;
	if (!sipmsg_is_nocase(m->version, "SIP/2.0"))
		return 505;
	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++)
		if (sipmsg_only(m, once[i], NULL) == NULL) {
			*words = "A Mandatory Field Is Not There Once";
			return 400;
		}
	if (!good_cseq(m))
		*words = "Bad CSeq, Or Of Another Method";
	else if (!good_request_uri(m))
		*words = "Bad Request-URI";
	else if (!good_address(sipmsg_only(m, "From", NULL)->value))
		*words = "Bad From";
	else if (!good_address(sipmsg_only(m, "To", NULL)->value))
		*words = "Bad To";
	else if (!good_call_id(m))
		*words = "Bad Call-ID";
	else if (!good_hops(m))
		*words = "Bad Max-Forwards";
	else if (!all_good(m, "Via", good_via))
		*words = "Bad Via";
	else if (!all_good(m, "Contact", good_contact))
		*words = "Bad Contact";
	return *words == NULL ? 0 : 400;
}

static bool is_known(struct slice tag, const char *const *known)
{
	for (; *known != NULL; known++)
		if (sipmsg_is_nocase(tag, *known))
			return true;
	return false;
}

enum err sipreply_require(const struct sipmsg *m, const char *const *known,
			  unsigned *status, struct buf *fields)
{
	const struct sipmsg_field *f;
	struct slice rest, item;
	size_t at = 0;
	enum err r = OK;

	while (r == OK && (f = sipmsg_next(m, "Require", &at)) != NULL) {
		rest = f->value;
		while (r == OK && sipmsg_item(&rest, &item)) {
			if (is_known(item, known))
				continue;
			*status = 420;
			r = buf_append_slice(fields,
					     SLICE_LIT("Unsupported: "));
			if (r == OK)
				r = buf_append_slice(fields, item);
			if (r == OK)
				r = buf_append_slice(fields, SLICE_LIT("\r\n"));
		}
	}
	return r;
}

/* ---- what an answer repeats ---- */

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

enum err sipreply_tag(struct slice secret, struct slice key,
		      char out[static HEXHASH_MAX])
{
	const struct slice parts[] = { secret, key };
	enum err r = hexhash(HEXHASH_SHA256, parts, 2, out);

	out[TAG_LEN] = '\0';
	return r;
}

enum err sipreply_head(const struct sipmsg *m, const struct flow *from,
		       const char *tag, struct buf *out)
{
	static const char *const names[] = { "From", "To", "Call-ID", "CSeq" };
	const struct sipmsg_field *f;
	struct sipfield_addr to;
	struct slice value, had;
	enum err r = vias(m, from, out);
	size_t at;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && r == OK;
	     i++) {
		at = 0;
		if ((f = sipmsg_next(m, names[i], &at)) == NULL)
			continue;
		value = f->value;
		if ((r = buf_printf(out, "%s: ", names[i])) == OK)
			r = buf_append_slice(out, value);
		/* One that is no address cannot be told to have a tag. */
		if (r == OK && i == 1 && tag != NULL &&
		    sipfield_addr(&to, value) == OK &&
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
	if (flow_is_reliable(from))
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
