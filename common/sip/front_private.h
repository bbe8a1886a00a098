/* SPDX-License-Identifier: ISC */
#ifndef SIP_FRONT_PRIVATE_H
#define SIP_FRONT_PRIVATE_H

/* What front.c, front_request.c and front_users.c share, and nobody else
 * includes. */

#include "sip/carrier.h"
#include "sip/errand.h"
#include "sip/front.h"
#include "sip/proxy.h"
#include "sip/transaction.h"

struct front {
	struct front_config cfg;
	struct carrier carrier;
	struct callee *callee;
	struct registrar *registrar;
	struct proxy *proxy;
	struct transaction_table *transactions;
	struct loop_deadline *timer, *leave_timer;
	struct siptally tally;
	struct errand *errands; /* of those hosted, and of those who leave */
	uint8_t secret[DIGEST_SECRET_LEN]; /* of tags */
	void (*left)(void *ctx);
	void *left_ctx;
	bool stopped;
};

static inline uint64_t front_now_us(void)
{
	return loop_now().mono_us;
}

/* Sets the timer, after whatever may have changed a deadline. */
void front_arm(struct front *f);
void front_send(struct front *f, const struct flow *to, struct slice bytes);

/* The end of an errand. */
void front_stored(void *ctx, struct registrar_user *u, enum err r,
		  struct slice words);

/* ---- front_request.c ---- */

/* A message, from a phone or a peer. */
void front_request_came(void *ctx, const struct flow *from, struct slice bytes);
/* What is none, as sipnet_config has it. */
void front_request_refused(void *ctx, const struct flow *from,
			   struct slice bytes, enum err r);

/* ---- front_users.c ---- */

/* ERR_BUSY when a user is there twice, ERR_DATA. */
enum err front_users_begin(struct front *f, struct why *why) MUST_CHECK;
/* registrar_config's `gone`. */
void front_users_gone(void *ctx, struct registrar_user *u);
void front_users_clear(struct front *f);

#endif
