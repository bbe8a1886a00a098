/* SPDX-License-Identifier: ISC */
#ifndef SIP_REGISTRAR_H
#define SIP_REGISTRAR_H

#include "base/heap.h"
#include "base/log.h"
#include "sip/binding.h"
#include "sip/digest.h"

/*
 * The registrar, RFC 3261 s10.3, of the users whom this peer hosts: who may
 * bind what, and that nothing is bound here that the overlay does not have.
 * Pure: no socket, no clock; what is to be stored and answered goes through two
 * calls back.  Changes of one user are done one after the other.
 */

enum {
	REGISTRAR_QUEUE_MAX = 32, /* changes of one user that wait */
	REGISTRAR_RETRY_S = 30,   /* to set the overlay right; Retry-After */
	REGISTRAR_NONCE_LIFE_S = 300
};

struct registrar;
struct registrar_user;

/* Of a user who is named by the local part of the address, or by the whole. */
struct registrar_secret {
	struct digest_ha1 local, whole;
};

/* All that is pointed to is borrowed until registrar_free(). */
struct registrar_config {
	const char *realm;
	uint8_t secret[DIGEST_SECRET_LEN]; /* of nonces, not of users */
	struct digest_offer offer;
	struct binding_bounds bounds;
	bool contact; /* the overlay is to have the best contact, no route */
	/* Is this address ours, and so as good a domain?  May be NULL. */
	bool (*is_ours)(void *ctx, struct slice host, uint16_t port);
	const struct log_sink *log; /* may be NULL */
	/* Begins to store registrar_asked() for that many seconds, or with 0 to
	 * remove it: registrar_stored() says how it ended, later.  A failure
	 * counts as if it had ended so. */
	enum err (*store)(void *ctx, struct registrar_user *u,
			  uint32_t lifetime_s);
	/* The end of registrar_dismiss(): `u` goes after the call. */
	void (*gone)(void *ctx, struct registrar_user *u);
	/* The end of registrar_submit(); `fields` is borrowed. */
	void (*answer)(void *ctx, uint64_t token, unsigned status,
		       struct slice fields);
	void *ctx;
};

/* How it goes. */
struct registrar_counts {
	uint64_t challenges;     /* to say a password, or by a fresh nonce */
	uint64_t wrong;          /* passwords, and names of others */
	uint64_t stores, failed; /* that have ended; how many of them badly */
	uint64_t store_us;       /* they took, all together */
	size_t users, registered, bindings; /* now */
};

/* A REGISTER that was judged: to be answered at once, or to be submitted. */
struct registrar_verdict {
	unsigned status; /* 0: submit it */
	struct registrar_user *user;
	struct binding_change change;
	struct buf fields; /* of the answer; of that of the submission, too */
};

enum err registrar_new(struct registrar **out,
		       const struct registrar_config *cfg) MUST_CHECK;
void registrar_free(struct registrar *r);

/* registrar_counts.wrong alone. */
uint64_t registrar_wrong(const struct registrar *r);
void registrar_count(const struct registrar *r, struct registrar_counts *out);

/* A user, with `ctx` of the caller; `aor` as in the certificate.  ERR_DATA when
 * it is none, ERR_BUSY when it is there already. */
enum err registrar_add(struct registrar *r, const char *aor,
		       const struct registrar_secret *secret, void *ctx,
		       struct registrar_user **out) MUST_CHECK;
/* Another password from now on; what is bound stays. */
void registrar_set_secret(struct registrar_user *u,
			  const struct registrar_secret *secret);
/* Nobody can register as this user, or be reached, from now on; when nothing is
 * in the overlay any more, `gone` is called, maybe before this returns.  Until
 * then the name is taken. */
void registrar_dismiss(struct registrar *r, struct registrar_user *u,
		       uint64_t now_us);
/* By the address of record, as registrar_add() has it; who was dismissed is
 * found, too.  NULL. */
struct registrar_user *registrar_named(const struct registrar *r,
				       const char *aor);
void *registrar_user_ctx(const struct registrar_user *u);
const char *registrar_user_aor(const struct registrar_user *u);
/* What is to be stored, or is being: a contact, or NULL: a route. */
const char *registrar_asked(const struct registrar_user *u);
const struct bindings *registrar_bindings(const struct registrar_user *u);
/* By the address of record in a URI, of the realm or at our address; NULL, also
 * for who was dismissed. */
struct registrar_user *registrar_find(const struct registrar *r,
				      const struct sipfield_uri *u);

/*
 * Who asks must be `u`, s10.3 steps 3 and 4, s22; only the owner of a
 * certificate can register, RFC 7904 appendix A.  As a proxy by
 * Proxy-Authorization and 407, and NULL is any user whom we host; else by
 * Authorization and 401, and NULL is nobody.
 * `*status` is 0 when it is so, or that of the answer, with `fields` appended.
 * ERR_NOMEM, ERR_ALGORITHM.
 */
enum err registrar_authenticate(struct registrar *r, struct registrar_user *u,
				const struct sipmsg *m, bool proxy,
				uint64_t now_us, unsigned *status,
				struct buf *fields) MUST_CHECK;
/* Judges a REGISTER whose sipreply_check() is 0.  ERR_NOMEM.
 * registrar_verdict_clear(). */
enum err registrar_judge(struct registrar *r, const struct sipmsg *m,
			 const struct flow *flow, uint64_t now_us,
			 struct registrar_verdict *out) MUST_CHECK;
void registrar_verdict_clear(struct registrar_verdict *v);
/* Takes the change out of the verdict; the answer comes by the call back, maybe
 * before this returns. */
void registrar_submit(struct registrar *r, struct registrar_verdict *v,
		      uint64_t token, uint64_t now_us);
void registrar_stored(struct registrar *r, struct registrar_user *u,
		      enum err err, uint64_t now_us);

/* One more whenever something was bound, or was not any more. */
uint64_t registrar_changes(const struct registrar *r);
/* The user after `u`; the first after NULL; NULL at the end. */
struct registrar_user *registrar_next(const struct registrar *r,
				      const struct registrar_user *u);
/* Binds what a life before had bound; false when it is no user's, or the user
 * has bound something since.  After the last, registrar_restored() has the
 * overlay know. */
bool registrar_restore_take(struct registrar *r, struct slice aor,
			    struct binding *b);
void registrar_restored(struct registrar *r, uint64_t now_us);

/* A connection is gone, and with it what was bound through it. */
void registrar_flow_gone(struct registrar *r, uint32_t conn, uint64_t now_us);
/* Removes every route from the overlay, as this peer leaves; changes from now
 * on are refused.  registrar_idle() is true when that is done. */
void registrar_withdraw(struct registrar *r, uint64_t now_us);
bool registrar_idle(const struct registrar *r);
uint64_t registrar_deadline(const struct registrar *r);
void registrar_expire(struct registrar *r, uint64_t now_us);

#endif
