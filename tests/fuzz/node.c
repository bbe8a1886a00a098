/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a ring of two peers and a member that says what the input tells
 * it to.  The input is a list of chunks: a byte that says what is done, two of
 * length, and that many bytes.  Whatever comes, node_step() succeeds (the world
 * ends the program when it does not) and a Ping is answered at the end.
 */
#include <stdlib.h>

#include "../sim/rogue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CHUNK_HEAD = 3, LINKS_MAX_HERE = 16, CHUNKS_MAX = 64 };

/* What a chunk does. */
enum chunk {
	CHUNK_BYTES,   /* on the link, as they are */
	CHUNK_MESSAGE, /* in a data frame */
	CHUNK_PAYLOAD, /* behind a header for the first peer */
	CHUNK_SIGNED,  /* two bytes of code, a body: signed, to a peer */
	CHUNK_HEADER,  /* as SIGNED, four bytes of fields before it */
	CHUNK_ANSWER,  /* two bytes of code, a body: to its last request */
	CHUNK_WAIT,    /* for as many 10 ms as its first byte says */
	CHUNK_LINK,    /* another link */
	CHUNKS
};

struct play {
	struct world *w;
	struct rogue *r;
	struct host *peer;
	uint32_t link;
};

/* Two bytes of code, which is not 0 (no draft has that), and a body. */
static void contents(struct draft *d, struct slice in)
{
	uint16_t code = (uint16_t)(in.p[0] << 8 | in.p[1]);

	d->contents.message_code = code == 0 ? MSG_ERROR : code;
	d->contents.message_body = slice_sub(in, 2, in.len - 2);
}

static void signed_request(struct play *p, struct slice in, bool fields)
{
	struct draft d;

	if (in.len < (fields ? 6 : 2))
		return;
	draft_init(&d, p->r, 0);
	draft_to_node(&d, &p->peer->signer.node_id);
	if (fields) {
		d.header.ttl = in.p[0];
		d.header.configuration_sequence = in.p[1];
		d.header.max_response_length = in.p[2];
		if ((in.p[3] & 1) != 0)
			draft_via(&d, &p->r->host->signer.node_id);
		if ((in.p[3] & 2) != 0)
			d.header.destination_list.n = 0;
		if ((in.p[3] & 4) != 0) {
			d.header.destination_list.n = 0;
			draft_to_resource(&d, &p->peer->signer.node_id);
		}
		if ((in.p[3] & 8) != 0)
			d.header.transaction_id = in.p[3];
		in = slice_sub(in, 4, in.len - 4);
	}
	contents(&d, in);
	(void)rogue_send(p->r, p->link, &d);
}

static void payload(struct play *p, struct slice in)
{
	struct destination to = destination_node(&p->peer->signer.node_id);
	struct packet out = { .header = { .overlay = p->w->overlay->hash,
					  .configuration_sequence = 1,
					  .version = RELOAD_VERSION,
					  .ttl = 10,
					  .fragment = FRAGMENT_WHOLE,
					  .transaction_id = 1,
					  .destination_list = { &to, 1 } },
			      .payload = in };
	struct buf b = BUF_INIT(1 << 20);

	/* The first byte may make it a fragment. */
	if (in.len > 0 && (in.p[0] & 1) != 0)
		out.header.fragment = FRAGMENT_MARK |
				      (in.p[0] & 2 ? FRAGMENT_LAST : 0) |
				      in.p[0];
	MUST(packet_encode(&out, &b, &p->w->env));
	rogue_frame(p->r, p->link, rogue_keep(p->r, buf_slice(&b)));
	buf_clear(&b);
}

static void answer(struct play *p, struct slice in)
{
	const struct heard *h = p->r->heard, *last = NULL;
	struct draft d;

	for (; h != NULL; h = h->next)
		if (h->whole &&
		    message_is_request(h->message.contents.message_code))
			last = h;
	if (last == NULL || in.len < 2)
		return;
	draft_answer(&d, p->r, last, 0);
	contents(&d, in);
	(void)rogue_send(p->r, p->link, &d);
}

static void chunk(struct play *p, uint8_t what, struct slice in)
{
	if (!rogue_link(p->r, p->link)->up && what != CHUNK_LINK)
		return;
	switch ((enum chunk)(what % CHUNKS)) {
	case CHUNK_BYTES:
		rogue_bytes(p->r, p->link, in);
		break;
	case CHUNK_MESSAGE:
		rogue_frame(p->r, p->link, in);
		break;
	case CHUNK_PAYLOAD:
		payload(p, in);
		break;
	case CHUNK_SIGNED:
		signed_request(p, in, false);
		break;
	case CHUNK_HEADER:
		signed_request(p, in, true);
		break;
	case CHUNK_ANSWER:
		answer(p, in);
		break;
	case CHUNK_WAIT:
		if (in.len > 0)
			world_run(p->w, in.p[0] * UINT64_C(10000));
		break;
	case CHUNK_LINK:
		if (p->r->n_links < LINKS_MAX_HERE)
			p->link = rogue_connect(p->r, p->peer);
		break;
	default:
		break;
	}
	world_run(p->w, 50000);
}

/* A peer that no input has harmed answers. */
static void check_alive(struct play *p)
{
	struct draft d;

	p->link = rogue_connect(p->r, p->peer);
	draft_init(&d, p->r, MSG_PING_REQ);
	d.contents.message_body = SLICE_LIT("\0\0");
	draft_to_node(&d, &p->peer->signer.node_id);
	d.header.configuration_sequence = p->peer->overlay->sequence;
	if (p->link == 0 || rogue_ask(p->r, p->link, &d) == NULL)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct world_options opt = { .seed = 1, .hosts_max = 4 };
	struct play p = { .w = world_new(&opt) };
	size_t len;

	world_ring(p.w, 2);
	p.peer = p.w->hosts[0];
	p.r = rogue_new(p.w, "rogue", NULL);
	p.link = rogue_connect(p.r, p.peer);
	for (int i = 0; i < CHUNKS_MAX && size >= CHUNK_HEAD; i++) {
		len = (size_t)data[1] << 8 | data[2];
		if (len > size - CHUNK_HEAD)
			len = size - CHUNK_HEAD;
		chunk(&p, data[0], slice_of(data + CHUNK_HEAD, len));
		data += CHUNK_HEAD + len;
		size -= CHUNK_HEAD + len;
	}
	check_alive(&p);
	rogue_free(p.r);
	world_free(p.w);
	return 0;
}
