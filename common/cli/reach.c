/* SPDX-License-Identifier: ISC */
/*
 * p2psip-lookup --connect: a listener that lives for one connection.  RFC 7904
 * s5.1, RFC 6940 s6.5.2.  Nothing is said over it.
 */
#include "cli/reach.h"

#include "core/certs.h"
#include "net/driver.h"
#include "net/sockaddr.h"
#include "net/tls.h"

struct reach {
	struct tls *tls;
	struct node_id node;
	struct link_address listen;
	bool up, over;
	struct ip_address_port from;
	struct loop_deadline *deadline;
};

static void on_up(void *ctx, struct tls_link *l, struct cert *cert,
		  const struct ip_address_port *remote)
{
	struct reach *x = ctx;

	/* RFC 7904 s5.1: the node that the route ends with, or none. */
	if (certs_has_node_id(cert, &x->node)) {
		x->up = true;
		x->from = *remote;
	}
	tls_link_close(l);
}

static void on_bytes(void *ctx, struct tls_link *l, struct slice bytes)
{
	(void)ctx;
	(void)l;
	(void)bytes; /* nothing was asked */
}

static void on_down(void *ctx, struct tls_link *l, enum err r,
		    const struct why *why)
{
	(void)ctx;
	(void)l;
	(void)r;
	(void)why; /* another may come */
}

static void on_deadline(void *ctx)
{
	((struct reach *)ctx)->over = true;
}

/* At the address by which the overlay is reached. */
static enum err listen_near(struct reach *x, struct session *s, struct why *why)
{
	const struct target_env *env = session_env(s);
	struct tls_config cfg = { .loop = loop_uv(session_loop(s)),
				  .crypto = env->crypto,
				  .overlay = env->overlay,
				  .signer = env->signer,
				  .calls = { on_up, on_bytes, on_down, x } };
	struct ip_address_port peer;
	enum err r;

	if (driver_peers(session_driver(s), &peer, 1) == 0)
		return ERR_NO_LINK;
	x->listen.overlay_link = OVERLAY_LINK_TLS_TCP_FH_NO_ICE;
	if ((r = sockaddr_towards(&peer, &x->listen.address)) != OK ||
	    (r = tls_new(&x->tls, &cfg, why)) != OK)
		return r;
	return tls_listen(x->tls, &x->listen.address, why);
}

static enum err ask(struct reach *x, struct session *s,
		    const struct destination_list *route, uint16_t application,
		    struct why *why)
{
	/* Nobody is answered, so it needs no owner. */
	const struct driver_owner nobody = { 0 };
	struct application own = { .number = application,
				   .listen = &x->listen,
				   .n_listen = 1 };
	struct command c = { .type = CMD_APP_ATTACH,
			     .application = application,
			     .destination = *route };
	const struct result *res;
	enum err r = driver_serve(session_driver(s), &own, &nobody);

	if (r != OK)
		return r;
	r = session_run(s, &c, &res, why);
	own.n_listen = 0; /* it goes with us */
	own.listen = NULL;
	if (driver_serve(session_driver(s), &own, &nobody) != OK)
		return ERR_SOFTWARE;
	return r;
}

static enum err wait_for(struct reach *x, struct session *s)
{
	enum err r = loop_deadline_new(session_loop(s), on_deadline, x,
				       &x->deadline);

	if (r != OK)
		return r;
	loop_deadline_set(x->deadline, session_deadline(s));
	while (!x->up && !x->over)
		loop_run_once(session_loop(s));
	loop_deadline_free(x->deadline);
	return x->up ? OK : ERR_TIMEOUT;
}

enum err reach_peer(struct session *s, const struct destination_list *route,
		    struct ip_address_port *from, struct why *why)
{
	const struct destination *last = &route->v[route->n - 1];
	struct reach x = { .node = last->node_id };
	enum err r;

	if ((r = listen_near(&x, s, why)) != OK)
		goto out;
	r = ask(&x, s, route, APPLICATION_SIP, why);
	if (r == ERR_NOT_FOUND) {
		why->text[0] = '\0';
		r = ask(&x, s, route, APPLICATION_SIPS, why);
	}
	if (r == OK && (r = wait_for(&x, s)) != OK)
		(void)why_err(why, r,
			      "the peer has agreed, and has not connected");
	*from = x.from;
out:
	tls_free(x.tls);
	return r;
}
