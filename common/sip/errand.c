/* SPDX-License-Identifier: ISC */
/* Owns: that what a user's entry is to be is stored: RFC 7904 s3.3.  Does not
 * own: what is in it (routevalue.c), when it changes (registrar.c). */
#include "sip/errand.h"

#include "sip/registrar.h"
#include "sip/routevalue.h"

#define STORE_TIMEOUT_US UINT64_C(10000000)

static void on_done(void *ctx, const struct result *res)
{
	struct errand *e = ctx;

	hosted_user_unref(e->used);
	e->used = NULL;
	e->done(e->ctx, e->user, res->err, res->info);
}

enum err errand_start(struct errand *e, uint32_t lifetime_s)
{
	struct command c = { .type = CMD_STORE,
			     .timeout_us = STORE_TIMEOUT_US,
			     .signer = e->hosted->signer,
			     .resource = e->hosted->resource,
			     .items = &e->item,
			     .n_items = 1 };
	enum err r;

	r = routevalue_make(&e->item, &e->value, e->hosted->signer,
			    &e->peer->node_id, registrar_asked(e->user),
			    driver_overlay(e->driver)->node_id_length,
			    lifetime_s, loop_now().unix_ms);
	if (r == OK && (r = driver_command(e->driver, &c, on_done, e)) == OK)
		e->used = hosted_user_ref(e->hosted);
	return r;
}

void errand_set_hosted(struct errand *e, struct hosted_user *u)
{
	hosted_user_ref(u);
	hosted_user_unref(e->hosted);
	e->hosted = u;
}

void errand_clear(struct errand *e)
{
	hosted_user_unref(e->hosted);
	hosted_user_unref(e->used);
	e->hosted = e->used = NULL;
	buf_clear(&e->value);
}
