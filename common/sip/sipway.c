/* SPDX-License-Identifier: ISC */
/*
 * Owns: whether a request may be passed on, and where: RFC 3261 s16.3 to s16.5,
 * s22.3, RFC 5393 s4, RFC 5626 s5.3.  Does not own: how it gets there
 * (proxy.c).
 */
#include "sip/sipway.h"

#include <stdlib.h>

#include "sip/sipedit.h"

void sipway_clear(struct sipway *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->v[i].uri);
		free(w->v[i].path);
	}
	w->n = 0;
}

/* ---- loops ---- */

static struct slice value_of(const struct sipmsg *m, const char *name)
{
	const struct sipmsg_field *f = sipmsg_only(m, name, NULL);

	return f == NULL ? slice_of("", 0) : f->value;
}

enum err sipway_loop(const struct sipmsg *m, char out[static HEXHASH_MAX])
{
	struct slice route = slice_of("", 0);
	const struct slice none = SLICE_LIT("\n");

	(void)sipedit_route(m, 0, &route); /* or none */
	const struct slice parts[] = { m->uri,
				       none,
				       value_of(m, "From"),
				       none,
				       value_of(m, "To"),
				       none,
				       value_of(m, "Call-ID"),
				       none,
				       value_of(m, "CSeq"),
				       none,
				       route };
	enum err r = hexhash(HEXHASH_SHA256, parts,
			     sizeof(parts) / sizeof(parts[0]), out);

	out[SIPWAY_LOOP_LEN] = '\0';
	return r;
}

/* Has it been here, and was nothing changed since?  s16.3 step 4. */
static enum err looks_looped(const struct proxy_config *cfg,
			     const struct sipmsg *m, bool *out)
{
	const struct sipmsg_field *f;
	struct slice rest, item, branch;
	char loop[HEXHASH_MAX];
	struct sipfield_via via;
	size_t at = 0;
	enum err r = sipway_loop(m, loop);

	*out = false;
	while (r == OK && (f = sipmsg_next(m, "Via", &at)) != NULL) {
		rest = f->value;
		while (sipmsg_item(&rest, &item))
			if (sipfield_via(&via, item) == OK &&
			    cfg->is_ours(cfg->ctx, via.host, via.port) &&
			    sipfield_find(via.params, "branch", &branch) &&
			    branch.len > 7 + SIPWAY_LOOP_LEN &&
			    memcmp(branch.p + 7, loop, SIPWAY_LOOP_LEN) == 0)
				*out = true;
	}
	return r;
}

/* ---- checks ---- */

static enum err check(const struct proxy_config *cfg, const struct sipmsg *m,
		      const struct sipfield_uri *uri, unsigned *status,
		      struct buf *fields)
{
	const struct sipmsg_field *f;
	size_t at = 0;
	uint32_t hops;
	bool looped;
	enum err r;

	*status = 0;
	f = sipmsg_only(m, "Max-Forwards", NULL);
	if (f != NULL && sipfield_u32(&hops, f->value) == OK && hops == 0) {
		*status = 483;
		return OK;
	}
	if (!uri->sip) {
		*status = 416;
		return OK;
	}
	if ((r = looks_looped(cfg, m, &looped)) != OK)
		return r;
	if (looped)
		*status = 482;
	/* No extension of proxies is known here, s16.3 step 5. */
	while (r == OK && (f = sipmsg_next(m, "Proxy-Require", &at)) != NULL) {
		*status = 420;
		if ((r = buf_append_slice(fields,
					  SLICE_LIT("Unsupported: "))) == OK &&
		    (r = buf_append_slice(fields, f->value)) == OK)
			r = buf_append_slice(fields, SLICE_LIT("\r\n"));
	}
	return r;
}

/* ---- in a dialog ---- */

static bool is_ours(const struct proxy_config *cfg, struct slice text,
		    struct sipfield_uri *u)
{
	return sipfield_uri(u, text) == OK && u->sip &&
	       (cfg->is_ours(cfg->ctx, u->host, u->port) ||
		sipfield_host_eq(u->host, slice_str(cfg->realm)));
}

/* A strict router before us has put our Route where the Request-URI was, and
 * that behind all Routes: s16.4. */
static bool last_route(const struct sipmsg *m, size_t at, struct slice *uri)
{
	struct sipfield_addr a;
	struct slice v, more;

	if (!sipedit_route(m, at, &v) || sipedit_route(m, at + 1, &more) ||
	    sipfield_addr(&a, v) != OK)
		return false;
	*uri = a.uri;
	return true;
}

bool sipway_by_routes(const struct proxy_config *cfg, const struct sipmsg *m,
		      struct flow *flow, size_t *drop_routes, struct slice *uri)
{
	struct slice id = sipmsg_only(m, "Call-ID", NULL)->value;
	bool found = false, strict;
	struct sipfield_addr a;
	struct sipfield_uri u;
	struct slice v;

	*drop_routes = 0;
	*uri = slice_of(NULL, 0);
	strict = is_ours(cfg, m->uri, &u) && u.user.p != NULL &&
		 flowtoken_read(cfg->secret, u.user, id, flow) == OK;
	while (sipedit_route(m, *drop_routes, &v) &&
	       sipfield_addr(&a, v) == OK && is_ours(cfg, a.uri, &u)) {
		++*drop_routes;
		/* The last of them is the far side. */
		if (u.user.p != NULL)
			found = flowtoken_read(cfg->secret, u.user, id, flow) ==
				OK;
	}
	if (!strict || !last_route(m, *drop_routes, uri))
		return found;
	++*drop_routes;
	return true;
}

bool sipway_in_dialog(const struct sipmsg *m)
{
	struct sipfield_addr to;
	struct slice tag;

	return sipfield_addr(&to, sipmsg_only(m, "To", NULL)->value) == OK &&
	       sipfield_find(to.params, "tag", &tag);
}

/* ---- to a user ---- */

/* Who does not say who they are, RFC 3323 s4.1.1.3. */
static bool is_anonymous(const struct sipfield_uri *from)
{
	return slice_eq(from->user, SLICE_LIT("anonymous")) &&
	       sipfield_host_eq(from->host, SLICE_LIT("anonymous.invalid"));
}

/* Whoever begins something here is one of ours, and proves it: s22.3. */
static enum err authenticate(const struct proxy_config *cfg,
			     const struct sipmsg *m, uint64_t now_us,
			     unsigned *status, struct buf *fields)
{
	struct registrar_user *u;
	struct sipfield_addr from;
	struct sipfield_uri uri;

	if (sipfield_addr(&from, sipmsg_only(m, "From", NULL)->value) != OK ||
	    sipfield_uri(&uri, from.uri) != OK ||
	    ((u = registrar_find(cfg->registrar, &uri)) == NULL &&
	     !is_anonymous(&uri))) {
		*status = 403;
		return OK;
	}
	return registrar_authenticate(cfg->registrar, u, m, true, now_us,
				      status, fields);
}

/* Without headers, which no Request-URI has, s19.1.1. */
static char *request_uri(const char *contact)
{
	struct sipfield_uri u;
	size_t n = strlen(contact);

	if (sipfield_uri(&u, slice_str(contact)) == OK && u.headers.p != NULL)
		n -= u.headers.len + 1;
	return strndup(contact, n);
}

static bool is_sips(const struct sipfield_uri *u)
{
	return sipmsg_is_nocase(u->scheme, "sips");
}

static bool is_own(const struct proxy_config *cfg, const struct sipfield_uri *u)
{
	return sipfield_host_eq(u->host, slice_str(cfg->realm));
}

/* To a sips URI only TLS leads, and what is asked by one is not passed on to
 * any other: RFC 3261 s26.2.2, RFC 5630 s5.3. */
static bool may_reach(const struct proxy_config *cfg, struct slice uri,
		      const struct flow *flow, bool sips)
{
	struct sipfield_uri u;
	struct proxy_local far;

	if (sipfield_uri(&u, uri) != OK)
		return false;
	if (!is_sips(&u))
		return !sips;
	return cfg->local(cfg->ctx, flow, &far) && far.secure;
}

/* Within a dialog: along the flow that our Route names. */
static enum err go_on(struct sipway *w, const struct proxy_config *cfg,
		      const struct sipmsg *m, const struct flow *flow,
		      struct slice uri, unsigned *status)
{
	struct sipway_target *t = &w->v[0];
	struct sipfield_uri u;

	if (sipfield_uri(&u, m->uri) != OK ||
	    !may_reach(cfg, uri.len > 0 ? uri : m->uri, flow, is_sips(&u))) {
		*status = 480;
		return OK;
	}
	*t = (struct sipway_target){ .flow = *flow, .q = 1000 };
	if (uri.len > 0 &&
	    (t->uri = strndup((const char *)uri.p, uri.len)) == NULL)
		return ERR_NOMEM;
	w->n = 1;
	return OK;
}

static enum err add_bindings(struct sipway *w, const struct proxy_config *cfg,
			     const struct bindings *b, bool sips,
			     uint64_t now_us)
{
	struct sipway_target *t;

	for (size_t i = 0; i < b->n; i++) {
		if (b->v[i]->expires_us <= now_us ||
		    !may_reach(cfg, slice_str(b->v[i]->uri), &b->v[i]->flow,
			       sips))
			continue;
		t = &w->v[w->n++];
		*t = (struct sipway_target){ .uri = request_uri(b->v[i]->uri),
					     .path = strdup(b->v[i]->path),
					     .flow = b->v[i]->flow,
					     .q = b->v[i]->q };
		if (t->uri == NULL || t->path == NULL)
			return ERR_NOMEM;
	}
	return OK;
}

/* A phone that is bound here, and is in the overlay by its contact, is one; but
 * several servers may stand for one URI. */
static bool is_there(const struct sipway *w, const struct sipway_target *t)
{
	if (t->uri == NULL || t->flow.is_peer || t->spare)
		return false;
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].uri != NULL && !w->v[i].spare &&
		    strcmp(w->v[i].uri, t->uri) == 0)
			return true;
	return false;
}

void sipway_insert(struct sipway *w, size_t at, const struct sipway_target *t)
{
	struct sipway_target copy = *t;

	if (w->n == SIPWAY_TARGETS_MAX || is_there(w, t))
		return;
	copy.path = NULL;
	if (t->uri != NULL && (copy.uri = strdup(t->uri)) == NULL)
		return;
	memmove(&w->v[at + 1], &w->v[at], (w->n - at) * sizeof(w->v[0]));
	w->v[at] = copy;
	w->n++;
}

enum err sipway_find(struct sipway *out, const struct proxy_config *cfg,
		     const struct sipmsg *m, const struct flow *from,
		     uint64_t now_us, unsigned *status, struct buf *fields)
{
	const struct registrar_user *u;
	struct sipfield_uri uri;
	struct slice last;
	struct flow flow;
	enum err r;

	*out = (struct sipway){ 0 };
	if ((r = sipfield_uri(&uri, m->uri)) != OK ||
	    (r = check(cfg, m, &uri, status, fields)) != OK || *status != 0)
		return r;
	if (sipway_by_routes(cfg, m, &flow, &out->drop_routes, &last) &&
	    sipway_in_dialog(m))
		return go_on(out, cfg, m, &flow, last, status);
	/* Another peer has asked who its user is; and what came through the
	 * overlay does not go there again, lest it runs in circles. */
	if (!from->is_peer &&
	    ((r = authenticate(cfg, m, now_us, status, fields)) != OK ||
	     *status != 0))
		return r;
	u = registrar_find(cfg->registrar, &uri);
	out->elsewhere = !from->is_peer;
	/* That there is no way by TLS does not mean that nobody is there. */
	out->none = u != NULL || (is_sips(&uri) && !is_own(cfg, &uri)) ? 480
								       : 404;
	if (u != NULL)
		r = add_bindings(out, cfg, registrar_bindings(u), is_sips(&uri),
				 now_us);
	if (r == OK && out->n == 0 && !out->elsewhere)
		*status = out->none;
	if (r == OK && out->n > 0 && cfg->redirect && !from->is_peer) {
		*status = 302;
		r = bindings_format(registrar_bindings(u), now_us, fields);
	}
	if (r != OK || *status != 0)
		sipway_clear(out);
	return r;
}
