/* SPDX-License-Identifier: ISC */
#ifndef CORE_APP_ATTACH_H
#define CORE_APP_ATTACH_H

#include "core/node.h"
#include "core/request.h"

/*
 * AppAttach, RFC 6940 s6.5.2: how an application of one node finds that of
 * another.  The connections are the applications' own; here is only who wants
 * one, and where.
 */

/* NULL: nothing was ever served. */
struct app_attach_state;
struct app_attaches {
	struct app_attach_state *state;
};

/* node_serve(). */
enum err app_attach_serve(struct node *n,
			  const struct application *a) MUST_CHECK;
/* AppAttachReq, s6.5.2.2. */
request_handler app_attach_on_request;
/* CMD_APP_ATTACH: the body of the request; ERR_UNSUPPORTED for an application
 * that this node has no address of, ERR_USAGE for a destination that no single
 * node can answer.  And what came back: ERR_INVALID_MESSAGE. */
enum err app_attach_ask(struct node *n, const struct command *c,
			struct slice *body) MUST_CHECK;
enum err app_attach_answered(struct node *n, const struct command *c,
			     struct slice body) MUST_CHECK;
void app_attach_clear(struct node *n);

#endif
