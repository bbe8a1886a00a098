/* SPDX-License-Identifier: ISC */
/*
 * Owns: the users whom this peer hosts, their bindings, and that the overlay
 * has a route for as long as there are any: RFC 3261 s10.3, RFC 7904 s3.  Does
 * not own: messages in and out (front.c), the Store itself (hosted.c).
 */
#include "sip/registrar_private.h"

#include <stdlib.h>
#include <string.h>

/* What the overlay has when a Store failed: perhaps this, perhaps that. */
#define UNKNOWN UINT64_MAX

/* Times are told to the overlay in whole seconds. */
#define SLACK_US UINT64_C(1500000)

enum err registrar_new(struct registrar **out,
		       const struct registrar_config *cfg)
{
	struct registrar *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return ERR_NOMEM;
	r->cfg = *cfg;
	r->digest.realm = cfg->realm;
	r->digest.offer = cfg->offer;
	r->digest.nonce_life_us = UINT64_C(1000000) * REGISTRAR_NONCE_LIFE_S;
	memcpy(r->digest.secret, cfg->secret, DIGEST_SECRET_LEN);
	*out = r;
	return OK;
}

static void pending_free(struct pending *p)
{
	binding_change_clear(&p->change);
	buf_clear(&p->fields);
	free(p);
}

static void user_free(struct registrar_user *u)
{
	struct pending *p;

	while ((p = u->queue) != NULL) {
		u->queue = p->next;
		pending_free(p);
	}
	bindings_clear(&u->bindings);
	bindings_clear(&u->next);
	free(u->stored);
	free(u->asked);
	explicit_bzero(&u->secret, sizeof(u->secret));
	free(u);
}

void registrar_free(struct registrar *r)
{
	struct registrar_user *u, *tmp;

	if (r == NULL)
		return;
	heap_clear(&r->timers); /* which are in the users */
	HASH_ITER (hh, r->users, u, tmp) {
		HASH_DEL(r->users, u);
		user_free(u);
	}
	explicit_bzero(r, sizeof(*r));
	free(r);
}

uint64_t registrar_wrong(const struct registrar *r)
{
	return r->counts.wrong;
}

void registrar_count(const struct registrar *r, struct registrar_counts *out)
{
	const struct registrar_user *u, *tmp;

	*out = r->counts;
	HASH_ITER (hh, r->users, u, tmp) {
		out->users += !u->dismissed;
		out->registered += u->bindings.n > 0;
		out->bindings += u->bindings.n;
	}
}

/* ---- users ---- */

/* The domain in lower case, as that of a request's will be. */
static enum err make_key(struct buf *key, const char *aor, size_t *local_len)
{
	const char *at = strrchr(aor, '@');
	enum err e;

	if (at == NULL || at == aor || at[1] == '\0')
		return ERR_DATA;
	*local_len = (size_t)(at - aor);
	e = buf_append(key, aor, *local_len + 1);
	return e != OK ? e : sipfield_lower(key, slice_str(at + 1));
}

enum err registrar_add(struct registrar *r, const char *aor,
		       const struct registrar_secret *secret, void *ctx,
		       struct registrar_user **out)
{
	struct buf key = BUF_INIT(SIPMSG_HEAD_MAX);
	struct registrar_user *u = NULL;
	size_t local_len;
	enum err e;

	if ((e = make_key(&key, aor, &local_len)) != OK)
		goto out;
	HASH_FIND(hh, r->users, key.p, key.len, u);
	if (u != NULL) {
		e = ERR_BUSY;
		goto out;
	}
	e = ERR_NOMEM;
	if ((u = calloc(1, sizeof(*u) + key.len + 1)) == NULL)
		goto out;
	memcpy(u->aor, key.p, key.len);
	u->local_len = local_len;
	u->secret = *secret;
	u->ctx = ctx;
	HASH_ADD_KEYPTR(hh, r->users, u->aor, key.len, u);
	if (u->hh.tbl == NULL) {
		free(u);
		goto out;
	}
	*out = u;
	e = OK;
out:
	buf_clear(&key);
	return e;
}

void registrar_set_secret(struct registrar_user *u,
			  const struct registrar_secret *secret)
{
	u->secret = *secret;
}

struct registrar_user *registrar_named(const struct registrar *r,
				       const char *aor)
{
	struct buf key = BUF_INIT(SIPMSG_HEAD_MAX);
	struct registrar_user *u = NULL;
	size_t local_len;

	/* Without memory as if there were none. */
	if (make_key(&key, aor, &local_len) == OK)
		HASH_FIND(hh, r->users, key.p, key.len, u);
	buf_clear(&key);
	return u;
}

void *registrar_user_ctx(const struct registrar_user *u)
{
	return u->ctx;
}

const char *registrar_user_aor(const struct registrar_user *u)
{
	return u->aor;
}

const char *registrar_asked(const struct registrar_user *u)
{
	return u->asked;
}

const struct bindings *registrar_bindings(const struct registrar_user *u)
{
	return &u->bindings;
}

struct registrar_user *registrar_find(const struct registrar *r,
				      const struct sipfield_uri *uri)
{
	struct buf key = BUF_INIT(SIPMSG_HEAD_MAX);
	struct sipfield_uri own = *uri;
	struct registrar_user *u = NULL;

	/* Phones that are told of no domain but an address: s16.5. */
	if (uri->sip && r->cfg.is_ours != NULL &&
	    r->cfg.is_ours(r->cfg.ctx, uri->host, uri->port))
		own.host = slice_str(r->cfg.realm);
	/* Without memory as if there were none. */
	if (uri->sip && sipfield_aor(&key, &own) == OK)
		HASH_FIND(hh, r->users, key.p, key.len, u);
	buf_clear(&key);
	return u == NULL || u->dismissed ? NULL : u;
}

void registrar_verdict_clear(struct registrar_verdict *v)
{
	binding_change_clear(&v->change);
	buf_clear(&v->fields);
}

/* ---- what the overlay is to have ---- */

struct want {
	uint64_t until_us;   /* 0: nothing */
	const char *contact; /* NULL: a route */
};

/* What the overlay should have for these. */
static struct want wanted(const struct registrar *r,
			  const struct registrar_user *u,
			  const struct bindings *b)
{
	struct want w = { 0 };

	if (r->leaving || u->dismissed || b->n == 0)
		return w;
	if (r->cfg.contact) {
		w.contact = b->v[0]->uri;
		w.until_us = b->v[0]->expires_us;
	} else {
		w.until_us = bindings_last_end(b);
	}
	return w;
}

static bool same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* Up to one more second is right. */
static bool overlay_has(const struct registrar_user *u, struct want w,
			uint64_t now_us)
{
	if (w.until_us == 0)
		return u->stored_until_us <= now_us;
	return u->stored_until_us != UNKNOWN &&
	       u->stored_until_us >= w.until_us &&
	       u->stored_until_us - w.until_us < SLACK_US &&
	       same(u->stored, w.contact);
}

/* The next time at which something is due for this user. */
static void arm(struct registrar *r, struct registrar_user *u, uint64_t now_us)
{
	uint64_t at_us = bindings_first_end(&u->bindings);
	struct want w = wanted(r, u, &u->bindings);

	if (u->queue == NULL && !overlay_has(u, w, now_us + SLACK_US) &&
	    u->retry_us < at_us)
		at_us = u->retry_us;
	heap_cancel(&r->timers, &u->timer);
	/* Without memory nothing is lost but promptness: the next REGISTER
	 * sets it. */
	if (at_us != NEVER && heap_set(&r->timers, &u->timer, at_us) != OK)
		log_line(r->cfg.log, LOG_WARN, "sip: no memory for a timer");
}

static void answer_ok(struct registrar *r, struct registrar_user *u,
		      struct pending *p, uint64_t now_us)
{
	/* Without memory for the rest, that it is bound is still true. */
	if (bindings_format(&u->bindings, now_us, &p->fields) != OK)
		buf_clear(&p->fields);
	r->cfg.answer(r->cfg.ctx, p->token, 200, buf_slice(&p->fields));
}

/* The first of the queue has ended. */
static void finish(struct registrar *r, struct registrar_user *u,
		   unsigned status, uint64_t now_us)
{
	struct pending *p = u->queue;
	struct buf fields = BUF_INIT(64);

	u->queue = p->next;
	u->n_queued--;
	if (u->queue == NULL) {
		u->last = NULL;
		r->n_busy--;
	}
	if (status == 503 &&
	    buf_printf(&fields, "Retry-After: %d\r\n", REGISTRAR_RETRY_S) != OK)
		buf_clear(&fields); /* only the hint is missing */
	if (!p->internal && status == 200)
		answer_ok(r, u, p, now_us);
	else if (!p->internal)
		r->cfg.answer(r->cfg.ctx, p->token, status, buf_slice(&fields));
	buf_clear(&fields);
	pending_free(p);
}

static void commit(struct registrar *r, struct registrar_user *u,
		   uint64_t now_us)
{
	struct bindings old = u->bindings;

	u->bindings = u->next;
	u->next.n = 0;
	r->changes++;
	if (old.n != u->bindings.n)
		log_line(r->cfg.log, LOG_DEBUG, "sip: %s has %zu contacts",
			 u->aor, u->bindings.n);
	if ((old.n == 0) != (u->bindings.n == 0))
		log_line(r->cfg.log, LOG_INFO, "sip: %s is %s", u->aor,
			 u->bindings.n == 0 ? "not registered any more"
					    : "registered");
	bindings_clear(&old);
	finish(r, u, 200, now_us);
}

/* The overlay did not take it: nothing is bound by it, s10.3 step 7.  What was
 * to go without being asked, as its flow is gone, goes. */
static void give_up(struct registrar *r, struct registrar_user *u, enum err err,
		    uint64_t now_us)
{
	log_line(r->cfg.log, LOG_WARN, "sip: the overlay has not stored %s: %s",
		 u->aor, err_text(err));
	u->stored_until_us = UNKNOWN;
	u->retry_us = now_us + UINT64_C(1000000) * REGISTRAR_RETRY_S;
	bindings_clear(&u->next);
	finish(r, u, err == ERR_FORBIDDEN ? 403 : 503, now_us);
}

/* Begins the first change of the queue; true when it has ended at once. */
static bool begin(struct registrar *r, struct registrar_user *u,
		  uint64_t now_us)
{
	struct pending *p = u->queue;
	uint64_t lifetime_s = 0;
	struct want w;
	enum err e;

	(void)bindings_drop(&u->bindings, now_us, 0); /* any or none */
	if (u->dismissed) {
		bindings_clear(&u->bindings);
		if (!p->internal) {
			finish(r, u, 404, now_us);
			return true;
		}
	}
	if (!p->internal && p->change.n == 0 && !p->change.all) {
		finish(r, u, 200, now_us); /* a query */
		return true;
	}
	e = bindings_apply(&u->bindings, &p->change, now_us, &u->next);
	if (e != OK) {
		/* s10.3 step 7; the limit is ours. */
		finish(r, u, e == ERR_FULL ? 403 : 500, now_us);
		return true;
	}
	w = wanted(r, u, &u->next);
	if (overlay_has(u, w, now_us)) {
		commit(r, u, now_us);
		return true;
	}
	free(u->asked);
	u->asked = w.contact == NULL ? NULL : strdup(w.contact);
	if (u->asked == NULL && w.contact != NULL) {
		give_up(r, u, ERR_NOMEM, now_us);
		return true;
	}
	if (w.until_us > now_us)
		lifetime_s = (w.until_us - now_us + 999999) / 1000000;
	u->asked_until_us = lifetime_s == 0 ? 0 : now_us + lifetime_s * 1000000;
	u->storing = true;
	u->asked_us = now_us;
	e = r->cfg.store(r->cfg.ctx, u, (uint32_t)lifetime_s);
	if (e == OK)
		return false;
	u->storing = false;
	give_up(r, u, e, now_us);
	return true;
}

static void release(struct registrar *r, struct registrar_user *u)
{
	HASH_DEL(r->users, u);
	heap_cancel(&r->timers, &u->timer);
	r->changes++;
	r->cfg.gone(r->cfg.ctx, u);
	user_free(u);
}

/* `u` may be gone when it returns. */
static void run(struct registrar *r, struct registrar_user *u, uint64_t now_us)
{
	while (u->queue != NULL && !u->storing)
		if (!begin(r, u, now_us))
			break;
	if (u->dismissed && u->queue == NULL && u->stored_until_us <= now_us)
		release(r, u);
	else
		arm(r, u, now_us);
}

void registrar_stored(struct registrar *r, struct registrar_user *u,
		      enum err err, uint64_t now_us)
{
	u->storing = false;
	r->counts.stores++;
	r->counts.failed += err != OK;
	r->counts.store_us += now_us - u->asked_us;
	if (err == OK) {
		u->stored_until_us = u->asked_until_us;
		free(u->stored);
		u->stored = u->asked;
		u->asked = NULL;
		commit(r, u, now_us);
	} else {
		give_up(r, u, err, now_us);
	}
	run(r, u, now_us);
}

static void enqueue(struct registrar *r, struct registrar_user *u,
		    struct pending *p)
{
	if (u->queue == NULL) {
		u->queue = p;
		r->n_busy++;
	} else {
		u->last->next = p;
	}
	u->last = p;
	u->n_queued++;
}

void registrar_submit(struct registrar *r, struct registrar_verdict *v,
		      uint64_t token, uint64_t now_us)
{
	struct registrar_user *u = v->user;
	struct pending *p = NULL;

	if (!r->leaving && u->n_queued < REGISTRAR_QUEUE_MAX)
		p = calloc(1, sizeof(*p));
	if (p == NULL) {
		registrar_verdict_clear(v);
		r->cfg.answer(r->cfg.ctx, token, 503,
			      SLICE_LIT("Retry-After: 30\r\n"));
		return;
	}
	p->token = token;
	p->change = v->change;
	p->fields = v->fields;
	v->change = (struct binding_change){ 0 };
	v->fields = (struct buf){ 0 };
	enqueue(r, u, p);
	run(r, u, now_us);
}

/* ---- what happens without being asked ---- */

/* A change that changes nothing brings the overlay up to date. */
static void sync(struct registrar *r, struct registrar_user *u, uint64_t now_us)
{
	struct pending *p;

	if (u->queue == NULL) {
		if ((p = calloc(1, sizeof(*p))) != NULL) {
			p->internal = true;
			enqueue(r, u, p);
		} else {
			u->retry_us = now_us +
				      UINT64_C(1000000) * REGISTRAR_RETRY_S;
		}
	}
	run(r, u, now_us);
}

uint64_t registrar_changes(const struct registrar *r)
{
	return r->changes;
}

struct registrar_user *registrar_next(const struct registrar *r,
				      const struct registrar_user *u)
{
	return u == NULL ? r->users : u->hh.next;
}

bool registrar_restore_take(struct registrar *r, struct slice aor,
			    struct binding *b)
{
	struct registrar_user *u;

	HASH_FIND(hh, r->users, aor.p, aor.len, u);
	if (u == NULL || u->dismissed || u->queue != NULL ||
	    (u->bindings.n > 0 && !u->restored) ||
	    u->bindings.n == BINDING_MAX) {
		binding_free(b);
		return false;
	}
	u->restored = true;
	u->bindings.v[u->bindings.n++] = b;
	return true;
}

void registrar_restored(struct registrar *r, uint64_t now_us)
{
	struct registrar_user *u, *tmp;

	HASH_ITER (hh, r->users, u, tmp) {
		if (!u->restored)
			continue;
		u->restored = false;
		u->stored_until_us = UNKNOWN;
		sync(r, u, now_us);
	}
}

/* What waits to be bound through a connection is not to be any more. */
static void unbind(struct registrar_user *u, uint32_t conn)
{
	for (struct pending *p = u->queue; p != NULL; p = p->next)
		for (size_t i = 0; i < p->change.n; i++)
			if (p->change.v[i]->flow.conn == conn)
				p->change.expires_s[i] = 0;
}

void registrar_flow_gone(struct registrar *r, uint32_t conn, uint64_t now_us)
{
	struct registrar_user *u, *tmp;

	HASH_ITER (hh, r->users, u, tmp) {
		unbind(u, conn);
		(void)bindings_drop(&u->next, now_us, conn); /* any or none */
		if (!bindings_drop(&u->bindings, now_us, conn))
			continue;
		if (u->bindings.n == 0)
			log_line(r->cfg.log, LOG_INFO,
				 "sip: %s is not registered any more", u->aor);
		sync(r, u, now_us);
	}
}

void registrar_dismiss(struct registrar *r, struct registrar_user *u,
		       uint64_t now_us)
{
	u->dismissed = true;
	if (!u->storing)
		bindings_clear(&u->bindings);
	sync(r, u, now_us);
}

void registrar_withdraw(struct registrar *r, uint64_t now_us)
{
	struct registrar_user *u, *tmp;

	r->leaving = true;
	HASH_ITER (hh, r->users, u, tmp)
		if (u->stored_until_us > now_us)
			sync(r, u, now_us);
}

bool registrar_idle(const struct registrar *r)
{
	return r->n_busy == 0;
}

uint64_t registrar_deadline(const struct registrar *r)
{
	return heap_next(&r->timers);
}

void registrar_expire(struct registrar *r, uint64_t now_us)
{
	struct registrar_user *u;
	struct timer *t;

	while ((t = heap_pop(&r->timers, now_us)) != NULL) {
		u = container_of(t, struct registrar_user, timer);
		if (bindings_drop(&u->bindings, now_us, 0) &&
		    u->bindings.n == 0)
			log_line(r->cfg.log, LOG_INFO,
				 "sip: the registration of %s has ended",
				 u->aor);
		if (u->retry_us <= now_us &&
		    !overlay_has(u, wanted(r, u, &u->bindings),
				 now_us + SLACK_US))
			sync(r, u, now_us);
		else
			arm(r, u, now_us);
	}
}
