/* SPDX-License-Identifier: ISC */
/*
 * A new overlay: CA, signer, document, web server's certificate, accounts.
 * RFC 6940 s11.1, s11.3, s13.3.
 */
#include "cli/authority.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/authority_file.h"
#include "conf/address.h"
#include "conf/file.h"
#include "conf/overlay_write.h"
#include "crypto/openssl.h"

/* While it is being made. */
struct making {
	const char *dir;
	const struct authority_plan *plan;
	uint64_t now_ms;
	struct key *ca_key;
	struct buf ca_cert; /* DER */
	struct node_id signer_id;
};

static uint64_t in_days(const struct making *m, unsigned days)
{
	return m->now_ms + days * AUTHORITY_DAY_MS;
}

/* A root with its key, both written. */
static enum err make_root(const struct making *m, const char *name,
			  const char *key_file, const char *cert_file,
			  struct key **key, struct buf *der, struct why *why)
{
	char text[OVERLAY_NAME_MAX + 32];
	enum err r;

	(void)snprintf(text, sizeof(text), "%s %s", m->plan->name,
		       name); /* fits */
	if ((r = key_generate(m->plan->key_type, key)) != OK ||
	    (r = issue_root(*key, text, m->now_ms,
			    in_days(m, AUTHORITY_CA_DAYS), der)) != OK ||
	    (r = authority_file_key(m->dir, key_file, *key, why)) != OK)
		return r;
	return authority_file_cert(m->dir, cert_file, buf_slice(der), why);
}

static enum err make_signer(struct making *m, struct why *why)
{
	struct issue_ca ca = { buf_slice(&m->ca_cert), m->ca_key };
	struct issue_node node = {
		.overlay = m->plan->name,
		.node_id_length = NODE_ID_MIN,
		.node_ids = &m->signer_id,
		.n_node_ids = 1,
		.user = "",
		.now_ms = m->now_ms,
		.not_after_ms = in_days(m, AUTHORITY_SIGNER_DAYS),
	};
	struct buf der = BUF_INIT(AUTHORITY_FILE_MAX);
	struct key *key = NULL;
	enum err r;

	if ((r = issue_node_id(NODE_ID_MIN, &m->signer_id)) == OK &&
	    (r = key_generate(m->plan->key_type, &key)) == OK &&
	    (r = issue_node(&ca, key, &node, &der)) == OK &&
	    (r = authority_file_key(m->dir, "signer.key", key, why)) == OK)
		r = authority_file_cert(m->dir, "signer.crt", buf_slice(&der),
					why);
	key_free(key);
	buf_clear(&der);
	return r;
}

/* CHOICE: its certificate names the overlay, which s11.3 matches, and where it
 * serves, which s11.2 matches for a given URL.  Its root is another than the
 * CA: a node's certificate must carry a RELOAD URI, a web server's must not. */
static enum err make_web(const struct making *m, struct why *why)
{
	char host[ADDRESS_TEXT_MAX];
	const char *names[] = { m->plan->name,
				address_format_host(m->plan->serve, host) };
	struct buf root = BUF_INIT(AUTHORITY_FILE_MAX);
	struct buf der = BUF_INIT(AUTHORITY_FILE_MAX);
	struct key *root_key = NULL, *key = NULL;
	struct issue_ca ca;
	enum err r;

	if ((r = make_root(m, "web root", "web-root.key", "web-root.crt",
			   &root_key, &root, why)) != OK ||
	    (r = key_generate(m->plan->key_type, &key)) != OK)
		goto out;
	ca = (struct issue_ca){ buf_slice(&root), root_key };
	if ((r = issue_server(&ca, key, names, 2, m->now_ms,
			      in_days(m, AUTHORITY_CA_DAYS), &der)) == OK &&
	    (r = authority_file_key(m->dir, "web.key", key, why)) == OK)
		r = authority_file_cert(m->dir, "web.crt", buf_slice(&der),
					why);
out:
	key_free(root_key);
	key_free(key);
	buf_clear(&root);
	buf_clear(&der);
	return r;
}

static enum err make_document(const struct making *m, struct why *why)
{
	const struct authority_plan *p = m->plan;
	char address[ADDRESS_TEXT_MAX], url[ADDRESS_TEXT_MAX + 32];
	struct overlay_write_draft d = {
		.name = p->name,
		.self_signed = p->self_signed,
		.link_protocols = p->link_protocols,
		.root_cert = buf_slice(&m->ca_cert),
		.enrollment_server = p->self_signed ? NULL : url,
		.bootstrap = p->bootstrap,
		.n_bootstrap = p->n_bootstrap,
		.signer = &m->signer_id,
	};
	struct buf text = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	enum err r;

	(void)snprintf(url, sizeof(url), "https://%s/enroll",
		       address_format(p->serve, address)); /* fits */
	if ((r = overlay_write_draft(&text, &d)) == OK &&
	    (r = authority_file_write(m->dir, "serve", slice_str(address), 0644,
				      why)) == OK)
		r = authority_file_write(m->dir, "overlay.xml",
					 buf_slice(&text), 0644, why);
	buf_clear(&text);
	return r;
}

/* The first signature makes sequence 1. */
static enum err finish(const struct making *m, struct why *why)
{
	struct accounts *accounts = NULL;
	struct authority a;
	enum err r;

	if ((r = authority_open(&a, m->dir, m->now_ms, why)) != OK)
		return r;
	a.overlay->expiration_ms = m->now_ms; /* the draft has none */
	if ((r = authority_sign(&a, NULL, 0, why)) == OK)
		r = authority_accounts(&a, &accounts, why);
	accounts_close(accounts);
	authority_close(&a);
	return r;
}

static enum err check_new(const char *dir, struct why *why)
{
	char *path = file_path(dir, "ca.key");
	enum err r = OK;

	if (path == NULL)
		return ERR_NOMEM;
	if (access(path, F_OK) == 0)
		r = why_err(why, ERR_CANTCREAT,
			    "%s holds an overlay already, say --dir for "
			    "another",
			    dir);
	free(path);
	return r;
}

enum err authority_make(const char *dir, const struct authority_plan *plan,
			uint64_t now_ms, struct why *why)
{
	struct making m = { .dir = dir,
			    .plan = plan,
			    .now_ms = now_ms,
			    .ca_cert = BUF_INIT(AUTHORITY_FILE_MAX) };
	enum err r;

	if ((r = check_new(dir, why)) == OK &&
	    (r = file_make_dir(dir, why)) == OK &&
	    (r = make_root(&m, "CA", "ca.key", "ca.crt", &m.ca_key, &m.ca_cert,
			   why)) == OK &&
	    (r = make_signer(&m, why)) == OK && (r = make_web(&m, why)) == OK &&
	    (r = make_document(&m, why)) == OK)
		r = finish(&m, why);
	key_free(m.ca_key);
	buf_clear(&m.ca_cert);
	return r;
}
