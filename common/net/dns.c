/* SPDX-License-Identifier: ISC */
/*
 * Owns: c-ares on the event loop, records read and put in order.  RFC 1035, RFC
 * 2782, RFC 3403.  Does not own: what is asked for, and why.
 */
#include "net/dns.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "net/sockaddr.h"

enum { TRIES = 2, TRY_MS = 2000 };

/* One of c-ares' sockets. */
struct watch {
	uv_poll_t uv;
	struct dns *dns;
	ares_socket_t fd;
	struct watch *next;
};

struct dns {
	struct loop *loop;
	ares_channel channel;
	struct loop_deadline *timer;
	struct watch *watches;
	bool freed;
};

/* One question. */
struct asked {
	struct dns *dns;
	uint16_t port;
	dns_done *done;
	void *ctx;
	struct dns_answer answer;
};

/* ---- sockets and time ---- */

static void arm(struct dns *d)
{
	struct timeval tv, *t = ares_timeout(d->channel, NULL, &tv);

	loop_deadline_set(d->timer,
			  t == NULL ? NEVER
				    : loop_now().mono_us +
					      (uint64_t)t->tv_sec * 1000000 +
					      (uint64_t)t->tv_usec);
}

static void process(struct dns *d, ares_socket_t in, ares_socket_t out)
{
	ares_process_fd(d->channel, in, out);
	arm(d);
}

static void on_timer(void *ctx)
{
	process(ctx, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct watch *w = h->data;
	ares_socket_t fd = w->fd; /* `w` may end meanwhile */

	/* An error is for c-ares to find. */
	process(w->dns,
		status != 0 || (events & UV_READABLE) != 0 ? fd
							   : ARES_SOCKET_BAD,
		status != 0 || (events & UV_WRITABLE) != 0 ? fd
							   : ARES_SOCKET_BAD);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void unwatch(struct watch **at)
{
	struct watch *w = *at;

	*at = w->next;
	uv_close((uv_handle_t *)&w->uv, on_closed);
}

static struct watch *watch_new(struct dns *d, ares_socket_t fd)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	if (uv_poll_init_socket(loop_uv(d->loop), &w->uv, fd) != 0) {
		free(w);
		return NULL;
	}
	w->uv.data = w;
	w->dns = d;
	w->fd = fd;
	w->next = d->watches;
	d->watches = w;
	return w;
}

/* Which sockets to wait for, and for what; for nothing: it is being closed. */
static void on_socket(void *ctx, ares_socket_t fd, int readable, int writable)
{
	struct dns *d = ctx;
	struct watch **at = &d->watches, *w;
	int events = (readable ? UV_READABLE : 0) |
		     (writable ? UV_WRITABLE : 0);

	while (*at != NULL && (*at)->fd != fd)
		at = &(*at)->next;
	if (events == 0) {
		if (*at != NULL)
			unwatch(at);
		return;
	}
	/* Without memory the question ends by its time. */
	if ((w = *at) != NULL || (w = watch_new(d, fd)) != NULL)
		(void)uv_poll_start(&w->uv, events, on_ready);
}

/* ---- records ---- */

/* False when it does not fit, or is nothing. */
static bool keep(char *out, size_t size, const char *text)
{
	size_t n = text == NULL ? 0 : strlen(text);

	if (n == 0 || n >= size)
		return false;
	memcpy(out, text, n + 1);
	return true;
}

static void add_srv(struct dns_answer *a, const char *host, uint16_t port,
		    uint16_t priority, uint16_t weight)
{
	struct dns_srv *t = &a->srv[a->n];

	/* "." says that there is no such service. */
	if (a->n == DNS_ANSWERS_MAX || !keep(t->host, sizeof(t->host), host) ||
	    strcmp(host, ".") == 0)
		return;
	t->port = port;
	t->priority = priority;
	t->weight = weight;
	a->n++;
}

static void add_naptr(struct dns_answer *a, const struct dns_naptr *from,
		      const char *flags, const char *service,
		      const char *regexp, const char *replacement)
{
	struct dns_naptr *t = &a->naptr[a->n];

	if (a->n == DNS_ANSWERS_MAX || (regexp != NULL && regexp[0] != '\0'))
		return;
	*t = *from;
	if (keep(t->flags, sizeof(t->flags), flags) &&
	    keep(t->service, sizeof(t->service), service) &&
	    keep(t->replacement, sizeof(t->replacement), replacement))
		a->n++;
}

static int by_priority(const void *a, const void *b)
{
	const struct dns_srv *x = a, *y = b;

	return (x->priority > y->priority) - (x->priority < y->priority);
}

static int by_order(const void *a, const void *b)
{
	const struct dns_naptr *x = a, *y = b;
	int d = (x->order > y->order) - (x->order < y->order);

	return d != 0 ? d
		      : (x->preference > y->preference) -
				(x->preference < y->preference);
}

/* RFC 2782: within a priority, drawn by weight. */
static void draw(struct dns_srv *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t sum = 0, at;
		size_t pick = i;
		struct dns_srv swap = t[i];

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

/* ---- answers ---- */

static void finish(struct asked *q, int status)
{
	struct dns_answer *a = &q->answer;

	if (status != ARES_SUCCESS || a->n == 0)
		a->err = ERR_DNS;
	if (a->err != OK)
		a->n = 0;
	if (a->type == DNS_SRV) {
		qsort(a->srv, a->n, sizeof(a->srv[0]), by_priority);
		draw(a->srv, a->n);
	} else if (a->type == DNS_NAPTR) {
		qsort(a->naptr, a->n, sizeof(a->naptr[0]), by_order);
	}
	if (!q->dns->freed)
		q->done(q->ctx, a,
			a->err == OK             ? ""
			: status == ARES_SUCCESS ? "nothing there"
						 : ares_strerror(status));
	free(q);
}

static void on_addresses(void *ctx, int status, int timeouts,
			 struct ares_addrinfo *all)
{
	struct asked *q = ctx;
	struct dns_answer *a = &q->answer;

	(void)timeouts; /* of no interest */
	for (const struct ares_addrinfo_node *i = all == NULL ? NULL
							      : all->nodes;
	     i != NULL && a->n < DNS_ANSWERS_MAX; i = i->ai_next) {
		struct sockaddr_storage sa = { 0 };

		if ((size_t)i->ai_addrlen > sizeof(sa))
			continue;
		memcpy(&sa, i->ai_addr, (size_t)i->ai_addrlen);
		if (sockaddr_read(&a->addresses[a->n], &sa) == OK)
			a->addresses[a->n++].port = q->port;
	}
	ares_freeaddrinfo(all);
	finish(q, status);
}

#if ARES_VERSION >= 0x011c00 /* 1.28 */
static void add_record(struct dns_answer *a, const ares_dns_rr_t *rr)
{
	ares_dns_rec_type_t type = ares_dns_rr_get_type(rr);

	if (type == ARES_REC_TYPE_SRV && a->type == DNS_SRV)
		add_srv(a, ares_dns_rr_get_str(rr, ARES_RR_SRV_TARGET),
			ares_dns_rr_get_u16(rr, ARES_RR_SRV_PORT),
			ares_dns_rr_get_u16(rr, ARES_RR_SRV_PRIORITY),
			ares_dns_rr_get_u16(rr, ARES_RR_SRV_WEIGHT));
	else if (type == ARES_REC_TYPE_NAPTR && a->type == DNS_NAPTR)
		add_naptr(a,
			  &(struct dns_naptr){
				  .order = ares_dns_rr_get_u16(
					  rr, ARES_RR_NAPTR_ORDER),
				  .preference = ares_dns_rr_get_u16(
					  rr, ARES_RR_NAPTR_PREFERENCE) },
			  ares_dns_rr_get_str(rr, ARES_RR_NAPTR_FLAGS),
			  ares_dns_rr_get_str(rr, ARES_RR_NAPTR_SERVICES),
			  ares_dns_rr_get_str(rr, ARES_RR_NAPTR_REGEXP),
			  ares_dns_rr_get_str(rr, ARES_RR_NAPTR_REPLACEMENT));
}

static void on_records(void *ctx, ares_status_t status, size_t timeouts,
		       const ares_dns_record_t *all)
{
	struct asked *q = ctx;
	size_t n = status != ARES_SUCCESS
			   ? 0
			   : ares_dns_record_rr_cnt(all, ARES_SECTION_ANSWER);

	(void)timeouts; /* of no interest */
	for (size_t i = 0; i < n; i++)
		add_record(&q->answer, ares_dns_record_rr_get_const(
					       all, ARES_SECTION_ANSWER, i));
	finish(q, (int)status);
}

static void ask_records(struct asked *q, const char *name)
{
	/* its failure comes to on_records as well */
	(void)ares_query_dnsrec(q->dns->channel, name, ARES_CLASS_IN,
				q->answer.type == DNS_SRV ? ARES_REC_TYPE_SRV
							  : ARES_REC_TYPE_NAPTR,
				on_records, q, NULL);
}
#else
static int read_srv(struct dns_answer *a, const unsigned char *bytes, int len)
{
	struct ares_srv_reply *all = NULL;
	int status = ares_parse_srv_reply(bytes, len, &all);

	for (const struct ares_srv_reply *t = all; t != NULL; t = t->next)
		add_srv(a, t->host, t->port, t->priority, t->weight);
	ares_free_data(all);
	return status;
}

static int read_naptr(struct dns_answer *a, const unsigned char *bytes, int len)
{
	struct ares_naptr_reply *all = NULL;
	int status = ares_parse_naptr_reply(bytes, len, &all);

	for (const struct ares_naptr_reply *t = all; t != NULL; t = t->next)
		add_naptr(a,
			  &(struct dns_naptr){ .order = t->order,
					       .preference = t->preference },
			  (const char *)t->flags, (const char *)t->service,
			  (const char *)t->regexp, t->replacement);
	ares_free_data(all);
	return status;
}

static void on_records(void *ctx, int status, int timeouts,
		       unsigned char *bytes, int len)
{
	struct asked *q = ctx;

	(void)timeouts; /* of no interest */
	if (status == ARES_SUCCESS)
		status = q->answer.type == DNS_SRV
				 ? read_srv(&q->answer, bytes, len)
				 : read_naptr(&q->answer, bytes, len);
	finish(q, status);
}

static void ask_records(struct asked *q, const char *name)
{
	ares_query(q->dns->channel, name, C_IN,
		   q->answer.type == DNS_SRV ? T_SRV : T_NAPTR, on_records, q);
}
#endif

/* ---- asking ---- */

enum err dns_ask(struct dns *d, const struct dns_question *question,
		 dns_done *done, void *ctx)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC, .ai_flags = ARES_AI_NOSORT
	};
	struct asked *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return ERR_NOMEM;
	*q = (struct asked){ .dns = d,
			     .port = question->port,
			     .done = done,
			     .ctx = ctx,
			     .answer = { .type = question->type } };
	if (question->type != DNS_ADDRESS) {
		ask_records(q, question->name);
	} else if (address_parse_host(&q->answer.addresses[0], question->name,
				      question->port) == OK) {
		q->answer.n = 1;
		finish(q, ARES_SUCCESS);
	} else {
		ares_getaddrinfo(d->channel, question->name, NULL, &hints,
				 on_addresses, q);
	}
	arm(d);
	return OK;
}

static int open_channel(struct dns *d)
{
	const char *server = getenv("P2PSIP_DNS");
	struct ares_options o = { .timeout = TRY_MS,
				  .tries = TRIES,
				  .sock_state_cb = on_socket,
				  .sock_state_cb_data = d };
	int rc = ares_library_init(ARES_LIB_INIT_ALL);

	if (rc == ARES_SUCCESS)
		rc = ares_init_options(&d->channel, &o,
				       ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
					       ARES_OPT_SOCK_STATE_CB);
	if (rc == ARES_SUCCESS && server != NULL)
		rc = ares_set_servers_ports_csv(d->channel, server);
	return rc;
}

enum err dns_new(struct dns **out, struct loop *l, struct why *why)
{
	struct dns *d = calloc(1, sizeof(*d));
	int rc;

	if (d == NULL)
		return ERR_NOMEM;
	d->loop = l;
	if (loop_deadline_new(l, on_timer, d, &d->timer) != OK) {
		free(d);
		return ERR_NOMEM;
	}
	if ((rc = open_channel(d)) != ARES_SUCCESS) {
		dns_free(d);
		return why_err(why, ERR_DNS, "%s", ares_strerror(rc));
	}
	*out = d;
	return OK;
}

void dns_free(struct dns *d)
{
	if (d == NULL)
		return;
	d->freed = true;
	if (d->channel != NULL)
		ares_destroy(d->channel); /* open questions end here */
	ares_library_cleanup();
	while (d->watches != NULL)
		unwatch(&d->watches);
	loop_deadline_free(d->timer);
	free(d);
}
