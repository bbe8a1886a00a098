/* SPDX-License-Identifier: ISC */
/*
 * SRV records and addresses by c-ares, one question at a time.  RFC 6940 s11.2,
 * RFC 2782.
 */
#include "net/resolve.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "net/loop.h"
#include "net/sockaddr.h"

enum { SOCKETS_MAX = 16, TRIES = 2, TRY_MS = 2000 };

/* One question. */
struct question {
	ares_channel channel;
	struct pollfd fds[SOCKETS_MAX];
	nfds_t n_fds;
	bool done;
	int status; /* of c-ares */
	uint16_t port;
	struct resolve_target *targets;
	struct ip_address_port *addresses;
	size_t n;
};

/* Which sockets to wait for, and for what. */
static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct question *q = ctx;
	short events = (short)((readable ? POLLIN : 0) |
			       (writable ? POLLOUT : 0));
	nfds_t i = 0;

	while (i < q->n_fds && q->fds[i].fd != fd)
		i++;
	if (i == q->n_fds && events != 0 && i < SOCKETS_MAX)
		q->n_fds++;
	if (i < q->n_fds)
		q->fds[i] = (struct pollfd){ .fd = fd, .events = events };
	if (i < q->n_fds && events == 0)
		q->fds[i] = q->fds[--q->n_fds];
}

static enum err open_channel(struct question *q, struct why *why)
{
	const char *server = getenv("P2PSIP_DNS");
	struct ares_options o = { .timeout = TRY_MS,
				  .tries = TRIES,
				  .sock_state_cb = on_socket,
				  .sock_state_cb_data = q };
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	if (rc == ARES_SUCCESS)
		rc = ares_init_options(&q->channel, &o,
				       ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					       ARES_OPT_SOCK_STATE_CB);
	if (rc == ARES_SUCCESS && server != NULL)
		rc = ares_set_servers_ports_csv(q->channel, server);
	if (rc == ARES_SUCCESS)
		return OK;
	return why_err(why, ERR_DNS, "%s", ares_strerror(rc));
}

/* Runs the channel until the question is answered. */
static void wait_for_answer(struct question *q, uint64_t end_us)
{
	while (!q->done) {
		uint64_t now_us = loop_now().mono_us;
		struct timeval left, tv, *t;
		struct pollfd ready[SOCKETS_MAX];
		nfds_t n = q->n_fds;
		int ms;

		if (now_us >= end_us)
			return;
		left.tv_sec = (time_t)((end_us - now_us) / 1000000);
		left.tv_usec = (suseconds_t)((end_us - now_us) % 1000000);
		t = ares_timeout(q->channel, &left, &tv);
		ms = (int)(t->tv_sec * 1000 + t->tv_usec / 1000 + 1);
		memcpy(ready, q->fds, n * sizeof(*ready));
		if (poll(ready, n, ms) < 0 && errno != EINTR)
			return;
		/* What it does may change q->fds. */
		ares_process_fd(q->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
		for (nfds_t i = 0; i < n && !q->done; i++)
			if (ready[i].revents != 0)
				ares_process_fd(q->channel,
						ready[i].revents & ~POLLOUT
							? ready[i].fd
							: ARES_SOCKET_BAD,
						ready[i].revents & POLLOUT
							? ready[i].fd
							: ARES_SOCKET_BAD);
	}
}

static void close_channel(struct question *q)
{
	ares_destroy(q->channel); /* an open question ends here */
	ares_library_cleanup();
}

static enum err verdict(const struct question *q, const char *name,
			struct why *why)
{
	if (!q->done)
		return why_err(why, ERR_DNS, "%.180s: no answer in time", name);
	if (q->status != ARES_SUCCESS)
		return why_err(why, ERR_DNS, "%.180s: %s", name,
			       ares_strerror(q->status));
	if (q->n == 0)
		return why_err(why, ERR_DNS, "%.180s: nothing there", name);
	return OK;
}

/* ---- SRV ---- */

static void add_target(struct question *q, const char *host, uint16_t port,
		       uint16_t priority, uint16_t weight)
{
	struct resolve_target *t = &q->targets[q->n];

	/* "." says that there is no such service. */
	if (q->n == RESOLVE_MAX || host[0] == '\0' || strcmp(host, ".") == 0 ||
	    strlen(host) >= RESOLVE_HOST_MAX)
		return;
	memcpy(t->host, host, strlen(host) + 1);
	t->port = port;
	t->priority = priority;
	t->weight = weight;
	q->n++;
}

#if ARES_VERSION >= 0x011c00 /* 1.28 */
static void on_srv(void *ctx, ares_status_t status, size_t timeouts,
		   const ares_dns_record_t *answer)
{
	struct question *q = ctx;
	size_t all = status != ARES_SUCCESS
			     ? 0
			     : ares_dns_record_rr_cnt(answer,
						      ARES_SECTION_ANSWER);

	(void)timeouts; /* of no interest */
	q->done = true;
	q->status = (int)status;
	for (size_t i = 0; i < all; i++) {
		const ares_dns_rr_t *rr = ares_dns_record_rr_get_const(
			answer, ARES_SECTION_ANSWER, i);

		if (ares_dns_rr_get_type(rr) == ARES_REC_TYPE_SRV)
			add_target(
				q, ares_dns_rr_get_str(rr, ARES_RR_SRV_TARGET),
				ares_dns_rr_get_u16(rr, ARES_RR_SRV_PORT),
				ares_dns_rr_get_u16(rr, ARES_RR_SRV_PRIORITY),
				ares_dns_rr_get_u16(rr, ARES_RR_SRV_WEIGHT));
	}
}

static void ask_srv(struct question *q, const char *name)
{
	/* its failure comes to on_srv as well */
	(void)ares_query_dnsrec(q->channel, name, ARES_CLASS_IN,
				ARES_REC_TYPE_SRV, on_srv, q, NULL);
}
#else
static void on_srv(void *ctx, int status, int timeouts, unsigned char *bytes,
		   int len)
{
	struct ares_srv_reply *all = NULL;
	struct question *q = ctx;

	(void)timeouts; /* of no interest */
	q->done = true;
	q->status = status;
	if (status == ARES_SUCCESS)
		q->status = ares_parse_srv_reply(bytes, len, &all);
	for (const struct ares_srv_reply *t = all; t != NULL; t = t->next)
		add_target(q, t->host, t->port, t->priority, t->weight);
	ares_free_data(all);
}

static void ask_srv(struct question *q, const char *name)
{
	ares_query(q->channel, name, C_IN, T_SRV, on_srv, q);
}
#endif

static int by_priority(const void *a, const void *b)
{
	const struct resolve_target *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

/* RFC 2782: within a priority, drawn by weight. */
static void order(struct resolve_target *t, size_t n)
{
	qsort(t, n, sizeof(*t), by_priority);
	for (size_t i = 0; i < n; i++) {
		uint32_t sum = 0, at;
		size_t pick = i;
		struct resolve_target swap = t[i];

		for (size_t k = i; k < n && t[k].priority == t[i].priority; k++)
			sum += t[k].weight;
		at = arc4random_uniform(sum + 1);
		for (sum = t[pick].weight;
		     sum < at && pick + 1 < n &&
		     t[pick + 1].priority == t[i].priority;)
			sum += t[++pick].weight;
		t[i] = t[pick];
		t[pick] = swap;
	}
}

enum err resolve_srv(const char *service, uint64_t timeout_us,
		     struct resolve_target out[static RESOLVE_MAX], size_t *n,
		     struct why *why)
{
	struct question q = { .targets = out };
	enum err r;

	if ((r = open_channel(&q, why)) == OK) {
		ask_srv(&q, service);
		wait_for_answer(&q, loop_now().mono_us + timeout_us);
		r = verdict(&q, service, why);
	}
	close_channel(&q);
	if (r != OK)
		return r;
	order(out, q.n);
	*n = q.n;
	return OK;
}

/* ---- addresses ---- */

static void on_addresses(void *ctx, int status, int timeouts,
			 struct ares_addrinfo *all)
{
	struct question *q = ctx;
	const struct ares_addrinfo_node *a;

	(void)timeouts; /* of no interest */
	q->done = true;
	q->status = status;
	for (a = all == NULL ? NULL : all->nodes;
	     a != NULL && q->n < RESOLVE_MAX; a = a->ai_next) {
		struct sockaddr_storage sa = { 0 };

		if ((size_t)a->ai_addrlen > sizeof(sa))
			continue;
		memcpy(&sa, a->ai_addr, (size_t)a->ai_addrlen);
		if (sockaddr_read(&q->addresses[q->n], &sa) == OK)
			q->addresses[q->n++].port = q->port;
	}
	ares_freeaddrinfo(all);
}

enum err resolve_host(const char *host, uint16_t port, uint64_t timeout_us,
		      struct ip_address_port out[static RESOLVE_MAX], size_t *n,
		      struct why *why)
{
	struct question q = { .addresses = out, .port = port };
	struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
					     .ai_flags = ARES_AI_NOSORT };
	enum err r;

	if (address_parse_host(&out[0], host, port) == OK) {
		*n = 1;
		return OK;
	}
	if ((r = open_channel(&q, why)) == OK) {
		ares_getaddrinfo(q.channel, host, NULL, &hints, on_addresses,
				 &q);
		wait_for_answer(&q, loop_now().mono_us + timeout_us);
		r = verdict(&q, host, why);
	}
	close_channel(&q);
	*n = q.n;
	return r;
}
