/* SPDX-License-Identifier: ISC */
/*
 * The operator's folder in use: the document, who signs it, the accounts.
 * Making one is authority_make.c's, serving enrollment_server.c's.  RFC 6940
 * s11.
 */
#include "cli/authority.h"

#include <stdlib.h>
#include <string.h>

#include "cli/authority_file.h"
#include "conf/file.h"
#include "conf/overlay_write.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "net/anchor.h"

enum err authority_open(struct authority *a, const char *dir, uint64_t now_ms,
			struct why *why)
{
	enum err r;

	*a = (struct authority){
		.now_ms = now_ms,
		.document = BUF_INIT(OVERLAY_DOCUMENT_MAX),
	};
	if ((a->dir = strdup(dir)) == NULL)
		r = ERR_NOMEM;
	else if ((r = authority_read(a, "overlay.xml", &a->document, why)) ==
			 OK &&
		 (r = overlay_xml_parse(&a->overlay, buf_slice(&a->document),
					NULL, why)) == OK)
		r = anchor_open(a->overlay, &a->crypto);
	if (r != OK)
		authority_close(a);
	return r;
}

void authority_close(struct authority *a)
{
	openssl_free(a->crypto);
	overlay_free(a->overlay);
	buf_clear(&a->document);
	free(a->dir);
	*a = (struct authority){ 0 };
}

enum err authority_read(const struct authority *a, const char *name,
			struct buf *out, struct why *why)
{
	char *path = file_path(a->dir, name);
	enum err r = path == NULL ? ERR_NOMEM : file_read(out, path, why);

	free(path);
	return r;
}

enum err authority_accounts(const struct authority *a, struct accounts **out,
			    struct why *why)
{
	char *path = file_path(a->dir, "accounts.sqlite");
	enum err r = path == NULL ? ERR_NOMEM : accounts_open(out, path, why);

	free(path);
	return r;
}

static enum err read_key(const struct authority *a, const char *name,
			 struct key **key, struct why *why)
{
	struct buf pem = BUF_INIT(AUTHORITY_FILE_MAX);
	enum err r = authority_read(a, name, &pem, why);

	if (r == OK)
		r = key_load(buf_slice(&pem), key, why);
	buf_wipe(&pem);
	return r;
}

enum err authority_ca(const struct authority *a, struct buf *cert,
		      struct key **key, struct why *why)
{
	struct buf pem = BUF_INIT(AUTHORITY_FILE_MAX);
	struct slice text;
	enum err r;

	if ((r = authority_read(a, "ca.crt", &pem, why)) == OK) {
		text = buf_slice(&pem);
		r = pem_next(&text, PEM_CERTIFICATE, cert);
		if (r == ERR_NOT_FOUND || r == ERR_DATA)
			r = why_err(why, ERR_DATA,
				    "%s/ca.crt: not a certificate in PEM",
				    a->dir);
	}
	buf_clear(&pem);
	return r == OK ? read_key(a, "ca.key", key, why) : r;
}

static enum err open_signer(const struct authority *a, struct signer **out,
			    struct why *why)
{
	struct buf key = BUF_INIT(AUTHORITY_FILE_MAX);
	struct buf cert = BUF_INIT(AUTHORITY_FILE_MAX);
	struct signer_args args = { 0 };
	enum err r;

	if ((r = authority_read(a, "signer.key", &key, why)) == OK &&
	    (r = authority_read(a, "signer.crt", &cert, why)) == OK) {
		args.key = buf_slice(&key);
		args.cert = buf_slice(&cert);
		r = signer_open(out, a->crypto, &args, why);
	}
	buf_wipe(&key);
	buf_clear(&cert);
	return r;
}

/* The same key and Node-ID, a longer life. */
static enum err renew_signer(const struct authority *a, const struct cert *old,
			     struct why *why)
{
	struct issue_node node = {
		.overlay = a->overlay->name,
		.node_id_length = a->overlay->node_id_length,
		.node_ids = old->node_ids,
		.n_node_ids = old->n_node_ids,
		.user = old->user,
		.now_ms = a->now_ms,
		.not_after_ms = a->now_ms +
				AUTHORITY_SIGNER_DAYS * AUTHORITY_DAY_MS,
	};
	struct buf ca_cert = BUF_INIT(AUTHORITY_FILE_MAX);
	struct buf der = BUF_INIT(AUTHORITY_FILE_MAX);
	struct key *ca_key = NULL, *key = NULL;
	struct issue_ca ca;
	enum err r;

	if ((r = authority_ca(a, &ca_cert, &ca_key, why)) == OK &&
	    (r = read_key(a, "signer.key", &key, why)) == OK) {
		ca = (struct issue_ca){ buf_slice(&ca_cert), ca_key };
		r = issue_node(&ca, key, &node, &der);
	}
	if (r == OK)
		r = authority_file_cert(a->dir, "signer.crt", buf_slice(&der),
					why);
	key_free(ca_key);
	key_free(key);
	buf_clear(&ca_cert);
	buf_clear(&der);
	return r;
}

static bool ends_soon(const struct authority *a, uint64_t at_ms)
{
	return at_ms < a->now_ms + AUTHORITY_RENEW_DAYS * AUTHORITY_DAY_MS;
}

/* Whoever signs, with a certificate that will do for a while. */
static enum err fresh_signer(const struct authority *a, struct signer **out,
			     struct why *why)
{
	enum err r = open_signer(a, out, why);

	if (r != OK || !ends_soon(a, (*out)->cert->not_after_ms))
		return r;
	r = renew_signer(a, (*out)->cert, why);
	signer_close(*out, a->crypto);
	return r == OK ? open_signer(a, out, why) : r;
}

/* What will be served is what others will accept. */
static enum err check(const struct authority *a, struct slice text,
		      struct why *why)
{
	struct overlay_xml_judge j = { .name = a->overlay->name,
				       .now_ms = a->now_ms,
				       .crypto_open = anchor_open,
				       .crypto_close = openssl_free };
	struct overlay *o = NULL;
	enum err r = overlay_xml_load(&o, text, &j, why);

	overlay_free(o);
	return r;
}

enum err authority_sign(struct authority *a, const struct node_id *bad,
			size_t n_bad, struct why *why)
{
	struct overlay_write_edit e = {
		.name = a->overlay->name,
		.sequence =
			(uint16_t)((a->overlay->sequence + 1U) % SEQUENCE_ANY),
		.bad_nodes = bad,
		.n_bad_nodes = n_bad,
		.expiration_ms = a->expiration_ms,
		.crypto = a->crypto,
	};
	struct buf text = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	struct signer *s;
	enum err r;

	if (e.expiration_ms == 0 && ends_soon(a, a->overlay->expiration_ms))
		e.expiration_ms = a->now_ms +
				  AUTHORITY_DOCUMENT_DAYS * AUTHORITY_DAY_MS;
	if ((r = fresh_signer(a, &s, why)) != OK)
		return r;
	e.signer = s;
	if ((r = overlay_write_sign(&text, buf_slice(&a->document), &e, why)) ==
		    OK &&
	    (r = check(a, buf_slice(&text), why)) == OK)
		r = authority_file_write(a->dir, "overlay.xml",
					 buf_slice(&text), 0644, why);
	signer_close(s, a->crypto);
	buf_clear(&text);
	return r;
}
