/* SPDX-License-Identifier: ISC */
/*
 * Owns: the look-ups under way, RFC 7904 s4.1, s4.2, and what of their results
 * can be called.  Does not own: what names lead to (core/aor.c), connections to
 * peers (peerlink.c), what is not in the overlay (outside.c).
 */
#include "sip/callee.h"

#include <stdlib.h>
#include <strings.h>

#include "conf/address.h"
#include "core/aor.h"
#include "core/table.h"
#include "sip/outside.h"

enum { TARGETS_MAX = SIPWAY_TARGETS_MAX - BINDING_MAX };

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
	bool over; /* nothing is left to be asked */
	enum err err;
	struct wire_env env;
	struct aor aor;
	struct stored_data_specifier spec;
	char *uri;            /* of another domain, or NULL */
	uint32_t next_target; /* of the resolver's */
	char *wanted;         /* the Request-URI for whom outside.c looks */
	bool inside, asks;    /* within outside_find(); it has yet to answer */
	struct sipway_target v[TARGETS_MAX];
	size_t n;
	size_t key_len;
	uint8_t key[]; /* "s" or "-", and the name, or URI */
};

struct callee {
	struct callee_config cfg;
	struct outside *outside;
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
	free(j->uri);
	free(j);
}

/* ---- what was found ---- */

static void add(struct job *j, const struct flow *to, char *uri, bool spare)
{
	/* One after the other, where one is for when another fails. */
	uint16_t q = (uint16_t)(1000 - (spare ? j->n : 0));

	if (j->n < TARGETS_MAX)
		j->v[j->n++] = (struct sipway_target){
			.uri = uri, .flow = *to, .q = q, .spare = spare
		};
}

/* A peer, unless it is this one or is there already. */
static void add_route(struct job *j, const struct aor_target *t, char *uri)
{
	const struct callee_config *cfg = &j->all->cfg;
	const struct destination *last = &t->route.v[t->route.n - 1];
	struct flow to = { .is_peer = true };

	if (last->type != DESTINATION_NODE || id_eq(&last->node_id, cfg->self))
		return;
	for (size_t i = 0; i < j->n; i++)
		if (j->v[i].flow.is_peer &&
		    id_eq(&j->v[i].flow.node, &last->node_id))
			return;
	to.node = last->node_id;
	add(j, &to, uri, false);
	peerlink_learn(cfg->peers, &t->route,
		       j->sips   ? PEERROUTE_SIPS_ONLY
		       : t->sips ? PEERROUTE_SIPS_FIRST
				 : PEERROUTE_SIP_FIRST);
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

static void collect(struct job *j);

static void on_outside(void *ctx, const struct flow *v, size_t n)
{
	struct job *j = ctx;

	if (j->all->stopped)
		return;
	/* Others of one server's, only where nobody else is called. */
	for (size_t i = 0; i < n && (i == 0 || j->aor.n_targets <= 1); i++)
		add(j, &v[i], j->wanted, i > 0);
	j->asks = false;
	if (!j->inside)
		collect(j);
}

static void ask_outside(struct job *j, char *uri)
{
	j->wanted = uri;
	j->asks = j->inside = true;
	outside_find(j->all->outside, slice_str(uri), on_outside, j);
	j->inside = false;
}

static bool is_sips(const char *uri)
{
	return strncasecmp(uri, "sips:", 5) == 0;
}

/* One target of the resolver; those that cannot be called are left out. */
static void take_target(struct job *j, const struct aor_target *t)
{
	struct slice text = t->uri.len > 0 ? t->uri : t->name;
	char *uri = NULL;

	/* RFC 3261 s16.5: a route leaves it as it is. */
	if (text.len > 0 && (uri = make_uri(j, text)) == NULL)
		return;
	if (t->type == AOR_ROUTE)
		add_route(j, t, uri);
	else if (uri != NULL && (!j->sips || is_sips(uri)))
		ask_outside(j, uri);
}

/* Who asks is answered from the loop. */
static void end(struct job *j)
{
	struct callee_counts *n = &j->all->counts;
	uint64_t now_us = loop_now().mono_us;

	if (j->n == 0 && j->err == OK)
		j->err = ERR_NOT_FOUND;
	n->lookups++;
	n->failed += j->err != OK;
	n->lookup_us += now_us + UINT64_C(1000000) * CALLEE_S - j->deadline_us;
	j->over = true;
	j->deadline_us = now_us;
	if (j->err == OK)
		j->deadline_us += UINT64_C(1000000) * CALLEE_KEEP_S;
	loop_deadline_set(j->all->soon, 0);
}

/* The targets as a proxy's, and then the end; or an answer from outside is
 * awaited. */
static void collect(struct job *j)
{
	while (!j->asks && j->next_target < j->aor.n_targets)
		take_target(j, &j->aor.targets[j->next_target++]);
	if (!j->asks && j->n == 0 && j->uri != NULL && j->wanted == NULL)
		ask_outside(j, j->uri); /* RFC 7904 s4.1 step 3 */
	if (!j->asks)
		end(j);
}

static void finish(struct job *j)
{
	struct callee *c = j->all;
	struct asker *a;

	while ((a = j->askers) != NULL) {
		j->askers = a->next;
		c->n_askers--;
		c->cfg.found(c->cfg.ctx, a->token, j->err, j->v, j->n);
		free(a);
	}
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
	aor_finish(&j->aor);
	collect(j);
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
 * it, no parameter but that of a GRUU.  ERR_NOT_FOUND when it is none of this
 * overlay. */
static enum err name_of(const struct callee_config *cfg,
			const struct sipfield_uri *u, bool own, struct buf *out)
{
	struct slice host = u->host, gr;
	struct ip_address_port a;
	char text[ADDRESS_TEXT_MAX];
	enum err r;

	if (u->user.p == NULL || host.len == 0 || host.p[0] == '[')
		return ERR_NOT_FOUND;
	if (host.len < sizeof(text)) {
		memcpy(text, host.p, host.len);
		text[host.len] = '\0';
		if (address_parse_host(&a, text, 1) == OK)
			return ERR_NOT_FOUND;
	}
	if ((r = buf_append_slice(out, u->user)) != OK ||
	    (r = buf_append_u8(out, '@')) != OK ||
	    (r = own ? buf_append_slice(out, slice_str(cfg->realm))
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

static struct job *job_new(struct callee *c, struct slice key)
{
	struct job *j = calloc(1, sizeof(*j) + key.len);

	if (j == NULL)
		return NULL;
	j->all = c;
	j->sips = key.p[0] == 's';
	j->deadline_us = loop_now().mono_us + UINT64_C(1000000) * CALLEE_S;
	j->env.node_id_len = driver_overlay(c->cfg.driver)->node_id_length;
	j->key_len = key.len;
	memcpy(j->key, key.p, key.len);
	HASH_ADD_KEYPTR(hh, c->jobs, j->key, j->key_len, j);
	if (j->hh.tbl != NULL)
		return j;
	free(j);
	return NULL;
}

/* What is asked for: a name of the overlay, or none; and a URI, where that
 * leads elsewhere. */
struct wish {
	struct slice name, uri, key;
};

static enum err begin(struct callee *c, const struct wish *w, struct job **out)
{
	struct job *j;
	enum err r = OK;

	if (HASH_COUNT(c->jobs) >= CALLEE_MAX)
		return ERR_FULL;
	if ((j = job_new(c, w->key)) == NULL)
		return ERR_NOMEM;
	if (w->uri.len > 0 &&
	    (j->uri = strndup((const char *)w->uri.p, w->uri.len)) == NULL)
		r = ERR_NOMEM;
	else if (w->name.len > 0)
		r = aor_init(&j->aor, w->name, &j->env);
	if (r != OK) {
		job_free(j);
		return r == ERR_NOMEM ? r : ERR_NOT_FOUND;
	}
	if (w->name.len > 0)
		go_on(j);
	else
		collect(j);
	*out = j;
	return OK;
}

/* In the overlay, and where that knows nobody, outside of it. */
static enum err ask(struct callee *c, uint64_t token, struct wish *w,
		    const struct sipfield_uri *u)
{
	bool own = sipfield_host_eq(u->host, slice_str(c->cfg.realm));
	bool sips = sipmsg_is_nocase(u->scheme, "sips");
	struct buf name = BUF_INIT(AOR_TEXT_MAX), key = BUF_INIT(SIPMSG_MAX);
	struct job *j;
	enum err r = name_of(&c->cfg, u, own, &name);

	if (own)
		w->uri.len = 0;
	if (r == OK)
		w->name = buf_slice(&name);
	else if (r != ERR_NOMEM && w->uri.len > 0)
		r = OK;
	if (r != OK || (r = buf_append_u8(&key, sips ? 's' : '-')) != OK ||
	    (r = buf_append_slice(&key, w->uri.len > 0 ? w->uri : w->name)) !=
		    OK)
		goto out;
	w->key = buf_slice(&key);
	HASH_FIND(hh, c->jobs, key.p, key.len, j);
	if (j == NULL && (r = begin(c, w, &j)) != OK)
		goto out;
	if ((r = add_asker(j, token)) == OK && j->over)
		loop_deadline_set(c->soon, 0);
out:
	buf_clear(&name);
	buf_clear(&key);
	return r == ERR_NOMEM || r == ERR_FULL || r == OK ? r : ERR_NOT_FOUND;
}

enum err callee_ask(struct callee *c, uint64_t token, struct slice uri)
{
	struct wish w = { .uri = uri };
	struct sipfield_uri u;

	if (c->n_askers >= CALLEE_ASKERS_MAX)
		return ERR_FULL;
	if (sipfield_uri(&u, uri) != OK || !u.sip)
		return ERR_NOT_FOUND;
	return ask(c, token, &w, &u);
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
	if ((r = outside_new(&c->outside, cfg->loop, cfg->net)) != OK ||
	    (r = loop_deadline_new(cfg->loop, on_soon, c, &c->soon)) != OK) {
		outside_free(c->outside);
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
	outside_free(c->outside);
	c->outside = NULL;
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
