/* SPDX-License-Identifier: ISC */
/*
 * Fills a peer's database with values of one user, each at a resource of its
 * own, as if they had been stored there: N of them, SIZE bytes each, evenly
 * round the ring.  They are not signed: nobody is to ask for them.
 *
 *	fill [options] N SIZE PATH	-d, -o, -u: whose certificate
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/opt.h"
#include "conf/home.h"
#include "crypto/openssl.h"
#include "crypto/signer.h"
#include "net/anchor.h"
#include "net/loop.h"
#include "storage/sqlite.h"
#include "wire/message.h"

enum { BATCH = 100, GROUP = 100, VALUE_LEN_MAX = 60000 };

static const struct opt opts[] = {
	OPT_TOOL("fill", "N SIZE PATH", "Fill a peer's database."),
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
	uint64_t expires_ms;
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
	home_identity_clear(&id);
	must(sqlite_open(&f->storage, path, f->home.name, NULL, why), why);
}

static void make_value(struct fill *f, uint64_t size, struct why *why)
{
	static uint8_t bytes[VALUE_LEN_MAX];
	struct wire_env env = { .node_id_len = f->overlay->node_id_length,
				.kinds = &f->overlay->kinds,
				.model = MODEL_SINGLE };
	struct stored_data d = { .lifetime = 86400,
				 .value = { .exists = true } };

	d.storage_time = loop_now().unix_ms;
	signature_set_none(&d.signature);
	d.value.value = slice_of(bytes, size);
	must(stored_data_encode(&d, &f->data, &env), why);
	f->expires_ms = d.storage_time + UINT64_C(1000) * d.lifetime;
}

static void add(struct fill *f, struct batch *b)
{
	struct change *put = batch_add(b, CHANGE_PUT), *generation;
	struct record r = { .kind = UINT32_C(0xf0000001),
			    .expires_ms = f->expires_ms };

	must_have(put);
	f->at += f->step;
	for (unsigned i = 0; i < 8; i++)
		r.resource.b[i] = (uint8_t)(f->at >> (56 - 8 * i));
	r.data = buf_slice(&f->data);
	memcpy(r.signer, f->signer->cert->hash, CERT_HASH_LEN);
	put->record = r;
	generation = batch_add(b, CHANGE_GENERATION);
	must_have(generation);
	generation->slot.resource = r.resource;
	generation->slot.kind = r.kind;
	generation->slot.generation = 1;
}

static void add_cert(struct fill *f, struct batch *b)
{
	struct change *ch = batch_add(b, CHANGE_CERT);

	must_have(ch);
	memcpy(ch->hash, f->signer->cert->hash, CERT_HASH_LEN);
	ch->cert = f->signer->cert->der;
}

static void fill(struct fill *f, uint64_t n)
{
	struct batch *v[GROUP];
	enum err status[GROUP];
	size_t k;

	while (n > 0) {
		for (k = 0; k < GROUP && n > 0; k++) {
			must_have(v[k] = batch_new(k));
			add_cert(f, v[k]);
			for (unsigned i = 0; i < BATCH && n > 0; i++, n--)
				add(f, v[k]);
		}
		f->storage.commit(f->storage.ctx, v, k, status);
		for (size_t i = 0; i < k; i++) {
			must(status[i], &(struct why){ "" });
			batch_free(v[i]);
		}
	}
}

int main(int argc, char *argv[])
{
	struct fill f = { .data = BUF_INIT(VALUE_LEN_MAX + 1000) };
	struct why why = { "" };
	uint64_t n, size;

	argv = opt_parse(opts, 3, 3, argc, argv);
	must(text_u64(&n, argv[0], 1, 1000000000), &why);
	must(text_u64(&size, argv[1], 0, VALUE_LEN_MAX), &why);
	open_all(&f, argv[2], &why);
	f.step = UINT64_MAX / n;
	make_value(&f, size, &why);
	fill(&f, n);
	f.storage.close(f.storage.ctx);
	buf_clear(&f.data);
	signer_close(f.signer, f.crypto);
	openssl_free(f.crypto);
	overlay_free(f.overlay);
	home_close(&f.home);
	return 0;
}
