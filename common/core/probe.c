/* SPDX-License-Identifier: ISC */
/*
 * Ping and Probe answered: is a node there, and how does it stand.  RFC 6940
 * s6.4.2.5, s6.5.3.
 */
#include "core/probe.h"

#include "core/state.h"

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

static void counted(struct node *n, void *ctx, enum err r,
		    const struct query_answer *answers, size_t n_answers)
{
	struct probes *p = &n->probes;
	uint64_t good_us;

	p->counting = false;
	if (r != OK || n_answers == 0) {
		request_refuse_take(n, ctx, ERR_STORAGE,
				    "the storage could not be read");
		return;
	}
	p->n_resources = answers[0].count;
	good_us = PROBE_COUNT_SHARE * (n->now.mono_us - p->asked_us);
	if (good_us < PROBE_COUNT_US)
		good_us = PROBE_COUNT_US;
	p->until_us = n->now.mono_us + good_us;
	answer(n, ctx, p->n_resources);
}

/*
 * To count takes a look at all that is stored: once in a while, and one at a
 * time.  Who asks during that asks again, s6.2.1.
 */
static void count(struct node *n, struct request *req)
{
	struct query q = { .type = QUERY_COUNT,
			   .from = n->id,
			   .to = n->id,
			   .alive_ms = n->now.unix_ms };
	struct probes *p = &n->probes;

	if (n->now.mono_us < p->until_us) {
		answer(n, req, p->n_resources);
	} else if (p->counting ||
		   node_failed(n, read_start(n, &q, 1, counted, req)) != OK) {
		request_drop_take(n, req);
	} else {
		p->counting = true;
		p->asked_us = n->now.mono_us;
	}
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
