/* SPDX-License-Identifier: ISC */
/*
 * The driver alone, around a node that the tests write: this program defines
 * node_new() and its sisters, and records what it is told.
 */
#include "pki.h"

#include <pthread.h>

#include "net/anchor.h"
#include "net/driver.h"

enum { EVENTS_MAX = 64, EFFECTS_MAX = 64, PATIENCE_S = 30 };

/* What an event said, kept beyond its step. */
struct seen {
	enum event_type type;
	uint32_t link;
	uint64_t id;
	enum err err;
	size_t n_answers;
	uint64_t count; /* of the first answer */
	const struct overlay *overlay;
	char text[64]; /* bytes, or info */
	struct node_id node_id;
	uint8_t overlay_link;
	uint32_t mtu;
};

struct node {
	struct node_config cfg;
	struct seen seen[EVENTS_MAX];
	int n_seen;
	struct effect effects[EFFECTS_MAX];
	int n_effects, next_effect;
	uint64_t deadline_us;
	int depth;
	char memory[32]; /* overwritten by every step, as an arena is */
	struct result result;
	enum err fails;
	/* What the test does at each event. */
	void (*script)(struct node *n, const struct event *ev);
};

static struct node *made[2];
static int n_made;

enum err node_new(struct node **out, const struct node_config *cfg,
		  const uint8_t seed[static 32])
{
	static const uint8_t zero[32];

	assert_memory_not_equal(seed, zero, 32);
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	(*out)->cfg = *cfg;
	(*out)->deadline_us = NEVER;
	made[n_made++ % 2] = *out;
	return OK;
}

void node_free(struct node *n)
{
	free(n);
}

enum err node_serve(struct node *n, const struct application *a)
{
	(void)n;
	return a->number == APPLICATION_SIP ? OK : ERR_FULL;
}

uint64_t node_deadline(const struct node *n)
{
	return n->deadline_us;
}

bool node_poll(struct node *n, struct effect *fx)
{
	if (n->next_effect == n->n_effects)
		return false;
	*fx = n->effects[n->next_effect++];
	return true;
}

enum err node_step(struct node *n, struct now now, const struct event *ev)
{
	struct seen *s = &n->seen[n->n_seen++ % EVENTS_MAX];
	struct slice text = ev->type == EV_BYTES ? ev->bytes : ev->info;

	assert_int_equal(n->depth++, 0); /* steps never nest */
	assert_int_equal(n->next_effect, n->n_effects);
	assert_true(now.unix_ms > UINT64_C(1600000000000));
	if (ev->type == EV_TIMER)
		assert_true(now.mono_us >= n->deadline_us);
	n->n_effects = n->next_effect = 0;
	memset(n->memory, 'x', sizeof(n->memory) - 1);
	*s = (struct seen){ .type = ev->type,
			    .link = ev->link,
			    .id = ev->id,
			    .err = ev->err,
			    .n_answers = ev->n_answers,
			    .overlay_link = ev->overlay_link,
			    .mtu = ev->mtu,
			    .overlay = ev->overlay };
	if (ev->type == EV_READ && ev->err == OK && ev->n_answers > 0)
		s->count = ev->answers[0].count;
	if (ev->type == EV_LINK_UP)
		s->node_id = ev->cert->node_ids[0];
	if (text.len < sizeof(s->text))
		memcpy(s->text, text.len ? text.p : (const uint8_t *)"",
		       text.len);
	if (n->script != NULL)
		n->script(n, ev);
	n->depth--;
	return n->fails;
}

static struct effect *push(struct node *n, enum effect_type type)
{
	assert_true(n->n_effects < EFFECTS_MAX);
	n->effects[n->n_effects] = (struct effect){ .type = type };
	return &n->effects[n->n_effects++];
}

static void push_done(struct node *n, uint64_t id, enum err r, const char *info)
{
	strcpy(n->memory, info);
	n->result = (struct result){ .id = id,
				     .err = r,
				     .info = slice_str(n->memory) };
	push(n, FX_DONE)->result = &n->result;
}

/* How often an event of this type was seen; `*last` is the last. */
static int count(const struct node *n, enum event_type type,
		 const struct seen **last)
{
	int k = 0;

	for (int i = 0; i < n->n_seen; i++) {
		if (n->seen[i].type != type)
			continue;
		k++;
		if (last != NULL)
			*last = &n->seen[i];
	}
	return k;
}

/* ---- a driver, or two ---- */

struct world {
	struct pki pki;
	struct loop *loop;
	struct overlay *overlay;
	struct crypto *crypto;
	struct signer *signer;
	struct loop_deadline *tick;
	struct driver *driver;
	struct node *node;
};

static void on_tick(void *ctx)
{
	struct world *w = ctx;

	loop_deadline_set(w->tick, loop_now().mono_us + 2000);
}

#define RUN_UNTIL(w, condition)                                                \
	do {                                                                   \
		time_t end_ = time(NULL) + PATIENCE_S;                         \
		while (!(condition)) {                                         \
			loop_run_once((w)->loop);                              \
			if (time(NULL) > end_)                                 \
				fail_msg("never: %s", #condition);             \
		}                                                              \
	} while (0)

static struct driver_config config_of(struct world *w)
{
	return (struct driver_config){ .loop = w->loop,
				       .overlay = w->overlay,
				       .crypto = w->crypto,
				       .signer = w->signer,
				       .deadline_us = NEVER,
				       .ctx = w };
}

static struct overlay *make_overlay(const struct pki *p)
{
	struct overlay *o = overlay_new();

	assert_non_null(o);
	strcpy(o->name, PKI_OVERLAY);
	o->root_certs = arena_zalloc(&o->arena, 1, sizeof(*o->root_certs));
	assert_non_null(o->root_certs);
	assert_ok(arena_dup(&o->arena, p->roots[0], &o->root_certs[0]));
	o->n_root_certs = 1;
	return o;
}

/* `cfg` NULL: nothing special. */
static void world_open(struct world *w,
		       void (*special)(struct driver_config *cfg))
{
	struct driver_config cfg;

	memset(w, 0, sizeof(*w));
	pki_init(&w->pki, KEY_P256);
	w->overlay = make_overlay(&w->pki);
	assert_ok(loop_new(&w->loop));
	assert_ok(loop_deadline_new(w->loop, on_tick, w, &w->tick));
	on_tick(w);
	assert_ok(anchor_open(w->overlay, &w->crypto));
	w->signer = pki_signer(&w->pki, 1, KEY_P256);
	cfg = config_of(w);
	if (special != NULL)
		special(&cfg);
	n_made = 0;
	assert_ok(driver_new(&w->driver, &cfg, NULL));
	w->node = made[0];
}

static void world_close(struct world *w)
{
	driver_free(w->driver);
	loop_deadline_free(w->tick);
	loop_free(w->loop);
	signer_close(w->signer, w->crypto);
	openssl_free(w->crypto);
	overlay_free(w->overlay);
	pki_clear(&w->pki);
}

struct ended {
	int n;
	enum err err;
	const struct result *res;
};

static void on_done(void *ctx, const struct result *res)
{
	struct ended *e = ctx;

	e->n++;
	e->err = res->err;
	e->res = res;
}

static const struct command ping = { .type = CMD_PING };

/* ---- tests ---- */

static void answer_commands(struct node *n, const struct event *ev)
{
	n->deadline_us = NEVER;
	if (ev->type == EV_COMMAND) {
		n->deadline_us = 0; /* a step is due at once */
		push_done(n, ev->command->id, ERR_NOT_FOUND, "not here");
	}
}

/* Never from inside, once each, and the last result stays until the driver is
 * used again, though a step is due. */
static void commands(void **state)
{
	struct world w;
	struct ended a = { 0 }, b = { 0 };

	(void)state;
	world_open(&w, NULL);
	w.node->script = answer_commands;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	assert_int_equal(a.n, 0);
	assert_ok(driver_run(w.driver));
	assert_int_equal(a.n, 1);
	assert_err(a.err, ERR_NOT_FOUND);
	assert_ok(driver_command(w.driver, &ping, on_done, &b));
	assert_ok(driver_run(w.driver));
	assert_int_equal(a.n, 1);
	assert_int_equal(b.n, 1);
	assert_err(b.res->err, ERR_NOT_FOUND);
	assert_slice_equal(b.res->info, SLICE_LIT("not here"));
	/* Nothing to run for: it still stays.  A loop that goes on steps again.
	 */
	assert_ok(driver_run(w.driver));
	assert_slice_equal(b.res->info, SLICE_LIT("not here"));
	assert_int_equal(count(w.node, EV_TIMER, NULL), 0);
	RUN_UNTIL(&w, count(w.node, EV_TIMER, NULL) == 1);
	world_close(&w);
}

static void soon(struct driver_config *cfg)
{
	cfg->deadline_us = loop_now().mono_us + 20000;
}

static void late_answer(struct node *n, const struct event *ev)
{
	if (ev->type == EV_COMMAND && ev->command->type == CMD_PROBE)
		push_done(n, ev->command->id - 1, OK, ""); /* the ping's */
}

/* The end of the run ends what waits, once; what comes later is for nobody. */
static void deadline(void **state)
{
	struct world w;
	struct ended a = { 0 }, b = { 0 };
	const struct command probe = { .type = CMD_PROBE };

	(void)state;
	world_open(&w, soon);
	w.node->script = late_answer;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	assert_ok(driver_run(w.driver));
	assert_int_equal(a.n, 1);
	assert_err(a.res->err, ERR_NO_LINK); /* none was ever up */
	assert_ok(driver_command(w.driver, &probe, on_done, &b));
	RUN_UNTIL(&w, count(w.node, EV_COMMAND, NULL) == 2);
	assert_int_equal(a.n, 1);
	world_close(&w);
	assert_int_equal(b.n, 1);
	assert_err(b.err, ERR_LINK_CLOSED);
}

/* A node that fails ends the run; nothing is called twice. */
static void failure(void **state)
{
	struct world w;
	struct ended a = { 0 };

	(void)state;
	world_open(&w, NULL);
	w.node->fails = ERR_NOMEM;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	assert_err(driver_run(w.driver), ERR_NOMEM);
	assert_err(driver_failed(w.driver), ERR_NOMEM);
	world_close(&w);
	assert_int_equal(a.n, 1);
	assert_err(a.err, ERR_LINK_CLOSED);
}

static void set_timer(struct node *n, const struct event *ev)
{
	n->deadline_us = ev->type == EV_TIMER ? NEVER
					      : loop_now().mono_us + 5000;
}

/* Not before they are due, and moved by every step. */
static void timers(void **state)
{
	struct world w;
	struct ended a = { 0 };

	(void)state;
	world_open(&w, NULL);
	w.node->script = set_timer;
	for (int i = 1; i <= 3; i++) {
		assert_ok(driver_command(w.driver, &ping, on_done, &a));
		RUN_UNTIL(&w, count(w.node, EV_TIMER, NULL) == i);
		assert_int_equal(count(w.node, EV_COMMAND, NULL), i);
	}
	world_close(&w);
}

/* ---- storage ---- */

static void read_once(struct node *n, const struct event *ev)
{
	static const struct query queries[2] = { { .type = QUERY_COUNT },
						 { .type = QUERY_CERT } };
	struct effect *fx;

	if (ev->type != EV_COMMAND)
		return;
	fx = push(n, FX_READ);
	fx->id = 77;
	fx->queries = queries;
	fx->n_queries = 2;
}

static enum err stub_read(void *ctx, const struct query *q,
			  struct query_answer *out, struct arena *a)
{
	(void)a;
	out->count = q->type == QUERY_COUNT ? 42 : 0;
	return *(enum err *)ctx;
}

static enum err stub_err;
static struct storage stub = { .ctx = &stub_err, .read = stub_read };

static void with_stub(struct driver_config *cfg)
{
	cfg->storage = &stub;
}

/* Answered at once, as an event of its own; without an engine all is empty. */
static void reads(void **state)
{
	struct world w;
	struct ended a = { 0 };
	const struct seen *s = NULL;

	(void)state;
	for (int i = 0; i < 3; i++) {
		stub_err = i == 1 ? ERR_STORAGE : OK;
		world_open(&w, i == 2 ? NULL : with_stub);
		w.node->script = read_once;
		assert_ok(driver_command(w.driver, &ping, on_done, &a));
		RUN_UNTIL(&w, count(w.node, EV_READ, &s) == 1);
		assert_int_equal(s->id, 77);
		assert_int_equal(s->n_answers, 2);
		assert_err(s->err, stub_err);
		assert_int_equal(s->count, i == 0 ? 42 : 0);
		world_close(&w);
	}
}

/* An engine whose first transaction waits until the test lets it go on. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	bool entered, let_go;
	size_t groups[8];
	int n_groups;
	uint64_t order[64];
	int n_order;
} slow = { .lock = PTHREAD_MUTEX_INITIALIZER,
	   .moved = PTHREAD_COND_INITIALIZER };

static void slow_commit(void *ctx, struct batch *const *v, size_t n,
			enum err *status)
{
	(void)ctx;
	pthread_mutex_lock(&slow.lock);
	slow.entered = true;
	while (!slow.let_go)
		pthread_cond_wait(&slow.moved, &slow.lock);
	slow.groups[slow.n_groups++] = n;
	for (size_t i = 0; i < n; i++) {
		slow.order[slow.n_order++] = v[i]->id;
		status[i] = v[i]->id % 5 == 0 ? ERR_DATA_TOO_OLD : OK;
	}
	pthread_mutex_unlock(&slow.lock);
}

static bool slow_entered(void)
{
	bool r;

	pthread_mutex_lock(&slow.lock);
	r = slow.entered;
	pthread_mutex_unlock(&slow.lock);
	return r;
}

static void slow_let_go(void)
{
	pthread_mutex_lock(&slow.lock);
	slow.let_go = true;
	pthread_cond_broadcast(&slow.moved);
	pthread_mutex_unlock(&slow.lock);
}

static void slow_reset(void)
{
	slow.entered = slow.let_go = false;
	slow.n_groups = slow.n_order = 0;
}

static struct storage slow_storage = { .read = stub_read,
				       .commit = slow_commit };

static void with_slow(struct driver_config *cfg)
{
	cfg->storage = &slow_storage;
}

static uint64_t next_batch;

static void commit_one(struct node *n, const struct event *ev)
{
	struct effect *fx;

	if (ev->type != EV_COMMAND)
		return;
	fx = push(n, FX_COMMIT);
	fx->batch = batch_new(++next_batch);
	assert_non_null(fx->batch);
}

/* What comes while a transaction is written shares the next one; each batch has
 * its own status, in order; the loop is free meanwhile. */
static void group_commit(void **state)
{
	struct world w;
	struct ended a = { 0 };
	const struct seen *s = NULL;
	int seen = 0;

	(void)state;
	slow_reset();
	next_batch = 0;
	world_open(&w, with_slow);
	w.node->script = commit_one;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, slow_entered());
	for (int i = 0; i < 20; i++)
		assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_COMMAND, NULL) == 21);
	assert_int_equal(count(w.node, EV_COMMITTED, NULL), 0);
	slow_let_go();
	RUN_UNTIL(&w, count(w.node, EV_COMMITTED, &s) == 21);
	assert_int_equal(slow.n_groups, 2);
	assert_int_equal(slow.groups[0], 1);
	assert_int_equal(slow.groups[1], 20);
	for (int i = 0; i < 21; i++)
		assert_int_equal(slow.order[i], i + 1);
	for (int i = 0; i < w.node->n_seen; i++) {
		s = &w.node->seen[i];
		if (s->type != EV_COMMITTED)
			continue;
		assert_int_equal(s->id, ++seen);
		assert_err(s->err, s->id % 5 == 0 ? ERR_DATA_TOO_OLD : OK);
	}
	world_close(&w);
}

static void half_commit(void *ctx, struct batch *const *v, size_t n,
			enum err *status)
{
	slow_commit(ctx, v, n, status);
	for (size_t i = 0; i < n; i++)
		v[i]->unfinished = v[i]->id == 1 && slow.n_groups < 3;
}

static struct storage half_storage = { .read = stub_read,
				       .commit = half_commit };

static void with_half(struct driver_config *cfg)
{
	cfg->storage = &half_storage;
}

/* A batch that the engine has not finished is written on with what came
 * meanwhile, and ends once. */
static void unfinished_commit(void **state)
{
	static const uint64_t order[] = { 1, 2, 3, 1, 1 };
	struct world w;
	struct ended a = { 0 };
	const struct seen *s = NULL;

	(void)state;
	slow_reset();
	next_batch = 0;
	world_open(&w, with_half);
	w.node->script = commit_one;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, slow_entered());
	for (int i = 0; i < 2; i++)
		assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_COMMAND, NULL) == 3);
	slow_let_go();
	RUN_UNTIL(&w, count(w.node, EV_COMMITTED, &s) == 3);
	assert_int_equal(s->id, 1);
	assert_ok(s->err);
	assert_int_equal(slow.n_groups, 3);
	assert_int_equal(slow.n_order, N_OF(order));
	assert_memory_equal(slow.order, order, sizeof(order));
	world_close(&w);
}

static void *let_go_thread(void *arg)
{
	(void)arg;
	slow_let_go();
	return NULL;
}

/* The end waits for the transaction under way, and frees what has not begun;
 * without an engine a commit fails. */
static void commit_at_the_end(void **state)
{
	struct world w;
	struct ended a = { 0 };
	const struct seen *s = NULL;
	pthread_t thread;

	(void)state;
	slow_reset();
	world_open(&w, with_slow);
	w.node->script = commit_one;
	for (int i = 0; i < 3; i++)
		assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, slow_entered());
	assert_int_equal(pthread_create(&thread, NULL, let_go_thread, NULL), 0);
	world_close(&w);
	pthread_join(thread, NULL);
	assert_int_equal(slow.n_groups, 1);
	assert_int_equal(a.n, 3);

	world_open(&w, NULL);
	w.node->script = commit_one;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_COMMITTED, &s) == 1);
	assert_err(s->err, ERR_STORAGE);
	world_close(&w);
}

/* ---- applications ---- */

static void want(struct node *n, const struct event *ev)
{
	if (ev->type == EV_COMMAND)
		push(n, FX_APPLICATION)->application = APPLICATION_SIP;
}

struct owned {
	uint16_t wanted;
	const struct overlay *overlay;
};

static void on_wanted(void *ctx, const struct effect *fx)
{
	struct owned *o = ctx;

	o->wanted = fx->application;
}

static void on_overlay(void *ctx, const struct overlay *overlay)
{
	struct owned *o = ctx;

	o->overlay = overlay;
}

/* Its owner is told of what the node answered, and of another document. */
static void applications(void **state)
{
	struct application a = { .number = APPLICATION_SIPS };
	struct owned owned = { 0 };
	const struct driver_owner owner = { on_wanted, on_overlay, &owned };
	struct ended ended = { 0 };
	struct overlay *next;
	struct world w;

	(void)state;
	world_open(&w, NULL);
	assert_err(driver_serve(w.driver, &a, &owner), ERR_FULL);
	a.number = APPLICATION_SIP;
	assert_ok(driver_serve(w.driver, &a, &owner));
	w.node->script = want;
	assert_ok(driver_command(w.driver, &ping, on_done, &ended));
	RUN_UNTIL(&w, owned.wanted == APPLICATION_SIP);
	next = make_overlay(&w.pki);
	assert_ok(driver_reconfigure_take(w.driver, next));
	assert_ptr_equal(owned.overlay, next);
	world_close(&w);
}

/* ---- documents ---- */

static void ask_config(struct node *n, const struct event *ev)
{
	struct effect *fx;

	if (ev->type != EV_COMMAND)
		return;
	fx = push(n, FX_CONFIG);
	fx->id = 5;
	fx->config_type = CONFIG_UPDATE_CONFIG;
	fx->bytes = SLICE_LIT("<document/>");
}

static enum err judge(void *ctx, uint8_t type, struct slice bytes,
		      const struct overlay *in_use, struct overlay **out,
		      struct why *why)
{
	struct world *w = ctx;

	assert_int_equal(type, CONFIG_UPDATE_CONFIG);
	assert_slice_equal(bytes, SLICE_LIT("<document/>"));
	assert_ptr_equal(in_use, driver_overlay(w->driver));
	if (in_use->sequence == 2)
		return why_err(why, ERR_CONFIG_OLD, "sequence 2 is in use");
	*out = make_overlay(&w->pki);
	(*out)->sequence = (uint16_t)(in_use->sequence + 1);
	return OK;
}

static void with_judge(struct driver_config *cfg)
{
	cfg->config = judge;
}

static void ask_twice(struct node *n, const struct event *ev)
{
	ask_config(n, ev);
	ask_config(n, ev);
}

/* Two that come in one step: the second is judged by what the first has
 * changed, lest it takes that back. */
static void documents_at_once(void **state)
{
	struct world w;
	struct ended a = { 0 };
	const struct seen *s = NULL;

	(void)state;
	world_open(&w, with_judge);
	w.node->script = ask_twice;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_CONFIG, &s) == 2);
	assert_ok(s->err);
	assert_int_equal(driver_overlay(w.driver)->sequence, 2);
	world_close(&w);
}

static void documents(void **state)
{
	struct world w;
	struct ended a = { 0 };
	const struct seen *s = NULL;
	struct overlay *o;

	(void)state;
	world_open(&w, with_judge);
	w.node->script = ask_config;
	for (int i = 1; i <= 2; i++) {
		assert_ok(driver_command(w.driver, &ping, on_done, &a));
		RUN_UNTIL(&w, count(w.node, EV_CONFIG, &s) == i);
		assert_ok(s->err);
		assert_int_equal(s->id, 5);
		assert_ptr_equal(s->overlay, driver_overlay(w.driver));
		assert_int_equal(driver_overlay(w.driver)->sequence, i);
	}
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_CONFIG, &s) == 3);
	assert_err(s->err, ERR_CONFIG_OLD);
	assert_string_equal(s->text, "sequence 2 is in use");
	assert_int_equal(driver_overlay(w.driver)->sequence, 2);
	/* From a file. */
	o = make_overlay(&w.pki);
	o->sequence = 9;
	assert_ok(driver_reconfigure_take(w.driver, o));
	count(w.node, EV_CONFIG, &s);
	assert_int_equal(s->id, 0);
	assert_ptr_equal(s->overlay, o);
	assert_int_equal(driver_overlay(w.driver)->sequence, 9);
	world_close(&w);
	/* A program that cannot check documents. */
	world_open(&w, NULL);
	w.node->script = ask_config;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_CONFIG, &s) == 1);
	assert_err(s->err, ERR_UNSUPPORTED);
	world_close(&w);
}

/* ---- links ---- */

static struct link_address target;
static bool has_pin;

static void connect_and_say(struct node *n, const struct event *ev)
{
	struct effect *fx;

	if (ev->type == EV_COMMAND) {
		fx = push(n, FX_CONNECT);
		fx->link = 1;
		fx->address = target.address;
		fx->overlay_link = target.overlay_link;
		fx->has_node_id = has_pin;
		memset(fx->node_id.b, 0x33, 16);
	} else if (ev->type == EV_LINK_UP) {
		fx = push(n, FX_SEND);
		fx->link = ev->link;
		fx->bytes = SLICE_LIT("hello");
	} else if (ev->type == EV_BYTES) {
		push(n, FX_CLOSE)->link = ev->link;
		/* What is asked of a link that is gone does nothing. */
		fx = push(n, FX_SEND);
		fx->link = ev->link;
		fx->bytes = SLICE_LIT("too late");
		push(n, FX_CLOSE)->link = ev->link;
	}
}

static void say_back(struct node *n, const struct event *ev)
{
	struct effect *fx;

	if (ev->type != EV_BYTES)
		return;
	fx = push(n, FX_SEND);
	fx->link = ev->link;
	fx->bytes = SLICE_LIT("bye");
}

static const struct ip_address_port any_port = { .type = ADDRESS_IPV4,
						 .addr = { 127, 0, 0, 1 } };

static void listening(struct driver_config *cfg)
{
	cfg->listen = &any_port;
	cfg->n_listen = 1;
}

/* 0: TLS, 1: DTLS. */
static void links(size_t kind)
{
	struct world w;
	struct driver *server;
	struct driver_config cfg;
	struct node *theirs;
	struct ended a = { 0 };
	const struct seen *s = NULL;
	const struct link_address *got;
	struct ip_address_port peers[2];
	struct crypto *crypto;
	struct signer *signer;
	struct node_id two = pki_id(2), one = pki_id(1);

	world_open(&w, NULL);
	assert_ok(anchor_open(w.overlay, &crypto));
	signer = pki_signer(&w.pki, 2, KEY_P256);
	cfg = config_of(&w);
	cfg.crypto = crypto;
	cfg.signer = signer;
	listening(&cfg);
	assert_ok(driver_new(&server, &cfg, NULL));
	theirs = made[1];
	theirs->script = say_back;
	assert_int_equal(driver_listening(server, &got), 2);
	assert_int_equal(got[0].overlay_link, OVERLAY_LINK_TLS_TCP_FH_NO_ICE);
	assert_int_equal(got[1].overlay_link, OVERLAY_LINK_DTLS_UDP_SR_NO_ICE);
	/* What it listens on is what it offers.  6940-6.6.5-R2 */
	assert_int_equal(theirs->cfg.n_listen, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_not_equal(got[i].address.port, 0);
		assert_int_equal(theirs->cfg.listen[i].overlay_link,
				 got[i].overlay_link);
		assert_int_equal(theirs->cfg.listen[i].address.port,
				 got[i].address.port);
	}
	target = got[kind];
	has_pin = false;
	w.node->script = connect_and_say;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_LINK_UP, &s) == 1);
	assert_int_equal(s->link, 1);
	assert_true(id_eq(&s->node_id, &two));
	assert_int_equal(s->overlay_link, target.overlay_link);
	assert_true(kind == 0 ? s->mtu == 0 : s->mtu > 1000);
	assert_int_equal(driver_peers(w.driver, peers, 2), 1);
	assert_int_equal(peers[0].port, target.address.port);
	RUN_UNTIL(&w, count(w.node, EV_BYTES, &s) == 1);
	assert_string_equal(s->text, "bye");
	RUN_UNTIL(&w, count(theirs, EV_LINK_DOWN, &s) == 1);
	assert_err(s->err, ERR_LINK_CLOSED);
	assert_true(s->link >= LINK_INCOMING);
	assert_int_equal(count(theirs, EV_LINK_UP, &s), 1);
	assert_true(id_eq(&s->node_id, &one));
	count(theirs, EV_BYTES, &s);
	assert_string_equal(s->text, "hello");
	assert_int_equal(count(theirs, EV_BYTES, NULL), 1);
	assert_int_equal(count(w.node, EV_LINK_DOWN, NULL), 0);
	assert_int_equal(driver_peers(w.driver, peers, 2), 0);
	/* The wrong node at the right address: down, with words. */
	has_pin = true;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_LINK_DOWN, &s) == 1);
	assert_err(s->err, ERR_WRONG_PEER);
	assert_non_null(strstr(driver_reason(w.driver), "another node"));
	/* Nobody at the address. */
	driver_free(server);
	has_pin = false;
	assert_ok(driver_command(w.driver, &ping, on_done, &a));
	RUN_UNTIL(&w, count(w.node, EV_LINK_DOWN, &s) == 2);
	assert_err(s->err, ERR_NO_LINK);
	assert_non_null(strstr(driver_reason(w.driver), "refused"));
	signer_close(signer, crypto);
	openssl_free(crypto);
	world_close(&w);
}

static void tls_links(void **state)
{
	(void)state;
	links(0);
}

static void dtls_links(void **state)
{
	(void)state;
	links(1);
}

/* A port that is taken is told with its address. */
static void busy_port(void **state)
{
	struct world w;
	struct driver_config cfg;
	struct driver *d;
	const struct link_address *got;
	struct ip_address_port same;
	struct why why;

	(void)state;
	world_open(&w, listening);
	assert_int_equal(driver_listening(w.driver, &got), 2);
	same = got[0].address;
	cfg = config_of(&w);
	cfg.listen = &same;
	cfg.n_listen = 1;
	assert_err(driver_new(&d, &cfg, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "127.0.0.1:"));
	assert_non_null(strstr(why.text, "-l"));
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands),
		cmocka_unit_test(deadline),
		cmocka_unit_test(failure),
		cmocka_unit_test(timers),
		cmocka_unit_test(reads),
		cmocka_unit_test(group_commit),
		cmocka_unit_test(unfinished_commit),
		cmocka_unit_test(commit_at_the_end),
		cmocka_unit_test(documents),
		cmocka_unit_test(documents_at_once),
		cmocka_unit_test(applications),
		cmocka_unit_test(tls_links),
		cmocka_unit_test(dtls_links),
		cmocka_unit_test(busy_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
