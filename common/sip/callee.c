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
#include "core/table.h"

struct asker {
	struct asker *next;
	uint64_t token;
};

/* One that is looked up, for all who ask; and for a while, that was.  CHOICE:
 * where somebody was found, that is true for CALLEE_KEEP_S more, lest each of
 * many calls to one name costs a Fetch. */
struct job {
	struct callee *all;
	UT_hash_handle hh;
	struct asker *askers;
	uint64_t deadline_us; /* when it is given up, or forgotten */
	bool sips;
	bool over; /* nothing is left to be fetched */
	enum err err;
	struct wire_env env;
	struct aor aor;
	struct stored_data_specifier spec;
	size_t key_len;
	uint8_t key[]; /* "s" or "-", and the name */
};

struct callee {
	struct callee_config cfg;
	struct loop_deadline *soon;
	struct job *jobs;
	size_t n_askers;
	struct callee_counts counts;
	bool stopped;
};

static void job_free(struct job *j)
{
	struct asker *a;

	HASH_DEL(j->all->jobs, j);
	while ((a = j->askers) != NULL) {
		j->askers = a->next;
		j->all->n_askers--;
		free(a);
	}
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
		       j->sips   ? PEERROUTE_SIPS_ONLY
		       : t->sips ? PEERROUTE_SIPS_FIRST
				 : PEERROUTE_SIP_FIRST);
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
static char *make_uri(const struct job *j, struct slice text, struct arena *mem)
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
	    arena_dup(mem, buf_slice(&b), &copy) == OK)
		memcpy(&out, &copy.p, sizeof(out));
	buf_clear(&b);
	return out;
}

/* Targets of the resolver as a proxy's; those that cannot be called are left
 * out. */
static size_t targets(const struct job *j, struct sipway_target *v, size_t max,
		      struct arena *mem)
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
		if (uri.len > 0 && (v[n].uri = make_uri(j, uri, mem)) == NULL)
			continue;
		n++;
	}
	return n;
}

static void finish(struct job *j)
{
	struct sipway_target v[SIPWAY_TARGETS_MAX - BINDING_MAX];
	struct arena mem = ARENA_INIT(1 << 18);
	struct callee *c = j->all;
	enum err r = j->err;
	struct asker *a;
	size_t n;

	n = targets(j, v, sizeof(v) / sizeof(v[0]), &mem);
	if (n == 0 && r == OK)
		r = ERR_NOT_FOUND;
	while ((a = j->askers) != NULL) {
		j->askers = a->next;
		c->n_askers--;
		c->cfg.found(c->cfg.ctx, a->token, r, v, n);
		free(a);
	}
	arena_free(&mem);
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

/* Who asks is answered from the loop. */
static void end(struct job *j)
{
	struct callee_counts *n = &j->all->counts;
	uint64_t now_us = loop_now().mono_us;

	aor_finish(&j->aor);
	n->lookups++;
	n->failed += j->err != OK || j->aor.n_targets == 0;
	n->lookup_us += now_us + UINT64_C(1000000) * CALLEE_S - j->deadline_us;
	j->over = true;
	j->deadline_us = now_us;
	if (j->err == OK && j->aor.n_targets > 0)
		j->deadline_us += UINT64_C(1000000) * CALLEE_KEEP_S;
	loop_deadline_set(j->all->soon, 0);
}

/* The next name, until there is none, or no more time. */
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
	end(j);
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
}

static void on_soon(void *ctx)
{
	struct callee *c = ctx;
	uint64_t next = NEVER, now_us;
	struct job *j, *tmp;

	HASH_ITER (hh, c->jobs, j, tmp) {
		if (j->over && j->askers != NULL)
			finish(j);
	}
	now_us = loop_now().mono_us;
	HASH_ITER (hh, c->jobs, j, tmp) {
		if (!j->over)
			continue;
		if (j->deadline_us <= now_us && j->askers == NULL)
			job_free(j);
		else if (j->deadline_us < next)
			next = j->deadline_us;
	}
	loop_deadline_set(c->soon, next);
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

static enum err add_asker(struct job *j, uint64_t token)
{
	struct asker *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return ERR_NOMEM;
	a->token = token;
	a->next = j->askers;
	j->askers = a;
	j->all->n_askers++;
	return OK;
}

static enum err begin(struct callee *c, struct slice key, struct job **out)
{
	struct job *j;
	enum err r;

	if (HASH_COUNT(c->jobs) >= CALLEE_MAX)
		return ERR_FULL;
	if ((j = calloc(1, sizeof(*j) + key.len)) == NULL)
		return ERR_NOMEM;
	j->all = c;
	j->sips = key.p[0] == 's';
	j->deadline_us = loop_now().mono_us + UINT64_C(1000000) * CALLEE_S;
	j->env.node_id_len = driver_overlay(c->cfg.driver)->node_id_length;
	j->key_len = key.len;
	memcpy(j->key, key.p, key.len);
	HASH_ADD_KEYPTR(hh, c->jobs, j->key, j->key_len, j);
	if (j->hh.tbl == NULL) {
		free(j);
		return ERR_NOMEM;
	}
	r = aor_init(&j->aor, slice_sub(key, 1, key.len - 1), &j->env);
	if (r != OK) {
		job_free(j);
		return r == ERR_NOMEM ? r : ERR_NOT_FOUND;
	}
	go_on(j);
	*out = j;
	return OK;
}

enum err callee_ask(struct callee *c, uint64_t token, struct slice uri)
{
	struct buf key = BUF_INIT(AOR_TEXT_MAX);
	struct sipfield_uri u;
	struct job *j;
	enum err r;

	if (c->n_askers >= CALLEE_ASKERS_MAX)
		return ERR_FULL;
	if (sipfield_uri(&u, uri) != OK)
		return ERR_NOT_FOUND;
	r = buf_append_u8(&key, sipmsg_is_nocase(u.scheme, "sips") ? 's' : '-');
	if (r != OK || (r = name_of(&c->cfg, &u, &key)) != OK) {
		r = r == ERR_NOMEM ? r : ERR_NOT_FOUND;
		goto out;
	}
	HASH_FIND(hh, c->jobs, key.p, key.len, j);
	if (j == NULL && (r = begin(c, buf_slice(&key), &j)) != OK)
		goto out;
	if ((r = add_asker(j, token)) == OK && j->over)
		loop_deadline_set(c->soon, 0);
out:
	buf_clear(&key);
	return r;
}

const struct callee_counts *callee_counts(const struct callee *c)
{
	return &c->counts;
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
