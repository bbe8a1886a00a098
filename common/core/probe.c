/* SPDX-License-Identifier: ISC */
/*
 * Ping and Probe answered: is a node there, and how does it stand.  RFC 6940
 * s6.4.2.5, s6.5.3.
 */
#include "core/probe.h"

#include "core/state.h"

enum { COUNT_PAGE = 256 }; /* slots at a time */

#define COUNT_PAUSE_US UINT64_C(2000)

void probe_on_ping(struct node *n, struct request *req)
{
	struct ping_ans ans = { rng_u64(&n->rng), n->now.unix_ms };
	struct ping_req ping;
	struct slice body;

	if (ping_req_decode(&ping, req->message.contents.message_body,
			    &req->arena, &n->env) != OK)
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "the PingReq does not decode");
	else if (node_failed(n, node_encode(n, &wire_type_ping_ans, &ans,
					    &body)) != OK)
		request_drop_take(n, req);
	else
		request_answer_take(n, req, body);
}

static uint32_t responsible_ppb(const struct node *n)
{
	struct node_id from, to;

	if (!n->ring.responsible)
		return 0;
	ring_range(n, &from, &to);
	return id_share_ppb(&from, &to);
}

/* What is asked for and known, in that order, and nothing else. */
static void answer(struct node *n, struct request *req, uint64_t n_resources)
{
	const struct probe_req *ask = req->state;
	struct probe_ans ans = { 0 };
	struct probe_information *it;
	struct slice body;

	ans.probe_info.v = arena_zalloc(&n->arena, ask->requested_info.len,
					sizeof(*ans.probe_info.v));
	if (ans.probe_info.v == NULL) {
		node_failed(n, ERR_NOMEM);
		request_drop_take(n, req);
		return;
	}
	for (size_t i = 0; i < ask->requested_info.len; i++) {
		it = &ans.probe_info.v[ans.probe_info.n];
		it->type = ask->requested_info.p[i];
		switch (it->type) {
		case PROBE_RESPONSIBLE_SET:
			it->value = responsible_ppb(n);
			break;
		case PROBE_NUM_RESOURCES:
			it->value = n_resources > UINT32_MAX
					    ? UINT32_MAX
					    : (uint32_t)n_resources;
			break;
		case PROBE_UPTIME:
			it->value =
				(uint32_t)((n->now.mono_us - n->started_us) /
					   1000000);
			break;
		default:
			continue;
		}
		ans.probe_info.n++;
	}
	if (node_failed(n, node_encode(n, &wire_type_probe_ans, &ans, &body)) !=
	    OK)
		request_drop_take(n, req);
	else
		request_answer_take(n, req, body);
}

static void count_end(struct node *n, enum err r)
{
	struct probes *p = &n->probes;
	struct request *asker = p->asker;

	p->counting = false;
	p->asker = NULL;
	if (asker == NULL)
		return;
	if (r == OK)
		answer(n, asker, p->n_resources);
	else
		request_refuse_take(n, asker, ERR_STORAGE,
				    "the storage could not be read");
}

static void add_page(struct probes *p, const struct query_answer *page)
{
	for (size_t i = 0; i < page->n_slots; i++) {
		if (!p->has_last ||
		    !id_eq(&p->last.resource, &page->slots[i].resource))
			p->n_so_far++;
		p->last = page->slots[i];
		p->has_last = true;
	}
}

static void page_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct probes *p = &n->probes;
	uint64_t good_us = PROBE_COUNT_US;

	(void)ctx;
	(void)n_answers;
	if (r != OK) {
		count_end(n, r);
		return;
	}
	add_page(p, &answers[0]);
	if (answers[0].n_slots == COUNT_PAGE) {
		/* It takes a while: the last number does for this one. */
		if (p->until_us != 0 && p->asker != NULL) {
			answer(n, p->asker, p->n_resources);
			p->asker = NULL;
		}
		node_timer(n, &p->pause, TIMER_PROBE,
			   n->now.mono_us + COUNT_PAUSE_US);
		return;
	}
	if (good_us < PROBE_COUNT_SHARE * (n->now.mono_us - p->begun_us))
		good_us = PROBE_COUNT_SHARE * (n->now.mono_us - p->begun_us);
	p->until_us = n->now.mono_us + good_us;
	p->n_resources = p->n_so_far;
	count_end(n, OK);
}

static enum err read_page(struct node *n)
{
	struct probes *p = &n->probes;
	struct query q = { .type = QUERY_RANGE,
			   .from = n->id,
			   .to = n->id,
			   .alive_ms = n->now.unix_ms,
			   .has_cursor = p->has_last,
			   .cursor = p->last,
			   .max = COUNT_PAGE };

	return read_start(n, &q, 1, page_read, NULL);
}

void probe_timer(struct node *n)
{
	enum err r = read_page(n);

	if (r != OK)
		count_end(n, r);
}

/*
 * To count takes a look at all that is stored: once in a while, one at a time,
 * and in parts, between which others are served.  Who asks during the first
 * asks again, s6.2.1.
 */
static void count(struct node *n, struct request *req)
{
	struct probes *p = &n->probes;
	bool known = p->until_us != 0;

	if (n->now.mono_us < p->until_us || (p->counting && known)) {
		answer(n, req, p->n_resources);
		return;
	}
	if (p->counting) {
		request_drop_take(n, req);
		return;
	}
	p->n_so_far = 0;
	p->has_last = false;
	p->begun_us = n->now.mono_us;
	if (node_failed(n, read_page(n)) != OK) {
		request_drop_take(n, req);
		return;
	}
	p->counting = true;
	p->asker = req;
}

void probe_on_probe(struct node *n, struct request *req)
{
	struct probe_req *ask = arena_zalloc(&req->arena, 1, sizeof(*ask));

	if (ask == NULL ||
	    probe_req_decode(ask, req->message.contents.message_body,
			     &req->arena, &n->env) != OK) {
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "the ProbeReq does not decode");
		return;
	}
	req->state = ask;
	if (ask->requested_info.len == 0 ||
	    memchr(ask->requested_info.p, PROBE_NUM_RESOURCES,
		   ask->requested_info.len) == NULL ||
	    n->cfg.role == ROLE_CLIENT)
		answer(n, req, 0);
	else
		count(n, req);
}
