/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPNET_H
#define SIP_SIPNET_H

#include "base/log.h"
#include "net/loop.h"
#include "sip/flow.h"
#include "sip/sipconn.h"
#include "sip/sipmsg.h"

/* SIP over UDP, TCP and TLS, RFC 3261 s18: whole messages in and out, and the
 * keep-alives of RFC 5626 s3.5, which are answered here. */

struct ssl_ctx_st; /* of net/tls_server.h and net/tls_client.h */

enum { SIPNET_SOCKETS_MAX = 64 };

enum sipnet_type { SIPNET_UDP, SIPNET_TCP, SIPNET_TLS };

/* "udp", "tcp", "tls". */
const char *sipnet_name(enum sipnet_type type);

struct sipnet_listen {
	enum sipnet_type type;
	struct ip_address_port address;
};

/* For phones, and to servers; both NULL without SIPNET_TLS.  Borrowed. */
struct sipnet_tls {
	struct ssl_ctx_st *server, *client;
};

struct sipnet;

struct sipnet_config {
	struct loop *loop;
	const struct sipnet_listen *listen; /* only for sipnet_new() */
	size_t n_listen;
	struct sipnet_tls tls;
	/* A datagram, or one message of a stream; borrowed for the call. */
	void (*message)(void *ctx, const struct flow *from, struct slice bytes);
	/* As sipconn_config has it. */
	void (*refused)(void *ctx, const struct flow *from, struct slice bytes,
			enum err r);
	/* A connection that was held is gone. */
	void (*gone)(void *ctx, uint32_t conn);
	/* There is nobody at the end of that flow: no connection, or none any
	 * more, or ICMP says so.  Not from inside sipnet_send(). */
	void (*unreachable)(void *ctx, const struct flow *to);
	void *ctx;
	const struct log_sink *log; /* may be NULL */
};

/* Listens at once; at a wildcard address on each of this machine's, its
 * loopback addresses only when there is no other.  ERR_BUSY, ERR_SYS with the
 * address in `why`, ERR_FULL. */
enum err sipnet_new(struct sipnet **out, const struct sipnet_config *cfg,
		    struct why *why) MUST_CHECK;
/* Our end of a flow; false when its connection is gone. */
bool sipnet_local(const struct sipnet *t, const struct flow *f,
		  enum sipnet_type *type, struct ip_address_port *address);
/* The socket of that type and address; false when there is none. */
bool sipnet_find(const struct sipnet *t, enum sipnet_type type,
		 const struct ip_address_port *a, uint32_t *socket);
/* Is that an address that is listened on? */
bool sipnet_listens(const struct sipnet *t, const struct ip_address_port *a);
/* Is there a socket of that type? */
bool sipnet_has(const struct sipnet *t, enum sipnet_type type);
/* A flow of our own making to an address, and by TLS to who speaks for that
 * domain, or IP address; false where no socket is of that type and its family.
 */
bool sipnet_to(struct sipnet *t, enum sipnet_type type,
	       const struct ip_address_port *a, const char *domain,
	       struct flow *out);
/* Sends along a flow, to a server over a connection that is made where there is
 * none; what cannot be sent is lost, as on any network. */
void sipnet_send(struct sipnet *t, const struct flow *to, struct slice bytes);
/* A connection that is needed stays open while it is idle, and
 * sipnet_config.gone tells of its end. */
void sipnet_hold(struct sipnet *t, uint32_t conn);
/* What came along a flow cost that much, as sipflood.h has it: whoever asks for
 * too much is not heard for a while. */
void sipnet_charge(struct sipnet *t, const struct flow *from, uint32_t units);
/* How much was dropped, or left unread, because of that. */
uint64_t sipnet_dropped(const struct sipnet *t);
/* The ends of connections, by why. */
const struct sipconn_counts *sipnet_ended(const struct sipnet *t);
/* For connections from now on. */
void sipnet_set_tls(struct sipnet *t, const struct sipnet_tls *tls);
/* Closes everything; nothing is called any more.  Memory goes when the loop has
 * run.  NULL is fine. */
void sipnet_free(struct sipnet *t);

#endif
