/* SPDX-License-Identifier: ISC */
/*
 * The commands of p2psip-overlay that end at once; operate_serve.c is the one
 * that does not.
 */
#include "cli/operate.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/authority.h"
#include "cli/document.h"
#include "cli/out.h"
#include "cli/secret.h"
#include "cli/username.h"
#include "conf/address.h"
#include "crypto/openssl.h"
#include "net/anchor.h"
#include "net/loop.h"

struct operate_options operate_options;

static const char *dir_or(const char *otherwise)
{
	return operate_options.dir != NULL ? operate_options.dir : otherwise;
}

/* ---- init ---- */

static enum err parse_address(struct ip_address_port *out, const char *text,
			      struct why *why)
{
	if (address_parse(out, text, ADDRESS_PORT_DEFAULT) == OK)
		return OK;
	return why_err(why, ERR_USAGE,
		       "%.100s is not ADDR:PORT with a numeric address", text);
}

static enum err init(const char *name, struct why *why)
{
	const struct operate_options *o = &operate_options;
	const struct opt_list *l = &opt_common.bootstrap;
	struct ip_address_port bootstrap[OPT_LIST_MAX], serve;
	struct authority_plan plan = { .name = name,
				       .self_signed = o->self_signed,
				       .bootstrap = bootstrap,
				       .serve = &serve };
	enum err r = OK;

	if (!address_is_dns_name(name))
		return why_err(why, ERR_USAGE, "%.100s is no overlay name",
			       name);
	if (key_type_parse(&plan.key_type,
			   o->key_type ? o->key_type : "p256") != OK)
		return why_err(why, ERR_USAGE,
			       "--key: %.40s is none of p256, rsa2048, ed25519",
			       o->key_type);
	if (o->link != NULL &&
	    address_links_parse(&plan.link_protocols, o->link) != OK)
		return why_err(why, ERR_USAGE,
			       "--link: %.40s is none of tls, dtls, both",
			       o->link);
	for (size_t i = 0; r == OK && i < l->n; i++)
		r = parse_address(&bootstrap[i], l->v[i], why);
	if (r == OK && l->n == 0)
		r = parse_address(&bootstrap[0], "127.0.0.1:6084", why);
	if (r == OK)
		r = parse_address(&serve,
				  o->serve ? o->serve : "127.0.0.1:8443", why);
	plan.n_bootstrap = l->n > 0 ? l->n : 1;
	return r != OK ? r
		       : authority_make(dir_or(name), &plan, loop_now().unix_ms,
					why);
}

enum err operate_init(char *operands[])
{
	struct why why = { "" };
	enum err r = init(operands[0], &why);

	if (r != OK)
		opt_warn(operands[0], r, why.text);
	else
		opt_info(1, "%s is made in %s", operands[0],
			 dir_or(operands[0]));
	return r;
}

/* ---- sign, check ---- */

enum err operate_sign(char *operands[])
{
	const char *dir = dir_or("."), *expires = operate_options.expires;
	struct why why = { "" };
	uint32_t expires_s = 0;
	struct authority a;
	enum err r;

	(void)operands; /* it takes none */
	if (expires != NULL &&
	    (text_duration_s(&expires_s, expires) != OK || expires_s == 0))
		opt_usage("--expires: '%s' is no time, as in 12h or 90d",
			  expires);
	if ((r = authority_open(&a, dir, loop_now().unix_ms, &why)) == OK) {
		if (expires_s > 0)
			a.expiration_ms = a.now_ms + expires_s * UINT64_C(1000);
		r = authority_sign(&a, NULL, 0, &why);
		authority_close(&a);
	}
	if (r != OK)
		opt_warn(dir, r, why.text);
	return r;
}

static enum err fingerprint(char out[2 * CERT_HASH_LEN + 1],
			    const struct overlay *o, struct slice raw)
{
	struct buf hex = BUF_INIT(2 * CERT_HASH_LEN + 1);
	uint8_t hash[HASH_LEN_MAX];
	struct crypto *c = NULL;
	size_t len;
	enum err r;

	if ((r = anchor_open(o, &c)) == OK &&
	    (r = c->hash(c->ctx, HASH_SHA256, &raw, 1, hash, &len)) == OK &&
	    (r = text_hex(&hex, slice_of(hash, len))) == OK &&
	    (r = buf_append_u8(&hex, '\0')) == OK)
		memcpy(out, hex.p, hex.len);
	openssl_free(c);
	buf_clear(&hex);
	return r;
}

static enum err print_document(const struct overlay *o, struct slice raw,
			       struct why *why)
{
	char hex[2 * CERT_HASH_LEN + 1], expires[32];
	struct out out;
	enum err r;

	if ((r = fingerprint(hex, o, raw)) != OK)
		return r;
	text_format_time(o->expiration_ms, expires);
	out_init(&out);
	if (opt_common.json) {
		out_json_take(&out,
			      json_pack("{s:s,s:i,s:s,s:s}", "overlay", o->name,
					"sequence", (int)o->sequence,
					"expiration", expires, "sha256", hex));
	} else {
		out_field(&out, slice_str(o->name));
		out_fieldf(&out, "%u", o->sequence);
		out_field(&out, slice_str(expires));
		out_fieldf(&out, "sha256:%s", hex);
		out_end_line(&out);
	}
	r = out_finish(&out, why);
	out_clear(&out);
	return r;
}

enum err operate_check(char *operands[])
{
	struct overlay_xml_judge j = { .name = opt_common.overlay,
				       .now_ms = loop_now().unix_ms,
				       .crypto_open = anchor_open,
				       .crypto_close = openssl_free };
	const char *source = operands[0] ? operands[0] : opt_common.config;
	const struct home none = { 0 };
	struct buf raw = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	struct overlay *o = NULL;
	struct why why = { "" };
	enum err r;

	if ((r = document_fetch(&raw, &none, source, opt_common.overlay,
				&why)) == OK &&
	    (r = overlay_xml_load(&o, buf_slice(&raw), &j, &why)) == OK)
		r = print_document(o, buf_slice(&raw), &why);
	if (r != OK)
		opt_warn(source, r, why.text);
	overlay_free(o);
	buf_clear(&raw);
	return r;
}

/* ---- accounts ---- */

static enum err add_user(const struct authority *a, const char *user,
			 struct why *why)
{
	struct buf password = BUF_INIT(AUTHORITY_FILE_MAX);
	char hash[PASSWORD_TEXT_MAX];
	struct accounts *accounts = NULL;
	enum err r;

	if ((r = secret_read(&password, operate_options.password_file,
			     "New password: ", true, why)) == OK &&
	    (r = password_hash(buf_slice(&password), hash)) == OK &&
	    (r = authority_accounts(a, &accounts, why)) == OK)
		r = accounts_add(accounts, user, hash, why);
	accounts_close(accounts);
	buf_wipe(&password);
	return r;
}

enum err operate_add_user(char *operands[])
{
	char user[CERT_USER_MAX + 1];
	struct why why = { "" };
	struct authority a;
	enum err r;

	r = authority_open(&a, dir_or("."), loop_now().unix_ms, &why);
	if (r == OK) {
		if ((r = username_complete(user, a.overlay->name, operands[0],
					   &why)) == OK)
			r = add_user(&a, user, &why);
		authority_close(&a);
	}
	if (r != OK)
		opt_warn(operands[0], r, why.text);
	return r;
}

/* Node-IDs of an account, or the one named; ends with a signed document. */
static enum err take_away(struct authority *a, const char *name,
			  struct why *why)
{
	struct buf ids = BUF_INIT(1 << 20);
	struct accounts *accounts = NULL;
	char user[CERT_USER_MAX + 1];
	struct node_id id, *bad = NULL;
	struct arena arena = ARENA_INIT(1 << 20);
	size_t n;
	enum err r;

	if ((r = authority_accounts(a, &accounts, why)) != OK)
		goto out;
	if (id_parse(&id, a->overlay->node_id_length, name) == OK) {
		/* A node that enrolled nowhere here can be bad as well. */
		r = accounts_revoke_node(accounts, &id, NULL);
		if (r == ERR_NOT_FOUND)
			r = OK;
		if (r == OK)
			r = buf_append_slice(&ids, id_slice(&id, NODE_ID_MIN));
	} else if ((r = username_complete(user, a->overlay->name, name, why)) ==
		   OK) {
		r = accounts_disable(accounts, user, a->now_ms, &ids, why);
	}
	n = ids.len / NODE_ID_MIN;
	if (r == OK && (bad = arena_zalloc(&arena, n, sizeof(*bad))) == NULL)
		r = ERR_NOMEM;
	for (size_t i = 0; r == OK && i < n; i++)
		memcpy(bad[i].b, ids.p + i * NODE_ID_MIN, NODE_ID_MIN);
	if (r == OK)
		r = authority_sign(a, bad, n, why);
out:
	arena_free(&arena);
	buf_clear(&ids);
	accounts_close(accounts);
	return r;
}

enum err operate_revoke(char *operands[])
{
	struct why why = { "" };
	struct authority a;
	enum err r;

	r = authority_open(&a, dir_or("."), loop_now().unix_ms, &why);
	if (r == OK) {
		r = take_away(&a, operands[0], &why);
		authority_close(&a);
	}
	if (r != OK)
		opt_warn(operands[0], r, why.text);
	return r;
}
