/* SPDX-License-Identifier: ISC */
/*
 * Owns: the stage of the core's tests.  Does not own: the world, rogues, checks
 * of every frame; they are tests/sim's.
 */
#include "scene.h"

struct node_id scene_id(uint8_t first)
{
	struct node_id id = { { first } };

	id.b[RING_ID_LEN - 1] = 1;
	return id;
}

void scene_make(struct scene *s, uint32_t n_peers)
{
	scene_make_links(s, n_peers, LINK_PROTOCOL_TLS);
}

void scene_make_links(struct scene *s, uint32_t n_peers, uint8_t links)
{
	const struct world_options opt = { .seed = 7,
					   .hosts_max = 128,
					   .links = links };
	struct node_id id;
	char name[16];

	*s = (struct scene){ .w = world_new(&opt), .n_peers = n_peers };
	check_init(&s->check, s->w);
	for (uint32_t i = 0; i < n_peers; i++) {
		id = scene_id((uint8_t)(0x20 + 0x40 * i));
		(void)snprintf(name, sizeof(name), "peer%u", i);
		s->peer[i] = world_host(s->w, name, &id);
		s->peer[i]->tracing = true;
	}
	id = scene_id(0x80);
	s->rogue = rogue_new(s->w, "rogue", &id);
}

static bool joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

void scene_start(struct scene *s)
{
	for (uint32_t i = 0; i < s->n_peers; i++) {
		host_start(s->peer[i], ROLE_PEER, i == 0);
		assert_true(world_run_until(s->w, joined, s->peer[i],
					    60 * SECOND_US));
	}
	/* The tables settle. */
	world_run(s->w, 30 * SECOND_US);
	if (s->n_peers > 0) {
		s->link = rogue_connect(s->rogue, s->peer[0]);
		assert_int_not_equal(s->link, 0);
		world_run(s->w, SECOND_US);
	}
}

void scene_open(struct scene *s, uint32_t n_peers)
{
	scene_make(s, n_peers);
	scene_start(s);
}

void scene_close(struct scene *s)
{
	if (s->check.n_broken != 0)
		fail_msg("a frame broke a rule: %s", s->check.first);
	rogue_free(s->rogue);
	world_free(s->w);
	check_clear(&s->check);
}

void scene_run(struct scene *s, double seconds)
{
	world_run(s->w, (uint64_t)(seconds * 1e6));
}

/* ---- traces ---- */

bool scene_traced(const struct host *h, const char *text)
{
	return h->trace.len > 0 &&
	       memmem(h->trace.p, h->trace.len, text, strlen(text)) != NULL;
}

void scene_trace_forget(struct host *h)
{
	buf_reset(&h->trace);
}

struct awaited {
	const struct host *host;
	const char *text;
};

static bool has_traced(struct world *w, void *ctx)
{
	const struct awaited *a = ctx;

	(void)w;
	return scene_traced(a->host, a->text);
}

uint64_t scene_trace_wait(struct scene *s, struct host *h, const char *text)
{
	struct awaited a = { h, text };

	if (!world_run_until(s->w, has_traced, &a, 60 * SECOND_US))
		fail_msg("never traced: %s", text);
	return s->w->now_us;
}

/* ---- pings ---- */

void scene_ping(struct scene *s, struct draft *d)
{
	const struct ping_req ping = { { 0 } };

	draft_init(d, s->rogue, MSG_PING_REQ);
	draft_body(d, &wire_type_ping_req, &ping);
}

void scene_ping_node(struct scene *s, struct draft *d, const struct node_id *to)
{
	scene_ping(s, d);
	draft_to_node(d, to);
}

void scene_ping_resource(struct scene *s, struct draft *d,
			 const struct node_id *to)
{
	scene_ping(s, d);
	draft_to_resource(d, to);
}

const struct heard *scene_answer(struct scene *s, const struct draft *d,
				 uint16_t error)
{
	const struct heard *h = rogue_answer(
		s->rogue, rogue_send(s->rogue, s->link, d), 20 * SECOND_US);

	if (h == NULL)
		fail_msg("no answer");
	assert_int_equal(heard_error(s->rogue, h), error);
	if (error == 0)
		assert_int_equal(h->message.contents.message_code,
				 d->contents.message_code + 1);
	return h;
}

void scene_silence(struct scene *s, const struct draft *d)
{
	assert_null(rogue_answer(s->rogue, rogue_send(s->rogue, s->link, d),
				 20 * SECOND_US));
}
