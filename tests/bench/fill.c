/* SPDX-License-Identifier: ISC */
/*
 * Fills a peer's database with N values of SIZE bytes, as if they had been
 *stored there.  Without DIR they are one user's, evenly round the ring, and not
 * signed: nobody is to ask for them.  With DIR, an operator's folder, each is
 * that of another user, "u0@", "u1@", ..., at that user's resource, signed, and
 * with a certificate; all users have one key.
 *
 *	fill [options] N SIZE PATH [DIR]    -d, -o, -u: whose certificate, key
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/authority.h"
#include "cli/opt.h"
#include "conf/home.h"
#include "crypto/openssl.h"
#include "crypto/signer.h"
#include "net/anchor.h"
#include "net/loop.h"
#include "storage/sqlite.h"
#include "wire/message.h"

#define VALUE_KIND UINT32_C(0xf0000001) /* USER-VALUE */

enum { BATCH = 100, GROUP = 100, VALUE_LEN_MAX = 60000 };

static const struct opt opts[] = {
	OPT_TOOL("fill", "N SIZE PATH [DIR]", "Fill a peer's database."),
	OPT_COMMON,
	OPT_END,
};

struct fill {
	struct home home;
	struct overlay *overlay;
	struct crypto *crypto;
	struct signer *signer;
	struct storage storage;
	uint64_t at, step; /* the first bytes of resources */
	struct buf data;   /* a StoredData */
	uint64_t size;     /* of its value */
	bool crowd;        /* of many users */
	struct authority authority;
	struct buf ca_cert;
	struct key *ca_key, *key; /* that of all users */
	uint64_t n_users;
	uint64_t storage_time, expires_ms; /* of the value in `data` */
};

static void must(enum err r, const struct why *why)
{
	if (r == OK)
		return;
	opt_warn(NULL, r, why->text);
	exit(err_exit(r));
}

static void must_have(const void *p)
{
	must(p == NULL ? ERR_NOMEM : OK, &(struct why){ "" });
}

static void open_all(struct fill *f, const char *path, struct why *why)
{
	struct home_identity id = { 0 };
	struct signer_args args;

	must(home_open(&f->home, opt_common.home, opt_common.overlay, why),
	     why);
	must(home_load_overlay(&f->home, loop_now().unix_ms, &f->overlay, why),
	     why);
	must(anchor_open(f->overlay, &f->crypto), why);
	must(home_load_identity(&f->home, opt_common.user, &id, why), why);
	args = (struct signer_args){ .key = buf_slice(&id.key),
				     .cert = buf_slice(&id.cert) };
	must(signer_open(&f->signer, f->crypto, &args, why), why);
	must(key_load(buf_slice(&id.key), &f->key, why), why);
	home_identity_clear(&id);
	must(sqlite_open(&f->storage, path, f->home.name, NULL, why), why);
}

static struct stored_data value(const struct fill *f)
{
	static uint8_t bytes[VALUE_LEN_MAX];

	return (struct stored_data){
		.storage_time = loop_now().unix_ms,
		.lifetime = 86400,
		.value = { .exists = true, .value = { bytes, f->size } },
	};
}

static void encode(struct fill *f, const struct stored_data *d)
{
	struct wire_env env = { .node_id_len = f->overlay->node_id_length,
				.kinds = &f->overlay->kinds,
				.model = MODEL_SINGLE };

	buf_reset(&f->data);
	must(stored_data_encode(d, &f->data, &env), &(struct why){ "" });
	f->storage_time = d->storage_time;
	f->expires_ms = d->storage_time + UINT64_C(1000) * d->lifetime;
}

/* The value in f->data, as that of the signer with this certificate. */
static void put(struct fill *f, struct batch *b, const struct node_id *resource,
		const uint8_t hash[static CERT_HASH_LEN])
{
	struct change *ch = batch_add(b, CHANGE_PUT);

	must_have(ch);
	ch->record = (struct record){ .resource = *resource,
				      .kind = VALUE_KIND,
				      .storage_time = f->storage_time,
				      .expires_ms = f->expires_ms };
	memcpy(ch->record.signer, hash, CERT_HASH_LEN);
	must(arena_dup(&b->arena, buf_slice(&f->data), &ch->record.data),
	     &(struct why){ "" });
	must_have(ch = batch_add(b, CHANGE_GENERATION));
	ch->slot = (struct slot){ .resource = *resource,
				  .kind = VALUE_KIND,
				  .generation = 1 };
}

static void put_cert(struct batch *b, struct slice der,
		     const uint8_t hash[static CERT_HASH_LEN])
{
	struct change *ch = batch_add(b, CHANGE_CERT);

	must_have(ch);
	memcpy(ch->hash, hash, CERT_HASH_LEN);
	must(arena_dup(&b->arena, der, &ch->cert), &(struct why){ "" });
}

static void add(struct fill *f, struct batch *b)
{
	struct node_id resource = { { 0 } };

	f->at += f->step;
	for (unsigned i = 0; i < 8; i++)
		resource.b[i] = (uint8_t)(f->at >> (56 - 8 * i));
	put(f, b, &resource, f->signer->cert->hash);
}

static void hash(const struct fill *f, uint8_t alg, struct slice in,
		 uint8_t out[HASH_LEN_MAX])
{
	size_t len;

	must(f->crypto->hash(f->crypto->ctx, alg, &in, 1, out, &len),
	     &(struct why){ "" });
}

static void sign(struct fill *f, struct stored_data *d, struct slice resource,
		 struct slice cert_hash, struct buf *signature)
{
	struct buf tbs = BUF_INIT(VALUE_LEN_MAX + 1000);
	struct signature *s = &d->signature;

	s->algorithm.hash = f->signer->hash;
	s->algorithm.signature = f->signer->sig;
	s->identity = (struct signer_identity){
		.identity_type = SIGNER_CERT_HASH,
		.hash_alg = HASH_SHA256,
		.hash = cert_hash,
	};
	must(stored_data_tbs(&tbs, resource, VALUE_KIND, MODEL_SINGLE, d,
			     &s->identity),
	     &(struct why){ "" });
	must(f->crypto->sign(f->crypto->ctx, f->signer, buf_slice(&tbs),
			     signature),
	     &(struct why){ "" });
	s->signature_value = buf_slice(signature);
	buf_clear(&tbs);
}

static void add_user(struct fill *f, struct batch *b)
{
	struct buf der = BUF_INIT(AUTHORITY_FILE_MAX);
	struct buf signature = BUF_INIT(UINT16_MAX);
	struct issue_ca ca = { buf_slice(&f->ca_cert), f->ca_key };
	struct stored_data d = value(f);
	uint8_t cert_hash[HASH_LEN_MAX], name_hash[HASH_LEN_MAX];
	struct node_id node_id, resource = { { 0 } };
	char user[CERT_USER_MAX + 32];
	struct issue_node node = { .overlay = f->overlay->name,
				   .node_id_length = f->overlay->node_id_length,
				   .node_ids = &node_id,
				   .n_node_ids = 1,
				   .user = user,
				   .now_ms = d.storage_time,
				   .not_after_ms = d.storage_time +
						   10 * AUTHORITY_DAY_MS };

	(void)snprintf(user, sizeof(user), "u%llu@%s",
		       (unsigned long long)f->n_users++, f->overlay->name);
	must(issue_node_id(node.node_id_length, &node_id), &(struct why){ "" });
	must(issue_node(&ca, f->key, &node, &der), &(struct why){ "" });
	hash(f, HASH_SHA256, buf_slice(&der), cert_hash);
	hash(f, HASH_SHA1, slice_str(user), name_hash);
	memcpy(resource.b, name_hash, RING_ID_LEN);
	sign(f, &d, slice_of(resource.b, RING_ID_LEN),
	     slice_of(cert_hash, CERT_HASH_LEN), &signature);
	encode(f, &d);
	put_cert(b, buf_slice(&der), cert_hash);
	put(f, b, &resource, cert_hash);
	buf_clear(&signature);
	buf_clear(&der);
}

static void fill(struct fill *f, uint64_t n)
{
	struct batch *v[GROUP];
	enum err status[GROUP];
	size_t k;

	while (n > 0) {
		for (k = 0; k < GROUP && n > 0; k++) {
			must_have(v[k] = batch_new(k));
			put_cert(v[k], f->signer->cert->der,
				 f->signer->cert->hash);
			for (unsigned i = 0; i < BATCH && n > 0; i++, n--)
				(f->crowd ? add_user : add)(f, v[k]);
		}
		f->storage.commit(f->storage.ctx, v, k, status);
		for (size_t i = 0; i < k; i++) {
			must(status[i], &(struct why){ "" });
			batch_free(v[i]);
		}
	}
}

static void close_all(struct fill *f)
{
	f->storage.close(f->storage.ctx);
	buf_clear(&f->data);
	buf_clear(&f->ca_cert);
	key_free(f->ca_key);
	key_free(f->key);
	if (f->crowd)
		authority_close(&f->authority);
	signer_close(f->signer, f->crypto);
	openssl_free(f->crypto);
	overlay_free(f->overlay);
	home_close(&f->home);
}

int main(int argc, char *argv[])
{
	struct fill f = { .data = BUF_INIT(VALUE_LEN_MAX + 1000),
			  .ca_cert = BUF_INIT(AUTHORITY_FILE_MAX) };
	struct why why = { "" };
	struct stored_data d;
	uint64_t n;

	argv = opt_parse(opts, 3, 4, argc, argv);
	must(text_u64(&n, argv[0], 1, 1000000000), &why);
	must(text_u64(&f.size, argv[1], 0, VALUE_LEN_MAX), &why);
	open_all(&f, argv[2], &why);
	f.step = UINT64_MAX / n;
	f.crowd = argv[3] != NULL;
	if (f.crowd) {
		must(authority_open(&f.authority, argv[3], loop_now().unix_ms,
				    &why),
		     &why);
		must(authority_ca(&f.authority, &f.ca_cert, &f.ca_key, &why),
		     &why);
	} else {
		d = value(&f);
		signature_set_none(&d.signature);
		encode(&f, &d);
	}
	fill(&f, n);
	close_all(&f);
	return 0;
}
