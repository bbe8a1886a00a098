/* SPDX-License-Identifier: ISC */
#ifndef NET_ENROLL_SERVER_H
#define NET_ENROLL_SERVER_H

#include "base/log.h"
#include "conf/accounts.h"
#include "crypto/issue.h"
#include "net/httpd.h"

/*
 * The configuration and enrollment server, RFC 6940 s11.2, s11.3: GET
 * /.well-known/reload-config, POST of username, password, nodeids and csr.
 */

struct enroll_server;

#define ENROLL_CONFIG_PATH "/.well-known/reload-config"
#define ENROLL_CONFIG_TYPE "application/p2p-overlay+xml"
#define ENROLL_CERT_TYPE   "application/pkix-cert"
#define ENROLL_CSR_TYPE    "application/pkcs10"

/* What it answers with status 403, RFC 6940 s11.3. */
#define ENROLL_BAD_AUTH     "failed_authentication"
#define ENROLL_BAD_NAME     "username_not_available"
#define ENROLL_BAD_NODE_IDS "Node-IDs_not_available"
#define ENROLL_BAD_CSR      "bad_CSR"

/* All that is pointed to is borrowed until enroll_server_free(). */
struct enroll_server_config {
	struct loop *loop;
	const char *name; /* of the overlay */
	uint8_t node_id_length;
	bool enrolls; /* else it serves the document only */
	struct accounts *accounts;
	struct issue_ca ca;
	uint64_t lifetime_ms; /* of certificates */
	/* The document to serve now, borrowed until the next call. */
	enum err (*document)(void *ctx, struct slice *out);
	void *ctx;
	const struct log_sink *log;
	/* Of the web server. */
	const struct ip_address_port *listen;
	struct slice cert, key; /* PEM */
};

/* httpd_new()'s errors. */
enum err enroll_server_new(struct enroll_server **out,
			   const struct enroll_server_config *cfg,
			   struct why *why) MUST_CHECK;
const struct ip_address_port *enroll_server_listening(
	const struct enroll_server *s);
/* Waits for the password that is being checked, if any.  Its memory goes when
 * the loop has run.  NULL is fine. */
void enroll_server_free(struct enroll_server *s);

#endif
