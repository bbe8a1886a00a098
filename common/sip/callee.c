/* SPDX-License-Identifier: ISC */
/*
 * Owns: the look-ups under way, RFC 7904 s4.1, s4.2, and what of their results
 * can be called.  Does not own: what names lead to (core/aor.c), connections to
 * peers (peerlink.c).
 */
#include "sip/callee.h"

#include <stdlib.h>

#include "conf/address.h"
#include "core/aor.h"

/* One that is looked up. */
struct job {
	struct job *prev, *next;
	struct callee *all;
	uint64_t token, deadline_us;
	bool sips;
	bool over; /* nothing is left to be fetched */
	enum err err;
	struct wire_env env;
	struct aor aor;
	struct stored_data_specifier spec;
};

struct callee {
	struct callee_config cfg;
	struct loop_deadline *soon;
	struct job *jobs;
	size_t n;
	bool stopped;
};

static void job_free(struct job *j)
{
	struct callee *c = j->all;

	*(j->prev == NULL ? &c->jobs : &j->prev->next) = j->next;
	if (j->next != NULL)
		j->next->prev = j->prev;
	c->n--;
	aor_clear(&j->aor);
	free(j);
}

/* ---- what was found ---- */

/* A peer, unless it is this one or is there already. */
static bool route(const struct job *j, const struct aor_target *t,
		  const struct sipway_target *v, size_t n,
		  struct sipway_target *out)
{
	const struct callee_config *cfg = &j->all->cfg;
	const struct destination *last = &t->route.v[t->route.n - 1];

	if (last->type != DESTINATION_NODE || id_eq(&last->node_id, cfg->self))
		return false;
	for (size_t i = 0; i < n; i++)
		if (v[i].flow.is_peer && id_eq(&v[i].flow.node, &last->node_id))
			return false;
	out->flow.is_peer = true;
	out->flow.node = last->node_id;
	peerlink_learn(cfg->peers, &t->route,
		       j->sips   ? PEERLINK_SIPS_ONLY
		       : t->sips ? PEERLINK_SIPS_FIRST
				 : PEERLINK_SIP_FIRST);
	return true;
}

/* An address, unless it is one of ours: that would come back. */
static bool contact(const struct job *j, struct slice text,
		    struct sipway_target *out)
{
	struct sipnet *net = j->all->cfg.net;
	char host[ADDRESS_TEXT_MAX];
	struct ip_address_port a;
	struct sipfield_uri u;
	struct slice h, transport;

	if (sipfield_uri(&u, text) != OK || !u.sip || j->sips ||
	    sipmsg_is_nocase(u.scheme, "sips") || /* not by datagrams */
	    (sipfield_find(u.params, "transport", &transport) &&
	     !sipmsg_is_nocase(transport, "udp")))
		return false;
	h = u.host;
	if (h.len > 2 && h.p[0] == '[')
		h = slice_sub(h, 1, h.len - 2);
	if (h.len >= sizeof(host))
		return false;
	memcpy(host, h.p, h.len);
	host[h.len] = '\0';
	return address_parse_host(&a, host, u.port != 0 ? u.port : 5060) ==
		       OK &&
	       !sipnet_listens(net, &a) && sipnet_to(net, &a, &out->flow);
}

/* The Request-URI, where it is another than was called: NULL without memory. */
static char *make_uri(struct job *j, struct slice text)
{
	bool whole = memmem(text.p, text.len, ":", 1) != NULL;
	struct buf b = BUF_INIT(2 * AOR_TEXT_MAX);
	struct slice copy = { 0 };
	char *out = NULL;

	if (buf_printf(&b, "%s%.*s",
		       whole     ? ""
		       : j->sips ? "sips:"
				 : "sip:",
		       (int)text.len, (const char *)text.p) == OK &&
	    buf_append_u8(&b, '\0') == OK &&
	    arena_dup(&j->aor.arena, buf_slice(&b), &copy) == OK)
		memcpy(&out, &copy.p, sizeof(out));
	buf_clear(&b);
	return out;
}

/* Targets of the resolver as a proxy's; those that cannot be called are left
 * out. */
static size_t targets(struct job *j, struct sipway_target *v, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < j->aor.n_targets && n < max; i++) {
		const struct aor_target *t = &j->aor.targets[i];
		struct slice uri = t->uri.len > 0 ? t->uri : t->name;

		v[n] = (struct sipway_target){ .q = 1000 };
		if (t->type == AOR_ROUTE ? !route(j, t, v, n, &v[n])
					 : !contact(j, uri, &v[n]))
			continue;
		/* RFC 3261 s16.5: a route leaves it as it is. */
		if (uri.len > 0 && (v[n].uri = make_uri(j, uri)) == NULL)
			continue;
		n++;
	}
	return n;
}

static void finish(struct job *j)
{
	struct sipway_target v[SIPWAY_TARGETS_MAX - BINDING_MAX];
	const struct callee_config *cfg = &j->all->cfg;
	enum err r = j->err;
	size_t n;

	aor_finish(&j->aor);
	n = targets(j, v, sizeof(v) / sizeof(v[0]));
	if (n == 0 && r == OK)
		r = ERR_NOT_FOUND;
	cfg->found(cfg->ctx, j->token, r, v, n);
	job_free(j);
}

/* ---- fetching ---- */

static void on_fetched(void *ctx, const struct result *res);

static enum err fetch(struct job *j, struct slice name, uint64_t now_us)
{
	const struct callee_config *cfg = &j->all->cfg;
	struct command cmd = { .type = CMD_FETCH,
			       .timeout_us = j->deadline_us - now_us,
			       .specifiers = &j->spec,
			       .n_specifiers = 1 };
	uint8_t hash[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if ((r = cfg->crypto->hash(cfg->crypto->ctx, HASH_SHA1, &name, 1, hash,
				   &len)) != OK ||
	    (r = id_from_slice(&cmd.resource, slice_of(hash, RING_ID_LEN))) !=
		    OK)
		return r;
	/* No keys: all that is stored there, RFC 7904 s4.2. */
	j->spec =
		(struct stored_data_specifier){ .kind = KIND_SIP_REGISTRATION };
	return driver_command(cfg->driver, &cmd, on_fetched, j);
}

/* The next name; `over` when there is none, or no more time. */
static void go_on(struct job *j)
{
	uint64_t now_us = loop_now().mono_us;
	struct slice name;
	enum err r = OK;

	if (now_us < j->deadline_us && aor_next(&j->aor, &name) &&
	    (r = fetch(j, name, now_us)) == OK)
		return;
	if (j->err == OK)
		j->err = r;
	j->over = true;
}

static void on_fetched(void *ctx, const struct result *res)
{
	struct job *j = ctx;
	enum err r = res->err;

	if (j->all->stopped) {
		job_free(j);
		return;
	}
	if (r == OK || r == ERR_NOT_FOUND)
		r = aor_feed(&j->aor, r == OK ? res->fetch : NULL);
	if (j->err == OK)
		j->err = r;
	go_on(j);
	if (j->over)
		finish(j);
}

/* Those that needed nothing fetched, or could not fetch it. */
static void on_soon(void *ctx)
{
	struct callee *c = ctx;
	struct job *j = c->jobs;

	while (j != NULL) {
		if (!j->over) {
			j = j->next;
			continue;
		}
		finish(j);
		j = c->jobs; /* others may have come or gone */
	}
}

/* ---- asking ---- */

/* The name in a URI, by which it is looked up: the domain as the overlay writes
 * it, no parameter but that of a GRUU. */
static enum err name_of(const struct callee_config *cfg,
			const struct sipfield_uri *u, struct buf *out)
{
	struct slice host = u->host, realm = slice_str(cfg->realm), gr;
	struct ip_address_port a;
	char text[ADDRESS_TEXT_MAX];
	enum err r;

	if (!u->sip || u->user.p == NULL || host.len == 0 || host.p[0] == '[')
		return ERR_NOT_FOUND;
	if (host.len < sizeof(text)) {
		memcpy(text, host.p, host.len);
		text[host.len] = '\0';
		if (address_parse_host(&a, text, 1) == OK)
			return ERR_NOT_FOUND;
	}
	if ((r = buf_append_slice(out, u->user)) != OK ||
	    (r = buf_append_u8(out, '@')) != OK ||
	    (r = sipfield_host_eq(host, realm)
			 ? buf_append_slice(out, realm)
			 : sipfield_lower(out, host)) != OK)
		return r;
	/* RFC 7904 s4.1 step 2; others are for RFC 3263. */
	if (!overlay_admits_aor(driver_overlay(cfg->driver), buf_slice(out)))
		return ERR_NOT_FOUND;
	if (sipfield_find(u->params, "gr", &gr) && gr.p != NULL)
		r = buf_printf(out, ";gr=%.*s", (int)gr.len,
			       (const char *)gr.p);
	return r;
}

enum err callee_ask(struct callee *c, uint64_t token, struct slice uri)
{
	struct buf name = BUF_INIT(AOR_TEXT_MAX);
	struct sipfield_uri u;
	struct job *j;
	enum err r;

	if (c->n >= CALLEE_MAX)
		return ERR_FULL;
	if ((r = sipfield_uri(&u, uri)) != OK ||
	    (r = name_of(&c->cfg, &u, &name)) != OK) {
		buf_clear(&name);
		return r == ERR_NOMEM ? r : ERR_NOT_FOUND;
	}
	if ((j = calloc(1, sizeof(*j))) == NULL) {
		buf_clear(&name);
		return ERR_NOMEM;
	}
	j->all = c;
	j->token = token;
	j->sips = sipmsg_is_nocase(u.scheme, "sips");
	j->deadline_us = loop_now().mono_us + UINT64_C(1000000) * CALLEE_S;
	j->env.node_id_len = driver_overlay(c->cfg.driver)->node_id_length;
	if ((j->next = c->jobs) != NULL)
		j->next->prev = j;
	c->jobs = j;
	c->n++;
	r = aor_init(&j->aor, buf_slice(&name), &j->env);
	buf_clear(&name);
	if (r != OK) {
		job_free(j);
		return r == ERR_NOMEM ? r : ERR_NOT_FOUND;
	}
	go_on(j);
	if (j->over)
		loop_deadline_set(c->soon, 0);
	return OK;
}

/* ---- beginning and end ---- */

enum err callee_new(struct callee **out, const struct callee_config *cfg)
{
	struct callee *c = calloc(1, sizeof(*c));
	enum err r;

	if (c == NULL)
		return ERR_NOMEM;
	c->cfg = *cfg;
	if ((r = loop_deadline_new(cfg->loop, on_soon, c, &c->soon)) != OK) {
		free(c);
		return r;
	}
	*out = c;
	return OK;
}

void callee_stop(struct callee *c)
{
	if (c == NULL)
		return;
	c->stopped = true;
	loop_deadline_free(c->soon);
	c->soon = NULL;
}

void callee_free(struct callee *c)
{
	if (c == NULL)
		return;
	while (c->jobs != NULL)
		job_free(c->jobs);
	free(c);
}
