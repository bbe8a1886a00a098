/* SPDX-License-Identifier: ISC */
/* Whole nodes on loopback: a peer that founds a ring and clients of it. */
#include "pki.h"

#include "net/anchor.h"
#include "net/driver.h"
#include "storage/memory.h"

#define KIND_VALUE UINT32_C(0xF0000001)

/* An overlay with one peer; its document was made by hand. */
struct world {
	struct pki pki;
	struct loop *loop;
	struct overlay *overlay;
	struct storage storage;
	struct crypto *crypto; /* the peer's */
	struct signer *signer;
	struct driver *peer;
	struct ip_address_port address;
	enum node_state state;
	bool started;
};

static struct overlay *make_overlay(const struct pki *p)
{
	struct overlay *o = overlay_new();
	struct kind kind = { .id = KIND_VALUE,
			     .model = MODEL_SINGLE,
			     .access = ACCESS_USER_MATCH,
			     .max_count = 1,
			     .max_size = 4000 };

	assert_non_null(o);
	strcpy(o->name, PKI_OVERLAY);
	o->hash = 0x9aa32b8d; /* CHOICE 15 */
	o->sequence = 1;
	o->no_ice = true;
	o->root_certs = arena_zalloc(&o->arena, 1, sizeof(*o->root_certs));
	assert_non_null(o->root_certs);
	assert_ok(arena_dup(&o->arena, p->roots[0], &o->root_certs[0]));
	o->n_root_certs = 1;
	assert_ok(kinds_add(&o->kinds, &kind));
	return o;
}

static void on_state(void *ctx, enum node_state state)
{
	struct world *w = ctx;

	w->state = state;
}

static void on_started(void *ctx, const struct result *res)
{
	struct world *w = ctx;

	assert_ok(res->err);
	w->started = true;
}

/* `protocols`: of the peer's links, LINK_PROTOCOL_*. */
static void world_open(struct world *w, uint8_t protocols)
{
	struct ip_address_port listen = { .type = ADDRESS_IPV4,
					  .addr = { 127, 0, 0, 1 } };
	const struct link_address *got;
	struct driver_config cfg = { .role = ROLE_PEER,
				     .link_protocols = protocols,
				     .first = true,
				     .listen = &listen,
				     .n_listen = 1,
				     .deadline_us = NEVER,
				     .state = on_state,
				     .ctx = w };
	struct why why = { "" };

	memset(w, 0, sizeof(*w));
	pki_init(&w->pki, KEY_P256);
	w->overlay = make_overlay(&w->pki);
	assert_ok(loop_new(&w->loop));
	assert_ok(memory_open(&w->storage));
	assert_ok(anchor_open(w->overlay, &w->crypto));
	w->signer = pki_signer(&w->pki, 0x10, KEY_P256);
	cfg.loop = w->loop;
	cfg.overlay = w->overlay;
	cfg.crypto = w->crypto;
	cfg.signer = w->signer;
	cfg.storage = &w->storage;
	if (driver_new(&w->peer, &cfg, &why) != OK)
		fail_msg("driver_new: %s", why.text);
	assert_int_equal(driver_listening(w->peer, &got),
			 protocols == 0 ? 2 : 1);
	w->address = got[0].address;
	assert_ok(driver_command(w->peer,
				 &(struct command){ .type = CMD_START },
				 on_started, w));
	assert_ok(driver_run(w->peer));
	assert_true(w->started);
	assert_int_equal(w->state, STATE_JOINED);
}

static void world_close(struct world *w)
{
	driver_free(w->peer);
	loop_free(w->loop);
	w->storage.close(w->storage.ctx);
	signer_close(w->signer, w->crypto);
	openssl_free(w->crypto);
	overlay_free(w->overlay);
	pki_clear(&w->pki);
}

/* A client of the peer, as the thin tools are. */
struct client {
	struct crypto *crypto;
	struct signer *signer;
	struct driver *driver;
	const struct result *res;
};

static void on_done(void *ctx, const struct result *res)
{
	struct client *c = ctx;

	c->res = res;
}

static enum err run(struct client *c, const struct command *cmd)
{
	enum err r;

	c->res = NULL;
	if ((r = driver_command(c->driver, cmd, on_done, c)) != OK ||
	    (r = driver_run(c->driver)) != OK)
		return r;
	assert_non_null(c->res);
	return c->res->err;
}

static void client_open(struct client *c, struct world *w, enum key_type type,
			uint8_t id_byte, uint64_t deadline_us)
{
	struct driver_config cfg = { .loop = w->loop,
				     .role = ROLE_CLIENT,
				     .overlay = w->overlay,
				     .bootstrap = &w->address,
				     .n_bootstrap = 1,
				     .deadline_us = deadline_us };

	assert_ok(anchor_open(w->overlay, &c->crypto));
	c->signer = pki_signer(&w->pki, id_byte, type);
	cfg.crypto = c->crypto;
	cfg.signer = c->signer;
	assert_ok(driver_new(&c->driver, &cfg, NULL));
}

static void client_close(struct client *c)
{
	driver_free(c->driver);
	signer_close(c->signer, c->crypto);
	openssl_free(c->crypto);
}

/* H(name), as the overlay has it. */
static struct node_id resource(const struct client *c, const char *name)
{
	struct slice in = slice_str(name);
	uint8_t out[HASH_LEN_MAX];
	struct node_id id = { 0 };
	size_t len;

	assert_ok(
		c->crypto->hash(c->crypto->ctx, HASH_SHA1, &in, 1, out, &len));
	memcpy(id.b, out, RING_ID_LEN);
	return id;
}

/* Put and get by a client with a key of each type; the result may be read after
 * driver_run(). */
static void store_and_fetch(uint8_t protocols)
{
	static const enum key_type types[] = { KEY_P256, KEY_RSA2048,
					       KEY_ED25519 };
	static uint8_t value[3000]; /* more than a datagram */
	struct world w;

	world_open(&w, protocols);
	memset(value, 'v', sizeof(value));
	for (size_t i = 0; i < N_OF(types); i++) {
		struct client c;
		struct store_item item = { .kind = KIND_VALUE,
					   .exists = true,
					   .value = { value, sizeof(value) },
					   .lifetime_s = 3600 };
		struct stored_data_specifier spec = { .kind = KIND_VALUE };
		const struct stored_data *v;

		client_open(&c, &w, types[i], (uint8_t)(0x20 + i), NEVER);
		assert_ok(run(&c, &(struct command){ .type = CMD_START }));
		struct node_id at = resource(&c, "alice@example.org");
		assert_ok(run(&c, &(struct command){ .type = CMD_STORE,
						     .resource = at,
						     .items = &item,
						     .n_items = 1 }));
		assert_ok(run(&c, &(struct command){ .type = CMD_FETCH,
						     .resource = at,
						     .specifiers = &spec,
						     .n_specifiers = 1 }));
		assert_int_equal(c.res->fetch->kind_responses.n, 1);
		v = c.res->fetch->kind_responses.v[0].values.v;
		assert_slice_equal(v->value.value,
				   slice_of(value, sizeof(value)));
		assert_string_equal(c.res->signers[0][0].user,
				    "alice@example.org");
		/* Another user's name is not ours to write at. */
		at = resource(&c, "bob@example.org");
		assert_err(run(&c, &(struct command){ .type = CMD_STORE,
						      .resource = at,
						      .items = &item,
						      .n_items = 1 }),
			   ERR_FORBIDDEN);
		client_close(&c);
	}
	world_close(&w);
}

/* 6940-4.2.2-D1 */
static void store_by_tls(void **state)
{
	(void)state;
	store_and_fetch(LINK_PROTOCOL_TLS);
}

/* The client tries TLS first: nobody is there.  6940-6.6-D1 */
static void store_by_dtls(void **state)
{
	(void)state;
	store_and_fetch(LINK_PROTOCOL_DTLS);
}

static void store_by_any(void **state)
{
	(void)state;
	store_and_fetch(0);
}

/* A document that permits none of what this node may use. */
static void no_protocol(void **state)
{
	struct driver_config cfg = { .role = ROLE_CLIENT,
				     .link_protocols = LINK_PROTOCOL_DTLS,
				     .deadline_us = NEVER };
	struct driver *d;
	struct why why;
	struct world w;

	(void)state;
	world_open(&w, 0);
	w.overlay->link_protocols = LINK_PROTOCOL_TLS;
	cfg.loop = w.loop;
	cfg.overlay = w.overlay;
	cfg.crypto = w.crypto;
	cfg.signer = w.signer;
	assert_err(driver_new(&d, &cfg, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "does not permit"));
	world_close(&w);
}

/* Nobody is there: the words say who was asked.  The deadline of the run ends
 * what would wait on. */
static void nobody(void **state)
{
	struct world w;
	struct client c;
	struct ip_address_port good;

	(void)state;
	world_open(&w, 0);
	good = w.address;
	w.address.port = 1;
	client_open(&c, &w, KEY_P256, 0x30, loop_now().mono_us + 5000000);
	assert_err(run(&c, &(struct command){ .type = CMD_START }),
		   ERR_NO_LINK);
	assert_non_null(strstr(driver_reason(c.driver), "127.0.0.1:1: "));
	client_close(&c);
	w.address = good;
	client_open(&c, &w, KEY_P256, 0x30, loop_now().mono_us);
	assert_err(run(&c, &(struct command){ .type = CMD_START }),
		   ERR_NO_LINK);
	client_close(&c);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_by_tls), cmocka_unit_test(store_by_dtls),
		cmocka_unit_test(store_by_any), cmocka_unit_test(no_protocol),
		cmocka_unit_test(nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
