/* SPDX-License-Identifier: ISC */
#ifndef RIG_H
#define RIG_H

#include "pki.h"

#include "core/overlay.h"
#include "net/dtls.h"
#include "net/tls.h"

/*
 * A server on loopback and its clients, over TLS or over DTLS, with all that
 * happens to their links; and the tests that both pass alike.
 */

enum rig_type { RIG_TLS, RIG_DTLS };

/* One side and all that has happened to its links. */
struct rig_side {
	struct tls *tls;                /* NULL: DTLS */
	struct dtls *dtls;              /* NULL: TLS */
	struct ip_address_port address; /* listened on */
	struct tls_link *tls_link;      /* the last that came up */
	struct dtls_link *dtls_link;
	int n_up, n_down;
	int n_records;     /* or what TLS read at once */
	struct node_id id; /* of the last that came up */
	struct ip_address_port remote;
	enum err err; /* of the last that went down */
	struct why why;
	struct buf in; /* of all records */
	bool echo;
	bool pause; /* after the next record */
};

/* A server on loopback, and what a test may vary. */
struct rig {
	enum rig_type type;
	uv_loop_t loop;
	uv_timer_t tick;
	struct pki pki;
	struct overlay *overlay;
	struct signer *own; /* of the server, Node-ID 0101... */
	struct rig_side server;
};

enum { RIG_PATIENCE_S = 60 };

/* Runs the loop until the condition holds; fails where it never does. */
#define RIG_UNTIL(w, condition)                                                \
	do {                                                                   \
		time_t end_ = time(NULL) + RIG_PATIENCE_S;                     \
		while (!(condition)) {                                         \
			uv_run(&(w)->loop, UV_RUN_ONCE);                       \
			if (time(NULL) > end_)                                 \
				fail_msg("never: %s", #condition);             \
		}                                                              \
	} while (0)

struct ip_address_port rig_loopback(void); /* port 0 */
/* `handshake_ms` as in tls_config and dtls_config. */
void rig_open(struct rig *w, enum rig_type type, uint32_t handshake_ms);
void rig_close(struct rig *w);
void rig_side_open(struct rig_side *s, struct rig *w,
		   const struct signer *signer, uint32_t handshake_ms);
void rig_side_close(struct rig_side *s);
/* On a free port of loopback; s->address gets it. */
void rig_listen(struct rig_side *s);
/* Asks for a link, and gives it: a struct tls_link or dtls_link.  `pin` NULL:
 * with anybody. */
void *rig_connect(struct rig_side *s, const struct ip_address_port *to,
		  const struct node_id *pin);
/* Opens a client, and links it with the server. */
void rig_client(struct rig_side *c, struct rig *w, const struct signer *signer);

/* Tests; *state is an enum rig_type. */
void rig_refused(void **state);
void rig_pins(void **state);
void rig_addresses(void **state);
void rig_keylog(void **state);
void rig_paused(void **state);

/* Their rows in a table of tests; `type` points to an enum rig_type. */
#define RIG_TEST(name, type)                                                   \
	((struct CMUnitTest){ #name, rig_##name, NULL, NULL, (type) })
#define RIG_TESTS(type)                                                        \
	RIG_TEST(refused, type), RIG_TEST(pins, type),                         \
		RIG_TEST(addresses, type), RIG_TEST(keylog, type),             \
		RIG_TEST(paused, type)

#endif
