/* SPDX-License-Identifier: ISC */
/* One question of DNS at a time, waited for on a loop of its own. */
#include "net/resolve.h"

#include <stdio.h>

#include "net/dns.h"

struct wait {
	struct dns_answer *out;
	struct why *why;
	const char *name;
	bool done;
};

static void on_answer(void *ctx, const struct dns_answer *a, const char *words)
{
	struct wait *w = ctx;

	*w->out = *a;
	w->done = true;
	if (a->err != OK)
		(void)why_err(w->why, a->err, "%.180s: %s", w->name, words);
}

static void on_end(void *ctx)
{
	struct wait *w = ctx;

	w->out->err = why_err(w->why, ERR_DNS, "%.180s: no answer in time",
			      w->name);
	w->done = true;
}

static enum err ask(const struct dns_question *q, uint64_t timeout_us,
		    struct dns_answer *out, struct why *why)
{
	struct wait w = { .out = out, .why = why, .name = q->name };
	struct loop_deadline *end = NULL;
	struct loop *loop = NULL;
	struct dns *dns = NULL;
	enum err r;

	*out = (struct dns_answer){ .type = q->type };
	if ((r = loop_new(&loop)) != OK ||
	    (r = loop_deadline_new(loop, on_end, &w, &end)) != OK ||
	    (r = dns_new(&dns, loop, why)) != OK ||
	    (r = dns_ask(dns, q, on_answer, &w)) != OK)
		goto out;
	loop_deadline_set(end, loop_now().mono_us + timeout_us);
	while (!w.done)
		loop_run_once(loop);
	r = out->err;
out:
	dns_free(dns);
	loop_deadline_free(end);
	loop_free(loop);
	return r;
}

static enum err ask_name(enum dns_type type, const char *name, uint16_t port,
			 uint64_t timeout_us, struct dns_answer *out,
			 struct why *why)
{
	struct dns_question q = { .type = type, .port = port };

	if (strlen(name) >= sizeof(q.name))
		return why_err(why, ERR_DNS, "%.180s: is too long", name);
	memcpy(q.name, name, strlen(name) + 1);
	return ask(&q, timeout_us, out, why);
}

enum err resolve_srv(const char *service, uint64_t timeout_us,
		     struct dns_answer *out, struct why *why)
{
	return ask_name(DNS_SRV, service, 0, timeout_us, out, why);
}

enum err resolve_host(const char *host, uint16_t port, uint64_t timeout_us,
		      struct dns_answer *out, struct why *why)
{
	return ask_name(DNS_ADDRESS, host, port, timeout_us, out, why);
}
