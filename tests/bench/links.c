/* SPDX-License-Identifier: ISC */
/*
 * What links cost, over loopback, without what nodes do with the messages:
 *
 *	links throughput	1 KB messages a second from one node to another,
 *				by TLS and by DTLS in turn, both on one core
 *	links idle N		resident memory and CPU of a peer with N idle
 *				DTLS links of clients
 *
 * Prints JSON.
 */
#include "../unit/pki.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/state.h"
#include "net/loop.h"
#include "net/transport.h"

enum {
	MESSAGE_LEN = 1024,
	ROUNDS = 5,
	ROUND_S = 1,
	USERS = 40, /* each has sockets for 32 links to one address */
	SETTLE_S = 3,
	IDLE_S = 10
};

/* A node and its links, with nothing else around. */
struct end {
	struct node *node;
	struct transport *transport;
	struct signer *signer;
	uint64_t n_messages; /* that came */
	uint32_t n_up;
};

static struct pki pki;
static struct overlay *overlay;
static struct loop *loop;

static void must(enum err r)
{
	if (r == OK)
		return;
	fprintf(stderr, "links: %s\n", err_text(r));
	exit(1);
}

static double now_s(void)
{
	return (double)loop_now().mono_us / 1e6;
}

static void apply(struct end *e)
{
	struct effect fx;

	while (node_poll(e->node, &fx)) {
		if (fx.type == FX_SEND)
			transport_send(e->transport, fx.link, fx.bytes);
		else if (fx.type == FX_CLOSE)
			transport_close(e->transport, fx.link);
	}
}

static void step(struct end *e, const struct event *ev)
{
	must(node_step(e->node, loop_now(), ev));
	apply(e);
}

static void on_up(void *ctx, const struct transport_link *l, struct cert *cert,
		  uint8_t overlay_link, uint32_t mtu)
{
	struct event ev = { .type = EV_LINK_UP,
			    .link = l->number,
			    .cert = cert,
			    .address = l->address,
			    .overlay_link = overlay_link,
			    .mtu = mtu };
	struct end *e = ctx;

	e->n_up++;
	if (e->node != NULL)
		step(e, &ev);
	else /* a data frame without a message: it is answered by an ACK */
		transport_send(e->transport, l->number,
			       slice_of("\x80\0\0\0\0\0\0\0", 8));
}

static void on_bytes(void *ctx, uint32_t number, struct slice bytes)
{
	struct event ev = { .type = EV_BYTES, .link = number, .bytes = bytes };
	struct end *e = ctx;

	if (e->node != NULL)
		step(e, &ev);
}

static void on_down(void *ctx, const struct transport_link *l, enum err r,
		    const struct why *why)
{
	(void)ctx;
	(void)l;
	fprintf(stderr, "links: %s: %s\n", err_text(r), why->text);
	exit(1);
}

static void on_failed(void *ctx, enum err r)
{
	(void)ctx;
	must(r);
}

/* What is no message is dropped, and that is told: so all that came is counted
 * and nothing more is done with it. */
static void on_trace(void *ctx, const char *line)
{
	struct end *e = ctx;

	if (getenv("TR"))
		fprintf(stderr, "%p %s\n", ctx, line);
	e->n_messages += strncmp(line, "drop 1024 bytes", 15) == 0;
}

static void open_end(struct end *e, uint8_t id, uint8_t protocols, bool node)
{
	struct transport_config cfg = { .loop = loop_uv(loop),
					.crypto = pki.crypto,
					.overlay = overlay,
					.protocols = protocols,
					.calls = { on_up, on_bytes, on_down,
						   on_failed, e } };
	struct node_config n = { .role = ROLE_PEER,
				 .overlay = overlay,
				 .crypto = pki.crypto,
				 .trace = on_trace,
				 .trace_ctx = e };
	const uint8_t seed[32] = { id };

	*e = (struct end){ .signer = pki_signer(&pki, id, KEY_P256) };
	cfg.signer = n.signer = e->signer;
	must(transport_new(&e->transport, &cfg, NULL));
	if (node)
		must(node_new(&e->node, &n, seed));
}

static void close_end(struct end *e)
{
	transport_free(e->transport);
	node_free(e->node);
	signer_close(e->signer, pki.crypto);
}

static struct link_address listen_on_any(struct end *e)
{
	struct ip_address_port a = { .type = ADDRESS_IPV4,
				     .addr = { 127, 0, 0, 1 } };
	const struct link_address *v;

	must(transport_listen(e->transport, &a, NULL));
	transport_listening(e->transport, &v);
	return v[0];
}

static void connect_to(struct end *e, const struct link_address *to,
		       uint32_t number)
{
	struct effect fx = { .type = FX_CONNECT,
			     .link = number,
			     .address = to->address,
			     .overlay_link = to->overlay_link };

	must(transport_connect(e->transport, &fx));
}

static void on_wake(uv_timer_t *t)
{
	(void)t; /* only wakes the loop */
}

/* ---- throughput ---- */

/* As many messages as the link takes, and the timers of both nodes. */
static void pump(struct end *from, struct end *to)
{
	static const uint8_t message[MESSAGE_LEN];
	struct event timer = { .type = EV_TIMER };
	struct link *l = from->node->links.first;
	struct end *both[2] = { from, to };

	from->node->now = loop_now();
	while (l != NULL && link_has_room(l, 1, MESSAGE_LEN)) {
		must(link_send(from->node, l, slice_of(message, MESSAGE_LEN)));
		apply(from);
	}
	for (int i = 0; i < 2; i++)
		if (node_deadline(both[i]->node) <= loop_now().mono_us)
			step(both[i], &timer);
	uv_run(loop_uv(loop), UV_RUN_NOWAIT);
}

static double rate(uint8_t protocol)
{
	struct link_address at;
	struct end a, b;
	uint64_t before;
	double start;

	open_end(&a, 1, protocol, true);
	open_end(&b, 2, protocol, true);
	at = listen_on_any(&b);
	/* A number of an accepted link: the node did not ask for this one. */
	connect_to(&a, &at, LINK_INCOMING | 1000);
	while (a.n_up == 0 || b.n_up == 0)
		uv_run(loop_uv(loop), UV_RUN_ONCE);
	for (start = now_s(); now_s() < start + ROUND_S;)
		pump(&a, &b); /* the window opens */
	before = b.n_messages;
	for (start = now_s(); now_s() < start + ROUND_S;)
		pump(&a, &b);
	before = b.n_messages - before;
	close_end(&a);
	close_end(&b);
	return (double)before / ROUND_S;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void throughput(void)
{
	double v[2][ROUNDS], *tls = v[0], *dtls = v[1], ratio;

	for (int i = 0; i < ROUNDS; i++) {
		tls[i] = rate(LINK_PROTOCOL_TLS);
		dtls[i] = rate(LINK_PROTOCOL_DTLS);
	}
	qsort(tls, ROUNDS, sizeof(*tls), compare);
	qsort(dtls, ROUNDS, sizeof(*dtls), compare);
	ratio = dtls[ROUNDS / 2] / tls[ROUNDS / 2];
	printf("{\"bench\":\"DTLS link, 1 KB messages a second, against TLS\","
	       "\"tls\":%.0f,\"dtls\":%.0f,\"ratio\":%.2f,\"target\":0.5,"
	       "\"ok\":%s}\n",
	       tls[ROUNDS / 2], dtls[ROUNDS / 2], ratio,
	       ratio >= 0.5 ? "true" : "false");
}

/* ---- idle links ---- */

/* The peer, in a process of its own: says its port, then lives until killed. */
static void serve(int out)
{
	struct event timer = { .type = EV_TIMER };
	struct link_address at;
	struct end e;
	uv_timer_t wake;
	uint64_t deadline;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	must(loop_new(&loop));
	open_end(&e, 1, LINK_PROTOCOL_DTLS, true);
	at = listen_on_any(&e);
	if (write(out, &at, sizeof(at)) != sizeof(at))
		exit(1);
	uv_timer_init(loop_uv(loop), &wake);
	for (;;) {
		deadline = node_deadline(e.node);
		if (deadline <= loop_now().mono_us)
			step(&e, &timer);
		else if (deadline != NEVER)
			uv_timer_start(
				&wake, on_wake,
				(deadline - loop_now().mono_us) / 1000 + 1, 0);
		uv_run(loop_uv(loop), UV_RUN_ONCE);
	}
}

static uint64_t number_in(pid_t pid, const char *file, const char *after,
			  int field)
{
	char path[64], text[8192], *p;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	if ((f = fopen(path, "r")) == NULL)
		exit(1);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	if ((p = strstr(text, after)) == NULL)
		exit(1);
	for (p += strlen(after); field > 0; field--)
		p = strchr(p + 1, ' ');
	return strtoull(p, NULL, 10);
}

static uint64_t rss_kb(pid_t pid)
{
	return number_in(pid, "status", "VmRSS:", 0);
}

/* Clock ticks of user and system together. */
static uint64_t cpu_ticks(pid_t pid)
{
	return number_in(pid, "stat", ")", 12) +
	       number_in(pid, "stat", ")", 13);
}

static void run_for(double seconds)
{
	double end = now_s() + seconds;

	while (now_s() < end)
		uv_run(loop_uv(loop), UV_RUN_ONCE);
}

static void idle(uint32_t n)
{
	static struct end users[USERS];
	struct link_address at;
	uint64_t before, after, ticks;
	uv_timer_t wake;
	uint32_t up;
	double cpu;
	int fd[2];
	pid_t pid;

	if (pipe(fd) != 0 || (pid = fork()) < 0)
		exit(1);
	if (pid == 0)
		serve(fd[1]);
	if (read(fd[0], &at, sizeof(at)) != sizeof(at))
		exit(1);
	must(loop_new(&loop));
	uv_timer_init(loop_uv(loop), &wake);
	uv_timer_start(&wake, on_wake, 100, 100);
	before = rss_kb(pid);
	for (uint32_t i = 0; i < USERS; i++)
		open_end(&users[i], (uint8_t)(10 + i), LINK_PROTOCOL_DTLS,
			 false);
	for (uint32_t i = 0; i < n; i++) {
		struct end *e = &users[i % USERS];

		up = e->n_up;
		connect_to(e, &at, 1 + i);
		while (e->n_up == up)
			uv_run(loop_uv(loop), UV_RUN_ONCE);
	}
	run_for(SETTLE_S);
	after = rss_kb(pid);
	ticks = cpu_ticks(pid);
	run_for(IDLE_S);
	cpu = 100.0 * (double)(cpu_ticks(pid) - ticks) /
	      (double)sysconf(_SC_CLK_TCK) / IDLE_S;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("{\"bench\":\"idle DTLS links of clients\",\"links\":%u,"
	       "\"rss_kb\":[%lu,%lu],\"growth_kb\":%lu,\"target_kb\":102400,"
	       "\"cpu_percent\":%.2f,\"target_percent\":1,\"ok\":%s}\n",
	       n, (unsigned long)before, (unsigned long)after,
	       (unsigned long)(after - before), cpu,
	       after - before <= 102400 && cpu < 1 ? "true" : "false");
}

int main(int argc, char *argv[])
{
	if (argc < 2 || (argc < 3 && strcmp(argv[1], "idle") == 0)) {
		fprintf(stderr, "usage: links throughput | idle N\n");
		return 64;
	}
	pki_init(&pki, KEY_P256);
	overlay = overlay_new();
	overlay->no_ice = true;
	if (strcmp(argv[1], "idle") == 0) {
		idle((uint32_t)strtoul(argv[2], NULL, 10));
		return 0;
	}
	must(loop_new(&loop));
	throughput();
	return 0;
}
