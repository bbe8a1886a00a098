/* SPDX-License-Identifier: ISC */
/* Who may write what: RFC 6940 s7.3, RFC 7904 s3.3. */
#include "unit.h"

#include "../sim/toy.h"
#include "core/access.h"
#include "core/state.h"

static struct toy toy;
static struct overlay *o;
static struct node n;
static struct node_id ids[2];
static struct signer alice, nobody;

static int setup(void **state)
{
	struct toy_spec spec = { .issuer = TOY_CA,
				 .key = 1,
				 .user = "alice@sim.example.org",
				 .node_ids = ids,
				 .n_node_ids = 2,
				 .not_after_ms = UINT64_MAX };

	(void)state;
	memset(ids[0].b, 0x11, RING_ID_LEN);
	memset(ids[1].b, 0x22, RING_ID_LEN);
	assert_ok(toy_init(&toy));
	assert_ok(toy_signer_init(&toy, &spec, &alice));
	spec.user = "";
	assert_ok(toy_signer_init(&toy, &spec, &nobody));
	o = overlay_new();
	assert_non_null(o);
	memcpy(o->name, "sim.example.org", 16);
	n = (struct node){ .overlay = o, .cfg.crypto = &toy.crypto };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	toy_signer_clear(&toy, &alice);
	toy_signer_clear(&toy, &nobody);
	overlay_free(o);
	toy_clear(&toy);
	return 0;
}

static struct node_id hash_of(struct slice name)
{
	struct node_id id = { { 0 } };

	assert_ok(node_resource_id(&n, name, &id));
	return id;
}

/* May the certificate's node ids[in_use] write there? */
static enum err may(const struct kind *k, struct node_id resource,
		    const struct stored_value *v, const struct signer *s,
		    unsigned in_use)
{
	struct access_signer who = { s->cert, &ids[in_use] };
	struct why why = { "" };
	enum err r = access_check(&n, k, &resource, v, who, &why);

	/* A refusal has its reason. */
	assert_int_equal(r != OK, why.text[0] != '\0');
	return r;
}

/* 6940-7.3-R4 */
static void user_match(void **state)
{
	struct kind k = { .id = 9, .access = ACCESS_USER_MATCH };
	struct stored_value v = { .exists = true };

	(void)state;
	assert_ok(may(&k, hash_of(SLICE_LIT("alice@sim.example.org")), &v,
		      &alice, 0));
	assert_ok(may(&k, hash_of(SLICE_LIT("alice@sim.example.org")), NULL,
		      &alice, 1));
	assert_err(may(&k, hash_of(SLICE_LIT("bob@sim.example.org")), &v,
		       &alice, 0),
		   ERR_FORBIDDEN);
	assert_err(may(&k, hash_of(SLICE_LIT("alice@sim.example.or")), &v,
		       &alice, 0),
		   ERR_FORBIDDEN);
	/* No name is not the empty name. */
	assert_err(may(&k, hash_of(SLICE_LIT("")), &v, &nobody, 0),
		   ERR_FORBIDDEN);
	assert_err(may(&k, hash_of(id_slice(&ids[0], 16)), &v, &alice, 0),
		   ERR_FORBIDDEN);
}

/* 6940-7.3-R5 */
static void node_match(void **state)
{
	struct kind k = { .id = 9, .access = ACCESS_NODE_MATCH };
	struct stored_value v = { .exists = true };

	(void)state;
	assert_ok(may(&k, hash_of(id_slice(&ids[0], 16)), &v, &alice, 0));
	assert_ok(may(&k, hash_of(id_slice(&ids[1], 16)), &v, &nobody, 1));
	/* The certificate's other Node-ID is not the one in use. */
	assert_err(may(&k, hash_of(id_slice(&ids[1], 16)), &v, &alice, 0),
		   ERR_FORBIDDEN);
	assert_err(may(&k, hash_of(SLICE_LIT("alice@sim.example.org")), &v,
		       &alice, 0),
		   ERR_FORBIDDEN);
	/* Not at the Node-ID itself. */
	assert_err(may(&k, ids[0], &v, &alice, 0), ERR_FORBIDDEN);
}

/* 6940-7.3-R6 */
static void user_node_match(void **state)
{
	struct kind k = { .id = 9,
			  .model = MODEL_DICTIONARY,
			  .access = ACCESS_USER_NODE_MATCH };
	struct node_id at = hash_of(SLICE_LIT("alice@sim.example.org"));
	struct node_id other = hash_of(SLICE_LIT("bob@sim.example.org"));
	struct stored_value v = { .exists = true,
				  .key = id_slice(&ids[0], 16) };

	(void)state;
	assert_ok(may(&k, at, &v, &alice, 0));
	assert_ok(may(&k, at, NULL, &alice, 0));
	assert_err(may(&k, other, &v, &alice, 0), ERR_FORBIDDEN);
	assert_err(may(&k, other, NULL, &alice, 0), ERR_FORBIDDEN);
	assert_err(may(&k, at, &v, &nobody, 0), ERR_FORBIDDEN);
	/* A foreign key, the other own one, a part of it. */
	assert_err(may(&k, at, &v, &alice, 1), ERR_FORBIDDEN);
	v.key = SLICE_LIT("key");
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
	v.key = id_slice(&ids[0], 15);
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
	v.key = SLICE_LIT("");
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
	/* Dictionaries only. */
	v.key = id_slice(&ids[0], 16);
	k.model = MODEL_ARRAY;
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
}

/* 6940-7.3-R7 */
static void node_multiple(void **state)
{
	struct kind k = { .id = 9,
			  .access = ACCESS_NODE_MULTIPLE,
			  .max_node_multiple = 3 };
	struct stored_value v = { .exists = true };
	uint8_t name[17];
	struct node_id at;

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		memcpy(name, ids[0].b, 16);
		name[16] = (uint8_t)i;
		at = hash_of(slice_of(name, 17));
		assert_err(may(&k, at, &v, &alice, 0),
			   i <= 3 ? OK : ERR_FORBIDDEN);
		assert_err(may(&k, at, &v, &alice, 1), ERR_FORBIDDEN);
	}
	k.max_node_multiple = 1000; /* i is one byte */
	assert_ok(may(&k, at, &v, &alice, 0));
	assert_err(may(&k, hash_of(id_slice(&ids[0], 16)), &v, &alice, 0),
		   ERR_FORBIDDEN);
}

/* 7904-3.3-R2 7904-3.3-R3 7904-3.3-R4 7904-3.3-R5: registrations are of AORs
 * that the overlay admits; other Kinds are not asked. */
static void registrations(void **state)
{
	char *patterns[] = { (char[]){ "dht\\.example\\.com" },
			     (char[]){ ".*\\.example\\.org" } };
	struct kind k = { .id = KIND_SIP_REGISTRATION,
			  .model = MODEL_DICTIONARY,
			  .access = ACCESS_USER_NODE_MATCH };
	struct stored_value v = { .exists = true,
				  .key = id_slice(&ids[0], 16) };
	struct toy_spec spec = { .issuer = TOY_CA,
				 .key = 2,
				 .user = "alice",
				 .node_ids = ids,
				 .n_node_ids = 1 };
	struct node_id at = hash_of(SLICE_LIT("alice@sim.example.org"));
	struct signer s;

	(void)state;
	assert_ok(may(&k, at, &v, &alice, 0));
	assert_err(may(&k, hash_of(SLICE_LIT("bob@sim.example.org")), &v,
		       &alice, 0),
		   ERR_FORBIDDEN);
	v.key = id_slice(&ids[1], 16);
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
	v.key = id_slice(&ids[0], 16);
	o->domain_restriction = DOMAIN_OVERLAY;
	assert_ok(may(&k, at, &v, &alice, 0));
	memcpy(o->name, "dht.example.org", 16);
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
	o->domain_restriction = DOMAIN_PATTERNS;
	o->domain_patterns = patterns;
	o->n_domain_patterns = 2;
	assert_ok(may(&k, at, &v, &alice, 0));
	o->n_domain_patterns = 1;
	assert_err(may(&k, at, &v, &alice, 0), ERR_FORBIDDEN);
	k.id = 9;
	assert_ok(may(&k, at, &v, &alice, 0));
	/* A user name that is no AOR. */
	o->domain_restriction = DOMAIN_ANY;
	assert_ok(toy_signer_init(&toy, &spec, &s));
	at = hash_of(SLICE_LIT("alice"));
	assert_ok(may(&k, at, &v, &s, 0));
	k.id = KIND_SIP_REGISTRATION;
	assert_err(may(&k, at, &v, &s, 0), ERR_FORBIDDEN);
	toy_signer_clear(&toy, &s);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(user_match),    EACH(node_match),    EACH(user_node_match),
		EACH(node_multiple), EACH(registrations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
