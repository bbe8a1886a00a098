/* SPDX-License-Identifier: ISC */
/*
 * Large rings: how many messages a join takes, how many hops a lookup, how much
 * memory a node.  Without options two small rings, as TAP; with --nodes one
 * run, reported as tab-separated values.  Its figures are in scale.md.  What
 * goes wrong in rings with faults is main.c's to find.
 */
#include <getopt.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "lay.h"
#include "uthash.h"

enum {
	LAID_FROM = 20000, /* nodes: more are not joined one by one */
	JOINS_MAX = 20,    /* the last ones, which are measured */
	LOOKUPS_MIN = 1000,
	BURST = 500,   /* lookups begun at one moment */
	SAMPLE = 1000, /* nodes whose tables are read, and freed */
	HOPS_MAX = 128
};

struct options {
	uint64_t seed;
	uint32_t nodes, lookups;
	bool laid, reactive;
};

struct lookup {
	struct node_id target;
	const struct host *owner;
	uint32_t hops;
	bool found;
	UT_hash_handle hh;
};

struct report {
	double join_messages, all_join_messages;
	uint32_t lookups, failed, hops[HOPS_MAX + 1];
	double successors, fingers, links;
	uint32_t links_max, sampled, wrong; /* successors */
	uint64_t node_bytes, process_bytes; /* a node */
	uint64_t virtual_s;
	double cpu_s;
};

struct run {
	const struct options *opt;
	struct world *w;
	struct order order;
	struct lookup *lookups; /* by target */
	struct report report;
};

/* ---- joins ---- */

static bool joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

static void join_one(struct world *w, uint32_t i)
{
	struct host *h;
	char user[64];

	snprintf(user, sizeof(user), "joining%u@sim.example.org", i);
	h = world_host(w, user, NULL);
	host_start(h, ROLE_PEER, i == 0);
	if (!world_run_until(w, joined, h, 120 * SECOND_US)) {
		fprintf(stderr, "%s does not join\n", user);
		abort();
	}
	while (w->outcomes != NULL)
		world_forget(w, w->outcomes->id);
}

/* The last joins are counted apart, each with what follows from it. */
static void grow(struct run *r)
{
	uint32_t n = r->opt->nodes,
		 last = n / 2 < JOINS_MAX ? n / 2 : JOINS_MAX;
	struct world *w = r->w;
	uint64_t before;

	if (r->opt->laid)
		lay_ring(w, n - last);
	for (uint32_t i = r->opt->laid ? n - last : 0; i < n - last; i++)
		join_one(w, i);
	world_run(w, 30 * SECOND_US);
	if (!r->opt->laid)
		r->report.all_join_messages = (double)w->net.n_messages /
					      (n - last);
	before = w->net.n_messages;
	for (uint32_t i = n - last; i < n; i++) {
		join_one(w, i);
		world_run(w, 5 * SECOND_US);
	}
	r->report.join_messages = (double)(w->net.n_messages - before) / last;
}

/* ---- lookups ---- */

/* Each time that a Ping for a target is sent on is a hop. */
static enum verdict see(void *ctx, const struct sight *s, struct buf *message)
{
	const struct destination_list *to;
	struct node_id target;
	struct run *r = ctx;
	struct lookup *l;

	(void)message;
	if (s->message == NULL ||
	    s->message->contents.message_code != MSG_PING_REQ)
		return NET_PASS;
	to = &s->message->header.destination_list;
	if (to->v[to->n - 1].type != DESTINATION_RESOURCE ||
	    id_from_slice(&target, to->v[to->n - 1].id) != OK)
		return NET_PASS;
	HASH_FIND(hh, r->lookups, &target, sizeof(target), l);
	if (l != NULL)
		l->hops++;
	return NET_PASS;
}

static void start(struct run *r, struct lookup *l)
{
	struct world *w = r->w;
	struct destination to;
	struct command c = { .type = CMD_PING, .destination = { &to, 1 } };
	uint32_t from = (uint32_t)rng_below(&w->rng, r->order.n);

	rng_bytes(&w->rng, l->target.b, RING_ID_LEN);
	l->owner = r->order.v[order_owner(&r->order, &l->target)];
	HASH_ADD(hh, r->lookups, target, sizeof(l->target), l);
	to = destination_resource(id_slice(&l->target, RING_ID_LEN));
	c.id = w->next_command;
	(void)host_command(r->order.v[from], &c);
}

/* Commands were numbered in the order of `all`. */
static void collect(struct run *r, struct lookup *all, uint64_t first)
{
	struct world *w = r->w;
	const struct outcome *o;
	struct lookup *l;

	while ((o = w->outcomes) != NULL) {
		l = &all[o->id - first];
		l->found = o->result.err == OK &&
			   id_eq(&o->result.responder,
				 &l->owner->signer.node_id);
		world_forget(w, o->id);
	}
}

static void look_up(struct run *r)
{
	uint32_t n = r->opt->lookups;
	struct lookup *all = calloc(n, sizeof(*all));
	uint64_t first = r->w->next_command;

	if (all == NULL)
		MUST(ERR_NOMEM);
	net_watch_add(r->w, see, r);
	for (uint32_t i = 0; i < n; i++) {
		start(r, &all[i]);
		if (i % BURST == BURST - 1) {
			world_run(r->w, SECOND_US);
			collect(r, all, first);
		}
	}
	world_run(r->w, 30 * SECOND_US);
	collect(r, all, first);
	r->report.lookups = n;
	for (uint32_t i = 0; i < n; i++) {
		r->report.failed += !all[i].found;
		r->report.hops[all[i].hops < HOPS_MAX ? all[i].hops
						      : HOPS_MAX]++;
	}
	HASH_CLEAR(hh, r->lookups);
	free(all);
}

static double hops_mean(const struct report *p)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i <= HOPS_MAX; i++)
		sum += (uint64_t)i * p->hops[i];
	return (double)sum / p->lookups;
}

/* The fewest hops with which this share of the lookups gets along. */
static uint32_t hops_within(const struct report *p, double share)
{
	uint32_t sum = 0, i = 0;

	while (i < HOPS_MAX && (double)(sum += p->hops[i]) < share * p->lookups)
		i++;
	return i;
}

/* 0.5 * log2(N) + 1; the logarithm between two powers as on a straight line. */
static double hops_bound(uint32_t n)
{
	double log2_n = 0, x = n;

	for (; x >= 2; x /= 2)
		log2_n++;
	return 0.5 * (log2_n + x - 1) + 1;
}

/* ---- tables and memory ---- */

static void read_tables(struct run *r)
{
	struct command c = { .type = CMD_TABLE };
	uint32_t step = r->order.n / SAMPLE + 1, k = 0;
	const struct chord_update *u;
	struct report *p = &r->report;
	struct host *h, *next;
	uint64_t links = 0;

	for (uint32_t i = 0; i < r->order.n; i++) {
		h = r->order.v[i];
		links += net_links(h);
		if (net_links(h) > p->links_max)
			p->links_max = net_links(h);
		if (i % step != 0)
			continue;
		next = r->order.v[(i + 1) % r->order.n];
		u = host_do(h, &c)->result.table;
		p->successors += u->successors.n;
		p->fingers += u->fingers.n;
		p->wrong += u->successors.n == 0 ||
			    !id_eq(&u->successors.v[0], &next->signer.node_id);
		k++;
		world_forget(r->w, c.id);
	}
	p->successors /= k;
	p->fingers /= k;
	p->sampled = k;
	p->links = (double)links / r->order.n;
}

/* What becomes free when nodes end, and the whole process by the node. */
static void weigh(struct run *r)
{
	uint32_t step = r->order.n / SAMPLE + 1, k = 0;
	unsigned long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");
	struct host *h;
	size_t before;

	if (f == NULL || fscanf(f, "%lu %lu", &pages, &resident) != 2)
		resident = 0;
	if (f != NULL)
		fclose(f);
	r->report.process_bytes = resident * (uint64_t)sysconf(_SC_PAGESIZE) /
				  r->order.n;
	before = mallinfo2().uordblks;
	for (uint32_t i = 0; i < r->order.n; i += step, k++) {
		h = r->order.v[i];
		heap_cancel(&r->w->timers, &h->timer);
		node_free(h->node);
		h->node = NULL;
	}
	r->report.node_bytes = (before - mallinfo2().uordblks) / k;
}

/* ---- a run ---- */

static void repeat_line(const struct options *o)
{
	printf("# scale --seed %llu --nodes %u --lookups %u%s%s\n",
	       (unsigned long long)o->seed, o->nodes, o->lookups,
	       o->laid ? " --laid" : "", o->reactive ? " --reactive" : "");
	fflush(stdout);
}

static void run(const struct options *o, struct report *out)
{
	struct world_options wo = { .seed = o->seed,
				    .hosts_max = o->nodes + 1 };
	struct run r = { .opt = o, .w = world_new(&wo) };

	repeat_line(o);
	r.w->toy.share = true;
	/* RFC 6940 s10: of more than 1000 nodes reactive ones may be unstable.
	 * Periodic Updates are not what is counted here. */
	r.w->overlay->chord_reactive = o->reactive;
	r.w->overlay->chord_update_interval_s = 86400;
	grow(&r);
	order_make(&r.order, r.w);
	read_tables(&r);
	look_up(&r);
	weigh(&r);
	r.report.virtual_s = r.w->now_us / SECOND_US;
	r.report.cpu_s = (double)clock() / CLOCKS_PER_SEC;
	*out = r.report;
	order_clear(&r.order);
	if (o->nodes < LAID_FROM)
		world_free(r.w); /* else the end of the process is faster */
}

static void print(const struct options *o, const struct report *p)
{
	printf("# mode\tnodes\thops\thops_p99\thops_bound\tlookups\tfailed\t"
	       "join_messages\tjoin_messages_all\tsuccessors\tfingers\tlinks\t"
	       "links_max\tnode_bytes\tprocess_bytes\twrong\tvirtual_s\t"
	       "cpu_s\n");
	printf("%s\t%u\t%.3f\t%u\t%.3f\t%u\t%u\t%.1f\t%.1f\t%.2f\t%.2f\t%.2f\t"
	       "%u\t%llu\t%llu\t%u\t%llu\t%.0f\n",
	       o->laid ? "laid" : "joined", o->nodes, hops_mean(p),
	       hops_within(p, 0.99), hops_bound(o->nodes), p->lookups,
	       p->failed, p->join_messages, p->all_join_messages, p->successors,
	       p->fingers, p->links, p->links_max,
	       (unsigned long long)p->node_bytes,
	       (unsigned long long)p->process_bytes, p->wrong,
	       (unsigned long long)p->virtual_s, p->cpu_s);
}

static bool good(const struct options *o, const struct report *p)
{
	return p->failed == 0 && p->wrong == 0 &&
	       hops_mean(p) <= hops_bound(o->nodes);
}

static int run_set(void)
{
	static const struct options set[] = {
		{ .seed = 1, .nodes = 300, .lookups = 2000 },
		{ .seed = 1, .nodes = 300, .lookups = 2000, .laid = true },
	};
	const uint32_t n = sizeof(set) / sizeof(set[0]);
	int status = 0;

	printf("1..%u\n", n);
	for (uint32_t i = 0; i < n; i++) {
		struct report p;
		bool ok;

		run(&set[i], &p);
		ok = good(&set[i], &p);
		status |= !ok;
		printf("# %.3f hops, at most %.3f; %u not found; %u wrong\n",
		       hops_mean(&p), hops_bound(set[i].nodes), p.failed,
		       p.wrong);
		printf("%s %u - %u nodes %s\n", ok ? "ok" : "not ok", i + 1,
		       set[i].nodes, set[i].laid ? "laid" : "joined");
	}
	return status;
}

static uint32_t number(const char *text, uint32_t min, uint32_t max)
{
	uint64_t v;

	if (text_u64(&v, text, min, max) == OK)
		return (uint32_t)v;
	fprintf(stderr, "scale: %s: not a number from %u to %u\n", text, min,
		max);
	exit(64);
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "lookups", required_argument, NULL, 'l' },
		{ "laid", no_argument, NULL, 'a' },
		{ "reactive", no_argument, NULL, 'r' },
		{ NULL, 0, NULL, 0 }
	};
	struct options o = { .seed = 1, .nodes = 300 };
	struct report p;
	int c;

	if (argc == 1)
		return run_set();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			o.seed = number(optarg, 0, UINT32_MAX);
			break;
		case 'n':
			o.nodes = number(optarg, 4, 1000000);
			break;
		case 'l':
			o.lookups = number(optarg, 1, 10000000);
			break;
		case 'a':
			o.laid = true;
			break;
		case 'r':
			o.reactive = true;
			break;
		default:
			return 64;
		}
	}
	o.laid = o.laid || o.nodes > LAID_FROM;
	if (o.lookups == 0)
		o.lookups = o.nodes < LOOKUPS_MIN ? LOOKUPS_MIN : o.nodes;
	run(&o, &p);
	print(&o, &p);
	return good(&o, &p) ? 0 : 1;
}
