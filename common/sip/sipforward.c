/* SPDX-License-Identifier: ISC */
/*
 * Owns: what a proxy puts into a request on its way: Via, Record-Route, Path,
 * RFC 3261 s16.6, RFC 5626 s5.3, RFC 5658; what it makes for a hop; which
 * answer is better, s16.7.  Does not own: where it goes.
 */
#include "sip/sipforward.h"

#include <inttypes.h>
#include <stdio.h>

#include "sip/sipedit.h"
#include "sip/sipreply.h"

enum { PARSE_MAX = 1 << 18 };

enum err sipforward_branch(const struct sipmsg *m, uint64_t number,
			   char out[static SIPFORWARD_BRANCH_LEN + 1])
{
	char loop[HEXHASH_MAX];
	enum err r = sipway_loop(m, loop);

	(void)snprintf(out, SIPFORWARD_BRANCH_LEN + 1, "z9hG4bK%.8s%016" PRIx64,
		       loop, number); /* fits */
	return r;
}

/* As the request came by, so it is come back by: a sips URI stands where one
 * stood, RFC 3261 s16.6 step 4; that says TLS by itself. */
static enum err record_one(const char *token, const struct proxy_local *at,
			   bool sips, struct buf *out)
{
	return buf_printf(out, "Record-Route: <%s:%s@%s%s%s;lr>\r\n",
			  sips ? "sips" : "sip", token, at->host,
			  sips ? "" : ";transport=", sips ? "" : at->transport);
}

static enum err record_route(const struct proxy_config *cfg,
			     const struct flow *from, const struct sipmsg *m,
			     const struct flow *to,
			     const struct proxy_local *far, struct buf *out)
{
	struct slice call_id = sipmsg_only(m, "Call-ID", NULL)->value;
	bool sips = m->uri.len > 5 &&
		    sipmsg_is_nocase(slice_sub(m->uri, 0, 5), "sips:");
	char token[FLOWTOKEN_LEN + 1];
	struct proxy_local near;
	enum err r;

	if (!cfg->local(cfg->ctx, from, &near))
		return ERR_LINK_CLOSED;
	/* Twice: each side meets its own address first, and the other's flow
	 * last, RFC 5658 s4. */
	if ((r = flowtoken_make(cfg->secret, to, call_id, token)) != OK ||
	    (r = record_one(token, far, sips, out)) != OK ||
	    (r = flowtoken_make(cfg->secret, from, call_id, token)) != OK)
		return r;
	return record_one(token, &near, sips, out);
}

static bool makes_dialogs(struct slice method)
{
	return sipmsg_is(method, "INVITE") || sipmsg_is(method, "SUBSCRIBE") ||
	       sipmsg_is(method, "REFER") || sipmsg_is(method, "NOTIFY");
}

enum err sipforward_write(const struct proxy_config *cfg,
			  const struct flow *from, const struct sipmsg *m,
			  const struct sipway_target *t, size_t drop_routes,
			  const char *branch, struct buf *out)
{
	struct sipedit e = { .hop = true,
			     .realm = cfg->realm,
			     .drop_routes = drop_routes };
	struct buf via = BUF_INIT(256), top = BUF_INIT(SIPMSG_MAX);
	struct buf fields = BUF_INIT(SIPMSG_MAX);
	struct proxy_local far;
	struct slice item;
	enum err r;

	if (!cfg->local(cfg->ctx, &t->flow, &far) || !sipedit_top_via(m, &item))
		return ERR_LINK_CLOSED;
	if ((r = buf_printf(&via, "SIP/2.0/%s %s;rport;branch=%s",
			    far.transport, far.host, branch)) != OK ||
	    (r = sipreply_via(item, from, &top)) != OK)
		goto out;
	if (makes_dialogs(m->method))
		r = record_route(cfg, from, m, &t->flow, &far, &fields);
	if (r == OK && t->path != NULL && t->path[0] != '\0')
		r = buf_printf(&fields, "Route: %s\r\n", t->path);
	if (r != OK)
		goto out;
	e.via = buf_slice(&via);
	e.top_via = buf_slice(&top);
	e.fields = buf_slice(&fields);
	if (t->uri != NULL)
		e.uri = slice_str(t->uri);
	r = sipedit_write(m, &e, out);
out:
	buf_clear(&via);
	buf_clear(&top);
	buf_clear(&fields);
	return r;
}

/* A request that was sent, once more as what it was made of. */
static enum err parse(struct sipmsg *m, struct slice request, struct arena *a)
{
	a->max = PARSE_MAX;
	return sipmsg_parse(m, request, a);
}

enum err sipforward_ack(struct slice request, const struct sipmsg *response,
			struct buf *out)
{
	struct arena a = { 0 };
	struct sipmsg m;
	enum err r;

	if ((r = parse(&m, request, &a)) == OK)
		r = sipedit_ack(&m, response, out);
	arena_free(&a);
	return r;
}

enum err sipforward_cancel(struct slice request, struct slice fields,
			   struct buf *out)
{
	struct arena a = { 0 };
	struct sipmsg m;
	enum err r;

	if ((r = parse(&m, request, &a)) == OK)
		r = sipedit_cancel(&m, fields, out);
	arena_free(&a);
	return r;
}

bool sipforward_asked(const struct sipmsg *m, char *what,
		      char branch[static SIPFORWARD_BRANCH_LEN + 1])
{
	const struct sipmsg_field *f = sipmsg_only(m, "CSeq", NULL);
	struct sipfield_cseq cseq;
	struct sipfield_via via;
	struct slice item, v;

	if (f == NULL || sipfield_cseq(&cseq, f->value) != OK ||
	    !sipedit_top_via(m, &item) || sipfield_via(&via, item) != OK ||
	    !sipfield_find(via.params, "branch", &v) ||
	    v.len != SIPFORWARD_BRANCH_LEN)
		return false;
	*what = sipmsg_is(cseq.method, "CANCEL") ? 'C' : 'R';
	memcpy(branch, v.p, v.len);
	branch[v.len] = '\0';
	return true;
}

/* Of the answers of a class: what is to be done otherwise, s16.7; somebody is
 * there; nobody is. */
static unsigned tells(unsigned status)
{
	switch (status) {
	case 401:
	case 407:
	case 415:
	case 420:
	case 484:
		return 2;
	case 404:
	case 408:
	case 480:
		return 0;
	default:
		return 1;
	}
}

bool sipforward_better(unsigned a, unsigned b)
{
	if (b == 0 || a / 100 == 6 || b / 100 == 6)
		return b / 100 != 6;
	if (a / 100 != b / 100)
		return a < b;
	return tells(a) > tells(b);
}
