/* SPDX-License-Identifier: ISC */
#ifndef CLI_AUTHORITY_H
#define CLI_AUTHORITY_H

#include "conf/accounts.h"
#include "conf/overlay_xml.h"
#include "crypto/issue.h"
#include "crypto/signer.h"

/*
 * The operator's folder, p2psip-overlay(8), FILES:
 *
 *	overlay.xml		     the document
 *	ca.key ca.crt		     issues certificates
 *	signer.key signer.crt	     signs the document and its Kinds
 *	web-root.key web-root.crt    what clients give to --cacert
 *	web.key web.crt		     the enrollment server's
 *	serve			     where serve listens, when the document
 *names no enrollment server accounts.sqlite
 *
 * Keys have mode 0600, the folder 0700.
 */

#define AUTHORITY_DAY_MS UINT64_C(86400000)
enum {
	AUTHORITY_CA_DAYS = 7300,      /* the CA and the web root */
	AUTHORITY_SIGNER_DAYS = 730,   /* renewed by sign */
	AUTHORITY_DOCUMENT_DAYS = 365, /* of the document, from a signing */
	AUTHORITY_RENEW_DAYS = 30,     /* left, when sign renews */
	AUTHORITY_FILE_MAX = 1 << 20   /* bytes of a key or certificate */
};

struct authority {
	char *dir;
	uint64_t now_ms;
	uint64_t expiration_ms;  /* for the next signing; 0: see there */
	struct buf document;     /* as it is in the folder */
	struct overlay *overlay; /* the same, read but not judged */
	struct crypto *crypto;   /* trusts it */
};

/* A new overlay. */
struct authority_plan {
	const char *name;
	enum key_type key_type;
	bool self_signed;
	uint8_t link_protocols; /* LINK_PROTOCOL_*; 0: both */
	const struct ip_address_port *bootstrap;
	size_t n_bootstrap;
	const struct ip_address_port *serve;
};

/* Makes the folder and all that is in it.  ERR_CANTCREAT, also when it holds an
 * overlay already. */
enum err authority_make(const char *dir, const struct authority_plan *plan,
			uint64_t now_ms, struct why *why) MUST_CHECK;

/* Reads the document.  ERR_NOINPUT, ERR_CONFIG. */
enum err authority_open(struct authority *a, const char *dir, uint64_t now_ms,
			struct why *why) MUST_CHECK;
void authority_close(struct authority *a);

/*
 * Signs the document with the next sequence number, lists these nodes as bad as
 * well, renews what is about to expire, checks the result and replaces the
 * file.
 */
enum err authority_sign(struct authority *a, const struct node_id *bad,
			size_t n_bad, struct why *why) MUST_CHECK;

/* The CA: its certificate is appended to `cert` (DER); the key is the caller's.
 */
enum err authority_ca(const struct authority *a, struct buf *cert,
		      struct key **key, struct why *why) MUST_CHECK;
enum err authority_accounts(const struct authority *a, struct accounts **out,
			    struct why *why) MUST_CHECK;
/* Appends a file of the folder. */
enum err authority_read(const struct authority *a, const char *name,
			struct buf *out, struct why *why) MUST_CHECK;
#endif
